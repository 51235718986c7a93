package store

import (
	"context"
	"errors"
	"time"

	"inkwitness/api"
	"inkwitness/evidence"
)

// CreateKey implements vault.KeyStore.
func (s *Store) CreateKey(ctx context.Context, k evidence.Key) error {
	n, err := s.exec(ctx, `INSERT INTO keys (id, purpose, subject, deposit, wrapped, public, created)
		VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (id) DO NOTHING`,
		k.ID, k.Purpose, k.Subject, k.Deposit, k.Wrapped, k.Public, micros(k.Created))
	if err == nil && n == 0 {
		return evidence.ErrExists
	}
	return err
}

// Key implements vault.KeyStore.
func (s *Store) Key(ctx context.Context, id string) (evidence.Key, error) {
	k, err := scanKey(s.row(ctx, keyColumns+` WHERE id = $1`, id))
	if errors.Is(err, api.ErrNotFound) {
		return k, evidence.ErrNotFound
	}
	return k, err
}

// Keys lists all keys, destroyed ones too, the oldest first.
func (s *Store) Keys(ctx context.Context) ([]evidence.Key, error) {
	return list(ctx, s, scanKey, keyColumns+` ORDER BY created, id`)
}

// DestroyKey implements vault.KeyStore.
func (s *Store) DestroyKey(ctx context.Context, id string, e evidence.Erasure) error {
	return s.Tx(ctx, func(ctx context.Context) error {
		if _, err := s.Key(ctx, id); err != nil {
			return err
		}
		_, err := s.exec(ctx, `UPDATE keys SET wrapped = NULL, erased = $2, authority = $3 WHERE id = $1 AND erased IS NULL`,
			id, micros(e.When), e.Authority)
		return err
	})
}

// Rewrap implements vault.WrappedKeys.
func (s *Store) Rewrap(ctx context.Context, id string, from, to []byte) (bool, error) {
	n, err := s.exec(ctx, `UPDATE keys SET wrapped = $3 WHERE id = $1 AND wrapped = $2 AND erased IS NULL`, id, from, to)
	return n == 1, err
}

const keyColumns = `SELECT id, purpose, subject, deposit, wrapped, public, created, erased, authority FROM keys`

func scanKey(r scanner) (k evidence.Key, err error) {
	var erased time.Time
	var authority *string
	err = r.Scan(&k.ID, &k.Purpose, &k.Subject, &k.Deposit, &k.Wrapped, &k.Public, when(&k.Created), when(&erased), &authority)
	if authority != nil {
		k.Erased = &evidence.Erasure{When: erased, Authority: *authority}
	}
	return k, err
}
