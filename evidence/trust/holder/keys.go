package holder

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"time"

	"inkwitness/evidence"
	"inkwitness/evidence/durable"
)

// Files keeps wrapped keys in a folder, one file each. It implements
// vault.KeyStore for one process.
type Files struct {
	dir string
	mu  sync.Mutex
}

// OpenFiles opens the folder and makes it at the first start.
func OpenFiles(dir string) (*Files, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("make the folder of keys: %w", err)
	}
	return &Files{dir: dir}, nil
}

func (f *Files) path(id string) string {
	h := sha256.Sum256([]byte(id))
	return filepath.Join(f.dir, hex.EncodeToString(h[:])+".key")
}

// CreateKey implements vault.KeyStore.
func (f *Files) CreateKey(ctx context.Context, k evidence.Key) error {
	unlock, err := f.lock()
	if err != nil {
		return err
	}
	defer unlock()
	if _, err := f.read(k.ID); err == nil {
		return fmt.Errorf("key %s: %w", k.ID, evidence.ErrExists)
	} else if !errors.Is(err, evidence.ErrNotFound) {
		return err
	}
	return f.write(k)
}

// Key implements vault.KeyStore.
func (f *Files) Key(_ context.Context, id string) (evidence.Key, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.read(id)
}

// DestroyKey implements vault.KeyStore.
func (f *Files) DestroyKey(_ context.Context, id string, e evidence.Erasure) error {
	unlock, err := f.lock()
	if err != nil {
		return err
	}
	defer unlock()
	k, err := f.read(id)
	if err != nil || k.Erased != nil {
		return err
	}
	k.Wrapped, k.Erased = nil, &e
	return f.write(k)
}

// Keys implements vault.WrappedKeys.
func (f *Files) Keys(context.Context) (all []evidence.Key, err error) {
	names, err := filepath.Glob(filepath.Join(f.dir, "*.key"))
	if err != nil {
		return nil, err
	}
	for _, name := range names {
		raw, err := os.ReadFile(name)
		if err != nil {
			return nil, err
		}
		var k stored
		if err := json.Unmarshal(raw, &k); err != nil || f.path(k.ID) != name {
			return nil, fmt.Errorf("%s: %w", name, evidence.ErrCorrupt)
		}
		all = append(all, evidence.Key(k))
	}
	return all, nil
}

// Rewrap implements vault.WrappedKeys.
func (f *Files) Rewrap(_ context.Context, id string, from, to []byte) (bool, error) {
	unlock, err := f.lock()
	if err != nil {
		return false, err
	}
	defer unlock()
	k, err := f.read(id)
	if err != nil || k.Erased != nil || !bytes.Equal(k.Wrapped, from) {
		return false, err
	}
	k.Wrapped = to
	return true, f.write(k)
}

// lock keeps others from changing keys: goroutines, and a command by hand beside
// the running holder.
func (f *Files) lock() (unlock func(), err error) {
	f.mu.Lock()
	defer func() {
		if err != nil {
			f.mu.Unlock()
		}
	}()
	file, err := os.OpenFile(filepath.Join(f.dir, ".lock"), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("lock the keys: %w", err)
	}
	for end := time.Now().Add(10 * time.Second); ; time.Sleep(time.Millisecond) {
		if err = lock(file); err == nil {
			return func() { file.Close(); f.mu.Unlock() }, nil
		}
		if time.Now().After(end) {
			file.Close()
			return nil, fmt.Errorf("lock the keys: %w", err)
		}
	}
}

func (f *Files) read(id string) (evidence.Key, error) {
	raw, err := os.ReadFile(f.path(id))
	if errors.Is(err, fs.ErrNotExist) {
		return evidence.Key{}, fmt.Errorf("key %s: %w", id, evidence.ErrNotFound)
	}
	if err != nil {
		return evidence.Key{}, err
	}
	var k stored
	if err := json.Unmarshal(raw, &k); err != nil || k.ID != id {
		return evidence.Key{}, fmt.Errorf("key %s: %w", id, evidence.ErrCorrupt)
	}
	return evidence.Key(k), nil
}

func (f *Files) write(k evidence.Key) error {
	raw, err := json.Marshal(stored(k))
	if err != nil {
		return err
	}
	return durable.WriteFile(f.path(k.ID), bytes.NewReader(raw))
}

// stored is a key as it lies in its file.
type stored evidence.Key
