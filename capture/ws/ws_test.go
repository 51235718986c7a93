package ws_test

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/ed25519"
	"encoding/binary"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gorilla/websocket"
	"go.uber.org/goleak"

	"inkwitness/capture"
	"inkwitness/capture/ink"
	"inkwitness/capture/record"
	"inkwitness/capture/ws"
	"inkwitness/capture/ws/wstest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

type wall struct{}

func (wall) Now() time.Time { return time.Now() }

// rig is a handler over a real journal behind a real server.
type rig struct {
	t       testing.TB
	journal *record.Journal
	handler *ws.Handler
	server  *httptest.Server
	key     ed25519.PrivateKey
}

func testID(n int) capture.SessionID {
	var raw [16]byte
	binary.BigEndian.PutUint64(raw[:], uint64(n))
	return capture.NewSessionID(raw)
}

func newRig(t testing.TB, change func(*ws.Config)) *rig {
	t.Helper()
	return rigOf(t, ws.New, change)
}

// rigOf is a rig of one of the two protocols.
func rigOf(t testing.TB, handler func(ws.Config) (*ws.Handler, error), change func(*ws.Config)) *rig {
	t.Helper()
	block, err := aes.NewCipher(make([]byte, 32))
	if err != nil {
		t.Fatal(err)
	}
	aead, err := cipher.NewGCM(block)
	if err != nil {
		t.Fatal(err)
	}
	log := slog.New(slog.NewTextHandler(t.Output(), nil))
	r := &rig{t: t, key: ed25519.NewKeyFromSeed(make([]byte, 32))}
	r.journal, err = record.Open(record.Config{
		Dir: t.TempDir(), AEAD: aead, Clock: wall{}, Logger: log, SyncEvery: 5 * time.Millisecond, ReserveBytes: 1 << 16,
		Free: func() (float64, error) { return 1, nil },
	})
	if err != nil {
		t.Fatal(err)
	}
	cfg := ws.Config{Admit: r.admit, Key: r.key, Clock: wall{}, Logger: log}
	if change != nil {
		change(&cfg)
	}
	if r.handler, err = handler(cfg); err != nil {
		t.Fatal(err)
	}
	r.server = httptest.NewUnstartedServer(r.handler)
	r.server.Config.ErrorLog = slog.NewLogLogger(log.Handler(), slog.LevelDebug)
	r.server.StartTLS()
	ctx, cancel := context.WithCancel(context.Background())
	ran := make(chan error, 1)
	go func() { ran <- r.journal.Run(ctx) }()
	t.Cleanup(func() {
		late, stop := context.WithTimeout(context.Background(), 5*time.Second)
		defer stop()
		if err := r.handler.Shutdown(late); err != nil {
			t.Errorf("Shutdown: %v", err)
		}
		r.server.Close()
		cancel()
		if err := <-ran; err != nil {
			t.Errorf("Run: %v", err)
		}
	})
	return r
}

// admit lets in whoever names a session in a header.
func (r *rig) admit(q *http.Request) (ws.Admission, error) {
	s, err := r.journal.Session(capture.SessionID(q.Header.Get("Session")))
	if err != nil {
		return ws.Admission{}, err
	}
	return ws.Admission{ID: s.ID(), Nonce: s.Nonce(), Session: s, Media: s}, nil
}

func (r *rig) session(n int) *record.Session {
	r.t.Helper()
	s, err := r.journal.NewSession(r.t.Context(), testID(n), [32]byte{byte(n), 1}, nil)
	if err != nil {
		r.t.Fatal(err)
	}
	return s
}

func (r *rig) url() string { return "wss" + strings.TrimPrefix(r.server.URL, "https") }

func (r *rig) dialer() *websocket.Dialer {
	return &websocket.Dialer{
		TLSClientConfig: r.server.Client().Transport.(*http.Transport).TLSClientConfig,
		Subprotocols:    []string{ink.Protocol},
	}
}

func header(n int) http.Header { return http.Header{"Session": {string(testID(n))}} }

func (r *rig) client(n int) *wstest.Client {
	return &wstest.Client{URL: r.url(), Header: header(n), Dialer: r.dialer(), ID: testID(n), Ping: 20 * time.Millisecond}
}

