package holder

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"gocloud.dev/secrets/localsecrets"

	"inkwitness/evidence"
	"inkwitness/evidence/trust"
	"inkwitness/evidence/vault"
)

// TestMain runs a key holder where a test starts this program again as one.
func TestMain(m *testing.M) {
	if dir := os.Getenv("HOLDER_DIR"); dir != "" {
		h, err := open(context.Background(), dir, wall{}, 100_000)
		if err == nil {
			var l net.Listener
			if l, err = Listen(filepath.Join(dir, "s"), nil); err == nil {
				err = h.Run(context.Background(), l)
			}
		}
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(m.Run())
}

type wall struct{}

func (wall) Now() time.Time { return time.Now() }

type clock struct {
	sync.Mutex
	now time.Time
}

func (c *clock) Now() time.Time { c.Lock(); defer c.Unlock(); return c.now }
func (c *clock) pass(d time.Duration) {
	c.Lock()
	c.now = c.now.Add(d)
	c.Unlock()
}

type anyClock interface{ Now() time.Time }

func open(ctx context.Context, dir string, now anyClock, rate int) (*Holder, error) {
	files, err := OpenFiles(filepath.Join(dir, "keys"))
	if err != nil {
		return nil, err
	}
	root := localsecrets.NewKeeper([32]byte{1})
	authority, err := trust.Open(ctx, trust.Config{Keys: vault.NewKeyring(files, root), Clock: now, Organisation: "Test"})
	if err != nil {
		return nil, err
	}
	journal, err := OpenJournal(filepath.Join(dir, "holder.log"))
	if err != nil {
		return nil, err
	}
	return New(Config{Authority: authority, Journal: journal, Clock: now, Rate: rate})
}

// bench is a holder behind its socket, with one signer's browser.
type bench struct {
	t   *testing.T
	dir string
	now *clock
	h   *Holder
	*Client
	browser *ecdsa.PrivateKey
	public  []byte
}

func newBench(t *testing.T, rate int) *bench {
	t.Helper()
	dir, err := os.MkdirTemp("", "hold") // short: a socket's path has at most 107 bytes
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	b := &bench{t: t, dir: dir, now: &clock{now: time.Date(2026, 11, 29, 8, 0, 0, 0, time.UTC)}}
	if b.h, err = open(t.Context(), b.dir, b.now, rate); err != nil {
		t.Fatal(err)
	}
	l, err := Listen(filepath.Join(b.dir, "s"), nil)
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- b.h.Run(ctx, l) }()
	t.Cleanup(func() { stop(); <-done; b.h.cfg.Journal.Close() })
	b.Client = Dial(filepath.Join(b.dir, "s"), evidence.ProviderInfo{Name: "local"})
	b.browser, b.public = newBrowser(t)
	return b
}

func newBrowser(t *testing.T) (*ecdsa.PrivateKey, []byte) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	public, err := x509.MarshalPKIXPublicKey(key.Public())
	if err != nil {
		t.Fatal(err)
	}
	return key, public
}

// answerOf signs as WebCrypto does: r and s, 32 bytes each.
func answerOf(t *testing.T, key *ecdsa.PrivateKey, statement string) []byte {
	t.Helper()
	digest := sha256.Sum256([]byte(statement))
	r, s, err := ecdsa.Sign(rand.Reader, key, digest[:])
	if err != nil {
		t.Fatal(err)
	}
	return append(r.FillBytes(make([]byte, 32)), s.FillBytes(make([]byte, 32))...)
}

func document(name string) string { return fmt.Sprintf("%x", sha256.Sum256([]byte(name))) }

func digest(name string) []evidence.SignDigest {
	sum := sha256.Sum256([]byte(name))
	return []evidence.SignDigest{{Hash: crypto.SHA256, Value: sum[:]}}
}

// approve goes through a whole proof.
func (b *bench) approve(ceremony string, signatures int) {
	b.t.Helper()
	statement := b.challenge(ceremony, signatures)
	if err := b.Approve(b.t.Context(), ceremony, "ada", document("lease"), statement, answerOf(b.t, b.browser, statement)); err != nil {
		b.t.Fatal(err)
	}
}

