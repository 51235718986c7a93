package scim

import (
	"context"
	"encoding/json"
	"net/http"
	"regexp"
	"slices"
	"strings"

	"inkwitness/api"
)

// group is a role with those who have it.
type group struct {
	Schemas     []string   `json:"schemas"`
	ID          string     `json:"id"`
	DisplayName string     `json:"displayName"`
	Members     []groupRef `json:"members"`
	Meta        meta       `json:"meta"`
}

// roles are those that a directory can give.
func roles() []api.Role {
	return slices.DeleteFunc(api.Roles(), func(r api.Role) bool { return !r.Member() || r == api.Owner })
}

func (h *Handler) group(role api.Role, all []api.Account, of map[string]api.Role) group {
	g := group{Schemas: []string{groupSchema}, ID: string(role), DisplayName: string(role), Members: []groupRef{},
		Meta: meta{Type: "Group", Location: h.cfg.URL + "/scim/v2/Groups/" + string(role)}}
	for _, a := range all {
		if of[a.ID] == role {
			g.Members = append(g.Members, groupRef{a.ID, a.Name})
		}
	}
	return g
}

func (h *Handler) listGroups(ctx context.Context, s scope, r *http.Request) (any, error) {
	attribute, value, err := equality(r.URL.Query().Get("filter"), "displayName", "id")
	if err != nil {
		return nil, err
	}
	all, of, err := h.all(ctx, s)
	if err != nil {
		return nil, err
	}
	var groups []group
	for _, role := range roles() {
		if attribute == "" || strings.EqualFold(string(role), value) {
			groups = append(groups, h.group(role, all, of))
		}
	}
	return page(r, groups)
}

func (h *Handler) getGroup(ctx context.Context, s scope, r *http.Request) (any, error) {
	role := api.Role(r.PathValue("id"))
	if !slices.Contains(roles(), role) {
		return nil, api.ErrNotFound
	}
	all, of, err := h.all(ctx, s)
	return h.group(role, all, of), err
}

// memberPath is how directories name one member to take away.
var memberPath = regexp.MustCompile(`^members\[value eq "([^"]+)"\]$`)

// patchGroup gives the role to those who are added; those who are removed get
// the role of newcomers.
func (h *Handler) patchGroup(ctx context.Context, s scope, r *http.Request) (any, error) {
	role := api.Role(r.PathValue("id"))
	if !slices.Contains(roles(), role) {
		return nil, api.ErrNotFound
	}
	p, err := decodePatch(r)
	if err != nil {
		return nil, err
	}
	return nil, h.cfg.Store.Tx(ctx, func(ctx context.Context) error {
		for _, o := range p.Operations {
			if err := h.patchMembers(ctx, s, role, o); err != nil {
				return err
			}
		}
		return nil
	})
}

func (h *Handler) patchMembers(ctx context.Context, s scope, role api.Role, o operation) error {
	all, of, err := h.all(ctx, s)
	if err != nil {
		return err
	}
	ids, err := members(o)
	if err != nil {
		return err
	}
	gets := map[string]api.Role{}
	op := strings.ToLower(o.Op)
	if op == "replace" {
		for id, has := range of {
			if has == role {
				gets[id] = s.provider.Role
			}
		}
	}
	for _, id := range ids {
		switch {
		case op == "add" || op == "replace":
			gets[id] = role
		case of[id] == role:
			gets[id] = s.provider.Role
		}
	}
	for id, role := range gets {
		if !slices.ContainsFunc(all, func(a api.Account) bool { return a.ID == id }) {
			if op == "replace" && of[id] != "" {
				continue // somebody who was invited: not the directory's
			}
			return api.Explain(api.ErrNotFound, "There is no user %q.", id)
		}
		if of[id] == api.Owner {
			return errOwner
		}
		if err := h.cfg.Store.SetRole(ctx, s.Organisation, id, role); err != nil {
			return err
		}
		if err := h.record(ctx, s, "provisioning.role", id); err != nil {
			return err
		}
	}
	return nil
}

// members reads whom an operation is about.
func members(o operation) (ids []string, err error) {
	if m := memberPath.FindStringSubmatch(o.Path); m != nil && strings.EqualFold(o.Op, "remove") {
		return m[1:], nil
	}
	var refs []groupRef
	switch {
	case strings.EqualFold(o.Path, "members"):
		err = json.Unmarshal(o.Value, &refs)
	case o.Path == "":
		var v struct{ Members []groupRef }
		err = json.Unmarshal(o.Value, &v)
		refs = v.Members
	default:
		return nil, api.Explain(api.ErrInvalid, "Only the members of a group can be changed.")
	}
	if err != nil || !slices.Contains([]string{"add", "replace", "remove"}, strings.ToLower(o.Op)) {
		return nil, api.Explain(api.ErrInvalid, "The operation is not what SCIM says.")
	}
	for _, r := range refs {
		ids = append(ids, r.Value)
	}
	return ids, nil
}
