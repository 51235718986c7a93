package retention

import (
	"context"
	"errors"
	"time"

	"inkwitness/api"
	"inkwitness/api/ceremony"
	"inkwitness/evidence"
)

type eraseInput struct {
	ID     string `path:"id" pattern:"^[0-9a-f]{32}$"`
	Signer string `path:"signer" pattern:"^[0-9a-f]{32}$"`
	Body   struct {
		What   string `json:"what" enum:"recording,references" doc:"recording: strokes, video and comparison, out of this document; references: what was enrolled of the person for comparisons, in the whole organisation"`
		Reason string `json:"reason" minLength:"3" maxLength:"200" doc:"by what right, without names: it stays in receipts"`
	}
}

type eraseOutput struct {
	Body Erasure
}

// Erasure is what came of a request to erase.
type Erasure struct {
	What    string    `json:"what" enum:"recording,references"`
	At      time.Time `json:"at"`
	Deleted bool      `json:"deleted" doc:"bytes and keys are gone; where false, the service deletes them as soon as it may"`
}

// erase takes a person's data out. Who asks must have proved a factor just now.
func (h *Handler) erase(ctx context.Context, in *eraseInput) (*eraseOutput, error) {
	d, err := h.load(ctx, in.ID, api.Create, api.ErasureObject)
	if err != nil {
		return nil, err
	}
	if in.Body.What == "references" {
		_, err = h.Ceremony.WithdrawReferences(ctx, d.ID, in.Signer, in.Body.Reason, ceremony.ByAccount)
	} else {
		_, err = h.Ceremony.EraseRecording(ctx, d.ID, in.Signer, in.Body.Reason, ceremony.ByAccount)
	}
	if err != nil {
		return nil, err
	}
	return h.erased(ctx, in.Body.What)
}

type withdrawInput struct{}

// withdraw is the signer's own word: what was enrolled for comparisons goes.
func (h *Handler) withdraw(ctx context.Context, _ *withdrawInput) (*eraseOutput, error) {
	id := api.IdentityOf(ctx)
	if id.Ceremony == "" {
		return nil, api.Explain(api.ErrUnauthenticated, "Open the link from your mail again.")
	}
	d, err := h.Ceremony.Document(ctx, id.Ceremony)
	if err != nil {
		return nil, err
	}
	if err := api.Allow(id, api.Sign, api.Object{Kind: api.CeremonyObject, Organisation: d.Organisation, Owner: d.Owner, Ceremony: d.ID, Signer: id.Signer}); err != nil {
		return nil, err
	}
	who, err := d.Signer(id.Signer)
	if err != nil {
		return nil, err
	}
	if !who.Proved() {
		return nil, ceremony.ErrUnproved
	}
	if _, err := h.Ceremony.WithdrawReferences(ctx, d.ID, id.Signer, ceremony.BySubject, ceremony.BySigner); err != nil {
		return nil, err
	}
	return h.erased(ctx, "references")
}

// erased deletes at once what was let go of. Where that must wait, for a clock
// in doubt, it is due all the same.
func (h *Handler) erased(ctx context.Context, what string) (*eraseOutput, error) {
	err := h.Purge(ctx)
	if err != nil && !errors.Is(err, evidence.ErrClock) {
		h.Logger.ErrorContext(ctx, "delete what was erased; tried again every 15 minutes", "err", err)
	}
	return &eraseOutput{Erasure{what, h.Clock.Now().UTC(), err == nil}}, nil
}