func (b *bench) challenge(ceremony string, signatures int) string {
	b.t.Helper()
	if err := b.Enrol(b.t.Context(), ceremony, "ada", b.public); err != nil {
		b.t.Fatal(err)
	}
	statement, err := b.Challenge(b.t.Context(), ceremony, "ada", document("lease"), signatures, b.public)
	if err != nil {
		b.t.Fatal(err)
	}
	return statement
}

func request(ceremony string) evidence.CredentialRequest {
	return evidence.CredentialRequest{ID: ceremony + "/ada/1", Subject: "subject", Deposit: ceremony, Name: "Ada Lovelace"}
}

// sign does what package seal does for one field.
func sign(ctx context.Context, c *Client, ceremony, what string) (evidence.Credential, [][]byte, error) {
	credential, err := c.Credential(ctx, request(ceremony))
	if err != nil {
		return credential, nil, err
	}
	auth, err := c.Authorize(ctx, credential.ID, digest(what))
	if err != nil {
		return credential, nil, err
	}
	values, err := c.Sign(ctx, auth, digest(what))
	return credential, values, err
}

func (b *bench) refused(what string, err, want error) {
	b.t.Helper()
	if !errors.Is(err, want) {
		b.t.Errorf("%s: %v, want %v", what, err, want)
	}
}

func TestSignsWithAProof(t *testing.T) {
	b := newBench(t, 0)
	b.approve("c1", 1)
	credential, values, err := sign(t.Context(), b.Client, "c1", "revision")
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256([]byte("revision"))
	if key := credential.Chain[0].PublicKey.(*ecdsa.PublicKey); !ecdsa.VerifyASN1(key, sum[:], values[0]) {
		t.Error("the signature does not verify")
	}
	root, err := b.Root(t.Context())
	if err != nil || !root.Equal(credential.Chain[1]) {
		t.Errorf("root: %v", err)
	}
	if r, err := b.Revocation(t.Context(), credential.Chain); err != nil || len(r.CRLs) != 1 {
		t.Errorf("revocation: %v", err)
	}
	if err := errors.Join(b.Release(t.Context(), credential.ID), b.Release(t.Context(), credential.ID)); err != nil {
		t.Error(err)
	}
	_, _, err = sign(t.Context(), b.Client, "c1", "revision")
	b.refused("signing with a destroyed key", err, evidence.ErrErased)
}

func TestRefusesWithoutAProofThatFits(t *testing.T) {
	ctx := t.Context()
	b := newBench(t, 0)
	_, _, err := sign(ctx, b.Client, "c0", "x")
	b.refused("no proof at all", err, ErrProof)
	b.refused("an empty proof", b.Approve(ctx, "c0", "ada", document("lease"), "", nil), ErrProof)

	_, err = b.Challenge(ctx, "c0", "ada", document("lease"), 1, b.public)
	b.refused("a browser that is not registered", err, ErrProof)

	statement := b.challenge("c1", 1)
	b.refused("another document", b.Approve(ctx, "c1", "ada", document("other"), statement, answerOf(t, b.browser, statement)), ErrProof)
	b.refused("the same statement again", b.Approve(ctx, "c1", "ada", document("lease"), statement, answerOf(t, b.browser, statement)), ErrProof)

	statement = b.challenge("c1", 1)
	b.refused("another ceremony", b.Approve(ctx, "c2", "ada", document("lease"), statement, answerOf(t, b.browser, statement)), ErrProof)
	statement = b.challenge("c1", 1)
	b.refused("another signer", b.Approve(ctx, "c1", "eve", document("lease"), statement, answerOf(t, b.browser, statement)), ErrProof)

	statement = b.challenge("c1", 1)
	edited := strings.Replace(statement, "signatures 1", "signatures 9", 1)
	b.refused("a statement of one's own", b.Approve(ctx, "c1", "ada", document("lease"), edited, answerOf(t, b.browser, edited)), ErrProof)

	thief, _ := newBrowser(t)
	statement = b.challenge("c1", 1)
	b.refused("another key", b.Approve(ctx, "c1", "ada", document("lease"), statement, answerOf(t, thief, statement)), ErrProof)

	statement = b.challenge("c1", 1)
	b.now.pass(ProofLifetime + time.Second)
	b.refused("a stale proof", b.Approve(ctx, "c1", "ada", document("lease"), statement, answerOf(t, b.browser, statement)), ErrProof)
	_, _, err = sign(ctx, b.Client, "c1", "x")
	b.refused("signing after all that", err, ErrProof)

	b.approve("c1", 2)
	for _, what := range []string{"first", "second", "second"} { // the same again is no more than before
		if _, _, err := sign(ctx, b.Client, "c1", what); err != nil {
			t.Fatal(err)
		}
	}
	_, _, err = sign(ctx, b.Client, "c1", "third")
	b.refused("more signatures than approved", err, ErrProof)
	_, err = b.Sign(ctx, evidence.Authorization{ID: "00", Credential: "c1/ada/1"}, digest("third"))
	b.refused("a digest that was not authorized", err, ErrProof)
	second := request("c1")
	second.ID = "c1/ada/2"
	_, err = b.Credential(ctx, second)
	b.refused("a second certificate", err, ErrProof)
	_, fresh := newBrowser(t)
	b.refused("another browser afterwards", b.Enrol(ctx, "c1", "ada", fresh), ErrProof)

	b.approve("c3", 1)
	b.now.pass(ApprovalLifetime + time.Second)
	_, _, err = sign(ctx, b.Client, "c3", "x")
	b.refused("an approval of last week", err, evidence.ErrLapsed)
	for range maxKeys {
		_, fresh := newBrowser(t)
		if err := b.Enrol(ctx, "c4", "ada", fresh); err != nil {
			t.Fatal(err)
		}
	}
	b.refused("one browser too many", b.Enrol(ctx, "c4", "ada", fresh), ErrProof)
}

