package e2e

import (
	"bytes"
	"crypto"
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

	"github.com/beevik/etree"
	"github.com/crewjam/saml"
	dsig "github.com/russellhaering/goxmldsig"
)

// TestA9_SingleSignOn: people come in by their organisation's provider, OpenID
// Connect or SAML, and nobody comes in by an answer that was made up, changed,
// kept, or meant for somebody else.
func TestA9_SingleSignOn(t *testing.T) {
	s := newService(t, "EGRESS_ALLOW=127.0.0.1/32")
	s.start()
	owner := s.owner()
	t.Run("OpenID", func(t *testing.T) { openID(t, s, owner) })
	t.Run("SAML", func(t *testing.T) { samlProvider(t, s, owner) })
}

// oidcProvider is a provider at which somebody is signed in. It answers with a
// token that a test may spoil.
type oidcProvider struct {
	server    *httptest.Server
	key       *ecdsa.PrivateKey
	nonce     string
	challenge string
	spoil     func(header, claims map[string]any)
	signature func(input string) []byte
}

func newOIDCProvider(t *testing.T) *oidcProvider {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	p := &oidcProvider{key: key}
	mux := http.NewServeMux()
	reply := func(path string, v func(*http.Request) any) {
		mux.HandleFunc(path, func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			answer := v(r)
			if answer == nil {
				w.WriteHeader(http.StatusBadRequest)
				answer = map[string]string{"error": "invalid_grant"}
			}
			_ = json.NewEncoder(w).Encode(answer)
		})
	}
	reply("/.well-known/openid-configuration", func(*http.Request) any {
		u := p.server.URL
		return map[string]any{"issuer": u, "authorization_endpoint": u + "/auth", "token_endpoint": u + "/token", "jwks_uri": u + "/keys", "id_token_signing_alg_values_supported": []string{"ES256", "none"}}
	})
	reply("/keys", func(*http.Request) any {
		point, _ := key.PublicKey.Bytes()
		return map[string]any{"keys": []any{map[string]any{"kty": "EC", "crv": "P-256", "kid": "k", "x": b64(point[1:33]), "y": b64(point[33:])}}}
	})
	reply("/token", func(r *http.Request) any {
		sum := sha256.Sum256([]byte(r.FormValue("code_verifier")))
		if b64(sum[:]) != p.challenge { // PKCE
			return nil
		}
		return map[string]any{"access_token": "x", "token_type": "Bearer", "id_token": p.token()}
	})
	p.server = httptest.NewServer(mux)
	t.Cleanup(p.server.Close)
	return p
}

