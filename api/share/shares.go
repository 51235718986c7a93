package share

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"inkwitness/api"
)

// View is one account that a document is shared with.
type View struct {
	Account string    `json:"account"`
	Name    string    `json:"name"`
	Email   string    `json:"email"`
	Level   api.Level `json:"level" enum:"see,edit,use"`
	Since   time.Time `json:"since"`
}

func view(s api.Share) View { return View{s.Account, s.Name, s.Email, s.Level, s.Created} }

type listIn struct {
	ID string `path:"id" pattern:"^[0-9a-f]{32}$"`
}

type listOut struct {
	Body struct {
		Shares []View `json:"shares"`
	}
}

func (h *Handler) list(ctx context.Context, in *listIn) (*listOut, error) {
	d, err := h.load(ctx, in.ID, api.Sharing, api.DocumentObject)
	if err != nil {
		return nil, err
	}
	all, err := h.cfg.Store.SharesOf(ctx, d.ID)
	if err != nil {
		return nil, fmt.Errorf("list shares: %w", err)
	}
	out := &listOut{}
	out.Body.Shares = make([]View, 0, len(all))
	for _, s := range all {
		out.Body.Shares = append(out.Body.Shares, view(s))
	}
	return out, nil
}

type shareIn struct {
	ID   string `path:"id" pattern:"^[0-9a-f]{32}$"`
	Body struct {
		Email string    `json:"email" maxLength:"254" doc:"of a member of the organisation"`
		Level api.Level `json:"level" enum:"see,edit,use"`
	}
}

type shareOut struct{ Body View }

func (h *Handler) share(ctx context.Context, in *shareIn) (*shareOut, error) {
	d, err := h.load(ctx, in.ID, api.Sharing, api.DocumentObject)
	if err != nil {
		return nil, err
	}
	if err := h.hit(ctx, "shares", sharesAnHour); err != nil {
		return nil, err
	}
	members, err := h.cfg.Store.Members(ctx, d.Organisation)
	if err != nil {
		return nil, err
	}
	i := slices.IndexFunc(members, func(m api.Member) bool { return strings.EqualFold(m.Email, strings.TrimSpace(in.Body.Email)) })
	if i < 0 {
		return nil, api.Explain(api.ErrInvalid, "Nobody in your organisation has this address. Ask an owner or admin to invite them first.")
	}
	who := members[i]
	if who.Account == d.Owner {
		return nil, api.Explain(api.ErrInvalid, "The document belongs to this person already.")
	}
	s := api.Share{Document: d.ID, Organisation: d.Organisation, Account: who.Account, Level: in.Body.Level, By: api.IdentityOf(ctx).Account,
		Created: h.cfg.Clock.Now().UTC(), Name: who.Name, Email: who.Email}
	err = h.cfg.Store.Tx(ctx, func(ctx context.Context) error {
		before, err := h.cfg.Store.ShareLevel(ctx, d.ID, who.Account)
		if err != nil || before == s.Level {
			return err
		}
		if err := h.cfg.Store.SetShare(ctx, s); err != nil {
			return err
		}
		if before == "" {
			key := d.ID + ":" + s.Created.Format(time.RFC3339Nano)
			if err := h.tell(ctx, api.NoticeShared, s.Account, key, d); err != nil {
				return err
			}
		}
		return h.record(ctx, "document.shared", d, api.Detail{"with": s.Account, "level": string(s.Level)})
	})
	if err != nil {
		return nil, fmt.Errorf("share a document: %w", err)
	}
	return &shareOut{view(s)}, nil
}

type unshareIn struct {
	ID      string `path:"id" pattern:"^[0-9a-f]{32}$"`
	Account string `path:"account" maxLength:"64"`
}

func (h *Handler) unshare(ctx context.Context, in *unshareIn) (*struct{}, error) {
	d, err := h.load(ctx, in.ID, api.Sharing, api.DocumentObject)
	if err != nil {
		return nil, err
	}
	return nil, h.cfg.Store.Tx(ctx, func(ctx context.Context) error {
		if err := h.cfg.Store.DeleteShare(ctx, d.ID, in.Account); err != nil {
			return err
		}
		return h.record(ctx, "document.unshared", d, api.Detail{"with": in.Account})
	})
}
