package cms

import (
	"bytes"
	"crypto"
	"crypto/subtle"
	"crypto/x509"
	"encoding/asn1"
	"fmt"
	"math/big"
	"time"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"
)

// Bounds on what is read. A signature of ours has 3 certificates and 4
// attributes; long-term ones grow by a few timestamps.
const (
	maxBytes        = 16 << 20
	maxCertificates = 64
	maxAttributes   = 64
)

// Signed is a CMS signature as read: one signer, as CAdES and RFC 3161 have it.
type Signed struct {
	ContentType  asn1.ObjectIdentifier
	Content      []byte // nil when it lies outside
	Certificates []*x509.Certificate
	CRLs         [][]byte
	Signer       *x509.Certificate // nil when it is not among Certificates
	Hash         crypto.Hash
	Signature    []byte    // raw
	SigningTime  time.Time // claimed; zero when absent
	Digest       []byte    // the message digest that was signed
	Timestamp    []byte    // over the signature, a DER token; nil when absent
	Unknown      bool      // an unsigned attribute other than the timestamp is there

	scheme   scheme
	attrs    []byte // signed attributes as DER SET OF
	bound    []byte // ESS hash of the signing certificate, nil when absent
	boundBy  crypto.Hash
	id       signerID
	unsigned []byte
	raw      []byte
	info     []byte // the SignerInfo's element, at the end of raw
}

// Parse reads one ContentInfo with SignedData of one signer. Trailing bytes
// are an error.
func Parse(der []byte) (*Signed, error) {
	s, rest, err := ParsePrefix(der)
	if err == nil && len(rest) > 0 {
		err = fmt.Errorf("%d bytes behind the message: %w", len(rest), ErrMalformed)
	}
	if err != nil {
		return nil, err
	}
	return s, nil
}

// ParsePrefix is Parse for a message that stands in a place of fixed size, and
// returns what follows it.
func ParsePrefix(der []byte) (_ *Signed, rest []byte, err error) {
	if len(der) > maxBytes {
		return nil, nil, fmt.Errorf("%d bytes: %w", len(der), ErrMalformed)
	}
	in := cryptobyte.String(der)
	var whole cryptobyte.String
	if !in.ReadASN1Element(&whole, cbasn1.SEQUENCE) {
		return nil, nil, fmt.Errorf("content info: %w", ErrMalformed)
	}
	s, err := parse(whole)
	return s, in, err
}

func parse(der []byte) (*Signed, error) {
	in := cryptobyte.String(der)
	var outer, wrapped, data cryptobyte.String
	var id oid
	if !in.ReadASN1(&outer, cbasn1.SEQUENCE) || !outer.ReadASN1ObjectIdentifier(&id) || !id.Equal(oidSignedData) ||
		!outer.ReadASN1(&wrapped, cbasn1.Tag(0).ContextSpecific().Constructed()) || !outer.Empty() ||
		!wrapped.ReadASN1(&data, cbasn1.SEQUENCE) || !wrapped.Empty() {
		return nil, fmt.Errorf("content info: %w", ErrMalformed)
	}
	s := &Signed{raw: der}
	if err := s.readSignedData(data); err != nil {
		return nil, err
	}
	s.Supply(s.Certificates)
	return s, nil
}

func (s *Signed) readSignedData(data cryptobyte.String) error {
	var version int
	var digests, encap, signers, info cryptobyte.String
	if !data.ReadASN1Integer(&version) || !data.ReadASN1(&digests, cbasn1.SET) ||
		!data.ReadASN1(&encap, cbasn1.SEQUENCE) || !encap.ReadASN1ObjectIdentifier((*asn1.ObjectIdentifier)(&s.ContentType)) {
		return fmt.Errorf("signed data: %w", ErrMalformed)
	}
	if err := s.readContent(encap); err != nil {
		return err
	}
	if err := s.readCertificates(&data); err != nil {
		return err
	}
	if err := s.readCRLs(&data); err != nil {
		return err
	}
	if !data.ReadASN1(&signers, cbasn1.SET) || !data.Empty() || !signers.ReadASN1Element(&info, cbasn1.SEQUENCE) || !signers.Empty() {
		return fmt.Errorf("signer infos, exactly one is taken: %w", ErrMalformed)
	}
	s.info = info
	if err := s.readSignerInfo(info); err != nil {
		return err
	}
	return s.checkHeader(version, digests)
}