// A seal that was interrupted for longer than an approval holds goes on once the
// signer has approved again, and not before.
func TestLapsedApprovalIsGivenAgain(t *testing.T) {
	ctx := t.Context()
	b := newBench(t, 0)
	b.approve("c1", 1)
	old, err := b.Credential(ctx, request("c1"))
	if err != nil {
		t.Fatal(err)
	}
	statement := b.challenge("c1", 1)
	b.refused("a second approval", b.Approve(ctx, "c1", "ada", document("lease"), statement, answerOf(t, b.browser, statement)), ErrProof)

	b.now.pass(ApprovalLifetime + time.Second)
	_, err = b.Authorize(ctx, old.ID, digest("x"))
	b.refused("a certificate without an approval", err, evidence.ErrLapsed)
	second := request("c1")
	second.ID = "c1/ada/2"
	_, err = b.Credential(ctx, second)
	b.refused("another certificate without an approval", err, evidence.ErrLapsed)

	b.browser, b.public = newBrowser(t) // the signer comes back with another browser
	b.approve("c1", 1)
	credential, err := b.Credential(ctx, second)
	if err != nil {
		t.Fatal(err)
	}
	auth, err := b.Authorize(ctx, credential.ID, digest("x"))
	if err == nil {
		_, err = b.Sign(ctx, auth, digest("x"))
	}
	if err != nil {
		t.Error(err)
	}
	_, fresh := newBrowser(t)
	b.refused("another browser afterwards", b.Enrol(ctx, "c1", "ada", fresh), ErrProof)

	b.now.pass(ApprovalLifetime + time.Second)
	b.refused("another browser of who has signed, when all has lapsed", b.Enrol(ctx, "c1", "ada", fresh), ErrProof)
	statement = b.challenge("c1", 1)
	b.refused("another approval of who has signed", b.Approve(ctx, "c1", "ada", document("lease"), statement, answerOf(t, b.browser, statement)), ErrProof)
}

