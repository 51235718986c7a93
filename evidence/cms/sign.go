package cms

import (
	"bytes"
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/asn1"
	"errors"
	"fmt"
	"slices"
	"time"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"
)

// Params says what to sign. The draft made of equal Params is always the same.
type Params struct {
	Chain       []*x509.Certificate   // the signer's first; all are put into the signature
	Hash        crypto.Hash           // HashFor the key when 0
	PSS         bool                  // RSA keys sign with RSASSA-PSS
	Digest      []byte                // of the content when it stays outside, by Hash
	Content     []byte                // the content itself when it goes inside; Digest is then ignored
	ContentType asn1.ObjectIdentifier // id-data when nil
	SigningTime time.Time             // the claimed time; zero leaves it out, as PAdES wants
	Attributes  []byte                // signed attributes of a draft that was kept (Draft.Attributes); nil: made of the above
}

// Draft is a signature that lacks its last step.
type Draft struct {
	p      Params
	scheme scheme
	attrs  []byte // DER SET OF the signed attributes
}

// NewDraft prepares a signature.
func NewDraft(p Params) (*Draft, error) {
	if len(p.Chain) == 0 {
		return nil, errors.New("cms: a signature needs a certificate")
	}
	if p.Hash == 0 {
		p.Hash = HashFor(p.Chain[0].PublicKey)
	}
	s, err := schemeFor(p.Chain[0].PublicKey, p.Hash, p.PSS)
	if err != nil {
		return nil, err
	}
	if p.ContentType == nil {
		p.ContentType = OIDData
	}
	if p.Content != nil {
		h := p.Hash.New()
		h.Write(p.Content)
		p.Digest = h.Sum(nil)
	}
	if len(p.Digest) != p.Hash.Size() {
		return nil, fmt.Errorf("cms: digest of %d bytes for %v", len(p.Digest), p.Hash)
	}
	d := &Draft{p: p, scheme: s, attrs: p.Attributes}
	if d.attrs != nil {
		return d, nil
	}
	d.attrs, err = d.signedAttributes()
	return d, err
}

// Attributes are what is signed, in DER.
func (d *Draft) Attributes() []byte { return d.attrs }

// ToSign returns what the key signs and how, in the form crypto.Signer takes.
func (d *Draft) ToSign() ([]byte, crypto.SignerOpts) {
	return d.scheme.toSign(d.attrs), d.scheme.opts()
}

// Finish checks the raw signature against the certificate and returns the
// ContentInfo in DER.
func (d *Draft) Finish(signature []byte) ([]byte, error) {
	if err := d.scheme.verify(d.p.Chain[0].PublicKey, d.attrs, signature); err != nil {
		return nil, err
	}
	b := cryptobyte.NewBuilder(nil)
	b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddASN1ObjectIdentifier(oidSignedData)
		b.AddASN1(cbasn1.Tag(0).ContextSpecific().Constructed(), func(b *cryptobyte.Builder) {
			b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) { d.addSignedData(b, signature) })
		})
	})
	return b.Bytes()
}

// Sign makes the whole signature with a key at hand.
func Sign(_ context.Context, p Params, key crypto.Signer) ([]byte, error) {
	d, err := NewDraft(p)
	if err != nil {
		return nil, err
	}
	digest, opts := d.ToSign()
	sig, err := key.Sign(rand.Reader, digest, opts)
	if err != nil {
		return nil, fmt.Errorf("sign: %w", err)
	}
	return d.Finish(sig)
}

// signedAttributes returns content type, message digest, signing certificate
// and, when asked for, signing time, as a DER SET OF.
func (d *Draft) signedAttributes() ([]byte, error) {
	hash := sha256.Sum256(d.p.Chain[0].Raw)
	attrs := [][]byte{
		attribute(oidContentType, func(b *cryptobyte.Builder) { b.AddASN1ObjectIdentifier(d.p.ContentType) }),
		attribute(oidMessageDigest, func(b *cryptobyte.Builder) { b.AddASN1OctetString(d.p.Digest) }),
		attribute(oidSigningCertV2, func(b *cryptobyte.Builder) { addSigningCertificate(b, hash[:], d.p.Chain[0]) }),
	}
	if !d.p.SigningTime.IsZero() {
		attrs = append(attrs, attribute(oidSigningTime, func(b *cryptobyte.Builder) { b.AddASN1UTCTime(d.p.SigningTime.UTC()) }))
	}
	return setOf(cbasn1.SET, attrs)
}

