package evidence

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
)

// Digest is a SHA-256 value that reads and writes as lower-case hex.
type Digest [sha256.Size]byte

func (d Digest) String() string { return hex.EncodeToString(d[:]) }

// MarshalText implements encoding.TextMarshaler.
func (d Digest) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// UnmarshalText implements encoding.TextUnmarshaler.
func (d *Digest) UnmarshalText(b []byte) error {
	if len(b) != hex.EncodedLen(len(d)) {
		return fmt.Errorf("digest of %d characters: %w", len(b), ErrMalformed)
	}
	if _, err := hex.Decode(d[:], b); err != nil {
		return fmt.Errorf("digest: %w", ErrMalformed)
	}
	return nil
}

// Commitment is what the log holds of a deposit: a salted hash. Without the
// salt, which only the deposit holds, it cannot be tied to anything or anybody.
type Commitment = Digest

// commitmentDomain separates commitments from every other use of SHA-256.
const commitmentDomain = "inkwitness deposit commitment v1\n"

// Commit computes the commitment over the digests of a seal's parts, in order:
//
//	SHA-256( "inkwitness deposit commitment v1\n" || salt (32 bytes) || digest 1 || digest 2 ... )
//
// Every item has a fixed length, so no two lists share an encoding.
func Commit(salt [32]byte, parts ...Digest) Commitment {
	h := sha256.New()
	h.Write([]byte(commitmentDomain))
	h.Write(salt[:])
	for _, p := range parts {
		h.Write(p[:])
	}
	return Commitment(h.Sum(nil))
}

// leafPrefix starts every entry of the log, so that a leaf says what it is.
const leafPrefix = "inkwitness/v1 deposit "

// Leaf is the entry's bytes in the log: one line of text.
func Leaf(c Commitment) []byte { return []byte(leafPrefix + c.String() + "\n") }

// LogEntry is one row of the log's outbox. It is written in the same
// transaction as the deposit's row. Commitments are unique.
type LogEntry struct {
	ID         int64      `json:"id"` // order of arrival, given by the store
	Commitment Commitment `json:"commitment"`
}

// Checkpoint is a signed tree head as it was published.
type Checkpoint struct {
	Origin string `json:"origin"`
	Size   int64  `json:"size"`
	Root   Digest `json:"root"`
	Note   []byte `json:"note"` // the signed note, C2SP tlog-checkpoint
}
