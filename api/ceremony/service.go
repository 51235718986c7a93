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
	"inkwitness/biometrics"
	"inkwitness/capture"
	"inkwitness/evidence"
)

// Transactor spans several of the stores below with one transaction, which
// travels in the context. The function may run again after a conflict.
type Transactor interface {
	Tx(ctx context.Context, fn func(ctx context.Context) error) error
}

// Documents keeps the aggregates, encrypted under a key of their own.
type Documents interface {
	// CreateDocument stores a new document.
	CreateDocument(ctx context.Context, d *Document) error
	// Document loads one, or ErrNotFound.
	Document(ctx context.Context, id string) (*Document, error)
	// SaveDocument stores d if nobody saved it since it was loaded, else
	// ErrStale. It raises d.Version.
	SaveDocument(ctx context.Context, d *Document) error
	// DocumentsOf lists an organisation's documents, or only those of one account
	// and those shared with it where that is not empty, newest first, at most limit, that were created
	// before the given time.
	DocumentsOf(ctx context.Context, organisation, owner string, before time.Time, limit int) ([]*Document, error)
	// Unfinished lists the documents in which a signature or a deposit is in
	// the making.
	Unfinished(ctx context.Context) ([]string, error)
}

// Grants keeps the hashes of links and signing sessions.
type Grants interface {
	// Grant finds a grant by the hash of its secret, or ErrNotFound.
	Grant(ctx context.Context, hash [32]byte) (Grant, error)
	// AddGrant stores one.
	AddGrant(ctx context.Context, g Grant) error
	// UseGrant gives a link to one browser. Of parallel calls by several one
	// succeeds, the others get ErrLinkUsed; the same one may come again.
	UseGrant(ctx context.Context, hash, browser [32]byte) error
	// RevokeGrants ends the grants of a signer: those of the kinds, or all.
	RevokeGrants(ctx context.Context, signer string, kinds ...GrantKind) error
	// LiveGrants returns which of the grants can still be used.
	LiveGrants(ctx context.Context, hashes [][32]byte, now time.Time) (map[[32]byte]bool, error)
}

// Subjects keeps the holders of references.
type Subjects interface {
	// Subject finds or creates the subject of an organisation with that address.
	Subject(ctx context.Context, organisation, email string) (*Subject, error)
	// SaveSubject works like SaveDocument.
	SaveSubject(ctx context.Context, s *Subject) error
	// ForgetSubject deletes a subject that holds no references any more, with
	// its prints and its key.
	ForgetSubject(ctx context.Context, id, authority string) error
}

// Prints keeps what a subject's earlier captures are found again by.
type Prints interface {
	// Prints returns those of a subject, newest first, at most limit.
	Prints(ctx context.Context, subject string, limit int) ([]Print, error)
	// AddPrint stores one; that of a capture which has one already stays.
	AddPrint(ctx context.Context, subject string, p Print) error
}

// Print is the print of a capture's pen stream (data class K5).
type Print struct {
	Capture capture.SessionID
	Made    time.Time
	Data    []byte
}

// Notices takes what a transition tells others, in its transaction.
type Notices interface {
	// Mail queues a mail.
	Mail(ctx context.Context, d *Document, m Mail) error
	// Record adds a line to the audit record of a document.
	Record(ctx context.Context, d *Document, e Event) error
}

// Vault keeps encrypted objects. Put returns when the bytes and their directory
// are on disk, so that a row may point at them.
type Vault interface {
	Put(ctx context.Context, meta evidence.Meta, r io.Reader) (evidence.Object, error)
	Open(ctx context.Context, o evidence.Object) (io.ReadSeekCloser, error)
}

// PDF looks into uploads.
type PDF interface {
	// Inspect validates an upload and returns its pages as displayed. What it
	// refuses it explains: the error is meant for the owner's eyes.
	Inspect(ctx context.Context, r io.ReaderAt, size int64) ([]Page, error)
}

// Recorder records captures durably and turns finished ones into files.
type Recorder interface {
	// Open begins a session. ErrDiskFull when there is no room for a new one.
	Open(ctx context.Context, c *Capture) error
	// Finish makes the files of a session whose pen stream is complete, or
	// returns ErrIncomplete. It looks for replays among earlier captures, unless
	// they are nil. It may be called again until Release.
	Finish(ctx context.Context, c *Capture, earlier []Print) (Archive, error)
	// Release lets go of a session: its files are stored, or it was discarded.
	Release(ctx context.Context, id capture.SessionID) error
}

// Archive is a finished capture.
type Archive struct {
	Signature capture.Signature // exactly what the page drew and the server acknowledged
	Device    capture.Device
	Ended     time.Time
	Receipt   []byte
	Files     []ArchiveFile
	Reasons   []capture.Reason  // what calls for a second look
	Print     []byte            // see Prints
	CopyOf    capture.SessionID // the earlier capture that was played again, "" if none was
	Face      Face              // what looks at the face in the video; nil where there is no video
}

// Face compares the face in a capture's video with an enrolled still. Without
// one it returns a still of the video to be enrolled, if there is a good one.
// What cannot be compared is a finding, not an error.
type Face func(ctx context.Context, enrolled []byte) (finding biometrics.FaceFinding, still []byte, err error)

// ArchiveFile is one file of an archive.
type ArchiveFile struct {
	Name        string
	ContentType string
	Write       func(io.Writer) error
}

// Comparator is the part of package compare that a ceremony needs.
type Comparator interface {
	biometrics.Comparator
	// Describe measures one signature as recorded.
	Describe(capture.Signature) biometrics.Quality
}

// Config is what a Service is made of. All fields but Logger and those about
// providers are needed.
type Config struct {
	Tx         Transactor
	Documents  Documents
	Schedule   Schedule
	Grants     Grants
	Subjects   Subjects
	Objects    Objects
	Prints     Prints
	Notices    Notices
	Vault      Vault
	PDF        PDF
	Recorder   Recorder
	Inks       Inks
	Comparator Comparator
	Sealer     Sealer
	Eraser     Eraser
	Log        Log
	Clock      capture.Clock
	Logger     *slog.Logger
	MaxUpload  int64 // bytes of one PDF; DefaultMaxUpload when 0

	// Providers are the trust providers that a document may choose beside the
	// service's own authority, and DefaultProvider the choice of an organisation.
	Providers       []string
	DefaultProvider func(ctx context.Context, organisation string) (string, error)
}

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
