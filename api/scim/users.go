package scim

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/mail"
	"slices"
	"strings"
	"time"

	"inkwitness/api"
)

// user is a user as the directory sees it.
type user struct {
	Schemas     []string   `json:"schemas"`
	ID          string     `json:"id,omitempty"`
	External    string     `json:"externalId,omitempty"`
	UserName    string     `json:"userName"`
	DisplayName string     `json:"displayName,omitempty"`
	Name        *name      `json:"name,omitempty"`
	Emails      []email    `json:"emails,omitempty"`
	Phones      []email    `json:"phoneNumbers,omitempty"`
	Language    string     `json:"preferredLanguage,omitempty"`
	Active      *flag      `json:"active,omitempty"`
	Groups      []groupRef `json:"groups,omitempty"`
	Meta        *meta      `json:"meta,omitempty"`
}

type name struct {
	Formatted string `json:"formatted,omitempty"`
	Given     string `json:"givenName,omitempty"`
	Family    string `json:"familyName,omitempty"`
}

type email struct {
	Value   string `json:"value"`
	Primary bool   `json:"primary,omitempty"`
	Type    string `json:"type,omitempty"`
}

type groupRef struct {
	Value   string `json:"value"`
	Display string `json:"display,omitempty"`
}

type meta struct {
	Type     string    `json:"resourceType"`
	Created  time.Time `json:"created,omitzero"`
	Location string    `json:"location"`
}

// flag is a boolean that some directories send as a string.
type flag bool

func (f *flag) UnmarshalJSON(b []byte) error {
	switch strings.ToLower(strings.Trim(string(b), `"`)) {
	case "true":
		*f = true
	case "false":
		*f = false
	default:
		return errors.New("not true or false")
	}
	return nil
}

func (h *Handler) view(acc api.Account, role api.Role) user {
	active := flag(acc.State != api.AccountBlocked)
	return user{Schemas: []string{userSchema}, ID: acc.ID, External: acc.External, UserName: acc.Email, DisplayName: acc.Name,
		Name: &name{Formatted: acc.Name}, Emails: []email{{Value: acc.Email, Primary: true, Type: "work"}}, Language: acc.Language, Active: &active,
		Groups: []groupRef{{string(role), string(role)}}, Meta: &meta{"User", acc.Created, h.cfg.URL + "/scim/v2/Users/" + acc.ID}}
}

// apply puts what the directory says into an account.
func (u user) apply(acc *api.Account) error {
	address := u.UserName
	for _, e := range u.Emails {
		if e.Primary || len(u.Emails) == 1 {
			address = e.Value
		}
	}
	parsed, err := mail.ParseAddress(address)
	if err != nil || parsed.Address != address || len(address) > 254 {
		return api.Explain(api.ErrInvalid, "userName, or the primary e-mail address, must be an e-mail address.")
	}
	full := u.DisplayName
	if full == "" && u.Name != nil {
		if full = u.Name.Formatted; full == "" {
			full = strings.TrimSpace(u.Name.Given + " " + u.Name.Family)
		}
	}
	if len(full) > 800 || len(u.External) > 255 {
		return api.Explain(api.ErrInvalid, "A name or externalId is too long.")
	}
	acc.Email, acc.Name, acc.External = address, full, u.External
	if slices.Contains(api.Languages(), u.Language) {
		acc.Language = u.Language
	}
	if u.Active != nil {
		acc.State = switched(*acc, bool(*u.Active))
	}
	return nil
}

// switched is the state of an account that the directory switches on or off. What
// the operator set stays: a directory opens only what it closed.
func switched(acc api.Account, on bool) api.AccountState {
	switch {
	case !on:
		return api.AccountBlocked
	case acc.State != api.AccountBlocked:
		return acc.State
	case acc.ByOperator != "":
		return acc.ByOperator
	}
	return api.AccountActive
}

