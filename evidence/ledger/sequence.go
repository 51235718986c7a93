package ledger

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"golang.org/x/mod/sumdb/tlog"

	"inkwitness/evidence"
	"inkwitness/evidence/proof"
)

// Wake tells Run that something waits, so that it does not wait out its interval.
func (l *Log) Wake() {
	select {
	case l.wake <- struct{}{}:
	default:
	}
}

// maxDelay is the longest wait between turns while they fail.
const maxDelay = 10 * time.Second

// Run sequences until the context ends. Losing a turn to another sequencer is
// normal; any other failure is logged and tried again, less and less often.
func (l *Log) Run(ctx context.Context) error {
	defer l.yield(ctx)
	if _, err := l.stopped(ctx); err != nil && ctx.Err() == nil {
		l.cfg.Log.ErrorContext(ctx, "the log's state is not known", "err", err)
	}
	delay := l.cfg.Interval
	for {
		n, err := l.Sequence(ctx)
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case err == nil && n == l.cfg.Batch:
			continue // more is waiting
		case err == nil, errors.Is(err, evidence.ErrConflict):
			delay = l.cfg.Interval
		default:
			l.yield(ctx)
			delay = min(2*delay, max(maxDelay, l.cfg.Interval))
			l.cfg.Log.ErrorContext(ctx, "sequencing failed, will try again", "after", delay, "err", err)
		}
		wait := time.NewTimer(delay)
		select {
		case <-ctx.Done():
			wait.Stop()
			return ctx.Err()
		case <-wait.C:
		case <-l.wake:
			wait.Stop()
		}
	}
}

// Sequence does one turn and returns how many entries got a place. It also
// publishes what an interrupted turn left unpublished. evidence.ErrConflict is
// a turn that another instance has.
func (l *Log) Sequence(ctx context.Context) (int, error) {
	head, err := l.cfg.Tiles.Head(ctx)
	if err != nil {
		return 0, fmt.Errorf("log head: %w", err)
	}
	if l.Forked() { // somebody may have said that it goes on
		if _, err := l.stopped(ctx); err != nil {
			return 0, err
		}
	}
	entries, err := l.cfg.Outbox.Pending(ctx, l.cfg.Batch)
	if err != nil {
		return 0, fmt.Errorf("log outbox: %w", err)
	}
	if len(entries) == 0 && head.Size == head.PublishedSize {
		return 0, nil
	}
	if err := l.lead(ctx); err != nil {
		return 0, err
	}
	if len(entries) > 0 {
		if head, err = l.integrate(ctx, head, entries); err != nil {
			return 0, err
		}
	}
	if head.Size > head.PublishedSize {
		if err := l.publish(ctx, head); err != nil {
			return len(entries), fmt.Errorf("publish checkpoint: %w", err)
		}
	}
	return len(entries), nil
}

// intact asks that the stored tree is the one that this log signed last. What grew
// on another would be a fork by our own hand.
func (l *Log) intact(head Head, stored tlog.HashReader) error {
	if head.Size == 0 {
		return nil
	}
	c, err := proof.ParseCheckpoint(head.Note)
	if err != nil {
		return fmt.Errorf("newest checkpoint: %w: %w", evidence.ErrCorrupt, err)
	}
	if _, err := c.Verify(l.signers[0].Key); err != nil {
		return fmt.Errorf("newest checkpoint: %w: %w", evidence.ErrCorrupt, err)
	}
	root, err := tlog.TreeHash(head.Size, stored)
	if err != nil {
		return fmt.Errorf("root of the stored tree: %w", err)
	}
	if c.Size != head.Size || c.Root != proof.Hash(root) {
		return fmt.Errorf("the stored tree of %d entries is not that of the newest checkpoint: %w", head.Size, evidence.ErrCorrupt)
	}
	return nil
}

func (l *Log) integrate(ctx context.Context, head Head, entries []evidence.LogEntry) (Head, error) {
	g := &growth{base: l.reader(ctx, head.Size), size: head.Size, fresh: map[int64]tlog.Hash{}}
	if err := l.intact(head, g.base); err != nil {
		return head, err
	}
	for _, e := range entries {
		if err := g.add(evidence.Leaf(e.Commitment)); err != nil {
			return head, fmt.Errorf("grow tree: %w", err)
		}
	}
	root, err := tlog.TreeHash(g.size, g)
	if err != nil {
		return head, fmt.Errorf("tree root: %w", err)
	}
	b := Batch{From: head.Size, Entries: entries}
	if b.Note, err = l.sign(g.size, proof.Hash(root)); err != nil {
		return head, err
	}
	if b.Tiles, err = l.newTiles(ctx, g, head.Size, entries); err != nil {
		return head, err
	}
	if err := l.cfg.Outbox.Integrate(ctx, b); err != nil {
		return head, fmt.Errorf("store batch: %w", err)
	}
	head.Size, head.Note = g.size, b.Note
	return head, nil
}

