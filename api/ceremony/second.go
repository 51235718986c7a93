package ceremony

import (
	"context"
	"errors"
	"regexp"
	"slices"
	"strings"
	"time"

	"inkwitness/api"
)

// Way is how a signer proves to be the person who is meant, beside the link.
type Way string

// The ways.
const (
	BySMS  Way = "sms"  // a code sent to the telephone that the sender named
	ByTOTP Way = "totp" // a code of the authenticator app of the signer's own account

	ByPasskey Way = "passkey" // a passkey of the signer's own account
)

// Second is the second layer that a sender asks of a signer. Until it is proved
// in the session, the link opens nothing: no reading, no consent, no signature.
type Second struct {
	Phone    string    `json:"phone,omitempty"` // +33612345678; empty: no messages
	ProvedAt time.Time `json:"provedAt"`        // in the signing session of now; zero until then
	ProvedBy Way       `json:"provedBy,omitempty"`
}

// Ways lists how the signer can prove it. A passkey and a code of an app always are
// among them: some people have no telephone, and messages are the weaker way.
func (s *Second) Ways() []Way {
	if s.Phone != "" {
		return []Way{BySMS, ByTOTP, ByPasskey}
	}
	return []Way{ByTOTP, ByPasskey}
}

// Hint shows the end of the number, so that the signer knows which telephone.
func (s *Second) Hint() string {
	if len(s.Phone) < 6 {
		return ""
	}
	return "•••• " + s.Phone[len(s.Phone)-2:]
}

// ErrUnproved is what everything answers before the second layer is proved.
var ErrUnproved = api.Explain(api.ErrForbidden, "First enter the code that shows that it is you.")

// Phone is the number that codes go to, empty where there is none.
func (s *Signer) Phone() string {
	if s.Second == nil {
		return ""
	}
	return s.Second.Phone
}

// Proved tells whether nothing is left to prove.
func (s *Signer) Proved() bool { return s.Second == nil || !s.Second.ProvedAt.IsZero() }

// Prove notes that the signer proved the second layer in this session.
func (d *Document) Prove(signer string, by Way, now time.Time) (Effects, error) {
	s, err := d.enter(signer)
	if err != nil {
		return Effects{}, err
	}
	if s.Second == nil || !slices.Contains(s.Second.Ways(), by) {
		return Effects{}, api.Explain(ErrInvalid, "This way was not asked for.")
	}
	s.Second.ProvedAt, s.Second.ProvedBy = now, by
	return Effects{Events: []Event{{Kind: "signer.proved", By: BySigner, Signer: s.ID, Detail: string(by)}}}, nil
}

// proved is open for acts that need the second layer.
func (d *Document) proved(signer string) (*Signer, error) {
	s, err := d.open(signer)
	if err == nil && !s.Proved() {
		err = ErrUnproved
	}
	return s, err
}

var e164 = regexp.MustCompile(`^\+[1-9][0-9]{7,14}$`)

// second is the layer that a plan asks for, nil for none.
func (p SignerPlan) second() (*Second, error) {
	phone := strings.NewReplacer(" ", "", "-", "", ".", "", "(", "", ")", "").Replace(p.Phone)
	switch {
	case !p.Second && phone == "":
		return nil, nil
	case !p.Second:
		return nil, api.Explain(ErrInvalid, "A telephone number is only needed where a code is asked for. Ask for one, or leave the number out.")
	case phone != "" && !e164.MatchString(phone):
		return nil, api.Explain(ErrInvalid, "%q is not a telephone number with its country code, as +33 6 12 34 56 78.", p.Phone)
	}
	return &Second{Phone: phone}, nil
}

// Prove notes a proof of the second layer, see Document.Prove. Who calls it has
// checked the code. The secret is that of the session which showed it: one that has
// ended meanwhile proves nothing for the session that took its place.
func (s *Service) Prove(ctx context.Context, document, signer, secret string, by Way) (*Document, error) {
	return s.change(ctx, document, func(ctx context.Context, d *Document) (Effects, error) {
		_, err := s.Session(ctx, secret)
		if errors.Is(err, api.ErrNotFound) || errors.Is(err, api.ErrExpired) {
			return Effects{}, &api.Explained{Detail: "This session has ended. Open the link from your mail again.", Err: errors.Join(api.ErrUnauthenticated, err)}
		}
		if err != nil {
			return Effects{}, err
		}
		return d.Prove(signer, by, s.Clock.Now().UTC())
	})
}
