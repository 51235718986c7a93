// Package witness confirms that logs only grow (C2SP tlog-witness): it keeps,
// for each log, the newest tree that it has confirmed, and cosigns the next
// one only with a proof that it begins with the last.
//
// It is run by somebody else than the log. It never sees an entry.
package witness

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"

	"inkwitness/capture"
	"inkwitness/evidence/durable"
	"inkwitness/evidence/proof"
)

// Config is what a Witness needs. All fields are required.
type Config struct {
	Signers []*proof.Signer        // cosignature keys of this witness
	Logs    map[string][]proof.Key // keys of each log that it watches, by origin
	Dir     string                 // where the newest confirmed checkpoints are kept
	Clock   capture.Clock
}

// Witness is safe for concurrent use. One at a time may use a folder.
type Witness struct {
	cfg    Config
	mu     sync.Mutex        // one check-and-store at a time: a race could roll a log back
	stored map[string]string // text of the checkpoint that this process has put on the disk, by origin
}

// New returns a Witness.
func New(cfg Config) (*Witness, error) {
	if len(cfg.Signers) == 0 || len(cfg.Logs) == 0 || cfg.Dir == "" || cfg.Clock == nil {
		return nil, errors.New("witness: Signers, Logs, Dir and Clock are required")
	}
	return &Witness{cfg: cfg, stored: map[string]string{}}, nil
}

// Answer is an HTTP answer.
type Answer struct {
	Status      int
	ContentType string
	Body        []byte
}

func refuse(status int) Answer {
	return Answer{status, "text/plain; charset=utf-8", []byte(http.StatusText(status) + "\n")}
}

// conflict tells the size that this witness has confirmed.
func conflict(size int64) Answer {
	return Answer{http.StatusConflict, "text/x.tlog.size", fmt.Appendf(nil, "%d\n", size)}
}

// maxRequest bounds a request: 63 hashes and a checkpoint.
const maxRequest = 64 << 10

// Add answers the request add-checkpoint. The error is for the witness's own
// log; the answer is complete without it.
func (w *Witness) Add(body []byte) (Answer, error) {
	old, path, checkpoint, ok := parse(body)
	if !ok {
		return refuse(http.StatusBadRequest), nil
	}
	keys, known := w.cfg.Logs[checkpoint.Origin]
	if !known {
		return refuse(http.StatusNotFound), nil
	}
	checkpoint.Note.Sigs = signedBy(checkpoint, keys)
	switch {
	case len(checkpoint.Note.Sigs) == 0:
		return refuse(http.StatusForbidden), nil
	case old > checkpoint.Size:
		return refuse(http.StatusBadRequest), nil
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	last, err := w.last(checkpoint.Origin)
	if err != nil {
		return refuse(http.StatusInternalServerError), err
	}
	if old != last.Size {
		return conflict(last.Size), nil
	}
	if old == checkpoint.Size && last.Root != checkpoint.Root {
		return conflict(last.Size), errors.Join(fmt.Errorf("%s shows two trees of size %d", checkpoint.Origin, old), w.keepFork(checkpoint))
	}
	if err := proof.CheckConsistency(old, checkpoint.Size, last.Root, checkpoint.Root, path); err != nil {
		return refuse(http.StatusUnprocessableEntity), fmt.Errorf("%s: %w", checkpoint.Origin, err)
	}
	return w.cosign(checkpoint)
}

// cosign stores the checkpoint before it answers. One that this process has stored
// already it only signs again: anybody can submit it, as often as they like.
func (w *Witness) cosign(c proof.Checkpoint) (Answer, error) {
	if w.stored[c.Origin] != c.Note.Text {
		delete(w.stored, c.Origin) // until it is known to be on the disk
		if err := durable.WriteFile(w.file(c.Origin), bytes.NewReader(c.Note.Marshal())); err != nil {
			return refuse(http.StatusInternalServerError), err
		}
		w.stored[c.Origin] = c.Note.Text
	}
	var lines strings.Builder
	for _, s := range w.cfg.Signers {
		sig, err := s.Sign(c, w.cfg.Clock.Now())
		if err != nil {
			return refuse(http.StatusInternalServerError), err
		}
		lines.WriteString(sig.Line())
	}
	return Answer{http.StatusOK, "text/plain; charset=utf-8", []byte(lines.String())}, nil
}

// keepFork keeps the first checkpoint that contradicts the confirmed one. Both are
// signed by the log, and together prove to anybody that it forked.
func (w *Witness) keepFork(c proof.Checkpoint) error {
	name := w.file(c.Origin) + ".fork"
	if _, err := os.Stat(name); err == nil || !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return durable.WriteFile(name, bytes.NewReader(c.Note.Marshal()))
}

// signedBy returns the signatures by the log's keys. Others are not ours to keep.
func signedBy(c proof.Checkpoint, keys []proof.Key) (good []proof.Sig) {
	for _, s := range c.Note.Sigs {
		one := c
		one.Note.Sigs = []proof.Sig{s}
		if slices.ContainsFunc(keys, func(k proof.Key) bool { _, err := one.Verify(k); return err == nil }) {
			good = append(good, s)
		}
	}
	return good
}

// file is where a log's newest checkpoint is kept; the name is the origin in
// hex, so that no origin can leave the directory.
func (w *Witness) file(origin string) string {
	return filepath.Join(w.cfg.Dir, fmt.Sprintf("%x.checkpoint", origin))
}

// last returns the newest confirmed checkpoint, the empty tree when there is none.
func (w *Witness) last(origin string) (proof.Checkpoint, error) {
	raw, err := os.ReadFile(w.file(origin))
	if errors.Is(err, fs.ErrNotExist) {
		return proof.Checkpoint{Origin: origin, Root: proof.EmptyRoot()}, nil
	}
	if err != nil {
		return proof.Checkpoint{}, fmt.Errorf("kept checkpoint: %w", err)
	}
	c, err := proof.ParseCheckpoint(raw)
	if err != nil {
		return c, fmt.Errorf("kept checkpoint: %w", err)
	}
	return c, nil
}

// Last returns the newest confirmed checkpoint of a log for a monitor.
func (w *Witness) Last(origin string) ([]byte, bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	c, err := w.last(origin)
	if err != nil || c.Size == 0 && len(c.Note.Sigs) == 0 {
		return nil, false
	}
	return c.Note.Marshal(), true
}

// parse reads "old N", hashes, an empty line and a checkpoint.
func parse(body []byte) (old int64, path []proof.Hash, c proof.Checkpoint, ok bool) {
	head, note, found := bytes.Cut(body, []byte("\n\n"))
	lines := strings.Split(string(head), "\n")
	size, isOld := strings.CutPrefix(lines[0], "old ")
	old, err := strconv.ParseInt(size, 10, 64)
	if !found || !isOld || err != nil || old < 0 || strconv.FormatInt(old, 10) != size || len(lines) > 64 || len(body) > maxRequest {
		return 0, nil, c, false
	}
	for _, line := range lines[1:] {
		h, err := proof.ParseHash(line)
		if err != nil {
			return 0, nil, c, false
		}
		path = append(path, h)
	}
	c, err = proof.ParseCheckpoint(note)
	return old, path, c, err == nil
}
