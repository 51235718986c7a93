package auth

import (
	"encoding/xml"
	"strings"
	"testing"
	"time"

	"inkwitness/api"
)

// oidcProvider sets up an OpenID Connect provider as the owner.
func (b *browser) oidcProvider(p *oidcIDP, more m) (id string) {
	b.s.t.Helper()
	settings := m{"kind": "oidc", "issuer": p.server.URL, "clientId": "client", "role": "sender"}
	for k, v := range more {
		settings[k] = v
	}
	return b.do("PUT", "/api/organisation/provider", settings).wants(b.s.t, 200, "").body["id"].(string)
}

// TestFreshMeansThatTheProviderAsked: the request for a fresh proof goes through
// the hands of the browser's holder, so only the answer counts.
func TestFreshMeansThatTheProviderAsked(t *testing.T) {
	s := newService(t)
	owner := s.member("owner@example.org", api.Owner)
	idp := newOIDC(s)
	provider := owner.oidcProvider(idp, nil)
	idp.who = m{"sub": "x1", "email": "new@example.org", "email_verified": true}
	b := s.browser(firefox)
	if to := b.sso(idp, provider, m{}); to != "/" {
		t.Fatal(to)
	}
	for name, at := range map[string]any{"eight hours ago": s.clock.Now().Add(-8 * time.Hour).Unix(), "nothing said": nil} {
		idp.who["auth_time"] = at
		if to := b.sso(idp, provider, m{"force": true}); !strings.HasSuffix(to, "&problem=provider-proof") {
			t.Errorf("%s: %s", name, to)
		}
		if a := b.do("GET", "/api/session", nil); a.body["fresh"] != false {
			t.Errorf("%s: %s", name, a.raw)
		}
	}
	if n := count(s.events(), "session.refused"); n != 2 {
		t.Errorf("the record tells of %d refused answers", n)
	}
	idp.who["auth_time"] = s.clock.Now().Unix()
	if to := b.sso(idp, provider, m{"force": true}); to != "/" {
		t.Error(to)
	}
	if a := b.do("GET", "/api/session", nil); a.body["fresh"] != true {
		t.Error(a.raw)
	}
}

// TestSecondFactorMeansThatTheProviderAsked: where members need one the provider
// says that it asked for it, or an owner says so of the provider.
func TestSecondFactorMeansThatTheProviderAsked(t *testing.T) {
	s := newService(t)
	owner := s.member("owner@example.org", api.Owner)
	idp := newOIDC(s)
	provider := owner.oidcProvider(idp, nil)
	idp.who = m{"sub": "x1", "email": "new@example.org", "email_verified": true, "amr": []string{"pwd"}}
	b := s.browser(firefox)
	if to := b.sso(idp, provider, m{}); to != "/" {
		t.Fatal(to)
	}
	if a := b.do("GET", "/api/session", nil); a.body["secondFactor"] != false {
		t.Error(a.raw)
	}
	s.org.SecondFactor = true
	s.must(s.store.SaveOrganisation(t.Context(), s.org))
	b.do("GET", "/api/inside", nil).wants(t, 404, "not-found")
	if to := b.sso(idp, provider, m{}); !strings.HasSuffix(to, "&problem=provider-second-factor") {
		t.Error(to)
	}
	idp.who["amr"] = []string{"pwd", "mfa"}
	if to := b.sso(idp, provider, m{}); to != "/" {
		t.Error(to)
	}
	b.do("GET", "/api/inside", nil).wants(t, 204, "")
	s.org.SecondFactor = false // or the owner, who has none, could not set it
	s.must(s.store.SaveOrganisation(t.Context(), s.org))
	if owner.oidcProvider(idp, m{"secondFactor": true}) != provider {
		t.Error("the provider is another")
	}
	if a := owner.do("GET", "/api/organisation/provider", nil); a.body["secondFactor"] != true {
		t.Error(a.raw)
	}
	s.org.SecondFactor = true
	s.must(s.store.SaveOrganisation(t.Context(), s.org))
	delete(idp.who, "amr")
	if to := b.sso(idp, provider, m{}); to != "/" {
		t.Error(to)
	}
	b.do("GET", "/api/inside", nil).wants(t, 204, "")
}

