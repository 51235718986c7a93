// Package cms codes what CMS signatures (RFC 5652) and RFC 3161 timestamps of
// this project need: CAdES signatures (ETSI EN 319 122-1) with the signing
// certificate bound in, by RSA, RSA-PSS, ECDSA and Ed25519 keys.
//
// Signing is cut in two so that the key may be anywhere and an interrupted
// signing can be resumed: a Draft gives the digest, Finish takes the raw
// signature. Reading is strict DER with bounded counts.
//
// It holds no keys, opens no connection and does not decide whom to trust:
// Verify says that the mathematics hold, Chain whether a root vouches for it.
package cms

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	_ "crypto/sha1"   // registers SHA-1, of the attribute by which old timestamp authorities name their certificate
	_ "crypto/sha256" // registers SHA-256
	_ "crypto/sha512" // registers SHA-384 and SHA-512
	"crypto/x509"
	"encoding/asn1"
	"errors"
	"fmt"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"
)

// Errors. Test them with errors.Is.
var (
	ErrMalformed   = errors.New("cms: malformed")
	ErrUnsupported = errors.New("cms: algorithm not supported or too weak")
	ErrDigest      = errors.New("cms: the signature is over other content")
	ErrSignature   = errors.New("cms: the signature does not match the certificate's key")
	ErrCertificate = errors.New("cms: the signing certificate is missing")
	ErrBound       = errors.New("cms: the signing certificate is not the one that the signature names")
)

type oid = asn1.ObjectIdentifier

// Object identifiers of RFC 5652, 5035, 3161, 5126, 5754, 8017 and 8410.
var (
	OIDData    = oid{1, 2, 840, 113549, 1, 7, 1}
	OIDTSTInfo = oid{1, 2, 840, 113549, 1, 9, 16, 1, 4}

	oidSignedData     = oid{1, 2, 840, 113549, 1, 7, 2}
	oidContentType    = oid{1, 2, 840, 113549, 1, 9, 3}
	oidMessageDigest  = oid{1, 2, 840, 113549, 1, 9, 4}
	oidSigningTime    = oid{1, 2, 840, 113549, 1, 9, 5}
	oidSigningCert    = oid{1, 2, 840, 113549, 1, 9, 16, 2, 12}
	oidSigningCertV2  = oid{1, 2, 840, 113549, 1, 9, 16, 2, 47}
	oidTimestampToken = oid{1, 2, 840, 113549, 1, 9, 16, 2, 14}
	oidRSA            = oid{1, 2, 840, 113549, 1, 1, 1}
	oidPSS            = oid{1, 2, 840, 113549, 1, 1, 10}
	oidMGF1           = oid{1, 2, 840, 113549, 1, 1, 8}
	oidEd25519        = oid{1, 3, 101, 112}
	oidSHA256         = oid{2, 16, 840, 1, 101, 3, 4, 2, 1}
	oidSHA384         = oid{2, 16, 840, 1, 101, 3, 4, 2, 2}
	oidSHA512         = oid{2, 16, 840, 1, 101, 3, 4, 2, 3}
	oidExtKeyUsageExt = oid{2, 5, 29, 37}
	hashes            = []hashID{{crypto.SHA256, oidSHA256, 1}, {crypto.SHA384, oidSHA384, 2}, {crypto.SHA512, oidSHA512, 3}}
	rsaSignatures     = oid{1, 2, 840, 113549, 1, 1} // with 11, 12, 13 for SHA-256, -384, -512
	ecdsaSignatures   = oid{1, 2, 840, 10045, 4, 3}  // with 2, 3, 4
	rsaArc, ecdsaArc  = 10, 1                        // add hashID.arc
)

type hashID struct {
	hash crypto.Hash
	oid  oid
	arc  int // position in the RSA and ECDSA arcs
}

func hashByOID(o oid) (hashID, error) {
	for _, h := range hashes {
		if h.oid.Equal(o) {
			return h, nil
		}
	}
	return hashID{}, fmt.Errorf("hash %v: %w", o, ErrUnsupported)
}

func hashByID(c crypto.Hash) (hashID, error) {
	for _, h := range hashes {
		if h.hash == c {
			return h, nil
		}
	}
	return hashID{}, fmt.Errorf("hash %v: %w", c, ErrUnsupported)
}

// scheme is a signature algorithm with its hash.
type scheme struct {
	hash    hashID
	pss     bool
	salt    int // bytes, of RSASSA-PSS
	ed25519 bool
	rsa     bool
}

