package seal_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"inkwitness/evidence"
	"inkwitness/evidence/deposit"
	"inkwitness/evidence/pdf"
	"inkwitness/evidence/seal"
	"inkwitness/evidence/seal/sealtest"
	"inkwitness/evidence/trust/csc"
	"inkwitness/evidence/trust/csc/csctest"
	"inkwitness/evidence/vault"
)

func TestSealAndVerify(t *testing.T) {
	w := sealtest.New(t)
	d := w.Sealed(2, 100_000)
	file := w.Bytes(d.Container)
	for name, o := range map[string]deposit.Options{"trusting nobody else": {}, "own roots": {Roots: w.Roots(), LogKeys: w.Ledger.Keys()}} {
		report := sealtest.Verify(file, o)
		for _, c := range report.Failed() {
			t.Errorf("%s: %s: %s: %s", name, c.Code, c.Part, c.Text)
		}
		unknown := 0
		for _, c := range report.Checks {
			if c.Status == evidence.Unknown {
				unknown++
			}
		}
		if (o.Roots == nil) != (unknown > 0) {
			t.Errorf("%s: %d points left open", name, unknown)
		}
	}
	other := sealtest.New(t)
	report := sealtest.Verify(file, deposit.Options{Roots: other.Roots(), LogKeys: other.Ledger.Keys()})
	if len(report.Failed()) == 0 {
		t.Error("somebody else's roots and log are satisfied")
	}
	if want := w.Clock.Now().AddDate(10, 0, 0); !d.Ends.Equal(want) || !d.Sealed.Equal(w.Clock.Now()) {
		t.Errorf("sealed %v, ends %v", d.Sealed, d.Ends)
	}
	for id, k := range w.KeyStore.All() {
		if k.Purpose == "signer" && k.Erased == nil {
			t.Errorf("key %s was not destroyed", id)
		}
	}
}

// The commands of VERIFY.txt are run as they stand there.
func TestPublicToolsAgree(t *testing.T) {
	w := sealtest.New(t)
	dir := t.TempDir()
	file := filepath.Join(dir, "FILE.asice")
	if err := os.WriteFile(file, w.Bytes(w.Sealed(3, 50_000).Container), 0o600); err != nil {
		t.Fatal(err)
	}
	text, err := exec.Command("unzip", "-p", file, "VERIFY.txt").Output()
	if err != nil {
		t.Fatal(err)
	}
	script := "set -e\nexport LC_ALL=C\n"
	commands := 0
	for line := range strings.Lines(string(text)) {
		if command, ok := strings.CutPrefix(line, "      "); ok {
			script += command
			commands++
		}
	}
	out, err := exec.Command("sh", "-c", "cd "+dir+"\n"+script).CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s\n%s", err, script, out)
	}
	for _, want := range []string{"No errors detected", "data/contract-signed.pdf: OK", "CAdES Verification successful", "Verification: OK", "Signature is Valid"} {
		if !strings.Contains(string(out), want) {
			t.Errorf("%q is missing from\n%s", want, out)
		}
	}
	if commands < 9 || strings.Contains(string(out), "Invalid") {
		t.Errorf("%d commands\n%s", commands, out)
	}
}

// flips is how many random bytes are changed; INKWITNESS_FLIPS sets more.
func flips(t *testing.T) int {
	n := 120
	if s := os.Getenv("INKWITNESS_FLIPS"); s != "" {
		if _, err := fmt.Sscan(s, &n); err != nil {
			t.Fatal(err)
		}
	}
	return n
}

// span is where a file lies in the container, header included.
type span struct {
	name     string
	from, to int
}

// spans finds each file's header and contents with code of its own.
func spans(t *testing.T, b []byte) []span {
	t.Helper()
	var all []span
	for off := 0; bytes.HasPrefix(b[off:], []byte("PK\x03\x04")); {
		le := func(at, n int) (v int) {
			for i := range n {
				v |= int(b[off+at+i]) << (8 * i)
			}
			return v
		}
		size, name, extra := le(22, 4), le(26, 2), le(28, 2)
		end := off + 30 + name + extra + size
		all = append(all, span{string(b[off+30 : off+30+name]), off, end})
		off = end
	}
	return all
}

