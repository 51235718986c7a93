package store

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"time"

	"inkwitness/evidence"
)

// sealer encrypts single columns. Each value names the key it was sealed with:
//
//	 0       1        2        2+n       14+n
//	+-------+--------+--------+---------+---------------------------+
//	| 1     | n      | key id | nonce   | AES-256-GCM of the JSON   |
//	| 1 B   | 1 B    | n B    | 12 B    | and its 16 B tag          |
//	+-------+--------+--------+---------+---------------------------+
//
// The additional data is the column and the row's id, so a value moved to
// another row does not open.
type sealer struct {
	store *Store
	keys  evidence.Keys

	mu    sync.Mutex
	cache map[string]cachedKey
}

type cachedKey struct {
	aead  cipher.AEAD
	until time.Time
}

const (
	sealVersion = 1
	keyBytes    = 32
	// keyLife is how long an unwrapped key stays in memory, and so how long an
	// erasure by another instance may take to be seen.
	keyLife  = 30 * time.Second
	maxCache = 4096
)

var errSealed = errors.New("store: a sealed value cannot be opened")

// monthKey is the key of values that live for days: mails, replies, invitations.
func monthKey(t time.Time) string { return "month:" + t.UTC().Format("2006-01") }

// personKey is the key of what belongs to one account.
func personKey(account string) string { return "account:" + account }

// seal encrypts v under the key, making the key when it is new.
func (s *sealer) seal(ctx context.Context, key, column, row string, v any) ([]byte, error) {
	plain, err := json.Marshal(v)
	if err != nil {
		return nil, fmt.Errorf("seal %s: %w", column, err)
	}
	aead, err := s.aead(ctx, key, true)
	if err != nil {
		return nil, fmt.Errorf("seal %s: %w", column, err)
	}
	out := append([]byte{sealVersion, byte(len(key))}, key...)
	nonce := make([]byte, aead.NonceSize())
	rand.Read(nonce) // never fails, see crypto/rand
	return aead.Seal(append(out, nonce...), nonce, plain, []byte(column+"\x00"+row)), nil
}

// open decrypts what seal returned into v. It is evidence.ErrErased when the key
// was destroyed.
func (s *sealer) open(ctx context.Context, column, row string, sealed []byte, v any) error {
	if len(sealed) < 2 || sealed[0] != sealVersion || len(sealed) < 2+int(sealed[1])+12 {
		return fmt.Errorf("open %s: %w", column, errSealed)
	}
	key, rest := string(sealed[2:2+sealed[1]]), sealed[2+sealed[1]:]
	aead, err := s.aead(ctx, key, false)
	if err != nil {
		return fmt.Errorf("open %s: %w", column, err)
	}
	plain, err := aead.Open(nil, rest[:aead.NonceSize()], rest[aead.NonceSize():], []byte(column+"\x00"+row))
	if err != nil {
		return fmt.Errorf("open %s: %w", column, errSealed)
	}
	return json.Unmarshal(plain, v)
}

// aead returns the cipher of a key. A key read inside a transaction is not kept
// in memory: the transaction that made it may yet fail.
func (s *sealer) aead(ctx context.Context, key string, create bool) (cipher.AEAD, error) {
	now := s.store.clock.Now()
	s.mu.Lock()
	known, ok := s.cache[key]
	s.mu.Unlock()
	if ok && now.Before(known.until) && now.After(known.until.Add(-2*keyLife)) {
		return known.aead, nil
	}
	secret, err := s.secret(ctx, key, create)
	if err != nil {
		return nil, err
	}
	block, err := aes.NewCipher(secret)
	if err != nil {
		return nil, err
	}
	aead, err := cipher.NewGCM(block)
	if err == nil && s.store.tx(ctx) == nil {
		s.keep(key, cachedKey{aead, now.Add(keyLife)})
	}
	return aead, err
}

func (s *sealer) keep(key string, k cachedKey) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.cache) >= maxCache {
		clear(s.cache)
	}
	s.cache[key] = k
}

// forget drops a key from memory after its erasure.
func (s *sealer) forget(key string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.cache, key)
}

// secret opens a key, and makes it when it is new and create is set.
func (s *sealer) secret(ctx context.Context, key string, create bool) ([]byte, error) {
	_, secret, err := s.keys.Open(ctx, key)
	if !create || !errors.Is(err, evidence.ErrNotFound) {
		return secret, err
	}
	fresh := make([]byte, keyBytes)
	rand.Read(fresh) // never fails, see crypto/rand
	err = s.keys.Create(ctx, evidence.Key{ID: key, Purpose: "data", Subject: key, Created: s.store.clock.Now()}, fresh)
	if err == nil {
		return fresh, nil
	}
	if !errors.Is(err, evidence.ErrExists) {
		return nil, err
	}
	_, secret, err = s.keys.Open(ctx, key) // somebody else was first
	return secret, err
}

// index returns the keyed hash by which a value is found again. Without the root
// key nobody can try addresses against it.
func (s *sealer) index(ctx context.Context, purpose, value string) ([]byte, error) {
	secret, err := s.secret(ctx, "service:index", true)
	if err != nil {
		return nil, fmt.Errorf("index %s: %w", purpose, err)
	}
	mac := hmac.New(sha256.New, secret)
	mac.Write([]byte(purpose + "\x00" + value))
	return mac.Sum(nil), nil
}
