package auth

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/json"
	"encoding/xml"
	"math/big"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	crewjam "github.com/crewjam/saml"
	dsig "github.com/russellhaering/goxmldsig"

	"github.com/beevik/etree"

	"inkwitness/api"
)

// oidcIDP is a provider at which somebody is signed in. How its answers are
// attacked is tested in package oidc.
type oidcIDP struct {
	s      *service
	server *httptest.Server
	key    *ecdsa.PrivateKey
	who    m
	nonce  string
}

func newOIDC(s *service) *oidcIDP {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	s.must(err)
	p := &oidcIDP{s: s, key: key}
	mux := http.NewServeMux()
	reply := func(v func() any) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			if err := json.NewEncoder(w).Encode(v()); err != nil {
				s.t.Error(err)
			}
		}
	}
	mux.HandleFunc("/.well-known/openid-configuration", reply(func() any {
		return m{"issuer": p.server.URL, "authorization_endpoint": p.server.URL + "/auth", "token_endpoint": p.server.URL + "/token", "jwks_uri": p.server.URL + "/keys",
			"id_token_signing_alg_values_supported": []string{"ES256"}}
	}))
	mux.HandleFunc("/keys", reply(func() any {
		point, err := key.PublicKey.Bytes()
		if err != nil {
			s.t.Error(err)
		}
		return m{"keys": []any{m{"kty": "EC", "crv": "P-256", "kid": "k", "x": b64(point[1:33]), "y": b64(point[33:])}}}
	}))
	mux.HandleFunc("/token", reply(func() any { return m{"access_token": "x", "token_type": "Bearer", "id_token": p.token()} }))
	p.server = httptest.NewServer(mux)
	s.t.Cleanup(p.server.Close)
	s.auth.cfg.Client = p.server.Client()
	return p
}

func (p *oidcIDP) token() string {
	now := p.s.clock.Now()
	claims := m{"iss": p.server.URL, "aud": "client", "nonce": p.nonce, "iat": now.Unix(), "exp": now.Add(time.Minute).Unix()}
	for k, v := range p.who {
		claims[k] = v
	}
	header, err1 := json.Marshal(m{"alg": "ES256", "kid": "k"})
	body, err2 := json.Marshal(claims)
	if err1 != nil || err2 != nil {
		p.s.t.Error(err1, err2)
	}
	input := b64(header) + "." + b64(body)
	sum := sha256.Sum256([]byte(input))
	r, sig, err := ecdsa.Sign(rand.Reader, p.key, sum[:])
	if err != nil {
		p.s.t.Error(err)
	}
	raw := make([]byte, 64)
	r.FillBytes(raw[:32])
	sig.FillBytes(raw[32:])
	return input + "." + b64(raw)
}

// visit follows the address to the provider and returns the way back.
func (p *oidcIDP) visit(address string) (back string) {
	u, err := url.Parse(address)
	p.s.must(err)
	p.nonce = u.Query().Get("nonce")
	return "/api/sso/back?code=c&state=" + u.Query().Get("state")
}

// sso signs in at the provider and returns where the browser ends up.
func (b *browser) sso(p *oidcIDP, provider string, options m) string {
	b.s.t.Helper()
	begun := b.do("POST", "/api/sso/"+provider, options).wants(b.s.t, 200, "")
	return b.follow(p.visit(begun.body["url"].(string)))
}

func (b *browser) follow(path string) string {
	b.s.t.Helper()
	b.c.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	a := b.do("GET", path, nil)
	if a.status != 303 {
		b.s.t.Errorf("%d %s", a.status, a.raw)
	}
	return a.header.Get("Location")
}

func (b *browser) who() string {
	a := b.do("GET", "/api/session", nil)
	if a.status != 200 {
		return ""
	}
	acc := a.body["account"].(map[string]any)
	return acc["id"].(string)
}

