package account

import (
	"context"
	"crypto/sha256"
	"errors"
	"net/mail"
	"strings"
	"time"

	"inkwitness/api"
)

func (h *Handler) mountProfile(a *api.API) {
	const tag = "profile"
	api.Register(a, api.Route{Method: "GET", Path: "/api/profile", ID: "getProfile", Tag: tag, Summary: "One's own account"}, h.getProfile)
	api.Register(a, api.Route{Method: "PATCH", Path: "/api/profile", ID: "changeProfile", Tag: tag,
		Summary: "Change name, language, company or phone; a new phone number needs a fresh proof"}, h.changeProfile)
	api.Register(a, api.Route{Method: "GET", Path: "/api/profile/export", ID: "exportProfile", Tag: tag,
		Summary: "Everything of the account, to keep: profile, memberships, and what it did"}, h.exportProfile)
	api.Register(a, api.Route{Method: "DELETE", Path: "/api/profile", ID: "deleteAccount", Tag: tag, Status: 204,
		Summary: "Delete the account and destroy its key, for good"}, h.deleteAccount)
	api.Register(a, api.Route{Method: "POST", Path: "/api/profile/email", ID: "askNewEmail", Tag: tag, Status: 204,
		Summary: "Have a link mailed to a new address"}, h.askEmail)
	api.Register(a, api.Route{Method: "POST", Path: "/api/profile/email/confirm", ID: "confirmNewEmail", Tag: tag, Status: 204,
		Summary: "Take the new address, with the link that was mailed there"}, h.confirmEmail)
}

type profileOut struct{ Body profileBody }

type profileBody struct {
	ID      string    `json:"id"`
	Created time.Time `json:"createdAt"`
	api.Profile
}

func (h *Handler) getProfile(ctx context.Context, _ *struct{}) (*profileOut, error) {
	id, err := allow(ctx, api.Read, api.ProfileObject, api.IdentityOf(ctx).Account)
	if err != nil {
		return nil, err
	}
	acc, err := h.cfg.Store.Account(ctx, id.Account)
	return &profileOut{profileBody{acc.ID, acc.Created, acc.Profile}}, err
}

type changeIn struct {
	Body struct {
		Name     *string `json:"name,omitempty" maxLength:"200"`
		Phone    *string `json:"phone,omitempty" maxLength:"32" pattern:"^(\\+[0-9 ]{6,30})?$" doc:"with country code; empty takes it away"`
		Company  *string `json:"company,omitempty" maxLength:"200"`
		Language *string `json:"language,omitempty" enum:"en,fr,zh-Hant,zh-Hans"`
	}
}

func (h *Handler) changeProfile(ctx context.Context, in *changeIn) (*profileOut, error) {
	id, err := allow(ctx, api.Update, api.ProfileObject, api.IdentityOf(ctx).Account)
	if err != nil {
		return nil, err
	}
	var acc api.Account
	before := ""
	err = h.cfg.Store.Tx(ctx, func(ctx context.Context) error {
		if acc, err = h.cfg.Store.Account(ctx, id.Account); err != nil {
			return err
		}
		before = acc.Phone
		for to, from := range map[*string]*string{&acc.Name: in.Body.Name, &acc.Phone: in.Body.Phone, &acc.Company: in.Body.Company, &acc.Language: in.Body.Language} {
			if from != nil {
				*to = strings.TrimSpace(*from)
			}
		}
		if acc.Phone != before {
			if !id.Fresh {
				return api.ErrStepUp
			}
			acc.PhoneSince = h.cfg.Clock.Now().UTC()
			if err := h.tell(ctx, api.NoticePhoneChanged, acc, acc.Email); err != nil {
				return err
			}
		}
		if err := h.cfg.Store.SaveAccount(ctx, acc); err != nil {
			return err
		}
		return h.record(ctx, "profile.changed", "account:"+acc.ID, nil)
	})
	if err != nil {
		return nil, err
	}
	if before != "" && before != acc.Phone {
		h.tellNumber(ctx, before, acc.Language)
	}
	return &profileOut{profileBody{acc.ID, acc.Created, acc.Profile}}, nil
}

