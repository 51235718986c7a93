// Package trust is the local trust provider: a certificate authority of our
// own that gives each signer of each ceremony one short-lived certificate, and
// destroys the key once it has signed.
//
// The authority's keys are kept through evidence.Keys, wrapped by the root key.
// The certificates it issues name the signer, so that a reader of the document
// sees who signed, and have no use after the ceremony: there is no key left to
// lose. Providers run by others implement the same interface elsewhere.
//
// It does not decide who somebody is: it writes the name that the ceremony has
// established.
package trust

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"crypto/x509"
	"encoding/asn1"
	"encoding/hex"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"inkwitness/capture"
	"inkwitness/evidence"
	"inkwitness/evidence/cms"
)

// Config is what the local provider needs. Keys and Clock are required.
type Config struct {
	Keys         evidence.Keys
	Clock        capture.Clock
	Organisation string // in every certificate's issuer; "Inkwitness" when empty
	Country      string // ISO 3166-1 alpha-2, optional
}

// Local is a certificate authority. It implements evidence.Provider and
// evidence.Revoker and is safe for concurrent use.
type Local struct {
	cfg  Config
	root *x509.Certificate
	key  crypto.Signer

	stamping atomic.Pointer[stamping] // of the year in which it was asked for last
}

// stamping is the timestamp authority's identity of one year.
type stamping struct {
	name string
	*identity
}

const rootID = "ca/root"

// Open opens the authority and makes its root at the first start.
func Open(ctx context.Context, cfg Config) (*Local, error) {
	if cfg.Keys == nil || cfg.Clock == nil {
		return nil, errors.New("trust: Keys and Clock are required")
	}
	if cfg.Organisation == "" {
		cfg.Organisation = "Inkwitness"
	}
	l := &Local{cfg: cfg}
	id, err := l.identity(ctx, rootID, "ca", evidence.CredentialRequest{}, elliptic.P256(), l.rootTemplate)
	if err != nil {
		return nil, fmt.Errorf("open certificate authority: %w", err)
	}
	l.root, l.key = id.cert, id.key
	return l, nil
}

// Root is the certificate that every signature of this provider ends in.
func (l *Local) Root() *x509.Certificate { return l.root }

// Info implements evidence.Provider.
func (l *Local) Info() evidence.ProviderInfo {
	return evidence.ProviderInfo{Name: "local", Legal: l.cfg.Organisation, Country: l.cfg.Country, Level: "advanced"}
}

// DefaultLifetime of a signer's certificate. It must outlast an interrupted
// seal, not the contract: what counts later is that it was valid at the time
// in the timestamp.
const DefaultLifetime = 24 * time.Hour

// Credential implements evidence.Provider. Of two calls with one request ID
// that race, one makes the certificate and both get it.
func (l *Local) Credential(ctx context.Context, req evidence.CredentialRequest) (evidence.Credential, error) {
	return l.credential(ctx, req, evidence.ForSigner)
}

// Seals is the authority as the provider of the service's seals: its certificates
// are for sealing the deposit that they name, and no signer gets one.
func (l *Local) Seals() evidence.Provider { return seals{l} }

type seals struct{ *Local }

// Credential implements evidence.Provider.
func (s seals) Credential(ctx context.Context, req evidence.CredentialRequest) (evidence.Credential, error) {
	return s.credential(ctx, req, evidence.ForSeal)
}

func (l *Local) credential(ctx context.Context, req evidence.CredentialRequest, purpose evidence.Purpose) (evidence.Credential, error) {
	if req.ID == "" || req.Name == "" {
		return evidence.Credential{}, fmt.Errorf("credential request needs ID and name: %w", evidence.ErrNotAllowed)
	}
	id, err := l.identity(ctx, signerID(req.ID), "signer", req, elliptic.P256(), func() (*x509.Certificate, error) {
		return l.oneTemplate(req, purpose), nil
	})
	if err != nil {
		return evidence.Credential{}, fmt.Errorf("credential: %w", err)
	}
	return evidence.Credential{ID: req.ID, Chain: []*x509.Certificate{id.cert, l.root}}, nil
}

// Certify issues a signer's certificate for a key that lies elsewhere, in a
// security module for instance. Each call issues a new one.
func (l *Local) Certify(_ context.Context, req evidence.CredentialRequest, pub crypto.PublicKey) ([]*x509.Certificate, error) {
	raw, err := x509.CreateCertificate(rand.Reader, l.oneTemplate(req, evidence.ForSigner), l.root, pub, l.key)
	if err != nil {
		return nil, fmt.Errorf("issue certificate: %w", err)
	}
	cert, err := x509.ParseCertificate(raw)
	if err != nil {
		return nil, fmt.Errorf("issue certificate: %w", err)
	}
	return []*x509.Certificate{cert, l.root}, nil
}

