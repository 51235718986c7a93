package rtc

import (
	"context"
	"fmt"
	"strings"

	"github.com/pion/sdp/v3"
	"github.com/pion/webrtc/v4"

	"inkwitness/capture"
	"inkwitness/capture/media"
)

// Patched is the answer to a Patch. An empty Fragment means 204 No Content;
// otherwise 200 with the fragment as application/trickle-ice-sdpfrag and Tag in
// ETag.
type Patched struct {
	Tag      string
	Fragment string
}

// Patch takes a trickle ICE SDP fragment (RFC 8840 section 9): candidates of
// the ICE session named by ifMatch, or, with other ICE credentials and "*", a
// restart of ICE on another network, RFC 9725 sections 4.3.2 and 4.3.3. The
// errors wrap capture.ErrNotFound (404), ErrMatch (412), capture.ErrLimit (413)
// or capture.ErrMalformed (400).
func (s *Server) Patch(ctx context.Context, resource, ifMatch, fragment string) (Patched, error) {
	f, err := parseFragment(fragment)
	if err != nil {
		return Patched{}, err
	}
	p := s.find(resource)
	if p == nil {
		return Patched{}, capture.ErrNotFound
	}
	sl, err := s.enter(ctx, p.session)
	if err != nil {
		return Patched{}, err
	}
	defer s.leave(p.session, sl)
	if sl.peer != p {
		return Patched{}, capture.ErrNotFound // replaced while we waited
	}
	if f.ufrag == "" || f.ufrag == p.ufrag {
		return p.trickle(ifMatch, f)
	}
	if ifMatch != "*" {
		return Patched{}, ErrMatch
	}
	return p.restart(ctx, f)
}

// trickle adds candidates. An ICE-lite agent sends no checks, so they only
// matter for address filters; a bad one is not worth ending a capture.
func (p *peer) trickle(ifMatch string, f sdpFragment) (Patched, error) {
	if strings.Trim(ifMatch, `"`) != p.tag() {
		return Patched{}, ErrMatch
	}
	for _, c := range f.candidates {
		if err := p.pc.AddICECandidate(webrtc.ICECandidateInit{Candidate: c}); err != nil {
			return Patched{}, fmt.Errorf("candidate: %w: %w", capture.ErrMalformed, err)
		}
	}
	return Patched{Tag: p.tag()}, nil
}

// restart replays the page's last offer with its new ICE credentials. The
// media streams and their clocks go on; the records continue as a new segment.
func (p *peer) restart(ctx context.Context, f sdpFragment) (Patched, error) {
	offer, err := withCredentials(p.pc.RemoteDescription().SDP, f)
	if err != nil {
		return Patched{}, err
	}
	answer, err := p.negotiate(ctx, offer)
	if err != nil {
		return Patched{}, err
	}
	p.ufrag = f.ufrag
	p.restarts++
	number := p.rec.open(media.ICERestart)
	for _, t := range p.allTracks() {
		t.resegment(number)
	}
	fragment, err := fragmentOf(answer)
	return Patched{Tag: p.tag(), Fragment: fragment}, err
}

// sdpFragment is what matters of a trickle ICE SDP fragment.
type sdpFragment struct {
	ufrag, pwd string
	candidates []string
}

// maxCandidates of one fragment.
const maxCandidates = 64

func parseFragment(text string) (sdpFragment, error) {
	var f sdpFragment
	if len(text) > MaxOffer {
		return f, fmt.Errorf("fragment of %d bytes: %w", len(text), capture.ErrLimit)
	}
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, "\r\n")
		key, value, _ := strings.Cut(strings.TrimPrefix(line, "a="), ":")
		switch key {
		case "ice-ufrag":
			f.ufrag = value
		case "ice-pwd":
			f.pwd = value
		case "candidate":
			f.candidates = append(f.candidates, "candidate:"+value)
		}
		if len(line) > 1024 || len(f.candidates) > maxCandidates {
			return f, fmt.Errorf("fragment: %w", capture.ErrLimit)
		}
	}
	// RFC 8445 section 5.3: 4 to 256 and 22 to 256 characters.
	if f.ufrag != "" && (len(f.ufrag) < 4 || len(f.ufrag) > 256 || len(f.pwd) < 22 || len(f.pwd) > 256) {
		return f, fmt.Errorf("fragment: ICE credentials: %w", capture.ErrMalformed)
	}
	return f, nil
}

// withCredentials is the offer with other ICE credentials and no candidates.
func withCredentials(offer string, f sdpFragment) (string, error) {
	desc := &sdp.SessionDescription{}
	if err := desc.UnmarshalString(offer); err != nil {
		return "", fmt.Errorf("read the last offer: %w", err)
	}
	desc.Attributes = replaceCredentials(desc.Attributes, f)
	for _, m := range desc.MediaDescriptions {
		m.Attributes = replaceCredentials(m.Attributes, f)
	}
	desc.Origin.SessionVersion++
	b, err := desc.Marshal()
	return string(b), err
}

func replaceCredentials(in []sdp.Attribute, f sdpFragment) []sdp.Attribute {
	var out []sdp.Attribute
	for _, a := range in {
		switch a.Key {
		case "ice-ufrag":
			a.Value = f.ufrag
		case "ice-pwd":
			a.Value = f.pwd
		case "candidate", "end-of-candidates":
			continue
		}
		out = append(out, a)
	}
	return out
}

// fragmentOf is the answer's ICE part, RFC 8840 section 9.2.
func fragmentOf(answer string) (string, error) {
	desc := &sdp.SessionDescription{}
	if err := desc.UnmarshalString(answer); err != nil {
		return "", fmt.Errorf("read the own answer: %w", err)
	}
	var b strings.Builder
	if _, ok := desc.Attribute("ice-lite"); ok {
		b.WriteString("a=ice-lite\r\n")
	}
	for i, m := range desc.MediaDescriptions {
		if i > 0 {
			break // bundled: all go over the first
		}
		fmt.Fprintf(&b, "m=%s 9 %s 0\r\n", m.MediaName.Media, strings.Join(m.MediaName.Protos, "/"))
		for _, a := range m.Attributes {
			switch a.Key {
			case "mid", "ice-ufrag", "ice-pwd", "candidate", "end-of-candidates":
				b.WriteString("a=" + a.String() + "\r\n")
			}
		}
	}
	return b.String(), nil
}
