package saml

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/xml"
	"errors"
	"math/big"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/beevik/etree"
	"github.com/crewjam/saml"
	dsig "github.com/russellhaering/goxmldsig"
)

const acs, entity = "https://ink.example.org/api/sso/saml/p1", "https://ink.example.org/saml/p1"

// keyPair makes an RSA key with a certificate; slow, so each is made once.
func keyPair() (*rsa.PrivateKey, *x509.Certificate) {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "idp"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		panic(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		panic(err)
	}
	return key, cert
}

type pair struct {
	key  *rsa.PrivateKey
	cert *x509.Certificate
}

var idpPair = sync.OnceValue(func() pair { k, c := keyPair(); return pair{k, c} })
var otherPair = sync.OnceValue(func() pair { k, c := keyPair(); return pair{k, c} })

func address(s string) url.URL {
	u, err := url.Parse(s)
	if err != nil {
		panic(err)
	}
	return *u
}

// idp is a provider in the test process.
type idp struct {
	t        *testing.T
	provider saml.IdentityProvider
	service  *saml.EntityDescriptor
}

func (p *idp) GetServiceProvider(*http.Request, string) (*saml.EntityDescriptor, error) {
	return p.service, nil
}

func newIDP(t *testing.T, keys pair) *idp {
	t.Helper()
	raw, err := Metadata(entity, acs)
	if err != nil {
		t.Fatal(err)
	}
	p := &idp{t: t, service: &saml.EntityDescriptor{}}
	if err := xml.Unmarshal(raw, p.service); err != nil {
		t.Fatal(err)
	}
	p.provider = saml.IdentityProvider{Key: keys.key, Certificate: keys.cert, MetadataURL: address("https://idp.example/metadata"),
		SSOURL: address("https://idp.example/sso"), ServiceProviderProvider: p, SignatureMethod: dsig.RSASHA256SignatureMethod}
	return p
}

func (p *idp) metadata() []byte {
	raw, err := xml.Marshal(p.provider.Metadata())
	if err != nil {
		p.t.Fatal(err)
	}
	return raw
}

func (p *idp) service1() *Provider {
	p.t.Helper()
	s, err := New(Config{EntityID: entity, ACS: acs, Metadata: p.metadata()})
	if err != nil {
		p.t.Fatal(err)
	}
	return s
}

// answer plays the provider: it reads the request, makes an assertion that the
// test may change before it is signed, and returns the document.
func (p *idp) answer(request string, change func(*saml.Assertion)) *etree.Element {
	p.t.Helper()
	r, err := saml.NewIdpAuthnRequest(&p.provider, httptest.NewRequest("GET", request, nil))
	if err != nil {
		p.t.Fatal(err)
	}
	if err := r.Validate(); err != nil {
		p.t.Fatal(err)
	}
	session := &saml.Session{ID: "s", CreateTime: time.Now(), ExpireTime: time.Now().Add(time.Hour), Index: "1", NameID: "subject-1",
		UserEmail: "ann@example.org", UserCommonName: "Ann"}
	if err := (saml.DefaultAssertionMaker{}).MakeAssertion(r, session); err != nil {
		p.t.Fatal(err)
	}
	if change != nil {
		change(r.Assertion)
	}
	if err := r.MakeAssertionEl(); err != nil {
		p.t.Fatal(err)
	}
	if err := r.MakeResponse(); err != nil {
		p.t.Fatal(err)
	}
	return r.ResponseEl
}

func text(t *testing.T, e *etree.Element) string {
	t.Helper()
	doc := etree.NewDocument()
	doc.SetRoot(e.Copy())
	s, err := doc.WriteToString()
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func encode(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) }

