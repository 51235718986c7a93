package server

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"inkwitness/evidence"
)

// missed is the queue of blobs that some store did not take when they were written,
// or holds damaged, which was seen when they were read. It is in memory: after a
// restart the hourly check finds them again.
type missed struct {
	log     *slog.Logger
	waiting prometheus.Gauge

	mu    sync.Mutex
	names map[string]bool
}

func newMissed(log *slog.Logger) *missed {
	return &missed{log: log, names: map[string]bool{}, waiting: prometheus.NewGauge(prometheus.GaugeOpts{
		Name: "inkwitness_blobs_unreplicated", Help: "Blobs that a store has not taken yet, or holds damaged: an alarm when not 0."})}
}

// note is vault.Config.Missed.
func (m *missed) note(name string, store int, err error) {
	m.log.Error("a store did not take a blob, which will be written again", "store", store, "blob", name, "err", err)
	m.add(name)
}

// damaged is vault.Config.Damaged.
func (m *missed) damaged(name string, store int, err error) {
	m.log.Error("a store holds a damaged blob, which will be written again from a good one", "store", store, "blob", name, "err", err)
	m.add(name)
}

func (m *missed) add(name string) {
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

// replicateEvery is how often what a store missed, or holds damaged, is offered to it
// again.
const replicateEvery = 15 * time.Second

// run writes again what was missed or damaged, until ctx ends.
func (m *missed) run(c *checker) func(context.Context) error {
	return func(ctx context.Context) error {
		tick := time.NewTicker(replicateEvery)
		defer tick.Stop()
		for {
			select {
			case <-ctx.Done():
				return ctx.Err()
			case <-tick.C:
			}
			m.again(ctx, c)
		}
	}
}

// again writes what waits to the stores that have it not, or not whole.
func (m *missed) again(ctx context.Context, c *checker) {
	for _, name := range m.all() {
		if err := m.replicate(ctx, c, name); err != nil {
			m.log.WarnContext(ctx, "a blob still waits for a store", "blob", name, "err", err)
			continue
		}
		m.done(name)
	}
}

func (m *missed) replicate(ctx context.Context, c *checker, name string) error {
	o, err := c.store.Object(ctx, name)
	if errors.Is(err, evidence.ErrNotFound) {
		return nil // deleted, or an orphan
	}
	if err != nil {
		return err
	}
	_, err = c.objects.Scrub(ctx, o)
	switch {
	case err == nil, errors.Is(err, evidence.ErrErased):
		return nil
	case !errors.Is(err, evidence.ErrCorrupt):
		return fmt.Errorf("write again: %w", err)
	}
	m.log.ErrorContext(ctx, "a blob has no good copy left", "blob", name)
	if err := c.store.Checked(ctx, name, c.clock.Now(), err.Error()); err != nil { // from now on the hourly check looks after it
		return fmt.Errorf("note the damage: %w", err)
	}
	return nil
}