// dial connects and reads the WELCOME.
func (r *rig) dial(n int) (*websocket.Conn, ink.Welcome) {
	r.t.Helper()
	c, _, err := r.dialer().Dial(r.url(), header(n))
	if err != nil {
		r.t.Fatal(err)
	}
	r.t.Cleanup(func() { c.Close() })
	c.SetReadDeadline(time.Now().Add(20 * time.Second))
	_, msg, err := c.ReadMessage()
	if err != nil {
		r.t.Fatal(err)
	}
	w, err := ink.ParseWelcome(msg)
	if err != nil {
		r.t.Fatal(err)
	}
	return c, w
}

func points(n int) []capture.Point {
	return []capture.Point{{Time: int64(1000 * n), X: int32(n), Pressure: 100, Down: true, Start: n == 0}}
}

func batch(t testing.TB, n int) []byte {
	t.Helper()
	msg, err := ink.AppendBatch(nil, ink.Batch{Seq: uint64(n), Points: points(n)})
	if err != nil {
		t.Fatal(err)
	}
	return msg
}

func TestAStreamIsTakenInAcknowledgedAndReceipted(t *testing.T) {
	r := newRig(t, nil)
	s := r.session(1)
	c := r.client(1)
	for n := range 50 {
		if err := c.Add(points(n)); err != nil {
			t.Fatal(err)
		}
	}
	c.Finish()
	if err := c.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	book := c.Book()
	if book.Acked != 50 || book.Receipt == nil || !book.Receipt.Verify(r.key.Public().(ed25519.PublicKey), testID(1), s.Nonce()) {
		t.Fatalf("acked %d, receipt %+v", book.Acked, book.Receipt)
	}
	rec, err := s.Recording(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	got, err := rec.Pen()
	if err != nil || len(got) != 50 || got[49] != points(49)[0] {
		t.Errorf("Pen() = %d points, %v", len(got), err)
	}
	again := r.client(1) // FINISH is answered again on a new connection
	for n := range 50 {
		if err := again.Add(points(n)); err != nil {
			t.Fatal(err)
		}
	}
	again.Finish()
	if err := again.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	if a, b := again.Book().Receipt, book.Receipt; *a != *b {
		t.Errorf("another receipt: %v, %v", a, b)
	}
}

func TestRefusalsBeforeTheUpgrade(t *testing.T) {
	r := newRig(t, func(c *ws.Config) {
		c.Origins = []string{"https://sign.example"}
		admit := c.Admit
		c.Admit = func(q *http.Request) (ws.Admission, error) {
			switch q.Header.Get("Token") {
			case "full":
				return ws.Admission{}, capture.ErrDiskFull
			case "often":
				return ws.Admission{}, capture.ErrLimit
			case "bad":
				return ws.Admission{}, errors.New("secret detail")
			}
			return admit(q)
		}
	})
	r.session(1)
	tests := []struct {
		name   string
		header http.Header
		proto  string
		status int
	}{
		{"a foreign page", http.Header{"Session": {string(testID(1))}, "Origin": {"https://evil.example"}}, ink.Protocol, 403},
		{"our page", http.Header{"Session": {string(testID(1))}, "Origin": {"https://sign.example"}}, ink.Protocol, 101},
		{"another protocol", header(1), "chat", 400},
		{"an unknown session", header(2), ink.Protocol, 404},
		{"a bad token", http.Header{"Token": {"bad"}}, ink.Protocol, 401},
		{"too often", http.Header{"Token": {"often"}}, ink.Protocol, 429},
		{"a full disk", http.Header{"Token": {"full"}}, ink.Protocol, 503},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			d := r.dialer()
			d.Subprotocols = []string{test.proto}
			c, answer, err := d.Dial(r.url(), test.header)
			if err == nil {
				c.Close()
			}
			if answer == nil || answer.StatusCode != test.status {
				t.Fatalf("answer %v, %v, want %d", answer, err, test.status)
			}
			body := make([]byte, 200)
			n, _ := answer.Body.Read(body)
			if strings.Contains(string(body[:n]), "secret") {
				t.Errorf("the answer tells %q", body[:n])
			}
		})
	}
	answer, err := r.server.Client().Get(r.server.URL)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusUpgradeRequired {
		t.Errorf("a plain GET is answered %s", answer.Status)
	}
}

