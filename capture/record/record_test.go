package record

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"encoding/binary"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"inkwitness/capture"
	"inkwitness/capture/ink"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// wall is the real clock.
type wall struct{}

func (wall) Now() time.Time { return time.Now() }

func testKey(t testing.TB, b byte) cipher.AEAD {
	t.Helper()
	block, err := aes.NewCipher(slices.Repeat([]byte{b}, 32))
	if err != nil {
		t.Fatal(err)
	}
	aead, err := cipher.NewGCM(block)
	if err != nil {
		t.Fatal(err)
	}
	return aead
}

func testConfig(t testing.TB, dir string) Config {
	return Config{
		Dir: dir, AEAD: testKey(t, 1), Clock: wall{}, SyncEvery: time.Millisecond,
		ReserveBytes: 1 << 16, Logger: slog.New(slog.NewTextHandler(t.Output(), nil)),
		Free: func() (float64, error) { return 1, nil },
	}
}

// start opens a journal and runs it; stop ends it and must see no error.
func start(t testing.TB, cfg Config) (j *Journal, stop func()) {
	t.Helper()
	j, err := Open(cfg)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- j.Run(ctx) }()
	stop = sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("Run: %v", err)
		}
	})
	t.Cleanup(stop)
	return j, stop
}

func testID(n int) capture.SessionID {
	var raw [16]byte
	binary.BigEndian.PutUint64(raw[:], uint64(n))
	return capture.NewSessionID(raw)
}

func testNonce(n int) (nonce [32]byte) {
	binary.BigEndian.PutUint64(nonce[:], uint64(n))
	return nonce
}

func newSession(t testing.TB, j *Journal, n int) *Session {
	t.Helper()
	s, err := j.NewSession(t.Context(), testID(n), testNonce(n), fmt.Appendf(nil, "meta %d", n))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// batch is the n-th batch that a test session sends.
func batch(t testing.TB, n int) []byte {
	t.Helper()
	points := make([]capture.Point, 1+n%5)
	for i := range points {
		points[i] = capture.Point{Time: int64(n*5000 + i), X: int32(n), Y: int32(i), Pressure: uint16(n * 7), Down: true, Start: i == 0}
	}
	msg, err := ink.AppendBatch(nil, ink.Batch{Seq: uint64(n), Points: points})
	if err != nil {
		t.Fatal(err)
	}
	return msg
}

// send appends batches from..to-1 and waits until they are on disk.
func send(t testing.TB, s *Session, from, to int) {
	t.Helper()
	var last capture.Pending
	for n := from; n < to; n++ {
		p, err := s.AppendPen(t.Context(), batch(t, n), s.Now())
		if err != nil {
			t.Fatal(err)
		}
		last = p
	}
	head, err := last.Wait(t.Context())
	if err != nil || head.Next != uint64(to) {
		t.Fatalf("Wait = %d, %v, want %d", head.Next, err, to)
	}
}

// check reads the pen stream of a session back and compares it with what send
// sent, byte for byte.
func check(t testing.TB, j *Journal, n, want int) {
	t.Helper()
	s, err := j.Session(testID(n))
	if err != nil {
		t.Fatalf("session %d: %v", n, err)
	}
	r, err := s.Recording(t.Context())
	if err != nil {
		t.Fatalf("session %d: %v", n, err)
	}
	got := 0
	for frame, err := range r.Frames(capture.StreamPen) {
		if err != nil {
			t.Fatalf("session %d: %v", n, err)
		}
		if string(frame.Payload) != string(batch(t, got)) {
			t.Fatalf("session %d: batch %d is not what was sent", n, got)
		}
		got++
	}
	if got != want {
		t.Fatalf("session %d has %d batches, want %d", n, got, want)
	}
}

func TestASessionIsReadBackAfterARestart(t *testing.T) {
	cfg := testConfig(t, t.TempDir())
	j, stop := start(t, cfg)
	for n := range 3 {
		send(t, newSession(t, j, n), 0, 10+n)
	}
	stop()
	for range 3 { // each restart begins a segment
		j, stop = start(t, cfg)
		for n := range 3 {
			check(t, j, n, 10+n)
		}
		stop()
	}
	j, _ = start(t, cfg)
	s, err := j.Session(testID(1))
	if err != nil {
		t.Fatal(err)
	}
	if string(s.Meta()) != "meta 1" || s.Nonce() != testNonce(1) {
		t.Errorf("meta %q, nonce %x", s.Meta(), s.Nonce())
	}
	send(t, s, 11, 20)
	check(t, j, 1, 20)
	if got := j.Sessions(); !slices.Equal(got, []capture.SessionID{testID(0), testID(1), testID(2)}) {
		t.Errorf("Sessions() = %v", got)
	}
}

func TestPenPointsComeBackExactly(t *testing.T) {
	j, _ := start(t, testConfig(t, t.TempDir()))
	s := newSession(t, j, 1)
	send(t, s, 0, 20)
	r, err := s.Recording(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	got, err := r.Pen()
	if err != nil {
		t.Fatal(err)
	}
	var want []capture.Point
	for n := range 20 {
		b, err := ink.ParseBatch(batch(t, n))
		if err != nil {
			t.Fatal(err)
		}
		want = append(want, b.Points...)
	}
	if !slices.Equal(got, want) {
		t.Errorf("got %d points, want %d, or others", len(got), len(want))
	}
}

func TestSequenceRules(t *testing.T) {
	j, _ := start(t, testConfig(t, t.TempDir()))
	s := newSession(t, j, 1)
	send(t, s, 0, 5)
	other := append(slices.Clone(batch(t, 3)[:1]), batch(t, 3)[1:]...)
	other[len(other)-1] ^= 0x10
	tests := []struct {
		name string
		msg  []byte
		want error
		next uint64
	}{
		{"a double", batch(t, 3), nil, 5},
		{"other bytes for a known number", other, capture.ErrConflict, 5},
		{"a gap", batch(t, 6), capture.ErrGap, 5},
		{"not a batch", []byte{0x01}, capture.ErrMalformed, 5},
		{"the next one", batch(t, 5), nil, 6},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			p, err := s.AppendPen(t.Context(), test.msg, 0)
			if !errors.Is(err, test.want) {
				t.Fatalf("AppendPen: %v, want %v", err, test.want)
			}
			if err == nil {
				if head, err := p.Wait(t.Context()); err != nil || head.Next != test.next {
					t.Errorf("Wait = %d, %v, want %d", head.Next, err, test.next)
				}
			}
			if got := s.Head(capture.StreamPen).Next; got != test.next {
				t.Errorf("next is %d, want %d", got, test.next)
			}
		})
	}
}

