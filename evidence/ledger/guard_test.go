package ledger_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"inkwitness/evidence"
	"inkwitness/evidence/evidencetest"
	"inkwitness/evidence/ledger"
	"inkwitness/evidence/proof"
)

// witness answers add-checkpoint with what a test says, and by confirming where it
// says nothing.
type witness struct {
	server *httptest.Server
	signer *proof.Signer
	answer atomic.Pointer[func(proof.Checkpoint) (status int, body string)]
}

// say sets the answer; status 0 is none.
func (w *witness) say(answer func(proof.Checkpoint) (status int, body string)) {
	w.answer.Store(&answer)
}

func confirms(proof.Checkpoint) (int, string) { return 0, "" }

func isDown(proof.Checkpoint) (int, string) { return 503, "" }

func newWitness(t *testing.T, n int) *witness {
	t.Helper()
	s, err := proof.NewSigner(fmt.Sprintf("w%d.example/ink", n), proof.CosignEd, bytes.Repeat([]byte{byte(n + 1)}, 32))
	if err != nil {
		t.Fatal(err)
	}
	w := &witness{signer: s}
	w.say(confirms)
	w.server = httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		_, note, _ := bytes.Cut(body, []byte("\n\n"))
		c, err := proof.ParseCheckpoint(note)
		if err != nil {
			t.Error(err)
		}
		if status, body := (*w.answer.Load())(c); status != 0 {
			rw.WriteHeader(status)
			_, _ = io.WriteString(rw, body)
			return
		}
		sig, err := s.Sign(c, time.Now())
		if err != nil {
			t.Error(err)
		}
		_, _ = io.WriteString(rw, sig.Line())
	}))
	t.Cleanup(w.server.Close)
	return w
}

// instances are n logs of one service over one store, with three witnesses of whom
// two are needed.
func instances(t *testing.T, n int) (*evidencetest.LogStore, *evidencetest.Clock, []*ledger.Log, []*witness) {
	t.Helper()
	s, clock := &evidencetest.LogStore{}, &evidencetest.Clock{}
	keys, _ := evidencetest.Keys()
	var all []*witness
	for i := range 3 {
		all = append(all, newWitness(t, i))
	}
	var logs []*ledger.Log
	for i := range n {
		asked := &ledger.Witnesses{Need: 2}
		for _, w := range all {
			asked.List = append(asked.List, ledger.Witness{URL: w.server.URL, Keys: []proof.Key{w.signer.Key}})
		}
		l, err := ledger.Open(t.Context(), ledger.Config{Origin: "sign.example.com/log", Outbox: s, Tiles: s, Keys: keys, Clock: clock,
			Cosigner: asked, Guard: s.Guard(fmt.Sprint("instance", i)), Interval: time.Millisecond})
		if err != nil {
			t.Fatal(err)
		}
		logs = append(logs, l)
	}
	return s, clock, logs, all
}

// TestForkStopsPublishing: one witness that has seen another history stops
// publishing, though enough others confirm, for all instances and after a restart,
// until somebody says that it goes on.
func TestForkStopsPublishing(t *testing.T) {
	for name, fork := range map[string]func(proof.Checkpoint) (int, string){
		"proof refused":                   func(proof.Checkpoint) (int, string) { return 422, "" },
		"same size, other root":           func(c proof.Checkpoint) (int, string) { return 409, fmt.Sprintln(c.Size) },
		"larger than what there is of it": func(c proof.Checkpoint) (int, string) { return 409, fmt.Sprintln(c.Size + 1) },
	} {
		t.Run(name, func(t *testing.T) {
			s, _, logs, witnesses := instances(t, 2)
			add(t, s, 0, 3)
			sequence(t, logs[0], 3)
			witnesses[2].say(fork)
			add(t, s, 3, 5)
			if _, err := logs[0].Sequence(t.Context()); !errors.Is(err, ledger.ErrForked) || !logs[0].Forked() {
				t.Fatalf("a fork: %v", err)
			}
			witnesses[2].say(isDown) // it says no more
			_ = s.Guard("instance0").Yield(t.Context())
			if _, err := logs[1].Sequence(t.Context()); !errors.Is(err, ledger.ErrForked) {
				t.Errorf("another instance goes on: %v", err)
			}
			if h, err := s.Head(t.Context()); err != nil || h.PublishedSize != 3 {
				t.Errorf("published %d, %v", h.PublishedSize, err)
			}
			if _, err := logs[0].Proof(t.Context(), commitment(4)); !errors.Is(err, evidence.ErrPending) {
				t.Errorf("a proof against what is not published: %v", err)
			}
			s.Resume()
			sequence(t, logs[1], 0)
			verify(t, logs[0], 4)
		})
	}
}

// forgetful is a guard that fails to note a fork, once.
type forgetful struct {
	ledger.Guard
	failed bool
}

func (f *forgetful) Fork(ctx context.Context, at time.Time) error {
	if !f.failed {
		f.failed = true
		return errors.New("the database is away")
	}
	return f.Guard.Fork(ctx, at)
}

