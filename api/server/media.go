package server

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"sync"

	"golang.org/x/sync/errgroup"

	"inkwitness/api/signing"
	"inkwitness/capture"
	"inkwitness/capture/record"
	"inkwitness/capture/rtc"
	"inkwitness/capture/ws"
)

// media is signing.Media on the WebRTC server and the journal. A session is
// recorded by one of the two ways in at a time: by WebRTC, or by the chunks of a
// page that finds no way through for it.
type media struct {
	rtc     *rtc.Server
	chunks  *ws.Handler
	journal *record.Journal
	servers []signing.ICEServer

	relay    *rtc.TURN // nil where none is wanted
	relayURL string

	mu        sync.Mutex
	resources map[capture.SessionID]string // the newest connection of each session
}

func (m *media) Offer(ctx context.Context, id capture.SessionID, sdp string) (signing.MediaAnswer, error) {
	session, err := m.journal.Session(id)
	if err != nil {
		return signing.MediaAnswer{}, err
	}
	if err := m.chunks.End(ctx, id); err != nil {
		return signing.MediaAnswer{}, fmt.Errorf("end the chunks before: %w", err)
	}
	answer, err := m.rtc.Offer(ctx, id, sdp, session)
	if err != nil {
		return signing.MediaAnswer{}, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.resources[id] = answer.Resource
	return signing.MediaAnswer(answer), nil
}

func (m *media) Patch(ctx context.Context, resource, ifMatch, fragment string) (signing.MediaAnswer, error) {
	patched, err := m.rtc.Patch(ctx, resource, ifMatch, fragment)
	return signing.MediaAnswer{Resource: resource, Tag: patched.Tag, SDP: patched.Fragment}, err
}

func (m *media) Close(ctx context.Context, resource string) error { return m.rtc.Close(ctx, resource) }

func (m *media) Servers(id capture.SessionID) []signing.ICEServer {
	if m.relay == nil {
		return m.servers
	}
	user, password := m.relay.Credentials(id)
	return append(slices.Clip(m.servers), signing.ICEServer{URLs: []string{m.relayURL}, Username: user, Credential: password})
}

// run serves WebRTC, and the relay where there is one.
func (m *media) run(ctx context.Context) error {
	if m.relay == nil {
		return m.rtc.Run(ctx)
	}
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return m.rtc.Run(ctx) })
	g.Go(func() error { return m.relay.Run(ctx) })
	return g.Wait()
}

// admit lets the chunks of a signer's page in to the journal's session of its
// capture, in the place of what WebRTC may still have open.
func (m *media) admit(signer *signing.Handler) func(*http.Request) (ws.Admission, error) {
	return func(r *http.Request) (ws.Admission, error) {
		c, err := signer.MediaCaptureOf(r)
		if err != nil {
			return ws.Admission{}, err
		}
		session, err := m.journal.Session(c.ID)
		if err != nil {
			return ws.Admission{}, err
		}
		if err := m.endRTC(r.Context(), c.ID); err != nil {
			return ws.Admission{}, err
		}
		return ws.Admission{ID: c.ID, Nonce: session.Nonce(), Media: session}, nil
	}
}

// end closes what a session still has open, so that all of its media is in the
// journal when it returns.
func (m *media) end(ctx context.Context, id capture.SessionID) error {
	return errors.Join(m.chunks.End(ctx, id), m.endRTC(ctx, id))
}

func (m *media) endRTC(ctx context.Context, id capture.SessionID) error {
	m.mu.Lock()
	resource, open := m.resources[id]
	delete(m.resources, id)
	m.mu.Unlock()
	if !open {
		return nil
	}
	err := m.rtc.Close(ctx, resource)
	if errors.Is(err, capture.ErrNotFound) {
		return nil // it ended by itself
	}
	return err
}

// streams is signing.Streams: the sockets and the video of a capture.
type streams struct {
	pen   *ws.Handler
	media *media
}

func (s streams) HangUp(ctx context.Context, id capture.SessionID) error {
	s.pen.CloseSession(id)
	s.media.chunks.CloseSession(id)
	return s.media.end(ctx, id)
}
