package investigate

import (
	"context"
	"time"

	"inkwitness/api"
	"inkwitness/api/dispute"
)

// OpeningView is a question to open evidence, for who asked and who decides.
type OpeningView struct {
	ID        string        `json:"id"`
	State     dispute.State `json:"state" enum:"asked,approved,refused,withdrawn,open,over"`
	Case      string        `json:"case" doc:"only its investigator can open it"`
	Dispute   string        `json:"dispute" doc:"number of the case"`
	Document  string        `json:"document"`
	Title     string        `json:"title" doc:"of the document; empty when it was erased"`
	Signer    string        `json:"signer"`
	Name      string        `json:"name" doc:"of the signer"`
	AskedBy   string        `json:"askedBy" doc:"name"`
	Mine      bool          `json:"mine" doc:"the asker of this list asked"`
	DecidedBy string        `json:"decidedBy,omitempty" doc:"name"`
	Reason    string        `json:"reason"`
	Answer    string        `json:"answer,omitempty" doc:"why it was refused"`
	Hours     int           `json:"hours" doc:"of reading, once it is opened"`
	AskedAt   time.Time     `json:"askedAt"`
	DecidedAt *time.Time    `json:"decidedAt,omitempty"`
	OpenedAt  *time.Time    `json:"openedAt,omitempty"`
	Ends      time.Time     `json:"endsAt" doc:"of the present state"`
}

type openingOutput struct{ Body OpeningView }

type openingsOutput struct {
	Body struct {
		Openings []OpeningView `json:"openings"`
		// Deciders lets the page say that somebody has to be invited first.
		Deciders int `json:"deciders" doc:"people besides the asker who could agree"`
	}
}

func (h *Handler) openings(ctx context.Context, _ *struct{}) (*openingsOutput, error) {
	id, err := entitled(ctx, api.List)
	if err != nil {
		return nil, err
	}
	all, err := h.Disputes.Openings.OpeningsOf(ctx, id.Organisation, "", dispute.MostOpenings)
	if err != nil {
		return nil, err
	}
	out := new(openingsOutput)
	out.Body.Openings = make([]OpeningView, 0, len(all))
	for _, o := range all {
		v, err := h.viewOpening(ctx, o)
		if err != nil {
			return nil, err
		}
		out.Body.Openings = append(out.Body.Openings, v)
	}
	out.Body.Deciders, err = h.Disputes.Deciders(ctx, id)
	return out, err
}

func (h *Handler) viewOpening(ctx context.Context, o *dispute.Opening) (OpeningView, error) {
	v := OpeningView{ID: o.ID, State: o.Now(h.Disputes.Clock.Now()), Case: o.Case, Dispute: o.Dispute, Document: o.Document, Signer: o.Signer, Mine: o.By == api.IdentityOf(ctx).Account,
		Reason: o.Reason, Answer: o.Answer, Hours: o.Hours, AskedAt: o.Asked, Ends: o.Ends, AskedBy: h.Disputes.Name(ctx, o.By), DecidedBy: h.Disputes.Name(ctx, o.Decider)}
	if !o.Decided.IsZero() {
		v.DecidedAt = &o.Decided
	}
	if !o.Opened.IsZero() {
		v.OpenedAt = &o.Opened
	}
	d, err := h.Disputes.Evidence.Document(ctx, o.Document)
	if err != nil {
		return v, nil // erased: the line of the opening outlives it
	}
	v.Title = d.Title
	if s, err := d.Signer(o.Signer); err == nil {
		v.Name = s.Name
	}
	return v, nil
}

type askInput struct {
	ID   string `path:"id" pattern:"^[0-9a-f]{32}$"`
	Body struct {
		Document string `json:"document" pattern:"^[0-9a-f]{32}$"`
		Signer   string `json:"signer" pattern:"^[0-9a-f]{32}$"`
		Reason   string `json:"reason" minLength:"3" maxLength:"500" doc:"why the evidence is to be opened; it goes into the record"`
		Hours    int    `json:"hours" minimum:"1" maximum:"720" doc:"for how long it can be read once opened"`
	}
}

func (h *Handler) ask(ctx context.Context, in *askInput) (*openingOutput, error) {
	if _, err := entitled(ctx, api.Open); err != nil {
		return nil, err
	}
	c, err := h.load(ctx, in.ID, api.Update)
	if err != nil {
		return nil, err
	}
	return h.answer(ctx)(h.Disputes.Ask(ctx, c, in.Body.Document, in.Body.Signer, in.Body.Reason, in.Body.Hours))
}

// answer views what a step returned.
func (h *Handler) answer(ctx context.Context) func(*dispute.Opening, error) (*openingOutput, error) {
	return func(o *dispute.Opening, err error) (*openingOutput, error) {
		if err != nil {
			return nil, err
		}
		v, err := h.viewOpening(ctx, o)
		return &openingOutput{v}, err
	}
}

func (h *Handler) approve(ctx context.Context, in *idInput) (*openingOutput, error) {
	if _, err := h.opening(ctx, in.ID, api.Approve); err != nil {
		return nil, err
	}
	return h.answer(ctx)(h.Disputes.Decide(ctx, in.ID, true, ""))
}

type refuseInput struct {
	ID   string `path:"id" pattern:"^[0-9a-f]{32}$"`
	Body struct {
		Answer string `json:"answer" maxLength:"500" doc:"why not, for who asked"`
	}
}

func (h *Handler) refuse(ctx context.Context, in *refuseInput) (*openingOutput, error) {
	if _, err := h.opening(ctx, in.ID, api.Approve); err != nil {
		return nil, err
	}
	return h.answer(ctx)(h.Disputes.Decide(ctx, in.ID, false, in.Body.Answer))
}

func (h *Handler) withdraw(ctx context.Context, in *idInput) (*openingOutput, error) {
	if _, err := h.opening(ctx, in.ID, api.Open); err != nil {
		return nil, err
	}
	return h.answer(ctx)(h.Disputes.Withdraw(ctx, in.ID))
}

func (h *Handler) open(ctx context.Context, in *idInput) (*caseOutput, error) {
	if _, err := h.opening(ctx, in.ID, api.Open); err != nil {
		return nil, err
	}
	c, err := h.Disputes.Open(ctx, in.ID)
	return h.caseOut(ctx, c, err)
}
