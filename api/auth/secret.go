package auth

import (
	"context"
	"crypto/subtle"
	"errors"
	"net/http"
	"strings"
	"time"

	"inkwitness/api"
)

// A session's cookie is a token, which stays, and a secret, which an answer replaces
// once it is renewEvery old. The present secret and the one before are good: whoever
// sent a request before an answer came, lost the answer, or starts the browser again
// after a crash with cookies from a while ago, shows the one before. So of two that
// hold copies one comes with an older secret after two renewals at the latest.
const (
	renewEvery = 10 * time.Minute
	// mostUnused is how many secrets in a row are given out without being shown. A
	// browser loses an answer now and then; somebody who takes the new secrets away,
	// and shows the old one, to stay unseen beside it, does so each time.
	mostUnused = 3
)

// splitCookie returns the two parts of a session's cookie. Cookies from before there
// were secrets are a token alone.
func splitCookie(value string) (token string, secret [32]byte) {
	token, shown, _ := strings.Cut(value, ".")
	return token, hashSecret(shown)
}

// mustRenew says whether a session's secret is to be replaced.
func mustRenew(s api.SessionSecret, now time.Time) bool { return now.Sub(s.Renewed) >= renewEvery }

// isPresent says whether the secret that was shown is the present one.
func isPresent(s api.SessionSecret, shown [32]byte) bool {
	return subtle.ConstantTimeCompare(s.Present, shown[:]) == 1
}

// heldTwice says whether the secret that was shown tells that two hold a cookie.
func heldTwice(s api.SessionSecret, shown [32]byte, now time.Time) bool {
	if isPresent(s, shown) {
		return false
	}
	if subtle.ConstantTimeCompare(s.Previous, shown[:]) == 0 {
		return true // older, or of no time
	}
	return mustRenew(s, now) && s.Unused+1 >= mostUnused
}

// renewSecret gives the answer to the request of ctx a cookie with another secret
// when it is time. Of many requests at once the database lets one do so: two that
// hold copies never get the same secret.
func (h *Handler) renewSecret(ctx context.Context, s api.Session, token string, shown [32]byte) {
	if !mustRenew(s.Secret, h.cfg.Clock.Now()) {
		return
	}
	api.BeforeAnswer(ctx, func(header http.Header) {
		if !strings.Contains(header.Get("Cache-Control"), "no-store") {
			return // a cache might keep the cookie
		}
		secret, now := newSecret(), h.cfg.Clock.Now()
		hash := hashSecret(secret)
		next := api.SessionSecret{Present: hash[:], Previous: shown[:], Renewed: now}
		if !isPresent(s.Secret, shown) {
			next.Unused = s.Secret.Unused + 1
		}
		// Also when the client has gone: whoever asks is not to say when it changes.
		err := h.cfg.Store.RenewSession(context.WithoutCancel(ctx), s.ID, s.Secret, next)
		switch {
		case err == nil:
			header.Add("Set-Cookie", h.setCookie(token+"."+secret, int(s.Expires.Sub(now).Seconds())))
		case !errors.Is(err, api.ErrConflict): // another request was first, or the session is over
			h.cfg.Logger.ErrorContext(ctx, "secret of a session not renewed", "request", api.RequestID(ctx), "error", err)
		}
	})
}
