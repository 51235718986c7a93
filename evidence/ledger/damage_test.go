package ledger_test

import (
	"bytes"
	"context"
	"errors"
	"testing"

	"inkwitness/evidence"
	"inkwitness/evidence/evidencetest"
	"inkwitness/evidence/ledger"
	"inkwitness/evidence/proof"
)

// damaged is a store whose tree is read otherwise than it was written.
type damaged struct {
	*evidencetest.LogStore
	tile func(ledger.TileID, []byte)
	head func(*ledger.Head)
}

func (d *damaged) Tiles(ctx context.Context, ids []ledger.TileID) ([][]byte, error) {
	all, err := d.LogStore.Tiles(ctx, ids)
	for i := range all {
		if all[i] = bytes.Clone(all[i]); d.tile != nil {
			d.tile(ids[i], all[i])
		}
	}
	return all, err
}

func (d *damaged) Head(ctx context.Context) (ledger.Head, error) {
	h, err := d.LogStore.Head(ctx)
	if d.head != nil {
		d.head(&h)
	}
	return h, err
}

// A rotten tile, or a head that somebody wrote who has no key, is not grown upon:
// the log would sign a tree that does not begin with the one it signed before.
func TestDamagedTreeIsNotSigned(t *testing.T) {
	stranger, err := proof.NewSigner("sign.example.com/log", proof.Ed25519, bytes.Repeat([]byte{9}, 32))
	if err != nil {
		t.Fatal(err)
	}
	signed := func(size int64, root proof.Hash) []byte {
		c := proof.Checkpoint{Origin: stranger.Key.Name, Size: size, Root: root}
		c.Note.Text = proof.CheckpointText(c.Origin, size, root)
		sig, err := stranger.Sign(c, evidencetest.Start)
		if err != nil {
			t.Fatal(err)
		}
		c.Note.Sigs = []proof.Sig{sig}
		return c.Note.Marshal()
	}
	for name, d := range map[string]damaged{
		"a hash of the edge": {tile: func(id ledger.TileID, b []byte) {
			if id == (ledger.TileID{Level: 0, N: 1}) {
				b[3] ^= 1
			}
		}},
		"a hash above a full tile": {tile: func(id ledger.TileID, b []byte) {
			if id.Level == 1 {
				b[0] ^= 1
			}
		}},
		"a head by a stranger": {head: func(h *ledger.Head) {
			c, err := proof.ParseCheckpoint(h.Note)
			if err != nil {
				t.Fatal(err)
			}
			h.Note = signed(h.Size, c.Root)
		}},
		"a head of another size": {head: func(h *ledger.Head) { h.Size-- }},
	} {
		t.Run(name, func(t *testing.T) {
			keys, _ := evidencetest.Keys()
			s := &damaged{LogStore: &evidencetest.LogStore{}}
			l, err := ledger.Open(t.Context(), ledger.Config{Origin: "sign.example.com/log", Outbox: s, Tiles: s, Keys: keys, Clock: &evidencetest.Clock{}})
			if err != nil {
				t.Fatal(err)
			}
			add(t, s.LogStore, 0, 300)
			sequence(t, l, 300)
			add(t, s.LogStore, 300, 302)
			s.tile, s.head = d.tile, d.head
			if _, err := l.Sequence(t.Context()); !errors.Is(err, evidence.ErrCorrupt) {
				t.Errorf("sequenced: %v", err)
			}
			if h, err := s.LogStore.Head(t.Context()); err != nil || h.Size != 300 {
				t.Errorf("the tree has %d entries, %v", h.Size, err)
			}
			s.tile, s.head = nil, nil // repaired
			sequence(t, l, 2)
			verify(t, l, 301)
		})
	}
}

// A log that has entries and no key any more is not given another key: what it signed
// then would be no continuation to anybody.
func TestLostKeyIsNotReplaced(t *testing.T) {
	keys, _ := evidencetest.Keys()
	s := &evidencetest.LogStore{}
	cfg := ledger.Config{Origin: "o", Outbox: s, Tiles: s, Keys: keys, Clock: &evidencetest.Clock{}}
	l, err := ledger.Open(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	add(t, s, 0, 1)
	sequence(t, l, 1)
	cfg.Keys, _ = evidencetest.Keys()
	if _, err := ledger.Open(t.Context(), cfg); !errors.Is(err, evidence.ErrNotFound) {
		t.Errorf("opened without its key: %v", err)
	}
}
