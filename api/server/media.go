package server

import (
	"context"

	"inkwitness/api/signing"
	"inkwitness/capture"
	"inkwitness/capture/record"
	"inkwitness/capture/rtc"
)

// media is signing.Media on the WebRTC server and the journal.
type media struct {
	rtc     *rtc.Server
	journal *record.Journal
	servers []signing.ICEServer
}

func (m media) Offer(ctx context.Context, id capture.SessionID, sdp string) (signing.MediaAnswer, error) {
	session, err := m.journal.Session(id)
	if err != nil {
		return signing.MediaAnswer{}, err
	}
	answer, err := m.rtc.Offer(ctx, id, sdp, sink{session})
	return signing.MediaAnswer(answer), err
}

func (m media) Patch(ctx context.Context, resource, ifMatch, fragment string) (signing.MediaAnswer, error) {
	patched, err := m.rtc.Patch(ctx, resource, ifMatch, fragment)
	return signing.MediaAnswer{Resource: resource, Tag: patched.Tag, SDP: patched.Fragment}, err
}

func (m media) Close(ctx context.Context, resource string) error { return m.rtc.Close(ctx, resource) }

func (m media) Servers() []signing.ICEServer { return m.servers }

// sink is rtc.Sink on a session of the journal.
type sink struct{ session *record.Session }

func (s sink) Next(stream capture.Stream) uint64 { return s.session.Head(stream).Next }

func (s sink) Append(ctx context.Context, stream capture.Stream, seq uint64, arrived int64, payload []byte) error {
	pending, err := s.session.Append(ctx, stream, seq, arrived, payload)
	if err != nil {
		return err
	}
	_, err = pending.Wait(ctx)
	return err
}
