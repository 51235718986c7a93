package e2e

import (
	"testing"
	"time"
)

// TestA6_SocketsOfEndedSessionsClose ends a signer's session in each of the ways
// in which one ends, with a pen socket open: it closes within a second, and does
// not open again.
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
		d, token := owner.sent("Lease", person{"Sam Signer", "sam@example.org"})
		signer := s.open(token, 1)
		signer.agree()
		socket := signer.pen()
		end(d, token, signer)
		closedWithin(t, name, socket, time.Second)
		refused(t, name+", and going on", signer.do("GET", "/api/signing", nil), 401, "sign in")
	}
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