// TestForkIsNotForgotten: a fork that could not be noted stops publishing all the
// same, and is noted later.
func TestForkIsNotForgotten(t *testing.T) {
	s := &evidencetest.LogStore{}
	keys, _ := evidencetest.Keys()
	answer := &counting{err: ledger.ErrForked}
	l, err := ledger.Open(t.Context(), ledger.Config{Origin: "o", Outbox: s, Tiles: s, Keys: keys, Clock: &evidencetest.Clock{},
		Cosigner: answer, Guard: &forgetful{Guard: s.Guard("one")}})
	if err != nil {
		t.Fatal(err)
	}
	add(t, s, 0, 1)
	for range 2 {
		if _, err := l.Sequence(t.Context()); !errors.Is(err, ledger.ErrForked) || !l.Forked() {
			t.Errorf("a fork: %v", err)
		}
	}
	if forked, err := s.Guard("two").Forked(t.Context()); !forked || err != nil || answer.n != 1 {
		t.Errorf("noted %v, %v; the witnesses were asked %d times", forked, err, answer.n)
	}
}

// TestEveryInstanceLearnsThatItGoesOn: an instance that saw the fork and does not
// lead any more says no longer that the log is stopped, once it goes on.
func TestEveryInstanceLearnsThatItGoesOn(t *testing.T) {
	s, _, logs, witnesses := instances(t, 2)
	add(t, s, 0, 1)
	sequence(t, logs[0], 1)
	witnesses[0].say(func(proof.Checkpoint) (int, string) { return 422, "" })
	add(t, s, 1, 2)
	if _, err := logs[0].Sequence(t.Context()); !errors.Is(err, ledger.ErrForked) {
		t.Fatalf("a fork: %v", err)
	}
	_ = s.Guard("instance0").Yield(t.Context())
	witnesses[0].say(confirms)
	s.Resume()
	sequence(t, logs[1], 0)
	sequence(t, logs[0], 0)
	if logs[0].Forked() || logs[1].Forked() {
		t.Errorf("stopped still: %v, %v", logs[0].Forked(), logs[1].Forked())
	}
}

// TestOvertakenIsNoFork: a witness that has seen more, through another instance,
// is no fork where the tree is really there; the next turn goes on from it.
func TestOvertakenIsNoFork(t *testing.T) {
	s, _, logs, witnesses := instances(t, 2)
	add(t, s, 0, 3)
	sequence(t, logs[0], 3)
	add(t, s, 3, 5)
	witnesses[1].say(func(proof.Checkpoint) (int, string) {
		witnesses[1].say(confirms)
		add(t, s, 5, 6) // meanwhile the other one has a larger tree confirmed
		if err := s.Guard("instance0").Yield(t.Context()); err != nil {
			t.Error(err)
		}
		if n, err := logs[1].Sequence(t.Context()); n != 1 || err != nil {
			t.Errorf("the other instance: %d, %v", n, err)
		}
		return 409, "6\n"
	})
	if _, err := logs[0].Sequence(t.Context()); !errors.Is(err, evidence.ErrConflict) || errors.Is(err, ledger.ErrForked) || logs[0].Forked() {
		t.Fatalf("overtaken: %v", err)
	}
	add(t, s, 6, 7)
	if err := s.Guard("instance1").Yield(t.Context()); err != nil {
		t.Fatal(err)
	}
	sequence(t, logs[0], 1)
	for i := range 7 {
		verify(t, logs[0], i)
	}
}

// TestOneInstanceLeads: another takes over when the leader ends or fails, and when
// it has said nothing for its term.
func TestOneInstanceLeads(t *testing.T) {
	s, clock, logs, witnesses := instances(t, 2)
	follows := func(l *ledger.Log) {
		t.Helper()
		if n, err := l.Sequence(t.Context()); n != 0 || !errors.Is(err, evidence.ErrConflict) {
			t.Errorf("the one that does not lead sequenced %d, %v", n, err)
		}
	}
	add(t, s, 0, 1)
	sequence(t, logs[0], 1)
	add(t, s, 1, 2)
	follows(logs[1])
	sequence(t, logs[0], 1)

	add(t, s, 2, 3) // the leader has stopped without a word
	clock.Advance(29 * time.Second)
	follows(logs[1])
	clock.Advance(2 * time.Second)
	sequence(t, logs[1], 1)
	add(t, s, 3, 4)
	follows(logs[0])
	clock.Advance(20 * time.Second)
	sequence(t, logs[1], 1) // which prolongs its term
	add(t, s, 4, 5)
	clock.Advance(20 * time.Second)
	follows(logs[0])

	run := func(l *ledger.Log) (stop func()) {
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- l.Run(ctx) }()
		return func() { cancel(); <-done }
	}
	wait := func(what string, ready func() bool) {
		t.Helper()
		for end := time.Now().Add(30 * time.Second); !ready(); time.Sleep(time.Millisecond) {
			if time.Now().After(end) {
				t.Fatalf("never: %s", what)
			}
		}
	}
	published := func(n int64) func() bool {
		return func() bool {
			h, err := s.Head(t.Context())
			return err == nil && h.PublishedSize == n
		}
	}
	stop := run(logs[1])
	wait("the leader publishes", published(5))
	stop() // which leaves the turn to the other
	add(t, s, 5, 6)
	sequence(t, logs[0], 1)

	witnesses[0].say(isDown)
	witnesses[1].say(isDown)
	add(t, s, 6, 7)
	defer run(logs[0])()
	wait("the other tries where the leader fails", func() bool {
		_, err := logs[1].Sequence(t.Context())
		return err != nil && !errors.Is(err, evidence.ErrConflict)
	})
	witnesses[0].say(confirms)
	wait("what was not confirmed is published", func() bool {
		_, err := logs[1].Sequence(t.Context())
		return err == nil && published(7)()
	})
}
