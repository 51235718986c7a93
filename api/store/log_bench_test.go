package store_test

import (
	"context"
	"crypto/rand"
	"errors"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"inkwitness/api/store"
	"inkwitness/api/store/pgtest"
	"inkwitness/capture"
	"inkwitness/evidence"
	"inkwitness/evidence/evidencetest"
	"inkwitness/evidence/ledger"
)

type benchClock struct{}

func (benchClock) Now() time.Time { return time.Now() }

var _ capture.Clock = benchClock{}

// openLog opens a log over an empty database with its sequencer running.
func openLog(b *testing.B, url string) (*store.Store, *ledger.Log, func()) {
	b.Helper()
	s, err := store.Open(b.Context(), url, store.Options{Clock: benchClock{}})
	if err != nil {
		b.Fatal(err)
	}
	keys, _ := evidencetest.Keys()
	l, err := ledger.Open(b.Context(), ledger.Config{Origin: "bench.example/log", Outbox: s, Tiles: s, Keys: keys, Clock: benchClock{}, Interval: 20 * time.Millisecond})
	if err != nil {
		b.Fatal(err)
	}
	ctx, cancel := context.WithCancel(b.Context())
	var running sync.WaitGroup
	running.Go(func() { _ = l.Run(ctx) })
	return s, l, func() {
		cancel()
		running.Wait()
		if err := s.Close(); err != nil {
			b.Error(err)
		}
	}
}

// BenchmarkLog is the log on a real database: 32 writers, each entry in a
// transaction of its own, while the sequencer runs. A round is 20,000 entries and
// ends when the last one has a proof. p50 and p99 are of the writers'
// transactions.
func BenchmarkLog(b *testing.B) {
	for _, database := range []string{"sqlite", "postgres"} {
		b.Run(database, func(b *testing.B) {
			url := "sqlite:" + filepath.Join(b.TempDir(), "log.db")
			if database == "postgres" {
				url = pgtest.URL(b)
			}
			s, l, stop := openLog(b, url)
			defer stop()
			var took []time.Duration
			for b.Loop() {
				some, last := writeEntries(b, s, entries)
				took = append(took, some...)
				for {
					_, err := l.Proof(b.Context(), last)
					if err == nil {
						break
					}
					if !errors.Is(err, evidence.ErrPending) {
						b.Fatal(err)
					}
					time.Sleep(5 * time.Millisecond)
				}
			}
			slices.Sort(took)
			b.ReportMetric(float64(len(took))/b.Elapsed().Seconds(), "entries/s")
			b.ReportMetric(float64(took[len(took)/2].Microseconds())/1000, "p50-ms")
			b.ReportMetric(float64(took[len(took)*99/100].Microseconds())/1000, "p99-ms")
		})
	}
}

// entries are written in one round of BenchmarkLog: enough for a 99th percentile.
const entries = 20_000

// writeEntries writes n random entries from 32 goroutines, and returns how long
// each took and the one with the last ID.
func writeEntries(b *testing.B, s *store.Store, n int) ([]time.Duration, evidence.Commitment) {
	const writers = 32
	took := make([]time.Duration, n)
	var next atomic.Int64
	var group sync.WaitGroup
	for range writers {
		group.Go(func() {
			for i := next.Add(1) - 1; i < int64(n); i = next.Add(1) - 1 {
				var c evidence.Commitment
				rand.Read(c[:]) // never fails, see crypto/rand
				start := time.Now()
				if err := s.Tx(b.Context(), func(ctx context.Context) error { return s.AddLogEntry(ctx, c) }); err != nil {
					b.Error(err)
					return
				}
				took[i] = time.Since(start)
			}
		})
	}
	group.Wait()
	var last evidence.Commitment
	rand.Read(last[:])
	if err := s.AddLogEntry(b.Context(), last); err != nil {
		b.Fatal(err)
	}
	return took, last
}

// BenchmarkLogProof makes an inclusion proof from the tables of a log of 20,000
// entries, and checks it, as the sealer asks for it.
func BenchmarkLogProof(b *testing.B) {
	for _, database := range []string{"sqlite", "postgres"} {
		b.Run(database, func(b *testing.B) {
			url := "sqlite:" + filepath.Join(b.TempDir(), "log.db")
			if database == "postgres" {
				url = pgtest.URL(b)
			}
			s, l, stop := openLog(b, url)
			defer stop()
			_, last := writeEntries(b, s, 20_000)
			for {
				if _, err := l.Proof(b.Context(), last); err == nil {
					break
				}
				time.Sleep(5 * time.Millisecond)
			}
			for b.Loop() {
				if _, err := l.Proof(b.Context(), last); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
