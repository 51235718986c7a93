package e2e

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// problem is the body of an RFC 9457 answer.
type problem struct {
	Type   string `json:"type"`
	Title  string `json:"title"`
	Status int    `json:"status"`
	Detail string `json:"detail"`
}

// refused checks that an answer is a problem of that status whose text says what
// is wrong.
func refused(t *testing.T, what string, a answer, status int, says string) {
	t.Helper()
	var p problem
	if err := json.Unmarshal(a.Body, &p); err != nil || !strings.HasPrefix(a.Header.Get("Content-Type"), "application/problem+json") {
		t.Errorf("%s: the answer is no problem: %s %s", what, a.Header.Get("Content-Type"), a)
		return
	}
	if a.Status != status || p.Status != status {
		t.Errorf("%s: status %d (%d in the body), want %d: %s", what, a.Status, p.Status, status, a)
	}
	if !strings.Contains(strings.ToLower(p.Title+" "+p.Detail), strings.ToLower(says)) {
		t.Errorf("%s: %q, %q does not say %q", what, p.Title, p.Detail, says)
	}
}

// TestBadInputChangesNothing sends what a service must refuse, and looks that
// nothing came of it.
func TestBadInputChangesNothing(t *testing.T) {
	s := newService(t)
	s.start()
	owner := s.owner()
	good, err := os.ReadFile(filepath.Join("..", "..", "testdata", "pdf", "libreoffice-letter.pdf"))
	if err != nil {
		t.Fatal(err)
	}
	d := owner.upload(good, "Lease")

	t.Run("uploads", func(t *testing.T) {
		large := append(bytes.Clone(good), make([]byte, 100<<20)...)
		for _, test := range []struct {
			name   string
			body   []byte
			status int
			says   string
		}{
			{"an empty body", []byte{}, 422, "not a PDF"},
			{"a truncated PDF", bad(t, "truncated.pdf"), 422, "damaged"},
			{"an encrypted PDF", bad(t, "encrypted-aes256.pdf"), 422, "password"},
			{"a PDF with scripts", bad(t, "script-open.pdf"), 422, "script"},
			{"a PNG named .pdf", bad(t, "picture.pdf"), 422, "not a PDF"},
			{"100 MB", large, 413, "50 MB"},
		} {
			refused(t, test.name, owner.do("POST", "/api/documents?filename=x.pdf", test.body), test.status, test.says)
		}
		var list struct{ Documents []documentView }
		owner.must("GET", "/api/documents", nil, &list)
		if len(list.Documents) != 1 {
			t.Errorf("%d documents after refused uploads, want the one good one", len(list.Documents))
		}
	})

	owner.plan(d, person{"Sam Signer", "sam@example.org"})
	owner.must("POST", "/api/documents/"+d.ID+"/send", nil, nil)
	token := func() string {
		link, err := url.Parse(s.link())
		if err != nil {
			t.Fatal(err)
		}
		return strings.TrimPrefix(link.Fragment, "t=")
	}
	t.Run("links", func(t *testing.T) {
		first := s.client()
		refused(t, "a made-up link", first.do("POST", "/api/signing/open", opening(strings.Repeat("A", 43), 1)), 404, "no such")
		secret := token()
		first.must("POST", "/api/signing/open", opening(secret, 1), nil)
		first.must("POST", "/api/signing/open", opening(secret, 1), nil) // the answer may have been lost
		first.must("GET", "/api/signing", nil, nil)
		other := s.client()
		refused(t, "a link used before", other.do("POST", "/api/signing/open", opening(secret, 2)), 410, "another browser")
		refused(t, "no session", other.do("GET", "/api/signing", nil), 401, "sign in")
		owner.must("POST", "/api/documents/"+d.ID+"/remind", nil, nil)
		refused(t, "a session of an ended link", first.do("GET", "/api/signing", nil), 401, "sign in")
		refused(t, "an ended link", first.do("POST", "/api/signing/open", opening(secret, 1)), 404, "no such")
	})

	t.Run("captures", func(t *testing.T) {
		signer := s.client()
		signer.must("POST", "/api/signing/open", opening(token(), 3), nil)
		capture := map[string]any{"kind": "signature", "media": map[string]bool{"video": true, "audio": true}}
		refused(t, "a capture before consent", signer.do("POST", "/api/signing/captures", capture), 403, "agreed")
		refused(t, "a confirmation before a capture", signer.do("POST", "/api/signing/confirm", map[string]string{"captureId": strings.Repeat("0", 32)}), 403, "consent")
		refused(t, "a purpose that does not exist", signer.do("POST", "/api/signing/consents", map[string]any{"purpose": "marketing", "textVersion": "1", "language": "en", "given": true}), 422, "check")
		refused(t, "broken JSON", signer.do("POST", "/api/signing/consents", `{"purpose"`), 400, "check")
		refused(t, "a pen socket without a capture", signer.do("GET", "/api/signing/captures/"+strings.Repeat("0", 32)+"/pen", nil), 404, "no")
	})

	t.Run("strangers", func(t *testing.T) {
		stranger := s.client()
		for _, path := range []string{"", "/pdf", "/deposit", "/signed.pdf", "/activity"} {
			refused(t, "nobody reads "+path, stranger.do("GET", "/api/documents/"+d.ID+path, nil), 401, "sign in")
		}
		refused(t, "an upload by nobody", stranger.do("POST", "/api/documents", good), 401, "sign in")
		refused(t, "another site's request", owner.do("POST", "/api/documents/"+d.ID+"/cancel", nil, "Origin", "https://evil.example", "Sec-Fetch-Site", "cross-site"), 403, "another site")
	})
	var after documentView
	owner.must("GET", "/api/documents/"+d.ID, nil, &after)
	if after.State != "sent" || after.Signers[0].State != "opened" {
		t.Errorf("after all of it the document is %s and its signer %s, want sent and opened", after.State, after.Signers[0].State)
	}
	if response, err := http.Get(s.base + "/readyz"); err != nil || response.StatusCode != http.StatusOK {
		t.Errorf("the service is not ready any more: %v", err)
	}
}

// opening is the body with which the n-th browser opens a link.
func opening(token string, n int) map[string]string {
	return map[string]string{"token": token, "browser": fmt.Sprintf("secret of browser number %03d", n)}
}

// bad reads a PDF that must be refused.
func bad(t *testing.T, name string) []byte {
	t.Helper()
	content, err := os.ReadFile(filepath.Join("..", "..", "testdata", "pdf", "bad", name))
	if err != nil {
		t.Fatal(fmt.Errorf("read a bad PDF: %w", err))
	}
	return content
}