// checkHeader asks for the version that RFC 5652 section 5.1 gives and for the
// signer's digest algorithm alone, so that no byte of the header is free.
func (s *Signed) checkHeader(version int, digests cryptobyte.String) error {
	want := 1
	if !s.ContentType.Equal(OIDData) || s.id.keyID != nil {
		want = 3
	}
	h, err := readHash(&digests)
	if err != nil {
		return err
	}
	if version != want || h.hash != s.Hash || !digests.Empty() {
		return fmt.Errorf("signed data version or digest algorithms: %w", ErrMalformed)
	}
	return nil
}

func (s *Signed) readContent(encap cryptobyte.String) error {
	var wrapped, content cryptobyte.String
	var present bool
	if !encap.ReadOptionalASN1(&wrapped, &present, cbasn1.Tag(0).ContextSpecific().Constructed()) || !encap.Empty() {
		return fmt.Errorf("content: %w", ErrMalformed)
	}
	if !present {
		return nil
	}
	if !wrapped.ReadASN1(&content, cbasn1.OCTET_STRING) || !wrapped.Empty() {
		return fmt.Errorf("content: %w", ErrMalformed)
	}
	s.Content = content
	return nil
}

func (s *Signed) readCertificates(data *cryptobyte.String) error {
	var set, one cryptobyte.String
	if !data.ReadOptionalASN1(&set, nil, cbasn1.Tag(0).ContextSpecific().Constructed()) {
		return fmt.Errorf("certificates: %w", ErrMalformed)
	}
	for !set.Empty() {
		if !set.ReadASN1Element(&one, cbasn1.SEQUENCE) || len(s.Certificates) == maxCertificates {
			return fmt.Errorf("certificates: %w", ErrMalformed)
		}
		c, err := x509.ParseCertificate(one)
		if err != nil {
			return fmt.Errorf("certificate %d: %w", len(s.Certificates), ErrMalformed)
		}
		s.Certificates = append(s.Certificates, c)
	}
	return nil
}

func (s *Signed) readCRLs(data *cryptobyte.String) error {
	var set, one cryptobyte.String
	var tag cbasn1.Tag
	if !data.ReadOptionalASN1(&set, nil, cbasn1.Tag(1).ContextSpecific().Constructed()) {
		return fmt.Errorf("revocation lists: %w", ErrMalformed)
	}
	for !set.Empty() {
		if !set.ReadAnyASN1Element(&one, &tag) || len(s.CRLs) == maxCertificates {
			return fmt.Errorf("revocation lists: %w", ErrMalformed)
		}
		if tag == cbasn1.SEQUENCE { // other formats are not CRLs
			s.CRLs = append(s.CRLs, one)
		}
	}
	return nil
}

// signerID is issuer and serial number, or a subject key identifier.
type signerID struct {
	issuer []byte
	serial *big.Int
	keyID  []byte
}

