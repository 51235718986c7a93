package storetest

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"inkwitness/api/store"
	"inkwitness/evidence"
	"inkwitness/evidence/vault"
)

// object is a stored object of a document, as the vault would return it.
func object(key string, stored time.Time) evidence.Object {
	return evidence.Object{
		Meta: evidence.Meta{Key: key, Class: evidence.ClassDeposit, Reason: "evidence of the signature", DeleteAfter: stored.AddDate(10, 0, 0),
			Subject: "signer", Deposit: "d", Region: "local", ContentType: "application/pdf"},
		DataKey: "data/d/signer", SHA256: evidence.Digest{1, 2, 3}, CRC32: 0xfffffffe, Size: 7, Stored: stored, Salt: evidence.Digest{4, 5, 6},
	}
}

func keysOf(objects []evidence.Object) (keys []string) {
	for _, o := range objects {
		keys = append(keys, o.Key)
	}
	return keys
}

func objects(t *testing.T, a *store.Accounts, clock *Clock) {
	ctx := t.Context()
	one, two := object("a/1", clock.Now()), object("a/2", clock.Now().Add(123*time.Nanosecond))
	must(t, a.Refer(ctx, "document:d", []evidence.Object{one, two}))
	if got, err := a.Object(ctx, "a/1"); err != nil || got != one {
		t.Errorf("read %+v, %v, want %+v", got, err, one)
	}
	must(t, a.Refer(ctx, "document:d", []evidence.Object{one, two})) // a save without a change
	page, err := a.Objects(ctx, "", 1)
	if err != nil || !slices.Equal(keysOf(page), []string{"a/1"}) {
		t.Errorf("first page %v, %v", keysOf(page), err)
	}
	page, err = a.Objects(ctx, "a/1", 10)
	if err != nil || !slices.Equal(keysOf(page), []string{"a/2"}) {
		t.Errorf("second page %v, %v", keysOf(page), err)
	}
	clock.Advance(time.Minute)
	must(t, a.Refer(ctx, "document:d", []evidence.Object{two}))
	if got, err := a.Object(ctx, "a/1"); err != nil || !got.DeleteAfter.Equal(clock.Now()) {
		t.Errorf("let go of at %v, %v, want it to end now, %v", got.DeleteAfter, err, clock.Now())
	}
	if got, err := a.Object(ctx, "a/2"); err != nil || !got.DeleteAfter.Equal(two.DeleteAfter.Truncate(time.Microsecond)) {
		t.Errorf("kept until %v, %v", got.DeleteAfter, err)
	}
	known, err := a.KnownObjects(ctx, append(many("none", 1200), "a/1", "a/2"))
	if err != nil || len(known) != 2 || !known["a/1"] || !known["a/2"] {
		t.Errorf("known %v, %v", known, err)
	}
	bad := object("a/3", clock.Now())
	bad.Class = ""
	if err := a.Refer(ctx, "document:d", []evidence.Object{two, bad}); !errors.Is(err, evidence.ErrNoClass) {
		t.Errorf("an object without a class: %v", err)
	}
	if _, err := a.Object(ctx, "a/3"); !errors.Is(err, evidence.ErrNotFound) {
		t.Errorf("a refused object has a row: %v", err)
	}
}

func many(name string, n int) (all []string) {
	for i := range n {
		all = append(all, name+strings.Repeat("x", i))
	}
	return all
}

// objectsWithTheirHolder: the rows stand and fall with the transaction of what
// refers to them.
func objectsWithTheirHolder(t *testing.T, a *store.Accounts, clock *Clock) {
	failed := errors.New("the holder could not be saved")
	err := a.Tx(t.Context(), func(ctx context.Context) error {
		must(t, a.Refer(ctx, "document:d", []evidence.Object{object("a/1", clock.Now())}))
		return failed
	})
	if !errors.Is(err, failed) {
		t.Fatal(err)
	}
	if _, err := a.Object(t.Context(), "a/1"); !errors.Is(err, evidence.ErrNotFound) {
		t.Errorf("the row is there without its holder: %v", err)
	}
}