// all lists the provider's accounts that are members, with their roles.
func (h *Handler) all(ctx context.Context, s scope) ([]api.Account, map[string]api.Role, error) {
	accounts, err := h.cfg.Store.AccountsOfProvider(ctx, s.provider.ID)
	if err != nil {
		return nil, nil, err
	}
	members, err := h.cfg.Store.Members(ctx, s.Organisation)
	roles := map[string]api.Role{}
	for _, m := range members {
		roles[m.Account] = m.Role
	}
	return slices.DeleteFunc(accounts, func(a api.Account) bool { return roles[a.ID] == "" }), roles, err
}

// find returns one of them.
func (h *Handler) find(ctx context.Context, s scope, id string) (api.Account, api.Role, error) {
	all, roles, err := h.all(ctx, s)
	if err != nil {
		return api.Account{}, "", err
	}
	i := slices.IndexFunc(all, func(a api.Account) bool { return a.ID == id })
	if i < 0 {
		return api.Account{}, "", api.ErrNotFound
	}
	return all[i], roles[id], nil
}

func (h *Handler) listUsers(ctx context.Context, s scope, r *http.Request) (any, error) {
	attribute, value, err := equality(r.URL.Query().Get("filter"), "userName", "externalId", "id")
	if err != nil {
		return nil, err
	}
	all, roles, err := h.all(ctx, s)
	if err != nil {
		return nil, err
	}
	users := make([]user, 0, len(all))
	for _, acc := range all {
		u := h.view(acc, roles[acc.ID])
		fits := map[string]bool{"": true, "userName": strings.EqualFold(u.UserName, value), "externalId": u.External == value, "id": u.ID == value}
		if fits[attribute] {
			users = append(users, u)
		}
	}
	return page(r, users)
}

func (h *Handler) getUser(ctx context.Context, s scope, r *http.Request) (any, error) {
	acc, role, err := h.find(ctx, s, r.PathValue("id"))
	return h.view(acc, role), err
}

func (h *Handler) createUser(ctx context.Context, s scope, r *http.Request) (any, error) {
	var u user
	if err := decode(r, &u); err != nil {
		return nil, err
	}
	now := h.cfg.Clock.Now()
	acc := api.Account{ID: api.NewID(), State: api.AccountActive, Created: now, Provider: s.provider.ID, Profile: api.Profile{Language: api.Languages()[0]}}
	if err := u.apply(&acc); err != nil {
		return nil, err
	}
	err := h.cfg.Store.Tx(ctx, func(ctx context.Context) error {
		if err := h.cfg.Store.CreateAccount(ctx, acc); err != nil {
			return err
		}
		m := api.Member{Account: acc.ID, Organisation: s.Organisation, Role: s.provider.Role, Added: now}
		return errors.Join(h.cfg.Store.AddMember(ctx, m), h.record(ctx, s, "provisioning.created", acc.ID))
	})
	if errors.Is(err, api.ErrConflict) {
		err = api.Explain(err, "There is a user with this address.")
	}
	return h.view(acc, s.provider.Role), err
}

func (h *Handler) replaceUser(ctx context.Context, s scope, r *http.Request) (any, error) {
	var u user
	if err := decode(r, &u); err != nil {
		return nil, err
	}
	return h.change(ctx, s, r.PathValue("id"), func(acc *api.Account) error {
		if u.Active == nil {
			on := flag(true)
			u.Active = &on // RFC 7643, section 4.1.1, leaves it to us; a full picture without it is active
		}
		return u.apply(acc)
	})
}

// errOwner keeps a directory, and an administrator with it, from taking over an
// owner's account, and from leaving the organisation without one.
var errOwner = api.Explain(api.ErrForbidden, "Owners are made, changed and removed by owners alone.")

// change edits an account; switched off, its session ends at once.
func (h *Handler) change(ctx context.Context, s scope, id string, edit func(*api.Account) error) (any, error) {
	var acc api.Account
	var role api.Role
	err := h.cfg.Store.Tx(ctx, func(ctx context.Context) (err error) {
		if acc, role, err = h.find(ctx, s, id); err != nil {
			return err
		}
		before := acc
		if err := edit(&acc); err != nil {
			return err
		}
		if role == api.Owner && (acc.Email != before.Email || acc.State != before.State) {
			return errOwner
		}
		if err := h.cfg.Store.SaveAccount(ctx, acc); err != nil {
			return err
		}
		if acc.State == api.AccountBlocked {
			if err := h.endSession(ctx, id); err != nil {
				return err
			}
		}
		return h.record(ctx, s, "provisioning.changed", id)
	})
	return h.view(acc, role), err
}

