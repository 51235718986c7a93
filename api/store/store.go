// Package store keeps everything that the service remembers in one SQL
// database: SQLite by default, PostgreSQL by address. It fills the Store
// interfaces that the packages to its left and beside it declare.
//
// One SQL text serves both databases: placeholders are $1, $2, times are BIGINT
// microseconds since 1970 UTC (NULL for the zero time), ids are TEXT, documents
// are JSON in TEXT. What differs lives in the dialect struct and in the two
// folders of migrations.
//
// Transactions travel in the context: Tx begins one and hands its function a
// context, and each method called with that context joins it. So a package that
// knows nothing of SQL can still put a mail, an audit entry and its own row into
// one transaction. Both databases run them serialisably; Tx repeats its function
// when the database asks for it, so the function must have no other effects.
// After a failed statement the transaction is lost on PostgreSQL: return the
// error, do not go on.
//
// The package is not for business rules, and it hands out no *sql.DB.
package store

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"strings"
	"time"

	"inkwitness/capture"
)

// Options are the parts a Store needs from outside.
type Options struct {
	Clock  capture.Clock // required: stamps rows whose caller gives no time
	Logger *slog.Logger  // nil discards

	// Wrap comes between the store and the database, for tests that let calls
	// fail; nil: nothing does.
	Wrap func(driver.Connector) driver.Connector
}

// Store is the database. Its methods are safe for concurrent use.
type Store struct {
	write   *sql.DB
	read    *sql.DB       // the same pool as write on PostgreSQL; read-only connections on SQLite
	turn    chan struct{} // the single writer of SQLite; nil on PostgreSQL
	group   *group        // the open transaction of that writer; of whoever has the turn
	dialect dialect
	address string // path of SQLite's file, or the address of PostgreSQL
	clock   capture.Clock
	log     *slog.Logger
}

// Open connects to sqlite:PATH or postgres://... and brings the schema up to
// date. Several processes may do so at once: one applies, the others wait.
func Open(ctx context.Context, url string, opt Options) (*Store, error) {
	if opt.Clock == nil {
		return nil, errors.New("open store: no clock")
	}
	if opt.Logger == nil {
		opt.Logger = slog.New(slog.DiscardHandler)
	}
	s := &Store{clock: opt.Clock, log: opt.Logger}
	var err error
	switch {
	case strings.HasPrefix(url, "sqlite:"):
		s.address = strings.TrimPrefix(url, "sqlite:")
		err = s.openSQLite(s.address, opt.Wrap)
	case strings.HasPrefix(url, "postgres://"), strings.HasPrefix(url, "postgresql://"):
		s.address = url
		err = s.openPostgres(url, opt.Wrap)
	default:
		err = errors.New("the address must begin with sqlite: or postgres://")
	}
	if err != nil {
		return nil, fmt.Errorf("open store: %w", err)
	}
	if err := s.migrate(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("open store: %w", s.translate(err)), s.Close())
	}
	return s, nil
}

// Close ends all connections. Transactions still running fail.
func (s *Store) Close() error {
	if s.read == s.write {
		return s.write.Close()
	}
	return errors.Join(s.read.Close(), s.write.Close())
}

// Ping says whether the database answers.
func (s *Store) Ping(ctx context.Context) error {
	var one int
	return s.row(ctx, `SELECT 1`).Scan(&one)
}

// Dialect names the database: "sqlite" or "postgres".
func (s *Store) Dialect() string { return s.dialect.name }

// maxTries bounds the repeats of one transaction: with the pauses below that is
// about two seconds, more than any honest conflict takes.
const maxTries = 12

// Tx runs fn in a serialisable transaction carried by fn's context, and commits
// when fn returns nil. Called with a context that already carries one, it joins.
// fn may run several times.
func (s *Store) Tx(ctx context.Context, fn func(ctx context.Context) error) error {
	if s.tx(ctx) != nil {
		return fn(ctx)
	}
	for try := 1; ; try++ {
		err := s.once(ctx, fn)
		if err == nil || try == maxTries || !s.dialect.retry(err) {
			return s.translate(err)
		}
		pause := time.Duration(rand.Int64N(int64(min(try*try, 60)) * int64(5*time.Millisecond)))
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return s.translate(ctx.Err())
		}
	}
}

// statement runs fn, which is one statement that writes and returns rows. Where the
// database has a lock for each row it needs no transaction around it: of many at
// once on one row each waits for the one before, and none has to try again.
func (s *Store) statement(ctx context.Context, fn func(ctx context.Context) error) error {
	if s.turn == nil {
		return fn(ctx)
	}
	return s.Tx(ctx, fn)
}

// once is one try of a transaction.
func (s *Store) once(ctx context.Context, fn func(ctx context.Context) error) (err error) {
	if s.turn != nil {
		return s.share(ctx, fn)
	}
	tx, err := s.write.BeginTx(ctx, &sql.TxOptions{Isolation: s.dialect.isolation})
	if err != nil {
		return err
	}
	defer func() {
		// After Commit this does nothing; on an error or a panic it gives the connection back.
		_ = tx.Rollback()
	}()
	if err := fn(context.WithValue(ctx, txKey{s}, tx)); err != nil {
		return err
	}
	return tx.Commit()
}

type txKey struct{ s *Store }

// tx returns the transaction that ctx carries for this store, or nil.
func (s *Store) tx(ctx context.Context) *sql.Tx {
	tx, _ := ctx.Value(txKey{s}).(*sql.Tx)
	return tx
}