// minRSA is the shortest RSA key that is taken, in bits (ETSI TS 119 312).
const minRSA = 2048

// schemeFor chooses the algorithm for a public key.
func schemeFor(pub crypto.PublicKey, hash crypto.Hash, pss bool) (scheme, error) {
	h, err := hashByID(hash)
	if err != nil {
		return scheme{}, err
	}
	if err := strong(pub); err != nil {
		return scheme{}, err
	}
	switch pub.(type) {
	case *rsa.PublicKey:
		return scheme{hash: h, rsa: true, pss: pss, salt: h.hash.Size()}, nil
	case *ecdsa.PublicKey:
		return scheme{hash: h}, nil
	case ed25519.PublicKey:
		if hash != crypto.SHA512 {
			return scheme{}, fmt.Errorf("Ed25519 with %v, RFC 8419 wants SHA-512: %w", hash, ErrUnsupported)
		}
		return scheme{hash: h, ed25519: true}, nil
	}
	return scheme{}, fmt.Errorf("key %T: %w", pub, ErrUnsupported)
}

// strong refuses keys that are too short, and curves that few can check.
func strong(pub crypto.PublicKey) error {
	switch k := pub.(type) {
	case *rsa.PublicKey:
		if k.N.BitLen() < minRSA {
			return fmt.Errorf("RSA with %d bits: %w", k.N.BitLen(), ErrUnsupported)
		}
	case *ecdsa.PublicKey:
		if k.Curve != elliptic.P256() && k.Curve != elliptic.P384() && k.Curve != elliptic.P521() {
			return fmt.Errorf("curve %s: %w", k.Curve.Params().Name, ErrUnsupported)
		}
	}
	return nil
}

// opts is what a crypto.Signer needs.
func (s scheme) opts() crypto.SignerOpts {
	switch {
	case s.ed25519:
		return crypto.Hash(0)
	case s.pss:
		return &rsa.PSSOptions{SaltLength: s.salt, Hash: s.hash.hash}
	}
	return s.hash.hash
}

// toSign is what is given to the key: a digest, or the message for Ed25519.
func (s scheme) toSign(message []byte) []byte {
	if s.ed25519 {
		return message
	}
	h := s.hash.hash.New()
	h.Write(message)
	return h.Sum(nil)
}

// verify checks a raw signature over a message.
func (s scheme) verify(pub crypto.PublicKey, message, sig []byte) error {
	if err := strong(pub); err != nil {
		return err
	}
	digest, fits, ok := s.toSign(message), false, false
	switch k := pub.(type) {
	case *rsa.PublicKey:
		if fits = s.rsa; s.pss {
			ok = rsa.VerifyPSS(k, s.hash.hash, digest, sig, &rsa.PSSOptions{SaltLength: s.salt}) == nil
		} else if s.rsa {
			ok = rsa.VerifyPKCS1v15(k, s.hash.hash, digest, sig) == nil
		}
	case *ecdsa.PublicKey:
		fits = !s.rsa && !s.ed25519
		ok = fits && ecdsa.VerifyASN1(k, digest, sig)
	case ed25519.PublicKey:
		fits = s.ed25519
		ok = fits && ed25519.Verify(k, message, sig)
	}
	switch {
	case !fits:
		return fmt.Errorf("the algorithm is not one for a key of type %T: %w", pub, ErrUnsupported)
	case !ok:
		return ErrSignature
	}
	return nil
}

// addTo writes the signature AlgorithmIdentifier.
func (s scheme) addTo(b *cryptobyte.Builder) {
	b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
		switch {
		case s.ed25519:
			b.AddASN1ObjectIdentifier(oidEd25519)
		case s.pss:
			b.AddASN1ObjectIdentifier(oidPSS)
			s.addPSSParams(b)
		case s.rsa:
			b.AddASN1ObjectIdentifier(append(append(oid{}, rsaSignatures...), rsaArc+s.hash.arc))
			b.AddASN1NULL()
		default:
			b.AddASN1ObjectIdentifier(append(append(oid{}, ecdsaSignatures...), ecdsaArc+s.hash.arc))
		}
	})
}

// addPSSParams writes RSASSA-PSS-params, RFC 8017 appendix A.2.3.
func (s scheme) addPSSParams(b *cryptobyte.Builder) {
	b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddASN1(cbasn1.Tag(0).ContextSpecific().Constructed(), func(b *cryptobyte.Builder) { addHash(b, s.hash) })
		b.AddASN1(cbasn1.Tag(1).ContextSpecific().Constructed(), func(b *cryptobyte.Builder) {
			b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
				b.AddASN1ObjectIdentifier(oidMGF1)
				addHash(b, s.hash)
			})
		})
		b.AddASN1(cbasn1.Tag(2).ContextSpecific().Constructed(), func(b *cryptobyte.Builder) {
			b.AddASN1Int64(int64(s.salt))
		})
	})
}