// TestApprovalOutlivesItsCertificate: what was signed under one certificate counts
// under the next, and only the last certificate signs.
func TestApprovalOutlivesItsCertificate(t *testing.T) {
	ctx := t.Context()
	try := func(ceremony string, n int) evidence.CredentialRequest {
		req := request(ceremony)
		req.ID = ceremony + "/ada/" + strconv.Itoa(n)
		return req
	}
	b := newBench(t, 0)
	const almost = trust.DefaultLifetime - renewal + time.Second
	made := func(req evidence.CredentialRequest, what string) error {
		if _, err := b.Credential(ctx, req); err != nil {
			return err
		}
		auth, err := b.Authorize(ctx, req.ID, digest(what))
		if err == nil {
			_, err = b.Sign(ctx, auth, digest(what))
		}
		return err
	}

	b.approve("c1", 1)
	if err := made(try("c1", 1), "first"); err != nil {
		t.Fatal(err)
	}
	b.now.pass(almost)
	b.refused("a certificate when the approval is used up", made(try("c1", 2), "second"), ErrProof)
	if err := made(try("c1", 1), "first"); err != nil {
		t.Errorf("the same again with the certificate that is there: %v", err)
	}

	b.approve("c2", 2)
	if err := made(try("c2", 1), "first"); err != nil {
		t.Fatal(err)
	}
	b.now.pass(almost)
	if err := made(try("c2", 2), "second"); err != nil {
		t.Errorf("what is left of an approval: %v", err)
	}
	b.refused("more than what was left", made(try("c2", 2), "third"), ErrProof)

	// What was allowed and never signed is free again, and dead under the old certificate.
	b.approve("c3", 1)
	if _, err := b.Credential(ctx, try("c3", 1)); err != nil {
		t.Fatal(err)
	}
	old, err := b.Authorize(ctx, "c3/ada/1", digest("first"))
	if err != nil {
		t.Fatal(err)
	}
	b.now.pass(almost)
	if err := made(try("c3", 2), "second"); err != nil {
		t.Errorf("after an interruption before the signature: %v", err)
	}
	_, err = b.Sign(ctx, old, digest("first"))
	b.refused("a signature with the certificate before", err, ErrProof)
	_, err = b.Authorize(ctx, "c3/ada/1", digest("second"))
	b.refused("an authorization of the certificate before", err, ErrProof)

	// The log says the same after a start.
	raw, err := os.Open(filepath.Join(b.dir, "holder.log"))
	if err != nil {
		t.Fatal(err)
	}
	defer raw.Close()
	entries, _, _, err := ReadEntries(raw)
	if err != nil {
		t.Fatal(err)
	}
	signed := map[string]map[string]bool{}
	for _, e := range entries {
		if e.Kind == Signed {
			if signed[e.Ceremony] == nil {
				signed[e.Ceremony] = map[string]bool{}
			}
			signed[e.Ceremony][e.Digest] = true
		}
	}
	for ceremony, approved := range map[string]int{"c1": 1, "c2": 2, "c3": 1} {
		if len(signed[ceremony]) != approved {
			t.Errorf("%s: %d signatures of %d approved", ceremony, len(signed[ceremony]), approved)
		}
	}
	again := &Holder{cfg: b.h.cfg, signers: map[string]*signer{}, credentials: map[string]*credential{}}
	for _, e := range entries {
		again.apply(e)
	}
	_, err = again.Credential(ctx, try("c2", 3))
	b.refused("a certificate after a start", err, ErrProof)
}

func TestRateIsLimited(t *testing.T) {
	b := newBench(t, 3)
	b.approve("c1", 10)
	for i := range 3 {
		if _, _, err := sign(t.Context(), b.Client, "c1", strconv.Itoa(i)); err != nil {
			t.Fatal(err)
		}
	}
	_, _, err := sign(t.Context(), b.Client, "c1", "3")
	b.refused("the fourth in a minute", err, ErrBusy)
	b.now.pass(time.Minute)
	if _, _, err := sign(t.Context(), b.Client, "c1", "3"); err != nil {
		t.Errorf("a minute later: %v", err)
	}
}

func TestNothingHappensUnlogged(t *testing.T) {
	b := newBench(t, 0)
	b.approve("c1", 2)
	if _, _, err := sign(t.Context(), b.Client, "c1", "one"); err != nil {
		t.Fatal(err)
	}
	b.h.cfg.Journal.file.Close() // as a full or broken disk: every write fails from here
	_, values, err := sign(t.Context(), b.Client, "c1", "one")
	b.refused("signing without a log", err, ErrUnlogged)
	if values != nil {
		t.Error("a signature came with the error")
	}
	b.refused("registering without a log", b.Enrol(t.Context(), "c9", "ada", b.public), ErrUnlogged)
}

func TestAway(t *testing.T) {
	c := Dial(filepath.Join(t.TempDir(), "nobody"), evidence.ProviderInfo{})
	if _, err := c.Credential(t.Context(), request("c1")); !errors.Is(err, ErrAway) {
		t.Errorf("a holder that is away: %v", err)
	}
}

