package rtc

import (
	"bufio"
	"bytes"
	"context"
	"crypto/aes"
	"crypto/cipher"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"iter"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/pion/webrtc/v4"
	pionmedia "github.com/pion/webrtc/v4/pkg/media"

	"inkwitness/capture"
	"inkwitness/capture/media"
	"inkwitness/capture/record"
	"inkwitness/capture/timeline"
	"inkwitness/capture/webm"
)

// childEnv names the folder of the journal for a test binary that is to be the
// server, in a process of its own: to be killed, or to be measured.
const childEnv = "INKWITNESS_RTC_CHILD"

// wall is the machine's clock.
type wall struct{}

func (wall) Now() time.Time { return time.Now() }

func journalConfig(dir string) record.Config {
	block, err := aes.NewCipher(make([]byte, 32))
	if err != nil {
		panic(err)
	}
	aead, err := cipher.NewGCM(block)
	if err != nil {
		panic(err)
	}
	return record.Config{Dir: dir, AEAD: aead, Clock: wall{}, MinFree: 1e-9}
}

// ask is what the parent writes to the child, a JSON value a line; reply is the
// answer.
type ask struct {
	Session int    // offer for this session
	SDP     string // empty: report
}

type reply struct {
	SDP       string
	Error     string
	CPUMicros int64 // user and system, of the process
	Memory    int64 // bytes resident
	Video     TrackStatus
	Audio     TrackStatus
}

// child is the server on a real journal. It never returns by itself.
func child(dir string) {
	fail := func(err error) {
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}
	journal, err := record.Open(journalConfig(dir))
	fail(err)
	go func() { fail(journal.Run(context.Background())) }()
	udp, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	fail(err)
	_ = udp.SetReadBuffer(8 << 20) // as far as net.core.rmem_max allows
	var mu sync.Mutex
	latest := make(map[string]Status)
	server, err := New(Config{UDP: udp, MaxSessions: 1000, Notify: func(s Status) {
		mu.Lock()
		defer mu.Unlock()
		latest[s.Resource] = s
	}})
	fail(err)
	go func() { fail(server.Run(context.Background())) }()

	in, out := json.NewDecoder(os.Stdin), json.NewEncoder(os.Stdout)
	for {
		var a ask
		if err := in.Decode(&a); err == io.EOF {
			os.Exit(0)
		} else {
			fail(err)
		}
		if a.SDP == "" {
			mu.Lock()
			fail(out.Encode(tally(latest)))
			mu.Unlock()
			continue
		}
		sink, err := journal.NewSession(context.Background(), sessionID(a.Session), [32]byte{byte(a.Session)}, nil)
		fail(err)
		answer, err := server.Offer(context.Background(), sink.ID(), a.SDP, sink)
		fail(err)
		fail(out.Encode(reply{SDP: answer.SDP}))
	}
}

func sessionID(n int) capture.SessionID {
	var raw [16]byte
	binary.BigEndian.PutUint64(raw[:], uint64(n))
	return capture.NewSessionID(raw)
}

func tally(latest map[string]Status) (r reply) {
	for _, s := range latest {
		r.Video.Packets += s.Video.Packets
		r.Video.Lost += s.Video.Lost
		r.Video.Frames += s.Video.Frames
		r.Video.Dropped += s.Video.Dropped
		r.Audio.Packets += s.Audio.Packets
		r.Audio.Lost += s.Audio.Lost
	}
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		panic(err)
	}
	r.CPUMicros = (u.Utime.Sec+u.Stime.Sec)*1e6 + u.Utime.Usec + u.Stime.Usec
	if b, err := os.ReadFile("/proc/self/statm"); err == nil {
		var total, resident int64
		fmt.Sscan(string(b), &total, &resident)
		r.Memory = resident * int64(os.Getpagesize())
	}
	return r
}

// process is a server in a process of its own.
type process struct {
	cmd *exec.Cmd
	in  *json.Encoder
	out *json.Decoder
}

func startProcess(t testing.TB, dir string, env ...string) *process {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(append(os.Environ(), childEnv+"="+dir), env...)
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	p := &process{cmd: cmd, in: json.NewEncoder(in), out: json.NewDecoder(bufio.NewReader(out))}
	t.Cleanup(func() { p.kill() })
	return p
}

// kill is kill -9.
func (p *process) kill() {
	_ = p.cmd.Process.Kill() // an error means that it is gone
	_ = p.cmd.Wait()
}

func (p *process) ask(t testing.TB, a ask) (r reply) {
	t.Helper()
	if err := p.in.Encode(a); err != nil {
		t.Fatal(err)
	}
	if err := p.out.Decode(&r); err != nil {
		t.Fatal(err)
	}
	return r
}

// clip is real VP8: 75 frames of 160x120 with keyframes at 0 and 50.
func clip(t testing.TB) (frames [][]byte) {
	t.Helper()
	b, err := os.ReadFile("../webm/testdata/clip.vp8.ivf")
	if err != nil {
		t.Fatal(err)
	}
	for b = b[32:]; len(b) >= 12; {
		n := binary.LittleEndian.Uint32(b)
		frames = append(frames, b[12:12+n])
		b = b[12+n:]
	}
	return frames
}

// TestKillInTheMiddle kills the server with SIGKILL while it records. What the
// journal has is a playable file up to less than a second before.
func TestKillInTheMiddle(t *testing.T) {
	for i := range 3 {
		dir := t.TempDir()
		server := startProcess(t, dir)
		p := newPage(t, webrtc.MimeTypeVP8)
		p.answer(t, server.ask(t, ask{Session: 1, SDP: p.offer(t, false)}).SDP)
		p.awaitConnected(t)
		sent := 40 + 17*i
		p.sendClip(t, sent)
		server.kill()
		p.pc.GracefulClose()

		got, file := recovered(t, dir)
		t.Logf("killed after %d frames: %d recovered", sent, got)
		// 200 ms to gather, 25 ms to share an fsync, and a busy machine.
		if got > sent || got < sent-20 {
			t.Errorf("%d frames recovered of %d sent, want all but the last 0.8 s", got, sent)
		}
		decoded(t, file, got)
	}
}

