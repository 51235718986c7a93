package server

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"inkwitness/api/ceremony"
	"inkwitness/api/store"
	"inkwitness/evidence"
	"inkwitness/evidence/cms"
	"inkwitness/evidence/renew"
	"inkwitness/evidence/retain"
	"inkwitness/evidence/vault"
)

// shelf is renew.Store: records in the database, containers in the vault.
type shelf struct {
	*store.Store
	documents *store.Ceremonies
	objects   *vault.Vault
}

// Deposit implements renew.Store.
func (s shelf) Deposit(ctx context.Context, id string) (renew.Content, []byte, error) {
	d, err := s.documents.Document(ctx, id)
	if errors.Is(err, ceremony.ErrNotFound) || err == nil && d.Deposit == nil {
		return nil, nil, evidence.ErrNotFound
	}
	if err != nil {
		return nil, nil, err
	}
	record, _, err := s.EvidenceRecord(ctx, id)
	if err != nil && !errors.Is(err, evidence.ErrNotFound) {
		return nil, nil, fmt.Errorf("read the evidence record: %w", err)
	}
	content, err := s.objects.OpenAt(ctx, d.Deposit.Object)
	return content, record, err
}

// newRenewer makes what drives evidence records. An outside authority, where
// there is one, stamps them: it has no part in what it vouches for.
func newRenewer(cfg Config, accounts *store.Accounts, objects *vault.Vault, own, outside evidence.Timestamper) (*renew.Renewer, error) {
	by := own
	if outside != nil {
		by = outside
	}
	table, err := algorithms(cfg)
	if err != nil {
		return nil, err
	}
	return renew.New(renew.Config{Store: shelf{accounts.Store, accounts.Ceremonies(), objects}, Timestamper: by, Clock: cfg.seams.clock, Table: table, Log: cfg.Logger})
}

// algorithms is the table by which proofs are renewed and judged.
func algorithms(cfg Config) ([]cms.Algorithm, error) {
	if cfg.Algorithms == "" {
		return cms.Algorithms(), nil
	}
	f, err := os.Open(cfg.Algorithms)
	if err != nil {
		return nil, fmt.Errorf("open --algorithms: %w", err)
	}
	defer f.Close()
	table, err := cms.ReadAlgorithms(f)
	if err != nil {
		return nil, fmt.Errorf("--algorithms %s: %w", cfg.Algorithms, err)
	}
	return table, nil
}

// newWaiting counts records that are due and not made.
func newWaiting() *prometheus.GaugeVec {
	return prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "inkwitness_evidence_records_waiting",
		Help: "Deposits whose evidence record the last hourly run could not make (first) or renew (timestamp, hash): an alarm when not 0."}, []string{"need"})
}

// renewRecords makes the evidence records of new deposits and renews what is due.
func (s *Server) renewRecords(ctx context.Context) error {
	done, err := s.renewer.Run(ctx)
	if done != (renew.Report{}) {
		s.cfg.Logger.InfoContext(ctx, "evidence records", "first", done.First, "timestamps", done.Timestamps, "hashes", done.Hashes)
	}
	first, due, planErr := s.renewer.Plan(ctx)
	if planErr == nil {
		waiting := map[retain.Renewal]int{"first": first}
		for _, d := range due {
			waiting[d.Need] += d.Deposits
		}
		for _, need := range []retain.Renewal{"first", retain.NewTimestamp, retain.NewHash} {
			s.waiting.WithLabelValues(string(need)).Set(float64(waiting[need]))
		}
	}
	return errors.Join(err, planErr)
}

// Renew prints which evidence records are due and, unless it is a dry run, makes
// them, beside a running service or without one.
func Renew(ctx context.Context, cfg Config, dry bool, w io.Writer) error {
	h, err := openByHand(ctx, cfg)
	if err != nil {
		return err
	}
	defer h.Close()
	authority, err := h.authority(ctx)
	if err != nil {
		return err
	}
	own, outside, _, err := openTime(h.cfg, h.Store, authority)
	if err != nil {
		return err
	}
	renewer, err := newRenewer(h.cfg, h.Accounts, h.objects, own, outside)
	if err != nil {
		return err
	}
	if err := printDue(ctx, renewer, w); err != nil || dry {
		return err
	}
	done, err := renewer.Run(ctx)
	_, printErr := fmt.Fprintf(w, "Done: %d first records, %d new timestamps, %d stronger hashes.\n", done.First, done.Timestamps, done.Hashes)
	return errors.Join(err, printErr)
}

func printDue(ctx context.Context, renewer *renew.Renewer, w io.Writer) error {
	first, due, err := renewer.Plan(ctx)
	if err != nil {
		return err
	}
	lines := []string{fmt.Sprintf("%d deposits wait for their first evidence record.", first)}
	for _, d := range due {
		what := "a new timestamp"
		if d.Need == retain.NewHash {
			what = "a stronger hash"
		}
		lines = append(lines, fmt.Sprintf("%d records need %s before %s: they rest on %v, %s and a certificate until %s.", d.Deposits, what,
			d.By.Format(time.DateOnly), d.Rests.Hash, d.Rests.Signature, d.Rests.Certificate.Format(time.DateOnly)))
	}
	if len(due) == 0 {
		lines = append(lines, "No record has to be renewed.")
	}
	for _, line := range lines {
		if _, err := fmt.Fprintln(w, line); err != nil {
			return err
		}
	}
	return nil
}
