package webm

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"testing"

	"inkwitness/capture"
	"inkwitness/capture/media"

	"pgregory.net/rapid"
)

// clip reads a test clip as the records of one segment: 25 pictures a second.
func clip(t testing.TB, codec media.Codec, segment uint32, start int64) []media.Record {
	t.Helper()
	name := map[media.Codec]string{
		media.VP8: "clip.vp8.ivf", media.VP9: "clip.vp9.ivf", media.AV1: "clip.av1.ivf", media.H264: "clip.h264",
	}[codec]
	b, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	cut := ivf
	if codec == media.H264 {
		cut = accessUnits
	}
	frames := cut(b)
	records := []media.Record{media.TrackStart{Segment: segment, Track: media.Video, Codec: codec, ClockRate: 90000}}
	for i, f := range frames {
		if codec == media.AV1 {
			f = f[2:] // RTP carries no temporal delimiter
		}
		w, _ := Dimensions(codec, f)
		records = append(records, media.Frame{
			Segment: segment, Track: media.Video, Key: w > 0, RTP: int64(i) * 3600, Arrival: start + int64(i)*40_000, Data: f,
		})
	}
	return records
}

func ivf(b []byte) (frames [][]byte) {
	for b = b[32:]; len(b) >= 12; {
		n := binary.LittleEndian.Uint32(b)
		frames = append(frames, b[12:12+n])
		b = b[12+n:]
	}
	return frames
}

// accessUnits cuts an Annex B stream with one slice to a picture.
func accessUnits(b []byte) (frames [][]byte) {
	var unit []byte
	b = bytes.ReplaceAll(b, []byte{0, 0, 0, 1}, []byte{0, 0, 1})
	for _, n := range bytes.Split(b, []byte{0, 0, 1})[1:] {
		unit = append(append(unit, 0, 0, 0, 1), n...)
		if kind := n[0] & 0x1f; kind == 1 || kind == 5 {
			frames = append(frames, unit)
			unit = nil
		}
	}
	return frames
}

// tone reads the packets of an Ogg Opus file, 50 a second.
func tone(t testing.TB, segment uint32, start int64) []media.Record {
	t.Helper()
	b, err := os.ReadFile("testdata/tone.opus")
	if err != nil {
		t.Fatal(err)
	}
	var packets [][]byte
	var packet []byte
	for len(b) > 27 { // pages, RFC 3533 section 6
		table := b[27 : 27+int(b[26])]
		b = b[27+len(table):]
		for _, n := range table {
			packet = append(packet, b[:n]...)
			b = b[n:]
			if n < 255 {
				packets = append(packets, packet)
				packet = nil
			}
		}
	}
	records := []media.Record{media.TrackStart{Segment: segment, Track: media.Audio, Codec: media.Opus, ClockRate: 48000, Channels: 2}}
	for i, p := range packets[2:] {
		records = append(records, media.Frame{
			Segment: segment, Track: media.Audio, Key: true, RTP: int64(i) * 960, Arrival: start + int64(i)*20_000, Data: p,
		})
	}
	return records
}

func source(records []media.Record) Source {
	return func() iter.Seq2[media.Record, error] {
		return func(yield func(media.Record, error) bool) {
			for _, r := range records {
				if !yield(r, nil) {
					return
				}
			}
		}
	}
}

func arrival(f media.Frame) int64 { return f.Arrival }

// probed is what ffprobe says of a file.
type probed struct {
	Format  struct{ Duration string }
	Streams []struct {
		Codec  string `json:"codec_name"`
		Width  int
		Frames string `json:"nb_read_frames"`
	}
	Packets []struct {
		Stream int    `json:"stream_index"`
		Time   string `json:"pts_time"`
	}
}

