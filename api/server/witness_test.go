package server

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	"inkwitness/api/ceremony"
	"inkwitness/evidence"
	"inkwitness/evidence/deposit"
	"inkwitness/evidence/proof"
)

// A document waits for a witness that is gone, and the operator takes the witness out
// of the configuration: the document is sealed again, for the log as it is confirmed
// now.
func TestDocumentOutlivesItsWitness(t *testing.T) {
	p := preserveConfirmed(t, "sqlite")
	s := p.scene(t)
	s.must(s.Close())
	gone, err := proof.NewSigner("gone.example/w", proof.CosignEd, bytes.Repeat([]byte{1}, 32))
	s.must(err)
	s.c.Witnesses = []string{"http://127.0.0.1:1 " + gone.Key.String()}
	l := s.line()
	if err := l.Advance(t.Context(), p.id); !errors.Is(err, evidence.ErrPending) {
		t.Fatalf("while the witness is away: %v", err)
	}
	s.must(l.stop())

	s.c.Witnesses = nil
	l = s.line()
	s.must(l.Advance(t.Context(), p.id))
	s.must(l.Advance(t.Context(), p.id))
	s.must(l.stop())
	s.open()
	d := s.document()
	if d.State != ceremony.Completed {
		t.Fatalf("the document is %s", d.State)
	}
	raw := s.read(d.Deposit.Object)
	report := deposit.Verify(bytes.NewReader(raw), int64(len(raw)), s.p.trusted)
	if !report.Holds() {
		t.Errorf("the deposit: %+v", report.Failed())
	}
	for _, c := range report.Checks {
		if strings.Contains(c.Text, "gone.example") {
			t.Errorf("the deposit speaks of the witness that is gone: %s", c.Text)
		}
	}
	_, err = s.objects.Sweep(t.Context(), s.c.seams.clock.Now().AddDate(0, 0, 1), s.Store)
	s.must(err)
	r, err := s.checker().structure(t.Context())
	s.must(err)
	if !r.Sound() || len(r.Structure.Orphans) > 0 {
		t.Errorf("what is stored: %+v", r)
	}
	s.must(s.Close())
}

// What would let one witness count for two, or none at all, is refused at the start.
func TestWitnessesThatCannotBe(t *testing.T) {
	key := func(name string, a proof.Algorithm) string {
		s, err := proof.NewSigner(name, a, bytes.Repeat([]byte{byte(a)}, 32))
		if err != nil {
			t.Fatal(err)
		}
		return s.Key.String()
	}
	a, quantum, b := key("a.example/w", proof.CosignEd), key("a.example/w", proof.CosignMLDSA), key("b.example/w", proof.CosignEd)
	for name, c := range map[string]struct {
		list []string
		ok   bool
	}{
		"two, one with two keys":   {[]string{"https://a.example " + a + " " + quantum, "https://b.example " + b}, true},
		"without a key":            {[]string{"https://a.example"}, false},
		"not a key":                {[]string{"https://a.example key"}, false},
		"one twice":                {[]string{"https://a.example " + a, "https://a.example/again " + quantum}, false},
		"a key twice":              {[]string{"https://a.example " + a + " " + a}, false},
		"two names in one":         {[]string{"https://a.example " + a + " " + b}, false},
		"the log's key by mistake": {[]string{"https://a.example " + key("sign.example.com/log", proof.Ed25519)}, false},
	} {
		if _, _, err := openWitnesses(Config{Witnesses: c.list}); (err == nil) != c.ok {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// An operator sees which witness is away.
func TestWitnessAwayIsShown(t *testing.T) {
	k, err := proof.NewSigner("a.example/w", proof.CosignEd, bytes.Repeat([]byte{1}, 32))
	if err != nil {
		t.Fatal(err)
	}
	w, _, err := openWitnesses(Config{Witnesses: []string{"http://127.0.0.1:1 " + k.Key.String()}})
	if err != nil {
		t.Fatal(err)
	}
	registry := prometheus.NewRegistry()
	registry.MustRegister(watchWitnesses(w)...)
	away := func() float64 {
		t.Helper()
		all, err := registry.Gather()
		if err != nil || len(all) != 1 || all[0].GetName() != "inkwitness_log_witness_away_seconds" || all[0].Metric[0].Label[0].GetValue() != "a.example/w" {
			t.Fatalf("%v, %v", all, err)
		}
		return all[0].Metric[0].Gauge.GetValue()
	}
	if got := away(); got != 0 {
		t.Errorf("before it was asked: %v", got)
	}
	c := proof.Checkpoint{Origin: "log.example", Root: proof.EmptyRoot()}
	c.Note = proof.Note{Text: proof.CheckpointText(c.Origin, 0, c.Root), Sigs: []proof.Sig{{Name: "log.example", Raw: []byte{1}}}}
	if _, err := w.Cosign(t.Context(), c.Note.Marshal(), func(int64) ([]proof.Hash, error) { return nil, nil }); err == nil {
		t.Fatal("confirmed by nobody")
	}
	if got := away(); got <= 0 {
		t.Errorf("after it did not answer: %v", got)
	}
}
