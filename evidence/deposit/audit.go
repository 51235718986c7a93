package deposit

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"inkwitness/evidence"
)

// auditLine is one line of audit.jsonl. Prev is the SHA-256 of the line before
// it without its newline, zeros in the first.
type auditLine struct {
	Prev  string          `json:"prev"`
	Event json.RawMessage `json:"event"`
}

// maxLine bounds one event of the audit.
const maxLine = 64 << 10

// Chain makes audit.jsonl of events in the order in which they happened: each
// a JSON object with what, who and when.
func Chain(events []json.RawMessage) ([]byte, error) {
	var b bytes.Buffer
	var prev [sha256.Size]byte
	for i, e := range events {
		line, err := json.Marshal(auditLine{hex.EncodeToString(prev[:]), e})
		if err != nil || len(line) > maxLine {
			return nil, fmt.Errorf("audit event %d: %w", i+1, errors.Join(err, evidence.ErrMalformed))
		}
		prev = sha256.Sum256(line)
		b.Write(line)
		b.WriteByte('\n')
	}
	return b.Bytes(), nil
}

// checkChain reads audit.jsonl and returns its number of events.
func checkChain(r io.Reader) (int, error) {
	s := bufio.NewScanner(r)
	s.Buffer(make([]byte, 0, 4096), maxLine+1)
	var prev [sha256.Size]byte
	n := 0
	for ; s.Scan(); n++ {
		var line auditLine
		if err := json.Unmarshal(s.Bytes(), &line); err != nil || line.Prev != hex.EncodeToString(prev[:]) {
			return n, fmt.Errorf("line %d does not follow from the one before: %w", n+1, evidence.ErrCorrupt)
		}
		prev = sha256.Sum256(s.Bytes())
	}
	if err := s.Err(); err != nil {
		return n, fmt.Errorf("line %d: %w", n+1, evidence.ErrMalformed)
	}
	return n, nil
}
