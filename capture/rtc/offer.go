package rtc

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/pion/sdp/v3"
	"github.com/pion/webrtc/v4"

	"inkwitness/capture"
	"inkwitness/capture/media"
)

// MaxOffer bounds the body of an offer and of a patch.
const MaxOffer = 64 << 10

// Answer is what the page gets for an offer, RFC 9725 section 4.2: 201 Created
// with Resource in Location, Tag in ETag and SDP as the body.
type Answer struct {
	Resource string
	Tag      string // entity tag of the ICE session, without quotes
	SDP      string
}

// Offer takes in a peer connection for the session and answers it. A session
// has one peer connection: an earlier one is closed, and the new one continues
// the capture as a new segment. The errors wrap capture.ErrMalformed (400),
// ErrNoCodec (406), capture.ErrLimit (503, or 413 for an offer over MaxOffer),
// or ErrStopped (503).
func (s *Server) Offer(ctx context.Context, session capture.SessionID, offer string, sink Sink) (Answer, error) {
	desc, err := checkOffer(offer)
	if err != nil {
		return Answer{}, err
	}
	sl, err := s.enter(ctx, session)
	if err != nil {
		return Answer{}, err
	}
	defer s.leave(session, sl)
	if sl.peer != nil {
		sl.peer.stop(errReplaced)
		<-sl.peer.done
		sl.peer = nil
	}
	p, answer, err := s.connect(ctx, session, offer, sink)
	if err != nil {
		return Answer{}, err
	}
	p.ufrag = ufragOf(desc)
	if err := s.adopt(p); err != nil {
		p.pc.GracefulClose()
		return Answer{}, err
	}
	sl.peer = p
	return Answer{Resource: p.resource, Tag: p.tag(), SDP: answer}, nil
}

// Close ends a peer connection and returns when all of it is recorded. The
// error is capture.ErrNotFound or the context's.
func (s *Server) Close(ctx context.Context, resource string) error {
	p := s.find(resource)
	if p == nil {
		return capture.ErrNotFound
	}
	p.stop(nil)
	select {
	case <-p.done:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (s *Server) find(resource string) *peer {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.peers[resource]
}

// enter admits an offer and waits for the session's turn.
func (s *Server) enter(ctx context.Context, session capture.SessionID) (*slot, error) {
	s.mu.Lock()
	sl := s.sessions[session]
	switch {
	case s.stopped:
		s.mu.Unlock()
		return nil, ErrStopped
	case sl == nil && len(s.sessions) >= s.cfg.MaxSessions:
		s.mu.Unlock()
		return nil, fmt.Errorf("%d sessions send media already: %w", s.cfg.MaxSessions, capture.ErrLimit)
	case sl == nil:
		sl = &slot{turn: make(chan struct{}, 1)}
		sl.turn <- struct{}{}
		s.sessions[session] = sl
	}
	sl.uses++
	s.mu.Unlock()
	select {
	case <-sl.turn:
		return sl, nil
	case <-ctx.Done():
		s.release(session, sl)
		return nil, ctx.Err()
	}
}

func (s *Server) leave(session capture.SessionID, sl *slot) {
	sl.turn <- struct{}{}
	s.release(session, sl)
}

// release forgets a slot that nobody uses. A peer in service counts as a user.
func (s *Server) release(session capture.SessionID, sl *slot) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if sl.uses--; sl.uses == 0 {
		delete(s.sessions, session)
	}
}

// connect makes the peer connection and its answer; nothing runs yet but pion.
func (s *Server) connect(ctx context.Context, session capture.SessionID, offer string, sink Sink) (*peer, string, error) {
	name := make([]byte, 16)
	if _, err := io.ReadFull(s.cfg.Random, name); err != nil {
		return nil, "", fmt.Errorf("name the resource: %w", err)
	}
	pc, err := s.api.NewPeerConnection(s.pcfg)
	if err != nil {
		return nil, "", fmt.Errorf("make a peer connection: %w", err)
	}
	p := newPeer(s, session, hex.EncodeToString(name), pc, sink)
	answer, err := p.negotiate(ctx, offer)
	if err == nil {
		answer, err = finishAnswer(answer, s.cfg.MaxVideoKbps)
	}
	if err != nil {
		return nil, "", errors.Join(err, pc.GracefulClose())
	}
	return p, answer, nil
}

// adopt starts the peer's actor.
func (s *Server) adopt(p *peer) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.stopped {
		return ErrStopped
	}
	s.peers[p.resource] = p
	s.sessions[p.session].uses++
	s.running.Add(1)
	go func() {
		defer s.running.Done()
		p.run()
	}()
	return nil
}

