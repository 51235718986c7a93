package vault

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"gocloud.dev/secrets"
	"gocloud.dev/secrets/localsecrets"

	"inkwitness/evidence"
)

// KeyStore keeps wrapped keys, which are useless without the root key.
// Implementations are safe for concurrent use and durable on return.
type KeyStore interface {
	// CreateKey stores a new key; evidence.ErrExists when the ID is taken.
	CreateKey(ctx context.Context, k evidence.Key) error

	// Key returns the key as stored, destroyed or not; evidence.ErrNotFound.
	Key(ctx context.Context, id string) (evidence.Key, error)

	// DestroyKey overwrites Wrapped with nothing and sets Erased, unless it is
	// set already. A missing key is evidence.ErrNotFound.
	DestroyKey(ctx context.Context, id string, e evidence.Erasure) error
}

// Keyring wraps keys with the root key. It implements evidence.Keys.
type Keyring struct {
	store KeyStore
	roots *Roots
}

// NewKeyring returns a Keyring over a store and a root key without a name.
func NewKeyring(store KeyStore, root *secrets.Keeper) *Keyring {
	return Ring(store, &Roots{all: []Root{{Keeper: root}}})
}

// Ring returns a Keyring over a store and root keys, of which the first wraps.
func Ring(store KeyStore, roots *Roots) *Keyring {
	return &Keyring{store: store, roots: roots}
}

// Create implements evidence.Keys. The key's ID is wrapped with the secret, so
// that a wrapped key moved to another row does not open.
func (k *Keyring) Create(ctx context.Context, key evidence.Key, secret []byte) error {
	wrapped, err := k.roots.wrap(ctx, append([]byte(key.ID+"\x00"), secret...))
	if err != nil {
		return fmt.Errorf("wrap key: %w", err)
	}
	key.Wrapped, key.Erased = wrapped, nil
	return k.store.CreateKey(ctx, key)
}

// Open implements evidence.Keys.
func (k *Keyring) Open(ctx context.Context, id string) (evidence.Key, []byte, error) {
	key, err := k.store.Key(ctx, id)
	if err != nil {
		return evidence.Key{}, nil, err
	}
	if key.Erased != nil {
		return key, nil, &evidence.ErasedError{ID: id, Erasure: *key.Erased}
	}
	plain, err := k.roots.unwrap(ctx, key.Wrapped)
	if err != nil {
		return evidence.Key{}, nil, fmt.Errorf("unwrap key: %w", err)
	}
	secret, ok := bytes.CutPrefix(plain, []byte(id+"\x00"))
	if !ok {
		return evidence.Key{}, nil, fmt.Errorf("wrapped key belongs to another id: %w", evidence.ErrCorrupt)
	}
	return key, secret, nil
}

// Destroy implements evidence.Keys.
func (k *Keyring) Destroy(ctx context.Context, id string, e evidence.Erasure) error {
	return k.store.DestroyKey(ctx, id, e)
}

// rootKeyPrefix starts the one line of a root key file.
const rootKeyPrefix = "inkwitness-root-key-v1:"

// LocalRoot opens the root key in a file, and makes it at the first start. The
// file must be readable by its owner alone. Whoever holds it and a copy of the
// database can read everything: keep it apart from both and from the backups.
func LocalRoot(path string) (*secrets.Keeper, error) {
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		return makeRoot(path)
	}
	keys, err := readRootKeys(path)
	if err != nil {
		return nil, err
	}
	return localsecrets.NewKeeper(keys[0]), nil
}

func makeRoot(path string) (*secrets.Keeper, error) {
	var key [keyBytes]byte
	rand.Read(key[:]) // never fails, see crypto/rand
	if err := writeRootKeys(path, [][keyBytes]byte{key}); err != nil {
		return nil, err
	}
	return localsecrets.NewKeeper(key), nil
}

// OpenRoot opens a root key by URL, for instance "awskms://alias/inkwitness?region=eu-west-3".
func OpenRoot(ctx context.Context, url string) (*secrets.Keeper, error) {
	root, err := secrets.OpenKeeper(ctx, url)
	if err != nil {
		return nil, fmt.Errorf("open root key: %w", err)
	}
	return root, nil
}
