// Package ceremony is the way of one signature as one state machine: uploaded,
// planned, sent, opened, consented, captured, compared, sealed, deposited.
//
// A Document is the aggregate: its signers, fields, consents and captures are
// read and written together, under one version number, so that of a hundred
// parallel confirmations one wins. Transitions (state.go) are methods without
// I/O that check what is allowed and return what must be stored with them;
// Service (service.go, signer.go) loads, applies a transition and saves;
// sealing.go drives what needs outside effects, with the intent stored first.
//
// The package knows neither HTTP nor SQL. It is not the place where access is
// decided: that is api.Allow.
package ceremony

import (
	"fmt"
	"path/filepath"
	"strings"
	"time"

	"inkwitness/api"
	"inkwitness/biometrics"
	"inkwitness/capture"
	"inkwitness/evidence"
)

// State is where a document stands.
type State string

// The states of a document.
const (
	Draft     State = "draft"     // uploaded, being planned
	Sent      State = "sent"      // at least one signer is still to sign
	Sealing   State = "sealing"   // everybody signed, the deposit is being made
	Completed State = "completed" // the deposit is in the store and in the log
	Declined  State = "declined"  // a signer refused
	Cancelled State = "cancelled" // the owner withdrew it
)

// SignerState is where a signer stands.
type SignerState string

// The states of a signer.
const (
	Waiting    SignerState = "waiting"   // not sent, or not this signer's turn
	Invited    SignerState = "invited"   // the link is in the outbox
	Opened     SignerState = "opened"    // the link was used
	Consented  SignerState = "consented" // every purpose was answered
	Captured   SignerState = "captured"  // a finished signature capture waits for confirmation
	Signing    SignerState = "sealing"   // confirmed; the signature is being made
	Signed     SignerState = "signed"    // the signed revision is stored
	HasRefused SignerState = "declined"
)

// Document is one PDF on its way to a deposit, with everybody who signs it.
type Document struct {
	ID           string `json:"id"` // random, 128 bits, lower-case hex
	Organisation string `json:"organisation"`
	Owner        string `json:"owner"` // account
	Version      int64  `json:"-"`     // of the stored row; a save with an old one is refused
	State        State  `json:"state"`
	Title        string `json:"title"`
	Filename     string `json:"filename"`
	Pages        []Page `json:"pages"`

	Source  evidence.Object `json:"source"`  // the PDF as uploaded
	Current evidence.Object `json:"current"` // the newest revision: Source, then one more signature at a time

	Created   time.Time `json:"created"`
	SentAt    time.Time `json:"sentAt"`
	Completed time.Time `json:"completed"`

	Signers []*Signer `json:"signers"`
	Fields  []Field   `json:"fields"`
	Deposit *Deposit  `json:"deposit,omitempty"`

	// TrustProvider is who certifies the signers; empty for the service's own authority.
	TrustProvider string `json:"trustProvider,omitempty"`
	// InPerson is true while the signers sign one after the other on a device
	// that the owner hands round: nobody is invited by mail.
	InPerson bool `json:"inPerson,omitempty"`
	// RemindDays is how often a signer who does not sign is reminded by mail;
	// 0 is never.
	RemindDays int `json:"remindDays,omitempty"`

	// SealState is the resumable state of the deposit in the making. It is
	// opaque here: the sealer wrote it and only the sealer reads it.
	SealState []byte `json:"sealState,omitempty"`
	// Committed is true once the deposit's commitment is in the log's outbox.
	Committed bool `json:"committed,omitempty"`
	// Trouble is the last failure of sealing in plain words, empty when all is well.
	Trouble string `json:"trouble,omitempty"`
}

// Page is the size of one page as displayed, in PDF points (1/72 inch).
type Page struct {
	Width    float64 `json:"width"`
	Height   float64 `json:"height"`
	Rotation int     `json:"rotation"` // of the page object; Width and Height are after it
}

