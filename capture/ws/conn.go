package ws

import (
	"context"
	"io"
	"sync"
	"time"

	"github.com/gorilla/websocket"

	"inkwitness/capture"
)

// Times of a connection that is closing.
const (
	drainTime = 500 * time.Millisecond // for the last acknowledgement
	byeTime   = 300 * time.Millisecond // for one write, and for what the peer still sends
)

// lingerBytes bounds what is read of a peer that does not stop.
const lingerBytes = 256 << 10

// sliver is a piece of a message, in bytes, that costs more to read than it
// brings. A short message is one, and so may be the ends of a longer one; more
// than maxSlivers of one message are an attack: browsers send a message in one
// frame, and TLS passes none on in less than a record.
const (
	sliver     = 16
	maxSlivers = 8
)

// chatRate and chatBurst bound what is not a batch: control frames, PINGs,
// slivers and the like, in messages a second and at once.
const (
	chatRate  = 10
	chatBurst = 60
)

// protocol is what is spoken on the connections of a handler.
type protocol struct {
	name       string // the subprotocol
	maxMessage int64  // bytes
	talk       func(*conn, Admission) talk
}

// talk is one connection's side of a protocol. All but ack is called by the
// goroutine of serve.
type talk interface {
	// welcome is the first message to the client.
	welcome(ctx context.Context) ([]byte, error)
	// take takes one message in.
	take(ctx context.Context, msg []byte) error
	// ack is the message that everything before the head is on disk.
	ack(capture.Head) []byte
	// bulk tells a message of samples, held to Config.Rate, from the others.
	bulk(msg []byte) bool
}

// conn is one connection. serve reads; a second goroutine waits for the disk
// and acknowledges.
type conn struct {
	h       *Handler
	id      capture.SessionID
	address string // whose harm this connection does
	talk    talk
	socket  *websocket.Conn
	log     interface{ Error(string, ...any) }

	// Owned by the goroutine of serve.
	alive bool // the client was heard
	drew  bool // samples came
	buf   []byte
	gate  bucket // for bulk
	chat  bucket // for everything else

	drained chan struct{}        // closed when nothing more is taken in
	newest  chan capture.Pending // out, 1 deep: the newest record, which stands for all before it
	reading context.Context      // ends with the connection, so that nothing holds the reader
	cancel  context.CancelFunc
	silence *time.Timer // ends the connection; put off by whatever is heard

	writing sync.Mutex // one writer at a time

	mu    sync.Mutex
	cause error // why the server ends the connection; nil while it goes on
}

func newConn(h *Handler, a Admission, socket *websocket.Conn, address string) *conn {
	c := &conn{
		h: h, id: a.ID, address: address, socket: socket, log: h.cfg.Logger,
		gate:    newBucket(h.cfg.Rate, h.cfg.Burst, h.cfg.Clock.Now()),
		chat:    newBucket(chatRate, chatBurst, h.cfg.Clock.Now()),
		drained: make(chan struct{}),
		newest:  make(chan capture.Pending, 1),
	}
	c.talk = h.protocol.talk(c, a)
	c.reading, c.cancel = context.WithCancel(context.Background())
	c.silence = time.AfterFunc(h.cfg.Idle, func() { c.end(closeSilent) })
	return c
}

// serve runs the connection until it ends.
func (c *conn) serve() {
	draining, cancel := context.WithCancel(context.Background())
	defer cancel()
	c.limit()
	acked := make(chan struct{})
	go func() {
		defer close(acked)
		c.acknowledge(draining)
	}()
	err := c.read(c.reading)
	c.end(err)
	if c.drew {
		c.h.cfg.Bans.draws(c.address, -1)
	}
	if harmful(c.cause) {
		c.h.cfg.Bans.offence(c.address)
	}
	close(c.drained)
	close(c.newest)
	defer time.AfterFunc(drainTime, cancel).Stop()
	<-acked
	r, ok := reasonFor(c.cause)
	if r == closeUnable {
		c.log.Error("a session cannot be kept", "protocol", c.h.protocol.name, "err", err)
	}
	if ok {
		c.hangUp(r)
	}
	c.linger()
	c.close()
}

// linger takes in what the peer still sends, for a short while: a socket that is
// closed with bytes unread answers them with a reset, which overtakes the close
// frame.
func (c *conn) linger() {
	defer time.AfterFunc(byeTime, func() { c.socket.Close() }).Stop()
	c.socket.SetReadDeadline(time.Time{})
	io.Copy(io.Discard, io.LimitReader(c.socket.NetConn(), lingerBytes))
}

// close frees what the connection has. It may be called twice.
func (c *conn) close() {
	c.silence.Stop()
	c.cancel()
	c.socket.Close()
}

// limit sets what the peer may do to us: large messages and floods of control
// frames.
func (c *conn) limit() {
	c.socket.SetReadLimit(c.h.protocol.maxMessage)
	c.socket.SetPongHandler(func(string) error { return c.control(nil) })
	answer := c.socket.PingHandler()
	c.socket.SetPingHandler(func(data string) error {
		return c.control(func() error { return answer(data) })
	})
}

