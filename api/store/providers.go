package store

import (
	"context"
	"time"

	"inkwitness/api"
)

// SaveProvider stores where the members of an organisation sign in. An
// organisation has one at most: a second one is api.ErrConflict.
func (a *Accounts) SaveProvider(ctx context.Context, p api.Provider) error {
	sealed, err := a.sealer.seal(ctx, "organisation:"+p.Organisation, "providers", p.ID, p.Settings)
	if err != nil {
		return err
	}
	return a.execOne(ctx, `INSERT INTO providers (id, organisation, kind, enforced, role, created, sealed) VALUES ($1, $2, $3, $4, $5, $6, $7)
		ON CONFLICT (id) DO UPDATE SET kind = excluded.kind, enforced = excluded.enforced, role = excluded.role, sealed = excluded.sealed`,
		p.ID, p.Organisation, p.Kind, p.Enforced, string(p.Role), micros(p.Created), sealed)
}

const providerColumns = `SELECT id, organisation, kind, enforced, role, created, sealed FROM providers`

// Provider returns one by its id; api.ErrNotFound.
func (a *Accounts) Provider(ctx context.Context, id string) (api.Provider, error) {
	return a.scanProvider(ctx, a.row(ctx, providerColumns+` WHERE id = $1`, id))
}

// ProviderOf returns an organisation's; api.ErrNotFound.
func (a *Accounts) ProviderOf(ctx context.Context, organisation string) (api.Provider, error) {
	return a.scanProvider(ctx, a.row(ctx, providerColumns+` WHERE organisation = $1`, organisation))
}

func (a *Accounts) scanProvider(ctx context.Context, r scanner) (p api.Provider, err error) {
	var sealed []byte
	if err = r.Scan(&p.ID, &p.Organisation, &p.Kind, &p.Enforced, (*string)(&p.Role), when(&p.Created), &sealed); err != nil {
		return p, err
	}
	return p, a.sealer.open(ctx, "providers", p.ID, sealed, &p.Settings)
}

// DeleteProvider forgets a provider and who is who there; the accounts stay.
func (a *Accounts) DeleteProvider(ctx context.Context, id string) error {
	return a.Tx(ctx, func(ctx context.Context) error {
		for _, table := range []string{"provider_people", "provider_names"} {
			if _, err := a.exec(ctx, `DELETE FROM `+table+` WHERE provider = $1`, id); err != nil {
				return err
			}
		}
		return a.execOne(ctx, `DELETE FROM providers WHERE id = $1`, id)
	})
}

// ProviderPerson returns the account of somebody whom a provider names;
// api.ErrNotFound.
func (a *Accounts) ProviderPerson(ctx context.Context, provider, subject string) (account string, err error) {
	index, err := a.sealer.index(ctx, "subject"+provider, subject)
	if err != nil {
		return "", err
	}
	err = a.row(ctx, `SELECT account FROM provider_people WHERE provider = $1 AND subject_index = $2`, provider, index).Scan(&account)
	return account, err
}

// LinkProviderPerson keeps whose account it is; api.ErrConflict when the person
// has one, or the account is another person's.
func (a *Accounts) LinkProviderPerson(ctx context.Context, provider, subject, account string) error {
	index, err := a.sealer.index(ctx, "subject"+provider, subject)
	if err != nil {
		return err
	}
	n, err := a.exec(ctx, `INSERT INTO provider_people (provider, subject_index, account) 
		SELECT $1, $2, $3 WHERE NOT EXISTS (SELECT 1 FROM provider_people WHERE provider = $1 AND account = $3)
		ON CONFLICT (provider, subject_index) DO NOTHING`, provider, index, account)
	if err == nil && n == 0 {
		return api.ErrConflict
	}
	return err
}

// UnlinkProviderPerson forgets whom the provider of an organisation names by an
// account, so that it can be linked anew.
func (a *Accounts) UnlinkProviderPerson(ctx context.Context, organisation, account string) error {
	_, err := a.exec(ctx, `DELETE FROM provider_people WHERE account = $2 AND provider IN (SELECT id FROM providers WHERE organisation = $1)`, organisation, account)
	return err
}

// ForgetProviderPeople forgets who is who at a provider and ends the sessions that
// began there; the accounts stay.
func (a *Accounts) ForgetProviderPeople(ctx context.Context, provider, reason string, now time.Time) error {
	return a.Tx(ctx, func(ctx context.Context) error {
		if _, err := a.exec(ctx, `DELETE FROM provider_people WHERE provider = $1`, provider); err != nil {
			return err
		}
		_, err := a.exec(ctx, `UPDATE sessions SET ended = $2, end_reason = $3 WHERE provider = $1 AND ended IS NULL`, provider, micros(now), reason)
		return err
	})
}
