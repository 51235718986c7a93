// Package ws takes streams of a capture in over WebSocket and acknowledges what
// is on disk and nothing else. New serves pen samples in the protocol
// inkwitness.pen.v1 that capture/README.md lays down: it answers clock questions
// too, and signs the receipt of a finished stream. NewMedia serves the chunks of
// a page's MediaRecorder, inkwitness.media.v1 of package webm, where WebRTC finds
// no way through.
//
// It holds nothing: what comes goes straight into a Session, which keeps the
// order and the hash chain. Who may connect is decided by Config.Admit before
// the connection is upgraded.
package ws

import (
	"context"
	"crypto"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gorilla/websocket"

	"inkwitness/capture"
	"inkwitness/capture/webm"
)

// Session is where the samples of one capture go. *record.Session is one. Its
// methods may be called from several goroutines.
type Session interface {
	// AppendPen takes a whole BATCH message. Its Pending must not return
	// before the message survives a power cut. It may block while the disk is
	// behind. Errors: capture.ErrMalformed, ErrGap, ErrConflict, ErrFinished,
	// ErrLimit, ErrNotFound (no longer kept). msg is not used after it returns.
	AppendPen(ctx context.Context, msg []byte, arrived int64) (capture.Pending, error)
	// Note keeps a control record, see capture.Control.
	Note(ctx context.Context, payload []byte) (capture.Pending, error)
	// Durable returns the head of a stream once all of it is on disk.
	Durable(ctx context.Context, stream capture.Stream) (capture.Head, error)
	// FinishStream ends a stream; doing so again returns the same head.
	FinishStream(ctx context.Context, stream capture.Stream) (capture.Head, error)
	// Now is the session clock in µs. It never steps back.
	Now() int64
}

// Admission is what a request is let in to.
type Admission struct {
	ID      capture.SessionID
	Nonce   [32]byte
	Session Session   // for New
	Media   webm.Sink // for NewMedia
}

// Config says who may connect and how much they may send. Admit, Clock and, for
// New, Key are required; the zero value of every other field is a safe default.
type Config struct {
	// Admit decides on a request before it is upgraded. capture.ErrNotFound
	// answers 404, ErrLimit 429, ErrDiskFull and ErrClosed 503, any other
	// error 401; the text of the error stays here.
	Admit  func(*http.Request) (Admission, error)
	Key    crypto.Signer // Ed25519, signs receipts
	Clock  capture.Clock
	Logger *slog.Logger // nil discards

	// Origins are the pages that may connect, as in "https://sign.example".
	// Without any, the page must come from the host that it connects to.
	Origins []string
	// Address names the client that a quota is for; nil is the peer's IP
	// address, which is the proxy's behind a proxy.
	Address func(*http.Request) string

	// Bans keeps away who does harm again and again; nil is one for this
	// handler alone. Its Listener does so before the TLS handshake.
	Bans *Bans

	MaxConns      int           // at once; 4,000
	MaxPerAddress int           // at once; 2,500, because an office or a proxy is one address
	Rate          float64       // batches or chunks a second that are read in the long run; 60
	Burst         int           // of them that may come at once, after a cut for example; 600
	MaxMedia      int64         // bytes of chunks of one connection; 512 MiB
	Idle          time.Duration // a connection that is silent for longer is closed; 10 s
	WriteTimeout  time.Duration // a client that does not read for longer is cut off; 5 s
}

func (c *Config) defaults() error {
	if c.Admit == nil || c.Clock == nil {
		return errors.New("ws: Admit and Clock are required")
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	if c.Address == nil {
		c.Address = peer
	}
	if c.Bans == nil {
		c.Bans = NewBans(c.Clock)
	}
	c.MaxConns = orDefault(c.MaxConns, 4000)
	c.MaxPerAddress = orDefault(c.MaxPerAddress, 2500)
	c.Rate = orDefault(c.Rate, 60)
	c.Burst = orDefault(c.Burst, 600)
	c.MaxMedia = orDefault(c.MaxMedia, 512<<20)
	c.Idle = orDefault(c.Idle, 10*time.Second)
	c.WriteTimeout = orDefault(c.WriteTimeout, 5*time.Second)
	return nil
}

func orDefault[T comparable](v, otherwise T) T {
	var zero T
	if v == zero {
		return otherwise
	}
	return v
}

func peer(r *http.Request) string {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return r.RemoteAddr
	}
	return host
}

