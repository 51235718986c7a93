// Package biometrics is the vocabulary of comparing signatures: what is
// compared, what comes out of it, and how sure that is.
//
// A comparison answers one question: how much more probable are the observed
// similarities if the questioned signature is by the writer of the references
// than if somebody else imitated it? The answer is a likelihood ratio. It is
// never "same person": whether the writer signed is for those who also know the
// rest of the case. See the ENFSI guideline for evaluative reporting in
// forensic science (2015), sections 2.2 and 4.
//
// It imports only the capture vocabulary. Its children do the work: feature
// turns points into signals, dtw aligns them, calibrate turns scores into
// likelihood ratios, compare puts the three together, replay finds copies,
// protect keeps templates secret, face looks at the selfie video as a separate
// score, corpus and evaluate measure error rates.
package biometrics

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"inkwitness/capture"
)

// MaxReferences is the largest number of references of one comparison; more
// add nothing that was measured, and cost time.
const MaxReferences = 32

// Version names something that was made at one time out of given data, so that
// a result can be reproduced years later.
type Version struct {
	Name   string   `json:"name"`
	Number string   `json:"number"` // the first 12 hex digits of the SHA-256 of the parameters
	Made   string   `json:"made"`   // day, YYYY-MM-DD, UTC
	Corpus []string `json:"corpus"` // what it was made on, one entry a corpus
}

// LikelihoodRatio is the strength of the evidence, as natural logarithms.
//
// Log > 0 supports the first hypothesis (the writer of the references wrote the
// questioned signature), Log < 0 the second (another person imitated it).
type LikelihoodRatio struct {
	Log  float64 `json:"log"`  // natural logarithm of the ratio
	Low  float64 `json:"low"`  // lower end of the 95 % interval over training people
	High float64 `json:"high"` // upper end

	// Clamped is true where the score lies outside what the calibration saw;
	// the value is then that of the border, and the truth may be stronger.
	Clamped bool `json:"clamped"`

	Verbal Verbal `json:"verbal"`

	// The two hypotheses, so that no reader has to guess them.
	Same      string `json:"hypothesisSame"`
	Different string `json:"hypothesisDifferent"`
}

// Verbal is a step of the verbal scale of the ENFSI guideline (2015), table in
// section "Verbal equivalents": a code for programs and the words for readers.
type Verbal struct {
	Code string `json:"code"` // such as "moderate-support-same"
	Text string `json:"text"` // a plain sentence in English
}

// Class says which calibration applies. Pressure and the pointer change the
// score's distribution more than anything else that is known beforehand.
type Class struct {
	Pressure   bool                `json:"pressure"` // both sides measured pressure
	Pointer    capture.PointerType `json:"pointer"`  // of the questioned signature
	References int                 `json:"references"`

	// SeveralDays: the references are dated and come from more than one day, so
	// that they vary as a writer does from day to day. Without dates they are taken
	// as of one sitting.
	SeveralDays bool `json:"severalDays"`

	Calibrated bool `json:"calibrated"` // false: no people of this class were available to calibrate on
}

// Outcome is what the threshold makes of a likelihood ratio.
type Outcome string

// The outcomes of a decision.
const (
	Accept       Outcome = "accept"       // at or above the accepting threshold
	Reject       Outcome = "reject"       // at or below the rejecting threshold
	Inconclusive Outcome = "inconclusive" // in between, or the quality forbids a decision
)

// Decision is the outcome with the thresholds that made it, in natural
// logarithms of the likelihood ratio.
type Decision struct {
	Outcome     Outcome `json:"outcome"`
	AcceptAbove float64 `json:"acceptAbove"`
	RejectBelow float64 `json:"rejectBelow"`
}

// Severity says what a problem means for the comparison.
type Severity string

// The severities of a problem.
const (
	Warning Severity = "warning" // usable, said beside the result
	Refusal Severity = "refusal" // sign again
)

