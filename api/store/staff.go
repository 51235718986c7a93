package store

import (
	"context"
	"time"

	"inkwitness/api"
)

// AddStaffGrant stores a grant.
func (a *Accounts) AddStaffGrant(ctx context.Context, g api.StaffGrant) error {
	sealed, err := a.sealer.seal(ctx, "organisation:"+g.Organisation, "staff_grants", g.ID, g.Reason)
	if err != nil {
		return err
	}
	return a.execOne(ctx, `INSERT INTO staff_grants (id, organisation, account, granted_by, created, expires, sealed) VALUES ($1, $2, $3, $4, $5, $6, $7)`,
		g.ID, g.Organisation, g.Account, g.GrantedBy, micros(g.Created), micros(g.Expires), sealed)
}

const grantColumns = `SELECT id, organisation, account, granted_by, created, expires, ended, sealed FROM staff_grants`

// StaffGrants lists those of an organisation, the newest first.
func (a *Accounts) StaffGrants(ctx context.Context, organisation string) ([]api.StaffGrant, error) {
	return listSealed(ctx, a.Store, scanGrant, a.openGrant, grantColumns+` WHERE organisation = $1 ORDER BY created DESC, id`, organisation)
}

// LiveStaffGrant returns the grant by which an account may read an organisation
// now; api.ErrNotFound.
func (a *Accounts) LiveStaffGrant(ctx context.Context, organisation, account string, now time.Time) (api.StaffGrant, error) {
	g, err := scanGrant(a.row(ctx, grantColumns+` WHERE organisation = $1 AND account = $2 AND ended IS NULL AND created <= $3 AND expires > $3
		ORDER BY expires DESC LIMIT 1`, organisation, account, micros(now)))
	if err != nil {
		return g.v, err
	}
	return a.openGrant(ctx, g)
}

func scanGrant(r scanner) (g sealed[api.StaffGrant], err error) {
	err = r.Scan(&g.v.ID, &g.v.Organisation, &g.v.Account, &g.v.GrantedBy, when(&g.v.Created), when(&g.v.Expires), when(&g.v.Ended), &g.column)
	return g, err
}

func (a *Accounts) openGrant(ctx context.Context, g sealed[api.StaffGrant]) (api.StaffGrant, error) {
	err := a.sealer.open(ctx, "staff_grants", g.v.ID, g.column, &g.v.Reason)
	return g.v, err
}

// EndStaffGrant takes a grant of an organisation back; api.ErrNotFound when it has
// none such that is in force.
func (a *Accounts) EndStaffGrant(ctx context.Context, organisation, id string, now time.Time) error {
	return a.execOne(ctx, `UPDATE staff_grants SET ended = $3 WHERE id = $1 AND organisation = $2 AND ended IS NULL AND expires > $3`,
		id, organisation, micros(now))
}

// AcceptTerms notes that an account accepted the words of the hash.
func (a *Accounts) AcceptTerms(ctx context.Context, account string, hash [32]byte, now time.Time) error {
	_, err := a.exec(ctx, `INSERT INTO staff_terms (account, hash, accepted) VALUES ($1, $2, $3) ON CONFLICT (account, hash) DO NOTHING`,
		account, hash[:], micros(now))
	return err
}

// AcceptedTerms says when an account accepted the words of the hash; api.ErrNotFound.
func (a *Accounts) AcceptedTerms(ctx context.Context, account string, hash [32]byte) (at time.Time, err error) {
	err = a.row(ctx, `SELECT accepted FROM staff_terms WHERE account = $1 AND hash = $2`, account, hash[:]).Scan(when(&at))
	return at, err
}
