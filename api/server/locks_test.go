package server

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"inkwitness/evidence/retain"
	"inkwitness/evidence/vault"
)

// locker is a store with locks that only get longer.
type locker struct {
	vault.Blobs
	mu     sync.Mutex
	locked map[string]time.Time
	err    error
}

func (l *locker) Retain(_ context.Context, name string, until time.Time) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.err == nil {
		l.locked[name] = until
	}
	return l.err
}

func (l *locker) Retained(_ context.Context, name string) (time.Time, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.locked[name], l.err
}

func (l *locker) fail(err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.err = err
}

// TestHoldExtendsTheLock: while a hold protects a deposit beyond its end, so does
// the lock of its store; a lock that was lost is found and set again.
func TestHoldExtendsTheLock(t *testing.T) {
	store := &locker{locked: map[string]time.Time{}}
	b := newBench(t, func(c *Config) {
		c.seams.blobs = func(b vault.Blobs) vault.Blobs { store.Blobs = b; return store }
	})
	ctx := t.Context()
	d := b.completed()
	b.must(b.purgeObjects(ctx))
	key, end := d.Deposit.Object.Key, d.Deposit.RetainUntil
	locked := func(when string, want time.Time) {
		t.Helper()
		if got, _ := store.Retained(ctx, key); !got.Equal(want) {
			t.Errorf("%s: locked until %v, want %v", when, got, want)
		}
	}
	locked("sealed", end)
	delete(store.locked, key)
	b.must(b.checkSelf(ctx))
	locked("its lock was lost", end)
	h, err := retain.NewHold("h", d.ID, "case 12", "ann", b.clock.Now())
	b.must(err)
	agreed, err := h.Agree("bob", b.clock.Now())
	b.must(err)
	b.must(b.accounts.AddHold(ctx, firstOrganisation, h))
	b.must(b.accounts.SaveHold(ctx, h, agreed))
	b.must(b.checkSelf(ctx))
	locked("held, years before its end", end)
	b.clock.set(end.AddDate(0, -1, 0))
	store.fail(errors.New("the store is away"))
	b.must(b.checkSelf(ctx))
	if n := gauge(t, b.damage.WithLabelValues("unread")); n == 0 {
		t.Error("no alarm though the lock could not be extended")
	}
	store.fail(nil)
	b.must(b.checkSelf(ctx))
	locked("held, a month before its end", b.clock.Now().Add(lockAhead))
	b.clock.set(end.AddDate(1, 0, 0))
	b.must(b.checkSelf(ctx))
	locked("held, a year after its end", b.clock.Now().Add(lockAhead))
}
