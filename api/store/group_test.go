package store

import (
	"bytes"
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime/pprof"
	"strings"
	"sync"
	"testing"
	"time"

	"inkwitness/api"
)

// watched counts transactions of SQLite, and lets a statement or a commit fail.
type watched struct {
	mu      sync.Mutex
	commits int
	fail    string // a statement, or "commit"; it fails once
}

var errDisk = errors.New("the disk is gone")

func (w *watched) fails(what string) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if what == "commit" {
		w.commits++
	}
	if w.fail != what {
		return nil
	}
	w.fail = ""
	return errDisk
}

type watchedConnector struct {
	driver.Connector
	w *watched
}

func (c watchedConnector) Connect(ctx context.Context) (driver.Conn, error) {
	conn, err := c.Connector.Connect(ctx)
	return watchedConn{conn, c.w}, err
}

type watchedConn struct {
	driver.Conn
	w *watched
}

func (c watchedConn) BeginTx(ctx context.Context, opts driver.TxOptions) (driver.Tx, error) {
	tx, err := c.Conn.(driver.ConnBeginTx).BeginTx(ctx, opts)
	return watchedTx{tx, c.w}, err
}

func (c watchedConn) ExecContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Result, error) {
	if err := c.w.fails(query); err != nil {
		return nil, err
	}
	return c.Conn.(driver.ExecerContext).ExecContext(ctx, query, args)
}

func (c watchedConn) QueryContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Rows, error) {
	return c.Conn.(driver.QueryerContext).QueryContext(ctx, query, args)
}

type watchedTx struct {
	driver.Tx
	w *watched
}

func (t watchedTx) Commit() error {
	if err := t.w.fails("commit"); err != nil {
		return errors.Join(err, t.Rollback())
	}
	return t.Tx.Commit()
}

// lineUp opens a database and lets all run at once, none before every one waits
// for the writer.
func lineUp(t *testing.T, prepare func(*watched), all ...func(s *Store)) (*Store, *watched) {
	t.Helper()
	w, file := &watched{}, filepath.Join(t.TempDir(), "ink.db")
	if err := os.WriteFile(file, migratedFile(), 0o600); err != nil {
		t.Fatal(err)
	}
	s, err := Open(t.Context(), "sqlite:"+file, Options{Clock: fixedClock{},
		Wrap: func(c driver.Connector) driver.Connector { return watchedConnector{c, w} }})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	if _, err := s.exec(t.Context(), `CREATE TABLE done (id TEXT PRIMARY KEY)`); err != nil {
		t.Fatal(err)
	}
	w.commits = 0
	prepare(w)
	if err := s.takeTurn(t.Context()); err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for i, do := range all {
		wg.Go(func() { do(s) })
		for waiting() <= i {
			time.Sleep(time.Millisecond)
		}
	}
	s.endTurn()
	wg.Wait()
	return s, w
}

// migratedFile is an SQLite database with every table and nothing in them: making
// one takes as long as all the tests here.
var migratedFile = sync.OnceValue(func() []byte {
	dir, err := os.MkdirTemp("", "ink")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(dir)
	file := filepath.Join(dir, "ink.db")
	s, err := Open(context.Background(), "sqlite:"+file, Options{Clock: fixedClock{}})
	if err == nil {
		err = errors.Join(s.EmptyJournal(context.Background()), s.Close())
	}
	if err != nil {
		panic(err)
	}
	raw, err := os.ReadFile(file)
	if err != nil {
		panic(err)
	}
	return raw
})

// waiting counts the goroutines that wait for their turn.
func waiting() int {
	var b bytes.Buffer
	_ = pprof.Lookup("goroutine").WriteTo(&b, 2) // a bytes.Buffer does not fail
	n := 0
	for g := range strings.SplitSeq(b.String(), "\n\n") {
		if first, rest, _ := strings.Cut(g, "\n"); strings.Contains(first, "[select") && strings.Contains(rest, "(*Store).takeTurn(") {
			n++
		}
	}
	return n
}

// insert writes a row and returns what then says.
func (s *Store) insert(ctx context.Context, id string, then func(ctx context.Context) error) error {
	return s.Tx(ctx, func(ctx context.Context) error {
		if _, err := s.exec(ctx, `INSERT INTO done (id) VALUES ($1)`, id); err != nil {
			return err
		}
		return then(ctx)
	})
}

func nothing(context.Context) error { return nil }

func (s *Store) rows(t *testing.T) string {
	t.Helper()
	ids, err := list(t.Context(), s, func(r scanner) (id string, err error) { return id, r.Scan(&id) }, `SELECT id FROM done ORDER BY id`)
	if err != nil {
		t.Fatal(err)
	}
	return strings.Join(ids, " ")
}

