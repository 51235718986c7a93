package e2e

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// service is the release binary, running on a data folder of its own.
type service struct {
	t          *testing.T
	binary     string
	data       string
	listen     string
	env        []string
	cmd        *exec.Cmd
	base       string // http://127.0.0.1:port
	invitation string // link of the first owner, when there was none yet
	log        *lockedBuffer
	started    time.Duration       // until it was ready
	roots      *x509.CertPool      // for https; nil without
	user       *syscall.Credential // whom it runs as; nil: as the test
}

// bin is the folder with the built programs; `make build` fills it.
func bin(t *testing.T, name string) string {
	t.Helper()
	path, err := filepath.Abs(filepath.Join("..", "..", "bin", name))
	if err != nil {
		t.Fatal(err)
	}
	if !exists(path) {
		t.Fatalf("%s is missing: run make build", path)
	}
	return path
}

func newService(t *testing.T, env ...string) *service {
	t.Helper()
	s := &service{t: t, binary: bin(t, "inkwitness"), data: filepath.Join(t.TempDir(), "data"), listen: "127.0.0.1:0", env: env, log: new(lockedBuffer)}
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("log of the service:\n%s", s.log.tail(8000))
		}
		s.stop(os.Interrupt)
	})
	return s
}

var (
	addressLine    = regexp.MustCompile(`is at (https?://\S+)`)
	invitationLine = regexp.MustCompile(`^\s*(https?://\S+#\S+)\s*$`)
)

// start runs the binary and waits until it is ready.
func (s *service) start() {
	s.t.Helper()
	began := time.Now()
	s.cmd = exec.Command(s.binary, "serve", "--data", s.data, "--listen", s.listen, "--log-level", "info")
	s.cmd.Env = append(os.Environ(), s.env...)
	s.cmd.Stderr = s.log
	s.cmd.SysProcAttr = &syscall.SysProcAttr{Credential: s.user}
	out, err := s.cmd.StdoutPipe()
	if err != nil {
		s.t.Fatal(err)
	}
	if err := s.cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
	ready := make(chan error, 1)
	go s.read(out, ready)
	select {
	case err = <-ready:
	case <-time.After(30 * time.Second):
		err = errors.New("it printed no address in 30 s")
	}
	if err == nil {
		err = s.waitReady()
	}
	if err != nil {
		s.t.Fatalf("start the service: %v\n%s", err, s.log.tail(4000))
	}
	s.started = time.Since(began)
	if _, port, found := strings.Cut(strings.TrimPrefix(s.base, "https://"), ":"); found {
		s.listen = "127.0.0.1:" + port[strings.LastIndexByte(port, ':')+1:] // the same address after a restart
	}
}

// read takes address and invitation from what the service prints.
func (s *service) read(out io.Reader, ready chan<- error) {
	lines := bufio.NewScanner(out)
	found := false
	for lines.Scan() {
		if m := addressLine.FindStringSubmatch(lines.Text()); m != nil {
			s.base, found = m[1], true
			time.AfterFunc(300*time.Millisecond, func() { ready <- nil }) // an invitation follows at once or not at all
		}
		if m := invitationLine.FindStringSubmatch(lines.Text()); m != nil {
			s.invitation = m[1]
		}
	}
	if !found {
		ready <- errors.New("it ended without printing its address")
	}
}

func (s *service) waitReady() error {
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	for {
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, s.base+"/readyz", nil)
		if err != nil {
			return err
		}
		response, err := s.transport().RoundTrip(request)
		if err == nil {
			response.Body.Close()
			if response.StatusCode == http.StatusOK {
				return nil
			}
		}
		if ctx.Err() != nil {
			return errors.New("it was not ready in 20 s")
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// transport trusts the certificate that the service was started with.
func (s *service) transport() http.RoundTripper {
	if s.roots == nil {
		return http.DefaultTransport
	}
	return &http.Transport{TLSClientConfig: &tls.Config{RootCAs: s.roots}}
}

// stop ends the service and waits for it.
func (s *service) stop(signal os.Signal) {
	if s.cmd == nil || s.cmd.ProcessState != nil {
		return
	}
	_ = s.cmd.Process.Signal(signal)
	err := s.cmd.Wait()
	if signal == os.Interrupt && err != nil {
		s.t.Errorf("the service ended with %v", err)
	}
}

// kill ends the service as a power cut would end the process.
func (s *service) kill() { s.stop(syscall.SIGKILL) }

// lockedBuffer keeps what a child writes.
type lockedBuffer struct {
	mu sync.Mutex
	b  []byte
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.b = append(l.b, p...)
	return len(p), nil
}

func (l *lockedBuffer) tail(n int) string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return string(l.b[max(0, len(l.b)-n):])
}

func (l *lockedBuffer) contains(s string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Contains(string(l.b), s)
}
