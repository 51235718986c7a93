package store

import (
	"context"
	"errors"
	"fmt"
	"time"

	"inkwitness/api"
	"inkwitness/api/dispute"
	"inkwitness/evidence"
)

// Disputes keeps cases and openings of evidence. It implements dispute.Cases and
// dispute.Openings.
type Disputes struct {
	store  *Store
	sealer *sealer
}

// Disputes returns the tables of disputes beside those of accounts.
func (a *Accounts) Disputes() *Disputes { return &Disputes{a.Store, a.sealer} }

func caseKey(id string) string { return "case:" + id }

// CreateCase implements dispute.Cases.
func (d *Disputes) CreateCase(ctx context.Context, c *dispute.Case) error {
	body, err := d.sealer.seal(ctx, caseKey(c.ID), "cases", c.ID, c)
	if err != nil {
		return err
	}
	c.Version = 1
	return d.store.execOne(ctx, `INSERT INTO cases (id, organisation, owner, version, created, ends, body) VALUES ($1, $2, $3, 1, $4, $5, $6)`,
		c.ID, c.Organisation, c.Owner, micros(c.Created), micros(c.KeepUntil), body)
}

// Case implements dispute.Cases.
func (d *Disputes) Case(ctx context.Context, id string) (*dispute.Case, error) {
	row, err := scanDocument(d.store.row(ctx, `SELECT id, version, body FROM cases WHERE id = $1`, id))
	if errors.Is(err, api.ErrNotFound) {
		return nil, dispute.ErrNotFound
	}
	if err != nil {
		return nil, err
	}
	return d.openCase(ctx, row)
}

func (d *Disputes) openCase(ctx context.Context, s sealedDocument) (*dispute.Case, error) {
	c := new(dispute.Case)
	if err := d.sealer.open(ctx, "cases", s.id, s.body, c); err != nil {
		return nil, fmt.Errorf("read case %s: %w", s.id, err)
	}
	c.Version = s.version
	return c, nil
}

// SaveCase implements dispute.Cases.
func (d *Disputes) SaveCase(ctx context.Context, c *dispute.Case) error {
	body, err := d.sealer.seal(ctx, caseKey(c.ID), "cases", c.ID, c)
	if err != nil {
		return err
	}
	err = d.store.Tx(ctx, func(ctx context.Context) error {
		err := d.store.execOne(ctx, `UPDATE cases SET version = version + 1, ends = $3, body = $4, owner = $5 WHERE id = $1 AND version = $2`,
			c.ID, c.Version, micros(c.KeepUntil), body, c.Owner)
		if errors.Is(err, api.ErrNotFound) {
			return dispute.ErrStale
		}
		if err != nil {
			return err
		}
		return d.store.Refer(ctx, caseKey(c.ID), c.Objects())
	})
	if err == nil {
		c.Version++
	}
	return err
}

// CasesOf implements dispute.Cases.
func (d *Disputes) CasesOf(ctx context.Context, organisation, owner string) ([]*dispute.Case, error) {
	rows, err := list(ctx, d.store, scanDocument, `SELECT id, version, body FROM cases WHERE organisation = $1 AND owner = $2 ORDER BY created DESC, id`, organisation, owner)
	if err != nil {
		return nil, err
	}
	cases := make([]*dispute.Case, len(rows))
	for i, row := range rows {
		if cases[i], err = d.openCase(ctx, row); err != nil {
			return nil, err
		}
	}
	return cases, nil
}

// DeleteCase implements dispute.Cases.
func (d *Disputes) DeleteCase(ctx context.Context, id string, e evidence.Erasure) error {
	err := d.store.Tx(ctx, func(ctx context.Context) error {
		err := d.store.execOne(ctx, `DELETE FROM cases WHERE id = $1`, id)
		if errors.Is(err, api.ErrNotFound) {
			return dispute.ErrNotFound
		}
		if err != nil {
			return err
		}
		if err := d.store.Refer(ctx, caseKey(id), nil); err != nil {
			return err
		}
		return d.sealer.keys.Destroy(ctx, caseKey(id), e)
	})
	if err == nil {
		d.sealer.forget(caseKey(id))
	}
	return err
}

