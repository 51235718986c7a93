package monitor

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"inkwitness/evidence"
	"inkwitness/evidence/cmd/internal/check"
	"inkwitness/evidence/durable"
	"inkwitness/evidence/proof"
)

// within is how long a log may take to show what a witness has confirmed: it waits for
// its other witnesses.
const within = 24 * time.Hour

// confirmed returns a witness's newest checkpoint, nil where it has confirmed nothing
// yet. What the log has not signed is no word about it.
func (m *Monitor) confirmed(ctx context.Context, witness string) ([]byte, error) {
	raw, err := m.get(ctx, strings.TrimSuffix(witness, "/")+"/checkpoint?origin="+url.QueryEscape(m.cfg.Keys[0].Name))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("ask witness %s: %w", witness, err)
	}
	c, err := proof.ParseCheckpoint(raw)
	if err != nil {
		return nil, fmt.Errorf("witness %s: %w", witness, err)
	}
	if !check.SignedByOne(c, m.cfg.Keys) {
		return nil, fmt.Errorf("witness %s has a checkpoint that the log has not signed: %w", witness, proof.ErrSignature)
	}
	return raw, nil
}

// compare sorts what a witness has seen: what the tree of the size that is shown must
// begin with goes into earlier. Of what it has confirmed beyond, the first is kept until
// it is shown; done forgets it then.
func (m *Monitor) compare(witness string, seen []byte, size int64, report *evidence.Report) (earlier [][]byte, done func() error, err error) {
	done = func() error { return nil }
	name := filepath.Join(m.cfg.Dir, fmt.Sprintf("%x.ahead", sha256.Sum256([]byte(witness))))
	since := time.Now()
	kept, err := os.ReadFile(name)
	switch {
	case err == nil:
		info, err := os.Stat(name)
		if err != nil {
			return nil, done, fmt.Errorf("read what witness %s confirmed before: %w", witness, err)
		}
		since = info.ModTime()
	case !errors.Is(err, fs.ErrNotExist):
		return nil, done, fmt.Errorf("read what witness %s confirmed before: %w", witness, err)
	case beyond(seen, size):
		kept = seen
		if err := durable.WriteFile(name, bytes.NewReader(seen)); err != nil {
			return nil, done, fmt.Errorf("keep what witness %s confirmed: %w", witness, err)
		}
	}
	if seen != nil && !beyond(seen, size) {
		earlier = append(earlier, seen)
	}
	switch {
	case kept == nil:
	case !beyond(kept, size):
		return append(earlier, kept), func() error { return durable.Remove(name) }, nil
	case time.Since(since) > within:
		report.Add(evidence.Fails, check.CodeLogAhead, "checkpoint", fmt.Sprintf("The log has %d entries, and has not shown since %s what the witness %s confirmed.", size, since.UTC().Format(time.RFC3339), witness))
	default:
		report.Add(evidence.Unknown, check.CodeLogAhead, "checkpoint", fmt.Sprintf("The witness %s has confirmed more than the %d entries that the log shows: look again within a day.", witness, size))
	}
	return earlier, done, nil
}

// beyond reports whether a checkpoint is of a larger tree.
func beyond(checkpoint []byte, size int64) bool {
	c, err := proof.ParseCheckpoint(checkpoint)
	return err == nil && c.Size > size
}

// maxForks bounds what a log that forks again and again can make us keep.
const maxForks = 100

// keepFork keeps the checkpoints that contradict each other. Each is signed by the
// log: together they prove to anybody that it forked.
func (m *Monitor) keepFork(checkpoints [][]byte) error {
	for _, raw := range checkpoints {
		c, err := proof.ParseCheckpoint(raw)
		if err != nil || !check.SignedByOne(c, m.cfg.Keys) {
			continue
		}
		name := filepath.Join(m.cfg.Dir, fmt.Sprintf("fork-%d-%x.checkpoint", c.Size, c.Root[:8]))
		all, err := filepath.Glob(filepath.Join(m.cfg.Dir, "fork-*.checkpoint"))
		if err != nil || len(all) >= maxForks {
			return err
		}
		if _, err := os.Stat(name); err == nil {
			continue
		}
		if err := durable.WriteFile(name, bytes.NewReader(raw)); err != nil {
			return fmt.Errorf("keep the proof of a fork: %w", err)
		}
	}
	return nil
}
