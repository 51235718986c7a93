package storetest

import (
	"context"
	"crypto/sha256"
	"errors"
	"reflect"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"inkwitness/api"
	"inkwitness/api/store"
	"inkwitness/evidence"
)

// must fails the test on an error.
func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// wants fails the test unless err is target.
func wants(t *testing.T, err, target error) {
	t.Helper()
	if !errors.Is(err, target) {
		t.Errorf("got %v, want %v", err, target)
	}
}

// equal fails the test unless got is want.
func equal[T any](t *testing.T, got, want T) {
	t.Helper()
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
}

// person makes an organisation with one member.
func person(t *testing.T, a *store.Accounts, clock *Clock, email string) (api.Account, api.Organisation) {
	t.Helper()
	org := api.Organisation{ID: api.NewID(), Created: clock.Now(), Name: "Org of " + email, Controller: "dpo@example.org"}
	acc := api.Account{ID: api.NewID(), State: api.AccountActive, Created: clock.Now(),
		Profile: api.Profile{Email: email, Name: "Zoë 簽名", Phone: "+33 1 23", Company: "Example", Language: "fr"}}
	must(t, a.CreateOrganisation(t.Context(), org))
	must(t, a.CreateAccount(t.Context(), acc))
	must(t, a.AddMember(t.Context(), api.Member{Account: acc.ID, Organisation: org.ID, Role: api.Owner, Added: clock.Now()}))
	return acc, org
}

// atOnce runs f n times in parallel and returns how often it succeeded; other
// errors than target fail the test.
func atOnce(t *testing.T, n int, target error, f func(i int) error) int {
	t.Helper()
	var wg sync.WaitGroup
	var won atomic.Int64
	for i := range n {
		wg.Go(func() {
			switch err := f(i); {
			case err == nil:
				won.Add(1)
			case !errors.Is(err, target):
				t.Errorf("got %v, want %v", err, target)
			}
		})
	}
	wg.Wait()
	return int(won.Load())
}

func keys(t *testing.T, a *store.Accounts, clock *Clock) {
	ctx := t.Context()
	k := evidence.Key{ID: "k1", Purpose: "data", Subject: "s", Deposit: "d", Wrapped: []byte{1, 0, 255}, Public: []byte("pem"), Created: clock.Now()}
	must(t, a.CreateKey(ctx, k))
	wants(t, a.CreateKey(ctx, k), evidence.ErrExists)
	got, err := a.Key(ctx, "k1")
	must(t, err)
	equal(t, got, k)
	_, err = a.Key(ctx, "k2")
	wants(t, err, evidence.ErrNotFound)
	wants(t, a.DestroyKey(ctx, "k2", evidence.Erasure{When: clock.Now(), Authority: "x"}), evidence.ErrNotFound)
	first := evidence.Erasure{When: clock.Now(), Authority: "request 1"}
	must(t, a.DestroyKey(ctx, "k1", first))
	must(t, a.DestroyKey(ctx, "k1", evidence.Erasure{When: clock.Now().Add(time.Hour), Authority: "request 2"}))
	got, err = a.Key(ctx, "k1")
	must(t, err)
	k.Wrapped, k.Erased = nil, &first
	equal(t, got, k)
	all, err := a.Keys(ctx)
	must(t, err)
	equal(t, all, []evidence.Key{k})
	k.Wrapped, k.Erased = []byte("again"), nil
	wants(t, a.CreateKey(ctx, k), evidence.ErrExists)
}

func organisations(t *testing.T, a *store.Accounts, clock *Clock) {
	ctx := t.Context()
	o := api.Organisation{ID: "o1", Created: clock.Now(), Name: "Étude", Controller: "dpo@example.org"}
	must(t, a.CreateOrganisation(ctx, o))
	wants(t, a.CreateOrganisation(ctx, o), api.ErrConflict)
	o.Name, o.SecondFactor, o.Deactivated = "Étude 2", true, true
	must(t, a.SaveOrganisation(ctx, o))
	got, err := a.Organisation(ctx, "o1")
	must(t, err)
	equal(t, got, o)
	_, err = a.Organisation(ctx, "o2")
	wants(t, err, api.ErrNotFound)
	wants(t, a.SaveOrganisation(ctx, api.Organisation{ID: "o2"}), api.ErrNotFound)
}

