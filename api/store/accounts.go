package store

import (
	"context"
	"strings"
	"time"

	"golang.org/x/text/unicode/norm"

	"inkwitness/api"
	"inkwitness/evidence"
)

// Accounts keeps people, organisations, sessions, factors, mails and the audit
// record. What names a person is sealed, see sealer. Its methods are safe for
// concurrent use and join the transaction of their context.
type Accounts struct {
	*Store
	sealer *sealer
}

// NewAccounts returns the tables of people. Keys must be durable on return and
// join the transaction of their context, as vault.Keyring over the same store does.
func NewAccounts(s *Store, keys evidence.Keys) *Accounts {
	return &Accounts{Store: s, sealer: &sealer{store: s, keys: keys, cache: make(map[string]cachedKey)}}
}

// NormalEmail is the form of an address in which two spellings of it are equal.
func NormalEmail(email string) string {
	return strings.ToLower(norm.NFC.String(strings.TrimSpace(email)))
}

// CreateOrganisation stores a new organisation.
func (a *Accounts) CreateOrganisation(ctx context.Context, o api.Organisation) error {
	sealed, err := a.sealer.seal(ctx, "organisation:"+o.ID, "organisations", o.ID, organisationBody{o.Name, o.Controller, o.Provider})
	if err != nil {
		return err
	}
	return a.execOne(ctx, `INSERT INTO organisations (id, second_factor, deactivated, created, sealed) VALUES ($1, $2, $3, $4, $5)`,
		o.ID, o.SecondFactor, o.Deactivated, micros(o.Created), sealed)
}

type organisationBody struct{ Name, Controller, Provider string }

// SaveOrganisation changes an organisation; api.ErrNotFound.
func (a *Accounts) SaveOrganisation(ctx context.Context, o api.Organisation) error {
	sealed, err := a.sealer.seal(ctx, "organisation:"+o.ID, "organisations", o.ID, organisationBody{o.Name, o.Controller, o.Provider})
	if err != nil {
		return err
	}
	return a.execOne(ctx, `UPDATE organisations SET second_factor = $2, deactivated = $3, sealed = $4 WHERE id = $1`,
		o.ID, o.SecondFactor, o.Deactivated, sealed)
}

// Organisation returns one; api.ErrNotFound.
func (a *Accounts) Organisation(ctx context.Context, id string) (o api.Organisation, err error) {
	var sealed []byte
	err = a.row(ctx, `SELECT id, second_factor, deactivated, created, sealed,
		EXISTS (SELECT 1 FROM providers p WHERE p.organisation = organisations.id AND p.enforced) FROM organisations WHERE id = $1`, id).
		Scan(&o.ID, &o.SecondFactor, &o.Deactivated, when(&o.Created), &sealed, &o.ProviderOnly)
	if err != nil {
		return o, err
	}
	var body organisationBody
	err = a.sealer.open(ctx, "organisations", id, sealed, &body)
	o.Name, o.Controller, o.Provider = body.Name, body.Controller, body.Provider
	return o, err
}

// OrganisationIDs lists every organisation, the oldest first.
func (a *Accounts) OrganisationIDs(ctx context.Context) ([]string, error) {
	return list(ctx, a.Store, func(r scanner) (id string, err error) { return id, r.Scan(&id) }, `SELECT id FROM organisations ORDER BY created, id`)
}

// CreateAccount stores a new account; api.ErrConflict when the address has one.
func (a *Accounts) CreateAccount(ctx context.Context, acc api.Account) error {
	index, sealed, err := a.sealProfile(ctx, acc)
	if err != nil {
		return err
	}
	n, err := a.exec(ctx, `INSERT INTO accounts (id, email_index, state, created, provider, sealed) VALUES ($1, $2, $3, $4, $5, $6)
		ON CONFLICT (email_index) DO NOTHING`, acc.ID, index, string(acc.State), micros(acc.Created), acc.Provider, sealed)
	if err == nil && n == 0 {
		return api.ErrConflict
	}
	return err
}

