package ws_test

import (
	"errors"
	"net"
	"net/http"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"inkwitness/capture/ws"
)

// hand is a clock that a test moves.
type hand struct {
	mu  sync.Mutex
	now time.Time
}

func (h *hand) Now() time.Time {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.now
}

func (h *hand) move(d time.Duration) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.now = h.now.Add(d)
}

// knock asks for a session that nobody has until the status is another than 401,
// or n times. A connection that the listener closes is status 0.
func (r *rig) knock(n int) int {
	status := 0
	for range n {
		_, answer, err := r.dialer().Dial(r.url(), http.Header{"Session": {"nobody"}})
		if err == nil {
			r.t.Fatal("let in")
		}
		status = 0
		if answer != nil {
			status = answer.StatusCode
		}
		if status != http.StatusUnauthorized {
			return status
		}
	}
	return status
}

func TestAddressesThatDoHarmAreKeptAway(t *testing.T) {
	clock := &hand{now: time.Unix(1e9, 0)}
	bans := ws.NewBans(clock)
	r := newRig(t, func(c *ws.Config) { c.Bans = bans })
	r.session(1)
	if got := r.knock(60); got != http.StatusUnauthorized {
		t.Fatalf("status %d within the allowance", got)
	}
	if got := r.knock(10); got != http.StatusTooManyRequests {
		t.Fatalf("status %d after it, want 429", got)
	}
	if !bans.Banned("127.0.0.1") || bans.Banned("127.0.0.2") {
		t.Error("not the address that did it is banned")
	}
	clock.move(2 * time.Second)
	r.dial(1) // fails the test if refused
}

func TestABannedAddressGetsNoHandshake(t *testing.T) {
	clock := &hand{now: time.Unix(1e9, 0)}
	bans := ws.NewBans(clock)
	r := newRig(t, func(c *ws.Config) { c.Bans = bans })
	if got := r.knock(70); got != http.StatusTooManyRequests {
		t.Fatalf("status %d", got)
	}
	plain, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l := bans.Listener(plain)
	defer l.Close()
	accepted := make(chan net.Conn, 2)
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			accepted <- c
		}
	}()
	c, err := net.Dial("tcp", plain.Addr().String())
	if err == nil { // the reset may be faster
		defer c.Close()
		c.SetReadDeadline(time.Now().Add(5 * time.Second))
		_, err = c.Read(make([]byte, 1))
	}
	if !errors.Is(err, syscall.ECONNRESET) || len(accepted) > 0 {
		t.Fatalf("the connection lives: %v, %d accepted", err, len(accepted))
	}
	if bans.Kept() != 1 || bans.Refused() != 1 {
		t.Errorf("%d addresses are kept away and %d connections were closed, want one each", bans.Kept(), bans.Refused())
	}
	elsewhere := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 0, 0, 2)}}
	other, err := elsewhere.Dial("tcp", plain.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	select {
	case c := <-accepted:
		c.Close()
	case <-time.After(5 * time.Second):
		t.Error("another address is kept away, too")
	}
}

// A ban must not lock an office out in which somebody signs, nor a proxy that
// nobody told of.
func TestNobodyIsBannedWhereSomebodyDraws(t *testing.T) {
	clock := &hand{now: time.Unix(1e9, 0)}
	bans := ws.NewBans(clock)
	r := newRig(t, func(c *ws.Config) { c.Bans = bans })
	r.session(1)
	signer, _ := r.dial(1)
	if err := binaries(batch(t, 0))(signer); err != nil {
		t.Fatal(err)
	}
	if _, _, err := signer.ReadMessage(); err != nil { // the ACK
		t.Fatal(err)
	}
	if got := r.knock(80); got != http.StatusUnauthorized {
		t.Errorf("status %d while somebody draws", got)
	}
	signer.Close()
	for deadline := time.Now().Add(5 * time.Second); r.handler.Stats().Open > 0 && time.Now().Before(deadline); {
		time.Sleep(5 * time.Millisecond)
	}
	if got := r.knock(1); got != http.StatusTooManyRequests {
		t.Errorf("status %d once nobody does", got)
	}
	clock.move(time.Minute) // the longest ban
	if bans.Banned("127.0.0.1") {
		t.Error("banned for more than a minute")
	}
}

func TestHarmIsCounted(t *testing.T) {
	harms := map[string]func(c *websocket.Conn){
		"text":      func(c *websocket.Conn) { c.WriteMessage(websocket.TextMessage, []byte("hello")) },
		"malformed": func(c *websocket.Conn) { binaries([]byte{0x01, 0xff, 0xff})(c) },
		"too large": func(c *websocket.Conn) { binaries(make([]byte, 1<<20))(c) },
		"slivers": func(c *websocket.Conn) {
			frame := []byte{0x02, 0x81, 0, 0, 0, 0, 0x01} // RFC 6455, section 5.2: not final, binary, masked, one byte
			for range 100 {
				if _, err := c.NetConn().Write(frame); err != nil {
					return
				}
				frame[0] = 0 // continuation
			}
		},
	}
	for name, harm := range harms {
		t.Run(name, func(t *testing.T) {
			bans := ws.NewBans(&hand{now: time.Unix(1e9, 0)})
			r := newRig(t, func(c *ws.Config) { c.Bans = bans })
			r.session(1)
			if got := r.knock(60); got != http.StatusUnauthorized {
				t.Fatalf("status %d", got)
			}
			c, _ := r.dial(1)
			harm(c)
			for deadline := time.Now().Add(5 * time.Second); !bans.Banned("127.0.0.1"); time.Sleep(5 * time.Millisecond) {
				if time.Now().After(deadline) {
					t.Fatal("not counted")
				}
			}
		})
	}
}
