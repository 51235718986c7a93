package e2e

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"
)

// TestSecondStartKeepsEverything restarts on the same data.
func TestSecondStartKeepsEverything(t *testing.T) {
	s := newService(t)
	s.start()
	for name, mode := range map[string]os.FileMode{"root.key": 0o600, ".": 0o700} {
		info, err := os.Stat(filepath.Join(s.data, name))
		if err != nil || info.Mode().Perm() != mode {
			t.Errorf("%s: %v, %v, want mode %o", name, info, err, mode)
		}
	}
	first := s.invitation
	s.stop(os.Interrupt)
	s.start() // nobody used the first link: there is a new one, and the old one ends
	if s.invitation == "" || s.invitation == first {
		t.Fatalf("invitation %q after %q", s.invitation, first)
	}
	_, old, _ := strings.Cut(first, "=")
	refused(t, "the invitation of an earlier start", s.client().do("POST", "/api/invitations/accept",
		map[string]string{"token": old, "name": "X", "email": "x@example.org", "password": ownerPassword}), http.StatusGone, "ask for a new one")
	owner := s.owner()
	pdf, err := os.ReadFile(filepath.Join("..", "..", "testdata", "pdf", "own-form.pdf"))
	if err != nil {
		t.Fatal(err)
	}
	d := owner.upload(pdf, "Kept")
	s.stop(os.Interrupt)
	s.invitation = ""
	s.start()
	if s.invitation != "" {
		t.Error("a start with an owner printed an invitation")
	}
	if got := owner.do("GET", "/api/documents/"+d.ID+"/pdf", nil); got.Status != http.StatusOK || string(got.Body) != string(pdf) {
		t.Errorf("the document after a restart: %d, %d bytes, want %d", got.Status, len(got.Body), len(pdf))
	}
}

// TestServesTLS starts with a certificate and asks over https.
func TestServesTLS(t *testing.T) {
	folder := t.TempDir()
	cert, key := filepath.Join(folder, "cert.pem"), filepath.Join(folder, "key.pem")
	pool := selfSigned(t, cert, key)
	s := newService(t, "TLS_CERT="+cert, "TLS_KEY="+key)
	s.roots = pool
	s.start()
	if !strings.HasPrefix(s.base, "https://localhost:") {
		t.Errorf("address %s, want https", s.base)
	}
	c := s.client()
	a := c.do("GET", "/", nil)
	if a.Status != http.StatusOK || a.Header.Get("Strict-Transport-Security") == "" {
		t.Errorf("the page over https: %d, HSTS %q", a.Status, a.Header.Get("Strict-Transport-Security"))
	}
	plain, err := http.Get("http://" + strings.TrimPrefix(s.base, "https://") + "/")
	if err == nil {
		plain.Body.Close()
		if plain.StatusCode == http.StatusOK {
			t.Error("the service answers in clear on its TLS port")
		}
	}
}

// selfSigned writes a certificate for localhost and returns a pool that trusts it.
func selfSigned(t *testing.T, cert, key string) *x509.CertPool {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "localhost"}, DNSNames: []string{"localhost"},
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &private.PublicKey, private)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	encoded := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	for path, content := range map[string][]byte{cert: encoded, key: pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secret})} {
		if err := os.WriteFile(path, content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(encoded)
	return pool
}

// TestReleaseHasNoTestParts looks that no package made for tests, a clock that
// can be moved among them, is linked into a program that people run.
func TestReleaseHasNoTestParts(t *testing.T) {
	for _, program := range []string{"inkwitness/api/cmd/inkwitness", "inkwitness/evidence/cmd/inkverify", "inkwitness/biometrics/cmd/inkeval"} {
		out, err := exec.Command("go", "list", "-deps", program).Output()
		if err != nil {
			t.Fatalf("list what %s links: %v", program, err)
		}
		packages := strings.Fields(string(out))
		if len(packages) < 50 {
			t.Fatalf("%s links only %d packages: the test looks at the wrong thing", program, len(packages))
		}
		for _, p := range packages {
			if p == "testing" || strings.HasPrefix(p, "inkwitness/") && strings.HasSuffix(p, "test") {
				t.Errorf("%s links %s", program, p)
			}
		}
	}
}

// TestMalformedFrame sends a pen socket what no page sends.
func TestMalformedFrame(t *testing.T) {
	s := newService(t)
	s.start()
	owner := s.owner()
	pdf, err := os.ReadFile(filepath.Join("..", "..", "testdata", "pdf", "own-form.pdf"))
	if err != nil {
		t.Fatal(err)
	}
	d := owner.upload(pdf, "Lease")
	owner.plan(d, person{"Sam Signer", "sam@example.org"})
	owner.must("POST", "/api/documents/"+d.ID+"/send", nil, nil)
	signer := s.client()
	_, token, _ := strings.Cut(s.link(), "#t=")
	signer.must("POST", "/api/signing/open", opening(token, 1), nil)
	var view struct {
		Consents []struct{ Purpose, TextVersion string }
	}
	signer.must("GET", "/api/signing", nil, &view)
	for _, c := range view.Consents {
		signer.must("POST", "/api/signing/consents", map[string]any{"purpose": c.Purpose, "textVersion": c.TextVersion, "language": "en", "given": true}, nil)
	}
	var capture struct{ PenURL string }
	signer.must("POST", "/api/signing/captures", map[string]any{"kind": "signature", "media": map[string]bool{"video": false, "audio": false}}, &capture)
	address, err := url.Parse(s.base)
	if err != nil {
		t.Fatal(err)
	}
	dial := func() *websocket.Conn {
		dialer := websocket.Dialer{Subprotocols: []string{"inkwitness.pen.v1"}, Jar: signer.http.Jar}
		socket, _, err := dialer.Dial("ws://"+address.Host+capture.PenURL, http.Header{"Origin": {s.base}})
		if err != nil {
			t.Fatalf("open the pen socket: %v", err)
		}
		return socket
	}
	for name, test := range map[string]struct {
		frame []byte
		code  int
	}{
		"an unknown type":    {[]byte{0x7f, 1, 2, 3}, 4400},
		"a cut batch":        {[]byte{0x01, 0x00, 0x05, 0x01}, 4400},
		"a skipped number":   {[]byte{0x01, 0x07, 0x01, 0x03, 0x00, 0x00, 0x00}, 4409},
		"a frame too large":  {make([]byte, 64<<10), websocket.CloseMessageTooBig},
		"a finish too early": {append([]byte{0x03, 0x09}, make([]byte, 32)...), 4409},
	} {
		socket := dial()
		if err := socket.WriteMessage(websocket.BinaryMessage, test.frame); err != nil {
			t.Fatal(err)
		}
		_ = socket.SetReadDeadline(time.Now().Add(10 * time.Second))
		var err error
		for err == nil {
			_, _, err = socket.ReadMessage()
		}
		if !websocket.IsCloseError(err, test.code) {
			t.Errorf("%s: %v, want close code %d", name, err, test.code)
		}
		socket.Close()
	}
	socket := dial() // the capture is as it was
	_, welcome, err := socket.ReadMessage()
	if err != nil || welcome[0] != 0x81 || welcome[33] != 0 {
		t.Errorf("after bad frames the capture greets with %x, %v, want sequence number 0", welcome, err)
	}
	socket.Close()
}
