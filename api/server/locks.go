package server

import (
	"context"
	"fmt"
	"time"
)

// Under a hold a lock is extended when less than lockLeft is left of it, to
// lockAhead from now. Nobody can shorten it: what a hold no longer protects stays
// locked for that long at most, hidden and without its key.
const (
	lockLeft  = 60 * 24 * time.Hour
	lockAhead = 90 * 24 * time.Hour
)

// locks extends the locks, in the object stores that can, of what holds protect
// beyond its end.
func (c *checker) locks(ctx context.Context, r *BytesReport) error {
	const some = 100
	for after := ""; ; {
		now := c.clock.Now().UTC()
		ending, err := c.store.LockEnding(ctx, now.Add(lockLeft), after, some)
		if err != nil {
			return fmt.Errorf("list the locks that end under a hold: %w", err)
		}
		for _, o := range ending {
			after, o.Locked = o.Key, now.Add(lockAhead)
			if err := c.objects.Lock(ctx, o); err != nil {
				r.wrong(o.Key, fmt.Errorf("extend its lock for a hold: %w", err))
				continue
			}
			if err := c.store.Locked(ctx, o.Key, o.Locked); err != nil {
				return fmt.Errorf("note the lock of %s: %w", o.Key, err)
			}
		}
		if len(ending) < some {
			return nil
		}
	}
}
