package auth

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"strconv"
	"strings"
	"time"
)

// deviceLife is how long a browser is known after a good sign-in.
const deviceLife = 180 * 24 * time.Hour

// deviceFor makes the value of the cookie by which a browser is known to an
// account: an id, the time, and a tag over both and the address. It opens nothing.
// Its tries are counted apart, so that strangers who guess do not lock it out
// (OWASP, Slow Down Online Guessing Attacks with Device Cookies).
func (h *Handler) deviceFor(email string) string {
	id := newSecret()[:22] + "." + strconv.FormatInt(h.cfg.Clock.Now().Unix(), 10)
	return id + "." + h.deviceTag(id, email)
}

func (h *Handler) deviceTag(id, email string) string {
	mac := hmac.New(sha256.New, h.devices)
	mac.Write([]byte(id + "\x00" + strings.ToLower(email)))
	return base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}

// device returns the id of the asking browser where it is known to the account of
// an address, empty where not.
func (h *Handler) device(ctx context.Context, email string) string {
	value := h.deviceCookie(ctx)
	end := strings.LastIndexByte(value, '.')
	if end < 0 || !hmac.Equal([]byte(value[end+1:]), []byte(h.deviceTag(value[:end], email))) {
		return ""
	}
	_, since, _ := strings.Cut(value[:end], ".")
	at, err := strconv.ParseInt(since, 10, 64)
	if err != nil || h.cfg.Clock.Now().Sub(time.Unix(at, 0)) >= deviceLife {
		return ""
	}
	return value[:end]
}

// guessing are the limits of a sign-in to an account: those of a browser that it
// knows are that browser's own, all others share theirs.
func (h *Handler) guessing(ctx context.Context, email string) (who string, limits []limit) {
	if id := h.device(ctx, email); id != "" {
		return id + " " + email, []limit{guessesKnown, streakKnown}
	}
	return email, []limit{guesses, streak}
}