func (a *Accounts) sealProfile(ctx context.Context, acc api.Account) (index, sealed []byte, err error) {
	if index, err = a.sealer.index(ctx, "email"+acc.Provider, NormalEmail(acc.Email)); err != nil {
		return nil, nil, err
	}
	sealed, err = a.sealer.seal(ctx, personKey(acc.ID), "accounts", acc.ID, accountBody{acc.Profile, acc.External, acc.ByOperator})
	return index, sealed, err
}

// accountBody is the sealed part of an account.
type accountBody struct {
	api.Profile
	External   string           `json:"external,omitempty"`
	ByOperator api.AccountState `json:"byOperator,omitempty"`
}

// SaveAccount changes state and profile; api.ErrConflict when the new address
// belongs to another account.
func (a *Accounts) SaveAccount(ctx context.Context, acc api.Account) error {
	index, sealed, err := a.sealProfile(ctx, acc)
	if err != nil {
		return err
	}
	return a.execOne(ctx, `UPDATE accounts SET email_index = $2, state = $3, sealed = $4 WHERE id = $1`,
		acc.ID, index, string(acc.State), sealed)
}

const accountColumns = `SELECT id, state, created, provider, sealed FROM accounts`

// Account returns one by its id; api.ErrNotFound.
func (a *Accounts) Account(ctx context.Context, id string) (api.Account, error) {
	return a.scanAccount(ctx, a.row(ctx, accountColumns+` WHERE id = $1`, id))
}

// AccountByEmail returns the account of an address; api.ErrNotFound.
func (a *Accounts) AccountByEmail(ctx context.Context, email string) (api.Account, error) {
	index, err := a.sealer.index(ctx, "email", NormalEmail(email))
	if err != nil {
		return api.Account{}, err
	}
	return a.scanAccount(ctx, a.row(ctx, accountColumns+` WHERE email_index = $1`, index))
}

func (a *Accounts) scanAccount(ctx context.Context, r scanner) (acc api.Account, err error) {
	var sealed []byte
	if err = r.Scan(&acc.ID, (*string)(&acc.State), when(&acc.Created), &acc.Provider, &sealed); err != nil {
		return acc, err
	}
	var body accountBody
	err = a.sealer.open(ctx, "accounts", acc.ID, sealed, &body)
	acc.Profile, acc.External, acc.ByOperator = body.Profile, body.External, body.ByOperator
	return acc, err
}

// AccountOfProvider returns the account that a provider made for an address;
// api.ErrNotFound.
func (a *Accounts) AccountOfProvider(ctx context.Context, provider, email string) (api.Account, error) {
	index, err := a.sealer.index(ctx, "email"+provider, NormalEmail(email))
	if err != nil {
		return api.Account{}, err
	}
	return a.scanAccount(ctx, a.row(ctx, accountColumns+` WHERE email_index = $1 AND provider = $2`, index, provider))
}

// AccountsOfProvider lists the accounts that a provider made, the oldest first.
func (a *Accounts) AccountsOfProvider(ctx context.Context, provider string) ([]api.Account, error) {
	ids, err := list(ctx, a.Store, func(r scanner) (id string, err error) { return id, r.Scan(&id) },
		`SELECT id FROM accounts WHERE provider = $1 ORDER BY created, id`, provider)
	if err != nil {
		return nil, err
	}
	all := make([]api.Account, 0, len(ids))
	for _, id := range ids {
		acc, err := a.Account(ctx, id)
		if err != nil {
			return nil, err
		}
		all = append(all, acc)
	}
	return all, nil
}

// AnyAccount says whether the service has a first account yet.
func (a *Accounts) AnyAccount(ctx context.Context) (bool, error) {
	var n int
	err := a.row(ctx, `SELECT COUNT(*) FROM accounts`).Scan(&n)
	return n > 0, err
}

