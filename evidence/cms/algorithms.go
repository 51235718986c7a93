package cms

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
)

// ErrWeak is a proof that rests on an algorithm beyond the day until which the
// table of algorithms says that it may.
var ErrWeak = errors.New("cms: an algorithm ended before it was renewed")

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

// HashEnds returns the day until which proofs may rest on a hash; false for one
// that the table does not know, on which nothing may.
func HashEnds(table []Algorithm, h crypto.Hash) (time.Time, bool) {
	i := slices.IndexFunc(table, func(a Algorithm) bool { return a.Hash != 0 && a.Hash == h })
	if i < 0 {
		return time.Time{}, false
	}
	return table[i].Until, true
}

// SignatureEnds is HashEnds for the name of a kind of key.
func SignatureEnds(table []Algorithm, name string) (time.Time, bool) {
	i := slices.IndexFunc(table, func(a Algorithm) bool { return a.Hash == 0 && a.Name == name })
	if i < 0 {
		return time.Time{}, false
	}
	return table[i].Until, true
}

// Counts returns nil while proofs may rest on the token and on a hash of data, at
// a time, by the table. The digest inside the token's signature counts with its key.
func (t *Token) Counts(table []Algorithm, h crypto.Hash, token, data time.Time) error {
	key := KeyName(t.Signer.PublicKey)
	for _, a := range []struct {
		name  string
		until func() (time.Time, bool)
		at    time.Time
	}{
		{key, func() (time.Time, bool) { return SignatureEnds(table, key) }, token},
		{h.String(), func() (time.Time, bool) { return HashEnds(table, h) }, data},
	} {
		until, known := a.until()
		if !known {
			return fmt.Errorf("%s is not in the table of algorithms: %w", a.name, ErrWeak)
		}
		if !a.at.Before(until) {
			return fmt.Errorf("%s counts until %s, and had to until %s: %w", a.name, until.Format(time.DateOnly), a.at.Format(time.DateOnly), ErrWeak)
		}
	}
	return nil
}

// KeyName names a key as the table of algorithms does. RSA keys of 3072
// bits and more count as 3072.
func KeyName(key any) string {
	switch k := key.(type) {
	case *ecdsa.PublicKey:
		return "ECDSA " + k.Curve.Params().Name
	case ed25519.PublicKey:
		return "Ed25519"
	case *rsa.PublicKey:
		if k.N.BitLen() >= 3072 {
			return "RSA 3072"
		}
		return fmt.Sprintf("RSA %d", k.N.BitLen())
	}
	return fmt.Sprintf("%T", key)
}