func TestEveryFlippedByteIsFoundAndLocated(t *testing.T) {
	const each = 100 // flips of one deposit
	rng := rand.New(rand.NewPCG(1, 2))
	for left, i := flips(t), 0; left > 0; left, i = left-each, i+1 {
		w := sealtest.New(t)
		if i%2 == 1 { // with witnesses and an outside timestamp
			w = sealtest.NewComplete(t)
		}
		flipped(t, w.Bytes(w.Sealed(1+i%3, 2000+100*i).Container), rng, min(each, left))
	}
}

// flipped changes single bits of a deposit, one at a time.
func flipped(t *testing.T, file []byte, rng *rand.Rand, times int) {
	t.Helper()
	places := spans(t, file)
	directory := places[len(places)-1].to
	for n := range times {
		at := rng.IntN(len(file))
		switch n % 4 { // the large files would take nearly all
		case 0:
			at = directory + rng.IntN(len(file)-directory)
		case 1:
			s := places[rng.IntN(len(places))]
			at = s.from + rng.IntN(s.to-s.from)
		}
		changed := bytes.Clone(file)
		changed[at] ^= 1 << rng.IntN(8)
		report := sealtest.Verify(changed, deposit.Options{})
		if report.Holds() {
			t.Fatalf("byte %d changed unseen", at)
		}
		for _, s := range places {
			if at >= s.from && at < s.to && !names(report, s.name) {
				t.Errorf("byte %d of %s (from %d): reported as %+v", at, s.name, s.from, report.Failed())
			}
		}
	}
}

// names reports whether a failed check points at the file.
func names(r *evidence.Report, name string) bool {
	for _, c := range r.Failed() {
		if c.Part == name || strings.Contains(c.Text, name) {
			return true
		}
	}
	return false
}

// faulty fails the n-th effect of a seal, before it is done or after.
type faulty struct {
	w     *sealtest.World
	at    int
	after bool
	n     int
}

var errBroken = errors.New("broken on purpose")

func (f *faulty) effect(do func() error) error {
	f.n++
	if f.n == f.at && !f.after {
		return errBroken
	}
	if err := do(); err != nil {
		return err
	}
	if f.n == f.at {
		return errBroken
	}
	return nil
}

func (f *faulty) Write(ctx context.Context, m evidence.Meta, fill func(io.Writer) error) (o evidence.Object, err error) {
	err = f.effect(func() (err error) { o, err = f.w.Vault.Write(ctx, m, fill); return err })
	return o, err
}

func (f *faulty) Open(ctx context.Context, o evidence.Object) (io.ReadSeekCloser, error) {
	return f.w.Vault.Open(ctx, o)
}

func (f *faulty) OpenAt(ctx context.Context, o evidence.Object) (vault.Blob, error) {
	return f.w.Vault.OpenAt(ctx, o)
}

// provider fails around the authority's calls.
type provider struct {
	evidence.Provider
	f *faulty
}

func (p provider) Credential(ctx context.Context, r evidence.CredentialRequest) (c evidence.Credential, err error) {
	err = p.f.effect(func() (err error) { c, err = p.Provider.Credential(ctx, r); return err })
	return c, err
}

func (p provider) Authorize(ctx context.Context, id string, d []evidence.SignDigest) (a evidence.Authorization, err error) {
	err = p.f.effect(func() (err error) { a, err = p.Provider.Authorize(ctx, id, d); return err })
	return a, err
}

func (p provider) Sign(ctx context.Context, a evidence.Authorization, d []evidence.SignDigest) (v [][]byte, err error) {
	err = p.f.effect(func() (err error) { v, err = p.Provider.Sign(ctx, a, d); return err })
	return v, err
}

func (p provider) Release(ctx context.Context, id string) error {
	return p.f.effect(func() error { return p.Provider.Release(ctx, id) })
}