// EndedCases implements dispute.Openings.
func (d *Disputes) EndedCases(ctx context.Context, now time.Time) ([]string, error) {
	return list(ctx, d.store, func(r scanner) (id string, err error) { return id, r.Scan(&id) }, `SELECT id FROM cases WHERE ends <= $1 ORDER BY ends`, micros(now))
}

// CreateOpening implements dispute.Openings.
func (d *Disputes) CreateOpening(ctx context.Context, o *dispute.Opening) error {
	sealed, err := d.sealer.seal(ctx, "organisation:"+o.Organisation, "openings", o.ID, o.Text)
	if err != nil {
		return err
	}
	o.Version = 1
	return d.store.execOne(ctx, `INSERT INTO openings (id, organisation, dispute, document, signer, asked_by, decided_by, state, version, asked, decided, opened, ends, hours, sealed)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 1, $9, $10, $11, $12, $13, $14)`, o.ID, o.Organisation, o.Case, o.Document, o.Signer, o.By, o.Decider, string(o.State),
		micros(o.Asked), micros(o.Decided), micros(o.Opened), micros(o.Ends), o.Hours, sealed)
}

const openingColumns = `SELECT id, organisation, dispute, document, signer, asked_by, decided_by, state, version, asked, decided, opened, ends, hours, sealed FROM openings`

func scanOpening(r scanner) (o sealed[*dispute.Opening], err error) {
	o.v = new(dispute.Opening)
	var state string
	err = r.Scan(&o.v.ID, &o.v.Organisation, &o.v.Case, &o.v.Document, &o.v.Signer, &o.v.By, &o.v.Decider, &state, &o.v.Version,
		when(&o.v.Asked), when(&o.v.Decided), when(&o.v.Opened), when(&o.v.Ends), &o.v.Hours, &o.column)
	o.v.State = dispute.State(state)
	return o, err
}

func (d *Disputes) openOpening(ctx context.Context, o sealed[*dispute.Opening]) (*dispute.Opening, error) {
	err := d.sealer.open(ctx, "openings", o.v.ID, o.column, &o.v.Text)
	return o.v, err
}

// Opening implements dispute.Openings.
func (d *Disputes) Opening(ctx context.Context, id string) (*dispute.Opening, error) {
	o, err := scanOpening(d.store.row(ctx, openingColumns+` WHERE id = $1`, id))
	if errors.Is(err, api.ErrNotFound) {
		return nil, dispute.ErrNoOpening
	}
	if err != nil {
		return nil, err
	}
	return d.openOpening(ctx, o)
}

// SaveOpening implements dispute.Openings.
func (d *Disputes) SaveOpening(ctx context.Context, o *dispute.Opening) error {
	sealed, err := d.sealer.seal(ctx, "organisation:"+o.Organisation, "openings", o.ID, o.Text)
	if err != nil {
		return err
	}
	err = d.store.execOne(ctx, `UPDATE openings SET decided_by = $3, state = $4, version = version + 1, decided = $5, opened = $6, ends = $7, sealed = $8
		WHERE id = $1 AND version = $2`, o.ID, o.Version, o.Decider, string(o.State), micros(o.Decided), micros(o.Opened), micros(o.Ends), sealed)
	if errors.Is(err, api.ErrNotFound) {
		return dispute.ErrStale
	}
	if err == nil {
		o.Version++
	}
	return err
}

// OpeningsOf implements dispute.Openings.
func (d *Disputes) OpeningsOf(ctx context.Context, organisation, id string, limit int) ([]*dispute.Opening, error) {
	return listSealed(ctx, d.store, scanOpening, d.openOpening, openingColumns+` WHERE organisation = $1 AND ($2 = '' OR dispute = $2) ORDER BY asked DESC, id LIMIT $3`, organisation, id, limit)
}
