// Package saml signs people in at a SAML 2.0 identity provider: web browser SSO,
// request by redirect, answer by POST. It knows neither accounts nor sessions.
//
// Most attacks on SAML make the code that checks the signature and the code that
// reads the name look at different parts of one document. So a document is
// refused before anything else unless it has one shape: one response with one
// assertion, each identifier once, no comments, no DTD, signatures that stand in
// the element that they sign and say nothing out of the ordinary.
package saml

import (
	"bytes"
	"encoding/base64"
	"encoding/xml"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/beevik/etree"
	"github.com/crewjam/saml"
)

// Config says at which provider, and as which service.
type Config struct {
	EntityID string // of this service: the audience of assertions
	ACS      string // address of this service to which the provider posts its answer
	Metadata []byte // of the provider, as it publishes it
}

// Claims is what the provider says of a person, checked.
type Claims struct {
	Subject string // the provider's own, unchanging name of the person
	Email   string
	Name    string
	ID      string    // of the assertion: it must not be accepted twice
	Until   time.Time // after which the assertion is refused anyway

	SecondFactor  bool      // the provider says that it asked for one (AuthnContext)
	Authenticated time.Time // when it asked (AuthnInstant)
}

// ErrRefused says that what came back is not acceptable. Why is in its text, for
// the log; the person learns only that it did not work.
var ErrRefused = errors.New("saml: the answer is refused")

const (
	maxMetadata = 256 << 10
	maxResponse = 256 << 10
	maxElements = 2000
	maxDepth    = 30
)

// Provider is a provider whose keys and addresses are known.
type Provider struct{ sp saml.ServiceProvider }

// New reads the provider's metadata.
func New(cfg Config) (*Provider, error) {
	if len(cfg.Metadata) > maxMetadata {
		return nil, fmt.Errorf("saml: metadata has %d bytes, at most %d are read", len(cfg.Metadata), maxMetadata)
	}
	var idp saml.EntityDescriptor
	if err := xml.Unmarshal(cfg.Metadata, &idp); err != nil || idp.EntityID == "" || len(idp.IDPSSODescriptors) != 1 {
		return nil, errors.New("saml: this is not the metadata of one identity provider")
	}
	acs, err := url.Parse(cfg.ACS)
	if err != nil {
		return nil, fmt.Errorf("saml: %w", err)
	}
	p := &Provider{saml.ServiceProvider{EntityID: cfg.EntityID, AcsURL: *acs, MetadataURL: *acs, IDPMetadata: &idp,
		AuthnNameIDFormat: saml.PersistentNameIDFormat}}
	target, err := url.Parse(p.sp.GetSSOBindingLocation(saml.HTTPRedirectBinding))
	if err != nil || target.Scheme != "https" && target.Scheme != "http" || target.Host == "" {
		return nil, errors.New("saml: the provider takes no requests by redirect")
	}
	return p, nil
}

// Issuer is the provider's name of itself: two with the same one are the same.
func (p *Provider) Issuer() string { return p.sp.IDPMetadata.EntityID }

// Begin returns the address to which the person goes, and the id of the request,
// which the answer must repeat. With force the provider asks for a proof again.
func (p *Provider) Begin(relay string, force bool) (address, request string, err error) {
	sp := p.sp
	if force {
		sp.ForceAuthn = &force
	}
	r, err := sp.MakeAuthenticationRequest(sp.GetSSOBindingLocation(saml.HTTPRedirectBinding), saml.HTTPRedirectBinding, saml.HTTPPostBinding)
	if err != nil {
		return "", "", fmt.Errorf("saml request: %w", err)
	}
	u, err := r.Redirect(relay, &sp)
	if err != nil {
		return "", "", fmt.Errorf("saml request: %w", err)
	}
	return u.String(), r.ID, nil
}

// Finish checks the answer to the request and returns the person's claims. The
// caller refuses an assertion whose ID it has seen before.
func (p *Provider) Finish(response, request string) (Claims, error) {
	raw, err := base64.StdEncoding.DecodeString(strings.Join(strings.Fields(response), ""))
	if err != nil || len(raw) > maxResponse || request == "" {
		return Claims{}, fmt.Errorf("%d bytes: %w", len(raw), ErrRefused)
	}
	if err := checkShape(raw); err != nil {
		return Claims{}, fmt.Errorf("%w: %w", ErrRefused, err)
	}
	a, err := p.sp.ParseXMLResponse(raw, []string{request}, p.sp.AcsURL)
	if err != nil {
		if inner, ok := errors.AsType[*saml.InvalidResponseError](err); ok {
			err = inner.PrivateErr
		}
		return Claims{}, fmt.Errorf("%w: %w", ErrRefused, err)
	}
	if err := p.checkAssertion(a); err != nil {
		return Claims{}, fmt.Errorf("%w: %w", ErrRefused, err)
	}
	return claims(a), nil
}

