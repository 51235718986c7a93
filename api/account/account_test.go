package account_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"inkwitness/api"
	"inkwitness/api/account"
	"inkwitness/api/mail"
	"inkwitness/api/store"
	"inkwitness/api/store/storetest"
)

// service is the handler over a real database. Who asks is said by a header: how
// people sign in is tested in package auth.
type service struct {
	t       *testing.T
	clock   *storetest.Clock
	store   *store.Accounts
	handler http.Handler
}

func newService(t *testing.T) *service {
	t.Helper()
	s := &service{t: t, clock: storetest.NewClock()}
	db, err := store.Open(t.Context(), storetest.SQLite(t), store.Options{Clock: s.clock})
	s.must(err)
	t.Cleanup(func() { s.must(db.Close()) })
	s.store = storetest.Accounts(t, db)
	post, err := mail.New(mail.Config{Outbox: s.store, Clock: s.clock, URL: "https://ink.example.org"})
	s.must(err)
	h, err := account.New(account.Config{Store: s.store, Notices: post, Clock: s.clock, Documents: leases{}})
	s.must(err)
	a, err := api.New(api.Config{Clock: s.clock, Replies: s.store})
	s.must(err)
	a.Identify(s.identify)
	a.Mount(h)
	s.handler = a.Handler()
	for _, org := range []string{"one", "two"} {
		s.must(s.store.CreateOrganisation(t.Context(), api.Organisation{ID: org, Name: "Org " + org, Created: s.clock.Now()}))
	}
	return s
}

// leases knows one document.
type leases struct{}

func (leases) Called(_ context.Context, id string) (string, map[string]string, error) {
	if id != "d1" {
		return "", nil, api.ErrNotFound
	}
	return "Lease", map[string]string{"s1": "Bo Berg"}, nil
}

func (s *service) must(err error) {
	s.t.Helper()
	if err != nil {
		s.t.Fatal(err)
	}
}

// identify reads "account organisation [stale]" from a header.
func (s *service) identify(r *http.Request) (api.Identity, error) {
	who := strings.Fields(r.Header.Get("X-Test-Who"))
	if len(who) < 2 {
		return api.Identity{}, nil
	}
	of, err := s.store.Memberships(r.Context(), who[0])
	if err != nil {
		return api.Identity{}, err
	}
	for _, m := range of {
		if m.Organisation == who[1] {
			return api.Identity{Account: m.Account, Organisation: m.Organisation, Role: m.Role, Session: "s", Fresh: len(who) == 2}, nil
		}
	}
	return api.Identity{}, nil
}

func (s *service) add(id, organisation string, role api.Role) {
	s.t.Helper()
	ctx := s.t.Context()
	s.must(s.store.CreateAccount(ctx, api.Account{ID: id, State: api.AccountActive, Created: s.clock.Now(),
		Profile: api.Profile{Email: id + "@example.org", Name: strings.ToUpper(id), Language: "en"}}))
	s.must(s.store.AddMember(ctx, api.Member{Account: id, Organisation: organisation, Role: role, Added: s.clock.Now()}))
	s.clock.Advance(time.Second)
}

func (s *service) do(who, method, path string, body any, status int) (out map[string]any) {
	s.t.Helper()
	s.clock.Advance(time.Millisecond)
	raw, err := json.Marshal(body)
	s.must(err)
	r := httptest.NewRequest(method, path, bytes.NewReader(raw))
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("X-Test-Who", who)
	r.Header.Set("User-Agent", "Firefox/140.0 (X11; Linux)")
	w := httptest.NewRecorder()
	s.handler.ServeHTTP(w, r)
	text, err := io.ReadAll(w.Body)
	s.must(err)
	if w.Code != status {
		s.t.Errorf("%s: %s %s: %d, want %d: %s", who, method, path, w.Code, status, text)
	}
	if len(text) > 0 {
		s.must(json.Unmarshal(text, &out))
	}
	return out
}

type m map[string]any

func items(t *testing.T, body map[string]any, name string) []map[string]any {
	t.Helper()
	list, ok := body[name].([]any)
	if !ok {
		t.Fatalf("no %s in %v", name, body)
	}
	var out []map[string]any
	for _, v := range list {
		out = append(out, v.(map[string]any))
	}
	return out
}

func (s *service) last() api.Mail {
	all, err := s.store.AllMails(s.t.Context(), 1)
	s.must(err)
	if len(all) == 0 {
		s.t.Fatal("no mail")
	}
	return all[0]
}