func TestSignIn(t *testing.T) {
	p := newIDP(t, idpPair())
	s := p.service1()
	request, id, err := s.Begin("relay", true)
	if err != nil || !strings.HasPrefix(request, "https://idp.example/sso?") {
		t.Fatal(request, err)
	}
	got, err := s.Finish(encode(text(t, p.answer(request, nil))), id)
	if err != nil {
		t.Fatal(err)
	}
	if got.Subject != "subject-1" || got.Email != "ann@example.org" || got.Name != "Ann" || got.ID == "" || !got.Until.After(time.Now()) {
		t.Errorf("%+v", got)
	}
}

// TestA9Attacks are answers that a forger, a thief or a provider's neighbour
// would send. Those that change the document keep its signature where they can.
func TestA9Attacks(t *testing.T) {
	sign := func(change func(*saml.Assertion)) func(*idp, string) string {
		return func(p *idp, request string) string { return text(p.t, p.answer(request, change)) }
	}
	edit := func(change func(response *etree.Element)) func(*idp, string) string {
		return func(p *idp, request string) string {
			e := p.answer(request, nil)
			change(e)
			return text(p.t, e)
		}
	}
	replace := func(old, with string) func(*idp, string) string {
		return func(p *idp, request string) string {
			s := text(p.t, p.answer(request, nil))
			if !strings.Contains(s, old) {
				p.t.Fatalf("%q is not in the answer", old)
			}
			return strings.ReplaceAll(s, old, with)
		}
	}
	find := func(e *etree.Element, tag string) *etree.Element { return e.FindElement(".//" + tag) }
	evil := func(a *etree.Element) *etree.Element { // an unsigned copy that names another person
		c := a.Copy()
		c.RemoveChild(find(c, "Signature"))
		c.CreateAttr("ID", "evil")
		find(c, "NameID").SetText("admin")
		return c
	}
	attacks := map[string]func(*idp, string) string{
		"not XML":  func(*idp, string) string { return "hello" },
		"empty":    func(*idp, string) string { return "" },
		"unsigned": edit(func(e *etree.Element) { a := find(e, "Assertion"); a.RemoveChild(find(a, "Signature")) }),
		"no signature at all": edit(func(e *etree.Element) {
			for sig := find(e, "Signature"); sig != nil; sig = find(e, "Signature") {
				sig.Parent().RemoveChild(sig)
			}
		}),
		"signed by another": func(p *idp, request string) string {
			return text(p.t, newIDP(p.t, otherPair()).answer(request, nil))
		},
		"name edited":         replace("subject-1", "admin"),
		"comment in the name": replace("subject-1", "subj<!-- x -->ect-1"),
		"comment elsewhere":   replace("<saml:Subject>", "<!-- x --><saml:Subject>"),
		"CDATA in the name":   replace("subject-1", "<![CDATA[subject-1]]>"),
		"entity": func(p *idp, r string) string {
			return `<!DOCTYPE x [<!ENTITY a "admin">]>` + text(p.t, p.answer(r, nil))
		},
		"wrong audience": sign(func(a *saml.Assertion) { a.Conditions.AudienceRestrictions[0].Audience.Value = "https://other.example" }),
		"no audience":    sign(func(a *saml.Assertion) { a.Conditions.AudienceRestrictions = nil }),
		"second audience": sign(func(a *saml.Assertion) {
			a.Conditions.AudienceRestrictions = append(a.Conditions.AudienceRestrictions, saml.AudienceRestriction{Audience: saml.Audience{Value: "https://other.example"}})
		}),
		"wrong recipient": sign(func(a *saml.Assertion) {
			a.Subject.SubjectConfirmations[0].SubjectConfirmationData.Recipient = "https://other.example/acs"
		}),
		"another request": sign(func(a *saml.Assertion) {
			a.Subject.SubjectConfirmations[0].SubjectConfirmationData.InResponseTo = "id-other"
		}),
		"not asked for":   sign(func(a *saml.Assertion) { a.Subject.SubjectConfirmations[0].SubjectConfirmationData.InResponseTo = "" }),
		"no confirmation": sign(func(a *saml.Assertion) { a.Subject.SubjectConfirmations = nil }),
		"holder of key": sign(func(a *saml.Assertion) {
			a.Subject.SubjectConfirmations[0].Method = "urn:oasis:names:tc:SAML:2.0:cm:holder-of-key"
		}),
		"expired": sign(func(a *saml.Assertion) { a.Conditions.NotOnOrAfter = time.Now().Add(-time.Hour) }),
		"confirmation expired": sign(func(a *saml.Assertion) {
			a.Subject.SubjectConfirmations[0].SubjectConfirmationData.NotOnOrAfter = time.Now().Add(-time.Hour)
		}),
		"not yet":           sign(func(a *saml.Assertion) { a.Conditions.NotBefore = time.Now().Add(time.Hour) }),
		"old":               sign(func(a *saml.Assertion) { a.IssueInstant = time.Now().Add(-time.Hour) }),
		"from the future":   sign(func(a *saml.Assertion) { a.IssueInstant = time.Now().Add(time.Hour) }),
		"wrong issuer":      sign(func(a *saml.Assertion) { a.Issuer.Value = "https://evil.example" }),
		"nobody":            sign(func(a *saml.Assertion) { a.Subject.NameID.Value = " " }),
		"not authenticated": sign(func(a *saml.Assertion) { a.AuthnStatements = nil }),
		"session over": sign(func(a *saml.Assertion) {
			past := time.Now().Add(-time.Hour)
			a.AuthnStatements[0].SessionNotOnOrAfter = &past
		}),
		"another destination": replace(`Destination="`+acs+`"`, `Destination="https://other.example"`),
		"status of failure":   replace("urn:oasis:names:tc:SAML:2.0:status:Success", "urn:oasis:names:tc:SAML:2.0:status:Responder"),
		"weak digest":         replace("http://www.w3.org/2001/04/xmlenc#sha256", "http://www.w3.org/2000/09/xmldsig#sha1"),
		"weak signature":      replace("http://www.w3.org/2001/04/xmldsig-more#rsa-sha256", "http://www.w3.org/2000/09/xmldsig#rsa-sha1"),
		"HMAC signature":      replace("http://www.w3.org/2001/04/xmldsig-more#rsa-sha256", "http://www.w3.org/2000/09/xmldsig#hmac-sha1"),
		"XSLT transform":      replace("http://www.w3.org/2000/09/xmldsig#enveloped-signature", "http://www.w3.org/TR/1999/REC-xslt-19991116"),
		// Signature wrapping, after Somorovsky et al., "On Breaking SAML" (2012), figure 6.
		"XSW1, XSW3: evil before": edit(func(e *etree.Element) { a := find(e, "Assertion"); e.InsertChildAt(a.Index(), evil(a)) }),
		"XSW2: evil after":        edit(func(e *etree.Element) { e.AddChild(evil(find(e, "Assertion"))) }),
		"XSW4: original inside evil": edit(func(e *etree.Element) {
			a := find(e, "Assertion")
			v := evil(a)
			e.RemoveChild(a)
			v.AddChild(a)
			e.AddChild(v)
		}),
		"XSW5: original in signature": edit(func(e *etree.Element) {
			a := find(e, "Assertion")
			v := evil(a)
			sig := find(a, "Signature")
			a.RemoveChild(sig)
			e.RemoveChild(a)
			v.AddChild(sig)
			sig.AddChild(a)
			e.AddChild(v)
		}),
		"XSW7: original in extension": edit(func(e *etree.Element) {
			a := find(e, "Assertion")
			v := evil(a)
			e.RemoveChild(a)
			x := e.CreateElement("samlp:Extensions")
			x.AddChild(a)
			e.AddChild(v)
		}),
		"XSW8: original in object": edit(func(e *etree.Element) {
			a := find(e, "Assertion")
			v := evil(a)
			e.RemoveChild(a)
			sig := find(a, "Signature")
			a.RemoveChild(sig)
			v.AddChild(sig)
			sig.CreateElement("ds:Object").AddChild(a)
			e.AddChild(v)
		}),
		"the same id twice": edit(func(e *etree.Element) {
			a := find(e, "Assertion")
			v := evil(a)
			v.CreateAttr("ID", a.SelectAttrValue("ID", ""))
			e.AddChild(v)
		}),
		"signature for another element": edit(func(e *etree.Element) { find(e, "Reference").CreateAttr("URI", "#other") }),
		"signature for the document":    edit(func(e *etree.Element) { find(e, "Reference").CreateAttr("URI", "") }),
		"two signatures":                edit(func(e *etree.Element) { a := find(e, "Assertion"); a.AddChild(find(a, "Signature").Copy()) }),
		"two references":                edit(func(e *etree.Element) { r := find(e, "Reference"); r.Parent().AddChild(r.Copy()) }),
		"encrypted":                     edit(func(e *etree.Element) { find(e, "Assertion").Tag = "EncryptedAssertion" }),
		"another root":                  func(p *idp, r string) string { return text(p.t, find(p.answer(r, nil), "Assertion")) },
		"attribute wrapping":            replace("<saml:Subject>", `<saml:Subject Id="x">`),
		"bomb": func(p *idp, r string) string {
			return strings.Replace(text(p.t, p.answer(r, nil)), "</samlp:Response>", strings.Repeat("<a>", 3000)+strings.Repeat("</a>", 3000)+"</samlp:Response>", 1)
		},
		"large": func(p *idp, r string) string { return strings.Repeat(" ", maxResponse) + text(p.t, p.answer(r, nil)) },
	}
	if len(attacks) < 30 {
		t.Errorf("%d attacks", len(attacks))
	}
	for name, attack := range attacks {
		t.Run(name, func(t *testing.T) {
			p := newIDP(t, idpPair())
			s := p.service1()
			request, id, err := s.Begin("relay", false)
			if err != nil {
				t.Fatal(err)
			}
			if got, err := s.Finish(encode(attack(p, request)), id); !errors.Is(err, ErrRefused) {
				t.Errorf("%+v %v", got, err)
			}
		})
	}
	t.Run("answer to another person's request", func(t *testing.T) {
		p := newIDP(t, idpPair())
		s := p.service1()
		request, _, err := s.Begin("relay", false)
		if err != nil {
			t.Fatal(err)
		}
		_, other, err := s.Begin("relay", false)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := s.Finish(encode(text(t, p.answer(request, nil))), other); !errors.Is(err, ErrRefused) {
			t.Error(err)
		}
	})
}

