package evidencetest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"inkwitness/evidence"
	"inkwitness/evidence/ledger"
)

// LogStore is a ledger.Outbox and ledger.Tiles in memory. It fails the calls
// that a test names in Fail, after or before their effect.
type LogStore struct {
	mu      sync.Mutex
	entries []evidence.LogEntry
	known   map[evidence.Commitment]bool
	placed  int // entries before this one have places, as each turn takes the oldest
	places  map[evidence.Commitment]int64
	tiles   map[ledger.TileID][]byte
	head    ledger.Head
	leader  string
	until   time.Time
	forked  bool

	// FailAt, when set, is called with the name of each call that writes; an
	// error from it fails the call, with stored its effect is kept.
	FailAt func(call string) (err error, stored bool)
}

// Guard is that of one of several instances over the same store.
func (s *LogStore) Guard(instance string) ledger.Guard { return logGuard{s, instance} }

type logGuard struct {
	*LogStore
	instance string
}

// Lead implements ledger.Guard.
func (g logGuard) Lead(_ context.Context, now, until time.Time) (bool, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.leader != g.instance && now.Before(g.until) {
		return false, nil
	}
	g.leader, g.until = g.instance, until
	return true, nil
}

// Yield implements ledger.Guard.
func (g logGuard) Yield(context.Context) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.leader == g.instance {
		g.until = time.Time{}
	}
	return nil
}

// Forked implements ledger.Guard.
func (g logGuard) Forked(context.Context) (bool, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.forked, nil
}

// Fork implements ledger.Guard.
func (g logGuard) Fork(context.Context, time.Time) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.forked = true
	return nil
}

// Resume lets a forked log go on.
func (s *LogStore) Resume() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.forked = false
}

// Add puts a commitment into the outbox, as the deposit's transaction does.
func (s *LogStore) Add(c evidence.Commitment) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.known[c] {
		return fmt.Errorf("commitment: %w", evidence.ErrExists)
	}
	if s.known == nil {
		s.known = map[evidence.Commitment]bool{}
	}
	s.known[c] = true
	s.entries = append(s.entries, evidence.LogEntry{ID: int64(len(s.entries) + 1), Commitment: c})
	return nil
}

// Pending implements ledger.Outbox.
func (s *LogStore) Pending(_ context.Context, n int) ([]evidence.LogEntry, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	waiting := s.entries[s.placed:]
	return slices.Clone(waiting[:min(n, len(waiting))]), nil
}

// Integrate implements ledger.Outbox.
func (s *LogStore) Integrate(_ context.Context, b ledger.Batch) error {
	return s.write("integrate", func() error {
		if s.head.Size != b.From {
			return fmt.Errorf("log head moved: %w", evidence.ErrConflict)
		}
		if s.places == nil {
			s.places, s.tiles = map[evidence.Commitment]int64{}, map[ledger.TileID][]byte{}
		}
		for i, e := range b.Entries {
			s.places[e.Commitment] = b.From + int64(i)
		}
		for _, t := range b.Tiles {
			if !bytes.HasPrefix(t.Data, s.tiles[t.TileID]) {
				return errors.New("an immutable tile changed")
			}
			s.tiles[t.TileID] = t.Data
		}
		s.placed += len(b.Entries)
		s.head.Size, s.head.Note = b.From+int64(len(b.Entries)), b.Note
		return nil
	})
}

func (s *LogStore) write(call string, effect func() error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	var failure error
	stored := true
	if s.FailAt != nil {
		failure, stored = s.FailAt(call)
	}
	if failure != nil && !stored {
		return failure
	}
	return errors.Join(effect(), failure)
}

// Position implements ledger.Outbox.
func (s *LogStore) Position(_ context.Context, c evidence.Commitment) (int64, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if i, ok := s.places[c]; ok {
		return i, nil
	}
	if s.known[c] {
		return 0, evidence.ErrPending
	}
	return 0, evidence.ErrNotFound
}

// Head implements ledger.Tiles.
func (s *LogStore) Head(context.Context) (ledger.Head, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.head, nil
}

// Tiles implements ledger.Tiles.
func (s *LogStore) Tiles(_ context.Context, ids []ledger.TileID) ([][]byte, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out [][]byte
	for _, id := range ids {
		data, ok := s.tiles[id]
		if !ok {
			return nil, fmt.Errorf("tile %v: %w", id, evidence.ErrNotFound)
		}
		out = append(out, data)
	}
	return out, nil
}

