package soak

import (
	"bufio"
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"os/signal"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"inkwitness/capture"
	"inkwitness/capture/record"
	"inkwitness/capture/ws"
	"inkwitness/capture/ws/wstest"
)

// serverDir names the journal of the process that is a server, serverAddress
// where it listens.
const (
	serverDir     = "INKWITNESS_SOAK_SERVER"
	serverAddress = "INKWITNESS_SOAK_ADDRESS"
)

// TestMain is the server when the parent says so.
func TestMain(m *testing.M) {
	if dir := os.Getenv(serverDir); dir != "" {
		if err := serve(dir, os.Getenv(serverAddress)); err != nil {
			fmt.Println("failed:", err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

type wall struct{}

func (wall) Now() time.Time { return time.Now() }

func journalKey() cipher.AEAD {
	block, err := aes.NewCipher(make([]byte, 32))
	if err != nil {
		panic(err)
	}
	aead, err := cipher.NewGCM(block)
	if err != nil {
		panic(err)
	}
	return aead
}

func receiptKey() ed25519.PrivateKey { return ed25519.NewKeyFromSeed(make([]byte, 32)) }

// service is journal and handler as the product puts them together, but that it
// lets in whoever names a session, and starts it if need be.
func service(cfg record.Config, change func(*ws.Config)) (*record.Journal, *ws.Handler, error) {
	j, err := record.Open(cfg)
	if err != nil {
		return nil, nil, err
	}
	wc := ws.Config{Key: receiptKey(), Clock: wall{}, Logger: cfg.Logger, MaxConns: 4000, MaxPerAddress: 4000}
	wc.Admit = func(q *http.Request) (ws.Admission, error) {
		id := capture.SessionID(q.Header.Get("Session"))
		if id == "" {
			return ws.Admission{}, errors.New("nobody")
		}
		s, err := j.Session(id)
		if errors.Is(err, capture.ErrNotFound) {
			var nonce [32]byte
			rand.Read(nonce[:])
			s, err = j.NewSession(q.Context(), id, nonce, nil)
		}
		if err != nil {
			return ws.Admission{}, err
		}
		return ws.Admission{ID: id, Nonce: s.Nonce(), Session: s}, nil
	}
	if change != nil {
		change(&wc)
	}
	h, err := ws.New(wc)
	return j, h, err
}

// serve is the server process: TLS, SIGTERM stops it in good order, and each
// line on its standard input is answered by figures.
func serve(dir, address string) error {
	log := slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelError}))
	bans := ws.NewBans(wall{})
	j, h, err := service(record.Config{Dir: dir, AEAD: journalKey(), Clock: wall{}, Logger: log, MinFree: 0.01}, func(c *ws.Config) { c.Bans = bans })
	if err != nil {
		return err
	}
	listener, err := net.Listen("tcp", address)
	if err != nil {
		return err
	}
	server := httptest.NewUnstartedServer(h)
	server.Listener.Close()
	server.Listener = bans.Listener(listener)
	server.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
	server.Config.ReadHeaderTimeout = 5 * time.Second
	if server.TLS, err = certificate(); err != nil {
		return err
	}
	server.StartTLS()
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	journal, drained := context.WithCancel(context.Background())
	defer drained()
	ran := make(chan error, 1)
	go func() { ran <- j.Run(journal) }()
	fmt.Println("ready")
	go answer()
	select {
	case err := <-ran:
		return err
	case <-ctx.Done():
	}
	err = h.Shutdown(context.Background())
	drained()
	return errors.Join(err, <-ran)
}

// certificate makes a certificate for P-256, as web servers have them today;
// that of httptest is for RSA, whose handshakes cost ten times as much.
func certificate() (*tls.Config, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	about := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, about, about, key.Public(), key)
	if err != nil {
		return nil, err
	}
	return &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}}, nil
}

// answer prints resident memory in bytes and processor time in ms for each line
// of input.
func answer() {
	in := bufio.NewScanner(os.Stdin)
	for in.Scan() {
		status, _ := os.ReadFile("/proc/self/status")
		_, rss, _ := strings.Cut(string(status), "VmRSS:")
		kib, _ := strconv.Atoi(strings.Fields(rss)[0])
		fmt.Println(kib<<10, cpu().Milliseconds())
	}
}

