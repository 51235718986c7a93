// Package auth lets people in and keeps others out: invitations are accepted,
// passwords, time-based codes, recovery codes and passkeys are checked, and
// sessions begin and end. There is at most one live session per account, which
// the database guarantees; a second sign-in is refused, told to the first, and
// mailed, until it proves a second factor and takes over.
//
// Guesses are counted before they are checked, and when the count cannot be kept
// nobody gets in. An unknown address costs the same time and gives the same
// answer as a wrong password.
//
// It is not for what people may do once they are in: that is api.Allow.
package auth

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"path"
	"time"

	"inkwitness/api"
	"inkwitness/capture"
	"inkwitness/evidence"
)

// Config is what a Handler needs. Store, Keys, Notices, Clock and URL are required.
type Config struct {
	Store   Store
	Keys    evidence.Keys // holds the pepper and what is derived from it
	Notices Notices
	Clock   capture.Clock
	Client  *http.Client // reaches identity providers, and must not reach inside; nil: nobody signs in at one
	// LookupTXT asks DNS whether a domain is an organisation's; nil: it cannot.
	LookupTXT func(ctx context.Context, name string) ([]string, error)
	Logger    *slog.Logger
	URL       string        // of the service as people reach it, without a path
	Idle      time.Duration // a session unused for this long ends; 0 is 30 min
	Life      time.Duration // and whatever happens after this long; 0 is 12 h

	cost cost // tests make guesses cheap
}

// Store is everything that auth keeps. See each part for its contract; all are
// safe for concurrent use, durable on return, and join the transaction of ctx.
type Store interface {
	Transactor
	People
	Invitations
	Sessions
	Passwords
	Codes
	Passkeys
	Challenges
	Limits
	Auditor
	Providers
	ProviderNames
	Staff
}

// Transactor runs fn in one serialisable transaction, maybe several times.
type Transactor interface {
	Tx(ctx context.Context, fn func(ctx context.Context) error) error
}

// People are accounts and where they belong. Missing ones are api.ErrNotFound,
// a second account of an address is api.ErrConflict.
type People interface {
	Account(ctx context.Context, id string) (api.Account, error)
	AccountByEmail(ctx context.Context, email string) (api.Account, error)
	AccountOfProvider(ctx context.Context, provider, email string) (api.Account, error)
	CreateAccount(ctx context.Context, a api.Account) error
	AddMember(ctx context.Context, m api.Member) error
	Memberships(ctx context.Context, account string) ([]api.Member, error)
	Organisation(ctx context.Context, id string) (api.Organisation, error)
}

// Invitations are found by the hash of their token. Of parallel uses one
// succeeds, the others get api.ErrExpired.
type Invitations interface {
	Invitation(ctx context.Context, token [32]byte) (api.Invitation, error)
	UseInvitation(ctx context.Context, id string, now time.Time) error
}

// Sessions keeps at most one live session per account: BeginSession returns
// api.ErrConflict when there is one.
type Sessions interface {
	BeginSession(ctx context.Context, s api.Session, token [32]byte) error
	Session(ctx context.Context, token [32]byte) (api.Session, error)
	LiveSession(ctx context.Context, account string) (api.Session, error)
	SeeSession(ctx context.Context, id string, now time.Time) error
	// RenewSession is api.ErrConflict when the secret is not the one that was read.
	RenewSession(ctx context.Context, id string, read, next api.SessionSecret) error
	ProveSession(ctx context.Context, id string, now time.Time, secondFactor bool) error
	MoveSession(ctx context.Context, id, organisation string) error
	NoticeSession(ctx context.Context, s api.Session, n api.SignInNotice) error
	EndSession(ctx context.Context, id, reason string, now time.Time) error
	EndReason(ctx context.Context, id string) (string, error)
}

// Passwords keeps one hash per account; api.ErrNotFound when there is none.
type Passwords interface {
	Password(ctx context.Context, account string) (api.Password, error)
	SetPassword(ctx context.Context, account string, p api.Password) error
}

