package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"inkwitness/api"
)

// SQLite has one writer, and what a transaction waits for is the disk at its end.
// So those that line up for the writer share a transaction: whoever has done its
// part passes the open transaction on and lines up again, behind everybody who
// waits by then; the first whose turn comes again commits for all. Nobody returns
// from Tx before what it wrote is on the disk, and one that waits for nobody
// commits at once. PostgreSQL has the like inside.

// group is a transaction of SQLite that callers of Tx share.
type group struct {
	tx   *sql.Tx
	done chan struct{} // closed once it has ended
	err  error         // how it ended; read after done
}

// errLost says that a transaction ended by the fault of somebody who shared it:
// nothing of it is stored, and it can be run again.
var errLost = errors.New("the transaction was lost with that of somebody else")

// turnLimit is how long a transaction waits for SQLite's single writer. It also
// turns a Tx begun inside another one with the outer context, which would wait
// for itself, into an error.
const turnLimit = 15 * time.Second

// takeTurn waits for SQLite's single writer. Waiting here rather than in SQLite
// is fair and ends with the context.
func (s *Store) takeTurn(ctx context.Context) error {
	limit := time.NewTimer(turnLimit)
	defer limit.Stop()
	select {
	case s.turn <- struct{}{}:
		return nil
	case <-limit.C:
		return fmt.Errorf("%w: the writer was busy for %v", api.ErrUnavailable, turnLimit)
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (s *Store) endTurn() { <-s.turn }

// aloneInTurn runs do while nothing is being written and no transaction is open.
func (s *Store) aloneInTurn(ctx context.Context, do func() error) error {
	if err := s.takeTurn(ctx); err != nil {
		return err
	}
	defer s.endTurn()
	if s.group != nil {
		s.endGroup(s.group.tx.Commit())
	}
	return do()
}

// share is one try of a transaction on SQLite.
func (s *Store) share(ctx context.Context, fn func(ctx context.Context) error) error {
	g, err := s.takePart(ctx, fn)
	if err != nil {
		return err
	}
	select {
	case <-g.done:
		return g.err
	case s.turn <- struct{}{}:
	}
	defer s.endTurn()
	if s.group == g {
		s.endGroup(g.tx.Commit())
	}
	return g.err
}

// takePart runs fn in the open transaction, or in a new one, and passes it on. What
// fn did is gone after an error or a panic; what others did before stays, unless
// the database has lost all of it.
func (s *Store) takePart(ctx context.Context, fn func(ctx context.Context) error) (*group, error) {
	if err := s.takeTurn(ctx); err != nil {
		return nil, err
	}
	defer s.endTurn()
	var begin, end, undo func() error
	g := s.group
	if g == nil {
		// It outlives this caller's context, as others may join.
		tx, err := s.write.BeginTx(context.WithoutCancel(ctx), nil)
		if err != nil {
			return nil, err
		}
		g = &group{tx: tx, done: make(chan struct{})}
		s.group = g
		nothing := func() error { return nil }
		begin, end, undo = nothing, nothing, func() error { return errLost }
	} else {
		run := func(q string) func() error {
			return func() error { _, err := g.tx.ExecContext(context.WithoutCancel(ctx), q); return err }
		}
		begin, end, undo = run(`SAVEPOINT part`), run(`RELEASE part`), run(`ROLLBACK TO part; RELEASE part`)
	}
	complete := false
	defer func() {
		if !complete && undo() != nil {
			_ = g.tx.Rollback() // where the database has not done so itself
			s.endGroup(errLost)
		}
	}()
	if err := begin(); err != nil {
		return nil, err
	}
	if err := fn(context.WithValue(ctx, txKey{s}, g.tx)); err != nil {
		return nil, err
	}
	err := end()
	complete = err == nil
	return g, err
}

// endGroup tells everybody who shared the transaction how it ended.
func (s *Store) endGroup(err error) {
	g := s.group
	g.err, s.group = err, nil
	close(g.done)
}

// uninterrupted keeps SQLite from breaking off a statement of a transaction when
// its context ends: that would undo the whole transaction, which others share.
func (s *Store) uninterrupted(ctx context.Context) context.Context {
	if s.turn == nil || ctx.Err() != nil {
		return ctx
	}
	return context.WithoutCancel(ctx)
}
