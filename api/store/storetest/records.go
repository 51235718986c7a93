package storetest

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"sync"
	"testing"
	"time"

	"inkwitness/api"
	"inkwitness/api/store"
)

func limits(t *testing.T, a *store.Accounts, clock *Clock) {
	ctx := t.Context()
	var mu sync.Mutex
	seen := map[int]int{}
	atOnce(t, 30, nil, func(int) error {
		n, _, err := a.Hit(ctx, "sign-in", "ann@example.org", time.Minute, clock.Now())
		mu.Lock()
		defer mu.Unlock()
		seen[n]++
		return err
	})
	for n := 1; n <= 30; n++ {
		if seen[n] != 1 {
			t.Errorf("count %d was given %d times", n, seen[n])
		}
	}
	began := clock.Now()
	clock.Advance(59 * time.Second)
	n, ends, err := a.Hit(ctx, "sign-in", "ann@example.org", time.Minute, clock.Now())
	must(t, err)
	if n != 31 || !ends.Equal(began.Add(time.Minute)) {
		t.Errorf("%d until %v", n, ends)
	}
	for _, other := range [][2]string{{"sign-in", "bob@example.org"}, {"codes", "ann@example.org"}} {
		if n, _, err = a.Hit(ctx, other[0], other[1], time.Minute, clock.Now()); err != nil || n != 1 {
			t.Errorf("%v: %d %v", other, n, err)
		}
	}
	clock.Advance(time.Second)
	if n, _, err = a.Hit(ctx, "sign-in", "ann@example.org", time.Minute, clock.Now()); err != nil || n != 1 {
		t.Errorf("in the next window: %d %v", n, err)
	}
	must(t, a.Clear(ctx, "codes", "ann@example.org"))
	if n, _, err = a.Hit(ctx, "codes", "ann@example.org", time.Minute, clock.Now()); err != nil || n != 1 {
		t.Errorf("after clearing: %d %v", n, err)
	}
}

func replies(t *testing.T, a *store.Accounts, clock *Clock) {
	ctx, key := t.Context(), [32]byte{7}
	begin := func() (api.Reply, bool) {
		now := clock.Now()
		r, claimed, err := a.BeginReply(ctx, key, now, now.Add(-time.Hour), now.Add(-time.Minute))
		must(t, err)
		return r, claimed
	}
	if won := atOnce(t, 20, api.ErrConflict, func(int) error {
		now := clock.Now()
		_, claimed, err := a.BeginReply(ctx, key, now, now.Add(-time.Hour), now.Add(-time.Minute))
		if err == nil && !claimed {
			err = api.ErrConflict
		}
		return err
	}); won != 1 {
		t.Errorf("claimed %d times", won)
	}
	if r, claimed := begin(); claimed || r.Done {
		t.Error("claimed twice")
	}
	must(t, a.DropReply(ctx, key))
	if _, claimed := begin(); !claimed {
		t.Error("a dropped key cannot be claimed")
	}
	clock.Advance(30 * time.Second)
	must(t, a.HoldReply(ctx, key, clock.Now()))
	clock.Advance(59 * time.Second)
	if _, claimed := begin(); claimed {
		t.Error("a claim that was renewed is lost")
	}
	clock.Advance(time.Second)
	if _, claimed := begin(); !claimed {
		t.Error("the claim of a server that died stays for ever")
	}
	want := api.Reply{Status: 201, ContentType: "application/json", Location: "/x", Body: []byte("body"), Request: [32]byte{9},
		Rights: []api.Right{{Action: api.Send, Object: api.Object{Kind: api.DocumentObject, Organisation: "o", Shared: []api.Action{api.Send}}}}, Done: true, Begun: clock.Now()}
	must(t, a.EndReply(ctx, key, want))
	must(t, a.HoldReply(ctx, key, clock.Now().Add(time.Second))) // comes too late, and changes nothing
	clock.Advance(59 * time.Minute)
	got, claimed := begin()
	if claimed {
		t.Error("answered and claimed")
	}
	equal(t, got, want)
	clock.Advance(time.Minute)
	if _, claimed := begin(); !claimed {
		t.Error("the answer is repeated for too long")
	}
}

