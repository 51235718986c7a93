package monitor_test

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"inkwitness/evidence"
	"inkwitness/evidence/cmd/internal/check"
	"inkwitness/evidence/cmd/internal/monitor"
	"inkwitness/evidence/evidencetest"
	"inkwitness/evidence/ledger"
)

// scene is a log, a witness, and a monitor that asks it.
type scene struct {
	*monitor.Monitor
	shown   *server
	witness http.Handler
	dir     string
}

func newScene(t *testing.T, shown *ledger.Log) *scene {
	t.Helper()
	s := &scene{shown: &server{shown: shown}, witness: newWitness(t, shown.Keys()), dir: t.TempDir()}
	log := httptest.NewServer(s.shown)
	witness := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { s.witness.ServeHTTP(w, r) }))
	t.Cleanup(log.Close)
	t.Cleanup(witness.Close)
	var err error
	if s.Monitor, err = monitor.New(monitor.Config{URL: log.URL + "/log/", Keys: shown.Keys(), Dir: s.dir, Witnesses: []string{witness.URL}}); err != nil {
		t.Fatal(err)
	}
	return s
}

// look checks once and returns the codes that fail, and those that are open.
func (s *scene) look(t *testing.T) (fails, open []string) {
	t.Helper()
	r, err := s.Check(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range r.Checks {
		switch c.Status {
		case "fails":
			fails = append(fails, c.Code)
		case "unknown":
			open = append(open, c.Code)
		}
	}
	return fails, open
}

func (s *scene) files(t *testing.T, pattern string) []string {
	t.Helper()
	all, err := filepath.Glob(filepath.Join(s.dir, pattern))
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// A witness confirms before the log publishes, and the log waits for other witnesses,
// for days perhaps: that is no fork. What the witness confirmed must be shown within a
// day, and be what comes then.
func TestWitnessIsAhead(t *testing.T) {
	keys, _ := evidencetest.Keys()
	five, eight := history(t, keys, nil, entries(5)), history(t, keys, nil, entries(8))
	confirmed := func(t *testing.T) *scene {
		s := newScene(t, five)
		if code := submit(t, s.witness, 0, nil, eight); code != http.StatusOK {
			t.Fatal(code)
		}
		for range 2 {
			if fails, open := s.look(t); len(fails) > 0 || !slices.Contains(open, check.CodeLogAhead) {
				t.Fatalf("fails %v, open %v", fails, open)
			}
		}
		return s
	}
	t.Run("then shown", func(t *testing.T) {
		s := confirmed(t)
		s.shown.shown = eight
		if fails, open := s.look(t); len(fails)+len(open) > 0 || len(s.files(t, "*.ahead")) > 0 {
			t.Errorf("fails %v, open %v, kept %v", fails, open, s.files(t, "*.ahead"))
		}
	})
	t.Run("another is shown", func(t *testing.T) {
		s := confirmed(t)
		s.witness = http.NotFoundHandler() // it says no more
		s.shown.shown = history(t, keys, nil, append(entries(5), "another", "and another", "and one more"))
		if fails, _ := s.look(t); !slices.Contains(fails, check.CodeLogFork) {
			t.Errorf("fails %v", fails)
		}
	})
	t.Run("never shown", func(t *testing.T) {
		s := confirmed(t)
		for _, f := range s.files(t, "*.ahead") {
			long := time.Now().Add(-25 * time.Hour)
			if err := os.Chtimes(f, long, long); err != nil {
				t.Fatal(err)
			}
		}
		if fails, _ := s.look(t); !slices.Contains(fails, check.CodeLogAhead) {
			t.Errorf("fails %v", fails)
		}
	})
}

// Both sides of a fork are kept: signed by the log, they prove it to others.
func TestBothSidesAreKept(t *testing.T) {
	keys, _ := evidencetest.Keys()
	honest := history(t, keys, nil, entries(5))
	s := newScene(t, honest)
	if fails, _ := s.look(t); len(fails) > 0 {
		t.Fatal(fails)
	}
	forked := history(t, keys, nil, append(entries(4), "another"))
	s.shown.shown = forked
	for range 2 {
		if fails, _ := s.look(t); !slices.Contains(fails, check.CodeLogFork) {
			t.Errorf("fails %v", fails)
		}
	}
	var kept [][]byte
	for _, f := range s.files(t, "fork-*.checkpoint") {
		b, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		kept = append(kept, b)
	}
	for _, l := range []*ledger.Log{honest, forked} {
		c, err := l.Checkpoint(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if len(kept) != 2 || !slices.ContainsFunc(kept, func(b []byte) bool { return bytes.Equal(b, c) }) {
			t.Errorf("%d are kept, and not\n%.90s", len(kept), c)
		}
	}
}

// A witness, or whoever answers in its place, cannot accuse a log with a checkpoint
// that the log never signed.
func TestNobodyAccusesWithoutTheLogsSignature(t *testing.T) {
	keys, _ := evidencetest.Keys()
	others, _ := evidencetest.Keys()
	s := newScene(t, history(t, keys, nil, entries(5)))
	made, err := history(t, others, nil, []string{"invented"}).Checkpoint(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	s.witness = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(made) })
	if r, err := s.Check(t.Context()); err == nil {
		t.Errorf("believed: %+v", r.Checks)
	}
}

// While a witness is away the log is looked at all the same, and what the monitor has
// noted and kept itself counts.
func TestLogIsWatchedWithoutAWitness(t *testing.T) {
	keys, _ := evidencetest.Keys()
	s := newScene(t, history(t, keys, nil, entries(5)))
	s.look(t)
	s.witness = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusBadGateway) })
	s.shown.shown = history(t, keys, nil, entries(6))
	if r, err := s.Check(t.Context()); err == nil || r == nil || !r.Holds() {
		t.Fatalf("the log grew: %v, %+v", err, r)
	}
	s.shown.shown = history(t, keys, nil, append(entries(5), "another"))
	r, err := s.Check(t.Context())
	if err == nil || r == nil || !slices.ContainsFunc(r.Failed(), func(c evidence.Check) bool { return c.Code == check.CodeLogFork }) {
		t.Errorf("the log forked: %v, %+v", err, r)
	}
	if n := len(s.files(t, "fork-*.checkpoint")); n != 2 {
		t.Errorf("%d checkpoints are kept as proof", n)
	}
}

// A log that has published nothing yet, to anybody, has done nothing wrong.
func TestEmptyLogIsNoFork(t *testing.T) {
	keys, _ := evidencetest.Keys()
	s := newScene(t, history(t, keys, nil, nil))
	if r, err := s.Check(t.Context()); err == nil || r != nil {
		t.Errorf("%v, %+v", err, r)
	}
}
