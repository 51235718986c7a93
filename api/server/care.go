package server

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"inkwitness/api"
	"inkwitness/api/store"
	"inkwitness/capture"
	"inkwitness/evidence"
)

// task is something that has to be done again and again so that what is stored
// stays whole, and goes when it must.
type task struct {
	name  string
	every time.Duration
	run   func(context.Context) error
}

// lease is how long an instance that began the task keeps the others from it,
// should it stop without a word.
func (t task) lease() time.Duration { return min(t.every, time.Hour) }

// memory remembers when a task was last done, over restarts and for all instances.
type memory interface {
	Cared(ctx context.Context, what string) (time.Time, error)
	Care(ctx context.Context, what string, at time.Time) error
	// Claim lets one of several instances do something, unless another began
	// since a time; Unclaim lets go of it.
	Claim(ctx context.Context, what string, now, since time.Time) (bool, error)
	Unclaim(ctx context.Context, what string) error
}

// carer runs tasks when they are due and raises the alarm when one was missed.
type carer struct {
	tasks  []task
	memory memory
	clock  capture.Clock
	log    *slog.Logger

	done    *prometheus.GaugeVec
	overdue *prometheus.GaugeVec
	failed  *prometheus.CounterVec
}

func newCarer(m memory, clock capture.Clock, log *slog.Logger, registry *prometheus.Registry, tasks ...task) *carer {
	c := &carer{tasks: tasks, memory: m, clock: clock, log: log,
		done: prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "inkwitness_task_success_timestamp_seconds",
			Help: "When a recurring task last succeeded, in seconds since 1970."}, []string{"task"}),
		overdue: prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "inkwitness_task_overdue",
			Help: "1 when a recurring task has not succeeded for twice its period: an alarm."}, []string{"task"}),
		failed: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "inkwitness_task_failures_total",
			Help: "Failures of a recurring task since the start."}, []string{"task"}),
	}
	registry.MustRegister(c.done, c.overdue, c.failed)
	return c
}

// look is how often the carer looks whether something is due.
const look = time.Minute