// DeleteAccount removes an account with all that hangs on it and destroys its
// key, so that what is left of it anywhere cannot be read.
func (a *Accounts) DeleteAccount(ctx context.Context, id, authority string) error {
	err := a.Tx(ctx, func(ctx context.Context) error {
		for _, table := range []string{"sessions", "passkeys", "recovery_codes", "totp", "passwords", "provider_people", "api_keys", "shares", "comments", "members"} {
			if _, err := a.exec(ctx, `DELETE FROM `+table+` WHERE account = $1`, id); err != nil {
				return err
			}
		}
		if _, err := a.exec(ctx, `DELETE FROM challenges WHERE account = $1`, id); err != nil {
			return err
		}
		if err := a.revokeBy(ctx, "", id, ""); err != nil {
			return err
		}
		if err := a.execOne(ctx, `DELETE FROM accounts WHERE id = $1`, id); err != nil {
			return err
		}
		return a.sealer.keys.Destroy(ctx, personKey(id), evidence.Erasure{When: a.clock.Now(), Authority: authority})
	})
	a.sealer.forget(personKey(id))
	return err
}

// AddMember gives an account a part in an organisation; api.ErrConflict when it
// has one.
func (a *Accounts) AddMember(ctx context.Context, m api.Member) error {
	n, err := a.exec(ctx, `INSERT INTO members (organisation, account, role, added) VALUES ($1, $2, $3, $4)
		ON CONFLICT (organisation, account) DO NOTHING`, m.Organisation, m.Account, string(m.Role), micros(m.Added))
	if err == nil && n == 0 {
		return api.ErrConflict
	}
	return err
}

// SetRole changes a member's role and takes back the member's invitations to roles
// that the new one may not give; api.ErrNotFound.
func (a *Accounts) SetRole(ctx context.Context, organisation, account string, role api.Role) error {
	return a.Tx(ctx, func(ctx context.Context) error {
		if err := a.revokeBy(ctx, organisation, account, role); err != nil {
			return err
		}
		return a.execOne(ctx, `UPDATE members SET role = $3 WHERE organisation = $1 AND account = $2`, organisation, account, string(role))
	})
}

// revokeBy takes back what an inviter of the given role could not send now. Without
// an organisation it is that of all.
func (a *Accounts) revokeBy(ctx context.Context, organisation, account string, role api.Role) error {
	for _, given := range api.Roles() {
		if role.MayGive(given) {
			continue
		}
		if _, err := a.exec(ctx, `UPDATE invitations SET revoked = $4 WHERE invited_by = $1 AND ($2 = '' OR organisation = $2) AND role = $3
			AND used IS NULL AND revoked IS NULL`, account, organisation, string(given), micros(a.clock.Now())); err != nil {
			return err
		}
	}
	return nil
}

// RemoveMember takes a part away, with what was shared and the invitations that
// nobody has used; api.ErrNotFound.
func (a *Accounts) RemoveMember(ctx context.Context, organisation, account string) error {
	return a.Tx(ctx, func(ctx context.Context) error {
		if err := a.revokeBy(ctx, organisation, account, ""); err != nil {
			return err
		}
		if _, err := a.exec(ctx, `DELETE FROM shares WHERE organisation = $1 AND account = $2`, organisation, account); err != nil {
			return err
		}
		return a.execOne(ctx, `DELETE FROM members WHERE organisation = $1 AND account = $2`, organisation, account)
	})
}

const memberColumns = `SELECT m.account, m.organisation, m.role, m.added, a.sealed FROM members m JOIN accounts a ON a.id = m.account`

// Members lists an organisation's members, the oldest first.
func (a *Accounts) Members(ctx context.Context, organisation string) ([]api.Member, error) {
	return listSealed(ctx, a.Store, scanMember, a.openMember, memberColumns+` WHERE m.organisation = $1 ORDER BY m.added, m.account`, organisation)
}

// Memberships lists the organisations of an account, the oldest first.
func (a *Accounts) Memberships(ctx context.Context, account string) ([]api.Member, error) {
	return listSealed(ctx, a.Store, scanMember, a.openMember, memberColumns+` WHERE m.account = $1 ORDER BY m.added, m.organisation`, account)
}

