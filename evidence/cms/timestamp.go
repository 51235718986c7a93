package cms

import (
	"bytes"
	"context"
	"crypto"
	"crypto/subtle"
	"crypto/x509"
	"encoding/asn1"
	"errors"
	"fmt"
	"math/big"
	"strings"
	"time"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"
)

// TSTInfo is what a timestamp says (RFC 3161, section 2.4.2).
type TSTInfo struct {
	Policy   asn1.ObjectIdentifier
	Hash     crypto.Hash
	Digest   []byte
	Serial   *big.Int
	Time     time.Time     // UTC, to the millisecond when we write it
	Accuracy time.Duration // 0 when the authority does not say
	Ordering bool
	Nonce    *big.Int // nil when absent
}

// Token is a timestamp as read.
type Token struct {
	*Signed
	Info TSTInfo
	DER  []byte
}

// ErrImprint is a timestamp over something else.
var ErrImprint = errors.New("cms: the timestamp is over other data")

// ErrPurpose is a timestamp by a certificate that is not for timestamps, or was
// not at that time.
var ErrPurpose = errors.New("cms: the certificate is not for timestamping alone, or was not at that time")

// Marshal returns the DER of the TSTInfo.
func (i TSTInfo) Marshal() ([]byte, error) {
	h, err := hashByID(i.Hash)
	if err != nil {
		return nil, err
	}
	b := cryptobyte.NewBuilder(nil)
	b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddASN1Int64(1)
		b.AddASN1ObjectIdentifier(i.Policy)
		addImprint(b, h, i.Digest)
		b.AddASN1BigInt(i.Serial)
		b.AddASN1(cbasn1.GeneralizedTime, func(b *cryptobyte.Builder) { b.AddBytes([]byte(formatTime(i.Time))) })
		addAccuracy(b, i.Accuracy)
		if i.Ordering {
			b.AddASN1Boolean(true)
		}
		if i.Nonce != nil {
			b.AddASN1BigInt(i.Nonce)
		}
	})
	return b.Bytes()
}

func addImprint(b *cryptobyte.Builder, h hashID, digest []byte) {
	b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
			b.AddASN1ObjectIdentifier(h.oid)
			b.AddASN1NULL() // what every authority and OpenSSL write here
		})
		b.AddASN1OctetString(digest)
	})
}

func addAccuracy(b *cryptobyte.Builder, a time.Duration) {
	if a <= 0 {
		return
	}
	b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
		if s := int64(a / time.Second); s > 0 {
			b.AddASN1Int64(s)
		}
		if ms := int64(a % time.Second / time.Millisecond); ms > 0 {
			b.AddASN1Int64WithTag(ms, cbasn1.Tag(0).ContextSpecific())
		}
	})
}

// formatTime writes GeneralizedTime with milliseconds and no trailing zeros
// (RFC 3161, section 2.4.2).
func formatTime(t time.Time) string {
	s := t.UTC().Format("20060102150405.000")
	return strings.TrimRight(strings.TrimRight(s, "0"), ".") + "Z"
}

func parseTime(s string) (time.Time, error) {
	t, err := time.Parse("20060102150405Z", s) // a fraction after the seconds is taken as well
	if err != nil || len(s) > 30 {
		return time.Time{}, fmt.Errorf("time %.30q: %w", s, ErrMalformed)
	}
	return t, nil
}

// SignToken makes a TimeStampToken.
func SignToken(ctx context.Context, i TSTInfo, chain []*x509.Certificate, key crypto.Signer) ([]byte, error) {
	content, err := i.Marshal()
	if err != nil {
		return nil, err
	}
	return Sign(ctx, Params{Chain: chain, Content: content, ContentType: OIDTSTInfo, SigningTime: i.Time}, key)
}

// ParseToken reads a TimeStampToken. Trailing bytes are an error.
func ParseToken(der []byte) (*Token, error) {
	t, rest, err := ParseTokenPrefix(der)
	if err == nil && len(rest) > 0 {
		err = fmt.Errorf("%d bytes behind the timestamp: %w", len(rest), ErrMalformed)
	}
	if err != nil {
		return nil, err
	}
	return t, nil
}

// ParseTokenPrefix is ParseToken for a token that stands in a place of fixed size,
// and returns what follows it.
func ParseTokenPrefix(der []byte) (_ *Token, rest []byte, err error) {
	s, rest, err := ParsePrefix(der)
	if err != nil {
		return nil, nil, err
	}
	t, err := s.token(der[:len(der)-len(rest)])
	return t, rest, err
}

