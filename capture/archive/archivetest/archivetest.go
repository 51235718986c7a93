// Package archivetest makes recordings as the service keeps them, through the
// journal, for tests of what is done with them. Only tests import it.
package archivetest

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"encoding/json"
	"math"
	"testing"
	"time"

	"inkwitness/capture"
	"inkwitness/capture/archive"
	"inkwitness/capture/ink"
	"inkwitness/capture/media"
	"inkwitness/capture/record"
)

type clock struct{}

func (clock) Now() time.Time { return time.Now() }

// Of the video: 25 pictures a second of 20 kB, 4 Mbit/s, a keyframe each 4 s. A
// shorter one than the pen's has smaller pictures instead.
const (
	pictureMicros = 40_000
	pictureBytes  = 20_000
	fewest        = 40
	smallest      = 100
	keyEach       = 100
)

// Make returns the archive of a signature with so many bytes of video, 4,000 at
// least. The video is there twice: as it was recorded, and to be looked at. The
// archive can be read until the test ends.
func Make(t testing.TB, session capture.SessionID, video int64) archive.Archive {
	t.Helper()
	block, err := aes.NewCipher(make([]byte, 32))
	check(t, err)
	aead, err := cipher.NewGCM(block)
	check(t, err)
	journal, err := record.Open(record.Config{Dir: t.TempDir(), AEAD: aead, Clock: clock{}, SyncEvery: time.Millisecond, Free: func() (float64, error) { return 1, nil }})
	check(t, err)
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context())) // files are read in clean-ups, too
	done := make(chan error, 1)
	go func() { done <- journal.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("journal: %v", err)
		}
	})
	s, err := journal.NewSession(ctx, session, [32]byte{1, 2, 3}, []byte(`{"kind":"signature"}`))
	check(t, err)
	draw(t, ctx, s)
	for _, c := range []capture.Control{
		{Kind: capture.ControlPen, Pen: &capture.PenFacts{Pointer: capture.Pen, HasPressure: true}},
		{Kind: capture.ControlClock, Clock: &capture.ClockExchange{ClientSend: 10_000, ServerReceive: 20_000, ServerSend: 20_100, ClientReceive: 10_500}},
	} {
		note, err := json.Marshal(c)
		check(t, err)
		_, err = s.Note(ctx, note)
		check(t, err)
	}
	shoot(t, ctx, s, video)
	check(t, s.Finish(ctx))
	rec, err := s.Recording(ctx)
	check(t, err)
	a, err := archive.Make(ctx, rec, archive.Known{})
	check(t, err)
	return a
}

// draw appends a curve of a second, in batches of 50 ms.
func draw(t testing.TB, ctx context.Context, s *record.Session) {
	t.Helper()
	for seq := range uint64(20) {
		var points []capture.Point
		for i := range 10 {
			n := int64(seq)*10 + int64(i)
			a := float64(n) / 12
			points = append(points, capture.Point{Time: 100_000 + 5000*n, X: int32(40*a + 300*math.Sin(a)), Y: int32(200 * math.Cos(1.7*a)),
				Pressure: uint16(30_000 + 20_000*math.Sin(a/3)), Down: true, Start: n == 0})
		}
		message, err := ink.AppendBatch(nil, ink.Batch{Seq: seq, Points: points})
		check(t, err)
		_, err = s.AppendPen(ctx, message, 250_000+50_000*int64(seq))
		check(t, err)
	}
}

// shoot appends pictures of which the headers alone are good (RFC 6386, section 9.1):
// 640x480, and after that noise that no compression makes small.
func shoot(t testing.TB, ctx context.Context, s *record.Session, video int64) {
	t.Helper()
	pictures := max(video/pictureBytes, fewest)
	data := make([]byte, max(video/pictures, smallest))
	noise(data)
	for n := range pictures {
		var payload []byte
		if n == 0 {
			payload = media.Append(nil, media.Segment{Reason: media.Started})
			payload = media.Append(payload, media.TrackStart{Track: media.Video, Codec: media.VP8, ClockRate: 90_000, SSRC: 1})
		}
		copy(data, []byte{0x10, 0x02, 0x00, 0x9d, 0x01, 0x2a, 0x80, 0x02, 0xe0, 0x01})
		at := 100_000 + pictureMicros*n
		payload = media.Append(payload, media.Frame{Track: media.Video, Key: n%keyEach == 0, RTP: 3600 * n, Arrival: at, Data: data})
		_, err := s.Append(ctx, capture.StreamVideo, uint64(n), at, payload)
		check(t, err)
	}
}

// noise fills b by a linear congruential generator, the same bytes each time.
func noise(b []byte) {
	x := uint32(1)
	for i := range b {
		x = 1_664_525*x + 1_013_904_223
		b[i] = byte(x >> 24)
	}
}

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
