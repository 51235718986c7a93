package deposit_test

import (
	"bytes"
	"context"
	"crypto"
	"io"
	"slices"
	"testing"
	"time"

	"inkwitness/evidence"
	"inkwitness/evidence/cms"
	"inkwitness/evidence/deposit"
	"inkwitness/evidence/seal/sealtest"
)

// Twelve years of a deposit: record, renewal by a new timestamp, renewal by a
// new hash, and what a verifier says on the way and without them.
func TestTwelveYears(t *testing.T) {
	w := sealtest.New(t)
	file := w.Bytes(w.Sealed(1, 500).Container)
	stamp := func(ctx context.Context, h crypto.Hash, digest []byte) ([]byte, error) {
		return w.Config.Timestamper.Timestamp(ctx, h, digest)
	}
	open := func() *deposit.Container {
		c, err := deposit.Open(bytes.NewReader(file), int64(len(file)))
		w.Check(err)
		return c
	}
	rewrite := func(r *cms.EvidenceRecord) {
		renewed, err := open().WithRecord(r)
		w.Check(err)
		file, err = io.ReadAll(renewed)
		w.Check(err)
	}
	holds := func(stage string) {
		t.Helper()
		o := deposit.Options{Roots: w.Roots(), LogKeys: w.Ledger.Keys(), Now: w.Clock.Now()}
		report := sealtest.Verify(file, o)
		for _, c := range report.Failed() {
			t.Errorf("%s: %s: %s", stage, c.Code, c.Text)
		}
		if !slices.ContainsFunc(report.Checks, func(c evidence.Check) bool {
			return c.Code == deposit.CodeRecord && c.Status == evidence.Holds
		}) {
			t.Errorf("%s: nothing is said of the record", stage)
		}
	}
	group, err := open().Hashes(crypto.SHA256)
	w.Check(err)
	made, err := cms.NewRecords(t.Context(), crypto.SHA256, [][][]byte{group, {make([]byte, 32)}}, stamp)
	w.Check(err)
	rewrite(made[0])
	holds("recorded")
	record := func() *cms.EvidenceRecord {
		r, err := open().Record()
		w.Check(err)
		return r
	}
	w.Clock.Advance(8 * 365 * 24 * time.Hour)
	holds("after eight years")
	r := record()
	w.Check(cms.RenewTimestamps(t.Context(), []*cms.EvidenceRecord{r}, stamp))
	rewrite(r)
	w.Clock.Advance(3 * 365 * 24 * time.Hour)
	r = record()
	w.Check(cms.RenewHashes(t.Context(), crypto.SHA512, []*cms.EvidenceRecord{r}, []cms.Group{open().Hashes}, stamp))
	rewrite(r)
	w.Clock.Advance(2 * 365 * 24 * time.Hour)
	holds("renewed twice, after thirteen years")
	if len(record().Chains) != 2 {
		t.Errorf("%d chains", len(record().Chains))
	}

	// the first certificate ends after twelve years
	rewrite(made[0])
	if report := sealtest.Verify(file, deposit.Options{Now: w.Clock.Now()}); report.Holds() {
		t.Error("a record that was never renewed holds after thirteen years")
	}
	other := sealtest.New(t)
	foreign, err := cms.NewRecords(t.Context(), crypto.SHA256, [][][]byte{group}, func(ctx context.Context, h crypto.Hash, digest []byte) ([]byte, error) {
		return other.Config.Timestamper.Timestamp(ctx, h, digest)
	})
	w.Check(err)
	rewrite(foreign[0])
	if report := sealtest.Verify(file, deposit.Options{}); report.Holds() {
		t.Error("somebody else's record holds")
	}
	changed := bytes.Clone(file)
	at := bytes.Index(changed, []byte("evidencerecord001.ers")) + 300
	changed[at] ^= 1
	if report := sealtest.Verify(changed, deposit.Options{}); report.Holds() {
		t.Error("a changed record holds")
	}
}