func (s *Signed) token(der []byte) (*Token, error) {
	if !s.ContentType.Equal(OIDTSTInfo) || s.Content == nil {
		return nil, fmt.Errorf("not a timestamp token: %w", ErrMalformed)
	}
	info, err := parseTSTInfo(s.Content)
	if err != nil {
		return nil, err
	}
	return &Token{Signed: s, Info: info, DER: der}, nil
}

func parseTSTInfo(der []byte) (TSTInfo, error) {
	var i TSTInfo
	var seq, gen cryptobyte.String
	var version int
	in := cryptobyte.String(der)
	bad := fmt.Errorf("timestamp info: %w", ErrMalformed)
	if !in.ReadASN1(&seq, cbasn1.SEQUENCE) || !in.Empty() || !seq.ReadASN1Integer(&version) || version != 1 ||
		!seq.ReadASN1ObjectIdentifier((*asn1.ObjectIdentifier)(&i.Policy)) {
		return i, bad
	}
	var err error
	if i.Hash, i.Digest, err = readImprint(&seq); err != nil {
		return i, err
	}
	i.Serial = new(big.Int)
	if !seq.ReadASN1Integer(i.Serial) || !seq.ReadASN1(&gen, cbasn1.GeneralizedTime) {
		return i, bad
	}
	if i.Time, err = parseTime(string(gen)); err != nil {
		return i, err
	}
	if i.Accuracy, err = readAccuracy(&seq); err != nil {
		return i, err
	}
	if seq.PeekASN1Tag(cbasn1.BOOLEAN) && !seq.ReadASN1Boolean(&i.Ordering) {
		return i, bad
	}
	if seq.PeekASN1Tag(cbasn1.INTEGER) {
		i.Nonce = new(big.Int)
		if !seq.ReadASN1Integer(i.Nonce) {
			return i, bad
		}
	}
	return i, nil // tsa name and extensions follow, they bind nothing that we use
}

func readImprint(in *cryptobyte.String) (crypto.Hash, []byte, error) {
	var seq, digest cryptobyte.String
	if !in.ReadASN1(&seq, cbasn1.SEQUENCE) {
		return 0, nil, fmt.Errorf("message imprint: %w", ErrMalformed)
	}
	h, err := readHash(&seq)
	if err != nil {
		return 0, nil, err
	}
	if !seq.ReadASN1(&digest, cbasn1.OCTET_STRING) || !seq.Empty() || len(digest) != h.hash.Size() {
		return 0, nil, fmt.Errorf("message imprint: %w", ErrMalformed)
	}
	return h.hash, digest, nil
}

func readAccuracy(in *cryptobyte.String) (time.Duration, error) {
	if !in.PeekASN1Tag(cbasn1.SEQUENCE) {
		return 0, nil
	}
	var seq cryptobyte.String
	var total time.Duration
	bad := fmt.Errorf("accuracy: %w", ErrMalformed)
	if !in.ReadASN1(&seq, cbasn1.SEQUENCE) {
		return 0, bad
	}
	for _, unit := range []struct {
		tag cbasn1.Tag
		d   time.Duration
		max int64
	}{{cbasn1.INTEGER, time.Second, 1 << 31}, {cbasn1.Tag(0).ContextSpecific(), time.Millisecond, 999}, {cbasn1.Tag(1).ContextSpecific(), time.Microsecond, 999}} {
		var n int64
		if !seq.PeekASN1Tag(unit.tag) {
			continue
		}
		if !seq.ReadASN1Int64WithTag(&n, unit.tag) || n < 0 || n > unit.max {
			return 0, bad
		}
		total += time.Duration(n) * unit.d
	}
	if !seq.Empty() {
		return 0, bad
	}
	return total, nil
}

// Verify checks the token's signature, that it is over the digest, and that
// its certificate is for timestamping alone and was valid at its time.
func (t *Token) Verify(hash crypto.Hash, digest []byte) error {
	if t.Info.Hash != hash || subtle.ConstantTimeCompare(t.Info.Digest, digest) != 1 {
		return ErrImprint
	}
	if err := t.Signed.Verify(nil); err != nil {
		return err
	}
	if !forTimestampsOnly(t.Signer) {
		return ErrPurpose
	}
	if t.Info.Time.Before(t.Signer.NotBefore) || t.Info.Time.After(t.Signer.NotAfter) {
		return fmt.Errorf("certificate was not valid at %s: %w", t.Info.Time.Format(time.RFC3339), ErrPurpose)
	}
	return nil
}

// forTimestampsOnly asks for exactly one extended key usage, timeStamping, in
// a critical extension (RFC 3161, section 2.3).
func forTimestampsOnly(c *x509.Certificate) bool {
	if len(c.ExtKeyUsage) != 1 || c.ExtKeyUsage[0] != x509.ExtKeyUsageTimeStamping || len(c.UnknownExtKeyUsage) > 0 {
		return false
	}
	for _, e := range c.Extensions {
		if e.Id.Equal(oidExtKeyUsageExt) {
			return e.Critical
		}
	}
	return false
}

