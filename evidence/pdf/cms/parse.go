package cms

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/sha1"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"fmt"
)

// Message is a signed message as read. Nothing in it is checked before Verify.
type Message struct {
	Hash         crypto.Hash // of the content
	Certificates []*x509.Certificate
	Signer       *x509.Certificate // nil when the message does not contain it
	Content      []byte            // of an enclosed content, else nil
	Signature    []byte
	Token        []byte // timestamp over the signature, nil when there is none
	SigningTime  bool   // a signing-time attribute is there, which PAdES forbids
	CertID       bool   // a signing-certificate attribute is there
	Unknown      bool   // an unsigned attribute other than the timestamp is there

	contentType asn1.ObjectIdentifier
	info        signerInfo
	signed      map[string][]byte // single attribute values by identifier
}

// maxMessage bounds a message, in bytes.
const maxMessage = 4 << 20

// Parse reads a message with exactly one signer. rest is what follows it.
func Parse(der []byte) (m *Message, rest []byte, err error) {
	if len(der) > maxMessage {
		return nil, nil, fmt.Errorf("%w: longer than %d bytes", ErrMalformed, maxMessage)
	}
	var ci contentInfo
	if rest, err = asn1.Unmarshal(der, &ci); err != nil || !ci.Type.Equal(oidSignedData) {
		return nil, nil, fmt.Errorf("%w: no signed data", ErrMalformed)
	}
	var sd signedData
	if trail, err := asn1.Unmarshal(ci.Content.Bytes, &sd); err != nil || len(trail) > 0 {
		return nil, nil, fmt.Errorf("%w: bad signed data", ErrMalformed)
	}
	if again, err := asn1.Marshal(sd); err != nil || !bytes.Equal(again, ci.Content.Bytes) {
		return nil, nil, fmt.Errorf("%w: not in its one DER form", ErrMalformed) // Go's reader passes over what it does not know
	}
	if len(sd.Signers) != 1 {
		return nil, nil, fmt.Errorf("%w: %d signers", ErrMalformed, len(sd.Signers))
	}
	m = &Message{info: sd.Signers[0], contentType: sd.Encap.Type, Signature: sd.Signers[0].Signature}
	if m.Certificates, err = x509.ParseCertificates(sd.Certificates.Bytes); err != nil {
		return nil, nil, fmt.Errorf("%w: bad certificate", ErrMalformed)
	}
	if len(sd.Encap.Content.Bytes) > 0 {
		if trail, err := asn1.Unmarshal(sd.Encap.Content.Bytes, &m.Content); err != nil || len(trail) > 0 {
			return nil, nil, fmt.Errorf("%w: bad content", ErrMalformed)
		}
	}
	return m, rest, m.readSigner()
}

func (m *Message) readSigner() error {
	if m.Hash = hashOf(m.info.Digest.Algorithm); m.Hash == 0 {
		return fmt.Errorf("%w: digest %v", ErrAlgorithm, m.info.Digest.Algorithm)
	}
	var err error
	if m.signed, err = attributes(m.info.Signed.Bytes); err != nil {
		return err
	}
	unsigned, err := attributes(m.info.Unsigned.Bytes)
	if err != nil {
		return err
	}
	m.Token = unsigned[oidTimeStamp.String()]
	m.Unknown = len(unsigned) > 1 || len(unsigned) == 1 && m.Token == nil
	m.SigningTime = m.signed[oidSigningTime.String()] != nil
	m.CertID = m.signed[oidSigningCertV2.String()] != nil || m.signed[oidSigningCert.String()] != nil
	m.Signer = m.findSigner(m.Certificates)
	return nil
}

// attributes reads a SET OF Attribute with one value each. The same attribute
// twice is refused: readers would disagree on which one counts.
func attributes(b []byte) (map[string][]byte, error) {
	out := map[string][]byte{}
	for len(b) > 0 {
		var a attribute
		rest, err := asn1.Unmarshal(b, &a)
		if err != nil {
			return nil, fmt.Errorf("%w: bad attribute", ErrMalformed)
		}
		b = rest
		key := a.Type.String()
		if _, twice := out[key]; twice {
			return nil, fmt.Errorf("%w: attribute %s stands twice", ErrMalformed, key)
		}
		out[key] = a.Values.Bytes
	}
	return out, nil
}

