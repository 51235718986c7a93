package signing

import (
	"context"
	"log/slog"
	"maps"
	"sync"
	"time"

	"inkwitness/capture"
)

// Streams hangs up what a signer's page sends.
type Streams interface {
	// HangUp closes the sockets and connections of a capture; what was
	// acknowledged stays. It does not wait.
	HangUp(ctx context.Context, id capture.SessionID) error
}

// watchEvery is how often open streams are looked at: a stream closes within a
// second of the end of the session that opened it, also where another instance
// of the service ended it.
const watchEvery = 400 * time.Millisecond

// watched are the open streams, by the capture and the session that opened them: a
// signer who comes back by a new link may find a stream of the old one still open.
type watched struct {
	mu   sync.Mutex
	open map[opened]*stream
}

type opened struct {
	capture capture.SessionID
	session [32]byte // its hash
}

type stream struct {
	holds int // sockets that are open
	media bool
}

// hold notes a socket of a capture until release is called.
func (w *watched) hold(id capture.SessionID, session [32]byte) (release func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	at := opened{id, session}
	s := w.stream(at)
	s.holds++
	return func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		if s.holds--; s.holds == 0 && !s.media && w.open[at] == s {
			delete(w.open, at)
		}
	}
}

// keep notes that a capture has a connection of its own until it is forgotten.
func (w *watched) keep(id capture.SessionID, session [32]byte) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.stream(opened{id, session}).media = true
}

func (w *watched) stream(at opened) *stream {
	if w.open == nil {
		w.open = make(map[opened]*stream)
	}
	if w.open[at] == nil {
		w.open[at] = new(stream)
	}
	return w.open[at]
}

// forget is for a capture whose streams are closed, or are to be closed now.
func (w *watched) forget(id capture.SessionID) {
	w.mu.Lock()
	defer w.mu.Unlock()
	maps.DeleteFunc(w.open, func(at opened, _ *stream) bool { return at.capture == id })
}

// sessions are those whose streams are open, by their hash.
func (w *watched) sessions() map[[32]byte][]capture.SessionID {
	w.mu.Lock()
	defer w.mu.Unlock()
	all := make(map[[32]byte][]capture.SessionID, len(w.open))
	for at := range w.open {
		all[at.session] = append(all[at.session], at.capture)
	}
	return all
}

// Run hangs up the streams of sessions that are over - signed out, revoked,
// replaced, out of time - until ctx ends. While the database does not answer
// streams go on: nothing that they bring can be signed until it does.
func (h *Handler) Run(ctx context.Context) error {
	tick := time.NewTicker(watchEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
		if err := h.hangUpEnded(ctx); err != nil && ctx.Err() == nil {
			h.log().ErrorContext(ctx, "look for ended signing sessions", "err", err)
		}
	}
}

func (h *Handler) hangUpEnded(ctx context.Context) error {
	open := h.watched.sessions()
	if len(open) == 0 {
		return nil
	}
	hashes := make([][32]byte, 0, len(open))
	for hash := range open {
		hashes = append(hashes, hash)
	}
	live, err := h.Ceremony.Grants.LiveGrants(ctx, hashes, h.Ceremony.Clock.Now())
	if err != nil {
		return err
	}
	for hash, captures := range open {
		if live[hash] {
			continue
		}
		for _, id := range captures {
			h.watched.forget(id)
			if err := h.Streams.HangUp(ctx, id); err != nil {
				return err
			}
		}
	}
	return nil
}

func (h *Handler) log() *slog.Logger {
	if h.Logger == nil {
		return slog.New(slog.DiscardHandler)
	}
	return h.Logger
}
