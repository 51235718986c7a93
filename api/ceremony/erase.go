package ceremony

import (
	"context"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"inkwitness/api"
	"inkwitness/evidence"
)

// Erased says that a signer's recording was taken out of a completed document.
type Erased struct {
	At        time.Time `json:"at"`
	Authority string    `json:"authority"` // by what right, no personal data
}

// Eraser takes one person's part out of what is sealed.
type Eraser interface {
	// Without stores the deposit anew without what was recorded of a signer, and
	// the signed document, under a key that nothing was stored under before: the
	// old one can then be destroyed, which reaches the copies in backups.
	Without(ctx context.Context, d *Document, who *Signer, by Erased) (container, document evidence.Object, err error)
	// Protected reports whether a legal hold forbids deletion now.
	Protected(ctx context.Context, deposit string) (bool, error)
}

// BySubject is by what right data goes when the person withdraws consent.
const BySubject = "withdrawal of consent by the data subject"

// checkAuthority asks for words that may stand in receipts for ever.
func checkAuthority(authority string) (string, error) {
	authority = strings.TrimSpace(authority)
	if n := utf8.RuneCountInString(authority); n < 3 || n > 200 {
		return "", api.Explain(ErrInvalid, "Say by what right in 3 to 200 characters, such as: request 2026-17 of the data subject. No names: it stays in receipts.")
	}
	return authority, nil
}

// EraseRecording takes what was recorded of one signer, strokes, video and
// comparison, out of a completed document. The document, the seal and everybody
// else's part stay good; the signed list keeps the hashes. What was stored
// before is deleted by the next purge, with its keys.
func (s *Service) EraseRecording(ctx context.Context, document, signer, authority string, actor Actor) (*Document, error) {
	authority, err := checkAuthority(authority)
	if err != nil {
		return nil, err
	}
	d, err := s.Documents.Document(ctx, document)
	if err != nil {
		return nil, err
	}
	who, err := d.erasable(signer)
	if err != nil {
		return nil, err
	}
	if err := s.unprotected(ctx, document); err != nil {
		return nil, err
	}
	by := Erased{s.Clock.Now().UTC().Truncate(time.Second), authority}
	container, signed, err := s.Eraser.Without(ctx, d, who, by)
	if err != nil {
		return nil, fmt.Errorf("store the deposit without signer %s: %w", signer, err)
	}
	version := d.Version
	d, err = s.change(ctx, document, func(ctx context.Context, d *Document) (Effects, error) {
		if d.Version != version {
			return Effects{}, ErrStale // what was stored may be of a deposit that is another one now
		}
		if err := s.unprotected(ctx, document); err != nil {
			return Effects{}, err
		}
		return d.erased(signer, container, signed, by, actor)
	})
	if err != nil {
		return nil, err
	}
	return d, nil
}

func (s *Service) unprotected(ctx context.Context, document string) error {
	held, err := s.Eraser.Protected(ctx, document)
	if err != nil {
		return fmt.Errorf("look for legal holds: %w", err)
	}
	if held {
		return evidence.ErrHeld
	}
	return nil
}

// erasable finds a signer of whom something is left to erase.
func (d *Document) erasable(signer string) (*Signer, error) {
	if d.State != Completed || d.Deposit == nil {
		return nil, api.Explain(ErrState, "The document is %s. Recordings are erased from completed documents; of all others nothing stays.", d.State)
	}
	who, err := d.Signer(signer)
	if err != nil {
		return nil, err
	}
	if who.Erased != nil {
		return nil, api.Explain(ErrState, "This signer's recording was erased on %s.", who.Erased.At.Format(time.DateOnly))
	}
	return who, nil
}

// erased notes the new container and lets go of everything else of the signer.
func (d *Document) erased(signer string, container, signed evidence.Object, by Erased, actor Actor) (Effects, error) {
	who, err := d.erasable(signer)
	if err != nil {
		return Effects{}, err
	}
	d.Deposit.Object, d.Deposit.Document, d.Current = container, signed, signed
	who.Erased, who.Comparison, who.Captures = &by, nil, nil
	return Effects{Events: []Event{{Kind: "signer.erased", By: actor, Signer: who.ID, Detail: by.Authority}}, Because: by.Authority}, nil
}

// WithdrawReferences destroys what was enrolled of a signer for comparisons, in
// all documents of the organisation: references, prints of earlier recordings,
// and the keys of both. The same address becomes another subject, which nothing
// connects with this one. What is sealed in deposits stays.
func (s *Service) WithdrawReferences(ctx context.Context, document, signer, authority string, actor Actor) (*Document, error) {
	authority, err := checkAuthority(authority)
	if err != nil {
		return nil, err
	}
	return s.change(ctx, document, func(ctx context.Context, d *Document) (Effects, error) {
		who, err := d.Signer(signer)
		if err != nil {
			return Effects{}, err
		}
		subject, err := s.Subjects.Subject(ctx, d.Organisation, who.Email)
		if err != nil {
			return Effects{}, fmt.Errorf("find the signer's references: %w", err)
		}
		if err := s.Objects.Refer(ctx, subjectHolder(subject.ID), nil); err != nil {
			return Effects{}, fmt.Errorf("let go of the references: %w", err)
		}
		if err := s.Objects.Because(ctx, subjectHolder(subject.ID), authority); err != nil {
			return Effects{}, fmt.Errorf("let go of the references: %w", err)
		}
		if err := s.Subjects.ForgetSubject(ctx, subject.ID, authority); err != nil {
			return Effects{}, fmt.Errorf("forget the subject: %w", err)
		}
		events := []Event{{Kind: "consent.withdrawn", By: actor, Signer: who.ID, Detail: authority}}
		if c, ok := who.Consent(ForComparison); ok && c.Given {
			c.Given, c.At = false, s.Clock.Now().UTC()
			who.Consents = append(who.Consents, c)
			events = append(events, who.unrecord(ForComparison)...)
		}
		return Effects{Events: events}, nil
	})
}
