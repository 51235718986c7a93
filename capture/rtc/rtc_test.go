package rtc

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/pion/webrtc/v4"
	pionmedia "github.com/pion/webrtc/v4/pkg/media"
	"go.uber.org/goleak"

	"inkwitness/capture"
	"inkwitness/capture/media"
)

func TestMain(m *testing.M) {
	if dir := os.Getenv(childEnv); dir != "" {
		child(dir)
		return
	}
	goleak.VerifyTestMain(m)
}

// memory is a Sink that keeps its records and refuses gaps, as a journal does.
type memory struct {
	epoch    time.Time
	mu       sync.Mutex
	payloads map[capture.Stream][][]byte
	refuse   error // where set, the answer to every Append
}

func newMemory() *memory {
	return &memory{epoch: time.Now(), payloads: make(map[capture.Stream][][]byte)}
}

func (m *memory) Now() int64 { return time.Since(m.epoch).Microseconds() }

func (m *memory) Head(stream capture.Stream) capture.Head {
	m.mu.Lock()
	defer m.mu.Unlock()
	return capture.Head{Next: uint64(len(m.payloads[stream]))}
}

func (m *memory) Append(_ context.Context, stream capture.Stream, seq uint64, _ int64, payload []byte) (capture.Pending, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.refuse != nil {
		return nil, m.refuse
	}
	if seq != uint64(len(m.payloads[stream])) || len(payload) > media.MaxPayload {
		return nil, capture.ErrGap
	}
	m.payloads[stream] = append(m.payloads[stream], append([]byte(nil), payload...))
	return durable{}, nil
}

type durable struct{}

func (durable) Wait(context.Context) (capture.Head, error) { return capture.Head{}, nil }

func (m *memory) records(t testing.TB, stream capture.Stream) []media.Record {
	t.Helper()
	m.mu.Lock()
	defer m.mu.Unlock()
	var all []media.Record
	for _, p := range m.payloads[stream] {
		for r, err := range media.Records(p) {
			if err != nil {
				t.Fatal(err)
			}
			all = append(all, r)
		}
	}
	return all
}

func only[R media.Record](records []media.Record) []R {
	var out []R
	for _, r := range records {
		if r, ok := r.(R); ok {
			out = append(out, r)
		}
	}
	return out
}

// lossy drops a share of the packets that arrive and that leave.
type lossy struct {
	net.PacketConn
	share float64
	mu    sync.Mutex
	rnd   *rand.Rand
}

func (l *lossy) ReadFrom(b []byte) (int, net.Addr, error) {
	for {
		n, addr, err := l.PacketConn.ReadFrom(b)
		if err != nil || !l.drops(b[:n]) {
			return n, addr, err
		}
	}
}

func (l *lossy) WriteTo(b []byte, addr net.Addr) (int, error) {
	if l.drops(b) {
		return len(b), nil
	}
	return l.PacketConn.WriteTo(b, addr)
}

// drops decides on RTP and RTCP; ICE and DTLS pass (RFC 7983).
func (l *lossy) drops(b []byte) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(b) > 0 && b[0]&0xc0 == 0x80 && l.rnd.Float64() < l.share
}

type harness struct {
	*Server
	statuses chan Status
	stop     func()
}

