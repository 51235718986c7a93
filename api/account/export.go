package account

import (
	"context"
	"time"

	"inkwitness/api"
)

type membershipBody struct {
	Organisation string    `json:"organisation"`
	Name         string    `json:"name"`
	Role         api.Role  `json:"role"`
	Added        time.Time `json:"addedAt"`
}

type exportOut struct {
	Disposition string `header:"Content-Disposition"`
	Body        struct {
		Made        time.Time        `json:"madeAt"`
		Profile     profileBody      `json:"profile"`
		Memberships []membershipBody `json:"memberships"`
		Acts        []eventBody      `json:"acts" doc:"what the record has of this account, the newest first"`
	}
}

// exportedActs bounds how much of the record goes into one answer.
const exportedActs = 10_000

// exportProfile gives the holder all that the service keeps about the account,
// but for secrets: hashes, keys and codes would help a thief alone.
func (h *Handler) exportProfile(ctx context.Context, _ *struct{}) (*exportOut, error) {
	id, err := allow(ctx, api.Export, api.ProfileObject, api.IdentityOf(ctx).Account)
	if err != nil {
		return nil, err
	}
	acc, err := h.cfg.Store.Account(ctx, id.Account)
	if err != nil {
		return nil, err
	}
	out := &exportOut{Disposition: `attachment; filename="inkwitness-account.json"`}
	out.Body.Made, out.Body.Profile = h.cfg.Clock.Now().UTC(), profileBody{acc.ID, acc.Created, acc.Profile}
	of, err := h.cfg.Store.Memberships(ctx, id.Account)
	if err != nil {
		return nil, err
	}
	out.Body.Memberships, out.Body.Acts = []membershipBody{}, []eventBody{}
	for _, m := range of {
		o, err := h.cfg.Store.Organisation(ctx, m.Organisation)
		if err != nil {
			return nil, err
		}
		out.Body.Memberships = append(out.Body.Memberships, membershipBody{o.ID, o.Name, m.Role, m.Added})
	}
	acts, err := h.cfg.Store.AuditOf(ctx, id.Account, exportedActs)
	if err != nil {
		return nil, err
	}
	for _, e := range acts {
		out.Body.Acts = append(out.Body.Acts, viewEvent(e))
	}
	return out, nil
}
