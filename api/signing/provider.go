package signing

import (
	"context"

	"inkwitness/api"
)

type providerInput struct {
	Body struct {
		State string `json:"state" minLength:"1" maxLength:"512" doc:"as it stood in the address with which the signer came back"`
		Code  string `json:"code" minLength:"1" maxLength:"4096" doc:"likewise"`
	}
}

// provider takes what the signer brought back from the provider of certificates.
func (h *Handler) provider(ctx context.Context, in *providerInput) (*viewOutput, error) {
	d, s, err := h.me(ctx, api.Sign, api.CeremonyObject)
	if err != nil {
		return nil, err
	}
	d, err = h.Ceremony.Consented(ctx, d.ID, s.ID, in.Body.State, in.Body.Code)
	return h.after(ctx, d, s.ID, err)
}
