package vault

import (
	"context"
	"fmt"
	"time"
)

// Rows says which blobs are referred to. Implementations are safe for
// concurrent use and durable on return.
type Rows interface {
	// ClaimOrphans returns those of the names that no row refers to, and sees to
	// it that none of them gets a row before Swept was called, nor afterwards
	// for a blob that was written earlier.
	ClaimOrphans(ctx context.Context, names []string) ([]string, error)

	// Swept ends the claim: the blobs are gone.
	Swept(ctx context.Context, names []string) error
}

// sweepBatch is how many names are asked for at a time.
const sweepBatch = 500

// Sweep deletes blobs, and rests of unfinished writes, that were last written
// before the given moment and that no row refers to, and returns how many.
// Choose the moment so that a transaction under way is hardly still about to
// write the row; when it is, it finds its blob claimed and has to store it again.
func (v *Vault) Sweep(ctx context.Context, before time.Time, rows Rows) (int, error) {
	swept := 0
	for _, store := range v.stores() {
		var names []string
		flush := func() error {
			n, err := sweepSome(ctx, store, names, rows)
			swept += n
			names = names[:0]
			return err
		}
		err := store.List(ctx, func(name string, modified time.Time) error {
			if modified.Before(before) {
				names = append(names, name)
			}
			if len(names) < sweepBatch {
				return nil
			}
			return flush()
		})
		if err == nil {
			err = flush()
		}
		if err != nil {
			return swept, fmt.Errorf("sweep orphans: %w", err)
		}
	}
	return swept, nil
}

func sweepSome(ctx context.Context, store Blobs, names []string, rows Rows) (int, error) {
	if len(names) == 0 {
		return 0, nil
	}
	orphans, err := rows.ClaimOrphans(ctx, names)
	if err != nil || len(orphans) == 0 {
		return 0, err
	}
	for i, name := range orphans {
		if err := store.Delete(ctx, name); err != nil {
			return i, err
		}
	}
	return len(orphans), rows.Swept(ctx, orphans)
}

// List calls visit for every blob of every store: store counts from 0, the
// first one. The rests of unfinished writes are listed too.
func (v *Vault) List(ctx context.Context, visit func(store int, name string, modified time.Time) error) error {
	for i, store := range v.stores() {
		if err := store.List(ctx, func(name string, modified time.Time) error { return visit(i, name, modified) }); err != nil {
			return fmt.Errorf("list store %d: %w", i+1, err)
		}
	}
	return nil
}
