// Package scim lets an organisation's directory keep its members here: SCIM 2.0
// (RFC 7643, RFC 7644), users and groups. The groups are the roles that a member
// can have; owners are made by owners alone.
//
// It reaches only the accounts that the organisation's own identity provider or
// directory made: those of people who were invited belong to them. The directory
// comes with an API key of scope provisioning:update.
package scim

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"inkwitness/api"
	"inkwitness/capture"
)

// Config is what a Handler needs; all of it.
type Config struct {
	Store Store
	Clock capture.Clock
	URL   string // of the service as programs reach it, without a path
}

// Store is what scim reads and writes. It is safe for concurrent use, durable on
// return, and joins the transaction of ctx. What is missing is api.ErrNotFound;
// a second account of an address is api.ErrConflict.
type Store interface {
	Accounts
	Members
	Tx(ctx context.Context, fn func(ctx context.Context) error) error
	AppendAudit(ctx context.Context, e api.Event) error
}

// Accounts are those that the provider made.
type Accounts interface {
	ProviderOf(ctx context.Context, organisation string) (api.Provider, error)
	AccountsOfProvider(ctx context.Context, provider string) ([]api.Account, error)
	CreateAccount(ctx context.Context, a api.Account) error
	SaveAccount(ctx context.Context, a api.Account) error
	DeleteAccount(ctx context.Context, id, authority string) error
}

// Members are their places, and their sessions.
type Members interface {
	Members(ctx context.Context, organisation string) ([]api.Member, error)
	AddMember(ctx context.Context, m api.Member) error
	SetRole(ctx context.Context, organisation, account string, role api.Role) error
	LiveSession(ctx context.Context, account string) (api.Session, error)
	EndSession(ctx context.Context, id, reason string, now time.Time) error
}

// Handler serves /scim/v2.
type Handler struct {
	cfg     Config
	problem func(error) *api.Problem // set by Mount
}

// New returns a Handler.
func New(cfg Config) (*Handler, error) {
	if cfg.Store == nil || cfg.Clock == nil || cfg.URL == "" {
		return nil, errors.New("scim: a part is missing")
	}
	return &Handler{cfg: cfg}, nil
}

// The schemas of RFC 7643 and RFC 7644.
const (
	userSchema   = "urn:ietf:params:scim:schemas:core:2.0:User"
	groupSchema  = "urn:ietf:params:scim:schemas:core:2.0:Group"
	listSchema   = "urn:ietf:params:scim:api:messages:2.0:ListResponse"
	errorSchema  = "urn:ietf:params:scim:api:messages:2.0:Error"
	configSchema = "urn:ietf:params:scim:schemas:core:2.0:ServiceProviderConfig"
)

// Mount implements api.Handler.
func (h *Handler) Mount(a *api.API) {
	h.problem = a.Problem
	for _, r := range []struct {
		method, path, id string
		status           int
		serve            func(context.Context, scope, *http.Request) (any, error)
	}{
		{"GET", "/Users", "scimListUsers", 200, h.listUsers},
		{"POST", "/Users", "scimCreateUser", 201, h.createUser},
		{"GET", "/Users/{id}", "scimGetUser", 200, h.getUser},
		{"PUT", "/Users/{id}", "scimReplaceUser", 200, h.replaceUser},
		{"PATCH", "/Users/{id}", "scimChangeUser", 200, h.patchUser},
		{"DELETE", "/Users/{id}", "scimDeleteUser", 204, h.deleteUser},
		{"GET", "/Groups", "scimListGroups", 200, h.listGroups},
		{"GET", "/Groups/{id}", "scimGetGroup", 200, h.getGroup},
		{"PATCH", "/Groups/{id}", "scimChangeGroup", 204, h.patchGroup},
		{"GET", "/ServiceProviderConfig", "scimConfig", 200, h.config},
	} {
		a.Raw(api.Route{Method: r.method, Path: "/scim/v2" + r.path, ID: r.id, Tag: "scim", Status: r.status, Public: true},
			func(w http.ResponseWriter, req *http.Request) error { return h.serve(w, req, r.status, r.serve) })
	}
}

// scope is the organisation that the directory keeps, and its provider.
type scope struct {
	api.Identity
	provider api.Provider
}

// serve finds the scope, runs a route and answers as SCIM does. The routes are
// public to package api only so that refusals come in SCIM's form too.
func (h *Handler) serve(w http.ResponseWriter, r *http.Request, status int, route func(context.Context, scope, *http.Request) (any, error)) error {
	ctx := r.Context()
	s := scope{Identity: api.IdentityOf(ctx)}
	err := api.Allow(s.Identity, api.Update, api.Object{Kind: api.ProvisioningObject, Organisation: s.Organisation})
	if err == nil && s.Session != "" && !s.Fresh && r.Method != http.MethodGet {
		err = api.ErrStepUp // a person instead of a directory: as for every change of members
	}
	if err == nil {
		s.provider, err = h.cfg.Store.ProviderOf(ctx, s.Organisation)
		if errors.Is(err, api.ErrNotFound) {
			err = api.Explain(api.ErrConflict, "Set up the organisation's identity provider first: its people sign in there.")
		}
	}
	var body any
	if err == nil {
		body, err = route(ctx, s, r)
	}
	if err != nil {
		return h.refuse(w, err)
	}
	return write(w, status, body)
}

