package retain

import (
	"crypto"
	"fmt"
	"time"

	"inkwitness/evidence"
	"inkwitness/evidence/cms"
)

// Proof is what the newest archive timestamp of a record rests on.
type Proof struct {
	Hash        crypto.Hash
	Signature   string    // name in the table
	Certificate time.Time // end of the authority's certificate
}

// Renewal says what a record needs.
type Renewal string

// The kinds of renewal of RFC 4998, section 5.
const (
	NotYet       Renewal = ""
	NewTimestamp Renewal = "timestamp" // cover the token by a new one
	NewHash      Renewal = "hash"      // read the data again, by a stronger hash
)

// Need decides what a record needs now, lead before it is too late. By is when
// the first of its supports ends. An algorithm that is not in the table is
// evidence.ErrNotAllowed: nothing may rest on it.
func Need(p Proof, table []cms.Algorithm, now time.Time, lead time.Duration) (need Renewal, by time.Time, err error) {
	hash, signature, ok := ends(p, table)
	if !ok {
		return NewHash, now, fmt.Errorf("hash %v, signature %q: not in the table of algorithms: %w", p.Hash, p.Signature, evidence.ErrNotAllowed)
	}
	by = earliest(hash, signature, p.Certificate)
	switch soon := now.Add(lead); {
	case !soon.Before(hash):
		return NewHash, by, nil
	case !soon.Before(signature) || !soon.Before(p.Certificate):
		return NewTimestamp, by, nil
	}
	return NotYet, by, nil
}

func ends(p Proof, table []cms.Algorithm) (hash, signature time.Time, ok bool) {
	hash, known := cms.HashEnds(table, p.Hash)
	signature, ok = cms.SignatureEnds(table, p.Signature)
	return hash, signature, known && ok
}

func earliest(t time.Time, more ...time.Time) time.Time {
	for _, m := range more {
		if m.Before(t) {
			t = m
		}
	}
	return t
}
