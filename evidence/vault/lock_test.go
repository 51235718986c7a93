package vault_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"inkwitness/evidence"
	"inkwitness/evidence/evidencetest"
	"inkwitness/evidence/vault"
)

// locking is a store that locks, or fails to.
type locking struct {
	vault.Blobs
	locked map[string]time.Time
	err    error
}

func (l *locking) Retain(_ context.Context, name string, until time.Time) error {
	l.locked[name] = until
	return l.err
}

// TestLockOrNothing: what must be locked is locked until its end, in each store
// that can; where a store should and does not, nothing is acknowledged.
func TestLockOrNothing(t *testing.T) {
	dir, err := vault.OpenDir(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	store := &locking{Blobs: dir, locked: map[string]time.Time{}}
	keys, _ := evidencetest.Keys()
	clock := &evidencetest.Clock{}
	v, err := vault.New(vault.Config{Blobs: store, Keys: keys, Clock: clock})
	if err != nil {
		t.Fatal(err)
	}
	end := clock.Now().AddDate(10, 0, 0)
	put := func(key string, lock bool) error {
		o, err := v.Put(t.Context(), evidence.Meta{Key: key, Class: evidence.ClassDeposit, Reason: "test", DeleteAfter: end, Subject: "s", Deposit: "d", Lock: lock}, strings.NewReader("x"))
		if o.Lock {
			t.Error("the object's row would hold the wish to lock it")
		}
		return err
	}
	if err := errors.Join(put("a", true), put("b", false)); err != nil || len(store.locked) != 1 || !store.locked["a"].Equal(end) {
		t.Errorf("%v, locked %v", err, store.locked)
	}
	store.err = errors.New("no object lock here")
	if err := put("c", true); !errors.Is(err, store.err) {
		t.Errorf("not locked and acknowledged: %v", err)
	}
}

func TestLockNeedsS3(t *testing.T) {
	for _, address := range []string{"mem://?lock=compliance", "mem://?lock=governance"} {
		if _, err := vault.OpenBucket(t.Context(), address); err == nil || !strings.Contains(err.Error(), "only lock=compliance") {
			t.Errorf("%s: %v", address, err)
		}
	}
}
