package tsa

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"inkwitness/capture"
	"inkwitness/evidence"
)

// Reference tells how far a clock is from somebody else's.
type Reference interface {
	// Offset returns the reference's time minus the local time, in at most a
	// few seconds. An error means that nothing is known.
	Offset(ctx context.Context) (time.Duration, error)
}

// Watch decides whether a clock can be trusted. It is safe for concurrent use.
type Watch struct {
	clock capture.Clock
	log   *slog.Logger
	refs  []Reference
	mono  func() time.Duration

	mu     sync.Mutex
	base   time.Time // wall time at mono 0, as last believed
	jumped bool
	off    bool // the references say so
}

// NewWatch starts watching. The clock's monotonic reading is what its wall
// time is compared with; one without (a test's) cannot jump. Call Run so that
// references are asked and jumps are found within a second even when nobody
// asks for a timestamp.
func NewWatch(clock capture.Clock, log *slog.Logger, refs ...Reference) *Watch {
	start := clock.Now()
	return newWatch(clock, log, func() time.Duration { return clock.Now().Sub(start) }, refs...)
}

// newWatch takes the monotonic clock as well, so that a test can move the wall
// clock alone.
func newWatch(clock capture.Clock, log *slog.Logger, mono func() time.Duration, refs ...Reference) *Watch {
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	return &Watch{clock: clock, log: log, refs: refs, mono: mono, base: clock.Now().Round(0).Add(-mono())}
}

// Check returns evidence.ErrClock when the clock cannot be trusted now.
//
// Wall and monotonic clock must advance together. Small differences, the
// steps of a time daemon, are followed; one above MaxOffset is a jump. It is
// over when the wall clock is back where it would be, or when a reference
// confirms the new time.
func (w *Watch) Check() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	drift := w.clock.Now().Round(0).Sub(w.base) - w.mono()
	jumped := drift.Abs() > MaxOffset
	if jumped != w.jumped {
		w.log.Warn("clock jumped", "stopped", jumped, "seconds", drift.Seconds())
	}
	w.jumped = jumped
	switch {
	case jumped:
		return fmt.Errorf("it jumped by %.1f s: %w", drift.Seconds(), evidence.ErrClock)
	case w.off:
		return fmt.Errorf("it is off its references: %w", evidence.ErrClock)
	}
	w.base = w.base.Add(drift)
	return nil
}

// Run checks every second and asks the references every minute, every second
// while stopped, until the context ends.
func (w *Watch) Run(ctx context.Context) error {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for n := 0; ; n++ {
		if w.Check() != nil || n%60 == 0 {
			w.ask(ctx)
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
	}
}

// ask asks every reference and takes the median: one of three that is wrong
// neither stops the clock nor lets it go on. No answer changes nothing: a lost
// network is not a wrong clock.
func (w *Watch) ask(ctx context.Context) {
	var heard []time.Duration
	for _, r := range w.refs {
		offset, err := r.Offset(ctx)
		if err != nil {
			w.log.WarnContext(ctx, "time reference silent", "err", err)
			continue
		}
		heard = append(heard, offset)
	}
	if len(heard) > 0 {
		w.heard(median(heard))
	}
}

// median is the middle one; of two in the middle the one that is further off.
func median(offsets []time.Duration) time.Duration {
	slices.Sort(offsets)
	low, high := offsets[(len(offsets)-1)/2], offsets[len(offsets)/2]
	if low.Abs() > high.Abs() {
		return low
	}
	return high
}

func (w *Watch) heard(offset time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	off := offset.Abs() > MaxOffset
	if off != w.off {
		w.log.Warn("clock against reference", "stopped", off, "seconds", offset.Seconds())
	}
	w.off = off
	if !off { // the reference confirms the time, a jump to it was a correction
		w.base = w.clock.Now().Round(0).Add(-w.mono())
	}
}

// ErrNoAnswer is a reference that did not answer usefully.
var ErrNoAnswer = errors.New("tsa: no usable answer")