func TestA9OpenIDConnect(t *testing.T) {
	s := newService(t)
	owner := s.member("owner@example.org", api.Owner)
	idp := newOIDC(s)
	settings := m{"kind": "oidc", "issuer": "http://127.0.0.1:1", "clientId": "client", "clientSecret": "hunter2", "role": "sender"}
	owner.do("PUT", "/api/organisation/provider", settings).wants(t, 503, "unavailable") // not there
	settings["issuer"] = idp.server.URL
	a := owner.do("PUT", "/api/organisation/provider", settings).wants(t, 200, "")
	provider := a.body["id"].(string)
	if strings.Contains(a.raw, "hunter2") || a.body["address"] != "http://localhost/api/sso/back" {
		t.Error(a.raw)
	}
	delete(settings, "clientSecret")
	owner.do("PUT", "/api/organisation/provider", settings).wants(t, 200, "")
	if p, err := s.store.Provider(t.Context(), provider); err != nil || p.Settings.ClientSecret != "hunter2" {
		t.Error("the secret is lost", err)
	}

	// Somebody new becomes a member with the role of newcomers.
	idp.who = m{"sub": "x1", "email": "new@example.org", "email_verified": true, "name": "New"}
	b := s.browser(firefox)
	if to := b.sso(idp, provider, m{}); to != "/" {
		t.Fatal(to)
	}
	b.do("GET", "/api/inside", nil).wants(t, 204, "")
	first := b.who()
	if a := b.do("GET", "/api/session", nil); a.body["account"].(map[string]any)["role"] != "sender" || a.body["fresh"] != false {
		t.Error(a.raw)
	}
	// Of no use outside of the organisation, and not to change the account.
	b.do("POST", "/api/password", m{"current": "x", "password": good}).wants(t, 403, "not-allowed")
	b.do("POST", "/api/factors/totp", nil).wants(t, 403, "not-allowed")
	b.do("POST", "/api/session/proof", m{"password": good}).wants(t, 403, "not-allowed")
	b.do("POST", "/api/session/organisation", m{"organisation": "org1"}).wants(t, 404, "not-found")
	// Nobody is found by an address that a provider only says.
	b.do("POST", "/api/password/forgot", m{"email": "new@example.org"}).wants(t, 204, "")
	if kinds, _ := s.mails(); len(kinds) != 0 {
		t.Error(kinds)
	}
	// The same person again is the same account, whatever the address is now.
	b.do("DELETE", "/api/session", nil)
	idp.who["email"], idp.who["auth_time"] = "changed@example.org", s.clock.Now().Unix()
	if to := b.sso(idp, provider, m{"force": true}); to != "/" || b.who() != first {
		t.Error(to, b.who())
	}
	if a := b.do("GET", "/api/session", nil); a.body["fresh"] != true {
		t.Error(a.raw)
	}
	// Another browser meets the live session, and may take over.
	other := s.browser(safari)
	if to := other.sso(idp, provider, m{}); !strings.HasSuffix(to, "&problem=signed-in-elsewhere") {
		t.Error(to)
	}
	if to := other.sso(idp, provider, m{"takeOver": true}); to != "/" || b.who() != "" {
		t.Error(to, b.who())
	}
	// An answer is of no use to a browser that did not ask.
	other.do("DELETE", "/api/session", nil)
	begun := other.do("POST", "/api/sso/"+provider, m{}).wants(t, 200, "")
	thief := s.browser(firefox)
	if to := thief.follow(idp.visit(begun.body["url"].(string))); !strings.HasSuffix(to, "&problem=not-signed-in") || thief.who() != "" {
		t.Error(to, thief.who())
	}
}

