package e2e

import (
	"bytes"
	"database/sql"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
)

// database opens the file of a service that runs on SQLite, to arrange what time
// or a thief would bring about.
func (s *service) database() *sql.DB {
	s.t.Helper()
	db, err := sql.Open("sqlite", "file:"+filepath.Join(s.data, "inkwitness.db")+"?_pragma=busy_timeout(10000)")
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { db.Close() })
	return db
}

func (s *service) exec(query string, args ...any) {
	s.t.Helper()
	if _, err := s.database().Exec(query, args...); err != nil {
		s.t.Fatal(err)
	}
}

func (s *service) count(query string, args ...any) (n int) {
	s.t.Helper()
	if err := s.database().QueryRow(query, args...).Scan(&n); err != nil {
		s.t.Fatal(err)
	}
	return n
}

// invited makes an invitation and returns its token.
func (c *client) invited(email, role string) string {
	c.t.Helper()
	c.must("POST", "/api/members/invitations", map[string]string{"email": email, "role": role, "language": "en"}, nil)
	_, link := c.mailed(email, memberLink)
	return strings.TrimPrefix(link, "#invitation=")
}

func accepting(token, email, password string) map[string]string {
	return map[string]string{"token": token, "name": "N", "email": email, "password": password}
}

// TestA1_OnlyByInvitation asks every route without a session, and tries to make
// accounts with tokens that do not work: none is made. One that works makes one.
func TestA1_OnlyByInvitation(t *testing.T) {
	s, _ := sharedService(t)
	owner, _ := s.organisation("Gate", "owner@gate.example")
	nobody := s.client()
	var description struct {
		Paths map[string]map[string]struct{ Security []any }
	}
	nobody.do("GET", "/openapi.json", nil).json(t, &description)
	asked := 0
	for path, methods := range description.Paths {
		for method, operation := range methods {
			if operation.Security == nil {
				continue
			}
			address := regexp.MustCompile(`\{[^}]*\}`).ReplaceAllString(path, strings.Repeat("a", 32))
			asked++
			if a := nobody.do(strings.ToUpper(method), address, map[string]any{}); a.Status != 401 && a.Status != 422 && a.Status != 400 {
				t.Errorf("%s %s without a session: %s", method, path, a)
			}
		}
	}
	if asked < 50 {
		t.Errorf("only %d routes need a session", asked)
	}

	before := s.count(`SELECT COUNT(*) FROM accounts`)
	used, revoked, expired, other := owner.invited("used@gate.example", "sender"), owner.invited("revoked@gate.example", "sender"), owner.invited("expired@gate.example", "sender"), owner.invited("other@gate.example", "sender")
	nobody.must("POST", "/api/invitations/accept", accepting(used, "used@gate.example", ownerPassword), nil)
	var list struct {
		Invitations []struct{ ID, Email string }
	}
	owner.must("GET", "/api/members/invitations", nil, &list)
	for _, i := range list.Invitations {
		switch i.Email {
		case "revoked@gate.example":
			owner.must("DELETE", "/api/members/invitations/"+i.ID, nil, nil)
		case "expired@gate.example":
			s.exec(`UPDATE invitations SET expires = 1 WHERE id = ?`, i.ID)
		}
	}
	for what, test := range map[string]struct{ token, email string }{
		"used": {used, "used2@gate.example"}, "revoked": {revoked, "revoked@gate.example"}, "expired": {expired, "expired@gate.example"},
		"for another address": {other, "thief@gate.example"}, "empty": {"", "x@gate.example"}, "made up": {strings.Repeat("A", 43), "x@gate.example"},
		"cut": {other[:42], "other@gate.example"},
	} {
		if a := s.client().do("POST", "/api/invitations/accept", accepting(test.token, test.email, ownerPassword)); a.Status < 400 {
			t.Errorf("an invitation that is %s: %s", what, a)
		}
	}
	for i := range 100 {
		if a := s.client().do("POST", "/api/invitations/accept", accepting(fmt.Sprintf("%043d", i), "x@gate.example", ownerPassword)); a.Status < 400 {
			t.Errorf("a made-up token: %s", a)
		}
	}
	if made := s.count(`SELECT COUNT(*) FROM accounts`) - before; made != 1 {
		t.Errorf("%d accounts came of it, want the one with the good token", made)
	}

	var won sync.Map
	var all sync.WaitGroup
	for i := range 10 {
		c := s.client()
		all.Go(func() {
			if c.do("POST", "/api/invitations/accept", accepting(other, "other@gate.example", ownerPassword)).Status < 300 {
				won.Store(i, true)
			}
		})
	}
	all.Wait()
	winners := 0
	won.Range(func(any, any) bool { winners++; return true })
	if made := s.count(`SELECT COUNT(*) FROM accounts`) - before; winners != 1 || made != 2 {
		t.Errorf("ten uses of one invitation at once: %d let in, %d accounts", winners, made)
	}
}