func scanMember(r scanner) (m sealed[api.Member], err error) {
	err = r.Scan(&m.v.Account, &m.v.Organisation, (*string)(&m.v.Role), when(&m.v.Added), &m.column)
	return m, err
}

func (a *Accounts) openMember(ctx context.Context, m sealed[api.Member]) (api.Member, error) {
	var p api.Profile
	err := a.sealer.open(ctx, "accounts", m.v.Account, m.column, &p)
	m.v.Name, m.v.Email = p.Name, p.Email
	return m.v, err
}

type invitationBody struct{ Email, Language string }

// CreateInvitation stores an invitation by the hash of its token.
func (a *Accounts) CreateInvitation(ctx context.Context, i api.Invitation, token [32]byte) error {
	sealed, err := a.sealer.seal(ctx, monthKey(i.Created), "invitations", i.ID, invitationBody{i.Email, i.Language})
	if err != nil {
		return err
	}
	return a.execOne(ctx, `INSERT INTO invitations (id, token_hash, organisation, role, invited_by, created, expires, sealed)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`,
		i.ID, token[:], i.Organisation, string(i.Role), i.InvitedBy, micros(i.Created), micros(i.Expires), sealed)
}

const invitationColumns = `SELECT id, organisation, role, invited_by, created, expires, used, revoked, sealed FROM invitations`

// Invitation returns the one of a token, live or not; api.ErrNotFound.
func (a *Accounts) Invitation(ctx context.Context, token [32]byte) (api.Invitation, error) {
	i, err := scanInvitation(a.row(ctx, invitationColumns+` WHERE token_hash = $1`, token[:]))
	if err != nil {
		return i.v, err
	}
	return a.openInvitation(ctx, i)
}

// Invitations lists those of an organisation, the newest first.
func (a *Accounts) Invitations(ctx context.Context, organisation string) ([]api.Invitation, error) {
	return listSealed(ctx, a.Store, scanInvitation, a.openInvitation, invitationColumns+` WHERE organisation = $1 ORDER BY created DESC, id`, organisation)
}

func scanInvitation(r scanner) (i sealed[api.Invitation], err error) {
	err = r.Scan(&i.v.ID, &i.v.Organisation, (*string)(&i.v.Role), &i.v.InvitedBy, when(&i.v.Created), when(&i.v.Expires),
		when(&i.v.Used), when(&i.v.Revoked), &i.column)
	return i, err
}

func (a *Accounts) openInvitation(ctx context.Context, i sealed[api.Invitation]) (api.Invitation, error) {
	var body invitationBody
	err := a.sealer.open(ctx, "invitations", i.v.ID, i.column, &body)
	i.v.Email, i.v.Language = body.Email, body.Language
	return i.v, err
}

// UseInvitation marks a live invitation as used. Of parallel calls one succeeds,
// the others get api.ErrExpired.
func (a *Accounts) UseInvitation(ctx context.Context, id string, now time.Time) error {
	return a.endInvitation(ctx, `UPDATE invitations SET used = $2 WHERE id = $1 AND used IS NULL AND revoked IS NULL AND expires > $2`, id, now)
}

// RevokeInvitation ends a live invitation; api.ErrExpired when it was not live.
func (a *Accounts) RevokeInvitation(ctx context.Context, id string, now time.Time) error {
	return a.endInvitation(ctx, `UPDATE invitations SET revoked = $2 WHERE id = $1 AND used IS NULL AND revoked IS NULL`, id, now)
}

func (a *Accounts) endInvitation(ctx context.Context, query, id string, now time.Time) error {
	n, err := a.exec(ctx, query, id, micros(now))
	if err == nil && n == 0 {
		return api.ErrExpired
	}
	return err
}

// Keyring returns the keys that the tables are sealed with.
func (a *Accounts) Keyring() evidence.Keys { return a.sealer.keys }
