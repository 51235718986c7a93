package ceremony

import (
	"context"
	"io"
	"log/slog"
	"time"

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
