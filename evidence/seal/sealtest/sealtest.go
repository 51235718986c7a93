// Package sealtest is a whole service but for its ceremony and its database:
// real vault, authority, timestamps and log over a temporary directory, and the
// way from a document to a deposit. Only tests import it.
package sealtest

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
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"inkwitness/capture"
	"inkwitness/capture/archive/archivetest"
	"inkwitness/evidence"
	"inkwitness/evidence/deposit"
	"inkwitness/evidence/evidencetest"
	"inkwitness/evidence/ledger"
	"inkwitness/evidence/pdf/page"
	"inkwitness/evidence/proof"
	"inkwitness/evidence/seal"
	"inkwitness/evidence/trust"
	"inkwitness/evidence/tsa"
	"inkwitness/evidence/vault"
)

type serials struct{ n atomic.Int64 }

func (s *serials) NextSerial(_ context.Context, now time.Time) (int64, time.Time, error) {
	return s.n.Add(1), now.Truncate(time.Millisecond), nil
}

// World is a whole service but for its ceremony and its database.
type World struct {
	t        testing.TB
	Clock    *evidencetest.Clock
	Vault    *vault.Vault
	KeyStore *evidencetest.KeyStore
	Keys     *vault.Keyring
	CA       *trust.Local
	Ledger   *ledger.Log
	LogStore *evidencetest.LogStore
	Config   seal.Config
	serials  serials
	*seal.Sealer
}

// New returns a service that has just been started for the first time.
func New(t testing.TB) *World { return NewWitnessed(t, nil) }

// NewWitnessed returns one whose log asks witnesses.
func NewWitnessed(t testing.TB, cosigner func(logKeys []proof.Key) ledger.Cosigner) *World {
	t.Helper()
	w := &World{t: t, Clock: &evidencetest.Clock{}, LogStore: &evidencetest.LogStore{}}
	blobs, err := vault.OpenDir(t.TempDir())
	w.Check(err)
	keys, store := evidencetest.Keys()
	w.KeyStore, w.Keys = store, keys
	w.Vault, err = vault.New(vault.Config{Blobs: blobs, Keys: keys, Clock: w.Clock})
	w.Check(err)
	w.CA, err = trust.Open(t.Context(), trust.Config{Keys: keys, Clock: w.Clock})
	w.Check(err)
	log := ledger.Config{Origin: "sign.example.com/log", Outbox: w.LogStore, Tiles: w.LogStore, Keys: keys, Clock: w.Clock}
	w.Ledger, err = ledger.Open(t.Context(), log)
	w.Check(err)
	if cosigner != nil {
		log.Cosigner = cosigner(w.Ledger.Keys())
		w.Ledger, err = ledger.Open(t.Context(), log)
		w.Check(err)
	}
	w.Config = seal.Config{Vault: w.Vault, Provider: w.CA, Own: w.CA.Seals(), Revoker: w.CA, Log: w.Ledger, Clock: w.Clock,
		Roots: []*x509.Certificate{w.CA.Root()}, Service: "Inkwitness test"}
	stamps, err := tsa.New(tsa.Config{Credential: w.CA.Timestamping, Serials: &w.serials, Clock: w.Clock})
	w.Check(err)
	w.Config.Timestamper = stamps
	w.Sealer, err = seal.New(w.Config)
	w.Check(err)
	return w
}

// StampOutside makes the service ask an outside timestamp authority, with a
// root of its own, as well.
func (w *World) StampOutside() {
	w.t.Helper()
	keys, _ := evidencetest.Keys()
	other, err := trust.Open(w.t.Context(), trust.Config{Keys: keys, Clock: w.Clock, Organisation: "Elsewhere"})
	w.Check(err)
	w.Config.Outside, err = tsa.New(tsa.Config{Credential: other.Timestamping, Serials: &w.serials, Clock: w.Clock})
	w.Check(err)
	w.Config.Others = append(w.Config.Others, other.Root())
	w.Sealer, err = seal.New(w.Config)
	w.Check(err)
}