func TestA13Profile(t *testing.T) {
	s := newService(t)
	s.add("ann", "one", api.Sender)
	s.do("", "GET", "/api/profile", nil, 401)
	s.do("ann one", "PATCH", "/api/profile", m{"name": " Zoë ", "company": "Étude", "language": "zh-Hant"}, 200)
	got := s.do("ann one", "GET", "/api/profile", nil, 200)
	if got["name"] != "Zoë" || got["company"] != "Étude" || got["language"] != "zh-Hant" || got["email"] != "ann@example.org" {
		t.Error(got)
	}
	s.do("ann one", "PATCH", "/api/profile", m{"language": "tlh"}, 422)
	s.do("ann one", "PATCH", "/api/profile", m{"role": "owner"}, 422)
}

func TestA11Phone(t *testing.T) {
	s := newService(t)
	s.add("ann", "one", api.Sender)
	s.do("ann one stale", "PATCH", "/api/profile", m{"phone": "+33 612345678"}, 403)
	s.do("ann one", "PATCH", "/api/profile", m{"phone": "0612345678"}, 422)
	got := s.do("ann one", "PATCH", "/api/profile", m{"phone": "+33 612345678"}, 200)
	if got["phone"] != "+33 612345678" || got["phoneSince"] == nil {
		t.Error(got)
	}
	if mail := s.last(); mail.Kind != "phone-changed" || mail.To != "ann@example.org" || strings.Contains(mail.Text, "612345678") {
		t.Errorf("%+v", mail)
	}
	s.do("ann one stale", "PATCH", "/api/profile", m{"name": "Ann"}, 200) // nothing sensitive
}

func TestChangeOfAddress(t *testing.T) {
	s := newService(t)
	s.add("ann", "one", api.Owner)
	s.add("bob", "one", api.Sender)
	s.do("ann one stale", "POST", "/api/profile/email", m{"email": "new@example.org"}, 403)
	s.do("ann one", "POST", "/api/profile/email", m{"email": "not an address"}, 422)
	s.do("ann one", "POST", "/api/profile/email", m{"email": "new@example.org"}, 204)
	mail := s.last()
	if mail.To != "new@example.org" {
		t.Fatalf("%+v", mail)
	}
	_, token, _ := strings.Cut(strings.TrimSpace(mail.Text), "#email=")
	s.do("bob one", "POST", "/api/profile/email/confirm", m{"token": token}, 410)
	s.do("ann one", "POST", "/api/profile/email/confirm", m{"token": token}, 204)
	s.do("ann one", "POST", "/api/profile/email/confirm", m{"token": token}, 410)
	all, err := s.store.AllMails(t.Context(), 2)
	s.must(err)
	if len(all) != 2 || all[0].To == all[1].To || all[0].Kind != "address-changed" || all[1].Kind != "address-changed" {
		t.Errorf("%+v", all)
	}
	if got := s.do("ann one", "GET", "/api/profile", nil, 200); got["email"] != "new@example.org" {
		t.Error(got)
	}
	s.do("ann one", "POST", "/api/profile/email", m{"email": "bob@example.org"}, 204)
	_, token, _ = strings.Cut(strings.TrimSpace(s.last().Text), "#email=")
	s.do("ann one", "POST", "/api/profile/email/confirm", m{"token": token}, 409) // somebody else's
	for range 4 {
		s.do("ann one", "POST", "/api/profile/email", m{"email": "x@example.org"}, map[bool]int{true: 429, false: 204}[s.counted() >= 5])
	}
}

// counted says how many links to new addresses were mailed.
func (s *service) counted() (n int) {
	all, err := s.store.AllMails(s.t.Context(), 100)
	s.must(err)
	for _, m := range all {
		if m.Kind == "confirm-address" {
			n++
		}
	}
	return n
}