func accounts(t *testing.T, a *store.Accounts, clock *Clock) {
	ctx := t.Context()
	if any, err := a.AnyAccount(ctx); err != nil || any {
		t.Fatal(any, err)
	}
	acc, _ := person(t, a, clock, "Ann@Example.org")
	for _, spelling := range []string{"Ann@Example.org", "ann@example.org ", "ANN@EXAMPLE.ORG"} {
		got, err := a.AccountByEmail(ctx, spelling)
		must(t, err)
		equal(t, got, acc)
	}
	twin := acc
	twin.ID, twin.Email = api.NewID(), "ann@EXAMPLE.org"
	wants(t, a.CreateAccount(ctx, twin), api.ErrConflict)
	other, _ := person(t, a, clock, "bob@example.org")
	other.Email = "ann@example.org"
	wants(t, a.SaveAccount(ctx, other), api.ErrConflict)
	acc.Email, acc.State, acc.Phone = "new@example.org", api.AccountBlocked, ""
	must(t, a.SaveAccount(ctx, acc))
	got, err := a.Account(ctx, acc.ID)
	must(t, err)
	equal(t, got, acc)
	_, err = a.AccountByEmail(ctx, "ann@example.org")
	wants(t, err, api.ErrNotFound)
	if any, err := a.AnyAccount(ctx); err != nil || !any {
		t.Fatal(any, err)
	}

	must(t, a.SetPassword(ctx, acc.ID, api.Password{Hash: "hash", Changed: clock.Now()}))
	must(t, a.AppendAudit(ctx, api.Event{Kind: "x", Account: acc.ID, Organisation: "o", Detail: api.Detail{"who": "Ann"}}))
	must(t, a.DeleteAccount(ctx, acc.ID, "request of the holder"))
	_, err = a.Account(ctx, acc.ID)
	wants(t, err, api.ErrNotFound)
	key, err := a.Key(ctx, "account:"+acc.ID)
	must(t, err)
	if key.Wrapped != nil || key.Erased == nil {
		t.Error("the key of a deleted account was not destroyed")
	}
	events, err := a.AuditChain(ctx, "organisation:o")
	must(t, err)
	if len(events) != 1 || events[0].Detail != nil {
		t.Errorf("after deletion the record says %+v", events)
	}
	wants(t, a.DeleteAccount(ctx, acc.ID, "again"), api.ErrNotFound)
}

func members(t *testing.T, a *store.Accounts, clock *Clock) {
	ctx := t.Context()
	ann, org := person(t, a, clock, "ann@example.org")
	bob, _ := person(t, a, clock, "bob@example.org")
	clock.Advance(time.Second)
	m := api.Member{Account: bob.ID, Organisation: org.ID, Role: api.Sender, Added: clock.Now(), Name: bob.Name, Email: bob.Email}
	must(t, a.AddMember(ctx, m))
	wants(t, a.AddMember(ctx, m), api.ErrConflict)
	must(t, a.SetRole(ctx, org.ID, bob.ID, api.Investigator))
	all, err := a.Members(ctx, org.ID)
	must(t, err)
	m.Role = api.Investigator
	if len(all) != 2 || all[0].Account != ann.ID {
		t.Fatalf("%+v", all)
	}
	equal(t, all[1], m)
	of, err := a.Memberships(ctx, bob.ID)
	must(t, err)
	if len(of) != 2 || of[1] != m {
		t.Errorf("%+v", of)
	}
	must(t, a.RemoveMember(ctx, org.ID, bob.ID))
	wants(t, a.RemoveMember(ctx, org.ID, bob.ID), api.ErrNotFound)
	wants(t, a.SetRole(ctx, org.ID, bob.ID, api.Owner), api.ErrNotFound)
	wants(t, a.AddMember(ctx, api.Member{Account: "nobody", Organisation: org.ID, Role: api.Owner, Added: clock.Now()}), api.ErrConflict)
}

