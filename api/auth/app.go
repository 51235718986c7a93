package auth

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"inkwitness/api"
)

// signerApps counts tries of app codes and passkeys by signers, for an address: fails closed.
var signerApps = limit{"signer app", 5, proofs.window}

// errApp is answered to a wrong code of a signer.
var errApp = api.Explain(api.ErrUnauthenticated, "The code is wrong or was used.")

// numberDelay is how long a number that is new on an account gets no codes: who
// took the account over does not sign with a telephone of their own, and the
// notice of the change has time to be read.
const numberDelay = 24 * time.Hour

// NumberSettled refuses a number that was put on the account of an address less
// than a day ago. Numbers that the sender named, and no account, are not its matter.
func (h *Handler) NumberSettled(ctx context.Context, email, number string) error {
	acc, err := h.cfg.Store.AccountByEmail(ctx, strings.ToLower(strings.TrimSpace(email)))
	if errors.Is(err, api.ErrNotFound) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("find the signer's account: %w", err)
	}
	plain := strings.NewReplacer(" ", "", "-", "", ".", "", "(", "", ")", "").Replace
	if plain(acc.Phone) != plain(number) || acc.Phone == "" {
		return nil
	}
	if left := acc.PhoneSince.Add(numberDelay).Sub(h.cfg.Clock.Now()); left > 0 {
		return &api.Explained{Detail: "This number is new on your account. Codes go to it a day after the change; until then use your passkey or the code of your authenticator app.",
			Retry: left, Err: api.ErrConflict}
	}
	return nil
}

// CheckApp checks a code of the authenticator app of an address's account, for a
// signer who proves to be its holder. An address without an account or app is
// answered as a wrong code is. A code works once, here and at sign-in together.
func (h *Handler) CheckApp(ctx context.Context, email, code string) error {
	email = strings.ToLower(strings.TrimSpace(email))
	if err := h.hit(ctx, signerApps, email); err != nil {
		return err
	}
	acc, err := h.cfg.Store.AccountByEmail(ctx, email)
	if errors.Is(err, api.ErrNotFound) || err == nil && acc.State != api.AccountActive {
		return errApp
	}
	if err != nil {
		return fmt.Errorf("find the signer's account: %w", err)
	}
	f, err := h.factors(ctx, acc.ID)
	if err != nil {
		return err
	}
	if f.totp == nil {
		return errApp
	}
	ok, err := h.spendTOTP(ctx, acc.ID, f.totp.Secret, strings.ReplaceAll(code, " ", ""))
	if err != nil {
		return err
	}
	if !ok {
		return errApp
	}
	return h.forgive(ctx, email, signerApps)
}

// BeginSignerPasskey asks a signer to show a passkey; session is the signing
// session, and no other can use the answer. It names no passkeys, so that it is
// the same whether the signer has an account or not.
func (h *Handler) BeginSignerPasskey(ctx context.Context, session string) (ceremony string, options any, err error) {
	if err := h.hit(ctx, guessesFrom, api.ClientOf(ctx).Address); err != nil {
		return "", nil, err
	}
	out, err := h.ask(ctx, "passkey-signer", api.Identity{Session: session})
	if err != nil {
		return "", nil, err
	}
	return out.Body.Ceremony, out.Body.Options, nil
}

// CheckSignerPasskey checks that a passkey of the address's own account was shown.
// An address without an account is answered as a wrong passkey is.
func (h *Handler) CheckSignerPasskey(ctx context.Context, email, session, ceremony string, credential map[string]any) error {
	email = strings.ToLower(strings.TrimSpace(email))
	if err := h.hit(ctx, signerApps, email); err != nil {
		return err
	}
	shown, err := h.shownPasskey(ctx, "passkey-signer", ceremony, api.Identity{Session: session}, credential)
	if err != nil {
		return err
	}
	acc, err := h.cfg.Store.AccountByEmail(ctx, email)
	if errors.Is(err, api.ErrNotFound) || err == nil && (acc.ID != shown.ID || acc.State != api.AccountActive) {
		return errPasskey
	}
	if err != nil {
		return fmt.Errorf("find the signer's account: %w", err)
	}
	return h.forgive(ctx, email, signerApps)
}
