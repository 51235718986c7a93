package vault_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
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
	if l.err == nil {
		l.locked[name] = until
	}
	return l.err
}

func (l *locking) Retained(_ context.Context, name string) (time.Time, error) {
	return l.locked[name], l.err
}

// Write implements vault.Blobs: what is written anew is not locked.
func (l *locking) Write(ctx context.Context, name string, fill func(io.Writer) error) error {
	delete(l.locked, name)
	return l.Blobs.Write(ctx, name, fill)
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
		if o.Lock || err == nil && !o.Locked.Equal(map[bool]time.Time{true: end}[lock]) {
			t.Errorf("the wish to lock it is %v, it is locked until %v", o.Lock, o.Locked)
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

// TestLockIsKept: a copy that is written again is locked again, one whose lock was
// lost or must last longer is locked, and a store that takes no lock does not
// count as one that has the object.
func TestLockIsKept(t *testing.T) {
	dirs := [2]*vault.Dir{}
	for i := range dirs {
		var err error
		if dirs[i], err = vault.OpenDir(t.TempDir()); err != nil {
			t.Fatal(err)
		}
	}
	away := errors.New("the store is away")
	store := &locking{Blobs: dirs[1], locked: map[string]time.Time{}, err: away}
	keys, _ := evidencetest.Keys()
	clock := &evidencetest.Clock{}
	end := clock.Now().AddDate(10, 0, 0)
	var missed []string
	open := func(need int) *vault.Vault {
		v, err := vault.New(vault.Config{Blobs: dirs[0], Copies: []vault.Blobs{store}, Need: need, Keys: keys, Clock: clock,
			Missed: func(name string, store int, err error) {
				missed = append(missed, fmt.Sprint(name, store, errors.Is(err, away)))
			}})
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	m := evidence.Meta{Key: "a", Class: evidence.ClassDeposit, Reason: "test", DeleteAfter: end, Subject: "s", Deposit: "d", Lock: true}
	if _, err := open(2).Put(t.Context(), m, strings.NewReader("x")); !errors.Is(err, away) {
		t.Errorf("acknowledged by one of two: %v", err)
	}
	v := open(1)
	o, err := v.Put(t.Context(), m, strings.NewReader("x"))
	if err != nil || !slices.Equal(missed, []string{"a2 true"}) {
		t.Fatalf("one of two has to have it: %v, missed %v", err, missed)
	}
	scrub := func(what string, repaired int, until time.Time) {
		t.Helper()
		if n, err := v.Scrub(t.Context(), o); err != nil || n != repaired || !store.locked["a"].Equal(until) {
			t.Errorf("%s: %d copies repaired, %v, locked until %v", what, n, err, store.locked["a"])
		}
	}
	if n, err := v.Scrub(t.Context(), o); n != 0 || !errors.Is(err, away) {
		t.Errorf("a copy that cannot be locked: %d repaired, %v", n, err)
	}
	store.err = nil
	scrub("the store is back", 1, end)
	scrub("all is well", 0, end)
	if err := dirs[1].Delete(t.Context(), "a"); err != nil {
		t.Fatal(err)
	}
	scrub("the copy was lost", 1, end)
	store.locked["a"] = end.Add(time.Hour)
	scrub("locked for longer than it must", 0, end.Add(time.Hour))
	o.Locked = end.AddDate(1, 0, 0)
	if err := v.Lock(t.Context(), o); err != nil || !store.locked["a"].Equal(o.Locked) {
		t.Errorf("extended: %v, locked until %v", err, store.locked["a"])
	}
	for _, blobs := range []vault.Blobs{dirs[0], dirs[1]} { // lost, and brought from a backup
		backup, err := vault.OpenDir(t.TempDir())
		if err == nil {
			err = v.CopyTo(t.Context(), backup, o)
		}
		if err == nil {
			err = blobs.Delete(t.Context(), "a")
		}
		if err == nil {
			err = v.BringFrom(t.Context(), backup, o)
		}
		if err != nil || !store.locked["a"].Equal(o.Locked) {
			t.Errorf("brought from a backup: %v, locked until %v", err, store.locked["a"])
		}
	}
	o.Locked = clock.Now()
	delete(store.locked, "a")
	scrub("its lock has ended", 0, time.Time{})
}

func TestLockNeedsS3(t *testing.T) {
	for _, address := range []string{"mem://?lock=compliance", "mem://?lock=governance"} {
		if _, err := vault.OpenBucket(t.Context(), address); err == nil || !strings.Contains(err.Error(), "only lock=compliance") {
			t.Errorf("%s: %v", address, err)
		}
	}
}
