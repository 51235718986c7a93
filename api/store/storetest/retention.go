package storetest

import (
	"crypto"
	"errors"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"inkwitness/api"
	"inkwitness/api/ceremony"
	"inkwitness/api/store"
	"inkwitness/evidence"
	"inkwitness/evidence/renew"
	"inkwitness/evidence/retain"
)

var _ retain.Store = (*store.Store)(nil)

// purge: what is due is begun, finished and done; what was
// begun often comes last; a key goes with its last object, unless more may be stored under it.
func purge(t *testing.T, a *store.Accounts, clock *Clock) {
	ctx, c := t.Context(), a.Ceremonies()
	d := newDocument("org", "ada", clock.Now())
	must(t, c.CreateDocument(ctx, d))
	one, two := object("a/1", clock.Now()), object("a/2", clock.Now())
	one.DeleteAfter, two.DeleteAfter = clock.Now().Add(time.Hour), clock.Now().Add(2*time.Hour)
	must(t, a.Refer(ctx, "document:"+d.ID, []evidence.Object{one, two}))
	due := func(at time.Time, want ...string) {
		t.Helper()
		got, err := a.Due(ctx, at, 10)
		if err != nil || !slices.Equal(keysOf(got), want) {
			t.Errorf("due %v, %v, want %v", keysOf(got), err, want)
		}
	}
	now := clock.Now()
	due(now)
	if _, err := a.Begin(ctx, "a/1", now); !errors.Is(err, evidence.ErrHeld) {
		t.Errorf("begun before its time: %v", err)
	}
	due(now.Add(time.Hour), "a/1")
	due(now.Add(3*time.Hour), "a/1", "a/2")
	now = now.Add(3 * time.Hour)
	clock.Advance(3 * time.Hour)
	if b, err := a.Begin(ctx, "a/2", now); err != nil || b.Last {
		t.Errorf("first of two under a key: %+v, %v", b, err)
	}
	due(now, "a/1", "a/2") // what was interrupted keeps nothing else from being deleted
	if b, err := a.Begin(ctx, "a/1", now); err != nil || b.Last {
		t.Errorf("the last under a key of a draft, to which more may come: %+v, %v", b, err)
	}
	d.State = ceremony.Cancelled
	must(t, c.SaveDocument(ctx, d))
	if b, err := a.Begin(ctx, "a/1", now); err != nil || !b.Last {
		t.Errorf("begun again, of a closed document: %+v, %v", b, err)
	}
	due(now, "a/2", "a/1") // the least often begun first
	if _, err := a.Object(ctx, "a/1"); !errors.Is(err, evidence.ErrNotFound) {
		t.Errorf("something leads to an object that is being deleted: %v", err)
	}
	for range 2 {
		must(t, a.Finish(ctx, "a/1", []byte("receipt")))
	}
	must(t, a.Finish(ctx, "a/2", []byte("receipt 2")))
	due(now)
	kept, err := a.ObjectsOf(ctx, "d")
	if err != nil || len(kept) != 2 || kept[0].State != "gone" || string(kept[0].Receipt) != "receipt" || !kept[0].Gone.Equal(now) || kept[0].Class != evidence.ClassDeposit {
		t.Errorf("afterwards %+v, %v", kept, err)
	}
	var receipts []string
	must(t, a.Receipts(ctx, "d", func(key string, r []byte) error { receipts = append(receipts, key+" "+string(r)); return nil }))
	if !slices.Equal(receipts, []string{"a/1 receipt", "a/2 receipt 2"}) {
		t.Errorf("receipts %q", receipts)
	}
	// A blob that a late write left under a deleted key is an orphan; the receipt stays.
	if got, err := a.ClaimOrphans(ctx, []string{"a/1"}); err != nil || len(got) != 1 {
		t.Errorf("claimed %v, %v", got, err)
	}
	due(now)
	must(t, a.Swept(ctx, []string{"a/1"}))
	must(t, a.ForgetOrphans(ctx, now.AddDate(1, 0, 0)))
	if kept, err := a.ObjectsOf(ctx, "d"); err != nil || len(kept) != 2 || string(kept[0].Receipt) != "receipt" {
		t.Errorf("after the orphan was swept %+v, %v", kept, err)
	}
	if n, err := a.Unclassed(ctx); err != nil || n != 0 {
		t.Errorf("%d objects without a class, %v", n, err)
	}
}