func (h *Handler) endSession(ctx context.Context, account string) error {
	live, err := h.cfg.Store.LiveSession(ctx, account)
	if errors.Is(err, api.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	return h.cfg.Store.EndSession(ctx, live.ID, "provisioning", h.cfg.Clock.Now())
}

func (h *Handler) deleteUser(ctx context.Context, s scope, r *http.Request) (any, error) {
	id := r.PathValue("id")
	return nil, h.cfg.Store.Tx(ctx, func(ctx context.Context) error {
		_, role, err := h.find(ctx, s, id)
		if err != nil {
			return err
		}
		if role == api.Owner {
			return errOwner
		}
		return errors.Join(h.record(ctx, s, "provisioning.deleted", id), h.cfg.Store.DeleteAccount(ctx, id, "the organisation's directory"))
	})
}

// patch is a request of RFC 7644, section 3.5.2.
type patch struct {
	Operations []operation `json:"Operations"`
}

type operation struct {
	Op    string          `json:"op"`
	Path  string          `json:"path"`
	Value json.RawMessage `json:"value"`
}

const maxOperations = 100

func decodePatch(r *http.Request) (patch, error) {
	var p patch
	if err := decode(r, &p); err != nil {
		return p, err
	}
	if len(p.Operations) == 0 || len(p.Operations) > maxOperations {
		return p, api.Explain(api.ErrInvalid, "A patch has 1 to %d operations.", maxOperations)
	}
	return p, nil
}

func (h *Handler) patchUser(ctx context.Context, s scope, r *http.Request) (any, error) {
	p, err := decodePatch(r)
	if err != nil {
		return nil, err
	}
	return h.change(ctx, s, r.PathValue("id"), func(acc *api.Account) error {
		u := h.view(*acc, "")
		for _, o := range p.Operations {
			if err := u.patch(o); err != nil {
				return err
			}
		}
		return u.apply(acc)
	})
}

// patch does one operation. Without a path the value is an object of attributes.
func (u *user) patch(o operation) error {
	op := strings.ToLower(o.Op)
	if op != "add" && op != "replace" && op != "remove" {
		return api.Explain(api.ErrInvalid, "There is no operation %q.", o.Op)
	}
	if o.Path != "" {
		return u.set(o.Path, o.Value, op == "remove")
	}
	var all map[string]json.RawMessage
	if op == "remove" || json.Unmarshal(o.Value, &all) != nil {
		return api.Explain(api.ErrInvalid, "An operation without a path needs an object of values.")
	}
	for path, value := range all {
		if err := u.set(path, value, false); err != nil {
			return err
		}
	}
	return nil
}

// set changes one attribute. Attributes that we do not keep are let pass, as
// directories send all that they have.
func (u *user) set(path string, value json.RawMessage, remove bool) error {
	var to any
	path = strings.ToLower(strings.TrimPrefix(path, userSchema+":"))
	switch {
	case path == "active":
		to = &u.Active
	case path == "username":
		to, u.Emails = &u.UserName, nil
	case path == "displayname" || path == "name.formatted":
		to = &u.DisplayName
	case path == "externalid":
		to = &u.External
	case path == "preferredlanguage":
		to = &u.Language
	case path == "emails":
		to = &u.Emails
	case strings.HasPrefix(path, "emails[") && strings.HasSuffix(path, "].value"):
		u.Emails = []email{{Primary: true}}
		to = &u.Emails[0].Value
	default:
		return nil
	}
	if remove {
		if path == "active" || path == "username" || strings.HasPrefix(path, "emails") {
			return api.Explain(api.ErrInvalid, "%s cannot be removed.", path)
		}
		value = json.RawMessage(`""`)
	}
	if err := json.Unmarshal(value, to); err != nil {
		return api.Explain(api.ErrInvalid, "The value of %s is not what SCIM says.", path)
	}
	return nil
}
