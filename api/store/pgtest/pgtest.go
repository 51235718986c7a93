// Package pgtest gives tests a real PostgreSQL: one private cluster per test
// process, in a temporary folder, on a free port, run as a user that is not
// root, and one empty database per test.
//
// It fails, and never skips, when PostgreSQL is not installed. It is not for
// production, and its cluster does not sync to disk.
package pgtest

import (
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib" // the driver "pgx"
)

// process is the cluster of this test process; Main owns it.
var process struct {
	sync.Mutex
	managed   bool
	cluster   *Cluster
	err       error
	templates map[string]string // names of databases by who prepared them
}

// Main runs a package's tests and stops the cluster that they started:
//
//	func TestMain(m *testing.M) { os.Exit(pgtest.Main(m)) }
func Main(m *testing.M) int {
	process.managed = true
	defer func() {
		if process.cluster != nil {
			process.cluster.Stop()
		}
	}()
	return m.Run()
}

// URL returns the address of a new, empty database of the process's cluster,
// which is started on first use.
func URL(t testing.TB) string {
	t.Helper()
	process.Lock()
	defer process.Unlock()
	address, err := cluster(t).NewDatabase(context.Background())
	if err != nil {
		t.Fatalf("pgtest: %v", err)
	}
	return address
}

// Copy returns the address of a new database that is a copy of the one that
// prepare was called with, which happens once in the process for each name. It
// saves most of the time that a schema takes.
func Copy(t testing.TB, name string, prepare func(url string) error) string {
	t.Helper()
	process.Lock()
	defer process.Unlock()
	c := cluster(t)
	template, ok := process.templates[name]
	if !ok {
		address, err := c.NewDatabase(context.Background())
		if err == nil {
			err = prepare(address)
		}
		if err != nil {
			t.Fatalf("pgtest: prepare %s: %v", name, err)
		}
		u, err := url.Parse(address)
		if err != nil {
			t.Fatalf("pgtest: %v", err)
		}
		template = strings.TrimPrefix(u.Path, "/")
		if process.templates == nil {
			process.templates = map[string]string{}
		}
		process.templates[name] = template
	}
	address, err := c.create(context.Background(), ` TEMPLATE "`+template+`"`)
	if err != nil {
		t.Fatalf("pgtest: %v", err)
	}
	return address
}

// Clone returns the address of a copy of a database to which nobody is connected.
// It is dropped when the test ends.
func Clone(t testing.TB, address string) string {
	t.Helper()
	process.Lock()
	defer process.Unlock()
	u, err := url.Parse(address)
	if err != nil {
		t.Fatalf("pgtest: %v", err)
	}
	c := cluster(t)
	clone, err := c.create(context.Background(), ` TEMPLATE "`+strings.TrimPrefix(u.Path, "/")+`"`)
	if err != nil {
		t.Fatalf("pgtest: %v", err)
	}
	t.Cleanup(func() {
		if err := c.drop(context.Background(), clone); err != nil {
			t.Errorf("pgtest: %v", err)
		}
	})
	return clone
}

// Files returns the folder with everything that the cluster has on disk.
func Files(t testing.TB) string {
	t.Helper()
	process.Lock()
	defer process.Unlock()
	return filepath.Join(cluster(t).Dir, "data")
}

// cluster returns the process's cluster, which it starts the first time. The
// caller holds the lock.
func cluster(t testing.TB) *Cluster {
	t.Helper()
	if !process.managed {
		t.Fatal("pgtest: call pgtest.Main from TestMain, so that the cluster is stopped")
	}
	if process.cluster == nil && process.err == nil {
		process.cluster, process.err = Start(context.Background())
	}
	if process.err != nil {
		t.Fatalf("pgtest: %v", process.err)
	}
	return process.cluster
}

// Cluster is one running PostgreSQL server.
type Cluster struct {
	Dir  string // data, socket and log
	Port int

	password string
	server   *exec.Cmd
	done     chan struct{} // closed when the server has ended
}

// Start makes a cluster and waits until it answers. The server ends with this
// process even if Stop is never called.
func Start(ctx context.Context) (*Cluster, error) {
	bin, err := binaries()
	if err != nil {
		return nil, err
	}
	credential, err := unprivileged()
	if err != nil {
		return nil, err
	}
	c := &Cluster{password: rand.Text(), done: make(chan struct{})}
	if err := c.init(ctx, bin, credential); err != nil {
		return nil, err
	}
	if err := c.run(bin, credential); err != nil {
		os.RemoveAll(c.Dir)
		return nil, err
	}
	if err := c.wait(ctx); err != nil {
		c.Stop()
		return nil, err
	}
	return c, nil
}

// NewDatabase creates an empty database and returns its address.
func (c *Cluster) NewDatabase(ctx context.Context) (string, error) { return c.create(ctx, "") }

func (c *Cluster) create(ctx context.Context, how string) (string, error) {
	db, err := sql.Open("pgx", c.address("postgres"))
	if err != nil {
		return "", err
	}
	defer db.Close()
	name := "t" + rand.Text()[:12]
	if _, err := db.ExecContext(ctx, `CREATE DATABASE "`+name+`"`+how); err != nil {
		return "", fmt.Errorf("create database: %w", err)
	}
	return c.address(name), nil
}

func (c *Cluster) drop(ctx context.Context, address string) error {
	u, err := url.Parse(address)
	if err != nil {
		return err
	}
	db, err := sql.Open("pgx", c.address("postgres"))
	if err != nil {
		return err
	}
	defer db.Close()
	if _, err := db.ExecContext(ctx, `DROP DATABASE "`+strings.TrimPrefix(u.Path, "/")+`" WITH (FORCE)`); err != nil {
		return fmt.Errorf("drop database: %w", err)
	}
	return nil
}