// attempt seals with a failure at effect f.at, then again from the kept state
// as a restarted process does. It reports whether that effect was reached.
func attempt(t *testing.T, w *sealtest.World, f *faulty) bool {
	t.Helper()
	cfg := w.Config
	cfg.Vault, cfg.Provider, cfg.Own = f, provider{w.Config.Provider, f}, provider{w.Config.Own, f}
	broken, err := seal.New(cfg)
	w.Check(err)
	ctx := t.Context()
	failed := false
	// retry runs a call that may fail once, and then with a sealer that works.
	retry := func(m *sealtest.Memory, call func(s *seal.Sealer, kept []byte, keep seal.Keep) error) {
		t.Helper()
		keep := func(ctx context.Context, state []byte) error {
			return f.effect(func() error { return m.Keep(ctx, state) })
		}
		err := call(broken, m.State, keep)
		if errors.Is(err, errBroken) {
			failed = true
			err = call(w.Sealer, m.State, m.Keep)
		}
		w.Check(err)
	}
	current := w.Contract(1)
	for i := range sealtest.People {
		var m sealtest.Memory
		in := w.Signing(i, current)
		retry(&m, func(s *seal.Sealer, kept []byte, keep seal.Keep) (err error) {
			current, err = s.Sign(ctx, in, kept, keep)
			return err
		})
	}
	contents := w.Contents(current, 1000)
	var m sealtest.Memory
	var c evidence.Commitment
	retry(&m, func(s *seal.Sealer, kept []byte, keep seal.Keep) (err error) {
		c, err = s.Commit(ctx, contents, kept, keep)
		return err
	})
	w.Check(w.LogStore.Add(c))
	_, err = w.Ledger.Sequence(ctx)
	w.Check(err)
	var d evidence.Deposit
	retry(&m, func(s *seal.Sealer, kept []byte, keep seal.Keep) (err error) {
		d, err = s.Deposit(ctx, kept, keep)
		return err
	})
	check(t, w, d)
	return failed
}

func check(t *testing.T, w *sealtest.World, d evidence.Deposit) {
	t.Helper()
	report := sealtest.Verify(w.Bytes(d.Container), deposit.Options{Roots: w.Roots(), LogKeys: w.Ledger.Keys()})
	for _, c := range report.Failed() {
		t.Errorf("%s: %s: %s", c.Code, c.Part, c.Text)
	}
	certificates := 0
	for id, k := range w.KeyStore.All() {
		if k.Purpose == "signer" {
			certificates++
			if k.Erased == nil {
				t.Errorf("key %s lives on", id)
			}
		}
	}
	if certificates != len(sealtest.People)+1 {
		t.Errorf("%d certificates for %d signers and one seal", certificates, len(sealtest.People))
	}
}

// Every effect of a seal fails once, before it was done and after; a second
// run from the kept state always ends in a deposit that verifies, with one
// certificate for each signer. INKWITNESS_FULL=1 takes every effect both ways,
// otherwise every fourth one is taken one way.
func TestFaults(t *testing.T) {
	phase := map[bool]int{false: 1, true: 3}
	full := os.Getenv("INKWITNESS_FULL") != ""
	for _, after := range []bool{false, true} {
		t.Run(fmt.Sprintf("after=%v", after), func(t *testing.T) {
			t.Parallel()
			for at := 1; ; at++ {
				if !full && at%8 != phase[after] {
					continue
				}
				w := sealtest.New(t)
				if !attempt(t, w, &faulty{w: w, at: at, after: after}) {
					break
				}
				if t.Failed() {
					t.Fatalf("effect %d", at)
				}
			}
		})
	}
}

// A seal that was interrupted for longer than its certificate lives starts
// again with a new one; the old one was used for nothing that exists.
func TestCertificateEndsMeanwhile(t *testing.T) {
	w := sealtest.New(t)
	ctx := t.Context()
	in := w.Signing(0, w.Contract(1))
	var m sealtest.Memory
	f := &faulty{w: w, at: 9, after: true} // the first field is nearly signed
	cfg := w.Config
	cfg.Provider = provider{w.Config.Provider, f}
	broken, err := seal.New(cfg)
	w.Check(err)
	_, err = broken.Sign(ctx, in, nil, func(ctx context.Context, s []byte) error { return f.effect(func() error { return m.Keep(ctx, s) }) })
	if !errors.Is(err, errBroken) {
		t.Fatal(err)
	}
	w.Clock.Advance(30 * time.Hour)
	if _, err := w.Sign(ctx, in, m.State, m.Keep); err != nil {
		t.Fatal(err)
	}
	used, unused := 0, 0
	for _, k := range w.KeyStore.All() {
		if k.Purpose == "signer" {
			if used++; k.Created.Equal(w.Clock.Now()) {
				unused++
			}
		}
	}
	if used != 2 || unused != 1 {
		t.Errorf("%d certificates, %d of them new", used, unused)
	}
}

