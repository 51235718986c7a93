package store

import (
	"context"
	"time"

	"inkwitness/api"
)

// Password returns what is kept of an account's password; api.ErrNotFound when it
// has none.
func (a *Accounts) Password(ctx context.Context, account string) (p api.Password, err error) {
	err = a.row(ctx, `SELECT hash, alone, changed FROM passwords WHERE account = $1`, account).Scan(&p.Hash, &p.Alone, when(&p.Changed))
	return p, err
}

// SetPassword stores it in place of the one before.
func (a *Accounts) SetPassword(ctx context.Context, account string, p api.Password) error {
	_, err := a.exec(ctx, `INSERT INTO passwords (account, hash, alone, changed) VALUES ($1, $2, $3, $4)
		ON CONFLICT (account) DO UPDATE SET hash = excluded.hash, alone = excluded.alone, changed = excluded.changed`,
		account, p.Hash, p.Alone, micros(p.Changed))
	return err
}

// TOTP returns an account's time-based factor; api.ErrNotFound.
func (a *Accounts) TOTP(ctx context.Context, account string) (t api.TOTP, err error) {
	var sealed []byte
	err = a.row(ctx, `SELECT sealed, confirmed, last_step FROM totp WHERE account = $1`, account).Scan(&sealed, &t.Confirmed, &t.LastStep)
	if err != nil {
		return t, err
	}
	return t, a.sealer.open(ctx, "totp", account, sealed, &t.Secret)
}

// SetTOTP stores an account's time-based factor in place of any other.
func (a *Accounts) SetTOTP(ctx context.Context, account string, t api.TOTP, now time.Time) error {
	sealed, err := a.sealer.seal(ctx, personKey(account), "totp", account, t.Secret)
	if err != nil {
		return err
	}
	_, err = a.exec(ctx, `INSERT INTO totp (account, sealed, confirmed, last_step, created) VALUES ($1, $2, $3, $4, $5)
		ON CONFLICT (account) DO UPDATE SET sealed = excluded.sealed, confirmed = excluded.confirmed,
		last_step = excluded.last_step, created = excluded.created`, account, sealed, t.Confirmed, t.LastStep, micros(now))
	return err
}

// UseTOTPStep spends a time step and confirms the factor. A step that is not
// later than the last one spent is api.ErrConflict: a code works once.
func (a *Accounts) UseTOTPStep(ctx context.Context, account string, step int64) error {
	n, err := a.exec(ctx, `UPDATE totp SET last_step = $2, confirmed = $3 WHERE account = $1 AND last_step < $2`, account, step, true)
	if err == nil && n == 0 {
		return api.ErrConflict
	}
	return err
}

// DeleteTOTP takes the factor away.
func (a *Accounts) DeleteTOTP(ctx context.Context, account string) error {
	_, err := a.exec(ctx, `DELETE FROM totp WHERE account = $1`, account)
	return err
}

// SetRecoveryCodes replaces an account's recovery codes by their hashes.
func (a *Accounts) SetRecoveryCodes(ctx context.Context, account string, hashes [][32]byte) error {
	return a.Tx(ctx, func(ctx context.Context) error {
		if _, err := a.exec(ctx, `DELETE FROM recovery_codes WHERE account = $1`, account); err != nil {
			return err
		}
		for _, h := range hashes {
			if _, err := a.exec(ctx, `INSERT INTO recovery_codes (account, hash) VALUES ($1, $2)`, account, h[:]); err != nil {
				return err
			}
		}
		return nil
	})
}

// UseRecoveryCode spends a code; api.ErrNotFound when it is unknown or spent.
func (a *Accounts) UseRecoveryCode(ctx context.Context, account string, hash [32]byte, now time.Time) error {
	return a.execOne(ctx, `UPDATE recovery_codes SET used = $3 WHERE account = $1 AND hash = $2 AND used IS NULL`, account, hash[:], micros(now))
}

// RecoveryCodes counts the codes that are left.
func (a *Accounts) RecoveryCodes(ctx context.Context, account string) (n int, err error) {
	err = a.row(ctx, `SELECT COUNT(*) FROM recovery_codes WHERE account = $1 AND used IS NULL`, account).Scan(&n)
	return n, err
}

type passkeyBody struct {
	Name string
	Data []byte
}