// probe decodes every frame of a file with ffmpeg and reports what ffprobe sees.
func probe(t *testing.T, file []byte) probed {
	t.Helper()
	name := filepath.Join(t.TempDir(), "out")
	if err := os.WriteFile(name, file, 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command("ffmpeg", "-v", "warning", "-xerror", "-i", name, "-fps_mode", "passthrough", "-enc_time_base", "1:1000", "-f", "null", "-").CombinedOutput(); err != nil || len(out) > 0 {
		t.Errorf("ffmpeg: %v: %s", err, out)
	}
	out, err := exec.Command("ffprobe", "-v", "error", "-count_frames", "-show_streams", "-show_packets", "-show_format", "-of", "json", name).Output()
	if err != nil {
		t.Fatal(err)
	}
	var p probed
	if err := json.Unmarshal(out, &p); err != nil {
		t.Fatal(err)
	}
	return p
}

func TestEveryCodecPlays(t *testing.T) {
	for _, codec := range []media.Codec{media.VP8, media.VP9, media.AV1, media.H264} {
		t.Run(codec.String(), func(t *testing.T) {
			var out bytes.Buffer
			res, err := Write(&out, Config{Video: source(clip(t, codec, 0, 0)), Audio: source(tone(t, 0, 0)), Time: arrival})
			if err != nil {
				t.Fatal(err)
			}
			if res.VideoFrames != 75 || res.AudioFrames < 150 || res.Width != 160 || res.Height != 120 || res.Bytes != int64(out.Len()) {
				t.Errorf("result %+v, want 75 pictures of 160x120 and %d bytes", res, out.Len())
			}
			p := probe(t, out.Bytes())
			if d, _ := strconv.ParseFloat(p.Format.Duration, 64); d < 2.9 || d > 3.1 {
				t.Errorf("duration %v s, want 3", p.Format.Duration)
			}
			if len(p.Streams) != 2 || p.Streams[0].Frames != "75" || p.Streams[0].Width != 160 || p.Streams[1].Codec != "opus" {
				t.Errorf("streams %+v, want 75 pictures and Opus", p.Streams)
			}
			last := 0.0
			for _, pk := range p.Packets {
				at, _ := strconv.ParseFloat(pk.Time, 64)
				if at < last {
					t.Errorf("a packet of %v s after one of %v s", at, last)
				}
				last = at
			}
		})
	}
}

func TestSeekingFindsKeyframes(t *testing.T) {
	var out bytes.Buffer
	if _, err := Write(&out, Config{Video: source(clip(t, media.VP8, 0, 0)), Audio: source(tone(t, 0, 0)), Time: arrival}); err != nil {
		t.Fatal(err)
	}
	name := filepath.Join(t.TempDir(), "out.webm")
	if err := os.WriteFile(name, out.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	// The second keyframe is at 2 s. Reading from 2.5 s begins there.
	b, err := exec.Command("ffprobe", "-v", "error", "-select_streams", "v", "-read_intervals", "2.5%+#1", "-show_entries", "packet=pts_time,flags", "-of", "csv=p=0", name).Output()
	if err != nil || !bytes.HasPrefix(b, []byte("2.000000,K")) {
		t.Errorf("the packet found is %q (%v), want the keyframe at 2 s", b, err)
	}
}

func TestAudioAloneAndVideoAlone(t *testing.T) {
	for name, cfg := range map[string]Config{
		"audio": {Audio: source(tone(t, 0, 0)), Time: arrival},
		"video": {Video: source(clip(t, media.VP8, 0, 0)), Time: arrival},
	} {
		t.Run(name, func(t *testing.T) {
			var out bytes.Buffer
			if _, err := Write(&out, cfg); err != nil {
				t.Fatal(err)
			}
			if p := probe(t, out.Bytes()); len(p.Streams) != 1 {
				t.Errorf("%d streams, want 1", len(p.Streams))
			}
		})
	}
}

func TestSegmentsShareOneTimeline(t *testing.T) {
	video := append(clip(t, media.VP8, 0, 0), clip(t, media.VP8, 5, 10_000_000)...)
	audio := append(tone(t, 0, 0), tone(t, 5, 10_000_000)...)
	var out bytes.Buffer
	res, err := Write(&out, Config{Video: source(video), Audio: source(audio), Time: arrival})
	if err != nil {
		t.Fatal(err)
	}
	p := probe(t, out.Bytes())
	if d, _ := strconv.ParseFloat(p.Format.Duration, 64); d < 12.9 || d > 13.1 || res.VideoFrames != 150 {
		t.Errorf("%v s with %d pictures, want 13 s with 150", d, res.VideoFrames)
	}
}

func TestCodecChange(t *testing.T) {
	video := append(clip(t, media.VP8, 0, 0), clip(t, media.H264, 1, 10_000_000)...)
	cfg := Config{Video: source(video), Audio: source(append(tone(t, 0, 0), tone(t, 1, 10_000_000)...)), Time: arrival}
	if _, err := Write(io.Discard, cfg); !errors.Is(err, ErrCodecChange) {
		t.Fatalf("Write: %v, want ErrCodecChange", err)
	}
	empty := append(slices.Clone(video), media.TrackStart{Segment: 2, Track: media.Video, Codec: media.VP9, ClockRate: 90000})
	parts, err := Parts(source(empty), cfg.Audio)
	if err != nil || len(parts) != 2 || parts[0].Video != media.VP8 || parts[1].Video != media.H264 {
		t.Fatalf("Parts = %+v, %v, want VP8 and H.264", parts, err)
	}
	for _, part := range parts {
		var out bytes.Buffer
		cfg.Segments = part.Segments
		if _, err := Write(&out, cfg); err != nil {
			t.Fatal(err)
		}
		probe(t, out.Bytes())
	}
}

func TestPartsOfNothing(t *testing.T) {
	started := source([]media.Record{media.TrackStart{Track: media.Video, Codec: media.VP8, ClockRate: 90000}})
	if parts, err := Parts(started, nil); err != nil || len(parts) != 0 {
		t.Errorf("Parts without a frame = %+v, %v, want none", parts, err)
	}
	if parts, err := Parts(nil, source(tone(t, 3, 0))); err != nil || len(parts) != 1 || parts[0].Video != 0 {
		t.Errorf("Parts of sound alone = %+v, %v, want one without video", parts, err)
	}
}

func TestErrors(t *testing.T) {
	frames := clip(t, media.VP8, 0, 0)
	broken := func() iter.Seq2[media.Record, error] {
		return func(yield func(media.Record, error) bool) { yield(nil, capture.ErrMalformed) }
	}
	calls := 0
	changing := func() iter.Seq2[media.Record, error] {
		calls++
		return source(frames[:len(frames)-calls])()
	}
	keyless := []media.Record{frames[0], media.Frame{Track: media.Video, Key: true, Data: []byte{1, 2, 3}}}
	tests := []struct {
		name string
		cfg  Config
		want error
	}{
		{"no source", Config{Time: arrival}, ErrNoFrames},
		{"no frame", Config{Video: source(nil), Time: arrival}, ErrNoFrames},
		{"source fails", Config{Video: broken, Time: arrival}, capture.ErrMalformed},
		{"source changes", Config{Video: changing, Time: arrival}, ErrChanged},
		{"frame before its track", Config{Video: source(frames[1:]), Time: arrival}, capture.ErrMalformed},
		{"keyframe without a size", Config{Video: source(keyless), Time: arrival}, capture.ErrMalformed},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if _, err := Write(io.Discard, test.cfg); !errors.Is(err, test.want) {
				t.Errorf("Write: %v, want %v", err, test.want)
			}
		})
	}
	full := Config{Video: source(frames), Time: arrival}
	if _, err := Write(fullDisk{}, full); !errors.Is(err, io.ErrShortWrite) {
		t.Errorf("on a full disk: %v, want its error", err)
	}
}