func TestMetadataIsChecked(t *testing.T) {
	good := string(newIDP(t, idpPair()).metadata())
	for name, raw := range map[string]string{"empty": "", "not XML": "x", "a service, not a provider": func() string { m, _ := Metadata(entity, acs); return string(m) }(),
		"no redirect": strings.ReplaceAll(good, saml.HTTPRedirectBinding, saml.HTTPArtifactBinding), "large": good + strings.Repeat(" ", maxMetadata),
		"a script": strings.ReplaceAll(good, "https://idp.example/sso", "javascript:alert(1)")} {
		if _, err := New(Config{EntityID: entity, ACS: acs, Metadata: []byte(raw)}); err == nil {
			t.Errorf("%s was taken", name)
		}
	}
}

// FuzzFinish looks for a document that is accepted or that breaks the parser.
func FuzzFinish(f *testing.F) {
	t := &testing.T{}
	p := newIDP(t, idpPair())
	s, err := New(Config{EntityID: entity, ACS: acs, Metadata: p.metadata()})
	if err != nil {
		f.Fatal(err)
	}
	request, id, err := s.Begin("relay", false)
	if err != nil {
		f.Fatal(err)
	}
	real := text(t, p.answer(request, nil))
	f.Add([]byte(real))
	f.Add([]byte("<a/>"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		got, err := s.Finish(encode(string(raw)), id)
		if err == nil && got.Subject != "subject-1" {
			t.Errorf("%+v from %s", got, raw)
		}
	})
}
