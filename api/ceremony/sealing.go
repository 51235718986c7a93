package ceremony

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"inkwitness/biometrics"
	"inkwitness/capture"
	"inkwitness/evidence"
)

// Sealer makes signatures and deposits. Every method is resumable: it hands
// each intermediate state to keep before the effect that follows from it, and
// called again with the kept state it goes on where it stopped, with the same
// certificate. It returns evidence.ErrPending when it waits for somebody.
type Sealer interface {
	// Sign adds the signature of one signer to d.Current and returns the new
	// revision, stored.
	Sign(ctx context.Context, d *Document, s *Signer, keep Keep) (evidence.Object, error)
	// Commit collects everything into the container's list, signs and
	// time-stamps it, and returns what goes into the log.
	Commit(ctx context.Context, d *Document, keep Keep) (evidence.Commitment, error)
	// Deposit writes the container of a committed document with its inclusion
	// proof; evidence.ErrPending until the log has one, evidence.ErrVoid where the
	// document has to be committed again.
	Deposit(ctx context.Context, d *Document, keep Keep) (Deposit, error)
	// Objects lists what a kept state refers to.
	Objects(state []byte) ([]evidence.Object, error)
	// Certification reads how far the kept signature is with its provider.
	Certification(s *Signer) (Certification, error)
	// Consented takes what the signer brought back from the provider and returns
	// the new state of the signature; evidence.ErrNotAllowed when it belongs to
	// something else.
	Consented(ctx context.Context, d *Document, s *Signer, state, code string) ([]byte, error)
}

// Log takes commitments.
type Log interface {
	// AddLogEntry puts a commitment into the outbox, in the transaction of ctx.
	// One that is there already stays as it is.
	AddLogEntry(ctx context.Context, c evidence.Commitment) error
	// Wake tells the sequencer that something waits.
	Wake()
}

// Keep stores the state of a seal durably.
type Keep func(ctx context.Context, state []byte) error

// Inks reads a stored pen stream back.
type Inks interface {
	Read(r io.Reader, device capture.Device) (capture.Signature, error)
}

// nudge asks Run to look at a document soon. Losing a nudge costs one patrol.
func (s *Service) nudge(id string) {
	select {
	case s.wake <- id:
	default:
	}
}

// Advance takes a document as far as it goes. Run does it for every document that
// was confirmed, and again after a failure.
func (s *Service) Advance(ctx context.Context, id string) error {
	d, err := s.Documents.Document(ctx, id)
	if err != nil {
		return err
	}
	if i := slices.IndexFunc(d.Signers, func(s *Signer) bool { return s.State == Signing }); i >= 0 && d.State == Sent {
		signer := d.Signers[i].ID
		d, err = s.sign(ctx, d, d.Signers[i])
		if errors.Is(err, evidence.ErrPending) {
			_, err = s.awaitConsent(ctx, d, signer)
			return err
		}
		if errors.Is(err, evidence.ErrLapsed) {
			_, err = s.change(ctx, id, func(_ context.Context, d *Document) (Effects, error) {
				return d.lapse(signer, s.Clock.Now().UTC(), newSecret)
			})
			return err
		}
		if err != nil {
			return fmt.Errorf("sign for signer %s: %w", signer, err)
		}
	}
	if d.State == Sealing {
		if err := s.deposit(ctx, d); err != nil {
			return fmt.Errorf("make the deposit: %w", err)
		}
	}
	return nil
}

// sign compares, signs and hands on to the next signer.
func (s *Service) sign(ctx context.Context, d *Document, who *Signer) (*Document, error) {
	if who.Comparison == nil && who.Allows(ForComparison) && who.Typed == "" {
		comparison, err := s.compare(ctx, d, who)
		if err != nil {
			return d, fmt.Errorf("compare the signature: %w", err)
		}
		if d, err = s.change(ctx, d.ID, func(_ context.Context, d *Document) (Effects, error) {
			who, err := d.signing(who.ID)
			if err == nil {
				who.Comparison = comparison
			}
			return Effects{}, err
		}); err != nil {
			return d, err
		}
		if who, err = d.Signer(who.ID); err != nil {
			return d, err
		}
	}
	revision, err := s.Sealer.Sign(ctx, d, who, s.keepSignature(d.ID, who))
	if err != nil {
		return d, err
	}
	return s.change(ctx, d.ID, func(_ context.Context, d *Document) (Effects, error) {
		who, err := d.signing(who.ID)
		if err != nil {
			return Effects{}, err
		}
		certified, err := s.Sealer.Certification(who)
		if err != nil {
			return Effects{}, err
		}
		d.Current, d.Trouble, who.Certified, who.ProviderConsent = revision, "", certified.Name, ""
		return d.signedBy(who, s.Clock.Now().UTC(), newSecret), nil
	})
}

// signing finds a signer whose signature is in the making. It is not any more where
// the document was withdrawn meanwhile, or another instance made it.
func (d *Document) signing(id string) (*Signer, error) {
	s, err := d.Signer(id)
	if err == nil && (d.State != Sent || s.State != Signing) {
		err = ErrOvertaken
	}
	return s, err
}

