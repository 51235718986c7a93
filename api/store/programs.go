package store

import (
	"context"
	"strings"
	"time"

	"inkwitness/api"
)

type nameBody struct{ Name string }

// AddKey stores an API key by the hash of its secret.
func (a *Accounts) AddKey(ctx context.Context, k api.Key, secret [32]byte) error {
	sealed, err := a.sealer.seal(ctx, "organisation:"+k.Organisation, "api_keys", k.ID, nameBody{k.Name})
	if err != nil {
		return err
	}
	return a.execOne(ctx, `INSERT INTO api_keys (id, hash, organisation, account, scopes, created, expires, sealed)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`, k.ID, secret[:], k.Organisation, k.Account, strings.Join(k.Scopes, " "),
		micros(k.Created), micros(k.Expires), sealed)
}

const keyRows = `SELECT k.id, k.organisation, k.account, k.scopes, k.created, k.expires, k.used, k.revoked, COALESCE(m.role, ''), k.sealed
	FROM api_keys k LEFT JOIN members m ON m.account = k.account AND m.organisation = k.organisation`

// KeyBySecret returns the key of a secret, live or not; api.ErrNotFound. Its role
// is the present one of the account that made it, empty when that has left.
func (a *Accounts) KeyBySecret(ctx context.Context, secret [32]byte) (api.Key, error) {
	k, err := scanAPIKey(a.row(ctx, keyRows+` WHERE k.hash = $1`, secret[:]))
	if err != nil {
		return k.v, err
	}
	return a.openAPIKey(ctx, k)
}

// APIKeys lists those of an organisation, the newest first.
func (a *Accounts) APIKeys(ctx context.Context, organisation string) ([]api.Key, error) {
	return listSealed(ctx, a.Store, scanAPIKey, a.openAPIKey, keyRows+` WHERE k.organisation = $1 ORDER BY k.created DESC, k.id`, organisation)
}

func scanAPIKey(r scanner) (k sealed[api.Key], err error) {
	var scopes string
	err = r.Scan(&k.v.ID, &k.v.Organisation, &k.v.Account, &scopes, when(&k.v.Created), when(&k.v.Expires), when(&k.v.Used),
		when(&k.v.Revoked), (*string)(&k.v.Role), &k.column)
	k.v.Scopes = strings.Fields(scopes)
	return k, err
}

func (a *Accounts) openAPIKey(ctx context.Context, k sealed[api.Key]) (api.Key, error) {
	var body nameBody
	err := a.sealer.open(ctx, "api_keys", k.v.ID, k.column, &body)
	k.v.Name = body.Name
	return k.v, err
}

// UseKey notes when a key was last used.
func (a *Accounts) UseKey(ctx context.Context, id string, now time.Time) error {
	return a.execOne(ctx, `UPDATE api_keys SET used = $2 WHERE id = $1`, id, micros(now))
}

// RevokeKey ends a key of an organisation; api.ErrNotFound when it has none such.
func (a *Accounts) RevokeKey(ctx context.Context, organisation, id string, now time.Time) error {
	return a.execOne(ctx, `UPDATE api_keys SET revoked = $3 WHERE id = $1 AND organisation = $2 AND revoked IS NULL`, id, organisation, micros(now))
}

type webhookBody struct {
	URL    string
	Secret []byte
}

// SaveWebhook stores a webhook, new or changed.
func (a *Accounts) SaveWebhook(ctx context.Context, w api.Webhook) error {
	sealed, err := a.sealer.seal(ctx, "organisation:"+w.Organisation, "webhooks", w.ID, webhookBody{w.URL, w.Secret})
	if err != nil {
		return err
	}
	return a.execOne(ctx, `INSERT INTO webhooks (id, organisation, kinds, active, created, sealed) VALUES ($1, $2, $3, $4, $5, $6)
		ON CONFLICT (id) DO UPDATE SET kinds = excluded.kinds, active = excluded.active, sealed = excluded.sealed`,
		w.ID, w.Organisation, strings.Join(w.Kinds, " "), w.Active, micros(w.Created), sealed)
}

// Webhooks lists those of an organisation, the oldest first.
func (a *Accounts) Webhooks(ctx context.Context, organisation string) ([]api.Webhook, error) {
	return listSealed(ctx, a.Store, scanWebhook, a.openWebhook, `SELECT id, organisation, kinds, active, created, sealed FROM webhooks
		WHERE organisation = $1 ORDER BY created, id`, organisation)
}

func scanWebhook(r scanner) (w sealed[api.Webhook], err error) {
	var kinds string
	err = r.Scan(&w.v.ID, &w.v.Organisation, &kinds, &w.v.Active, when(&w.v.Created), &w.column)
	w.v.Kinds = strings.Fields(kinds)
	return w, err
}

func (a *Accounts) openWebhook(ctx context.Context, w sealed[api.Webhook]) (api.Webhook, error) {
	var body webhookBody
	err := a.sealer.open(ctx, "webhooks", w.v.ID, w.column, &body)
	w.v.URL, w.v.Secret = body.URL, body.Secret
	return w.v, err
}

