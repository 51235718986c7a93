package witness_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"inkwitness/evidence"
	"inkwitness/evidence/cmd/internal/witness"
	"inkwitness/evidence/deposit"
	"inkwitness/evidence/evidencetest"
	"inkwitness/evidence/ledger"
	"inkwitness/evidence/proof"
	"inkwitness/evidence/seal"
	"inkwitness/evidence/seal/sealtest"
)

func newWitness(t *testing.T, name string, dir string, keys []proof.Key) (*witness.Witness, []proof.Key) {
	t.Helper()
	var signers []*proof.Signer
	var public []proof.Key
	for i, a := range []proof.Algorithm{proof.CosignEd, proof.CosignMLDSA} {
		s, err := proof.NewSigner(name, a, bytes.Repeat([]byte{byte(i + 1), name[0]}, 16))
		if err != nil {
			t.Fatal(err)
		}
		signers, public = append(signers, s), append(public, s.Key)
	}
	w, err := witness.New(witness.Config{Signers: signers, Logs: map[string][]proof.Key{keys[0].Name: keys}, Dir: dir, Clock: &evidencetest.Clock{}})
	if err != nil {
		t.Fatal(err)
	}
	return w, public
}

// log is a log of its own making; two with the same keys are a fork.
func newLog(t *testing.T, keys evidence.Keys, cosigner ledger.Cosigner) (*ledger.Log, *evidencetest.LogStore) {
	t.Helper()
	s := &evidencetest.LogStore{}
	l, err := ledger.Open(t.Context(), ledger.Config{Origin: "sign.example.com/log", Outbox: s, Tiles: s, Keys: keys, Clock: &evidencetest.Clock{}, Cosigner: cosigner})
	if err != nil {
		t.Fatal(err)
	}
	return l, s
}

func add(t *testing.T, l *ledger.Log, s *evidencetest.LogStore, name string, n int) error {
	t.Helper()
	for i := range n {
		if err := s.Add(evidence.Commit([32]byte{}, evidence.Digest([]byte(fmt.Sprintf("%-32s", fmt.Sprint(name, i)))))); err != nil {
			t.Fatal(err)
		}
	}
	_, err := l.Sequence(t.Context())
	return err
}

