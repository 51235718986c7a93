package e2e

import (
	"encoding/json"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gorilla/websocket"
)

// The tests named after rows (TestA6_...) share one service: each makes its own
// people, documents and, where it matters, organisation.

var shared struct {
	once    sync.Once
	service *service
	owner   *client
	folder  string
}

// sharedService returns the one service of the row tests, and its first owner.
func sharedService(t *testing.T) (*service, *client) {
	t.Helper()
	shared.once.Do(func() {
		folder, err := os.MkdirTemp("", "inkwitness-rows-")
		if err != nil {
			t.Fatal(err)
		}
		s := &service{t: t, binary: bin(t, "inkwitness"), data: filepath.Join(folder, "data"), listen: "127.0.0.1:0", log: new(lockedBuffer)}
		s.start()
		shared.folder, shared.service, shared.owner = folder, s, s.owner()
	})
	if shared.owner == nil {
		t.Fatal("the shared service did not start")
	}
	s, owner := *shared.service, *shared.owner
	s.t, owner.t, owner.s = t, t, &s
	return &s, &owner
}

// stopShared ends the shared service, if it was started.
func stopShared() {
	if s := shared.service; s != nil {
		_ = s.cmd.Process.Signal(os.Interrupt)
		_ = s.cmd.Wait()
		os.RemoveAll(shared.folder)
	}
}

// mailed returns the newest mail to an address that holds the pattern, and what
// of it the pattern found.
func (c *client) mailed(to string, pattern *regexp.Regexp) (text, found string) {
	c.t.Helper()
	var outbox struct {
		Mails []struct{ To, Text string }
	}
	c.must("GET", "/api/outbox", nil, &outbox)
	for _, m := range outbox.Mails {
		if m.To == to && pattern.MatchString(m.Text) {
			return m.Text, pattern.FindString(m.Text)
		}
	}
	c.t.Fatalf("no mail to %s holds %s", to, pattern)
	return "", ""
}

var memberLink = regexp.MustCompile(`#invitation=(\S+)`)

// join invites somebody to the organisation of c and lets them in.
func (c *client) join(email, role string) *client {
	c.t.Helper()
	c.must("POST", "/api/members/invitations", map[string]string{"email": email, "role": role, "language": "en"}, nil)
	_, link := c.mailed(email, memberLink)
	joined := c.s.client()
	joined.must("POST", "/api/invitations/accept", map[string]string{
		"token": strings.TrimPrefix(link, "#invitation="), "name": strings.ToUpper(email[:1]) + email[1:strings.IndexByte(email, '@')],
		"email": email, "password": ownerPassword}, nil)
	return joined
}

// draft uploads a small PDF with one signer planned.
func (c *client) draft(title string, signer person) documentView {
	c.t.Helper()
	pdf, err := os.ReadFile(filepath.Join("..", "..", "testdata", "pdf", "own-form.pdf"))
	if err != nil {
		c.t.Fatal(err)
	}
	d := c.upload(pdf, title)
	c.plan(d, signer)
	return d
}

// sent is draft, sent; it returns the secret of the signer's link.
func (c *client) sent(title string, signer person) (documentView, string) {
	c.t.Helper()
	d := c.draft(title, signer)
	c.must("POST", "/api/documents/"+d.ID+"/send", nil, nil)
	_, link := c.mailed(signer.Email, signingLink)
	_, token, _ := strings.Cut(link, "#t=")
	return d, token
}

// open is a new browser that opens a signer's link.
func (s *service) open(token string, browser int) *client {
	s.t.Helper()
	c := s.client()
	c.must("POST", "/api/signing/open", opening(token, browser), nil)
	return c
}

// agree answers every purpose of a signing with yes.
func (c *client) agree() {
	c.t.Helper()
	var view struct {
		Consents []struct{ Purpose, TextVersion string }
	}
	c.must("GET", "/api/signing", nil, &view)
	for _, p := range view.Consents {
		c.must("POST", "/api/signing/consents", map[string]any{"purpose": p.Purpose, "textVersion": p.TextVersion, "language": "en", "given": true}, nil)
	}
}

// pen opens a capture and its socket, and waits for the greeting.
func (c *client) pen() *websocket.Conn {
	c.t.Helper()
	pen, _ := c.begun(false)
	return c.socket(pen)
}

// media opens a capture with video and the socket of its chunks alone.
func (c *client) media() *websocket.Conn {
	c.t.Helper()
	_, media := c.begun(true)
	return c.socket(media)
}

// begun opens a capture of a signature.
func (c *client) begun(video bool) (pen, media string) {
	c.t.Helper()
	var capture struct{ PenURL, MediaURL string }
	c.must("POST", "/api/signing/captures", map[string]any{"kind": "signature", "media": map[string]bool{"video": video, "audio": false}}, &capture)
	return capture.PenURL, capture.MediaURL
}

func (c *client) socket(path string) *websocket.Conn {
	c.t.Helper()
	socket, answer, err := c.dial(path)
	if err != nil {
		c.t.Fatalf("open %s: %v, %v", path, err, answer)
	}
	if _, _, err := socket.ReadMessage(); err != nil {
		c.t.Fatalf("%s does not greet: %v", path, err)
	}
	return socket
}

func (c *client) dial(path string) (*websocket.Conn, *http.Response, error) {
	address, err := url.Parse(c.s.base)
	if err != nil {
		c.t.Fatal(err)
	}
	dialer := websocket.Dialer{Subprotocols: []string{"inkwitness." + path[strings.LastIndexByte(path, '/')+1:] + ".v1"}, Jar: c.http.Jar}
	return dialer.Dial("ws://"+address.Host+path, http.Header{"Origin": {c.s.base}})
}

// closedWithin checks that the server closes a socket with 4401 in that time.
func closedWithin(t *testing.T, what string, socket *websocket.Conn, limit time.Duration) {
	t.Helper()
	defer socket.Close()
	began := time.Now()
	_ = socket.SetReadDeadline(began.Add(10 * time.Second))
	var err error
	for err == nil {
		_, _, err = socket.ReadMessage()
	}
	if !websocket.IsCloseError(err, 4401) {
		t.Errorf("%s: the socket ends with %v, want close code 4401", what, err)
	}
	if took := time.Since(began); took > limit {
		t.Errorf("%s: the socket closed after %v, want at most %v", what, took, limit)
	}
}

// problemOf is the last part of a problem's type.
func problemOf(a answer) string {
	var p problem
	if json.Unmarshal(a.Body, &p) != nil {
		return ""
	}
	return strings.TrimPrefix(p.Type, "/problems/")
}

// json reads an answer's body.
func (a answer) json(t *testing.T, into any) {
	t.Helper()
	if err := json.Unmarshal(a.Body, into); err != nil {
		t.Fatalf("%v in %s", err, a)
	}
}

var documentLink = regexp.MustCompile(`#/documents/[0-9a-f]{32}`)

// smallPDF is a PDF that is taken.
func smallPDF() []byte {
	pdf, err := os.ReadFile(filepath.Join("..", "..", "testdata", "pdf", "own-form.pdf"))
	if err != nil {
		panic(err)
	}
	return pdf
}

func mustURL(t *testing.T, address string) *url.URL {
	t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	return u
}
