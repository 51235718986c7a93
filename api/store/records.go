package store

import (
	"context"
	"crypto"
	"errors"
	"time"

	"inkwitness/api"
	"inkwitness/evidence"
	"inkwitness/evidence/renew"
)

// Unrecorded lists at most n completed documents whose deposit has no evidence
// record, after one, by ID.
func (s *Store) Unrecorded(ctx context.Context, after string, n int) ([]string, error) {
	return list(ctx, s, func(r scanner) (id string, err error) { return id, r.Scan(&id) }, `SELECT id FROM documents
		WHERE state = 'completed' AND id > $1 AND NOT EXISTS (SELECT 1 FROM records r WHERE r.deposit = documents.id) ORDER BY id LIMIT $2`, after, n)
}

// Supports lists what evidence records rest on, each once, what ends first in front.
func (s *Store) Supports(ctx context.Context) ([]renew.Support, error) {
	return list(ctx, s, func(r scanner) (on renew.Support, err error) {
		var hash int64
		err = r.Scan(&hash, &on.Signature, when(&on.Certificate))
		on.Hash = crypto.Hash(hash)
		return on, err
	}, `SELECT DISTINCT hash, signature, certificate FROM records ORDER BY certificate, signature, hash`)
}

// Resting lists at most n deposits whose record rests on it, after one, by ID.
func (s *Store) Resting(ctx context.Context, on renew.Support, after string, n int) ([]string, error) {
	return list(ctx, s, func(r scanner) (id string, err error) { return id, r.Scan(&id) },
		`SELECT deposit FROM records WHERE hash = $1 AND signature = $2 AND certificate = $3 AND deposit > $4 ORDER BY deposit LIMIT $5`,
		int64(on.Hash), on.Signature, micros(on.Certificate), after, n)
}

// EvidenceRecord returns the record of a deposit (DER) and when it was last
// renewed; evidence.ErrNotFound before the first.
func (s *Store) EvidenceRecord(ctx context.Context, deposit string) (record []byte, made time.Time, err error) {
	err = s.row(ctx, `SELECT record, made FROM records WHERE deposit = $1`, deposit).Scan(&record, when(&made))
	if errors.Is(err, api.ErrNotFound) {
		return nil, made, evidence.ErrNotFound
	}
	return record, made, err
}

// SaveRecord stores a deposit's record in place of the one before, with what it
// rests on. A document that was deleted meanwhile gets none.
func (s *Store) SaveRecord(ctx context.Context, deposit string, record []byte, on renew.Support) error {
	return s.Tx(ctx, func(ctx context.Context) error {
		var there string
		err := s.row(ctx, `SELECT id FROM documents WHERE id = $1`, deposit).Scan(&there)
		if errors.Is(err, api.ErrNotFound) {
			return nil
		}
		if err != nil {
			return err
		}
		return s.execOne(ctx, `INSERT INTO records (deposit, record, hash, signature, certificate, made) VALUES ($1, $2, $3, $4, $5, $6)
			ON CONFLICT (deposit) DO UPDATE SET record = excluded.record, hash = excluded.hash, signature = excluded.signature, certificate = excluded.certificate, made = excluded.made`,
			deposit, record, int64(on.Hash), on.Signature, micros(on.Certificate), micros(s.clock.Now()))
	})
}