func holds(t *testing.T, a *store.Accounts, clock *Clock) {
	ctx := t.Context()
	o := object("a/1", clock.Now())
	o.DeleteAfter = clock.Now()
	must(t, a.Refer(ctx, "document:d", []evidence.Object{o}))
	h, err := retain.NewHold("h1", "d", "marker of a dispute", "ada", clock.Now())
	must(t, err)
	must(t, a.AddHold(ctx, "org", h))
	held := func(at time.Time, want bool) {
		t.Helper()
		due, err := a.Due(ctx, at, 10)
		if err != nil || (len(due) == 0) != want {
			t.Errorf("at %v held: %v, %v, want %v", at, len(due) == 0, err, want)
		}
	}
	held(clock.Now(), true)
	if _, err := a.Begin(ctx, "a/1", clock.Now()); !errors.Is(err, evidence.ErrHeld) {
		t.Errorf("begun under a hold: %v", err)
	}
	held(clock.Now().Add(retain.Provisional+time.Second), false) // nobody agreed
	agreed, err := h.Agree("bob", clock.Now())
	must(t, err)
	must(t, a.SaveHold(ctx, h, agreed))
	if err := a.SaveHold(ctx, h, agreed); !errors.Is(err, api.ErrConflict) {
		t.Errorf("agreed twice: %v", err)
	}
	held(clock.Now().AddDate(20, 0, 0), true)
	if got, err := a.Holds(ctx, "d"); err != nil || len(got) != 1 || got[0] != agreed {
		t.Errorf("holds %+v, %v, want %+v", got, err, agreed)
	}
	ended, err := agreed.End("bob", clock.Now())
	must(t, err)
	must(t, a.SaveHold(ctx, agreed, ended))
	held(clock.Now(), true)
	lifted, err := ended.Lift("ada", clock.Now())
	must(t, err)
	must(t, a.SaveHold(ctx, ended, lifted))
	held(clock.Now(), false)
}

// locks: a row's lock is what it must be or longer, and what holds protect beyond
// its end is listed.
func locks(t *testing.T, a *store.Accounts, clock *Clock) {
	ctx := t.Context()
	soon := clock.Now().Add(time.Hour)
	one, two, three := object("a/1", clock.Now()), object("a/2", clock.Now()), object("a/3", clock.Now())
	one.Locked, two.Locked = soon, soon.Add(time.Hour)
	refer := func() { must(t, a.Refer(ctx, "document:d", []evidence.Object{one, two, three})) }
	refer()
	ending := func(before time.Time, after string, want ...string) {
		t.Helper()
		if got, err := a.LockEnding(ctx, before, after, 10); err != nil || !slices.Equal(keysOf(got), want) {
			t.Errorf("locks that end: %v, %v, want %v", keysOf(got), err, want)
		}
	}
	ending(soon.AddDate(1, 0, 0), "") // nothing is held
	h, err := retain.NewHold("h1", "d", "marker of a dispute", "ada", clock.Now())
	must(t, err)
	must(t, a.AddHold(ctx, "org", h))
	ending(soon.Add(time.Minute), "", "a/1")
	ending(soon.AddDate(1, 0, 0), "", "a/1", "a/2")
	ending(soon.AddDate(1, 0, 0), "a/1", "a/2")
	must(t, a.Locked(ctx, "a/1", soon.AddDate(0, 3, 0)))
	must(t, a.Locked(ctx, "a/1", soon))
	must(t, a.Checked(ctx, "a/1", clock.Now(), "marker"))
	refer() // who refers to it knows of the first lock alone
	one.Size++
	refer()
	two.Locked = time.Time{} // as an earlier release stored it
	refer()
	for key, want := range map[string]time.Time{"a/1": soon.AddDate(0, 3, 0), "a/2": soon.Add(time.Hour), "a/3": {}} {
		if o, err := a.Object(ctx, key); err != nil || !o.Locked.Equal(want) {
			t.Errorf("%s is locked until %v, %v, want %v", key, o.Locked, err, want)
		}
	}
}

