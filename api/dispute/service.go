package dispute

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"time"
	"unicode/utf8"

	"inkwitness/api"
	"inkwitness/api/ceremony"
	"inkwitness/biometrics"
	"inkwitness/capture"
	"inkwitness/evidence"
	"inkwitness/evidence/deposit"
)

// Transactor spans the stores below with one transaction, which travels in the
// context. The function may run again after a conflict.
type Transactor interface {
	Tx(ctx context.Context, fn func(ctx context.Context) error) error
}

// Cases keeps cases, each sealed under a key of its own.
type Cases interface {
	CreateCase(ctx context.Context, c *Case) error
	// Case loads one, or ErrNotFound.
	Case(ctx context.Context, id string) (*Case, error)
	// SaveCase stores c if nobody saved it since it was loaded, else ErrStale. What
	// c no longer refers to in the vault ends.
	SaveCase(ctx context.Context, c *Case) error
	// CasesOf lists those of one investigator, the newest first.
	CasesOf(ctx context.Context, organisation, owner string) ([]*Case, error)
	// DeleteCase removes the row and destroys the key.
	DeleteCase(ctx context.Context, id string, e evidence.Erasure) error
}

// Openings keeps questions to open evidence.
type Openings interface {
	CreateOpening(ctx context.Context, o *Opening) error
	// Opening loads one, or ErrNoOpening.
	Opening(ctx context.Context, id string) (*Opening, error)
	// SaveOpening stores o if nobody saved it since it was loaded, else ErrStale.
	SaveOpening(ctx context.Context, o *Opening) error
	// OpeningsOf lists those of an organisation, or of one of its cases, the newest first.
	OpeningsOf(ctx context.Context, organisation, dispute string, limit int) ([]*Opening, error)
	// EndedCases lists cases whose end has come.
	EndedCases(ctx context.Context, now time.Time) ([]string, error)
}

// People knows accounts and who belongs to an organisation.
type People interface {
	Account(ctx context.Context, id string) (api.Account, error)
	Members(ctx context.Context, organisation string) ([]api.Member, error)
}

// Records takes what happened, in the transaction of ctx, and shows it.
type Records interface {
	Notify(ctx context.Context, n api.Notice) error
	Record(ctx context.Context, e api.Event) error
	// Chain is a whole chain of the record, checked.
	Chain(ctx context.Context, chain string) ([]api.Event, error)
}

// Evidence is what the service recorded itself; *ceremony.Service is one.
type Evidence interface {
	Document(ctx context.Context, id string) (*ceremony.Document, error)
	// Exhibit reads the evidence of a signature. The event is recorded first.
	Exhibit(ctx context.Context, document, signer string, e ceremony.Event) (*ceremony.Exhibit, error)
}

// Vault keeps encrypted objects.
type Vault interface {
	Put(ctx context.Context, meta evidence.Meta, r io.Reader) (evidence.Object, error)
	Open(ctx context.Context, o evidence.Object) (io.ReadSeekCloser, error)
	Erase(ctx context.Context, subject, deposit string, e evidence.Erasure) error
}

// Limits counts.
type Limits interface {
	// Hit counts one act and returns how many there were in the window, and its end.
	Hit(ctx context.Context, name, who string, window time.Duration, now time.Time) (int, time.Time, error)
}

// Comparator compares, measures and aligns.
type Comparator interface {
	biometrics.Comparator
	// Describe measures one signature as recorded.
	Describe(capture.Signature) biometrics.Quality
	// Explain aligns the questioned signature with one of the references.
	Explain(ctx context.Context, references []capture.Signature, questioned capture.Signature, reference int) (*biometrics.Explanation, error)
}

// Config is what a Service is made of. All fields but Logger are needed.
type Config struct {
	Tx         Transactor
	Cases      Cases
	Openings   Openings
	People     People
	Records    Records
	Evidence   Evidence
	Vault      Vault
	Limits     Limits
	Comparator Comparator
	Trust      func() deposit.Options // whom a deposit that is brought along is checked against
	Clock      capture.Clock
	Logger     *slog.Logger
}

// Service carries out what investigators do. It is safe for concurrent use.
type Service struct{ Config }

// New returns a Service.
func New(cfg Config) *Service {
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	return &Service{cfg}
}

func (s *Service) now() time.Time { return s.Clock.Now().UTC() }

// caseChain is the chain of custody of a case in the audit record.
func caseChain(id string) string { return "case:" + id }

// documentChain is that of a document; its owner sees it, and it goes into the deposit.
func documentChain(id string) string { return "document:" + id }

// note records what was done to a case.
func (s *Service) note(ctx context.Context, c *Case, kind string, detail api.Detail) error {
	return s.Records.Record(ctx, api.Event{Kind: kind, At: s.now(), Organisation: c.Organisation, Account: api.IdentityOf(ctx).Account,
		Object: caseChain(c.ID), Chain: caseChain(c.ID), Detail: detail})
}