func mails(t *testing.T, a *store.Accounts, clock *Clock) {
	ctx := t.Context()
	mail := func(id, org, account string) api.Mail {
		return api.Mail{ID: id, MessageID: "<" + id + "@x>", Organisation: org, Account: account, Kind: "invitation", State: api.MailQueued,
			Created: clock.Now(), Next: clock.Now(), To: "c@example.org", Language: "fr", Subject: "Sujet", Text: "Texte"}
	}
	must(t, a.AddMail(ctx, mail("m1", "o1", "ann")))
	double := mail("m1b", "o1", "ann")
	double.MessageID = "<m1@x>"
	must(t, a.AddMail(ctx, double))
	failed := errors.New("the caller's transaction failed")
	wants(t, a.Tx(ctx, func(ctx context.Context) error {
		must(t, a.AddMail(ctx, mail("m2", "o1", "bob")))
		return failed
	}), failed)
	clock.Advance(time.Second)
	must(t, a.AddMail(ctx, mail("m3", "o1", "bob")))
	all, err := a.Mails(ctx, "o1", "", 10)
	must(t, err)
	equal(t, all, []api.Mail{mail("m3", "o1", "bob"), func() api.Mail {
		m := mail("m1", "o1", "ann")
		m.Created, m.Next = clock.Now().Add(-time.Second), clock.Now().Add(-time.Second)
		return m
	}()})
	for _, q := range []struct {
		org, account string
		want         int
	}{{"o1", "ann", 1}, {"o1", "carl", 0}, {"o2", "", 0}} {
		if got, err := a.Mails(ctx, q.org, q.account, 10); err != nil || len(got) != q.want {
			t.Errorf("%+v: %d %v", q, len(got), err)
		}
	}

	// Two senders never hold the same mail.
	var mu sync.Mutex
	leased := map[string]int{}
	atOnce(t, 8, nil, func(int) error {
		due, err := a.DueMails(ctx, clock.Now(), clock.Now().Add(time.Minute), 1)
		mu.Lock()
		defer mu.Unlock()
		for _, m := range due {
			leased[m.ID]++
		}
		return err
	})
	equal(t, leased, map[string]int{"m1": 1, "m3": 1})
	clock.Advance(time.Minute)
	due, err := a.DueMails(ctx, clock.Now(), clock.Now().Add(time.Minute), 10)
	must(t, err)
	if len(due) != 2 {
		t.Fatalf("a lease outlives its sender: %+v", due)
	}
	due[0].State, due[0].Tries, due[0].Sent = api.MailSent, 1, clock.Now()
	must(t, a.SettleMail(ctx, due[0]))
	due[1].Tries, due[1].Next, due[1].Problem = 1, clock.Now().Add(time.Hour), "refused"
	must(t, a.SettleMail(ctx, due[1]))
	clock.Advance(time.Hour)
	due, err = a.DueMails(ctx, clock.Now(), clock.Now().Add(time.Minute), 10)
	must(t, err)
	if len(due) != 1 || due[0].ID != "m3" || due[0].Problem != "refused" || due[0].Tries != 1 {
		t.Errorf("%+v", due)
	}
	must(t, a.Sweep(ctx, clock.Now().Add(31*24*time.Hour)))
	rest, err := a.AllMails(ctx, 10)
	must(t, err)
	if len(rest) != 1 || rest[0].ID != "m3" {
		t.Errorf("%+v", rest)
	}
}

func audit(t *testing.T, a *store.Accounts, clock *Clock) {
	ctx := t.Context()
	atOnce(t, 10, nil, func(i int) error {
		return a.AppendAudit(ctx, api.Event{Kind: "session.began", Organisation: "o1", Account: fmt.Sprint("acc", i%2), Detail: api.Detail{"address": "192.0.2.1"}})
	})
	must(t, a.AppendAudit(ctx, api.Event{Kind: "document.sent", Organisation: "o1", Object: "document:d1", Chain: "document:d1"}))
	chain, err := a.AuditChain(ctx, "organisation:o1")
	must(t, err)
	if len(chain) != 10 || chain[9].Seq != 10 || chain[3].Detail["address"] != "192.0.2.1" || !chain[0].At.Equal(clock.Now()) {
		t.Errorf("%+v", chain)
	}
	clock.Advance(time.Second)
	seen, err := a.Audit(ctx, "o1", clock.Now(), 100)
	must(t, err)
	equal(t, len(seen), 11)
	seen, err = a.Audit(ctx, "o1", clock.Now(), 3)
	must(t, err)
	equal(t, len(seen), 3)
	seen, err = a.Audit(ctx, "o2", clock.Now(), 100)
	must(t, err)
	equal(t, len(seen), 0)
}

// sealed moves a value to another row and looks for it in the clear.
func sealed(t *testing.T, a *store.Accounts, clock *Clock) {
	ann, _ := person(t, a, clock, "marker-7f3a@example.org")
	bob, _ := person(t, a, clock, "bob@example.org")
	_, err := a.AccountByEmail(t.Context(), ann.Email)
	must(t, err)
	other := Accounts(t, a.Store) // the same rows with another root key
	if got, err := other.Account(t.Context(), bob.ID); err == nil {
		t.Errorf("opened with another root key: %+v", got)
	}
}

