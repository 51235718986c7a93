package account

import (
	"context"
	"errors"
	"slices"
	"time"

	"inkwitness/api"
)

// Grants are by which people of the operator read what an organisation has.
// EndStaffGrant is api.ErrNotFound for one that is not in force.
type Grants interface {
	AccountByEmail(ctx context.Context, email string) (api.Account, error)
	AddStaffGrant(ctx context.Context, g api.StaffGrant) error
	StaffGrants(ctx context.Context, organisation string) ([]api.StaffGrant, error)
	EndStaffGrant(ctx context.Context, organisation, id string, now time.Time) error
}

func (h *Handler) mountGrants(a *api.API) {
	const tag = "grants"
	api.Register(a, api.Route{Method: "POST", Path: "/api/grants", ID: "grantStaff", Tag: tag, Status: 201,
		Summary: "Let somebody of the operator read, for a reason and some hours"}, h.grantStaff)
	api.Register(a, api.Route{Method: "GET", Path: "/api/grants", ID: "listGrants", Tag: tag}, h.listGrants)
	api.Register(a, api.Route{Method: "DELETE", Path: "/api/grants/{id}", ID: "endGrant", Tag: tag, Status: 204}, h.endGrant)
}

type grantIn struct {
	Body struct {
		Email  string `json:"email" maxLength:"254" doc:"of the operator's person"`
		Reason string `json:"reason" minLength:"5" maxLength:"500"`
		Hours  int    `json:"hours" minimum:"1" maximum:"72"`
	}
}

type grantBody struct {
	ID      string     `json:"id"`
	Account string     `json:"account"`
	By      string     `json:"grantedBy"`
	Reason  string     `json:"reason"`
	Created time.Time  `json:"createdAt"`
	Expires time.Time  `json:"expiresAt"`
	Ended   *time.Time `json:"endedAt,omitempty"`
	Live    bool       `json:"live"`
}

type grantOut struct{ Body grantBody }

type grantsOut struct {
	Body struct {
		Grants []grantBody `json:"grants"`
	}
}

func (h *Handler) viewGrant(g api.StaffGrant) grantBody {
	b := grantBody{ID: g.ID, Account: g.Account, By: g.GrantedBy, Reason: g.Reason, Created: g.Created, Expires: g.Expires,
		Live: g.Ended.IsZero() && h.cfg.Clock.Now().Before(g.Expires)}
	if !g.Ended.IsZero() {
		b.Ended = &g.Ended
	}
	return b
}

func (h *Handler) grantStaff(ctx context.Context, in *grantIn) (*grantOut, error) {
	id, err := allow(ctx, api.Create, api.GrantObject, "")
	if err != nil {
		return nil, err
	}
	staff, err := h.staffByEmail(ctx, in.Body.Email)
	if err != nil {
		return nil, err
	}
	now := h.cfg.Clock.Now()
	g := api.StaffGrant{ID: api.NewID(), Organisation: id.Organisation, Account: staff.ID, GrantedBy: id.Account, Reason: in.Body.Reason,
		Created: now, Expires: now.Add(time.Duration(in.Body.Hours) * time.Hour)}
	err = h.cfg.Store.Tx(ctx, func(ctx context.Context) error {
		if err := h.cfg.Store.AddStaffGrant(ctx, g); err != nil {
			return err
		}
		return h.record(ctx, "grant.created", "grant:"+g.ID, api.Detail{"reason": g.Reason})
	})
	return &grantOut{h.viewGrant(g)}, err
}

// staffByEmail finds a person of the operator, and nobody else.
func (h *Handler) staffByEmail(ctx context.Context, email string) (api.Account, error) {
	acc, err := h.cfg.Store.AccountByEmail(ctx, email)
	if err == nil {
		var of []api.Member
		of, err = h.cfg.Store.Memberships(ctx, acc.ID)
		if err == nil && !slices.ContainsFunc(of, func(m api.Member) bool { return m.Role == api.Staff }) {
			err = api.ErrNotFound
		}
	}
	if errors.Is(err, api.ErrNotFound) {
		return acc, api.Explain(api.ErrInvalid, "There is nobody of the operator with this address.")
	}
	return acc, err
}

func (h *Handler) listGrants(ctx context.Context, _ *struct{}) (*grantsOut, error) {
	id, err := allow(ctx, api.List, api.GrantObject, "")
	if err != nil {
		return nil, err
	}
	all, err := h.cfg.Store.StaffGrants(ctx, id.Organisation)
	if err != nil {
		return nil, err
	}
	out := &grantsOut{}
	out.Body.Grants = make([]grantBody, 0, len(all))
	for _, g := range all {
		out.Body.Grants = append(out.Body.Grants, h.viewGrant(g))
	}
	return out, nil
}

func (h *Handler) endGrant(ctx context.Context, in *idIn) (*struct{}, error) {
	id, err := allow(ctx, api.Delete, api.GrantObject, "")
	if err != nil {
		return nil, err
	}
	return nil, h.cfg.Store.Tx(ctx, func(ctx context.Context) error {
		if err := h.cfg.Store.EndStaffGrant(ctx, id.Organisation, in.ID, h.cfg.Clock.Now()); err != nil {
			return err
		}
		return h.record(ctx, "grant.ended", "grant:"+in.ID, nil)
	})
}