// cpu is the processor time of this process.
func cpu() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// child is a server process.
type child struct {
	t   testing.TB
	cmd *exec.Cmd
	in  io.Writer
	out *bufio.Scanner
}

// spawn starts a server and returns when it is ready.
func spawn(t testing.TB, dir, address string) *child {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), serverDir+"="+dir, serverAddress+"="+address)
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	c := &child{t, cmd, in, bufio.NewScanner(out)}
	t.Cleanup(func() { cmd.Process.Kill() })
	if !c.out.Scan() || c.out.Text() != "ready" {
		t.Fatalf("the server says %q", c.out.Text())
	}
	return c
}

// kill is kill -9.
func (c *child) kill() {
	if err := c.cmd.Process.Kill(); err != nil {
		c.t.Fatal(err)
	}
	c.cmd.Wait()
}

// stop ends the server in good order.
func (c *child) stop() {
	c.t.Helper()
	if err := c.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		c.t.Fatal(err)
	}
	if err := c.cmd.Wait(); err != nil {
		c.t.Errorf("the server ended with %v", err)
	}
}

// use returns the server's resident memory in bytes and its processor time.
func (c *child) use() (rss int, spent time.Duration) {
	fmt.Fprintln(c.in)
	c.out.Scan()
	var ms int64
	if _, err := fmt.Sscan(c.out.Text(), &rss, &ms); err != nil {
		c.t.Fatalf("the server says %q", c.out.Text())
	}
	return rss, time.Duration(ms) * time.Millisecond
}

// freeAddress returns an address that nobody listens at.
func freeAddress(t testing.TB) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

func sessionID(n int) capture.SessionID {
	var raw [16]byte
	binary.BigEndian.PutUint64(raw[:], uint64(n)+1)
	return capture.NewSessionID(raw)
}

func newClient(n int, url string) *wstest.Client {
	return &wstest.Client{
		URL: url, ID: sessionID(n), Header: http.Header{"Session": {string(sessionID(n))}},
		Dialer: &websocket.Dialer{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, WriteBufferSize: 512, ReadBufferSize: 512}, // the test's own server
		Ping:   2 * time.Second,
	}
}

// samples are what a pen of 240 Hz gives in 100 ms, for the n-th time.
func samples(n int) []capture.Point {
	points := make([]capture.Point, 24)
	for i := range points {
		k := int64(24*n + i)
		points[i] = capture.Point{
			Time: k * 4167, X: int32(20000 + k*13%9000), Y: int32(30000 + k*7%5000), Pressure: uint16(20000 + k*31%30000),
			TiltX: int16(k % 90 * 10), TiltY: -3000, Down: true, Start: n == 0 && i == 0,
		}
	}
	return points
}

// envInt is the size of a test.
func envInt(name string, otherwise int) int {
	if n, err := strconv.Atoi(os.Getenv(name)); err == nil {
		return n
	}
	return otherwise
}

// compare checks that the journal has of session n exactly what its client sent.
func compare(t testing.TB, j *record.Journal, n int, book wstest.Book) {
	t.Helper()
	s, err := j.Session(sessionID(n))
	if err != nil {
		t.Fatalf("session %d: %v", n, err)
	}
	r, err := s.Recording(context.Background())
	if err != nil {
		t.Fatalf("session %d: %v", n, err)
	}
	if head := r.Heads()[capture.StreamPen]; head != book.Head {
		t.Errorf("session %d: the journal is at %d, the client at %d, or the chains differ", n, head.Next, book.Head.Next)
	}
	i := 0
	for frame, err := range r.Frames(capture.StreamPen) {
		if err != nil {
			t.Fatalf("session %d: %v", n, err)
		}
		if sent := book.Messages[i]; sent != nil && string(frame.Payload) != string(sent) {
			t.Fatalf("session %d: batch %d is not what was sent", n, i)
		}
		i++
	}
	if i != len(book.Messages) {
		t.Errorf("session %d: %d batches of %d", n, i, len(book.Messages))
	}
}

// reopen opens the journal of a server that is gone.
func reopen(t testing.TB, dir string) *record.Journal {
	t.Helper()
	j, err := record.Open(record.Config{Dir: dir, AEAD: journalKey(), Clock: wall{}, Logger: slog.New(slog.NewTextHandler(t.Output(), nil))})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		if err := j.Run(ctx); err != nil {
			t.Error(err)
		}
	})
	return j
}
