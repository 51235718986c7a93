package e2e

import (
	"fmt"
	"io"
	"net"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/emersion/go-smtp"
)

// TestA11_NewNumberWaits: changing the telephone number needs a fresh proof and is
// announced; for a day no code goes to it, and the authenticator app is offered.
func TestA11_NewNumberWaits(t *testing.T) {
	g := new(gateway)
	server := httptest.NewServer(g)
	defer server.Close()
	s := newService(t, "SMS=twilio+plain://AC1:secret@"+strings.TrimPrefix(server.URL, "http://")+"?from=%2B33100000000")
	s.start()
	owner := s.owner()
	ada := owner.join("ada@example.org", "reviewer")
	s.exec(`UPDATE sessions SET proved = 1 WHERE account = ?`, ada.account())
	number := map[string]string{"phone": "+33 6 12 34 56 78"}
	if a := ada.do("PATCH", "/api/profile", number); problemOf(a) != "step-up" {
		t.Errorf("a new number with a live session only: %s", a)
	}
	ada.must("POST", "/api/session/proof", map[string]string{"password": ownerPassword}, nil)
	ada.must("PATCH", "/api/profile", number, nil)
	if out := s.operator("outbox", "--limit", "5"); !regexp.MustCompile(`phone number of your account was changed\s+to ada@example.org`).MatchString(out) {
		t.Errorf("the change is not announced:\n%s", out)
	}
	signer := s.open(owner.asks("Lease", person{"Ada", "ada@example.org"}, "+33612345678"), 1)
	a := signer.do("POST", "/api/signing/second/sms", nil)
	refused(t, "a code to a number that is new", a, 409, "authenticator app")
	if a.Header.Get("Retry-After") == "" || g.count() != 0 {
		t.Errorf("%d messages; it does not say when", g.count())
	}
	other := s.open(owner.asks("Lease", person{"Ada", "ada@example.org"}, "+33699999999"), 2)
	other.must("POST", "/api/signing/second/sms", nil, nil)
	if g.count() != 1 {
		t.Error("a number that the sender named and the account does not have gets no code")
	}
	ada.must("PATCH", "/api/profile", map[string]string{"phone": "+33 7 11 11 11 11"}, nil)
	message, _ := g.last(t)
	if text := message.Get("Body"); g.count() != 2 || message.Get("To") != "+33612345678" || !strings.Contains(text, "replaced") || regexp.MustCompile(`(?i)ada|example\.org|711|\+33`).MatchString(text) {
		t.Errorf("the old number is told %v", message)
	}
}

// TestA17_OthersSeeTheNameAlone: of an account colleagues see the display name; all
// else is for its holder, and for those who look after members.
func TestA17_OthersSeeTheNameAlone(t *testing.T) {
	s, _ := sharedService(t)
	owner, _ := s.organisation("Names", "owner@names.example")
	sam, rita := owner.join("sam@names.example", "sender"), owner.join("rita@names.example", "reviewer")
	rita.must("PATCH", "/api/profile", map[string]string{"name": "Rita R.", "company": "Marker Works", "phone": "+33 655555555"}, nil)
	d := sam.draft("Names", person{"Ada", "ada@names.example"})
	sam.must("PUT", "/api/documents/"+d.ID+"/shares", map[string]string{"email": "rita@names.example", "level": "see"}, nil)
	var comment struct{ ID string }
	rita.must("POST", "/api/documents/"+d.ID+"/comments", map[string]string{"text": "Read."}, &comment)
	all := ""
	for _, path := range []string{"/api/documents/" + d.ID, "/api/documents/" + d.ID + "/comments", "/api/documents/" + d.ID + "/activity", "/api/documents"} {
		all += string(sam.do("GET", path, nil).Body)
	}
	if !strings.Contains(all, "Rita R.") {
		t.Error("a colleague does not see the name")
	}
	for _, private := range []string{"rita@names.example", "Marker Works", "655555555"} {
		if strings.Contains(all, private) {
			t.Errorf("a colleague sees %q", private)
		}
	}
	refused(t, "the members' addresses", sam.do("GET", "/api/members", nil), 403, "")
	refused(t, "somebody else's comment", sam.do("DELETE", "/api/documents/"+d.ID+"/comments/"+comment.ID, nil), 404, "")
	rita.must("DELETE", "/api/documents/"+d.ID+"/comments/"+comment.ID, nil, nil)
}

