package server

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"inkwitness/api/store"
	"inkwitness/evidence"
	"inkwitness/evidence/vault"
)

// missed is the queue of blobs that some store did not take when they were
// written. It is in memory: after a restart the hourly check finds them again.
type missed struct {
	log     *slog.Logger
	waiting prometheus.Gauge

	mu    sync.Mutex
	names map[string]bool
}

func newMissed(log *slog.Logger) *missed {
	return &missed{log: log, names: map[string]bool{}, waiting: prometheus.NewGauge(prometheus.GaugeOpts{
		Name: "inkwitness_blobs_unreplicated", Help: "Blobs that a store has not taken yet: an alarm when not 0."})}
}

// note is vault.Config.Missed.
func (m *missed) note(name string, store int, err error) {
	m.log.Error("a store did not take a blob, which will be written again", "store", store, "blob", name, "err", err)
	m.mu.Lock()
	defer m.mu.Unlock()
	m.names[name] = true
	m.waiting.Set(float64(len(m.names)))
}

func (m *missed) all() (names []string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for name := range m.names {
		names = append(names, name)
	}
	return names
}

func (m *missed) done(name string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.names, name)
	m.waiting.Set(float64(len(m.names)))
}

// replicateEvery is how often what a store missed is offered to it again.
const replicateEvery = 15 * time.Second

// run writes again what was missed, until ctx ends.
func (m *missed) run(objects *vault.Vault, rows *store.Store) func(context.Context) error {
	return func(ctx context.Context) error {
		tick := time.NewTicker(replicateEvery)
		defer tick.Stop()
		for {
			select {
			case <-ctx.Done():
				return ctx.Err()
			case <-tick.C:
			}
			for _, name := range m.all() {
				if err := replicate(ctx, objects, rows, name); err != nil {
					m.log.WarnContext(ctx, "a blob still waits for a store", "blob", name, "err", err)
					continue
				}
				m.done(name)
			}
		}
	}
}

func replicate(ctx context.Context, objects *vault.Vault, rows *store.Store, name string) error {
	o, err := rows.Object(ctx, name)
	if errors.Is(err, evidence.ErrNotFound) {
		return nil // deleted, or an orphan
	}
	if err != nil {
		return err
	}
	if _, err := objects.Scrub(ctx, o); err != nil && !errors.Is(err, evidence.ErrErased) {
		return fmt.Errorf("write again: %w", err)
	}
	return nil
}
