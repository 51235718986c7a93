package archive

import (
	"bytes"
	"context"
	"crypto/aes"
	"crypto/cipher"
	"encoding/json"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"inkwitness/capture"
	"inkwitness/capture/ink"
	"inkwitness/capture/inspect"
	"inkwitness/capture/media"
	"inkwitness/capture/record"
	"inkwitness/capture/stream"
)

type clock struct{}

func (clock) Now() time.Time { return time.Now() }

var nonce = [32]byte{1, 2, 3}

// Of a stream file: what it begins with, and the length of its header.
const (
	magic       = "INKSTRM1"
	headerBytes = len(magic) + 1 + 16 + 32
)

const session = capture.SessionID("00112233445566778899aabbccddeeff")

// recorded makes a real recording: three batches of pen samples, a clock
// exchange, device facts, and some frames of video.
func recorded(t *testing.T, video bool) (*record.Recording, []capture.Point) {
	t.Helper()
	block, err := aes.NewCipher(make([]byte, 32))
	if err != nil {
		t.Fatal(err)
	}
	aead, err := cipher.NewGCM(block)
	if err != nil {
		t.Fatal(err)
	}
	journal, err := record.Open(record.Config{Dir: t.TempDir(), AEAD: aead, Clock: clock{}, SyncEvery: time.Millisecond, Free: func() (float64, error) { return 1, nil }})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- journal.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("journal: %v", err)
		}
	})
	s, err := journal.NewSession(ctx, session, nonce, []byte(`{"kind":"signature"}`))
	if err != nil {
		t.Fatal(err)
	}
	points := draw(t, ctx, s)
	for _, c := range []capture.Control{
		{Kind: capture.ControlPen, Pen: &capture.PenFacts{Pointer: capture.Pen, HasPressure: true}},
		{Kind: capture.ControlClock, Clock: &capture.ClockExchange{ClientSend: 10_000, ServerReceive: 20_000, ServerSend: 20_100, ClientReceive: 10_500}},
	} {
		note, err := json.Marshal(c)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := s.Note(ctx, note); err != nil {
			t.Fatal(err)
		}
	}
	if video {
		shoot(t, ctx, s)
	}
	if err := s.Finish(ctx); err != nil {
		t.Fatal(err)
	}
	rec, err := s.Recording(ctx)
	if err != nil {
		t.Fatal(err)
	}
	return rec, points
}

func draw(t *testing.T, ctx context.Context, s *record.Session) (all []capture.Point) {
	t.Helper()
	for seq := range uint64(3) {
		var points []capture.Point
		for i := range 20 {
			n := int64(seq)*20 + int64(i)
			points = append(points, capture.Point{Time: 100_000 + 5000*n, X: int32(10 * n), Y: int32(500 - n*n), Pressure: uint16(1000 + 7*n), TiltX: 3000, Down: i < 18, Start: i == 0})
			if i >= 18 {
				points[i].Pressure = 0
			}
		}
		message, err := ink.AppendBatch(nil, ink.Batch{Seq: seq, Points: points})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := s.AppendPen(ctx, message, s.Now()); err != nil {
			t.Fatal(err)
		}
		all = append(all, points...)
	}
	return all
}

// shoot appends a video track of one decodable VP8 keyframe header and a few more
// frames; nothing here decodes them.
func shoot(t *testing.T, ctx context.Context, s *record.Session) {
	t.Helper()
	key := []byte{0x10, 0x02, 0x00, 0x9d, 0x01, 0x2a, 0x80, 0x02, 0xe0, 0x01, 0, 0, 0, 0} // RFC 6386, section 9.1: 640x480
	payload := media.Append(nil, media.Segment{Reason: media.Started})
	payload = media.Append(payload, media.TrackStart{Track: media.Video, Codec: media.VP8, ClockRate: 90_000, SSRC: 1})
	for n := range int64(25) {
		payload = media.Append(payload, media.Frame{Track: media.Video, Key: n == 0, RTP: 3600 * n, Arrival: 100_000 + 40_000*n, Data: key})
	}
	if _, err := s.Append(ctx, capture.StreamVideo, 0, s.Now(), payload); err != nil {
		t.Fatal(err)
	}
}

func file(t *testing.T, a Archive, name string) []byte {
	t.Helper()
	for _, f := range a.Files {
		if f.Name == name {
			var b bytes.Buffer
			if err := f.Write(&b); err != nil {
				t.Fatalf("write %s: %v", name, err)
			}
			return b.Bytes()
		}
	}
	t.Fatalf("the archive has no %s", name)
	return nil
}