// An outside provider loses its answer after it has signed; later the signer
// has to consent there, and its keys are of RSA. Both end in one good signature by
// one certificate.
func TestOutsideProvider(t *testing.T) {
	for _, consent := range []bool{false, true} {
		w := sealtest.New(t)
		server := csctest.New(t, w.Clock.Now())
		if consent {
			server = csctest.NewRSA(t, w.Clock.Now())
		}
		server.Consent = consent
		if !consent {
			server.DropAfterSigning = 2
		}
		client, err := csc.New(csc.Config{URL: server.API(), ID: csctest.ClientID, Secret: csctest.Secret, Redirect: "https://sign.example.com/back", Clock: w.Clock})
		w.Check(err)
		cfg := w.Config
		cfg.Provider = client
		s, err := seal.New(cfg)
		w.Check(err)
		in := w.Signing(0, w.Contract(1))
		var m sealtest.Memory
		var signed evidence.Object
		for try := 0; ; try++ {
			signed, err = s.Sign(t.Context(), in, m.State, m.Keep)
			if err == nil {
				break
			}
			if try == 8 {
				t.Fatal(err)
			}
			waiting, werr := seal.Waiting(m.State)
			w.Check(werr)
			if errors.Is(err, evidence.ErrPending) != (waiting != nil) {
				t.Fatalf("%v, waiting %v", err, waiting)
			}
			if waiting != nil {
				q := visit(t, waiting.Redirect)
				auth, err := client.Consented(t.Context(), *waiting, q.Get("state"), q.Get("code"))
				w.Check(err)
				m.State, err = seal.Consented(m.State, auth)
				w.Check(err)
			}
		}
		roots := w.Roots()
		roots.AddCert(server.Root)
		b := w.Bytes(signed)
		report, err := pdf.Verify(bytes.NewReader(b), int64(len(b)), pdf.Options{Roots: roots, At: w.Clock.Now()})
		w.Check(err)
		if !report.OK || len(report.Signatures) != 1 {
			t.Errorf("consent=%v: %+v", consent, report.Findings)
		}
		if want := map[bool]int{false: 3, true: 1}[consent]; server.Signed != want {
			t.Errorf("the provider signed %d times, want %d", server.Signed, want)
		}
	}
}

func visit(t *testing.T, address string) url.Values {
	t.Helper()
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	resp, err := client.Get(address)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	back, err := resp.Location()
	if err != nil {
		t.Fatal(err)
	}
	return back.Query()
}

func TestRefusals(t *testing.T) {
	w := sealtest.New(t)
	var m sealtest.Memory
	if _, err := w.Deposit(t.Context(), nil, m.Keep); !errors.Is(err, evidence.ErrVoid) {
		t.Errorf("deposit before commit: %v", err)
	}
	in := w.Signing(0, w.Contract(1))
	in.Fields = nil
	if _, err := w.Sign(t.Context(), in, nil, m.Keep); err == nil {
		t.Error("no field")
	}
	if _, err := w.Sign(t.Context(), w.Signing(0, in.Current), []byte("{"), m.Keep); !errors.Is(err, evidence.ErrCorrupt) {
		t.Errorf("broken state: %v", err)
	}
}