// DeleteWebhook removes a webhook with its deliveries; api.ErrNotFound.
func (a *Accounts) DeleteWebhook(ctx context.Context, organisation, id string) error {
	return a.Tx(ctx, func(ctx context.Context) error {
		if _, err := a.exec(ctx, `DELETE FROM deliveries WHERE webhook IN (SELECT id FROM webhooks WHERE id = $1 AND organisation = $2)`, id, organisation); err != nil {
			return err
		}
		return a.execOne(ctx, `DELETE FROM webhooks WHERE id = $1 AND organisation = $2`, id, organisation)
	})
}

// AddDelivery queues what a webhook is told of an event, once per event.
func (a *Accounts) AddDelivery(ctx context.Context, d api.Delivery) error {
	_, err := a.exec(ctx, `INSERT INTO deliveries (id, webhook, event, kind, body, state, tries, created, next, result)
		VALUES ($1, $2, $3, $4, $5, $6, 0, $7, $8, '') ON CONFLICT (webhook, event) DO NOTHING`,
		d.ID, d.Webhook, d.Event, d.Kind, d.Body, string(d.State), micros(d.Created), micros(d.Next))
	return err
}

const deliveryColumns = `SELECT d.id, d.webhook, d.event, d.kind, d.body, d.state, d.tries, d.created, d.next, d.ended, d.result`

func scanDelivery(r scanner) (d api.Delivery, err error) {
	err = r.Scan(&d.ID, &d.Webhook, &d.Event, &d.Kind, &d.Body, (*string)(&d.State), &d.Tries, when(&d.Created), when(&d.Next), when(&d.Ended), &d.Result)
	return d, err
}

// DueWebhooks lists the webhooks with queued deliveries whose time has come.
func (a *Accounts) DueWebhooks(ctx context.Context, now time.Time) ([]string, error) {
	return list(ctx, a.Store, func(r scanner) (id string, err error) { return id, r.Scan(&id) },
		`SELECT DISTINCT webhook FROM deliveries WHERE state = 'queued' AND next <= $1`, micros(now))
}

// DueDeliveries leases the queued deliveries of some webhooks whose time has come,
// so many of each, the oldest first: nobody else gets them before until. With them
// it returns the webhooks; one that is gone meanwhile has no deliveries.
func (a *Accounts) DueDeliveries(ctx context.Context, webhooks []string, now, until time.Time, each int) (due []api.Delivery, to map[string]api.Webhook, err error) {
	err = a.Tx(ctx, func(ctx context.Context) error {
		due, to = nil, make(map[string]api.Webhook)
		for _, id := range webhooks {
			some, err := list(ctx, a.Store, scanDelivery, deliveryColumns+` FROM deliveries d WHERE d.webhook = $1 AND d.state = 'queued' AND d.next <= $2
				ORDER BY d.next, d.id LIMIT $3`, id, micros(now), each)
			if err != nil {
				return err
			}
			if len(some) == 0 {
				continue
			}
			for _, d := range some {
				if _, err := a.exec(ctx, `UPDATE deliveries SET next = $2 WHERE id = $1`, d.ID, micros(until)); err != nil {
					return err
				}
			}
			w, err := scanWebhook(a.row(ctx, `SELECT id, organisation, kinds, active, created, sealed FROM webhooks WHERE id = $1`, id))
			if err != nil {
				return err
			}
			if to[id], err = a.openWebhook(ctx, w); err != nil {
				return err
			}
			due = append(due, some...)
		}
		return nil
	})
	return due, to, err
}

// SettleDelivery stores how a try ended: State, Tries, Next, Ended and Result.
func (a *Accounts) SettleDelivery(ctx context.Context, d api.Delivery) error {
	return a.execOne(ctx, `UPDATE deliveries SET state = $2, tries = $3, next = $4, ended = $5, result = $6 WHERE id = $1`,
		d.ID, string(d.State), d.Tries, micros(d.Next), micros(d.Ended), d.Result)
}

// Deliveries lists what a webhook of an organisation was told, the newest first.
func (a *Accounts) Deliveries(ctx context.Context, organisation, webhook string, limit int) ([]api.Delivery, error) {
	return list(ctx, a.Store, scanDelivery, deliveryColumns+` FROM deliveries d JOIN webhooks w ON w.id = d.webhook
		WHERE w.organisation = $1 AND w.id = $2 ORDER BY d.created DESC, d.id LIMIT $3`, organisation, webhook, limit)
}

// RepeatDelivery queues a delivery of an organisation again; api.ErrNotFound.
func (a *Accounts) RepeatDelivery(ctx context.Context, organisation, id string, now time.Time) error {
	return a.execOne(ctx, `UPDATE deliveries SET state = 'queued', tries = 0, next = $3 WHERE id = $1 AND state <> 'queued'
		AND webhook IN (SELECT id FROM webhooks WHERE organisation = $2)`, id, organisation, micros(now))
}