// tellNumber tells the old number of a change. The mail about it is queued and
// certain; a message to a telephone comes on top, where it can be sent.
func (h *Handler) tellNumber(ctx context.Context, number, language string) {
	if h.cfg.Texts == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	if err := h.cfg.Texts.NumberChanged(ctx, number, language); err != nil {
		h.cfg.Logger.WarnContext(ctx, "the old number was not told of its change", "error", err)
	}
}

type emailIn struct {
	Body struct {
		Email string `json:"email" maxLength:"254"`
	}
}

func (h *Handler) askEmail(ctx context.Context, in *emailIn) (*struct{}, error) {
	id, err := allow(ctx, api.Update, api.ProfileObject, api.IdentityOf(ctx).Account)
	if err != nil {
		return nil, err
	}
	if !id.Fresh {
		return nil, api.ErrStepUp
	}
	email, err := address(in.Body.Email)
	if err != nil {
		return nil, err
	}
	if err := h.hit(ctx, "new address", 5, time.Hour); err != nil {
		return nil, err
	}
	acc, err := h.cfg.Store.Account(ctx, id.Account)
	if err != nil {
		return nil, err
	}
	secret, hash := newSecret()
	now := h.cfg.Clock.Now()
	return nil, h.cfg.Store.Tx(ctx, func(ctx context.Context) error {
		c := api.Challenge{Kind: "email", Account: acc.ID, Created: now, Expires: now.Add(api.ResetLife), Data: []byte(email)}
		if err := h.cfg.Store.AddChallenge(ctx, c, hash); err != nil {
			return err
		}
		return h.cfg.Notices.Notify(ctx, api.Notice{Kind: api.NoticeConfirmAddress, To: email, Language: acc.Language, Account: acc.ID,
			Link: "/#email=" + secret, Key: "email:" + acc.ID + ":" + now.Format(time.RFC3339Nano)})
	})
}

// address checks and cleans an e-mail address.
func address(s string) (string, error) {
	s = strings.TrimSpace(s)
	parsed, err := mail.ParseAddress(s)
	if err != nil || parsed.Address != s {
		return "", api.Explain(api.ErrInvalid, "This is not an e-mail address.")
	}
	return s, nil
}

type tokenIn struct {
	Body struct {
		Token string `json:"token" maxLength:"100"`
	}
}

// confirmEmail changes the address. Both the old and the new one are told.
func (h *Handler) confirmEmail(ctx context.Context, in *tokenIn) (*struct{}, error) {
	id, err := allow(ctx, api.Update, api.ProfileObject, api.IdentityOf(ctx).Account)
	if err != nil {
		return nil, err
	}
	now := h.cfg.Clock.Now()
	return nil, h.cfg.Store.Tx(ctx, func(ctx context.Context) error {
		c, err := h.cfg.Store.TakeChallenge(ctx, "email", sha256.Sum256([]byte(in.Body.Token)), now)
		if err != nil {
			return err
		}
		if c.Account != id.Account {
			return api.ErrExpired
		}
		acc, err := h.cfg.Store.Account(ctx, id.Account)
		if err != nil {
			return err
		}
		old := acc.Email
		acc.Email = string(c.Data)
		if err := h.cfg.Store.SaveAccount(ctx, acc); err != nil {
			return err
		}
		return errors.Join(h.record(ctx, "profile.address", "account:"+acc.ID, nil),
			h.tell(ctx, api.NoticeAddressChanged, acc, old), h.tell(ctx, api.NoticeAddressChanged, acc, acc.Email))
	})
}

// deleteAccount needs a fresh proof, and somebody else who owns what the account
// owns alone.
func (h *Handler) deleteAccount(ctx context.Context, _ *struct{}) (*struct{}, error) {
	id, err := allow(ctx, api.Delete, api.ProfileObject, api.IdentityOf(ctx).Account)
	if err != nil {
		return nil, err
	}
	if !id.Fresh {
		return nil, api.ErrStepUp
	}
	return nil, h.cfg.Store.Tx(ctx, func(ctx context.Context) error {
		of, err := h.cfg.Store.Memberships(ctx, id.Account)
		if err != nil {
			return err
		}
		for _, m := range of {
			if err := h.keepOwner(ctx, m.Organisation, id.Account); err != nil {
				return err
			}
		}
		if err := h.record(ctx, "account.deleted", "account:"+id.Account, nil); err != nil {
			return err
		}
		return h.cfg.Store.DeleteAccount(ctx, id.Account, "request of the holder")
	})
}