// Publish implements ledger.Tiles.
func (s *LogStore) Publish(_ context.Context, size int64, checkpoint []byte) error {
	return s.write("publish", func() error {
		if size > s.head.PublishedSize {
			s.head.PublishedSize, s.head.Published = size, checkpoint
		}
		return nil
	})
}

// LogBackend is a store of the log under test, with the outbox's writer.
type LogBackend interface {
	ledger.Outbox
	ledger.Tiles
}

// TestLogStore is the suite that every store of the log passes. add writes a
// commitment as the deposit's transaction does and commits.
func TestLogStore(t *testing.T, s LogBackend, add func(evidence.Commitment) error) {
	ctx := t.Context()
	a, b, c := evidence.Commitment{1}, evidence.Commitment{2}, evidence.Commitment{3}
	if h, err := s.Head(ctx); err != nil || h.Size != 0 || len(h.Published) != 0 {
		t.Errorf("head of an empty log: %+v, %v", h, err)
	}
	if _, err := s.Position(ctx, a); !errors.Is(err, evidence.ErrNotFound) {
		t.Errorf("place of a stranger: %v", err)
	}
	for _, x := range []evidence.Commitment{b, a} {
		if err := add(x); err != nil {
			t.Fatal(err)
		}
	}
	if err := add(a); !errors.Is(err, evidence.ErrExists) {
		t.Errorf("added twice: %v", err)
	}
	if _, err := s.Position(ctx, a); !errors.Is(err, evidence.ErrPending) {
		t.Errorf("place of one that waits: %v", err)
	}
	first, err := s.Pending(ctx, 10)
	if err != nil || len(first) != 2 || first[0].Commitment != b || first[1].Commitment != a || first[0].ID >= first[1].ID {
		t.Fatalf("pending %v, %v", first, err)
	}
	if one, err := s.Pending(ctx, 1); err != nil || len(one) != 1 || one[0] != first[0] {
		t.Errorf("pending, at most one: %v, %v", one, err)
	}
	tile, entries := ledger.TileID{Level: 0, N: 0}, ledger.TileID{Level: ledger.EntryLevel, N: 0}
	batch := ledger.Batch{From: 0, Entries: first, Note: []byte("note 2"),
		Tiles: []ledger.Tile{{TileID: tile, Data: []byte("two")}, {TileID: entries, Data: []byte("ba")}}}
	if err := s.Integrate(ctx, batch); err != nil {
		t.Fatal(err)
	}
	if err := s.Integrate(ctx, batch); !errors.Is(err, evidence.ErrConflict) {
		t.Errorf("integrated twice: %v", err)
	}
	if i, err := s.Position(ctx, a); err != nil || i != 1 {
		t.Errorf("place %d, %v", i, err)
	}
	if h, err := s.Head(ctx); err != nil || h.Size != 2 || string(h.Note) != "note 2" || h.PublishedSize != 0 {
		t.Errorf("head %+v, %v", h, err)
	}
	for size, note := range map[int64]string{2: "published 2", 1: "published 1"} {
		if err := s.Publish(ctx, size, []byte(note)); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Publish(ctx, 1, []byte("published 1")); err != nil {
		t.Fatal(err)
	}
	if h, err := s.Head(ctx); err != nil || h.PublishedSize != 2 || string(h.Published) != "published 2" {
		t.Errorf("a smaller tree was published over a larger: %+v, %v", h, err)
	}
	if err := add(c); err != nil {
		t.Fatal(err)
	}
	rest, err := s.Pending(ctx, 10)
	if err != nil || len(rest) != 1 || rest[0].Commitment != c {
		t.Fatalf("pending %v, %v", rest, err)
	}
	batch = ledger.Batch{From: 2, Entries: rest, Note: []byte("note 3"), Tiles: []ledger.Tile{{TileID: tile, Data: []byte("two and three")}}}
	if err := s.Integrate(ctx, batch); err != nil {
		t.Fatal(err)
	}
	got, err := s.Tiles(ctx, []ledger.TileID{entries, tile})
	if err != nil || string(got[0]) != "ba" || string(got[1]) != "two and three" {
		t.Errorf("tiles %q, %v", got, err)
	}
	if _, err := s.Tiles(ctx, []ledger.TileID{tile, {Level: 1}}); !errors.Is(err, evidence.ErrNotFound) {
		t.Errorf("missing tile: %v", err)
	}
}
