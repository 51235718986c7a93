// Package wstest is a client of inkwitness.pen.v1 that keeps the books a test
// needs: every batch it ever sent, the chain over them, when each was
// acknowledged, and whether the server ever contradicted itself. It connects
// again by itself and goes on where the server stands, as the page does.
//
// It is for tests and load; the client that people use is TypeScript.
package wstest

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/gorilla/websocket"

	"inkwitness/capture"
	"inkwitness/capture/ink"
)

// Client is one signer's page. Set the first four fields, then call Run once.
type Client struct {
	URL    string
	Header http.Header
	Dialer *websocket.Dialer // Subprotocols is set by Run
	ID     capture.SessionID

	Patience time.Duration // silence that makes it connect again; 10 s
	Ping     time.Duration // between PINGs, 0 for none
	Forget   bool          // acknowledged batches, as the page does; their heads stay

	wake    chan struct{}
	started time.Time

	mu        sync.Mutex
	nonce     [32]byte
	messages  [][]byte
	heads     []capture.Head // heads[n] is the one after n batches; known from the first WELCOME on
	due       []time.Time    // when batch n was added
	latency   []time.Duration
	acked     uint64
	connected int
	finish    bool
	receipt   *ink.Receipt
	exchange  ink.Ping // the last PONG, as the next PING tells it
}

// ErrContradiction is a server that forgot, reordered or changed something that
// it had acknowledged.
var ErrContradiction = errors.New("wstest: the server contradicts itself")

// Add adds a batch of points, which is sent as soon as it can be.
func (c *Client) Add(points []capture.Point) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	msg, err := ink.AppendBatch(nil, ink.Batch{Seq: uint64(len(c.messages)), Points: points})
	if err != nil {
		return err
	}
	c.messages = append(c.messages, msg)
	c.due = append(c.due, time.Now())
	if len(c.heads) > 0 {
		c.heads = append(c.heads, c.heads[len(c.heads)-1].After(capture.StreamPen, 0, msg))
	}
	c.poke()
	return nil
}

// Finish makes the client send FINISH once all batches are acknowledged. Run
// returns when the receipt is there.
func (c *Client) Finish() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.finish = true
	c.poke()
}

// poke wakes the writer. c.mu is held.
func (c *Client) poke() {
	if c.wake == nil {
		c.wake = make(chan struct{}, 1)
	}
	select {
	case c.wake <- struct{}{}:
	default:
	}
}

// Run keeps a connection until there is a receipt (nil), the server closes with
// a code that means stop (that *websocket.CloseError), it contradicts itself, or
// ctx ends.
func (c *Client) Run(ctx context.Context) error {
	if c.Patience == 0 {
		c.Patience = 10 * time.Second
	}
	c.mu.Lock()
	c.started = time.Now()
	c.poke()
	c.mu.Unlock()
	for ctx.Err() == nil {
		err := c.connect(ctx)
		var closed *websocket.CloseError
		switch {
		case err == nil, errors.Is(err, ErrContradiction):
			return err
		case errors.As(err, &closed) && closed.Code >= 4400 && closed.Code < 4500:
			return err
		}
		select {
		case <-ctx.Done():
		case <-time.After(50 * time.Millisecond):
		}
	}
	return ctx.Err()
}

// connect runs one connection.
func (c *Client) connect(ctx context.Context) error {
	d := *c.Dialer
	d.Subprotocols = []string{ink.Protocol}
	d.HandshakeTimeout = c.Patience
	socket, answer, err := d.DialContext(ctx, c.URL, c.Header)
	if err != nil {
		if answer != nil {
			return fmt.Errorf("dial: %s: %w", answer.Status, err)
		}
		return err
	}
	defer socket.Close()
	defer context.AfterFunc(ctx, func() { socket.Close() })()
	next, err := c.welcome(socket)
	if err != nil {
		return err
	}
	gone := make(chan struct{})
	var writer sync.WaitGroup
	writer.Go(func() {
		c.write(socket, next, gone)
		socket.Close()
	})
	err = c.read(socket)
	close(gone)
	socket.Close()
	writer.Wait()
	return err
}

// receive reads one message and, like a page, gives up after a silence.
func (c *Client) receive(socket *websocket.Conn) ([]byte, error) {
	socket.SetReadDeadline(time.Now().Add(c.Patience))
	_, msg, err := socket.ReadMessage()
	return msg, err
}