// Create makes a case of whoever asks.
func (s *Service) Create(ctx context.Context, w Words, keepUntil time.Time) (*Case, error) {
	id, now := api.IdentityOf(ctx), s.now()
	c := &Case{ID: api.NewID(), Organisation: id.Organisation, Owner: id.Account, Created: now}
	if err := c.describe(now, w, keepUntil); err != nil {
		return nil, err
	}
	err := s.Tx.Tx(ctx, func(ctx context.Context) error {
		if err := s.Cases.CreateCase(ctx, c); err != nil {
			return fmt.Errorf("create the case: %w", err)
		}
		return s.note(ctx, c, "case.created", nil)
	})
	return c, err
}

// change loads a case, applies a transition and saves it with a line of the
// record, all in one transaction; what lost against a parallel save runs again.
func (s *Service) change(ctx context.Context, id, kind string, transition func(context.Context, *Case) (api.Detail, error)) (c *Case, err error) {
	const tries = 5
	for range tries {
		err = s.Tx.Tx(ctx, func(ctx context.Context) error {
			if c, err = s.Cases.Case(ctx, id); err != nil {
				return err
			}
			detail, err := transition(ctx, c)
			if err != nil {
				return err
			}
			if err := s.Cases.SaveCase(ctx, c); err != nil {
				return fmt.Errorf("save the case: %w", err)
			}
			return s.note(ctx, c, kind, detail)
		})
		if !errors.Is(err, ErrStale) {
			break
		}
	}
	return c, err
}

// Describe changes the words and the end of a case.
func (s *Service) Describe(ctx context.Context, id string, w Words, keepUntil time.Time) (*Case, error) {
	return s.change(ctx, id, "case.described", func(_ context.Context, c *Case) (api.Detail, error) {
		return nil, c.describe(s.now(), w, keepUntil)
	})
}

// Edit changes what is said of a signature.
func (s *Service) Edit(ctx context.Context, id, item string, part Part, label, note string) (*Case, error) {
	return s.change(ctx, id, "case.item-changed", func(_ context.Context, c *Case) (api.Detail, error) {
		return api.Detail{"item": label}, c.edit(s.now(), item, part, label, note)
	})
}

// AddNote takes a remark into a case. The record tells of which signature, not the words.
func (s *Service) AddNote(ctx context.Context, id string, n Note) (*Case, error) {
	return s.change(ctx, id, "case.note-added", func(_ context.Context, c *Case) (api.Detail, error) {
		item, err := c.Item(n.Item)
		if err != nil {
			return nil, err
		}
		return api.Detail{"item": item.Label}, c.addNote(s.now(), n)
	})
}

// RemoveNote takes a remark out of a case.
func (s *Service) RemoveNote(ctx context.Context, id, note string) (*Case, error) {
	return s.change(ctx, id, "case.note-removed", func(_ context.Context, c *Case) (api.Detail, error) {
		gone, err := c.removeNote(s.now(), note)
		if err != nil {
			return nil, err
		}
		item, err := c.Item(gone.Item)
		if err != nil {
			return nil, err
		}
		return api.Detail{"item": item.Label}, nil
	})
}

// Remove takes a signature out of a case. What was stored of it ends with that.
func (s *Service) Remove(ctx context.Context, id, item string) (*Case, error) {
	return s.change(ctx, id, "case.item-removed", func(_ context.Context, c *Case) (api.Detail, error) {
		gone, err := c.remove(s.now(), item)
		return api.Detail{"item": gone.Label, "sha256": gone.SHA256}, err
	})
}

// Delete ends a case: its keys are destroyed, and its objects end, to be deleted
// with a receipt as every object is.
func (s *Service) Delete(ctx context.Context, id, authority string) error {
	c, err := s.Cases.Case(ctx, id)
	if err != nil {
		return err
	}
	e := evidence.Erasure{When: s.now(), Authority: authority}
	err = s.Tx.Tx(ctx, func(ctx context.Context) error {
		if err := s.note(ctx, c, "case.deleted", nil); err != nil {
			return err
		}
		return s.Cases.DeleteCase(ctx, id, e)
	})
	if err != nil {
		return fmt.Errorf("delete the case: %w", err)
	}
	if err := s.Vault.Erase(ctx, c.ID, c.ID, e); err != nil && !errors.Is(err, evidence.ErrNotFound) {
		return fmt.Errorf("destroy the key of the case's objects: %w", err)
	}
	return nil
}

// Sweep ends the cases whose time is over. Call it every hour.
func (s *Service) Sweep(ctx context.Context) error {
	ended, err := s.Openings.EndedCases(ctx, s.now())
	if err != nil {
		return fmt.Errorf("find ended cases: %w", err)
	}
	var all error
	for _, id := range ended {
		if err := s.Delete(ctx, id, "retention"); err != nil && !errors.Is(err, ErrNotFound) {
			all = errors.Join(all, err)
		}
	}
	return all
}

// Custody is the record of a case.
func (s *Service) Custody(ctx context.Context, id string) ([]api.Event, error) {
	return s.Records.Chain(ctx, caseChain(id))
}

// checkReason makes sure that somebody gave one.
func checkReason(reason string) (string, error) {
	reason = strings.TrimSpace(reason)
	if n := utf8.RuneCountInString(reason); n < 3 || n > 500 {
		return "", api.Explain(api.ErrInvalid, "Give the reason in 3 to 500 characters; it goes into the record.")
	}
	return reason, nil
}
