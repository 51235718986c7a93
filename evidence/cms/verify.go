package cms

import (
	"bytes"
	"crypto"
	"crypto/sha256"
	"crypto/subtle"
	"crypto/x509"
	"encoding/asn1"
	"fmt"
	"time"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"
)

// withUnsigned rebuilds the signature with unsigned attributes at the end of
// the signer info; nothing that was signed changes.
func (s *Signed) withUnsigned(attr []byte) ([]byte, error) {
	in := cryptobyte.String(s.raw)
	var outer, wrapped, data cryptobyte.String
	var id oid
	if !in.ReadASN1(&outer, cbasn1.SEQUENCE) || !outer.ReadASN1ObjectIdentifier((*asn1.ObjectIdentifier)(&id)) ||
		!outer.ReadASN1(&wrapped, cbasn1.Tag(0).ContextSpecific().Constructed()) || !wrapped.ReadASN1(&data, cbasn1.SEQUENCE) {
		return nil, ErrMalformed
	}
	info := cryptobyte.String(s.info)
	var body cryptobyte.String
	if !info.ReadASN1(&body, cbasn1.SEQUENCE) {
		return nil, ErrMalformed
	}
	before := data[:bytes.LastIndex(data, s.info)]
	before = before[:len(before)-headerLen(len(s.info))] // the SET header in front of the only signer info
	b := cryptobyte.NewBuilder(nil)
	b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddASN1ObjectIdentifier(id)
		b.AddASN1(cbasn1.Tag(0).ContextSpecific().Constructed(), func(b *cryptobyte.Builder) {
			b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
				b.AddBytes(before)
				b.AddASN1(cbasn1.SET, func(b *cryptobyte.Builder) {
					b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
						b.AddBytes(body)
						b.AddASN1(cbasn1.Tag(1).ContextSpecific().Constructed(), func(b *cryptobyte.Builder) { b.AddBytes(attr) })
					})
				})
			})
		})
	})
	return b.Bytes()
}

// headerLen is the length of a DER tag and length for n bytes of content.
func headerLen(n int) int {
	switch {
	case n < 0x80:
		return 2
	case n < 0x100:
		return 3
	case n < 0x10000:
		return 4
	case n < 0x1000000:
		return 5
	}
	return 6
}

// Verify checks the signature over content that lies outside, given its digest
// by s.Hash, or over the content inside when digest is nil. One over data must
// name its certificate by a hash that holds, as CAdES asks.
func (s *Signed) Verify(digest []byte) error {
	if err := s.VerifyUnbound(digest); err != nil {
		return err
	}
	if s.ContentType.Equal(OIDData) && (s.bound == nil || s.boundBy == crypto.SHA1) {
		return fmt.Errorf("no certificate is named: %w", ErrBound)
	}
	return nil
}

// VerifyUnbound is Verify for signatures that need not name their certificate,
// as in older PDFs. One that names another is refused.
func (s *Signed) VerifyUnbound(digest []byte) error {
	if s.Signer == nil {
		return ErrCertificate
	}
	if digest == nil {
		h := s.Hash.New()
		h.Write(s.Content)
		digest = h.Sum(nil)
	}
	if subtle.ConstantTimeCompare(digest, s.Digest) != 1 {
		return ErrDigest
	}
	if err := s.scheme.verify(s.Signer.PublicKey, s.attrs, s.Signature); err != nil {
		return err
	}
	if s.bound != nil && !s.isBound(s.Signer) {
		return ErrBound
	}
	return nil
}

// Chain returns a way from the signer to one of the roots, valid at the given
// time; extra are further certificates that may be used on the way.
func (s *Signed) Chain(roots *x509.CertPool, at time.Time, extra ...*x509.Certificate) ([]*x509.Certificate, error) {
	if s.Signer == nil {
		return nil, ErrCertificate
	}
	middle := x509.NewCertPool()
	for _, c := range append(extra, s.Certificates...) {
		middle.AddCert(c)
	}
	chains, err := s.Signer.Verify(x509.VerifyOptions{Roots: roots, Intermediates: middle, CurrentTime: at,
		KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageAny}})
	if err != nil {
		return nil, fmt.Errorf("chain of %s: %w", subjectOf(s.Signer), err)
	}
	return chains[0], nil
}

// Fingerprint is the SHA-256 of a certificate.
func Fingerprint(c *x509.Certificate) [32]byte { return sha256.Sum256(c.Raw) }
