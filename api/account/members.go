package account

import (
	"context"
	"errors"
	"slices"
	"time"

	"inkwitness/api"
)

func (h *Handler) mountMembers(a *api.API) {
	const tag = "members"
	api.Register(a, api.Route{Method: "GET", Path: "/api/members", ID: "listMembers", Tag: tag}, h.listMembers)
	api.Register(a, api.Route{Method: "PATCH", Path: "/api/members/{account}", ID: "changeRole", Tag: tag, Status: 204}, h.changeRole)
	api.Register(a, api.Route{Method: "DELETE", Path: "/api/members/{account}", ID: "removeMember", Tag: tag, Status: 204}, h.removeMember)
	api.Register(a, api.Route{Method: "GET", Path: "/api/members/invitations", ID: "listInvitations", Tag: tag}, h.listInvitations)
	api.Register(a, api.Route{Method: "POST", Path: "/api/members/invitations", ID: "invite", Tag: tag, Status: 201,
		Summary: "Invite somebody to the organisation; the link is mailed"}, h.invite)
	api.Register(a, api.Route{Method: "DELETE", Path: "/api/members/invitations/{id}", ID: "revokeInvitation", Tag: tag, Status: 204}, h.revoke)
}

type membersOut struct {
	Body struct {
		Members []memberBody `json:"members"`
	}
}

type memberBody struct {
	Account string    `json:"account"`
	Name    string    `json:"name"`
	Email   string    `json:"email"`
	Role    api.Role  `json:"role"`
	Added   time.Time `json:"addedAt"`
}

func (h *Handler) listMembers(ctx context.Context, _ *struct{}) (*membersOut, error) {
	id, err := allow(ctx, api.List, api.MemberObject, "")
	if err != nil {
		return nil, err
	}
	all, err := h.cfg.Store.Members(ctx, id.Organisation)
	if err != nil {
		return nil, err
	}
	out := &membersOut{}
	out.Body.Members = make([]memberBody, 0, len(all))
	for _, m := range all {
		out.Body.Members = append(out.Body.Members, memberBody{m.Account, m.Name, m.Email, m.Role, m.Added})
	}
	return out, nil
}

type roleIn struct {
	Account string `path:"account" maxLength:"64"`
	Body    struct {
		Role api.Role `json:"role" enum:"owner,admin,manager,sender,reviewer,investigator,auditor"`
	}
}

// mayGive: only an owner makes or unmakes owners.
func mayGive(id api.Identity, roles ...api.Role) error {
	if id.Role != api.Owner && slices.Contains(roles, api.Owner) {
		return api.Explain(api.ErrForbidden, "Only an owner can make, change or remove an owner.")
	}
	return nil
}

func (h *Handler) changeRole(ctx context.Context, in *roleIn) (*struct{}, error) {
	return nil, h.changeMember(ctx, api.Update, in.Account, "member.role", api.Detail{"role": string(in.Body.Role)}, in.Body.Role,
		func(ctx context.Context, organisation string) error {
			return h.cfg.Store.SetRole(ctx, organisation, in.Account, in.Body.Role)
		})
}

type memberIn struct {
	Account string `path:"account" maxLength:"64"`
}

// removeMember also ends the member's session, so that nothing more is read.
func (h *Handler) removeMember(ctx context.Context, in *memberIn) (*struct{}, error) {
	return nil, h.changeMember(ctx, api.Delete, in.Account, "member.removed", nil, "", func(ctx context.Context, organisation string) error {
		if err := h.cfg.Store.RemoveMember(ctx, organisation, in.Account); err != nil {
			return err
		}
		live, err := h.cfg.Store.LiveSession(ctx, in.Account)
		if errors.Is(err, api.ErrNotFound) || err == nil && live.Organisation != organisation {
			return nil
		}
		return errors.Join(err, h.cfg.Store.EndSession(ctx, live.ID, "member-removed", h.cfg.Clock.Now()))
	})
}

// changeMember checks that the asker may, and that an owner stays; then it makes
// the change and a line in the record.
func (h *Handler) changeMember(ctx context.Context, action api.Action, account, kind string, detail api.Detail, role api.Role,
	change func(ctx context.Context, organisation string) error) error {
	id, err := allow(ctx, action, api.MemberObject, account)
	if err != nil {
		return err
	}
	return h.cfg.Store.Tx(ctx, func(ctx context.Context) error {
		all, err := h.cfg.Store.Members(ctx, id.Organisation)
		if err != nil {
			return err
		}
		i := slices.IndexFunc(all, func(m api.Member) bool { return m.Account == account })
		if i < 0 {
			return api.ErrNotFound
		}
		if err := mayGive(id, all[i].Role, role); err != nil {
			return err
		}
		if role != api.Owner {
			if err := h.keepOwner(ctx, id.Organisation, account); err != nil {
				return err
			}
		}
		if err := change(ctx, id.Organisation); err != nil {
			return err
		}
		return h.record(ctx, kind, "account:"+account, detail)
	})
}