// TestSAMLVouches is both of the above for the other kind of provider.
func TestSAMLVouches(t *testing.T) {
	s := newService(t)
	owner := s.member("owner@example.org", api.Owner)
	idp := newSAML(s)
	metadata, err := xml.Marshal(idp.idp.Metadata())
	s.must(err)
	a := owner.do("PUT", "/api/organisation/provider", m{"kind": "saml", "metadata": string(metadata), "role": "reviewer"}).wants(t, 200, "")
	provider := a.body["id"].(string)
	s.must(xml.Unmarshal([]byte(a.body["serviceMetadata"].(string)), idp.service))
	b := s.browser(firefox)
	sso := func() string {
		t.Helper()
		begun := b.do("POST", "/api/sso/"+provider, m{"force": true}).wants(t, 200, "")
		return b.follow(idp.post(provider, idp.answer(begun.body["url"].(string))).Header.Get("Location"))
	}
	idp.proved = s.clock.Now().Add(-8 * time.Hour)
	if to := sso(); !strings.HasSuffix(to, "&problem=provider-proof") {
		t.Error(to)
	}
	idp.proved = s.clock.Now()
	if to := sso(); to != "/" {
		t.Error(to)
	}
	if a := b.do("GET", "/api/session", nil); a.body["fresh"] != true || a.body["secondFactor"] != false {
		t.Error(a.raw)
	}
	idp.context = "https://refeds.org/profile/mfa"
	if to := sso(); to != "/" {
		t.Error(to)
	}
	if a := b.do("GET", "/api/session", nil); a.body["secondFactor"] != true {
		t.Error(a.raw)
	}
}

// TestProviderSessionsStayInTheirOrganisation: an invitation to another one does
// not carry a provider's word there.
func TestProviderSessionsStayInTheirOrganisation(t *testing.T) {
	s := newService(t)
	owner := s.member("owner@example.org", api.Owner)
	bob := s.member("bob@example.org", api.Sender)
	id := bob.who()
	idp := newOIDC(s)
	provider := owner.oidcProvider(idp, nil)
	idp.who = m{"sub": "b", "email": "bob@example.org", "email_verified": true}
	if to := bob.sso(idp, provider, m{}); to != "/" || bob.who() != id {
		t.Fatal(to)
	}
	s.must(s.store.CreateOrganisation(t.Context(), api.Organisation{ID: "org2", Name: "Two", Created: s.clock.Now()}))
	token, now := newSecret(), s.clock.Now()
	s.must(s.store.CreateInvitation(t.Context(), api.Invitation{ID: "i2", Organisation: "org2", Role: api.Owner, Email: "bob@example.org",
		Created: now, Expires: now.Add(time.Hour)}, hashSecret(token)))
	if a := bob.do("POST", "/api/invitations/accept", m{"token": token}).wants(t, 409, "conflict"); !strings.Contains(a.raw, "own password") {
		t.Error(a.raw)
	}
	bob.do("GET", "/api/inside", nil).wants(t, 204, "")
	live, err := s.store.LiveSession(t.Context(), id)
	s.must(err)
	s.must(s.store.MoveSession(t.Context(), live.ID, "org2")) // as an earlier release did
	s.must(s.store.AddMember(t.Context(), api.Member{Account: id, Organisation: "org2", Role: api.Owner, Added: now}))
	bob.do("GET", "/api/organisation/provider", nil).wants(t, 401, "not-signed-in")
	// With a session of one's own it works.
	bob.do("POST", "/api/session", m{"email": "bob@example.org", "password": good}).wants(t, 201, "")
	s.must(s.store.RemoveMember(t.Context(), "org2", id))
	if a := bob.do("POST", "/api/invitations/accept", m{"token": token}); a.status != 201 {
		t.Error(a.raw)
	}
}

