// Package dispute is what an investigator works on: a case with its questioned
// and reference signatures, the comparisons made of them, and the openings by
// which recorded evidence may be looked at.
//
// Evidence is opened only for a case, for a reason, by two people: one asks
// (Opening), another entitled person approves, and then it opens once, for the
// hours that were asked for. The parties are told when it opens. What an
// investigator brings along (deposits of elsewhere, exported files) is stored
// under the case's own key and goes when the case goes.
//
// Transitions (opening.go, case.go) are methods without I/O; Service loads,
// applies one and saves. The package knows neither HTTP nor SQL, and it is not
// the place where access is decided: that is api.Allow, with two exceptions
// that are rules of the matter and not of a role: nobody approves their own
// question, and nothing is read after its end.
package dispute

import (
	"time"

	"inkwitness/api"
	"inkwitness/biometrics"
	"inkwitness/capture"
	"inkwitness/evidence"
)

// Case is one dispute. Everything that describes it is sealed under a key of its
// own, so that its end takes all of it.
type Case struct {
	ID           string    `json:"id"`
	Organisation string    `json:"organisation"`
	Owner        string    `json:"owner"` // account of the investigator
	Version      int64     `json:"-"`
	Created      time.Time `json:"created"`
	Changed      time.Time `json:"changed"` // items, notes, comparisons or words
	KeepUntil    time.Time `json:"keepUntil"`
	Words
	Items []Item `json:"items"`
	Runs  []Run  `json:"runs"`
	Notes []Note `json:"notes"`
}

// Words are what the investigator says of a case.
type Words struct {
	Reference string `json:"reference"` // number of the dispute
	Question  string `json:"question"`  // as put to the investigator
	Parties   string `json:"parties"`   // what the parties say
}

// Part is what a signature is in a case.
type Part string

// The parts.
const (
	Questioned Part = "questioned"
	Reference  Part = "reference"
)

// Origin says where a signature of a case comes from.
type Origin string

// The origins.
const (
	FromDeposit   Origin = "deposit"   // recorded by this service; read where it lies, while an opening is in force
	FromContainer Origin = "container" // a deposit of elsewhere, brought as a file
	FromFile      Origin = "file"      // ISO/IEC 19794-7, InkML, CSV or SVC2004
)

// Item is one signature of a case.
type Item struct {
	ID     string    `json:"id"`
	Part   Part      `json:"part"`
	Label  string    `json:"label"`
	Origin Origin    `json:"origin"`
	Note   string    `json:"note"`   // of the investigator, on where it comes from
	Name   string    `json:"name"`   // of the writer, as the source says
	Added  time.Time `json:"added"`  // to the case
	Signed time.Time `json:"signed"` // as the source says; zero when it does not

	// Of this service.
	Document string            `json:"document,omitempty"`
	Signer   string            `json:"signer,omitempty"`
	Title    string            `json:"title,omitempty"`
	Capture  capture.SessionID `json:"capture,omitempty"`
	Opening  string            `json:"opening,omitempty"`
	Until    time.Time         `json:"until,omitzero"` // read no longer than this

	// Brought along.
	Filename string           `json:"filename,omitempty"`
	Format   string           `json:"format,omitempty"` // iso-19794-7, inkml, csv, svc2004, asice
	Source   *evidence.Object `json:"source,omitempty"` // the file as it came
	Samples  *evidence.Object `json:"samples,omitempty"`
	Video    *evidence.Object `json:"video,omitempty"`
	Checks   *evidence.Report `json:"checks,omitempty"` // of a container, at its import
	Timeline []byte           `json:"timeline,omitempty"`

	SHA256   string               `json:"sha256"` // of the pen stream, or of the file as it came
	Device   capture.Device       `json:"device"`
	Quality  biometrics.Quality   `json:"quality"`
	Problems []biometrics.Problem `json:"problems"`

	Face *biometrics.FaceFinding `json:"face,omitempty"` // in the video, from when it was signed
}

// Readable tells whether the samples may be read now.
func (i *Item) Readable(now time.Time) bool {
	return i.Origin != FromDeposit || now.Before(i.Until)
}

// Run is one comparison of a case: every questioned signature against all
// references that could be read.
type Run struct {
	ID         string    `json:"id"`
	At         time.Time `json:"at"`
	By         string    `json:"by"` // account
	References []Used    `json:"references"`
	Results    []Result  `json:"results"`
}

// Used names a signature and the bytes that it was read from.
type Used struct {
	Item   string `json:"item"`
	SHA256 string `json:"sha256"`
}

// Result is the answer on one questioned signature, or why there is none.
type Result struct {
	Used
	Comparison *biometrics.Comparison `json:"comparison,omitempty"`
	Trouble    string                 `json:"trouble,omitempty"`     // one plain sentence
	Code       string                 `json:"troubleCode,omitempty"` // of the problem; runs of earlier releases have none
}

// Note is a remark of the investigator at a place of a signature, in mm or, where
// the device does not tell its scale, in its units; from the ink's top left.
type Note struct {
	ID   string    `json:"id"`
	Item string    `json:"item"`
	X    float64   `json:"x"`
	Y    float64   `json:"y"`
	Text string    `json:"text"`
	At   time.Time `json:"at"`
}

// Bounds of a case.
const (
	MaxItems     = 60
	MaxRuns      = 20 // the newest are kept; every one is in the record
	MaxNotes     = 200
	MaxFile      = 64 << 20 // bytes of an exported signature
	MaxContainer = 1 << 30  // bytes of a deposit
	KeepYears    = 1        // a case ends after a year unless the investigator says otherwise
	MostYears    = 10
)

// Errors with the text for whoever asked.
var (
	ErrNotFound   = api.Explain(api.ErrNotFound, "There is no such case, or it is not yours.")
	ErrNoOpening  = api.Explain(api.ErrNotFound, "There is no such question.")
	ErrStale      = api.Explain(api.ErrConflict, "The case changed meanwhile. Load it again.")
	ErrOwn        = api.Explain(api.ErrForbidden, "You asked yourself. Another entitled person has to agree.")
	ErrUnapproved = api.Explain(api.ErrForbidden, "No second person has agreed yet. The evidence stays closed.")
	ErrUsed       = api.Explain(api.ErrExpired, "This approval was used already or its time is over. Ask again.")
	ErrClosed     = api.Explain(api.ErrForbidden, "The time for reading this evidence is over. Ask for a new opening.")
)