// orphans: a blob is claimed before it is swept. Whoever was about to refer to
// it finds the claim, and stores it again.
func orphans(t *testing.T, a *store.Accounts, clock *Clock) {
	ctx := t.Context()
	var _ vault.Rows = a.Store
	before := object("late", clock.Now())
	must(t, a.Refer(ctx, "document:d", []evidence.Object{object("kept", clock.Now())}))
	got, err := a.ClaimOrphans(ctx, []string{"kept", "late", "other"})
	if err != nil || !slices.Equal(got, []string{"late", "other"}) {
		t.Fatalf("claimed %v, %v", got, err)
	}
	if err := a.Refer(ctx, "document:e", []evidence.Object{before}); !errors.Is(err, evidence.ErrConflict) {
		t.Errorf("referred to a blob that is being swept: %v", err)
	}
	if again, err := a.ClaimOrphans(ctx, []string{"late"}); err != nil || len(again) != 1 {
		t.Errorf("a sweep that starts again claims %v, %v", again, err)
	}
	clock.Advance(time.Second)
	must(t, a.Swept(ctx, got))
	if err := a.Refer(ctx, "document:e", []evidence.Object{before}); !errors.Is(err, evidence.ErrConflict) {
		t.Errorf("referred to a blob that was swept: %v", err)
	}
	clock.Advance(time.Second)
	must(t, a.Refer(ctx, "document:e", []evidence.Object{object("late", clock.Now())})) // stored again
	if got, err := a.ClaimOrphans(ctx, []string{"late"}); err != nil || len(got) != 0 {
		t.Errorf("claimed %v, %v, which has a row now", got, err)
	}
	must(t, a.ForgetOrphans(ctx, clock.Now().Add(25*time.Hour)))
	must(t, a.Refer(ctx, "document:f", []evidence.Object{object("other", clock.Now().Add(-time.Hour))}))
}

func care(t *testing.T, a *store.Accounts, clock *Clock) {
	ctx := t.Context()
	if at, err := a.Cared(ctx, "renewal"); err != nil || !at.IsZero() {
		t.Errorf("before the first time %v, %v", at, err)
	}
	for range 2 {
		clock.Advance(time.Hour)
		must(t, a.Care(ctx, "renewal", clock.Now()))
		if at, err := a.Cared(ctx, "renewal"); err != nil || !at.Equal(clock.Now()) {
			t.Errorf("noted %v, %v, want %v", at, err, clock.Now())
		}
	}
}

// swept: a crash between a blob and its row leaves an orphan, which goes once it
// is older than any transaction; a young one stays, and so does what has a row.
func swept(t *testing.T, a *store.Accounts, clock *Clock) {
	ctx, dir := t.Context(), t.TempDir()
	blobs, err := vault.OpenDir(dir)
	must(t, err)
	root, err := vault.LocalRoot(filepath.Join(t.TempDir(), "root.key"))
	must(t, err)
	v, err := vault.New(vault.Config{Blobs: blobs, Keys: vault.NewKeyring(a.Store, root), Clock: clock})
	must(t, err)
	put := func(key string, age time.Duration) evidence.Object {
		o, err := v.Put(ctx, object(key, clock.Now()).Meta, strings.NewReader(key))
		must(t, err)
		then := time.Now().Add(-age)
		must(t, os.Chtimes(filepath.Join(dir, key), then, then))
		return o
	}
	kept := put("kept", 2*time.Hour)
	must(t, a.Refer(ctx, "document:d", []evidence.Object{kept}))
	late := put("late", 2*time.Hour)
	put("young", time.Minute)
	hourAgo := time.Now().Add(-time.Hour)
	if s, err := v.CheckStructure(ctx, a, hourAgo); err != nil || s.Objects != 1 || s.Blobs[0] != 3 || !slices.Equal(s.Orphans, []string{"late"}) || s.Young != 1 || len(s.Missing) != 0 {
		t.Errorf("structure %+v, %v", s, err)
	}
	clock.Advance(time.Second)
	if n, err := v.Sweep(ctx, hourAgo, a.Store); err != nil || n != 1 {
		t.Errorf("swept %d, %v, want the old orphan", n, err)
	}
	for name, there := range map[string]bool{"kept": true, "late": false, "young": true} {
		if _, err := os.Stat(filepath.Join(dir, name)); (err == nil) != there {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := a.Refer(ctx, "document:e", []evidence.Object{late}); !errors.Is(err, evidence.ErrConflict) {
		t.Errorf("referred to a blob that was swept: %v", err)
	}
	must(t, os.Remove(filepath.Join(dir, "kept")))
	if s, err := v.CheckStructure(ctx, a, hourAgo); err != nil || len(s.Missing) != 1 || s.Missing[0] != (vault.Missing{Key: "kept", Store: 1}) {
		t.Errorf("a lost blob: %+v, %v", s, err)
	}
}
