package signing

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"inkwitness/api/ceremony"
	"inkwitness/capture"
)

// someLive are Grants of which some are live.
type someLive struct {
	ceremony.Grants
	live map[[32]byte]bool
	err  error
}

func (g *someLive) LiveGrants(context.Context, [][32]byte, time.Time) (map[[32]byte]bool, error) {
	return g.live, g.err
}

type hungUp []capture.SessionID

func (h *hungUp) HangUp(_ context.Context, id capture.SessionID) error {
	*h = append(*h, id)
	return nil
}

type noon struct{}

func (noon) Now() time.Time { return time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC) }

// TestStreamsOfEndedSessions: sockets and connections of a session that is over
// are hung up once, those of live ones stay, and all stay while nobody can say.
func TestStreamsOfEndedSessions(t *testing.T) {
	alive, over := [32]byte{1}, [32]byte{2}
	grants, streams := &someLive{live: map[[32]byte]bool{alive: true, over: true}}, new(hungUp)
	h := &Handler{Ceremony: ceremony.New(ceremony.Config{Grants: grants, Clock: noon{}}), Streams: streams}
	defer h.watched.hold("pen of the live one", alive)()
	release := h.watched.hold("pen", over)
	h.watched.keep("video", over)
	look := func(what string, wantErr error, want ...capture.SessionID) {
		t.Helper()
		*streams = nil
		if err := h.hangUpEnded(t.Context()); !errors.Is(err, wantErr) {
			t.Errorf("%s: %v", what, err)
		}
		slices.Sort(*streams)
		if !slices.Equal(*streams, want) {
			t.Errorf("%s: %v hung up, want %v", what, *streams, want)
		}
	}
	look("both live", nil)
	grants.live[over], grants.err = false, context.DeadlineExceeded
	look("the database does not answer", context.DeadlineExceeded)
	grants.err = nil
	look("one is over", nil, "pen", "video")
	look("looked at again", nil)
	release()
	look("after the socket went", nil)

	// The signer came back by a new link: what the old session left open is hung up.
	defer h.watched.hold("both", over)()
	defer h.watched.hold("both", alive)()
	look("two sessions at one capture", nil, "both")
}