func TestQuotas(t *testing.T) {
	r := newRig(t, func(c *ws.Config) {
		c.MaxConns, c.MaxPerAddress = 3, 2
		c.Address = func(q *http.Request) string { return q.Header.Get("From") }
	})
	status := func(n int, from string) int {
		r.session(n)
		h := header(n)
		h.Set("From", from)
		c, answer, err := r.dialer().Dial(r.url(), h)
		if err == nil {
			t.Cleanup(func() { c.Close() })
		}
		return answer.StatusCode
	}
	got := []int{status(1, "a"), status(2, "a"), status(3, "a"), status(4, "b"), status(5, "b")}
	want := []int{101, 101, 429, 101, 503}
	for i := range want {
		if got[i] != want[i] {
			t.Fatalf("got %v, want %v", got, want)
		}
	}
}

// closeCode reads until the connection ends and returns the close code.
func closeCode(t *testing.T, c *websocket.Conn) int {
	t.Helper()
	for {
		_, _, err := c.ReadMessage()
		var closed *websocket.CloseError
		if errors.As(err, &closed) {
			return closed.Code
		}
		if err != nil {
			t.Fatalf("no close frame: %v", err)
		}
	}
}

func TestWhatAClientMayNotDo(t *testing.T) {
	r := newRig(t, nil)
	other := batch(t, 0)
	other[len(other)-1] ^= 2
	tests := []struct {
		name string
		send func(c *websocket.Conn) error
		code int
	}{
		{"text", func(c *websocket.Conn) error { return c.WriteMessage(websocket.TextMessage, []byte("{}")) }, 4400},
		{"an empty message", binaries([]byte{}), 4400},
		{"an unknown type", binaries([]byte{0x7f}), 4400},
		{"a server's message", binaries(ink.AppendAck(nil, capture.Head{})), 4400},
		{"a malformed batch", binaries([]byte{1, 0, 0}), 4400},
		{"a malformed PING", binaries([]byte{2}), 4400},
		{"a malformed DEVICE", binaries([]byte{4, 9, 0, 0, 0, 0}), 4400},
		{"too large a message", binaries(make([]byte, ink.MaxMessage+1)), 1009},
		{"64 MB", binaries(make([]byte, 64<<20)), 1009},
		{"a gap", binaries(batch(t, 0), batch(t, 2)), 4409},
		{"other bytes for a known number", binaries(batch(t, 0), other), 4409},
		{"FINISH of another stream", binaries(ink.AppendFinish(nil, capture.Head{Next: 1})), 4409},
	}
	for i, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			s := r.session(100 + i)
			c, _ := r.dial(100 + i)
			go test.send(c) // may fail: the server need not read it all
			if got := closeCode(t, c); got != test.code {
				t.Errorf("closed with %d, want %d", got, test.code)
			}
			if next := s.Head(capture.StreamPen).Next; next > 1 || s.Finished(capture.StreamPen) {
				t.Errorf("%d batches are kept, finished: %v", next, s.Finished(capture.StreamPen))
			}
		})
	}
}

func binaries(msgs ...[]byte) func(*websocket.Conn) error {
	return func(c *websocket.Conn) error {
		for _, msg := range msgs {
			if err := c.WriteMessage(websocket.BinaryMessage, msg); err != nil {
				return err
			}
		}
		return nil
	}
}

func TestABatchAfterTheFinishIsRefused(t *testing.T) {
	r := newRig(t, nil)
	s := r.session(1)
	if _, err := s.FinishStream(t.Context(), capture.StreamPen); err != nil {
		t.Fatal(err)
	}
	c, _ := r.dial(1)
	if err := binaries(batch(t, 0))(c); err != nil {
		t.Fatal(err)
	}
	if got := closeCode(t, c); got != 4410 {
		t.Errorf("closed with %d", got)
	}
}

