package cms

import (
	"bytes"
	"crypto"
	"crypto/x509/pkix"
	"encoding/asn1"
	"fmt"
	"math/big"
	"time"
)

// Timestamp is an RFC 3161 token.
type Timestamp struct {
	*Message
	Time        time.Time
	Serial      *big.Int
	Policy      asn1.ObjectIdentifier
	ImprintHash crypto.Hash
	Imprint     []byte
}

type tstInfo struct {
	Version int
	Policy  asn1.ObjectIdentifier
	Imprint struct {
		Hash   pkix.AlgorithmIdentifier
		Digest []byte
	}
	Serial *big.Int
	Time   asn1.RawValue
	Rest   asn1.RawValue `asn1:"optional"` // accuracy, ordering, nonce, name, extensions
}

// ParseTimestamp reads a token. rest is what follows it.
func ParseTimestamp(der []byte) (t *Timestamp, rest []byte, err error) {
	m, rest, err := Parse(der)
	if err != nil {
		return nil, nil, err
	}
	if !m.contentType.Equal(oidTSTInfo) || m.Content == nil {
		return nil, nil, fmt.Errorf("%w: not a timestamp token", ErrMalformed)
	}
	var info tstInfo
	if _, err := asn1.Unmarshal(m.Content, &info); err != nil {
		return nil, nil, fmt.Errorf("%w: bad timestamp", ErrMalformed)
	}
	t = &Timestamp{Message: m, Serial: info.Serial, Policy: info.Policy, Imprint: info.Imprint.Digest}
	// Go's own reader of GeneralizedTime refuses the fractions that RFC 3161 allows.
	if t.Time, err = time.Parse("20060102150405Z", string(info.Time.Bytes)); err != nil || info.Time.Tag != asn1.TagGeneralizedTime {
		return nil, nil, fmt.Errorf("%w: bad time in a timestamp", ErrMalformed)
	}
	if t.ImprintHash = hashOf(info.Imprint.Hash.Algorithm); t.ImprintHash == 0 {
		return nil, nil, fmt.Errorf("%w: imprint %v", ErrAlgorithm, info.Imprint.Hash.Algorithm)
	}
	return t, rest, nil
}

// Verify checks the token's own signature and that it stamps data with the
// given digest, which was made with ImprintHash.
func (t *Timestamp) Verify(digest []byte) error {
	if !bytes.Equal(t.Imprint, digest) {
		return ErrDigest
	}
	if err := t.Message.Verify(sum(t.Hash, t.Content)); err != nil {
		return fmt.Errorf("timestamp: %w", err)
	}
	return nil
}