func invitations(t *testing.T, a *store.Accounts, clock *Clock) {
	ctx := t.Context()
	_, org := person(t, a, clock, "ann@example.org")
	make := func(id string) (api.Invitation, [32]byte) {
		token := sha256.Sum256([]byte(id))
		i := api.Invitation{ID: id, Organisation: org.ID, Role: api.Sender, Email: "c@example.org", Language: "zh-Hant",
			InvitedBy: "ann", Created: clock.Now(), Expires: clock.Now().Add(time.Hour)}
		must(t, a.CreateInvitation(ctx, i, token))
		return i, token
	}
	i1, token := make("i1")
	got, err := a.Invitation(ctx, token)
	must(t, err)
	equal(t, got, i1)
	if won := atOnce(t, 100, api.ErrExpired, func(int) error { return a.UseInvitation(ctx, "i1", clock.Now()) }); won != 1 {
		t.Errorf("used %d times", won)
	}
	wants(t, a.RevokeInvitation(ctx, "i1", clock.Now()), api.ErrExpired)
	make("i2")
	must(t, a.RevokeInvitation(ctx, "i2", clock.Now()))
	wants(t, a.UseInvitation(ctx, "i2", clock.Now()), api.ErrExpired)
	make("i3")
	clock.Advance(time.Hour)
	wants(t, a.UseInvitation(ctx, "i3", clock.Now()), api.ErrExpired)
	all, err := a.Invitations(ctx, org.ID)
	must(t, err)
	if len(all) != 3 || all[0].Used.IsZero() || all[1].Revoked.IsZero() || !all[2].Used.IsZero() {
		t.Errorf("%+v", all)
	}
	_, err = a.Invitation(ctx, [32]byte{1})
	wants(t, err, api.ErrNotFound)
}