func write(w http.ResponseWriter, status int, body any) error {
	if status == http.StatusNoContent {
		w.WriteHeader(status)
		return nil
	}
	raw, err := json.Marshal(body)
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", "application/scim+json")
	w.WriteHeader(status)
	_, _ = w.Write(raw) // the client is gone; it may ask again
	return nil
}

// refuse answers in SCIM's own form of errors (RFC 7644, section 3.12). What only
// the operator can mend goes the usual way, which logs it.
func (h *Handler) refuse(w http.ResponseWriter, err error) error {
	p := h.problem(err)
	if p.Status >= http.StatusInternalServerError {
		return err
	}
	kind := ""
	switch {
	case errors.Is(err, errFilter):
		kind, p.Status = "invalidFilter", http.StatusBadRequest
	case p.Status == http.StatusConflict:
		kind = "uniqueness"
	case p.Status == http.StatusUnprocessableEntity:
		kind, p.Status = "invalidValue", http.StatusBadRequest
	}
	return write(w, p.Status, map[string]any{"schemas": []string{errorSchema}, "detail": p.Detail, "status": strconv.Itoa(p.Status), "scimType": kind})
}

var errFilter = fmt.Errorf("filter: %w", api.ErrInvalid)

func (h *Handler) config(context.Context, scope, *http.Request) (any, error) {
	yes, no := map[string]any{"supported": true}, map[string]any{"supported": false}
	return map[string]any{"schemas": []string{configSchema}, "patch": yes, "bulk": no, "sort": no, "etag": no, "changePassword": no,
		"filter":                map[string]any{"supported": true, "maxResults": maxPage},
		"authenticationSchemes": []any{map[string]any{"type": "oauthbearertoken", "name": "API key", "description": "Authorization: Bearer, scope provisioning:update"}}}, nil
}

const maxPage = 200

// list is one page of resources (RFC 7644, section 3.4.2).
func page[T any](r *http.Request, all []T) (any, error) {
	number := func(name string, otherwise int) (int, error) {
		v := r.URL.Query().Get(name)
		if v == "" {
			return otherwise, nil
		}
		n, err := strconv.Atoi(v)
		if err != nil {
			return 0, api.Explain(api.ErrInvalid, "%s must be a number.", name)
		}
		return n, nil
	}
	start, err1 := number("startIndex", 1)
	count, err2 := number("count", maxPage)
	if err := errors.Join(err1, err2); err != nil {
		return nil, err
	}
	start, count = max(start, 1), min(max(count, 0), maxPage)
	from := min(start-1, len(all))
	part := all[from:min(from+count, len(all))]
	return map[string]any{"schemas": []string{listSchema}, "totalResults": len(all), "startIndex": start, "itemsPerPage": len(part),
		"Resources": slices.Concat([]T{}, part)}, nil
}

// equality reads the one form of filter that directories send to find a resource:
// attribute eq "value".
func equality(filter string, attributes ...string) (attribute, value string, err error) {
	if filter == "" {
		return "", "", nil
	}
	name, rest, ok := strings.Cut(strings.TrimSpace(filter), " ")
	op, quoted, ok2 := strings.Cut(strings.TrimSpace(rest), " ")
	if !ok || !ok2 || !strings.EqualFold(op, "eq") || json.Unmarshal([]byte(strings.TrimSpace(quoted)), &value) != nil {
		return "", "", &api.Explained{Detail: `Only filters of the form attribute eq "value" are known.`, Err: errFilter}
	}
	for _, a := range attributes {
		if strings.EqualFold(a, name) {
			return a, value, nil
		}
	}
	return "", "", &api.Explained{Detail: "This attribute cannot be searched.", Err: errFilter}
}

func (h *Handler) record(ctx context.Context, s scope, kind, account string) error {
	return h.cfg.Store.AppendAudit(ctx, api.Event{At: h.cfg.Clock.Now(), Kind: kind, Organisation: s.Organisation, Account: s.Account, Object: "account:" + account})
}

func decode(r *http.Request, into any) error {
	d := json.NewDecoder(r.Body)
	if err := d.Decode(into); err != nil {
		return api.Explain(fmt.Errorf("%w: %w", api.ErrInvalid, err), "The body is not what SCIM says.")
	}
	return nil
}