// TestA18_Manager: a business contact who is invited as manager registers and sees
// the own organisation's back office, and nothing of another's.
func TestA18_Manager(t *testing.T) {
	s, _ := sharedService(t)
	owner, _ := s.organisation("Client", "owner@client.example")
	far, _ := s.organisation("Other client", "owner@otherclient.example")
	theirs := far.draft("Theirs", person{"Ada", "ada@otherclient.example"})
	mona := owner.join("mona@client.example", "manager")
	ours := owner.draft("Ours", person{"Ada", "ada@client.example"})
	for _, path := range []string{"/api/documents", "/api/members", "/api/organisation", "/api/documents/" + ours.ID} {
		if a := mona.do("GET", path, nil); a.Status != 200 || strings.Contains(string(a.Body), "otherclient.example") || strings.Contains(string(a.Body), theirs.ID) {
			t.Errorf("%s as manager: %s", path, a)
		}
	}
	mona.draft("Mine", person{"Ada", "ada@client.example"})
	refused(t, "another client's document", mona.do("GET", "/api/documents/"+theirs.ID, nil), 404, "")
	for _, path := range []string{"/api/audit", "/api/keys", "/api/outbox", "/api/grants"} {
		if a := mona.do("GET", path, nil); a.Status != 403 {
			t.Errorf("%s as manager: %s", path, a)
		}
	}
}

// TestA19_AppUsers: programs and devices come in with credentials that were given
// to them, one for each, and reach neither colleagues' nor other customers' things.
func TestA19_AppUsers(t *testing.T) {
	s, _ := sharedService(t)
	owner, _ := s.organisation("App", "owner@apps.example")
	far, _ := s.organisation("Far", "owner@farapps.example")
	key := func(c *client, name string, scopes ...string) (header, id string) {
		var made struct{ ID, Secret string }
		c.must("POST", "/api/keys", map[string]any{"name": name, "scopes": scopes}, &made)
		return "Bearer " + made.Secret, made.ID
	}
	tablet, tabletID := key(owner, "tablet", "document:create", "document:read", "document:list")
	phone, _ := key(owner, "phone", "document:list")
	foreign, _ := key(far, "tablet", "document:create", "document:read", "document:list")
	app := s.client()
	var made documentView
	a := app.do("POST", "/api/documents?filename=a.pdf&title=From+the+app", smallPDF(), "Authorization", tablet)
	if a.Status != 201 {
		t.Fatalf("uploading with a key: %s", a)
	}
	a.json(t, &made)
	path := "/api/documents/" + made.ID
	for what, test := range map[string]struct {
		header, method, path string
		status               int
	}{
		"reading its own": {tablet, "GET", path, 200}, "beyond its scopes": {tablet, "GET", "/api/members", 403},
		"what needs a proof": {tablet, "POST", "/api/keys", 403}, "a device that only lists": {phone, "GET", path, 403},
		"another customer's": {foreign, "GET", path, 404}, "made up": {"Bearer inkwitness_" + strings.Repeat("A", 43), "GET", path, 401},
	} {
		var body any
		if test.method == "POST" {
			body = map[string]any{"name": "x", "scopes": []string{"document:read"}}
		}
		if a := app.do(test.method, test.path, body, "Authorization", test.header); a.Status != test.status {
			t.Errorf("%s: %s, want %d", what, a, test.status)
		}
	}
	owner.must("DELETE", "/api/keys/"+tabletID, nil, nil)
	if a := app.do("GET", path, nil, "Authorization", tablet); a.Status != 401 {
		t.Errorf("a key that was revoked: %s", a)
	}
	if a := app.do("GET", "/api/documents", nil, "Authorization", phone); a.Status != 200 {
		t.Errorf("the other device's key: %s", a)
	}
	sam, sue := owner.join("sam@apps.example", "sender"), owner.join("sue@apps.example", "sender")
	mine := sam.draft("Sam's", person{"Ada", "ada@apps.example"})
	refused(t, "a colleague's document", sue.do("GET", "/api/documents/"+mine.ID, nil), 404, "")
}

