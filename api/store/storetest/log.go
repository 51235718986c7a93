package storetest

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"inkwitness/api/store"
	"inkwitness/evidence"
	"inkwitness/evidence/ledger"
)

func commitment(n int) evidence.Commitment { return sha256.Sum256(fmt.Appendf(nil, "deposit %d", n)) }

// log runs the real log on the tables: entries from several goroutines, two
// sequencers at once, proofs checked by the package itself.
func log(t *testing.T, a *store.Accounts, clock *Clock) {
	ctx := t.Context()
	open := func() *ledger.Log {
		l, err := ledger.Open(ctx, ledger.Config{Origin: "test.example/log", Outbox: a.Store, Tiles: a.Store, Keys: a.Keyring(), Clock: clock, Batch: 7})
		must(t, err)
		return l
	}
	one, two := open(), open()
	if head, err := a.Head(ctx); err != nil || head.Size != 0 {
		t.Fatalf("the head of an empty log is %+v, %v", head, err)
	}
	const entries = 30
	var group sync.WaitGroup
	for i := range entries {
		group.Go(func() {
			if err := a.AddLogEntry(ctx, commitment(i)); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	must(t, a.AddLogEntry(ctx, commitment(0))) // a second time changes nothing
	_, err := a.Position(ctx, commitment(0))
	wants(t, err, evidence.ErrPending)
	_, err = a.Position(ctx, commitment(entries))
	wants(t, err, evidence.ErrNotFound)
	for _, l := range []*ledger.Log{one, two} {
		group.Go(func() {
			for range entries {
				if _, err := l.Sequence(ctx); err != nil && !errors.Is(err, evidence.ErrConflict) {
					t.Errorf("sequence: %v", err)
				}
			}
		})
	}
	group.Wait()
	head, err := a.Head(ctx)
	must(t, err)
	equal(t, head.Size, entries)
	equal(t, head.PublishedSize, entries)
	places := map[int64]bool{}
	for i := range entries {
		place, err := a.Position(ctx, commitment(i))
		must(t, err)
		places[place] = true
		if _, err := one.Proof(ctx, commitment(i)); err != nil {
			t.Errorf("proof of entry %d: %v", i, err)
		}
	}
	equal(t, len(places), entries)
	wants(t, a.Integrate(ctx, ledger.Batch{From: 3, Note: []byte("late")}), evidence.ErrConflict)
	_, err = a.Tiles(ctx, []ledger.TileID{{Level: 0, N: 99}})
	wants(t, err, evidence.ErrNotFound)
	must(t, a.Publish(ctx, 1, []byte("older")))
	if head, err = a.Head(ctx); err != nil || head.PublishedSize != entries {
		t.Errorf("an older checkpoint took the place of the newer: %d, %v", head.PublishedSize, err)
	}
}

// leases: one instance at a time, until it ends, lets go, or has said nothing for
// too long; and a fork of the log is remembered until somebody decides.
func leases(t *testing.T, a *store.Accounts, clock *Clock) {
	ctx, now := t.Context(), clock.Now()
	const term = 30 * time.Second
	takes := func(holder string, at time.Time, want bool) {
		t.Helper()
		got, err := a.Lease(ctx, "something", holder, at, at.Add(term))
		must(t, err)
		equal(t, got, want)
	}
	takes("one", now, true)
	takes("two", now.Add(29*time.Second), false)
	takes("one", now.Add(20*time.Second), true)
	takes("two", now.Add(49*time.Second), false)
	takes("two", now.Add(50*time.Second), true)
	must(t, a.Unlease(ctx, "something", "one")) // not its own
	takes("one", now.Add(51*time.Second), false)
	must(t, a.Unlease(ctx, "something", "two"))
	takes("one", now.Add(51*time.Second), true)
	takes("two", now.Add(51*time.Second-time.Hour), true) // the other's clock was an hour ahead
	var won atomic.Int32
	atOnce(t, 8, nil, func(i int) error {
		ok, err := a.Lease(ctx, "another thing", fmt.Sprint("instance", i), now, now.Add(term))
		if ok {
			won.Add(1)
		}
		return err
	})
	equal(t, won.Load(), 1)

	at, err := a.LogForked(ctx)
	must(t, err)
	equal(t, at.IsZero(), true)
	must(t, a.ForkLog(ctx, now))
	at, err = a.LogForked(ctx)
	must(t, err)
	equal(t, at.Equal(now.Truncate(time.Microsecond)), true)
	must(t, a.ResumeLog(ctx))
	at, err = a.LogForked(ctx)
	must(t, err)
	equal(t, at.IsZero(), true)
}

// serials are higher one after the other and so are their times, whatever the
// clocks say; a clock that is ahead takes the others along by no more than it must.
func serials(t *testing.T, a *store.Accounts, _ *Clock) {
	now := time.Date(2030, 1, 1, 0, 0, 0, 400_900, time.UTC)
	seen := make(chan int64, 50)
	atOnce(t, cap(seen), nil, func(int) error {
		n, at, err := a.NextSerial(t.Context(), now)
		if late := at.Sub(now.Truncate(time.Millisecond)); late < 0 || late > 50*time.Millisecond {
			t.Errorf("serial %d is of %v, %v after now", n, at, late)
		}
		seen <- n
		return err
	})
	close(seen)
	given := map[int64]bool{}
	for n := range seen {
		if n <= 0 || given[n] {
			t.Errorf("serial %d was given twice or is not positive", n)
		}
		given[n] = true
	}
	last, lastAt := int64(0), time.Time{}
	for _, clock := range []time.Duration{time.Second, time.Second, 500 * time.Millisecond, 2 * time.Second} {
		n, at, err := a.NextSerial(t.Context(), now.Add(clock))
		must(t, err)
		if n <= last || !at.After(lastAt) || at.Before(now.Add(clock).Truncate(time.Millisecond)) {
			t.Errorf("serial %d of %v after %d of %v", n, at, last, lastAt)
		}
		last, lastAt = n, at
	}
	equal(t, lastAt, now.Add(2*time.Second).Truncate(time.Millisecond))
}