// Handler serves a protocol at whatever path it is mounted.
type Handler struct {
	cfg      Config
	protocol protocol
	upgrader websocket.Upgrader
	counters counters
	serving  sync.WaitGroup // one for each request past the quotas

	mu       sync.Mutex
	closed   bool
	open     int                           // requests past the quotas
	perPeer  map[string]int                // of them, by Config.Address
	sessions map[capture.SessionID][]*conn // in the order of their coming
}

// counters are Stats as they are counted.
type counters struct {
	accepted, refused, messages, bytes, acks, cut atomic.Uint64
}

// Stats are figures since New, for metrics.
type Stats struct {
	Open     int    // connections at this moment
	Accepted uint64 // connections upgraded
	Refused  uint64 // requests that were not
	Messages uint64 // taken in
	Bytes    uint64 // of them
	Acks     uint64 // sent
	Cut      uint64 // connections that the server closed for the client's doing
}

// New returns a handler of pen samples.
func New(cfg Config) (*Handler, error) {
	if cfg.Key == nil {
		return nil, errors.New("ws: Key is required")
	}
	return newHandler(cfg, penProtocol)
}

// NewMedia returns a handler of a MediaRecorder's chunks.
func NewMedia(cfg Config) (*Handler, error) { return newHandler(cfg, mediaProtocol) }

func newHandler(cfg Config, p protocol) (*Handler, error) {
	if err := cfg.defaults(); err != nil {
		return nil, err
	}
	h := &Handler{cfg: cfg, protocol: p, perPeer: map[string]int{}, sessions: map[capture.SessionID][]*conn{}}
	h.upgrader = websocket.Upgrader{
		HandshakeTimeout: cfg.WriteTimeout,
		ReadBufferSize:   1024,
		WriteBufferSize:  256,
		WriteBufferPool:  &sync.Pool{},
		Subprotocols:     []string{p.name},
		CheckOrigin:      h.sameOrigin,
		Error:            func(w http.ResponseWriter, _ *http.Request, status int, _ error) { refuse(w, status) },
	}
	return h, nil
}

// sameOrigin checks the page that a browser connects from (RFC 6455, section
// 10.2). Programs that are no browser send no Origin and bring no cookies along.
func (h *Handler) sameOrigin(r *http.Request) bool {
	origin := r.Header.Get("Origin")
	if origin == "" {
		return true
	}
	for _, allowed := range h.cfg.Origins {
		if strings.EqualFold(origin, allowed) {
			return true
		}
	}
	u, err := url.Parse(origin)
	return err == nil && len(h.cfg.Origins) == 0 && strings.EqualFold(u.Host, r.Host)
}

func refuse(w http.ResponseWriter, status int) { http.Error(w, http.StatusText(status), status) }

// ServeHTTP checks quotas, origin and admission in this order, then serves the
// connection until it ends.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	address := h.cfg.Address(r)
	if h.cfg.Bans.Banned(address) { // a trusted proxy's client; others do not come so far
		h.counters.refused.Add(1)
		w.Header().Set("Retry-After", strconv.Itoa(int(longestBan.Seconds())))
		refuse(w, http.StatusTooManyRequests)
		return
	}
	if status := h.enter(address); status != 0 {
		h.counters.refused.Add(1)
		refuse(w, status)
		return
	}
	defer h.leave(address)
	if status := h.check(r); status != 0 {
		h.counters.refused.Add(1)
		refuse(w, status)
		return
	}
	admission, err := h.cfg.Admit(r)
	if err != nil {
		h.counters.refused.Add(1)
		status := statusOf(err)
		if status == http.StatusUnauthorized || status == http.StatusNotFound {
			h.cfg.Bans.offence(address)
		}
		refuse(w, status)
		return
	}
	socket, err := h.upgrader.Upgrade(w, r, nil)
	if err != nil {
		h.counters.refused.Add(1)
		return // Upgrade has answered
	}
	h.counters.accepted.Add(1)
	c := newConn(h, admission, socket, address)
	if h.register(c) {
		c.serve()
	} else {
		c.hangUp(closeGoingAway)
		c.close()
	}
	h.unregister(c)
}