// BenchmarkSeal takes one signature of a document of 20 pages, with a video of
// 10 s at 1 Mbit/s, from the confirmed drawing to the verified deposit: signature
// in the PDF, archive timestamp, letter, log, container, self-check.
func BenchmarkSeal(b *testing.B) {
	w := sealtest.New(b)
	in := w.Signing(0, w.Contract(20))
	in.Prepare = in.Prepare[:1]
	contents := w.Contents(in.Current, 1_250_000)
	contents.Signers = contents.Signers[:1]
	n := 0
	var before, after syscall.Rusage
	w.Check(syscall.Getrusage(syscall.RUSAGE_SELF, &before))
	for b.Loop() {
		n++
		in.Deposit = fmt.Sprintf("dep%d", n)
		contents.Deposit = in.Deposit
		var signing, sealing sealtest.Memory
		var err error
		contents.Document, err = w.Sign(b.Context(), in, nil, signing.Keep)
		w.Check(err)
		c, err := w.Commit(b.Context(), contents, nil, sealing.Keep)
		w.Check(err)
		w.Check(w.LogStore.Add(c))
		_, err = w.Ledger.Sequence(b.Context())
		w.Check(err)
		_, err = w.Deposit(b.Context(), sealing.State, sealing.Keep)
		w.Check(err)
	}
	w.Check(syscall.Getrusage(syscall.RUSAGE_SELF, &after))
	used := after.Utime.Nano() + after.Stime.Nano() - before.Utime.Nano() - before.Stime.Nano()
	b.ReportMetric(float64(used)/1e6/float64(n), "cpu-ms")
}

// TestObjects lists what a kept deposit refers to. The small files of one key share an
// object, which is listed once; an earlier release kept each by itself.
func TestObjects(t *testing.T) {
	w := sealtest.New(t)
	document := w.Contract(1)
	var m sealtest.Memory
	contents := w.Contents(document, 1000)
	_, err := w.Sealer.Commit(t.Context(), contents, nil, m.Keep)
	w.Check(err)
	objects, err := seal.Objects(m.State)
	w.Check(err)
	var got []string
	for _, o := range objects {
		got = append(got, strings.TrimPrefix(o.Key, "deposits/"+contents.Deposit+"/"))
	}
	want := []string{"signed.pdf", "parts.deposit", "parts.letter-of-deposit.pdf"}
	for _, p := range contents.Signers {
		want = append(want, "parts."+p.ID)
		for _, f := range p.Recording {
			want = append(want, f.Object.Key)
		}
	}
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("refers to %q, want %q", got, want)
	}

	before, err := seal.Objects([]byte(`{"blank": {"key": "letter"}, "parts": [{"path": "a", "object": {"key": "a"}}, {"path": "b", "object": {"key": "b"}}]}`))
	w.Check(err)
	if len(before) != 3 || before[0].Key != "letter" || before[1].Key != "a" || before[2].Key != "b" {
		t.Errorf("of an earlier state: %v", before)
	}
}

// What the sender wrote in many letters brings their shapes along: such a preparation is
// stored with the document, and what the state keeps stays small.
func TestLargePreparation(t *testing.T) {
	for name, letters := range map[string]int{"few": 20, "many": 3000} {
		t.Run(name, func(t *testing.T) {
			w := sealtest.New(t)
			var m sealtest.Memory
			in := w.Signing(0, w.Contract(1))
			var text strings.Builder
			for i := range letters {
				text.WriteRune(rune(0x4E00 + i))
			}
			in.Forms = []seal.Form{{Name: "Text1", Label: "Terms", Page: 1, X: 60, Y: 100, Width: 400, Height: 200, Value: text.String()}}
			most, stored := 0, false
			signed, err := w.Sealer.Sign(t.Context(), in, nil, func(ctx context.Context, state []byte) error {
				most = max(most, len(state))
				objects, err := seal.Objects(state)
				w.Check(err)
				for _, o := range objects {
					stored = stored || strings.HasSuffix(o.Key, "work.prepared.pdf")
				}
				return m.Keep(ctx, state)
			})
			w.Check(err)
			if stored != (letters == 3000) || most > 512<<10 {
				t.Errorf("stored apart: %t; the state took up to %d bytes", stored, most)
			}
			b := w.Bytes(signed)
			report, err := pdf.Verify(bytes.NewReader(b), int64(len(b)), pdf.Options{Roots: w.Roots(), At: w.Clock.Now()})
			w.Check(err)
			if !report.OK {
				t.Errorf("%+v", report.Findings)
			}
		})
	}
}
