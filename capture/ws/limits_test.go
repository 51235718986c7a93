package ws_test

import (
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"inkwitness/capture"
	"inkwitness/capture/ink"
	"inkwitness/capture/ws"
)

func TestASilentPeerIsCutOff(t *testing.T) {
	r := newRig(t, func(c *ws.Config) { c.Idle = 300 * time.Millisecond })
	r.session(1)
	r.session(2)
	silent, _ := r.dial(1)
	silent.SetPingHandler(func(string) error { return nil }) // hears, but does not answer
	quiet, _ := r.dial(2)                                    // sends nothing, but answers
	code := make(chan int, 1)
	start := time.Now()
	go func() { code <- closeCode(t, silent) }()
	go quiet.ReadMessage()
	if got := <-code; got != 4408 || time.Since(start) > 2*time.Second {
		t.Errorf("closed with %d after %v", got, time.Since(start))
	}
	time.Sleep(500 * time.Millisecond)
	if open := r.handler.Stats().Open; open != 1 {
		t.Errorf("%d connections are open, want the quiet one", open)
	}
}

func TestAnotherConnectionTakesOver(t *testing.T) {
	r := newRig(t, nil)
	r.session(1)
	first, _ := r.dial(1)
	if err := binaries(batch(t, 0))(first); err != nil {
		t.Fatal(err)
	}
	if _, _, err := first.ReadMessage(); err != nil { // the ACK
		t.Fatal(err)
	}
	second, w := r.dial(1)
	if err := binaries(ink.Ping{ClientSend: 1}.Append(nil))(second); err != nil {
		t.Fatal(err)
	}
	if w.Head.Next != 1 {
		t.Errorf("WELCOME at %d, want 1", w.Head.Next)
	}
	if got := closeCode(t, first); got != 4408 {
		t.Errorf("closed with %d", got)
	}
}

func TestADeadConnectionTakesNothingOver(t *testing.T) {
	r := newRig(t, nil)
	r.session(1)
	alive, _ := r.dial(1)
	for range 6 { // a client that gave up; what it gave up gets through later
		late, _ := r.dial(1)
		late.NetConn().Close()
		time.Sleep(20 * time.Millisecond)
	}
	if err := binaries(batch(t, 0))(alive); err != nil {
		t.Fatal(err)
	}
	_, msg, err := alive.ReadMessage()
	if err != nil {
		t.Fatal(err)
	}
	if head, err := ink.ParseAck(msg); err != nil || head.Next != 1 {
		t.Errorf("ACK %d, %v", head.Next, err)
	}
}

func TestCloseSessionClosesWithinASecond(t *testing.T) {
	r := newRig(t, nil)
	for n, hang := range []string{"", "flooding"} {
		r.session(n)
		c, _ := r.dial(n)
		if hang != "" { // the reader sleeps for the rate, and nobody reads what it writes
			go func() {
				for n := 0; binaries(batch(t, n))(c) == nil; n++ {
				}
			}()
			time.Sleep(300 * time.Millisecond)
		}
		start := time.Now()
		r.handler.CloseSession(testID(n))
		for r.handler.Stats().Open > 0 && time.Since(start) < 5*time.Second {
			time.Sleep(5 * time.Millisecond)
		}
		if took := time.Since(start); took > time.Second {
			t.Errorf("%q: closed after %v", hang, took)
		}
		if hang == "" {
			if got := closeCode(t, c); got != 4401 {
				t.Errorf("closed with %d", got)
			}
		}
	}
}

func TestControlFramesCannotFlood(t *testing.T) {
	r := newRig(t, nil)
	floods := map[string]func(c *websocket.Conn) error{
		"pong": func(c *websocket.Conn) error {
			return c.WriteControl(websocket.PongMessage, nil, time.Now().Add(time.Second))
		},
		"ping": func(c *websocket.Conn) error {
			return c.WriteControl(websocket.PingMessage, nil, time.Now().Add(time.Second))
		},
		"PING": binaries(ink.Ping{ClientSend: 1}.Append(nil)),
	}
	n := 0
	for name, flood := range floods {
		n++
		r.session(n)
		c, _ := r.dial(n)
		go func() {
			for flood(c) == nil {
			}
		}()
		if got := closeCode(t, c); got != 4429 {
			t.Errorf("%s: closed with %d", name, got)
		}
	}
}

func TestAFastSenderIsSlowedDown(t *testing.T) {
	r := newRig(t, func(c *ws.Config) { c.Burst, c.Rate = 10, 100 })
	r.session(1)
	c := r.client(1)
	c.Ping = 0
	for n := range 60 {
		if err := c.Add(points(n)); err != nil {
			t.Fatal(err)
		}
	}
	c.Finish()
	start := time.Now()
	if err := c.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	if took := time.Since(start); took < 400*time.Millisecond {
		t.Errorf("60 messages in %v, though only 10 may come at once and 100 a second", took)
	}
}

// Short messages are what a pen that rests sends, and all come at once after a cut.
func TestShortBatchesAreNoFlood(t *testing.T) {
	r := newRig(t, nil)
	r.session(1)
	c := r.client(1)
	const batches = 300 // more than may come of control frames
	for n := range batches {
		if err := c.Add([]capture.Point{{Time: int64(n)}}); err != nil {
			t.Fatal(err)
		}
	}
	c.Finish()
	if err := c.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	if book := c.Book(); book.Connected != 1 {
		t.Errorf("connected %d times", book.Connected)
	}
}
