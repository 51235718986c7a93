package e2e

import (
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"
	"github.com/pion/webrtc/v4"
)

// TestA6_SocketsOfEndedSessionsClose ends a signer's session in each of the ways
// in which one ends, with a pen socket open, with a media socket, and with a video
// connection: each closes within a second, and does not open again.
func TestA6_SocketsOfEndedSessionsClose(t *testing.T) {
	s, owner := sharedService(t)
	for name, end := range map[string]func(d documentView, token string, signer *client){
		"the sender sends a new link": func(d documentView, _ string, _ *client) {
			owner.must("POST", "/api/documents/"+d.ID+"/remind", nil, nil)
		},
		"the sender withdraws the document": func(d documentView, _ string, _ *client) {
			owner.must("POST", "/api/documents/"+d.ID+"/cancel", nil, nil)
		},
		"the signer opens the link again": func(_ documentView, token string, _ *client) {
			s.open(token, 1)
		},
		"the signer declines in another tab": func(_ documentView, _ string, signer *client) {
			signer.must("POST", "/api/signing/decline", map[string]string{}, nil)
		},
	} {
		for what, open := range map[string]func(*client) (closed func(what string)){
			"the pen socket":       closing(t, (*client).pen),
			"the media socket":     closing(t, (*client).media),
			"the video connection": (*client).video,
		} {
			d, token := owner.sent("Lease", person{"Sam Signer", "sam@example.org"})
			signer := s.open(token, 1)
			signer.agree()
			closed := open(signer)
			end(d, token, signer)
			closed(name + ", " + what)
			refused(t, name+", and going on", signer.do("GET", "/api/signing", nil), 401, "sign in")
		}
	}
}

// closing opens a socket that has to close within a second.
func closing(t *testing.T, open func(*client) *websocket.Conn) func(*client) func(string) {
	return func(c *client) func(string) {
		socket := open(c)
		return func(what string) {
			t.Helper()
			closedWithin(t, what, socket, time.Second)
		}
	}
}

// video opens a capture whose video goes by WebRTC, and waits until it is connected.
// The service ends the connection by closing DTLS.
func (c *client) video() (closed func(what string)) {
	c.t.Helper()
	_, path := c.begun(true)
	peer, err := webrtc.NewPeerConnection(webrtc.Configuration{})
	if err != nil {
		c.t.Fatal(err)
	}
	c.t.Cleanup(func() { _ = peer.Close() })
	if _, err := peer.AddTransceiverFromKind(webrtc.RTPCodecTypeVideo, webrtc.RTPTransceiverInit{Direction: webrtc.RTPTransceiverDirectionSendonly}); err != nil {
		c.t.Fatal(err)
	}
	states := make(chan webrtc.PeerConnectionState, 20)
	peer.OnConnectionStateChange(func(state webrtc.PeerConnectionState) { states <- state })
	offer, err := peer.CreateOffer(nil)
	if err != nil {
		c.t.Fatal(err)
	}
	gathered := webrtc.GatheringCompletePromise(peer)
	if err := peer.SetLocalDescription(offer); err != nil {
		c.t.Fatal(err)
	}
	<-gathered
	answer := c.do("POST", path, []byte(peer.LocalDescription().SDP), "Content-Type", "application/sdp")
	if answer.Status != 201 {
		c.t.Fatalf("offer video: %s", answer)
	}
	if err := peer.SetRemoteDescription(webrtc.SessionDescription{Type: webrtc.SDPTypeAnswer, SDP: string(answer.Body)}); err != nil {
		c.t.Fatal(err)
	}
	until := func(want webrtc.PeerConnectionState, limit time.Duration) bool {
		after := time.After(limit)
		for {
			select {
			case state := <-states:
				if state == want {
					return true
				}
			case <-after:
				return false
			}
		}
	}
	if !until(webrtc.PeerConnectionStateConnected, 20*time.Second) {
		c.t.Fatal("the video does not connect")
	}
	return func(what string) {
		c.t.Helper()
		if !until(webrtc.PeerConnectionStateClosed, 2*time.Second) {
			c.t.Errorf("%s: still open", what)
		}
	}
}

// TestA6_NobodyHidesASocket: another signer who tries to throw a capture away does not
// take its sockets from those that are watched.
func TestA6_NobodyHidesASocket(t *testing.T) {
	s, owner := sharedService(t)
	d, token := owner.sent("Lease", person{"Sia Signer", "sia@example.org"})
	signer := s.open(token, 1)
	signer.agree()
	pen, _ := signer.begun(false)
	socket := signer.socket(pen)
	_, token = owner.sent("Another lease", person{"Eve Signer", "eve@example.org"})
	eve := s.open(token, 2)
	eve.agree()
	refused(t, "throwing away what is somebody else's", eve.do("POST", strings.TrimSuffix(pen, "/pen")+"/discard", nil), 404, "")
	owner.must("POST", "/api/documents/"+d.ID+"/remind", nil, nil)
	closedWithin(t, "after the session", socket, time.Second)
}

// TestA6_SocketsOfLiveSessionsStay is the other side: nothing is hung up that
// may go on.
func TestA6_SocketsOfLiveSessionsStay(t *testing.T) {
	s, owner := sharedService(t)
	_, token := owner.sent("Lease", person{"Sue Signer", "sue@example.org"})
	signer := s.open(token, 1)
	signer.agree()
	socket := signer.pen()
	defer socket.Close()
	_, other := owner.sent("Another lease", person{"Tim Signer", "tim@example.org"})
	s.open(other, 2)
	_ = socket.SetReadDeadline(time.Now().Add(1500 * time.Millisecond))
	if _, message, err := socket.ReadMessage(); err == nil {
		t.Fatalf("the socket says %x", message)
	} else if timeout, ok := err.(interface{ Timeout() bool }); !ok || !timeout.Timeout() {
		t.Errorf("the socket of a live session ended: %v", err)
	}
}
