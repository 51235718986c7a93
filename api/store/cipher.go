package store

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"errors"
	"fmt"

	"inkwitness/evidence"
)

// newAEAD returns AES-256-GCM with a random nonce before each ciphertext. A row
// is saved far less often than the 2^32 times that a random nonce allows.
func newAEAD(secret []byte) (cipher.AEAD, error) {
	block, err := aes.NewCipher(secret)
	if err != nil {
		return nil, fmt.Errorf("row cipher: %w", err)
	}
	return cipher.NewGCMWithRandomNonce(block)
}

// secret opens the named 256-bit key, and makes it the first time.
func (c *Ceremonies) secret(ctx context.Context, key string) ([]byte, error) {
	_, secret, err := c.keys.Open(ctx, key)
	if !errors.Is(err, evidence.ErrNotFound) {
		return secret, err
	}
	fresh := make([]byte, 32)
	rand.Read(fresh) // never fails, see crypto/rand
	switch err = c.keys.Create(ctx, evidence.Key{ID: key, Purpose: "data", Subject: key, Created: c.store.clock.Now().UTC()}, fresh); {
	case err == nil:
		return fresh, nil
	case errors.Is(err, evidence.ErrExists): // somebody else was first
		_, secret, err = c.keys.Open(ctx, key)
	}
	return secret, err
}
