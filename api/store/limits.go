package store

import (
	"context"
	"errors"
	"fmt"
	"time"

	"inkwitness/api"
)

// expired turns "no such row" into "its time or single use is over".
func expired(err error) error {
	if errors.Is(err, api.ErrNotFound) {
		return fmt.Errorf("%w", api.ErrExpired)
	}
	return err
}

// Hit counts one try of who under the named limit, and returns how many there
// were since the window began, this one included, and when the window ends. The
// name of who is kept as a keyed hash.
func (a *Accounts) Hit(ctx context.Context, name, who string, window time.Duration, now time.Time) (count int, ends time.Time, err error) {
	index, err := a.sealer.index(ctx, "limit:"+name, who)
	if err != nil {
		return 0, ends, err
	}
	var began time.Time
	err = a.statement(ctx, func(ctx context.Context) error {
		return a.row(ctx, `INSERT INTO limits (name, who, began, count) VALUES ($1, $2, $3, 1)
			ON CONFLICT (name, who) DO UPDATE SET
				count = CASE WHEN limits.began <= $4 THEN 1 ELSE limits.count + 1 END,
				began = CASE WHEN limits.began <= $4 THEN excluded.began ELSE limits.began END
			RETURNING count, began`, name, index, micros(now), micros(now.Add(-window))).Scan(&count, when(&began))
	})
	return count, began.Add(window), err
}

// Clear forgets the tries of who under the named limit.
func (a *Accounts) Clear(ctx context.Context, name, who string) error {
	index, err := a.sealer.index(ctx, "limit:"+name, who)
	if err != nil {
		return err
	}
	_, err = a.exec(ctx, `DELETE FROM limits WHERE name = $1 AND who = $2`, name, index)
	return err
}

type replyBody struct {
	ContentType, Location string
	Body                  []byte
	Rights                []api.Right `json:",omitempty"`
}

// BeginReply implements api.Replies.
func (a *Accounts) BeginReply(ctx context.Context, key [32]byte, now, answersAfter, claimsAfter time.Time) (r api.Reply, claimed bool, err error) {
	var request, sealed []byte
	err = a.Tx(ctx, func(ctx context.Context) error {
		if _, err := a.exec(ctx, `DELETE FROM replies WHERE begun <= $1 OR (id = $2 AND done = $3 AND begun <= $4)`,
			micros(answersAfter), key[:], false, micros(claimsAfter)); err != nil {
			return err
		}
		n, err := a.exec(ctx, `INSERT INTO replies (id, done, begun, status) VALUES ($1, $2, $3, 0) ON CONFLICT (id) DO NOTHING`,
			key[:], false, micros(now))
		if claimed = n == 1; err != nil || claimed {
			return err
		}
		return a.row(ctx, `SELECT request, done, begun, status, sealed FROM replies WHERE id = $1`, key[:]).
			Scan(&request, &r.Done, when(&r.Begun), &r.Status, &sealed)
	})
	if err != nil || claimed || !r.Done {
		return r, claimed, err
	}
	var body replyBody
	err = a.sealer.open(ctx, "replies", string(key[:]), sealed, &body)
	r.ContentType, r.Location, r.Body, r.Rights = body.ContentType, body.Location, body.Body, body.Rights
	copy(r.Request[:], request)
	return r, false, err
}

// EndReply implements api.Replies.
func (a *Accounts) EndReply(ctx context.Context, key [32]byte, r api.Reply) error {
	sealed, err := a.sealer.seal(ctx, monthKey(r.Begun), "replies", string(key[:]), replyBody{r.ContentType, r.Location, r.Body, r.Rights})
	if err != nil {
		return err
	}
	return a.execOne(ctx, `UPDATE replies SET done = $2, request = $3, status = $4, sealed = $5 WHERE id = $1`,
		key[:], true, r.Request[:], r.Status, sealed)
}

// HoldReply implements api.Replies.
func (a *Accounts) HoldReply(ctx context.Context, key [32]byte, now time.Time) error {
	_, err := a.exec(ctx, `UPDATE replies SET begun = $2 WHERE id = $1 AND done = $3`, key[:], micros(now), false)
	return err
}

// DropReply implements api.Replies.
func (a *Accounts) DropReply(ctx context.Context, key [32]byte) error {
	_, err := a.exec(ctx, `DELETE FROM replies WHERE id = $1`, key[:])
	return err
}