// TestA21_ControllerIsShown: signers are told who is responsible for their data:
// the contact that the organisation names, or else the organisation.
func TestA21_ControllerIsShown(t *testing.T) {
	s, _ := sharedService(t)
	owner, _ := s.organisation("Étude Martin", "owner@martin.example")
	_, token := owner.sent("Lease", person{"Ada", "ada@martin.example"})
	signer := s.open(token, 1)
	told := func() string {
		var view struct{ Controller string }
		signer.must("GET", "/api/signing", nil, &view)
		return view.Controller
	}
	if got := told(); got != "Étude Martin" {
		t.Errorf("the signer is told of %q", got)
	}
	owner.must("PATCH", "/api/organisation", map[string]string{"controller": "Dr. Martin, dpo@martin.example"}, nil)
	if got := told(); got != "Dr. Martin, dpo@martin.example" {
		t.Errorf("the signer is told of %q", got)
	}
	asks := func(text string) answer {
		return signer.do("POST", "/api/signing/requests", map[string]string{"text": text})
	}
	refused(t, "an empty request", asks("  "), 422, "Write")
	if a := asks("Erase my telephone number,\nplease."); a.Status != 204 {
		t.Fatalf("a request: %s", a)
	}
	if text, _ := owner.mailed("dpo@martin.example", regexp.MustCompile(`Erase my telephone number, please\.`)); !strings.Contains(text, "Ada") || !strings.Contains(text, "ada@martin.example") {
		t.Errorf("the controller is told %q", text)
	}
	owner.must("PATCH", "/api/organisation", map[string]string{"controller": ""}, nil)
	asks("Which data of mine do you have?")
	owner.mailed("owner@martin.example", regexp.MustCompile(`Which data of mine`))
	for range 3 {
		asks("Again.")
	}
	refused(t, "a sixth request in a day", asks("Again."), 429, "")
	if n := owner.events("data.asked"); n != 5 {
		t.Errorf("the record tells of %d requests, want 5", n)
	}
}

// TestA2_OwnerIsToldOfASecondBrowser: a link that somebody opens after its signer
// opens nothing, and stands in the record with where from.
func TestA2_OwnerIsToldOfASecondBrowser(t *testing.T) {
	s, _ := sharedService(t)
	owner, _ := s.organisation("Links", "owner@links.example")
	_, token := owner.sent("Lease", person{"Ada", "ada@links.example"})
	s.open(token, 1)
	for range 7 {
		a := s.client().do("POST", "/api/signing/open", map[string]string{"token": token, "browser": strings.Repeat("x", 43)})
		if a.Status < 400 || strings.Contains(string(a.Body), "Lease") {
			t.Errorf("a second browser: %s", a)
		}
	}
	if n := owner.events("link.refused"); n != 5 {
		t.Errorf("the record tells of %d refusals, want 5", n)
	}
}

// TestA12_RefusalsAreTold: what a member may not do stands in the record that the
// owner sees, by whom and where, and a flood of it does not (ASVS V16.3.2).
func TestA12_RefusalsAreTold(t *testing.T) {
	s, _ := sharedService(t)
	owner, _ := s.organisation("Refusals", "owner@refusals.example")
	far, _ := s.organisation("Beyond", "owner@beyond.example")
	theirs := far.draft("Theirs", person{"Ada", "ada@beyond.example"})
	rita := owner.join("rita@refusals.example", "reviewer")
	for range 12 {
		refused(t, "uploading as a reviewer", rita.do("POST", "/api/documents?filename=a.pdf", smallPDF()), 403, "")
	}
	refused(t, "another customer's document", rita.do("GET", "/api/documents/"+theirs.ID, nil), 404, "")
	if n := owner.events("access.refused"); n != 6 {
		t.Errorf("the record tells of %d refusals, want 5 of the flood and 1", n)
	}
	record := string(owner.do("GET", "/api/audit?limit=100", nil).Body)
	for _, says := range []string{"POST /api/documents", "create document", "GET /api/documents/{id}", "read document", rita.account()} {
		if !strings.Contains(record, says) {
			t.Errorf("the record does not say %q", says)
		}
	}
	if strings.Contains(record, theirs.ID) {
		t.Error("the record names another customer's document")
	}
}

// TestA24_Uploads: a person uploads 200 documents in an hour and no more.
func TestA24_Uploads(t *testing.T) {
	s, _ := sharedService(t)
	owner, _ := s.organisation("Uploads", "owner@uploads.example")
	bad := []byte("%PDF-1.7 and nothing else")
	for i := range 200 {
		if a := owner.do("POST", "/api/documents?filename=a.pdf", bad); a.Status != 422 {
			t.Fatalf("upload %d: %s", i, a)
		}
	}
	a := owner.do("POST", "/api/documents?filename=a.pdf", smallPDF())
	refused(t, "one more", a, 429, "200 documents")
	if a.Header.Get("Retry-After") == "" {
		t.Error("it does not say when")
	}
}

