package ledger

import (
	"context"
	"errors"
	"fmt"
	"time"

	"inkwitness/evidence"
	"inkwitness/evidence/proof"
)

// Guard is what the instances of a service tell each other of their log.
// Implementations are safe for concurrent use and durable on return.
type Guard interface {
	// Lead takes or keeps the lead until a time, and reports whether it did: not
	// while another instance has it.
	Lead(ctx context.Context, now, until time.Time) (bool, error)

	// Yield gives the lead up, where this instance has it.
	Yield(ctx context.Context) error

	// Forked says whether Fork was called and nobody has decided since that the
	// log goes on.
	Forked(ctx context.Context) (bool, error)

	// Fork notes that a witness has seen another history of this log.
	Fork(ctx context.Context, at time.Time) error
}

// term is how long an instance leads without saying so again: so long do the
// others wait for one that stopped without a word. It only spares them work, and slow
// witnesses may take longer: what keeps two leaders from doing harm is that Integrate
// refuses a batch for another head.
const term = 30 * time.Second

// errFollows is a turn that another instance has.
var errFollows = fmt.Errorf("another instance sequences: %w", evidence.ErrConflict)

// lead takes the lead, or keeps it, where half of the term is over.
func (l *Log) lead(ctx context.Context) error {
	if l.cfg.Guard == nil {
		return nil
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	now := l.cfg.Clock.Now()
	if left := l.until.Sub(now); left > term/2 && left <= term {
		return nil
	}
	until := now.Add(term)
	leads, err := l.cfg.Guard.Lead(ctx, now, until)
	switch {
	case err != nil:
		return fmt.Errorf("take the lead: %w", err)
	case !leads:
		l.until = time.Time{}
		return errFollows
	}
	l.until = until
	return nil
}

// yield lets another instance try: this one ends, or its turn failed.
func (l *Log) yield(ctx context.Context) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.until.IsZero() {
		return
	}
	l.until = time.Time{}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
	defer cancel()
	if err := l.cfg.Guard.Yield(ctx); err != nil {
		l.cfg.Log.WarnContext(ctx, "the lead over the log was not given up and ends by itself", "after", term, "err", err)
	}
}

// Forked says whether a witness has seen another history of this log, so that
// nothing is published until somebody has looked.
func (l *Log) Forked() bool { return l.forked.Load() }

// stopped says whether publishing was stopped, by whatever instance and whenever.
func (l *Log) stopped(ctx context.Context) (bool, error) {
	if l.cfg.Guard == nil || l.cfg.Cosigner == nil {
		return l.Forked(), nil
	}
	if l.unnoted.Load() {
		return true, l.fork(ctx)
	}
	forked, err := l.cfg.Guard.Forked(ctx)
	if err != nil {
		return false, fmt.Errorf("was the log stopped: %w", err)
	}
	l.forked.Store(forked)
	return forked, nil
}

// fork stops publishing.
func (l *Log) fork(ctx context.Context) error {
	l.forked.Store(true)
	if l.cfg.Guard == nil {
		return nil
	}
	err := l.cfg.Guard.Fork(context.WithoutCancel(ctx), l.cfg.Clock.Now())
	l.unnoted.Store(err != nil)
	return err
}

// cosign asks the witnesses for a tree that is stored, and tells a witness that
// another instance was faster with from one that has seen another history.
func (l *Log) cosign(ctx context.Context, head Head) ([]byte, error) {
	if forked, err := l.stopped(ctx); err != nil || forked {
		return nil, errors.Join(err, ErrForked)
	}
	checkpoint, err := l.cfg.Cosigner.Cosign(ctx, head.Note, func(old int64) ([]proof.Hash, error) {
		return l.Consistency(ctx, old, head.Size)
	})
	if ahead, ok := errors.AsType[*AheadError](err); ok && !errors.Is(err, ErrForked) {
		now, headErr := l.cfg.Tiles.Head(ctx)
		switch {
		case headErr != nil:
			return nil, fmt.Errorf("log head: %w", headErr)
		case now.Size >= ahead.Size:
			return nil, fmt.Errorf("%w: %w", ahead, evidence.ErrConflict)
		}
		err = fmt.Errorf("%w, this log has %d: %w", err, now.Size, ErrForked) // a tree is stored before a witness sees it
	}
	if errors.Is(err, ErrForked) {
		l.cfg.Log.ErrorContext(ctx, "publishing stops: a witness has seen another history of this log", "size", head.Size, "err", err)
		err = errors.Join(err, l.fork(ctx))
	}
	return checkpoint, err
}
