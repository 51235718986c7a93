package ws

import (
	"errors"
	"net"

	"github.com/gorilla/websocket"

	"inkwitness/capture"
)

// reason is why the server closes a connection. It is an error so that the
// loop that reads can return it.
type reason struct {
	code int
	text string
}

func (r reason) Error() string { return r.text }

// The reasons that are not an error of a Session. capture/README.md tells what
// the client does on each code.
var (
	closeGoingAway  = reason{websocket.CloseGoingAway, "the server goes down"}
	closeUnable     = reason{4503, "the server cannot store now"}
	closeText       = reason{4400, "only binary messages"}
	closeUnknown    = reason{4400, "unknown message type"}
	closeNotAllowed = reason{4401, "not allowed any longer"}
	closeReplaced   = reason{4408, "another connection took over"}
	closeSilent     = reason{4408, "nothing was heard in time"}
	closeHead       = reason{4409, "FINISH does not tell the stream that is kept"}
	closeFlood      = reason{4429, "too many control frames, or too small pieces"}
)

// harmful tells whether a connection ended because its client did what no client
// of ours does. Lost networks, late pages and full disks are no harm.
func harmful(err error) bool {
	return errors.Is(err, closeText) || errors.Is(err, closeUnknown) || errors.Is(err, closeFlood) ||
		errors.Is(err, capture.ErrMalformed) || errors.Is(err, websocket.ErrReadLimit)
}

// reasonFor turns what ended the reading into a close frame. false means that
// nothing is to be sent: the peer is gone or has its close frame.
func reasonFor(err error) (reason, bool) {
	var known reason
	var closed *websocket.CloseError
	var timeout net.Error
	switch {
	case errors.As(err, &known):
		return known, true
	case errors.Is(err, capture.ErrMalformed):
		return reason{4400, "malformed message"}, true
	case errors.Is(err, capture.ErrGap):
		return reason{4409, "a number was skipped"}, true
	case errors.Is(err, capture.ErrConflict):
		return reason{4409, "other bytes for a known number, or of another session"}, true
	case errors.Is(err, capture.ErrFinished):
		return reason{4410, "the session is finished"}, true
	case errors.Is(err, capture.ErrNotFound):
		return reason{4401, "the session is no longer kept"}, true
	case errors.Is(err, capture.ErrLimit):
		return reason{4429, "the session is over its limit"}, true
	case errors.As(err, &timeout) && timeout.Timeout():
		return closeSilent, true
	case errors.As(err, &closed), errors.Is(err, websocket.ErrReadLimit), errors.As(err, &timeout):
		return reason{}, false
	case errors.Is(err, capture.ErrClosed):
		return closeGoingAway, true
	}
	return closeUnable, true
}