// recovered makes the file out of what a killed server left.
func recovered(t *testing.T, dir string) (frames int, file []byte) {
	t.Helper()
	journal, err := record.Open(journalConfig(dir))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	over := make(chan error)
	go func() { over <- journal.Run(ctx) }()
	defer func() {
		cancel()
		if err := <-over; err != nil {
			t.Error(err)
		}
	}()
	session, err := journal.Session(sessionID(1))
	if err != nil {
		t.Fatal(err)
	}
	recording, err := session.Recording(ctx)
	if err != nil {
		t.Fatal(err)
	}
	video := func() iter.Seq2[media.Record, error] { return stream(recording, capture.StreamVideo) }
	line, err := timeline.Build(timeline.Input{Video: video})
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	res, err := webm.Write(&out, webm.Config{Video: video, Time: line.FileMicros})
	if err != nil {
		t.Fatal(err)
	}
	return int(res.VideoFrames), out.Bytes()
}

func stream(r *record.Recording, s capture.Stream) iter.Seq2[media.Record, error] {
	return func(yield func(media.Record, error) bool) {
		for f, err := range r.Frames(s) {
			if err != nil {
				yield(nil, err)
				return
			}
			for m, err := range media.Records(f.Payload) {
				if !yield(m, err) || err != nil {
					return
				}
			}
		}
	}
}

// decoded has ffmpeg decode every frame of a file.
func decoded(t *testing.T, file []byte, frames int) {
	t.Helper()
	name := filepath.Join(t.TempDir(), "out.webm")
	if err := os.WriteFile(name, file, 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command("ffprobe", "-v", "error", "-count_frames", "-show_entries", "stream=nb_read_frames", "-of", "csv=p=0", name).CombinedOutput()
	if got := strings.TrimSpace(string(out)); err != nil || got != fmt.Sprint(frames) {
		t.Errorf("ffprobe decodes %q frames (%v), want %d", got, err, frames)
	}
}

// BenchmarkCaptureVideo measures the server, in a process that may use one
// core, journal and fsync included: streams of 640x480 at 25/s and 650 kbit/s
// with Opus. INKWITNESS_STREAMS sets how many; 150 is what one core of the
// machine that CAPTURE figures come from takes.
func BenchmarkCaptureVideo(b *testing.B) {
	streams := 150
	fmt.Sscan(os.Getenv("INKWITNESS_STREAMS"), &streams)
	for b.Loop() {
		server := startProcess(b, b.TempDir(), "GOMAXPROCS=1")
		empty := server.ask(b, ask{})
		full, stop := make(chan struct{}), make(chan struct{})
		var all sync.WaitGroup
		var sent atomic.Int64
		for i := range streams {
			p := newPage(b, webrtc.MimeTypeVP8)
			p.answer(b, server.ask(b, ask{Session: i, SDP: p.offer(b, false)}).SDP)
			p.awaitConnected(b)
			all.Go(func() { p.load(b, full, stop, &sent) })
		}
		close(full)
		time.Sleep(3 * time.Second)
		before, begun := server.ask(b, ask{}), time.Now()
		time.Sleep(20 * time.Second)
		after, took := server.ask(b, ask{}), time.Since(begun)
		close(stop)
		all.Wait()
		time.Sleep(QualityInterval + time.Second) // the last notices
		lost := sent.Load() - int64(server.ask(b, ask{}).Video.Frames)
		server.kill()

		cpu := 100 * float64(after.CPUMicros-before.CPUMicros) / float64(took.Microseconds()) / float64(streams)
		memory := float64(after.Memory-empty.Memory) / float64(streams) / (1 << 20)
		fmt.Printf("capture/video streams=%d lost=%d cpu=%.2f %% rss=%.1f MiB\n", streams, lost, cpu, memory)
		b.ReportMetric(float64(lost), "lost")
		b.ReportMetric(float64(after.Video.Frames-before.Video.Frames)/took.Seconds()/float64(streams), "frames/s")
		b.ReportMetric(cpu, "%cpu/stream")
		b.ReportMetric(memory, "MiB/stream")
	}
}

// load sends frames of 640x480 at 650 kbit/s: a keyframe of 20 KB each 2 s, the
// others 3 KB, and 50 packets of Opus a second.
// Until all are connected (full) it sends a picture a second.
func (p *page) load(b *testing.B, full, stop chan struct{}, sent *atomic.Int64) {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for i := 0; ; i++ {
		select {
		case <-stop:
			return
		case <-full:
			time.Sleep(rand.N(40 * time.Millisecond)) // cameras do not run in step
			tick.Reset(40 * time.Millisecond)
			full = nil
		case <-tick.C:
		}
		size := 3_000
		if i%50 == 0 {
			size = 20_000
		}
		f := append(fakeVP8(i, i%50 == 0), make([]byte, size)...)[:size]
		if err := p.video.WriteSample(pionmedia.Sample{Data: f, Duration: 40 * time.Millisecond}); err != nil {
			b.Error(err)
			return
		}
		sent.Add(1)
		for range 2 {
			if err := p.audio.WriteSample(pionmedia.Sample{Data: make([]byte, 80), Duration: 20 * time.Millisecond}); err != nil {
				b.Error(err)
				return
			}
		}
	}
}