func serve(t testing.TB, change func(*Config)) *harness {
	t.Helper()
	udp, err := net.ListenPacket("udp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	h := &harness{statuses: make(chan Status, 1000)}
	cfg := Config{UDP: udp, Notify: func(s Status) { h.statuses <- s }}
	if change != nil {
		change(&cfg)
	}
	if h.Server, err = New(cfg); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	over := make(chan error, 1)
	go func() { over <- h.Run(ctx) }()
	h.stop = sync.OnceFunc(func() {
		cancel()
		if err := <-over; err != nil {
			t.Errorf("Run: %v", err)
		}
	})
	t.Cleanup(h.stop)
	return h
}

// page is a sender, as a browser would be.
type page struct {
	pc    *webrtc.PeerConnection
	video *webrtc.TrackLocalStaticSample
	audio *webrtc.TrackLocalStaticSample
}

func newPage(t testing.TB, mime string, networks ...webrtc.NetworkType) *page {
	t.Helper()
	var s webrtc.SettingEngine
	s.SetIncludeLoopbackCandidate(true)
	if len(networks) > 0 {
		s.SetNetworkTypes(networks)
	}
	pc, err := webrtc.NewAPI(webrtc.WithSettingEngine(s)).NewPeerConnection(webrtc.Configuration{})
	if err != nil {
		t.Fatal(err)
	}
	p := &page{pc: pc}
	t.Cleanup(func() { pc.GracefulClose() })
	if p.video, err = webrtc.NewTrackLocalStaticSample(webrtc.RTPCodecCapability{MimeType: mime}, "video", "capture"); err != nil {
		t.Fatal(err)
	}
	if p.audio, err = webrtc.NewTrackLocalStaticSample(webrtc.RTPCodecCapability{MimeType: webrtc.MimeTypeOpus}, "audio", "capture"); err != nil {
		t.Fatal(err)
	}
	for _, track := range []webrtc.TrackLocal{p.video, p.audio} {
		tr, err := pc.AddTransceiverFromTrack(track, webrtc.RTPTransceiverInit{Direction: webrtc.RTPTransceiverDirectionSendonly})
		if err != nil {
			t.Fatal(err)
		}
		go func() { // RTCP must be read for retransmissions to be sent
			for buf := make([]byte, 1500); ; {
				if _, _, err := tr.Sender().Read(buf); err != nil {
					return
				}
			}
		}()
	}
	return p
}

func (p *page) offer(t testing.TB, restart bool) string {
	t.Helper()
	offer, err := p.pc.CreateOffer(&webrtc.OfferOptions{ICERestart: restart})
	if err != nil {
		t.Fatal(err)
	}
	gathered := webrtc.GatheringCompletePromise(p.pc)
	if err := p.pc.SetLocalDescription(offer); err != nil {
		t.Fatal(err)
	}
	<-gathered
	return p.pc.LocalDescription().SDP
}

func (p *page) answer(t testing.TB, sdp string) {
	t.Helper()
	if err := p.pc.SetRemoteDescription(webrtc.SessionDescription{Type: webrtc.SDPTypeAnswer, SDP: sdp}); err != nil {
		t.Fatal(err)
	}
}

// connect makes a page that is connected to the server.
func connect(t testing.TB, h *harness, session capture.SessionID, sink Sink) (*page, Answer) {
	t.Helper()
	p := newPage(t, webrtc.MimeTypeVP8)
	a, err := h.Offer(t.Context(), session, p.offer(t, false), sink)
	if err != nil {
		t.Fatal(err)
	}
	p.answer(t, a.SDP)
	return p, a
}

// send sends n video frames of 25 a second, a keyframe every 25, each with two
// packets of audio; every frame holds its number.
func (p *page) send(t testing.TB, from, n int) {
	t.Helper()
	tick := time.NewTicker(40 * time.Millisecond)
	defer tick.Stop()
	for i := from; i < from+n; i++ {
		<-tick.C
		if err := p.video.WriteSample(pionmedia.Sample{Data: fakeVP8(i, i%25 == 0), Duration: 40 * time.Millisecond}); err != nil {
			t.Fatal(err)
		}
		for range 2 {
			if err := p.audio.WriteSample(pionmedia.Sample{Data: []byte{0xfc, 0xff, 0xfe}, Duration: 20 * time.Millisecond}); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// fakeVP8 has the header of a VP8 frame, its number, and a size of some packets.
func fakeVP8(i int, key bool) []byte {
	b := make([]byte, 2600)
	b[0] = 1
	if key {
		copy(b, []byte{0x10, 0, 0, 0x9d, 0x01, 0x2a, 0x80, 0x02, 0xe0, 0x01})
	}
	copy(b[16:], fmt.Sprintf("frame %06d", i))
	return b
}

func (h *harness) await(t testing.TB, what string, ok func(Status) bool) Status {
	t.Helper()
	timeout := time.After(20 * time.Second)
	for {
		select {
		case s := <-h.statuses:
			if ok(s) {
				return s
			}
		case <-timeout:
			t.Fatalf("waited in vain for %s", what)
		}
	}
}

func (h *harness) awaitState(t testing.TB, state State) Status {
	t.Helper()
	return h.await(t, string(state), func(s Status) bool { return s.State == state })
}

func (p *page) awaitConnected(t testing.TB) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); p.pc.ConnectionState() != webrtc.PeerConnectionStateConnected; {
		if time.Now().After(deadline) {
			t.Fatal("not connected in 10 s")
		}
		time.Sleep(5 * time.Millisecond)
	}
}

func TestEveryFrameIsRecordedInOrder(t *testing.T) {
	h, sink := serve(t, nil), newMemory()
	p, a := connect(t, h, "s", sink)
	p.awaitConnected(t)
	p.send(t, 0, 75)
	time.Sleep(100 * time.Millisecond)
	if err := h.Close(t.Context(), a.Resource); err != nil {
		t.Fatal(err)
	}
	closed := h.awaitState(t, Closed)
	if closed.Err != nil {
		t.Errorf("closed with %v, want nil", closed.Err)
	}
	video := sink.records(t, capture.StreamVideo)
	if s := only[media.Segment](video); len(s) != 1 || s[0].Number != 0 || s[0].Reason != media.Started {
		t.Errorf("segments = %+v, want one, started", s)
	}
	if s := only[media.TrackStart](video); len(s) != 1 || s[0].Codec != media.VP8 || s[0].ClockRate != 90000 {
		t.Errorf("video track starts = %+v, want one of VP8 at 90000", s)
	}
	checkNumbers(t, only[media.Frame](video), 75)
	audio := sink.records(t, capture.StreamAudio)
	if n := len(only[media.Frame](audio)); n != 150 {
		t.Errorf("%d audio frames, want 150", n)
	}
	if e := only[media.TrackEnd](video); len(e) != 1 || e[0].Frames != 75 || e[0].Lost != 0 || e[0].Dropped != 0 {
		t.Errorf("video track ends = %+v, want one with 75 frames and none lost", e)
	}
	if len(only[media.SenderReport](video)) == 0 {
		t.Error("no sender report was kept")
	}
}

// checkNumbers wants the frames 0..n-1, none lost or doubled, with rising times.
func checkNumbers(t *testing.T, frames []media.Frame, n int) {
	t.Helper()
	if len(frames) != n {
		t.Errorf("%d video frames, want %d", len(frames), n)
	}
	for i, f := range frames {
		if want := fmt.Sprintf("frame %06d", i); string(f.Data[16:16+len(want)]) != want {
			t.Fatalf("frame %d holds %q", i, f.Data[16:28])
		}
		if f.Key != (i%25 == 0) || f.Gap {
			t.Errorf("frame %d: key %v, gap %v", i, f.Key, f.Gap)
		}
		if i > 0 && (f.RTP-frames[i-1].RTP != 3600 || f.Arrival < frames[i-1].Arrival) {
			t.Errorf("frame %d: times %d, %d after %d, %d", i, f.RTP, f.Arrival, frames[i-1].RTP, frames[i-1].Arrival)
		}
	}
}
