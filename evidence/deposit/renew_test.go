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
	// the test's authority has one kind of key, and SHA-256 ends after eleven years
	table := []cms.Algorithm{{Name: "SHA-256", Hash: crypto.SHA256, Until: w.Clock.Now().AddDate(11, 6, 0)},
		{Name: "SHA-512", Hash: crypto.SHA512, Until: w.Clock.Now().AddDate(20, 0, 0)}, {Name: "ECDSA P-256", Until: w.Clock.Now().AddDate(20, 0, 0)}}
	holds := func(stage string) {
		t.Helper()
		o := deposit.Options{Roots: w.Roots(), LogKeys: w.Ledger.Keys(), Now: w.Clock.Now(), Algorithms: table}
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

	// The first certificate ends after twelve years. A deposit that was kept with the
	// record of its first day says no less then than one that was kept without.
	rewrite(made[0])
	report := sealtest.Verify(file, deposit.Options{Roots: w.Roots(), Now: w.Clock.Now()})
	if status(report, deposit.CodeRecord) != evidence.Unknown || status(report, deposit.CodeAge) != evidence.Unknown || len(report.Failed()) > 0 {
		t.Errorf("a record that was never renewed, after thirteen years: %+v", report.Checks)
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

// A record is renewed in time by the table of algorithms as well: each token before
// the end of its key's kind, each chain before the end of its hash.
func TestAlgorithmsEnd(t *testing.T) {
	w := sealtest.New(t)
	file := w.Bytes(w.Sealed(1, 500).Container)
	sealed := w.Clock.Now()
	stamp := func(ctx context.Context, h crypto.Hash, digest []byte) ([]byte, error) {
		return w.Config.Timestamper.Timestamp(ctx, h, digest)
	}
	c, err := deposit.Open(bytes.NewReader(file), int64(len(file)))
	w.Check(err)
	group, err := c.Hashes(crypto.SHA256)
	w.Check(err)
	table := func(sha256, sha512, p256 int) []cms.Algorithm {
		return []cms.Algorithm{{Name: "SHA-256", Hash: crypto.SHA256, Until: sealed.AddDate(sha256, 0, 0)},
			{Name: "SHA-512", Hash: crypto.SHA512, Until: sealed.AddDate(sha512, 0, 0)}, {Name: "ECDSA P-256", Until: sealed.AddDate(p256, 0, 0)}}
	}
	// life makes a record now, or after some years, and renews it: at each year by a new timestamp, or, below 0, by a new hash.
	life := func(first int, renewals ...int) []byte {
		w.Clock.Advance(sealed.AddDate(first, 0, 1).Sub(w.Clock.Now()))
		made, err := cms.NewRecords(t.Context(), crypto.SHA256, [][][]byte{group}, stamp)
		w.Check(err)
		for _, year := range renewals {
			w.Clock.Advance(sealed.AddDate(max(year, -year), 0, 1).Sub(w.Clock.Now()))
			if year > 0 {
				w.Check(cms.RenewTimestamps(t.Context(), made, stamp))
			} else {
				w.Check(cms.RenewHashes(t.Context(), crypto.SHA512, made, []cms.Group{c.Hashes}, stamp))
			}
		}
		r, err := c.WithRecord(made[0])
		w.Check(err)
		raw, err := io.ReadAll(r)
		w.Check(err)
		return raw
	}
	const holds, fails, open = evidence.Holds, evidence.Fails, evidence.Unknown
	for name, c := range map[string]struct {
		file  []byte
		table []cms.Algorithm
		at    int // years after the seal
		code  string
		want  evidence.Status
	}{
		"built-in table, before the end":         {life(0), nil, 8, deposit.CodeRecord, holds},
		"built-in table, after the end":          {life(0), nil, 11, deposit.CodeAlgorithm, open},
		"no record, before the end":              {file, nil, 8, deposit.CodeAlgorithm, ""},
		"no record, after the end":               {file, nil, 10, deposit.CodeAlgorithm, open},
		"no record, after the certificate's end": {file, table(20, 20, 20), 13, deposit.CodeAge, open},
		"key ended, not renewed":                 {life(0), table(20, 20, 5), 6, deposit.CodeAlgorithm, open},
		"hash ended, not renewed":                {life(0), table(5, 20, 20), 6, deposit.CodeAlgorithm, open},
		"hash ended, timestamp renewed":          {life(0, 4), table(5, 20, 20), 6, deposit.CodeAlgorithm, open},
		"hash ended, hash renewed":               {life(0, -4), table(5, 20, 20), 6, deposit.CodeRecord, holds},
		"hash ended, hash renewed too late":      {life(0, -6), table(5, 20, 20), 7, deposit.CodeAlgorithm, fails},
		"hash ended, both renewed, one too late": {life(0, 4, -6), table(5, 20, 20), 7, deposit.CodeAlgorithm, fails},
		"both renewed in time":                   {life(0, 3, -4), table(5, 20, 20), 7, deposit.CodeRecord, holds},
		"unknown to the table":                   {life(0), table(20, 20, 20)[:2], 1, deposit.CodeAlgorithm, fails},
		"record made too late":                   {life(6), table(5, 20, 20)[:3], 6, deposit.CodeAlgorithm, fails},
		"certificate ended, not renewed":         {life(0), table(20, 20, 20), 13, deposit.CodeRecord, open},
		"certificate ended, renewed too late":    {life(0, 13), table(20, 20, 20), 13, deposit.CodeRecord, fails},
		"record made after the certificate":      {life(13), table(20, 20, 20), 13, deposit.CodeRecord, fails},
	} {
		report := sealtest.Verify(c.file, deposit.Options{Roots: w.Roots(), Now: sealed.AddDate(c.at, 0, 2), Algorithms: c.table})
		i := slices.IndexFunc(report.Checks, func(one evidence.Check) bool { return one.Code == c.code })
		switch {
		case c.want == "" && i >= 0:
			t.Errorf("%s: %+v", name, report.Checks[i])
		case c.want != "" && (i < 0 || report.Checks[i].Status != c.want):
			t.Errorf("%s: no %s is %v: %+v", name, c.code, c.want, report.Failed())
		case report.Holds() != (c.want != fails):
			t.Errorf("%s: %+v", name, report.Failed())
		}
	}
}

// status is that of the first point with a code, "" where there is none.
func status(r *evidence.Report, code string) evidence.Status {
	for _, c := range r.Checks {
		if c.Code == code {
			return c.Status
		}
	}
	return ""
}