func TestTwoWitnessesAndAFork(t *testing.T) {
	keys, _ := evidencetest.Keys()
	plain, _ := newLog(t, keys, nil)
	var list ledger.Witnesses
	dirs := []string{t.TempDir(), t.TempDir()}
	var public []proof.Key
	for i, dir := range dirs {
		w, k := newWitness(t, fmt.Sprintf("%c.example/w", 'a'+i), dir, plain.Keys())
		srv := httptest.NewServer(w.Handler(slog.New(slog.DiscardHandler)))
		defer srv.Close()
		list.List = append(list.List, ledger.Witness{URL: srv.URL, Keys: k})
		public = append(public, k...)
	}
	l, s := newLog(t, keys, &list)
	for _, n := range []int{1, 3, 260} {
		if err := add(t, l, s, fmt.Sprint("honest", n), n); err != nil {
			t.Fatal(err)
		}
	}
	raw, err := l.Checkpoint(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	c, err := proof.ParseCheckpoint(raw)
	if err != nil {
		t.Fatal(err)
	}
	for _, k := range public {
		if at, err := c.Verify(k); err != nil || !at.Equal(evidencetest.Start) {
			t.Errorf("%s: %v, %v", k.Name, at, err)
		}
	}
	// a log that forgot its past: smaller, same size, larger
	for _, n := range []int{10, 264, 300} {
		fork, fs := newLog(t, keys, &ledger.Witnesses{List: list.List})
		if err := add(t, fork, fs, "fork", n); !errors.Is(err, ledger.ErrForked) {
			t.Errorf("fork of %d entries: %v", n, err)
		}
		if _, err := fork.Checkpoint(t.Context()); !errors.Is(err, evidence.ErrNotFound) {
			t.Errorf("fork of %d entries was published", n)
		}
	}
	// a restarted log process knows no sizes and learns them
	list2 := &ledger.Witnesses{List: list.List}
	if _, err := list2.Cosign(t.Context(), raw, func(old int64) ([]proof.Hash, error) { return l.Consistency(t.Context(), old, c.Size) }); err != nil {
		t.Errorf("restarted: %v", err)
	}
}

func TestOneWitnessDown(t *testing.T) {
	keys, _ := evidencetest.Keys()
	plain, _ := newLog(t, keys, nil)
	w, k := newWitness(t, "a.example/w", t.TempDir(), plain.Keys())
	srv := httptest.NewServer(w.Handler(slog.New(slog.DiscardHandler)))
	defer srv.Close()
	list := []ledger.Witness{{URL: srv.URL, Keys: k}, {URL: "http://127.0.0.1:1", Keys: k}}
	l, s := newLog(t, keys, &ledger.Witnesses{List: list})
	if err := add(t, l, s, "x", 1); err == nil {
		t.Error("published without the second witness")
	}
	l, s = newLog(t, keys, &ledger.Witnesses{List: list, Need: 1})
	if err := add(t, l, s, "x", 1); err != nil {
		t.Errorf("one is enough: %v", err)
	}
}

// The status codes of C2SP tlog-witness.
func TestStatusCodes(t *testing.T) {
	keys, _ := evidencetest.Keys()
	l, s := newLog(t, keys, nil)
	dir := t.TempDir()
	w, _ := newWitness(t, "a.example/w", dir, l.Keys())
	var notes [][]byte
	for i := range 3 {
		if err := add(t, l, s, fmt.Sprint("n", i), 2); err != nil {
			t.Fatal(err)
		}
		c, err := l.Checkpoint(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		notes = append(notes, c)
	}
	path := func(old, size int64) []proof.Hash {
		p, err := l.Consistency(t.Context(), old, size)
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	otherKeys, _ := evidencetest.Keys()
	stranger, ss := newLog(t, otherKeys, nil)
	if err := add(t, stranger, ss, "s", 2); err != nil {
		t.Fatal(err)
	}
	forged, err := stranger.Checkpoint(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name   string
		body   []byte
		status int
		text   string
	}{
		{"first", ledger.AddCheckpoint(0, nil, notes[0]), 200, "a.example/w"},
		{"again", ledger.AddCheckpoint(2, nil, notes[0]), 200, ""},
		{"old size", ledger.AddCheckpoint(0, nil, notes[1]), 409, "2\n"},
		{"bad proof", ledger.AddCheckpoint(2, path(4, 6), notes[1]), 422, ""},
		{"no proof", ledger.AddCheckpoint(2, nil, notes[1]), 422, ""},
		{"good proof", ledger.AddCheckpoint(2, path(2, 4), notes[1]), 200, ""},
		{"going back", ledger.AddCheckpoint(2, nil, notes[0]), 409, "4\n"},
		{"older than it says", ledger.AddCheckpoint(4, nil, notes[0]), 400, ""},
		{"stranger's key", ledger.AddCheckpoint(4, nil, forged), 403, ""},
		{"unknown log", ledger.AddCheckpoint(4, nil, bytes.ReplaceAll(notes[1], []byte("sign.example.com"), []byte("sing.example.com"))), 404, ""},
		{"rubbish", []byte("rubbish"), 400, ""},
		{"leading zero", bytes.Replace(ledger.AddCheckpoint(4, path(4, 6), notes[2]), []byte("old 4"), []byte("old 04"), 1), 400, ""},
		{"skip ahead", ledger.AddCheckpoint(4, path(4, 6), notes[2]), 200, ""},
	} {
		got, err := w.Add(c.body)
		if got.Status != c.status || !strings.Contains(string(got.Body), c.text) {
			t.Errorf("%s: status %d, want %d: %s %v", c.name, got.Status, c.status, got.Body, err)
		}
	}
	again, _ := newWitness(t, "a.example/w", dir, l.Keys())
	if got, _ := again.Add(ledger.AddCheckpoint(0, nil, notes[0])); got.Status != 409 || string(got.Body) != "6\n" {
		t.Errorf("after a restart: %d %s", got.Status, got.Body)
	}
	if last, ok := again.Last("sign.example.com/log"); !ok || !bytes.Equal(last, notes[2]) {
		t.Error("the newest checkpoint is not shown")
	}
}

func FuzzAdd(f *testing.F) {
	keys, _ := evidencetest.Keys()
	store := &evidencetest.LogStore{}
	l, err := ledger.Open(f.Context(), ledger.Config{Origin: "sign.example.com/log", Outbox: store, Tiles: store, Keys: keys, Clock: &evidencetest.Clock{}})
	if err != nil {
		f.Fatal(err)
	}
	s, err := proof.NewSigner("a.example/w", proof.CosignEd, make([]byte, 32))
	if err != nil {
		f.Fatal(err)
	}
	w, err := witness.New(witness.Config{Signers: []*proof.Signer{s}, Logs: map[string][]proof.Key{l.Origin(): l.Keys()}, Dir: f.TempDir(), Clock: &evidencetest.Clock{}})
	if err != nil {
		f.Fatal(err)
	}
	f.Add([]byte("old 0\n\nsign.example.com/log\n1\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n\n\u2014 a AAAAAAA=\n"))
	f.Fuzz(func(t *testing.T, body []byte) {
		if a, _ := w.Add(body); a.Status == 200 || a.Status == 500 {
			t.Errorf("status %d without the log's signature", a.Status)
		}
	})
}

// Of many that submit different trees after the same old one, one wins.
func TestRace(t *testing.T) {
	keys, _ := evidencetest.Keys()
	plain, _ := newLog(t, keys, nil)
	w, _ := newWitness(t, "a.example/w", t.TempDir(), plain.Keys())
	var mu sync.Mutex
	won := 0
	var wg sync.WaitGroup
	for i := range 16 {
		l, s := newLog(t, keys, nil)
		if err := add(t, l, s, fmt.Sprint("racer", i), i+1); err != nil {
			t.Fatal(err)
		}
		c, err := l.Checkpoint(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		wg.Go(func() {
			if a, _ := w.Add(ledger.AddCheckpoint(0, nil, c)); a.Status == 200 {
				mu.Lock()
				defer mu.Unlock()
				won++
			}
		})
	}
	wg.Wait()
	if won != 1 {
		t.Errorf("%d trees were confirmed", won)
	}
}

// A deposit whose place in the log was confirmed by two witnesses, or by one
// while the other is down and one is enough.
func TestDepositWithWitnesses(t *testing.T) {
	for _, up := range []int{2, 1} {
		list := &ledger.Witnesses{Need: 1}
		var public []proof.Key
		w := sealtest.NewWitnessed(t, func(logKeys []proof.Key) ledger.Cosigner {
			for i, name := range []string{"a.example/w", "b.example/w"} {
				one, keys := newWitness(t, name, t.TempDir(), logKeys)
				srv := httptest.NewServer(one.Handler(slog.New(slog.DiscardHandler)))
				t.Cleanup(srv.Close)
				if i >= up {
					srv.Close()
				}
				list.List = append(list.List, ledger.Witness{URL: srv.URL, Keys: keys[:1]})
				public = append(public, keys[0])
			}
			return list
		})
		w.Config.Witnesses, w.Config.Need = public, 1
		var err error
		w.Sealer, err = seal.New(w.Config)
		w.Check(err)
		file := w.Bytes(w.Sealed(1, 500).Container)
		report := sealtest.Verify(file, deposit.Options{LogKeys: public[:1]})
		for _, c := range report.Failed() {
			t.Errorf("%d witnesses: %s: %s", up, c.Code, c.Text)
		}
		text := fmt.Sprint(report.Checks)
		if got := strings.Count(text, "witness a.example/w (Ed25519)") + strings.Count(text, "witness b.example/w (Ed25519)"); got != up {
			t.Errorf("%d witnesses are named, want %d", got, up)
		}
		if up == 1 && sealtest.Verify(file, deposit.Options{LogKeys: public[1:]}).Holds() {
			t.Error("the witness that was down is said to have confirmed")
		}
	}
}
