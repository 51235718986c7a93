package auth

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	_ "embed"
	"encoding/base64"
	"errors"
	"fmt"
	"sort"
	"strings"
	"time"
	"unicode/utf8"

	"golang.org/x/crypto/argon2"
	"golang.org/x/text/unicode/norm"

	"inkwitness/api"
)

// The lengths of NIST SP 800-63B-4, section 3.1.1.2, in Unicode code points.
const (
	minAlone  = 15  // the password is the only factor
	minSecond = 8   // there is a second factor
	maxLength = 256 // a bound on work, far above what people type
)

// cost is what one guess costs an attacker, and us. The defaults take 90 ms on a
// small server; RFC 9106, section 4, and OWASP ask for less.
type cost struct {
	memory  uint32 // KiB
	time    uint32 // passes
	threads uint8
}

var usualCost = cost{memory: 64 << 10, time: 3, threads: 2}

// hasher hashes passwords with argon2id over an HMAC of the password with the
// pepper, a key that is kept apart from the database. At most a few run at once,
// so that a flood of sign-ins cannot take all memory; a bounded number waits.
type hasher struct {
	pepper  []byte
	cost    cost
	running chan struct{}
	waiting chan struct{}
	dummy   string // a hash that no password has: unknown addresses cost the same time
}

const (
	maxRunning = 2
	maxWaiting = 400
	saltBytes  = 16
	hashBytes  = 32
)

func newHasher(pepper []byte, c cost) *hasher {
	h := &hasher{pepper: pepper, cost: c, running: make(chan struct{}, maxRunning), waiting: make(chan struct{}, maxWaiting)}
	var nobody [hashBytes + saltBytes]byte
	rand.Read(nobody[:]) // never fails, see crypto/rand
	h.dummy = h.encode(c, nobody[:hashBytes], nobody[hashBytes:])
	return h
}

// hash returns the stored form of a password, in the PHC string format. With a
// wanted it asks, once it is its turn, whether the hash is of use yet.
func (h *hasher) hash(ctx context.Context, password string, wanted ...func() error) (string, error) {
	done, err := h.enter(ctx)
	if err != nil {
		return "", err
	}
	defer done()
	for _, still := range wanted {
		if err := still(); err != nil {
			return "", err
		}
	}
	salt := make([]byte, saltBytes)
	rand.Read(salt) // never fails, see crypto/rand
	return h.encode(h.cost, h.derive(h.cost, salt, password), salt), nil
}

// keep is hash with all that is kept of a password.
func (h *hasher) keep(ctx context.Context, password string, now time.Time, wanted ...func() error) (api.Password, error) {
	hash, err := h.hash(ctx, password, wanted...)
	return api.Password{Hash: hash, Alone: utf8.RuneCountInString(norm.NFKC.String(password)) >= minAlone, Changed: now}, err
}

// check says whether a password fits a stored hash, and whether the hash should
// be made anew because it costs less than what is usual now.
func (h *hasher) check(ctx context.Context, stored, password string) (ok, renew bool, err error) {
	c, salt, want, err := decode(stored)
	if err != nil {
		return false, false, err
	}
	done, err := h.enter(ctx)
	if err != nil {
		return false, false, err
	}
	defer done()
	ok = subtle.ConstantTimeCompare(h.derive(c, salt, password), want) == 1
	return ok, ok && c != h.cost, nil
}

// enter waits for a place. Too many waiting is an error: refusing is better than
// falling over.
func (h *hasher) enter(ctx context.Context) (done func(), err error) {
	select {
	case h.waiting <- struct{}{}:
		defer func() { <-h.waiting }()
	default:
		return nil, fmt.Errorf("too many sign-ins at once: %w", api.ErrUnavailable)
	}
	select {
	case h.running <- struct{}{}:
		return func() { <-h.running }, nil
	case <-ctx.Done():
		return nil, fmt.Errorf("wait for a place: %w", ctx.Err())
	}
}

func (h *hasher) derive(c cost, salt []byte, password string) []byte {
	mac := hmac.New(sha256.New, h.pepper)
	mac.Write([]byte(norm.NFKC.String(password)))
	return argon2.IDKey(mac.Sum(nil), salt, c.time, c.memory, c.threads, hashBytes)
}

func (h *hasher) encode(c cost, sum, salt []byte) string {
	b64 := base64.RawStdEncoding
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d,keyid=1$%s$%s",
		argon2.Version, c.memory, c.time, c.threads, b64.EncodeToString(salt), b64.EncodeToString(sum))
}

var errHash = errors.New("auth: a stored password hash cannot be read")

