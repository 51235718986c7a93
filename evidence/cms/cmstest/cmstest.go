// Package cmstest builds CMS messages without asking whether they are right, for
// tests of what has to be refused. Only tests import it.
package cmstest

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"math/big"
	"slices"

	"inkwitness/evidence/cms"
)

var (
	oidData          = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 7, 1}
	oidSignedData    = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 7, 2}
	oidContentType   = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 3}
	oidMessageDigest = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 4}
	oidSigningCertV2 = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 16, 2, 47}
	hashes           = map[crypto.Hash]asn1.ObjectIdentifier{crypto.SHA256: {2, 16, 840, 1, 101, 3, 4, 2, 1}, crypto.SHA384: {2, 16, 840, 1, 101, 3, 4, 2, 2}, crypto.SHA512: {2, 16, 840, 1, 101, 3, 4, 2, 3}}
	rsaWith          = map[crypto.Hash]asn1.ObjectIdentifier{crypto.SHA256: {1, 2, 840, 113549, 1, 1, 11}}
	ecdsaWith        = map[crypto.Hash]asn1.ObjectIdentifier{crypto.SHA256: {1, 2, 840, 10045, 4, 3, 2}, crypto.SHA384: {1, 2, 840, 10045, 4, 3, 3}, crypto.SHA512: {1, 2, 840, 10045, 4, 3, 4}}
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

// algorithm is the identifier of how a key signs; not of RSASSA-PSS.
func algorithm(pub crypto.PublicKey) pkix.AlgorithmIdentifier {
	h := cms.HashFor(pub)
	switch pub.(type) {
	case *rsa.PublicKey:
		return pkix.AlgorithmIdentifier{Algorithm: rsaWith[h], Parameters: asn1.NullRawValue}
	case *ecdsa.PublicKey:
		return pkix.AlgorithmIdentifier{Algorithm: ecdsaWith[h]}
	case ed25519.PublicKey:
		return pkix.AlgorithmIdentifier{Algorithm: oidEd25519}
	}
	panic("cmstest: unknown kind of key")
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
// message digest and signing-certificate-v2, as the DER of a SET.
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

// Build puts a signed message together, with detached content. The first
// certificate is named as the signer's.
func Build(chain []*x509.Certificate, attributes, signature []byte) []byte {
	sid := mustMarshal(issuerSerial{asn1.RawValue{FullBytes: chain[0].RawIssuer}, chain[0].SerialNumber})
	digest := pkix.AlgorithmIdentifier{Algorithm: hashes[cms.HashFor(chain[0].PublicKey)]}
	si := signerInfo{
		Version:   1,
		SID:       asn1.RawValue{FullBytes: sid},
		Digest:    digest,
		Signed:    asn1.RawValue{FullBytes: retag(attributes, 0)},
		Algorithm: algorithm(chain[0].PublicKey),
		Signature: signature,
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
	return mustMarshal(contentInfo{oidSignedData, asn1.RawValue{FullBytes: explicit0(mustMarshal(sd))}})
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
