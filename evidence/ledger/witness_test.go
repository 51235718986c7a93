package ledger_test

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"inkwitness/evidence/ledger"
	"inkwitness/evidence/proof"
)

// asked are witnesses of whom need must confirm, and a checkpoint to be confirmed.
func asked(t *testing.T, need int, list ...*witness) (*ledger.Witnesses, func() error) {
	t.Helper()
	w := &ledger.Witnesses{Need: need}
	for _, one := range list {
		w.List = append(w.List, ledger.Witness{URL: one.server.URL, Keys: []proof.Key{one.signer.Key}})
	}
	log, err := proof.NewSigner("sign.example.com/log", proof.Ed25519, bytes.Repeat([]byte{9}, 32))
	if err != nil {
		t.Fatal(err)
	}
	c := proof.Checkpoint{Origin: log.Key.Name, Size: 1, Root: proof.LeafHash(nil)}
	c.Note.Text = proof.CheckpointText(c.Origin, c.Size, c.Root)
	sig, err := log.Sign(c, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	c.Note.Sigs = []proof.Sig{sig}
	return w, func() error {
		_, err := w.Cosign(t.Context(), c.Note.Marshal(), func(int64) ([]proof.Hash, error) { return nil, nil })
		return err
	}
}

// A witness that answers nobody keeps each deposit waiting for its time limit. Where
// the others are enough it is asked once in a while only, and at once where they are not.
func TestSilentWitnessKeepsNobodyWaiting(t *testing.T) {
	var silent atomic.Int32
	hole := newWitness(t, 2)
	hole.say(func(proof.Checkpoint) (int, string) {
		silent.Add(1)
		time.Sleep(1500 * time.Millisecond) // longer than the client waits
		return 503, ""
	})
	others := []*witness{newWitness(t, 0), newWitness(t, 1)}
	w, cosign := asked(t, 2, others[0], others[1], hole)
	w.Client = &http.Client{Timeout: 1200 * time.Millisecond}
	for range 3 {
		if err := cosign(); err != nil {
			t.Fatal(err)
		}
	}
	if n := silent.Load(); n != 1 {
		t.Errorf("the silent one was asked %d times", n)
	}
	if since := w.Away(hole.server.URL); since.IsZero() || time.Since(since) > time.Minute {
		t.Errorf("away since %v", since)
	}
	others[0].say(isDown)
	hole.say(confirms)
	if err := cosign(); err != nil {
		t.Errorf("where it is needed: %v", err)
	}
	if since := w.Away(hole.server.URL); !since.IsZero() {
		t.Errorf("it has answered, and is away since %v", since)
	}
	if w.Away(others[0].server.URL).IsZero() {
		t.Error("the one that is down now is not said to be away")
	}
}

// A witness sends nobody elsewhere: what is behind another address was not chosen.
func TestWitnessDoesNotRedirect(t *testing.T) {
	var followed atomic.Bool
	other := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { followed.Store(true) }))
	defer other.Close()
	one := newWitness(t, 0)
	w, cosign := asked(t, 0, one)
	moved := httptest.NewServer(http.RedirectHandler(other.URL, http.StatusTemporaryRedirect))
	defer moved.Close()
	w.List[0].URL = moved.URL
	if err := cosign(); err == nil || followed.Load() {
		t.Errorf("followed: %v, %v", followed.Load(), err)
	}
}

// A witness that refuses the first tree that it is shown has seen no other: it does
// not stop the log for all others.
func TestRefusedFirstTreeIsNoFork(t *testing.T) {
	strict := newWitness(t, 1)
	strict.say(func(proof.Checkpoint) (int, string) { return 422, "" })
	_, cosign := asked(t, 1, newWitness(t, 0), strict)
	if err := cosign(); err != nil {
		t.Error(err)
	}
}

// A deposit says for ten years on which day a witness confirmed. One whose clock is
// wrong does not count until it is right.
func TestWitnessesClock(t *testing.T) {
	now := time.Now()
	for name, c := range map[string]struct {
		at    time.Time
		holds bool
	}{
		"right":             {now, true},
		"minutes ahead":     {now.Add(50 * time.Minute), true},
		"hours ahead":       {now.Add(2 * time.Hour), false},
		"a day behind":      {now.AddDate(0, 0, -1), false},
		"no time at all":    {time.Unix(0, 0), false},
		"at the end of all": {time.Unix(1<<61, 0), false},
	} {
		one := newWitness(t, 0)
		w, cosign := asked(t, 0, one)
		w.Clock = fixed(now)
		one.say(func(p proof.Checkpoint) (int, string) {
			sig, err := one.signer.Sign(p, c.at)
			if err != nil {
				t.Error(err)
			}
			return 200, sig.Line()
		})
		if err := cosign(); (err == nil) != c.holds {
			t.Errorf("%s: %v", name, err)
		}
	}
}

type fixed time.Time

func (f fixed) Now() time.Time { return time.Time(f) }
