package seal_test

import (
	"bytes"
	"context"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"inkwitness/capture"
	"inkwitness/evidence"
	"inkwitness/evidence/deposit"
	"inkwitness/evidence/evidencetest"
	"inkwitness/evidence/ledger"
	"inkwitness/evidence/pdf/page"
	"inkwitness/evidence/seal"
	"inkwitness/evidence/trust"
	"inkwitness/evidence/tsa"
	"inkwitness/evidence/vault"
)

type serials struct{ n atomic.Int64 }

func (s *serials) NextSerial(context.Context) (int64, error) { return s.n.Add(1), nil }

// world is a whole service but for its ceremony and its database.
type world struct {
	t     testing.TB
	clock *evidencetest.Clock
	vault *vault.Vault
	keys  *evidencetest.KeyStore
	ca    *trust.Local
	log   *ledger.Log
	store *evidencetest.LogStore
	cfg   seal.Config
	*seal.Sealer
}

func newWorld(t testing.TB) *world {
	t.Helper()
	w := &world{t: t, clock: &evidencetest.Clock{}, store: &evidencetest.LogStore{}}
	blobs, err := vault.OpenDir(t.TempDir())
	w.check(err)
	keys, store := evidencetest.Keys()
	w.keys = store
	w.vault, err = vault.New(vault.Config{Blobs: blobs, Keys: keys, Clock: w.clock})
	w.check(err)
	w.ca, err = trust.Open(t.Context(), trust.Config{Keys: keys, Clock: w.clock})
	w.check(err)
	stamps, err := tsa.New(tsa.Config{Credential: w.ca.Timestamping, Serials: &serials{}, Clock: w.clock})
	w.check(err)
	w.log, err = ledger.Open(t.Context(), ledger.Config{Origin: "sign.example.com/log", Outbox: w.store, Tiles: w.store, Keys: keys, Clock: w.clock})
	w.check(err)
	w.cfg = seal.Config{Vault: w.vault, Provider: w.ca, Revoker: w.ca, Timestamper: stamps, Log: w.log, Clock: w.clock,
		Roots: []*x509.Certificate{w.ca.Root()}, Service: "Inkwitness test"}
	w.Sealer, err = seal.New(w.cfg)
	w.check(err)
	return w
}

func (w *world) check(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) put(key, subject string, data []byte) evidence.Object {
	w.t.Helper()
	o, err := w.vault.Put(w.t.Context(), evidence.Meta{Key: key, Class: evidence.ClassDeposit, Reason: "test", Subject: subject, Deposit: "dep1",
		DeleteAfter: w.clock.Now().AddDate(10, 0, 0)}, bytes.NewReader(data))
	w.check(err)
	return o
}

func (w *world) contract(pages int) evidence.Object {
	d := page.New(page.Config{Title: "Contract", Created: w.clock.Now()})
	for i := range pages {
		d.Heading(1, fmt.Sprintf("Contract, page %d", i+1))
		d.Paragraph(strings.Repeat("The parties agree on the following. ", 40))
		if i+1 < pages {
			d.Break()
		}
	}
	var b bytes.Buffer
	w.check(d.Write(&b))
	return w.put("source/contract.pdf", "dep1", b.Bytes())
}

// scribble is a signature-like curve.
func scribble() capture.Signature {
	var s capture.Signature
	for i := range 200 {
		a := float64(i) / 12
		s.Points = append(s.Points, capture.Point{Time: int64(i) * 5000, X: int32(40*a + 300*math.Sin(a)), Y: int32(200 * math.Cos(1.7*a)),
			Pressure: uint16(30000 + 20000*math.Sin(a/3)), Down: i%70 > 3, Start: i%70 == 4})
	}
	return s
}

var people = []seal.Person{{ID: "signer-1", Subject: "sub1", Name: "Zoë 王小明", Email: "zoe@example.com"}, {ID: "signer-2", Subject: "sub2", Name: "Ada Lovelace"}}

func (w *world) signing(i int, current evidence.Object) seal.Signing {
	in := seal.Signing{Deposit: "dep1", Title: "A contract", Current: current, Signer: people[i], Fields: []string{fmt.Sprintf("Signature%d", i+1)},
		Handwriting: scribble(), Reason: "I agree"}
	if i == 0 {
		for k := range people {
			in.Prepare = append(in.Prepare, seal.Field{Name: fmt.Sprintf("Signature%d", k+1), Page: 1, X: 60 + 240*float64(k), Y: 600, Width: 180, Height: 60})
		}
	}
	return in
}

