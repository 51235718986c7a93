package ledger_test

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"inkwitness/evidence"
	"inkwitness/evidence/evidencetest"
	"inkwitness/evidence/ledger"
	"inkwitness/evidence/proof"
)

func open(t *testing.T, s *evidencetest.LogStore, cosigner ledger.Cosigner) *ledger.Log {
	t.Helper()
	keys, _ := evidencetest.Keys()
	l, err := ledger.Open(t.Context(), ledger.Config{Origin: "sign.example.com/log", Outbox: s, Tiles: s, Keys: keys,
		Clock: &evidencetest.Clock{}, Cosigner: cosigner, Interval: time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func commitment(i int) evidence.Commitment {
	return evidence.Commit([32]byte{byte(i), byte(i >> 8), byte(i >> 16)})
}

func add(t *testing.T, s *evidencetest.LogStore, from, to int) {
	t.Helper()
	for i := from; i < to; i++ {
		if err := s.Add(commitment(i)); err != nil {
			t.Fatal(err)
		}
	}
}

func sequence(t *testing.T, l *ledger.Log, want int) {
	t.Helper()
	if n, err := l.Sequence(t.Context()); err != nil || n != want {
		t.Fatalf("sequenced %d, %v; want %d", n, err, want)
	}
}

// verify checks a proof as a stranger with the log's keys would.
func verify(t *testing.T, l *ledger.Log, i int) proof.Proof {
	t.Helper()
	file, err := l.Proof(t.Context(), commitment(i))
	if err != nil {
		t.Fatalf("entry %d: %v", i, err)
	}
	p, err := proof.Parse(file)
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Includes(evidence.Leaf(commitment(i))); err != nil {
		t.Errorf("entry %d: %v", i, err)
	}
	for _, k := range l.Keys() {
		if _, err := p.Checkpoint.Verify(k); err != nil {
			t.Errorf("entry %d: %v", i, err)
		}
	}
	return p
}

func TestEveryEntryIsProved(t *testing.T) {
	s := &evidencetest.LogStore{}
	l := open(t, s, nil)
	sizes := []int{1, 2, 7, 255, 256, 257, 700}
	from := 0
	var roots []proof.Checkpoint
	for _, size := range sizes {
		add(t, s, from, size)
		if _, err := l.Proof(t.Context(), commitment(size-1)); !errors.Is(err, evidence.ErrPending) {
			t.Errorf("before it has a place: %v", err)
		}
		sequence(t, l, size-from)
		sequence(t, l, 0)
		from = size
		for _, i := range []int{0, size / 2, size - 1} {
			if p := verify(t, l, i); p.Index != int64(i) || p.Checkpoint.Size != int64(size) {
				t.Errorf("entry %d has index %d of %d", i, p.Index, p.Checkpoint.Size)
			}
		}
		c, err := l.Checkpoint(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		parsed, err := proof.ParseCheckpoint(c)
		if err != nil {
			t.Fatal(err)
		}
		for _, older := range roots {
			path, err := l.Consistency(t.Context(), older.Size, parsed.Size)
			if err != nil {
				t.Fatal(err)
			}
			if err := proof.CheckConsistency(older.Size, parsed.Size, older.Root, parsed.Root, path); err != nil {
				t.Error(err)
			}
		}
		roots = append(roots, parsed)
	}
	if _, err := l.Proof(t.Context(), evidence.Commitment{}); !errors.Is(err, evidence.ErrNotFound) {
		t.Errorf("a stranger: %v", err)
	}
}

func TestKeysOfTheFirstStartStay(t *testing.T) {
	keys, _ := evidencetest.Keys()
	s := &evidencetest.LogStore{}
	cfg := ledger.Config{Origin: "o", Outbox: s, Tiles: s, Keys: keys, Clock: &evidencetest.Clock{}}
	a, err := ledger.Open(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	b, err := ledger.Open(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	for i, k := range a.Keys() {
		if k.String() != b.Keys()[i].String() {
			t.Errorf("key %d changed", i)
		}
	}
	if a.Keys()[0].Algorithm != proof.Ed25519 || len(a.Keys()) != 2 {
		t.Errorf("keys %v", a.Keys())
	}
}

// A service that moves to another address keeps its log: with entries in it or
// without, it has the name of the first start.
func TestLogKeepsItsName(t *testing.T) {
	for _, entries := range []int{0, 3} {
		keys, _ := evidencetest.Keys()
		s := &evidencetest.LogStore{}
		cfg := ledger.Config{Origin: "old.example/log", Outbox: s, Tiles: s, Keys: keys, Clock: &evidencetest.Clock{}}
		before, err := ledger.Open(t.Context(), cfg)
		if err != nil {
			t.Fatal(err)
		}
		add(t, s, 0, entries)
		sequence(t, before, entries)
		cfg.Origin = "new.example/log"
		l, err := ledger.Open(t.Context(), cfg)
		if err != nil {
			t.Fatal(err)
		}
		if l.Origin() != "old.example/log" || l.Keys()[0].String() != before.Keys()[0].String() {
			t.Errorf("with %d entries: %s by %s, want %s", entries, l.Origin(), l.Keys()[0], before.Keys()[0])
		}
		add(t, s, entries, entries+2)
		sequence(t, l, 2)
		for i := range entries + 2 {
			verify(t, l, i)
		}
	}
}

// Every write fails once, without and with its effect kept. Whatever happens,
// the next turn leaves a log in which each entry is proved once.
func TestFaults(t *testing.T) {
	for _, call := range []string{"integrate", "publish"} {
		for _, stored := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s stored=%v", call, stored), func(t *testing.T) {
				s := &evidencetest.LogStore{}
				l := open(t, s, nil)
				add(t, s, 0, 3)
				sequence(t, l, 3)
				add(t, s, 3, 5)
				broken := errors.New("disk on fire")
				s.FailAt = func(c string) (error, bool) {
					if c != call {
						return nil, true
					}
					return broken, stored
				}
				if _, err := l.Sequence(t.Context()); !errors.Is(err, broken) {
					t.Fatalf("got %v", err)
				}
				s.FailAt = nil
				if _, err := l.Sequence(t.Context()); err != nil {
					t.Fatal(err)
				}
				for i := range 5 {
					if p := verify(t, l, i); p.Index != int64(i) || p.Checkpoint.Size != 5 {
						t.Errorf("entry %d has index %d of %d", i, p.Index, p.Checkpoint.Size)
					}
				}
			})
		}
	}
}

// Several sequencers over one store: each turn has one winner, and no entry
// gets two places.
func TestSequencersRace(t *testing.T) {
	defer goleak.VerifyNone(t)
	s := &evidencetest.LogStore{}
	keys, _ := evidencetest.Keys()
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	var last *ledger.Log
	for range 4 {
		l, err := ledger.Open(t.Context(), ledger.Config{Origin: "o", Outbox: s, Tiles: s, Keys: keys,
			Clock: &evidencetest.Clock{}, Interval: time.Millisecond, Batch: 16})
		if err != nil {
			t.Fatal(err)
		}
		last = l
		wg.Go(func() {
			if err := l.Run(ctx); !errors.Is(err, context.Canceled) {
				t.Error(err)
			}
		})
	}
	const n = 300
	add(t, s, 0, n)
	last.Wake()
	deadline := time.Now().Add(20 * time.Second)
	for {
		h, err := s.Head(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if h.PublishedSize == n {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("stuck at %d", h.PublishedSize)
		}
		time.Sleep(time.Millisecond)
	}
	cancel()
	wg.Wait()
	for i := range n {
		verify(t, last, i)
	}
}

func TestTilePaths(t *testing.T) {
	s := &evidencetest.LogStore{}
	l := open(t, s, nil)
	if _, err := l.Checkpoint(t.Context()); !errors.Is(err, evidence.ErrNotFound) {
		t.Errorf("checkpoint of an empty log: %v", err)
	}
	add(t, s, 0, 300)
	sequence(t, l, 300)
	leaf := len(evidence.Leaf(commitment(0))) + 2
	for path, want := range map[string]int{
		"tile/0/000": 256 * 32, "tile/0/001.p/44": 44 * 32, "tile/0/001.p/7": 7 * 32, "tile/0/000.p/3": 3 * 32, "tile/1/000.p/1": 32,
		"tile/entries/000": 256 * leaf, "tile/entries/001.p/44": 44 * leaf, "tile/entries/001.p/1": leaf,
	} {
		if got, err := l.Tile(t.Context(), path); err != nil || len(got) != want {
			t.Errorf("%s: %d bytes, %v; want %d", path, len(got), err, want)
		}
	}
	for _, path := range []string{"tile/0/001", "tile/0/001.p/45", "tile/1/000", "tile/1/000.p/2", "tile/2/000.p/1", "tile/0/002.p/1", "tile/entries/001.p/45", "tile/0/x001/000"} {
		if _, err := l.Tile(t.Context(), path); !errors.Is(err, evidence.ErrNotFound) {
			t.Errorf("%s: %v", path, err)
		}
	}
	for _, path := range []string{"", "tile", "tile/0/1", "tile/0/0000", "tile/8/000", "tile/-1/000", "tile/0/000.p/0", "tile/0/000.p/256", "tile/0/000.p/03", "tile/0/x000/001", "tile/0/../000", "tile/00/000"} {
		if _, err := l.Tile(t.Context(), path); !errors.Is(err, evidence.ErrMalformed) {
			t.Errorf("%q: %v", path, err)
		}
	}
	if got := ledger.Path(ledger.TileID{Level: 0, N: 1234067}, 256); got != "tile/0/x001/x234/067" { // the example of C2SP tlog-tiles
		t.Error(got)
	}
}

type refusing struct{ err error }

func (r refusing) Cosign(context.Context, []byte, func(int64) ([]proof.Hash, error)) ([]byte, error) {
	return nil, r.err
}

// Without the witnesses nothing is published, and nothing is lost.
func TestRefusedCheckpointIsNotPublished(t *testing.T) {
	s := &evidencetest.LogStore{}
	no := errors.New("fork")
	l := open(t, s, refusing{no})
	add(t, s, 0, 2)
	if _, err := l.Sequence(t.Context()); !errors.Is(err, no) {
		t.Fatalf("got %v", err)
	}
	if _, err := l.Proof(t.Context(), commitment(0)); !errors.Is(err, evidence.ErrPending) {
		t.Errorf("proof without witnesses: %v", err)
	}
}

// While turns fail they are tried less and less often, not ten times a second.
func TestRunBacksOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &evidencetest.LogStore{}
		no := &counting{err: errors.New("witness is down")}
		l := open(t, s, no)
		add(t, s, 0, 1)
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error)
		go func() { done <- l.Run(ctx) }()
		time.Sleep(10 * time.Minute)
		cancel()
		if err := <-done; !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
		if no.n < 50 || no.n > 100 { // 14 while the wait doubles from 1 ms to 10 s, then one in 10 s
			t.Errorf("asked %d times in ten minutes", no.n)
		}
	})
}