func TestA9ProviderIsNoWayIntoOtherAccounts(t *testing.T) {
	s := newService(t)
	owner := s.member("owner@example.org", api.Owner)
	bob := s.member("bob@example.org", api.Auditor)
	bobID := bob.who()
	// Eve belongs to another organisation.
	s.must(s.store.CreateOrganisation(t.Context(), api.Organisation{ID: "org2", Name: "Two", Created: s.clock.Now()}))
	s.must(s.store.CreateAccount(t.Context(), api.Account{ID: "eve", State: api.AccountActive, Created: s.clock.Now(), Profile: api.Profile{Email: "eve@example.org"}}))
	s.must(s.store.AddMember(t.Context(), api.Member{Account: "eve", Organisation: "org2", Role: api.Owner, Added: s.clock.Now()}))
	idp := newOIDC(s)
	provider := owner.do("PUT", "/api/organisation/provider", m{"kind": "oidc", "issuer": idp.server.URL, "clientId": "client", "role": "sender"}).
		wants(t, 200, "").body["id"].(string)

	b := s.browser(firefox)
	idp.who = m{"sub": "e", "email": "eve@example.org", "email_verified": true}
	if to := b.sso(idp, provider, m{}); to != "/" || b.who() == "eve" {
		t.Errorf("%s: %s", to, b.who())
	}
	idp.who = m{"sub": "b", "email": "bob@example.org", "email_verified": false}
	b = s.browser(firefox)
	if to := b.sso(idp, provider, m{}); !strings.HasSuffix(to, "&problem=not-allowed") || b.who() != "" {
		t.Errorf("an unverified address: %s %s", to, b.who())
	}
	idp.who["email_verified"] = true
	bob.do("DELETE", "/api/session", nil)
	if to := b.sso(idp, provider, m{}); to != "/" || b.who() != bobID {
		t.Errorf("a member: %s %s", to, b.who())
	}

	// Only the browser that began can end it, and only once.
	victim, thief := s.browser(firefox), s.browser(safari)
	begun := thief.do("POST", "/api/sso/"+provider, m{})
	back := idp.visit(begun.body["url"].(string))
	if to := victim.follow(back); !strings.Contains(to, "problem=not-signed-in") || victim.who() != "" {
		t.Errorf("somebody else's sign-in: %s", to)
	}
	if to := thief.follow(back); !strings.Contains(to, "problem=expired") {
		t.Errorf("spent: %s", to)
	}
	if to := thief.follow("/api/sso/back?code=c&state=made-up"); !strings.Contains(to, "problem=expired") {
		t.Errorf("made up: %s", to)
	}
	thief.do("POST", "/api/sso/unknown", m{}).wants(t, 404, "not-found")
}

func TestA9Enforced(t *testing.T) {
	s := newService(t)
	owner := s.member("owner@example.org", api.Owner)
	bob := s.member("bob@example.org", api.Sender)
	idp := newOIDC(s)
	settings := m{"kind": "oidc", "issuer": idp.server.URL, "clientId": "client", "role": "sender", "enforced": true}
	bob.do("PUT", "/api/organisation/provider", settings).wants(t, 403, "not-allowed")
	provider := owner.do("PUT", "/api/organisation/provider", settings).wants(t, 200, "").body["id"].(string)
	bob.do("GET", "/api/inside", nil).wants(t, 404, "not-found")
	owner.do("GET", "/api/inside", nil).wants(t, 204, "") // or nobody could mend it
	idp.who = m{"sub": "b", "email": "bob@example.org", "email_verified": true}
	if to := bob.sso(idp, provider, m{}); to != "/" {
		t.Error(to)
	}
	bob.do("GET", "/api/inside", nil).wants(t, 204, "")
	owner.do("DELETE", "/api/organisation/provider", nil).wants(t, 204, "")
	owner.do("GET", "/api/organisation/provider", nil).wants(t, 404, "not-found")
}

// samlIDP makes signed answers for a service.
type samlIDP struct {
	s       *service
	idp     crewjam.IdentityProvider
	proved  time.Time // when the provider asked for a proof; now when zero
	context string    // how, if not by a password
	service *crewjam.EntityDescriptor
}

func (p *samlIDP) GetServiceProvider(*http.Request, string) (*crewjam.EntityDescriptor, error) {
	return p.service, nil
}

func newSAML(s *service) *samlIDP {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	s.must(err)
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "idp"}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	s.must(err)
	cert, err := x509.ParseCertificate(der)
	s.must(err)
	p := &samlIDP{s: s, service: &crewjam.EntityDescriptor{}}
	p.idp = crewjam.IdentityProvider{Key: key, Certificate: cert, MetadataURL: url.URL{Scheme: "https", Host: "idp.example", Path: "/md"},
		SSOURL: url.URL{Scheme: "https", Host: "idp.example", Path: "/sso"}, ServiceProviderProvider: p, SignatureMethod: dsig.RSASHA256SignatureMethod}
	return p
}