func (w *world) contents(document evidence.Object, video int) seal.Contents {
	in := seal.Contents{Deposit: "dep1", Title: "A contract", Document: document}
	for i, p := range people {
		in.Signers = append(in.Signers, seal.Signed{Person: p, Field: fmt.Sprintf("Signature%d", i+1), SignedAt: w.clock.Now(), Finding: "consistent with the references",
			Recording: []seal.File{
				{Name: "strokes.ink", Object: w.put("captures/"+p.ID+"/strokes.ink", p.Subject, bytes.Repeat([]byte("ink"), 3000))},
				{Name: "selfie.webm", Object: w.put("captures/"+p.ID+"/selfie.webm", p.Subject, bytes.Repeat([]byte("frame"), video/5))}},
			Comparison: json.RawMessage(`{"score":0.93}`), Consents: json.RawMessage(`[{"purpose":"handwriting","given":true}]`), Device: json.RawMessage(`{"pointer":"pen"}`)})
	}
	for i := range 5 {
		in.Audit = append(in.Audit, json.RawMessage(fmt.Sprintf(`{"kind":"event","n":%d}`, i)))
	}
	return in
}

// memory keeps the newest state, as the ceremony's database does.
type memory struct{ state []byte }

func (m *memory) keep(_ context.Context, state []byte) error {
	m.state = bytes.Clone(state)
	return nil
}

// sealed takes a deposit through every step without trouble.
func (w *world) sealed(pages, video int) evidence.Deposit {
	w.t.Helper()
	ctx := w.t.Context()
	current := w.contract(pages)
	for i := range people {
		var m memory
		var err error
		current, err = w.Sign(ctx, w.signing(i, current), nil, m.keep)
		w.check(err)
	}
	var m memory
	c, err := w.Commit(ctx, w.contents(current, video), nil, m.keep)
	w.check(err)
	w.check(w.store.Add(c))
	if _, err := w.Deposit(ctx, m.state, m.keep); !errors.Is(err, evidence.ErrPending) {
		w.t.Errorf("before the log answered: %v", err)
	}
	_, err = w.log.Sequence(ctx)
	w.check(err)
	d, err := w.Deposit(ctx, m.state, m.keep)
	w.check(err)
	return d
}

func (w *world) bytes(o evidence.Object) []byte {
	w.t.Helper()
	r, err := w.vault.Open(w.t.Context(), o)
	w.check(err)
	defer r.Close()
	b, err := io.ReadAll(r)
	w.check(err)
	return b
}

func (w *world) roots() *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AddCert(w.ca.Root())
	return pool
}

func verify(b []byte, o deposit.Options) *evidence.Report {
	return deposit.Verify(bytes.NewReader(b), int64(len(b)), o)
}

func TestSealAndVerify(t *testing.T) {
	w := newWorld(t)
	d := w.sealed(2, 100_000)
	file := w.bytes(d.Container)
	for name, o := range map[string]deposit.Options{"trusting nobody else": {}, "own roots": {Roots: w.roots(), LogKeys: w.log.Keys()}} {
		report := verify(file, o)
		for _, c := range report.Failed() {
			t.Errorf("%s: %s: %s: %s", name, c.Code, c.Part, c.Text)
		}
		unknown := 0
		for _, c := range report.Checks {
			if c.Status == evidence.Unknown {
				unknown++
			}
			if testing.Verbose() {
				t.Logf("%s %s: %s", c.Status, c.Code, c.Text)
			}
		}
		if (o.Roots == nil) != (unknown > 0) {
			t.Errorf("%s: %d points left open", name, unknown)
		}
	}
	other := newWorld(t)
	report := verify(file, deposit.Options{Roots: other.roots(), LogKeys: other.log.Keys()})
	if len(report.Failed()) == 0 {
		t.Error("somebody else's roots and log are satisfied")
	}
	if want := w.clock.Now().AddDate(10, 0, 0); !d.Ends.Equal(want) || !d.Sealed.Equal(w.clock.Now()) {
		t.Errorf("sealed %v, ends %v", d.Sealed, d.Ends)
	}
	for id, k := range w.keys.All() {
		if k.Purpose == "signer" && k.Erased == nil {
			t.Errorf("key %s was not destroyed", id)
		}
	}
	_ = time.Second
}
