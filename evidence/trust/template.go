package trust

import (
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"fmt"
	"math/big"
	"time"

	"inkwitness/evidence"
)

// Lifetimes of the authority's own certificates. A deposit lives ten years and
// may be made on the last day of a timestamping key's year.
const (
	rootYears  = 30
	stampYears = 12
	backdate   = 5 * time.Minute // readers' clocks may be behind
)

// maxName is the upper bound of a common name (X.520, ub-common-name).
const maxName = 64

func (l *Local) subject(name string) pkix.Name {
	n := pkix.Name{CommonName: cut(name, maxName), Organization: []string{l.cfg.Organisation}}
	if l.cfg.Country != "" {
		n.Country = []string{l.cfg.Country}
	}
	return n
}

func (l *Local) base(subject pkix.Name, usage x509.KeyUsage, until time.Time) *x509.Certificate {
	return &x509.Certificate{
		SerialNumber: randomSerial(),
		Subject:      subject,
		NotBefore:    l.cfg.Clock.Now().UTC().Add(-backdate).Truncate(time.Second),
		NotAfter:     until.UTC().Truncate(time.Second),
		KeyUsage:     usage,
		// Basic constraints say of every certificate whether it may issue others.
		BasicConstraintsValid: true,
	}
}

func (l *Local) rootTemplate() (*x509.Certificate, error) {
	now := l.cfg.Clock.Now()
	t := l.base(l.subject(l.cfg.Organisation+" local root "+now.UTC().Format("2006")), x509.KeyUsageCertSign|x509.KeyUsageCRLSign, now.AddDate(rootYears, 0, 0))
	t.IsCA, t.MaxPathLen, t.MaxPathLenZero = true, 0, true
	return t, nil
}

// oneTemplate names the signer, or the deposit that is sealed. The certificate is
// good for signatures that commit to content and for nothing else; no extended key
// usage narrows it, as validators of PDF signatures disagree on which one to ask for.
func (l *Local) oneTemplate(req evidence.CredentialRequest, purpose evidence.Purpose) *x509.Certificate {
	life := req.Lifetime
	if life <= 0 {
		life = DefaultLifetime
	}
	subject := pkix.Name{CommonName: cut(req.Name, maxName), SerialNumber: cut(req.Subject, maxName)}
	if req.Country != "" {
		subject.Country = []string{req.Country}
	}
	t := l.base(subject, x509.KeyUsageDigitalSignature|x509.KeyUsageContentCommitment, l.cfg.Clock.Now().Add(life))
	if req.Email != "" {
		t.EmailAddresses = []string{req.Email}
	}
	t.Policies = []x509.OID{purpose.OID()}
	return t
}

// yearTemplate is for the service's own statements of one kind.
func (l *Local) yearTemplate(kind string, purpose evidence.Purpose) (*x509.Certificate, error) {
	now := l.cfg.Clock.Now()
	t := l.base(l.subject(l.cfg.Organisation+" "+kind+" "+now.UTC().Format("2006")), x509.KeyUsageDigitalSignature|x509.KeyUsageContentCommitment, now.AddDate(stampYears, 0, 0))
	t.Policies = []x509.OID{purpose.OID()}
	return t, nil
}

var (
	oidExtKeyUsage  = asn1.ObjectIdentifier{2, 5, 29, 37}
	oidTimeStamping = asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 7, 3, 8}
)

// stampTemplate is for timestamps alone, said in a critical extension (RFC
// 3161, section 2.3).
func (l *Local) stampTemplate() (*x509.Certificate, error) {
	now := l.cfg.Clock.Now()
	t := l.base(l.subject(l.cfg.Organisation+" time "+now.UTC().Format("2006")), x509.KeyUsageDigitalSignature, now.AddDate(stampYears, 0, 0))
	usage, err := asn1.Marshal([]asn1.ObjectIdentifier{oidTimeStamping})
	if err != nil {
		return nil, fmt.Errorf("key usage: %w", err)
	}
	t.ExtraExtensions = []pkix.Extension{{Id: oidExtKeyUsage, Critical: true, Value: usage}}
	return t, nil
}

// randomSerial has 126 random bits and is positive.
func randomSerial() *big.Int {
	var b [16]byte
	rand.Read(b[:]) // never fails, see crypto/rand
	b[0] = b[0]&0x3f | 0x40
	return new(big.Int).SetBytes(b[:])
}

// serialFromTime grows with time, as revocation list numbers must.
func serialFromTime(t time.Time) *big.Int { return big.NewInt(t.UnixMicro()) }

// cut shortens to n characters.
func cut(s string, n int) string {
	r := []rune(s)
	return string(r[:min(n, len(r))])
}
