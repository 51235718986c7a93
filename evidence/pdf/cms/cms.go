// Package cms builds and checks the two messages that a PAdES signature is
// made of: CMS SignedData with the attributes of CAdES (RFC 5652, RFC 5035,
// EN 319 122-1) and RFC 3161 timestamp tokens, which are CMS as well.
//
// It speaks DER only and one signer to a message. It decides nothing about
// trust: chains, times and revocation are its caller's.
package cms

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"errors"
	"fmt"
	"math/big"
	"slices"

	_ "crypto/sha256" // hashes are chosen by their number below
	_ "crypto/sha512"
)

// Errors. Test them with errors.Is.
var (
	ErrMalformed = errors.New("cms: malformed message")
	ErrAlgorithm = errors.New("cms: algorithm not supported or too weak")
	ErrDigest    = errors.New("cms: the digest differs")
	ErrSignature = errors.New("cms: the signature does not verify")
	ErrSigner    = errors.New("cms: the signer's certificate is missing")
	ErrCertID    = errors.New("cms: the signing-certificate attribute names another certificate")
)

// Object identifiers, named as in the RFCs.
var (
	oidData          = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 7, 1}
	oidSignedData    = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 7, 2}
	oidContentType   = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 3}
	oidMessageDigest = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 4}
	oidSigningTime   = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 5}
	oidSigningCert   = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 16, 2, 12}
	oidSigningCertV2 = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 16, 2, 47}
	oidTimeStamp     = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 16, 2, 14}
	oidTSTInfo       = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 16, 1, 4}
	oidSHA256        = asn1.ObjectIdentifier{2, 16, 840, 1, 101, 3, 4, 2, 1}
	oidSHA384        = asn1.ObjectIdentifier{2, 16, 840, 1, 101, 3, 4, 2, 2}
	oidSHA512        = asn1.ObjectIdentifier{2, 16, 840, 1, 101, 3, 4, 2, 3}
	oidRSA           = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 1, 1}
	oidMGF1          = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 1, 8}
	oidPSS           = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 1, 10}
	oidRSASHA256     = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 1, 11}
	oidRSASHA384     = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 1, 12}
	oidRSASHA512     = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 1, 13}
	oidECDSASHA256   = asn1.ObjectIdentifier{1, 2, 840, 10045, 4, 3, 2}
	oidECDSASHA384   = asn1.ObjectIdentifier{1, 2, 840, 10045, 4, 3, 3}
	oidECDSASHA512   = asn1.ObjectIdentifier{1, 2, 840, 10045, 4, 3, 4}
	oidEd25519       = asn1.ObjectIdentifier{1, 3, 101, 112}
)

type contentInfo struct {
	Type    asn1.ObjectIdentifier
	Content asn1.RawValue `asn1:"explicit,tag:0"`
}

type signedData struct {
	Version      int
	Digests      []pkix.AlgorithmIdentifier `asn1:"set"`
	Encap        encapContent
	Certificates asn1.RawValue `asn1:"optional,tag:0"`
	CRLs         asn1.RawValue `asn1:"optional,tag:1"`
	Signers      []signerInfo  `asn1:"set"`
}

type encapContent struct {
	Type    asn1.ObjectIdentifier
	Content asn1.RawValue `asn1:"explicit,optional,tag:0"`
}

type signerInfo struct {
	Version   int
	SID       asn1.RawValue
	Digest    pkix.AlgorithmIdentifier
	Signed    asn1.RawValue `asn1:"optional,tag:0"`
	Algorithm pkix.AlgorithmIdentifier
	Signature []byte
	Unsigned  asn1.RawValue `asn1:"optional,tag:1"`
}

type issuerSerial struct {
	Issuer asn1.RawValue
	Serial *big.Int
}

type attribute struct {
	Type   asn1.ObjectIdentifier
	Values asn1.RawValue `asn1:"set"`
}

// Algorithm is a way of signing.
type Algorithm struct {
	Hash crypto.Hash       // of the content and of the attributes
	Opts crypto.SignerOpts // for crypto.Signer
	id   pkix.AlgorithmIdentifier
}

// AlgorithmFor chooses the algorithm for a public key: the hash as strong as
// the key, SHA-512 with Ed25519 as RFC 8419 recommends. pss is for RSA keys.
func AlgorithmFor(pub crypto.PublicKey, pss bool) (Algorithm, error) {
	switch k := pub.(type) {
	case *rsa.PublicKey:
		if k.N.BitLen() < 2048 {
			return Algorithm{}, fmt.Errorf("%w: RSA with %d bits", ErrAlgorithm, k.N.BitLen())
		}
		if pss {
			return pssAlgorithm(), nil
		}
		return Algorithm{crypto.SHA256, crypto.SHA256, pkix.AlgorithmIdentifier{Algorithm: oidRSASHA256, Parameters: asn1.NullRawValue}}, nil
	case *ecdsa.PublicKey:
		switch k.Curve {
		case elliptic.P256():
			return Algorithm{crypto.SHA256, crypto.SHA256, pkix.AlgorithmIdentifier{Algorithm: oidECDSASHA256}}, nil
		case elliptic.P384():
			return Algorithm{crypto.SHA384, crypto.SHA384, pkix.AlgorithmIdentifier{Algorithm: oidECDSASHA384}}, nil
		case elliptic.P521():
			return Algorithm{crypto.SHA512, crypto.SHA512, pkix.AlgorithmIdentifier{Algorithm: oidECDSASHA512}}, nil
		}
	case ed25519.PublicKey:
		return Algorithm{crypto.SHA512, crypto.Hash(0), pkix.AlgorithmIdentifier{Algorithm: oidEd25519}}, nil
	}
	return Algorithm{}, fmt.Errorf("%w: key of type %T", ErrAlgorithm, pub)
}

