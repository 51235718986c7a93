package e2e

import (
	"bufio"
	"bytes"
	"cmp"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// keyholder is the key holder of the release binary.
type keyholder struct {
	t      *testing.T
	data   string
	socket string
	cmd    *exec.Cmd
	user   *syscall.Credential // whom it runs as; nil: as the test
	asks   string              // user that may ask it, "" for its own
}

// another is a user who is neither root nor the test's, where the test may become
// one: then holder, service and a stranger run as three users.
func another(id uint32) *syscall.Credential {
	if os.Getuid() != 0 {
		return nil
	}
	return &syscall.Credential{Uid: id, Gid: id}
}

const holderUser, serviceUser, strangeUser = 40_001, 40_002, 40_003

func newHolder(t *testing.T) *keyholder {
	t.Helper()
	data, err := os.MkdirTemp("", "hold") // short: a socket's path has at most 107 bytes
	if err != nil {
		t.Fatal(err)
	}
	k := &keyholder{t: t, data: data, socket: filepath.Join(data, "holder.sock"), user: another(holderUser)}
	if k.user != nil {
		k.asks = strconv.Itoa(serviceUser)
		if err := os.Chown(data, holderUser, holderUser); err != nil {
			t.Fatal(err)
		}
	}
	k.start()
	t.Cleanup(func() { k.kill(); os.RemoveAll(data) })
	return k
}

func (k *keyholder) start() {
	k.t.Helper()
	k.cmd = exec.Command(bin(k.t, "inkwitness"), "keyholder", "--data", k.data, "--users", cmp.Or(k.asks, strconv.Itoa(os.Getuid())))
	k.cmd.SysProcAttr = &syscall.SysProcAttr{Credential: k.user}
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

// operator runs a command on the holder's folder, as its user.
func (k *keyholder) operator(args ...string) string {
	k.t.Helper()
	cmd := exec.Command(bin(k.t, "inkwitness"), append(args, "--data", k.data)...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: k.user}
	out, err := cmd.CombinedOutput()
	if err != nil {
		k.t.Fatalf("inkwitness %v: %v\n%s", args, err, out)
	}
	return string(out)
}

// moves takes a backup of the running holder with a new root key, and brings it
// back in an empty folder.
func (k *keyholder) moves() {
	k.t.Helper()
	old := mustRead(k.t, filepath.Join(k.data, "root.key"))
	if out := k.operator("keys", "rotate", "--retire"); !strings.Contains(out, "open with the new root key alone") {
		k.t.Errorf("the rotation says %q", out)
	}
	if root := mustRead(k.t, filepath.Join(k.data, "root.key")); bytes.Contains(root, bytes.TrimSpace(old)) {
		k.t.Error("the old root key is still in the file")
	}
	if out := k.operator("keys", "check"); !strings.Contains(out, "No other is needed") {
		k.t.Errorf("check says %q", out)
	}
	backup := filepath.Join(k.data, "backup")
	if out := k.operator("backup", backup); !strings.Contains(out, "keys and its log") {
		k.t.Errorf("the backup says %q", out)
	}
	k.kill()
	log := mustRead(k.t, filepath.Join(k.data, "holder.log"))
	for _, name := range []string{"holder.log", "keys"} {
		if err := os.RemoveAll(filepath.Join(k.data, name)); err != nil {
			k.t.Fatal(err)
		}
	}
	if out := k.operator("restore", backup); !strings.Contains(out, "Restored snapshot") {
		k.t.Errorf("the restoring says %q", out)
	}
	if !bytes.Equal(log, mustRead(k.t, filepath.Join(k.data, "holder.log"))) {
		k.t.Error("the log came back as another")
	}
	k.start()
}

// strangersAreRefused: another user reaches neither the keys nor an answer.
func (k *keyholder) strangersAreRefused() {
	k.t.Helper()
	stranger := another(strangeUser)
	if stranger == nil {
		return // the test cannot become another user; TestOtherUsersAreHungUpOn has the part that it can
	}
	for _, path := range []string{"root.key", "holder.log", "keys"} {
		cmd := exec.Command("ls", "-l", filepath.Join(k.data, path)+"/.")
		if path != "keys" {
			cmd = exec.Command("cat", filepath.Join(k.data, path))
		}
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: stranger}
		if out, err := cmd.CombinedOutput(); err == nil || !strings.Contains(string(out), "Permission denied") {
			k.t.Errorf("a stranger reads %s: %s", path, out)
		}
	}
	s := newService(k.t, "KEY_HOLDER="+k.socket)
	s.user = stranger
	s.own()
	cmd := exec.Command(s.binary, "serve", "--data", s.data, "--listen", s.listen)
	cmd.Env, cmd.SysProcAttr = append(os.Environ(), s.env...), &syscall.SysProcAttr{Credential: stranger}
	if out, err := cmd.CombinedOutput(); err == nil || !strings.Contains(string(out), "ask the key holder") {
		k.t.Errorf("a stranger's service: %v\n%s", err, out)
	}
}

// own gives the folder that the service makes its data in to its user.
func (s *service) own() {
	s.t.Helper()
	if s.user == nil {
		return
	}
	folder := filepath.Dir(s.data)
	err := errors.Join(os.Chmod(filepath.Dir(folder), 0o711), os.Chown(folder, int(s.user.Uid), int(s.user.Gid)))
	if err != nil {
		s.t.Fatal(err)
	}
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
// process, of another user. Without a proof, with one of another document or with one that was
// used nothing is confirmed; a holder that is killed comes back to the same
// certificate; while it is away nothing is lost. Between the two its root key is
// changed, and it goes through a backup.
func TestF3_KeyHolderSignsOnlyForSigners(t *testing.T) {
	k := newHolder(t)
	s := newService(t, "KEY_HOLDER="+k.socket)
	s.user = another(serviceUser)
	s.own()
	s.start()
	k.strangersAreRefused()
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
		if n == 0 {
			k.moves()
		}
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