// Codes keeps time-based and recovery codes. UseTOTPStep is api.ErrConflict for a
// step that is not later than the last; UseRecoveryCode is api.ErrNotFound for a
// code that is unknown or spent.
type Codes interface {
	TOTP(ctx context.Context, account string) (api.TOTP, error)
	SetTOTP(ctx context.Context, account string, t api.TOTP, now time.Time) error
	UseTOTPStep(ctx context.Context, account string, step int64) error
	DeleteTOTP(ctx context.Context, account string) error
	SetRecoveryCodes(ctx context.Context, account string, hashes [][32]byte) error
	UseRecoveryCode(ctx context.Context, account string, hash [32]byte, now time.Time) error
	RecoveryCodes(ctx context.Context, account string) (int, error)
}

// Passkeys keeps WebAuthn credentials.
type Passkeys interface {
	Passkeys(ctx context.Context, account string) ([]api.Passkey, error)
	AddPasskey(ctx context.Context, k api.Passkey) error
	UsePasskey(ctx context.Context, k api.Passkey) error
	DeletePasskey(ctx context.Context, account string, id []byte) error
}

// Challenges are secrets for one use; TakeChallenge is api.ErrExpired for one
// that is unknown, over or taken.
type Challenges interface {
	AddChallenge(ctx context.Context, c api.Challenge, secret [32]byte) error
	TakeChallenge(ctx context.Context, kind string, secret [32]byte, now time.Time) (api.Challenge, error)
}

// Limits counts tries: Hit counts one and returns how many there were in the
// window and when it ends.
type Limits interface {
	Hit(ctx context.Context, name, who string, window time.Duration, now time.Time) (int, time.Time, error)
	Clear(ctx context.Context, name, who string) error
}

// Auditor adds to the append-only record.
type Auditor interface {
	AppendAudit(ctx context.Context, e api.Event) error
}

// Notices queues mails in the transaction of ctx.
type Notices interface {
	Notify(ctx context.Context, n api.Notice) error
}

// Handler serves sign-in and everything about one's own credentials.
type Handler struct {
	cfg     Config
	hasher  *hasher
	offers  []byte // key from which offered TOTP secrets are derived
	devices []byte // key of the cookies by which browsers are known
	web     *passkeyParty
	places  knownPlaces

	cookie    func(ctx context.Context) string      // secret of the request's session; set by Mount
	setCookie func(value string, maxAge int) string // the Set-Cookie line; set by Mount

	ssoCookie    func(ctx context.Context) string // as above, of the browser that went to a provider
	setSSOCookie func(value string, maxAge int) string

	deviceCookie    func(ctx context.Context) string // as above, by which a browser is known to an account
	setDeviceCookie func(value string, maxAge int) string
	endCookies      func() []string // lines that end those of a person, at a sign-out

	problem func(error) string // last part of a problem's type
}

