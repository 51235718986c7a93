package retention

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"inkwitness/api"
	"inkwitness/api/ceremony"
	"inkwitness/evidence/retain"
)

// HoldState is where a hold stands.
type HoldState string

// The states of a hold.
const (
	Placed  HoldState = "placed"  // by one person; it protects for seven days
	Lapsed  HoldState = "lapsed"  // nobody agreed in time
	InForce HoldState = "inForce" // two people placed it
	Ending  HoldState = "ending"  // one person asks to lift it; it protects
	Lifted  HoldState = "lifted"  // two people lifted it
)

// HoldView is a legal hold.
type HoldView struct {
	ID       string    `json:"id"`
	Reason   string    `json:"reason"`
	State    HoldState `json:"state" enum:"placed,lapsed,inForce,ending,lifted" doc:"placed by one person, in force by two; ending as one asks, lifted as two do; lapsed where nobody agreed within seven days"`
	Protects bool      `json:"protects" doc:"whether it forbids deletion now"`
	Placed   ActView   `json:"placed"`
	Agreed   *ActView  `json:"agreed,omitempty"`
	Ended    *ActView  `json:"ended,omitempty"`
	Lifted   *ActView  `json:"lifted,omitempty"`
	MayAgree bool      `json:"mayAgree" doc:"the asker may be the second person of what waits: agree or lift"`
}

// ActView is who did something, and when.
type ActView struct {
	By string    `json:"by" doc:"account"`
	Is string    `json:"name" doc:"of the account"`
	At time.Time `json:"at"`
}

type holdsOutput struct {
	Body struct {
		Holds     []HoldView `json:"holds"`
		Protected bool       `json:"protected" doc:"at least one forbids deletion now"`
	}
}

func (h *Handler) list(ctx context.Context, in *documentInput) (*holdsOutput, error) {
	d, err := h.load(ctx, in.ID, api.List, api.HoldObject)
	if err != nil {
		return nil, err
	}
	holds, err := h.Holds.Holds(ctx, d.ID)
	if err != nil {
		return nil, fmt.Errorf("list holds: %w", err)
	}
	out := new(holdsOutput)
	out.Body.Holds = make([]HoldView, 0, len(holds))
	for _, hold := range holds {
		v := h.view(ctx, d, hold)
		out.Body.Protected = out.Body.Protected || v.Protects
		out.Body.Holds = append(out.Body.Holds, v)
	}
	return out, nil
}

type placeInput struct {
	ID   string `path:"id" pattern:"^[0-9a-f]{32}$"`
	Body struct {
		Reason string `json:"reason" minLength:"3" maxLength:"1000" doc:"which dispute or proceeding; it goes into the record"`
	}
}

type holdOutput struct{ Body HoldView }

func (h *Handler) place(ctx context.Context, in *placeInput) (*holdOutput, error) {
	d, err := h.load(ctx, in.ID, api.Create, api.HoldObject)
	if err != nil {
		return nil, err
	}
	reason := strings.TrimSpace(in.Body.Reason)
	if reason == "" {
		return nil, api.Explain(api.ErrInvalid, "Say for which dispute or proceeding the document is held.")
	}
	hold, err := retain.NewHold(api.NewID(), d.ID, reason, api.IdentityOf(ctx).Account, h.Clock.Now().UTC())
	if err != nil {
		return nil, err
	}
	err = h.Ceremony.Tx.Tx(ctx, func(ctx context.Context) error {
		earlier, err := h.Holds.Holds(ctx, d.ID)
		if err != nil {
			return err
		}
		if err := retain.MayPlace(hold.Placed.By, earlier); err != nil {
			return explain(err, "Another person has to agree to your earlier hold on this document, which they still can. Until then you cannot place another one.")
		}
		if err := h.Holds.AddHold(ctx, d.Organisation, hold); err != nil {
			return err
		}
		return h.record(ctx, d, hold, "hold.placed")
	})
	if err != nil {
		return nil, fmt.Errorf("place a hold: %w", err)
	}
	return &holdOutput{h.view(ctx, d, hold)}, nil
}

