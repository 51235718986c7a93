// Package account is what people do with their account and their organisation
// once they are signed in: profile, members and their roles, invitations, the
// outbox, and the audit record.
//
// It is not for getting in (auth) nor for documents.
package account

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"inkwitness/api"
	"inkwitness/capture"
)

// Config is what a Handler needs; Providers are the names that an organisation
// may choose from for its certificates.
type Config struct {
	Store     Store
	Notices   Notices
	Texts     Texts     // to telephones; nil: none are sent
	Documents Documents // nil: the record names none
	Clock     capture.Clock
	Logger    *slog.Logger
	Providers []string
}

// Documents tells what a document is called, and its signers by their ids. What
// was deleted is api.ErrNotFound.
type Documents interface {
	Called(ctx context.Context, document string) (title string, signers map[string]string, err error)
}

// Texts sends messages to telephones.
type Texts interface {
	// NumberChanged tells a number that it is no longer an account's.
	NumberChanged(ctx context.Context, number, language string) error
}

// Store is everything that account keeps. Its parts are safe for concurrent use,
// durable on return, and join the transaction of ctx. What is missing is
// api.ErrNotFound.
type Store interface {
	Transactor
	People
	Members
	Invitations
	Sessions
	Records
	Chains
	Challenges
	Grants
}

// Transactor runs fn in one serialisable transaction, maybe several times.
type Transactor interface {
	Tx(ctx context.Context, fn func(ctx context.Context) error) error
}

// People are accounts and organisations. A second account of an address is
// api.ErrConflict. DeleteAccount destroys the account's key.
type People interface {
	Account(ctx context.Context, id string) (api.Account, error)
	SaveAccount(ctx context.Context, a api.Account) error
	DeleteAccount(ctx context.Context, id, authority string) error
	Organisation(ctx context.Context, id string) (api.Organisation, error)
	SaveOrganisation(ctx context.Context, o api.Organisation) error
}

// Members are who belongs where.
type Members interface {
	Members(ctx context.Context, organisation string) ([]api.Member, error)
	Memberships(ctx context.Context, account string) ([]api.Member, error)
	SetRole(ctx context.Context, organisation, account string, role api.Role) error
	RemoveMember(ctx context.Context, organisation, account string) error
}

// Invitations are found by the hash of their token. RevokeInvitation is
// api.ErrExpired for one that is not live.
type Invitations interface {
	CreateInvitation(ctx context.Context, i api.Invitation, token [32]byte) error
	Invitations(ctx context.Context, organisation string) ([]api.Invitation, error)
	RevokeInvitation(ctx context.Context, id string, now time.Time) error
}

// Sessions ends what must not go on.
type Sessions interface {
	LiveSession(ctx context.Context, account string) (api.Session, error)
	EndSession(ctx context.Context, id, reason string, now time.Time) error
}

// Records are mails, the audit record, and the count of tries.
type Records interface {
	Mails(ctx context.Context, organisation, account string, limit int) ([]api.Mail, error)
	Audit(ctx context.Context, organisation string, before time.Time, limit int) ([]api.Event, error)
	AuditOf(ctx context.Context, account string, limit int) ([]api.Event, error)
	AppendAudit(ctx context.Context, e api.Event) error
	Hit(ctx context.Context, name, who string, window time.Duration, now time.Time) (int, time.Time, error)
}

// Chains are the hash chains of the audit record, checked as they are read.
type Chains interface {
	AuditChains(ctx context.Context, organisation string) ([]string, error)
	AuditChain(ctx context.Context, chain string) ([]api.Event, error)
}

// Challenges are secrets for one use; TakeChallenge is api.ErrExpired for one
// that is unknown, over or taken.
type Challenges interface {
	AddChallenge(ctx context.Context, c api.Challenge, secret [32]byte) error
	TakeChallenge(ctx context.Context, kind string, secret [32]byte, now time.Time) (api.Challenge, error)
}

// Notices queues mails in the transaction of ctx.
type Notices interface {
	Notify(ctx context.Context, n api.Notice) error
}

// Handler serves accounts and organisations.
type Handler struct{ cfg Config }

// New returns a Handler.
func New(cfg Config) (*Handler, error) {
	if cfg.Store == nil || cfg.Notices == nil || cfg.Clock == nil {
		return nil, errors.New("account: a part is missing")
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	return &Handler{cfg}, nil
}

// Mount implements api.Handler.
func (h *Handler) Mount(a *api.API) {
	h.mountProfile(a)
	h.mountMembers(a)
	h.mountOrganisation(a)
	h.mountGrants(a)
}

// allow is the identity of ctx, if it may do the action to an object of its own
// organisation that belongs to the given account.
func allow(ctx context.Context, action api.Action, kind api.ObjectKind, owner string) (api.Identity, error) {
	id := api.IdentityOf(ctx)
	return id, api.Allow(id, action, api.Object{Kind: kind, Organisation: id.Organisation, Owner: owner})
}

// record adds a line about what the asker did.
func (h *Handler) record(ctx context.Context, kind, object string, detail api.Detail) error {
	id := api.IdentityOf(ctx)
	return h.cfg.Store.AppendAudit(ctx, api.Event{At: h.cfg.Clock.Now(), Kind: kind, Organisation: id.Organisation, Account: id.Account,
		Object: object, Detail: detail})
}

// hit counts a try of the asker; when the count cannot be kept the answer is no.
func (h *Handler) hit(ctx context.Context, name string, max int, window time.Duration) error {
	now := h.cfg.Clock.Now()
	n, ends, err := h.cfg.Store.Hit(ctx, name, api.IdentityOf(ctx).Account, window, now)
	if err != nil {
		return fmt.Errorf("limit %s: %w: %w", name, api.ErrUnavailable, err)
	}
	if n > max {
		return &api.Explained{Detail: "Too many for now. Wait before you try again.", Retry: ends.Sub(now), Err: api.ErrTooMany}
	}
	return nil
}

// tell mails a security notice to an address of the account.
func (h *Handler) tell(ctx context.Context, kind api.NoticeKind, acc api.Account, to string) error {
	client, now := api.ClientOf(ctx), h.cfg.Clock.Now().UTC()
	return h.cfg.Notices.Notify(ctx, api.Notice{Kind: kind, To: to, Language: acc.Language, Account: acc.ID,
		Values: map[string]string{"time": now.Format("2006-01-02 15:04 UTC"), "address": client.Address, "browser": client.Browser},
		Key:    string(kind) + ":" + acc.ID + ":" + now.Format(time.RFC3339Nano)})
}

// newSecret returns 256 random bits for a link, and what is kept of them.
func newSecret() (secret string, hash [32]byte) {
	var b [32]byte
	rand.Read(b[:]) // never fails, see crypto/rand
	secret = base64.RawURLEncoding.EncodeToString(b[:])
	return secret, sha256.Sum256([]byte(secret))
}
