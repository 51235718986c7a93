package store

import (
	"context"
	"errors"

	"inkwitness/api"
)

// ShareLevel implements api.Shares.
func (a *Accounts) ShareLevel(ctx context.Context, document, account string) (level api.Level, err error) {
	err = a.row(ctx, `SELECT level FROM shares WHERE document = $1 AND account = $2`, document, account).Scan((*string)(&level))
	if errors.Is(err, api.ErrNotFound) {
		return "", nil
	}
	return level, err
}

// SharesOf lists with whom a document is shared, the oldest first.
func (a *Accounts) SharesOf(ctx context.Context, document string) ([]api.Share, error) {
	return listSealed(ctx, a.Store, func(r scanner) (s sealed[api.Share], err error) {
		err = r.Scan(&s.v.Document, &s.v.Organisation, &s.v.Account, (*string)(&s.v.Level), &s.v.By, when(&s.v.Created), &s.column)
		return s, err
	}, func(ctx context.Context, s sealed[api.Share]) (api.Share, error) {
		var p api.Profile
		err := a.sealer.open(ctx, "accounts", s.v.Account, s.column, &p)
		s.v.Name, s.v.Email = p.Name, p.Email
		return s.v, err
	}, `SELECT s.document, s.organisation, s.account, s.level, s.granted_by, s.created, a.sealed FROM shares s
		JOIN accounts a ON a.id = s.account WHERE s.document = $1 ORDER BY s.created, s.account`, document)
}

// SetShare shares a document, in place of an earlier level.
func (a *Accounts) SetShare(ctx context.Context, s api.Share) error {
	return a.execOne(ctx, `INSERT INTO shares (document, account, organisation, level, granted_by, created) VALUES ($1, $2, $3, $4, $5, $6)
		ON CONFLICT (document, account) DO UPDATE SET level = excluded.level, granted_by = excluded.granted_by`,
		s.Document, s.Account, s.Organisation, string(s.Level), s.By, micros(s.Created))
}

// DeleteShare takes a share back; api.ErrNotFound.
func (a *Accounts) DeleteShare(ctx context.Context, document, account string) error {
	return a.execOne(ctx, `DELETE FROM shares WHERE document = $1 AND account = $2`, document, account)
}

// CommentsOf lists the comments on a document, the oldest first.
func (a *Accounts) CommentsOf(ctx context.Context, document string) ([]api.Comment, error) {
	return listSealed(ctx, a.Store, func(r scanner) (c sealed[api.Comment], err error) {
		err = r.Scan(&c.v.ID, &c.v.Document, &c.v.Account, when(&c.v.Created), &c.column)
		return c, err
	}, func(ctx context.Context, c sealed[api.Comment]) (api.Comment, error) {
		err := a.sealer.open(ctx, "comments", c.v.ID, c.column, &c.v.Text)
		return c.v, err
	}, `SELECT id, document, account, created, sealed FROM comments WHERE document = $1 ORDER BY created, id`, document)
}

// AddComment stores a comment, sealed under the document's key: erasing the
// document takes its comments with it.
func (a *Accounts) AddComment(ctx context.Context, c api.Comment) error {
	sealed, err := a.sealer.seal(ctx, documentKey(c.Document), "comments", c.ID, c.Text)
	if err != nil {
		return err
	}
	return a.execOne(ctx, `INSERT INTO comments (id, document, account, created, sealed) VALUES ($1, $2, $3, $4, $5)`,
		c.ID, c.Document, c.Account, micros(c.Created), sealed)
}

// DeleteComment removes a comment; api.ErrNotFound.
func (a *Accounts) DeleteComment(ctx context.Context, document, id string) error {
	return a.execOne(ctx, `DELETE FROM comments WHERE document = $1 AND id = $2`, document, id)
}
