package retain

import (
	"context"
	"fmt"
	"time"

	"inkwitness/evidence"
)

// A clock can be set, in one step or in many small ones with restarts between
// them. So the purge keeps a time of its own, the latest that is known to have
// come, which a clock alone does not move. It advances by what is counted while a
// process runs, and is set to the clock's where somebody outside, or two people,
// say that it is right. What passes while no process runs is known to the clock
// alone: of that, all together, MaxJump is believed.

// known is a time that is known to have come, and the uptime at which it had.
type known struct {
	time.Time
	at time.Duration
}

// askOutside is how far the clock may be ahead of what is known before somebody
// outside is asked: much less than MaxJump, so that a question may fail, and much
// more than a restart takes.
const askOutside = time.Hour

// checkClock returns evidence.ErrClock when the clock cannot be believed.
func (p *Purger) checkClock(ctx context.Context, now time.Time) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	stored, err := p.cfg.Store.LastClock(ctx)
	if err != nil {
		return fmt.Errorf("read what time is known to have come: %w", err)
	}
	uptime := p.cfg.Uptime()
	latest := stored
	switch {
	case stored.IsZero():
		latest = now // the first run: nothing older than this clock is stored
	case p.seen.IsZero() || stored.Before(p.seen.Time):
		// a new process, or two people have set it back
	default:
		if counted := p.seen.Add(uptime - p.seen.at); counted.After(latest) {
			latest = counted
		}
	}
	if p.cfg.Outside != nil && now.Sub(latest) > askOutside {
		if err := p.cfg.Outside(ctx); err != nil {
			p.cfg.Log.WarnContext(ctx, "nobody outside says that the clock is right", "clock", now, "known to have come", latest, "err", err)
		} else {
			latest = now
		}
	}
	latest = latest.Truncate(time.Microsecond) // a store may keep no more, and what it has is compared with what was seen
	if !latest.Equal(stored) {
		if err := p.cfg.Store.SaveClock(ctx, latest); err != nil {
			return fmt.Errorf("note what time is known to have come: %w", err)
		}
	}
	p.seen = known{latest, uptime}
	if now.Sub(latest).Abs() > p.cfg.MaxJump {
		return fmt.Errorf("the clock says %s, and by all that is known it is %s: %w", now.Format(time.RFC3339), latest.UTC().Format(time.RFC3339), evidence.ErrClock)
	}
	return nil
}

// Confirm lets purging go on. Two different people must say that the present time
// is right.
func (p *Purger) Confirm(ctx context.Context, first, second string) error {
	now := p.cfg.Clock.Now().UTC()
	p.cfg.Log.WarnContext(ctx, "time confirmed by two people", "first", first, "second", second, "now", now)
	return ConfirmClock(ctx, p.cfg.Store, now, first, second)
}

// ConfirmClock is Purger.Confirm for a program that does not purge itself.
func ConfirmClock(ctx context.Context, store interface {
	SaveClock(ctx context.Context, t time.Time) error
}, now time.Time, first, second string) error {
	if first == "" || second == "" || first == second {
		return fmt.Errorf("two different people are needed to confirm the time: %w", evidence.ErrNotAllowed)
	}
	return store.SaveClock(ctx, now)
}
