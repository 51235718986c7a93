package e2e

import (
	"bufio"
	"bytes"
	"encoding/json"
	"encoding/pem"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"inkwitness/evidence/trust/csc/csctest"
	"inkwitness/evidence/tsa/tsatest"
)

type realClock struct{}

func (realClock) Now() time.Time { return time.Now() }

// authority is somebody else's timestamp authority, over HTTP, and its root.
func authority(t *testing.T) (address string, root []byte) {
	t.Helper()
	a := tsatest.New(t, realClock{})
	server := httptest.NewServer(a)
	t.Cleanup(server.Close)
	return server.URL, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: a.Root().Raw})
}

// witness runs a witness of its own and returns its address and keys.
func witness(t *testing.T, name string, logKeys []string) (address string, keys []string) {
	t.Helper()
	args := []string{"--name", name, "--dir", t.TempDir(), "--listen", "127.0.0.1:0"}
	for _, k := range logKeys {
		args = append(args, "--log", k)
	}
	cmd := exec.Command(bin(t, "inkcosign"), args...)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Signal(os.Interrupt)
		_ = cmd.Wait()
	})
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		if at, ok := strings.CutPrefix(lines.Text(), "listening on "); ok {
			return at, keys
		}
		keys = append(keys, lines.Text())
	}
	t.Fatal("the witness did not start")
	return "", nil
}

func write(t *testing.T, name string, data []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

type published struct {
	Roots      string
	OtherRoots string
	LogKeys    []string
}

// TestOutsideHelp: a deposit that carries what others vouch for. An outside
// timestamp authority (after another one that is down), two witnesses run as
// programs of their own, and a certificate provider elsewhere, chosen for the
// one document, that loses its first answer after it has signed.
func TestOutsideHelp(t *testing.T) {
	s := newService(t)
	s.start() // once alone: it makes the log's keys, which the witnesses need
	owner := s.owner()
	var before published
	owner.must("GET", "/api/trust", nil, &before)
	s.stop(os.Interrupt)

	stamps, stampRoot := authority(t)
	provider := csctest.New(t, time.Now())
	provider.DropAfterSigning = 1
	dir := filepath.Dir(write(t, "provider-root.pem", pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: provider.Root.Raw})))
	if err := os.WriteFile(filepath.Join(dir, "secret"), []byte(csctest.Secret+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	list, err := json.Marshal([]map[string]string{{"name": "elsewhere", "kind": "csc", "legal": "Test Trust Services", "country": "FR", "level": "advanced",
		"url": provider.API(), "clientId": csctest.ClientID, "clientSecretFile": "secret", "rootsFile": "provider-root.pem"}})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "providers.json"), list, 0o600); err != nil {
		t.Fatal(err)
	}
	var witnesses, cosigners []string
	for _, name := range []string{"witness1.example.org/ink", "witness2.example.org/ink"} {
		address, keys := witness(t, name, before.LogKeys)
		witnesses, cosigners = append(witnesses, address+" "+strings.Join(keys, " ")), append(cosigners, keys...)
	}
	s.env = append(s.env, "TIMESTAMP_URLS=http://127.0.0.1:1/down,"+stamps, "TIMESTAMP_ROOTS="+write(t, "stamps.pem", stampRoot),
		"WITNESSES="+strings.Join(witnesses, ";"), "PROVIDERS="+filepath.Join(dir, "providers.json"))
	s.start()

	var offered struct {
		Providers []struct{ Name, Legal, Level string }
	}
	owner.must("GET", "/api/providers", nil, &offered)
	if len(offered.Providers) != 2 || offered.Providers[1].Name != "elsewhere" || offered.Providers[1].Level != "advanced" {
		t.Fatalf("providers offered: %+v", offered)
	}
	for n, consent := range []bool{false, true} {
		provider.Consent = consent
		d := oneSigner(t, owner)
		refused(t, "a provider that nobody knows", owner.do("PUT", "/api/documents/"+d.ID+"/provider", map[string]string{"provider": "nobody"}), 422, "provider")
		owner.must("PUT", "/api/documents/"+d.ID+"/provider", map[string]string{"provider": "elsewhere"}, nil)
		owner.must("POST", "/api/documents/"+d.ID+"/send", nil, nil)
		signer := s.enter(n)
		signer.refuse()
		signer.must("POST", "/api/signing/confirm", map[string]string{"typed": "Zoë Wang"}, nil)
		if consent {
			signer.consentElsewhere()
		}
		owner.completed(d.ID)
		got := owner.deposit(d.ID)
		got.vouched(t, owner, cosigners)
	}
	args := []string{"--monitor", s.base + "/log", "--dir", t.TempDir(), "--once"}
	for _, k := range before.LogKeys {
		args = append(args, "--log", k)
	}
	for _, w := range witnesses {
		args = append(args, "--compare", strings.Fields(w)[0])
	}
	if out, err := exec.Command(bin(t, "inkcosign"), args...).CombinedOutput(); err != nil || strings.Count(string(out), "is the beginning of this log") != 2 {
		t.Errorf("a monitor that compares the log with both witnesses: %v\n%s", err, out)
	}
	if provider.Signed != 3 {
		t.Errorf("the provider signed %d times, want 3: twice where it lost its answer, once more", provider.Signed)
	}
}