// AddPasskey stores a new passkey; api.ErrConflict when it is known.
func (a *Accounts) AddPasskey(ctx context.Context, k api.Passkey) error {
	sealed, err := a.sealer.seal(ctx, personKey(k.Account), "passkeys", string(k.ID), passkeyBody{k.Name, k.Data})
	if err != nil {
		return err
	}
	n, err := a.exec(ctx, `INSERT INTO passkeys (id, account, created, sealed) VALUES ($1, $2, $3, $4) ON CONFLICT (id) DO NOTHING`,
		k.ID, k.Account, micros(k.Created), sealed)
	if err == nil && n == 0 {
		return api.ErrConflict
	}
	return err
}

// UsePasskey stores what changed with a use: counter, flags and time.
func (a *Accounts) UsePasskey(ctx context.Context, k api.Passkey) error {
	sealed, err := a.sealer.seal(ctx, personKey(k.Account), "passkeys", string(k.ID), passkeyBody{k.Name, k.Data})
	if err != nil {
		return err
	}
	return a.execOne(ctx, `UPDATE passkeys SET used = $3, sealed = $4 WHERE id = $1 AND account = $2`, k.ID, k.Account, micros(k.Used), sealed)
}

// Passkeys lists an account's passkeys, the oldest first.
func (a *Accounts) Passkeys(ctx context.Context, account string) ([]api.Passkey, error) {
	return listSealed(ctx, a.Store, scanPasskey, a.openPasskey,
		`SELECT id, account, created, used, sealed FROM passkeys WHERE account = $1 ORDER BY created, id`, account)
}

func scanPasskey(r scanner) (k sealed[api.Passkey], err error) {
	err = r.Scan(&k.v.ID, &k.v.Account, when(&k.v.Created), when(&k.v.Used), &k.column)
	return k, err
}

func (a *Accounts) openPasskey(ctx context.Context, k sealed[api.Passkey]) (api.Passkey, error) {
	var body passkeyBody
	err := a.sealer.open(ctx, "passkeys", string(k.v.ID), k.column, &body)
	k.v.Name, k.v.Data = body.Name, body.Data
	return k.v, err
}

// DeletePasskey takes one away; api.ErrNotFound.
func (a *Accounts) DeletePasskey(ctx context.Context, account string, id []byte) error {
	return a.execOne(ctx, `DELETE FROM passkeys WHERE account = $1 AND id = $2`, account, id)
}

// AddChallenge stores a challenge by the hash of its secret, in place of all
// others of the account and kind.
func (a *Accounts) AddChallenge(ctx context.Context, c api.Challenge, secret [32]byte) error {
	sealed, err := a.sealer.seal(ctx, monthKey(c.Created), "challenges", string(secret[:]), c.Data)
	if err != nil {
		return err
	}
	return a.Tx(ctx, func(ctx context.Context) error {
		if c.Account != "" {
			if _, err := a.exec(ctx, `DELETE FROM challenges WHERE account = $1 AND kind = $2`, c.Account, c.Kind); err != nil {
				return err
			}
		}
		return a.execOne(ctx, `INSERT INTO challenges (token_hash, kind, account, session, created, expires, tries, sealed)
			VALUES ($1, $2, $3, $4, $5, $6, 0, $7)`, secret[:], c.Kind, c.Account, c.Session, micros(c.Created), micros(c.Expires), sealed)
	})
}

// TakeChallenge returns and removes a live challenge: of parallel calls one
// succeeds, the others get api.ErrExpired.
func (a *Accounts) TakeChallenge(ctx context.Context, kind string, secret [32]byte, now time.Time) (c api.Challenge, err error) {
	var sealed []byte
	err = a.Tx(ctx, func(ctx context.Context) error {
		return a.row(ctx, `DELETE FROM challenges WHERE token_hash = $1 AND kind = $2 AND expires > $3
			RETURNING kind, account, session, created, expires, tries, sealed`, secret[:], kind, micros(now)).
			Scan(&c.Kind, &c.Account, &c.Session, when(&c.Created), when(&c.Expires), &c.Tries, &sealed)
	})
	if err != nil {
		return c, expired(err)
	}
	return c, a.sealer.open(ctx, "challenges", string(secret[:]), sealed, &c.Data)
}