// keepOwner refuses when an organisation would be left without an owner.
func (h *Handler) keepOwner(ctx context.Context, organisation, without string) error {
	all, err := h.cfg.Store.Members(ctx, organisation)
	if err != nil {
		return err
	}
	for _, m := range all {
		if m.Role == api.Owner && m.Account != without {
			return nil
		}
	}
	return api.Explain(api.ErrConflict, "An organisation needs an owner. Make somebody else owner first.")
}

type invitationsOut struct {
	Body struct {
		Invitations []invitationBody `json:"invitations"`
	}
}

type invitationBody struct {
	ID      string    `json:"id"`
	Email   string    `json:"email"`
	Role    api.Role  `json:"role"`
	Created time.Time `json:"createdAt"`
	Expires time.Time `json:"expiresAt"`
	State   string    `json:"state" enum:"live,used,revoked,expired"`
}

func (h *Handler) body(i api.Invitation) invitationBody {
	state := "live"
	switch {
	case !i.Used.IsZero():
		state = "used"
	case !i.Revoked.IsZero():
		state = "revoked"
	case !h.cfg.Clock.Now().Before(i.Expires):
		state = "expired"
	}
	return invitationBody{i.ID, i.Email, i.Role, i.Created, i.Expires, state}
}

func (h *Handler) listInvitations(ctx context.Context, _ *struct{}) (*invitationsOut, error) {
	id, err := allow(ctx, api.List, api.InvitationObject, "")
	if err != nil {
		return nil, err
	}
	all, err := h.cfg.Store.Invitations(ctx, id.Organisation)
	if err != nil {
		return nil, err
	}
	out := &invitationsOut{}
	out.Body.Invitations = make([]invitationBody, 0, len(all))
	for _, i := range all {
		out.Body.Invitations = append(out.Body.Invitations, h.body(i))
	}
	return out, nil
}

type inviteIn struct {
	Body struct {
		Email    string   `json:"email" maxLength:"254"`
		Role     api.Role `json:"role" enum:"owner,admin,manager,sender,reviewer,investigator,auditor"`
		Language string   `json:"language,omitempty" enum:"en,fr,zh-Hant,zh-Hans"`
	}
}

type inviteOut struct{ Body invitationBody }

func (h *Handler) invite(ctx context.Context, in *inviteIn) (*inviteOut, error) {
	id, err := allow(ctx, api.Create, api.InvitationObject, "")
	if err != nil {
		return nil, err
	}
	if err := errors.Join(mayGive(id, in.Body.Role), h.hit(ctx, "invitations", 50, time.Hour)); err != nil {
		return nil, err
	}
	email, err := address(in.Body.Email)
	if err != nil {
		return nil, err
	}
	org, err := h.cfg.Store.Organisation(ctx, id.Organisation)
	if err != nil {
		return nil, err
	}
	now := h.cfg.Clock.Now()
	secret, hash := newSecret()
	i := api.Invitation{ID: api.NewID(), Organisation: org.ID, Role: in.Body.Role, Email: email, Language: in.Body.Language,
		InvitedBy: id.Account, Created: now, Expires: now.Add(api.InvitationLife)}
	err = h.cfg.Store.Tx(ctx, func(ctx context.Context) error {
		if err := h.cfg.Store.CreateInvitation(ctx, i, hash); err != nil {
			return err
		}
		if err := h.record(ctx, "invitation.created", "invitation:"+i.ID, api.Detail{"role": string(i.Role)}); err != nil {
			return err
		}
		return h.cfg.Notices.Notify(ctx, api.Notice{Kind: api.NoticeMember, To: email, Language: i.Language, Organisation: org.ID, Account: id.Account,
			Link: "/#invitation=" + secret, Values: map[string]string{"organisation": org.Name}, Key: "member:" + i.ID})
	})
	return &inviteOut{h.body(i)}, err
}

type idIn struct {
	ID string `path:"id" maxLength:"64"`
}

func (h *Handler) revoke(ctx context.Context, in *idIn) (*struct{}, error) {
	id, err := allow(ctx, api.Delete, api.InvitationObject, "")
	if err != nil {
		return nil, err
	}
	return nil, h.cfg.Store.Tx(ctx, func(ctx context.Context) error {
		all, err := h.cfg.Store.Invitations(ctx, id.Organisation)
		if err != nil {
			return err
		}
		if !slices.ContainsFunc(all, func(i api.Invitation) bool { return i.ID == in.ID }) {
			return api.ErrNotFound // of another organisation, or of none
		}
		if err := h.cfg.Store.RevokeInvitation(ctx, in.ID, h.cfg.Clock.Now()); err != nil {
			return err
		}
		return h.record(ctx, "invitation.revoked", "invitation:"+in.ID, nil)
	})
}