// oneSigner uploads and plans a document for the one person whom the provider knows.
func oneSigner(t *testing.T, owner *client) documentView {
	t.Helper()
	pdf, err := os.ReadFile(filepath.Join("..", "..", "testdata", "pdf", "own-rotated.pdf"))
	if err != nil {
		t.Fatal(err)
	}
	d := owner.upload(pdf, "Lease")
	owner.must("PUT", "/api/documents/"+d.ID+"/plan", map[string]any{
		"signers": []any{map[string]string{"name": "Zoë Wang", "email": "zoe@example.com", "language": "fr"}},
		"fields":  []any{map[string]any{"signer": 0, "page": 1, "x": 60, "y": 60, "width": 160, "height": 60}},
	}, nil)
	return d
}

// consentElsewhere goes where the signing page sends the signer, agrees there,
// and brings back what stands in the address.
func (c *client) consentElsewhere() {
	c.t.Helper()
	var view struct{ ConsentAt string }
	for end := time.Now().Add(30 * time.Second); view.ConsentAt == ""; time.Sleep(100 * time.Millisecond) {
		c.must("GET", "/api/signing", nil, &view)
		if time.Now().After(end) {
			c.t.Fatal("the signer was never sent to the provider")
		}
	}
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	answer, err := client.Get(view.ConsentAt)
	if err != nil {
		c.t.Fatal(err)
	}
	answer.Body.Close()
	back, err := answer.Location()
	if err != nil || back.Path != "/sign" {
		c.t.Fatalf("the provider sends the signer to %v, %v", back, err)
	}
	forged := url.Values{"state": {"forged"}, "code": {back.Query().Get("code")}}
	refused(c.t, "somebody else's answer", c.do("POST", "/api/signing/provider", map[string]string{"state": forged.Get("state"), "code": forged.Get("code")}), 409, "belong")
	c.must("POST", "/api/signing/provider", map[string]string{"state": back.Query().Get("state"), "code": back.Query().Get("code")}, nil)
}

// vouched checks, with our program and with OpenSSL, what others vouch for.
func (d deposit) vouched(t *testing.T, owner *client, cosigners []string) {
	t.Helper()
	var now published
	owner.must("GET", "/api/trust", nil, &now)
	args := []string{"--roots", write(t, "roots.pem", []byte(now.Roots)), "--other-roots", write(t, "others.pem", []byte(now.OtherRoots))}
	for _, k := range cosigners {
		args = append(args, "--log-key", k)
	}
	cmd := exec.Command(bin(t, "inkverify"), append(args, d.path)...)
	cmd.Env = []string{}
	report, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("inkverify: %v\n%s", err, report)
	}
	for _, want := range []string{"Elsewhere", "witness1.example.org/ink, whom you trust", "witness2.example.org/ink, whom you trust",
		`certificate by elsewhere is in the name of "Zoë 王小明"`, "everything holds"} {
		if !bytes.Contains(report, []byte(want)) {
			t.Errorf("inkverify does not say %q:\n%s", want, report)
		}
	}
	dir := t.TempDir()
	if out, err := exec.Command("unzip", "-q", d.path, "-d", dir).CombinedOutput(); err != nil {
		t.Fatalf("unzip: %v\n%s", err, out)
	}
	for _, n := range []string{"1", "2"} {
		list := map[string]string{"1": "2", "2": "3"}[n]
		verify := exec.Command("openssl", "ts", "-verify", "-token_in", "-in", "META-INF/timestamp00"+n+".tst", "-data", "META-INF/ASiCManifest00"+list+".xml", "-CAfile", "data/validation/roots.pem")
		verify.Dir = dir
		if out, err := verify.CombinedOutput(); err != nil || !strings.Contains(string(out), "Verification: OK") {
			t.Errorf("openssl on token %s: %v\n%s", n, err, out)
		}
	}
}
