// Package holder keeps the signers' keys in a process of its own.
//
// The process answers over a unix socket. It gives a key out to nobody, and
// makes a signature only after the signer's own factor has spoken: a key that
// was made in the signer's browser and cannot leave it signs a statement that
// names the ceremony, the document's digest and how many signatures are to be
// made. The statement is the holder's own, is good once and for minutes. Whoever
// takes the service over therefore signs nothing for people who are not there.
//
// What the holder did and refused stands in a log of its own, written before the
// effect: what cannot be written down is not done. See journal.go.
//
// The holder does not see the document. It binds a proof to the digest that the
// signer's page showed, and leaves to the deposit's verifier that what was signed
// has that document as its first revision.
package holder

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"math/big"
	"slices"
	"strings"
	"sync"
	"time"

	"inkwitness/capture"
	"inkwitness/evidence"
	"inkwitness/evidence/trust"
)

// Reasons for which the holder does nothing.
var (
	ErrProof    = fmt.Errorf("key holder: no proof of the signer's factor that fits: %w", evidence.ErrNotAllowed)
	ErrBusy     = fmt.Errorf("key holder: more signatures in a minute than it may make: %w", evidence.ErrLimit)
	ErrUnlogged = errors.New("key holder: its log cannot be written")
	ErrAway     = errors.New("key holder: it does not answer")
)

// Times and bounds.
const (
	ProofLifetime    = 5 * time.Minute // from the statement to the signer's answer
	ApprovalLifetime = 72 * time.Hour  // for an interrupted seal to go on
	DefaultRate      = 120             // signatures in a minute
	maxKeys          = 5               // browsers of one signer in one ceremony
	maxSignatures    = 200
	maxChallenges    = 10_000
)

// Config is what a Holder needs; Rate and Logger are optional.
type Config struct {
	Authority *trust.Local
	Journal   *Journal
	Clock     capture.Clock
	Rate      int // signatures in a minute, DefaultRate when 0
	Logger    *slog.Logger
}

// Holder decides what is signed. It is safe for concurrent use.
type Holder struct {
	cfg Config

	mu          sync.Mutex
	challenges  map[string]challenge // by nonce
	signers     map[string]*signer   // by ceremony and signer
	credentials map[string]*credential
	recent      []time.Time // signatures of the last minute
	refusals    []time.Time
}

// challenge is a statement that waits for the signer's answer.
type challenge struct {
	statement  string
	who        string
	document   string
	signatures int
	key        []byte
	ends       time.Time
}

// signer is what the log says of one signer of one ceremony.
type signer struct {
	keys       [][]byte // that browsers registered, as SubjectPublicKeyInfo
	document   string   // digest of the approved one, empty before
	signatures int
	ends       time.Time
	credential string // the last one
}

// credential is one certificate.
type credential struct {
	who     string
	ends    time.Time
	digests []string // that may be signed with it
	gone    bool
}