func signerID(request string) string { return "signer/" + request }

// Authorize implements evidence.Provider. The signer's consent was given in
// the ceremony, so nothing is left to do; the authorization binds the digests
// by a code that only the signer's key can make.
func (l *Local) Authorize(ctx context.Context, credential string, digests []evidence.SignDigest) (evidence.Authorization, error) {
	_, secret, err := l.cfg.Keys.Open(ctx, signerID(credential))
	if err != nil {
		return evidence.Authorization{}, fmt.Errorf("authorize: %w", err)
	}
	return evidence.Authorization{ID: authorizationCode(secret, digests), Credential: credential, Digests: digests}, nil
}

func authorizationCode(secret []byte, digests []evidence.SignDigest) string {
	mac := hmac.New(sha256.New, secret)
	for _, d := range digests {
		fmt.Fprintf(mac, "%d %x\n", d.Hash, d.Value)
	}
	return hex.EncodeToString(mac.Sum(nil))
}

// Sign implements evidence.Provider.
func (l *Local) Sign(ctx context.Context, auth evidence.Authorization, digests []evidence.SignDigest) ([][]byte, error) {
	_, secret, err := l.cfg.Keys.Open(ctx, signerID(auth.Credential))
	if err != nil {
		return nil, fmt.Errorf("sign: %w", err)
	}
	if subtle.ConstantTimeCompare([]byte(auth.ID), []byte(authorizationCode(secret, digests))) != 1 {
		return nil, fmt.Errorf("sign: the authorization is for other digests: %w", evidence.ErrNotAllowed)
	}
	id, err := decode(secret)
	if err != nil {
		return nil, err
	}
	if now := l.cfg.Clock.Now(); now.After(id.cert.NotAfter) {
		return nil, fmt.Errorf("sign: the certificate ended at %s: %w", id.cert.NotAfter.Format(time.RFC3339), evidence.ErrNotAllowed)
	}
	signatures := make([][]byte, len(digests))
	for i, d := range digests {
		if signatures[i], err = id.key.Sign(rand.Reader, d.Value, d.Hash); err != nil {
			return nil, fmt.Errorf("sign: %w", err)
		}
	}
	return signatures, nil
}

// Release implements evidence.Provider.
func (l *Local) Release(ctx context.Context, credential string) error {
	err := l.cfg.Keys.Destroy(ctx, signerID(credential), evidence.Erasure{When: l.cfg.Clock.Now().UTC(), Authority: "signed, key no longer needed"})
	if err != nil {
		return fmt.Errorf("release credential: %w", err)
	}
	return nil
}

// Timestamping returns the key and chain of the timestamp authority of the
// current year. The key is used for that year alone; its certificate outlasts
// the longest deposit.
func (l *Local) Timestamping(ctx context.Context) (crypto.Signer, []*x509.Certificate, error) {
	name := "tsa/" + l.cfg.Clock.Now().UTC().Format("2006")
	now := l.stamping.Load()
	if now == nil || now.name != name {
		id, err := l.identity(ctx, name, "tsa", evidence.CredentialRequest{}, elliptic.P256(), l.stampTemplate)
		if err != nil {
			return nil, nil, fmt.Errorf("timestamping credential: %w", err)
		}
		now = &stamping{name, id}
		l.stamping.Store(now)
	}
	return now.key, []*x509.Certificate{now.cert, l.root}, nil
}

// SignReceipt signs a deletion receipt: CMS with the receipt inside, which
// "openssl cms -verify" takes out. The key is that of the year.
func (l *Local) SignReceipt(ctx context.Context, receipt []byte) ([]byte, error) {
	return l.signStatement(ctx, receipt, "receipt", "receipts", evidence.ForReceipt)
}

// SignErasure signs the statement that files of a deposit were erased, as
// SignReceipt does, by a key for such statements alone, and has it stamped.
func (l *Local) SignErasure(ctx context.Context, statement []byte, by evidence.Timestamper) ([]byte, error) {
	signed, err := l.signStatement(ctx, statement, "erasure", "erasures", evidence.ForErasure)
	if err != nil {
		return nil, err
	}
	s, err := cms.Parse(signed)
	if err != nil {
		return nil, fmt.Errorf("statement of an erasure: %w", err)
	}
	digest := sha256.Sum256(s.Signature)
	token, err := by.Timestamp(ctx, crypto.SHA256, digest[:])
	if err != nil {
		return nil, fmt.Errorf("stamp the statement of an erasure: %w", err)
	}
	return cms.AddTimestamp(signed, token)
}

