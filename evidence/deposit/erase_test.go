package deposit_test

import (
	"bytes"
	"errors"
	"slices"
	"strings"
	"testing"

	"inkwitness/evidence"
	"inkwitness/evidence/deposit"
	"inkwitness/evidence/seal/sealtest"
)

func TestErasureOfOneSigner(t *testing.T) {
	w := sealtest.New(t)
	file := w.Bytes(w.Sealed(1, 500).Container)
	open := func(b []byte) *deposit.Container {
		c, err := deposit.Open(bytes.NewReader(b), int64(len(b)))
		w.Check(err)
		return c
	}
	erase := func(by *sealtest.World, id string, prefixes ...string) []byte {
		statement, err := open(file).Erase(id, "request 17 of the data subject", w.Clock.Now(), prefixes...)
		w.Check(err)
		signed, err := by.CA.SignErasure(t.Context(), statement, by.Config.Timestamper)
		w.Check(err)
		var b bytes.Buffer
		w.Check(open(file).WriteErased(t.Context(), &b, signed))
		return b.Bytes()
	}
	mine := []string{"data/capture/signer-1/", "data/comparison/signer-1.json"}
	erased := erase(w, "dep1", mine...)
	table := []byte("pressure_65535") // heads the points of each signer
	if before, after := bytes.Count(file, table), bytes.Count(erased, table); before != 2 || after != 1 {
		t.Errorf("strokes of %d signers are left of %d", after, before)
	}
	report := sealtest.Verify(erased, deposit.Options{Roots: w.Roots(), LogKeys: w.Ledger.Keys()})
	for _, c := range report.Failed() {
		t.Errorf("%s: %s: %s", c.Code, c.Part, c.Text)
	}
	if !slices.ContainsFunc(report.Checks, func(c evidence.Check) bool {
		return c.Code == deposit.CodeErased && c.Status == evidence.Holds && strings.Contains(c.Text, "on 2026-03-02, for this reason: request 17")
	}) {
		t.Error("the erasure is not reported")
	}
	c := open(erased)
	if _, err := c.Erase("dep1", "again", w.Clock.Now(), "data/contract-signed.pdf"); err != nil {
		t.Errorf("a second statement lost the first: %v", err)
	}
	if _, err := open(file).Erase("dep1", "x", w.Clock.Now(), "data/contract-signed.pdf", "META-INF/"); !errors.Is(err, evidence.ErrNotFound) {
		t.Errorf("the document can be erased: %v", err)
	}
	for name, b := range map[string][]byte{"signed by somebody else": erase(sealtest.New(t), "dep1", mine...), "of another deposit": erase(w, "dep2", mine...)} {
		report := sealtest.Verify(b, deposit.Options{Roots: w.Roots()})
		if !slices.ContainsFunc(report.Failed(), func(c evidence.Check) bool { return c.Code == deposit.CodeErased }) ||
			!slices.ContainsFunc(report.Failed(), func(c evidence.Check) bool { return c.Code == deposit.CodeMissing }) {
			t.Errorf("%s: %+v", name, report.Failed())
		}
	}
	at := bytes.Index(erased, []byte("request 17"))
	changed := bytes.Clone(erased)
	changed[at+8] = '9'
	if sealtest.Verify(changed, deposit.Options{}).Holds() {
		t.Error("a changed statement holds")
	}
}
