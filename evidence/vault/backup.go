package vault

import (
	"context"
	"errors"
	"slices"
	"time"

	"inkwitness/evidence"
)

// CopyTo copies the blob of an object to another store, still encrypted, unless
// it has it. A copy older than the object is made again. It is taken from the first
// store that has the blob of this object; where all have another one, or cut, from
// the first that has any, for a backup must not fail over what Scrub tells of.
func (v *Vault) CopyTo(ctx context.Context, to *Dir, o evidence.Object) error {
	size, modified, err := to.stat(o.Key)
	if err == nil && size == sealedSize(o.Size) && modified.After(o.Stored) {
		return nil
	}
	if err != nil && !errors.Is(err, evidence.ErrNotFound) {
		return err
	}
	stores := v.stores()
	right := func(store Blobs) bool {
		blob, _, err := openBlob(ctx, store, o)
		return err == nil && blob.Close() == nil
	}
	if i := slices.IndexFunc(stores, right); i > 0 {
		stores = append(stores[i:], stores[:i]...)
	}
	for _, store := range stores {
		if err = copyBlob(ctx, store, to, o.Key); err == nil {
			return nil
		}
	}
	return err
}

// BringFrom copies the blob of an object from another store into every one that
// lacks it.
func (v *Vault) BringFrom(ctx context.Context, from *Dir, o evidence.Object) error {
	for _, store := range v.stores() {
		there, err := has(ctx, store, o.Key)
		if err != nil {
			return err
		}
		if there {
			continue
		}
		if err := v.copyLocked(ctx, from, store, o); err != nil {
			return err
		}
	}
	return nil
}

// sealedSize is how many bytes an object has when it is encrypted.
func sealedSize(plain int64) int64 {
	return headerBytes + plain + (segmentOf(max(plain-1, 0))+1)*tagBytes
}

func (d *Dir) stat(name string) (size int64, modified time.Time, err error) {
	b, err := d.Open(context.Background(), name)
	if err != nil {
		return 0, time.Time{}, err
	}
	defer b.Close()
	info, err := b.(*fileBlob).Stat()
	if err != nil {
		return 0, time.Time{}, err
	}
	return info.Size(), info.ModTime(), nil
}