// TestA24_Links: a signer gets ten links more in an hour, by reminders and corrections
// together; the mailbox of nobody is flooded.
func TestA24_Links(t *testing.T) {
	s, _ := sharedService(t)
	owner, _ := s.organisation("Links", "owner@floods.example")
	d := twoSigners(t, owner)
	path := "/api/documents/" + d.ID
	owner.must("GET", path, nil, &d)
	correct := path + "/signers/" + d.Signers[0].ID
	right := map[string]string{"name": "Ada First", "email": "ada@example.org"}
	for range 5 {
		owner.must("POST", path+"/remind", nil, nil)
		owner.must("PUT", correct, right, nil)
	}
	for name, a := range map[string]answer{"another reminder": owner.do("POST", path+"/remind", nil), "another correction": owner.do("PUT", correct, right)} {
		refused(t, name, a, 429, "10 links")
		if a.Header.Get("Retry-After") == "" {
			t.Errorf("%s: it does not say when", name)
		}
	}
	owner.must("POST", "/api/documents/"+twoSigners(t, owner).ID+"/remind", nil, nil)
}

// TestUploadsHaveNamesThatShow: a title goes into mails, messages and the PDF's signature,
// a file name to whoever downloads. Neither hides anything.
func TestUploadsHaveNamesThatShow(t *testing.T) {
	s, _ := sharedService(t)
	owner, _ := s.organisation("Names", "owner@titles.example")
	for _, title := range []string{"Lease\r\nBcc: mallory@example.org", "Lease\x00", "\u202efdp.exe", "Lease \u2066x", "\xff"} {
		refused(t, fmt.Sprintf("the title %q", title), owner.do("POST", "/api/documents?title="+url.QueryEscape(title), smallPDF()), 422, "title")
	}
	for _, name := range []string{"lease\r\nX-Evil: 1.pdf", "lease\u202efdp.exe", "\xff.pdf"} {
		var d struct{ Title, Filename string }
		owner.must("POST", "/api/documents?filename="+url.QueryEscape(name), smallPDF(), &d)
		if d.Filename != "document.pdf" || d.Title != "document" {
			t.Errorf("%q became %+v", name, d)
		}
	}
}

// TestA4_FailsClosed: while tries cannot be counted nobody signs in, no code is
// sent and none is taken; what is there is read.
func TestA4_FailsClosed(t *testing.T) {
	g := new(gateway)
	server := httptest.NewServer(g)
	defer server.Close()
	s := newService(t, "SMS=twilio+plain://AC1:secret@"+strings.TrimPrefix(server.URL, "http://")+"?from=%2B33100000000")
	s.start()
	owner := s.owner()
	token := owner.asks("Lease", person{"Ada", "ada@example.org"}, "+33612345678")
	signer := s.open(token, 1)
	invitation := owner.invited("sam@example.org", "sender")
	s.exec(`ALTER TABLE limits RENAME TO limits_away`)
	for what, a := range map[string]answer{
		"signing in":             s.client().do("POST", "/api/session", map[string]string{"email": "olivia@example.org", "password": ownerPassword}),
		"accepting":              s.client().do("POST", "/api/invitations/accept", accepting(invitation, "sam@example.org", ownerPassword)),
		"a reset":                s.client().do("POST", "/api/password/forgot", map[string]string{"email": "olivia@example.org"}),
		"a passkey":              s.client().do("POST", "/api/session/passkey/begin", nil),
		"sending a code":         signer.do("POST", "/api/signing/second/sms", nil),
		"a code":                 signer.do("POST", "/api/signing/second", map[string]string{"way": "sms", "code": "123456"}),
		"a code of an app":       signer.do("POST", "/api/signing/second", map[string]string{"way": "totp", "code": "123456"}),
		"inviting":               owner.do("POST", "/api/members/invitations", map[string]string{"email": "x@example.org", "role": "sender", "language": "en"}),
		"uploading":              owner.do("POST", "/api/documents?filename=a.pdf", smallPDF()),
		"proving a factor again": owner.do("POST", "/api/session/proof", map[string]string{"password": ownerPassword}),
	} {
		if a.Status != 503 {
			t.Errorf("%s: %s, want 503", what, a)
		}
	}
	if g.count() != 0 {
		t.Errorf("%d messages were sent", g.count())
	}
	if a := owner.do("GET", "/api/documents", nil); a.Status != 200 {
		t.Errorf("reading: %s", a)
	}
	s.exec(`ALTER TABLE limits_away RENAME TO limits`)
	signer.must("POST", "/api/signing/second/sms", nil, nil)
}

// mailbox is a mail server that keeps what it takes.
type mailbox struct {
	mu    sync.Mutex
	got   []string
	taken func() // runs once, after the first mail was read and before it is acknowledged
}