func b64(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

func (p *oidcProvider) token() string {
	now := time.Now()
	header := map[string]any{"alg": "ES256", "kid": "k"}
	claims := map[string]any{"iss": p.server.URL, "aud": "client", "nonce": p.nonce, "iat": now.Unix(), "exp": now.Add(5 * time.Minute).Unix(),
		"sub": "subject-1", "email": "nina@sso.example", "email_verified": true, "name": "Nina"}
	if p.spoil != nil {
		p.spoil(header, claims)
	}
	h, _ := json.Marshal(header)
	c, _ := json.Marshal(claims)
	input := b64(h) + "." + b64(c)
	if p.signature != nil {
		return input + "." + b64(p.signature(input))
	}
	return input + "." + b64(signES256(p.key, input))
}

func signES256(key *ecdsa.PrivateKey, input string) []byte {
	sum := sha256.Sum256([]byte(input))
	r, s, err := ecdsa.Sign(rand.Reader, key, sum[:])
	if err != nil {
		panic(err)
	}
	return append(r.FillBytes(make([]byte, 32)), s.FillBytes(make([]byte, 32))...)
}

// begin asks for the way to a provider and returns the address.
func (c *client) begin(provider string) *url.URL {
	c.t.Helper()
	var begun struct{ URL string }
	c.must("POST", "/api/sso/"+provider, map[string]any{}, &begun)
	return mustURL(c.t, begun.URL)
}

// lands follows a way back from a provider: where it ends, and whether anybody is
// signed in then.
func (c *client) lands(path string) (where string, in bool) {
	c.t.Helper()
	c.http.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	a := c.do("GET", path, nil)
	return a.Header.Get("Location"), c.do("GET", "/api/session", nil).Status == 200
}

func openID(t *testing.T, s *service, owner *client) {
	p := newOIDCProvider(t)
	var set struct{ ID string }
	owner.must("PUT", "/api/organisation/provider", map[string]any{"kind": "oidc", "issuer": p.server.URL, "clientId": "client", "clientSecret": "secret", "role": "reviewer"}, &set)
	visit := func(c *client) string {
		q := c.begin(set.ID).Query()
		p.nonce, p.challenge = q.Get("nonce"), q.Get("code_challenge")
		if q.Get("code_challenge_method") != "S256" || p.nonce == "" || q.Get("state") == "" {
			t.Errorf("the provider is asked with %v", q)
		}
		return "/api/sso/back?code=c&state=" + q.Get("state")
	}
	good := s.client()
	way := visit(good)
	if where, in := good.lands(way); where != "/" || !in {
		t.Fatalf("a good answer ends at %s", where)
	}
	var session struct {
		Account struct{ Email, Role string }
	}
	good.must("GET", "/api/session", nil, &session)
	if session.Account.Email != "nina@sso.example" || session.Account.Role != "reviewer" {
		t.Errorf("who came in is %+v", session.Account)
	}
	other, _ := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	claim := func(name string, v any) func() {
		return func() { p.spoil = func(_, c map[string]any) { c[name] = v } }
	}
	none := func(alg string) func() {
		return func() {
			p.spoil = func(h, _ map[string]any) { h["alg"] = alg }
			p.signature = func(string) []byte { return nil }
		}
	}
	attacks := map[string]func(){
		"wrong audience": claim("aud", "another"), "no audience": claim("aud", nil), "wrong issuer": claim("iss", "https://evil.example"),
		"another party": claim("azp", "another"), "wrong nonce": claim("nonce", "another"), "no nonce": claim("nonce", nil),
		"expired": claim("exp", time.Now().Add(-time.Minute).Unix()), "old": claim("iat", time.Now().Add(-time.Hour).Unix()),
		"from the future": claim("iat", time.Now().Add(time.Hour).Unix()), "nobody": claim("sub", ""),
		"unsigned": none("none"), "unsigned, odd spelling": none("nOnE"), "HMAC": none("HS256"), "signature cut off": none("ES256"),
		"signed by another":  func() { p.signature = func(in string) []byte { return signES256(other, in) } },
		"all zero signature": func() { p.signature = func(string) []byte { return make([]byte, 64) } },
		"another verifier":   func() { p.challenge = "of somebody else" },
	}
	refuse := func(name string, c *client, way string) {
		t.Helper()
		if where, in := c.lands(way); in || !strings.Contains(where, "problem=") {
			t.Errorf("%s: it ends at %s, signed in: %v", name, where, in)
		}
	}
	for name, attack := range attacks {
		c := s.client()
		p.spoil, p.signature = nil, nil
		way := visit(c)
		attack()
		refuse(name, c, way)
	}
	p.spoil, p.signature = nil, nil
	c := s.client()
	way = visit(c)
	refuse("another browser", s.client(), way)
	refuse("a state that was used", c, way)
	refuse("a state that was made up", c, "/api/sso/back?code=c&state="+strings.Repeat("A", 43))
	refuse("the good answer again", s.client(), way)
	if n := len(attacks) + 4; n < 20 {
		t.Errorf("%d attacks", n)
	}
	if n := owner.events("session.refused"); n < len(attacks) {
		t.Errorf("the owner's record tells of %d refused answers, want at least %d", n, len(attacks))
	}
}

// samlIDP is a provider in the test process.
type samlIDP struct {
	saml.IdentityProvider
	service *saml.EntityDescriptor
}

func (p *samlIDP) GetServiceProvider(*http.Request, string) (*saml.EntityDescriptor, error) {
	return p.service, nil
}

func newSAMLIDP(t *testing.T) *samlIDP {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "idp"}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	p := &samlIDP{service: &saml.EntityDescriptor{}}
	p.IdentityProvider = saml.IdentityProvider{Key: crypto.PrivateKey(key), Certificate: cert, MetadataURL: url.URL{Scheme: "https", Host: "idp.example", Path: "/md"},
		SSOURL: url.URL{Scheme: "https", Host: "idp.example", Path: "/sso"}, ServiceProviderProvider: p, SignatureMethod: dsig.RSASHA256SignatureMethod}
	return p
}

