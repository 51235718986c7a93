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
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"slices"
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
	signed     bool     // a digest was authorized, under any certificate
	signatures int
	made       []string // digests that were signed, under any certificate
	ends       time.Time
	credential string // the last one, which alone signs
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
		s.signed = true
		if c := h.credentials[e.Credential]; c != nil {
			c.digests = append(c.digests, e.Digest)
		}
	case Signed:
		if !slices.Contains(s.made, e.Digest) {
			s.made = append(s.made, e.Digest)
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