func (m *mailbox) NewSession(*smtp.Conn) (smtp.Session, error) { return &delivery{m}, nil }

type delivery struct{ *mailbox }

func (*delivery) Reset()                               {}
func (*delivery) Logout() error                        { return nil }
func (*delivery) Mail(string, *smtp.MailOptions) error { return nil }
func (*delivery) Rcpt(string, *smtp.RcptOptions) error { return nil }

func (d *delivery) Data(r io.Reader) error {
	raw, err := io.ReadAll(r)
	d.mu.Lock()
	defer d.mu.Unlock()
	d.got = append(d.got, string(raw))
	if then := d.taken; then != nil {
		d.taken = nil
		then()
	}
	return err
}

func (m *mailbox) mails() []string {
	m.mu.Lock()
	defer m.mu.Unlock()
	return append([]string(nil), m.got...)
}

// TestI1_MailsAreNotLost: the service is killed while a mail server takes a mail,
// before it can know. The mail comes again, with the same Message-ID, and no event
// is without its mail. TestI7: none holds what is in a document, nor a number.
func TestI1_MailsAreNotLost(t *testing.T) {
	box := new(mailbox)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := smtp.NewServer(box)
	server.Domain = "localhost"
	var serving sync.WaitGroup
	serving.Go(func() { _ = server.Serve(listener) })
	defer func() { server.Close(); serving.Wait() }()
	s := newService(t, fmt.Sprintf("SMTP=smtp+plain://%s", listener.Addr()), "MAIL_FROM=ink@example.org")
	s.start()
	owner := s.owner()
	killed := make(chan struct{})
	box.mu.Lock()
	box.taken = func() { _ = s.cmd.Process.Kill(); close(killed) }
	box.mu.Unlock()
	const signers = 3
	for i := range signers {
		d := owner.upload(smallPDF(), "Secret title marker")
		owner.must("PUT", "/api/documents/"+d.ID+"/plan", map[string]any{
			"signers": []any{map[string]any{"name": "Ada", "email": fmt.Sprintf("ada%d@example.org", i), "second": true, "phone": "+33612345678"}},
			"fields":  []any{map[string]any{"signer": 0, "page": 1, "x": 60, "y": 60, "width": 220, "height": 80}}}, nil)
		if i < signers-1 {
			continue // sent below, after the restart
		}
		owner.must("POST", "/api/documents/"+d.ID+"/send", nil, nil)
	}
	select {
	case <-killed:
	case <-time.After(30 * time.Second):
		t.Fatal("no mail came")
	}
	_ = s.cmd.Wait()
	s.start()
	s.exec(`UPDATE mails SET next = 1 WHERE state = 'queued'`) // the lease of who was killed is over
	owner = s.signInAgain()
	var list struct {
		Documents []struct{ ID, State string }
	}
	owner.must("GET", "/api/documents", nil, &list)
	for _, d := range list.Documents {
		if d.State == "draft" || d.State == "planned" {
			owner.must("POST", "/api/documents/"+d.ID+"/send", nil, nil)
		}
	}
	id := regexp.MustCompile(`(?mi)^Message-ID:\s*(\S+)`)
	count := func() (ids map[string]int) {
		ids = map[string]int{}
		for _, m := range box.mails() {
			if strings.Contains(m, "/sign#t=") || strings.Contains(m, "sign#t=3D") {
				ids[id.FindStringSubmatch(m)[1]]++
			}
		}
		return ids
	}
	doubled := func(ids map[string]int) bool {
		for _, n := range ids {
			if n > 1 {
				return true
			}
		}
		return false
	}
	deadline := time.Now().Add(90 * time.Second)
	for ids := count(); len(ids) < signers || !doubled(ids); ids = count() {
		if time.Now().After(deadline) {
			t.Fatalf("%d invitations came, doubled: %v", len(ids), ids)
		}
		time.Sleep(200 * time.Millisecond)
	}
	if ids := count(); len(ids) != signers {
		t.Errorf("%d invitations came under %d names", signers, len(ids))
	}
	for _, m := range box.mails() {
		for _, private := range []string{"Secret title marker", "612345678", ownerPassword} {
			if strings.Contains(m, private) {
				t.Errorf("a mail holds %q", private)
			}
		}
	}
}

// signInAgain is the first owner in a new browser, after a restart.
func (s *service) signInAgain() *client {
	s.t.Helper()
	s.exec(`UPDATE sessions SET ended = 1, end_reason = 'signed-out' WHERE ended IS NULL`)
	return s.signIn()
}