func TestMakeKeepsEverySamplePoint(t *testing.T) {
	rec, points := recorded(t, true)
	a, err := Make(t.Context(), rec, Known{})
	if err != nil {
		t.Fatal(err)
	}
	got, head, err := stream.ReadPen(bytes.NewReader(file(t, a, inspect.PenName)))
	if err != nil {
		t.Fatal(err)
	}
	if len(got) != len(points) {
		t.Fatalf("%d points, want %d", len(got), len(points))
	}
	for i := range got {
		if got[i] != points[i] {
			t.Errorf("point %d is %+v, want %+v", i, got[i], points[i])
		}
	}
	if head != rec.Heads()[capture.StreamPen] {
		t.Error("the file's hash chain does not end where the recording's does")
	}
	csv := strings.Split(strings.TrimSpace(string(file(t, a, "strokes.csv"))), "\n")
	if len(csv) != len(points)+1 || !strings.HasPrefix(csv[1], "100000,0,500,1000,3000,0,0,1,1") {
		t.Errorf("the table has %d lines and begins with %q", len(csv), csv[1])
	}
	var facts Facts
	if err := json.Unmarshal(file(t, a, inspect.FactsName), &facts); err != nil {
		t.Fatal(err)
	}
	if facts.Session != session || facts.Points != len(points) || len(facts.Clocks) != 1 || facts.Pen == nil || facts.Streams["pen"].Records != 3 || facts.Streams["video"].Records != 1 {
		t.Errorf("facts %+v", facts)
	}
	if d := a.Device; d.Pointer != capture.Pen || !d.HasPressure || !d.HasInAir || !d.HasTilt {
		t.Errorf("device %+v", d)
	}
	if webm := file(t, a, "selfie.webm"); !bytes.HasPrefix(webm, []byte{0x1a, 0x45, 0xdf, 0xa3}) {
		t.Errorf("the video does not begin as EBML does: %x", webm[:4])
	}
	if line := file(t, a, inspect.TimelineName); !bytes.Contains(line, []byte(`"clock-exchanges"`)) || !bytes.Contains(line, []byte(`"VP8"`)) {
		t.Errorf("the timeline knows nothing of pen or video: %s", line)
	}
}

func TestMakingAgainGivesTheSameBytes(t *testing.T) {
	rec, _ := recorded(t, true)
	one, err := Make(t.Context(), rec, Known{})
	if err != nil {
		t.Fatal(err)
	}
	two, err := Make(t.Context(), rec, Known{})
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range one.Files {
		if !bytes.Equal(file(t, one, f.Name), file(t, two, f.Name)) {
			t.Errorf("%s differs the second time", f.Name)
		}
	}
}

func TestMakeWithoutVideo(t *testing.T) {
	rec, _ := recorded(t, false)
	a, err := Make(t.Context(), rec, Known{})
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range a.Files {
		if strings.HasPrefix(f.Name, "selfie") || f.Name == "video.stream" {
			t.Errorf("a recording without video has %s", f.Name)
		}
	}
}

func TestReaderRefusesDamage(t *testing.T) {
	rec, _ := recorded(t, false)
	a, err := Make(t.Context(), rec, Known{})
	if err != nil {
		t.Fatal(err)
	}
	good := file(t, a, inspect.PenName)
	huge := bytes.Clone(good)
	copy(huge[headerBytes+8:], []byte{0xff, 0xff, 0xff, 0xff})
	other := bytes.Clone(good)
	other[len(magic)] = byte(capture.StreamVideo)
	for name, test := range map[string]struct {
		file []byte
		want error
	}{
		"empty":             {nil, capture.ErrMalformed},
		"another format":    {append([]byte("INKSTRM9"), good[8:]...), capture.ErrMalformed},
		"a cut header":      {good[:headerBytes-1], capture.ErrMalformed},
		"a cut record":      {good[:len(good)-1], capture.ErrMalformed},
		"a cut length":      {good[:headerBytes+11], capture.ErrMalformed},
		"a length too high": {huge, capture.ErrLimit},
		"another stream":    {other, capture.ErrMalformed},
	} {
		if _, _, err := stream.ReadPen(bytes.NewReader(test.file)); !errors.Is(err, test.want) {
			t.Errorf("%s: %v, want %v", name, err, test.want)
		}
	}
	flipped := bytes.Clone(good)
	flipped[len(flipped)-1] ^= 1
	_, head, err := stream.ReadPen(bytes.NewReader(flipped))
	if err == nil && head == rec.Heads()[capture.StreamPen] {
		t.Error("a flipped bit leaves the chain as it was")
	}
}

func FuzzReader(f *testing.F) {
	var b bytes.Buffer
	w, err := stream.NewWriter(&b, stream.Header{Stream: capture.StreamPen, Session: session, Nonce: nonce})
	if err != nil {
		f.Fatal(err)
	}
	message, err := ink.AppendBatch(nil, ink.Batch{Points: []capture.Point{{Time: 1, X: 2, Y: 3, Down: true, Start: true}}})
	if err != nil {
		f.Fatal(err)
	}
	if err := w.Write(stream.Record{Arrived: 5, Payload: message}); err != nil {
		f.Fatal(err)
	}
	if _, err := w.Close(); err != nil {
		f.Fatal(err)
	}
	f.Add(b.Bytes())
	f.Fuzz(func(t *testing.T, file []byte) {
		r, err := stream.NewReader(bytes.NewReader(file))
		if err != nil {
			return
		}
		// What can be read is written again byte for byte.
		var again bytes.Buffer
		w, err := stream.NewWriter(&again, r.Header)
		if err != nil {
			t.Fatal(err)
		}
		for {
			record, err := r.Next()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				return
			}
			if err := w.Write(record); err != nil {
				t.Fatal(err)
			}
		}
		head, err := w.Close()
		if err != nil || head != r.Head() || !bytes.Equal(again.Bytes(), file) {
			t.Fatalf("written again: %v, heads equal %v", err, head == r.Head())
		}
	})
}