func TestA14Members(t *testing.T) {
	s := newService(t)
	s.add("ann", "one", api.Owner)
	s.add("adam", "one", api.Admin)
	s.add("sam", "one", api.Sender)
	s.add("eve", "two", api.Owner)
	list := items(t, s.do("ann one", "GET", "/api/members", nil, 200), "members")
	if len(list) != 3 || list[2]["email"] != "sam@example.org" || list[2]["role"] != "sender" {
		t.Error(list)
	}
	s.do("sam one", "GET", "/api/members", nil, 403)
	s.do("eve two", "PATCH", "/api/members/sam", m{"role": "auditor"}, 404)
	s.do("eve one", "PATCH", "/api/members/sam", m{"role": "auditor"}, 401)
	s.do("sam one", "PATCH", "/api/members/sam", m{"role": "owner"}, 403)
	s.do("ann one stale", "PATCH", "/api/members/sam", m{"role": "auditor"}, 403)
	s.do("adam one", "PATCH", "/api/members/sam", m{"role": "auditor"}, 204)
	s.do("adam one", "PATCH", "/api/members/sam", m{"role": "owner"}, 403)
	s.do("adam one", "PATCH", "/api/members/ann", m{"role": "sender"}, 403)
	s.do("adam one", "DELETE", "/api/members/ann", nil, 403)
	s.do("ann one", "PATCH", "/api/members/sam", m{"role": "signer"}, 422)
	s.do("ann one", "PATCH", "/api/members/ann", m{"role": "sender"}, 409) // the last owner
	s.do("ann one", "DELETE", "/api/members/ann", nil, 409)
	s.do("ann one", "PATCH", "/api/members/sam", m{"role": "owner"}, 204)
	s.do("ann one", "PATCH", "/api/members/ann", m{"role": "sender"}, 204)
	s.do("ann one", "GET", "/api/audit", nil, 403)
	now := s.clock.Now()
	s.must(s.store.BeginSession(t.Context(), api.Session{ID: "s9", Account: "adam", Organisation: "one", Created: now, Seen: now, Proved: now,
		Expires: now.Add(time.Hour), Binding: []byte{1}, Secret: api.SessionSecret{Present: []byte{1}, Renewed: now}}, [32]byte{9}))
	s.do("sam one", "DELETE", "/api/members/adam", nil, 204)
	if reason, err := s.store.EndReason(t.Context(), "s9"); err != nil || reason != "member-removed" {
		t.Error(reason, err)
	}
	s.do("adam one", "GET", "/api/members", nil, 401)
	kinds := map[string]int{}
	for _, e := range items(t, s.do("sam one", "GET", "/api/audit?limit=50", nil, 200), "events") {
		kinds[e["kind"].(string)]++
	}
	if kinds["member.role"] != 3 || kinds["member.removed"] != 1 {
		t.Error(kinds)
	}
}

// The record tells who somebody was after they left, and what a document is called.
func TestRecordNames(t *testing.T) {
	s := newService(t)
	s.add("ann", "one", api.Owner)
	s.add("sam", "one", api.Sender)
	s.add("eve", "one", api.Sender)
	for _, e := range []api.Event{
		{Kind: "document.sent", Account: "sam", Object: "document:d1"},
		{Kind: "signer.opened", Object: "document:d1", Detail: api.Detail{"signer": "s1"}},
		{Kind: "document.sent", Account: "eve", Object: "document:gone"},
		{Kind: "organisation.activated"},
	} {
		e.Organisation = "one"
		s.must(s.store.AppendAudit(t.Context(), e))
	}
	s.must(s.store.RemoveMember(t.Context(), "one", "sam"))
	s.must(s.store.DeleteAccount(t.Context(), "eve", "herself"))
	var got []string
	for _, e := range items(t, s.do("ann one", "GET", "/api/audit?limit=4", nil, 200), "events") {
		got = append(got, fmt.Sprint(e["kind"], e["account"], e["who"], e["title"], e["signer"]))
	}
	slices.Sort(got)
	name := func(account string) string {
		a, err := s.store.Account(t.Context(), account)
		s.must(err)
		return a.Name
	}
	want := []string{
		fmt.Sprint("document.sent", "eve", nil, nil, nil),
		fmt.Sprint("document.sent", "sam", name("sam"), "Lease", nil),
		fmt.Sprint("organisation.activated", nil, nil, nil, nil),
		fmt.Sprint("signer.opened", nil, nil, "Lease", "Bo Berg"),
	}
	if !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}

func TestInvitations(t *testing.T) {
	s := newService(t)
	s.add("ann", "one", api.Owner)
	s.add("adam", "one", api.Admin)
	s.add("sam", "one", api.Sender)
	s.add("eve", "two", api.Owner)
	invite := m{"email": "new@example.org", "role": "investigator", "language": "fr"}
	s.do("sam one", "POST", "/api/members/invitations", invite, 403)
	s.do("adam one", "POST", "/api/members/invitations", m{"email": "new@example.org", "role": "owner"}, 403)
	s.do("ann one", "POST", "/api/members/invitations", m{"email": "new@example.org", "role": "staff"}, 422)
	made := s.do("ann one", "POST", "/api/members/invitations", invite, 201)
	if mail := s.last(); mail.To != "new@example.org" || mail.Kind != "member" || !strings.Contains(mail.Text, "https://ink.example.org/#invitation=") ||
		!strings.Contains(mail.Text, "Org one") || mail.Language != "fr" {
		t.Errorf("%+v", mail)
	}
	id := made["id"].(string)
	s.do("eve two", "DELETE", "/api/members/invitations/"+id, nil, 404)
	s.do("adam one", "DELETE", "/api/members/invitations/"+id, nil, 204)
	s.do("adam one", "DELETE", "/api/members/invitations/"+id, nil, 410)
	if list := items(t, s.do("ann one", "GET", "/api/members/invitations", nil, 200), "invitations"); len(list) != 1 || list[0]["state"] != "revoked" {
		t.Error(list)
	}
	for range 49 {
		s.do("ann one", "POST", "/api/members/invitations", invite, 201)
	}
	s.do("ann one", "POST", "/api/members/invitations", invite, 429) // A24
}

