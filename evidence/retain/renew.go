package retain

import (
	"crypto"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"inkwitness/evidence"
)

// Algorithm is a cryptographic algorithm with the day until which proofs may
// rest on it. The dates are the assessment of this project, to be changed when
// that of the authorities changes (ETSI TS 119 312, SOG-IS, NIST SP 800-131A).
type Algorithm struct {
	Name  string
	Hash  crypto.Hash // 0 for signature algorithms
	Until time.Time
}

func day(y int, m time.Month, d int) time.Time { return time.Date(y, m, d, 0, 0, 0, 0, time.UTC) }

// Algorithms is the table. A caller may pass its own.
func Algorithms() []Algorithm {
	return []Algorithm{
		{"SHA-256", crypto.SHA256, day(2036, 1, 1)},
		{"SHA-384", crypto.SHA384, day(2046, 1, 1)},
		{"SHA-512", crypto.SHA512, day(2046, 1, 1)},
		{"ECDSA P-256", 0, day(2035, 1, 1)}, // NIST IR 8547: disallowed after 2035
		{"ECDSA P-384", 0, day(2035, 1, 1)},
		{"RSA 3072", 0, day(2035, 1, 1)},
		{"Ed25519", 0, day(2035, 1, 1)},
		{"ML-DSA-44", 0, day(2046, 1, 1)},
	}
}

// ReadAlgorithms returns the table with the days that a file sets, a JSON object
// of names and days: {"SHA-256": "2031-01-01"}. What it does not name stays.
func ReadAlgorithms(r io.Reader) ([]Algorithm, error) {
	var days map[string]string
	if err := json.NewDecoder(io.LimitReader(r, 1<<20)).Decode(&days); err != nil {
		return nil, fmt.Errorf("read the end dates of algorithms, as {\"SHA-256\": \"2031-01-01\"}: %w", err)
	}
	table := Algorithms()
	for name, until := range days {
		i := slices.IndexFunc(table, func(a Algorithm) bool { return a.Name == name })
		if i < 0 {
			return nil, fmt.Errorf("end date of %q: no algorithm of the table has this name; they are %s", name, names(table))
		}
		var err error
		if table[i].Until, err = time.Parse(time.DateOnly, until); err != nil {
			return nil, fmt.Errorf("end date of %q: write it as 2031-01-31: %w", name, err)
		}
	}
	return table, nil
}

func names(table []Algorithm) string {
	var all []string
	for _, a := range table {
		all = append(all, a.Name)
	}
	return strings.Join(all, ", ")
}

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
func Need(p Proof, table []Algorithm, now time.Time, lead time.Duration) (need Renewal, by time.Time, err error) {
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

func ends(p Proof, table []Algorithm) (hash, signature time.Time, ok bool) {
	for _, a := range table {
		if a.Hash != 0 && a.Hash == p.Hash {
			hash = a.Until
		}
		if a.Hash == 0 && a.Name == p.Signature {
			signature = a.Until
		}
	}
	return hash, signature, !hash.IsZero() && !signature.IsZero()
}

func earliest(t time.Time, more ...time.Time) time.Time {
	for _, m := range more {
		if m.Before(t) {
			t = m
		}
	}
	return t
}