// Problem is one thing wrong with a signature or a set of references. Codes are
// stable and part of the API; texts may be reworded and translated.
type Problem struct {
	Code     string   `json:"code"`
	Severity Severity `json:"severity"`
	Text     string   `json:"text"`  // one plain sentence for the signer
	Index    int      `json:"index"` // which reference, from 0; -1 is the set or the questioned signature
}

// Refusals returns what forbids a decision, in the words that text has for a problem;
// what stands for several references comes once. It is read before the words of the
// likelihood ratio, which tell more than they are worth beside it.
func Refusals(problems []Problem, text func(Problem) string) []string {
	var out []string
	for _, p := range problems {
		if p.Severity != Refusal {
			continue
		}
		if words := text(p); !slices.Contains(out, words) {
			out = append(out, words)
		}
	}
	return out
}

// Codes of problems.
const (
	CodeNone           = "no-reference"         // there is no reference at all
	CodeTooMany        = "too-many-references"  // more than MaxReferences
	CodeFewReferences  = "few-references"       // fewer than 5: higher error rates
	CodeTooShort       = "too-short"            // too few points, too little time or too little way
	CodeTooLong        = "too-long"             // more than a signature can be
	CodeTooSimple      = "too-simple"           // could be imitated by anybody: few turns, few strokes
	CodeInconsistent   = "inconsistent"         // one reference is unlike the others
	CodeVaried         = "varied"               // the references vary more than those of most people
	CodeIdentical      = "identical-references" // two references are copies of each other
	CodeReplay         = "replay"               // the questioned signature is a copy of a reference
	CodeNoPressure     = "no-pressure"          // compared without pressure
	CodeDeviceMismatch = "device-mismatch"      // references and questioned come from different kinds of device
	CodeFinger         = "finger"               // signed with a finger
	CodeMouse          = "mouse"                // signed with a mouse
	CodeClock          = "clock"                // times repeat, step back or leap
	CodeGaps           = "gaps"                 // the device lost points
	CodeLowRate        = "low-rate"             // fewer than 50 points a second
	CodeConstantTime   = "constant-time"        // no jitter at all in the times of a browser's points
	CodeConstantForce  = "constant-pressure"    // pressure is measured but never changes
	CodeUncalibrated   = "uncalibrated"         // outside the classes of the calibration
)

// Quality describes one signature as recorded, before anything is compared.
type Quality struct {
	Points         int     `json:"points"`
	DurationMS     float64 `json:"durationMs"`
	Strokes        int     `json:"strokes"`
	RateHz         float64 `json:"rateHz"`         // measured: median over the pen-down steps
	JitterMS       float64 `json:"jitterMs"`       // standard deviation of the pen-down steps
	LongestGapMS   float64 `json:"longestGapMs"`   // within a stroke
	ClockRepeats   int     `json:"clockRepeats"`   // points with the time of the one before
	ClockBackwards int     `json:"clockBackwards"` // points earlier than the one before
	PressureLevels int     `json:"pressureLevels"` // different values seen
	Complexity     float64 `json:"complexity"`     // turns of the pen's direction, in full circles
	PathMM         float64 `json:"pathMm"`         // 0 where the device does not tell its scale
}

// Contribution is one feature of the questioned signature beside the
// references' own.
type Contribution struct {
	Feature    string  `json:"feature"`
	Unit       string  `json:"unit"`
	Questioned float64 `json:"questioned"`
	Mean       float64 `json:"mean"`   // of the references
	Spread     float64 `json:"spread"` // standard deviation of the references, shrunk to the population's
	Z          float64 `json:"z"`      // (Questioned - Mean) / Spread
}

// Stretch is a piece of the questioned signature that speaks for or against the
// writer: its aligned cost set against what the references cost each other at
// the same place.
type Stretch struct {
	From     int     `json:"from"` // first sample point of the questioned signature
	To       int     `json:"to"`   // one after the last
	Cost     float64 `json:"cost"` // mean local cost, 1 is what the references cost each other
	Supports string  `json:"supports"`
}

// The sides that a stretch can support.
const (
	SupportsSame      = "same"
	SupportsDifferent = "different"
)

