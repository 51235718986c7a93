// Package ledger is the evidence log: an append-only Merkle tree of salted
// commitments, one per deposit, in the tile layout of C2SP tlog-tiles.
//
// A deposit's commitment is written to an outbox in the deposit's own
// transaction. One sequencer takes what waits there, in order, adds it to the
// tree, signs a checkpoint (Ed25519, and ML-DSA-44 for the day that Ed25519
// falls), and stores tiles, positions and checkpoint in one transaction. Then
// witnesses run by others confirm that the new tree only grew, and the
// checkpoint with their cosignatures is published. A proof is always against a
// published checkpoint.
//
// It knows nothing of deposits: a leaf is a hash. It serves no HTTP: Checkpoint
// and Tile return bytes, and the caller mounts them.
package ledger

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/mod/sumdb/tlog"

	"inkwitness/capture"
	"inkwitness/evidence"
	"inkwitness/evidence/proof"
)

// Outbox is where commitments wait and where their places are kept.
// Implementations are safe for concurrent use.
type Outbox interface {
	// Pending returns the oldest entries that have no place yet, at most n, in
	// the order of their IDs.
	Pending(ctx context.Context, n int) ([]evidence.LogEntry, error)

	// Integrate stores a batch in one transaction: its tiles (replacing shorter
	// versions of themselves), the places of its entries, and its head. When
	// the stored head's size is not b.From it is evidence.ErrConflict and
	// nothing changes. It is durable on return.
	Integrate(ctx context.Context, b Batch) error

	// Position returns an entry's place; evidence.ErrPending while it waits,
	// evidence.ErrNotFound when it was never in the outbox.
	Position(ctx context.Context, c evidence.Commitment) (int64, error)
}

// Tiles is where the tree is kept. Implementations are safe for concurrent use.
type Tiles interface {
	// Head returns the newest tree, the zero Head when there is none.
	Head(ctx context.Context) (Head, error)

	// Tiles returns the stored bytes of each tile, in order;
	// evidence.ErrNotFound when one is missing.
	Tiles(ctx context.Context, ids []TileID) ([][]byte, error)

	// Publish sets Head.Published, unless a checkpoint of a larger tree is
	// published already. It is durable on return.
	Publish(ctx context.Context, size int64, checkpoint []byte) error
}

// TileID names a tile: 256 nodes of a level of the tree, or, at level
// EntryLevel, the 256 entries themselves.
type TileID struct {
	Level int
	N     int64
}

// EntryLevel is the level of the tiles that hold entries.
const EntryLevel = -1

// Tile is a tile with its bytes: up to 256 hashes of 32 bytes, or up to 256
// entries, each after its length in two bytes.
type Tile struct {
	TileID
	Data []byte
}

// Head is the newest state of the tree.
type Head struct {
	Size          int64
	Note          []byte // checkpoint signed by the log alone
	Published     []byte // newest checkpoint with every cosignature that policy asks for
	PublishedSize int64
}

// Batch is what one turn of the sequencer adds.
type Batch struct {
	From    int64               // size before
	Entries []evidence.LogEntry // the entry at i has the place From+i
	Tiles   []Tile
	Note    []byte // the new head's checkpoint; its size is From+len(Entries)
}

// Cosigner asks witnesses to confirm a checkpoint.
type Cosigner interface {
	// Cosign returns the checkpoint with the cosignatures that policy asks
	// for; prove gives the consistency proof from an older size. An error means
	// that the checkpoint must not be published yet: an AheadError where a witness
	// has seen a larger tree, ErrForked where one has seen another.
	Cosign(ctx context.Context, checkpoint []byte, prove func(old int64) ([]proof.Hash, error)) ([]byte, error)
}

// Config is what a Log needs. Cosigner, Guard, Interval, Batch and Log are optional.
type Config struct {
	Origin   string // the log's name at its first start, schema-less URL, for instance "sign.example.com/log"; it stays
	Outbox   Outbox
	Tiles    Tiles
	Keys     evidence.Keys
	Clock    capture.Clock
	Cosigner Cosigner      // nil: every checkpoint is published at once
	Guard    Guard         // nil: nothing is told to other instances, or remembered over a restart
	Interval time.Duration // how often the outbox is looked at; 100 ms when 0
	Batch    int           // entries per turn; 4,096 when 0
	Log      *slog.Logger
}

// Log reads and sequences. Reading is safe for concurrent use; of many
// sequencers, on many machines, one leads, and where two believe that they do one
// wins each turn and the other tries again.
type Log struct {
	cfg     Config
	signers []*proof.Signer
	wake    chan struct{}
	forked  atomic.Bool // a witness has seen another history
	unnoted atomic.Bool // which could not be told to the other instances yet

	mu    sync.Mutex
	until time.Time // this instance leads; zero where it does not
}

// firstKey names the key of the log's own signature.
const firstKey = "log/ed25519"

