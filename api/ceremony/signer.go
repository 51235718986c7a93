package ceremony

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"inkwitness/api"
	"inkwitness/biometrics"
	"inkwitness/capture"
	"inkwitness/evidence"
)

// OpenLink exchanges a link's secret for a signing session. A link works in one
// browser: browser is a secret that it made and keeps, so that it can open the
// link again where the answer was lost, and nobody else can.
func (s *Service) OpenLink(ctx context.Context, secret, browser string) (session string, d *Document, signer string, err error) {
	hash, who := HashSecret(secret), HashSecret(browser)
	grant, err := s.Grants.Grant(ctx, hash)
	switch {
	case err != nil:
		return "", nil, "", err
	case grant.Kind != LinkGrant:
		return "", nil, "", ErrNotFound
	case !s.Clock.Now().Before(grant.Expires):
		return "", nil, "", ErrLinkExpired
	case grant.UsedBy != nil && subtle.ConstantTimeCompare(grant.UsedBy, who[:]) == 0:
		return "", nil, "", ErrLinkUsed
	}
	if d, err = s.Documents.Document(ctx, grant.Document); err != nil {
		return "", nil, "", err
	}
	if _, err = d.enter(grant.Signer); err != nil {
		return "", nil, "", err // a closed document does not use the link up
	}
	if err = s.Grants.UseGrant(ctx, hash, who); err != nil {
		return "", nil, "", err
	}
	session = newSecret()
	d, err = s.change(ctx, grant.Document, func(_ context.Context, d *Document) (Effects, error) {
		return d.Open(grant.Signer, s.Clock.Now().UTC(), session)
	})
	return session, d, grant.Signer, err
}

// LinkOf tells of what document and signer a link is, whether it opens or not: for
// the record, not for who shows it.
func (s *Service) LinkOf(ctx context.Context, secret string) (*Document, string, error) {
	grant, err := s.Grants.Grant(ctx, HashSecret(secret))
	if err != nil {
		return nil, "", err
	}
	d, err := s.Documents.Document(ctx, grant.Document)
	return d, grant.Signer, err
}

// Session tells whose signing session a secret is. It stays valid after the
// signature, so that the signer can download, until it expires.
func (s *Service) Session(ctx context.Context, secret string) (Grant, error) {
	grant, err := s.Grants.Grant(ctx, HashSecret(secret))
	switch {
	case err != nil:
		return Grant{}, err
	case grant.Kind != SessionGrant:
		return Grant{}, ErrNotFound
	case !s.Clock.Now().Before(grant.Expires):
		return Grant{}, ErrLinkExpired
	}
	return grant, nil
}

// Consent keeps a signer's answer to one purpose. What was being recorded for a
// purpose that is taken back ends.
func (s *Service) Consent(ctx context.Context, document, signer string, answer Consent) (*Document, error) {
	var before []capture.SessionID
	d, err := s.change(ctx, document, func(ctx context.Context, d *Document) (Effects, error) {
		answer.At = s.Clock.Now().UTC()
		before = d.openCaptures(signer)
		effects, err := d.Consent(signer, answer)
		if err == nil && !answer.Given {
			err = s.forgetStill(ctx, d, signer)
		}
		return effects, err
	})
	if err != nil {
		return nil, err
	}
	for _, id := range before {
		if slices.Contains(d.openCaptures(signer), id) {
			continue
		}
		if err := s.Recorder.Release(ctx, id); err != nil && !errors.Is(err, capture.ErrNotFound) {
			return nil, fmt.Errorf("release the recording: %w", err)
		}
	}
	return d, nil
}

// Decline closes the document.
func (s *Service) Decline(ctx context.Context, document, signer, reason string) (*Document, error) {
	return s.change(ctx, document, func(_ context.Context, d *Document) (Effects, error) { return d.Decline(signer, reason) })
}

// Fill keeps what the signer entered in fields beside the signature.
func (s *Service) Fill(ctx context.Context, document, signer string, values map[string]string) (*Document, error) {
	return s.change(ctx, document, func(_ context.Context, d *Document) (Effects, error) { return d.Fill(signer, values) })
}

// StartCapture opens a capture: the consent is checked and stored before the
// recorder takes the first byte.
func (s *Service) StartCapture(ctx context.Context, document, signer string, c Capture) (*Capture, error) {
	c.ID, c.Nonce, c.StartedAt = capture.SessionID(api.NewID()), make([]byte, 32), s.Clock.Now().UTC()
	_, _ = rand.Read(c.Nonce)
	var left []capture.SessionID // open captures that this one takes the place of
	if _, err := s.change(ctx, document, func(_ context.Context, d *Document) (Effects, error) {
		started := c
		left = d.openCaptures(signer)
		return d.StartCapture(signer, &started)
	}); err != nil {
		return nil, err
	}
	for _, id := range left {
		if err := s.Recorder.Release(ctx, id); err != nil {
			return nil, fmt.Errorf("release the recording before: %w", err)
		}
	}
	if err := s.Recorder.Open(ctx, &c); err != nil {
		return nil, fmt.Errorf("open the recording: %w", err)
	}
	return &c, nil
}

