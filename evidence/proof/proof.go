// Package proof checks, without the log, that something is in the log: Merkle
// inclusion and consistency proofs (RFC 9162), checkpoints with their
// signatures and cosignatures, and the tlog-proof file that a deposit carries
// (C2SP tlog-proof, tlog-checkpoint, tlog-cosignature, signed-note).
//
// Its mathematics share no code with the log's writer, so that one of them
// being wrong does not hide in the other. It makes the signatures of notes as
// well, as their formats belong together. It opens no connection and imports
// nothing of this project.
package proof

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// Errors. Test them with errors.Is.
var (
	ErrMalformed = errors.New("proof: malformed")
	ErrSignature = errors.New("proof: signature does not verify")
	ErrUnsigned  = errors.New("proof: not signed by this key")
	ErrInclusion = errors.New("proof: the entry is not in the tree")
)

// Bounds on what is read.
const (
	maxBytes  = 1 << 20
	maxHashes = 63 // a tree of 2^63 entries is as deep
	maxSigs   = 64
)

const header = "c2sp.org/tlog-proof@v1"

// b64 refuses encodings whose unused bits are set, so that no bit of a file is
// without meaning.
var b64 = base64.StdEncoding.Strict()

// Proof is a tlog-proof file: an entry's place in the log and a checkpoint.
type Proof struct {
	Index      int64
	Hashes     []Hash
	Checkpoint Checkpoint
}

// Marshal returns the file.
func (p Proof) Marshal() []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, "%s\nindex %d\n", header, p.Index)
	for _, h := range p.Hashes {
		b.WriteString(b64.EncodeToString(h[:]) + "\n")
	}
	b.WriteByte('\n')
	b.Write(p.Checkpoint.Note.Marshal())
	return b.Bytes()
}

// Parse reads a tlog-proof file. Only the canonical form is taken: what
// Marshal would write.
func Parse(data []byte) (Proof, error) {
	var p Proof
	if len(data) > maxBytes {
		return p, fmt.Errorf("%d bytes: %w", len(data), ErrMalformed)
	}
	head, note, ok := bytes.Cut(data, []byte("\n\n"))
	lines := strings.Split(string(head), "\n")
	if !ok || len(lines) < 2 || len(lines) > 2+maxHashes || lines[0] != header {
		return p, fmt.Errorf("tlog-proof: %w", ErrMalformed)
	}
	index, ok := strings.CutPrefix(lines[1], "index ")
	var err error
	if p.Index, err = strconv.ParseInt(index, 10, 64); !ok || err != nil || p.Index < 0 {
		return p, fmt.Errorf("tlog-proof index: %w", ErrMalformed)
	}
	for _, line := range lines[2:] {
		h, err := ParseHash(line)
		if err != nil {
			return p, err
		}
		p.Hashes = append(p.Hashes, h)
	}
	if p.Checkpoint, err = ParseCheckpoint(note); err != nil {
		return p, err
	}
	if !bytes.Equal(p.Marshal(), data) {
		return p, fmt.Errorf("tlog-proof is not in canonical form: %w", ErrMalformed)
	}
	return p, nil
}

// Includes checks that the entry is in the checkpoint's tree. It says nothing
// about who signed the checkpoint.
func (p Proof) Includes(entry []byte) error {
	return CheckInclusion(LeafHash(entry), p.Index, p.Checkpoint.Size, p.Hashes, p.Checkpoint.Root)
}

// ParseHash reads a hash in base64.
func ParseHash(s string) (Hash, error) {
	raw, err := b64.DecodeString(s)
	if err != nil || len(raw) != len(Hash{}) {
		return Hash{}, fmt.Errorf("hash %.60q: %w", s, ErrMalformed)
	}
	return Hash(raw), nil
}
