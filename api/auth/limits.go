package auth

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"inkwitness/api"
)

// limit says how often something may be tried. Each counts before it checks, and
// fails closed: when the count cannot be kept, the answer is no.
type limit struct {
	name   string
	max    int
	window time.Duration
}

var (
	// A4: 10 guesses in 15 minutes, and 100 in a row before a reset by mail.
	guesses = limit{"sign-in", 10, 15 * time.Minute}
	streak  = limit{"sign-in streak", 100, 10 * 365 * 24 * time.Hour}
	// The same for a browser that an account knows, so that a stranger's guesses are
	// not counted against it, nor its own against others.
	guessesKnown = limit{"sign-in device", 10, 15 * time.Minute}
	streakKnown  = limit{"sign-in device streak", 100, deviceLife}
	// One address, behind which an office may sit, trying many accounts.
	guessesFrom = limit{"sign-in from", 200, 15 * time.Minute}
	// Links that are mailed: per account, and per asking address.
	resets     = limit{"reset", 3, time.Hour}
	resetsFrom = limit{"reset from", 20, time.Hour}
	// Tries with a link that was mailed, for who guesses the second factor. Nobody
	// without such a link adds to them.
	resetTries = limit{"reset tries", 10, 15 * time.Minute}
	// Tokens of invitations cannot be guessed; this bounds the work.
	acceptsFrom = limit{"accept from", 300, 15 * time.Minute}
	proofs      = limit{"proof", 10, 15 * time.Minute}
)

// hit counts a try and refuses it when there were too many. An address counts by its
// network, so that nobody gets around a limit by taking another of their own.
func (h *Handler) hit(ctx context.Context, l limit, who string) error {
	network, site := api.Networks(who)
	if site != "" {
		if err := h.count(ctx, limit{l.name + " site", api.SiteFactor * l.max, l.window}, site); err != nil {
			return err
		}
	}
	return h.count(ctx, l, network)
}

func (h *Handler) count(ctx context.Context, l limit, who string) error {
	now := h.cfg.Clock.Now()
	n, ends, err := h.cfg.Store.Hit(ctx, l.name, who, l.window, now)
	if err != nil {
		return fmt.Errorf("limit %s: %w: %w", l.name, api.ErrUnavailable, err)
	}
	if n <= l.max {
		return nil
	}
	if n == l.max+1 { // once, and not for each try that follows
		if err := h.noteLimit(ctx, l, who); err != nil {
			return fmt.Errorf("limit %s: %w: %w", l.name, api.ErrUnavailable, err)
		}
	}
	if l == streak || l == streakKnown {
		return api.Explain(api.ErrTooMany, "Too many wrong tries. Set a new password by mail, or sign in with a passkey.")
	}
	return &api.Explained{Detail: "Too many tries. Wait before you try again.", Retry: ends.Sub(now), Err: api.ErrTooMany}
}

// noteLimit notes that there were too many tries, on the record of the account
// that they were about: who ends with its address or id, if it names one.
func (h *Handler) noteLimit(ctx context.Context, l limit, who string) error {
	about := who[strings.LastIndexByte(who, ' ')+1:]
	acc, err := h.cfg.Store.AccountByEmail(ctx, about)
	if errors.Is(err, api.ErrNotFound) {
		acc, err = h.cfg.Store.Account(ctx, about)
	}
	if err != nil && !errors.Is(err, api.ErrNotFound) {
		return err
	}
	return h.recordOf(ctx, "limit.reached", acc, api.Detail{"limit": l.name})
}

// forgive forgets the tries after a success.
func (h *Handler) forgive(ctx context.Context, who string, limits ...limit) error {
	for _, l := range limits {
		if err := h.cfg.Store.Clear(ctx, l.name, who); err != nil {
			return err
		}
	}
	return nil
}
