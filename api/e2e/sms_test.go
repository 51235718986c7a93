package e2e

import (
	"encoding/base32"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pquerna/otp/totp"
)

// gateway plays an SMS gateway with Twilio's request shape, and keeps every message.
type gateway struct {
	mu     sync.Mutex
	got    []url.Values
	status int
}

func (g *gateway) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if user, token, ok := r.BasicAuth(); !ok || user != "AC1" || token != "secret" || r.URL.Path != "/2010-04-01/Accounts/AC1/Messages.json" {
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	_ = r.ParseForm()
	g.got = append(g.got, r.PostForm)
	w.WriteHeader(max(g.status, http.StatusCreated))
}

func (g *gateway) count() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return len(g.got)
}

// last is the newest message and the code in it.
func (g *gateway) last(t *testing.T) (message url.Values, code string) {
	t.Helper()
	g.mu.Lock()
	defer g.mu.Unlock()
	if len(g.got) == 0 {
		t.Fatal("no message was sent")
	}
	message = g.got[len(g.got)-1]
	return message, regexp.MustCompile(`^[0-9]{6}`).FindString(message.Get("Body"))
}

// asks sends a document to a signer of whom a code is asked.
func (c *client) asks(title string, signer person, phone string) string {
	c.t.Helper()
	d := c.upload(smallPDF(), title)
	c.must("PUT", "/api/documents/"+d.ID+"/plan", map[string]any{
		"signers": []any{map[string]any{"name": signer.Name, "email": signer.Email, "second": true, "phone": phone}},
		"fields":  []any{map[string]any{"signer": 0, "page": 1, "x": 60, "y": 60, "width": 220, "height": 80}},
	}, nil)
	c.must("POST", "/api/documents/"+d.ID+"/send", nil, nil)
	_, link := c.mailed(signer.Email, signingLink)
	_, token, _ := strings.Cut(link, "#t=")
	return token
}

// corrects gives the signer of the newest document another number, then another
// language, which leaves the number as it is; and returns the secret of the new link.
func (c *client) corrects(signer person, phone string) string {
	c.t.Helper()
	var all struct {
		Documents []struct {
			ID      string
			Signers []struct {
				ID, Phone string
				Second    bool
			}
		}
	}
	c.must("GET", "/api/documents?limit=1", nil, &all)
	d := all.Documents[0]
	for _, change := range []map[string]any{{"second": true, "phone": phone}, {"language": "fr"}} {
		change["name"], change["email"] = signer.Name, signer.Email
		c.must("PUT", "/api/documents/"+d.ID+"/signers/"+d.Signers[0].ID, change, &d)
		if s := d.Signers[0]; !s.Second || s.Phone != strings.ReplaceAll(phone, " ", "") {
			c.t.Fatalf("corrected with %v, the code goes to %+v", change, s)
		}
	}
	_, link := c.mailed(signer.Email, signingLink)
	_, token, _ := strings.Cut(link, "#t=")
	return token
}

