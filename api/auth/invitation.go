package auth

import (
	"context"
	"errors"
	"fmt"
	"net/mail"
	"slices"
	"strings"

	"inkwitness/api"
)

func (h *Handler) mountInvitation(a *api.API) {
	const tag = "invitations"
	api.Register(a, api.Route{Method: "GET", Path: "/api/invitations/{token}", ID: "getInvitation", Tag: tag, Public: true,
		Summary: "What an invitation leads to"}, h.getInvitation)
	api.Register(a, api.Route{Method: "POST", Path: "/api/invitations/accept", ID: "acceptInvitation", Tag: tag, Status: 201, Public: true,
		Summary: "Make an account, or join with the one that is signed in"}, h.accept)
}

type tokenIn struct {
	Token string `path:"token" maxLength:"100"`
}

type invitationOut struct {
	Body struct {
		Email        string    `json:"email" doc:"empty when the invited person names it"`
		Role         api.Role  `json:"role"`
		Organisation string    `json:"organisation"`
		Language     string    `json:"language"`
		TOTP         totpOffer `json:"totp" doc:"a second factor, to be confirmed with a first code on acceptance; then 8 characters do for the password"`
	}
}

// live returns the invitation of a token while it can be used.
func (h *Handler) live(ctx context.Context, token string) (api.Invitation, error) {
	if err := h.hit(ctx, acceptsFrom, api.ClientOf(ctx).Address); err != nil {
		return api.Invitation{}, err
	}
	i, err := h.cfg.Store.Invitation(ctx, hashSecret(token))
	if errors.Is(err, api.ErrNotFound) || err == nil && (!i.Used.IsZero() || !i.Revoked.IsZero() || !h.cfg.Clock.Now().Before(i.Expires)) {
		return i, errInvitation
	}
	if err != nil {
		return i, err
	}
	return i, h.inviterMay(ctx, i)
}

var errInvitation = api.Explain(api.ErrExpired, "This invitation is not valid, was used, taken back, or its time is over. Ask for a new one.")

// inviterMay refuses the invitation of somebody who could not make it any more.
func (h *Handler) inviterMay(ctx context.Context, i api.Invitation) error {
	if i.InvitedBy == "" {
		return nil // by the operator
	}
	inviter, err := h.cfg.Store.Account(ctx, i.InvitedBy)
	if errors.Is(err, api.ErrNotFound) || err == nil && inviter.State == api.AccountBlocked {
		return errInvitation
	}
	if err != nil {
		return err
	}
	of, err := h.cfg.Store.Memberships(ctx, i.InvitedBy)
	if err != nil {
		return err
	}
	if !slices.ContainsFunc(of, func(m api.Member) bool { return m.Organisation == i.Organisation && m.Role.MayGive(i.Role) }) {
		return errInvitation
	}
	return nil
}

func (h *Handler) getInvitation(ctx context.Context, in *tokenIn) (*invitationOut, error) {
	i, err := h.live(ctx, in.Token)
	if err != nil {
		return nil, err
	}
	org, err := h.cfg.Store.Organisation(ctx, i.Organisation)
	if err != nil {
		return nil, err
	}
	out := &invitationOut{}
	out.Body.Email, out.Body.Role, out.Body.Organisation, out.Body.Language = i.Email, i.Role, org.Name, i.Language
	out.Body.TOTP = offer(h.offeredSecret(in.Token), i.Email)
	return out, nil
}

type acceptIn struct {
	Body struct {
		Token    string `json:"token" maxLength:"100"`
		Name     string `json:"name,omitempty" maxLength:"200" doc:"display name; people who sign with you see it"`
		Email    string `json:"email,omitempty" maxLength:"254" doc:"only where the invitation names none"`
		Password string `json:"password,omitempty" maxLength:"1024"`
		TOTP     string `json:"totp,omitempty" maxLength:"16" doc:"first code of the offered second factor"`
		Language string `json:"language,omitempty" enum:"en,fr,zh-Hant,zh-Hans"`
	}
}

type acceptOut struct {
	SetCookie []string `header:"Set-Cookie" hidden:"true"`
	Body      struct {
		sessionBody
		RecoveryCodes []string `json:"recoveryCodes,omitempty" doc:"shown once, when a second factor was added"`
	}
}

