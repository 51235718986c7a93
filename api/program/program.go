// Package program is for programs that work with the service: API keys by which
// they come in, and webhooks by which the service tells them what happened.
//
// A key acts for the account that made it, in one organisation, within its
// scopes and until its end; it never does what needs a fresh proof of a factor. A
// webhook is told that something happened to which object, by random ids, and
// nothing about anybody.
package program

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"inkwitness/api"
	"inkwitness/capture"
)

// Config is what a Handler needs. Store, Clock, Client and CheckURL are required.
type Config struct {
	Store    Store
	Clock    capture.Clock
	Client   *http.Client       // reaches webhooks; must not reach inside nor follow redirects
	CheckURL func(string) error // refuses addresses that Client would refuse
	Logger   *slog.Logger       // nil discards
}

// Store is everything that program keeps. Its parts are safe for concurrent use,
// durable on return, and join the transaction of ctx. What is missing, or is of
// another organisation, is api.ErrNotFound.
type Store interface {
	Keys
	Holders
	Webhooks
	Deliveries
	Tx(ctx context.Context, fn func(ctx context.Context) error) error
	AppendAudit(ctx context.Context, e api.Event) error
}

// Keys are API keys, found by the hash of their secret.
type Keys interface {
	AddKey(ctx context.Context, k api.Key, secret [32]byte) error
	KeyBySecret(ctx context.Context, secret [32]byte) (api.Key, error)
	APIKeys(ctx context.Context, organisation string) ([]api.Key, error)
	UseKey(ctx context.Context, id string, now time.Time) error
	RevokeKey(ctx context.Context, organisation, id string, now time.Time) error
}

// Holders are who a key acts for: what is closed to them is closed to it.
type Holders interface {
	Account(ctx context.Context, id string) (api.Account, error)
	Organisation(ctx context.Context, id string) (api.Organisation, error)
}

// Webhooks are the addresses that are told.
type Webhooks interface {
	SaveWebhook(ctx context.Context, w api.Webhook) error
	Webhooks(ctx context.Context, organisation string) ([]api.Webhook, error)
	DeleteWebhook(ctx context.Context, organisation, id string) error
}

// Deliveries are events on their way. AddDelivery does nothing for an event that
// the webhook has; DueDeliveries leases what it returns until the given time, some
// of each webhook, the oldest first.
type Deliveries interface {
	AddDelivery(ctx context.Context, d api.Delivery) error
	DueWebhooks(ctx context.Context, now time.Time) ([]string, error)
	DueDeliveries(ctx context.Context, webhooks []string, now, until time.Time, each int) ([]api.Delivery, map[string]api.Webhook, error)
	SettleDelivery(ctx context.Context, d api.Delivery) error
	Deliveries(ctx context.Context, organisation, webhook string, limit int) ([]api.Delivery, error)
	RepeatDelivery(ctx context.Context, organisation, id string, now time.Time) error
}

// Handler serves keys and webhooks. Its Run sends.
type Handler struct {
	cfg  Config
	busy busy
}

