package ceremony

import (
	"context"
	"errors"
	"sync"
	"time"
)

// What the sealing of many documents at once is bounded by.
const (
	patrol     = 30 * time.Second // every unfinished document is looked at this often
	atOnce     = 8                // documents: most of a seal is waiting, for disks, authorities and the log
	firstRetry = time.Second      // after a failure; doubled with each, up to patrol
)

// sealing is what Run knows of its workers. One goroutine owns it.
type sealing struct {
	service *Service
	busy    map[string]bool // being worked on
	again   map[string]bool // woken meanwhile
	waiting []string        // for a free worker
	failed  map[string]int  // failures in a row
	done    chan outcome    // from the workers
	workers sync.WaitGroup
}

type outcome struct {
	id string
	ok bool
}

// Run seals what was confirmed, now and after a crash, and sends reminders that
// are due, until ctx ends. A document is worked on by one worker at a time.
func (s *Service) Run(ctx context.Context) error {
	w := &sealing{service: s, busy: map[string]bool{}, again: map[string]bool{}, failed: map[string]int{}, done: make(chan outcome, atOnce)}
	defer w.workers.Wait()
	tick := time.NewTicker(patrol)
	defer tick.Stop()
	w.all(ctx)
	s.remindAll(ctx)
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case id := <-s.wake:
			w.start(ctx, id)
		case o := <-w.done:
			w.finished(ctx, o)
		case <-tick.C:
			w.all(ctx)
			s.remindAll(ctx)
		}
	}
}

func (w *sealing) all(ctx context.Context) {
	ids, err := w.service.Documents.Unfinished(ctx)
	if err != nil && ctx.Err() == nil {
		w.service.Logger.ErrorContext(ctx, "list unfinished documents", "err", err)
	}
	for _, id := range ids {
		w.start(ctx, id)
	}
}

func (w *sealing) start(ctx context.Context, id string) {
	switch {
	case w.busy[id]:
		w.again[id] = true
	case len(w.busy) == atOnce:
		w.waiting = append(w.waiting, id)
	default:
		w.busy[id] = true
		w.workers.Go(func() { w.done <- outcome{id, w.service.sealOne(ctx, id)} })
	}
}

// finished starts what waited, and comes back to what failed after a while.
func (w *sealing) finished(ctx context.Context, o outcome) {
	delete(w.busy, o.id)
	if o.ok {
		delete(w.failed, o.id)
	} else {
		delay := min(firstRetry<<min(w.failed[o.id], 10), patrol)
		w.failed[o.id]++
		time.AfterFunc(delay, func() { w.service.nudge(o.id) })
	}
	if w.again[o.id] {
		delete(w.again, o.id)
		w.waiting = append(w.waiting, o.id)
	}
	for len(w.waiting) > 0 && len(w.busy) < atOnce {
		next := w.waiting[0]
		w.waiting = w.waiting[1:]
		w.start(ctx, next)
	}
}

// sealOne takes a document as far as it goes, and says whether that went well.
func (s *Service) sealOne(ctx context.Context, id string) bool {
	err := s.Advance(ctx, id)
	if err == nil || ctx.Err() != nil || errors.Is(err, ErrOvertaken) {
		return true
	}
	s.Logger.ErrorContext(ctx, "seal document", "document", id, "err", err)
	_, err = s.change(ctx, id, func(_ context.Context, d *Document) (Effects, error) {
		d.Trouble = "Sealing is delayed and will be tried again by itself."
		return Effects{}, nil
	})
	if err != nil && ctx.Err() == nil {
		s.Logger.ErrorContext(ctx, "note trouble of document", "document", id, "err", err)
	}
	return false
}
