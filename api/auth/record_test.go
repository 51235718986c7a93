package auth

import (
	"slices"
	"testing"
	"time"

	"inkwitness/api"
)

// TestEverySecurityEventIsRecorded: what somebody did, or had done to them, at the
// door stands in the record of their organisation, and a used recovery code in a mail.
func TestEverySecurityEventIsRecorded(t *testing.T) {
	s := newService(t)
	ann := s.member("ann@example.org", api.Owner)
	has := func(kind string, want int) {
		t.Helper()
		chain, err := s.store.AuditChain(t.Context(), "organisation:org1")
		s.must(err)
		n := 0
		for _, e := range chain {
			if e.Kind == kind {
				n++
			}
		}
		if n != want {
			t.Errorf("%d lines %s, want %d", n, kind, want)
		}
	}
	secret := ann.do("POST", "/api/factors/totp", nil).body["secret"].(string)
	codes := ann.do("POST", "/api/factors/totp/confirm", m{"code": code(t, secret, s.clock.Now())}).wants(t, 200, "").body["recoveryCodes"].([]any)
	s.clock.Advance(30 * time.Second)
	ann.do("POST", "/api/session/proof", m{"code": code(t, secret, s.clock.Now())}).wants(t, 204, "")
	has("session.proved", 1)

	// Not used for too long: noticed by its cookie, or by the next sign-in.
	s.clock.Advance(time.Hour)
	ann.do("GET", "/api/inside", nil).wants(t, 401, "not-signed-in")
	has("session.over", 1)
	ann.do("POST", "/api/session", m{"email": "ann@example.org", "password": good, "code": codes[0]}).wants(t, 201, "")
	has("factor.recovery-used", 1)
	if kinds, _ := s.mails(); !slices.Contains(kinds, "recovery-used") {
		t.Error(kinds)
	}
	s.clock.Advance(time.Hour)
	other := s.browser(safari)
	other.do("POST", "/api/session", m{"email": "ann@example.org", "password": good, "code": codes[1]}).wants(t, 201, "")
	has("session.over", 2)

	other.do("POST", "/api/password/forgot", m{"email": "ann@example.org"}).wants(t, 204, "")
	has("password.forgot", 1)
	other.do("POST", "/api/password/forgot", m{"email": "nobody@example.org"}).wants(t, 204, "")
	if n := count(s.events(), "password.forgot"); n != 2 {
		t.Errorf("%d lines of both", n)
	}

	stranger := s.browser(safari)
	for range 15 {
		stranger.do("POST", "/api/session", m{"email": "ann@example.org", "password": "wrong wrong wrong"})
	}
	has("limit.reached", 1) // once for all that follow
	for range 15 {
		ann.do("POST", "/api/session", m{"email": "ann@example.org", "password": "wrong wrong wrong"})
	}
	has("limit.reached", 2) // of a browser that the account knows
	for range 15 {
		other.do("POST", "/api/session/proof", m{"code": "000000"})
	}
	has("limit.reached", 3)

	begun := stranger.do("POST", "/api/session/passkey/begin", nil).wants(t, 200, "")
	stranger.do("POST", "/api/session/passkey", m{"ceremony": begun.body["ceremony"], "credential": m{}}).wants(t, 401, "not-signed-in")
	if n := count(s.events(), "passkey.refused"); n != 1 {
		t.Errorf("%d lines of a refused passkey", n)
	}
}