// check refuses what Upgrade would refuse, before Admit spends anything on it.
func (h *Handler) check(r *http.Request) int {
	switch {
	case !websocket.IsWebSocketUpgrade(r):
		return http.StatusUpgradeRequired
	case !h.sameOrigin(r):
		return http.StatusForbidden
	}
	for _, p := range websocket.Subprotocols(r) {
		if p == h.protocol.name {
			return 0
		}
	}
	return http.StatusBadRequest
}

func statusOf(err error) int {
	switch {
	case errors.Is(err, capture.ErrNotFound):
		return http.StatusNotFound
	case errors.Is(err, capture.ErrLimit):
		return http.StatusTooManyRequests
	case errors.Is(err, capture.ErrDiskFull), errors.Is(err, capture.ErrClosed):
		return http.StatusServiceUnavailable
	}
	return http.StatusUnauthorized
}

// enter counts a request in. It returns the status of a refusal, or 0.
func (h *Handler) enter(address string) int {
	h.mu.Lock()
	defer h.mu.Unlock()
	switch {
	case h.closed:
		return http.StatusServiceUnavailable
	case h.open >= h.cfg.MaxConns:
		return http.StatusServiceUnavailable
	case h.perPeer[address] >= h.cfg.MaxPerAddress:
		return http.StatusTooManyRequests
	}
	h.open++
	h.perPeer[address]++
	h.serving.Add(1)
	return 0
}

func (h *Handler) leave(address string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.open--
	if h.perPeer[address]--; h.perPeer[address] == 0 {
		delete(h.perPeer, address)
	}
	h.serving.Done()
}

// perSession is how many connections a session may have for a moment: the one
// that is alive, one that took its place, and some that are dead and not known to
// be.
const perSession = 4

// register adds a connection of a session. It is false when the handler is
// closing.
func (h *Handler) register(c *conn) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed {
		return false
	}
	conns := append(h.sessions[c.id], c)
	h.sessions[c.id] = conns
	if len(conns) > perSession {
		conns[0].end(closeReplaced)
	}
	return true
}

// takeOver ends the connections that came before c, once c has shown that there
// is someone: its client came again. A connection that a client gave up may reach
// the server after the one that the client has made instead.
func (h *Handler) takeOver(c *conn) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, old := range h.sessions[c.id] {
		if old == c {
			return
		}
		old.end(closeReplaced)
	}
}

func (h *Handler) unregister(c *conn) {
	h.mu.Lock()
	defer h.mu.Unlock()
	conns := slices.DeleteFunc(h.sessions[c.id], func(o *conn) bool { return o == c })
	if h.sessions[c.id] = conns; len(conns) == 0 {
		delete(h.sessions, c.id)
	}
}

// CloseSession closes the connections of a session whose signer may not go on:
// signed out, revoked. What was acknowledged stays. It does not wait.
func (h *Handler) CloseSession(id capture.SessionID) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, c := range h.sessions[id] {
		c.end(closeNotAllowed)
	}
}

// End closes the connections of a session that goes on elsewhere or is over, and
// waits until what they had taken in is with the session. It does not wait for
// peers that do not hang up.
func (h *Handler) End(ctx context.Context, id capture.SessionID) error {
	h.mu.Lock()
	conns := slices.Clone(h.sessions[id])
	for _, c := range conns {
		c.end(closeReplaced)
	}
	h.mu.Unlock()
	for _, c := range conns {
		select {
		case <-c.drained:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

// Shutdown refuses new connections, acknowledges what has come in on the open
// ones, closes them with 1001 and waits for them until ctx ends.
func (h *Handler) Shutdown(ctx context.Context) error {
	h.mu.Lock()
	h.closed = true
	for _, conns := range h.sessions {
		for _, c := range conns {
			c.end(closeGoingAway)
		}
	}
	h.mu.Unlock()
	done := make(chan struct{})
	go func() {
		h.serving.Wait()
		close(done)
	}()
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Stats returns the figures of this moment.
func (h *Handler) Stats() Stats {
	h.mu.Lock()
	open := h.open
	h.mu.Unlock()
	c := &h.counters
	return Stats{
		Open: open, Accepted: c.accepted.Load(), Refused: c.refused.Load(), Messages: c.messages.Load(),
		Bytes: c.bytes.Load(), Acks: c.acks.Load(), Cut: c.cut.Load(),
	}
}
