package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"iter"
	"time"

	"inkwitness/api"
)

// scanner is a row that can be read once.
type scanner interface{ Scan(dest ...any) error }

// exec runs a statement, in ctx's transaction or in one of its own, and returns
// how many rows it changed.
func (s *Store) exec(ctx context.Context, query string, args ...any) (int64, error) {
	var n int64
	err := s.Tx(ctx, func(ctx context.Context) error {
		result, err := s.tx(ctx).ExecContext(s.uninterrupted(ctx), query, args...)
		if err != nil {
			return s.translate(err)
		}
		n, err = result.RowsAffected()
		return err
	})
	return n, err
}

// execOne is exec for a statement that must change exactly one row; changing
// none is ErrNotFound.
func (s *Store) execOne(ctx context.Context, query string, args ...any) error {
	n, err := s.exec(ctx, query, args...)
	if err == nil && n == 0 {
		return api.ErrNotFound
	}
	return err
}

// row runs a query for one row. Outside a transaction it must only read.
func (s *Store) row(ctx context.Context, query string, args ...any) scanner {
	if tx := s.tx(ctx); tx != nil {
		return &row{tx.QueryRowContext(s.uninterrupted(ctx), query, args...), s}
	}
	return &row{s.read.QueryRowContext(ctx, query, args...), s}
}

type row struct {
	row *sql.Row
	s   *Store
}

// Scan reads the row; no row is ErrNotFound.
func (r *row) Scan(dest ...any) error { return r.s.translate(r.row.Scan(dest...)) }

// each runs a query and yields its rows. Outside a transaction it must only
// read. An error ends the sequence and is yielded with a nil row.
func (s *Store) each(ctx context.Context, query string, args ...any) iter.Seq2[scanner, error] {
	return func(yield func(scanner, error) bool) {
		var rows *sql.Rows
		var err error
		if tx := s.tx(ctx); tx != nil {
			rows, err = tx.QueryContext(s.uninterrupted(ctx), query, args...)
		} else {
			rows, err = s.read.QueryContext(ctx, query, args...)
		}
		if err != nil {
			yield(nil, s.translate(err))
			return
		}
		defer rows.Close()
		for rows.Next() {
			if !yield(rows, nil) {
				return
			}
		}
		if err := rows.Err(); err != nil {
			yield(nil, s.translate(err))
		}
	}
}

// list collects the rows of a query with one function that scans a row.
func list[T any](ctx context.Context, s *Store, scan func(scanner) (T, error), query string, args ...any) ([]T, error) {
	var all []T
	for r, err := range s.each(ctx, query, args...) {
		if err != nil {
			return nil, err
		}
		v, err := scan(r)
		if err != nil {
			return nil, s.translate(err)
		}
		all = append(all, v)
	}
	return all, nil
}

// sealed is a row as read, with the column that is still to be opened. Opening
// may need a key from the database, and a connection that is handing out rows
// cannot be asked for anything else: so all rows are read first.
type sealed[T any] struct {
	v      T
	column []byte
}

// listSealed is list for rows with a sealed column.
func listSealed[T any](ctx context.Context, s *Store, scan func(scanner) (sealed[T], error),
	open func(context.Context, sealed[T]) (T, error), query string, args ...any) ([]T, error) {
	rows, err := list(ctx, s, scan, query, args...)
	if err != nil {
		return nil, err
	}
	all := make([]T, 0, len(rows))
	for _, r := range rows {
		v, err := open(ctx, r)
		if err != nil {
			return nil, err
		}
		all = append(all, v)
	}
	return all, nil
}

// translate gives a database error the sentinel that tells the caller what it
// means. The driver's error stays in the chain.
func (s *Store) translate(err error) error {
	var meaning error
	switch {
	case err == nil, errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded),
		errors.Is(err, api.ErrConflict), errors.Is(err, api.ErrUnavailable), errors.Is(err, api.ErrNotFound):
		return err
	case errors.Is(err, sql.ErrNoRows):
		return fmt.Errorf("%w", api.ErrNotFound)
	case s.dialect.conflict(err):
		meaning = api.ErrConflict
	case s.dialect.retry(err), s.dialect.down(err):
		meaning = api.ErrUnavailable
	default:
		return err
	}
	return fmt.Errorf("%w: %w", meaning, err)
}

// micros is how a time is stored: µs since 1970 UTC, NULL for the zero time.
func micros(t time.Time) any {
	if t.IsZero() {
		return nil
	}
	return t.UnixMicro()
}

// when reads a stored time into t.
func when(t *time.Time) sql.Scanner { return (*stamp)(t) }

type stamp time.Time

// Scan implements sql.Scanner for a BIGINT of µs.
func (s *stamp) Scan(src any) error {
	switch v := src.(type) {
	case nil:
		*s = stamp{}
	case int64:
		*s = stamp(time.UnixMicro(v).UTC())
	default:
		return fmt.Errorf("a time column holds %T", src)
	}
	return nil
}