// TestA10_CodeByMessage: the link alone opens nothing. A code goes to the number
// that the sender named, with the document's name; it works once, in the session
// that asked, and five wrong ones end it, also when another is asked for.
func TestA10_CodeByMessage(t *testing.T) {
	g := new(gateway)
	server := httptest.NewServer(g)
	defer server.Close()
	s := newService(t, "SMS=twilio+plain://AC1:secret@"+strings.TrimPrefix(server.URL, "http://")+"?from=%2B33100000000")
	s.start()
	owner := s.owner()
	ada := person{"Ada Signer", "ada@example.org"}
	for name, bad := range map[string]map[string]any{
		"a number without a country": {"name": "A", "email": "a@example.org", "second": true, "phone": "0612345678"},
		"a number for nothing":       {"name": "A", "email": "a@example.org", "phone": "+33612345678"},
	} {
		d := owner.upload(smallPDF(), "Refused")
		refused(t, name, owner.do("PUT", "/api/documents/"+d.ID+"/plan", map[string]any{"signers": []any{bad}, "fields": []any{}}), 422, "number")
	}
	owner.asks("Lease of the mill", ada, "+33 6 00 00 00 00")
	token := owner.corrects(ada, "+33 6 12 34 56 78") // the code goes to who signs, not to who was asked before
	signer := s.open(token, 1)
	var view struct {
		Next     string
		Document struct{ Title string }
		Second   struct {
			Ways   []string
			Phone  string
			Proved bool
		}
	}
	signer.must("GET", "/api/signing", nil, &view)
	if view.Next != "prove" || view.Document.Title != "" || view.Second.Proved || len(view.Second.Ways) != 3 || !strings.HasSuffix(view.Second.Phone, "78") || strings.Contains(view.Second.Phone, "1234") {
		t.Errorf("before the code the signer sees %+v", view)
	}
	for _, closed := range [][2]string{{"GET", "/api/signing/pdf"}, {"POST", "/api/signing/consents"}, {"POST", "/api/signing/captures"}, {"POST", "/api/signing/confirm"}, {"POST", "/api/signing/decline"}, {"GET", "/api/signing/signed.pdf"}, {"GET", "/api/signing/deposit"}} {
		body := map[string]any{}
		switch closed[1] {
		case "/api/signing/consents":
			body = map[string]any{"purpose": "handwriting", "textVersion": "1", "language": "en", "given": true}
		case "/api/signing/captures":
			body = map[string]any{"kind": "signature"}
		}
		if a := signer.do(closed[0], closed[1], body); a.Status != 403 {
			t.Errorf("%s %s before the code: %s", closed[0], closed[1], a)
		}
	}
	prove := func(c *client, code string) answer {
		return c.do("POST", "/api/signing/second", map[string]string{"way": "sms", "code": code})
	}
	signer.must("POST", "/api/signing/second/sms", nil, nil)
	message, code := g.last(t)
	if message.Get("To") != "+33612345678" || message.Get("From") != "+33100000000" || len(code) != 6 || !strings.Contains(message.Get("Body"), "Lease of the mill") {
		t.Errorf("the message is %v", message)
	}
	// I7: nothing of the document but its name, and nobody's name or address.
	if private := regexp.MustCompile(`(?i)ada|olivia|example\.org|612345678|Agreement|PDF`).FindString(message.Get("Body")); private != "" {
		t.Errorf("the message tells %q", private)
	}
	if s.log.contains("612345678") || s.log.contains(code+" ") {
		t.Error("the log holds the number or the code")
	}
	again := s.open(token, 1) // the same browser again: another session, and the first one ends
	refused(t, "the code in another session", prove(again, code), 422, "wrong")
	refused(t, "the code in the session that ended", prove(signer, code), 401, "")
	again.must("POST", "/api/signing/second/sms", nil, nil)
	_, code = g.last(t)
	if a := prove(again, code); a.Status != 200 {
		t.Fatalf("the right code: %s", a)
	}
	again.must("GET", "/api/signing", nil, &view)
	if view.Next != "read" || view.Document.Title == "" || !view.Second.Proved {
		t.Errorf("after the code the signer sees %+v", view)
	}
	if a := again.do("GET", "/api/signing/pdf", nil); a.Status != 200 {
		t.Errorf("reading after the code: %s", a)
	}
	if a := prove(again, code); a.Status == 200 {
		t.Error("the code works twice")
	}

	bob := s.open(owner.asks("Another", person{"Bob", "bob@example.org"}, "+33 6 99 99 99 99"), 2)
	bob.must("POST", "/api/signing/second/sms", nil, nil)
	_, right := g.last(t)
	wrong := "000000"
	if right == wrong {
		wrong = "000001"
	}
	for range 4 {
		refused(t, "a wrong code", prove(bob, wrong), 422, "wrong")
	}
	bob.must("POST", "/api/signing/second/sms", nil, nil) // asking again resets nothing
	_, right = g.last(t)
	prove(bob, wrong)
	refused(t, "the right code after five wrong ones", prove(bob, right), 429, "too many")
	sent := g.count()
	for range 4 {
		bob.do("POST", "/api/signing/second/sms", nil)
	}
	if a := bob.do("POST", "/api/signing/second/sms", nil); a.Status != 429 || g.count() > sent+3 {
		t.Errorf("the sixth message of a session: %s, %d messages", a, g.count()-sent)
	}

	carl := s.open(owner.asks("Down", person{"Carl", "carl@example.org"}, "+33 6 88 88 88 88"), 3)
	g.mu.Lock()
	g.status = http.StatusInternalServerError
	g.mu.Unlock()
	refused(t, "a gateway that is down", carl.do("POST", "/api/signing/second/sms", nil), 503, "another way")
	refused(t, "signing while it is down", carl.do("POST", "/api/signing/confirm", map[string]string{"typed": "Carl"}), 403, "code")
}

// TestA12_AppInsteadOfMessage: who has no telephone proves with the authenticator
// app of an own account. A code that was used does not work again.
func TestA12_AppInsteadOfMessage(t *testing.T) {
	s, _ := sharedService(t)
	owner, _ := s.organisation("App", "owner@app.example")
	zoe := owner.join("zoe@app.example", "reviewer")
	var offer struct{ Secret string }
	zoe.must("POST", "/api/factors/totp", nil, &offer)
	if _, err := base32.StdEncoding.WithPadding(base32.NoPadding).DecodeString(offer.Secret); err != nil {
		t.Fatal(err)
	}
	code := func(at time.Time) string {
		c, err := totp.GenerateCode(offer.Secret, at)
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	now := time.Now()
	zoe.must("POST", "/api/factors/totp/confirm", map[string]string{"code": code(now.Add(-30 * time.Second))}, nil)
	signer := s.open(owner.asks("By app", person{"Zoë", "zoe@app.example"}, ""), 1)
	prove := func(c *client, code string) answer {
		return c.do("POST", "/api/signing/second", map[string]string{"way": "totp", "code": code})
	}
	refused(t, "a message where there is no number", signer.do("POST", "/api/signing/second/sms", nil), 409, "authenticator")
	refused(t, "a code that was used", prove(signer, code(now.Add(-30*time.Second))), 422, "code")
	if a := prove(signer, code(now.Add(30*time.Second))); a.Status != 200 {
		t.Errorf("the right code: %s", a)
	}
	nobody := s.open(owner.asks("No account", person{"Nobody", "nobody@app.example"}, ""), 2)
	for range 5 {
		refused(t, "a code without an account", prove(nobody, "123456"), 422, "code")
	}
	refused(t, "a sixth", prove(nobody, "123456"), 429, "")
	if n := owner.events("signer.unproved"); n != 6 { // one was used, five were guessed
		t.Errorf("the record tells of %d wrong codes, want 6", n)
	}
}
