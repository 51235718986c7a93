package auth

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"inkwitness/api"
)

func (h *Handler) mountPassword(a *api.API) {
	const tag = "password"
	api.Register(a, api.Route{Method: "POST", Path: "/api/password", ID: "changePassword", Tag: tag, Status: 204,
		Summary: "Change one's own password; all sessions but this one end"}, h.changePassword)
	api.Register(a, api.Route{Method: "POST", Path: "/api/password/forgot", ID: "forgotPassword", Tag: tag, Status: 204, Public: true,
		Summary: "Have a link to set a new password mailed, if there is such an account"}, h.forgot)
	api.Register(a, api.Route{Method: "POST", Path: "/api/password/reset", ID: "resetPassword", Tag: tag, Status: 204, Public: true,
		Summary: "Set a new password with the mailed link, and the second factor if there is one"}, h.reset)
}

type changeIn struct {
	Body struct {
		Current  string `json:"current" maxLength:"1024"`
		Password string `json:"password" maxLength:"1024"`
	}
}

// changePassword takes the password before, and where the account has a second
// factor a fresh proof of that too: the password alone is no step up.
func (h *Handler) changePassword(ctx context.Context, in *changeIn) (*struct{}, error) {
	id, err := ownProfile(ctx, api.Update)
	if err != nil {
		return nil, err
	}
	f, err := h.factors(ctx, id.Account)
	if err != nil {
		return nil, err
	}
	switch {
	case id.Session == "":
		return nil, api.ErrForbidden // a program does not set its person's password
	case f.any() && !id.Fresh:
		return nil, api.ErrStepUp
	}
	if err := h.hit(ctx, proofs, id.Account); err != nil {
		return nil, err
	}
	acc, err := h.cfg.Store.Account(ctx, id.Account)
	if err != nil {
		return nil, err
	}
	if _, err := h.checkPassword(ctx, acc.Email, in.Body.Current); errors.Is(err, errWrong) {
		return nil, api.ErrWrongPassword // who asks is signed in, and stays so
	} else if err != nil {
		return nil, err
	}
	return nil, h.setPassword(ctx, acc, in.Body.Password, f.any(), id.Organisation, func(context.Context) error { return nil })
}

// setPassword checks and stores a new password, does more in the same
// transaction, and tells the holder.
func (h *Handler) setPassword(ctx context.Context, acc api.Account, password string, second bool, organisation string, more func(context.Context) error) error {
	if err := checkNew(password, second, acc.Name, acc.Email); err != nil {
		return err
	}
	kept, err := h.hasher.keep(ctx, password, h.cfg.Clock.Now())
	if err != nil {
		return err
	}
	err = h.cfg.Store.Tx(ctx, func(ctx context.Context) error {
		if err := h.cfg.Store.SetPassword(ctx, acc.ID, kept); err != nil {
			return err
		}
		if err := more(ctx); err != nil {
			return err
		}
		return errors.Join(h.record(ctx, "password.changed", acc.ID, organisation, nil), h.tell(ctx, api.NoticePasswordChanged, acc, nil))
	})
	if err != nil {
		return fmt.Errorf("set password: %w", err)
	}
	return nil
}

type forgotIn struct {
	Body struct {
		Email string `json:"email" maxLength:"254"`
	}
}

// forgot answers the same whether there is such an account or not.
func (h *Handler) forgot(ctx context.Context, in *forgotIn) (*struct{}, error) {
	email := strings.ToLower(strings.TrimSpace(in.Body.Email))
	if err := h.hit(ctx, resetsFrom, api.ClientOf(ctx).Address); err != nil {
		return nil, err
	}
	if err := h.hit(ctx, resets, email); err != nil {
		return nil, err
	}
	acc, err := h.cfg.Store.AccountByEmail(ctx, email)
	unknown := errors.Is(err, api.ErrNotFound)
	if err != nil && !unknown {
		return nil, err
	}
	if err := h.recordOf(ctx, "password.forgot", acc, nil); err != nil {
		return nil, err
	}
	if unknown || acc.State == api.AccountBlocked {
		return nil, nil
	}
	secret, now := newSecret(), h.cfg.Clock.Now()
	err = h.cfg.Store.Tx(ctx, func(ctx context.Context) error {
		c := api.Challenge{Kind: "reset", Account: acc.ID, Created: now, Expires: now.Add(api.ResetLife)}
		if err := h.cfg.Store.AddChallenge(ctx, c, hashSecret(secret)); err != nil {
			return err
		}
		return h.cfg.Notices.Notify(ctx, api.Notice{Kind: api.NoticeReset, To: acc.Email, Language: acc.Language, Account: acc.ID,
			Link: "/#reset=" + secret, Key: "reset:" + acc.ID + ":" + now.String()})
	})
	return nil, err
}

type resetIn struct {
	Body struct {
		Token    string `json:"token" maxLength:"100"`
		Password string `json:"password" maxLength:"1024"`
		Code     string `json:"code,omitempty" maxLength:"64" doc:"where the account has a second factor"`
	}
}

type resetOut struct {
	SetCookie string `header:"Set-Cookie" hidden:"true"`
}

// reset sets a new password. Everything is checked before the link is spent, so a
// refused password does not cost it; all sessions end.
func (h *Handler) reset(ctx context.Context, in *resetIn) (*resetOut, error) {
	if err := h.hit(ctx, resetsFrom, api.ClientOf(ctx).Address); err != nil {
		return nil, err
	}
	now := h.cfg.Clock.Now()
	var acc api.Account
	err := h.cfg.Store.Tx(ctx, func(ctx context.Context) error {
		c, err := h.cfg.Store.TakeChallenge(ctx, "reset", hashSecret(in.Body.Token), now)
		if err != nil {
			return err
		}
		if acc, err = h.cfg.Store.Account(ctx, c.Account); err != nil {
			return err
		}
		return h.cfg.Store.AddChallenge(ctx, c, hashSecret(in.Body.Token)) // only looked at
	})
	if err != nil {
		return nil, fmt.Errorf("reset password: %w", err)
	}
	if err := h.hit(ctx, resetTries, acc.ID); err != nil {
		return nil, err
	}
	if err := checkNew(in.Body.Password, true, acc.Name, acc.Email); err != nil {
		return nil, err
	}
	p, err := h.checkSecond(ctx, acc, in.Body.Code, false)
	if err != nil {
		return nil, err
	}
	err = h.setPassword(ctx, acc, in.Body.Password, p.factor, "", func(ctx context.Context) error {
		if _, err := h.cfg.Store.TakeChallenge(ctx, "reset", hashSecret(in.Body.Token), now); err != nil {
			return err
		}
		if err := errors.Join(h.forgive(ctx, acc.ID, resetTries), h.forgive(ctx, strings.ToLower(acc.Email), guesses, streak)); err != nil {
			return err
		}
		live, err := h.cfg.Store.LiveSession(ctx, acc.ID)
		if errors.Is(err, api.ErrNotFound) {
			return nil
		}
		return errors.Join(err, h.cfg.Store.EndSession(ctx, live.ID, endPassword, now))
	})
	if err != nil {
		return nil, err
	}
	// Who reads the account's mail is no stranger: the sign-in that follows is counted apart.
	return &resetOut{h.setDeviceCookie(h.deviceFor(acc.Email), int(deviceLife.Seconds()))}, nil
}
