package store

import (
	"context"
	"strings"
	"time"

	"inkwitness/evidence"
)

// How long rows are kept after they have served.
const (
	keepSessions    = 90 * 24 * time.Hour // for the record of who was signed in
	keepInvitations = 90 * 24 * time.Hour
	keepMails       = 30 * 24 * time.Hour
	keepDeliveries  = 30 * 24 * time.Hour
	keepLimits      = 48 * time.Hour // longer than any window but one
	keepMonthKeys   = 184 * 24 * time.Hour
)

// Sweep deletes what has served its time and destroys the keys of months that
// nothing is left of, so that backups of such rows cannot be read either. Call it
// every hour; it may be called at any time and by several instances.
func (a *Accounts) Sweep(ctx context.Context, now time.Time) error {
	for _, s := range []struct {
		query  string
		before time.Time
	}{
		{`DELETE FROM sessions WHERE ended < $1 OR expires < $1`, now.Add(-keepSessions)},
		{`DELETE FROM challenges WHERE expires < $1`, now},
		{`DELETE FROM invitations WHERE used < $1 OR revoked < $1 OR expires < $1`, now.Add(-keepInvitations)},
		{`DELETE FROM mails WHERE state <> 'queued' AND created < $1`, now.Add(-keepMails)},
		{`DELETE FROM deliveries WHERE state <> 'queued' AND created < $1`, now.Add(-keepDeliveries)},
		// A streak of wrong passwords counts until a right one.
		{`DELETE FROM limits WHERE name <> 'sign-in streak' AND began < $1`, now.Add(-keepLimits)},
		{`DELETE FROM replies WHERE begun < $1`, now.Add(-keepLimits)},
	} {
		if _, err := a.exec(ctx, s.query, micros(s.before)); err != nil {
			return err
		}
	}
	return a.destroyMonths(ctx, now)
}

func (a *Accounts) destroyMonths(ctx context.Context, now time.Time) error {
	newest := monthKey(now.Add(-keepMonthKeys))
	all, err := list(ctx, a.Store, func(r scanner) (id string, err error) { return id, r.Scan(&id) },
		`SELECT id FROM keys WHERE erased IS NULL AND id >= 'month:' AND id < $1`, newest)
	if err != nil {
		return err
	}
	for _, id := range all {
		if !strings.HasPrefix(id, "month:") {
			continue
		}
		if err := a.sealer.keys.Destroy(ctx, id, evidence.Erasure{When: now, Authority: "retention"}); err != nil {
			return err
		}
		a.sealer.forget(id)
	}
	return nil
}