// control takes in a control frame or what is not a batch. Too many end the
// connection.
func (c *conn) control(answer func() error) error {
	c.heard()
	if c.chat.take(c.h.cfg.Clock.Now()) > 0 {
		return closeFlood
	}
	if answer != nil {
		return answer()
	}
	return nil
}

// heard puts off the end for silence. The first sign of life ends the
// connections before this one.
func (c *conn) heard() {
	c.silence.Reset(c.h.cfg.Idle)
	if !c.alive {
		c.alive = true
		c.h.takeOver(c)
	}
}

// end makes serve stop for err, unless it stops already. What has come in is
// still acknowledged.
func (c *conn) end(err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.cause == nil {
		c.cause = err
		c.cancel()
		c.socket.SetReadDeadline(time.Unix(1, 0)) // wakes the reader
	}
}

func (c *conn) ending() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.cause != nil
}

// hangUp sends a close frame.
func (c *conn) hangUp(r reason) {
	if r != closeGoingAway {
		c.h.counters.cut.Add(1)
	}
	frame := websocket.FormatCloseMessage(r.code, r.text)
	c.guarded(func() error { return c.socket.WriteControl(websocket.CloseMessage, frame, time.Time{}) })
}

// guarded runs one write and cuts a client off that does not read. It needs no
// clock, as a deadline would.
func (c *conn) guarded(write func() error) error {
	patience := c.h.cfg.WriteTimeout
	if c.ending() {
		patience = byeTime
	}
	defer time.AfterFunc(patience, func() { c.socket.Close() }).Stop()
	return write()
}

// read greets the client and takes its messages in until an error.
func (c *conn) read(ctx context.Context) error {
	hello, err := c.talk.welcome(ctx)
	if err != nil {
		return err
	}
	if err := c.write(hello); err != nil {
		return err
	}
	if err := c.beat(); err != nil { // who answers is alive
		return err
	}
	for {
		msg, err := c.next()
		if err != nil {
			return err
		}
		c.h.counters.messages.Add(1)
		c.h.counters.bytes.Add(uint64(len(msg)))
		if err := c.talk.take(ctx, msg); err != nil {
			return err
		}
		if err := c.slow(ctx, msg); err != nil {
			return err
		}
	}
}

// stored has a record acknowledged once it is on disk.
func (c *conn) stored(p capture.Pending) {
	if !c.drew {
		c.drew = true
		c.h.cfg.Bans.draws(c.address, 1)
	}
	select {
	case <-c.newest: // the newer one stands for it
	default:
	}
	c.newest <- p
}

// slow holds a client to its rate. Samples may come fast after a cut, and then
// they wait, and TCP makes the client wait, too. Nothing else has a reason to.
func (c *conn) slow(ctx context.Context, msg []byte) error {
	if !c.talk.bulk(msg) {
		return c.control(nil)
	}
	if wait := c.gate.take(c.h.cfg.Clock.Now()); wait > 0 {
		c.pause(ctx, min(wait, c.h.cfg.Idle/2))
	}
	return nil
}

func (c *conn) pause(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
	c.heard()
}

// next reads one message into the connection's buffer.
func (c *conn) next() ([]byte, error) {
	kind, r, err := c.socket.NextReader()
	if err != nil {
		return nil, err
	}
	if kind != websocket.BinaryMessage {
		return nil, closeText
	}
	c.buf = c.buf[:0]
	slivers := 0
	for {
		if len(c.buf) == cap(c.buf) {
			c.buf = append(c.buf, make([]byte, max(512, len(c.buf)))...)[:len(c.buf)]
		}
		n, err := r.Read(c.buf[len(c.buf):cap(c.buf)])
		c.buf = c.buf[:len(c.buf)+n]
		if err == nil && n < sliver {
			slivers++
		}
		if slivers > maxSlivers && c.chat.take(c.h.cfg.Clock.Now()) > 0 {
			return nil, closeFlood
		}
		if err == io.EOF {
			c.heard()
			return c.buf, nil
		}
		if err != nil {
			return nil, err
		}
	}
}

// acknowledge sends an ACK whenever more is on disk, and asks for a sign of
// life, until newest is closed.
func (c *conn) acknowledge(ctx context.Context) {
	beat := time.NewTicker(c.h.cfg.Idle * 2 / 5)
	defer beat.Stop()
	for {
		select {
		case p, ok := <-c.newest:
			if !ok {
				return
			}
			if err := c.ack(ctx, p); err != nil {
				c.end(err)
				return
			}
		case <-beat.C:
			if err := c.beat(); err != nil {
				c.end(err)
				return
			}
		}
	}
}

func (c *conn) ack(ctx context.Context, p capture.Pending) error {
	head, err := p.Wait(ctx)
	if err != nil {
		return err
	}
	c.h.counters.acks.Add(1)
	return c.write(c.talk.ack(head))
}

func (c *conn) beat() error {
	return c.guarded(func() error { return c.socket.WriteControl(websocket.PingMessage, nil, time.Time{}) })
}

// write sends one message. A client that does not read ends the connection.
func (c *conn) write(msg []byte) error {
	c.writing.Lock()
	defer c.writing.Unlock()
	return c.guarded(func() error { return c.socket.WriteMessage(websocket.BinaryMessage, msg) })
}
