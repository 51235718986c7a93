package storetest

import (
	"errors"
	"testing"
	"time"

	"inkwitness/api"
	"inkwitness/api/dispute"
	"inkwitness/api/store"
	"inkwitness/evidence"
)

func cases(t *testing.T, a *store.Accounts, clock *Clock) {
	d := a.Disputes()
	ctx := t.Context()
	c := &dispute.Case{ID: api.NewID(), Organisation: "org", Owner: "ivan", Created: clock.Now(), KeepUntil: clock.Now().Add(time.Hour), Words: dispute.Words{Reference: "2026-17"}}
	must(t, d.CreateCase(ctx, c))
	if _, err := d.Case(ctx, api.NewID()); !errors.Is(err, dispute.ErrNotFound) {
		t.Errorf("unknown case: %v, want ErrNotFound", err)
	}
	stale, err := d.Case(ctx, c.ID)
	must(t, err)
	c.Question = "who?"
	must(t, d.SaveCase(ctx, c))
	if err := d.SaveCase(ctx, stale); !errors.Is(err, dispute.ErrStale) {
		t.Errorf("saved an old version: %v, want ErrStale", err)
	}
	if all, err := d.CasesOf(ctx, "org", "ivan"); err != nil || len(all) != 1 || all[0].Question != "who?" || all[0].Version != 2 {
		t.Errorf("cases of ivan: %+v, %v", all, err)
	}
	if all, err := d.CasesOf(ctx, "org", "ada"); err != nil || len(all) != 0 {
		t.Errorf("cases of ada: %d, %v", len(all), err)
	}
	c.Owner = "ada"
	must(t, d.SaveCase(ctx, c))
	for who, want := range map[string]int{"ada": 1, "ivan": 0} {
		if all, err := d.CasesOf(ctx, "org", who); err != nil || len(all) != want {
			t.Errorf("handed over, %s has %d cases, want %d: %v", who, len(all), want, err)
		}
	}
	if other, err := Accounts(t, a.Store).Disputes().Case(ctx, c.ID); err == nil {
		t.Errorf("opened case %q with another root key", other.Reference)
	}
	clock.Advance(time.Hour - time.Microsecond)
	if ended, err := d.EndedCases(ctx, clock.Now()); err != nil || len(ended) != 0 {
		t.Errorf("ended before its time: %v, %v", ended, err)
	}
	clock.Advance(time.Microsecond)
	if ended, err := d.EndedCases(ctx, clock.Now()); err != nil || len(ended) != 1 {
		t.Errorf("ended: %v, %v", ended, err)
	}
	must(t, d.DeleteCase(ctx, c.ID, evidence.Erasure{When: clock.Now(), Authority: "retention"}))
	if err := d.DeleteCase(ctx, c.ID, evidence.Erasure{}); !errors.Is(err, dispute.ErrNotFound) {
		t.Errorf("deleted twice: %v, want ErrNotFound", err)
	}
	if k, err := a.Store.Key(ctx, "case:"+c.ID); err != nil || k.Erased == nil || len(k.Wrapped) != 0 {
		t.Errorf("the key of a deleted case: %+v, %v", k, err)
	}
}

func openings(t *testing.T, a *store.Accounts, clock *Clock) {
	d := a.Disputes()
	ctx := t.Context()
	o := &dispute.Opening{ID: api.NewID(), Organisation: "org", Case: "c", Document: "d", Signer: "s", By: "ivan", State: dispute.Asked, Asked: clock.Now(), Ends: clock.Now().Add(time.Hour), Hours: 4,
		Text: dispute.Text{Reason: "the signature is disputed", Dispute: "2026-17"}}
	must(t, d.CreateOpening(ctx, o))
	if _, err := d.Opening(ctx, api.NewID()); !errors.Is(err, dispute.ErrNoOpening) {
		t.Errorf("unknown opening: %v, want ErrNoOpening", err)
	}
	stale, err := d.Opening(ctx, o.ID)
	must(t, err)
	equal(t, *stale, *o)
	must(t, o.Decide(clock.Now(), "ada", true, ""))
	must(t, d.SaveOpening(ctx, o))
	if err := d.SaveOpening(ctx, stale); !errors.Is(err, dispute.ErrStale) {
		t.Errorf("saved an old version: %v, want ErrStale", err)
	}
	// The database itself refuses one person as both.
	alone := *o
	alone.Decider = alone.By
	if err := d.SaveOpening(ctx, &alone); err == nil {
		t.Error("one person asked and agreed")
	}
	if all, err := d.OpeningsOf(ctx, "org", "", 10); err != nil || len(all) != 1 || all[0].State != dispute.Approved || all[0].Decider != "ada" || all[0].Reason != o.Reason {
		t.Errorf("openings: %+v, %v", all, err)
	}
	for of, want := range map[string]int{"c": 1, "another case": 0} {
		if all, err := d.OpeningsOf(ctx, "org", of, 10); err != nil || len(all) != want {
			t.Errorf("of %s: %d openings, want %d: %v", of, len(all), want, err)
		}
	}
	if all, err := d.OpeningsOf(ctx, "another", "", 10); err != nil || len(all) != 0 {
		t.Errorf("another organisation sees %d openings, %v", len(all), err)
	}
}
