package vault

import (
	"context"
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

// firstGood opens the first copy that has the object's salt and whose start
// decrypts; the reader knows the rest, should it meet damage later.
func (v *Vault) firstGood(ctx context.Context, key []byte, o evidence.Object) (*reader, error) {
	var failed error
	for i, store := range v.stores() {
		r, err := openCopy(ctx, store, key, o)
		if err == nil {
			r.next = v.others(ctx, o, i)
			return r, nil
		}
		v.damaged(o, i, err)
		failed = worse(failed, err)
	}
	return nil, failed
}

// worse chooses what to say of an object that no store could give.
func worse(a, b error) error {
	if a == nil || errors.Is(a, evidence.ErrNotFound) && errors.Is(b, evidence.ErrCorrupt) {
		return b
	}
	return a
}

// others gives the reader of a store's copy those in the stores after it that have
// the same salt: they are the same bytes.
func (v *Vault) others(ctx context.Context, o evidence.Object, store int) func(damage error) Blob {
	stores, next := v.stores(), store+1
	return func(damage error) Blob {
		v.damaged(o, store, damage)
		for ; next < len(stores); next++ {
			blob, _, err := openBlob(ctx, stores[next], o)
			if err == nil {
				store, next = next, next+1
				return blob
			}
			v.damaged(o, next, err)
		}
		return nil
	}
}

// damaged tells of a damaged copy; stores count from 0 here.
func (v *Vault) damaged(o evidence.Object, store int, err error) {
	if v.cfg.Damaged != nil && errors.Is(err, evidence.ErrCorrupt) {
		v.cfg.Damaged(o.Key, store+1, err)
	}
}

// openBlob opens a store's copy of an object, if it is as long as it must be and
// starts with the object's salt, where there is one. It needs no key.
func openBlob(ctx context.Context, store Blobs, o evidence.Object) (Blob, header, error) {
	var h header
	blob, err := store.Open(ctx, o.Key)
	if err != nil {
		return nil, h, err
	}
	if want := sealedSize(o.Size); blob.Size() != want {
		err = fmt.Errorf("blob of %d bytes, expected %d: %w", blob.Size(), want, evidence.ErrCorrupt)
	} else if err = readFull(blob, h.bytes[:], 0); err != nil {
		err = fmt.Errorf("read header: %w", err)
	} else if o.Salt != unsalted && h.salt() != o.Salt {
		err = fmt.Errorf("blob of another writing: %w", evidence.ErrCorrupt)
	}
	if err != nil {
		return nil, h, errors.Join(err, blob.Close())
	}
	return blob, h, nil
}

func openCopy(ctx context.Context, store Blobs, key []byte, o evidence.Object) (*reader, error) {
	blob, h, err := openBlob(ctx, store, o)
	if err != nil {
		return nil, err
	}
	r, err := newReader(blob, h, key, o)
	if err != nil {
		return nil, errors.Join(err, blob.Close())
	}
	return r, nil
}

// Scrub reads every byte of every copy of an object, writes damaged and missing
// copies again from a good one, so that all are the same bytes, and locks those that
// are not locked as long as they must be. It returns how many it wrote or locked. When all copies are damaged or missing it is evidence.ErrCorrupt; when none is known to
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
		salt, err := checkCopy(ctx, store, key, o)
		switch {
		case err == nil:
			good, o.Salt = append(good, store), salt
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
	if len(good) == 0 && o.Salt != unsalted { // the same bytes may be left as another writing encrypted them
		o.Salt = unsalted
		return v.Scrub(ctx, o)
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

// checkCopy reads a store's copy of an object whole and returns its salt.
func checkCopy(ctx context.Context, store Blobs, key []byte, o evidence.Object) (evidence.Digest, error) {
	r, err := openCopy(ctx, store, key, o)
	if err != nil {
		return unsalted, err
	}
	return r.header.salt(), errors.Join(r.check(o), r.Close())
}