func forgotten(t *testing.T, a *store.Accounts, clock *Clock) {
	ctx, c := t.Context(), a.Ceremonies()
	d := newDocument("org", "ada", clock.Now())
	must(t, c.CreateDocument(ctx, d))
	o := object("a/1", clock.Now())
	must(t, a.Refer(ctx, "document:"+d.ID, []evidence.Object{o}))
	must(t, c.AddGrant(ctx, ceremony.Grant{Kind: ceremony.LinkGrant, Document: d.ID, Signer: "s", Expires: clock.Now()}))
	end := d.Ends()
	ended := func(at time.Time, want int) {
		t.Helper()
		got, err := c.EndedDocuments(ctx, at, 10)
		if err != nil || len(got) != want {
			t.Errorf("ended %v, %v, want %d", got, err, want)
		}
	}
	ended(end, 0) // an object is left
	must(t, a.Refer(ctx, "document:"+d.ID, nil))
	_, err := a.Begin(ctx, "a/1", clock.Now())
	must(t, err)
	ended(end, 0)
	must(t, a.Finish(ctx, "a/1", []byte("r")))
	ended(end.Add(-time.Second), 0)
	ended(end, 1)
	must(t, c.Forget(ctx, d.ID, "test"))
	must(t, c.Forget(ctx, d.ID, "test"))
	if _, err := c.Document(ctx, d.ID); !errors.Is(err, ceremony.ErrNotFound) {
		t.Errorf("a forgotten document: %v", err)
	}
	if k, err := a.Key(ctx, "document:"+d.ID); err != nil || k.Erased == nil || k.Wrapped != nil {
		t.Errorf("its key %+v, %v", k, err)
	}
	subject, err := c.Subject(ctx, "org", "ada@example.org")
	must(t, err)
	must(t, c.ForgetSubject(ctx, subject.ID, "test"))
	if again, err := c.Subject(ctx, "org", "ada@example.org"); err != nil || again.ID == subject.ID {
		t.Errorf("a forgotten subject came back: %v", err)
	}
	all, err := c.AllSubjects(ctx, "", 10)
	if err != nil || len(all) != 1 {
		t.Errorf("%d subjects, %v", len(all), err)
	}
	ids, err := c.DocumentIDs(ctx, "", 10)
	if err != nil || len(ids) != 0 {
		t.Errorf("documents %v, %v", ids, err)
	}
	e := newDocument("org", "ada", clock.Now())
	e.State, e.Deposit = ceremony.Completed, &ceremony.Deposit{RetainUntil: clock.Now().AddDate(10, 0, 0)}
	must(t, c.CreateDocument(ctx, e))
	if ending, err := c.Ending(ctx, clock.Now().AddDate(9, 0, 0), 10); err != nil || len(ending) != 0 {
		t.Errorf("ending %v, %v", ending, err)
	}
	if ending, err := c.Ending(ctx, clock.Now().AddDate(10, 0, 0), 10); err != nil || len(ending) != 1 || ending[0].Owner != "ada" {
		t.Errorf("ending %v, %v", ending, err)
	}
	for i, want := range []bool{true, false} {
		if first, err := c.Noticed(ctx, e.ID, clock.Now()); err != nil || first != want {
			t.Errorf("told %d: %v, %v", i, first, err)
		}
	}
}

func checks(t *testing.T, a *store.Accounts, clock *Clock) {
	ctx := t.Context()
	must(t, a.Refer(ctx, "document:d", []evidence.Object{object("a/1", clock.Now()), object("a/2", clock.Now())}))
	if n, err := a.TotalSize(ctx); err != nil || n != 14 {
		t.Errorf("%d bytes, %v", n, err)
	}
	must(t, a.Checked(ctx, "a/1", clock.Now(), "rotten"))
	soon := clock.Now().Add(time.Second)
	if got, err := a.Damaged(ctx, soon, 10); err != nil || !slices.Equal(keysOf(got), []string{"a/1"}) {
		t.Errorf("damaged %v, %v", keysOf(got), err)
	}
	if n, err := a.CountDamaged(ctx); err != nil || n != 1 {
		t.Errorf("%d damaged, %v", n, err)
	}
	// What was damaged keeps its place among those that are to be read.
	if got, err := a.Unchecked(ctx, soon, 10); err != nil || !slices.Equal(keysOf(got), []string{"a/2", "a/1"}) {
		t.Errorf("unchecked %v, %v", keysOf(got), err)
	}
	if got, err := a.Damaged(ctx, clock.Now(), 10); err != nil || len(got) != 0 {
		t.Errorf("damaged, not read in this run: %v, %v", keysOf(got), err)
	}
	if got, err := a.Unchecked(ctx, clock.Now(), 10); err != nil || !slices.Equal(keysOf(got), []string{"a/2"}) {
		t.Errorf("unchecked in this run %v, %v", keysOf(got), err)
	}
	if kept, err := a.ObjectsOf(ctx, "d"); err != nil || kept[0].Damage != "rotten" || !kept[0].Checked.Equal(clock.Now()) || !kept[1].Checked.IsZero() {
		t.Errorf("kept %+v, %v", kept, err)
	}
	must(t, a.AppendAudit(ctx, api.Event{Kind: "k", Organisation: "o1"}))
	must(t, a.AppendAudit(ctx, api.Event{Kind: "k", Organisation: "o2"}))
	if n, broken, err := a.CheckAudit(ctx); err != nil || n != 2 || len(broken) != 0 {
		t.Errorf("%d chains, %v, %v", n, broken, err)
	}
	must(t, a.Care(ctx, "x one", clock.Now()))
	if got, err := a.CaredSince(ctx, "x ", clock.Now()); err != nil || !slices.Equal(got, []string{"x one"}) {
		t.Errorf("cared %v, %v", got, err)
	}
}