// Request is a TimeStampReq (RFC 3161, section 2.4.1).
type Request struct {
	Hash     crypto.Hash
	Digest   []byte
	Policy   asn1.ObjectIdentifier // nil when the authority may choose
	Nonce    *big.Int
	WantCert bool
}

// Marshal returns the DER of the request.
func (r Request) Marshal() ([]byte, error) {
	h, err := hashByID(r.Hash)
	if err != nil {
		return nil, err
	}
	b := cryptobyte.NewBuilder(nil)
	b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddASN1Int64(1)
		addImprint(b, h, r.Digest)
		if r.Policy != nil {
			b.AddASN1ObjectIdentifier(r.Policy)
		}
		if r.Nonce != nil {
			b.AddASN1BigInt(r.Nonce)
		}
		if r.WantCert {
			b.AddASN1Boolean(true)
		}
	})
	return b.Bytes()
}

// ParseRequest reads a TimeStampReq. One with extensions is refused, as the
// RFC asks of an authority that does not know them.
func ParseRequest(der []byte) (Request, error) {
	var r Request
	var seq cryptobyte.String
	var version int
	in := cryptobyte.String(der)
	bad := fmt.Errorf("timestamp request: %w", ErrMalformed)
	if len(der) > 4096 || !in.ReadASN1(&seq, cbasn1.SEQUENCE) || !in.Empty() || !seq.ReadASN1Integer(&version) || version != 1 {
		return r, bad
	}
	var err error
	if r.Hash, r.Digest, err = readImprint(&seq); err != nil {
		return r, err
	}
	if seq.PeekASN1Tag(cbasn1.OBJECT_IDENTIFIER) && !seq.ReadASN1ObjectIdentifier((*asn1.ObjectIdentifier)(&r.Policy)) {
		return r, bad
	}
	if seq.PeekASN1Tag(cbasn1.INTEGER) {
		r.Nonce = new(big.Int)
		if !seq.ReadASN1Integer(r.Nonce) || r.Nonce.BitLen() > 256 {
			return r, bad
		}
	}
	if seq.PeekASN1Tag(cbasn1.BOOLEAN) && !seq.ReadASN1Boolean(&r.WantCert) {
		return r, bad
	}
	if !seq.Empty() {
		return r, fmt.Errorf("timestamp request with extensions: %w", ErrUnsupported)
	}
	return r, nil
}

// Failures of RFC 3161, section 2.4.2, PKIFailureInfo.
const (
	FailBadAlg           = 0
	FailBadRequest       = 2
	FailBadFormat        = 5
	FailTimeNotAvailable = 14
	FailPolicy           = 15
	FailSystem           = 25
)

// Granted wraps a token into a TimeStampResp.
func Granted(token []byte) []byte {
	b := cryptobyte.NewBuilder(nil)
	b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) { b.AddASN1Int64(0) })
		b.AddBytes(token)
	})
	return b.BytesOrPanic()
}

// Refused makes a TimeStampResp without a token.
func Refused(failure int) []byte {
	info := make([]byte, failure/8+1)
	info[failure/8] = 0x80 >> (failure % 8)
	b := cryptobyte.NewBuilder(nil)
	b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
			b.AddASN1Int64(2)
			b.AddASN1(cbasn1.BIT_STRING, func(b *cryptobyte.Builder) {
				b.AddUint8(uint8(7 - failure%8))
				b.AddBytes(info)
			})
		})
	})
	return b.BytesOrPanic()
}

// ParseResponse returns the token of a TimeStampResp.
func ParseResponse(der []byte) ([]byte, error) {
	var seq, status, token cryptobyte.String
	var code int
	in := cryptobyte.String(der)
	if len(der) > maxBytes || !in.ReadASN1(&seq, cbasn1.SEQUENCE) || !in.Empty() || !seq.ReadASN1(&status, cbasn1.SEQUENCE) || !status.ReadASN1Integer(&code) {
		return nil, fmt.Errorf("timestamp response: %w", ErrMalformed)
	}
	if code != 0 && code != 1 { // granted, granted with modifications
		return nil, fmt.Errorf("cms: the authority refused the timestamp, status %d", code)
	}
	if !seq.ReadASN1Element(&token, cbasn1.SEQUENCE) || !seq.Empty() {
		return nil, fmt.Errorf("timestamp response: %w", ErrMalformed)
	}
	return bytes.Clone(token), nil
}
