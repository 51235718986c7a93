package store

import (
	"context"
	"time"

	"inkwitness/api"
)

// BeginSession stores a live session by the hash of its token. It returns
// api.ErrConflict when the account has a live one: the UNIQUE index decides.
func (a *Accounts) BeginSession(ctx context.Context, s api.Session, token [32]byte) error {
	sealed, err := a.sealer.seal(ctx, personKey(s.Account), "sessions", s.ID, s.Client)
	if err != nil {
		return err
	}
	n, err := a.exec(ctx, `INSERT INTO sessions (id, token_hash, account, organisation, second_factor, created, seen, expires, proved, binding, provider, sealed, secret_hash, renewed)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14) ON CONFLICT (account) WHERE ended IS NULL DO NOTHING`,
		s.ID, token[:], s.Account, s.Organisation, s.SecondFactor, micros(s.Created), micros(s.Seen), micros(s.Expires), micros(s.Proved), s.Binding, s.Provider, sealed, s.Secret.Present, micros(s.Secret.Renewed))
	if err == nil && n == 0 {
		return api.ErrConflict
	}
	return err
}

const sessionColumns = `SELECT s.id, s.account, s.organisation, COALESCE(m.role, ''), a.state, s.created, s.seen, s.expires, s.proved,
	s.second_factor, s.ended, s.binding, s.secret_hash, s.previous_hash, s.renewed, s.unused, s.provider, COALESCE(p.organisation, ''), s.sealed, s.notice
	FROM sessions s JOIN accounts a ON a.id = s.account LEFT JOIN members m ON m.account = s.account AND m.organisation = s.organisation
	LEFT JOIN providers p ON p.id = s.provider`

// Session returns the one of a token, ended or not; api.ErrNotFound. Its role is
// the member's present one, empty when the membership is over.
func (a *Accounts) Session(ctx context.Context, token [32]byte) (api.Session, error) {
	return a.scanSession(ctx, a.row(ctx, sessionColumns+` WHERE s.token_hash = $1`, token[:]))
}

// LiveSession returns the session of an account that has not ended; api.ErrNotFound.
func (a *Accounts) LiveSession(ctx context.Context, account string) (api.Session, error) {
	return a.scanSession(ctx, a.row(ctx, sessionColumns+` WHERE s.account = $1 AND s.ended IS NULL`, account))
}

func (a *Accounts) scanSession(ctx context.Context, r scanner) (s api.Session, err error) {
	var sealed, notice []byte
	err = r.Scan(&s.ID, &s.Account, &s.Organisation, (*string)(&s.Role), (*string)(&s.State), when(&s.Created), when(&s.Seen), when(&s.Expires), when(&s.Proved),
		&s.SecondFactor, when(&s.Ended), &s.Binding,
		&s.Secret.Present, &s.Secret.Previous, when(&s.Secret.Renewed), &s.Secret.Unused, &s.Provider, &s.ProviderOf, &sealed, &notice)
	if err != nil {
		return s, err
	}
	if err = a.sealer.open(ctx, "sessions", s.ID, sealed, &s.Client); err != nil || notice == nil {
		return s, err
	}
	s.Notice = &api.SignInNotice{}
	return s, a.sealer.open(ctx, "sessions.notice", s.ID, notice, s.Notice)
}

// SeeSession notes that a live session was used.
func (a *Accounts) SeeSession(ctx context.Context, id string, now time.Time) error {
	_, err := a.exec(ctx, `UPDATE sessions SET seen = $2 WHERE id = $1 AND ended IS NULL`, id, micros(now))
	return err
}

// RenewSession replaces the secret of a live session. It returns api.ErrConflict
// when that is not the one that was read any more: of several at once one succeeds.
func (a *Accounts) RenewSession(ctx context.Context, id string, read, next api.SessionSecret) error {
	n, err := a.exec(ctx, `UPDATE sessions SET secret_hash = $3, previous_hash = $4, renewed = $5, unused = $6
		WHERE id = $1 AND secret_hash = $2 AND ended IS NULL`, id, read.Present, next.Present, next.Previous, micros(next.Renewed), next.Unused)
	if err == nil && n == 0 {
		return api.ErrConflict
	}
	return err
}

// ProveSession notes a fresh proof of a factor; api.ErrNotFound once it ended.
func (a *Accounts) ProveSession(ctx context.Context, id string, now time.Time, secondFactor bool) error {
	return a.execOne(ctx, `UPDATE sessions SET proved = $2, second_factor = (second_factor OR $3) WHERE id = $1 AND ended IS NULL`,
		id, micros(now), secondFactor)
}

// MoveSession makes a live session act for another organisation.
func (a *Accounts) MoveSession(ctx context.Context, id, organisation string) error {
	return a.execOne(ctx, `UPDATE sessions SET organisation = $2 WHERE id = $1 AND ended IS NULL`, id, organisation)
}

// NoticeSession leaves word in a live session that somebody else tried to sign in.
func (a *Accounts) NoticeSession(ctx context.Context, s api.Session, n api.SignInNotice) error {
	sealed, err := a.sealer.seal(ctx, personKey(s.Account), "sessions.notice", s.ID, n)
	if err != nil {
		return err
	}
	_, err = a.exec(ctx, `UPDATE sessions SET notice = $2 WHERE id = $1 AND ended IS NULL`, s.ID, sealed)
	return err
}

// EndSession ends a session for a reason; it is no error when it has ended.
func (a *Accounts) EndSession(ctx context.Context, id, reason string, now time.Time) error {
	_, err := a.exec(ctx, `UPDATE sessions SET ended = $2, end_reason = $3 WHERE id = $1 AND ended IS NULL`, id, micros(now), reason)
	return err
}

// EndSessions ends all sessions of an account.
func (a *Accounts) EndSessions(ctx context.Context, account, reason string, now time.Time) error {
	_, err := a.exec(ctx, `UPDATE sessions SET ended = $2, end_reason = $3 WHERE account = $1 AND ended IS NULL`, account, micros(now), reason)
	return err
}

// EndReason says why a session ended, empty while it is live.
func (a *Accounts) EndReason(ctx context.Context, id string) (reason string, err error) {
	err = a.row(ctx, `SELECT end_reason FROM sessions WHERE id = $1`, id).Scan(&reason)
	return reason, err
}
