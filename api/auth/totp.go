package auth

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base32"
	"errors"
	"net/url"
	"time"

	"github.com/pquerna/otp"
	"github.com/pquerna/otp/hotp"

	"inkwitness/api"
)

const (
	totpDigits = 6
	totpPeriod = 30 // s, RFC 6238 section 4.1
	totpSkew   = 1  // steps before and after, for clocks that differ
)

// totpStep returns the time step for which the code is right.
func totpStep(secret []byte, code string, now time.Time) (int64, bool) {
	step := now.Unix() / totpPeriod
	key := base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(secret)
	for s := step - totpSkew; s <= step+totpSkew; s++ {
		ok, err := hotp.ValidateCustom(code, uint64(s), key, hotp.ValidateOpts{Digits: totpDigits, Algorithm: otp.AlgorithmSHA1})
		if ok && err == nil {
			return s, true
		}
	}
	return 0, false
}

// spendTOTP accepts a code once: its step must be later than the last one spent.
func (h *Handler) spendTOTP(ctx context.Context, account string, secret []byte, code string) (bool, error) {
	step, ok := totpStep(secret, code, h.cfg.Clock.Now())
	if !ok {
		return false, nil
	}
	err := h.cfg.Store.UseTOTPStep(ctx, account, step)
	if errors.Is(err, api.ErrConflict) {
		return false, nil
	}
	return err == nil, err
}

type totpOffer struct {
	Secret string `json:"secret" doc:"base32, to be typed"`
	URI    string `json:"uri" doc:"to be shown as a QR code"`
}

// offer puts a secret into the form that authenticator apps read.
func offer(secret []byte, email string) totpOffer {
	key := base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(secret)
	q := url.Values{"secret": {key}, "issuer": {"Inkwitness"}, "digits": {"6"}, "period": {"30"}, "algorithm": {"SHA1"}}
	return totpOffer{Secret: key, URI: "otpauth://totp/" + url.PathEscape("Inkwitness:"+email) + "?" + q.Encode()}
}

type offerOut struct{ Body totpOffer }

func (h *Handler) offerTOTP(ctx context.Context, _ *struct{}) (*offerOut, error) {
	id, err := changeOwn(ctx)
	if err != nil {
		return nil, err
	}
	if f, err := h.factors(ctx, id.Account); err != nil || f.totp != nil {
		return nil, errors.Join(err, api.Explain(api.ErrConflict, "There is a time-based code already. Remove it first."))
	}
	acc, err := h.cfg.Store.Account(ctx, id.Account)
	if err != nil {
		return nil, err
	}
	secret := make([]byte, 20)
	rand.Read(secret) // never fails, see crypto/rand
	err = h.cfg.Store.SetTOTP(ctx, acc.ID, api.TOTP{Secret: secret}, h.cfg.Clock.Now())
	return &offerOut{offer(secret, acc.Email)}, err
}

func (h *Handler) confirmTOTP(ctx context.Context, in *codeIn) (*recoveryOut, error) {
	id, err := changeOwn(ctx)
	if err != nil {
		return nil, err
	}
	if err := h.hit(ctx, proofs, id.Account); err != nil {
		return nil, err
	}
	totp, err := h.cfg.Store.TOTP(ctx, id.Account)
	if err != nil {
		return nil, err
	}
	ok, err := h.spendTOTP(ctx, id.Account, totp.Secret, in.Body.Code)
	if err != nil {
		return nil, err
	}
	if !ok {
		return nil, errCode
	}
	return h.factorChanged(ctx, id, "factor.added", func(ctx context.Context) error {
		return h.cfg.Store.ProveSession(ctx, id.Session, h.cfg.Clock.Now(), true)
	})
}

func (h *Handler) deleteTOTP(ctx context.Context, _ *struct{}) (*struct{}, error) {
	id, err := changeOwn(ctx)
	if err != nil {
		return nil, err
	}
	return nil, h.factorRemoved(ctx, id, func(ctx context.Context) error { return h.cfg.Store.DeleteTOTP(ctx, id.Account) })
}

// offeredSecret is the TOTP secret offered with an invitation. It is derived from
// the invitation's token, so nothing is kept of offers that nobody takes.
func (h *Handler) offeredSecret(token string) []byte {
	mac := hmac.New(sha256.New, h.offers)
	mac.Write([]byte(token))
	return mac.Sum(nil)[:20]
}
