package auth

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"fmt"
	"net/http"
	"time"

	"inkwitness/api"
)

// freshFor is how long a proved factor opens sensitive acts.
const freshFor = 10 * time.Minute

// seenEvery is how often the use of a session is written down.
const seenEvery = time.Minute

// The reasons for which sessions end, as the record and the pages know them.
const (
	endSignedOut = "signed-out"
	endAgain     = "signed-in-again" // the same browser signed in anew
	endIdle      = "idle"
	endExpired   = "expired"
	endTakenOver = "taken-over"
	endCopied    = "copied" // the cookie came from two browsers
	endPassword  = "password-changed"
	endProvider  = "provider-changed" // the provider where it began is another, or gone
)

// binding is what a browser keeps the same within a session. Another value means
// that the cookie was copied.
func binding(agent, session string) []byte {
	sum := sha256.Sum256([]byte(session + "\x00" + agent))
	return sum[:]
}

// identify finds the live session of the request's cookie.
func (h *Handler) identify(r *http.Request) (api.Identity, error) {
	ctx := r.Context()
	cookie := h.cookie(ctx)
	if cookie == "" {
		return api.Identity{}, nil
	}
	token, secret := splitCookie(cookie)
	s, err := h.session(ctx, token, secret)
	if err != nil {
		return api.Identity{}, err
	}
	h.renewSecret(ctx, s, token, secret)
	if err := h.notePlace(r, s); err != nil {
		return api.Identity{}, err
	}
	org, err := h.cfg.Store.Organisation(ctx, s.Organisation)
	if err != nil {
		return api.Identity{}, fmt.Errorf("organisation of a session: %w", err)
	}
	id := api.Identity{Role: s.Role, Account: s.Account, Session: s.ID, Organisation: s.Organisation, Provider: s.Provider,
		Fresh: h.cfg.Clock.Now().Sub(s.Proved) < freshFor, ReadOnly: org.Deactivated || s.State == api.AccountDeactivated}
	if needsSecond(org, s) {
		id.Organisation = "" // nothing of the organisation, but one's own account: to add the factor
	}
	if org.ProviderOnly && s.Provider == "" && s.Role != api.Owner {
		id.Organisation = "" // it wants its members to come by its provider; owners can mend it
	}
	return id, nil
}

// needsSecond says whether a session opens nothing before a second factor is
// shown: where the organisation asks for it, and for staff everywhere.
func needsSecond(org api.Organisation, s api.Session) bool {
	return (org.SecondFactor || s.Role == api.Staff) && !s.SecondFactor
}

// session returns the live session of a cookie; api.ErrUnauthenticated when
// there is none any more.
func (h *Handler) session(ctx context.Context, token string, secret [32]byte) (api.Session, error) {
	s, err := h.cfg.Store.Session(ctx, hashSecret(token))
	if errors.Is(err, api.ErrNotFound) {
		return s, api.ErrUnauthenticated
	}
	if err != nil {
		return s, fmt.Errorf("session: %w", err)
	}
	now := h.cfg.Clock.Now()
	if s.Role == "" && s.Ended.IsZero() {
		if s.Role, err = h.visiting(ctx, s); err != nil {
			return s, err
		}
	}
	switch {
	case !s.Ended.IsZero() || s.Role == "" || s.State == api.AccountBlocked:
		return s, api.ErrUnauthenticated
	case subtle.ConstantTimeCompare(s.Binding, binding(api.ClientOf(ctx).Agent, s.ID)) == 0:
		return s, h.copied(ctx, s)
	case heldTwice(s.Secret, secret, now):
		return s, h.copied(ctx, s)
	case s.Provider != "" && s.ProviderOf != s.Organisation && s.Role != api.Staff:
		return s, h.over(ctx, s, endProvider) // it speaks for its own organisation alone
	case !now.Before(s.Expires):
		return s, h.over(ctx, s, endExpired)
	case now.Sub(s.Seen) >= h.cfg.Idle:
		return s, h.over(ctx, s, endIdle)
	}
	if now.Sub(s.Seen) >= seenEvery {
		if err := h.cfg.Store.SeeSession(ctx, s.ID, now); err != nil {
			return s, fmt.Errorf("session: %w", err)
		}
	}
	return s, nil
}

// over ends a session whose time has come.
func (h *Handler) over(ctx context.Context, s api.Session, reason string) error {
	if err := h.end(ctx, s, reason); err != nil {
		return fmt.Errorf("end session: %w", err)
	}
	return api.ErrUnauthenticated
}

// end ends a session that nobody signed out of, on the record.
func (h *Handler) end(ctx context.Context, s api.Session, reason string) error {
	return h.cfg.Store.Tx(ctx, func(ctx context.Context) error {
		return errors.Join(h.cfg.Store.EndSession(ctx, s.ID, reason, h.cfg.Clock.Now()),
			h.record(ctx, "session.over", s.Account, s.Organisation, api.Detail{"reason": reason}))
	})
}

// copied ends a session whose cookie was shown by two browsers: nobody can tell
// which of them is the thief. Of several requests at once one tells of it.
func (h *Handler) copied(ctx context.Context, s api.Session) error {
	acc, err := h.cfg.Store.Account(ctx, s.Account)
	if err != nil {
		return fmt.Errorf("copied session: %w", err)
	}
	err = h.cfg.Store.Tx(ctx, func(ctx context.Context) error {
		if live, err := h.cfg.Store.LiveSession(ctx, s.Account); errors.Is(err, api.ErrNotFound) || err == nil && live.ID != s.ID {
			return nil
		} else if err != nil {
			return err
		}
		return errors.Join(h.cfg.Store.EndSession(ctx, s.ID, endCopied, h.cfg.Clock.Now()),
			h.record(ctx, "session.copied", s.Account, s.Organisation, nil),
			h.tell(ctx, api.NoticeCopied, acc, nil))
	})
	if err != nil {
		return fmt.Errorf("copied session: %w", err)
	}
	return api.ErrUnauthenticated
}

// why says to the holder of an old cookie how its session ended.
func (h *Handler) why(ctx context.Context, session string) error {
	reason, err := h.cfg.Store.EndReason(ctx, session)
	if err != nil && !errors.Is(err, api.ErrNotFound) {
		return fmt.Errorf("session: %w", err)
	}
	switch reason {
	case endTakenOver:
		return api.Explain(api.ErrUnauthenticated, "This session was ended by a sign-in elsewhere. If that was not you, change your password.")
	case endCopied:
		return api.Explain(api.ErrUnauthenticated, "This session was ended because its cookie came from two browsers. Sign in again and change your password.")
	case endIdle, endExpired:
		return api.Explain(api.ErrUnauthenticated, "The session ended because it was not used for some time. Sign in again.")
	case endProvider:
		return api.Explain(api.ErrUnauthenticated, "Your organisation's sign-in provider was changed. Sign in again.")
	case endPassword:
		return api.Explain(api.ErrUnauthenticated, "The password was changed. Sign in with the new one.")
	}
	return api.ErrUnauthenticated
}