// New returns a Holder that knows what its journal says.
func New(cfg Config) (*Holder, error) {
	if cfg.Authority == nil || cfg.Journal == nil || cfg.Clock == nil {
		return nil, errors.New("key holder: Authority, Journal and Clock are required")
	}
	if cfg.Rate == 0 {
		cfg.Rate = DefaultRate
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	h := &Holder{cfg: cfg, challenges: map[string]challenge{}, signers: map[string]*signer{}, credentials: map[string]*credential{}}
	for _, e := range cfg.Journal.take() {
		h.apply(e)
	}
	return h, nil
}

// Root is the certificate that the signers' certificates end in.
func (h *Holder) Root() *x509.Certificate { return h.cfg.Authority.Root() }

// apply brings the state up to an entry of the log.
func (h *Holder) apply(e Entry) {
	who := e.Ceremony + "/" + e.Signer
	s := h.signers[who]
	if s == nil {
		s = &signer{}
		if e.Ceremony != "" && e.Kind != Refused {
			h.signers[who] = s
		}
	}
	switch e.Kind {
	case Enrolled:
		s.keys = append(s.keys, e.Key)
	case Approved:
		s.document, s.signatures, s.ends = e.Document, e.Signatures, e.Ends
	case Certified:
		s.credential = e.Credential
		h.credentials[e.Credential] = &credential{who: who, ends: e.Ends}
	case Authorized:
		if c := h.credentials[e.Credential]; c != nil {
			c.digests = append(c.digests, e.Digest)
		}
	case Released:
		if c := h.credentials[e.Credential]; c != nil {
			c.gone = true
		}
	}
}

// note writes an entry and then lets it count.
func (h *Holder) note(e Entry) error {
	e.At = h.cfg.Clock.Now().UTC()
	if err := h.cfg.Journal.append(&e); err != nil {
		h.cfg.Logger.Error("the key holder's log cannot be written: nothing is signed", "err", err)
		return fmt.Errorf("%w: %w", ErrUnlogged, err)
	}
	h.apply(e)
	return nil
}

// refuse notes a refusal, as many in a minute as signatures are allowed.
func (h *Holder) refuse(e Entry, cause error, reason string) error {
	e.Kind, e.Reason = Refused, reason
	now := h.cfg.Clock.Now()
	if h.refusals = lastMinute(h.refusals, now); len(h.refusals) < h.cfg.Rate {
		h.refusals = append(h.refusals, now)
		if err := h.note(e); err != nil {
			return err
		}
	}
	return fmt.Errorf("%w: %s", cause, reason)
}

func lastMinute(times []time.Time, now time.Time) []time.Time {
	return slices.DeleteFunc(times, func(t time.Time) bool { return now.Sub(t) >= time.Minute })
}

// Enrol registers the key of a signer's browser. Once a certificate was made for
// the signer no further key is taken.
func (h *Holder) Enrol(_ context.Context, ceremony, who string, public []byte) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	e := Entry{Kind: Enrolled, Ceremony: ceremony, Signer: who, Key: public}
	if !plain(ceremony) || !plain(who) {
		return h.refuse(Entry{}, ErrProof, "a ceremony or signer is not named")
	}
	if _, err := parseKey(public); err != nil {
		return h.refuse(e, ErrProof, "the browser's key is not one of P-256")
	}
	if s := h.signers[ceremony+"/"+who]; s != nil {
		switch {
		case slices.ContainsFunc(s.keys, func(k []byte) bool { return string(k) == string(public) }):
			return nil
		case s.credential != "":
			return h.refuse(e, ErrProof, "the signer's certificate was made already")
		case len(s.keys) >= maxKeys:
			return h.refuse(e, ErrProof, "too many browsers for one signer")
		}
	}
	return h.note(e)
}

// Challenge makes the statement that a registered key has to sign.
func (h *Holder) Challenge(_ context.Context, ceremony, who, document string, signatures int, public []byte) (string, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	e := Entry{Ceremony: ceremony, Signer: who, Document: document}
	s := h.signers[ceremony+"/"+who]
	if s == nil || !slices.ContainsFunc(s.keys, func(k []byte) bool { return string(k) == string(public) }) {
		return "", h.refuse(e, ErrProof, "the browser's key is not registered")
	}
	if raw, err := hex.DecodeString(document); err != nil || len(raw) != sha256.Size || signatures < 1 || signatures > maxSignatures {
		return "", h.refuse(e, ErrProof, "a document's SHA-256 and 1 to 200 signatures are needed")
	}
	now := h.cfg.Clock.Now()
	for nonce, c := range h.challenges {
		if now.After(c.ends) {
			delete(h.challenges, nonce)
		}
	}
	if len(h.challenges) >= maxChallenges {
		return "", ErrBusy
	}
	var random [16]byte
	rand.Read(random[:]) // never fails, see crypto/rand
	nonce := hex.EncodeToString(random[:])
	statement := fmt.Sprintf("inkwitness proof of a signer's factor, v1\nceremony %s\nsigner %s\ndocument sha256:%s\nsignatures %d\nnonce %s\n",
		ceremony, who, document, signatures, nonce)
	h.challenges[nonce] = challenge{statement, ceremony + "/" + who, document, signatures, public, now.Add(ProofLifetime)}
	return statement, nil
}