// HashFor is the hash that goes with a key when nothing else is asked for.
func HashFor(pub crypto.PublicKey) crypto.Hash {
	switch k := pub.(type) {
	case ed25519.PublicKey:
		return crypto.SHA512 // RFC 8419, section 3.1: no other
	case *ecdsa.PublicKey:
		switch size := k.Curve.Params().BitSize; {
		case size > 384:
			return crypto.SHA512
		case size > 256:
			return crypto.SHA384
		}
	}
	return crypto.SHA256
}

// addSigningCertificate writes ESS signing-certificate-v2 (RFC 5035) with
// SHA-256, which is the default and therefore not written.
func addSigningCertificate(b *cryptobyte.Builder, hash []byte, c *x509.Certificate) {
	b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
			b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
				b.AddASN1OctetString(hash)
				b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) { // IssuerSerial
					b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) { // GeneralNames
						b.AddASN1(cbasn1.Tag(4).ContextSpecific().Constructed(), func(b *cryptobyte.Builder) { b.AddBytes(c.RawIssuer) })
					})
					b.AddASN1BigInt(c.SerialNumber)
				})
			})
		})
	})
}

func (d *Draft) addSignedData(b *cryptobyte.Builder, signature []byte) {
	version := int64(1)
	if !d.p.ContentType.Equal(OIDData) {
		version = 3 // RFC 5652, section 5.1
	}
	b.AddASN1Int64(version)
	b.AddASN1(cbasn1.SET, func(b *cryptobyte.Builder) { addHash(b, d.scheme.hash) })
	b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddASN1ObjectIdentifier(d.p.ContentType)
		if d.p.Content != nil {
			b.AddASN1(cbasn1.Tag(0).ContextSpecific().Constructed(), func(b *cryptobyte.Builder) { b.AddASN1OctetString(d.p.Content) })
		}
	})
	var certs [][]byte
	for _, c := range d.p.Chain {
		certs = append(certs, c.Raw)
	}
	addSetOf(b, cbasn1.Tag(0).ContextSpecific().Constructed(), certs)
	b.AddASN1(cbasn1.SET, func(b *cryptobyte.Builder) {
		b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) { d.addSignerInfo(b, signature) })
	})
}

func (d *Draft) addSignerInfo(b *cryptobyte.Builder, signature []byte) {
	b.AddASN1Int64(1)
	b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddBytes(d.p.Chain[0].RawIssuer)
		b.AddASN1BigInt(d.p.Chain[0].SerialNumber)
	})
	addHash(b, d.scheme.hash)
	attrs := bytes.Clone(d.attrs)
	attrs[0] = byte(cbasn1.Tag(0).ContextSpecific().Constructed()) // [0] IMPLICIT
	b.AddBytes(attrs)
	d.scheme.addTo(b)
	b.AddASN1OctetString(signature)
}

// attribute returns the DER of an Attribute with one value.
func attribute(id oid, value func(*cryptobyte.Builder)) []byte {
	b := cryptobyte.NewBuilder(nil)
	b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddASN1ObjectIdentifier(id)
		b.AddASN1(cbasn1.SET, value)
	})
	return b.BytesOrPanic() // of values that this package made itself
}

// setOf returns the DER of a SET OF: X.690 section 11.6 sorts the encodings.
func setOf(tag cbasn1.Tag, items [][]byte) ([]byte, error) {
	b := cryptobyte.NewBuilder(nil)
	addSetOf(b, tag, items)
	return b.Bytes()
}

func addSetOf(b *cryptobyte.Builder, tag cbasn1.Tag, items [][]byte) {
	sorted := slices.Clone(items)
	slices.SortFunc(sorted, bytes.Compare)
	b.AddASN1(tag, func(b *cryptobyte.Builder) {
		for _, item := range sorted {
			b.AddBytes(item)
		}
	})
}

// AddTimestamp puts an RFC 3161 token over the signature value into the
// unsigned attributes: level B-B becomes B-T (EN 319 122-1, section 5.3).
func AddTimestamp(der, token []byte) ([]byte, error) {
	s, err := Parse(der)
	if err != nil {
		return nil, err
	}
	if len(s.unsigned) > 0 {
		return nil, fmt.Errorf("cms: signature has unsigned attributes already: %w", ErrUnsupported)
	}
	attr := attribute(oidTimestampToken, func(b *cryptobyte.Builder) { b.AddBytes(token) })
	return s.withUnsigned(attr)
}