func sessions(t *testing.T, a *store.Accounts, clock *Clock) {
	ctx := t.Context()
	ann, org := person(t, a, clock, "ann@example.org")
	begin := func(ctx context.Context, id string) error {
		now := clock.Now()
		return a.BeginSession(ctx, api.Session{ID: id, Account: ann.ID, Organisation: org.ID, Created: now, Seen: now, Proved: now,
			Expires: now.Add(time.Hour), Binding: []byte{1, 2}, Secret: api.SessionSecret{Present: []byte{3}, Renewed: now}, Client: api.Client{Address: "192.0.2.1", Browser: "Firefox on Linux"}},
			sha256.Sum256([]byte(id)))
	}
	if won := atOnce(t, 50, api.ErrConflict, func(int) error { return begin(ctx, api.NewID()) }); won != 1 {
		t.Fatalf("%d live sessions", won)
	}
	first, err := a.LiveSession(ctx, ann.ID)
	must(t, err)
	// Take-over: end and begin in one transaction, from many sides; one stays live.
	if won := atOnce(t, 20, api.ErrConflict, func(int) error {
		return a.Tx(ctx, func(ctx context.Context) error {
			if err := a.EndSessions(ctx, ann.ID, "taken over", clock.Now()); err != nil {
				return err
			}
			return begin(ctx, api.NewID())
		})
	}); won != 20 {
		t.Errorf("%d of 20 take-overs", won)
	}
	reason, err := a.EndReason(ctx, first.ID)
	must(t, err)
	equal(t, reason, "taken over")

	must(t, a.EndSessions(ctx, ann.ID, "test", clock.Now()))
	must(t, begin(ctx, "s2"))
	clock.Advance(time.Minute)
	must(t, a.SeeSession(ctx, "s2", clock.Now()))
	must(t, a.ProveSession(ctx, "s2", clock.Now(), true))
	s, err := a.Session(ctx, sha256.Sum256([]byte("s2")))
	must(t, err)
	notice := api.SignInNotice{At: clock.Now(), Client: api.Client{Address: "198.51.100.9", Browser: "Safari on iPad"}}
	must(t, a.NoticeSession(ctx, s, notice))
	began := s.Secret
	if won := atOnce(t, 20, api.ErrConflict, func(i int) error {
		return a.RenewSession(ctx, "s2", began, api.SessionSecret{Present: []byte{4, byte(i)}, Previous: began.Present, Renewed: clock.Now()})
	}); won != 1 {
		t.Errorf("the secret was replaced by %d requests", won)
	}
	s, err = a.LiveSession(ctx, ann.ID)
	must(t, err)
	equal(t, s.Secret.Previous, began.Present)
	third := api.SessionSecret{Present: []byte{5}, Previous: s.Secret.Present, Renewed: clock.Now(), Unused: 1}
	must(t, a.RenewSession(ctx, "s2", s.Secret, third))
	s, err = a.LiveSession(ctx, ann.ID)
	must(t, err)
	equal(t, s, api.Session{ID: "s2", Account: ann.ID, Organisation: org.ID, Role: api.Owner, State: api.AccountActive, Created: clock.Now().Add(-time.Minute),
		Seen: clock.Now(), Proved: clock.Now(), Expires: clock.Now().Add(59 * time.Minute), SecondFactor: true, Binding: []byte{1, 2}, Secret: third,
		Client: api.Client{Address: "192.0.2.1", Browser: "Firefox on Linux"}, Notice: &notice})

	must(t, a.RemoveMember(ctx, org.ID, ann.ID))
	s, err = a.Session(ctx, sha256.Sum256([]byte("s2")))
	must(t, err)
	equal(t, s.Role, "")
	wants(t, a.MoveSession(ctx, "s2", "elsewhere"), api.ErrConflict) // no such organisation
	must(t, a.EndSession(ctx, "s2", "signed out", clock.Now()))
	must(t, a.EndSession(ctx, "s2", "again", clock.Now()))
	wants(t, a.ProveSession(ctx, "s2", clock.Now(), true), api.ErrNotFound)
	wants(t, a.RenewSession(ctx, "s2", third, began), api.ErrConflict)
	_, err = a.LiveSession(ctx, ann.ID)
	wants(t, err, api.ErrNotFound)
	must(t, a.Sweep(ctx, clock.Now()))
	_, err = a.Session(ctx, sha256.Sum256([]byte("s2")))
	must(t, err)
	must(t, a.Sweep(ctx, clock.Now().Add(91*24*time.Hour)))
	_, err = a.Session(ctx, sha256.Sum256([]byte("s2")))
	wants(t, err, api.ErrNotFound)
}