func (m *Message) findSigner(certs []*x509.Certificate) *x509.Certificate {
	var is issuerSerial
	if _, err := asn1.Unmarshal(m.info.SID.FullBytes, &is); err == nil && is.Serial != nil {
		for _, c := range certs {
			if c.SerialNumber.Cmp(is.Serial) == 0 && bytes.Equal(c.RawIssuer, is.Issuer.FullBytes) {
				return c
			}
		}
		return nil
	}
	if m.info.SID.Class == asn1.ClassContextSpecific && m.info.SID.Tag == 0 {
		for _, c := range certs {
			if len(c.SubjectKeyId) > 0 && bytes.Equal(c.SubjectKeyId, m.info.SID.Bytes) {
				return c
			}
		}
	}
	return nil
}

// Supply offers certificates from elsewhere where the message does not contain
// its signer's.
func (m *Message) Supply(certs []*x509.Certificate) {
	if m.Signer == nil {
		m.Signer = m.findSigner(certs)
	}
}

// Verify checks that the message signs content with the given digest, that the
// signature over the attributes holds, and that the certificate is the one the
// attributes name.
func (m *Message) Verify(digest []byte) error {
	if m.Signer == nil {
		return ErrSigner
	}
	var got []byte
	if _, err := asn1.Unmarshal(m.signed[oidMessageDigest.String()], &got); err != nil {
		return fmt.Errorf("%w: no message digest", ErrMalformed)
	}
	var typ asn1.ObjectIdentifier
	if _, err := asn1.Unmarshal(m.signed[oidContentType.String()], &typ); err != nil || !typ.Equal(m.contentType) {
		return fmt.Errorf("%w: the content type attribute differs", ErrMalformed)
	}
	if !bytes.Equal(got, digest) {
		return ErrDigest
	}
	if err := m.checkSignature(); err != nil {
		return err
	}
	return m.checkCertID()
}

func (m *Message) checkSignature() error {
	signed := bytes.Clone(m.info.Signed.FullBytes)
	signed[0] = 0x31 // the tag under which the attributes are signed (RFC 5652, 5.4)
	ok := false
	switch k := m.Signer.PublicKey.(type) {
	case *rsa.PublicKey:
		hash, pss, err := m.rsaScheme()
		if err != nil {
			return err
		}
		if k.N.BitLen() < 2048 {
			return fmt.Errorf("%w: RSA with %d bits", ErrAlgorithm, k.N.BitLen())
		}
		if pss != nil {
			ok = rsa.VerifyPSS(k, hash, sum(hash, signed), m.Signature, pss) == nil
		} else {
			ok = rsa.VerifyPKCS1v15(k, hash, sum(hash, signed), m.Signature) == nil
		}
	case *ecdsa.PublicKey:
		hash := m.ecdsaHash()
		if hash == 0 {
			return fmt.Errorf("%w: %v with an ECDSA key", ErrAlgorithm, m.info.Algorithm.Algorithm)
		}
		ok = ecdsa.VerifyASN1(k, sum(hash, signed), m.Signature)
	case ed25519.PublicKey:
		if !m.info.Algorithm.Algorithm.Equal(oidEd25519) {
			return fmt.Errorf("%w: %v with an Ed25519 key", ErrAlgorithm, m.info.Algorithm.Algorithm)
		}
		ok = ed25519.Verify(k, signed, m.Signature)
	default:
		return fmt.Errorf("%w: key of type %T", ErrAlgorithm, k)
	}
	if !ok {
		return ErrSignature
	}
	return nil
}

func (m *Message) ecdsaHash() crypto.Hash {
	switch oid := m.info.Algorithm.Algorithm; {
	case oid.Equal(oidECDSASHA256):
		return crypto.SHA256
	case oid.Equal(oidECDSASHA384):
		return crypto.SHA384
	case oid.Equal(oidECDSASHA512):
		return crypto.SHA512
	}
	return 0
}