type pssParameters struct {
	Hash pkix.AlgorithmIdentifier `asn1:"explicit,tag:0"`
	MGF  pkix.AlgorithmIdentifier `asn1:"explicit,tag:1"`
	Salt int                      `asn1:"explicit,tag:2"`
}

func pssAlgorithm() Algorithm {
	hash := pkix.AlgorithmIdentifier{Algorithm: oidSHA256, Parameters: asn1.NullRawValue}
	mgf := pkix.AlgorithmIdentifier{Algorithm: oidMGF1, Parameters: asn1.RawValue{FullBytes: mustMarshal(hash)}}
	params := mustMarshal(pssParameters{hash, mgf, 32})
	return Algorithm{
		Hash: crypto.SHA256,
		Opts: &rsa.PSSOptions{SaltLength: 32, Hash: crypto.SHA256},
		id:   pkix.AlgorithmIdentifier{Algorithm: oidPSS, Parameters: asn1.RawValue{FullBytes: params}},
	}
}

// Input returns what the key signs for the given attributes: their digest, or
// the attributes themselves where the algorithm hashes by itself (Ed25519).
func (a Algorithm) Input(attributes []byte) []byte {
	if a.Opts.HashFunc() == 0 {
		return attributes
	}
	return sum(a.Hash, attributes)
}

func sum(h crypto.Hash, b []byte) []byte {
	w := h.New()
	w.Write(b)
	return w.Sum(nil)
}

// mustMarshal is for values made here, whose encoding cannot fail.
func mustMarshal(v any) []byte {
	b, err := asn1.Marshal(v)
	if err != nil {
		panic(err)
	}
	return b
}

type essCertIDv2 struct {
	Hash pkix.AlgorithmIdentifier `asn1:"optional"` // absent: SHA-256
	Cert []byte
}

// Attributes returns the signed attributes for a content digest: content type,
// message digest and signing-certificate-v2. There is no signing time: PAdES
// keeps it in the signature dictionary (EN 319 142-1, 6.3). The result is the
// DER of a SET, which is what is signed.
func Attributes(cert *x509.Certificate, digest []byte) []byte {
	ess := struct{ Certs []essCertIDv2 }{[]essCertIDv2{{Cert: sum(crypto.SHA256, cert.Raw)}}}
	return setOf([][]byte{
		attributeOf(oidContentType, mustMarshal(oidData)),
		attributeOf(oidMessageDigest, mustMarshal(digest)),
		attributeOf(oidSigningCertV2, mustMarshal(ess)),
	})
}

func attributeOf(oid asn1.ObjectIdentifier, value []byte) []byte {
	return mustMarshal(attribute{oid, asn1.RawValue{Class: asn1.ClassUniversal, Tag: asn1.TagSet, IsCompound: true, Bytes: value}})
}

// setOf encodes a SET OF, whose elements DER wants in order.
func setOf(elements [][]byte) []byte {
	slices.SortFunc(elements, bytes.Compare)
	return mustMarshal(asn1.RawValue{Tag: asn1.TagSet, IsCompound: true, Bytes: bytes.Join(elements, nil)})
}

// Build puts a signed message together, with detached content. token is the
// RFC 3161 token over the signature, or nil.
func Build(chain []*x509.Certificate, a Algorithm, attributes, signature, token []byte) ([]byte, error) {
	if len(chain) == 0 {
		return nil, ErrSigner
	}
	sid := mustMarshal(issuerSerial{asn1.RawValue{FullBytes: chain[0].RawIssuer}, chain[0].SerialNumber})
	digest := pkix.AlgorithmIdentifier{Algorithm: hashOID(a.Hash)}
	si := signerInfo{
		Version:   1,
		SID:       asn1.RawValue{FullBytes: sid},
		Digest:    digest,
		Signed:    asn1.RawValue{FullBytes: retag(attributes, 0)},
		Algorithm: a.id,
		Signature: signature,
	}
	if token != nil {
		set := setOf([][]byte{attributeOf(oidTimeStamp, token)})
		si.Unsigned = asn1.RawValue{FullBytes: retag(set, 1)}
	}
	var certs [][]byte
	for _, c := range chain {
		certs = append(certs, c.Raw)
	}
	sd := signedData{
		Version:      1,
		Digests:      []pkix.AlgorithmIdentifier{digest},
		Encap:        encapContent{Type: oidData},
		Certificates: asn1.RawValue{FullBytes: retag(setOf(certs), 0)},
		Signers:      []signerInfo{si},
	}
	body, err := asn1.Marshal(sd)
	if err != nil {
		return nil, fmt.Errorf("encode signed data: %w", err)
	}
	return asn1.Marshal(contentInfo{oidSignedData, asn1.RawValue{FullBytes: explicit0(body)}})
}

// retag turns a SET into the context-specific tag that stands in its place.
func retag(set []byte, tag byte) []byte {
	out := bytes.Clone(set)
	out[0] = 0xA0 | tag
	return out
}

func explicit0(body []byte) []byte {
	return mustMarshal(asn1.RawValue{Class: asn1.ClassContextSpecific, Tag: 0, IsCompound: true, Bytes: body})
}

func hashOID(h crypto.Hash) asn1.ObjectIdentifier {
	switch h {
	case crypto.SHA384:
		return oidSHA384
	case crypto.SHA512:
		return oidSHA512
	}
	return oidSHA256
}

// hashOf returns the hash of an identifier, 0 for those not allowed.
func hashOf(oid asn1.ObjectIdentifier) crypto.Hash {
	switch {
	case oid.Equal(oidSHA256):
		return crypto.SHA256
	case oid.Equal(oidSHA384):
		return crypto.SHA384
	case oid.Equal(oidSHA512):
		return crypto.SHA512
	}
	return 0
}
