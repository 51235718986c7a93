package auth

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"inkwitness/api"
)

// signerApps counts tries of app codes by signers, for an address: fails closed.
var signerApps = limit{"signer app", 5, proofs.window}

// errApp is answered to a wrong code of a signer.
var errApp = api.Explain(api.ErrUnauthenticated, "The code is wrong or was used.")

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