// rsaScheme returns the hash, and the options where it is RSASSA-PSS.
func (m *Message) rsaScheme() (crypto.Hash, *rsa.PSSOptions, error) {
	switch oid := m.info.Algorithm.Algorithm; {
	case oid.Equal(oidRSA):
		return m.Hash, nil, nil
	case oid.Equal(oidRSASHA256):
		return crypto.SHA256, nil, nil
	case oid.Equal(oidRSASHA384):
		return crypto.SHA384, nil, nil
	case oid.Equal(oidRSASHA512):
		return crypto.SHA512, nil, nil
	case oid.Equal(oidPSS):
		return pssScheme(m.info.Algorithm.Parameters.FullBytes)
	}
	return 0, nil, fmt.Errorf("%w: %v with an RSA key", ErrAlgorithm, m.info.Algorithm.Algorithm)
}

func pssScheme(der []byte) (crypto.Hash, *rsa.PSSOptions, error) {
	var p pssParameters
	if _, err := asn1.Unmarshal(der, &p); err != nil {
		return 0, nil, fmt.Errorf("%w: RSASSA-PSS with default or bad parameters", ErrAlgorithm)
	}
	var inner pkix.AlgorithmIdentifier
	_, err := asn1.Unmarshal(p.MGF.Parameters.FullBytes, &inner)
	hash := hashOf(p.Hash.Algorithm)
	if err != nil || hash == 0 || !p.MGF.Algorithm.Equal(oidMGF1) || !inner.Algorithm.Equal(p.Hash.Algorithm) || p.Salt < 0 || p.Salt > 512 {
		return 0, nil, fmt.Errorf("%w: RSASSA-PSS parameters", ErrAlgorithm)
	}
	return hash, &rsa.PSSOptions{SaltLength: p.Salt, Hash: hash}, nil
}

// checkCertID compares the signing-certificate attribute, where there is one,
// with the signer's certificate (RFC 5035, 3 and 4; version 1 is SHA-1 and only
// old timestamp authorities still write it).
func (m *Message) checkCertID() error {
	if raw := m.signed[oidSigningCertV2.String()]; raw != nil {
		var ess struct {
			Certs    []asn1.RawValue
			Policies asn1.RawValue `asn1:"optional"`
		}
		if _, err := asn1.Unmarshal(raw, &ess); err != nil || len(ess.Certs) == 0 {
			return fmt.Errorf("%w: bad signing-certificate attribute", ErrMalformed)
		}
		return m.matchV2(ess.Certs[0].Bytes)
	}
	raw := m.signed[oidSigningCert.String()]
	if raw == nil {
		return nil
	}
	want := sha1.Sum(m.Signer.Raw)
	if !bytes.Contains(raw, append([]byte{asn1.TagOctetString, 20}, want[:]...)) {
		return ErrCertID
	}
	return nil
}

// matchV2 compares the content of an ESSCertIDv2.
func (m *Message) matchV2(b []byte) error {
	hash := crypto.SHA256
	var first asn1.RawValue
	rest, err := asn1.Unmarshal(b, &first)
	if err != nil {
		return fmt.Errorf("%w: bad signing-certificate attribute", ErrMalformed)
	}
	if first.Tag == asn1.TagSequence {
		var id pkix.AlgorithmIdentifier
		if _, err := asn1.Unmarshal(first.FullBytes, &id); err != nil {
			return fmt.Errorf("%w: bad signing-certificate attribute", ErrMalformed)
		}
		if hash = hashOf(id.Algorithm); hash == 0 {
			return fmt.Errorf("%w: hash of the signing-certificate attribute", ErrAlgorithm)
		}
		if _, err := asn1.Unmarshal(rest, &first); err != nil {
			return fmt.Errorf("%w: bad signing-certificate attribute", ErrMalformed)
		}
	}
	if !bytes.Equal(first.Bytes, sum(hash, m.Signer.Raw)) {
		return ErrCertID
	}
	return nil
}