// Signer is one person who signs one document.
type Signer struct {
	ID       string      `json:"id"`
	Name     string      `json:"name"`
	Email    string      `json:"email"`
	Language string      `json:"language"` // BCP 47: en, fr, zh-Hant, zh-Hans
	Subject  string      `json:"subject"`  // whose references these are, see Subject
	State    SignerState `json:"state"`

	Second *Second `json:"second,omitempty"` // what is asked of them beside the link; nil is nothing

	InvitedAt time.Time `json:"invitedAt"`
	Reminders int       `json:"reminders,omitempty"` // sent by themselves since the invitation
	OpenedAt  time.Time `json:"openedAt"`
	SignedAt  time.Time `json:"signedAt"`

	Consents  []Consent  `json:"consents"`
	Captures  []*Capture `json:"captures"`
	Confirmed bool       `json:"confirmed"`
	Typed     string     `json:"typed,omitempty"`  // the name as typed, by a signer who refused to be recorded
	Reason    string     `json:"reason,omitempty"` // why the signer declined

	Comparison *biometrics.Comparison `json:"comparison,omitempty"`
	Erased     *Erased                `json:"erased,omitempty"` // nil: what was recorded is there
	// SealState is the resumable state of this signature in the making.
	SealState []byte `json:"sealState,omitempty"`
	// ProviderConsent is where the signer has to consent before the provider signs.
	ProviderConsent string `json:"providerConsent,omitempty"`
	Certified       string `json:"certified,omitempty"` // the name in the certificate
}

// CaptureKind says what a capture is for.
type CaptureKind string

// The kinds of captures.
const (
	ReferenceCapture CaptureKind = "reference"
	SignatureCapture CaptureKind = "signature"
)

// CaptureState is where a capture stands.
type CaptureState string

// The states of a capture. A finished one is immutable.
const (
	CaptureOpen      CaptureState = "open"
	CaptureFinished  CaptureState = "finished"
	CaptureDiscarded CaptureState = "discarded"
)

// Capture is one recorded signature of a signer.
type Capture struct {
	ID        capture.SessionID  `json:"id"`
	Kind      CaptureKind        `json:"kind"`
	State     CaptureState       `json:"state"`
	Nonce     []byte             `json:"nonce"`
	Device    capture.Device     `json:"device"`
	Browser   BrowserFacts       `json:"browser"`
	WithVideo bool               `json:"withVideo"`
	WithAudio bool               `json:"withAudio"`
	StartedAt time.Time          `json:"startedAt"`
	EndedAt   time.Time          `json:"endedAt"`
	Files     []File             `json:"files"`   // what the archive holds, in the deposit's order
	Quality   biometrics.Quality `json:"quality"` // of the pen stream
	// Problems are what the comparator found; one Refusal among them means that
	// the capture was thrown away and has to be made again.
	Problems []biometrics.Problem `json:"problems"`
	// Reasons are figures of the recording beyond a limit: undecided, for
	// whoever looks into it.
	Reasons []capture.Reason `json:"reasons"`
	// Face is the finding about the face in the video: a second one, apart from
	// the signature's. Nil where there is no video or the signer refused to be compared.
	Face    *biometrics.FaceFinding `json:"face,omitempty"`
	Receipt []byte                  `json:"receipt,omitempty"` // the server's countersignature of the pen chain's head
}

// BrowserFacts are the declared device facts of a recording, and nothing more.
// What the page says of itself is a hint: a page can say what it likes.
type BrowserFacts struct {
	System     string      `json:"system"`
	Browser    string      `json:"browser"`
	Language   string      `json:"language"`
	Address    string      `json:"address"`            // IP address as seen by the service
	DeviceID   string      `json:"deviceId,omitempty"` // random, made by the page, kept in its own storage
	PadWidth   float64     `json:"padWidthCssPx"`
	PadHeight  float64     `json:"padHeightCssPx"`
	PixelRatio float64     `json:"pixelRatio"` // device pixels to a CSS pixel
	Camera     CameraFacts `json:"camera"`
}

// CameraFacts are a camera's settings as the browser gives them.
type CameraFacts struct {
	Label     string  `json:"label,omitempty"`
	Width     int     `json:"widthPixels"`
	Height    int     `json:"heightPixels"`
	FrameRate float64 `json:"frameRateHz"`
}

