// Package evidence is the vocabulary of what must stand for ten years: stored
// objects with their class, reason and end, wrapped keys, deposits, the steps
// of a seal, the log's commitments and checkpoints, and what a verifier says.
//
// It declares the interfaces that the packages beside it share and holds no
// technology: vault encrypts and stores, trust and tsa hold certificates and
// time, cms codes signatures, ledger is the Merkle log, pdf and deposit are the
// two file formats, seal puts them together, retain ends them, and
// cmd/inkverify checks a file without any of the service's own code or data.
package evidence

import (
	"errors"
	"fmt"
	"time"
)

// Errors that cross package borders. Test them with errors.Is.
var (
	ErrNotFound   = errors.New("evidence: not found")
	ErrExists     = errors.New("evidence: exists already")
	ErrNoClass    = errors.New("evidence: an object needs a class, a reason and an end")
	ErrErased     = errors.New("evidence: erased")
	ErrCorrupt    = errors.New("evidence: stored bytes do not match what was stored")
	ErrMalformed  = errors.New("evidence: malformed data")
	ErrLimit      = errors.New("evidence: a limit was exceeded")
	ErrConflict   = errors.New("evidence: somebody else changed this meanwhile")
	ErrClock      = errors.New("evidence: the clock cannot be trusted")
	ErrPending    = errors.New("evidence: not done yet")
	ErrHeld       = errors.New("evidence: under legal hold")
	ErrNotAllowed = errors.New("evidence: refused by policy")
	ErrLapsed     = errors.New("evidence: a person's approval was not used in time")
	ErrVoid       = errors.New("evidence: void, and to be made again")
)

// Class says what kind of data an object is. Every stored object has one; the
// class decides who may read it and when it must be gone.
type Class string

// The data classes.
const (
	ClassAccount        Class = "K1" // name, e-mail address, credentials: until the account is deleted
	ClassProject        Class = "K2" // uploads, drafts, comments: until the project is finished and wiped
	ClassIdentification Class = "K3" // identity checks, session logs: until the dispute period ends
	ClassDeposit        Class = "K4" // signed documents with their sealed proof: ten calendar years
	ClassReference      Class = "K5" // enrolled templates: until consent is withdrawn or they are replaced
	ClassPhoto          Class = "K6" // photos and their certificates: thirty days
	ClassLog            Class = "K7" // commitments, never personal data: for ever
)

// Known reports whether c is one of the declared classes.
func (c Class) Known() bool {
	switch c {
	case ClassAccount, ClassProject, ClassIdentification, ClassDeposit, ClassReference, ClassPhoto, ClassLog:
		return true
	}
	return false
}

// Retention is how long a class is kept. Years are calendar years.
type Retention struct {
	Years int
	Days  int
}

// RetentionOf returns the fixed period of a class. ok is false where the end is
// an event (a request, a finished project, a dispute period) and so must be
// given with each object.
func RetentionOf(c Class) (r Retention, ok bool) {
	switch c {
	case ClassDeposit:
		return Retention{Years: 10}, true
	case ClassPhoto:
		return Retention{Days: 30}, true
	}
	return Retention{}, false
}

// End is the first moment at which what was stored at t must be gone. A period
// of years that starts on 29 February ends on 1 March where the last year has
// no such day.
func (r Retention) End(t time.Time) time.Time {
	return t.UTC().AddDate(r.Years, 0, r.Days)
}

// Meta is what must be known of an object before its first byte is stored.
type Meta struct {
	Key         string    `json:"key"`     // path in the blob store, also the encryption's associated data
	Class       Class     `json:"class"`   // never empty
	Reason      string    `json:"reason"`  // why it is kept, in words a data subject can read
	DeleteAfter time.Time `json:"delete"`  // UTC; zero only for ClassLog
	Subject     string    `json:"subject"` // whose data key: an account or signer id, or the deposit itself
	Deposit     string    `json:"deposit"` // deposit or project the object belongs to
	Region      string    `json:"region"`  // where the bytes lie, "local" by default
	ContentType string    `json:"contentType,omitempty"`

	Lock bool `json:"-"` // nobody may change or delete it before DeleteAfter, where the store can see to that
}