// Open opens the log and makes its keys at the first start.
func Open(ctx context.Context, cfg Config) (*Log, error) {
	if cfg.Origin == "" || cfg.Outbox == nil || cfg.Tiles == nil || cfg.Keys == nil || cfg.Clock == nil {
		return nil, errors.New("ledger: Origin, Outbox, Tiles, Keys and Clock are required")
	}
	if cfg.Interval <= 0 {
		cfg.Interval = 100 * time.Millisecond
	}
	if cfg.Batch <= 0 {
		cfg.Batch = 4096
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	l := &Log{cfg: cfg, wake: make(chan struct{}, 1)}
	begun, err := l.keepName(ctx)
	if err != nil {
		return nil, fmt.Errorf("name of the log: %w", err)
	}
	if begun { // a log that goes on has its key
		if _, _, err := cfg.Keys.Open(ctx, firstKey); err != nil {
			return nil, fmt.Errorf("open the key of a log that has entries: %w", err)
		}
	}
	for id, a := range map[string]proof.Algorithm{firstKey: proof.Ed25519, "log/mldsa44": proof.CosignMLDSA} {
		s, err := l.signer(ctx, id, a)
		if err != nil {
			return nil, fmt.Errorf("open log key: %w", err)
		}
		if l.signers = append(l.signers, s); a == proof.Ed25519 { // the log's own signature comes first
			l.signers[0], l.signers[len(l.signers)-1] = l.signers[len(l.signers)-1], l.signers[0]
		}
	}
	return l, nil
}

// keepName gives a log the name that it has: a service may move to another
// address, but what proofs, witnesses and monitors know is one log. It reports
// whether the log has entries.
func (l *Log) keepName(ctx context.Context) (begun bool, err error) {
	head, err := l.cfg.Tiles.Head(ctx)
	if err != nil {
		return false, err
	}
	if head.Note != nil {
		c, err := proof.ParseCheckpoint(head.Note)
		l.cfg.Origin = c.Origin
		return true, err
	}
	key, _, err := l.cfg.Keys.Open(ctx, firstKey)
	if errors.Is(err, evidence.ErrNotFound) {
		return false, nil // the first start
	}
	if err != nil {
		return false, err
	}
	k, err := proof.ParseKey(string(key.Public))
	l.cfg.Origin = k.Name
	return false, err
}

func (l *Log) signer(ctx context.Context, id string, a proof.Algorithm) (*proof.Signer, error) {
	_, seed, err := l.cfg.Keys.Open(ctx, id)
	if errors.Is(err, evidence.ErrNotFound) {
		seed = make([]byte, 32)
		rand.Read(seed) // never fails, see crypto/rand
		s, serr := proof.NewSigner(l.cfg.Origin, a, seed)
		if serr != nil {
			return nil, serr
		}
		err = l.cfg.Keys.Create(ctx, evidence.Key{ID: id, Purpose: "log", Public: []byte(s.Key.String()), Created: l.cfg.Clock.Now().UTC()}, seed)
		if errors.Is(err, evidence.ErrExists) {
			_, seed, err = l.cfg.Keys.Open(ctx, id)
		}
	}
	if err != nil {
		return nil, err
	}
	return proof.NewSigner(l.cfg.Origin, a, seed)
}

// Origin is the log's name.
func (l *Log) Origin() string { return l.cfg.Origin }

// Keys are the log's public keys, Ed25519 first. Publish them.
func (l *Log) Keys() []proof.Key {
	var keys []proof.Key
	for _, s := range l.signers {
		keys = append(keys, s.Key)
	}
	return keys
}

// Proof returns the tlog-proof file of a commitment against the newest
// published checkpoint; evidence.ErrPending until there is one that holds it.
func (l *Log) Proof(ctx context.Context, c evidence.Commitment) ([]byte, error) {
	index, err := l.cfg.Outbox.Position(ctx, c)
	if err != nil {
		return nil, fmt.Errorf("place in the log: %w", err)
	}
	head, err := l.cfg.Tiles.Head(ctx)
	if err != nil {
		return nil, fmt.Errorf("log head: %w", err)
	}
	if index >= head.PublishedSize {
		return nil, fmt.Errorf("place in the log: %w", evidence.ErrPending)
	}
	hashes, err := tlog.ProveRecord(head.PublishedSize, index, l.reader(ctx, head.Size))
	if err != nil {
		return nil, fmt.Errorf("prove: %w", err)
	}
	checkpoint, err := proof.ParseCheckpoint(head.Published)
	if err != nil {
		return nil, fmt.Errorf("published checkpoint: %w", err)
	}
	p := proof.Proof{Index: index, Hashes: convert(hashes), Checkpoint: checkpoint}
	if err := p.Includes(evidence.Leaf(c)); err != nil { // by other code than made it
		return nil, fmt.Errorf("own proof: %w", err)
	}
	return p.Marshal(), nil
}

// Consistency returns the proof that the tree of size newer begins with that
// of size old.
func (l *Log) Consistency(ctx context.Context, old, newer int64) ([]proof.Hash, error) {
	if old == 0 || old == newer {
		return nil, nil
	}
	hashes, err := tlog.ProveTree(newer, old, l.reader(ctx, newer))
	if err != nil {
		return nil, fmt.Errorf("prove consistency: %w", err)
	}
	return convert(hashes), nil
}

func convert(in []tlog.Hash) []proof.Hash {
	out := make([]proof.Hash, len(in))
	for i, h := range in {
		out[i] = proof.Hash(h)
	}
	return out
}