type holdInput struct {
	ID   string `path:"id" pattern:"^[0-9a-f]{32}$"`
	Hold string `path:"hold" pattern:"^[0-9a-f]{32}$"`
}

func (h *Handler) agree(ctx context.Context, in *holdInput) (*holdOutput, error) {
	return h.act(ctx, in, "hold.agreed", "Another person than the one who placed the hold has to agree, once.", retain.Hold.Agree)
}

func (h *Handler) end(ctx context.Context, in *holdInput) (*holdOutput, error) {
	return h.act(ctx, in, "hold.ended", "Somebody asked to lift this hold already.", retain.Hold.End)
}

func (h *Handler) lift(ctx context.Context, in *holdInput) (*holdOutput, error) {
	return h.act(ctx, in, "hold.lifted", "First somebody asks to lift the hold, then another person agrees.", retain.Hold.Lift)
}

// act does one of the three later acts, with its line in the record.
func (h *Handler) act(ctx context.Context, in *holdInput, kind, refusal string, do func(retain.Hold, string, time.Time) (retain.Hold, error)) (*holdOutput, error) {
	d, err := h.load(ctx, in.ID, api.Update, api.HoldObject)
	if err != nil {
		return nil, err
	}
	var after retain.Hold
	err = h.Ceremony.Tx.Tx(ctx, func(ctx context.Context) error {
		holds, err := h.Holds.Holds(ctx, d.ID)
		if err != nil {
			return err
		}
		i := slices.IndexFunc(holds, func(x retain.Hold) bool { return x.ID == in.Hold })
		if i < 0 {
			return api.Explain(api.ErrNotFound, "The document has no such hold.")
		}
		if after, err = do(holds[i], api.IdentityOf(ctx).Account, h.Clock.Now().UTC()); err != nil {
			return explain(err, refusal)
		}
		if err := h.Holds.SaveHold(ctx, holds[i], after); err != nil {
			return err
		}
		return h.record(ctx, d, after, kind)
	})
	if err != nil {
		return nil, fmt.Errorf("%s: %w", kind, err)
	}
	return &holdOutput{h.view(ctx, d, after)}, nil
}

// record adds the act to the document's own chain.
func (h *Handler) record(ctx context.Context, d *ceremony.Document, hold retain.Hold, kind string) error {
	return h.Record(ctx, api.Event{Kind: kind, Organisation: d.Organisation, Account: api.IdentityOf(ctx).Account,
		Object: "document:" + d.ID, Chain: "document:" + d.ID, Detail: api.Detail{"detail": "hold " + hold.ID}})
}

func (h *Handler) view(ctx context.Context, d *ceremony.Document, hold retain.Hold) HoldView {
	now := h.Clock.Now()
	me := api.IdentityOf(ctx).Account
	act := func(a retain.Act) *ActView {
		if a.By == "" {
			return nil
		}
		name, err := h.Name(ctx, d.Organisation, a.By)
		if err != nil {
			name = "" // the account is gone
		}
		return &ActView{a.By, name, a.At}
	}
	v := HoldView{ID: hold.ID, Reason: hold.Reason, Protects: hold.Protects(now), Placed: *act(hold.Placed),
		Agreed: act(hold.Agreed), Ended: act(hold.Ended), Lifted: act(hold.Lifted)}
	waits := hold.Placed.By
	switch {
	case v.Lifted != nil:
		v.State, waits = Lifted, me
	case v.Ended != nil:
		v.State, waits = Ending, hold.Ended.By
	case v.Agreed != nil:
		v.State, waits = InForce, me
	case v.Protects:
		v.State = Placed
	default:
		v.State = Lapsed
	}
	v.MayAgree = me != waits && api.Allow(api.IdentityOf(ctx), api.Update, api.Object{Kind: api.HoldObject, Organisation: d.Organisation, Owner: d.Owner}) == nil
	return v
}
