package server

import (
	"archive/zip"
	"bytes"
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"inkwitness/evidence/vault"
)

// errFault is what a call says that was made to fail.
var errFault = errors.New("the disk is gone")

// faultMode is how a call goes wrong.
type faultMode string

const (
	failsBefore faultMode = "fails"            // it does nothing
	failsAfter  faultMode = "loses its answer" // it is done, and says that it failed
	crashes     faultMode = "is the last"      // it is done, and nothing after it is
)

// faults counts the calls to database and object stores and lets one go wrong.
type faults struct {
	mu    sync.Mutex
	mode  faultMode
	at, n int // 0: nothing goes wrong
	off   bool
	hit   string
}

// arm lets the call at that number from now on go wrong.
func (f *faults) arm(at int, mode faultMode) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.at, f.mode, f.n, f.hit = at, mode, 0, ""
}

func (f *faults) effect(name string, do func() error) error {
	f.mu.Lock()
	if f.off {
		f.mu.Unlock()
		return do()
	}
	f.n++
	mine, dead := f.at > 0 && f.n == f.at, f.mode == crashes && f.at > 0 && f.n > f.at
	if mine {
		f.hit = name
	}
	before := mine && f.mode == failsBefore
	f.mu.Unlock()
	if dead || before {
		return errFault
	}
	err := do()
	if mine && err == nil {
		return errFault
	}
	return err
}

// aside does something that is not counted and cannot fail.
func (f *faults) aside(do func()) {
	f.set(true)
	defer f.set(false)
	do()
}

func (f *faults) set(off bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.off = off
}

// config puts the faults between a service and what it stands on.
func (f *faults) config(cfg Config) Config {
	cfg.seams.sql = func(c driver.Connector) driver.Connector { return faultyDB{c, f} }
	cfg.seams.blobs = func(b vault.Blobs) vault.Blobs { return faultyBlobs{b, f} }
	return cfg
}

type faultyDB struct {
	driver.Connector
	f *faults
}

func (c faultyDB) Connect(ctx context.Context) (driver.Conn, error) {
	conn, err := c.Connector.Connect(ctx)
	if err != nil {
		return nil, err
	}
	return faultyConn{conn, c.f}, nil
}

type faultyConn struct {
	driver.Conn
	f *faults
}

// statement is the beginning of a query, to tell which call it was.
func statement(query string) string {
	return strings.Join(strings.Fields(query)[:min(3, len(strings.Fields(query)))], " ")
}

func (c faultyConn) BeginTx(ctx context.Context, opts driver.TxOptions) (tx driver.Tx, err error) {
	err = c.f.effect("begin", func() (err error) {
		tx, err = c.Conn.(driver.ConnBeginTx).BeginTx(ctx, opts)
		return err
	})
	if err != nil {
		if tx != nil {
			err = errors.Join(err, tx.Rollback())
		}
		return nil, err
	}
	return faultyTx{tx, c.f}, nil
}

func (c faultyConn) ExecContext(ctx context.Context, query string, args []driver.NamedValue) (r driver.Result, err error) {
	return r, c.f.effect(statement(query), func() (err error) {
		r, err = c.Conn.(driver.ExecerContext).ExecContext(ctx, query, args)
		return err
	})
}

func (c faultyConn) QueryContext(ctx context.Context, query string, args []driver.NamedValue) (rows driver.Rows, err error) {
	err = c.f.effect(statement(query), func() (err error) {
		rows, err = c.Conn.(driver.QueryerContext).QueryContext(ctx, query, args)
		return err
	})
	if err != nil && rows != nil {
		return nil, errors.Join(err, rows.Close())
	}
	return rows, err
}

func (c faultyConn) CheckNamedValue(v *driver.NamedValue) error {
	if checker, ok := c.Conn.(driver.NamedValueChecker); ok {
		return checker.CheckNamedValue(v)
	}
	return driver.ErrSkip
}

type faultyTx struct {
	driver.Tx
	f *faults
}

func (t faultyTx) Commit() error {
	err := t.f.effect("commit", t.Tx.Commit)
	if errors.Is(err, errFault) {
		_ = t.Tx.Rollback() // of what was not committed, as the database does when the connection is gone
	}
	return err
}

type faultyBlobs struct {
	vault.Blobs
	f *faults
}

// Write that fails has written a part.
func (b faultyBlobs) Write(ctx context.Context, name string, fill func(io.Writer) error) error {
	begun := false
	err := b.f.effect("write "+name, func() error { begun = true; return b.Blobs.Write(ctx, name, fill) })
	if !begun {
		return b.Blobs.Write(ctx, name, func(w io.Writer) error { return fill(&fullDisk{w, 1000}) })
	}
	return err
}

// fullDisk takes some bytes and then no more.
type fullDisk struct {
	w    io.Writer
	left int
}

func (d *fullDisk) Write(p []byte) (int, error) {
	if len(p) <= d.left {
		d.left -= len(p)
		return d.w.Write(p)
	}
	n, err := d.w.Write(p[:d.left])
	d.left -= n
	return n, errors.Join(errFault, err)
}

func (b faultyBlobs) Open(ctx context.Context, name string) (blob vault.Blob, err error) {
	err = b.f.effect("open "+name, func() (err error) { blob, err = b.Blobs.Open(ctx, name); return err })
	if err != nil && blob != nil {
		return nil, errors.Join(err, blob.Close())
	}
	return blob, err
}

func (b faultyBlobs) Delete(ctx context.Context, name string) error {
	return b.f.effect("delete "+name, func() error { return b.Blobs.Delete(ctx, name) })
}

func (b faultyBlobs) List(ctx context.Context, visit func(string, time.Time) error) error {
	return b.f.effect("list", func() error { return b.Blobs.List(ctx, visit) })
}

// faultTable runs a row in which nothing goes wrong, and then one for every call
// of it and every way in which that can go wrong; without INKWITNESS_FULL for some
// six of them, on PostgreSQL three. A row returns which call went wrong, and how
// many there were.
func (p preserved) faultTable(t *testing.T, row func(t *testing.T, at int, mode faultMode) (hit string, calls int)) {
	t.Helper()
	_, calls := row(t, 0, "")
	step := max(36, calls/2)
	if p.url != "" {
		step = max(108, calls)
	}
	if os.Getenv("INKWITNESS_FULL") != "" {
		step = 1
	}
	for i, mode := range []faultMode{failsBefore, failsAfter, crashes} {
		for at := 1 + i*step/3; at <= calls; at += step {
			t.Run(fmt.Sprintf("call %d %s", at, mode), func(t *testing.T) {
				hit, _ := row(t, at, mode)
				if t.Failed() || hit == "" {
					t.Errorf("call %d of %d, %q, %s", at, calls, hit, mode)
				}
			})
		}
	}
}

// zipNames lists the files of a container.
func zipNames(t *testing.T, raw []byte) (names []string) {
	t.Helper()
	z, err := zip.NewReader(bytes.NewReader(raw), int64(len(raw)))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range z.File {
		names = append(names, f.Name)
	}
	return names
}
