package ceremony

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"path"
	"strings"
	"time"
	"unicode/utf8"

	"inkwitness/api"
	"inkwitness/evidence"
)

// Service carries out ceremonies. It is safe for concurrent use.
type Service struct {
	Config
	wake chan string // IDs of documents with something to seal; in
}

// New returns a Service. Its Run must be running for anything to be sealed.
func New(cfg Config) *Service {
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	if cfg.MaxUpload == 0 {
		cfg.MaxUpload = DefaultMaxUpload
	}
	return &Service{Config: cfg, wake: make(chan string, 64)}
}

// newSecret returns 256 random bits for a link or a session.
func newSecret() string {
	var b [32]byte
	_, _ = rand.Read(b[:])
	return base64.RawURLEncoding.EncodeToString(b[:])
}

// HashSecret is what is kept of a secret. The secret has 256 random bits, so a
// plain hash cannot be searched.
func HashSecret(secret string) [32]byte { return sha256.Sum256([]byte(secret)) }

// Upload checks and stores a PDF as a new draft.
func (s *Service) Upload(ctx context.Context, organisation, owner, title, filename string, pdf io.ReaderAt, size int64) (*Document, error) {
	filename = path.Base(strings.ReplaceAll(filename, "\\", "/")) // browsers differ in how much of the path they send
	if filename == "." || filename == "/" || utf8.RuneCountInString(filename) > 200 || hasControls(filename, "") || !utf8.ValidString(filename) {
		filename = "document.pdf"
	}
	if title = strings.TrimSpace(title); title == "" {
		title = strings.TrimSuffix(filename, ".pdf")
	}
	if title == "" || utf8.RuneCountInString(title) > 200 || hasControls(title, "") || !utf8.ValidString(title) {
		return nil, api.Explain(ErrInvalid, "Give the document a title of 1 to 200 characters, none of them invisible.")
	}
	if size > s.MaxUpload {
		return nil, api.Explain(api.ErrTooLarge, "The file has %d MB, the limit is %d MB.", size>>20, s.MaxUpload>>20)
	}
	pages, err := s.PDF.Inspect(ctx, pdf, size)
	if err != nil {
		return nil, err
	}
	now := s.Clock.Now().UTC()
	d := &Document{ID: api.NewID(), Organisation: organisation, Owner: owner, State: Draft, Title: title, Filename: filename, Pages: pages, Created: now}
	d.Source, err = s.Vault.Put(ctx, evidence.Meta{
		Key: "documents/" + d.ID + "/source.pdf", Class: evidence.ClassProject, Reason: "the document to be signed",
		DeleteAfter: keepProject(now), Subject: projectSubject, Deposit: d.ID, ContentType: "application/pdf",
	}, io.NewSectionReader(pdf, 0, size))
	if err != nil {
		return nil, fmt.Errorf("store the document: %w", err)
	}
	d.Current = d.Source
	if s.DefaultProvider != nil {
		if d.TrustProvider, err = s.DefaultProvider(ctx, organisation); err != nil {
			return nil, fmt.Errorf("find the organisation's provider: %w", err)
		}
	}
	err = s.Tx.Tx(ctx, func(ctx context.Context) error {
		if err := s.Documents.CreateDocument(ctx, d); err != nil {
			return err
		}
		if err := s.refer(ctx, d); err != nil {
			return err
		}
		return s.apply(ctx, d, Effects{Events: []Event{{Kind: "document.uploaded"}}})
	})
	if err != nil {
		return nil, fmt.Errorf("create the document: %w", err)
	}
	return d, nil
}

// projectSubject names the key of project data: it is destroyed when the project
// is finished, while the deposit's key lives on.
const projectSubject = "project"

// keepProject is when project data of class K2 ends if nothing ends it earlier.
func keepProject(now time.Time) time.Time { return now.AddDate(1, 0, 0) }

// keepDeposit is when data of class K4 ends: ten calendar years to the day.
func keepDeposit(now time.Time) time.Time {
	r, _ := evidence.RetentionOf(evidence.ClassDeposit)
	return r.End(now)
}

// Document loads a document.
func (s *Service) Document(ctx context.Context, id string) (*Document, error) {
	return s.Documents.Document(ctx, id)
}