func TestOutbox(t *testing.T) {
	s := newService(t)
	s.add("ann", "one", api.Owner)
	s.add("sam", "one", api.Sender)
	s.add("ivy", "one", api.Investigator)
	s.add("eve", "two", api.Owner)
	s.do("ann one", "POST", "/api/members/invitations", m{"email": "new@example.org", "role": "sender"}, 201)
	list := items(t, s.do("ann one", "GET", "/api/outbox", nil, 200), "mails")
	if len(list) != 1 || list[0]["state"] != "local" || list[0]["text"] == "" || list[0]["to"] != "new@example.org" {
		t.Error(list)
	}
	for who, want := range map[string]int{"sam one": 0, "eve two": 0} {
		if list := items(t, s.do(who, "GET", "/api/outbox", nil, 200), "mails"); len(list) != want {
			t.Errorf("%s sees %v", who, list)
		}
	}
	s.do("ivy one", "GET", "/api/outbox", nil, 403)
	// With a mail server the words stay hidden: they hold the receiver's link.
	now := s.clock.Now()
	s.must(s.store.AddMail(t.Context(), api.Mail{ID: "m", MessageID: "m", Organisation: "one", Account: "sam", State: api.MailQueued, Created: now, Next: now,
		To: "x@example.org", Text: "secret link"}))
	list = items(t, s.do("sam one", "GET", "/api/outbox", nil, 200), "mails")
	if len(list) != 1 || list[0]["text"] != "" {
		t.Error(list)
	}
}

func TestOrganisation(t *testing.T) {
	s := newService(t)
	s.add("ann", "one", api.Owner)
	s.add("sam", "one", api.Sender)
	s.do("sam one", "PATCH", "/api/organisation", m{"name": "Mine"}, 403)
	s.do("ann one stale", "PATCH", "/api/organisation", m{"secondFactor": true}, 403)
	s.do("ann one", "PATCH", "/api/organisation", m{"name": "Étude", "controller": "dpo@example.org", "secondFactor": true}, 200)
	if got := s.do("sam one", "GET", "/api/organisation", nil, 200); got["name"] != "Étude" || got["controller"] != "dpo@example.org" || got["secondFactor"] != true {
		t.Error(got)
	}
}

func TestA22Grants(t *testing.T) {
	s := newService(t)
	s.add("ann", "one", api.Owner)
	s.add("adam", "one", api.Admin)
	s.add("eve", "two", api.Owner)
	s.add("sam", "two", api.Staff)
	grant := m{"email": "sam@example.org", "reason": "ticket 4711", "hours": 2}
	s.do("ann one stale", "POST", "/api/grants", grant, 403)
	s.do("adam one", "POST", "/api/grants", grant, 403)
	s.do("ann one", "POST", "/api/grants", m{"email": "eve@example.org", "reason": "ticket 4711", "hours": 2}, 422) // no staff
	s.do("ann one", "POST", "/api/grants", m{"email": "sam@example.org", "reason": "", "hours": 2}, 422)
	s.do("ann one", "POST", "/api/grants", m{"email": "sam@example.org", "reason": "ticket 4711", "hours": 73}, 422)
	id := s.do("ann one", "POST", "/api/grants", grant, 201)["id"].(string)
	if list := items(t, s.do("adam one", "GET", "/api/grants", nil, 200), "grants"); len(list) != 1 || list[0]["live"] != true || list[0]["reason"] != "ticket 4711" {
		t.Error(list)
	}
	s.do("eve two", "DELETE", "/api/grants/"+id, nil, 404)
	s.do("adam one", "DELETE", "/api/grants/"+id, nil, 204)
	s.do("adam one", "DELETE", "/api/grants/"+id, nil, 404)
}

