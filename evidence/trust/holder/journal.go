package holder

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"inkwitness/evidence"
)

// The log: one line of JSON for each act, each with the SHA-256 of the line
// before. Lines are appended and synced before the act, and never changed. A line
// that a crash cut off is taken away at the next start: its act did not happen.
// The log is also what the holder knows about its signers after a start.

// Kind of an entry.
type Kind string

// The kinds.
const (
	Enrolled   Kind = "enrolled"
	Approved   Kind = "approved"
	Certified  Kind = "certified"
	Authorized Kind = "authorized"
	Signed     Kind = "signed"
	Released   Kind = "released"
	Refused    Kind = "refused"
)

// Entry is one line. It names nobody: identifiers, digests and public keys.
type Entry struct {
	Before     string    `json:"before"` // SHA-256 of the line before, empty in the first
	At         time.Time `json:"at"`
	Kind       Kind      `json:"kind"`
	Ceremony   string    `json:"ceremony,omitempty"`
	Signer     string    `json:"signer,omitempty"`
	Credential string    `json:"credential,omitempty"`
	Document   string    `json:"document,omitempty"` // SHA-256 of the PDF that was shown
	Key        []byte    `json:"key,omitempty"`      // of the signer's browser
	Signatures int       `json:"signatures,omitempty"`
	Digest     string    `json:"digest,omitempty"` // that was signed
	Ends       time.Time `json:"ends,omitzero"`
	Reason     string    `json:"reason,omitempty"`
}

// Journal is the log of a holder, open.
type Journal struct {
	mu     sync.Mutex
	file   *os.File
	last   string
	broken error
	loaded []Entry
}

const maxLine = 8 << 10

// OpenJournal opens the log, makes it at the first start, and checks its chain.
// One process has it open at a time.
func OpenJournal(path string) (_ *Journal, err error) {
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open the log: %w", err)
	}
	defer func() {
		if err != nil {
			file.Close()
		}
	}()
	if err := lock(file); err != nil {
		return nil, fmt.Errorf("%s is in use by another key holder: %w", path, err)
	}
	j := &Journal{file: file}
	entries, last, good, err := ReadEntries(file)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", path, err)
	}
	j.loaded, j.last = entries, last
	info, err := file.Stat()
	if err == nil && info.Size() > good {
		err = errors.Join(file.Truncate(good), file.Sync())
	}
	return j, err
}

// ReadEntries reads a log and checks its chain; good is where the last whole
// line ends.
func ReadEntries(r io.Reader) (entries []Entry, last string, good int64, err error) {
	in := bufio.NewReaderSize(r, maxLine)
	for n := 1; ; n++ {
		line, err := in.ReadSlice('\n')
		if errors.Is(err, io.EOF) {
			return entries, last, good, nil
		}
		if err != nil {
			return nil, "", 0, fmt.Errorf("line %d: %w", n, err)
		}
		var e Entry
		if err := json.Unmarshal(line, &e); err != nil || e.Before != last {
			return nil, "", 0, fmt.Errorf("line %d does not follow from the one before: somebody changed the log: %w", n, evidence.ErrCorrupt)
		}
		entries, last, good = append(entries, e), sum(line), good+int64(len(line))
	}
}

func sum(line []byte) string {
	h := sha256.Sum256(bytes.TrimSuffix(line, []byte("\n")))
	return hex.EncodeToString(h[:])
}

// take hands over what was read at the start.
func (j *Journal) take() []Entry {
	j.mu.Lock()
	defer j.mu.Unlock()
	entries := j.loaded
	j.loaded = nil
	return entries
}

// append is durable on return. After a failure nothing more is written until the
// next start: the end of the file is not known.
func (j *Journal) append(e *Entry) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.broken != nil {
		return j.broken
	}
	e.Before = j.last
	line, err := json.Marshal(e)
	if err != nil {
		return err
	}
	if len(line) >= maxLine {
		return fmt.Errorf("an entry of %d bytes: %w", len(line), evidence.ErrLimit)
	}
	if _, err := j.file.Write(append(line, '\n')); err != nil {
		j.broken = err
		return err
	}
	if err := j.file.Sync(); err != nil {
		j.broken = err
		return err
	}
	j.last = sum(line)
	return nil
}

// Close closes the file.
func (j *Journal) Close() error { return j.file.Close() }
