package server

import (
	"context"
	"errors"
	"sync"

	"inkwitness/api/signing"
	"inkwitness/capture"
	"inkwitness/capture/record"
	"inkwitness/capture/rtc"
	"inkwitness/capture/ws"
)

// media is signing.Media on the WebRTC server and the journal.
type media struct {
	rtc     *rtc.Server
	journal *record.Journal
	servers []signing.ICEServer

	mu        sync.Mutex
	resources map[capture.SessionID]string // the newest connection of each session
}

func (m *media) Offer(ctx context.Context, id capture.SessionID, sdp string) (signing.MediaAnswer, error) {
	session, err := m.journal.Session(id)
	if err != nil {
		return signing.MediaAnswer{}, err
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

func (m *media) Servers() []signing.ICEServer { return m.servers }

// end closes what a session still has open, so that all of its media is in the
// journal when it returns.
func (m *media) end(ctx context.Context, id capture.SessionID) error {
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

// streams is signing.Streams: the pen sockets and the video of a capture.
type streams struct {
	pen   *ws.Handler
	media *media
}

func (s streams) HangUp(ctx context.Context, id capture.SessionID) error {
	s.pen.CloseSession(id)
	return s.media.end(ctx, id)
}