// sweep looks at what stays and what goes, and that the key of a month goes after
// all that it sealed.
func sweep(t *testing.T, a *store.Accounts, clock *Clock) {
	ctx := t.Context()
	_, org := person(t, a, clock, "ann@example.org")
	old := clock.Now()
	must(t, a.CreateInvitation(ctx, api.Invitation{ID: "i1", Organisation: org.ID, Created: old, Expires: old.Add(time.Hour), Email: "x@example.org"}, [32]byte{1}))
	must(t, a.AddChallenge(ctx, api.Challenge{Kind: "reset", Created: old, Expires: old.Add(time.Hour)}, [32]byte{2}))
	for _, name := range []string{"sign-in", "sign-in streak"} {
		_, _, err := a.Hit(ctx, name, "ann", 1000*time.Hour, old)
		must(t, err)
	}
	clock.Advance(49 * time.Hour)
	must(t, a.Sweep(ctx, clock.Now()))
	_, err := a.TakeChallenge(ctx, "reset", [32]byte{2}, old)
	wants(t, err, api.ErrExpired)
	for name, want := range map[string]int{"sign-in": 1, "sign-in streak": 2} {
		if n, _, err := a.Hit(ctx, name, "ann", 1000*time.Hour, clock.Now()); err != nil || n != want {
			t.Errorf("%s: %d %v", name, n, err)
		}
	}
	_, err = a.Invitation(ctx, [32]byte{1})
	must(t, err)
	clock.Advance(220 * 24 * time.Hour)
	must(t, a.CreateInvitation(ctx, api.Invitation{ID: "i2", Organisation: org.ID, Created: clock.Now(), Expires: clock.Now().Add(time.Hour)}, [32]byte{3}))
	must(t, a.Sweep(ctx, clock.Now()))
	_, err = a.Invitation(ctx, [32]byte{1})
	wants(t, err, api.ErrNotFound)
	_, err = a.Invitation(ctx, [32]byte{3})
	must(t, err)
	for id, erased := range map[string]bool{"month:2026-03": true, "month:2026-10": false} {
		k, err := a.Key(ctx, id)
		must(t, err)
		if (k.Erased != nil) != erased || (k.Wrapped == nil) != erased {
			t.Errorf("%s: %+v", id, k)
		}
	}
}

func staff(t *testing.T, a *store.Accounts, clock *Clock) {
	ctx := t.Context()
	_, org := person(t, a, clock, "ann@example.org")
	g := api.StaffGrant{ID: "g1", Organisation: org.ID, Account: "staff", GrantedBy: "ann", Reason: "ticket 7", Created: clock.Now(), Expires: clock.Now().Add(time.Hour)}
	_, err := a.LiveStaffGrant(ctx, org.ID, "staff", clock.Now())
	wants(t, err, api.ErrNotFound)
	must(t, a.AddStaffGrant(ctx, g))
	got, err := a.LiveStaffGrant(ctx, org.ID, "staff", clock.Now())
	must(t, err)
	equal(t, got, g)
	for _, other := range [][2]string{{org.ID, "another"}, {"another", "staff"}} {
		_, err = a.LiveStaffGrant(ctx, other[0], other[1], clock.Now())
		wants(t, err, api.ErrNotFound)
	}
	_, err = a.LiveStaffGrant(ctx, org.ID, "staff", clock.Now().Add(time.Hour))
	wants(t, err, api.ErrNotFound)
	wants(t, a.EndStaffGrant(ctx, "another", "g1", clock.Now()), api.ErrNotFound)
	must(t, a.EndStaffGrant(ctx, org.ID, "g1", clock.Now()))
	wants(t, a.EndStaffGrant(ctx, org.ID, "g1", clock.Now()), api.ErrNotFound)
	_, err = a.LiveStaffGrant(ctx, org.ID, "staff", clock.Now())
	wants(t, err, api.ErrNotFound)
	all, err := a.StaffGrants(ctx, org.ID)
	must(t, err)
	g.Ended = clock.Now()
	equal(t, all, []api.StaffGrant{g})

	_, err = a.AcceptedTerms(ctx, "staff", [32]byte{1})
	wants(t, err, api.ErrNotFound)
	must(t, a.AcceptTerms(ctx, "staff", [32]byte{1}, clock.Now()))
	must(t, a.AcceptTerms(ctx, "staff", [32]byte{1}, clock.Now().Add(time.Hour)))
	at, err := a.AcceptedTerms(ctx, "staff", [32]byte{1})
	must(t, err)
	equal(t, at, clock.Now())
}