// Check returns ErrNoClass, saying what is missing, unless the object may be stored.
func (m Meta) Check() error {
	switch {
	case !m.Class.Known():
		return fmt.Errorf("object %q, class %q: %w", m.Key, m.Class, ErrNoClass)
	case m.Reason == "":
		return fmt.Errorf("object %q has no reason: %w", m.Key, ErrNoClass)
	case m.DeleteAfter.IsZero() && m.Class != ClassLog:
		return fmt.Errorf("object %q has no end: %w", m.Key, ErrNoClass)
	case m.Key == "" || m.Subject == "":
		return fmt.Errorf("object %q, subject %q: both are needed: %w", m.Key, m.Subject, ErrNoClass)
	}
	return nil
}

// Object is one stored, encrypted object: the row that points at a blob.
type Object struct {
	Meta
	DataKey string    `json:"dataKey"` // id of the wrapped key that encrypts it
	SHA256  Digest    `json:"sha256"`  // of the plain bytes
	CRC32   uint32    `json:"crc32"`   // IEEE, of the plain bytes: a container entry can be written without reading twice
	Size    int64     `json:"size"`    // plain bytes
	Stored  time.Time `json:"stored"`  // UTC

	// Salt is the random one of this encryption: under the data key it leads to a key that
	// encrypted these bytes and no others. Zero in objects of releases that did not record it.
	Salt Digest `json:"salt,omitzero"`

	Locked time.Time `json:"locked,omitzero"` // UTC; until when the stores that can must let nobody change or delete it, zero: not at all
}

// Key is a secret kept wrapped by the root key. Public is what may be known of
// it in clear (a certificate chain, a public key); it outlives the secret.
type Key struct {
	ID      string    `json:"id"`
	Purpose string    `json:"purpose"` // "data", "signer", "ca", "tsa", "log"
	Subject string    `json:"subject"`
	Deposit string    `json:"deposit"`
	Wrapped []byte    `json:"wrapped"` // empty once destroyed
	Public  []byte    `json:"public"`
	Created time.Time `json:"created"`
	Erased  *Erasure  `json:"erased,omitempty"`
}

// Erasure says when and by whom a key was destroyed.
type Erasure struct {
	When      time.Time `json:"when"`
	Authority string    `json:"authority"` // "signed", "request 2026-17 of the data subject", "retention"
}

// ErasedError carries the erasure of what can no longer be read. It is ErrErased.
type ErasedError struct {
	ID string
	Erasure
}

func (e *ErasedError) Error() string {
	return fmt.Sprintf("%s was erased on %s by %s", e.ID, e.When.UTC().Format(time.DateOnly), e.Authority)
}

// Unwrap makes errors.Is(err, ErrErased) true.
func (e *ErasedError) Unwrap() error { return ErrErased }

// Deposit is one sealed letter of deposit as the service knows it.
type Deposit struct {
	ID         string     `json:"id"`
	Title      string     `json:"title"`
	Sealed     time.Time  `json:"sealed"` // UTC, the time in the seal
	Ends       time.Time  `json:"ends"`   // first moment at which it must be gone
	Container  Object     `json:"container"`
	Document   Object     `json:"document"`
	Commitment Commitment `json:"commitment"`
	Index      int64      `json:"index"` // in the log
}

// Step is one step of a seal, in the order in which they are done.
type Step string

// The steps of a seal. Each is idempotent: done twice it leaves what it left
// the first time.
const (
	StepIntent       Step = "intent"       // what will be signed is stored, nothing has been done
	StepCertificates Step = "certificates" // one certificate per signer exists
	StepDocument     Step = "document"     // the PDF carries every signature
	StepCollected    Step = "collected"    // every part of the container is stored and hashed
	StepSigned       Step = "signed"       // the manifest is signed and time-stamped
	StepCommitted    Step = "committed"    // the commitment is in the log's outbox, in the deposit's transaction
	StepSequenced    Step = "sequenced"    // the inclusion proof is held
	StepDeposited    Step = "deposited"    // the container is stored; the keys of the signers are destroyed
)
