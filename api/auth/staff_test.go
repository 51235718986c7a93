package auth

import (
	"testing"
	"time"

	"inkwitness/api"
)

func TestA22A23Staff(t *testing.T) {
	s := newService(t)
	s.must(s.store.CreateOrganisation(t.Context(), api.Organisation{ID: "operator", Created: s.clock.Now()}))
	customer := s.org
	s.org.ID = "operator"
	sam := s.member("sam@operator.example", api.Staff)
	s.org = customer
	id := sam.who()
	read := func(status int, problem string) {
		t.Helper()
		sam.do("GET", "/api/inside", nil).wants(t, status, problem)
	}
	enter := m{"organisation": "org1"}

	if a := sam.do("GET", "/api/session", nil); a.body["mustAddFactor"] != true {
		t.Error(a.raw)
	}
	sam.do("POST", "/api/session/organisation", enter).wants(t, 403, "not-allowed") // a password alone
	secret := sam.do("POST", "/api/factors/totp", nil).body["secret"].(string)
	sam.do("POST", "/api/factors/totp/confirm", m{"code": code(t, secret, s.clock.Now())}).wants(t, 200, "")
	read(404, "not-found")
	sam.do("POST", "/api/session/organisation", enter).wants(t, 404, "not-found") // no grant
	grant := func(gid string, hours time.Duration) {
		now := s.clock.Now()
		s.must(s.store.AddStaffGrant(t.Context(), api.StaffGrant{ID: gid, Organisation: "org1", Account: id, GrantedBy: "ann", Reason: "ticket 7",
			Created: now, Expires: now.Add(hours * time.Hour)}))
	}
	grant("g1", 1)
	read(404, "not-found")                                                          // still in the operator's own
	sam.do("POST", "/api/session/organisation", enter).wants(t, 403, "not-allowed") // A23
	text := sam.do("GET", "/api/staff/terms", nil).wants(t, 200, "")
	sam.do("POST", "/api/staff/terms", m{"hash": "another text"}).wants(t, 409, "conflict")
	sam.do("POST", "/api/staff/terms", m{"hash": text.body["hash"]}).wants(t, 204, "")
	if text = sam.do("GET", "/api/staff/terms", nil); text.body["acceptedAt"] == nil {
		t.Error(text.raw)
	}
	sam.do("POST", "/api/session/organisation", enter).wants(t, 204, "")
	read(204, "")
	sam.do("POST", "/api/inside", nil).wants(t, 403, "not-allowed") // reads, and no more
	// The customer sees each request, with its reason.
	seen := map[string]int{}
	events, err := s.store.AuditChain(t.Context(), "organisation:org1")
	s.must(err)
	for _, e := range events {
		seen[e.Kind+" "+e.Detail["route"]+e.Detail["reason"]]++
	}
	if seen["staff.entered ticket 7"] != 1 || seen["staff.request GET /api/inside"] != 1 || seen["staff.request POST /api/inside"] != 1 {
		t.Error(seen)
	}
	// Taken back, or over by itself: out at the next request.
	s.must(s.store.EndStaffGrant(t.Context(), "org1", "g1", s.clock.Now()))
	read(401, "not-signed-in")
	grant("g2", 1)
	read(204, "")
	s.clock.Advance(20 * time.Minute)
	read(204, "")
	s.clock.Advance(20 * time.Minute)
	read(204, "")
	s.clock.Advance(21 * time.Minute)
	read(401, "not-signed-in")
	// Nobody else becomes staff by a grant.
	bob := s.member("bob@example.org", api.Owner)
	bob.do("GET", "/api/staff/terms", nil).wants(t, 403, "not-allowed")
	s.must(s.store.CreateOrganisation(t.Context(), api.Organisation{ID: "org2", Created: s.clock.Now()}))
	now := s.clock.Now()
	s.must(s.store.AddStaffGrant(t.Context(), api.StaffGrant{ID: "g3", Organisation: "org2", Account: bob.who(), Created: now, Expires: now.Add(time.Hour)}))
	bob.do("POST", "/api/session/organisation", m{"organisation": "org2"}).wants(t, 404, "not-found")
}

// TestStaffSessionsHaveASecondFactor: a session that came in without one, as in an
// earlier release, reads nothing.
func TestStaffSessionsHaveASecondFactor(t *testing.T) {
	s := newService(t)
	s.must(s.store.CreateOrganisation(t.Context(), api.Organisation{ID: "operator", Created: s.clock.Now()}))
	customer := s.org
	s.org.ID = "operator"
	sam := s.member("sam@operator.example", api.Staff)
	s.org = customer
	id, now := sam.who(), s.clock.Now()
	s.must(s.store.AddStaffGrant(t.Context(), api.StaffGrant{ID: "g1", Organisation: "org1", Account: id, GrantedBy: "ann", Created: now, Expires: now.Add(time.Hour)}))
	s.must(s.store.AcceptTerms(t.Context(), id, termsHash, now))
	live, err := s.store.LiveSession(t.Context(), id)
	s.must(err)
	s.must(s.store.MoveSession(t.Context(), live.ID, "org1"))
	sam.do("GET", "/api/inside", nil).wants(t, 401, "not-signed-in")
}