// File is one file of a finished capture in the vault.
type File struct {
	Name   string          `json:"name"` // within data/capture/<signer>/
	Object evidence.Object `json:"object"`
}

// Deposit is what the owner downloads and what is kept ten years.
type Deposit struct {
	ID          string          `json:"id"`
	Object      evidence.Object `json:"object"`
	Document    evidence.Object `json:"document"` // the signed PDF with its validation data, as it stands in the container
	LeafIndex   int64           `json:"leafIndex"`
	CreatedAt   time.Time       `json:"createdAt"`
	RetainUntil time.Time       `json:"retainUntil"`
}

// Subject is a person as signer of one organisation: the holder of references.
// The same address under another one is another subject, with another key.
type Subject struct {
	ID           string      `json:"id"`
	Organisation string      `json:"organisation"`
	Email        string      `json:"email"`
	Version      int64       `json:"-"`
	References   []Reference `json:"references"`
	Face         *Still      `json:"face,omitempty"`
}

// Still is the enrolled picture of a subject's face: kept, and erased, with the
// references and under their key.
type Still struct {
	Capture    capture.SessionID `json:"capture"` // whose video it is of
	Object     evidence.Object   `json:"object"`
	EnrolledAt time.Time         `json:"enrolledAt"`
	Pending    bool              `json:"pending,omitempty"` // its signature is not confirmed: nothing is compared with it yet
}

// Reference is one enrolled signature (data class K5: kept until consent is
// withdrawn, the account deleted, or it is replaced).
type Reference struct {
	Capture    capture.SessionID `json:"capture"`
	Object     evidence.Object   `json:"object"` // the pen stream
	Device     capture.Device    `json:"device"`
	EnrolledAt time.Time         `json:"enrolledAt"`
}

// Limits of an upload and of a plan.
const (
	DefaultMaxUpload = 50 << 20 // bytes of one PDF, where the operator says nothing else
	MaxSigners       = 20
	MaxFields        = 200
	ReferencesNeeded = 3 // the fewest that a comparison is made with
	ReferencesWanted = 5
	LinkLifetime     = 14 * 24 * time.Hour
	SessionLifetime  = 12 * time.Hour
	DownloadLifetime = 30 * 24 * time.Hour // of the link that comes with the completed document
	RetentionYears   = 10
	HandLifetime     = 12 * time.Hour // of handing a device round
	MaxRemindDays    = 30
	MaxReminders     = 5 // to one signer, after each invitation
)

// Errors that callers tell apart. Each is also one of api's, which says how it
// is answered, and carries the text for whoever asked.
var (
	ErrNotFound    = api.Explain(api.ErrNotFound, "There is no such document, or the link does not lead to one.")
	ErrStale       = api.Explain(api.ErrConflict, "The document changed meanwhile. Load it again.")
	ErrState       = fmt.Errorf("not possible in this state: %w", api.ErrConflict)
	ErrInvalid     = api.ErrInvalid
	ErrLinkUsed    = api.Explain(api.ErrExpired, "This link was already used in another browser. Ask the sender for a new one.")
	ErrLinkExpired = api.Explain(api.ErrExpired, "This link is too old. Ask the sender for a new one.")
	ErrNoConsent   = fmt.Errorf("consent is missing: %w", api.ErrForbidden)
	ErrIncomplete  = api.Explain(api.ErrConflict, "The recording is not complete yet. Wait until everything is sent, then try again.")
	ErrNotYourTurn = api.Explain(api.ErrConflict, "Another signer comes first. A mail follows when it is your turn.")
)

// SignedName is the file name under which the signed PDF is downloaded.
func (d *Document) SignedName() string { return d.stem() + "-signed.pdf" }

// DepositName is the file name under which the deposit is downloaded.
func (d *Document) DepositName() string { return d.stem() + ".asice" }

func (d *Document) stem() string { return strings.TrimSuffix(d.Filename, filepath.Ext(d.Filename)) }