func TestD4DeleteAccount(t *testing.T) {
	s := newService(t)
	s.add("ann", "one", api.Owner)
	s.do("ann one stale", "DELETE", "/api/profile", nil, 403)
	s.do("ann one", "DELETE", "/api/profile", nil, 409)
	s.add("bob", "one", api.Owner)
	s.do("ann one", "PATCH", "/api/profile", m{"name": "Ann"}, 200)
	s.do("ann one", "DELETE", "/api/profile", nil, 204)
	s.do("ann one", "GET", "/api/profile", nil, 401)
	if key, err := s.store.Key(t.Context(), "account:ann"); err != nil || key.Wrapped != nil {
		t.Error("the key is still there", err)
	}
	if _, err := s.store.AuditChain(t.Context(), "organisation:one"); err != nil {
		t.Error(err)
	}
	// D7: the same address registers anew, with another id and nothing of before.
	s.must(s.store.CreateAccount(t.Context(), api.Account{ID: "ann2", State: api.AccountActive, Created: s.clock.Now(),
		Profile: api.Profile{Email: "ann@example.org"}}))
}

func TestIdempotencyKey(t *testing.T) {
	s := newService(t)
	s.add("ann", "one", api.Owner)
	post := func(key, email string) *httptest.ResponseRecorder {
		r := httptest.NewRequest("POST", "/api/members/invitations", strings.NewReader(`{"email":"`+email+`","role":"sender"}`))
		r.Header.Set("Content-Type", "application/json")
		r.Header.Set("X-Test-Who", "ann one")
		r.Header.Set("Idempotency-Key", key)
		w := httptest.NewRecorder()
		s.handler.ServeHTTP(w, r)
		return w
	}
	first, again := post("k1", "a@example.org"), post("k1", "a@example.org")
	if first.Code != 201 || again.Code != 201 || first.Body.String() != again.Body.String() || again.Header().Get("Idempotent-Replayed") != "true" ||
		again.Header().Get("Content-Type") != "application/json" {
		t.Errorf("%d %s, then %d %s", first.Code, first.Body, again.Code, again.Body)
	}
	if other := post("k1", "b@example.org"); other.Code != 422 || !strings.Contains(other.Body.String(), "idempotency-key-reused") {
		t.Errorf("%d %s", other.Code, other.Body)
	}
	if failed := post("k2", "nonsense"); failed.Code != 422 {
		t.Error(failed.Code)
	}
	if mended := post("k2", "c@example.org"); mended.Code != 201 {
		t.Errorf("a failure is kept: %d %s", mended.Code, mended.Body)
	}
	list := items(t, s.do("ann one", "GET", "/api/members/invitations", nil, 200), "invitations")
	if len(list) != 2 {
		t.Errorf("%d invitations", len(list))
	}
}

// TestInvitationsOfWhoMayNotInvite: what is left of who was removed or may invite
// to less, and what the outbox tells others, makes nobody a member.
func TestInvitationsOfWhoMayNotInvite(t *testing.T) {
	s := newService(t)
	s.add("ann", "one", api.Owner)
	s.add("adam", "one", api.Admin)
	s.add("alba", "one", api.Admin)
	s.do("ann one", "POST", "/api/members/invitations", m{"email": "second-owner@example.org", "role": "owner"}, 201)
	s.do("adam one", "POST", "/api/members/invitations", m{"email": "adam-again@example.org", "role": "admin"}, 201)
	s.do("alba one", "POST", "/api/members/invitations", m{"email": "alba-again@example.org", "role": "sender"}, 201)
	for who, want := range map[string]string{"ann one": "ann adam alba", "adam one": "adam", "alba one": "alba"} {
		for _, mail := range items(t, s.do(who, "GET", "/api/outbox", nil, 200), "mails") {
			by := map[any]string{"second-owner@example.org": "ann", "adam-again@example.org": "adam", "alba-again@example.org": "alba"}[mail["to"]]
			if text, _ := mail["text"].(string); strings.Contains(text, "#invitation=") != strings.Contains(want, by) {
				t.Errorf("%s reads of the invitation by %s: %q", who, by, text)
			}
		}
	}
	s.do("ann one", "DELETE", "/api/members/adam", nil, 204)
	s.do("ann one", "PATCH", "/api/members/alba", m{"role": "manager"}, 204)
	states := map[any]any{}
	for _, i := range items(t, s.do("ann one", "GET", "/api/members/invitations", nil, 200), "invitations") {
		states[i["email"]] = i["state"]
	}
	if states["second-owner@example.org"] != "live" || states["adam-again@example.org"] != "revoked" || states["alba-again@example.org"] != "revoked" {
		t.Error(states)
	}
}