// answer is the signed response to a request; change touches the assertion before
// it is signed.
func (p *samlIDP) answer(t *testing.T, request *url.URL, change func(*saml.Assertion)) (*etree.Element, string) {
	t.Helper()
	r, err := saml.NewIdpAuthnRequest(&p.IdentityProvider, httptest.NewRequest("GET", request.String(), nil))
	if err == nil {
		err = r.Validate()
	}
	if err == nil {
		err = (saml.DefaultAssertionMaker{}).MakeAssertion(r, &saml.Session{ID: "s", CreateTime: time.Now(), ExpireTime: time.Now().Add(time.Hour), NameID: "subject-2", UserEmail: "sami@sso.example", UserCommonName: "Sami"})
	}
	if err == nil {
		if change != nil {
			change(r.Assertion)
		}
		err = r.MakeAssertionEl()
	}
	if err == nil {
		err = r.MakeResponse()
	}
	if err != nil {
		t.Fatal(err)
	}
	return r.ResponseEl, r.RelayState
}

func samlProvider(t *testing.T, s *service, owner *client) {
	p := newSAMLIDP(t)
	metadata, err := xml.Marshal(p.Metadata())
	if err != nil {
		t.Fatal(err)
	}
	var set struct{ ID, ServiceMetadata string }
	owner.must("PUT", "/api/organisation/provider", map[string]any{"kind": "saml", "metadata": string(metadata), "role": "sender"}, &set)
	if err := xml.Unmarshal([]byte(set.ServiceMetadata), p.service); err != nil {
		t.Fatal(err)
	}
	// post plays the provider's page: another site, so no cookies.
	post := func(document []byte, relay string) answer {
		form := url.Values{"SAMLResponse": {base64.StdEncoding.EncodeToString(document)}, "RelayState": {relay}}
		c := s.client()
		c.http.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
		return c.do("POST", "/api/sso/"+set.ID+"/saml", form.Encode(), "Content-Type", "application/x-www-form-urlencoded", "Sec-Fetch-Site", "cross-site", "Origin", "https://idp.example")
	}
	write := func(e *etree.Element) []byte {
		doc := etree.NewDocument()
		doc.SetRoot(e)
		raw, err := doc.WriteToBytes()
		if err != nil {
			t.Fatal(err)
		}
		return raw
	}
	good := s.client()
	response, relay := p.answer(t, good.begin(set.ID), nil)
	kept := write(response)
	ticket := post(kept, relay).Header.Get("Location")
	if where, in := s.client().lands(ticket + "x"); in {
		t.Errorf("a made-up ticket ends at %s", where)
	}
	if where, in := good.lands(ticket); where != "/" || !in {
		t.Fatalf("a good answer ends at %s", where)
	}
	if _, in := s.client().lands(ticket); in {
		t.Error("a ticket works twice")
	}

	signed := func(change func(*saml.Assertion)) func(*url.URL) ([]byte, string) {
		return func(r *url.URL) ([]byte, string) { e, relay := p.answer(t, r, change); return write(e), relay }
	}
	edited := func(change func(*etree.Element)) func(*url.URL) ([]byte, string) {
		return func(r *url.URL) ([]byte, string) {
			e, relay := p.answer(t, r, nil)
			change(e)
			return write(e), relay
		}
	}
	replaced := func(old, with string) func(*url.URL) ([]byte, string) {
		return func(r *url.URL) ([]byte, string) {
			e, relay := p.answer(t, r, nil)
			raw := write(e)
			if !bytes.Contains(raw, []byte(old)) {
				t.Errorf("%q is not in the answer", old)
			}
			return bytes.ReplaceAll(raw, []byte(old), []byte(with)), relay
		}
	}
	find := func(e *etree.Element, tag string) *etree.Element { return e.FindElement(".//" + tag) }
	evil := func(a *etree.Element) *etree.Element {
		c := a.Copy()
		c.RemoveChild(find(c, "Signature"))
		c.CreateAttr("ID", "evil")
		find(c, "NameID").SetText("admin")
		return c
	}
	stranger := newSAMLIDP(t)
	stranger.service = p.service
	for name, attack := range map[string]func(*url.URL) ([]byte, string){
		"wrong audience": signed(func(a *saml.Assertion) { a.Conditions.AudienceRestrictions[0].Audience.Value = "https://other.example" }),
		"wrong issuer":   signed(func(a *saml.Assertion) { a.Issuer.Value = "https://evil.example" }),
		"wrong recipient": signed(func(a *saml.Assertion) {
			a.Subject.SubjectConfirmations[0].SubjectConfirmationData.Recipient = "https://other.example/acs"
		}),
		"another request": signed(func(a *saml.Assertion) {
			a.Subject.SubjectConfirmations[0].SubjectConfirmationData.InResponseTo = "id-other"
		}),
		"expired":             signed(func(a *saml.Assertion) { a.Conditions.NotOnOrAfter = time.Now().Add(-time.Hour) }),
		"nobody":              signed(func(a *saml.Assertion) { a.Subject.NameID.Value = " " }),
		"unsigned":            edited(func(e *etree.Element) { a := find(e, "Assertion"); a.RemoveChild(find(a, "Signature")) }),
		"name edited":         replaced("subject-2", "admin"),
		"comment in the name": replaced("subject-2", "subj<!-- x -->ect-2"),
		"another destination": edited(func(e *etree.Element) { e.CreateAttr("Destination", "https://other.example/acs") }),
		"weak signature":      replaced("http://www.w3.org/2001/04/xmldsig-more#rsa-sha256", "http://www.w3.org/2000/09/xmldsig#rsa-sha1"),
		"wrapped, evil first": edited(func(e *etree.Element) { a := find(e, "Assertion"); e.InsertChildAt(a.Index(), evil(a)) }),
		"wrapped, evil last":  edited(func(e *etree.Element) { e.AddChild(evil(find(e, "Assertion"))) }),
		"signed by another": func(r *url.URL) ([]byte, string) {
			e, relay := stranger.answer(t, r, nil)
			return write(e), relay
		},
		"an assertion that was kept": func(r *url.URL) ([]byte, string) { return kept, r.Query().Get("RelayState") },
		"a relay that was made up": func(r *url.URL) ([]byte, string) {
			e, _ := p.answer(t, r, nil)
			return write(e), strings.Repeat("A", 43)
		},
		"not XML": func(r *url.URL) ([]byte, string) { return []byte("hello"), r.Query().Get("RelayState") },
	} {
		c := s.client()
		document, relay := attack(c.begin(set.ID))
		if a := post(document, relay); a.Status < 400 {
			t.Errorf("%s: %s, to %s", name, a, a.Header.Get("Location"))
		}
		if a := c.do("GET", "/api/session", nil); a.Status != 401 {
			t.Errorf("%s: somebody is signed in: %s", name, a)
		}
	}
	a := s.client()
	response, relay = p.answer(t, a.begin(set.ID), nil)
	if where, in := s.client().lands(post(write(response), relay).Header.Get("Location")); in || !strings.Contains(where, "problem=") {
		t.Errorf("somebody else's ticket ends at %s", where)
	}
}