// readScheme reads a signature AlgorithmIdentifier. digest is the signer's
// digest algorithm, which RSA keys may name alone.
func readScheme(in *cryptobyte.String, digest hashID) (scheme, error) {
	var seq cryptobyte.String
	var id oid
	if !in.ReadASN1(&seq, cbasn1.SEQUENCE) || !seq.ReadASN1ObjectIdentifier(&id) {
		return scheme{}, fmt.Errorf("signature algorithm: %w", ErrMalformed)
	}
	if !id.Equal(oidPSS) && !noParams(seq) {
		return scheme{}, fmt.Errorf("signature algorithm: %w", ErrMalformed)
	}
	switch {
	case id.Equal(oidEd25519):
		return scheme{hash: digest, ed25519: true}, nil
	case id.Equal(oidRSA):
		return scheme{hash: digest, rsa: true}, nil
	case id.Equal(oidPSS):
		return readPSS(seq)
	}
	for _, h := range hashes {
		if id.Equal(append(append(oid{}, rsaSignatures...), rsaArc+h.arc)) {
			return scheme{hash: h, rsa: true}, nil
		}
		if id.Equal(append(append(oid{}, ecdsaSignatures...), ecdsaArc+h.arc)) {
			return scheme{hash: h}, nil
		}
	}
	return scheme{}, fmt.Errorf("signature %v: %w", id, ErrUnsupported)
}

// maxSalt bounds the salt of RSASSA-PSS, in bytes: more than any key has room for.
const maxSalt = 512

// readPSS takes parameters whose two hashes agree, which is what every profile
// asks for. The length of the salt is the signer's choice.
func readPSS(seq cryptobyte.String) (scheme, error) {
	var params, part, mgf cryptobyte.String
	var id oid
	bad := fmt.Errorf("RSASSA-PSS parameters: %w", ErrUnsupported)
	if !seq.ReadASN1(&params, cbasn1.SEQUENCE) || !params.ReadASN1(&part, cbasn1.Tag(0).ContextSpecific().Constructed()) {
		return scheme{}, bad
	}
	h, err := readHash(&part)
	if err != nil {
		return scheme{}, err
	}
	if !params.ReadASN1(&part, cbasn1.Tag(1).ContextSpecific().Constructed()) || !part.ReadASN1(&mgf, cbasn1.SEQUENCE) ||
		!mgf.ReadASN1ObjectIdentifier(&id) || !id.Equal(oidMGF1) {
		return scheme{}, bad
	}
	inner, err := readHash(&mgf)
	salt := 20 // RFC 4055, section 3.1, where nothing is said
	var said bool
	if err != nil || inner.hash != h.hash || !params.ReadOptionalASN1(&part, &said, cbasn1.Tag(2).ContextSpecific().Constructed()) ||
		said && (!part.ReadASN1Integer(&salt) || !part.Empty()) || salt < 1 || salt > maxSalt || !params.Empty() {
		return scheme{}, bad
	}
	return scheme{hash: h, rsa: true, pss: true, salt: salt}, nil
}

// addHash writes a digest AlgorithmIdentifier, parameters absent (RFC 5754, section 2).
func addHash(b *cryptobyte.Builder, h hashID) {
	b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) { b.AddASN1ObjectIdentifier(h.oid) })
}

// readHash reads a digest AlgorithmIdentifier, with or without NULL.
func readHash(in *cryptobyte.String) (hashID, error) {
	var seq cryptobyte.String
	var id oid
	if !in.ReadASN1(&seq, cbasn1.SEQUENCE) || !seq.ReadASN1ObjectIdentifier(&id) || !noParams(seq) {
		return hashID{}, fmt.Errorf("digest algorithm: %w", ErrMalformed)
	}
	return hashByOID(id)
}

// noParams reports whether algorithm parameters are absent or NULL.
func noParams(rest cryptobyte.String) bool {
	var null cryptobyte.String
	return rest.Empty() || rest.ReadASN1(&null, cbasn1.NULL) && null.Empty() && rest.Empty()
}

// subjectOf is a certificate's name for messages.
func subjectOf(c *x509.Certificate) string {
	if c == nil {
		return "nobody"
	}
	return c.Subject.CommonName
}