// deposit makes the letter of deposit. The commitment goes into the log's
// outbox in the transaction that notes it on the document.
func (s *Service) deposit(ctx context.Context, d *Document) error {
	last := d.SealState
	// Of two instances one goes on: the commitment in the log is that of the state kept.
	ours := func(d *Document) error {
		if d.State != Sealing || !bytes.Equal(d.SealState, last) {
			return ErrOvertaken
		}
		return nil
	}
	keep := func(ctx context.Context, state []byte) error {
		_, err := s.change(ctx, d.ID, func(_ context.Context, d *Document) (Effects, error) {
			err := ours(d)
			d.SealState = state
			return Effects{}, err
		})
		if err == nil {
			last = state
		}
		return err
	}
	if !d.Committed {
		commitment, err := s.Sealer.Commit(ctx, d, keep)
		if err != nil {
			return err
		}
		d, err = s.change(ctx, d.ID, func(ctx context.Context, d *Document) (Effects, error) {
			if err := ours(d); err != nil {
				return Effects{}, err
			}
			d.Committed = true
			return Effects{}, s.Log.AddLogEntry(ctx, commitment)
		})
		if err != nil {
			return fmt.Errorf("commit to the log: %w", err)
		}
	}
	deposit, err := s.awaitDeposit(ctx, d, keep)
	if errors.Is(err, evidence.ErrVoid) {
		s.Logger.WarnContext(ctx, "a document is sealed again", "document", d.ID, "err", err)
		_, err = s.change(ctx, d.ID, func(_ context.Context, d *Document) (Effects, error) {
			err := ours(d)
			d.Committed = false
			return Effects{}, err
		})
		s.nudge(d.ID)
		return err
	}
	if err != nil {
		return err
	}
	_, err = s.change(ctx, d.ID, func(_ context.Context, d *Document) (Effects, error) {
		if d.State == Completed {
			return Effects{}, nil
		}
		return d.completed(deposit, s.Clock.Now().UTC(), newSecret), nil
	})
	return err
}

// awaitDeposit gives the log a moment to answer. After that the next patrol
// asks again.
func (s *Service) awaitDeposit(ctx context.Context, d *Document, keep Keep) (Deposit, error) {
	const tries, pause = 50, 100 * time.Millisecond
	s.Log.Wake()
	for try := 1; ; try++ {
		deposit, err := s.Sealer.Deposit(ctx, d, keep)
		if !errors.Is(err, evidence.ErrPending) || try == tries {
			return deposit, err
		}
		select {
		case <-ctx.Done():
			return Deposit{}, ctx.Err()
		case <-time.After(pause):
		}
	}
}

// compare scores the confirmed signature against the signer's references. With
// too few of them there is no score, and the deposit says so.
func (s *Service) compare(ctx context.Context, d *Document, who *Signer) (*biometrics.Comparison, error) {
	references, err := s.references(ctx, d.Organisation, who)
	if err != nil {
		return nil, err
	}
	questioned, err := s.questioned(ctx, who)
	if err != nil {
		return nil, err
	}
	comparison, err := s.Comparator.Compare(ctx, references, questioned)
	if errors.Is(err, biometrics.ErrReferences) || errors.Is(err, biometrics.ErrQuestioned) {
		s.Logger.WarnContext(ctx, "no comparison possible", "document", d.ID, "signer", who.ID, "err", err)
		return &biometrics.Comparison{Decision: biometrics.Decision{Outcome: biometrics.Inconclusive}, Quality: s.Comparator.Describe(questioned)}, nil
	}
	if err != nil {
		return nil, err
	}
	return &comparison, nil
}

// Handwriting reads the pen stream of the signature that a signer confirmed.
func (s *Service) Handwriting(ctx context.Context, who *Signer) (capture.Signature, error) {
	return s.questioned(ctx, who)
}

// questioned reads the confirmed signature's pen stream.
func (s *Service) questioned(ctx context.Context, who *Signer) (capture.Signature, error) {
	c := who.signature()
	if c == nil {
		return capture.Signature{}, ErrIncomplete
	}
	o, err := c.File(PenFile)
	if err != nil {
		return capture.Signature{}, err
	}
	return s.signature(ctx, o, c.Device)
}

// reference reads an enrolled signature with its date: those of several days say
// more of how a writer varies than those of one.
func (s *Service) reference(ctx context.Context, r Reference) (capture.Signature, error) {
	signature, err := s.signature(ctx, r.Object, r.Device)
	if signature.Epoch.IsZero() {
		signature.Epoch = r.EnrolledAt
	}
	return signature, err
}

// signature reads a pen stream from the vault.
func (s *Service) signature(ctx context.Context, o evidence.Object, device capture.Device) (capture.Signature, error) {
	r, err := s.Vault.Open(ctx, o)
	if err != nil {
		return capture.Signature{}, err
	}
	defer r.Close()
	return s.Inks.Read(r, device)
}
