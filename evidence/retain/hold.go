package retain

import (
	"fmt"
	"time"

	"inkwitness/evidence"
)

// Hold keeps a deposit beyond its end, for a dispute. It takes two different
// people to place it and two to lift it; the four acts are on record.
type Hold struct {
	ID      string `json:"id"`
	Deposit string `json:"deposit"`
	Reason  string `json:"reason"`
	Placed  Act    `json:"placed"`
	Agreed  Act    `json:"agreed"`
	Ended   Act    `json:"ended"`  // somebody asks to lift it
	Lifted  Act    `json:"lifted"` // and somebody else agrees
}

// Act is what somebody did, and when. The zero Act has not happened.
type Act struct {
	By string    `json:"by"`
	At time.Time `json:"at"`
}

func (a Act) done() bool { return a.By != "" }

// Provisional is how long a hold that one person placed protects while the
// second has not answered.
const Provisional = 7 * 24 * time.Hour

// NewHold places a hold for one person.
func NewHold(id, deposit, reason, by string, at time.Time) (Hold, error) {
	if id == "" || deposit == "" || reason == "" || by == "" {
		return Hold{}, fmt.Errorf("a hold needs a deposit, a reason and a person: %w", evidence.ErrNotAllowed)
	}
	return Hold{ID: id, Deposit: deposit, Reason: reason, Placed: Act{by, at}}, nil
}

// MayPlace refuses a person another hold of a deposit as long as one of theirs
// waits for its second person, lapsed or not: one person alone keeps nothing for
// longer than Provisional.
func MayPlace(by string, holds []Hold) error {
	for _, h := range holds {
		if h.Placed.By == by && !h.Agreed.done() && !h.Lifted.done() {
			return fmt.Errorf("an earlier hold of the same person waits for an agreement: %w", evidence.ErrNotAllowed)
		}
	}
	return nil
}

// Protects reports whether the hold forbids deletion at that time.
func (h Hold) Protects(at time.Time) bool {
	if h.Lifted.done() {
		return false
	}
	return h.Agreed.done() || at.Before(h.Placed.At.Add(Provisional))
}

// Agree is the second person's agreement to the hold.
func (h Hold) Agree(by string, at time.Time) (Hold, error) {
	if err := second(h.Placed, h.Agreed, by); err != nil {
		return h, err
	}
	h.Agreed = Act{by, at}
	return h, nil
}

// End asks to lift the hold.
func (h Hold) End(by string, at time.Time) (Hold, error) {
	if by == "" || h.Ended.done() {
		return h, fmt.Errorf("lifting was asked for already, or by nobody: %w", evidence.ErrNotAllowed)
	}
	h.Ended = Act{by, at}
	return h, nil
}

// Lift is the second person's agreement to lift it.
func (h Hold) Lift(by string, at time.Time) (Hold, error) {
	if err := second(h.Ended, h.Lifted, by); err != nil {
		return h, err
	}
	h.Lifted = Act{by, at}
	return h, nil
}

func second(first, done Act, by string) error {
	switch {
	case !first.done() || done.done():
		return fmt.Errorf("nothing waits for an agreement: %w", evidence.ErrNotAllowed)
	case by == "" || by == first.By:
		return fmt.Errorf("another person has to agree: %w", evidence.ErrNotAllowed)
	}
	return nil
}
