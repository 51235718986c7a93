package monitor_test

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"inkwitness/evidence"
	"inkwitness/evidence/cmd/internal/monitor"
	"inkwitness/evidence/cmd/internal/witness"
	"inkwitness/evidence/evidencetest"
	"inkwitness/evidence/ledger"
	"inkwitness/evidence/proof"
)

const origin = "log.example/log"

// history is a log that holds the named entries, by the operator's own keys.
func history(t *testing.T, keys evidence.Keys, cosigner ledger.Cosigner, names []string) *ledger.Log {
	t.Helper()
	s := &evidencetest.LogStore{}
	l, err := ledger.Open(t.Context(), ledger.Config{Origin: origin, Outbox: s, Tiles: s, Keys: keys, Clock: &evidencetest.Clock{}, Cosigner: cosigner})
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range names {
		if err := s.Add(sha256.Sum256([]byte(n))); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := l.Sequence(t.Context()); err != nil && cosigner == nil {
		t.Fatal(err)
	}
	return l
}

func entries(n int) []string {
	all := make([]string, n)
	for i := range all {
		all[i] = fmt.Sprint("deposit ", i)
	}
	return all
}

// server serves the log that shown points at, with changed files in place of its own.
type server struct {
	shown   *ledger.Log
	changed map[string][]byte
	paths   []string // that were asked for
}

func (s *server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	path := strings.TrimPrefix(r.URL.Path, "/log/")
	s.paths = append(s.paths, path)
	b, ok := s.changed[path]
	if !ok {
		b = s.read(r, path)
	}
	if b == nil {
		http.NotFound(w, r)
		return
	}
	_, _ = w.Write(b)
}

func (s *server) read(r *http.Request, path string) []byte {
	var b []byte
	var err error
	if path == "checkpoint" {
		b, err = s.shown.Checkpoint(r.Context())
	} else {
		b, err = s.shown.Tile(r.Context(), path)
	}
	if err != nil {
		return nil
	}
	return b
}

func watch(t *testing.T, s *server, keys []proof.Key, witnesses ...string) *monitor.Monitor {
	t.Helper()
	srv := httptest.NewServer(s)
	t.Cleanup(srv.Close)
	m, err := monitor.New(monitor.Config{URL: srv.URL + "/log/", Keys: keys, Dir: t.TempDir(), Witnesses: witnesses})
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// An operator with all keys of the log rewrites its history. Every rewriting is
// refused by a witness (409 or 422) and found by a monitor.
func TestRewrittenHistory(t *testing.T) {
	past := entries(300)
	swapped := slices.Clone(past)
	swapped[10], swapped[200] = swapped[200], swapped[10]
	for name, told := range map[string][]string{
		"forked":    append(slices.Clone(past[:299]), "something else"),
		"reordered": append(swapped, "new"),
		"backdated": append([]string{"slipped in"}, past...),
		"dropped":   append(slices.Delete(slices.Clone(past), 150, 151), "new", "newer"),
		"cut":       past[:250],
		"emptied":   {},
	} {
		t.Run(name, func(t *testing.T) {
			keys, _ := evidencetest.Keys()
			honest := history(t, keys, nil, past)
			s := &server{shown: honest}
			m := watch(t, s, honest.Keys())
			if r, err := m.Check(t.Context()); err != nil || !r.Holds() {
				t.Fatalf("the honest log: %v, %+v", err, r.Failed())
			}
			w := newWitness(t, honest.Keys())
			if code := submit(t, w, 0, nil, honest); code != http.StatusOK {
				t.Fatalf("the witness answers the honest log with %d", code)
			}
			s.shown = history(t, keys, nil, told)
			r, err := m.Check(t.Context())
			if err != nil || r.Holds() {
				t.Fatalf("the monitor saw nothing: %v", err)
			}
			if len(told) > 0 {
				var path []proof.Hash
				if len(told) > len(past) {
					path, _ = s.shown.Consistency(t.Context(), int64(len(past)), int64(len(told)))
				}
				if code := submit(t, w, int64(len(past)), path, s.shown); code != http.StatusConflict && code != http.StatusUnprocessableEntity && code != http.StatusBadRequest {
					t.Errorf("the witness answers %d", code)
				}
			}
			s.shown = honest
			if r, err := m.Check(t.Context()); err != nil || !r.Holds() {
				t.Errorf("what was noted is gone: %v, %+v", err, r.Failed())
			}
		})
	}
}

func newWitness(t *testing.T, logKeys []proof.Key) http.Handler {
	t.Helper()
	signer, err := proof.NewSigner("witness.example/w", proof.CosignEd, bytes.Repeat([]byte{7}, 32))
	if err != nil {
		t.Fatal(err)
	}
	w, err := witness.New(witness.Config{Signers: []*proof.Signer{signer}, Logs: map[string][]proof.Key{origin: logKeys}, Dir: t.TempDir(), Clock: &evidencetest.Clock{}})
	if err != nil {
		t.Fatal(err)
	}
	return w.Handler(slog.New(slog.DiscardHandler))
}

func submit(t *testing.T, w http.Handler, old int64, path []proof.Hash, l *ledger.Log) int {
	t.Helper()
	checkpoint, err := l.Checkpoint(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	rec := httptest.NewRecorder()
	w.ServeHTTP(rec, httptest.NewRequest(http.MethodPost, "/add-checkpoint", bytes.NewReader(ledger.AddCheckpoint(old, path, checkpoint))))
	return rec.Code
}

// A log that shows the monitor another history than a witness is found even by a
// monitor that sees it for the first time.
func TestSplitView(t *testing.T) {
	keys, _ := evidencetest.Keys()
	honest := history(t, keys, nil, entries(20))
	w := newWitness(t, honest.Keys())
	if code := submit(t, w, 0, nil, honest); code != http.StatusOK {
		t.Fatal(code)
	}
	witnesses := httptest.NewServer(w)
	defer witnesses.Close()
	s := &server{shown: honest}
	if r, err := watch(t, s, honest.Keys(), witnesses.URL).Check(t.Context()); err != nil || !r.Holds() {
		t.Fatalf("the same view: %v, %+v", err, r.Failed())
	}
	s.shown = history(t, keys, nil, append(entries(19), "for you alone", "more"))
	if r, err := watch(t, s, honest.Keys(), witnesses.URL).Check(t.Context()); err != nil || r.Holds() {
		t.Errorf("another view: %v", err)
	}
	if _, err := watch(t, s, honest.Keys(), "http://127.0.0.1:1").Check(t.Context()); err == nil {
		t.Error("a witness that is away was passed over in silence")
	}
}

// 1,000 random changes of the log's files: none is missed.
func TestTamperings(t *testing.T) {
	keys, _ := evidencetest.Keys()
	l := history(t, keys, nil, entries(700))
	s := &server{shown: l}
	m := watch(t, s, l.Keys())
	if r, err := m.Check(t.Context()); err != nil || !r.Holds() {
		t.Fatalf("untouched: %v, %+v", err, r.Failed())
	}
	files := slices.Clone(s.paths)
	original := map[string][]byte{}
	for _, path := range files {
		original[path] = s.read(httptest.NewRequest(http.MethodGet, "/", nil), path)
	}
	rng := rand.New(rand.NewPCG(7, 7))
	for i := range 1000 {
		path := files[rng.IntN(len(files))]
		s.changed = map[string][]byte{path: tamper(rng, original[path])}
		if r, err := m.Check(t.Context()); err != nil || r.Holds() {
			t.Fatalf("change %d, of %s, was missed: %v", i, path, err)
		}
	}
}

// tamper flips a bit, cuts, doubles or moves.
func tamper(rng *rand.Rand, b []byte) []byte {
	c := bytes.Clone(b)
	at := rng.IntN(len(c))
	switch rng.IntN(4) {
	case 0:
		return c[:at]
	case 1:
		return append(c, c[at:]...)
	case 2:
		if other := (at + 1 + rng.IntN(len(c)-1)) % len(c); c[at] != c[other] {
			c[at], c[other] = c[other], c[at]
			return c
		}
	}
	c[at] ^= 1 << rng.IntN(8)
	return c
}
