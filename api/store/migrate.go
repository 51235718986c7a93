package store

import (
	"context"
	"database/sql"
	"embed"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock"
)

//go:embed migrations
var migrations embed.FS

// migrate applies what is missing, under a lock that is held by one process at
// a time. Numbers are dealt out by hundreds to the areas of the schema (see the
// README), so an area may gain a migration below another's newest.
func (s *Store) migrate(ctx context.Context) error {
	files, err := fs.Sub(migrations, "migrations/"+s.dialect.name)
	if err != nil {
		return err
	}
	dialect, locker, err := s.migrationLock(ctx)
	if err != nil {
		return err
	}
	provider, err := goose.NewProvider(dialect, s.write, files,
		goose.WithSessionLocker(locker), goose.WithAllowOutofOrder(true), goose.WithDisableGlobalRegistry(true))
	if err != nil {
		return fmt.Errorf("read migrations: %w", err)
	}
	done, err := provider.Up(ctx)
	if err != nil {
		return fmt.Errorf("migrate: %w", err)
	}
	if len(done) > 0 {
		s.log.InfoContext(ctx, "schema migrated", "database", s.dialect.name, "applied", len(done))
	}
	return nil
}

func (s *Store) migrationLock(ctx context.Context) (goose.Dialect, lock.SessionLocker, error) {
	if s.dialect.name == "postgres" {
		l, err := lock.NewPostgresSessionLocker(lock.WithLockTimeout(1, 120), lock.WithUnlockTimeout(1, 30))
		return goose.DialectPostgres, l, err
	}
	var seq int
	var name, path string
	if err := s.write.QueryRowContext(ctx, `PRAGMA database_list`).Scan(&seq, &name, &path); err != nil {
		return "", nil, err
	}
	return goose.DialectSQLite3, &fileLocker{path: filepath.Clean(path) + ".migrate"}, nil
}

// fileLocker lets one process at a time migrate an SQLite file. SQLite's own
// locks cover one transaction, not the sequence that goose runs.
type fileLocker struct {
	path string
	file *os.File
}

// SessionLock waits for the lock until ctx ends.
func (l *fileLocker) SessionLock(ctx context.Context, _ *sql.Conn) error {
	f, err := os.OpenFile(l.path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return err
	}
	for syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB) != nil {
		select {
		case <-time.After(20 * time.Millisecond):
		case <-ctx.Done():
			return f.Close()
		}
	}
	l.file = f
	return nil
}

// SessionUnlock gives the lock back. The file stays: removing it would let two
// processes lock two different files of one name.
func (l *fileLocker) SessionUnlock(context.Context, *sql.Conn) error {
	if l.file == nil {
		return nil
	}
	return l.file.Close()
}