// change loads a document, applies a transition and saves it with its effects
// in one transaction; when somebody else saved it in between it does so again,
// on what is there then.
func (s *Service) change(ctx context.Context, id string, transition func(context.Context, *Document) (Effects, error)) (*Document, error) {
	var d *Document
	return d, retryStale(func() error {
		return s.Tx.Tx(ctx, func(ctx context.Context) (err error) {
			if d, err = s.Documents.Document(ctx, id); err != nil {
				return err
			}
			effects, err := transition(ctx, d)
			if err != nil {
				return err
			}
			if err := s.Documents.SaveDocument(ctx, d); err != nil {
				return fmt.Errorf("save the document: %w", err)
			}
			if err := s.refer(ctx, d); err != nil {
				return err
			}
			if effects.Because != "" {
				if err := s.Objects.Because(ctx, documentHolder(d.ID), effects.Because); err != nil {
					return fmt.Errorf("note why objects end: %w", err)
				}
			}
			return s.apply(ctx, d, effects)
		})
	})
}

// apply stores the effects of a transition in the transaction of ctx.
func (s *Service) apply(ctx context.Context, d *Document, e Effects) error {
	for _, signer := range e.Revoked {
		if err := s.Grants.RevokeGrants(ctx, signer); err != nil {
			return fmt.Errorf("end the signer's links: %w", err)
		}
	}
	for _, signer := range e.Ended {
		if err := s.Grants.RevokeGrants(ctx, signer, SessionGrant); err != nil {
			return fmt.Errorf("end the signer's earlier session: %w", err)
		}
	}
	for _, g := range e.Grants {
		if err := s.Grants.AddGrant(ctx, g); err != nil {
			return fmt.Errorf("store the signer's link: %w", err)
		}
	}
	for _, m := range e.Mails {
		if err := s.Notices.Mail(ctx, d, m); err != nil {
			return fmt.Errorf("queue a mail: %w", err)
		}
	}
	for _, event := range e.Events {
		if err := s.Notices.Record(ctx, d, event); err != nil {
			return fmt.Errorf("write the audit record: %w", err)
		}
	}
	return nil
}

// retryStale repeats what lost against a parallel save, a few times.
func retryStale(try func() error) error {
	const tries = 8
	var err error
	for range tries {
		if err = try(); !errors.Is(err, ErrStale) {
			return err
		}
	}
	return err
}

// Plan sets signers and fields, see Document.Plan.
func (s *Service) Plan(ctx context.Context, id string, signers []SignerPlan, fields []Field) (*Document, error) {
	return s.change(ctx, id, func(ctx context.Context, d *Document) (Effects, error) {
		effects, err := d.Plan(signers, fields, api.NewID)
		if err != nil {
			return Effects{}, err
		}
		for _, signer := range d.Signers {
			subject, err := s.Subjects.Subject(ctx, d.Organisation, signer.Email)
			if err != nil {
				return Effects{}, fmt.Errorf("find the signer's references: %w", err)
			}
			signer.Subject = subject.ID
		}
		return effects, nil
	})
}

// Send invites the first signer.
func (s *Service) Send(ctx context.Context, id string) (*Document, error) {
	return s.change(ctx, id, func(ctx context.Context, d *Document) (Effects, error) {
		if err := s.checkProvider(d.TrustProvider); err != nil {
			return Effects{}, err
		}
		return d.Send(s.Clock.Now().UTC(), newSecret)
	})
}

// Remind sends a new link to the signer whose turn it is.
func (s *Service) Remind(ctx context.Context, id string) (*Document, error) {
	return s.change(ctx, id, func(ctx context.Context, d *Document) (Effects, error) {
		return d.Remind(s.Clock.Now().UTC(), newSecret)
	})
}

// Correct replaces a signer who has not begun, see Document.Correct.
func (s *Service) Correct(ctx context.Context, id, signer string, plan SignerPlan) (*Document, error) {
	return s.change(ctx, id, func(ctx context.Context, d *Document) (Effects, error) {
		effects, err := d.Correct(signer, plan, s.Clock.Now().UTC(), newSecret)
		if err != nil {
			return Effects{}, err
		}
		who, err := d.Signer(signer)
		if err != nil {
			return Effects{}, err
		}
		subject, err := s.Subjects.Subject(ctx, d.Organisation, who.Email)
		if err != nil {
			return Effects{}, fmt.Errorf("find the signer's references: %w", err)
		}
		who.Subject = subject.ID
		return effects, nil
	})
}

// Cancel withdraws a document.
func (s *Service) Cancel(ctx context.Context, id string) (*Document, error) {
	return s.change(ctx, id, func(_ context.Context, d *Document) (Effects, error) { return d.Cancel() })
}
