package vault

import (
	"context"
	"errors"
	"fmt"

	"inkwitness/evidence"
)

// WrappedKeys lists wrapped keys and replaces them.
type WrappedKeys interface {
	// Keys lists all keys, destroyed ones too.
	Keys(ctx context.Context) ([]evidence.Key, error)

	// Rewrap replaces what is stored of a key if it is still what it was, and
	// says whether it was. A key that was destroyed meanwhile stays so.
	Rewrap(ctx context.Context, id string, from, to []byte) (bool, error)
}

// Use says which root key a key is wrapped with.
type Use struct {
	Key     evidence.Key
	Root    string // ID, "" where it does not say
	Current bool   // it is the root key that wraps now
}

// Uses lists every key that is not destroyed with the root key that it needs.
func (k *Keyring) Uses(ctx context.Context, keys WrappedKeys) ([]Use, error) {
	roots, err := k.roots.list()
	if err != nil {
		return nil, err
	}
	all, err := keys.Keys(ctx)
	if err != nil {
		return nil, fmt.Errorf("list keys: %w", err)
	}
	var uses []Use
	for _, key := range all {
		if key.Erased == nil {
			id := RootOf(key.Wrapped)
			uses = append(uses, Use{Key: key, Root: id, Current: id == roots[0].ID})
		}
	}
	return uses, nil
}

// Rotate wraps every key anew that is wrapped with another root key than the one
// that wraps now. It can be stopped and begun again at any time; progress, which
// may be nil, is told of each.
func (k *Keyring) Rotate(ctx context.Context, keys WrappedKeys, progress func(done, of int)) error {
	for {
		uses, err := k.Uses(ctx, keys)
		if err != nil {
			return err
		}
		var old []evidence.Key
		for _, u := range uses {
			if !u.Current {
				old = append(old, u.Key)
			}
		}
		if len(old) == 0 {
			return nil
		}
		for i, key := range old {
			if err := k.rewrap(ctx, keys, key); err != nil {
				return fmt.Errorf("wrap key %s anew: %w", key.ID, err)
			}
			if progress != nil {
				progress(i+1, len(old))
			}
		}
	}
}

func (k *Keyring) rewrap(ctx context.Context, keys WrappedKeys, key evidence.Key) error {
	plain, err := k.roots.unwrap(ctx, key.Wrapped)
	if err != nil {
		return err
	}
	wrapped, err := k.roots.wrap(ctx, plain)
	if err != nil {
		return err
	}
	_, err = keys.Rewrap(ctx, key.ID, key.Wrapped, wrapped)
	return err
}

// CheckRoot proves that the root key that wraps now is enough: it opens every key
// with that one alone, and names those that it cannot open.
func (k *Keyring) CheckRoot(ctx context.Context, keys WrappedKeys) (checked int, err error) {
	roots, err := k.roots.list()
	if err != nil {
		return 0, err
	}
	alone := &Roots{all: roots[:1]}
	uses, err := k.Uses(ctx, keys)
	if err != nil {
		return 0, err
	}
	var failed []error
	for _, u := range uses {
		if _, err := alone.unwrap(ctx, u.Key.Wrapped); err != nil || !u.Current {
			failed = append(failed, fmt.Errorf("key %s (%s) needs root key %s", u.Key.ID, u.Key.Purpose, orUnnamed(u.Root)))
		}
	}
	return len(uses), errors.Join(failed...)
}

func orUnnamed(id string) string {
	if id == "" {
		return "without a name"
	}
	return id
}
