package auth

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"inkwitness/api"
)

func (h *Handler) mountFactors(a *api.API) {
	const tag = "factors"
	api.Register(a, api.Route{Method: "GET", Path: "/api/factors", ID: "getFactors", Tag: tag, Summary: "One's own second factors"}, h.getFactors)
	api.Register(a, api.Route{Method: "POST", Path: "/api/factors/totp", ID: "offerTOTP", Tag: tag, Status: 201,
		Summary: "Begin to add a time-based code"}, h.offerTOTP)
	api.Register(a, api.Route{Method: "POST", Path: "/api/factors/totp/confirm", ID: "confirmTOTP", Tag: tag,
		Summary: "Finish adding it with a first code; returns new recovery codes"}, h.confirmTOTP)
	api.Register(a, api.Route{Method: "DELETE", Path: "/api/factors/totp", ID: "deleteTOTP", Tag: tag, Status: 204}, h.deleteTOTP)
	api.Register(a, api.Route{Method: "POST", Path: "/api/factors/recovery", ID: "newRecoveryCodes", Tag: tag, Status: 201,
		Summary: "Replace the recovery codes"}, h.newRecovery)
}

// proved is what a sign-in showed besides the password.
type proved struct {
	factor bool // a second factor
	mailed bool // a code that was mailed for a take-over
}

// checkSecond checks the code of a sign-in. Without a second factor none is
// needed, except for a take-over, which then needs the mailbox.
func (h *Handler) checkSecond(ctx context.Context, acc api.Account, code string, takeOver bool) (proved, error) {
	f, err := h.factors(ctx, acc.ID)
	if err != nil {
		return proved{}, err
	}
	switch {
	case !f.any() && !takeOver:
		return proved{}, nil
	case !f.any():
		return h.checkMailed(ctx, acc, code)
	case code == "":
		return proved{}, f.needed()
	}
	ok, err := h.checkCode(ctx, acc, f, code)
	if err != nil {
		return proved{}, err
	}
	if !ok {
		if err := h.wrong(ctx, acc, false); !errors.Is(err, api.ErrUnauthenticated) {
			return proved{}, err
		}
		return proved{}, errCode
	}
	return proved{factor: true}, nil
}

var errCode = &api.Problem{Type: "/problems/wrong-code", Title: "Wrong code", Status: http.StatusUnauthorized,
	Detail: "The code is wrong or was used already. Wait for the next one."}

// factorSet is which second factors an account has.
type factorSet struct {
	totp     *api.TOTP
	passkeys []api.Passkey
	recovery int
}

func (f factorSet) any() bool { return f.totp != nil || len(f.passkeys) > 0 }

func (f factorSet) needed() error {
	detail := "Enter the code of your authenticator app, or a recovery code."
	if f.totp == nil {
		detail = "Sign in with your passkey, or enter a recovery code."
	}
	return &api.Problem{Type: "/problems/second-factor", Title: "Second factor needed", Status: http.StatusUnauthorized, Detail: detail}
}

func (h *Handler) factors(ctx context.Context, account string) (f factorSet, err error) {
	totp, err := h.cfg.Store.TOTP(ctx, account)
	if err != nil && !errors.Is(err, api.ErrNotFound) {
		return f, fmt.Errorf("factors: %w", err)
	}
	if err == nil && totp.Confirmed {
		f.totp = &totp
	}
	if f.passkeys, err = h.cfg.Store.Passkeys(ctx, account); err != nil {
		return f, fmt.Errorf("factors: %w", err)
	}
	f.recovery, err = h.cfg.Store.RecoveryCodes(ctx, account)
	return f, err
}

func (h *Handler) checkCode(ctx context.Context, acc api.Account, f factorSet, code string) (bool, error) {
	code = strings.ToUpper(strings.NewReplacer(" ", "", "-", "").Replace(code))
	if f.totp != nil && len(code) == totpDigits {
		return h.spendTOTP(ctx, acc.ID, f.totp.Secret, code)
	}
	err := h.cfg.Store.Tx(ctx, func(ctx context.Context) error {
		if err := h.cfg.Store.UseRecoveryCode(ctx, acc.ID, recoveryHash(acc.ID, code), h.cfg.Clock.Now()); err != nil {
			return err
		}
		return errors.Join(h.recordOf(ctx, "factor.recovery-used", acc, nil), h.tell(ctx, api.NoticeRecoveryUsed, acc, nil))
	})
	if errors.Is(err, api.ErrNotFound) {
		return false, nil
	}
	return err == nil, err
}

// checkMailed checks the code of a take-over by somebody without a second
// factor, and mails one when none is given.
func (h *Handler) checkMailed(ctx context.Context, acc api.Account, code string) (proved, error) {
	now := h.cfg.Clock.Now()
	if code != "" {
		_, err := h.cfg.Store.TakeChallenge(ctx, "take-over", mailedHash(acc.ID, code), now)
		if errors.Is(err, api.ErrExpired) {
			return proved{}, errCode
		}
		return proved{mailed: err == nil}, err
	}
	if err := h.hit(ctx, resets, acc.ID); err != nil {
		return proved{}, err
	}
	fresh := rand.Text()[:10] // 50 bits, and 10 tries in 15 minutes
	err := h.cfg.Store.Tx(ctx, func(ctx context.Context) error {
		c := api.Challenge{Kind: "take-over", Account: acc.ID, Created: now, Expires: now.Add(api.CodeLife)}
		if err := h.cfg.Store.AddChallenge(ctx, c, mailedHash(acc.ID, fresh)); err != nil {
			return err
		}
		return h.tell(ctx, api.NoticeTakeOverCode, acc, map[string]string{"code": fresh})
	})
	if err != nil {
		return proved{}, fmt.Errorf("mail a code: %w", err)
	}
	return proved{}, &api.Problem{Type: "/problems/code-mailed", Title: "A code was mailed to you", Status: http.StatusUnauthorized,
		Detail: "Enter the code from the mail. It works once, for ten minutes."}
}

