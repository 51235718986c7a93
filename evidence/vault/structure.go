package vault

import (
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"time"

	"inkwitness/evidence"
)

// Inventory is what the rows say is stored.
type Inventory interface {
	// Objects lists objects in the order of their keys, at most n after a key.
	Objects(ctx context.Context, after string, n int) ([]evidence.Object, error)
	// Object returns one, or evidence.ErrNotFound.
	Object(ctx context.Context, key string) (evidence.Object, error)
	// KnownObjects tells which keys have a row.
	KnownObjects(ctx context.Context, keys []string) (map[string]bool, error)
}

// Structure is what a look over all names found.
type Structure struct {
	Objects int       `json:"objects"` // rows
	Blobs   []int     `json:"blobs"`   // in each store
	Missing []Missing `json:"missing,omitempty"`
	Orphans []string  `json:"orphans,omitempty"` // blobs without a row that are old enough to be swept
	Young   int       `json:"young"`             // blobs without a row that may yet get one
}

// Missing is a blob that a row refers to and a store has not.
type Missing struct {
	Key   string `json:"key"`
	Store int    `json:"store"` // from 1
}

// CheckStructure compares the names in every store with the rows: every row has
// its blob in every store, and every blob older than young its row. It reads no
// content.
func (v *Vault) CheckStructure(ctx context.Context, rows Inventory, young time.Time) (Structure, error) {
	s := Structure{Blobs: make([]int, len(v.stores()))}
	seed := maphash.MakeSeed()
	for i, store := range v.stores() {
		present, err := s.blobs(ctx, i, store, rows, young, seed)
		if err != nil {
			return s, fmt.Errorf("list store %d: %w", i+1, err)
		}
		if err := s.rows(ctx, i, store, rows, present, seed); err != nil {
			return s, fmt.Errorf("compare with store %d: %w", i+1, err)
		}
	}
	return s, nil
}

// blobs looks at every blob of a store and returns the hashes of their names:
// 8 bytes each, so that a million of them fit into little memory.
func (s *Structure) blobs(ctx context.Context, i int, store Blobs, rows Inventory, young time.Time, seed maphash.Seed) (map[uint64]struct{}, error) {
	present := map[uint64]struct{}{}
	var names []string
	var old []bool
	flush := func() error {
		known, err := rows.KnownObjects(ctx, names)
		if err != nil {
			return err
		}
		for n, name := range names {
			switch {
			case known[name]:
			case old[n]:
				s.Orphans = append(s.Orphans, name)
			default:
				s.Young++
			}
		}
		names, old = names[:0], old[:0]
		return nil
	}
	err := store.List(ctx, func(name string, modified time.Time) error {
		present[maphash.String(seed, name)] = struct{}{}
		s.Blobs[i]++
		names, old = append(names, name), append(old, modified.Before(young))
		if len(names) < sweepBatch {
			return nil
		}
		return flush()
	})
	if err != nil {
		return nil, err
	}
	return present, flush()
}

// rows looks for the blob of every row. One that was not listed is asked for by
// itself: it may have come, or its row may have gone, since the store was listed.
func (s *Structure) rows(ctx context.Context, i int, store Blobs, rows Inventory, present map[uint64]struct{}, seed maphash.Seed) error {
	s.Objects = 0
	for after := ""; ; {
		page, err := rows.Objects(ctx, after, sweepBatch)
		if err != nil || len(page) == 0 {
			return err
		}
		for _, o := range page {
			s.Objects++
			if _, ok := present[maphash.String(seed, o.Key)]; ok {
				continue
			}
			if there, err := has(ctx, store, o.Key); there || err != nil {
				if err != nil {
					return err
				}
				continue
			}
			if _, err := rows.Object(ctx, o.Key); errors.Is(err, evidence.ErrNotFound) {
				continue
			} else if err != nil {
				return err
			}
			s.Missing = append(s.Missing, Missing{o.Key, i + 1})
		}
		after = page[len(page)-1].Key
	}
}

func has(ctx context.Context, store Blobs, name string) (bool, error) {
	blob, err := store.Open(ctx, name)
	if errors.Is(err, evidence.ErrNotFound) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	return true, blob.Close()
}
