package vault_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"inkwitness/evidence"
	"inkwitness/evidence/evidencetest"
	"inkwitness/evidence/vault"
)

// shelf is a KeyStore that lists and rewraps.
type shelf struct {
	mu   sync.Mutex
	keys map[string]evidence.Key
}

func (s *shelf) CreateKey(_ context.Context, k evidence.Key) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, there := s.keys[k.ID]; there {
		return evidence.ErrExists
	}
	s.keys[k.ID] = k
	return nil
}

func (s *shelf) Key(_ context.Context, id string) (evidence.Key, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	k, there := s.keys[id]
	if !there {
		return k, evidence.ErrNotFound
	}
	return k, nil
}

func (s *shelf) DestroyKey(_ context.Context, id string, e evidence.Erasure) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	k := s.keys[id]
	k.Wrapped, k.Erased = nil, &e
	s.keys[id] = k
	return nil
}

func (s *shelf) Keys(context.Context) (all []evidence.Key, _ error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, k := range s.keys {
		all = append(all, k)
	}
	return all, nil
}

func (s *shelf) Rewrap(_ context.Context, id string, from, to []byte) (bool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	k := s.keys[id]
	if k.Erased != nil || string(k.Wrapped) != string(from) {
		return false, nil
	}
	k.Wrapped = to
	s.keys[id] = k
	return true, nil
}

// TestRotate: a key from before root keys had names, one with the first root, and
// one that is destroyed; after the rotation the new root alone opens the two.
func TestRotate(t *testing.T) {
	ctx := t.Context()
	path := filepath.Join(t.TempDir(), "root.key")
	unnamed, err := vault.LocalRoot(path)
	if err != nil {
		t.Fatal(err)
	}
	store := &shelf{keys: map[string]evidence.Key{}}
	create := func(ring *vault.Keyring, id string) {
		t.Helper()
		if err := ring.Create(ctx, evidence.Key{ID: id, Purpose: "data", Created: evidencetest.Start}, []byte("secret of "+id)); err != nil {
			t.Fatal(err)
		}
	}
	create(vault.NewKeyring(store, unnamed), "old")
	roots, err := vault.OpenRoots(ctx, path)
	if err != nil {
		t.Fatal(err)
	}
	running := vault.Ring(store, roots) // as a service that runs through all of it
	create(running, "named")
	create(running, "gone")
	if err := running.Destroy(ctx, "gone", evidence.Erasure{Authority: "test"}); err != nil {
		t.Fatal(err)
	}
	before := vault.RootOf(store.keys["named"].Wrapped)
	if before == "" || vault.RootOf(store.keys["old"].Wrapped) != "" {
		t.Errorf("roots %q and %q", before, vault.RootOf(store.keys["old"].Wrapped))
	}
	if _, err := running.CheckRoot(ctx, store); err == nil || !strings.Contains(err.Error(), "key old") {
		t.Errorf("a key without a root's name passes: %v", err)
	}
	if err := vault.AddRoot(path); err != nil {
		t.Fatal(err)
	}
	create(running, "new") // the running one takes the new root up by itself
	if after := vault.RootOf(store.keys["new"].Wrapped); after == before || after == "" {
		t.Errorf("a key made after the change is wrapped by %q, before it was %q", after, before)
	}
	if _, err := running.CheckRoot(ctx, store); err == nil || !strings.Contains(err.Error(), "key named (data) needs root key "+before) {
		t.Errorf("a key under the old root passes: %v", err)
	}
	told := 0
	if err := running.Rotate(ctx, store, func(done, of int) { told = of - done }); err != nil || told != 0 {
		t.Fatalf("rotate: %v, %d left", err, told)
	}
	if n, err := running.CheckRoot(ctx, store); err != nil || n != 3 {
		t.Errorf("after the rotation %d keys were checked: %v", n, err)
	}
	if err := vault.RetireRoots(path); err != nil {
		t.Fatal(err)
	}
	alone, err := vault.OpenRoots(ctx, path)
	if err != nil {
		t.Fatal(err)
	}
	for _, id := range []string{"old", "named", "new"} {
		for name, ring := range map[string]*vault.Keyring{"a new start": vault.Ring(store, alone), "the running one": running} {
			if _, secret, err := ring.Open(ctx, id); err != nil || string(secret) != "secret of "+id {
				t.Errorf("%s opens %s: %q, %v", name, id, secret, err)
			}
		}
	}
	if _, _, err := vault.NewKeyring(store, unnamed).Open(ctx, "old"); err == nil {
		t.Error("the retired root still opens a key")
	}
	if store.keys["gone"].Wrapped != nil {
		t.Error("the rotation brought a destroyed key back")
	}
}

// TestRootsThatAreNotHere says which root is missing, and refuses what is no root.
func TestRootsThatAreNotHere(t *testing.T) {
	ctx, folder := t.Context(), t.TempDir()
	first, second := filepath.Join(folder, "first.key"), filepath.Join(folder, "second.key")
	store := &shelf{keys: map[string]evidence.Key{}}
	roots, err := vault.OpenRoots(ctx, first)
	if err != nil {
		t.Fatal(err)
	}
	if err := vault.Ring(store, roots).Create(ctx, evidence.Key{ID: "k"}, []byte("s")); err != nil {
		t.Fatal(err)
	}
	other, err := vault.OpenRoots(ctx, second)
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := vault.Ring(store, other).Open(ctx, "k"); !errors.Is(err, evidence.ErrNotAllowed) || !strings.Contains(err.Error(), vault.RootOf(store.keys["k"].Wrapped)) {
		t.Errorf("without its root: %v", err)
	}
	both, err := vault.OpenRoots(ctx, second, first)
	if err != nil {
		t.Fatal(err)
	}
	if _, secret, err := vault.Ring(store, both).Open(ctx, "k"); err != nil || string(secret) != "s" {
		t.Errorf("with both: %q, %v", secret, err)
	}
	if err := os.WriteFile(second, []byte("nonsense\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := vault.OpenRoots(ctx, second); !errors.Is(err, evidence.ErrMalformed) {
		t.Errorf("nonsense: %v", err)
	}
	if _, err := vault.OpenRoots(ctx, first, filepath.Join(folder, "missing.key")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("an old root that is not there: %v", err)
	}
}
