package ceremony

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"inkwitness/capture"
	"inkwitness/evidence"
)

// Exhibit is the recorded evidence of one signature, opened for a dispute.
type Exhibit struct {
	Document   *Document
	Signer     *Signer
	Capture    *Capture
	Questioned capture.Signature
	References []ExhibitReference
	Timeline   json.RawMessage // timeline.json, nil where there is none
}

// ExhibitReference is a reference that the questioned signature is compared with.
type ExhibitReference struct {
	ID         capture.SessionID
	EnrolledAt time.Time
	SHA256     string // of the pen stream, lower-case hex
	Signature  capture.Signature
}

// Exhibit reads the evidence of a confirmed signature. The event that says why
// is recorded before anything is read. Who may read is for package dispute.
func (s *Service) Exhibit(ctx context.Context, document, signer string, why Event) (*Exhibit, error) {
	d, err := s.Documents.Document(ctx, document)
	if err != nil {
		return nil, err
	}
	who, err := d.Signer(signer)
	if err != nil {
		return nil, err
	}
	c := who.signature()
	if !who.Confirmed || c == nil {
		return nil, fmt.Errorf("signer %s has no recorded signature: %w", signer, ErrNotFound)
	}
	err = s.Tx.Tx(ctx, func(ctx context.Context) error {
		return s.Notices.Record(ctx, d, why)
	})
	if err != nil {
		return nil, fmt.Errorf("record the reading: %w", err)
	}
	x := &Exhibit{Document: d, Signer: who, Capture: c}
	if x.Questioned, err = s.questioned(ctx, who); err != nil {
		return nil, fmt.Errorf("read the questioned signature: %w", err)
	}
	subject, err := s.Subjects.Subject(ctx, d.Organisation, who.Email)
	if err != nil {
		return nil, err
	}
	for _, r := range subject.References {
		signature, err := s.reference(ctx, r)
		if err != nil {
			return nil, fmt.Errorf("read reference %s: %w", r.Capture, err)
		}
		x.References = append(x.References, ExhibitReference{r.Capture, r.EnrolledAt, r.Object.SHA256.String(), signature})
	}
	x.Timeline, err = s.readJSON(ctx, c, TimelineFile)
	return x, err
}

// Names of a capture's files that are looked for.
const (
	TimelineFile = "timeline.json"
	VideoFile    = "selfie.webm"
)

// File finds a stored file of a capture.
func (c *Capture) File(name string) (evidence.Object, error) {
	for _, f := range c.Files {
		if f.Name == name {
			return f.Object, nil
		}
	}
	return evidence.Object{}, fmt.Errorf("capture %s has no %s: %w", c.ID, name, ErrNotFound)
}

const maxTimeline = 4 << 20 // bytes

func (s *Service) readJSON(ctx context.Context, c *Capture, name string) (json.RawMessage, error) {
	o, err := c.File(name)
	if errors.Is(err, ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	r, err := s.Vault.Open(ctx, o)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	return io.ReadAll(io.LimitReader(r, maxTimeline))
}

// ConfirmedCapture is the capture that the signer confirmed, nil when there is none.
func (s *Signer) ConfirmedCapture() *Capture {
	if !s.Confirmed {
		return nil
	}
	return s.signature()
}

// ErrOthersRecorded: a signer asked for a deposit with recordings of other people.
var ErrOthersRecorded = errors.New("ceremony: the deposit holds recordings of other signers")

// OthersRecorded tells whether the deposit holds what was recorded of somebody else.
func (d *Document) OthersRecorded(s *Signer) bool {
	return slices.ContainsFunc(d.Signers, func(other *Signer) bool { return other != s && other.Typed == "" && other.Erased == nil })
}