// TestA1_ManyGuesses: invitations that were made up make no account, though
// they come from so many addresses that no limit speaks; a good one still makes one.
func TestA1_ManyGuesses(t *testing.T) {
	s := newService(t, "TRUSTED_PROXIES=127.0.0.0/8")
	s.start()
	owner := s.owner()
	token := owner.invited("sam@example.org", "sender")
	before := s.count(`SELECT COUNT(*) FROM accounts`)
	const workers = 8
	guesses := 1000
	if n, err := strconv.Atoi(os.Getenv("INKWITNESS_GUESSES")); err == nil {
		guesses = n // 10,000 by make soak
	}
	var looked, all atomic.Int64
	var done sync.WaitGroup
	for w := range workers {
		c := s.client()
		done.Go(func() {
			for i := w; i < guesses; i += workers {
				from := fmt.Sprintf("10.0.%d.%d", i/1000, i/250%250+1) // 250 tries from each of 40 addresses, fewer than the limit
				a := c.do("POST", "/api/invitations/accept", accepting(fmt.Sprintf("%043d", i), "x@example.org", ownerPassword), "X-Forwarded-For", from)
				if a.Status == 410 {
					looked.Add(1)
				}
				if a.Status < 400 {
					t.Errorf("guess %d: %s", i, a)
				}
				all.Add(1)
			}
		})
	}
	done.Wait()
	if made := s.count(`SELECT COUNT(*) FROM accounts`) - before; made != 0 || all.Load() != int64(guesses) || looked.Load() != int64(guesses) {
		t.Errorf("%d accounts came of %d guesses, %d of them looked at", made, all.Load(), looked.Load())
	}
	s.accept("#invitation="+token, "sam@example.org")
}

// TestA2_InvitationIsBound: nothing that is sent along changes what it gives.
func TestA2_InvitationIsBound(t *testing.T) {
	s, _ := sharedService(t)
	owner, organisation := s.organisation("Bound", "owner@bound.example")
	token := owner.invited("sam@bound.example", "sender")
	c := s.client()
	for name, more := range map[string]string{"role": "owner", "organisation": strings.Repeat("0", 31) + "1"} {
		body := accepting(token, "sam@bound.example", ownerPassword)
		body[name] = more
		refused(t, "an invitation with another "+name, c.do("POST", "/api/invitations/accept", body), 422, "")
	}
	var session struct {
		Account      struct{ Role string }
		Organisation struct{ ID string }
	}
	c.must("POST", "/api/invitations/accept", accepting(token, "sam@bound.example", ownerPassword), &session)
	if session.Account.Role != "sender" || session.Organisation.ID != organisation {
		t.Errorf("the invitation gave %+v", session)
	}
	refused(t, "the same link in a second browser", s.client().do("POST", "/api/invitations/accept", accepting(token, "sam@bound.example", ownerPassword)), 410, "")
}

