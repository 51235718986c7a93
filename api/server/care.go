package server

import (
	"context"
	"fmt"
	"time"
)

// orphanAge is how old a blob without a row must be to be swept: older than any
// transaction that could still be about to write the row.
const orphanAge = time.Hour

// sweepObjects deletes the blobs that interrupted writes left.
func (s *Server) sweepObjects(ctx context.Context) error {
	if err := s.ceremony.Register(ctx, s.accounts.Ceremonies(), s.store); err != nil {
		return fmt.Errorf("register stored objects: %w", err)
	}
	now := s.clock.Now()
	n, err := s.objects.Sweep(ctx, now.Add(-orphanAge), s.store)
	if n > 0 {
		s.cfg.Logger.InfoContext(ctx, "swept blobs that nothing referred to", "count", n)
	}
	if err != nil {
		return err
	}
	return s.store.ForgetOrphans(ctx, now)
}