// abandon forgets a peer whose actor is over.
func (s *Server) abandon(p *peer) {
	s.mu.Lock()
	sl := s.sessions[p.session]
	delete(s.peers, p.resource)
	s.mu.Unlock()
	s.release(p.session, sl)
}

// negotiate applies an offer, the first or one that restarts ICE, and returns
// the answer with all candidates.
func (p *peer) negotiate(ctx context.Context, offer string) (string, error) {
	err := p.pc.SetRemoteDescription(webrtc.SessionDescription{Type: webrtc.SDPTypeOffer, SDP: offer})
	if err != nil {
		return "", fmt.Errorf("apply the offer: %w: %w", capture.ErrMalformed, err)
	}
	answer, err := p.pc.CreateAnswer(nil)
	if err != nil {
		return "", fmt.Errorf("answer the offer: %w: %w", capture.ErrMalformed, err)
	}
	gathered := webrtc.GatheringCompletePromise(p.pc)
	if err := p.pc.SetLocalDescription(answer); err != nil {
		return "", fmt.Errorf("apply the answer: %w", err)
	}
	select {
	case <-gathered:
	case <-ctx.Done():
		return "", ctx.Err()
	}
	return p.pc.LocalDescription().SDP, nil
}

// checkOffer refuses what is no capture: at most one video and one audio that
// the page sends, no data channel, no simulcast.
func checkOffer(offer string) (*sdp.SessionDescription, error) {
	if len(offer) > MaxOffer {
		return nil, fmt.Errorf("offer of %d bytes: %w", len(offer), capture.ErrLimit)
	}
	desc := &sdp.SessionDescription{}
	if err := desc.UnmarshalString(offer); err != nil {
		return nil, fmt.Errorf("read the offer: %w: %w", capture.ErrMalformed, err)
	}
	var seen [2]int
	for _, m := range desc.MediaDescriptions {
		switch m.MediaName.Media {
		case "video":
			seen[0]++
		case "audio":
			seen[1]++
		default:
			return nil, fmt.Errorf("offer of other media than video and audio: %w", capture.ErrMalformed)
		}
		if err := checkMedia(m); err != nil {
			return nil, err
		}
	}
	if seen[0] > 1 || seen[1] > 1 || seen[0]+seen[1] == 0 {
		return nil, fmt.Errorf("offer of %d video and %d audio tracks: %w", seen[0], seen[1], capture.ErrMalformed)
	}
	return desc, nil
}

func checkMedia(m *sdp.MediaDescription) error {
	for _, a := range m.Attributes {
		switch a.Key {
		case "recvonly", "inactive":
			return fmt.Errorf("offer to send nothing: %w", capture.ErrMalformed)
		case "simulcast", "rid":
			return fmt.Errorf("offer of simulcast: %w", capture.ErrMalformed)
		}
	}
	return nil
}

// finishAnswer checks that every medium was accepted and limits the video's
// rate (RFC 8866 section 5.8; the unit of AS is kbit/s).
func finishAnswer(answer string, kbps int) (string, error) {
	desc := &sdp.SessionDescription{}
	if err := desc.UnmarshalString(answer); err != nil {
		return "", fmt.Errorf("read the own answer: %w", err)
	}
	for _, m := range desc.MediaDescriptions {
		if m.MediaName.Port.Value == 0 {
			return "", fmt.Errorf("%s: %w", m.MediaName.Media, ErrNoCodec)
		}
		if m.MediaName.Media == "video" {
			m.Bandwidth = append(m.Bandwidth, sdp.Bandwidth{Type: "AS", Bandwidth: uint64(kbps)})
		}
	}
	b, err := desc.Marshal()
	return string(b), err
}

// ufragOf is the ICE user name of the session or of its first medium.
func ufragOf(desc *sdp.SessionDescription) string {
	if v, ok := desc.Attribute("ice-ufrag"); ok {
		return v
	}
	for _, m := range desc.MediaDescriptions {
		if v, ok := m.Attribute("ice-ufrag"); ok {
			return v
		}
	}
	return ""
}

// codecOf names what pion negotiated, 0 if it cannot be recorded.
func codecOf(p webrtc.RTPCodecParameters) media.Codec {
	for c := range payloadTypes {
		if strings.EqualFold(p.MimeType, capability(c).MimeType) {
			return c
		}
	}
	return 0
}
