package e2e

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"
	"time"
)

// client speaks HTTP as one person does: with cookies of their own.
type client struct {
	t    *testing.T
	s    *service
	http http.Client
}

func (s *service) client() *client {
	s.t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		s.t.Fatal(err)
	}
	return &client{t: s.t, s: s, http: http.Client{Jar: jar, Timeout: 30 * time.Second, Transport: s.transport()}}
}

// answer is what came back.
type answer struct {
	Status int
	Header http.Header
	Body   []byte
}

func (a answer) String() string { return fmt.Sprintf("%d %.500s", a.Status, a.Body) }

// do sends a request; body is nil, []byte, or something that becomes JSON.
func (c *client) do(method, path string, body any, header ...string) answer {
	c.t.Helper()
	var r io.Reader
	kind := ""
	switch b := body.(type) {
	case nil:
	case []byte:
		r, kind = bytes.NewReader(b), "application/pdf"
	case string: // JSON as it stands, broken or not
		r, kind = strings.NewReader(b), "application/json"
	default:
		encoded, err := json.Marshal(b)
		if err != nil {
			c.t.Fatal(err)
		}
		r, kind = bytes.NewReader(encoded), "application/json"
	}
	request, err := http.NewRequestWithContext(c.t.Context(), method, c.s.base+path, r)
	if err != nil {
		c.t.Fatal(err)
	}
	if kind != "" {
		request.Header.Set("Content-Type", kind)
	}
	for i := 0; i+1 < len(header); i += 2 {
		request.Header.Set(header[i], header[i+1])
	}
	response, err := c.http.Do(request)
	if err != nil {
		c.t.Fatalf("%s %s: %v", method, path, err)
	}
	defer response.Body.Close()
	content, err := io.ReadAll(response.Body)
	if err != nil {
		c.t.Fatalf("%s %s: %v", method, path, err)
	}
	return answer{response.StatusCode, response.Header, content}
}

// must is do for a request that succeeds; into, where given, takes the JSON.
func (c *client) must(method, path string, body, into any) answer {
	c.t.Helper()
	a := c.do(method, path, body)
	if a.Status >= 300 {
		c.t.Fatalf("%s %s: %s", method, path, a)
	}
	if into != nil {
		if err := json.Unmarshal(a.Body, into); err != nil {
			c.t.Fatalf("%s %s: %v in %s", method, path, err, a)
		}
	}
	return a
}

const ownerPassword = "correct horse battery staple"

// owner makes the first owner's account.
func (s *service) owner() *client {
	s.t.Helper()
	c := s.client()
	_, token, found := strings.Cut(s.invitation, "#invitation=")
	if !found {
		s.t.Fatalf("the service printed no invitation: %q", s.invitation)
	}
	c.must("POST", "/api/invitations/accept", map[string]string{"token": token, "name": "Olivia Owner", "email": "olivia@example.org", "password": ownerPassword}, nil)
	return c
}

// signIn enters as the owner with the password.
func (s *service) signIn() *client {
	s.t.Helper()
	c := s.client()
	c.must("POST", "/api/session", map[string]string{"email": "olivia@example.org", "password": ownerPassword}, nil)
	return c
}

// documentView is what the tests look at of a document.
type documentView struct {
	ID      string `json:"id"`
	State   string `json:"state"`
	Trouble string `json:"trouble"`
	Pages   []struct {
		Width, Height float64
	} `json:"pages"`
	Signers []struct {
		Email string `json:"email"`
		ID    string `json:"id"`
		State string `json:"state"`
	} `json:"signers"`
	Deposit *struct {
		ID   string `json:"id"`
		Size int64  `json:"size"`
	} `json:"deposit"`
}

// upload sends a PDF as a new draft.
func (c *client) upload(pdf []byte, title string) documentView {
	c.t.Helper()
	var d documentView
	c.must("POST", "/api/documents?filename=contract.pdf&title="+url.QueryEscape(title), pdf, &d)
	return d
}

// plan names one signer with a field on the first page.
func (c *client) plan(d documentView, signer person) {
	c.t.Helper()
	c.must("PUT", "/api/documents/"+d.ID+"/plan", map[string]any{
		"signers": []any{map[string]string{"name": signer.Name, "email": signer.Email}},
		"fields":  []any{map[string]any{"signer": 0, "page": 1, "x": 60, "y": 60, "width": 220, "height": 80}},
	}, nil)
}

var signingLink = regexp.MustCompile(`https?://\S+/sign#t=\S+`)

// link reads the newest signing link from the outbox, as the operator would.
func (s *service) link() string {
	s.t.Helper()
	cmd := exec.Command(s.binary, "outbox", "--data", s.data)
	cmd.Env = append(os.Environ(), s.env...)
	out, err := cmd.CombinedOutput()
	if err != nil {
		s.t.Fatalf("inkwitness outbox: %v\n%s", err, out)
	}
	links := signingLink.FindAllString(string(out), -1)
	if len(links) == 0 {
		s.t.Fatalf("no signing link in the outbox:\n%s", out)
	}
	return links[0]
}

// completed waits until a document is sealed.
func (c *client) completed(id string) documentView {
	c.t.Helper()
	for deadline := time.Now().Add(60 * time.Second); ; time.Sleep(200 * time.Millisecond) {
		var d documentView
		c.must("GET", "/api/documents/"+id, nil, &d)
		if d.State == "completed" {
			return d
		}
		if time.Now().After(deadline) {
			c.t.Fatalf("document %s is still %s: %s", id, d.State, d.Trouble)
		}
	}
}

// waitState waits until a signer of a document is in a state.
func (c *client) waitState(id string, signer int, state string) {
	c.t.Helper()
	for deadline := time.Now().Add(60 * time.Second); ; time.Sleep(100 * time.Millisecond) {
		var d documentView
		c.must("GET", "/api/documents/"+id, nil, &d)
		if d.Signers[signer].State == state {
			return
		}
		if time.Now().After(deadline) {
			c.t.Fatalf("signer %d of document %s is still %s: %s", signer, id, d.Signers[signer].State, d.Trouble)
		}
	}
}

// checked runs the operator's check beside the service: every blob has its row
// and every row its blob.
func (s *service) checked() {
	s.t.Helper()
	cmd := exec.Command(s.binary, "check", "--data", s.data, "--json")
	cmd.Env = append(os.Environ(), s.env...)
	out, err := cmd.Output()
	if err != nil {
		s.t.Errorf("inkwitness check: %v\n%s", err, out)
	}
	var report struct {
		Structure struct {
			Objects, Young   int
			Blobs            []int
			Missing, Orphans []any
		}
	}
	if err := json.Unmarshal(out, &report); err != nil {
		s.t.Fatalf("inkwitness check: %v in %s", err, out)
	}
	if found := report.Structure; found.Objects < 3 || len(found.Blobs) == 0 || found.Blobs[0] != found.Objects || found.Young != 0 || len(found.Missing)+len(found.Orphans) != 0 {
		s.t.Errorf("after the ceremony the objects and their blobs differ: %s", out)
	}
}