func (c *Client) welcome(socket *websocket.Conn) (uint64, error) {
	socket.SetPingHandler(func(data string) error {
		socket.SetReadDeadline(time.Now().Add(c.Patience))
		err := socket.WriteControl(websocket.PongMessage, []byte(data), time.Now().Add(c.Patience))
		return ignoreTemporary(err)
	})
	msg, err := c.receive(socket)
	if err != nil {
		return 0, err
	}
	w, err := ink.ParseWelcome(msg)
	if err != nil {
		return 0, errors.Join(ErrContradiction, err)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.connected++
	if len(c.heads) == 0 {
		if err := c.begin(w.Nonce); err != nil {
			return 0, err
		}
	}
	if w.Nonce != c.nonce || w.Head.Next < c.acked {
		return 0, fmt.Errorf("WELCOME at %d after an ACK of %d: %w", w.Head.Next, c.acked, ErrContradiction)
	}
	return w.Head.Next, c.take(w.Head)
}

func ignoreTemporary(err error) error {
	if errors.Is(err, websocket.ErrCloseSent) {
		return nil
	}
	return err
}

// begin computes the chain from the nonce. c.mu is held.
func (c *Client) begin(nonce [32]byte) error {
	head, err := capture.FirstHead(c.ID, nonce, capture.StreamPen)
	if err != nil {
		return err
	}
	c.nonce, c.heads = nonce, []capture.Head{head}
	for _, msg := range c.messages {
		head = head.After(capture.StreamPen, 0, msg)
		c.heads = append(c.heads, head)
	}
	return nil
}

// take checks a head of the server's and books what it acknowledges. c.mu is held.
func (c *Client) take(head capture.Head) error {
	if head.Next >= uint64(len(c.heads)) || c.heads[head.Next] != head {
		return fmt.Errorf("head %d is not ours: %w", head.Next, ErrContradiction)
	}
	now := time.Now()
	for ; c.acked < head.Next; c.acked++ {
		c.latency = append(c.latency, now.Sub(c.due[c.acked]))
		if c.Forget {
			c.messages[c.acked] = nil
		}
	}
	c.poke()
	return nil
}

func (c *Client) read(socket *websocket.Conn) error {
	for {
		msg, err := c.receive(socket)
		if err != nil {
			return err
		}
		switch ink.KindOf(msg) {
		case ink.KindAck:
			head, err := ink.ParseAck(msg)
			if err != nil {
				return errors.Join(ErrContradiction, err)
			}
			c.mu.Lock()
			err = c.take(head)
			c.mu.Unlock()
			if err != nil {
				return err
			}
		case ink.KindReceipt:
			r, err := ink.ParseReceipt(msg)
			if err != nil {
				return errors.Join(ErrContradiction, err)
			}
			c.mu.Lock()
			defer c.mu.Unlock()
			c.receipt = &r
			return c.take(r.Head)
		case ink.KindPong:
			if err := c.pong(msg); err != nil {
				return err
			}
		default:
			return fmt.Errorf("message type 0x%02x: %w", ink.KindOf(msg), ErrContradiction)
		}
	}
}

func (c *Client) pong(msg []byte) error {
	pong, err := ink.ParsePong(msg)
	if err != nil {
		return errors.Join(ErrContradiction, err)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.exchange = ink.Ping{LastSend: pong.ClientSend, LastReceive: c.now()}
	return nil
}

// now is the page's clock in µs.
func (c *Client) now() int64 { return time.Since(c.started).Microseconds() }

// ping returns the next PING.
func (c *Client) ping() []byte {
	c.mu.Lock()
	defer c.mu.Unlock()
	ping := c.exchange
	c.exchange, ping.ClientSend = ink.Ping{}, c.now()
	return ping.Append(nil)
}

// write sends what there is to send until gone is closed or a write fails.
func (c *Client) write(socket *websocket.Conn, next uint64, gone <-chan struct{}) {
	var beat <-chan time.Time
	if c.Ping > 0 {
		t := time.NewTicker(c.Ping)
		defer t.Stop()
		beat = t.C
	}
	asked := false
	for {
		for _, msg := range c.from(&next, &asked) {
			socket.SetWriteDeadline(time.Now().Add(c.Patience))
			if err := socket.WriteMessage(websocket.BinaryMessage, msg); err != nil {
				return
			}
		}
		select {
		case <-c.wake:
		case <-gone:
			return
		case <-beat:
			if err := socket.WriteMessage(websocket.BinaryMessage, c.ping()); err != nil {
				return
			}
		}
	}
}

// from returns what is to be sent now: the batches from next on, and FINISH
// once all are acknowledged.
func (c *Client) from(next *uint64, asked *bool) [][]byte {
	c.mu.Lock()
	defer c.mu.Unlock()
	out := slices.Clone(c.messages[*next:])
	*next = uint64(len(c.messages))
	if c.finish && !*asked && c.acked == *next {
		*asked = true
		out = append(out, ink.AppendFinish(nil, c.heads[*next]))
	}
	return out
}

// Book is what a client knows.
type Book struct {
	Messages  [][]byte // all batches, in order; nil where Forget forgot them
	Head      capture.Head
	Acked     uint64 // of them
	Latency   []time.Duration
	Connected int // times a WELCOME came
	Nonce     [32]byte
	Receipt   *ink.Receipt
}

// Connected returns how often a WELCOME came.
func (c *Client) Connected() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.connected
}

// Book returns what the client knows at this moment.
func (c *Client) Book() Book {
	c.mu.Lock()
	defer c.mu.Unlock()
	var head capture.Head
	if len(c.heads) > 0 {
		head = c.heads[len(c.heads)-1]
	}
	return Book{
		Head: head, Messages: slices.Clone(c.messages), Acked: c.acked, Latency: slices.Clone(c.latency),
		Connected: c.connected, Nonce: c.nonce, Receipt: c.receipt,
	}
}
