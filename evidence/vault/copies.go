package vault

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"

	"inkwitness/evidence"
)

// Every store holds the same bytes under the same name. The first one is
// written and read first; the others are copies of its ciphertext, so copying
// and repairing need no key.

func (v *Vault) stores() []Blobs { return append([]Blobs{v.cfg.Blobs}, v.cfg.Copies...) }

// replicate copies an object from the first store to the others until enough have
// it. A store that fails is left for Scrub.
func (v *Vault) replicate(ctx context.Context, o evidence.Object) error {
	have := 1
	var all error
	failed := map[int]error{}
	for i, to := range v.cfg.Copies {
		if err := v.copyLocked(ctx, v.cfg.Blobs, to, o); err != nil {
			all = errors.Join(all, err)
			failed[i+2] = err
			continue
		}
		have++
	}
	if have < v.cfg.Need {
		return fmt.Errorf("%d of %d stores have it: %w", have, v.cfg.Need, all)
	}
	for store, err := range failed {
		if v.cfg.Missed != nil {
			v.cfg.Missed(o.Key, store, err)
		}
	}
	return nil
}

// copyLocked copies an object into a store, which has it once it is locked there as
// it must be.
func (v *Vault) copyLocked(ctx context.Context, from, to Blobs, o evidence.Object) error {
	if err := copyBlob(ctx, from, to, o.Key); err != nil {
		return err
	}
	_, err := v.lock(ctx, to, o)
	return err
}

func copyBlob(ctx context.Context, from, to Blobs, name string) error {
	blob, err := from.Open(ctx, name)
	if err != nil {
		return err
	}
	defer blob.Close()
	return to.Write(ctx, name, func(w io.Writer) error {
		_, err := io.Copy(w, io.NewSectionReader(blob, 0, blob.Size()))
		return err
	})
}

// firstGood opens the first copy whose start decrypts; the reader knows the
// rest, should it meet damage later.
func (v *Vault) firstGood(ctx context.Context, key []byte, o evidence.Object) (*reader, error) {
	stores := v.stores()
	var first error
	for i, store := range stores {
		r, err := openCopy(ctx, store, key, o)
		if err == nil {
			for _, other := range stores[i+1:] {
				r.others = append(r.others, func() (Blob, error) { return other.Open(ctx, o.Key) })
			}
			return r, nil
		}
		if first == nil || errors.Is(first, evidence.ErrNotFound) && errors.Is(err, evidence.ErrCorrupt) {
			first = err
		}
	}
	return nil, first
}

func openCopy(ctx context.Context, store Blobs, key []byte, o evidence.Object) (*reader, error) {
	blob, err := store.Open(ctx, o.Key)
	if err != nil {
		return nil, err
	}
	r, err := newReader(blob, key, []byte(o.Key), o.Size)
	if err != nil {
		return nil, errors.Join(err, blob.Close())
	}
	return r, nil
}

// Scrub reads every byte of every copy of an object, writes damaged and missing
// copies again from a good one, and locks those that are not locked as long as
// they must be. It returns how many it wrote or locked. When all copies are damaged or missing it is evidence.ErrCorrupt; when none is known to
// be good because a store could not be read, the store's error. Nothing was
// touched then.
func (v *Vault) Scrub(ctx context.Context, o evidence.Object) (repaired int, err error) {
	_, key, err := v.cfg.Keys.Open(ctx, o.DataKey)
	if err != nil {
		return 0, fmt.Errorf("data key of object: %w", err)
	}
	var good, bad []Blobs
	var unread error
	for _, store := range v.stores() {
		switch err := checkCopy(ctx, store, key, o); {
		case err == nil:
			good = append(good, store)
		case ctx.Err() != nil:
			return 0, ctx.Err()
		default:
			bad = append(bad, store)
			if !errors.Is(err, evidence.ErrNotFound) && !errors.Is(err, evidence.ErrCorrupt) {
				unread = errors.Join(unread, err)
			}
		}
	}
	if len(good) == 0 && unread != nil {
		return 0, fmt.Errorf("read object %s: %w", o.Key, unread)
	}
	if len(good) == 0 {
		return 0, fmt.Errorf("object %s has no good copy left: %w", o.Key, evidence.ErrCorrupt)
	}
	var failed error
	for _, store := range bad {
		if err := v.copyLocked(ctx, good[0], store, o); err != nil {
			failed = errors.Join(failed, err)
			continue
		}
		repaired++
	}
	for _, store := range good {
		set, err := v.lock(ctx, store, o)
		if failed = errors.Join(failed, err); set {
			repaired++
		}
	}
	if failed != nil {
		return repaired, fmt.Errorf("repair object %s: %w", o.Key, failed)
	}
	return repaired, nil
}

func checkCopy(ctx context.Context, store Blobs, key []byte, o evidence.Object) error {
	r, err := openCopy(ctx, store, key, o)
	if err != nil {
		return err
	}
	sum := sha256.New()
	_, err = io.Copy(sum, struct{ io.Reader }{r})
	if err == nil && evidence.Digest(sum.Sum(nil)) != o.SHA256 { // another object was once stored under this name
		err = fmt.Errorf("object %s: %w", o.Key, evidence.ErrCorrupt)
	}
	return errors.Join(err, r.Close())
}