type fullDisk struct{}

func (fullDisk) Write([]byte) (int, error) { return 0, io.ErrShortWrite }

// TestEqualFramesGiveEqualBytes: whatever the times, the file is the same every
// time, its times rise, and all of its frames are there.
func TestEqualFramesGiveEqualBytes(t *testing.T) {
	video, audio := clip(t, media.VP8, 0, 0), tone(t, 0, 0)
	rapid.Check(t, func(t *rapid.T) {
		jitter := rapid.SliceOfN(rapid.Int64Range(-200_000, 200_000), 16, 16).Draw(t, "jitter")
		cfg := Config{Video: source(video), Audio: source(audio), Time: func(f media.Frame) int64 {
			return f.Arrival + jitter[f.RTP/960%16]
		}}
		var one, two bytes.Buffer
		res, err := Write(&one, cfg)
		if _, again := Write(&two, cfg); err != nil || again != nil || !bytes.Equal(one.Bytes(), two.Bytes()) {
			t.Fatalf("two writes differ: %v, %v", err, again)
		}
		last := map[media.Track]int64{media.Video: -1, media.Audio: -1}
		count := int64(0)
		for b, err := range blocks(cfg) {
			if err != nil || b.time <= last[b.frame.Track] {
				t.Fatalf("block at %d after %d: %v", b.time, last[b.frame.Track], err)
			}
			last[b.frame.Track] = b.time
			count++
		}
		if count != res.VideoFrames+res.AudioFrames {
			t.Fatalf("%d blocks, %d and %d frames", count, res.VideoFrames, res.AudioFrames)
		}
	})
}

