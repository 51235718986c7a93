package server

import (
	"bytes"
	"errors"
	"strings"
	"testing"

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