// allowed are the algorithms of signatures and digests; SHA-1 is not among them.
var allowed = []string{
	"http://www.w3.org/2001/10/xml-exc-c14n#", "http://www.w3.org/2000/09/xmldsig#enveloped-signature",
	"http://www.w3.org/2001/04/xmldsig-more#rsa-sha256", "http://www.w3.org/2001/04/xmldsig-more#rsa-sha384",
	"http://www.w3.org/2001/04/xmldsig-more#rsa-sha512", "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256",
	"http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha384", "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha512",
	"http://www.w3.org/2001/04/xmlenc#sha256", "http://www.w3.org/2001/04/xmldsig-more#sha384", "http://www.w3.org/2001/04/xmlenc#sha512",
}

// checkShape refuses every document that is not of the one plain shape.
func checkShape(raw []byte) error {
	for _, odd := range []string{"<!", "<?xml-stylesheet"} { // comments, CDATA, DTDs, entities
		if bytes.Contains(raw, []byte(odd)) {
			return fmt.Errorf("it holds %q", odd)
		}
	}
	doc := etree.NewDocument()
	doc.ReadSettings = etree.ReadSettings{ValidateInput: true}
	if err := doc.ReadFromBytes(raw); err != nil || doc.Root() == nil {
		return errors.New("not well-formed")
	}
	if doc.Root().Tag != "Response" || doc.Root().NamespaceURI() != "urn:oasis:names:tc:SAML:2.0:protocol" {
		return errors.New("not a response")
	}
	s := shape{ids: map[string]bool{}}
	if err := s.walk(doc.Root(), 0); err != nil {
		return err
	}
	if s.assertions != 1 {
		return fmt.Errorf("%d assertions", s.assertions)
	}
	return nil
}

type shape struct {
	ids                  map[string]bool
	elements, assertions int
}

func (s *shape) walk(e *etree.Element, depth int) error {
	if s.elements++; s.elements > maxElements || depth > maxDepth {
		return errors.New("too many elements")
	}
	for _, a := range e.Attr {
		if strings.EqualFold(a.Key, "id") {
			if a.Key != "ID" || s.ids[a.Value] || a.Value == "" {
				return fmt.Errorf("identifier %q", a.Value)
			}
			s.ids[a.Value] = true
		}
		if a.Key == "Algorithm" && !slices.Contains(allowed, a.Value) {
			return fmt.Errorf("algorithm %q", a.Value)
		}
	}
	if err := s.check(e, depth); err != nil {
		return err
	}
	for _, child := range e.ChildElements() {
		if err := s.walk(child, depth+1); err != nil {
			return err
		}
	}
	return nil
}

// check: assertions stand right under the response, signatures right under the
// response or the assertion, and sign just that.
func (s *shape) check(e *etree.Element, depth int) error {
	switch e.Tag {
	case "EncryptedAssertion", "EncryptedID", "EncryptedAttribute":
		return errors.New("it is encrypted")
	case "Assertion":
		if s.assertions++; depth != 1 {
			return errors.New("an assertion in another place")
		}
	case "Response":
		if depth != 0 {
			return errors.New("a response in another place")
		}
	case "Signature":
		return checkSignature(e, depth)
	case "Object", "Manifest", "SignatureProperties":
		return fmt.Errorf("a signature with %s", e.Tag)
	}
	return nil
}

func checkSignature(e *etree.Element, depth int) error {
	parent := e.Parent()
	if depth != 1 && !(depth == 2 && parent.Tag == "Assertion") {
		return errors.New("a signature in another place")
	}
	signatures := 0
	for _, sibling := range parent.ChildElements() {
		if sibling.Tag == "Signature" {
			signatures++
		}
	}
	references := e.FindElements(".//Reference")
	if signatures != 1 || len(references) != 1 || references[0].SelectAttrValue("URI", "") != "#"+parent.SelectAttrValue("ID", "\x00") {
		return errors.New("a signature that does not sign just its own element")
	}
	return nil
}

