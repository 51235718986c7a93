package sms

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"inkwitness/api"
	"inkwitness/api/store"
	"inkwitness/api/store/storetest"
)

// phone is a gateway that keeps every message; status is what it answers.
type phone struct {
	mu     sync.Mutex
	got    []map[string]string
	status int
	server *httptest.Server
}

func newPhone(t *testing.T) *phone {
	p := &phone{status: 201}
	p.server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p.mu.Lock()
		defer p.mu.Unlock()
		m := map[string]string{"key": r.Header.Get("Idempotency-Key"), "path": r.URL.Path, "auth": r.Header.Get("Authorization")}
		if strings.HasPrefix(r.Header.Get("Content-Type"), "application/json") {
			raw, _ := io.ReadAll(r.Body)
			var body map[string]string
			if err := json.Unmarshal(raw, &body); err != nil {
				t.Errorf("%s: %v", raw, err)
			}
			m["to"], m["text"] = body["recipient"], body["message"]
		} else {
			m["to"], m["text"], m["from"] = r.FormValue("To"), r.FormValue("Body"), r.FormValue("From")
		}
		p.got = append(p.got, m)
		w.WriteHeader(p.status)
	}))
	t.Cleanup(p.server.Close)
	return p
}

func (p *phone) last(t *testing.T) map[string]string {
	t.Helper()
	if len(p.got) == 0 {
		t.Fatal("no message")
	}
	return p.got[len(p.got)-1]
}

var digits = regexp.MustCompile(`^[0-9]{6} `)

// code is the code in the last message.
func (p *phone) code(t *testing.T) string {
	t.Helper()
	c := strings.TrimSpace(digits.FindString(p.last(t)["text"]))
	if len(c) != 6 {
		t.Fatalf("no code in %q", p.last(t)["text"])
	}
	return c
}

func newCodes(t *testing.T) (*Codes, *phone, *storetest.Clock, *store.Accounts) {
	t.Helper()
	clock := storetest.NewClock()
	db, err := store.Open(t.Context(), storetest.SQLite(t), store.Options{Clock: clock})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	accounts, p := storetest.Accounts(t, db), newPhone(t)
	c, err := New(Config{Store: accounts, Clock: clock, URL: "https://ink.example.org", Countries: []string{"+33", "+886"},
		Gateway: &Twilio{Client: p.server.Client(), Base: p.server.URL, Account: "AC1", Token: "t", From: "Ink"}})
	if err != nil {
		t.Fatal(err)
	}
	return c, p, clock, accounts
}

var ask = Ask{Session: "s1", Number: "+33 6 12 34 56 78", Document: "Lease\n@evil.example #1 of the flat in the very long street of the town", Language: "en"}

func TestA10(t *testing.T) {
	c, p, clock, _ := newCodes(t)
	ctx := t.Context()
	wants := func(err, target error) {
		t.Helper()
		if !errors.Is(err, target) {
			t.Errorf("got %v, want %v", err, target)
		}
	}
	wants(c.Send(ctx, ask), nil)
	m := p.last(t)
	if m["to"] != "+33612345678" || m["from"] != "Ink" || m["path"] != "/2010-04-01/Accounts/AC1/Messages.json" || len(m["key"]) != 32 || m["auth"] == "" {
		t.Error(m)
	}
	code := p.code(t)
	if !strings.Contains(m["text"], "“Lease evil.example 1 of the flat in the…”") || !strings.HasSuffix(m["text"], "\n\n@ink.example.org #"+code) ||
		strings.Count(m["text"], "@") != 1 {
		t.Errorf("%q", m["text"])
	}
	wants(c.Check(ctx, "s2", code), api.ErrUnauthenticated) // another session
	wants(c.Check(ctx, "s1", code), nil)
	wants(c.Check(ctx, "s1", code), api.ErrUnauthenticated) // once

	// Asking again ends the code before, and resets no tries.
	ask := ask
	ask.Session = "s3"
	wants(c.Send(ctx, ask), nil)
	old := p.code(t)
	wants(c.Send(ctx, ask), nil)
	if old != p.code(t) { // one time in a million they are equal
		wants(c.Check(ctx, "s3", old), api.ErrUnauthenticated)
	}
	for range 2 {
		wants(c.Check(ctx, "s3", "x"), api.ErrUnauthenticated)
	}
	wants(c.Send(ctx, ask), nil)
	for range 2 {
		wants(c.Check(ctx, "s3", "x"), api.ErrUnauthenticated)
	}
	wants(c.Check(ctx, "s3", p.code(t)), api.ErrTooMany) // the right one, too late

	// Ten minutes.
	ask.Session = "s4"
	wants(c.Send(ctx, ask), nil)
	clock.Advance(10 * time.Minute)
	wants(c.Check(ctx, "s4", p.code(t)), api.ErrUnauthenticated)
}

