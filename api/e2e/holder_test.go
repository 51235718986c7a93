package e2e

import (
	"bufio"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// keyholder is the key holder of the release binary.
type keyholder struct {
	t      *testing.T
	data   string
	socket string
	cmd    *exec.Cmd
}

func newHolder(t *testing.T) *keyholder {
	t.Helper()
	data, err := os.MkdirTemp("", "hold") // short: a socket's path has at most 107 bytes
	if err != nil {
		t.Fatal(err)
	}
	k := &keyholder{t: t, data: data, socket: filepath.Join(data, "holder.sock")}
	k.start()
	t.Cleanup(func() { k.kill(); os.RemoveAll(data) })
	return k
}

func (k *keyholder) start() {
	k.t.Helper()
	k.cmd = exec.Command(bin(k.t, "inkwitness"), "keyholder", "--data", k.data)
	out, err := k.cmd.StdoutPipe()
	if err != nil {
		k.t.Fatal(err)
	}
	if err := k.cmd.Start(); err != nil {
		k.t.Fatal(err)
	}
	if line, err := bufio.NewReader(out).ReadString('\n'); err != nil || !strings.Contains(line, k.socket) {
		k.t.Fatalf("the key holder says %q: %v", line, err)
	}
}

func (k *keyholder) kill() {
	_ = k.cmd.Process.Kill()
	_ = k.cmd.Wait()
}

// entries reads what the holder wrote down.
func (k *keyholder) entries(kind string) (out []struct{ Kind, Ceremony, Signer, Credential, Reason string }) {
	k.t.Helper()
	for line := range strings.Lines(string(mustRead(k.t, filepath.Join(k.data, "holder.log")))) {
		var e struct{ Kind, Ceremony, Signer, Credential, Reason string }
		if err := json.Unmarshal([]byte(line), &e); err != nil {
			k.t.Fatal(err)
		}
		if e.Kind == kind {
			out = append(out, e)
		}
	}
	return out
}

// browserKey is what the page makes with WebCrypto.
type browserKey struct {
	*ecdsa.PrivateKey
	public []byte
}

func newBrowserKey(t *testing.T) browserKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	public, err := x509.MarshalPKIXPublicKey(key.Public())
	if err != nil {
		t.Fatal(err)
	}
	return browserKey{key, public}
}

// proof asks for a statement and signs it.
func (c *client) proof(key browserKey) map[string]any {
	c.t.Helper()
	c.must("POST", "/api/signing/key", map[string]any{"publicKey": key.public}, nil)
	var asked struct{ Statement string }
	c.must("POST", "/api/signing/proof", map[string]any{"publicKey": key.public}, &asked)
	digest := sha256.Sum256([]byte(asked.Statement))
	r, s, err := ecdsa.Sign(rand.Reader, key.PrivateKey, digest[:])
	if err != nil {
		c.t.Fatal(err)
	}
	return map[string]any{"statement": asked.Statement, "signature": append(r.FillBytes(make([]byte, 32)), s.FillBytes(make([]byte, 32))...)}
}

// TestF3_KeyHolderSignsOnlyForSigners: two people sign with their keys in another
// process. Without a proof, with one of another document or with one that was
// used nothing is confirmed; a holder that is killed comes back to the same
// certificate; while it is away nothing is lost.
func TestF3_KeyHolderSignsOnlyForSigners(t *testing.T) {
	k := newHolder(t)
	s := newService(t, "KEY_HOLDER="+k.socket)
	s.start()
	owner := s.owner()
	d := twoSigners(t, owner)
	var foreign map[string]any
	for n, name := range []string{"Ada First", "陳大文"} {
		signer, key := s.enter(n), newBrowserKey(t)
		signer.refuse()
		confirm := func(proof map[string]any) answer {
			body := map[string]any{"typed": name}
			if proof != nil {
				body["proof"] = proof
			}
			return signer.do("POST", "/api/signing/confirm", body)
		}
		refused(t, "no proof", confirm(nil), 403, "proof")
		if foreign != nil {
			refused(t, "a proof of another signer that was used", confirm(foreign), 403, "proof")
		}
		other := signer.proof(key)
		other["signature"] = make([]byte, 64)
		refused(t, "a proof that nobody signed", confirm(other), 403, "proof")
		foreign = signer.proof(key)
		k.kill()
		refused(t, "confirming while the key holder is away", confirm(foreign), 503, "Nothing is lost")
		k.start()
		refused(t, "a proof from before the key holder's start", confirm(foreign), 403, "proof")
		foreign = signer.proof(key)
		if a := confirm(foreign); a.Status != 200 {
			t.Fatalf("confirming: %s", a)
		}
		for range 3 { // in the middle of making certificate and signature
			k.kill()
			k.start()
			time.Sleep(20 * time.Millisecond)
		}
		owner.waitState(d.ID, n, "signed")
	}
	owner.completed(d.ID)
	report, code := inkverify(t, owner.deposit(d.ID).path)
	if code != 0 {
		t.Errorf("inkverify ends with %d:\n%s", code, report)
	}
	if certified := k.entries("certified"); len(certified) != 2 || certified[0].Signer == certified[1].Signer {
		t.Errorf("two signers have the certificates %v", certified)
	}
	if released := k.entries("released"); len(released) != 2 {
		t.Errorf("%d of 2 keys were destroyed", len(released))
	}
	if refusals := k.entries("refused"); len(refusals) < 4 {
		t.Errorf("the key holder's log tells of %d refusals", len(refusals))
	}
	if n := s.count(`SELECT COUNT(*) FROM keys WHERE purpose = 'signer' AND id NOT LIKE '%/seal/%'`); n != 0 {
		t.Errorf("the service itself has keys of %d signers", n)
	}
}