// checkAssertion asks for what the library takes as optional.
func (p *Provider) checkAssertion(a *saml.Assertion) error {
	now := saml.TimeNow()
	switch {
	case a.ID == "" || a.Subject == nil || a.Subject.NameID == nil || strings.TrimSpace(a.Subject.NameID.Value) == "":
		return errors.New("it names nobody")
	case a.Conditions == nil || len(a.Conditions.AudienceRestrictions) == 0 || a.Conditions.NotOnOrAfter.IsZero():
		return errors.New("it is for anybody, or for ever")
	case len(a.AuthnStatements) == 0:
		return errors.New("it does not say that the person was authenticated")
	case a.IssueInstant.Sub(now) > saml.MaxClockSkew:
		return errors.New("it is from the future")
	}
	bearer := slices.ContainsFunc(a.Subject.SubjectConfirmations, func(c saml.SubjectConfirmation) bool {
		return c.Method == "urn:oasis:names:tc:SAML:2.0:cm:bearer" && c.SubjectConfirmationData != nil
	})
	for _, s := range a.AuthnStatements {
		if s.SessionNotOnOrAfter != nil && !now.Before(s.SessionNotOnOrAfter.Add(saml.MaxClockSkew)) {
			return errors.New("the session at the provider is over")
		}
	}
	for _, r := range a.Conditions.AudienceRestrictions {
		if r.Audience.Value != p.sp.EntityID {
			return fmt.Errorf("it is for %q", r.Audience.Value)
		}
	}
	if !bearer {
		return errors.New("it is not for whoever brings it")
	}
	return nil
}

// The names by which providers send address and name.
var (
	emailNames = []string{"email", "mail", "emailaddress", "urn:oid:0.9.2342.19200300.100.1.3",
		"http://schemas.xmlsoap.org/ws/2005/05/identity/claims/emailaddress"}
	fullNames = []string{"displayname", "cn", "name", "urn:oid:2.16.840.1.113730.3.1.241", "urn:oid:2.5.4.3",
		"http://schemas.xmlsoap.org/ws/2005/05/identity/claims/name"}
)

// multiFactor are the authentication contexts that promise more than one factor
// (saml-authn-context-2.0, section 3.4, REFEDS, Microsoft).
var multiFactor = []string{
	"urn:oasis:names:tc:SAML:2.0:ac:classes:MobileTwoFactorContract", "urn:oasis:names:tc:SAML:2.0:ac:classes:MobileTwoFactorUnregistered",
	"urn:oasis:names:tc:SAML:2.0:ac:classes:SmartcardPKI", "https://refeds.org/profile/mfa", "http://schemas.microsoft.com/claims/multipleauthn",
}

func claims(a *saml.Assertion) Claims {
	c := Claims{Subject: strings.TrimSpace(a.Subject.NameID.Value), ID: a.ID, Until: a.Conditions.NotOnOrAfter.Add(saml.MaxClockSkew),
		Email: attribute(a, emailNames), Name: attribute(a, fullNames)}
	for _, s := range a.AuthnStatements {
		if s.AuthnInstant.After(c.Authenticated) {
			class := s.AuthnContext.AuthnContextClassRef
			c.Authenticated, c.SecondFactor = s.AuthnInstant, class != nil && slices.Contains(multiFactor, strings.TrimSpace(class.Value))
		}
	}
	if c.Email == "" && a.Subject.NameID.Format == string(saml.EmailAddressNameIDFormat) {
		c.Email = c.Subject
	}
	return c
}

func attribute(a *saml.Assertion, names []string) string {
	for _, s := range a.AttributeStatements {
		for _, at := range s.Attributes {
			if slices.Contains(names, strings.ToLower(at.Name)) && len(at.Values) == 1 {
				return strings.TrimSpace(at.Values[0].Value)
			}
		}
	}
	return ""
}

// Metadata is what the operator gives to the provider about this service.
func Metadata(entityID, acs string) ([]byte, error) {
	u, err := url.Parse(acs)
	if err != nil {
		return nil, err
	}
	sp := saml.ServiceProvider{EntityID: entityID, AcsURL: *u, MetadataURL: *u, AuthnNameIDFormat: saml.PersistentNameIDFormat}
	return xml.MarshalIndent(sp.Metadata(), "", "  ")
}
