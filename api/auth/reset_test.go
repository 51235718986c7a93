package auth

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"inkwitness/api"
)

// TestChangingThePasswordIsNoStepUp: the password alone neither changes the
// password of an account with a second factor nor opens sensitive acts.
func TestChangingThePasswordIsNoStepUp(t *testing.T) {
	s := newService(t)
	ann := s.member("ann@example.org", api.Owner)
	s.clock.Advance(freshFor)
	change := m{"current": good, "password": good + " two"}
	ann.do("POST", "/api/password", change).wants(t, 204, "") // without a second factor the password is the proof
	if a := ann.do("GET", "/api/session", nil); a.body["fresh"] != false {
		t.Error("changing the password made the session fresh")
	}
	ann.do("POST", "/api/session/proof", m{"password": good + " two"}).wants(t, 204, "")
	secret := ann.do("POST", "/api/factors/totp", nil).body["secret"].(string)
	ann.do("POST", "/api/factors/totp/confirm", m{"code": code(t, secret, s.clock.Now())}).wants(t, 200, "")
	s.clock.Advance(freshFor)
	change = m{"current": good + " two", "password": good + " three"}
	ann.do("POST", "/api/password", change).wants(t, 403, "step-up")
	ann.do("DELETE", "/api/factors/totp", nil).wants(t, 403, "step-up")
	s.clock.Advance(30 * time.Second)
	ann.do("POST", "/api/session/proof", m{"code": code(t, secret, s.clock.Now())}).wants(t, 204, "")
	ann.do("POST", "/api/password", change).wants(t, 204, "")
}

// resetToken is that of the last link that was mailed.
func (s *service) resetToken() string {
	s.t.Helper()
	_, last := s.mails()
	_, token, ok := strings.Cut(strings.Fields(last.Text[strings.Index(last.Text, "http"):])[0], "#reset=")
	if !ok {
		s.t.Fatalf("no link in %q", last.Text)
	}
	return token
}

// TestStrangersLockNobodyOut: guesses of others are not counted against a browser
// that the account knows, nor against who has the mailed link.
func TestStrangersLockNobodyOut(t *testing.T) {
	s := newService(t)
	ann := s.member("ann@example.org", api.Sender)
	ann.do("DELETE", "/api/session", nil).wants(t, 204, "")
	sign := m{"email": "ann@example.org", "password": good}
	wrong := m{"email": "ann@example.org", "password": "wrong wrong wrong"}
	stranger := s.browser(safari)
	guess := func() {
		for range 12 {
			stranger.do("POST", "/api/session", wrong)
		}
		stranger.do("POST", "/api/session", sign).wants(t, 429, "too-many")
	}
	guess()
	ann.do("POST", "/api/session", sign).wants(t, 201, "")
	ann.do("DELETE", "/api/session", nil)
	stranger.do("POST", "/api/session", sign).wants(t, 429, "too-many") // her sign-in buys strangers no tries

	// In a browser that is new to the account the mailed link helps.
	other := s.browser(safari)
	other.do("POST", "/api/session", sign).wants(t, 429, "too-many")
	other.do("POST", "/api/password/forgot", m{"email": "ann@example.org"}).wants(t, 204, "")
	sign["password"] = good + " two"
	other.do("POST", "/api/password/reset", m{"token": s.resetToken(), "password": sign["password"]}).wants(t, 204, "")
	guess()
	other.do("POST", "/api/session", sign).wants(t, 201, "")
	other.do("DELETE", "/api/session", nil)

	// A known browser has ten tries of its own, and is known to its account alone.
	for range 10 {
		ann.do("POST", "/api/session", wrong).wants(t, 401, "not-signed-in")
	}
	ann.do("POST", "/api/session", sign).wants(t, 429, "too-many")
	other.do("POST", "/api/session", sign).wants(t, 201, "")
	s.member("bob@example.org", api.Sender)
	for range 10 {
		stranger.do("POST", "/api/session", m{"email": "bob@example.org", "password": "wrong wrong wrong"})
	}
	other.do("POST", "/api/session", m{"email": "bob@example.org", "password": good}).wants(t, 429, "too-many")
}

// TestDeviceCookies: only a cookie that this service made for the account, not too
// long ago, makes a browser known.
func TestDeviceCookies(t *testing.T) {
	s := newService(t)
	known := func(value, email string) bool {
		r, err := http.NewRequest("POST", s.server.URL+"/api/session", strings.NewReader(`{"email":"`+email+`","password":"x"}`))
		s.must(err)
		r.Header.Set("Content-Type", "application/json")
		r.Header.Set("Cookie", "inkwitness-device="+value)
		w, err := http.DefaultClient.Do(r)
		s.must(err)
		w.Body.Close()
		return w.StatusCode == 401 // not 429
	}
	for range 10 {
		s.browser(safari).do("POST", "/api/session", m{"email": "ann@example.org", "password": "x"})
	}
	value := s.auth.deviceFor("Ann@example.org")
	if !known(value, "ann@example.org") {
		t.Error("a good cookie is nothing")
	}
	id, tag, _ := strings.Cut(value, ".")
	for _, bad := range []string{"", ".", "..", value + "x", "x" + value, id + ".9" + tag, s.auth.deviceFor("bob@example.org"), strings.Repeat("a.", 500)} {
		if known(bad, "ann@example.org") {
			t.Errorf("%q makes a browser known", bad)
		}
	}
	s.clock.Advance(deviceLife)
	for range 10 {
		s.browser(safari).do("POST", "/api/session", m{"email": "ann@example.org", "password": "x"})
	}
	if known(value, "ann@example.org") {
		t.Error("an old cookie makes a browser known")
	}
}