func (h *Handler) accept(ctx context.Context, in *acceptIn) (*acceptOut, error) {
	i, err := h.live(ctx, in.Body.Token)
	if err != nil {
		return nil, err
	}
	acc, err := h.newAccount(ctx, in, i)
	if err != nil {
		return nil, err
	}
	_, err = h.cfg.Store.AccountByEmail(ctx, acc.Email)
	if err == nil {
		return nil, h.join(ctx, i, acc.Email)
	}
	if !errors.Is(err, api.ErrNotFound) {
		return nil, err
	}
	step, second, err := h.firstCode(in)
	if err != nil {
		return nil, err
	}
	if err := checkNew(in.Body.Password, second, acc.Name, acc.Email); err != nil {
		return nil, err
	}
	// Of many uses at once most find, when it is their turn, that one was first.
	still := func() error { _, err := h.live(ctx, in.Body.Token); return err }
	kept, err := h.hasher.keep(ctx, in.Body.Password, acc.Created, still)
	if err != nil {
		return nil, err
	}
	out := &acceptOut{}
	err = h.cfg.Store.Tx(ctx, func(ctx context.Context) error {
		if err := h.inviterMay(ctx, i); err != nil {
			return err
		}
		if err := h.cfg.Store.UseInvitation(ctx, i.ID, acc.Created); err != nil {
			return err
		}
		if err := h.create(ctx, acc, i, kept); err != nil || !second {
			return err
		}
		codes, hashes := newRecoveryCodes(acc.ID)
		out.Body.RecoveryCodes = codes
		return errors.Join(h.cfg.Store.SetRecoveryCodes(ctx, acc.ID, hashes),
			h.cfg.Store.SetTOTP(ctx, acc.ID, api.TOTP{Secret: h.offeredSecret(in.Body.Token), Confirmed: true, LastStep: step}, acc.Created))
	})
	if err != nil {
		return nil, fmt.Errorf("accept invitation: %w", err)
	}
	begun, err := h.begin(ctx, entry{account: acc, strong: second})
	if err != nil {
		return nil, err
	}
	out.SetCookie, out.Body.sessionBody = begun.SetCookie, begun.Body
	return out, nil
}

// newAccount is the account that the invitation and the person describe.
func (h *Handler) newAccount(ctx context.Context, in *acceptIn, i api.Invitation) (api.Account, error) {
	email := i.Email
	if email == "" {
		email = strings.TrimSpace(in.Body.Email)
	}
	parsed, err := mail.ParseAddress(email)
	if err != nil || parsed.Address != email {
		return api.Account{}, api.Explain(api.ErrInvalid, "Give an e-mail address.")
	}
	if i.Email != "" && in.Body.Email != "" && !strings.EqualFold(in.Body.Email, i.Email) {
		return api.Account{}, api.Explain(api.ErrForbidden, "This invitation is for another address.")
	}
	language := in.Body.Language
	for _, l := range []string{i.Language, api.ClientOf(ctx).Language, api.Languages()[0]} {
		if !slices.Contains(api.Languages(), language) {
			language = l
		}
	}
	return api.Account{ID: api.NewID(), State: api.AccountActive, Created: h.cfg.Clock.Now(),
		Profile: api.Profile{Email: email, Name: strings.TrimSpace(in.Body.Name), Language: language}}, nil
}

// firstCode checks the first code of the offered second factor, if one is given.
func (h *Handler) firstCode(in *acceptIn) (step int64, given bool, err error) {
	if in.Body.TOTP == "" {
		return 0, false, nil
	}
	step, ok := totpStep(h.offeredSecret(in.Body.Token), strings.ReplaceAll(in.Body.TOTP, " ", ""), h.cfg.Clock.Now())
	if !ok {
		return 0, false, api.Explain(api.ErrInvalid, "The code of the second factor is wrong. Check the time of your device.")
	}
	return step, true, nil
}

// create stores the account with its place and password.
func (h *Handler) create(ctx context.Context, acc api.Account, i api.Invitation, kept api.Password) error {
	if err := h.cfg.Store.CreateAccount(ctx, acc); err != nil {
		return err
	}
	m := api.Member{Account: acc.ID, Organisation: i.Organisation, Role: i.Role, Added: acc.Created}
	if err := h.cfg.Store.AddMember(ctx, m); err != nil {
		return err
	}
	if err := h.cfg.Store.SetPassword(ctx, acc.ID, kept); err != nil {
		return err
	}
	return h.record(ctx, "account.created", acc.ID, i.Organisation, api.Detail{"role": string(i.Role), "invitation": i.ID})
}

// join uses an invitation for an account that is there already: its holder must
// be signed in.
func (h *Handler) join(ctx context.Context, i api.Invitation, email string) error {
	id := api.IdentityOf(ctx)
	acc, err := h.cfg.Store.AccountByEmail(ctx, email)
	if err != nil {
		return err
	}
	if id.Account != acc.ID {
		return api.Explain(api.ErrConflict, "There is an account for this address. Sign in, then open the invitation again.")
	}
	if id.Provider != "" { // which speaks for its own organisation alone
		return api.Explain(api.ErrConflict, "You are signed in by your organisation's provider. Sign out, sign in with your own password or passkey, then open the invitation again.")
	}
	now := h.cfg.Clock.Now()
	err = h.cfg.Store.Tx(ctx, func(ctx context.Context) error {
		if err := h.inviterMay(ctx, i); err != nil {
			return err
		}
		if err := h.cfg.Store.UseInvitation(ctx, i.ID, now); err != nil {
			return err
		}
		m := api.Member{Account: acc.ID, Organisation: i.Organisation, Role: i.Role, Added: now}
		if err := h.cfg.Store.AddMember(ctx, m); err != nil {
			return err
		}
		if err := h.cfg.Store.MoveSession(ctx, id.Session, i.Organisation); err != nil {
			return err
		}
		if err := h.cfg.Store.UnlinkProviderPerson(ctx, i.Organisation, acc.ID); err != nil {
			return err // somebody who was a member before may be known by another name by now
		}
		return h.record(ctx, "member.joined", acc.ID, i.Organisation, api.Detail{"role": string(i.Role)})
	})
	return err
}