func TestFinishedStreamsAreImmutable(t *testing.T) {
	cfg := testConfig(t, t.TempDir())
	j, stop := start(t, cfg)
	s := newSession(t, j, 1)
	send(t, s, 0, 5)
	want, err := s.FinishStream(t.Context(), capture.StreamPen)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Append(t.Context(), capture.StreamVideo, 0, 1, []byte("frame")); err != nil {
		t.Errorf("the video ends with the pen: %v", err)
	}
	for _, again := range []string{"in the same process", "after a restart"} {
		if _, err := s.AppendPen(t.Context(), batch(t, 5), 0); !errors.Is(err, capture.ErrFinished) {
			t.Errorf("%s: AppendPen: %v", again, err)
		}
		if got, err := s.FinishStream(t.Context(), capture.StreamPen); err != nil || got != want {
			t.Errorf("%s: FinishStream = %v, %v, want %v", again, got, err, want)
		}
		stop()
		j, stop = start(t, cfg)
		if s, err = j.Session(testID(1)); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Finish(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Append(t.Context(), capture.StreamVideo, 1, 2, []byte("frame")); !errors.Is(err, capture.ErrFinished) {
		t.Errorf("Append after Finish: %v", err)
	}
}

func TestReleasedSegmentsAreDeleted(t *testing.T) {
	dir := t.TempDir()
	cfg := testConfig(t, dir)
	cfg.SegmentBytes = 4096
	j, stop := start(t, cfg)
	a, b := newSession(t, j, 1), newSession(t, j, 2)
	for n := range 200 { // in turns, so that segments are shared
		send(t, a, n, n+1)
		if n < 5 {
			send(t, b, n, n+1)
		}
	}
	if err := j.Release(t.Context(), testID(1)); err != nil {
		t.Fatal(err)
	}
	if _, err := j.Session(testID(1)); !errors.Is(err, capture.ErrNotFound) {
		t.Errorf("a released session is there: %v", err)
	}
	if _, err := a.AppendPen(t.Context(), batch(t, 0), 0); !errors.Is(err, capture.ErrNotFound) {
		t.Errorf("a released session takes a batch: %v", err)
	}
	waitSegments(t, dir, 3) // the one that b shares, the one with the release, the active one
	for range 2 {
		stop()
		j, stop = start(t, cfg)
		if _, err := j.Session(testID(1)); !errors.Is(err, capture.ErrNotFound) {
			t.Errorf("a released session came back: %v", err)
		}
		check(t, j, 2, 5)
	}
	if st := j.Stats(); st.Damaged != 0 {
		t.Errorf("%d damaged places", st.Damaged)
	}
	if err := j.Release(t.Context(), testID(2)); err != nil {
		t.Fatal(err)
	}
	waitSegments(t, dir, 0)
}

// waitSegments waits until at most n segments are on disk.
func waitSegments(t *testing.T, dir string, n int) {
	t.Helper()
	var names []string
	for range 500 {
		names, _ = filepath.Glob(filepath.Join(dir, "*.seg"))
		if len(names) <= n {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Fatalf("%d segments are left, want %d", len(names), n)
}

func TestTwoJournalsCannotShareAFolder(t *testing.T) {
	cfg := testConfig(t, t.TempDir())
	start(t, cfg)
	if _, err := Open(cfg); err == nil {
		t.Error("a second journal opened the folder")
	}
}

func TestAWrongKeyIsAnError(t *testing.T) {
	cfg := testConfig(t, t.TempDir())
	j, stop := start(t, cfg)
	newSession(t, j, 1)
	stop()
	cfg.AEAD = testKey(t, 2)
	if _, err := Open(cfg); !errors.Is(err, capture.ErrDamaged) {
		t.Errorf("Open with another key: %v", err)
	}
}

func TestManyGoroutinesShareOneSync(t *testing.T) {
	cfg := testConfig(t, t.TempDir())
	cfg.SyncEvery = 10 * time.Millisecond
	j, _ := start(t, cfg)
	var wg sync.WaitGroup
	for n := range 50 {
		wg.Go(func() {
			s := newSession(t, j, n)
			for i := range 10 {
				send(t, s, i, i+1)
			}
		})
	}
	wg.Wait()
	for n := range 50 {
		check(t, j, n, 10)
	}
	if st := j.Stats(); st.Groups > 100 || st.Records != 50*11 {
		t.Errorf("%d records in %d groups", st.Records, st.Groups)
	}
}
