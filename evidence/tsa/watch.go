package tsa

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"inkwitness/capture"
	"inkwitness/evidence"
)

// Reference tells how far a clock is from somebody else's.
type Reference interface {
	// Offset returns the reference's time minus the local time, and by how much
	// that may be wrong, in at most a few seconds. An error means that nothing
	// is known.
	Offset(ctx context.Context) (offset, within time.Duration, err error)
}

const (
	// maxAge is how long an answer of the references counts: longer than four
	// questions that are lost, too short for a clock to run far away.
	maxAge = 5 * time.Minute

	// maxRate is by how much the monotonic clock may run fast or slow: 500 ppm, as
	// much as Linux corrects any clock by (adjtimex), 30 ms in a minute.
	maxRate = 500e-6
)

// Watch decides whether a clock can be trusted. It is safe for concurrent use.
type Watch struct {
	clock capture.Clock
	log   *slog.Logger
	refs  []Reference
	mono  func() time.Duration

	asking sync.Mutex
	silent []bool       // by reference: it did not answer when it was asked last
	asks   atomic.Int64 // how often the references were asked

	mu      sync.Mutex
	base    time.Time // wall time at mono 0: as last believed, or when the references answered
	answer  *answer   // the newest of the references, nil before the first
	stopped bool
}

// answer is what the references said: by how much they were ahead of the clock,
// how wrong that may be, and when, by the monotonic clock, they were asked.
type answer struct{ offset, within, at time.Duration }

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
	w := &Watch{clock: clock, log: log, refs: refs, mono: mono, silent: make([]bool, len(refs))}
	w.base = w.start()
	return w
}

// start is the wall time at mono 0.
func (w *Watch) start() time.Time { return w.clock.Now().Round(0).Add(-w.mono()) }

// Check returns by how much the clock may be wrong now, at most Accuracy, or
// evidence.ErrClock when it cannot be trusted.
//
// With references, that is what they said, what wall and monotonic clock have
// moved apart since, and what is unknown of both; without an answer that is young
// enough there is no trust. Without references nothing is known but that wall and
// monotonic clock advance together: small differences, the steps of a time
// daemon, are followed and count as right, and one above Accuracy is a jump,
// which is over when the wall clock is back where it would be.
func (w *Watch) Check(ctx context.Context) (time.Duration, error) {
	if asks := w.asks.Load(); !w.heard() {
		w.asking.Lock()
		if w.asks.Load() == asks { // nobody asked while this one waited
			w.askAll(ctx)
		}
		w.asking.Unlock()
	}
	return w.judge()
}

// Stopped says whether the clock was in doubt when somebody looked last.
func (w *Watch) Stopped() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.stopped
}

// heard says whether the references, where there are any, have said something
// that still counts.
func (w *Watch) heard() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.refs) == 0 || w.answer != nil && w.mono()-w.answer.at <= maxAge
}

func (w *Watch) judge() (within time.Duration, err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	defer func() {
		if stopped := err != nil; stopped != w.stopped {
			w.stopped = stopped
			w.log.Warn("clock in doubt", "stopped", stopped, "err", err)
		}
	}()
	drift := w.start().Sub(w.base)
	if len(w.refs) == 0 {
		if drift.Abs() > Accuracy {
			return 0, fmt.Errorf("it jumped by %.1f s: %w", drift.Seconds(), evidence.ErrClock)
		}
		w.base = w.base.Add(drift)
		return 0, nil
	}
	if w.answer == nil {
		return 0, fmt.Errorf("no time server has answered yet: %w", evidence.ErrClock)
	}
	age := w.mono() - w.answer.at
	if age > maxAge {
		return 0, fmt.Errorf("no time server has answered for %v: %w", age.Round(time.Second), evidence.ErrClock)
	}
	within = (w.answer.offset - drift).Abs() + w.answer.within + time.Duration(float64(age)*maxRate)
	if within > Accuracy {
		return 0, fmt.Errorf("it may be %.1f s off its references: %w", within.Seconds(), evidence.ErrClock)
	}
	return within, nil
}

// Run checks every second and asks the references every minute, every second
// while stopped, until the context ends.
func (w *Watch) Run(ctx context.Context) error {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	due := true
	for n := 1; ; n++ {
		if due {
			w.ask(ctx)
		}
		_, err := w.judge()
		due = err != nil || n%60 == 0
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
	}
}

func (w *Watch) ask(ctx context.Context) {
	w.asking.Lock()
	defer w.asking.Unlock()
	w.askAll(ctx)
}

// askAll asks every reference and takes the median: one of three that is wrong
// neither stops the clock nor lets it go on. No answer leaves the last one, which
// grows old.
func (w *Watch) askAll(ctx context.Context) {
	defer w.asks.Add(1)
	at, before := w.mono(), w.start()
	heard, errs := make([]answer, len(w.refs)), make([]error, len(w.refs))
	var all sync.WaitGroup
	for i, r := range w.refs {
		all.Go(func() { heard[i].offset, heard[i].within, errs[i] = r.Offset(ctx) })
	}
	all.Wait()
	var answers []answer
	for i, err := range errs {
		if err == nil {
			answers = append(answers, heard[i])
		} else if !w.silent[i] {
			w.log.WarnContext(ctx, "time reference silent", "err", err)
		}
		w.silent[i] = err != nil
	}
	if len(answers) == 0 {
		return
	}
	a := median(answers)
	a.at = at
	w.mu.Lock()
	defer w.mu.Unlock()
	w.base = w.start()
	a.within += w.base.Sub(before).Abs() // a step meanwhile: the answer is from before it, or from after
	w.answer = &a
}

// median is the middle one; of two in the middle the one that is further off.
func median(answers []answer) answer {
	slices.SortFunc(answers, func(a, b answer) int { return int(a.offset - b.offset) })
	low, high := answers[(len(answers)-1)/2], answers[len(answers)/2]
	if low.offset.Abs() > high.offset.Abs() {
		return low
	}
	return high
}

// ErrNoAnswer is a reference that did not answer usefully.
var ErrNoAnswer = errors.New("tsa: no usable answer")