// Explanation says where a score comes from.
type Explanation struct {
	Reference int            `json:"reference"` // index of the reference nearest to the questioned signature
	Channels  []ChannelCost  `json:"channels"`
	Features  []Contribution `json:"features"`
	Stretches []Stretch      `json:"stretches"`
	Path      []PathStep     `json:"path"`
}

// ChannelCost is the share of one channel in the distance.
type ChannelCost struct {
	Channel string  `json:"channel"`
	Cost    float64 `json:"cost"` // mean along the path, 1 is what the references cost each other
}

// PathStep is one step of the alignment with the nearest reference: sample
// points of both, as recorded.
type PathStep struct {
	Questioned int     `json:"q"`
	Reference  int     `json:"r"`
	Cost       float64 `json:"cost"` // 1 is what the references cost each other
}

// Comparison is the whole answer. It is what data/comparison of a deposit holds,
// so its JSON form is a file format: fields are added, never renamed.
type Comparison struct {
	Format          int             `json:"format"` // 1
	Method          string          `json:"method"`
	Model           Version         `json:"model"`
	Calibration     Version         `json:"calibration"`
	Class           Class           `json:"class"`
	Score           float64         `json:"score"` // before calibration, higher is more alike; only comparable within one model
	LikelihoodRatio LikelihoodRatio `json:"likelihoodRatio"`
	Decision        Decision        `json:"decision"`
	Quality         Quality         `json:"quality"` // of the questioned signature
	Problems        []Problem       `json:"problems"`
	Explanation     *Explanation    `json:"explanation,omitempty"`
}

// Comparator compares a questioned signature with references of one writer.
//
// Both methods are safe for concurrent use, keep nothing of what they are
// given, and never panic on what a device sends. Compare returns ErrReferences
// or ErrQuestioned (wrapped, with the reason) where no answer is possible, and
// the context's error when it ends first. CheckReferences judges a set at
// enrolment; a set with no Refusal can be compared.
type Comparator interface {
	Compare(ctx context.Context, references []capture.Signature, questioned capture.Signature) (Comparison, error)
	CheckReferences(references []capture.Signature) []Problem
}

// TemplateID names a stored template. It is random and says nothing of the
// person.
type TemplateID string

// Sealed is a template as it rests: renewable and encrypted, see package
// protect. Nobody can read a stroke out of it without the subject's key.
type Sealed struct {
	ID        TemplateID `json:"id"`
	Epoch     uint32     `json:"epoch"` // renewals; an older epoch is refused
	CreatedAt time.Time  `json:"createdAt"`
	Data      []byte     `json:"data"`
}

// Store keeps sealed templates. Put is durable before it returns and replaces
// the template of that ID only with a greater Epoch, otherwise ErrStale. Get
// returns ErrNotFound. Delete is final and no error when nothing was there. All
// are safe for concurrent use.
type Store interface {
	Put(ctx context.Context, t Sealed) error
	Get(ctx context.Context, id TemplateID) (Sealed, error)
	Delete(ctx context.Context, id TemplateID) error
}

// Unusable says which problem refuses signatures; Err is ErrReferences or ErrQuestioned.
type Unusable struct {
	Problem Problem
	Err     error
}

func (u *Unusable) Error() string {
	return fmt.Sprintf("%s (%s): %v", u.Problem.Text, u.Problem.Code, u.Err)
}

func (u *Unusable) Unwrap() error { return u.Err }

// Errors that cross package borders. Test them with errors.Is.
var (
	ErrReferences  = errors.New("biometrics: the references cannot be used")
	ErrQuestioned  = errors.New("biometrics: the questioned signature cannot be used")
	ErrNotFound    = errors.New("biometrics: not found")
	ErrStale       = errors.New("biometrics: a newer template has taken the place of this one")
	ErrSealed      = errors.New("biometrics: the template cannot be opened with this key")
	ErrModel       = errors.New("biometrics: the parameter file is damaged or of another version")
	ErrMalformed   = errors.New("biometrics: malformed data")
	ErrLimit       = errors.New("biometrics: a limit was exceeded")
	ErrUnavailable = errors.New("biometrics: not available here")
)
