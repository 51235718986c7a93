package auth

import (
	"bytes"
	"context"
	"encoding/base32"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pquerna/otp/totp"

	"inkwitness/api"
	"inkwitness/api/mail"
	"inkwitness/api/store"
	"inkwitness/api/store/pgtest"
	"inkwitness/api/store/storetest"
	"inkwitness/evidence/vault"
)

const good = "a rather long pass phrase"

// service is the real thing over SQLite, with a clock that is moved by hand and
// mails that stay in the outbox.
type service struct {
	t      *testing.T
	clock  *storetest.Clock
	store  *store.Accounts
	server *httptest.Server
	org    api.Organisation
	auth   *Handler
	slow   chan struct{} // tells that /api/slow was asked
}

func TestMain(m *testing.M) { os.Exit(pgtest.Main(m)) }

func newService(t *testing.T) *service {
	return newServiceOn(t, storetest.SQLite(t))
}

// onBoth runs a test of what happens at once on both databases: they reach one
// winner in different ways.
func onBoth(t *testing.T, test func(t *testing.T, s *service)) {
	t.Run("sqlite", func(t *testing.T) { test(t, newService(t)) })
	t.Run("postgres", func(t *testing.T) { test(t, newServiceOn(t, pgtest.Copy(t, "schema", storetest.Migrate))) })
}

func newServiceOn(t *testing.T, database string) *service {
	t.Helper()
	s := &service{t: t, clock: storetest.NewClock(), slow: make(chan struct{})}
	db, err := store.Open(t.Context(), database, store.Options{Clock: s.clock})
	s.must(err)
	t.Cleanup(func() { s.must(db.Close()) })
	root, err := vault.LocalRoot(filepath.Join(t.TempDir(), "root.key"))
	s.must(err)
	keys := vault.NewKeyring(db, root)
	s.store = store.NewAccounts(db, keys)
	post, err := mail.New(mail.Config{Outbox: s.store, Clock: s.clock, URL: "http://localhost"})
	s.must(err)
	s.auth, err = New(t.Context(), Config{Store: s.store, Keys: keys, Notices: post, Clock: s.clock, URL: "http://localhost", cost: cheap})
	s.must(err)
	a, err := api.New(api.Config{Clock: s.clock, Replies: s.store})
	s.must(err)
	a.Mount(s.auth)
	// A route of the organisation, to see who gets in.
	api.Register(a, api.Route{Method: "GET", Path: "/api/inside", ID: "inside"}, func(ctx context.Context, _ *struct{}) (*struct{}, error) {
		return nil, api.Allow(api.IdentityOf(ctx), api.Read, api.Object{Kind: api.OrganisationObject, Organisation: s.org.ID})
	})
	api.Register(a, api.Route{Method: "POST", Path: "/api/inside", ID: "submit"}, func(ctx context.Context, _ *struct{}) (*struct{}, error) {
		return nil, api.Allow(api.IdentityOf(ctx), api.Create, api.Object{Kind: api.DocumentObject, Organisation: s.org.ID})
	})
	a.Raw(api.Route{Method: "GET", Path: "/api/kept", ID: "kept"}, func(w http.ResponseWriter, _ *http.Request) error {
		w.Header().Set("Cache-Control", "public, max-age=31536000, immutable") // as the files of the pages
		return nil
	})
	a.Raw(api.Route{Method: "GET", Path: "/api/slow", ID: "slow"}, func(w http.ResponseWriter, r *http.Request) error {
		s.slow <- struct{}{}
		<-r.Context().Done()
		w.WriteHeader(http.StatusNoContent)
		return nil
	})
	s.server = httptest.NewServer(a.Handler())
	t.Cleanup(s.server.Close)
	s.org = api.Organisation{ID: "org1", Name: "Étude", Created: s.clock.Now()}
	s.must(s.store.CreateOrganisation(t.Context(), s.org))
	return s
}

func (s *service) must(err error) {
	s.t.Helper()
	if err != nil {
		s.t.Fatal(err)
	}
}

// invite makes an invitation and returns its token.
func (s *service) invite(email string, role api.Role) string {
	token := newSecret()
	now := s.clock.Now()
	s.must(s.store.CreateInvitation(s.t.Context(), api.Invitation{ID: api.NewID(), Organisation: s.org.ID, Role: role, Email: email,
		Language: "en", Created: now, Expires: now.Add(api.InvitationLife)}, hashSecret(token)))
	return token
}