// OpenCapture returns a capture of the signer that may still be recorded to.
func (s *Service) OpenCapture(ctx context.Context, document, signer string, id capture.SessionID) (*Capture, error) {
	d, err := s.Documents.Document(ctx, document)
	if err != nil {
		return nil, err
	}
	who, err := d.proved(signer)
	if err != nil {
		return nil, err
	}
	c, err := who.capture(id)
	if err != nil {
		return nil, err
	}
	if c.State != CaptureOpen {
		return nil, api.Explain(ErrState, "The capture is %s.", c.State)
	}
	return c, nil
}

// FinishCapture stores a complete capture, or says what is wrong with it.
// Calling it again, also while it is under way, returns the stored result.
func (s *Service) FinishCapture(ctx context.Context, document, signer string, id capture.SessionID) (*Capture, error) {
	d, err := s.Documents.Document(ctx, document)
	if err != nil {
		return nil, err
	}
	if c := d.finished(signer, id); c != nil {
		return c, nil
	}
	c, err := s.OpenCapture(ctx, document, signer, id)
	if err != nil {
		return nil, err
	}
	who, err := d.Signer(signer)
	if err != nil {
		return nil, err
	}
	earlier, err := s.earlier(ctx, who, id)
	if err != nil {
		return nil, err
	}
	archive, err := s.Recorder.Finish(ctx, c, earlier)
	if err != nil {
		return nil, fmt.Errorf("finish the recording: %w", err)
	}
	made, err := s.store(ctx, d, who, *c, archive)
	if err != nil {
		return nil, err
	}
	if _, err := s.change(ctx, document, func(ctx context.Context, d *Document) (Effects, error) {
		if c := d.finished(signer, id); c != nil {
			made = *c
			return Effects{}, nil
		}
		effects, err := d.FinishCapture(signer, made)
		if err != nil {
			return Effects{}, err
		}
		if earlier != nil {
			if err := s.Prints.AddPrint(ctx, who.Subject, Print{id, s.Clock.Now().UTC(), archive.Print}); err != nil {
				return Effects{}, fmt.Errorf("keep the print: %w", err)
			}
		}
		if made.Kind == ReferenceCapture && !made.Refused() {
			return effects, s.enrol(ctx, d.Organisation, who.Email, made)
		}
		return effects, nil
	}); err != nil {
		return nil, err
	}
	if err := s.Recorder.Release(ctx, id); err != nil {
		return nil, fmt.Errorf("release the recording: %w", err)
	}
	return &made, nil
}

// maxEarlier bounds the captures among which replays are looked for; one costs
// some 0.3 ms.
const maxEarlier = 5000

// earlier returns the prints of all captures that the signer made before this
// one, also for others of the organisation's documents and also those that were
// refused. It is nil where the signer does not want to be compared.
func (s *Service) earlier(ctx context.Context, who *Signer, id capture.SessionID) ([]Print, error) {
	if !who.Allows(ForComparison) {
		return nil, nil
	}
	prints, err := s.Prints.Prints(ctx, who.Subject, maxEarlier)
	if err != nil {
		return nil, fmt.Errorf("read the prints of earlier captures: %w", err)
	}
	// A crash may have come after this one's print was kept.
	prints = slices.DeleteFunc(prints, func(p Print) bool { return p.Capture == id })
	if prints == nil {
		prints = []Print{}
	}
	return prints, nil
}

// store checks an archive and puts its files into the vault. A capture with
// problems is not stored: it will be made again.
func (s *Service) store(ctx context.Context, d *Document, who *Signer, c Capture, archive Archive) (Capture, error) {
	earlier, err := s.references(ctx, d.Organisation, who)
	if err != nil {
		return Capture{}, err
	}
	c.EndedAt, c.Receipt, c.Device = archive.Ended, archive.Receipt, archive.Device
	c.Quality = s.Comparator.Describe(archive.Signature)
	c.Problems, c.Reasons = s.problems(c.Kind, archive.Signature, earlier), archive.Reasons
	if archive.CopyOf != "" {
		c.Problems = append(c.Problems, biometrics.Problem{Code: biometrics.CodeReplay, Severity: biometrics.Refusal, Index: -1,
			Text: "This is a recording that was sent before, not signed anew. Please sign again."})
	}
	if c.Refused() {
		return c, nil
	}
	meta := evidence.Meta{Class: evidence.ClassDeposit, Reason: "evidence of the signature", DeleteAfter: keepDeposit(c.StartedAt), Subject: who.Subject, Deposit: d.ID}
	if c.Kind == ReferenceCapture {
		holder, err := s.Subjects.Subject(ctx, d.Organisation, who.Email) // who withdrew consent since the invitation is another one
		if err != nil {
			return Capture{}, fmt.Errorf("find the signer's references: %w", err)
		}
		meta = referenceMeta(holder, c.StartedAt, "reference for comparing signatures")
	}
	for _, f := range archive.Files {
		if c.Kind == ReferenceCapture && f.Name != PenFile {
			continue // a reference is the pen stream alone
		}
		object, err := s.put(ctx, meta, "captures/"+string(c.ID)+"/"+f.Name, f)
		if err != nil {
			return Capture{}, err
		}
		c.Files = append(c.Files, File{Name: f.Name, Object: object})
	}
	if c.Kind == ReferenceCapture {
		return c, nil // enrolled when the document says that it is finished
	}
	c.Face, err = s.face(ctx, d.Organisation, who, &c, archive.Face)
	return c, err
}

