package auth

import (
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
