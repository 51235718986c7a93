package store

import (
	"context"
	"time"
)

// Lease lets one instance do something until a time, and the same one go on with
// it; false while another's time is not over. A time that nobody would ask for now
// is by a clock that was wrong, and keeps nobody.
func (s *Store) Lease(ctx context.Context, what, holder string, now, until time.Time) (bool, error) {
	n, err := s.exec(ctx, `INSERT INTO leases (name, holder, until) VALUES ($1, $2, $3)
		ON CONFLICT (name) DO UPDATE SET holder = excluded.holder, until = excluded.until
		WHERE leases.holder = excluded.holder OR leases.until <= $4 OR leases.until > $5`,
		what, holder, micros(until), micros(now), micros(until.Add(until.Sub(now))))
	return n == 1, err
}

// Unlease ends an instance's lease, and nobody else's.
func (s *Store) Unlease(ctx context.Context, what, holder string) error {
	_, err := s.exec(ctx, `DELETE FROM leases WHERE name = $1 AND holder = $2`, what, holder)
	return err
}

// logForked is what a fork of the log is remembered as.
const logForked = "log forked"

// LogForked says when a witness had seen another history of the log, zero where
// none had or somebody has decided since that it goes on.
func (s *Store) LogForked(ctx context.Context) (time.Time, error) { return s.Cared(ctx, logForked) }

// ForkLog notes that a witness has seen another history of the log.
func (s *Store) ForkLog(ctx context.Context, at time.Time) error { return s.Care(ctx, logForked, at) }

// ResumeLog lets the log go on.
func (s *Store) ResumeLog(ctx context.Context) error { return s.Unclaim(ctx, logForked) }
