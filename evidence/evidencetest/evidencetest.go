// Package evidencetest has what the tests of several packages share: a clock
// that stands still until it is moved, an in-memory key store, and the suite
// that every key store must pass.
//
// Only tests import it.
package evidencetest

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"maps"
	"sync"
	"testing"
	"time"

	"gocloud.dev/secrets/localsecrets"

	"inkwitness/evidence"
	"inkwitness/evidence/vault"
)

// Start is the time at which a new Clock stands.
var Start = time.Date(2026, 3, 2, 9, 30, 0, 0, time.UTC)

// Clock is a capture.Clock that is moved by hand. The zero value stands at Start.
type Clock struct {
	mu     sync.Mutex
	passed time.Duration
}

// Now implements capture.Clock.
func (c *Clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return Start.Add(c.passed)
}

// Advance moves the clock, backwards too.
func (c *Clock) Advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.passed += d
}

// KeyStore is a vault.KeyStore in memory.
type KeyStore struct {
	mu   sync.Mutex
	keys map[string]evidence.Key
}

// CreateKey implements vault.KeyStore.
func (s *KeyStore) CreateKey(_ context.Context, k evidence.Key) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, ok := s.keys[k.ID]; ok {
		return fmt.Errorf("key %s: %w", k.ID, evidence.ErrExists)
	}
	if s.keys == nil {
		s.keys = map[string]evidence.Key{}
	}
	s.keys[k.ID] = k
	return nil
}

// Key implements vault.KeyStore.
func (s *KeyStore) Key(_ context.Context, id string) (evidence.Key, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	k, ok := s.keys[id]
	if !ok {
		return evidence.Key{}, fmt.Errorf("key %s: %w", id, evidence.ErrNotFound)
	}
	return k, nil
}

// DestroyKey implements vault.KeyStore.
func (s *KeyStore) DestroyKey(_ context.Context, id string, e evidence.Erasure) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	k, ok := s.keys[id]
	if !ok {
		return fmt.Errorf("key %s: %w", id, evidence.ErrNotFound)
	}
	if k.Erased == nil {
		k.Wrapped, k.Erased = nil, &e
		s.keys[id] = k
	}
	return nil
}

// All returns a copy of every key.
func (s *KeyStore) All() map[string]evidence.Key {
	s.mu.Lock()
	defer s.mu.Unlock()
	return maps.Clone(s.keys)
}

// Keys returns a keyring with a fresh root key over a fresh store.
func Keys() (*vault.Keyring, *KeyStore) {
	var root [32]byte
	rand.Read(root[:])
	store := &KeyStore{}
	return vault.NewKeyring(store, localsecrets.NewKeeper(root)), store
}

// TestKeyStore is the suite that every vault.KeyStore passes.
func TestKeyStore(t *testing.T, s vault.KeyStore) {
	ctx := t.Context()
	k := evidence.Key{ID: "data/d1/s1", Purpose: "data", Subject: "s1", Deposit: "d1",
		Wrapped: []byte{1, 2, 3}, Public: []byte("public"), Created: Start}
	if _, err := s.Key(ctx, k.ID); !errors.Is(err, evidence.ErrNotFound) {
		t.Errorf("key before it was created: %v", err)
	}
	if err := s.DestroyKey(ctx, k.ID, evidence.Erasure{When: Start}); !errors.Is(err, evidence.ErrNotFound) {
		t.Errorf("destroy a missing key: %v", err)
	}
	if err := s.CreateKey(ctx, k); err != nil {
		t.Fatal(err)
	}
	if err := s.CreateKey(ctx, k); !errors.Is(err, evidence.ErrExists) {
		t.Errorf("create twice: %v", err)
	}
	got, err := s.Key(ctx, k.ID)
	if err != nil || !same(got, k) {
		t.Errorf("got %+v, %v; want %+v", got, err, k)
	}
	first := evidence.Erasure{When: Start.Add(time.Hour), Authority: "signed"}
	for _, e := range []evidence.Erasure{first, {When: Start.Add(2 * time.Hour), Authority: "later"}} {
		if err := s.DestroyKey(ctx, k.ID, e); err != nil {
			t.Fatal(err)
		}
	}
	k.Wrapped, k.Erased = nil, &first
	if got, err = s.Key(ctx, k.ID); err != nil || !same(got, k) {
		t.Errorf("destroyed: got %+v, %v; want %+v", got, err, k)
	}
	if err := s.CreateKey(ctx, k); !errors.Is(err, evidence.ErrExists) {
		t.Errorf("create over a destroyed key: %v", err)
	}
	testRace(t, s)
}

// testRace lets many create one key; exactly one may win.
func testRace(t *testing.T, s vault.KeyStore) {
	errs := make(chan error)
	for i := range 16 {
		go func() {
			errs <- s.CreateKey(t.Context(), evidence.Key{ID: "race", Purpose: "data", Wrapped: []byte{byte(i)}, Created: Start})
		}()
	}
	won := 0
	for range 16 {
		switch err := <-errs; {
		case err == nil:
			won++
		case !errors.Is(err, evidence.ErrExists):
			t.Error(err)
		}
	}
	if won != 1 {
		t.Errorf("%d creators won, want 1", won)
	}
}

func same(a, b evidence.Key) bool {
	if (a.Erased == nil) != (b.Erased == nil) {
		return false
	}
	if a.Erased != nil && (!a.Erased.When.Equal(b.Erased.When) || a.Erased.Authority != b.Erased.Authority) {
		return false
	}
	return a.ID == b.ID && a.Purpose == b.Purpose && a.Subject == b.Subject && a.Deposit == b.Deposit &&
		bytes.Equal(a.Wrapped, b.Wrapped) && bytes.Equal(a.Public, b.Public) && a.Created.Equal(b.Created)
}