// New returns a Handler. It makes the pepper at the first start.
func New(ctx context.Context, cfg Config) (*Handler, error) {
	if cfg.Store == nil || cfg.Keys == nil || cfg.Notices == nil || cfg.Clock == nil {
		return nil, errors.New("auth: a part is missing")
	}
	base, err := url.Parse(cfg.URL)
	if err != nil || base.Host == "" {
		return nil, fmt.Errorf("auth: %q is not the address of a service", cfg.URL)
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	if cfg.Idle == 0 {
		cfg.Idle = 30 * time.Minute
	}
	if cfg.Life == 0 {
		cfg.Life = 12 * time.Hour
	}
	if cfg.cost == (cost{}) {
		cfg.cost = usualCost
	}
	pepper, err := serviceKey(ctx, cfg, "service:pepper")
	if err != nil {
		return nil, err
	}
	offers, err := serviceKey(ctx, cfg, "service:totp-offers")
	if err != nil {
		return nil, err
	}
	devices, err := serviceKey(ctx, cfg, "service:devices")
	if err != nil {
		return nil, err
	}
	web, err := newPasskeyParty(base)
	if err != nil {
		return nil, err
	}
	return &Handler{cfg: cfg, hasher: newHasher(pepper, cfg.cost), offers: offers, devices: devices, web: web}, nil
}

// serviceKey opens a 256-bit key of the service, and makes it the first time.
func serviceKey(ctx context.Context, cfg Config, id string) ([]byte, error) {
	_, secret, err := cfg.Keys.Open(ctx, id)
	if !errors.Is(err, evidence.ErrNotFound) {
		return secret, err
	}
	fresh := make([]byte, 32)
	rand.Read(fresh) // never fails, see crypto/rand
	err = cfg.Keys.Create(ctx, evidence.Key{ID: id, Purpose: "data", Subject: "service", Created: cfg.Clock.Now()}, fresh)
	if err == nil {
		return fresh, nil
	}
	if !errors.Is(err, evidence.ErrExists) {
		return nil, fmt.Errorf("make key %s: %w", id, err)
	}
	_, secret, err = cfg.Keys.Open(ctx, id) // another instance was first
	return secret, err
}

// newSecret returns 256 random bits for a cookie or link.
func newSecret() string {
	var b [32]byte
	rand.Read(b[:]) // never fails, see crypto/rand
	return base64.RawURLEncoding.EncodeToString(b[:])
}

// hashSecret is what is kept of a secret of 256 random bits: too many to search.
func hashSecret(secret string) [32]byte { return sha256.Sum256([]byte(secret)) }

// Mount implements api.Handler.
func (h *Handler) Mount(a *api.API) {
	h.cookie = func(ctx context.Context) string { return a.ReadCookie(ctx, "session") }
	h.setCookie = func(value string, maxAge int) string { return a.Cookie("session", value, maxAge).String() }
	h.ssoCookie = func(ctx context.Context) string { return a.ReadCookie(ctx, "sso") }
	h.setSSOCookie = func(value string, maxAge int) string { return a.Cookie("sso", value, maxAge).String() }
	h.deviceCookie = func(ctx context.Context) string { return a.ReadCookie(ctx, "device") }
	h.setDeviceCookie = func(value string, maxAge int) string { return a.Cookie("device", value, maxAge).String() }
	h.endCookies = func() (lines []string) {
		// Not the one of a device that goes round: its owner signs out as that begins.
		for _, name := range []string{"session", "sso", "signer"} {
			lines = append(lines, a.Cookie(name, "", -1).String())
		}
		return lines
	}
	h.problem = func(err error) string { return path.Base(a.Problem(err).Type) }
	a.Identify(h.identify)
	h.mountSession(a)
	h.mountInvitation(a)
	h.mountPassword(a)
	h.mountFactors(a)
	h.mountPasskeys(a)
	h.mountProviders(a)
	h.mountProviderNames(a)
	h.mountStaff(a)
}

// record adds a line to the audit record about what an account did or suffered.
func (h *Handler) record(ctx context.Context, kind string, account, organisation string, detail api.Detail) error {
	client := api.ClientOf(ctx)
	if detail == nil {
		detail = api.Detail{}
	}
	detail["address"], detail["browser"] = client.Address, client.Browser
	return h.cfg.Store.AppendAudit(ctx, api.Event{At: h.cfg.Clock.Now(), Kind: kind, Organisation: organisation, Account: account,
		Object: "account:" + account, Detail: detail})
}

// tell mails a security notice to the holder of an account: when, from where and
// with what browser, so that they can tell whether it was they.
func (h *Handler) tell(ctx context.Context, kind api.NoticeKind, acc api.Account, more map[string]string) error {
	client, now := api.ClientOf(ctx), h.cfg.Clock.Now().UTC()
	values := map[string]string{"time": now.Format("2006-01-02 15:04 UTC"), "address": client.Address, "browser": client.Browser}
	for k, v := range more {
		values[k] = v
	}
	return h.cfg.Notices.Notify(ctx, api.Notice{Kind: kind, To: acc.Email, Language: acc.Language, Account: acc.ID, Values: values,
		Key: string(kind) + ":" + acc.ID + ":" + api.RequestID(ctx) + now.Format(time.RFC3339Nano)})
}
