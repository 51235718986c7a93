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
	answer, err := m.rtc.Offer(ctx, id, sdp, session)
	return signing.MediaAnswer(answer), err
}

func (m media) Patch(ctx context.Context, resource, ifMatch, fragment string) (signing.MediaAnswer, error) {
	patched, err := m.rtc.Patch(ctx, resource, ifMatch, fragment)
	return signing.MediaAnswer{Resource: resource, Tag: patched.Tag, SDP: patched.Fragment}, err
}

func (m media) Close(ctx context.Context, resource string) error { return m.rtc.Close(ctx, resource) }

func (m media) Servers() []signing.ICEServer { return m.servers }
