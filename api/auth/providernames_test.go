package auth

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"inkwitness/api"
)

func TestNormalName(t *testing.T) {
	for entered, want := range map[string]string{
		" Atelier-Durand ": "atelier-durand", "Ada@Atelier.Example": "atelier.example", "atelier.example.": "atelier.example", "é@müller.example": "xn--mller-kva.example",
		"": "", "ab": "", "-ab": "", "a--b": "", "a b c": "", "ada@localhost": "", "a..example": "", ".example": "", "x_y.example": "", "a@b@": "", strings.Repeat("a.", 130) + "example": "",
	} {
		name, _, ok := normalName(entered)
		if ok != (want != "") || ok && name != want {
			t.Errorf("%q is %q, %v; want %q", entered, name, ok, want)
		}
	}
}

func TestShortNamesAreOfDomains(t *testing.T) {
	for domain, name := range map[string]string{"atelier.example": "atelier", "mail.atelier.example": "atelier", "atelier.co.uk": "atelier", "a.b.atelier.com.au": "atelier"} {
		if !isNameOf(domain, name) {
			t.Errorf("%s is not the name of %s", name, domain)
		}
		for _, other := range []string{"mail", "co", "example", "uk", "a", ""} {
			if isNameOf(domain, other) {
				t.Errorf("%s is the name of %s", other, domain)
			}
		}
	}
	if isNameOf("bank.github.io", "github") {
		t.Error("a name of somebody's page is that of who keeps it")
	}
}

// A name leads to the provider once it is shown to be the organisation's; all
// others are answered in the same words.
func TestA9FoundByName(t *testing.T) {
	s := newService(t)
	owner := s.member("owner@example.org", api.Owner)
	idp := newOIDC(s)
	const names = "/api/organisation/provider/names"
	owner.do("POST", names, m{"name": "one"}).wants(t, 404, "not-found") // no provider yet
	owner.do("PUT", "/api/organisation/provider", m{"kind": "oidc", "issuer": idp.server.URL, "clientId": "client", "role": "sender"}).wants(t, 200, "")
	sender := s.member("sender@example.org", api.Sender)
	sender.do("POST", names, m{"name": "one"}).wants(t, 403, "not-allowed")
	sender.do("GET", names, nil).wants(t, 403, "not-allowed")
	sender.do("GET", "/api/organisation/provider", nil).wants(t, 403, "not-allowed")
	s.clock.Advance(11 * time.Minute) // the proof is no longer fresh: looking is possible, changing is not
	owner.do("GET", names, nil).wants(t, 200, "")
	owner.do("GET", "/api/organisation/provider", nil).wants(t, 200, "")
	owner.do("POST", names, m{"name": "atelier"}).wants(t, 403, "step-up")
	owner.do("POST", "/api/session/proof", m{"password": good}).wants(t, 204, "")
	owner.do("POST", names, m{"name": "ada@example.org"}).wants(t, 422, "invalid")
	owner.do("POST", names, m{"name": "example"}).wants(t, 422, "invalid") // nobody has shown that it is theirs
	a := owner.do("POST", names, m{"name": "Example.org"}).wants(t, 201, "")
	if a.body["record"] != "_inkwitness.example.org" || a.body["verified"] != nil {
		t.Fatal(a.raw)
	}
	value := a.body["value"].(string)

	b := s.browser(firefox)
	unknown := b.do("POST", "/api/sso", m{"name": "ada@elsewhere.example"}).wants(t, 404, "not-found").body["detail"]
	same := func(entered string) {
		t.Helper()
		if got := b.do("POST", "/api/sso", m{"name": entered}).wants(t, 404, "not-found").body["detail"]; got != unknown {
			t.Errorf("%s is answered with %q, an unknown name with %q", entered, got, unknown)
		}
	}
	same("owner@example.org") // an account, a domain that is not shown
	same("no name")
	owner.do("POST", names+"/example.org/verify", nil).wants(t, 503, "unavailable")
	for _, answer := range []struct {
		records []string
		err     error
	}{{nil, errors.New("no such host")}, {[]string{"v=spf1 -all", "inkwitness-verification=another"}, nil}} {
		s.auth.cfg.LookupTXT = func(context.Context, string) ([]string, error) { return answer.records, answer.err }
		owner.do("POST", names+"/example.org/verify", nil).wants(t, 422, "invalid")
		same("owner@example.org")
	}
	s.auth.cfg.LookupTXT = func(_ context.Context, name string) ([]string, error) {
		if name != "_inkwitness.example.org" {
			return nil, errors.New("asked for " + name)
		}
		return []string{"v=spf1 -all", value}, nil
	}
	if a := owner.do("POST", names+"/example.org/verify", nil).wants(t, 200, ""); a.body["verified"] == nil {
		t.Error(a.raw)
	}
	owner.do("POST", names, m{"name": "atelier"}).wants(t, 422, "invalid")
	owner.do("POST", names, m{"name": "example"}).wants(t, 201, "")
	owner.do("POST", names, m{"name": "Example"}).wants(t, 409, "conflict")
	for _, entered := range []string{"example", "somebody@EXAMPLE.org"} {
		address := b.do("POST", "/api/sso", m{"name": entered}).wants(t, 200, "").body["url"].(string)
		if !strings.HasPrefix(address, idp.server.URL) {
			t.Errorf("%s leads to %s", entered, address)
		}
		idp.who = m{"sub": "x1", "email": "new@example.org", "email_verified": true, "name": "New"}
		if to := b.follow(idp.visit(address)); to != "/" || b.who() == "" {
			t.Errorf("%s ends at %s", entered, to)
		}
		b.do("DELETE", "/api/session", nil)
	}
	owner.do("DELETE", names+"/example", nil).wants(t, 204, "")
	same("example")
	owner.do("DELETE", "/api/organisation/provider", nil).wants(t, 204, "")
	same("owner@example.org")
}