func mailedHash(account, code string) [32]byte {
	return sha256.Sum256([]byte("mailed\x00" + account + "\x00" + strings.ToUpper(strings.TrimSpace(code))))
}

type factorsOut struct {
	Body struct {
		Password      bool          `json:"password"`
		TOTP          bool          `json:"totp"`
		RecoveryCodes int           `json:"recoveryCodes" doc:"left"`
		Passkeys      []passkeyBody `json:"passkeys"`
	}
}

type passkeyBody struct {
	ID      string     `json:"id"`
	Name    string     `json:"name"`
	Created time.Time  `json:"createdAt"`
	Used    *time.Time `json:"usedAt,omitempty"`
}

func (h *Handler) getFactors(ctx context.Context, _ *struct{}) (*factorsOut, error) {
	id, err := ownProfile(ctx, api.Read)
	if err != nil {
		return nil, err
	}
	f, err := h.factors(ctx, id.Account)
	if err != nil {
		return nil, err
	}
	out := &factorsOut{}
	out.Body.TOTP, out.Body.RecoveryCodes = f.totp != nil, f.recovery
	_, err = h.cfg.Store.Password(ctx, id.Account)
	if out.Body.Password = err == nil; err != nil && !errors.Is(err, api.ErrNotFound) {
		return nil, err
	}
	out.Body.Passkeys = []passkeyBody{}
	for _, k := range f.passkeys {
		b := passkeyBody{ID: base64.RawURLEncoding.EncodeToString(k.ID), Name: k.Name, Created: k.Created}
		if !k.Used.IsZero() {
			b.Used = &k.Used
		}
		out.Body.Passkeys = append(out.Body.Passkeys, b)
	}
	return out, nil
}

// ownProfile is the identity of somebody who may act on their own account.
func ownProfile(ctx context.Context, action api.Action) (api.Identity, error) {
	id := api.IdentityOf(ctx)
	return id, api.Allow(id, action, api.Object{Kind: api.ProfileObject, Organisation: id.Organisation, Owner: id.Account})
}

// changeOwn is ownProfile for changes of credentials: they need a fresh proof.
func changeOwn(ctx context.Context) (api.Identity, error) {
	id, err := ownProfile(ctx, api.Update)
	if err == nil && !id.Fresh {
		err = api.ErrStepUp
	}
	return id, err
}

type codeIn struct {
	Body struct {
		Code string `json:"code" maxLength:"64"`
	}
}

// factorChanged does the change, makes new recovery codes, and tells the holder,
// all or nothing.
func (h *Handler) factorChanged(ctx context.Context, id api.Identity, kind string, change func(context.Context) error) (*recoveryOut, error) {
	acc, err := h.cfg.Store.Account(ctx, id.Account)
	if err != nil {
		return nil, err
	}
	out := &recoveryOut{}
	err = h.cfg.Store.Tx(ctx, func(ctx context.Context) error {
		if err := change(ctx); err != nil {
			return err
		}
		codes, hashes := newRecoveryCodes(id.Account)
		out.Body.Codes = codes
		return errors.Join(h.cfg.Store.SetRecoveryCodes(ctx, id.Account, hashes),
			h.record(ctx, kind, id.Account, id.Organisation, nil), h.tell(ctx, api.NoticeFactorChanged, acc, nil))
	})
	return out, err
}

// factorRemoved takes a factor away. The last one stays while the password is too
// short to stand alone, and while there is no password.
func (h *Handler) factorRemoved(ctx context.Context, id api.Identity, change func(context.Context) error) error {
	acc, err := h.cfg.Store.Account(ctx, id.Account)
	if err != nil {
		return err
	}
	return h.cfg.Store.Tx(ctx, func(ctx context.Context) error {
		if err := change(ctx); err != nil {
			return err
		}
		f, err := h.factors(ctx, id.Account)
		if err != nil {
			return err
		}
		if !f.any() {
			if err := h.aloneOrNot(ctx, id.Account); err != nil {
				return err
			}
			if err := h.cfg.Store.SetRecoveryCodes(ctx, id.Account, nil); err != nil {
				return err
			}
		}
		return errors.Join(h.record(ctx, "factor.removed", id.Account, id.Organisation, nil), h.tell(ctx, api.NoticeFactorChanged, acc, nil))
	})
}

// aloneOrNot refuses to leave an account with a password that is no match for
// being its only factor.
func (h *Handler) aloneOrNot(ctx context.Context, account string) error {
	p, err := h.cfg.Store.Password(ctx, account)
	if err != nil && !errors.Is(err, api.ErrNotFound) {
		return err
	}
	if !p.Alone {
		return api.Explain(api.ErrConflict, "Without a second factor the password needs at least %d characters. Set a longer one first.", minAlone)
	}
	return nil
}