// Cosigners are witnesses that confirm whatever they are asked. They implement
// ledger.Cosigner.
type Cosigners struct {
	Clock   capture.Clock
	Signers []*proof.Signer
}

// Cosign implements ledger.Cosigner.
func (c *Cosigners) Cosign(_ context.Context, checkpoint []byte, _ func(int64) ([]proof.Hash, error)) ([]byte, error) {
	parsed, err := proof.ParseCheckpoint(checkpoint)
	if err != nil {
		return nil, err
	}
	for _, s := range c.Signers {
		sig, err := s.Sign(parsed, c.Clock.Now())
		if err != nil {
			return nil, err
		}
		parsed.Note.Sigs = append(parsed.Note.Sigs, sig)
	}
	return parsed.Note.Marshal(), nil
}

// NewComplete returns a service with everything that a deposit can carry: an
// outside timestamp, and two witnesses whose confirmation is needed.
func NewComplete(t testing.TB) *World {
	t.Helper()
	c := &Cosigners{Clock: &evidencetest.Clock{}}
	for i, a := range []proof.Algorithm{proof.CosignEd, proof.CosignMLDSA} {
		s, err := proof.NewSigner(fmt.Sprintf("witness%d.example.org/ink", i+1), a, bytes.Repeat([]byte{byte(i + 1)}, 32))
		if err != nil {
			t.Fatal(err)
		}
		c.Signers = append(c.Signers, s)
	}
	w := NewWitnessed(t, func([]proof.Key) ledger.Cosigner { return c })
	for _, s := range c.Signers {
		w.Config.Witnesses = append(w.Config.Witnesses, s.Key)
	}
	w.Config.Need = 2
	w.StampOutside()
	return w
}