func (s *Signed) readSignerInfo(info cryptobyte.String) error {
	var seq, attrs, sig cryptobyte.String
	var version int
	bad := fmt.Errorf("signer info: %w", ErrMalformed)
	if !info.ReadASN1(&seq, cbasn1.SEQUENCE) || !seq.ReadASN1Integer(&version) {
		return bad
	}
	var ok bool
	s.id, ok = readSignerID(&seq)
	if byKey := s.id.keyID != nil; !ok || byKey != (version == 3) || !byKey && version != 1 {
		return bad
	}
	digest, err := readHash(&seq)
	if err != nil {
		return err
	}
	if !seq.ReadASN1Element(&attrs, cbasn1.Tag(0).ContextSpecific().Constructed()) {
		return fmt.Errorf("signed attributes are missing: %w", ErrMalformed)
	}
	s.Hash = digest.hash
	s.attrs = bytes.Clone(attrs)
	s.attrs[0] = byte(cbasn1.SET) // signed as SET OF, RFC 5652 section 5.4
	if err := s.readSigned(s.attrs); err != nil {
		return err
	}
	if s.scheme, err = readScheme(&seq, digest); err != nil {
		return err
	}
	if s.scheme.hash.hash != s.Hash || len(s.Digest) != s.Hash.Size() || s.scheme.ed25519 && s.Hash != crypto.SHA512 {
		return fmt.Errorf("digest and signature algorithms do not go together: %w", ErrUnsupported)
	}
	if !seq.ReadASN1(&sig, cbasn1.OCTET_STRING) {
		return bad
	}
	s.Signature = sig
	if err := s.readUnsigned(&seq); err != nil {
		return err
	}
	if !seq.Empty() {
		return bad
	}
	return nil
}

func readSignerID(seq *cryptobyte.String) (signerID, bool) {
	var id signerID
	var part, name cryptobyte.String
	if seq.PeekASN1Tag(cbasn1.Tag(0).ContextSpecific()) {
		ok := seq.ReadASN1(&part, cbasn1.Tag(0).ContextSpecific())
		id.keyID = part
		return id, ok
	}
	id.serial = new(big.Int)
	ok := seq.ReadASN1(&part, cbasn1.SEQUENCE) && part.ReadASN1Element(&name, cbasn1.SEQUENCE) &&
		part.ReadASN1Integer(id.serial) && part.Empty()
	id.issuer = name
	return id, ok
}

// Supply looks for the signer's certificate among those at hand, where it is not
// found yet. Of several with its name and number it is the one bound in.
func (s *Signed) Supply(certificates []*x509.Certificate) {
	if s.Signer != nil {
		return
	}
	for _, c := range certificates {
		if s.id.names(c) && (s.Signer == nil || s.isBound(c)) {
			s.Signer = c
		}
	}
}

func (id signerID) names(c *x509.Certificate) bool {
	if id.keyID != nil {
		return bytes.Equal(c.SubjectKeyId, id.keyID)
	}
	return bytes.Equal(c.RawIssuer, id.issuer) && c.SerialNumber.Cmp(id.serial) == 0
}

// Bound tells whether the signature names its certificate by a hash.
func (s *Signed) Bound() bool { return s.bound != nil }

func (s *Signed) isBound(c *x509.Certificate) bool {
	if s.bound == nil {
		return false
	}
	h := s.boundBy.New()
	h.Write(c.Raw)
	return subtle.ConstantTimeCompare(h.Sum(nil), s.bound) == 1
}

// readSigned reads the signed attributes.
func (s *Signed) readSigned(set []byte) error {
	var contentType oid
	err := eachAttribute(set, cbasn1.SET, func(id oid, value cryptobyte.String) error {
		ok := true
		switch {
		case id.Equal(oidContentType):
			ok = value.ReadASN1ObjectIdentifier((*asn1.ObjectIdentifier)(&contentType))
		case id.Equal(oidMessageDigest):
			var d cryptobyte.String
			ok = value.ReadASN1(&d, cbasn1.OCTET_STRING)
			s.Digest = d
		case id.Equal(oidSigningTime):
			s.SigningTime, ok = readTime(&value)
		case id.Equal(oidSigningCertV2), id.Equal(oidSigningCert):
			return s.readBound(&value, id.Equal(oidSigningCertV2))
		default:
			return nil
		}
		if !ok || !value.Empty() {
			return fmt.Errorf("signed attribute %v: %w", id, ErrMalformed)
		}
		return nil
	})
	if err != nil {
		return err
	}
	if !contentType.Equal(s.ContentType) || s.Digest == nil {
		return fmt.Errorf("signed attributes: content type or digest: %w", ErrMalformed)
	}
	return nil
}