func programs(t *testing.T, a *store.Accounts, clock *Clock) {
	ctx := t.Context()
	ann, org := person(t, a, clock, "ann@example.org")
	k := api.Key{ID: "k1", Organisation: org.ID, Account: ann.ID, Role: api.Owner, Scopes: api.Scopes{"document:read", "document:list"}, Name: "Robot",
		Created: clock.Now(), Expires: clock.Now().Add(time.Hour)}
	must(t, a.AddKey(ctx, k, [32]byte{1}))
	got, err := a.KeyBySecret(ctx, [32]byte{1})
	must(t, err)
	equal(t, got, k)
	_, err = a.KeyBySecret(ctx, [32]byte{2})
	wants(t, err, api.ErrNotFound)
	must(t, a.UseKey(ctx, "k1", clock.Now()))
	wants(t, a.RevokeKey(ctx, "another", "k1", clock.Now()), api.ErrNotFound)
	must(t, a.RevokeKey(ctx, org.ID, "k1", clock.Now()))
	wants(t, a.RevokeKey(ctx, org.ID, "k1", clock.Now()), api.ErrNotFound)
	all, err := a.APIKeys(ctx, org.ID)
	must(t, err)
	k.Used, k.Revoked = clock.Now(), clock.Now()
	equal(t, all, []api.Key{k})

	w := api.Webhook{ID: "w1", Organisation: org.ID, URL: "https://hooks.example.org", Secret: []byte("s"), Kinds: []string{"document.sent"}, Active: true, Created: clock.Now()}
	must(t, a.SaveWebhook(ctx, w))
	w.Active, w.URL = false, "https://hooks.example.org/2"
	must(t, a.SaveWebhook(ctx, w))
	hooks, err := a.Webhooks(ctx, org.ID)
	must(t, err)
	equal(t, hooks, []api.Webhook{w})
	d := api.Delivery{ID: "d1", Webhook: "w1", Event: "e1", Kind: "document.sent", Body: "{}", State: api.MailQueued, Created: clock.Now(), Next: clock.Now()}
	must(t, a.AddDelivery(ctx, d))
	twice := d
	twice.ID = "d2"
	must(t, a.AddDelivery(ctx, twice))
	waits := func(now time.Time, want []string) {
		t.Helper()
		got, err := a.DueWebhooks(ctx, now)
		must(t, err)
		equal(t, got, want)
	}
	waits(clock.Now().Add(-time.Second), nil)
	waits(clock.Now(), []string{"w1"})
	due, to, err := a.DueDeliveries(ctx, []string{"gone", "w1"}, clock.Now(), clock.Now().Add(time.Minute), 10)
	must(t, err)
	if len(due) != 1 || !reflect.DeepEqual(to["w1"], w) {
		t.Fatalf("%+v %+v", due, to)
	}
	equal(t, due[0], d)
	waits(clock.Now(), nil)
	again, _, err := a.DueDeliveries(ctx, []string{"w1"}, clock.Now(), clock.Now().Add(time.Minute), 10)
	must(t, err)
	equal(t, len(again), 0)
	wants(t, a.RepeatDelivery(ctx, org.ID, "d1", clock.Now()), api.ErrNotFound) // it is still queued
	d.State, d.Tries, d.Ended, d.Result = api.MailFailed, 3, clock.Now(), "500"
	must(t, a.SettleDelivery(ctx, d))
	wants(t, a.RepeatDelivery(ctx, "another", "d1", clock.Now()), api.ErrNotFound)
	must(t, a.RepeatDelivery(ctx, org.ID, "d1", clock.Now()))
	log, err := a.Deliveries(ctx, org.ID, "w1", 10)
	must(t, err)
	d.State, d.Tries = api.MailQueued, 0
	equal(t, log, []api.Delivery{d})
	wants(t, a.DeleteWebhook(ctx, "another", "w1"), api.ErrNotFound)
	must(t, a.DeleteWebhook(ctx, org.ID, "w1"))
	wants(t, a.DeleteWebhook(ctx, org.ID, "w1"), api.ErrNotFound)
	must(t, a.AddKey(ctx, api.Key{ID: "k2", Organisation: org.ID, Account: ann.ID, Created: clock.Now(), Expires: clock.Now()}, [32]byte{3}))
	must(t, a.DeleteAccount(ctx, ann.ID, "test"))
}
