package auth

import (
	"context"
	"encoding/json"
	"errors"

	"inkwitness/api"
	"inkwitness/api/auth/saml"
)

// keepBounce stores a sign-in under way under its secret.
func (h *Handler) keepBounce(ctx context.Context, kind, secret string, b bounce) error {
	data, err := json.Marshal(b)
	if err != nil {
		return err
	}
	now := h.cfg.Clock.Now()
	return h.cfg.Store.AddChallenge(ctx, api.Challenge{Kind: kind, Created: now, Expires: now.Add(bounceLife), Data: data}, hashSecret(secret))
}

// takeBounce returns it once.
func (h *Handler) takeBounce(ctx context.Context, kind, secret string) (b bounce, err error) {
	if secret == "" {
		return b, errProvider
	}
	c, err := h.cfg.Store.TakeChallenge(ctx, kind, hashSecret(secret), h.cfg.Clock.Now())
	if err != nil {
		return b, err
	}
	return b, json.Unmarshal(c.Data, &b)
}

type providerBody struct {
	ID       string   `json:"id,omitempty" readOnly:"true"`
	Kind     string   `json:"kind" enum:"oidc,saml"`
	Enforced bool     `json:"enforced,omitempty" doc:"members but owners must sign in there"`
	Role     api.Role `json:"role" enum:"admin,manager,sender,reviewer,investigator,auditor" doc:"of who comes for the first time"`
	Second   bool     `json:"secondFactor,omitempty" doc:"the provider asks everybody for a second factor, also where its answers do not say so"`
	Issuer   string   `json:"issuer,omitempty" maxLength:"500" doc:"OpenID Connect"`
	ClientID string   `json:"clientId,omitempty" maxLength:"500"`
	Secret   string   `json:"clientSecret,omitempty" maxLength:"1000" doc:"never shown; empty keeps the one before"`
	Metadata string   `json:"metadata,omitempty" maxLength:"262144" doc:"SAML, as the provider publishes it"`

	Audience string `json:"audience,omitempty" readOnly:"true" doc:"SAML: this service's name, for the provider"`
	Address  string `json:"address,omitempty" readOnly:"true" doc:"where the provider sends people back"`
	Service  string `json:"serviceMetadata,omitempty" readOnly:"true" doc:"SAML: this service's metadata, for the provider"`
}

type providerOut struct{ Body providerBody }

type providerIn struct{ Body providerBody }

func (h *Handler) view(p api.Provider) (*providerOut, error) {
	b := providerBody{ID: p.ID, Kind: p.Kind, Enforced: p.Enforced, Role: p.Role, Second: p.Settings.SecondFactor, Issuer: p.Settings.Issuer, ClientID: p.Settings.ClientID,
		Metadata: string(p.Settings.Metadata), Address: h.cfg.URL + "/api/sso/back"}
	if p.Kind == "saml" {
		b.Audience, b.Address = h.entity(p.ID), h.acs(p.ID)
		raw, err := saml.Metadata(b.Audience, b.Address)
		if err != nil {
			return nil, err
		}
		b.Service = string(raw)
	}
	return &providerOut{b}, nil
}

func providerAccess(ctx context.Context, action api.Action) (api.Identity, error) {
	id := api.IdentityOf(ctx)
	return id, api.Allow(id, action, api.Object{Kind: api.OrganisationObject, Organisation: id.Organisation})
}

// providerLook lets those look who may change. No secret is shown, so the fresh
// proof that a change needs is not asked for.
func providerLook(ctx context.Context) (api.Identity, error) {
	id, err := providerAccess(ctx, api.Update)
	if errors.Is(err, api.ErrStepUp) {
		err = nil
	}
	return id, err
}

func (h *Handler) getProvider(ctx context.Context, _ *struct{}) (*providerOut, error) {
	id, err := providerLook(ctx)
	if err != nil {
		return nil, err
	}
	p, err := h.cfg.Store.ProviderOf(ctx, id.Organisation)
	if err != nil {
		return nil, err
	}
	return h.view(p)
}

func (h *Handler) setProvider(ctx context.Context, in *providerIn) (*providerOut, error) {
	id, err := providerAccess(ctx, api.Update)
	if err != nil {
		return nil, err
	}
	p, err := h.cfg.Store.ProviderOf(ctx, id.Organisation)
	if errors.Is(err, api.ErrNotFound) {
		p, err = api.Provider{ID: api.NewID(), Organisation: id.Organisation, Created: h.cfg.Clock.Now()}, nil
	}
	if err != nil {
		return nil, err
	}
	before := p
	secret := p.Settings.ClientSecret
	if in.Body.Secret != "" {
		secret = in.Body.Secret
	}
	p.Kind, p.Enforced, p.Role = in.Body.Kind, in.Body.Enforced, in.Body.Role
	p.Settings = api.ProviderSettings{Issuer: in.Body.Issuer, ClientID: in.Body.ClientID, ClientSecret: secret, Metadata: []byte(in.Body.Metadata),
		SecondFactor: in.Body.Second}
	if p.Kind == "saml" {
		_, err = h.openSAML(p)
	} else {
		_, err = h.openOIDC(ctx, p)
	}
	if err != nil {
		return nil, err
	}
	err = h.cfg.Store.Tx(ctx, func(ctx context.Context) error {
		if err := h.cfg.Store.SaveProvider(ctx, p); err != nil {
			return err
		}
		if !h.sameProvider(before, p) {
			if err := h.cfg.Store.ForgetProviderPeople(ctx, p.ID, endProvider, h.cfg.Clock.Now()); err != nil {
				return err
			}
		}
		return h.record(ctx, "provider.changed", id.Account, id.Organisation, api.Detail{"provider": p.Kind})
	})
	if err != nil {
		return nil, err
	}
	return h.view(p)
}

// sameProvider says whether a subject of the one names the same person at the
// other. Subjects may differ by client (OpenID Connect Core 1.0, section 8).
func (h *Handler) sameProvider(a, b api.Provider) bool {
	if a.Kind != b.Kind {
		return false
	}
	if a.Kind != "saml" {
		return a.Settings.Issuer == b.Settings.Issuer && a.Settings.ClientID == b.Settings.ClientID
	}
	before, err := h.openSAML(a)
	if err != nil {
		return false
	}
	now, err := h.openSAML(b)
	return err == nil && before.Issuer() == now.Issuer()
}

func (h *Handler) deleteProvider(ctx context.Context, _ *struct{}) (*struct{}, error) {
	id, err := providerAccess(ctx, api.Update)
	if err != nil {
		return nil, err
	}
	return nil, h.cfg.Store.Tx(ctx, func(ctx context.Context) error {
		p, err := h.cfg.Store.ProviderOf(ctx, id.Organisation)
		if err != nil {
			return err
		}
		if err := h.cfg.Store.DeleteProvider(ctx, p.ID); err != nil {
			return err
		}
		return h.record(ctx, "provider.removed", id.Account, id.Organisation, nil)
	})
}