// readBound reads the first certificate hash of ESS signing-certificate-v2, or of
// its elder by SHA-1, which only old timestamp authorities write and which says
// nothing where the newer one is there (RFC 5035, sections 3 and 5).
func (s *Signed) readBound(value *cryptobyte.String, v2 bool) error {
	var outer, certs, first, hash cryptobyte.String
	bad := fmt.Errorf("signing certificate attribute: %w", ErrMalformed)
	if !value.ReadASN1(&outer, cbasn1.SEQUENCE) || !value.Empty() || !outer.ReadASN1(&certs, cbasn1.SEQUENCE) || !certs.ReadASN1(&first, cbasn1.SEQUENCE) {
		return bad
	}
	by := crypto.SHA1
	if v2 {
		by = crypto.SHA256 // where nothing is said
		if first.PeekASN1Tag(cbasn1.SEQUENCE) {
			h, err := readHash(&first)
			if err != nil {
				return err
			}
			by = h.hash
		}
	}
	if !first.ReadASN1(&hash, cbasn1.OCTET_STRING) || len(hash) != by.Size() {
		return bad
	}
	if v2 || s.bound == nil {
		s.bound, s.boundBy = hash, by
	}
	return nil
}

func (s *Signed) readUnsigned(seq *cryptobyte.String) error {
	if seq.Empty() {
		return nil
	}
	var set cryptobyte.String
	tag := cbasn1.Tag(1).ContextSpecific().Constructed()
	if !seq.ReadASN1Element(&set, tag) {
		return fmt.Errorf("unsigned attributes: %w", ErrMalformed)
	}
	s.unsigned = set
	return eachAttribute(set, tag, func(id oid, value cryptobyte.String) error {
		var token cryptobyte.String
		if !id.Equal(oidTimestampToken) {
			s.Unknown = true
			return nil
		}
		if !value.ReadASN1Element(&token, cbasn1.SEQUENCE) || !value.Empty() {
			return fmt.Errorf("signature timestamp: %w", ErrMalformed)
		}
		s.Timestamp = token
		return nil
	})
}

// eachAttribute calls f with each attribute's type and values. The same one
// twice is refused: readers would disagree on which one counts.
func eachAttribute(element []byte, tag cbasn1.Tag, f func(oid, cryptobyte.String) error) error {
	in := cryptobyte.String(element)
	var set, attr, values cryptobyte.String
	if !in.ReadASN1(&set, tag) || !in.Empty() {
		return fmt.Errorf("attributes: %w", ErrMalformed)
	}
	met := map[string]bool{}
	for !set.Empty() {
		var id oid
		if len(met) == maxAttributes || !set.ReadASN1(&attr, cbasn1.SEQUENCE) || !attr.ReadASN1ObjectIdentifier((*asn1.ObjectIdentifier)(&id)) ||
			!attr.ReadASN1(&values, cbasn1.SET) || !attr.Empty() {
			return fmt.Errorf("attribute: %w", ErrMalformed)
		}
		if met[id.String()] {
			return fmt.Errorf("attribute %v stands twice: %w", id, ErrMalformed)
		}
		met[id.String()] = true
		if err := f(id, values); err != nil {
			return err
		}
	}
	return nil
}

// readTime reads a UTCTime or GeneralizedTime.
func readTime(in *cryptobyte.String) (time.Time, bool) {
	var t time.Time
	if in.PeekASN1Tag(cbasn1.UTCTime) {
		ok := in.ReadASN1UTCTime(&t)
		return t.UTC(), ok
	}
	ok := in.ReadASN1GeneralizedTime(&t)
	return t.UTC(), ok
}