func TestMessagesAreLimited(t *testing.T) {
	c, p, clock, _ := newCodes(t)
	sent := 0
	for i := range 15 {
		a := ask
		a.Session = fmt.Sprint("s", i)
		if err := c.Send(t.Context(), a); err == nil {
			sent++
		} else if !errors.Is(err, api.ErrTooMany) {
			t.Error(err)
		}
	}
	if sent != 10 || len(p.got) != 10 {
		t.Errorf("%d messages to one number in a day", len(p.got))
	}
	clock.Advance(24 * time.Hour)
	for i := range 8 {
		a := ask
		a.Number = fmt.Sprintf("+336000000%02d", i)
		if err := c.Send(t.Context(), a); (err == nil) != (i < 5) {
			t.Errorf("ask %d of one session: %v", i, err)
		}
	}
	for _, number := range []string{"", "0612345678", "+1900123456", "+33", "+33 6 12 34 56 78 90 12 34 56", "+33abc"} {
		a := ask
		a.Session, a.Number = "x", number
		if err := c.Send(t.Context(), a); !errors.Is(err, api.ErrInvalid) {
			t.Errorf("%q: %v", number, err)
		}
	}
}

type brokenStore struct{ *store.Accounts }

func (brokenStore) Hit(context.Context, string, string, time.Duration, time.Time) (int, time.Time, error) {
	return 0, time.Time{}, errors.New("down")
}

func TestFailsClosed(t *testing.T) {
	c, p, _, accounts := newCodes(t)
	if err := c.Send(t.Context(), ask); err != nil {
		t.Fatal(err)
	}
	code := p.code(t)
	c.cfg.Store = brokenStore{accounts}
	if err := c.Check(t.Context(), "s1", code); !errors.Is(err, api.ErrUnavailable) {
		t.Errorf("checked without a limit: %v", err)
	}
	if err := c.Send(t.Context(), ask); !errors.Is(err, api.ErrUnavailable) || len(p.got) != 1 {
		t.Errorf("sent without a limit: %v", err)
	}
	c.cfg.Store = accounts
	p.status = 500
	if err := c.Send(t.Context(), ask); !errors.Is(err, api.ErrUnavailable) {
		t.Errorf("gateway down: %v", err)
	}
	p.server.Close()
	if err := c.Send(t.Context(), ask); !errors.Is(err, api.ErrUnavailable) || strings.Contains(err.Error(), "33612345678") {
		t.Errorf("gateway gone: %v", err)
	}
}

func TestTemplate(t *testing.T) {
	p := newPhone(t)
	g, err := NewTemplate(Template{Client: p.server.Client(), URL: p.server.URL + "/send", Header: map[string]string{"Authorization": "Key k"},
		Body: `{"recipient":"{to}","message":"{text}"}`})
	if err != nil {
		t.Fatal(err)
	}
	const text = "say \"hi\",\n\\ 簽署 {to}"
	if err := g.Send(t.Context(), "k", "+33612345678", text); err != nil {
		t.Fatal(err)
	}
	if m := p.last(t); m["to"] != "+33612345678" || m["text"] != text || m["auth"] != "Key k" {
		t.Errorf("%v", m)
	}
	for _, body := range []string{"", "{", `{"to":"{to}"}`, `to={to}&text={text}`} {
		if _, err := NewTemplate(Template{Body: body}); err == nil {
			t.Errorf("%q was taken", body)
		}
	}
}

func TestWordsInEveryLanguage(t *testing.T) {
	for _, l := range api.Languages() {
		if w := words[l]; strings.Count(w, "{code}") != 1 || strings.Count(w, "{document}") != 1 {
			t.Errorf("%s: %q", l, w)
		}
	}
}
