package server

import (
	"bytes"
	"crypto/x509"
	"testing"
	"time"

	"inkwitness/api/dispute"
	"inkwitness/api/dispute/report"
	"inkwitness/evidence/pdf"
	"inkwitness/evidence/seal/sealtest"
)

// TestReportsDifferInTheirSignatureOnly: the report of one case, made twice, is
// the same in every byte up to its signature's revision, and what follows differs
// only in the signature's value and its date.
func TestReportsDifferInTheirSignatureOnly(t *testing.T) {
	w := sealtest.New(t)
	signer := &reports{by: w.CA, timestamps: w.Config.Timestamper, clock: w.Clock}
	c := &dispute.Case{Words: dispute.Words{Reference: "2026-17", Question: "Who signed?"}, Changed: time.Date(2026, 11, 28, 9, 0, 0, 0, time.UTC)}
	signedReport := func() (plain, signed []byte) {
		var b bytes.Buffer
		if err := report.Write(&b, report.Input{Case: c, Language: "fr"}); err != nil {
			t.Fatal(err)
		}
		signed, err := signer.SignReport(t.Context(), b.Bytes(), c.Reference)
		if err != nil {
			t.Fatal(err)
		}
		return b.Bytes(), signed
	}
	plain, first := signedReport()
	_, second := signedReport()
	if !bytes.HasPrefix(first, plain) || !bytes.HasPrefix(second, plain) {
		t.Fatal("the signature changes the report under it")
	}
	if bytes.Equal(first, second) {
		t.Fatal("two signatures of two certificates are the same")
	}
	if a, b := hollow(t, first), hollow(t, second); !bytes.Equal(a, b) {
		t.Errorf("two reports of one case differ beside signature and date:\n%.300q\n%.300q", a[len(plain):], b[len(plain):])
	}
	roots := x509.NewCertPool()
	roots.AddCert(w.CA.Root())
	got, err := pdf.Verify(bytes.NewReader(first), int64(len(first)), pdf.Options{Roots: roots})
	if err != nil || !got.OK || len(got.Signatures) != 1 || !got.Signatures[0].WholeFile || got.Signatures[0].LevelName != "B-T" {
		t.Errorf("verified: %+v, %v", got, err)
	}
}

// hollow takes the signature's value and its date out of a signed report.
func hollow(t *testing.T, signed []byte) []byte {
	t.Helper()
	out := bytes.Clone(signed)
	for _, part := range []struct{ from, to string }{{"/Contents <", ">"}, {"/Contents<", ">"}, {"/M (", ")"}, {"/M(", ")"}} {
		i := bytes.LastIndex(out, []byte(part.from))
		if i < 0 {
			continue
		}
		i += len(part.from)
		n := bytes.Index(out[i:], []byte(part.to))
		if n < 0 {
			t.Fatalf("%s without %s", part.from, part.to)
		}
		out = append(out[:i], out[i+n:]...)
	}
	return out
}