// Signal sends the server a signal, for tests of what happens when it dies.
func (c *Cluster) Signal(sig os.Signal) error { return c.server.Process.Signal(sig) }

// Stop ends the server and removes its folder.
func (c *Cluster) Stop() {
	_ = c.server.Process.Signal(syscall.SIGINT) // fast shutdown; an error means that it is gone
	select {
	case <-c.done:
	case <-time.After(10 * time.Second):
		_ = c.server.Process.Kill()
		<-c.done
	}
	os.RemoveAll(c.Dir)
}

// binaries finds the newest PostgreSQL of Debian, or the one in PATH.
func binaries() (string, error) {
	found, _ := filepath.Glob("/usr/lib/postgresql/*/bin/initdb")
	slices.SortFunc(found, func(a, b string) int { return version(a) - version(b) })
	if len(found) > 0 {
		return filepath.Dir(found[len(found)-1]), nil
	}
	if path, err := exec.LookPath("initdb"); err == nil {
		return filepath.Dir(path), nil
	}
	return "", errors.New("PostgreSQL is not installed: apt-get install postgresql")
}

func version(initdb string) int {
	n, _ := strconv.Atoi(filepath.Base(filepath.Dir(filepath.Dir(initdb))))
	return n
}

// unprivileged names the user to run as: PostgreSQL refuses root.
func unprivileged() (*syscall.Credential, error) {
	if os.Geteuid() != 0 {
		return nil, nil
	}
	for _, name := range []string{"postgres", "nobody"} {
		u, err := user.Lookup(name)
		if err != nil {
			continue
		}
		uid, err1 := strconv.ParseUint(u.Uid, 10, 32)
		gid, err2 := strconv.ParseUint(u.Gid, 10, 32)
		if err := errors.Join(err1, err2); err != nil {
			return nil, err
		}
		return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}, nil
	}
	return nil, errors.New("running as root, and there is neither a user postgres nor nobody")
}

// init makes the folder and the data in it.
func (c *Cluster) init(ctx context.Context, bin string, credential *syscall.Credential) error {
	var err error
	if c.Dir, err = os.MkdirTemp("", "pg"); err != nil {
		return err
	}
	password := filepath.Join(c.Dir, "password")
	err = os.WriteFile(password, []byte(c.password), 0o600)
	if credential != nil && err == nil {
		err = errors.Join(os.Chown(c.Dir, int(credential.Uid), int(credential.Gid)),
			os.Chown(password, int(credential.Uid), int(credential.Gid)))
	}
	if err == nil {
		cmd := exec.CommandContext(ctx, filepath.Join(bin, "initdb"), "-D", c.Dir+"/data", "-U", "inkwitness",
			"-E", "UTF8", "--locale=C", "-A", "scram-sha-256", "--pwfile", password, "--no-sync")
		cmd.Dir = c.Dir
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: credential}
		if out, failed := cmd.CombinedOutput(); failed != nil {
			err = fmt.Errorf("initdb: %w: %s", failed, out)
		}
	}
	if err != nil {
		os.RemoveAll(c.Dir)
	}
	return err
}

// run starts the server. The thread that starts it stays locked until the server
// ends, because Linux ties the death signal to the thread, not to the process.
func (c *Cluster) run(bin string, credential *syscall.Credential) error {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	c.Port = l.Addr().(*net.TCPAddr).Port
	if err := l.Close(); err != nil {
		return err
	}
	log, err := os.Create(filepath.Join(c.Dir, "log"))
	if err != nil {
		return err
	}
	c.server = exec.Command(filepath.Join(bin, "postgres"), "-D", c.Dir+"/data", "-k", c.Dir, "-h", "127.0.0.1",
		"-p", strconv.Itoa(c.Port), "-c", "fsync=off", "-c", "full_page_writes=off", "-c", "max_connections=200",
		"-c", "shared_buffers=32MB", "-c", "wal_recycle=off")
	c.server.Dir, c.server.Stdout, c.server.Stderr = c.Dir, log, log
	c.server.SysProcAttr = &syscall.SysProcAttr{Credential: credential, Pdeathsig: syscall.SIGQUIT}
	started := make(chan error)
	go func() {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		defer log.Close()
		err := c.server.Start()
		started <- err
		if err == nil {
			_ = c.server.Wait() // how it ended is in its log
		}
		close(c.done)
	}()
	return <-started
}

// wait returns when the server takes connections.
func (c *Cluster) wait(ctx context.Context) error {
	db, err := sql.Open("pgx", c.address("postgres"))
	if err != nil {
		return err
	}
	defer db.Close()
	for end := time.Now().Add(30 * time.Second); ; {
		if err = db.PingContext(ctx); err == nil {
			return nil
		}
		select {
		case <-c.done:
			text, _ := os.ReadFile(filepath.Join(c.Dir, "log"))
			return fmt.Errorf("postgres ended at once: %s", text)
		case <-time.After(50 * time.Millisecond):
		}
		if time.Now().After(end) {
			return fmt.Errorf("postgres does not answer: %w", err)
		}
	}
}

func (c *Cluster) address(database string) string {
	u := url.URL{Scheme: "postgres", User: url.UserPassword("inkwitness", c.password),
		Host: net.JoinHostPort("127.0.0.1", strconv.Itoa(c.Port)), Path: database, RawQuery: "sslmode=disable"}
	return u.String()
}
