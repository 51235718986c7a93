package dispute

import (
	"time"

	"inkwitness/api"
)

// State is where an opening stands.
type State string

// The states of an opening.
const (
	Asked     State = "asked"     // waits for a second person
	Approved  State = "approved"  // may be opened once
	Refused   State = "refused"   // by the second person
	Withdrawn State = "withdrawn" // by who asked
	Open      State = "open"      // was opened; can be read until Ends
	Over      State = "over"      // its time has passed; never stored
)

// Opening is the question to look at the evidence of one signature, and what
// became of it.
type Opening struct {
	ID           string
	Organisation string
	Case         string
	Document     string
	Signer       string
	By           string // account that asks
	Decider      string // account that agreed or refused
	State        State
	Version      int64
	Asked        time.Time
	Decided      time.Time
	Opened       time.Time
	Ends         time.Time // of the present state
	Hours        int       // of reading, as asked for
	Text
}

// Text is what people said; it is sealed at rest.
type Text struct {
	Reason  string `json:"reason"`  // of who asks
	Answer  string `json:"answer"`  // of who refused
	Dispute string `json:"dispute"` // number of the case, for who decides
}

// How long a step waits for the next one, and for how long evidence can be read.
const (
	AskedLife    = 7 * 24 * time.Hour
	ApprovedLife = 24 * time.Hour
	MostHours    = 30 * 24
	MostOpenings = 200 // shown of an organisation or a case
	MostAsked    = 50  // by a person in an hour
)

// Now is the state at a moment: what has passed its end is over.
func (o *Opening) Now(now time.Time) State {
	if (o.State == Asked || o.State == Approved || o.State == Open) && !now.Before(o.Ends) {
		return Over
	}
	return o.State
}

// Decide is the word of the second person.
func (o *Opening) Decide(now time.Time, account string, approve bool, answer string) error {
	if account == o.By {
		return ErrOwn
	}
	if o.Now(now) != Asked {
		return api.Explain(api.ErrConflict, "This question was answered already, taken back, or is too old.")
	}
	o.Decider, o.Decided, o.Answer = account, now, answer
	o.State, o.Ends = Refused, now
	if approve {
		o.State, o.Ends = Approved, now.Add(ApprovedLife)
	}
	return nil
}

// Withdraw takes the question back; evidence that is open is closed.
func (o *Opening) Withdraw(now time.Time, account string) error {
	if account != o.By {
		return ErrNoOpening
	}
	switch o.Now(now) {
	case Asked, Approved, Open:
		o.State, o.Ends = Withdrawn, now
		return nil
	}
	return api.Explain(api.ErrConflict, "There is nothing to take back any more.")
}

// Use opens the evidence. It succeeds once.
func (o *Opening) Use(now time.Time, account string) error {
	if account != o.By {
		return ErrNoOpening
	}
	switch o.Now(now) {
	case Approved:
		o.State, o.Opened, o.Ends = Open, now, now.Add(time.Duration(o.Hours)*time.Hour)
		return nil
	case Asked:
		return ErrUnapproved
	case Refused:
		return api.Explain(api.ErrForbidden, "The second person refused. The evidence stays closed.")
	}
	return ErrUsed
}
