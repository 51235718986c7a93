package signing

import (
	"context"
	"log/slog"
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

// watched are the captures with open streams, each with the hash of the session
// that opened it.
type watched struct {
	mu   sync.Mutex
	open map[capture.SessionID]*stream
}

type stream struct {
	session [32]byte
	holds   int // sockets that are open
	media   bool
}

// hold notes a socket of a capture until release is called.
func (w *watched) hold(id capture.SessionID, session [32]byte) (release func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	s := w.stream(id)
	s.session = session
	s.holds++
	return func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		if s.holds--; s.holds == 0 && !s.media && w.open[id] == s {
			delete(w.open, id)
		}
	}
}

// keep notes that a capture has a connection of its own until it is forgotten.
func (w *watched) keep(id capture.SessionID, session [32]byte) {
	w.mu.Lock()
	defer w.mu.Unlock()
	s := w.stream(id)
	s.session, s.media = session, true
}

func (w *watched) stream(id capture.SessionID) *stream {
	if w.open == nil {
		w.open = make(map[capture.SessionID]*stream)
	}
	if w.open[id] == nil {
		w.open[id] = new(stream)
	}
	return w.open[id]
}

func (w *watched) forget(id capture.SessionID) {
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.open, id)
}

// sessions are those whose streams are open, by their hash.
func (w *watched) sessions() map[[32]byte][]capture.SessionID {
	w.mu.Lock()
	defer w.mu.Unlock()
	all := make(map[[32]byte][]capture.SessionID, len(w.open))
	for id, s := range w.open {
		all[s.session] = append(all[s.session], id)
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
