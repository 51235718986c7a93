// Package monitor watches a log from outside: it reads the whole log over HTTP,
// derives every tile and the root again with code that the log does not use, and
// asks that what was seen before, here and by witnesses, is the beginning of it.
// Whoever keeps what a monitor has noted will see a log that was rewritten, cut,
// put in another order, or that shows different people different histories.
package monitor

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"inkwitness/evidence"
	"inkwitness/evidence/cmd/internal/check"
	"inkwitness/evidence/durable"
	"inkwitness/evidence/proof"
)

// Config is what a Monitor needs. Witnesses and Client are optional.
type Config struct {
	URL       string      // under which checkpoint and tile/ lie
	Keys      []proof.Key // of the log; each must have signed
	Dir       string      // where the newest checkpoint that held is kept
	Witnesses []string    // addresses whose newest checkpoint must agree as well
	Client    *http.Client
}

// Monitor compares a log with its own past. One at a time may use a folder.
type Monitor struct{ cfg Config }

// New returns a Monitor.
func New(cfg Config) (*Monitor, error) {
	if cfg.URL == "" || len(cfg.Keys) == 0 || cfg.Dir == "" {
		return nil, errors.New("monitor: URL, Keys and Dir are required")
	}
	if cfg.Client == nil {
		cfg.Client = &http.Client{Timeout: 30 * time.Second}
	}
	cfg.URL = strings.TrimSuffix(cfg.URL, "/")
	return &Monitor{cfg}, nil
}

// maxFile bounds a checkpoint or a tile: 256 entries of 64 KiB.
const maxFile = 17 << 20

// Check looks at the log once. The error says that something could not be read, a
// witness for instance; what was read and is wrong is in the report, nil where the
// log itself could not be read. Only a log that holds is noted.
func (m *Monitor) Check(ctx context.Context) (*evidence.Report, error) {
	var earlier [][]byte
	noted, err := os.ReadFile(m.path())
	switch {
	case err == nil:
		earlier = append(earlier, noted)
	case !errors.Is(err, fs.ErrNotExist):
		return nil, fmt.Errorf("read what was noted before: %w", err)
	}
	// The witnesses first: mostly the log shows by now what they have confirmed.
	seen := make([][]byte, len(m.cfg.Witnesses))
	var away error // is said at the end: the log is looked at all the same
	asked := false
	for i, w := range m.cfg.Witnesses {
		seen[i], err = m.confirmed(ctx, w)
		away = errors.Join(away, err)
		asked = asked || seen[i] != nil
	}
	copied := &copied{ctx: ctx, m: m}
	size := copied.size()
	if copied.checkpoint == nil && copied.err == nil && noted == nil && !asked {
		return nil, errors.Join(errors.New("the log has published nothing yet"), away)
	}
	ahead := &evidence.Report{}
	var done []func() error
	for i, w := range m.cfg.Witnesses {
		begins, forget, err := m.compare(w, seen[i], size, ahead)
		if err != nil {
			return nil, err
		}
		earlier, done = append(earlier, begins...), append(done, forget)
	}
	report := check.Log(copied, m.cfg.Keys, earlier)
	report.Checks = append(report.Checks, ahead.Checks...)
	if copied.err != nil {
		return nil, errors.Join(fmt.Errorf("read the log: %w", copied.err), away)
	}
	if report.Holds() {
		return report, errors.Join(m.note(noted, copied.checkpoint, done), away)
	}
	if slices.ContainsFunc(report.Failed(), func(c evidence.Check) bool { return c.Code == check.CodeLogFork }) {
		return report, errors.Join(m.keepFork(append(earlier, copied.checkpoint)), away)
	}
	return report, away
}

// note keeps the checkpoint of a log that holds, and forgets what it shows by now.
func (m *Monitor) note(noted, checkpoint []byte, done []func() error) error {
	for _, forget := range done {
		if err := forget(); err != nil {
			return fmt.Errorf("forget what is shown by now: %w", err)
		}
	}
	if bytes.Equal(noted, checkpoint) {
		return nil
	}
	if err := durable.WriteFile(m.path(), bytes.NewReader(checkpoint)); err != nil {
		return fmt.Errorf("note the checkpoint: %w", err)
	}
	return nil
}

func (m *Monitor) path() string { return filepath.Join(m.cfg.Dir, "monitor.checkpoint") }

// get fetches a file; one that is not there is fs.ErrNotExist.
func (m *Monitor) get(ctx context.Context, address string) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, err
	}
	resp, err := m.cfg.Client.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	switch resp.StatusCode {
	case http.StatusOK:
		return io.ReadAll(io.LimitReader(resp.Body, maxFile))
	case http.StatusNotFound:
		return nil, fmt.Errorf("%s: %w", address, fs.ErrNotExist)
	}
	return nil, fmt.Errorf("%s answers with status %d: %w", address, resp.StatusCode, evidence.ErrNotAllowed)
}

// copied is the log as a file system. It keeps the checkpoint that was checked
// and the first failure that is not the log's own.
type copied struct {
	ctx        context.Context // of the one check that it serves
	m          *Monitor
	checkpoint []byte
	err        error
}

// ReadFile implements fs.ReadFileFS.
func (c *copied) ReadFile(name string) ([]byte, error) {
	if name == "checkpoint" && c.checkpoint != nil {
		return c.checkpoint, nil // one look is at one tree
	}
	b, err := c.m.get(c.ctx, c.m.cfg.URL+"/"+name)
	if err != nil && !errors.Is(err, fs.ErrNotExist) && c.err == nil {
		c.err = err
	}
	if name == "checkpoint" && err == nil {
		c.checkpoint = b
	}
	return b, err
}

// size is that of the tree that the log shows, 0 where it cannot be read, which the
// check says.
func (c *copied) size() int64 {
	raw, err := c.ReadFile("checkpoint")
	if err != nil {
		return 0
	}
	shown, _ := proof.ParseCheckpoint(raw)
	return shown.Size
}

// Open implements fs.FS; files are read as a whole only.
func (c *copied) Open(name string) (fs.File, error) {
	return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrInvalid}
}
