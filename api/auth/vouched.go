package auth

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"inkwitness/api"
)

// person is what a provider says of somebody.
type person struct {
	Subject, Email, Name string
	SecondFactor         bool
	Authenticated        time.Time // when the provider asked for a proof; zero when it does not say
}

// enter finds or makes the account of somebody whom the provider vouches for,
// and begins a session that is of use in that organisation alone.
func (h *Handler) enter(ctx context.Context, b bounce) (*sessionOut, error) {
	p, err := h.cfg.Store.Provider(ctx, b.Provider)
	if err != nil {
		return nil, err
	}
	strong := b.Person.SecondFactor || p.Settings.SecondFactor
	if err := h.vouched(ctx, p, b, strong); err != nil {
		return nil, h.refused(ctx, p, err)
	}
	var acc api.Account
	err = h.cfg.Store.Tx(ctx, func(ctx context.Context) error {
		acc, err = h.resolve(ctx, p, *b.Person)
		return err
	})
	if errors.Is(err, errLinked) {
		return nil, h.refused(ctx, p, err)
	}
	if err != nil {
		return nil, fmt.Errorf("account of a provider's person: %w", err)
	}
	if acc.State == api.AccountBlocked {
		return nil, errProvider
	}
	return h.begin(ctx, entry{account: acc, strong: strong, takeOver: b.TakeOver, provider: &p, stale: !b.Force})
}

// providerSkew is how far a provider's clock may be behind.
const providerSkew = time.Minute

// What a provider did not vouch for. The page tells each in its own words.
var (
	errNotProved = &api.Problem{Type: "/problems/provider-proof", Title: "No fresh proof", Status: http.StatusForbidden,
		Detail: "Your provider did not ask for a proof again. Sign out there, then try again."}
	errOneFactor = &api.Problem{Type: "/problems/provider-second-factor", Title: "Second factor needed", Status: http.StatusForbidden,
		Detail: "Your organisation asks for a second factor, and your provider did not ask you for one."}
	errLinked = &api.Problem{Type: "/problems/provider-other-person", Title: "Linked to somebody else", Status: http.StatusForbidden,
		Detail: "Your provider knows you by another identifier than before. Ask an owner of your organisation."}
)

// vouched says whether the answer holds what the sign-in needs. That the request
// asked for it is nothing: it went through the hands of the browser's holder.
func (h *Handler) vouched(ctx context.Context, p api.Provider, b bounce, strong bool) error {
	org, err := h.cfg.Store.Organisation(ctx, p.Organisation)
	switch {
	case err != nil:
		return fmt.Errorf("organisation of a provider: %w", err)
	case b.Force && b.Person.Authenticated.Before(b.Began.Add(-providerSkew)):
		return errNotProved
	case org.SecondFactor && !strong:
		return errOneFactor
	}
	return nil
}

// resolve returns the account: the one linked before, that of a member with the
// same address, or a new one. Accounts of other organisations are never linked.
func (h *Handler) resolve(ctx context.Context, p api.Provider, who person) (api.Account, error) {
	id, err := h.cfg.Store.ProviderPerson(ctx, p.ID, who.Subject)
	if err == nil {
		return h.cfg.Store.Account(ctx, id)
	}
	if !errors.Is(err, api.ErrNotFound) {
		return api.Account{}, err
	}
	acc, member, err := h.memberByEmail(ctx, p, who.Email)
	if err != nil {
		return acc, err
	}
	if !member {
		if acc, err = h.provision(ctx, p, who); err != nil {
			return acc, err
		}
	}
	err = h.cfg.Store.LinkProviderPerson(ctx, p.ID, who.Subject, acc.ID)
	if errors.Is(err, api.ErrConflict) {
		return acc, errLinked // an address alone, which may be another's by now, opens no account that is somebody's
	}
	return acc, errors.Join(err, h.record(ctx, "provider.linked", acc.ID, p.Organisation, api.Detail{"provider": p.Kind}))
}

// memberByEmail finds somebody by an address that the provider has verified: an
// account that its directory made, or a member of the organisation.
func (h *Handler) memberByEmail(ctx context.Context, p api.Provider, email string) (acc api.Account, member bool, err error) {
	if email == "" {
		return acc, false, nil
	}
	acc, err = h.cfg.Store.AccountOfProvider(ctx, p.ID, email)
	if err == nil {
		return acc, true, nil
	}
	if errors.Is(err, api.ErrNotFound) {
		acc, err = h.cfg.Store.AccountByEmail(ctx, email)
	}
	if errors.Is(err, api.ErrNotFound) {
		return acc, false, nil
	}
	if err != nil {
		return acc, false, err
	}
	of, err := h.cfg.Store.Memberships(ctx, acc.ID)
	for _, m := range of {
		member = member || m.Organisation == p.Organisation
	}
	return acc, member, err
}

// provision makes an account for somebody who comes for the first time.
func (h *Handler) provision(ctx context.Context, p api.Provider, who person) (api.Account, error) {
	now := h.cfg.Clock.Now()
	language := api.ClientOf(ctx).Language
	if language == "" {
		language = api.Languages()[0]
	}
	if who.Email == "" {
		return api.Account{}, api.Explain(api.ErrForbidden, "Your provider does not give a verified e-mail address.")
	}
	acc := api.Account{ID: api.NewID(), State: api.AccountActive, Created: now, Provider: p.ID,
		Profile: api.Profile{Email: who.Email, Name: who.Name, Language: language}}
	if err := h.cfg.Store.CreateAccount(ctx, acc); err != nil {
		return acc, err
	}
	m := api.Member{Account: acc.ID, Organisation: p.Organisation, Role: p.Role, Added: now}
	return acc, errors.Join(h.cfg.Store.AddMember(ctx, m),
		h.record(ctx, "account.created", acc.ID, p.Organisation, api.Detail{"role": string(p.Role), "provider": p.Kind}))
}