func TestClockExchangesAndDeviceFactsAreKept(t *testing.T) {
	r := newRig(t, nil)
	s := r.session(1)
	c, _ := r.dial(1)
	facts := capture.PenFacts{Pointer: capture.Pen, HasPressure: true, PixelRatio: 2000, Events: 3, Samples: 9}
	device, err := ink.AppendDevice(nil, facts)
	if err != nil {
		t.Fatal(err)
	}
	if err := binaries(device, ink.Ping{ClientSend: 5000}.Append(nil))(c); err != nil {
		t.Fatal(err)
	}
	_, msg, err := c.ReadMessage()
	if err != nil {
		t.Fatal(err)
	}
	pong, err := ink.ParsePong(msg)
	if err != nil || pong.ClientSend != 5000 || pong.ServerSend < pong.ServerReceive || pong.ServerReceive <= 0 {
		t.Fatalf("PONG %+v, %v", pong, err)
	}
	ping := ink.Ping{ClientSend: 9000, LastSend: 5000, LastReceive: 6000}.Append(nil)
	madeUp := ink.Ping{ClientSend: 9500, LastSend: 7777, LastReceive: 8000}.Append(nil)
	if err := binaries(ping, madeUp, ping)(c); err != nil { // the second half counts once, and only if true
		t.Fatal(err)
	}
	for range 3 {
		if _, _, err := c.ReadMessage(); err != nil {
			t.Fatal(err)
		}
	}
	rec, err := s.Recording(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var got []capture.Control
	for frame, err := range rec.Frames(capture.StreamControl) {
		var control capture.Control
		if err := errors.Join(err, json.Unmarshal(frame.Payload, &control)); err != nil {
			t.Fatal(err)
		}
		got = append(got, control)
	}
	want := capture.ClockExchange{ClientSend: 5000, ServerReceive: pong.ServerReceive, ServerSend: pong.ServerSend, ClientReceive: 6000}
	if len(got) != 2 || got[0].Pen == nil || *got[0].Pen != facts || got[1].Clock == nil || *got[1].Clock != want {
		t.Errorf("kept %+v, want %+v and %+v", got, facts, want)
	}
}

func TestShutdownAcknowledgesWhatCameIn(t *testing.T) {
	r := newRig(t, nil)
	s := r.session(1)
	c, _ := r.dial(1)
	if err := binaries(batch(t, 0), batch(t, 1), batch(t, 2))(c); err != nil {
		t.Fatal(err)
	}
	for s.Head(capture.StreamPen).Next < 3 {
		time.Sleep(time.Millisecond)
	}
	if err := r.handler.Shutdown(t.Context()); err != nil {
		t.Fatal(err)
	}
	var acked uint64
	for {
		_, msg, err := c.ReadMessage()
		var closed *websocket.CloseError
		if errors.As(err, &closed) {
			if closed.Code != websocket.CloseGoingAway {
				t.Errorf("closed with %d", closed.Code)
			}
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		head, err := ink.ParseAck(msg)
		if err != nil {
			t.Fatal(err)
		}
		acked = head.Next
	}
	if acked != 3 {
		t.Errorf("%d acknowledged, want 3", acked)
	}
	if _, answer, err := r.dialer().Dial(r.url(), header(1)); err == nil || answer.StatusCode != 503 {
		t.Errorf("a connection after the shutdown: %v, %v", answer, err)
	}
}

func TestStartAndStopMayRace(t *testing.T) {
	for range 20 {
		r := newRig(t, nil)
		var clients, stops sync.WaitGroup
		ctx, cancel := context.WithCancel(t.Context())
		for n := range 10 {
			r.session(n)
			c := r.client(n)
			clients.Go(func() {
				c.Add(points(0))
				c.Finish()
				c.Run(ctx)
			})
		}
		for range 5 {
			stops.Go(func() {
				r.handler.CloseSession(testID(3))
				if err := r.handler.Shutdown(t.Context()); err != nil {
					t.Error(err)
				}
			})
		}
		stops.Wait()
		cancel()
		clients.Wait()
		if open := r.handler.Stats().Open; open != 0 {
			t.Fatalf("%d connections are open", open)
		}
	}
}