func TestOtherUsersAreHungUpOn(t *testing.T) {
	if !peersKnown {
		t.Skip("this system does not say who is at the other end of a socket")
	}
	b := newBench(t, 0)
	l, err := Listen(filepath.Join(b.dir, "t"), nil)
	if err != nil {
		t.Fatal(err)
	}
	g := l.(guarded)
	g.users = []int{os.Getuid() + 1}
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- b.h.Run(ctx, g) }() // whom it lets in gets an answer
	defer func() { stop(); <-done }()
	if _, err := Dial(filepath.Join(b.dir, "t"), evidence.ProviderInfo{}).Root(t.Context()); !errors.Is(err, ErrAway) {
		t.Errorf("a process of another user: %v", err)
	}
	if info, err := os.Stat(filepath.Join(b.dir, "t")); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the socket's mode: %v, %v", info.Mode(), err)
	}
}

// TestReleasedKeysStayDestroyed: a key that came back, by a backup or because a
// crash came before its destruction, is destroyed at the next start.
func TestReleasedKeysStayDestroyed(t *testing.T) {
	b := newBench(t, 0)
	b.approve("c1", 1)
	if _, _, err := sign(t.Context(), b.Client, "c1", "x"); err != nil {
		t.Fatal(err)
	}
	files, err := OpenFiles(filepath.Join(b.dir, "keys"))
	if err != nil {
		t.Fatal(err)
	}
	kept := func() (n int, copies map[string][]byte) {
		t.Helper()
		all, err := files.Keys(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		copies = map[string][]byte{}
		for _, k := range all {
			if k.Erased == nil {
				n++
			}
			raw, err := os.ReadFile(files.path(k.ID))
			if err != nil {
				t.Fatal(err)
			}
			copies[files.path(k.ID)] = raw
		}
		return n, copies
	}
	before, copies := kept()
	if err := b.Release(t.Context(), "c1/ada/1"); err != nil {
		t.Fatal(err)
	}
	if after, _ := kept(); after != before-1 {
		t.Fatalf("%d keys before the release, %d after", before, after)
	}
	for path, raw := range copies {
		if err := os.WriteFile(path, raw, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := b.h.finish(t.Context()); err != nil {
		t.Fatal(err)
	}
	if after, _ := kept(); after != before-1 {
		t.Errorf("%d keys after the next start, want %d", after, before-1)
	}
}

// TestRewrap: a key is wrapped anew if it is what it was, and not after its end.
func TestRewrap(t *testing.T) {
	files, err := OpenFiles(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	ctx := t.Context()
	if err := files.CreateKey(ctx, evidence.Key{ID: "k", Purpose: "signer", Wrapped: []byte("old")}); err != nil {
		t.Fatal(err)
	}
	for _, try := range []struct {
		from, to string
		want     bool
	}{{"other", "new", false}, {"old", "new", true}, {"old", "newer", false}} {
		if done, err := files.Rewrap(ctx, "k", []byte(try.from), []byte(try.to)); done != try.want || err != nil {
			t.Errorf("%s to %s: %v, %v", try.from, try.to, done, err)
		}
	}
	if err := files.DestroyKey(ctx, "k", evidence.Erasure{Authority: "test"}); err != nil {
		t.Fatal(err)
	}
	if done, err := files.Rewrap(ctx, "k", nil, []byte("back")); done || err != nil {
		t.Errorf("a destroyed key: %v, %v", done, err)
	}
	if k, err := files.Key(ctx, "k"); err != nil || len(k.Wrapped) > 0 {
		t.Errorf("the destroyed key is %v, %v", k, err)
	}
}

func TestChangedLogIsRefused(t *testing.T) {
	b := newBench(t, 0)
	b.approve("c1", 1)
	path := filepath.Join(b.dir, "holder.log")
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for name, changed := range map[string]string{
		"a digit":      strings.Replace(string(raw), `"signer":"ada"`, `"signer":"eva"`, 1),
		"a line taken": string(raw[strings.IndexByte(string(raw), '\n')+1:]),
	} {
		copied := filepath.Join(t.TempDir(), "log")
		if err := os.WriteFile(copied, []byte(changed), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := OpenJournal(copied); !errors.Is(err, evidence.ErrCorrupt) {
			t.Errorf("%s: %v", name, err)
		}
	}
	torn := filepath.Join(t.TempDir(), "log")
	if err := os.WriteFile(torn, append(raw, `{"before":"`...), 0o600); err != nil {
		t.Fatal(err)
	}
	j, err := OpenJournal(torn)
	if err != nil {
		t.Fatal(err)
	}
	defer j.Close()
	if after, _ := os.ReadFile(torn); string(after) != string(raw) {
		t.Error("a torn line stays")
	}
	if _, err := OpenJournal(path); err == nil {
		t.Error("two holders at one log")
	}
}

// TestKill: the holder is killed again and again while signatures are made. Each
// ceremony ends with one certificate, and with signatures that verify.
func TestKill(t *testing.T) {
	dir, err := os.MkdirTemp("", "hold")
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dir)
	var mu sync.Mutex
	var running *exec.Cmd
	start := func() {
		cmd := exec.Command(os.Args[0])
		cmd.Env = append(os.Environ(), "HOLDER_DIR="+dir)
		if err := cmd.Start(); err != nil {
			t.Error(err)
		}
		mu.Lock()
		running = cmd
		mu.Unlock()
	}
	kill := func() {
		mu.Lock()
		defer mu.Unlock()
		_ = running.Process.Kill()
		_ = running.Wait()
	}
	start()
	stop, stopped := make(chan struct{}), make(chan int)
	go func() {
		for kills := 0; ; kills++ {
			select {
			case <-stop:
				stopped <- kills
				return
			case <-time.After(time.Duration(60+37*(kills%9)) * time.Millisecond):
				kill()
				start()
			}
		}
	}()
	c := Dial(filepath.Join(dir, "s"), evidence.ProviderInfo{})
	browser, public := newBrowser(t)
	until := func(what string, f func() error) {
		t.Helper()
		for began := time.Now(); ; time.Sleep(5 * time.Millisecond) {
			err := f()
			if err == nil {
				return
			}
			if time.Since(began) > 30*time.Second {
				t.Fatalf("%s: %v", what, err)
			}
		}
	}
	const ceremonies, fields = 12, 3
	used := map[string]bool{}
	for n := range ceremonies {
		id := "c" + strconv.Itoa(n)
		until("prove", func() error {
			if err := c.Enrol(t.Context(), id, "ada", public); err != nil {
				return err
			}
			statement, err := c.Challenge(t.Context(), id, "ada", document("lease"), fields, public)
			if err != nil {
				return err
			}
			return c.Approve(t.Context(), id, "ada", document("lease"), statement, answerOf(t, browser, statement))
		})
		for f := range fields {
			until("sign", func() error {
				credential, values, err := sign(t.Context(), c, id, fmt.Sprint(id, f))
				if err != nil {
					return err
				}
				used[string(credential.Chain[0].Raw)] = true
				sum := sha256.Sum256([]byte(fmt.Sprint(id, f)))
				if !ecdsa.VerifyASN1(credential.Chain[0].PublicKey.(*ecdsa.PublicKey), sum[:], values[0]) {
					t.Fatal("a signature does not verify")
				}
				return nil
			})
		}
		until("release", func() error { return c.Release(t.Context(), id+"/ada/1") })
	}
	close(stop)
	kills := <-stopped
	kill()
	if kills == 0 {
		t.Error("nothing was killed")
	}
	raw, err := os.Open(filepath.Join(dir, "holder.log"))
	if err != nil {
		t.Fatal(err)
	}
	defer raw.Close()
	entries, _, _, err := ReadEntries(raw)
	if err != nil {
		t.Fatal(err)
	}
	certified := map[string]int{}
	for _, e := range entries {
		if e.Kind == Certified {
			certified[e.Ceremony]++
		}
	}
	if len(used) != ceremonies || len(certified) != ceremonies {
		t.Errorf("%d certificates used in %d ceremonies, %d noted", len(used), ceremonies, len(certified))
	}
	for id, n := range certified {
		if n != 1 {
			t.Errorf("%s has %d certificates", id, n)
		}
	}
	t.Logf("%d kills, %d ceremonies, %d certificates used", kills, ceremonies, len(used))
}