// referenceMeta describes what is enrolled of a subject. It has a key of its own:
// withdrawing consent destroys that and leaves deposits as they are.
func referenceMeta(holder *Subject, now time.Time, reason string) evidence.Meta {
	return evidence.Meta{Class: evidence.ClassReference, Reason: reason, DeleteAfter: keepDeposit(now), Subject: holder.ID, Deposit: referencesDeposit}
}

// referencesDeposit stands for the deposit in the name of a subject's key of references.
const referencesDeposit = "references"

// PenFile is the name of the pen stream among a capture's files.
const PenFile = "strokes.ink"

// put streams one file of a recording into the vault.
func (s *Service) put(ctx context.Context, meta evidence.Meta, key string, f ArchiveFile) (evidence.Object, error) {
	meta.Key, meta.ContentType = key, f.ContentType
	r, w := io.Pipe()
	go func() { w.CloseWithError(f.Write(w)) }()
	object, err := s.Vault.Put(ctx, meta, r)
	r.Close() // ends the writer where Put stopped early
	if err != nil {
		return evidence.Object{}, fmt.Errorf("store %s of the recording: %w", f.Name, err)
	}
	return object, nil
}

// problems says what is wrong with a signature as what it was made for: a
// reference is judged beside those that were enrolled before it, a signature by
// itself.
func (s *Service) problems(kind CaptureKind, signature capture.Signature, earlier []capture.Signature) []biometrics.Problem {
	if kind == SignatureCapture {
		earlier = nil
	}
	newest := len(earlier)
	var out []biometrics.Problem
	for _, p := range s.Comparator.CheckReferences(append(earlier, signature)) {
		if p.Code != biometrics.CodeFewReferences && (p.Index == newest || p.Index < 0) {
			p.Index = -1
			out = append(out, p)
		}
	}
	return out
}

// enrol adds a reference to the subject, in the transaction of ctx: a reference
// that stands without its capture would be what the same capture, sent again
// after a crash, is a copy of.
func (s *Service) enrol(ctx context.Context, organisation, email string, c Capture) error {
	subject, err := s.Subjects.Subject(ctx, organisation, email)
	if err != nil {
		return fmt.Errorf("find the signer's references: %w", err)
	}
	subject.References = append(subject.References, Reference{Capture: c.ID, Object: c.Files[0].Object, Device: c.Device, EnrolledAt: c.EndedAt})
	return s.saveSubject(ctx, subject)
}

// References counts the references that a signer has enrolled.
func (s *Service) References(ctx context.Context, organisation string, who *Signer) (int, error) {
	subject, err := s.Subjects.Subject(ctx, organisation, who.Email)
	if err != nil {
		return 0, err
	}
	return len(subject.References), nil
}

// references loads the enrolled signatures of a signer.
func (s *Service) references(ctx context.Context, organisation string, who *Signer) ([]capture.Signature, error) {
	subject, err := s.Subjects.Subject(ctx, organisation, who.Email)
	if err != nil {
		return nil, fmt.Errorf("find the signer's references: %w", err)
	}
	var out []capture.Signature
	for _, r := range subject.References {
		signature, err := s.reference(ctx, r)
		if err != nil {
			return nil, fmt.Errorf("read reference %s: %w", r.Capture, err)
		}
		out = append(out, signature)
	}
	return out, nil
}

// DiscardCapture throws a capture away.
func (s *Service) DiscardCapture(ctx context.Context, document, signer string, id capture.SessionID) (*Document, error) {
	d, err := s.change(ctx, document, func(ctx context.Context, d *Document) (Effects, error) {
		effects, err := d.DiscardCapture(signer, id)
		if err != nil {
			return effects, err
		}
		return effects, s.settleStill(ctx, d, signer, id, false)
	})
	if err != nil {
		return nil, err
	}
	if err := s.Recorder.Release(ctx, id); err != nil && !errors.Is(err, capture.ErrNotFound) {
		return nil, fmt.Errorf("release the recording: %w", err)
	}
	return d, nil
}

// Confirm is the signer's act. What follows from it is done by Run, also after
// a crash.
func (s *Service) Confirm(ctx context.Context, document, signer string, id capture.SessionID, typed string) (*Document, error) {
	d, err := s.change(ctx, document, func(ctx context.Context, d *Document) (Effects, error) {
		effects, err := d.Confirm(signer, id, typed)
		if err != nil {
			return effects, err
		}
		return effects, s.settleStill(ctx, d, signer, id, true)
	})
	if err != nil {
		return nil, err
	}
	s.nudge(document)
	return d, nil
}
