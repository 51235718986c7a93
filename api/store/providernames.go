package store

import (
	"context"
	"time"

	"inkwitness/api"
)

// AddProviderName stores a name by which a provider is found; api.ErrConflict
// when it has it already, or when another provider has shown it.
func (a *Accounts) AddProviderName(ctx context.Context, n api.ProviderName) error {
	return a.execOne(ctx, `INSERT INTO provider_names (provider, name, token, added, verified) VALUES ($1, $2, $3, $4, $5)`,
		n.Provider, n.Name, n.Token, micros(n.Added), micros(n.Verified))
}

// ProviderNames lists those of a provider by name.
func (a *Accounts) ProviderNames(ctx context.Context, provider string) ([]api.ProviderName, error) {
	return list(ctx, a.Store, func(r scanner) (n api.ProviderName, err error) {
		return n, r.Scan(&n.Provider, &n.Name, &n.Token, when(&n.Added), when(&n.Verified))
	}, `SELECT provider, name, token, added, verified FROM provider_names WHERE provider = $1 ORDER BY name`, provider)
}

// VerifyProviderName notes that a name was shown; api.ErrConflict when another
// provider has shown it, api.ErrNotFound.
func (a *Accounts) VerifyProviderName(ctx context.Context, provider, name string, now time.Time) error {
	return a.execOne(ctx, `UPDATE provider_names SET verified = $3 WHERE provider = $1 AND name = $2`, provider, name, micros(now))
}

// DeleteProviderName forgets a name; api.ErrNotFound.
func (a *Accounts) DeleteProviderName(ctx context.Context, provider, name string) error {
	return a.execOne(ctx, `DELETE FROM provider_names WHERE provider = $1 AND name = $2`, provider, name)
}

// ProviderByName finds the provider that has shown a name; api.ErrNotFound.
func (a *Accounts) ProviderByName(ctx context.Context, name string) (api.Provider, error) {
	return a.scanProvider(ctx, a.row(ctx, providerColumns+` WHERE id = (SELECT provider FROM provider_names WHERE name = $1 AND verified IS NOT NULL)`, name))
}