// browser is one browser with its own cookies.
type browser struct {
	s     *service
	c     *http.Client
	agent string
}

func (s *service) browser(agent string) *browser {
	jar, err := cookiejar.New(nil)
	s.must(err)
	return &browser{s: s, c: &http.Client{Jar: jar}, agent: agent}
}

type answer struct {
	status int
	header http.Header
	body   map[string]any
	raw    string
}

func (a answer) problem() string {
	t, _ := a.body["type"].(string)
	return strings.TrimPrefix(t, "/problems/")
}

func (b *browser) do(method, path string, body any) answer {
	b.s.t.Helper()
	b.s.clock.Advance(time.Millisecond) // so that rows have an order
	a, err := b.try(method, path, body)
	b.s.must(err)
	return a
}

func (b *browser) try(method, path string, body any) (a answer, err error) {
	raw, err := json.Marshal(body)
	if err != nil {
		return a, err
	}
	r, err := http.NewRequest(method, b.s.server.URL+path, bytes.NewReader(raw))
	if err != nil {
		return a, err
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("User-Agent", b.agent)
	w, err := b.c.Do(r)
	if err != nil {
		return a, err
	}
	defer w.Body.Close()
	text, err := io.ReadAll(w.Body)
	a = answer{status: w.StatusCode, header: w.Header, raw: string(text)}
	if len(text) > 0 && strings.Contains(w.Header.Get("Content-Type"), "json") {
		err = errors.Join(err, json.Unmarshal(text, &a.body))
	}
	return a, err
}

// wants fails the test unless the answer has the status and, if given, problem.
func (a answer) wants(t *testing.T, status int, problem string) answer {
	t.Helper()
	if a.status != status || a.problem() != problem {
		t.Errorf("status %d %q, want %d %q: %s", a.status, a.problem(), status, problem, a.raw)
	}
	return a
}

type m map[string]any

const firefox, safari = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Firefox/140.0", "Mozilla/5.0 (iPad) Version/19.0 Safari/605.1.15"

// member makes an account by invitation and returns its browser, signed in.
func (s *service) member(email string, role api.Role) *browser {
	s.t.Helper()
	b := s.browser(firefox)
	b.do("POST", "/api/invitations/accept", m{"token": s.invite(email, role), "name": "Ann", "password": good}).wants(s.t, 201, "")
	return b
}

func (s *service) mails() (kinds []string, last api.Mail) {
	all, err := s.store.AllMails(s.t.Context(), 100)
	s.must(err)
	for _, m := range all {
		kinds = append(kinds, m.Kind)
	}
	if len(all) > 0 {
		last = all[0]
	}
	return kinds, last
}

func (s *service) events() (kinds []string) {
	for _, chain := range []string{"organisation:org1", "organisation:"} {
		all, err := s.store.AuditChain(s.t.Context(), chain)
		s.must(err)
		for _, e := range all {
			kinds = append(kinds, e.Kind)
		}
	}
	return kinds
}

func code(t *testing.T, secret string, at time.Time) string {
	t.Helper()
	c, err := totp.GenerateCode(secret, at)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestA1A2Invitations(t *testing.T) {
	s := newService(t)
	b := s.browser(firefox)
	used := s.invite("used@example.org", api.Sender)
	s.browser(firefox).do("POST", "/api/invitations/accept", m{"token": used, "password": good}).wants(t, 201, "")
	expired := s.invite("late@example.org", api.Sender)
	s.clock.Advance(api.InvitationLife)
	revoked := s.invite("gone@example.org", api.Sender)
	i, err := s.store.Invitation(t.Context(), hashSecret(revoked))
	s.must(err)
	s.must(s.store.RevokeInvitation(t.Context(), i.ID, s.clock.Now()))
	for name, token := range map[string]string{"used": used, "expired": expired, "revoked": revoked, "made up": newSecret(), "empty": ""} {
		b.do("POST", "/api/invitations/accept", m{"token": token, "password": good, "email": "x@example.org"}).wants(t, 410, "expired")
		if token != "" {
			if a := b.do("GET", "/api/invitations/"+token, nil); a.status != 410 {
				t.Errorf("%s: %d", name, a.status)
			}
		}
	}
	live := s.invite("ann@example.org", api.Investigator)
	b.do("POST", "/api/invitations/accept", m{"token": live, "password": good, "email": "eve@example.org"}).wants(t, 403, "not-allowed")
	b.do("POST", "/api/invitations/accept", m{"token": live, "password": good, "role": "owner"}).wants(t, 422, "invalid")
	b.do("POST", "/api/invitations/accept", m{"token": live, "password": "too short"}).wants(t, 422, "invalid")
	if a := b.do("GET", "/api/invitations/"+live, nil); a.body["email"] != "ann@example.org" || a.body["role"] != "investigator" {
		t.Error(a.raw)
	}
	a := b.do("POST", "/api/invitations/accept", m{"token": live, "password": good, "name": "Ann"}).wants(t, 201, "")
	if role := a.body["account"].(map[string]any)["role"]; role != "investigator" {
		t.Error(role)
	}
	if strings.Contains(a.raw, good) {
		t.Error("the password comes back")
	}
	b.do("GET", "/api/inside", nil).wants(t, 204, "")
}

func TestA1OneInvitationIsOneAccount(t *testing.T) { onBoth(t, oneInvitationOneAccount) }

func oneInvitationOneAccount(t *testing.T, s *service) {
	token := s.invite("", api.Owner)
	var wg sync.WaitGroup
	var made atomic.Int64
	for i := range 100 {
		wg.Go(func() {
			a, err := s.browser(firefox).try("POST", "/api/invitations/accept", m{"token": token, "password": good, "email": fmt.Sprintf("p%d@example.org", i)})
			switch {
			case err != nil:
				t.Error(err)
			case a.status == 201:
				made.Add(1)
			case a.status != 410:
				t.Errorf("%d %s", a.status, a.raw)
			}
		})
	}
	wg.Wait()
	members, err := s.store.Members(t.Context(), "org1")
	s.must(err)
	if made.Load() != 1 || len(members) != 1 {
		t.Errorf("%d accounts, %d members", made.Load(), len(members))
	}
}

func TestInvitationOfSomebodyWithAnAccount(t *testing.T) {
	s := newService(t)
	ann := s.member("ann@example.org", api.Owner)
	s.must(s.store.CreateOrganisation(t.Context(), api.Organisation{ID: "org2", Name: "Second", Created: s.clock.Now()}))
	token, now := newSecret(), s.clock.Now()
	s.must(s.store.CreateInvitation(t.Context(), api.Invitation{ID: "i2", Organisation: "org2", Role: api.Auditor, Email: "Ann@example.org",
		Created: now, Expires: now.Add(time.Hour)}, hashSecret(token)))
	s.browser(firefox).do("POST", "/api/invitations/accept", m{"token": token, "password": good}).wants(t, 409, "conflict")
	if a := ann.do("POST", "/api/invitations/accept", m{"token": token}); a.status != 201 {
		t.Fatal(a.raw)
	}
	a := ann.do("GET", "/api/session", nil).wants(t, 200, "")
	if a.body["organisation"].(map[string]any)["name"] != "Second" {
		t.Error(a.raw)
	}
	ann.do("GET", "/api/inside", nil).wants(t, 404, "not-found") // acts for the other one now
	ann.do("POST", "/api/session/organisation", m{"organisation": "org1"}).wants(t, 204, "")
	ann.do("GET", "/api/inside", nil).wants(t, 204, "")
	ann.do("POST", "/api/session/organisation", m{"organisation": "org3"}).wants(t, 404, "not-found")
}

func TestA3SignIn(t *testing.T) {
	s := newService(t)
	ann := s.member("ann@example.org", api.Owner)
	a := ann.do("DELETE", "/api/session", nil).wants(t, 204, "")
	if !strings.Contains(a.header.Get("Clear-Site-Data"), "storage") {
		t.Error("sign-out leaves data behind")
	}
	ann.do("GET", "/api/inside", nil).wants(t, 401, "not-signed-in")
	ann.do("POST", "/api/session", m{"email": "ann@example.org", "password": good + "x"}).wants(t, 401, "not-signed-in")
	a = ann.do("POST", "/api/session", m{"email": " Ann@Example.org", "password": good}).wants(t, 201, "")
	cookie := a.header.Get("Set-Cookie")
	for _, part := range []string{"HttpOnly", "SameSite=Lax", "Path=/"} {
		if !strings.Contains(cookie, part) {
			t.Errorf("cookie %q", cookie)
		}
	}
	if a := ann.do("GET", "/api/session", nil).wants(t, 200, ""); a.body["account"].(map[string]any)["email"] != "ann@example.org" {
		t.Error(a.raw)
	}
	s.browser(firefox).do("GET", "/api/session", nil).wants(t, 401, "not-signed-in")
}

func TestA4GuessesAreCounted(t *testing.T) {
	s := newService(t)
	s.member("ann@example.org", api.Owner)
	b := s.browser(safari)
	for _, email := range []string{"ann@example.org", "nobody@example.org"} {
		evaluated, first := 0, ""
		for range 30 {
			a := b.do("POST", "/api/session", m{"email": email, "password": "wrong wrong wrong"})
			if a.status == 401 {
				evaluated++
				first = a.problem() + a.body["detail"].(string)
			} else if a.status != 429 || a.header.Get("Retry-After") == "" {
				t.Fatalf("%d %s", a.status, a.raw)
			}
		}
		if evaluated != 10 || first != "not-signed-inThe address or the password is wrong." {
			t.Errorf("%s: %d evaluated, %q", email, evaluated, first)
		}
	}
	b.do("POST", "/api/session", m{"email": "ann@example.org", "password": good}).wants(t, 429, "too-many")
	for range 9 { // 100 in a row, then only a reset helps
		s.clock.Advance(15 * time.Minute)
		for range 10 {
			b.do("POST", "/api/session", m{"email": "ann@example.org", "password": "wrong wrong wrong"})
		}
	}
	b.do("POST", "/api/session", m{"email": "ann@example.org", "password": good}).wants(t, 429, "too-many")
	b.do("POST", "/api/password/forgot", m{"email": "ann@example.org"}).wants(t, 204, "")
	_, reset := s.mails()
	_, token, _ := strings.Cut(strings.Fields(reset.Text[strings.Index(reset.Text, "http"):])[0], "#reset=")
	b.do("POST", "/api/password/reset", m{"token": token, "password": good + " two"}).wants(t, 204, "")
	b.do("POST", "/api/session", m{"email": "ann@example.org", "password": good + " two"}).wants(t, 201, "")
}

// TestLimitsFailClosed takes the limiter away.
func TestLimitsFailClosed(t *testing.T) {
	s := newService(t)
	s.member("ann@example.org", api.Owner).do("DELETE", "/api/session", nil)
	s.auth.cfg.Store = brokenLimits{s.store}
	b := s.browser(firefox)
	for path, body := range map[string]m{"/api/session": {"email": "ann@example.org", "password": good},
		"/api/invitations/accept": {"token": s.invite("bob@example.org", api.Owner), "password": good},
		"/api/password/forgot":    {"email": "ann@example.org"}, "/api/password/reset": {"token": "x", "password": good},
		"/api/session/passkey/begin": {}} {
		if a := b.do("POST", path, body); a.status != 503 || strings.Contains(a.raw, "marker") {
			t.Errorf("%s: %d %s", path, a.status, a.raw)
		}
	}
}

// TestUnknownAddressesAreHashedToo: where no password can be hashed, an unknown
// address is told the same as a known one. This shows without a clock that both
// cost a hash; TestA4SameTimeForUnknownAddresses shows it with one.
func TestUnknownAddressesAreHashedToo(t *testing.T) {
	s := newService(t)
	s.member("ann@example.org", api.Owner)
	for range maxWaiting {
		s.auth.hasher.waiting <- struct{}{}
	}
	b := s.browser(firefox)
	for _, email := range []string{"ann@example.org", "nobody@example.org"} {
		b.do("POST", "/api/session", m{"email": email, "password": "wrong wrong wrong"}).wants(t, 503, "unavailable")
	}
	if c, _, _, err := decode(newHasher(nil, usualCost).dummy); err != nil || c != usualCost {
		t.Errorf("an unknown address costs %+v, a known one %+v, %v", c, usualCost, err)
	}
}

type brokenLimits struct{ *store.Accounts }

func (brokenLimits) Hit(context.Context, string, string, time.Duration, time.Time) (int, time.Time, error) {
	return 0, time.Time{}, errors.New("marker: limiter down")
}

func TestA5A6SecondSignIn(t *testing.T) {
	s := newService(t)
	ann := s.member("ann@example.org", api.Owner)
	other := s.browser(safari)
	creds := m{"email": "ann@example.org", "password": good}
	other.do("POST", "/api/session", creds).wants(t, 409, "signed-in-elsewhere")
	a := ann.do("GET", "/api/session", nil).wants(t, 200, "")
	if notice, _ := a.body["notice"].(map[string]any); notice == nil || notice["client"].(map[string]any)["browser"] != "Safari on iPad" {
		t.Errorf("the first session sees %v", a.body["notice"])
	}
	kinds, last := s.mails()
	if !slices.Equal(kinds, []string{"sign-in"}) || !strings.Contains(last.Text, "Safari on iPad") || !strings.Contains(last.Text, "127.0.0.1") ||
		!strings.Contains(last.Text, "2026-03-01 12:00 UTC") || last.To != "ann@example.org" {
		t.Errorf("%v %+v", kinds, last)
	}
	if n := count(s.events(), "session.second"); n != 1 {
		t.Errorf("%d events", n)
	}
	// Take-over without a second factor needs the mailbox.
	creds["takeOver"] = true
	other.do("POST", "/api/session", creds).wants(t, 401, "code-mailed")
	_, last = s.mails()
	mailed := strings.Fields(strings.SplitN(last.Text, "session:\n\n", 2)[1])[0]
	creds["code"] = "AAAAAAAAAA"
	other.do("POST", "/api/session", creds).wants(t, 401, "wrong-code")
	creds["code"] = mailed
	other.do("POST", "/api/session", creds).wants(t, 201, "")
	a = ann.do("GET", "/api/session", nil).wants(t, 401, "not-signed-in")
	if !strings.Contains(a.raw, "sign-in elsewhere") {
		t.Error(a.raw)
	}
	ann.do("GET", "/api/inside", nil).wants(t, 401, "not-signed-in")
	other.do("GET", "/api/inside", nil).wants(t, 204, "")
	ann.do("POST", "/api/session", creds).wants(t, 401, "wrong-code") // the code is spent
	if kinds, _ := s.mails(); kinds[0] != "taken-over" {
		t.Error(kinds)
	}
	// The same browser may sign in again, and an idle session gives way.
	delete(creds, "takeOver")
	delete(creds, "code")
	other.do("POST", "/api/session", creds).wants(t, 201, "")
	s.clock.Advance(30 * time.Minute)
	other.do("GET", "/api/inside", nil).wants(t, 401, "not-signed-in")
	ann.do("POST", "/api/session", creds).wants(t, 201, "")
}

func count(all []string, what string) (n int) {
	for _, v := range all {
		if v == what {
			n++
		}
	}
	return n
}

func TestA6ParallelSignIns(t *testing.T) { onBoth(t, parallelSignIns) }

func parallelSignIns(t *testing.T, s *service) {
	s.member("ann@example.org", api.Owner).do("DELETE", "/api/session", nil)
	var wg sync.WaitGroup
	var won atomic.Int64
	browsers := make([]*browser, 200)
	for i := range browsers {
		browsers[i] = s.browser(firefox)
		wg.Go(func() {
			a, err := browsers[i].try("POST", "/api/session", m{"email": "ann@example.org", "password": good})
			switch {
			case err != nil:
				t.Error(err)
			case a.status == 201:
				won.Add(1)
			case a.status != 409 && a.status != 429: // told so, or stopped by the limit on guesses
				t.Errorf("%d %s", a.status, a.raw)
			}
		})
	}
	wg.Wait()
	inside := 0
	for _, b := range browsers {
		if b.do("GET", "/api/inside", nil).status == 204 {
			inside++
		}
	}
	if won.Load() != 1 || inside != 1 {
		t.Errorf("%d sign-ins, %d inside", won.Load(), inside)
	}
}

func TestA7CopiedCookie(t *testing.T) {
	s := newService(t)
	ann := s.member("ann@example.org", api.Owner)
	thief := s.browser(safari)
	thief.c = ann.c // the same cookies
	thief.do("GET", "/api/inside", nil).wants(t, 401, "not-signed-in")
	ann.do("GET", "/api/inside", nil).wants(t, 401, "not-signed-in")
	if kinds, _ := s.mails(); !slices.Equal(kinds, []string{"copied"}) {
		t.Error(kinds)
	}
	if count(s.events(), "session.copied") != 1 {
		t.Error(s.events())
	}
}

func TestA8TOTP(t *testing.T) {
	s := newService(t)
	token := s.invite("ann@example.org", api.Owner)
	ann := s.browser(firefox)
	offer := ann.do("GET", "/api/invitations/"+token, nil).body["totp"].(map[string]any)
	secret := offer["secret"].(string)
	if !strings.HasPrefix(offer["uri"].(string), "otpauth://totp/Inkwitness:ann@example.org?") || !strings.Contains(offer["uri"].(string), secret) {
		t.Error(offer)
	}
	accept := m{"token": token, "password": "kq8vz2mw", "totp": "000000"}
	ann.do("POST", "/api/invitations/accept", accept).wants(t, 422, "invalid")
	accept["totp"] = code(t, secret, s.clock.Now())
	a := ann.do("POST", "/api/invitations/accept", accept).wants(t, 201, "")
	recovery := a.body["recoveryCodes"].([]any)
	if len(recovery) != 10 || a.body["secondFactor"] != true {
		t.Error(a.raw)
	}
	ann.do("DELETE", "/api/session", nil).wants(t, 204, "")

	creds := m{"email": "ann@example.org", "password": "kq8vz2mw"}
	ann.do("POST", "/api/session", creds).wants(t, 401, "second-factor")
	creds["code"] = accept["totp"] // spent on acceptance
	ann.do("POST", "/api/session", creds).wants(t, 401, "wrong-code")
	s.clock.Advance(30 * time.Second)
	creds["code"] = code(t, secret, s.clock.Now())
	ann.do("POST", "/api/session", creds).wants(t, 201, "")
	ann.do("DELETE", "/api/session", nil)
	ann.do("POST", "/api/session", creds).wants(t, 401, "wrong-code") // the same code twice
	creds["code"] = code(t, secret, s.clock.Now().Add(-90*time.Second))
	ann.do("POST", "/api/session", creds).wants(t, 401, "wrong-code") // too old
	creds["code"] = strings.ToLower(recovery[3].(string))
	ann.do("POST", "/api/session", creds).wants(t, 201, "")
	ann.do("DELETE", "/api/session", nil)
	ann.do("POST", "/api/session", creds).wants(t, 401, "wrong-code") // recovery codes work once
	creds["code"], creds["password"] = recovery[4], "wrong password here"
	ann.do("POST", "/api/session", creds).wants(t, 401, "not-signed-in")
	creds["password"] = "kq8vz2mw"
	ann.do("POST", "/api/session", creds).wants(t, 201, "") // the wrong password did not spend it

	// The factor stays while the password cannot stand alone.
	ann.do("DELETE", "/api/factors/totp", nil).wants(t, 409, "conflict")
	ann.do("POST", "/api/password", m{"current": "kq8vz2mw", "password": good}).wants(t, 204, "")
	creds["password"] = good

	// Take-over with the second factor.
	other := s.browser(safari)
	creds["code"] = recovery[5]
	other.do("POST", "/api/session", creds).wants(t, 409, "signed-in-elsewhere")
	creds["code"], creds["takeOver"] = recovery[6], true
	other.do("POST", "/api/session", creds).wants(t, 201, "")
	ann.do("GET", "/api/inside", nil).wants(t, 401, "not-signed-in")
	other.do("DELETE", "/api/factors/totp", nil).wants(t, 204, "")
}

func TestA8ForcedSecondFactor(t *testing.T) {
	s := newService(t)
	ann := s.member("ann@example.org", api.Owner)
	s.org.SecondFactor = true
	s.must(s.store.SaveOrganisation(t.Context(), s.org))
	ann.do("GET", "/api/inside", nil).wants(t, 404, "not-found")
	if a := ann.do("GET", "/api/session", nil).wants(t, 200, ""); a.body["mustAddFactor"] != true {
		t.Error(a.raw)
	}
	secret := ann.do("POST", "/api/factors/totp", nil).wants(t, 201, "").body["secret"].(string)
	ann.do("POST", "/api/factors/totp/confirm", m{"code": "123"}).wants(t, 401, "wrong-code")
	a := ann.do("POST", "/api/factors/totp/confirm", m{"code": code(t, secret, s.clock.Now())}).wants(t, 200, "")
	if len(a.body["recoveryCodes"].([]any)) != 10 {
		t.Error(a.raw)
	}
	ann.do("GET", "/api/inside", nil).wants(t, 204, "")
	if kinds, _ := s.mails(); !slices.Equal(kinds, []string{"factor-changed"}) {
		t.Error(kinds)
	}
	raw, err := base32.StdEncoding.DecodeString(secret)
	if err != nil || len(raw) != 20 {
		t.Error(len(raw), err)
	}
}

func TestFreshProof(t *testing.T) {
	s := newService(t)
	ann := s.member("ann@example.org", api.Owner)
	s.clock.Advance(11 * time.Minute)
	ann.do("POST", "/api/factors/totp", nil).wants(t, 403, "step-up")
	ann.do("POST", "/api/session/proof", m{"password": "wrong wrong wrong"}).wants(t, 401, "not-signed-in")
	ann.do("POST", "/api/session/proof", m{"password": good}).wants(t, 204, "")
	secret := ann.do("POST", "/api/factors/totp", nil).wants(t, 201, "").body["secret"].(string)
	ann.do("POST", "/api/factors/totp/confirm", m{"code": code(t, secret, s.clock.Now())}).wants(t, 200, "")
	s.clock.Advance(11 * time.Minute)
	ann.do("POST", "/api/session/proof", m{"password": good}).wants(t, 401, "second-factor") // the password alone is not enough now
	ann.do("POST", "/api/session/proof", m{"code": code(t, secret, s.clock.Now())}).wants(t, 204, "")
	ann.do("DELETE", "/api/factors/totp", nil).wants(t, 204, "")
	if a := ann.do("GET", "/api/factors", nil).wants(t, 200, ""); a.body["totp"] != false || a.body["recoveryCodes"] != 0.0 || a.body["password"] != true {
		t.Error(a.raw)
	}
}

func TestChangePassword(t *testing.T) {
	s := newService(t)
	ann := s.member("ann@example.org", api.Owner)
	ann.do("POST", "/api/password", m{"current": "wrong wrong wrong", "password": good + " two"}).wants(t, 422, "wrong-password")
	ann.do("POST", "/api/password", m{"current": good, "password": "short"}).wants(t, 422, "invalid")
	ann.do("POST", "/api/password", m{"current": good, "password": good + " two"}).wants(t, 204, "")
	if kinds, _ := s.mails(); !slices.Equal(kinds, []string{"password-changed"}) {
		t.Error(kinds)
	}
	ann.do("DELETE", "/api/session", nil)
	ann.do("POST", "/api/session", m{"email": "ann@example.org", "password": good}).wants(t, 401, "not-signed-in")
	ann.do("POST", "/api/session", m{"email": "ann@example.org", "password": good + " two"}).wants(t, 201, "")
}

func TestResetEndsSessions(t *testing.T) {
	s := newService(t)
	ann := s.member("ann@example.org", api.Owner)
	b := s.browser(safari)
	b.do("POST", "/api/password/forgot", m{"email": "nobody@example.org"}).wants(t, 204, "")
	if kinds, _ := s.mails(); len(kinds) != 0 {
		t.Error(kinds)
	}
	b.do("POST", "/api/password/forgot", m{"email": "ANN@example.org"}).wants(t, 204, "")
	_, last := s.mails()
	_, token, _ := strings.Cut(strings.Fields(last.Text[strings.Index(last.Text, "http"):])[0], "#reset=")
	b.do("POST", "/api/password/reset", m{"token": newSecret(), "password": good + " two"}).wants(t, 410, "expired")
	b.do("POST", "/api/password/reset", m{"token": token, "password": "short"}).wants(t, 422, "invalid")
	b.do("POST", "/api/password/reset", m{"token": token, "password": good + " two"}).wants(t, 204, "")
	b.do("POST", "/api/password/reset", m{"token": token, "password": good + " three"}).wants(t, 410, "expired")
	if a := ann.do("GET", "/api/session", nil).wants(t, 401, "not-signed-in"); !strings.Contains(a.raw, "password was changed") {
		t.Error(a.raw)
	}
	b.do("POST", "/api/session", m{"email": "ann@example.org", "password": good + " two"}).wants(t, 201, "")
	for range 3 {
		b.do("POST", "/api/password/forgot", m{"email": "ann@example.org"})
	}
	b.do("POST", "/api/password/forgot", m{"email": "ann@example.org"}).wants(t, 429, "too-many")
}

func TestResetNeedsTheSecondFactor(t *testing.T) {
	s := newService(t)
	ann := s.member("ann@example.org", api.Owner)
	secret := ann.do("POST", "/api/factors/totp", nil).body["secret"].(string)
	ann.do("POST", "/api/factors/totp/confirm", m{"code": code(t, secret, s.clock.Now())}).wants(t, 200, "")
	ann.do("POST", "/api/password/forgot", m{"email": "ann@example.org"}).wants(t, 204, "")
	_, last := s.mails()
	_, token, _ := strings.Cut(strings.Fields(last.Text[strings.Index(last.Text, "http"):])[0], "#reset=")
	reset := m{"token": token, "password": good + " two"}
	ann.do("POST", "/api/password/reset", reset).wants(t, 401, "second-factor")
	s.clock.Advance(30 * time.Second)
	reset["code"] = code(t, secret, s.clock.Now())
	ann.do("POST", "/api/password/reset", reset).wants(t, 204, "")
}

func TestSessionsEnd(t *testing.T) {
	s := newService(t)
	ann := s.member("ann@example.org", api.Owner)
	for range 26 { // used every 29 minutes it lives 12 hours, and no longer
		s.clock.Advance(29 * time.Minute)
		a := ann.do("GET", "/api/inside", nil)
		if over := s.clock.Now().Sub(storetest.NewClock().Now()) >= 12*time.Hour; (a.status == 401) != over {
			t.Fatalf("after %v: %d", s.clock.Now().Sub(storetest.NewClock().Now()), a.status)
		}
	}
	cat := s.member("cat@example.org", api.Sender)
	s.clock.Advance(30 * time.Minute) // not used
	cat.do("GET", "/api/inside", nil).wants(t, 401, "not-signed-in")
	if a := cat.do("GET", "/api/session", nil).wants(t, 401, "not-signed-in"); !strings.Contains(a.raw, "not used") {
		t.Error(a.raw)
	}
	bob := s.member("bob@example.org", api.Sender)
	acc, err := s.store.AccountByEmail(t.Context(), "bob@example.org")
	s.must(err)
	s.must(s.store.RemoveMember(t.Context(), "org1", acc.ID)) // A14
	bob.do("GET", "/api/inside", nil).wants(t, 401, "not-signed-in")
}

func TestA20Deactivated(t *testing.T) {
	s := newService(t)
	ann := s.member("ann@example.org", api.Owner)
	ann.do("POST", "/api/inside", nil).wants(t, 204, "")
	s.org.Deactivated = true
	s.must(s.store.SaveOrganisation(t.Context(), s.org))
	ann.do("GET", "/api/inside", nil).wants(t, 204, "")
	for range 100 {
		ann.do("POST", "/api/inside", nil).wants(t, 403, "deactivated")
	}
}

func TestBlockedAccount(t *testing.T) {
	s := newService(t)
	s.member("ann@example.org", api.Owner).do("DELETE", "/api/session", nil)
	acc, err := s.store.AccountByEmail(t.Context(), "ann@example.org")
	s.must(err)
	acc.State = api.AccountBlocked
	s.must(s.store.SaveAccount(t.Context(), acc))
	s.browser(firefox).do("POST", "/api/session", m{"email": "ann@example.org", "password": good}).wants(t, 401, "not-signed-in")
	bob := s.member("bob@example.org", api.Sender)
	acc, err = s.store.AccountByEmail(t.Context(), "bob@example.org")
	s.must(err)
	acc.State = api.AccountBlocked
	s.must(s.store.SaveAccount(t.Context(), acc))
	bob.do("GET", "/api/inside", nil).wants(t, 401, "not-signed-in")
}

// TestCookieOfAnotherAccount shows that a made-up cookie is nobody's.
func TestMadeUpCookie(t *testing.T) {
	s := newService(t)
	s.member("ann@example.org", api.Owner)
	r, err := http.NewRequest("GET", s.server.URL+"/api/inside", nil)
	s.must(err)
	for _, value := range []string{"", "x", newSecret(), strings.Repeat("a", 4000)} {
		r.Header.Set("Cookie", "inkwitness-session="+value)
		w, err := http.DefaultClient.Do(r)
		s.must(err)
		w.Body.Close()
		if w.StatusCode != 401 {
			t.Errorf("%q: %d", value, w.StatusCode)
		}
	}
}