// Run does what is due until the context ends.
func (c *carer) Run(ctx context.Context) error {
	tick := time.NewTicker(look)
	defer tick.Stop()
	for {
		for _, t := range c.tasks {
			if err := c.once(ctx, t); err != nil && ctx.Err() == nil {
				c.failed.WithLabelValues(t.name).Inc()
				c.log.ErrorContext(ctx, "recurring task failed, will be tried again", "task", t.name, "err", err)
			}
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
	}
}

// once runs a task if it is due. What failed is due again at the next look.
func (c *carer) once(ctx context.Context, t task) error {
	now := c.clock.Now()
	last, err := c.memory.Cared(ctx, "task "+t.name)
	if err != nil {
		return err
	}
	late := !last.IsZero() && now.Sub(last) > 2*t.every
	if late {
		c.log.WarnContext(ctx, "a recurring task was missed", "task", t.name, "last", last, "every", t.every)
	}
	c.overdue.WithLabelValues(t.name).Set(flag(late))
	c.done.WithLabelValues(t.name).Set(float64(last.Unix()))
	if !last.IsZero() && now.Sub(last).Abs() < t.every {
		return nil
	}
	const claim = "claim of task "
	mine, err := c.memory.Claim(ctx, claim+t.name, now, now.Add(-t.lease()))
	if err != nil || !mine {
		return err
	}
	err = t.run(ctx)
	if err := errors.Join(err, c.memory.Unclaim(context.WithoutCancel(ctx), claim+t.name)); err != nil {
		return err
	}
	c.overdue.WithLabelValues(t.name).Set(0)
	c.done.WithLabelValues(t.name).Set(float64(now.Unix()))
	return c.memory.Care(ctx, "task "+t.name, now)
}

func flag(b bool) float64 {
	if b {
		return 1
	}
	return 0
}

// tasks are what the service does by itself. The purge runs more often than the
// hour within which a finished project must be gone.
func (s *Server) tasks() []task {
	all := []task{
		{"sweep", time.Hour, s.sweepObjects},
		{"purge", 15 * time.Minute, s.purgeObjects},
		{"notices", 12 * time.Hour, s.announceEnds},
		{"check", time.Hour, s.checkSelf},
		{"records", time.Hour, s.renewRecords},
	}
	if s.cfg.BackupDir != "" {
		all = append(all, task{"backup", time.Hour, s.backUp})
	}
	return all
}

// orphanAge is how old a blob without a row must be to be swept: older than any
// transaction that could still be about to write the row.
const orphanAge = time.Hour

// sweepObjects deletes the blobs that interrupted writes left.
func (s *Server) sweepObjects(ctx context.Context) error {
	if err := s.ceremony.Register(ctx, s.accounts.Ceremonies(), s.store); err != nil {
		return fmt.Errorf("register stored objects: %w", err)
	}
	n, err := s.objects.Sweep(ctx, time.Now().Add(-orphanAge), s.store) // file times are the machine's
	if n > 0 {
		s.cfg.Logger.InfoContext(ctx, "swept blobs that nothing referred to", "count", n)
	}
	if err != nil {
		return err
	}
	return s.store.ForgetOrphans(ctx, s.clock.Now())
}

// purgeObjects deletes what is due, and then the rows of documents of which
// nothing is left.
func (s *Server) purgeObjects(ctx context.Context) error {
	n, err := s.purger.Purge(ctx)
	if n > 0 {
		s.cfg.Logger.InfoContext(ctx, "deleted objects whose time was over", "count", n)
	}
	if errors.Is(err, evidence.ErrClock) {
		return fmt.Errorf("%w; nothing is deleted until the time servers or the outside timestamp authority, or two people have said that the time is right: inkwitness clock confirm", err)
	}
	return errors.Join(err, s.forgetDocuments(ctx), emptyJournal(ctx, s.store))
}

// emptyJournal lets nothing of what was deleted stand in the database's log.
func emptyJournal(ctx context.Context, db *store.Store) error {
	if err := db.EmptyJournal(ctx); err != nil {
		return fmt.Errorf("empty the database's log of what was deleted: %w", err)
	}
	return nil
}

// byRetention is by what right documents are forgotten.
const byRetention = "end of the retention period"

// forgetDocuments forgets all that can be; one that cannot keeps no other.
func (s *Server) forgetDocuments(ctx context.Context) error {
	const some = 100
	ceremonies := s.accounts.Ceremonies()
	for {
		ended, err := ceremonies.EndedDocuments(ctx, s.clock.Now(), some)
		if err != nil {
			return fmt.Errorf("list documents whose time is over: %w", err)
		}
		var failed []error
		for _, d := range ended {
			err := s.store.Tx(ctx, func(ctx context.Context) error {
				if err := ceremonies.Forget(ctx, d.ID, byRetention); err != nil {
					return err
				}
				return s.record(ctx, api.Event{Kind: "document.expired", Organisation: d.Organisation, Object: chain(d.ID)})
			})
			if err != nil {
				failed = append(failed, fmt.Errorf("forget document %s: %w", d.ID, err))
			}
		}
		if len(ended) < some || len(failed) == len(ended) {
			return errors.Join(failed...)
		}
	}
}

// noticeBefore is how long before a deposit's end its owner is told.
const noticeBefore = 90 * 24 * time.Hour

// announceEnds tells owners that a deposit of theirs ends.
func (s *Server) announceEnds(ctx context.Context) error {
	const some = 100
	now := s.clock.Now()
	ceremonies := s.accounts.Ceremonies()
	for {
		ending, err := ceremonies.Ending(ctx, now.Add(noticeBefore), some)
		if err != nil {
			return fmt.Errorf("list deposits that end: %w", err)
		}
		for _, d := range ending {
			if err := s.announceEnd(ctx, d.ID, d.Organisation, d.Owner, now); err != nil {
				return fmt.Errorf("announce the end of deposit %s: %w", d.ID, err)
			}
		}
		if len(ending) < some {
			return nil
		}
	}
}

func (s *Server) announceEnd(ctx context.Context, id, organisation, owner string, now time.Time) error {
	return s.store.Tx(ctx, func(ctx context.Context) error {
		first, err := s.accounts.Ceremonies().Noticed(ctx, id, now)
		if err != nil || !first {
			return err
		}
		account, err := s.accounts.Account(ctx, owner)
		if errors.Is(err, api.ErrNotFound) || errors.Is(err, evidence.ErrErased) {
			return nil // nobody is left to be told
		}
		if err != nil {
			return err
		}
		d, err := s.accounts.Ceremonies().Document(ctx, id)
		if err != nil {
			return err
		}
		return s.post.Notify(ctx, api.Notice{Kind: api.NoticeEnding, To: account.Email, Language: account.Language, Organisation: organisation, Account: owner,
			Values: map[string]string{"date": d.Ends().Format(time.DateOnly)}, Link: "/#/documents/" + id, Key: id + "/ending"})
	})
}
