package signing

import (
	"context"
	"strings"

	"inkwitness/api"
	"inkwitness/api/ceremony"
)

type requestInput struct {
	Body struct {
		Text string `json:"text" minLength:"1" maxLength:"1000" doc:"goes to the controller by mail, with name and address of the signer"`
	}
}

// ask passes on what a signer wants of the controller (GDPR articles 15 to 21): the
// service works on its behalf and decides nothing of it.
func (h *Handler) ask(ctx context.Context, in *requestInput) (*struct{}, error) {
	d, s, err := h.me(ctx, api.Read, api.CeremonyObject)
	if err != nil {
		return nil, err
	}
	if !s.Proved() {
		return nil, ceremony.ErrUnproved
	}
	text := strings.TrimSpace(in.Body.Text)
	if text == "" || h.Owners == nil {
		return nil, api.Explain(api.ErrInvalid, "Write what you ask for.")
	}
	return nil, h.Owners.AskController(ctx, d, s, text)
}
