package server

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"inkwitness/api/store/pgtest"
	"inkwitness/evidence/cms"
	"inkwitness/evidence/deposit"
)

// TestRecordsAreMadeAndRenewed: on each database the running service gives a new
// deposit its record, renews it when the table of algorithms says so, and not
// again; the deposit verifies with it all the while.
func TestRecordsAreMadeAndRenewed(t *testing.T) {
	table := filepath.Join(t.TempDir(), "algorithms.json")
	if err := os.WriteFile(table, []byte(`{"SHA-256": "2032-01-01"}`), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func(*Config){
		"sqlite":   func(c *Config) { c.Algorithms = table },
		"postgres": func(c *Config) { c.Algorithms, c.DatabaseURL = table, pgtest.URL(t) },
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t, change)
			d := b.completed()
			b.recordHolds(d.ID, 1, func() { b.must(b.renewRecords(t.Context())) })
			b.clock.set(time.Date(2031, 8, 1, 0, 0, 0, 0, time.UTC))
			if first, due, err := b.renewer.Plan(t.Context()); err != nil || first != 0 || len(due) != 1 {
				t.Errorf("due half a year before the hash ends: %d, %v, %v", first, due, err)
			}
			for range 2 {
				b.recordHolds(d.ID, 2, func() { b.must(b.renewRecords(t.Context())) })
			}
			if n := gauge(t, b.waiting.WithLabelValues("hash")); n != 0 {
				t.Errorf("%v records wait after the run", n)
			}
			var out strings.Builder
			cfg := b.cfg
			b.must(Renew(t.Context(), cfg, true, &out))
			if !strings.Contains(out.String(), "0 deposits wait") || strings.Contains(out.String(), "Done") {
				t.Errorf("inkwitness renew --dry-run: %s", &out)
			}
		})
	}
}

// recordHolds checks the chains of a deposit's record after something was done.
func (b *bench) recordHolds(id string, chains int, after func()) {
	b.t.Helper()
	after()
	if record := b.recorded(id, b.trusted()); len(record.Chains) != chains {
		b.t.Errorf("%d chains, want %d", len(record.Chains), chains)
	}
}

// recorded returns a deposit's record, with which the deposit verifies.
func (b *bench) recorded(id string, trusted deposit.Options) *cms.EvidenceRecord {
	b.t.Helper()
	content, der, err := shelf{b.store, b.accounts.Ceremonies(), b.objects}.Deposit(b.t.Context(), id)
	b.must(err)
	defer content.Close()
	record, err := cms.ParseRecord(der)
	b.must(err)
	c, err := deposit.Open(content, content.Size())
	b.must(err)
	r, err := c.WithRecord(record)
	b.must(err)
	all, err := io.ReadAll(r)
	b.must(err)
	report := deposit.Verify(bytes.NewReader(all), int64(len(all)), trusted)
	if !report.Holds() {
		b.t.Errorf("the deposit with its record: %+v", report.Failed())
	}
	return record
}

func TestAlgorithmsOfTheOperator(t *testing.T) {
	for text, want := range map[string]string{`{"SHA-1": "2030-01-01"}`: "no algorithm of the table", `{"SHA-256": "soon"}`: "write it as", `x`: "as {"} {
		table := filepath.Join(t.TempDir(), "algorithms.json")
		if err := os.WriteFile(table, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := New(t.Context(), Config{Data: filepath.Join(t.TempDir(), "data"), Listen: "127.0.0.1:0", Algorithms: table})
		if err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "--algorithms") {
			t.Errorf("%s: %v", text, err)
		}
	}
}
