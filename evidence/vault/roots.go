package vault

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"sync"

	"gocloud.dev/secrets"
	"gocloud.dev/secrets/localsecrets"

	"inkwitness/evidence"
	"inkwitness/evidence/durable"
)

// Root is one root key. Its ID is written before everything that it wraps, so
// that it can be told which root key a wrapped key still needs.
type Root struct {
	ID     string // 8 bytes in hex, derived from the key or its URL; "" is unknown
	Keeper *secrets.Keeper
}

// Roots are root keys. The first wraps; all of them unwrap, so that keys can be
// wrapped anew one by one while the service runs.
type Roots struct {
	path string // of the file that they are read from again; "" where there is none

	mu   sync.Mutex
	seen fs.FileInfo
	all  []Root
}

// OpenRoots opens the root key that wraps, and older ones that only unwrap: each
// a file or a URL of a key service. A file may hold several keys, a line each, the
// one that wraps first; it is read again when it changes.
func OpenRoots(ctx context.Context, current string, older ...string) (*Roots, error) {
	r := new(Roots)
	for i, where := range append([]string{current}, older...) {
		if strings.Contains(where, "://") {
			keeper, err := OpenRoot(ctx, where)
			if err != nil {
				return nil, err
			}
			r.all = append(r.all, Root{rootID([]byte(where)), keeper})
			continue
		}
		if i == 0 {
			r.path = where
			if _, err := LocalRoot(where); err != nil { // makes it at the first start
				return nil, err
			}
		}
		roots, err := readRoots(where)
		if err != nil {
			return nil, err
		}
		r.all = append(r.all, roots...)
	}
	if r.path != "" && len(older) > 0 {
		r.path = "" // what the command line says is not changed by a file
	}
	if r.path != "" {
		info, err := os.Stat(r.path)
		if err != nil {
			return nil, fmt.Errorf("root key: %w", err)
		}
		r.seen = info
	}
	return r, nil
}

func rootID(of []byte) string {
	sum := sha256.Sum256(append([]byte("inkwitness root key id\n"), of...))
	return hex.EncodeToString(sum[:8])
}

// readRoots reads the keys of a file, a line each.
func readRoots(path string) ([]Root, error) {
	keys, err := readRootKeys(path)
	if err != nil {
		return nil, err
	}
	roots := make([]Root, len(keys))
	for i, k := range keys {
		roots[i] = Root{rootID(k[:]), localsecrets.NewKeeper(k)}
	}
	return roots, nil
}

func readRootKeys(path string) ([][keyBytes]byte, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("root key: %w", err)
	}
	if info.Mode().Perm()&0o077 != 0 {
		return nil, fmt.Errorf("root key %s has mode %o, others may read it; make it 0600: %w", path, info.Mode().Perm(), evidence.ErrNotAllowed)
	}
	content, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("root key: %w", err)
	}
	var keys [][keyBytes]byte
	for line := range strings.Lines(string(content)) {
		text, ok := strings.CutPrefix(strings.TrimSpace(line), rootKeyPrefix)
		raw, err := base64.StdEncoding.DecodeString(text)
		if !ok || err != nil || len(raw) != keyBytes {
			return nil, fmt.Errorf("root key %s is not one of ours: %w", path, evidence.ErrMalformed)
		}
		keys = append(keys, [keyBytes]byte(raw))
	}
	if len(keys) == 0 {
		return nil, fmt.Errorf("root key %s is empty: %w", path, evidence.ErrMalformed)
	}
	return keys, nil
}

func writeRootKeys(path string, keys [][keyBytes]byte) error {
	var b strings.Builder
	for _, k := range keys {
		b.WriteString(rootKeyPrefix + base64.StdEncoding.EncodeToString(k[:]) + "\n")
	}
	if err := durable.WriteFile(path, strings.NewReader(b.String())); err != nil {
		return fmt.Errorf("write root key: %w", err)
	}
	return nil
}

// AddRoot puts a new root key before those of a file. What wraps from now on, in
// services that run as well, is the new one.
func AddRoot(path string) error {
	keys, err := readRootKeys(path)
	if err != nil {
		return err
	}
	var fresh [keyBytes]byte
	rand.Read(fresh[:]) // never fails, see crypto/rand
	return writeRootKeys(path, append([][keyBytes]byte{fresh}, keys...))
}

// RetireRoots takes all root keys but the first out of a file.
func RetireRoots(path string) error {
	keys, err := readRootKeys(path)
	if err != nil {
		return err
	}
	return writeRootKeys(path, keys[:1])
}

// list returns the root keys as they are now.
func (r *Roots) list() ([]Root, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.path == "" {
		return r.all, nil
	}
	info, err := os.Stat(r.path)
	if errors.Is(err, fs.ErrNotExist) {
		return r.all, nil // taken out of reach after the start, which is allowed
	}
	if err != nil {
		return nil, fmt.Errorf("root key: %w", err)
	}
	if os.SameFile(info, r.seen) && info.ModTime().Equal(r.seen.ModTime()) && info.Size() == r.seen.Size() {
		return r.all, nil
	}
	all, err := readRoots(r.path)
	if err != nil {
		return nil, err
	}
	r.all, r.seen = all, info
	return all, nil
}

// wrapMark starts a wrapped key that names its root: the mark, 8 bytes of the
// root's ID, the ciphertext.
var wrapMark = []byte("ink-root1")

// RootOf names the root key that wrapped something, "" where it does not say: it
// was wrapped before root keys had names.
func RootOf(wrapped []byte) string {
	rest, ok := bytes.CutPrefix(wrapped, wrapMark)
	if !ok || len(rest) < 8 {
		return ""
	}
	return hex.EncodeToString(rest[:8])
}

func (r *Roots) wrap(ctx context.Context, plain []byte) ([]byte, error) {
	all, err := r.list()
	if err != nil {
		return nil, err
	}
	sealed, err := all[0].Keeper.Encrypt(ctx, plain)
	if err != nil || all[0].ID == "" {
		return sealed, err
	}
	id, err := hex.DecodeString(all[0].ID)
	if err != nil {
		return nil, err
	}
	return append(append(bytes.Clone(wrapMark), id...), sealed...), nil
}

func (r *Roots) unwrap(ctx context.Context, wrapped []byte) ([]byte, error) {
	all, err := r.list()
	if err != nil {
		return nil, err
	}
	if id := RootOf(wrapped); id != "" {
		for _, root := range all {
			if root.ID == id || root.ID == "" {
				if plain, err := root.Keeper.Decrypt(ctx, wrapped[len(wrapMark)+8:]); err == nil || root.ID == id {
					return plain, err
				}
			}
		}
		return nil, fmt.Errorf("it was wrapped by root key %s, which is not here: %w", id, evidence.ErrNotAllowed)
	}
	var failed error
	for _, root := range all {
		plain, err := root.Keeper.Decrypt(ctx, wrapped)
		if err == nil {
			return plain, nil
		}
		failed = err
	}
	return nil, failed
}