// Approve takes the signer's answer, r and s of ECDSA with SHA-256 over the
// statement, 64 bytes. An answer is used up by the first try.
func (h *Holder) Approve(_ context.Context, ceremony, who, document, statement string, signature []byte) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	e := Entry{Kind: Approved, Ceremony: ceremony, Signer: who, Document: document}
	_, nonce, _ := strings.Cut(statement, "\nnonce ")
	c, known := h.challenges[strings.TrimSpace(nonce)]
	switch {
	case statement == "" || len(signature) == 0:
		return h.refuse(e, ErrProof, "the proof is missing")
	case !known:
		return h.refuse(e, ErrProof, "the statement is unknown, or was used")
	}
	delete(h.challenges, strings.TrimSpace(nonce))
	now := h.cfg.Clock.Now()
	s := h.signers[c.who]
	switch {
	case now.After(c.ends):
		return h.refuse(e, ErrProof, "the proof is too old")
	case c.statement != statement || c.who != ceremony+"/"+who:
		return h.refuse(e, ErrProof, "the proof is for another ceremony or signer")
	case c.document != document:
		return h.refuse(e, ErrProof, "the proof is for another document")
	case !verify(c.key, statement, signature):
		return h.refuse(e, ErrProof, "the browser's key did not sign this")
	case s.credential != "":
		return h.refuse(e, ErrProof, "the signer's certificate was made already")
	}
	e.Key, e.Signatures, e.Ends = c.key, c.signatures, now.Add(ApprovalLifetime).UTC()
	return h.note(e)
}

// Credential makes the certificate of a signer who approved. The request's ID is
// ceremony/signer/try: a further try is good once the one before has ended.
func (h *Holder) Credential(ctx context.Context, req evidence.CredentialRequest) (evidence.Credential, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	who, _, ok := cutLast(req.ID)
	ceremony, id, named := strings.Cut(who, "/")
	e := Entry{Kind: Certified, Ceremony: ceremony, Signer: id, Credential: req.ID, Document: ""}
	if !ok || !named || !plain(ceremony) || !plain(id) || ceremony != req.Deposit {
		return evidence.Credential{}, h.refuse(Entry{}, ErrProof, "the request names no ceremony and signer")
	}
	now, s := h.cfg.Clock.Now(), h.signers[who]
	if c := h.credentials[req.ID]; c == nil {
		switch {
		case s == nil || s.document == "":
			return evidence.Credential{}, h.refuse(e, ErrProof, "the proof is missing")
		case now.After(s.ends):
			return evidence.Credential{}, h.refuse(e, ErrProof, "the proof is too old")
		}
		if before := h.credentials[s.credential]; before != nil && now.Add(renewal).Before(before.ends) {
			return evidence.Credential{}, h.refuse(e, ErrProof, "the signer's certificate was made already")
		}
		e.Document, e.Ends = s.document, now.Add(trust.DefaultLifetime).UTC()
		if err := h.note(e); err != nil {
			return evidence.Credential{}, err
		}
	}
	req.Lifetime = h.credentials[req.ID].ends.Sub(now) // the same end, should a crash have come between
	if req.Lifetime <= 0 {
		req.Lifetime = time.Second
	}
	return h.cfg.Authority.Credential(ctx, req)
}

// renewal is how long before its end a certificate may be followed by the next.
const renewal = 15 * time.Minute

// Authorize lets digests be signed, as many as the signer approved.
func (h *Holder) Authorize(ctx context.Context, id string, digests []evidence.SignDigest) (evidence.Authorization, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	e, c, s, err := h.usable(id)
	if err != nil {
		return evidence.Authorization{}, err
	}
	fresh := 0
	for _, d := range digests {
		if !slices.Contains(c.digests, name(d)) {
			fresh++
		}
	}
	if len(c.digests)+fresh > s.signatures {
		return evidence.Authorization{}, h.refuse(e, ErrProof, "the proof is used up: it was for fewer signatures")
	}
	auth, err := h.cfg.Authority.Authorize(ctx, id, digests)
	if err != nil {
		return evidence.Authorization{}, err
	}
	for _, d := range digests {
		if slices.Contains(c.digests, name(d)) {
			continue
		}
		e.Kind, e.Digest = Authorized, name(d)
		if err := h.note(e); err != nil {
			return evidence.Authorization{}, err
		}
	}
	return auth, nil
}