// TestLinksEndWithTheProvider: a subject of one provider is nobody at another.
func TestLinksEndWithTheProvider(t *testing.T) { onBoth(t, linksEndWithTheProvider) }

func linksEndWithTheProvider(t *testing.T, s *service) {
	owner := s.member("owner@example.org", api.Owner)
	one, two := newOIDC(s), newOIDC(s)
	provider := owner.oidcProvider(one, nil)
	one.who = m{"sub": "x1", "email": "ann@example.org", "email_verified": true}
	b := s.browser(firefox)
	if to := b.sso(one, provider, m{}); to != "/" {
		t.Fatal(to)
	}
	ann := b.who()
	owner.oidcProvider(one, m{"enforced": true})
	if b.who() != ann {
		t.Error("a setting that is nothing to who is who ended a session")
	}
	owner.oidcProvider(two, nil)
	if b.who() != "" {
		t.Error("a session of the provider before goes on")
	}
	two.who = m{"sub": "x1", "email": "eve@example.org", "email_verified": true}
	if to := b.sso(two, provider, m{}); to != "/" || b.who() == ann {
		t.Errorf("%s: the subject of another provider opens the account", to)
	}
	b.do("DELETE", "/api/session", nil)
	two.who = m{"sub": "x2", "email": "ann@example.org", "email_verified": true}
	if to := b.sso(two, provider, m{}); to != "/" || b.who() != ann {
		t.Errorf("%s: a person is found anew by the verified address", to)
	}
	b.do("DELETE", "/api/session", nil)
	two.who["sub"] = "x3" // another person with an address that somebody had
	if to := b.sso(two, provider, m{}); !strings.HasSuffix(to, "&problem=provider-other-person") || b.who() != "" {
		t.Errorf("%s: a second person is linked to the account", to)
	}
}

// TestInvitationsEndWithTheRight: who may not invite any more has no invitations.
func TestInvitationsEndWithTheRight(t *testing.T) { onBoth(t, invitationsEndWithTheRight) }

func invitationsEndWithTheRight(t *testing.T, s *service) {
	s.member("owner@example.org", api.Owner)
	invite := func(by string, role api.Role) string {
		token, now := newSecret(), s.clock.Now()
		s.must(s.store.CreateInvitation(t.Context(), api.Invitation{ID: api.NewID(), Organisation: "org1", Role: role, Email: api.NewID() + "@example.org", InvitedBy: by,
			Created: now, Expires: now.Add(time.Hour)}, hashSecret(token)))
		return token
	}
	works := func(token string, status int, problem string) {
		t.Helper()
		s.browser(firefox).do("GET", "/api/invitations/"+token, nil).wants(t, status, problem)
		s.browser(firefox).do("POST", "/api/invitations/accept", m{"token": token, "password": good}).wants(t, max(status, 201), problem)
	}
	adam := s.member("adam@example.org", api.Admin).who()
	works(invite(adam, api.Admin), 200, "")
	works(invite(adam, api.Owner), 410, "expired") // however it was made
	kept := invite(adam, api.Admin)
	s.must(s.store.SetRole(t.Context(), "org1", adam, api.Manager))
	works(kept, 410, "expired")
	s.must(s.store.SetRole(t.Context(), "org1", adam, api.Owner))
	works(kept, 410, "expired") // taken back for good
	kept = invite(adam, api.Owner)
	other := invite(adam, api.Sender)
	s.must(s.store.SetRole(t.Context(), "org1", adam, api.Admin))
	works(kept, 410, "expired")
	works(other, 200, "")
	kept = invite(adam, api.Admin)
	s.must(s.store.RemoveMember(t.Context(), "org1", adam))
	works(kept, 410, "expired")
	works(invite(adam, api.Sender), 410, "expired")
	works(invite("erased", api.Sender), 410, "expired")
}