// evidenceRecords: a completed document waits for its first record, is found by
// what that rests on, and takes it along when it is forgotten.
func evidenceRecords(t *testing.T, a *store.Accounts, clock *Clock) {
	ctx, c := t.Context(), a.Ceremonies()
	d, draft := newDocument("org", "ada", clock.Now()), newDocument("org", "ada", clock.Now())
	d.State = ceremony.Completed
	must(t, c.CreateDocument(ctx, d))
	must(t, c.CreateDocument(ctx, draft))
	lists := func(what string, got []string, err error, want ...string) {
		t.Helper()
		if err != nil || !slices.Equal(got, want) {
			t.Errorf("%s: %v, %v, want %v", what, got, err, want)
		}
	}
	got, err := a.Unrecorded(ctx, "", 10)
	lists("without a record", got, err, d.ID)
	got, err = a.Unrecorded(ctx, d.ID, 10)
	lists("without a record, after the last", got, err)
	if _, _, err := a.EvidenceRecord(ctx, d.ID); !errors.Is(err, evidence.ErrNotFound) {
		t.Errorf("before the first: %v", err)
	}
	first := renew.Support{Hash: crypto.SHA256, Signature: "ECDSA P-256", Certificate: clock.Now().AddDate(1, 0, 0)}
	second := renew.Support{Hash: crypto.SHA512, Signature: "ECDSA P-256", Certificate: clock.Now().AddDate(9, 0, 0)}
	must(t, a.SaveRecord(ctx, d.ID, []byte("one"), first))
	got, err = a.Unrecorded(ctx, "", 10)
	lists("without a record, after it was made", got, err)
	got, err = a.Resting(ctx, first, "", 10)
	lists("resting on it", got, err, d.ID)
	clock.Advance(time.Hour)
	must(t, a.SaveRecord(ctx, d.ID, []byte("two"), second))
	must(t, a.SaveRecord(ctx, "never", []byte("x"), second)) // its document was deleted meanwhile
	if all, err := a.Supports(ctx); err != nil || !slices.Equal(all, []renew.Support{second}) {
		t.Errorf("rests on %v, %v", all, err)
	}
	got, err = a.Resting(ctx, first, "", 10)
	lists("still resting on the first", got, err)
	if record, made, err := a.EvidenceRecord(ctx, d.ID); err != nil || string(record) != "two" || !made.Equal(clock.Now()) {
		t.Errorf("record %q of %v, %v", record, made, err)
	}
	must(t, c.Forget(ctx, d.ID, "test"))
	if _, _, err := a.EvidenceRecord(ctx, d.ID); !errors.Is(err, evidence.ErrNotFound) {
		t.Errorf("of a forgotten document: %v", err)
	}
}

// claims: of several instances one does a task; one that stopped without a word
// keeps the others from it for a while only.
func claims(t *testing.T, a *store.Accounts, clock *Clock) {
	ctx := t.Context()
	claim := func(want bool) {
		t.Helper()
		if got, err := a.Claim(ctx, "x", clock.Now(), clock.Now().Add(-time.Hour)); err != nil || got != want {
			t.Errorf("claimed %v, %v, want %v", got, err, want)
		}
	}
	var won atomic.Int32
	var all sync.WaitGroup
	for range 20 {
		all.Go(func() {
			got, err := a.Claim(ctx, "y", clock.Now(), clock.Now().Add(-time.Hour))
			if err != nil {
				t.Error(err)
			}
			if got {
				won.Add(1)
			}
		})
	}
	all.Wait()
	if won.Load() != 1 {
		t.Errorf("%d of 20 do it", won.Load())
	}
	claim(true)
	claim(false)
	must(t, a.Unclaim(ctx, "x"))
	claim(true)
	clock.Advance(30 * time.Minute)
	claim(false)
	clock.Advance(31 * time.Minute)
	claim(true)
	clock.Advance(-48 * time.Hour) // a clock that was set back must not keep everybody away
	claim(true)
}
