package auth

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"sync"

	"inkwitness/api"
)

// place is from where a session is used: something that seldom changes within one,
// and that a copy of its cookie does not bring along.
type place struct{ kind, value string }

// places are those that a request shows. Browsers of the Chromium family send their
// hints with requests of pages, and not when they open a socket; others never.
func places(r *http.Request) (all []place) {
	if a, err := netip.ParseAddr(api.ClientOf(r.Context()).Address); err == nil {
		a = a.Unmap()
		kind, bits := "IPv6 network", 48 // of a site, RFC 6177
		if a.Is4() {
			kind, bits = "IPv4 network", 24 // browsers go by both, as they please
		}
		if network, err := a.Prefix(bits); err == nil {
			all = append(all, place{kind, network.String()})
		}
	}
	if hints := r.Header.Get("Sec-CH-UA"); hints != "" {
		all = append(all, place{"hints", hints + " " + r.Header.Get("Sec-CH-UA-Platform")})
	}
	return all
}

// knownPlaces remembers what the database was asked already, so that a request from
// where a session has been costs nothing. It forgets everything when it is full.
type knownPlaces struct {
	mu    sync.Mutex
	known map[string]struct{}
}

const mostPlaces = 20_000 // about 3 MB

func (k *knownPlaces) has(key string) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	_, ok := k.known[key]
	return ok
}

func (k *knownPlaces) add(key string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.known == nil || len(k.known) >= mostPlaces {
		k.known = make(map[string]struct{})
	}
	k.known[key] = struct{}{}
}

// notePlace tells when a session is used from another network, or by a browser with
// other hints, than before: its cookie may have been copied. People do move, so the
// session goes on; each new place is recorded, and the first of its kind is mailed.
func (h *Handler) notePlace(r *http.Request, s api.Session) error {
	ctx := r.Context()
	for _, p := range places(r) {
		key := s.ID + " " + p.kind + " " + p.value
		if h.places.has(key) {
			continue
		}
		if err := h.newPlace(ctx, s, p, key); err != nil {
			return fmt.Errorf("place of a session: %w", err)
		}
		h.places.add(key)
	}
	return nil
}

func (h *Handler) newPlace(ctx context.Context, s api.Session, p place, key string) error {
	now := h.cfg.Clock.Now()
	seen, _, err := h.cfg.Store.Hit(ctx, "session place", key, h.cfg.Life, now)
	if err != nil || seen > 1 {
		return err
	}
	places, _, err := h.cfg.Store.Hit(ctx, "session places", s.ID+" "+p.kind, h.cfg.Life, now)
	if err != nil || places == 1 {
		return err
	}
	acc, err := h.cfg.Store.Account(ctx, s.Account)
	if err != nil {
		return err
	}
	return h.cfg.Store.Tx(ctx, func(ctx context.Context) error {
		err := h.record(ctx, "session.moved", s.Account, s.Organisation, api.Detail{"what": p.kind})
		if places == 2 {
			err = errors.Join(err, h.tell(ctx, api.NoticeMoved, acc, nil))
		}
		return err
	})
}