func factors(t *testing.T, a *store.Accounts, clock *Clock) {
	ctx := t.Context()
	ann, _ := person(t, a, clock, "ann@example.org")
	_, err := a.Password(ctx, ann.ID)
	wants(t, err, api.ErrNotFound)
	must(t, a.SetPassword(ctx, ann.ID, api.Password{Hash: "h1", Changed: clock.Now()}))
	must(t, a.SetPassword(ctx, ann.ID, api.Password{Hash: "h2", Alone: true, Changed: clock.Now()}))
	kept, err := a.Password(ctx, ann.ID)
	must(t, err)
	equal(t, kept, api.Password{Hash: "h2", Alone: true, Changed: clock.Now()})

	_, err = a.TOTP(ctx, ann.ID)
	wants(t, err, api.ErrNotFound)
	must(t, a.SetTOTP(ctx, ann.ID, api.TOTP{Secret: []byte("old"), Confirmed: true, LastStep: 99}, clock.Now()))
	must(t, a.SetTOTP(ctx, ann.ID, api.TOTP{Secret: []byte("secret")}, clock.Now()))
	if won := atOnce(t, 20, api.ErrConflict, func(int) error { return a.UseTOTPStep(ctx, ann.ID, 7) }); won != 1 {
		t.Errorf("a code worked %d times", won)
	}
	wants(t, a.UseTOTPStep(ctx, ann.ID, 6), api.ErrConflict)
	totp, err := a.TOTP(ctx, ann.ID)
	must(t, err)
	equal(t, totp, api.TOTP{Secret: []byte("secret"), Confirmed: true, LastStep: 7})
	must(t, a.DeleteTOTP(ctx, ann.ID))
	_, err = a.TOTP(ctx, ann.ID)
	wants(t, err, api.ErrNotFound)

	must(t, a.SetRecoveryCodes(ctx, ann.ID, [][32]byte{{1}, {2}}))
	must(t, a.SetRecoveryCodes(ctx, ann.ID, [][32]byte{{3}, {4}, {5}}))
	wants(t, a.UseRecoveryCode(ctx, ann.ID, [32]byte{1}, clock.Now()), api.ErrNotFound)
	if won := atOnce(t, 20, api.ErrNotFound, func(int) error { return a.UseRecoveryCode(ctx, ann.ID, [32]byte{3}, clock.Now()) }); won != 1 {
		t.Errorf("a recovery code worked %d times", won)
	}
	left, err := a.RecoveryCodes(ctx, ann.ID)
	must(t, err)
	equal(t, left, 2)

	k := api.Passkey{ID: []byte{9, 0, 200}, Account: ann.ID, Name: "tablet", Created: clock.Now(), Data: []byte(`{"x":1}`)}
	must(t, a.AddPasskey(ctx, k))
	wants(t, a.AddPasskey(ctx, k), api.ErrConflict)
	k.Used, k.Data = clock.Now(), []byte(`{"x":2}`)
	must(t, a.UsePasskey(ctx, k))
	all, err := a.Passkeys(ctx, ann.ID)
	must(t, err)
	equal(t, all, []api.Passkey{k})
	wants(t, a.DeletePasskey(ctx, "another", k.ID), api.ErrNotFound)
	must(t, a.DeletePasskey(ctx, ann.ID, k.ID))
}

func challenges(t *testing.T, a *store.Accounts, clock *Clock) {
	ctx := t.Context()
	c := api.Challenge{Kind: "reset", Account: "ann", Session: "s", Created: clock.Now(), Expires: clock.Now().Add(time.Minute), Data: []byte("data")}
	must(t, a.AddChallenge(ctx, c, [32]byte{1}))
	must(t, a.AddChallenge(ctx, c, [32]byte{2})) // takes the place of the first
	_, err := a.TakeChallenge(ctx, "reset", [32]byte{1}, clock.Now())
	wants(t, err, api.ErrExpired)
	_, err = a.TakeChallenge(ctx, "another kind", [32]byte{2}, clock.Now())
	wants(t, err, api.ErrExpired)
	if won := atOnce(t, 20, api.ErrExpired, func(int) error {
		got, err := a.TakeChallenge(ctx, "reset", [32]byte{2}, clock.Now())
		if err == nil {
			equal(t, got, c)
		}
		return err
	}); won != 1 {
		t.Errorf("taken %d times", won)
	}
	must(t, a.AddChallenge(ctx, c, [32]byte{3}))
	clock.Advance(time.Minute)
	_, err = a.TakeChallenge(ctx, "reset", [32]byte{3}, clock.Now())
	wants(t, err, api.ErrExpired)
}