// New returns a Handler.
func New(cfg Config) (*Handler, error) {
	if cfg.Store == nil || cfg.Clock == nil || cfg.Client == nil || cfg.CheckURL == nil {
		return nil, errors.New("program: a part is missing")
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	return &Handler{cfg: cfg, busy: busy{ids: make(map[string]bool)}}, nil
}

// Mount implements api.Handler.
func (h *Handler) Mount(a *api.API) {
	a.Identify(h.identify)
	h.mountKeys(a)
	h.mountWebhooks(a)
}

func allow(ctx context.Context, action api.Action, kind api.ObjectKind) (api.Identity, error) {
	id := api.IdentityOf(ctx)
	return id, api.Allow(id, action, api.Object{Kind: kind, Organisation: id.Organisation})
}

func (h *Handler) record(ctx context.Context, kind, object string) error {
	id := api.IdentityOf(ctx)
	return h.cfg.Store.AppendAudit(ctx, api.Event{At: h.cfg.Clock.Now(), Kind: kind, Organisation: id.Organisation, Account: id.Account, Object: object})
}

// keyPrefix lets secret scanners find a key that was published by mistake.
const keyPrefix = "inkwitness_"

const (
	keyLife    = 90 * 24 * time.Hour
	maxKeyLife = 366 * 24 * time.Hour
	usedEvery  = time.Minute // how often the use of a key is written down
)

func (h *Handler) mountKeys(a *api.API) {
	const tag = "keys"
	api.Register(a, api.Route{Method: "POST", Path: "/api/keys", ID: "createKey", Tag: tag, Status: 201,
		Summary: "Make an API key; it is shown once"}, h.createKey)
	api.Register(a, api.Route{Method: "GET", Path: "/api/keys", ID: "listKeys", Tag: tag}, h.listKeys)
	api.Register(a, api.Route{Method: "DELETE", Path: "/api/keys/{id}", ID: "revokeKey", Tag: tag, Status: 204}, h.revokeKey)
}

// identify finds the key in an Authorization header. A key that does not work is
// nobody, and the route answers 401.
func (h *Handler) identify(r *http.Request) (api.Identity, error) {
	secret, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	if !ok || !strings.HasPrefix(secret, keyPrefix) {
		return api.Identity{}, nil
	}
	ctx := r.Context()
	k, err := h.cfg.Store.KeyBySecret(ctx, sha256.Sum256([]byte(secret)))
	now := h.cfg.Clock.Now()
	if errors.Is(err, api.ErrNotFound) || err == nil && (!k.Revoked.IsZero() || !now.Before(k.Expires) || k.Role == "") {
		return api.Identity{}, nil // nobody: the route answers 401
	}
	if err != nil {
		return api.Identity{}, fmt.Errorf("api key: %w", err)
	}
	if now.Sub(k.Used) >= usedEvery {
		if err := h.cfg.Store.UseKey(ctx, k.ID, now); err != nil {
			return api.Identity{}, fmt.Errorf("api key: %w", err)
		}
	}
	return h.holder(ctx, k)
}

// holder is the identity of a key: nobody when its account is blocked, and one
// that submits nothing where the account or the organisation is deactivated.
func (h *Handler) holder(ctx context.Context, k api.Key) (api.Identity, error) {
	acc, err := h.cfg.Store.Account(ctx, k.Account)
	if err != nil {
		return api.Identity{}, fmt.Errorf("holder of an api key: %w", err)
	}
	org, err := h.cfg.Store.Organisation(ctx, k.Organisation)
	if err != nil {
		return api.Identity{}, fmt.Errorf("organisation of an api key: %w", err)
	}
	if acc.State == api.AccountBlocked {
		return api.Identity{}, nil
	}
	return api.Identity{Role: k.Role, Account: k.Account, Organisation: k.Organisation, Key: k.ID, KeyName: k.Name, Scopes: append(api.Scopes{}, k.Scopes...),
		ReadOnly: org.Deactivated || acc.State == api.AccountDeactivated}, nil
}

type keyIn struct {
	Body struct {
		Name   string   `json:"name" minLength:"1" maxLength:"100"`
		Scopes []string `json:"scopes" minItems:"1" maxItems:"50" doc:"such as document:read; what the key may do is also bounded by the role of who makes it"`
		Days   int      `json:"days,omitempty" minimum:"1" maximum:"366" doc:"until its end; 90 when not said"`
	}
}

type keyBody struct {
	ID      string     `json:"id"`
	Name    string     `json:"name"`
	Scopes  []string   `json:"scopes"`
	Created time.Time  `json:"createdAt"`
	Expires time.Time  `json:"expiresAt"`
	Used    *time.Time `json:"usedAt,omitempty"`
	Revoked *time.Time `json:"revokedAt,omitempty"`
	Secret  string     `json:"secret,omitempty" doc:"shown once, when the key is made"`
}

type keyOut struct{ Body keyBody }

type keysOut struct {
	Body struct {
		Keys []keyBody `json:"keys"`
	}
}

func view(k api.Key) keyBody {
	b := keyBody{ID: k.ID, Name: k.Name, Scopes: k.Scopes, Created: k.Created, Expires: k.Expires}
	if !k.Used.IsZero() {
		b.Used = &k.Used
	}
	if !k.Revoked.IsZero() {
		b.Revoked = &k.Revoked
	}
	return b
}

func (h *Handler) createKey(ctx context.Context, in *keyIn) (*keyOut, error) {
	id, err := allow(ctx, api.Create, api.KeyObject)
	if err != nil {
		return nil, err
	}
	for _, s := range in.Body.Scopes {
		if !api.KnownScope(s) {
			return nil, api.Explain(api.ErrInvalid, "There is no scope %q.", s)
		}
	}
	now, life := h.cfg.Clock.Now(), keyLife
	if in.Body.Days > 0 {
		life = min(time.Duration(in.Body.Days)*24*time.Hour, maxKeyLife)
	}
	var raw [32]byte
	rand.Read(raw[:]) // never fails, see crypto/rand
	secret := keyPrefix + base64.RawURLEncoding.EncodeToString(raw[:])
	k := api.Key{ID: api.NewID(), Organisation: id.Organisation, Account: id.Account, Scopes: in.Body.Scopes, Name: in.Body.Name, Created: now, Expires: now.Add(life)}
	err = h.cfg.Store.Tx(ctx, func(ctx context.Context) error {
		if err := h.cfg.Store.AddKey(ctx, k, sha256.Sum256([]byte(secret))); err != nil {
			return err
		}
		return h.record(ctx, "key.created", "key:"+k.ID)
	})
	out := &keyOut{view(k)}
	out.Body.Secret = secret
	return out, err
}

func (h *Handler) listKeys(ctx context.Context, _ *struct{}) (*keysOut, error) {
	id, err := allow(ctx, api.List, api.KeyObject)
	if err != nil {
		return nil, err
	}
	all, err := h.cfg.Store.APIKeys(ctx, id.Organisation)
	if err != nil {
		return nil, err
	}
	out := &keysOut{}
	out.Body.Keys = make([]keyBody, 0, len(all))
	for _, k := range all {
		out.Body.Keys = append(out.Body.Keys, view(k))
	}
	return out, nil
}

type idIn struct {
	ID string `path:"id" maxLength:"64"`
}

func (h *Handler) revokeKey(ctx context.Context, in *idIn) (*struct{}, error) {
	id, err := allow(ctx, api.Delete, api.KeyObject)
	if err != nil {
		return nil, err
	}
	return nil, h.cfg.Store.Tx(ctx, func(ctx context.Context) error {
		if err := h.cfg.Store.RevokeKey(ctx, id.Organisation, in.ID, h.cfg.Clock.Now()); err != nil {
			return err
		}
		return h.record(ctx, "key.revoked", "key:"+in.ID)
	})
}
