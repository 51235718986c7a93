package document

import (
	"context"

	"inkwitness/api"
)

// ProviderView is a provider of certificates as its customers are told. Force of
// proof differs: it is said before somebody chooses.
type ProviderView struct {
	Name    string `json:"name" doc:"empty for the service's own authority"`
	Legal   string `json:"legal" doc:"who runs it"`
	Country string `json:"country,omitempty" doc:"ISO 3166-1 alpha-2"`
	Level   string `json:"level" enum:"simple,advanced,qualified" doc:"of the electronic signatures, in the words of eIDAS"`
}

type providersOutput struct {
	Body struct {
		Providers []ProviderView `json:"providers"`
	}
}

func (h *Handler) providers(ctx context.Context, _ *struct{}) (*providersOutput, error) {
	id := api.IdentityOf(ctx)
	if err := api.Allow(id, api.List, api.Object{Kind: api.DocumentObject, Organisation: id.Organisation, Owner: id.Account}); err != nil {
		return nil, err
	}
	out := new(providersOutput)
	out.Body.Providers = h.Providers
	return out, nil
}

type chooseInput struct {
	ID   string `path:"id" pattern:"^[0-9a-f]{32}$"`
	Body struct {
		Provider string `json:"provider" maxLength:"40" doc:"a name of /api/providers; empty for the service's own authority"`
	}
}

func (h *Handler) choose(ctx context.Context, in *chooseInput) (*viewOutput, error) {
	if _, err := h.load(ctx, in.ID, api.Update, api.DocumentObject); err != nil {
		return nil, err
	}
	return answer(h.Ceremony.Choose(ctx, in.ID, in.Body.Provider))
}