type counting struct {
	n   int
	err error
}

func (c *counting) Cosign(context.Context, []byte, func(int64) ([]proof.Hash, error)) ([]byte, error) {
	c.n++
	return nil, c.err
}

func FuzzTilePath(f *testing.F) {
	f.Add("tile/0/x001/x234/067.p/5")
	f.Add("tile/entries/000")
	s := &evidencetest.LogStore{}
	keys, _ := evidencetest.Keys()
	l, err := ledger.Open(f.Context(), ledger.Config{Origin: "o", Outbox: s, Tiles: s, Keys: keys, Clock: &evidencetest.Clock{}})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, path string) {
		if _, err := l.Tile(t.Context(), path); err == nil {
			t.Error("an empty log has a tile")
		}
	})
}

func BenchmarkSequence(b *testing.B) {
	keys, _ := evidencetest.Keys()
	s := &evidencetest.LogStore{}
	l, err := ledger.Open(b.Context(), ledger.Config{Origin: "o", Outbox: s, Tiles: s, Keys: keys, Clock: &evidencetest.Clock{}})
	if err != nil {
		b.Fatal(err)
	}
	const batch = 1000
	for b.Loop() {
		b.StopTimer()
		for range batch {
			var c evidence.Commitment
			rand.Read(c[:])
			if err := s.Add(c); err != nil {
				b.Fatal(err)
			}
		}
		b.StartTimer()
		if _, err := l.Sequence(b.Context()); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(batch*b.N)/b.Elapsed().Seconds(), "entries/s")
}