// signStatement signs with the key that is of this year and for this purpose.
func (l *Local) signStatement(ctx context.Context, content []byte, name, kind string, purpose evidence.Purpose) ([]byte, error) {
	id, err := l.identity(ctx, name+"/"+l.cfg.Clock.Now().UTC().Format("2006"), name, evidence.CredentialRequest{}, elliptic.P256(), func() (*x509.Certificate, error) {
		return l.yearTemplate(kind, purpose)
	})
	if err != nil {
		return nil, fmt.Errorf("%s credential: %w", name, err)
	}
	return cms.Sign(ctx, cms.Params{Chain: []*x509.Certificate{id.cert, l.root}, Content: content, SigningTime: l.cfg.Clock.Now()}, id.key)
}

// Revocation implements evidence.Revoker. Certificates of this authority are
// never revoked: their keys are gone before anybody could lose them. The empty
// list, signed now, says so to a validator that asks.
func (l *Local) Revocation(_ context.Context, chain []*x509.Certificate) (evidence.Revocation, error) {
	for _, c := range chain {
		if err := c.CheckSignatureFrom(l.root); err != nil {
			return evidence.Revocation{}, fmt.Errorf("revocation list: certificate of another issuer: %w", evidence.ErrNotAllowed)
		}
	}
	now := l.cfg.Clock.Now().UTC().Truncate(time.Second)
	crl, err := x509.CreateRevocationList(rand.Reader, &x509.RevocationList{
		Number: serialFromTime(l.cfg.Clock.Now()), ThisUpdate: now, NextUpdate: now.AddDate(0, 0, 30),
	}, l.root, l.key)
	if err != nil {
		return evidence.Revocation{}, fmt.Errorf("revocation list: %w", err)
	}
	return evidence.Revocation{CRLs: [][]byte{crl}}, nil
}

// identity is a key with its certificate.
type identity struct {
	key  *ecdsa.PrivateKey
	cert *x509.Certificate
}

// identity opens a stored identity or makes it from the template.
func (l *Local) identity(ctx context.Context, id, purpose string, req evidence.CredentialRequest, curve elliptic.Curve, template func() (*x509.Certificate, error)) (*identity, error) {
	_, secret, err := l.cfg.Keys.Open(ctx, id)
	if err == nil {
		return decode(secret)
	}
	if !errors.Is(err, evidence.ErrNotFound) {
		return nil, err
	}
	fresh, der, err := l.issue(curve, template)
	if err != nil {
		return nil, err
	}
	meta := evidence.Key{ID: id, Purpose: purpose, Subject: req.Subject, Deposit: req.Deposit, Created: l.cfg.Clock.Now().UTC()}
	err = l.cfg.Keys.Create(ctx, meta, append(der, fresh.cert.Raw...))
	if errors.Is(err, evidence.ErrExists) {
		if _, secret, err = l.cfg.Keys.Open(ctx, id); err == nil {
			return decode(secret)
		}
	}
	return fresh, err
}

func (l *Local) issue(curve elliptic.Curve, template func() (*x509.Certificate, error)) (*identity, []byte, error) {
	key, err := ecdsa.GenerateKey(curve, rand.Reader)
	if err != nil {
		return nil, nil, fmt.Errorf("make key: %w", err)
	}
	t, err := template()
	if err != nil {
		return nil, nil, err
	}
	parent, signer := l.root, l.key
	if parent == nil {
		parent, signer = t, key
	}
	raw, err := x509.CreateCertificate(rand.Reader, t, parent, key.Public(), signer)
	if err != nil {
		return nil, nil, fmt.Errorf("issue certificate: %w", err)
	}
	cert, err := x509.ParseCertificate(raw)
	if err != nil {
		return nil, nil, fmt.Errorf("issue certificate: %w", err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	return &identity{key, cert}, der, err
}

// decode reads a key (PKCS #8) and the certificate behind it, both DER. The
// certificate lies with the secret because it names a person: it goes when the
// key is destroyed.
func decode(secret []byte) (*identity, error) {
	var first asn1.RawValue
	der, err := asn1.Unmarshal(secret, &first)
	if err != nil {
		return nil, fmt.Errorf("stored key: %w", evidence.ErrCorrupt)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, fmt.Errorf("stored certificate: %w", evidence.ErrCorrupt)
	}
	parsed, err := x509.ParsePKCS8PrivateKey(first.FullBytes)
	key, ok := parsed.(*ecdsa.PrivateKey)
	if err != nil || !ok || !key.PublicKey.Equal(cert.PublicKey) {
		return nil, fmt.Errorf("stored key: %w", evidence.ErrCorrupt)
	}
	return &identity{key, cert}, nil
}