// Check ends the test on an error.
func (w *World) Check(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

// Put stores bytes.
func (w *World) Put(key, subject string, data []byte) evidence.Object {
	w.t.Helper()
	o, err := w.Vault.Put(w.t.Context(), evidence.Meta{Key: key, Class: evidence.ClassDeposit, Reason: "test", Subject: subject, Deposit: "dep1",
		DeleteAfter: w.Clock.Now().AddDate(10, 0, 0)}, bytes.NewReader(data))
	w.Check(err)
	return o
}

// Contract stores a document without signatures.
func (w *World) Contract(pages int) evidence.Object {
	d := page.New(page.Config{Title: "Contract", Created: w.Clock.Now()})
	for i := range pages {
		d.Heading(1, fmt.Sprintf("Contract, page %d", i+1))
		d.Paragraph(strings.Repeat("The parties agree on the following. ", 40))
		if i+1 < pages {
			d.Break()
		}
	}
	var b bytes.Buffer
	w.Check(d.Write(&b))
	return w.Put("source/contract.pdf", "dep1", b.Bytes())
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

// People sign in this order.
var People = []seal.Person{{ID: "signer-1", Subject: "sub1", Name: "Zoë 王小明", Email: "zoe@example.com"}, {ID: "signer-2", Subject: "sub2", Name: "Ada Lovelace"}}

// Signing asks for the signature of person i.
func (w *World) Signing(i int, current evidence.Object) seal.Signing {
	in := seal.Signing{Deposit: "dep1", Title: "A contract", Current: current, Signer: People[i], Fields: []string{fmt.Sprintf("Signature%d", i+1)},
		Handwriting: scribble(), Reason: "I agree"}
	if i == 0 {
		for k := range People {
			in.Prepare = append(in.Prepare, seal.Field{Name: fmt.Sprintf("Signature%d", k+1), Page: 1, X: 60 + 240*float64(k), Y: 600, Width: 180, Height: 60})
		}
	}
	return in
}

// recordings are what the service keeps of a signature, made once for each size.
var recordings struct {
	sync.Mutex
	files map[recordingKey][]recordingFile
}

type recordingKey struct {
	session capture.SessionID
	size    int
}

type recordingFile struct {
	name string
	data []byte
}

// keptSize is the largest recording that is kept for the next deposit.
const keptSize = 16 << 20

// recording stores a recording of the given size: half of it is the video as it was
// recorded, half the same to be looked at.
func (w *World) recording(i int, p seal.Person, size int) (files []seal.File) {
	w.t.Helper()
	recordings.Lock()
	defer recordings.Unlock()
	key := recordingKey{capture.SessionID(fmt.Sprintf("%032x", i+1)), size}
	made, ok := recordings.files[key]
	if !ok {
		for _, f := range archivetest.Make(w.t, key.session, int64(size)/2).Files {
			var b bytes.Buffer
			w.Check(f.Write(&b))
			made = append(made, recordingFile{f.Name, b.Bytes()})
		}
	}
	if recordings.files == nil {
		recordings.files = map[recordingKey][]recordingFile{}
	}
	if size <= keptSize {
		recordings.files[key] = made
	}
	for _, f := range made {
		files = append(files, seal.File{Name: f.name, Object: w.Put("captures/"+p.ID+"/"+f.name, p.Subject, f.data)})
	}
	return files
}

// Contents is what was recorded, with recordings of the given size.
func (w *World) Contents(document evidence.Object, video int) seal.Contents {
	in := seal.Contents{Deposit: "dep1", Title: "A contract", Document: document}
	for i, p := range People {
		in.Signers = append(in.Signers, seal.Signed{Person: p, Field: fmt.Sprintf("Signature%d", i+1), SignedAt: w.Clock.Now(), Finding: "consistent with the references",
			Recording:  w.recording(i, p, video),
			Comparison: json.RawMessage(`{"score":0.93}`), Consents: json.RawMessage(`[{"purpose":"handwriting","given":true}]`), Device: json.RawMessage(`{"pointer":"pen"}`)})
	}
	for i := range 5 {
		in.Audit = append(in.Audit, json.RawMessage(fmt.Sprintf(`{"kind":"event","n":%d}`, i)))
	}
	return in
}

// Memory keeps the newest state, as the ceremony's database does.
type Memory struct{ State []byte }

// Keep implements seal.Keep.
func (m *Memory) Keep(_ context.Context, state []byte) error {
	m.State = bytes.Clone(state)
	return nil
}

// Signed is a contract that everybody has signed.
func (w *World) Signed(pages int) evidence.Object {
	w.t.Helper()
	current := w.Contract(pages)
	for i := range People {
		var m Memory
		var err error
		current, err = w.Sign(w.t.Context(), w.Signing(i, current), nil, m.Keep)
		w.Check(err)
	}
	return current
}

// Sealed takes a deposit through every step without trouble.
func (w *World) Sealed(pages, video int) evidence.Deposit {
	w.t.Helper()
	ctx := w.t.Context()
	var m Memory
	c, err := w.Commit(ctx, w.Contents(w.Signed(pages), video), nil, m.Keep)
	w.Check(err)
	w.Check(w.LogStore.Add(c))
	if _, err := w.Deposit(ctx, m.State, m.Keep); !errors.Is(err, evidence.ErrPending) {
		w.t.Errorf("before the log answered: %v", err)
	}
	_, err = w.Ledger.Sequence(ctx)
	w.Check(err)
	d, err := w.Deposit(ctx, m.State, m.Keep)
	w.Check(err)
	return d
}

// Bytes reads an object.
func (w *World) Bytes(o evidence.Object) []byte {
	w.t.Helper()
	r, err := w.Vault.Open(w.t.Context(), o)
	w.Check(err)
	defer r.Close()
	b, err := io.ReadAll(r)
	w.Check(err)
	return b
}

// Roots are those of this service.
func (w *World) Roots() *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AddCert(w.CA.Root())
	return pool
}

// Verify checks a deposit.
func Verify(b []byte, o deposit.Options) *evidence.Report {
	return deposit.Verify(bytes.NewReader(b), int64(len(b)), o)
}