// TestLongRecordingIsNotHeld writes 20 minutes, 1.4 GiB, to nowhere.
func TestLongRecordingIsNotHeld(t *testing.T) {
	frames := clip(t, media.VP8, 0, 0)[1:]
	long := func() iter.Seq2[media.Record, error] {
		return func(yield func(media.Record, error) bool) {
			yield(media.TrackStart{Track: media.Video, Codec: media.VP8, ClockRate: 90000}, nil)
			big := make([]byte, 48<<10)
			for i := range 30_000 {
				f := frames[i%len(frames)].(media.Frame)
				f.Data = append(big[:0], f.Data...)[:cap(big)]
				f.Arrival = int64(i) * 40_000
				if !yield(f, nil) {
					return
				}
			}
		}
	}
	grown := testing.AllocsPerRun(1, func() {
		res, err := Write(io.Discard, Config{Video: long, Time: arrival})
		if err != nil || res.Bytes < 1400<<20 || res.DurationMicros != 1_200_000_000 {
			t.Errorf("%+v, %v", res, err)
		}
	})
	p, err := plan(Config{Video: long, Time: arrival})
	if err != nil {
		t.Fatal(err)
	}
	held := len(p.front) + 32*len(p.clusters)
	t.Logf("1.4 GiB: %d bytes of index held, %.0f allocations", held, grown)
	if held > 100<<10 {
		t.Errorf("%d bytes are held for 20 minutes, want under 100 KiB", held)
	}
}

func TestNumberCoding(t *testing.T) {
	// RFC 8794 section 4.3: the value with all bits set is reserved.
	for n, want := range map[int64]string{0: "80", 126: "fe", 127: "407f", 16382: "7ffe", 16383: "203fff"} {
		if got := fmt.Sprintf("%x", appendSize(nil, n)); got != want {
			t.Errorf("size %d is %s, want %s", n, got, want)
		}
	}
	if got := appendID(nil, idCluster); !slices.Equal(got, []byte{0x1f, 0x43, 0xb6, 0x75}) {
		t.Errorf("id % x", got)
	}
}

// FuzzDimensions: no frame panics.
func FuzzDimensions(f *testing.F) {
	for _, codec := range []media.Codec{media.VP8, media.VP9, media.AV1, media.H264} {
		f.Add(uint8(codec), clip(f, codec, 0, 0)[1].(media.Frame).Data[:100])
	}
	f.Fuzz(func(t *testing.T, codec uint8, frame []byte) {
		c := media.Codec(codec%4 + 1)
		if w, h := Dimensions(c, frame); w < 0 || h < 0 || (w == 0) != (h == 0) && c != media.VP8 {
			t.Errorf("%dx%d", w, h)
		}
		privateData(c, frame, 2)
	})
}