// answer is the form that the provider's page posts.
func (p *samlIDP) answer(request string) url.Values {
	r, err := crewjam.NewIdpAuthnRequest(&p.idp, httptest.NewRequest("GET", request, nil))
	p.s.must(err)
	p.s.must(r.Validate())
	proved := p.proved
	if proved.IsZero() {
		proved = time.Now()
	}
	p.s.must((crewjam.DefaultAssertionMaker{}).MakeAssertion(r, &crewjam.Session{ID: "s", CreateTime: proved, ExpireTime: time.Now().Add(time.Hour),
		NameID: "x1", UserEmail: "new@example.org", UserCommonName: "New"}))
	if p.context != "" {
		r.Assertion.AuthnStatements[0].AuthnContext.AuthnContextClassRef.Value = p.context
	}
	p.s.must(r.MakeAssertionEl())
	p.s.must(r.MakeResponse())
	doc := etree.NewDocument()
	doc.SetRoot(r.ResponseEl)
	raw, err := doc.WriteToBytes()
	p.s.must(err)
	return url.Values{"SAMLResponse": {base64.StdEncoding.EncodeToString(raw)}, "RelayState": {r.RelayState}}
}

// post plays the provider's page: another site, so no cookies.
func (p *samlIDP) post(provider string, form url.Values) *http.Response {
	r, err := http.NewRequest("POST", p.s.server.URL+"/api/sso/"+provider+"/saml", strings.NewReader(form.Encode()))
	p.s.must(err)
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Sec-Fetch-Site", "cross-site")
	r.Header.Set("Origin", "https://idp.example")
	w, err := (&http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}).Do(r)
	p.s.must(err)
	w.Body.Close()
	return w
}

func TestA9SAML(t *testing.T) {
	s := newService(t)
	owner := s.member("owner@example.org", api.Owner)
	idp := newSAML(s)
	metadata, err := xml.Marshal(idp.idp.Metadata())
	s.must(err)
	owner.do("PUT", "/api/organisation/provider", m{"kind": "saml", "metadata": "<x/>", "role": "sender"}).wants(t, 422, "invalid")
	a := owner.do("PUT", "/api/organisation/provider", m{"kind": "saml", "metadata": string(metadata), "role": "reviewer"}).wants(t, 200, "")
	provider := a.body["id"].(string)
	s.must(xml.Unmarshal([]byte(a.body["serviceMetadata"].(string)), idp.service))

	b := s.browser(firefox)
	begun := b.do("POST", "/api/sso/"+provider, m{}).wants(t, 200, "")
	form := idp.answer(begun.body["url"].(string))
	w := idp.post(provider, form)
	ticket := w.Header.Get("Location")
	if w.StatusCode != 303 || !strings.HasPrefix(ticket, "/api/sso/finish?ticket=") || w.Header.Get("Set-Cookie") != "" {
		t.Fatal(w.StatusCode, w.Header)
	}
	thief := s.browser(safari)
	if w := idp.post(provider, form); w.StatusCode != 410 {
		t.Errorf("the same answer twice: %d", w.StatusCode)
	}
	if to := b.follow(ticket); to != "/" {
		t.Fatal(to)
	}
	b.do("GET", "/api/inside", nil).wants(t, 204, "")
	if to := thief.follow(ticket); !strings.Contains(to, "problem=expired") {
		t.Errorf("the same ticket twice: %s", to)
	}

	begun = b.do("POST", "/api/sso/"+provider, m{})
	form = idp.answer(begun.body["url"].(string))
	if to := thief.follow(idp.post(provider, form).Header.Get("Location")); !strings.Contains(to, "problem=not-signed-in") || thief.who() != "" {
		t.Errorf("somebody else's ticket: %s", to)
	}
	form.Set("RelayState", "made up")
	if w := idp.post(provider, form); w.StatusCode != 410 {
		t.Errorf("made-up state: %d", w.StatusCode)
	}
}