func providers(t *testing.T, a *store.Accounts, clock *Clock) {
	ctx := t.Context()
	ann, org := person(t, a, clock, "ann@example.org")
	p := api.Provider{ID: "p1", Organisation: org.ID, Kind: "oidc", Role: api.Sender, Created: clock.Now(),
		Settings: api.ProviderSettings{Issuer: "https://idp.example", ClientID: "c", ClientSecret: "s", Metadata: []byte("<x/>")}}
	must(t, a.SaveProvider(ctx, p))
	if got, err := a.Organisation(ctx, org.ID); err != nil || got.ProviderOnly {
		t.Error(got, err)
	}
	p.Enforced, p.Kind = true, "saml"
	must(t, a.SaveProvider(ctx, p))
	if got, err := a.Organisation(ctx, org.ID); err != nil || !got.ProviderOnly {
		t.Error(got, err)
	}
	second := p
	second.ID = "p2"
	wants(t, a.SaveProvider(ctx, second), api.ErrConflict)
	for _, get := range []func() (api.Provider, error){
		func() (api.Provider, error) { return a.Provider(ctx, "p1") },
		func() (api.Provider, error) { return a.ProviderOf(ctx, org.ID) }} {
		got, err := get()
		must(t, err)
		equal(t, got, p)
	}
	_, err := a.ProviderPerson(ctx, "p1", "subject")
	wants(t, err, api.ErrNotFound)
	must(t, a.LinkProviderPerson(ctx, "p1", "subject", ann.ID))
	wants(t, a.LinkProviderPerson(ctx, "p1", "subject", ann.ID), api.ErrConflict)
	account, err := a.ProviderPerson(ctx, "p1", "subject")
	must(t, err)
	equal(t, account, ann.ID)
	// The same address by a provider is another account, which nobody finds by it.
	twin := api.Account{ID: "twin", State: api.AccountActive, Created: clock.Now(), Provider: "p1", External: "e1", Profile: api.Profile{Email: "ann@example.org"}}
	must(t, a.CreateAccount(ctx, twin))
	of, err := a.AccountsOfProvider(ctx, "p1")
	must(t, err)
	equal(t, of, []api.Account{twin})
	byEmail, err := a.AccountOfProvider(ctx, "p1", "ANN@example.org")
	must(t, err)
	equal(t, byEmail, twin)
	_, err = a.AccountOfProvider(ctx, "p2", "ann@example.org")
	wants(t, err, api.ErrNotFound)
	got, err := a.AccountByEmail(ctx, "ann@example.org")
	must(t, err)
	equal(t, got.ID, ann.ID)
	got, err = a.Account(ctx, "twin")
	must(t, err)
	equal(t, got, twin)
	providerNames(t, a, clock)
	must(t, a.DeleteProvider(ctx, "p1"))
	wants(t, a.DeleteProvider(ctx, "p1"), api.ErrNotFound)
	_, err = a.ProviderPerson(ctx, "p1", "subject")
	wants(t, err, api.ErrNotFound)
}

// providerNames: of a name one provider at most is of use, whoever wrote it down.
func providerNames(t *testing.T, a *store.Accounts, clock *Clock) {
	ctx := t.Context()
	_, org := person(t, a, clock, "cy@example.org")
	must(t, a.SaveProvider(ctx, api.Provider{ID: "p3", Organisation: org.ID, Kind: "oidc", Role: api.Sender, Created: clock.Now()}))
	domain := api.ProviderName{Provider: "p1", Name: "example.org", Token: "t", Added: clock.Now()}
	must(t, a.AddProviderName(ctx, domain))
	wants(t, a.AddProviderName(ctx, domain), api.ErrConflict)
	other := api.ProviderName{Provider: "p3", Name: "example.org", Token: "u", Added: clock.Now()}
	must(t, a.AddProviderName(ctx, other)) // not shown yet: it blocks nobody
	_, err := a.ProviderByName(ctx, "example.org")
	wants(t, err, api.ErrNotFound)
	must(t, a.VerifyProviderName(ctx, "p1", "example.org", clock.Now()))
	wants(t, a.VerifyProviderName(ctx, "p3", "example.org", clock.Now()), api.ErrConflict)
	wants(t, a.VerifyProviderName(ctx, "p3", "nowhere.org", clock.Now()), api.ErrNotFound)
	wants(t, a.AddProviderName(ctx, api.ProviderName{Provider: "p3", Name: "example.org", Token: "v", Added: clock.Now(), Verified: clock.Now()}), api.ErrConflict)
	got, err := a.ProviderByName(ctx, "example.org")
	must(t, err)
	equal(t, got.ID, "p1")
	domain.Verified = clock.Now()
	names, err := a.ProviderNames(ctx, "p1")
	must(t, err)
	equal(t, names, []api.ProviderName{domain})
	must(t, a.DeleteProviderName(ctx, "p3", "example.org"))
	wants(t, a.DeleteProviderName(ctx, "p3", "example.org"), api.ErrNotFound)
	must(t, a.DeleteProvider(ctx, "p3"))
}
