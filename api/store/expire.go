package store

import (
	"context"
	"errors"
	"fmt"
	"time"

	"inkwitness/api"
	"inkwitness/evidence"
	"inkwitness/evidence/retain"
)

// Ended is a document whose time is over.
type Ended struct{ ID, Organisation, Owner string }

func scanEnded(r scanner) (e Ended, err error) { return e, r.Scan(&e.ID, &e.Organisation, &e.Owner) }

// EndedDocuments lists at most n documents that must be gone and of which no
// object is left.
func (c *Ceremonies) EndedDocuments(ctx context.Context, now time.Time, n int) ([]Ended, error) {
	return list(ctx, c.store, scanEnded, `SELECT id, organisation, owner FROM documents WHERE ends <= $1 AND NOT busy
		AND NOT EXISTS (SELECT 1 FROM objects o WHERE o.holder = 'document:' || documents.id AND o.state <> 'gone')
		AND NOT `+fmt.Sprintf(held, "documents.id", "$2")+` ORDER BY ends, id LIMIT $3`,
		micros(now), micros(now.Add(-retain.Provisional)), n)
}

// Forget deletes a document's row and its links, and destroys the keys under
// which it and the names in its record are sealed: copies in backups cannot be
// read either.
func (c *Ceremonies) Forget(ctx context.Context, id, authority string) error {
	return c.store.Tx(ctx, func(ctx context.Context) error {
		for _, query := range []string{`DELETE FROM grants WHERE document = $1`, `DELETE FROM records WHERE deposit = $1`, `DELETE FROM documents WHERE id = $1`} {
			if _, err := c.store.exec(ctx, query, id); err != nil {
				return err
			}
		}
		return c.destroy(ctx, authority, documentKey(id), "audit:document:"+id)
	})
}

// ForgetSubject deletes the holder of references with its prints, and destroys its key. The same
// address becomes another subject, which nothing connects with this one. Its
// references must have been let go of before.
func (c *Ceremonies) ForgetSubject(ctx context.Context, id, authority string) error {
	return c.store.Tx(ctx, func(ctx context.Context) error {
		for _, query := range []string{`DELETE FROM prints WHERE subject = $1`, `DELETE FROM subjects WHERE id = $1`} {
			if _, err := c.store.exec(ctx, query, id); err != nil {
				return err
			}
		}
		return c.destroy(ctx, authority, subjectKey(id))
	})
}

func (c *Ceremonies) destroy(ctx context.Context, authority string, keys ...string) error {
	for _, key := range keys {
		err := c.sealer.keys.Destroy(ctx, key, evidence.Erasure{When: c.store.clock.Now().UTC(), Authority: authority})
		if err != nil && !errors.Is(err, evidence.ErrNotFound) {
			return err
		}
		c.sealer.forget(key)
	}
	return nil
}

// Ending lists documents whose deposit ends before a time and whose owner was
// not told yet.
func (c *Ceremonies) Ending(ctx context.Context, before time.Time, n int) ([]Ended, error) {
	return list(ctx, c.store, scanEnded, `SELECT id, organisation, owner FROM documents WHERE state = 'completed' AND ends <= $1 AND noticed IS NULL ORDER BY ends, id LIMIT $2`,
		micros(before), n)
}

// Noticed notes that the owner of a document was told; false when that had been
// done already.
func (c *Ceremonies) Noticed(ctx context.Context, id string, at time.Time) (bool, error) {
	err := c.store.execOne(ctx, `UPDATE documents SET noticed = $2 WHERE id = $1 AND noticed IS NULL`, id, micros(at))
	if errors.Is(err, api.ErrNotFound) {
		return false, nil
	}
	return err == nil, err
}