// usable is a certificate under an approval that still holds.
func (h *Holder) usable(id string) (Entry, *credential, *signer, error) {
	c := h.credentials[id]
	if c == nil {
		return Entry{}, nil, nil, h.refuse(Entry{Credential: id}, ErrProof, "there is no such certificate")
	}
	ceremony, who, _ := strings.Cut(c.who, "/")
	s := h.signers[c.who]
	e := Entry{Ceremony: ceremony, Signer: who, Credential: id, Document: s.document}
	switch {
	case c.gone:
		return e, nil, nil, fmt.Errorf("key holder: the key was destroyed: %w", evidence.ErrErased)
	case h.cfg.Clock.Now().After(s.ends):
		return e, nil, nil, h.refuse(e, ErrProof, "the proof is too old")
	}
	return e, c, s, nil
}

// Sign signs authorized digests.
func (h *Holder) Sign(ctx context.Context, auth evidence.Authorization, digests []evidence.SignDigest) ([][]byte, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	e, c, _, err := h.usable(auth.Credential)
	if err != nil {
		return nil, err
	}
	for _, d := range digests {
		if !slices.Contains(c.digests, name(d)) {
			return nil, h.refuse(e, ErrProof, "a digest was not authorized")
		}
	}
	now := h.cfg.Clock.Now()
	if h.recent = lastMinute(h.recent, now); len(h.recent)+len(digests) > h.cfg.Rate {
		return nil, h.refuse(e, ErrBusy, "too many signatures")
	}
	for _, d := range digests {
		h.recent = append(h.recent, now)
		e.Kind, e.Digest = Signed, name(d)
		if err := h.note(e); err != nil {
			return nil, err
		}
	}
	return h.cfg.Authority.Sign(ctx, auth, digests)
}

// Release destroys the key of a certificate.
func (h *Holder) Release(ctx context.Context, id string) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	c := h.credentials[id]
	if c == nil {
		return h.refuse(Entry{Credential: id}, ErrProof, "there is no such certificate")
	}
	if !c.gone {
		ceremony, who, _ := strings.Cut(c.who, "/")
		if err := h.note(Entry{Kind: Released, Ceremony: ceremony, Signer: who, Credential: id}); err != nil {
			return err
		}
	}
	err := h.cfg.Authority.Release(ctx, id)
	if errors.Is(err, evidence.ErrNotFound) {
		return nil // a crash came before its key was made
	}
	return err
}

// finish destroys the keys whose destruction is noted.
func (h *Holder) finish(ctx context.Context) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	for id, c := range h.credentials {
		if !c.gone {
			continue
		}
		if err := h.cfg.Authority.Release(ctx, id); err != nil && !errors.Is(err, evidence.ErrNotFound) {
			return fmt.Errorf("destroy the key of %s: %w", id, err)
		}
	}
	return nil
}

// Revocation says that none of its certificates is revoked.
func (h *Holder) Revocation(ctx context.Context, chain []*x509.Certificate) (evidence.Revocation, error) {
	return h.cfg.Authority.Revocation(ctx, chain)
}

func name(d evidence.SignDigest) string { return fmt.Sprintf("%s:%x", d.Hash, d.Value) }

// plain is an identifier: nothing that could end a line of a statement.
func plain(id string) bool {
	return id != "" && len(id) <= 64 && strings.Trim(id, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_") == ""
}

func cutLast(id string) (before, after string, ok bool) {
	i := strings.LastIndexByte(id, '/')
	if i < 0 {
		return id, "", false
	}
	return id[:i], id[i+1:], true
}

func parseKey(der []byte) (*ecdsa.PublicKey, error) {
	parsed, err := x509.ParsePKIXPublicKey(der)
	if err != nil {
		return nil, err
	}
	key, ok := parsed.(*ecdsa.PublicKey)
	if !ok || key.Curve != elliptic.P256() {
		return nil, errors.New("not a key of P-256")
	}
	return key, nil
}

func verify(public []byte, statement string, signature []byte) bool {
	key, err := parseKey(public)
	if err != nil || len(signature) != 64 {
		return false
	}
	digest := sha256.Sum256([]byte(statement))
	return ecdsa.Verify(key, digest[:], new(big.Int).SetBytes(signature[:32]), new(big.Int).SetBytes(signature[32:]))
}
