package store

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/stdlib"
	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

// dialect is all that differs between the two databases besides their DDL.
type dialect struct {
	name      string
	isolation sql.IsolationLevel
	retry     func(error) bool // the transaction lost against another one: run it again
	conflict  func(error) bool // a UNIQUE, PRIMARY KEY, FOREIGN KEY or CHECK stopped it
	down      func(error) bool // the database did not answer
}

// openSQLite opens the file with one writing and several reading connections.
// WAL lets readers go on while the writer works; FULL syncs each commit, so what
// is committed survives a power cut; secure_delete overwrites what is deleted;
// temp_store=MEMORY keeps sorted rows out of temporary files.
func (s *Store) openSQLite(path string, wrap func(driver.Connector) driver.Connector) error {
	if err := createPrivate(path); err != nil {
		return err
	}
	const pragmas = "?_pragma=busy_timeout(10000)&_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)" +
		"&_pragma=foreign_keys(1)&_pragma=secure_delete(1)&_pragma=temp_store(MEMORY)"
	file := "file:" + (&url.URL{Path: path}).EscapedPath() + pragmas
	var err error
	if s.write, err = openFile(file+"&_txlock=immediate", wrap); err != nil {
		return err
	}
	s.write.SetMaxOpenConns(1)
	if s.read, err = openFile(file+"&_pragma=query_only(1)", wrap); err != nil {
		return errors.Join(err, s.write.Close())
	}
	s.read.SetMaxOpenConns(4 * runtime.NumCPU())
	s.read.SetMaxIdleConns(4)
	s.turn = make(chan struct{}, 1)
	s.dialect = dialect{name: "sqlite", retry: sqliteRetry, conflict: sqliteConflict, down: sqliteDown}
	return nil
}

// openFile makes a pool of connections to SQLite.
func openFile(address string, wrap func(driver.Connector) driver.Connector) (*sql.DB, error) {
	db, err := sql.Open("sqlite", address)
	if err != nil || wrap == nil {
		return db, err
	}
	return sql.OpenDB(wrap(connector{db.Driver(), address})), db.Close()
}

// connector is what database/sql makes of a driver and an address.
type connector struct {
	driver  driver.Driver
	address string
}

func (c connector) Connect(context.Context) (driver.Conn, error) { return c.driver.Open(c.address) }
func (c connector) Driver() driver.Driver                        { return c.driver }

// createPrivate makes the database file readable by its owner alone; SQLite
// gives its WAL the same mode.
func createPrivate(path string) error {
	if path == "" || strings.HasPrefix(path, ":") {
		return errors.New("sqlite: wants the path of a file")
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return err
	}
	return f.Close()
}

func sqliteCode(err error) int {
	if e, ok := errors.AsType[*sqlite.Error](err); ok {
		return e.Code() & 0xff // the primary code; the rest says which kind
	}
	return sqlite3.SQLITE_OK
}

func sqliteRetry(err error) bool {
	code := sqliteCode(err)
	return code == sqlite3.SQLITE_BUSY || code == sqlite3.SQLITE_LOCKED || errors.Is(err, errLost)
}

// A missing value is not a conflict but a mistake of ours.
func sqliteConflict(err error) bool {
	e, ok := errors.AsType[*sqlite.Error](err)
	return ok && e.Code()&0xff == sqlite3.SQLITE_CONSTRAINT && e.Code() != sqlite3.SQLITE_CONSTRAINT_NOTNULL
}

func sqliteDown(err error) bool {
	switch sqliteCode(err) {
	case sqlite3.SQLITE_IOERR, sqlite3.SQLITE_FULL, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY:
		return true
	}
	return errors.Is(err, sql.ErrConnDone)
}

// openPostgres makes a pool. An idle transaction is ended by the server, so a
// stuck instance cannot hold locks for ever.
func (s *Store) openPostgres(address string, wrap func(driver.Connector) driver.Connector) error {
	cfg, err := pgx.ParseConfig(address)
	if err != nil {
		return errors.New("the postgres address cannot be read") // the error would repeat the password
	}
	for name, value := range map[string]string{
		"application_name": "inkwitness", "timezone": "UTC", "synchronous_commit": "on",
		"lock_timeout": "15s", "idle_in_transaction_session_timeout": "60s",
	} {
		if _, set := cfg.RuntimeParams[name]; !set {
			cfg.RuntimeParams[name] = value
		}
	}
	connector := stdlib.GetConnector(*cfg)
	if wrap != nil {
		connector = wrap(connector)
	}
	db := sql.OpenDB(connector)
	db.SetMaxOpenConns(20)
	db.SetMaxIdleConns(8)
	s.write, s.read = db, db
	s.dialect = dialect{name: "postgres", isolation: sql.LevelSerializable,
		retry: postgresRetry, conflict: postgresConflict, down: postgresDown}
	return nil
}

func postgresCode(err error) string {
	if e, ok := errors.AsType[*pgconn.PgError](err); ok {
		return e.Code
	}
	return ""
}

// The codes are of PostgreSQL's appendix A: 40001 serialization_failure, 40P01
// deadlock_detected, class 23 integrity constraint violation.
func postgresRetry(err error) bool {
	code := postgresCode(err)
	return code == "40001" || code == "40P01"
}

func postgresConflict(err error) bool {
	code := postgresCode(err)
	return strings.HasPrefix(code, "23") && code != "23502" // not_null_violation is a mistake of ours
}

// postgresDown: class 08 connection exception, 53 insufficient resources, 57
// operator intervention, 55P03 lock_not_available, or no connection at all.
func postgresDown(err error) bool {
	code := postgresCode(err)
	for _, class := range []string{"08", "53", "57", "55P03"} {
		if strings.HasPrefix(code, class) {
			return true
		}
	}
	var connect *pgconn.ConnectError
	var network net.Error
	return errors.As(err, &connect) || errors.As(err, &network) ||
		errors.Is(err, driver.ErrBadConn) || errors.Is(err, sql.ErrConnDone)
}

// String names the dialect in test output.
func (d dialect) String() string { return fmt.Sprintf("dialect %s", d.name) }