// sign makes the checkpoint of a tree.
func (l *Log) sign(size int64, root proof.Hash) ([]byte, error) {
	c := proof.Checkpoint{Origin: l.cfg.Origin, Size: size, Root: root}
	c.Note.Text = proof.CheckpointText(c.Origin, size, root)
	for _, s := range l.signers {
		sig, err := s.Sign(c, l.cfg.Clock.Now())
		if err != nil {
			return nil, fmt.Errorf("sign checkpoint: %w", err)
		}
		c.Note.Sigs = append(c.Note.Sigs, sig)
	}
	return c.Note.Marshal(), nil
}

// publish asks the witnesses, who must have seen every tree in turn, and
// stores the checkpoint that they confirmed. The tree is durable by now: a
// witness that has confirmed it can never be shown another.
func (l *Log) publish(ctx context.Context, head Head) error {
	checkpoint := head.Note
	if l.cfg.Cosigner != nil {
		var err error
		if checkpoint, err = l.cosign(ctx, head); err != nil {
			return err
		}
	}
	return l.cfg.Tiles.Publish(ctx, head.Size, checkpoint)
}

// growth is a tree with new nodes that are not stored yet.
type growth struct {
	base  tlog.HashReader
	size  int64
	fresh map[int64]tlog.Hash // by tlog.StoredHashIndex
}

func (g *growth) add(leaf []byte) error {
	hashes, err := tlog.StoredHashes(g.size, leaf, g)
	if err != nil {
		return err
	}
	at := tlog.StoredHashIndex(0, g.size)
	for i, h := range hashes {
		g.fresh[at+int64(i)] = h
	}
	g.size++
	return nil
}

// ReadHashes implements tlog.HashReader.
func (g *growth) ReadHashes(indexes []int64) ([]tlog.Hash, error) {
	out := make([]tlog.Hash, len(indexes))
	var old, where []int64
	for i, x := range indexes {
		h, ok := g.fresh[x]
		if out[i] = h; !ok {
			old, where = append(old, x), append(where, int64(i))
		}
	}
	if len(old) == 0 {
		return out, nil
	}
	stored, err := g.base.ReadHashes(old)
	if err != nil {
		return nil, err
	}
	for i, h := range stored {
		out[where[i]] = h
	}
	return out, nil
}

// newTiles returns every tile that changed. tlog counts a tile's width from
// its start, so a partial tile is stored whole, over its shorter version.
func (l *Log) newTiles(ctx context.Context, g *growth, from int64, entries []evidence.LogEntry) ([]Tile, error) {
	newest := map[TileID]tlog.Tile{}
	for _, t := range tlog.NewTiles(tileHeight, from, g.size) {
		id := TileID{t.L, t.N}
		if t.W > newest[id].W {
			newest[id] = t
		}
	}
	var tiles []Tile
	for _, id := range slices.SortedFunc(maps.Keys(newest), compareIDs) {
		data, err := tlog.ReadTileData(newest[id], g)
		if err != nil {
			return nil, fmt.Errorf("tile %v: %w", id, err)
		}
		tiles = append(tiles, Tile{id, data})
	}
	bundles, err := l.bundles(ctx, from, entries)
	return append(tiles, bundles...), err
}

func compareIDs(a, b TileID) int {
	if a.Level != b.Level {
		return a.Level - b.Level
	}
	return int(a.N - b.N)
}

// bundles returns the entry tiles that changed; the first may have been begun
// in an earlier turn.
func (l *Log) bundles(ctx context.Context, from int64, entries []evidence.LogEntry) ([]Tile, error) {
	cur := Tile{TileID: TileID{EntryLevel, from / tileWidth}}
	if from%tileWidth != 0 {
		stored, err := l.cfg.Tiles.Tiles(ctx, []TileID{cur.TileID})
		if err != nil {
			return nil, fmt.Errorf("entry tile: %w", err)
		}
		cur.Data = bytes.Clone(stored[0])
	}
	var out []Tile
	for i, e := range entries {
		if n := (from + int64(i)) / tileWidth; n != cur.N {
			out = append(out, cur)
			cur = Tile{TileID: TileID{EntryLevel, n}}
		}
		leaf := evidence.Leaf(e.Commitment)
		cur.Data = append(binary.BigEndian.AppendUint16(cur.Data, uint16(len(leaf))), leaf...)
	}
	return append(out, cur), nil
}
