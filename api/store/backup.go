package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"inkwitness/evidence"
)

// Snapshot writes a consistent copy of the whole database as a file, while
// others read and write: SQLite's own copy, or what pg_dump makes.
func (s *Store) Snapshot(ctx context.Context, path string) error {
	if s.dialect.name == "sqlite" {
		return snapshotSQLite(ctx, s.address, path)
	}
	return postgresTool(ctx, s.address, "pg_dump", "--format=custom", "--no-owner", "--file="+path)
}

func snapshotSQLite(ctx context.Context, from, path string) (err error) {
	if err := createPrivate(path); err != nil {
		return err
	}
	db, err := sql.Open("sqlite", "file:"+(&url.URL{Path: from}).EscapedPath()+"?mode=ro&_pragma=busy_timeout(10000)")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	if _, err := db.ExecContext(ctx, `VACUUM INTO $1`, path); err != nil {
		return fmt.Errorf("copy the database: %w", err)
	}
	return nil
}

// LoadSnapshot makes a database from a snapshot. What is at the address must be
// empty or absent.
func LoadSnapshot(ctx context.Context, path, address string) error {
	if file, ok := strings.CutPrefix(address, "sqlite:"); ok {
		return loadSQLite(path, file)
	}
	return postgresTool(ctx, address, "pg_restore", "--no-owner", "--exit-on-error", "--single-transaction", path)
}

func loadSQLite(path, file string) error {
	if info, err := os.Stat(file); err == nil && info.Size() > 0 {
		return fmt.Errorf("%s exists already: %w", file, evidence.ErrExists)
	}
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		return err
	}
	raw, err := os.Open(path)
	if err != nil {
		return err
	}
	defer raw.Close()
	out, err := os.OpenFile(file, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = raw.WriteTo(out)
	return errors.Join(err, out.Sync(), out.Close())
}

// postgresTool runs one of PostgreSQL's programs. The password goes through the
// environment: arguments can be seen by everybody.
func postgresTool(ctx context.Context, address, name string, args ...string) error {
	where, err := url.Parse(address)
	if err != nil || where.User == nil && where.Host == "" && where.RawQuery == "" {
		return errors.New("the postgres address cannot be read") // the error would repeat the password
	}
	password, _ := where.User.Password()
	if where.User != nil {
		where.User = url.User(where.User.Username())
	}
	program, err := clientProgram(name)
	if err != nil {
		return err
	}
	cmd := exec.CommandContext(ctx, program, append([]string{"--dbname=" + where.String()}, args...)...)
	cmd.Env = os.Environ()
	if password != "" {
		cmd.Env = append(cmd.Env, "PGPASSWORD="+password)
	}
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w: %.500s", name, err, out)
	}
	return nil
}

// clientProgram finds one of PostgreSQL's programs.
func clientProgram(name string) (string, error) {
	program, err := exec.LookPath(name)
	if err != nil {
		return "", fmt.Errorf("%s is not installed; install PostgreSQL's client programs, of the server's version or newer: %w", name, err)
	}
	return program, nil
}

// CanSnapshot tells whether the program that copies this database is there.
func CanSnapshot(address string) error {
	if strings.HasPrefix(address, "sqlite:") {
		return nil
	}
	_, err := clientProgram("pg_dump")
	return err
}

// Deletion is something that must not come back with a backup: a key that was
// destroyed, or an object that was deleted.
type Deletion struct {
	Key       string    `json:"key,omitempty"`    // id of a data key
	Object    string    `json:"object,omitempty"` // name of a blob
	When      time.Time `json:"when"`
	Authority string    `json:"authority,omitempty"`
}

// Deletions lists what was deleted since a time.
func (s *Store) Deletions(ctx context.Context, since time.Time) ([]Deletion, error) {
	keys, err := list(ctx, s, func(r scanner) (d Deletion, err error) { return d, r.Scan(&d.Key, when(&d.When), &d.Authority) },
		`SELECT id, erased, authority FROM keys WHERE erased >= $1 ORDER BY erased, id`, since.UnixMicro())
	if err != nil {
		return nil, err
	}
	objects, err := list(ctx, s, func(r scanner) (d Deletion, err error) { return d, r.Scan(&d.Object, when(&d.When)) },
		`SELECT key, gone FROM objects WHERE gone >= $1 AND holder <> '' ORDER BY gone, key`, since.UnixMicro())
	return append(keys, objects...), err
}

// Replay does deletions again on a database that was restored from before them, and
// ends the sessions: one of them may have ended since, and the secrets in the cookies
// of others are later than those that the database knows.
func (s *Store) Replay(ctx context.Context, deletions []Deletion) error {
	return s.Tx(ctx, func(ctx context.Context) error {
		for _, d := range deletions {
			var err error
			if d.Key != "" {
				err = s.DestroyKey(ctx, d.Key, evidence.Erasure{When: d.When, Authority: d.Authority})
				if errors.Is(err, evidence.ErrNotFound) {
					err = nil // made and destroyed after the backup
				}
			} else {
				// The purge does the rest, and signs a receipt.
				_, err = s.exec(ctx, `UPDATE objects SET state = 'leaving' WHERE key = $1 AND state = 'kept' AND stored <= $2`, d.Object, micros(d.When))
			}
			if err != nil {
				return fmt.Errorf("replay a deletion: %w", err)
			}
		}
		if _, err := s.exec(ctx, `UPDATE sessions SET ended = seen, end_reason = 'restored' WHERE ended IS NULL`); err != nil {
			return fmt.Errorf("end the sessions: %w", err)
		}
		// What cannot be read any more because its key was destroyed is not listed either.
		_, err := s.exec(ctx, `DELETE FROM grants WHERE document IN (SELECT d.id FROM documents d JOIN keys k ON k.id = 'document:' || d.id WHERE k.erased IS NOT NULL)`)
		if err == nil {
			_, err = s.exec(ctx, `DELETE FROM records WHERE 'document:' || deposit IN (SELECT id FROM keys WHERE erased IS NOT NULL)`)
		}
		if err == nil {
			_, err = s.exec(ctx, `DELETE FROM prints WHERE 'subject:' || subject IN (SELECT id FROM keys WHERE erased IS NOT NULL)`)
		}
		if err == nil {
			_, err = s.exec(ctx, `DELETE FROM documents WHERE 'document:' || id IN (SELECT id FROM keys WHERE erased IS NOT NULL)`)
		}
		if err == nil {
			_, err = s.exec(ctx, `DELETE FROM subjects WHERE 'subject:' || id IN (SELECT id FROM keys WHERE erased IS NOT NULL)`)
		}
		return err
	})
}
