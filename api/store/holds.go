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

// AddHold stores a hold that one person placed.
func (a *Accounts) AddHold(ctx context.Context, organisation string, h retain.Hold) error {
	sealed, err := a.sealer.seal(ctx, "organisation:"+organisation, "holds", h.ID, h.Reason)
	if err != nil {
		return err
	}
	return a.execOne(ctx, `INSERT INTO holds (id, deposit, organisation, placed_by, placed, agreed_by, ended_by, lifted_by, sealed)
		VALUES ($1, $2, $3, $4, $5, '', '', '', $6)`, h.ID, h.Deposit, organisation, h.Placed.By, micros(h.Placed.At), sealed)
}

// LockEnding lists at most n objects after a key that a hold protects now and whose
// lock ends before a time.
func (s *Store) LockEnding(ctx context.Context, before time.Time, after string, n int) ([]evidence.Object, error) {
	return list(ctx, s, func(r scanner) (evidence.Object, error) {
		row, err := scanObject(r)
		return row.Object, err
	}, objectColumns+` WHERE state = 'kept' AND locked < $1 AND `+fmt.Sprintf(held, "objects.deposit", "$2")+` AND key > $3 ORDER BY key LIMIT $4`,
		micros(before), micros(s.clock.Now().Add(-retain.Provisional)), after, n)
}

// Locked notes that an object is locked until a time.
func (s *Store) Locked(ctx context.Context, key string, until time.Time) error {
	_, err := s.exec(ctx, `UPDATE objects SET locked = $2 WHERE key = $1 AND locked < $2`, key, micros(until))
	return err
}

// SaveHold stores what was done to a hold, if nobody else did meanwhile what
// was not done before; otherwise api.ErrConflict.
func (a *Accounts) SaveHold(ctx context.Context, before, h retain.Hold) error {
	err := a.execOne(ctx, `UPDATE holds SET agreed_by = $2, agreed = $3, ended_by = $4, ended = $5, lifted_by = $6, lifted = $7
		WHERE id = $1 AND agreed_by = $8 AND ended_by = $9 AND lifted_by = $10`,
		h.ID, h.Agreed.By, micros(h.Agreed.At), h.Ended.By, micros(h.Ended.At), h.Lifted.By, micros(h.Lifted.At),
		before.Agreed.By, before.Ended.By, before.Lifted.By)
	if errors.Is(err, api.ErrNotFound) {
		return api.ErrConflict
	}
	return err
}

// Holds lists the holds of a deposit, lifted ones too, the oldest first.
func (a *Accounts) Holds(ctx context.Context, deposit string) ([]retain.Hold, error) {
	return listSealed(ctx, a.Store, func(r scanner) (s sealed[retain.Hold], err error) {
		h := &s.v
		err = r.Scan(&h.ID, &h.Deposit, &h.Placed.By, when(&h.Placed.At), &h.Agreed.By, when(&h.Agreed.At), &h.Ended.By, when(&h.Ended.At),
			&h.Lifted.By, when(&h.Lifted.At), &s.column)
		return s, err
	}, func(ctx context.Context, s sealed[retain.Hold]) (retain.Hold, error) {
		err := a.sealer.open(ctx, "holds", s.v.ID, s.column, &s.v.Reason)
		if errors.Is(err, evidence.ErrErased) {
			err = nil // the organisation is gone; who and when stay
		}
		return s.v, err
	}, `SELECT id, deposit, placed_by, placed, agreed_by, agreed, ended_by, ended, lifted_by, lifted, sealed FROM holds WHERE deposit = $1 ORDER BY placed, id`, deposit)
}