// writer is a transaction of its own that must go well.
func writer(t *testing.T, id string) func(*Store) {
	return func(s *Store) {
		if err := s.insert(t.Context(), id, nothing); err != nil {
			t.Errorf("%s: %v", id, err)
		}
		if all := " " + s.rows(t) + " "; !strings.Contains(all, " "+id+" ") {
			t.Errorf("%s was said to be stored; a reader sees%s", id, all)
		}
	}
}

// TestWaitingTransactionsShareOneCommit: with them some that fail, panic or end with
// their context in the middle, of which nothing stays.
func TestWaitingTransactionsShareOneCommit(t *testing.T) {
	stop := errors.New("stop")
	ended, end := context.WithCancel(t.Context())
	s, w := lineUp(t, func(*watched) {},
		writer(t, "a"),
		func(s *Store) {
			if err := s.insert(t.Context(), "failed", func(context.Context) error { return stop }); !errors.Is(err, stop) {
				t.Error(err)
			}
		},
		writer(t, "b"),
		func(s *Store) {
			defer func() {
				if recover() == nil {
					t.Error("the panic was lost")
				}
			}()
			_ = s.insert(t.Context(), "panicked", func(context.Context) error { panic("in the middle") })
		},
		func(s *Store) {
			err := s.insert(ended, "ended", func(ctx context.Context) error {
				end()
				_, err := s.exec(ctx, `INSERT INTO done (id) VALUES ('late')`)
				return err
			})
			if !errors.Is(err, context.Canceled) {
				t.Error(err)
			}
		},
		func(s *Store) {
			if err := s.insert(t.Context(), "a", nothing); !errors.Is(err, api.ErrConflict) {
				t.Errorf("a key that somebody took in the same transaction: %v", err)
			}
		},
		writer(t, "c"))
	if got := s.rows(t); got != "a b c" || w.commits != 1 {
		t.Errorf("stored %q in %d commits", got, w.commits)
	}
}

// TestFirstOfSharedTransactionFails: the next begins a new one.
func TestFirstOfSharedTransactionFails(t *testing.T) {
	stop := errors.New("stop")
	s, w := lineUp(t, func(*watched) {}, func(s *Store) {
		if err := s.insert(t.Context(), "failed", func(context.Context) error { return stop }); !errors.Is(err, stop) {
			t.Error(err)
		}
	}, writer(t, "a"), writer(t, "b"))
	if got := s.rows(t); got != "a b" || w.commits != 1 {
		t.Errorf("stored %q in %d commits", got, w.commits)
	}
}

// TestSharedCommitFails: everybody is told, and nothing is stored.
func TestSharedCommitFails(t *testing.T) {
	told := func(id string) func(*Store) {
		return func(s *Store) {
			if err := s.insert(t.Context(), id, nothing); !errors.Is(err, errDisk) {
				t.Errorf("%s: %v", id, err)
			}
		}
	}
	s, _ := lineUp(t, func(w *watched) { w.fail = "commit" }, told("a"), told("b"), told("c"))
	if got := s.rows(t); got != "" {
		t.Errorf("stored %q", got)
	}
	writer(t, "later")(s)
}

// TestSharedTransactionIsLost: where one cannot be undone alone the database has
// lost all; the others run again.
func TestSharedTransactionIsLost(t *testing.T) {
	for _, statement := range []string{`SAVEPOINT part`, `RELEASE part`, `ROLLBACK TO part; RELEASE part`} {
		t.Run(statement, func(t *testing.T) {
			undone := strings.HasPrefix(statement, "ROLLBACK")
			s, _ := lineUp(t, func(w *watched) { w.fail = statement }, writer(t, "a"), func(s *Store) {
				err := s.insert(t.Context(), "b", func(context.Context) error {
					if undone {
						return fmt.Errorf("of its own: %w", errDisk)
					}
					return nil
				})
				if !errors.Is(err, errDisk) {
					t.Error(err)
				}
			}, writer(t, "c"))
			if got := s.rows(t); got != "a c" {
				t.Errorf("stored %q", got)
			}
		})
	}
}

// TestJournalIsEmptiedBetweenParts: what needs the writer alone finds no open transaction.
func TestJournalIsEmptiedBetweenParts(t *testing.T) {
	s, w := lineUp(t, func(*watched) {}, writer(t, "a"), func(s *Store) {
		if _, err := s.Compact(t.Context()); err != nil {
			t.Error(err)
		}
	}, writer(t, "b"))
	if got := s.rows(t); got != "a b" || w.commits != 2 {
		t.Errorf("stored %q in %d commits", got, w.commits)
	}
}