// TestA3_Passwords: long ones are taken whole, short and common ones are refused,
// and none is to be found in what is stored.
func TestA3_Passwords(t *testing.T) {
	s, _ := sharedService(t)
	owner, _ := s.organisation("Words", "owner@words.example")
	token := owner.invited("sam@words.example", "sender")
	for _, weak := range []string{"fourteen chars", "aaaaaaaaaaaaaaaa", "sam@words.example"} {
		refused(t, "the password "+weak, s.client().do("POST", "/api/invitations/accept", accepting(token, "sam@words.example", weak)), 422, "")
	}
	long := "Zoë a mangé 7 pommes; 陳大文 hat acht Birnen gegessen am Tag zuvor!"
	if n := len([]rune(long)); n < 64 {
		t.Fatalf("the long password has %d characters", n)
	}
	s.client().must("POST", "/api/invitations/accept", accepting(token, "sam@words.example", long), nil)
	other := []rune(long)
	other[63]++
	for name, wrong := range map[string]string{"another 64th character": string(other), "cut": string([]rune(long)[:63]), "other case": strings.ToUpper(long)} {
		refused(t, name, s.client().do("POST", "/api/session", map[string]string{"email": "sam@words.example", "password": wrong}), 401, "wrong")
	}
	if a := s.client().do("POST", "/api/session", map[string]string{"email": "sam@words.example", "password": long}); problemOf(a) != "signed-in-elsewhere" {
		t.Errorf("the right password: %s", a)
	}
	if n := s.count(`SELECT COUNT(*) FROM passwords WHERE hash NOT LIKE '$argon2id$%'`); n != 0 {
		t.Errorf("%d passwords are not hashed by argon2id", n)
	}
	err := filepath.WalkDir(s.data, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		content, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		for _, secret := range []string{long, ownerPassword} {
			if bytes.Contains(content, []byte(secret)) {
				t.Errorf("%s holds a password", path)
			}
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}

// TestA4_GuessingStops: ten guesses in fifteen minutes, then nothing is looked at;
// an address without an account is answered alike.
func TestA4_GuessingStops(t *testing.T) {
	s, _ := sharedService(t)
	owner, _ := s.organisation("Guess", "owner@guess.example")
	owner.must("DELETE", "/api/session", nil, nil)
	answers := map[string][]string{}
	for _, email := range []string{"owner@guess.example", "nobody@guess.example"} {
		for range 12 {
			a := s.client().do("POST", "/api/session", map[string]string{"email": email, "password": "wrong password, wrong"})
			a.Body = regexp.MustCompile(`"instance":"[^"]*"`).ReplaceAll(a.Body, nil)
			answers[email] = append(answers[email], fmt.Sprint(a.Status, " ", string(a.Body)))
			if a.Status == 429 && a.Header.Get("Retry-After") == "" {
				t.Error("a refusal does not say how long to wait")
			}
		}
	}
	if !slices.Equal(answers["owner@guess.example"], answers["nobody@guess.example"]) {
		t.Errorf("an account shows in the answers:\n%v\n%v", answers["owner@guess.example"], answers["nobody@guess.example"])
	}
	looked := slices.IndexFunc(answers["owner@guess.example"], func(a string) bool { return strings.HasPrefix(a, "429") })
	if looked != 10 {
		t.Errorf("%d guesses were looked at, want 10", looked)
	}
	if a := s.client().do("POST", "/api/session", map[string]string{"email": "owner@guess.example", "password": ownerPassword}); a.Status != 429 {
		t.Errorf("the right password after too many wrong ones: %s", a)
	}
}

const firefox = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"

// TestA5_SecondSignInIsTold: the first session sees it, its holder has a mail with
// time, address and browser, and the record has one line. TestA6: taking over
// needs the mailbox where there is no second factor, and ends the first session.
func TestA5_SecondSignInIsTold(t *testing.T) {
	s, _ := sharedService(t)
	first, _ := s.organisation("Twice", "owner@twice.example")
	signIn := func(more map[string]any) (*client, answer) {
		c := s.client()
		body := map[string]any{"email": "owner@twice.example", "password": ownerPassword}
		for k, v := range more {
			body[k] = v
		}
		return c, c.do("POST", "/api/session", body, "User-Agent", firefox)
	}
	if _, a := signIn(nil); problemOf(a) != "signed-in-elsewhere" {
		t.Fatalf("the second sign-in: %s", a)
	}
	var session struct {
		Notice *struct{ At string }
	}
	first.must("GET", "/api/session", nil, &session)
	if session.Notice == nil {
		t.Error("the first session is not told")
	}
	if out := s.operator("outbox", "--limit", "50"); !strings.Contains(out, "owner@twice.example") || !strings.Contains(out, "Firefox") {
		t.Error("no mail names the browser of the second sign-in")
	}
	if n := first.events("session.second"); n != 1 {
		t.Errorf("the record has %d lines about it, want 1", n)
	}
	if _, a := signIn(map[string]any{"takeOver": true}); problemOf(a) != "code-mailed" {
		t.Fatalf("taking over without a code: %s", a)
	}
	_, code, _ := strings.Cut(s.operator("outbox", "--limit", "1"), "Your code to take over the session:")
	code = strings.Fields(code)[0]
	second, a := signIn(map[string]any{"takeOver": true, "code": code})
	if a.Status != 201 {
		t.Fatalf("taking over with the code %q: %s", code, a)
	}
	refused(t, "the session that was taken over", first.do("GET", "/api/session", nil), 401, "sign-in elsewhere")
	if _, a := signIn(map[string]any{"takeOver": true, "code": code}); a.Status < 300 {
		t.Error("the code works twice")
	}
	if a := second.do("GET", "/api/documents", nil, "User-Agent", firefox); a.Status != 200 {
		t.Errorf("the session that took over: %s", a)
	}
}

// events counts the lines of a kind in the organisation's record.
func (c *client) events(kind string) (n int) {
	c.t.Helper()
	var record struct {
		Events []struct{ Kind string }
	}
	c.must("GET", "/api/audit?limit=1000", nil, &record)
	for _, e := range record.Events {
		if e.Kind == kind {
			n++
		}
	}
	return n
}

// TestA7_CopiedCookie: shown by another browser, the cookie ends for both.
func TestA7_CopiedCookie(t *testing.T) {
	s, _ := sharedService(t)
	owner, _ := s.organisation("Copied", "owner@copied.example")
	thief := &client{t: t, s: s, http: owner.http}
	refused(t, "the cookie from another browser", thief.do("GET", "/api/documents", nil, "User-Agent", "curl/8.0"), 401, "")
	refused(t, "the cookie from its own browser afterwards", owner.do("GET", "/api/session", nil), 401, "two browsers")
	if out := s.operator("outbox", "--limit", "20"); !strings.Contains(out, "to owner@copied.example") {
		t.Error("the holder has no mail about the copied cookie")
	}
}

// TestA7_CopyInTheSameBrowser: a copy that is used by a browser of the same kind, at
// the same address, shows by the secret in the cookie, which changes with use. It
// ends for both; the holder alone goes on, as do sessions of an earlier release.
func TestA7_CopyInTheSameBrowser(t *testing.T) {
	s, _ := sharedService(t)
	owner, organisation := s.organisation("Twin", "owner@twin.example")
	account := owner.account()
	due := func() { s.exec(`UPDATE sessions SET renewed = 1 WHERE account = ? AND ended IS NULL`, account) }
	kept := func(c *client) string {
		for _, cookie := range c.http.Jar.Cookies(mustURL(t, s.base)) {
			if cookie.Name == "inkwitness-session" {
				return cookie.Value
			}
		}
		return ""
	}
	copied := func(value string) *client {
		c := s.client()
		c.http.Jar.SetCookies(mustURL(t, s.base), []*http.Cookie{{Name: "inkwitness-session", Value: value}})
		return c
	}
	token, _, _ := strings.Cut(kept(owner), ".")
	s.exec(`UPDATE sessions SET secret_hash = x'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855', renewed = 0 WHERE account = ?`, account)
	owner = copied(token) // as earlier releases made cookies
	for range 4 {
		before := kept(owner)
		due()
		owner.must("GET", "/api/documents", nil, nil)
		if now := kept(owner); now == before || !strings.HasPrefix(now, token+".") {
			t.Error("the cookie stayed the same")
		}
		owner.must("GET", "/api/documents", nil, nil)
	}

	thief := copied(kept(owner))
	thief.must("GET", "/api/documents", nil, nil)
	due()
	thief.must("GET", "/api/documents", nil, nil)
	owner.must("GET", "/api/documents", nil, nil)
	due()
	owner.must("GET", "/api/documents", nil, nil)
	refused(t, "the cookie of the thief", thief.do("GET", "/api/documents", nil), 401, "")
	refused(t, "the cookie of the holder afterwards", owner.do("GET", "/api/session", nil), 401, "two browsers")
	if out := s.operator("outbox", "--limit", "20"); !strings.Contains(out, "to owner@twin.example") {
		t.Error("the holder has no mail about the copied cookie")
	}
	if n := s.count(`SELECT COUNT(*) FROM audit WHERE organisation = ? AND kind = 'session.copied'`, organisation); n != 1 {
		t.Errorf("%d lines in the record", n)
	}
}

// TestA13_Profile: one's own is edited and read back, also in the export; nothing
// of it can be set that is not the holder's to set.
func TestA13_Profile(t *testing.T) {
	s, _ := sharedService(t)
	owner, _ := s.organisation("Self", "owner@self.example")
	owner.must("PATCH", "/api/profile", map[string]string{"name": "Zoë", "company": "Étude", "language": "zh-Hant"}, nil)
	var export struct {
		Profile     struct{ Name, Company, Language, Email string }
		Memberships []struct{ Role string }
		Acts        []struct{ Kind string }
	}
	owner.must("GET", "/api/profile/export", nil, &export)
	if p := export.Profile; p.Name != "Zoë" || p.Company != "Étude" || p.Language != "zh-Hant" || p.Email != "owner@self.example" || len(export.Memberships) != 1 || len(export.Acts) == 0 {
		t.Errorf("the export holds %+v", export)
	}
	for _, field := range []string{"role", "state", "email", "id", "phoneSince"} {
		refused(t, "setting "+field, owner.do("PATCH", "/api/profile", map[string]string{field: "owner"}), 422, "")
	}
}

// TestA14_RemovedMember: the session of who is removed ends with the next request,
// and a role that was taken is gone at once.
func TestA14_RemovedMember(t *testing.T) {
	s, _ := sharedService(t)
	owner, _ := s.organisation("Leave", "owner@leave.example")
	sam := owner.join("sam@leave.example", "sender")
	owner.must("PATCH", "/api/members/"+sam.account(), map[string]string{"role": "reviewer"}, nil)
	refused(t, "uploading as a reviewer", sam.do("POST", "/api/documents?filename=a.pdf", smallPDF()), 403, "")
	owner.must("DELETE", "/api/members/"+sam.account(), nil, nil)
	refused(t, "a request of who was removed", sam.do("GET", "/api/documents", nil), 401, "")
	s.operator("accounts", "block", "sam@leave.example")
	refused(t, "signing in to a blocked account", s.client().do("POST", "/api/session", map[string]string{"email": "sam@leave.example", "password": ownerPassword}), 401, "wrong")
}

// TestA20_Deactivated: nothing new comes in, by a person or a program; what is
// there can be read.
func TestA20_Deactivated(t *testing.T) {
	s, _ := sharedService(t)
	owner, id := s.organisation("Closed", "owner@closed.example")
	d := owner.draft("Kept", person{"Sam", "sam@closed.example"})
	var key struct{ Secret string }
	owner.must("POST", "/api/keys", map[string]any{"name": "k", "scopes": []string{"document:create", "document:read"}}, &key)
	s.operator("organisations", "deactivate", id)
	for i := range 50 {
		header := []string{}
		c := owner
		if i%2 == 1 {
			c, header = s.client(), []string{"Authorization", "Bearer " + key.Secret}
		}
		if a := c.do("POST", "/api/documents?filename=a.pdf", smallPDF(), header...); a.Status != 403 || problemOf(a) != "deactivated" {
			t.Fatalf("submission %d: %s", i, a)
		}
	}
	if a := owner.do("POST", "/api/documents/"+d.ID+"/send", nil); problemOf(a) != "deactivated" {
		t.Errorf("sending: %s", a)
	}
	if a := owner.do("GET", "/api/documents/"+d.ID+"/pdf", nil); a.Status != 200 {
		t.Errorf("downloading: %s", a)
	}
	s.operator("organisations", "activate", id)
	owner.draft("Again", person{"Sam", "sam@closed.example"})
}

// TestA22_Staff: without a grant and the words of confidentiality nothing can be
// read; with both each reading stands in the customer's record with its reason;
// taken back, it ends at once. (A23: the acceptance has the hash of the words.)
func TestA22_Staff(t *testing.T) {
	s, _ := sharedService(t)
	owner, id := s.organisation("Customer", "owner@customer.example")
	d := owner.draft("Private", person{"Sam", "sam@customer.example"})
	staff := s.accept(s.operator("invite", "--role", "staff", "helper@operator.example"), "helper@operator.example")
	move := map[string]string{"organisation": id}
	refused(t, "entering without a second factor", staff.do("POST", "/api/session/organisation", move), 403, "second factor")
	staff.withSecond()
	refused(t, "entering without a grant", staff.do("POST", "/api/session/organisation", move), 404, "")
	refused(t, "reading without a grant", staff.do("GET", "/api/documents/"+d.ID, nil), 404, "")
	var grant struct{ ID string }
	owner.must("POST", "/api/grants", map[string]any{"email": "helper@operator.example", "reason": "a broken upload", "hours": 1}, &grant)
	refused(t, "entering without accepting the words", staff.do("POST", "/api/session/organisation", move), 403, "confidentiality")
	refused(t, "accepting other words", staff.do("POST", "/api/staff/terms", map[string]string{"hash": strings.Repeat("0", 64)}), 409, "changed")
	var terms struct{ Hash string }
	staff.must("GET", "/api/staff/terms", nil, &terms)
	staff.must("POST", "/api/staff/terms", map[string]string{"hash": terms.Hash}, nil)
	staff.must("POST", "/api/session/organisation", move, nil)
	staff.must("GET", "/api/documents/"+d.ID, nil, nil)
	refused(t, "changing something", staff.do("POST", "/api/documents/"+d.ID+"/send", nil), 403, "")
	record := string(owner.do("GET", "/api/audit?limit=100", nil).Body)
	for _, says := range []string{"grant.created", "staff.entered", "staff.request", "a broken upload", "GET /api/documents/{id}"} {
		if !strings.Contains(record, says) {
			t.Errorf("the customer's record does not say %q", says)
		}
	}
	owner.must("DELETE", "/api/grants/"+grant.ID, nil, nil)
	refused(t, "reading after the grant ended", staff.do("GET", "/api/documents/"+d.ID, nil), 401, "")
}

// TestA24_Limits: over the limit nothing is sent.
func TestA24_Limits(t *testing.T) {
	s, _ := sharedService(t)
	owner, _ := s.organisation("Flood", "owner@flood.example")
	sent := 0
	for i := range 55 {
		a := owner.do("POST", "/api/members/invitations", map[string]string{"email": fmt.Sprintf("x%d@flood.example", i), "role": "auditor", "language": "en"})
		switch {
		case a.Status == 201:
			sent++
		case a.Status != 429 || a.Header.Get("Retry-After") == "":
			t.Fatalf("invitation %d: %s", i, a)
		}
	}
	var outbox struct{ Mails []struct{ To string } }
	owner.must("GET", "/api/outbox", nil, &outbox)
	if sent != 50 || len(outbox.Mails) != 50 {
		t.Errorf("%d invitations were taken and %d mails made, want 50", sent, len(outbox.Mails))
	}
	for i := range 6 {
		a := s.client().do("POST", "/api/password/forgot", map[string]string{"email": "owner@flood.example"})
		if want := map[bool]int{true: 204, false: 429}[i < 3]; a.Status != want {
			t.Errorf("reset mail %d: %s, want %d", i, a, want)
		}
	}
}

// TestE13_OnlyAnAddressIsNeeded: an account is made of an address and a password;
// telephone and company are free (E14), and the address is kept as personal data
// is: not in clear (E15).
func TestE13_OnlyAnAddressIsNeeded(t *testing.T) {
	s, _ := sharedService(t)
	owner, _ := s.organisation("Least", "owner@least.example")
	token := owner.invited("plain@least.example", "sender")
	c := s.client()
	c.must("POST", "/api/invitations/accept", map[string]string{"token": token, "password": ownerPassword}, nil)
	var profile map[string]any
	c.must("GET", "/api/profile", nil, &profile)
	for _, field := range []string{"phone", "company"} {
		if v, there := profile[field]; there && v != "" {
			t.Errorf("%s is %v", field, v)
		}
	}
	for _, name := range []string{"inkwitness.db", "inkwitness.db-wal"} {
		content, err := os.ReadFile(filepath.Join(s.data, name))
		if err != nil {
			t.Fatal(err)
		}
		if bytes.Contains(bytes.ToLower(content), []byte("plain@least.example")) {
			t.Errorf("%s holds the address in clear", name)
		}
	}
}

// TestI4_SecurityNotices: one mail for each change of a credential, to the old and
// the new address where that changed; none holds a secret (I7).
func TestI4_SecurityNotices(t *testing.T) {
	s, _ := sharedService(t)
	owner, _ := s.organisation("Notices", "old@notices.example")
	owner.must("PATCH", "/api/profile", map[string]string{"phone": "+33 612345678"}, nil)
	owner.must("POST", "/api/password", map[string]string{"current": ownerPassword, "password": "another horse battery staple"}, nil)
	owner.must("POST", "/api/profile/email", map[string]string{"email": "new@notices.example"}, nil)
	_, token, _ := strings.Cut(s.operator("outbox", "--limit", "1"), "#email=")
	owner.must("POST", "/api/profile/email/confirm", map[string]string{"token": strings.Fields(token)[0]}, nil)
	out := s.operator("outbox", "--limit", "8")
	for _, want := range []string{"phone number of your account was changed", "password of your account was changed"} {
		if strings.Count(out, want) == 0 {
			t.Errorf("no mail says %q", want)
		}
	}
	for _, to := range []string{"old@notices.example", "new@notices.example"} {
		if !regexp.MustCompile(`address of your account was changed\s+to ` + to).MatchString(out) {
			t.Errorf("%s is not told of the new address:\n%s", to, out)
		}
	}
	for _, secret := range []string{"612345678", "another horse"} {
		if strings.Contains(out, secret) {
			t.Errorf("a mail holds %q", secret)
		}
	}
}

// TestA12_RecordTellsWhoDidWhat: sign-ins that worked and that did not, changes,
// and readings stand in the record with time in UTC, address and browser.
func TestA12_RecordTellsWhoDidWhat(t *testing.T) {
	s, _ := sharedService(t)
	owner, _ := s.organisation("Record", "owner@record.example")
	s.client().do("POST", "/api/session", map[string]string{"email": "owner@record.example", "password": "wrong password, wrong"})
	owner.must("PATCH", "/api/organisation", map[string]string{"controller": "Record, 1 rue de la Paix"}, nil)
	var record struct {
		Events []struct {
			At, Kind, Account string
			Detail            map[string]string
		}
	}
	owner.must("GET", "/api/audit?limit=100", nil, &record)
	seen := map[string]int{}
	for _, e := range record.Events {
		seen[e.Kind]++
		if !strings.HasSuffix(e.At, "Z") {
			t.Errorf("%s at %s, want UTC", e.Kind, e.At)
		}
		if e.Kind == "session.refused" && e.Detail["address"] != "127.0.0.1" {
			t.Errorf("a refused sign-in is recorded as %v", e.Detail)
		}
	}
	for _, kind := range []string{"account.created", "session.began", "session.refused", "organisation.changed"} {
		if seen[kind] != 1 {
			t.Errorf("%d lines %s, want 1", seen[kind], kind)
		}
	}
	var export struct {
		Chains []struct {
			Chain string
			Lines []struct {
				Seq  int
				Hash string
			}
		}
	}
	owner.must("GET", "/api/audit/export", nil, &export)
	for _, c := range export.Chains {
		for i, l := range c.Lines {
			if l.Seq != i+1 || len(l.Hash) != 64 {
				t.Errorf("line %d of %s: %+v", i, c.Chain, l)
			}
		}
	}
}

// TestI12_AuditVerifyFindsAChange: somebody with the database changes, cuts off and
// leaves out lines; the check names the first that does not hold.
func TestI12_AuditVerifyFindsAChange(t *testing.T) {
	s := newService(t)
	s.start()
	owner := s.owner()
	for i := range 3 {
		owner.must("PATCH", "/api/organisation", map[string]string{"controller": fmt.Sprint("Number ", i)}, nil)
	}
	verify := func() (string, error) {
		out, err := exec.Command(s.binary, "audit", "verify", "--data", s.data).CombinedOutput()
		return string(out), err
	}
	if out, err := verify(); err != nil || !strings.Contains(out, "hold.") {
		t.Fatalf("an untouched record: %v, %s", err, out)
	}
	s.stop(os.Interrupt)
	db := s.database()
	rows, err := db.Query(`SELECT name FROM sqlite_schema WHERE type = 'trigger'`)
	if err != nil {
		t.Fatal(err)
	}
	var triggers []string
	for rows.Next() {
		var name string
		if err := rows.Scan(&name); err != nil {
			t.Fatal(err)
		}
		triggers = append(triggers, name)
	}
	rows.Close()
	if _, err := db.Exec(`UPDATE audit SET kind = 'organisation.changed' WHERE seq = 1`); err == nil {
		t.Error("the database lets a line be changed")
	}
	for _, name := range triggers { // as somebody with the file can
		if _, err := db.Exec(`DROP TRIGGER "` + name + `"`); err != nil {
			t.Fatal(err)
		}
	}
	for what, damage := range map[string][2]string{
		"a changed kind": {`UPDATE audit SET kind = 'x' || kind WHERE seq = 2`, `UPDATE audit SET kind = substr(kind, 2) WHERE seq = 2`},
		"a changed time": {`UPDATE audit SET at = at + 1 WHERE seq = 2`, `UPDATE audit SET at = at - 1 WHERE seq = 2`},
		"another head":   {`UPDATE audit_heads SET seq = seq - 1`, `UPDATE audit_heads SET seq = seq + 1`},
	} {
		if _, err := db.Exec(damage[0]); err != nil {
			t.Fatal(err)
		}
		if out, err := verify(); err == nil || !strings.Contains(out, "do not hold") {
			t.Errorf("%s is not found: %s", what, out)
		}
		if _, err := db.Exec(damage[1]); err != nil {
			t.Fatal(err)
		}
	}
	if out, err := verify(); err != nil {
		t.Errorf("the record as it was: %v, %s", err, out)
	}
	if _, err := db.Exec(`DELETE FROM audit WHERE seq = (SELECT MAX(seq) FROM audit)`); err != nil {
		t.Fatal(err)
	}
	if out, err := verify(); err == nil {
		t.Errorf("a line that was cut off is not found: %s", out)
	}
}

// TestA25_Headers looks at each kind of answer: page, part of a page, private
// data, refusal, download, description, and a method that is not served.
func TestA25_Headers(t *testing.T) {
	s, _ := sharedService(t)
	owner, _ := s.organisation("Headers", "owner@headers.example")
	d := owner.draft("Headers", person{"Sam", "sam@headers.example"})
	var script string
	if found := regexp.MustCompile(`/assets/[^"]+\.js`).FindString(string(owner.do("GET", "/", nil).Body)); found != "" {
		script = found
	} else {
		t.Fatal("the page loads no script")
	}
	for name, test := range map[string]struct {
		method, path, kind, cache string
	}{
		"the owner's page":  {"GET", "/", "text/html; charset=utf-8", "no-cache"},
		"the signer's page": {"GET", "/sign", "text/html; charset=utf-8", "no-cache"},
		"a script":          {"GET", script, "text/javascript; charset=utf-8", "public, max-age=31536000, immutable"},
		"private data":      {"GET", "/api/documents", "application/json", "no-store"},
		"a download":        {"GET", "/api/documents/" + d.ID + "/pdf", "application/pdf", "no-store"},
		"a refusal":         {"GET", "/api/documents/" + strings.Repeat("0", 32), "application/problem+json", "no-store"},
		"nothing":           {"GET", "/nothing/here", "", "no-store"},
		"the description":   {"GET", "/openapi.json", "application/openapi+json", "no-store"},
		"TRACE":             {"TRACE", "/", "", "no-store"},
		"another method":    {"DELETE", "/api/documents", "", "no-store"},
	} {
		a := owner.do(test.method, test.path, nil)
		h := a.Header
		policy := h.Get("Content-Security-Policy")
		for _, part := range []string{"default-src 'none'", "frame-ancestors 'none'", "base-uri 'none'", "form-action 'self'", "require-trusted-types-for 'script'", "trusted-types inkwitness"} {
			if !strings.Contains(policy, part) {
				t.Errorf("%s: the policy lacks %s: %s", name, part, policy)
			}
		}
		for _, loose := range []string{"unsafe-inline'; script", "script-src 'self' 'unsafe-eval'", "https:", "http:", "*"} {
			if strings.Contains(policy, loose) {
				t.Errorf("%s: the policy holds %q: %s", name, loose, policy)
			}
		}
		for key, want := range map[string]string{"X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer", "X-Frame-Options": "DENY",
			"Cross-Origin-Opener-Policy": "same-origin", "Cross-Origin-Resource-Policy": "same-origin", "Cache-Control": test.cache, "Access-Control-Allow-Origin": ""} {
			if got := h.Get(key); got != want && !(key == "Cache-Control" && a.Status >= 400 && strings.Contains(got, "no-store")) {
				t.Errorf("%s: %s is %q, want %q", name, key, got, want)
			}
		}
		if test.kind != "" && h.Get("Content-Type") != test.kind {
			t.Errorf("%s: content type %q, want %q", name, h.Get("Content-Type"), test.kind)
		}
		if test.method == "TRACE" && a.Status < 400 {
			t.Errorf("TRACE is answered: %s", a)
		}
	}
	owner.must("DELETE", "/api/session", nil, nil)
	set := s.client().do("POST", "/api/session", map[string]string{"email": "owner@headers.example", "password": ownerPassword}).Header.Get("Set-Cookie")
	for _, part := range []string{"HttpOnly", "SameSite=Lax", "Path=/"} {
		if !strings.Contains(set, part) {
			t.Errorf("the session's cookie lacks %s: %s", part, set)
		}
	}
}

// TestA25_SignOutLeavesNothing: the cookie is dead and the browser is told to
// forget.
func TestA25_SignOutLeavesNothing(t *testing.T) {
	s, _ := sharedService(t)
	owner, _ := s.organisation("Out", "owner@out.example")
	kept := owner.http.Jar.Cookies(mustURL(t, s.base))
	a := owner.do("DELETE", "/api/session", nil)
	if clear := a.Header.Get("Clear-Site-Data"); !strings.Contains(clear, `"storage"`) || !strings.Contains(clear, `"cache"`) {
		t.Errorf("Clear-Site-Data is %q", clear)
	}
	for _, c := range owner.http.Jar.Cookies(mustURL(t, s.base)) {
		if c.Name != "inkwitness-device" { // by which the account knows the browser; it opens nothing
			t.Errorf("the cookie %s is left", c.Name)
		}
	}
	again := s.client()
	again.http.Jar.SetCookies(mustURL(t, s.base), owner.http.Jar.Cookies(mustURL(t, s.base)))
	refused(t, "what is left in the browser", again.do("GET", "/api/documents", nil), 401, "")
	again = s.client()
	again.http.Jar.SetCookies(mustURL(t, s.base), kept)
	refused(t, "the old cookie", again.do("GET", "/api/documents", nil), 401, "")
}

// TestA25_CrossSiteRequestsAreRefused sends what a page of another site can send.
func TestA25_CrossSiteRequestsAreRefused(t *testing.T) {
	s, _ := sharedService(t)
	owner, _ := s.organisation("Cross", "owner@cross.example")
	for name, header := range map[string][]string{
		"by its fetch metadata": {"Sec-Fetch-Site", "cross-site"},
		"from a sibling host":   {"Sec-Fetch-Site", "same-site"},
		"by its origin":         {"Origin", "https://evil.example"},
		"of an opaque origin":   {"Origin", "null"},
		"as a form":             {"Origin", "https://evil.example", "Content-Type", "text/plain"},
	} {
		refused(t, "a request "+name, owner.do("PATCH", "/api/organisation", map[string]string{"controller": "Mallory"}, header...), 403, "another site")
		refused(t, "an upload "+name, owner.do("POST", "/api/documents?filename=a.pdf", smallPDF(), header[:2]...), 403, "another site")
	}
	var o struct{ Controller string }
	owner.must("GET", "/api/organisation", nil, &o)
	if o.Controller != "" {
		t.Errorf("a cross-site request changed the controller to %q", o.Controller)
	}
}

// TestA25_GetChangesNothing: the routes that change something answer a GET with a
// refusal, and no description of a GET speaks of a change.
func TestA25_GetChangesNothing(t *testing.T) {
	s, _ := sharedService(t)
	owner, _ := s.organisation("Safe", "owner@safe.example")
	d := owner.draft("Safe", person{"Sam", "sam@safe.example"})
	for _, path := range []string{"/api/documents/" + d.ID + "/send", "/api/documents/" + d.ID + "/cancel", "/api/session/proof", "/api/password", "/api/signing/confirm"} {
		if a := owner.do("GET", path, nil); a.Status != http.StatusMethodNotAllowed && a.Status != http.StatusNotFound {
			t.Errorf("GET %s: %s", path, a)
		}
	}
	var after documentView
	owner.must("GET", "/api/documents/"+d.ID, nil, &after)
	if after.State != "draft" {
		t.Errorf("the document is %s", after.State)
	}
}

// TestA25_ErrorsShowNothing: what is broken says so and no more.
func TestA25_ErrorsShowNothing(t *testing.T) {
	s, _ := sharedService(t)
	for _, path := range []string{"/api/documents/%00", "/api/documents/'%20OR%201=1--", "/api/invitations/%2e%2e%2f%2e%2e", "/scim/v2/Users?filter=)(", "/api/audit?before=never", "/log/tile/x/../../../etc/passwd"} {
		a := s.client().do("GET", path, nil)
		for _, inside := range []string{"goroutine", ".go:", "SELECT", "sqlite", "panic", "root:"} {
			if strings.Contains(string(a.Body), inside) {
				t.Errorf("GET %s shows %q: %s", path, inside, a)
			}
		}
		if a.Status >= 500 {
			t.Errorf("GET %s: %s", path, a)
		}
	}
}

// TestA25_NoSecretsInTheLog sends secrets in every place where they can stand, and
// looks for them in what the service wrote.
func TestA25_NoSecretsInTheLog(t *testing.T) {
	s, _ := sharedService(t)
	owner, _ := s.organisation("Quiet", "owner@quiet.example")
	const secret = "c2VjcmV0LXNlY3JldC1zZWNyZXQ"
	c := s.client()
	c.do("GET", "/api/invitations/"+secret, nil)
	c.do("POST", "/api/session", map[string]string{"email": secret + "@quiet.example", "password": secret})
	c.do("POST", "/api/password/reset", map[string]string{"token": secret, "password": secret + secret})
	c.do("GET", "/api/documents?x="+secret, nil, "Authorization", "Bearer inkwitness_"+secret)
	c.do("POST", "/api/signing/open", map[string]string{"token": secret, "browser": secret})
	owner.do("GET", "/nothing/"+secret, nil)
	for _, line := range []string{secret, "owner@quiet.example", ownerPassword} {
		if s.log.contains(line) {
			t.Errorf("the log holds %q", line)
		}
	}
}