func decode(stored string) (c cost, salt, sum []byte, err error) {
	parts := strings.Split(stored, "$")
	if len(parts) != 6 || parts[1] != "argon2id" || parts[2] != fmt.Sprintf("v=%d", argon2.Version) {
		return c, nil, nil, errHash
	}
	if _, err := fmt.Sscanf(parts[3], "m=%d,t=%d,p=%d,keyid=1", &c.memory, &c.time, &c.threads); err != nil {
		return c, nil, nil, errHash
	}
	salt, err1 := base64.RawStdEncoding.DecodeString(parts[4])
	sum, err2 := base64.RawStdEncoding.DecodeString(parts[5])
	if errors.Join(err1, err2) != nil || len(sum) != hashBytes || c.memory == 0 || c.memory > 1<<20 || c.time == 0 || c.threads == 0 {
		return c, nil, nil, errHash
	}
	return c, salt, sum, nil
}

// common holds the first 5 bytes of the SHA-256 of each common password and
// dictionary word of 8 characters or more, in lower case, sorted. See README.md
// for where the list is from.
//
//go:embed common.bin
var common []byte

const commonBytes = 5

func isCommon(word string) bool {
	sum := sha256.Sum256([]byte(word))
	n := len(common) / commonBytes
	at := func(i int) []byte { return common[i*commonBytes : (i+1)*commonBytes] }
	i := sort.Search(n, func(i int) bool { return bytes.Compare(at(i), sum[:commonBytes]) >= 0 })
	return i < n && bytes.Equal(at(i), sum[:commonBytes])
}

// checkNew says why a new password is not accepted, in words for its owner. The
// person's own words (name, address) must not be what it is made of.
func checkNew(password string, secondFactor bool, own ...string) error {
	least := minAlone
	if secondFactor {
		least = minSecond
	}
	n := utf8.RuneCountInString(norm.NFKC.String(password))
	switch {
	case !utf8.ValidString(password):
		return api.Explain(api.ErrInvalid, "The password is not valid text.")
	case n < least && !secondFactor:
		return api.Explain(api.ErrInvalid, "A password needs at least %d characters, or %d together with a second factor.", minAlone, minSecond)
	case n < least:
		return api.Explain(api.ErrInvalid, "A password needs at least %d characters.", least)
	case n > maxLength:
		return api.Explain(api.ErrInvalid, "A password has at most %d characters.", maxLength)
	case guessable(password, own):
		return api.Explain(api.ErrInvalid, "This password is easy to guess: it is common, repeats itself or is made of your own name or address. Choose another.")
	}
	return nil
}

// guessable finds passwords that a list would hold: common ones, also repeated
// or with digits and signs at their ends that are few or a run, short words
// repeated, one's own words, and runs like aaaa or 1234.
func guessable(password string, own []string) bool {
	const ends = "0123456789!?.,-_*#@$+ "
	p := strings.ToLower(norm.NFKC.String(password))
	behind := strings.TrimLeft(p, ends)
	core := strings.TrimRight(behind, ends)
	added, tail := len(p)-len(behind), behind[len(core):]
	if !isRun(tail) {
		added += len(tail)
	}
	return isListed(p) || added <= 6 && isListed(core) || isRun(p) || utf8.RuneCountInString(smallestUnit(p)) < 4 ||
		mostlyOwn(p, append([]string{"inkwitness"}, own...))
}

// isListed says whether a word is common, or a common or short one repeated.
func isListed(word string) bool {
	unit := smallestUnit(word)
	return isCommon(unit) || unit != word && utf8.RuneCountInString(unit) < minSecond
}

// mostlyOwn says whether fewer than 8 characters are left of p when one's own
// words are taken out.
func mostlyOwn(p string, own []string) bool {
	rest := p
	for _, w := range own {
		w = strings.ToLower(norm.NFKC.String(w))
		for _, part := range strings.FieldsFunc(w, func(r rune) bool { return strings.ContainsRune(" @.+-_", r) }) {
			if utf8.RuneCountInString(part) >= 3 {
				rest = strings.ReplaceAll(rest, part, "")
			}
		}
	}
	return rest != p && utf8.RuneCountInString(rest) < 8
}

// smallestUnit returns the shortest string that p is a repetition of.
func smallestUnit(p string) string {
	for n := 1; n <= len(p)/2; n++ {
		if len(p)%n == 0 && strings.Repeat(p[:n], len(p)/n) == p {
			return p[:n]
		}
	}
	return p
}

// isRun says whether each character follows the one before by the same small
// step, as in 123456789012345 or abcdefghijklmno.
func isRun(p string) bool {
	runes := []rune(p)
	steps := map[rune]int{}
	for i := 1; i < len(runes); i++ {
		steps[(runes[i]-runes[i-1]+10)%10]++
	}
	for _, count := range steps {
		if count == len(runes)-1 && len(runes) > 1 {
			return true
		}
	}
	return false
}
