package auth

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"errors"

	"inkwitness/api"
)

// recoveryHash binds a code to its account. A code has 120 random bits (those
// of earlier releases 80): a plain hash cannot be searched.
func recoveryHash(account, code string) [32]byte {
	return sha256.Sum256([]byte("recovery\x00" + account + "\x00" + code))
}

type recoveryOut struct {
	Body struct {
		Codes []string `json:"recoveryCodes" doc:"shown once; each works once in place of a second factor"`
	}
}

const recoveryCount = 10

// newRecoveryCodes returns ten codes of 120 bits each, and what is kept of them.
func newRecoveryCodes(account string) (codes []string, hashes [][32]byte) {
	for range recoveryCount {
		c := rand.Text()[:24]
		codes = append(codes, c[:4]+"-"+c[4:8]+"-"+c[8:12]+"-"+c[12:16]+"-"+c[16:20]+"-"+c[20:])
		hashes = append(hashes, recoveryHash(account, c))
	}
	return codes, hashes
}

func (h *Handler) newRecovery(ctx context.Context, _ *struct{}) (*recoveryOut, error) {
	id, err := changeOwn(ctx)
	if err != nil {
		return nil, err
	}
	if f, err := h.factors(ctx, id.Account); err != nil || !f.any() {
		return nil, errors.Join(err, api.Explain(api.ErrConflict, "Recovery codes go with a second factor. Add one first."))
	}
	return h.factorChanged(ctx, id, "factor.recovery", func(context.Context) error { return nil })
}
