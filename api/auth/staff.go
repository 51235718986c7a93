package auth

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"time"

	"inkwitness/api"
)

// Staff keeps by which grants people of the operator read what an organisation
// has, and the words of confidentiality that they accepted. What is missing is
// api.ErrNotFound.
type Staff interface {
	LiveStaffGrant(ctx context.Context, organisation, account string, now time.Time) (api.StaffGrant, error)
	AcceptTerms(ctx context.Context, account string, hash [32]byte, now time.Time) error
	AcceptedTerms(ctx context.Context, account string, hash [32]byte) (time.Time, error)
}

// terms are the words of confidentiality. Changing them asks everybody again.
const terms = `I read data of a customer only for the reason that its grant names, and only as far as that needs.
I tell nobody what I have read, also after I leave. I copy nothing out of the service.
I know that each of my requests is recorded and that the customer sees the record.`

var termsHash = sha256.Sum256([]byte(terms))

func (h *Handler) mountStaff(a *api.API) {
	const tag = "staff"
	api.Register(a, api.Route{Method: "GET", Path: "/api/staff/terms", ID: "getTerms", Tag: tag, Summary: "The words of confidentiality"}, h.getTerms)
	api.Register(a, api.Route{Method: "POST", Path: "/api/staff/terms", ID: "acceptTerms", Tag: tag, Status: 204, Summary: "Accept them"}, h.acceptTerms)
}

type termsOut struct {
	Body struct {
		Text     string     `json:"text"`
		Hash     string     `json:"hash"`
		Accepted *time.Time `json:"acceptedAt,omitempty"`
	}
}

func (h *Handler) getTerms(ctx context.Context, _ *struct{}) (*termsOut, error) {
	id := api.IdentityOf(ctx)
	if id.Role != api.Staff {
		return nil, api.ErrForbidden
	}
	out := &termsOut{}
	out.Body.Text, out.Body.Hash = terms, fmt.Sprintf("%x", termsHash)
	at, err := h.cfg.Store.AcceptedTerms(ctx, id.Account, termsHash)
	if err == nil {
		out.Body.Accepted = &at
	} else if !errors.Is(err, api.ErrNotFound) {
		return nil, err
	}
	return out, nil
}

type termsIn struct {
	Body struct {
		Hash string `json:"hash" maxLength:"64" doc:"of the text that was read"`
	}
}

func (h *Handler) acceptTerms(ctx context.Context, in *termsIn) (*struct{}, error) {
	id := api.IdentityOf(ctx)
	if id.Role != api.Staff {
		return nil, api.ErrForbidden
	}
	if in.Body.Hash != fmt.Sprintf("%x", termsHash) {
		return nil, api.Explain(api.ErrConflict, "The text has changed. Read it again.")
	}
	return nil, h.cfg.Store.Tx(ctx, func(ctx context.Context) error {
		if err := h.cfg.Store.AcceptTerms(ctx, id.Account, termsHash, h.cfg.Clock.Now()); err != nil {
			return err
		}
		return h.record(ctx, "staff.terms", id.Account, id.Organisation, api.Detail{"hash": in.Body.Hash})
	})
}

// grant returns the grant by which somebody of the operator may read an
// organisation now; api.ErrNotFound when there is none.
func (h *Handler) grant(ctx context.Context, organisation, account string) (api.StaffGrant, error) {
	members, err := h.cfg.Store.Memberships(ctx, account)
	if err != nil {
		return api.StaffGrant{}, err
	}
	staff := false
	for _, m := range members {
		staff = staff || m.Role == api.Staff
	}
	if !staff {
		return api.StaffGrant{}, api.ErrNotFound
	}
	g, err := h.cfg.Store.LiveStaffGrant(ctx, organisation, account, h.cfg.Clock.Now())
	if err != nil {
		return g, err
	}
	_, err = h.cfg.Store.AcceptedTerms(ctx, account, termsHash)
	if errors.Is(err, api.ErrNotFound) {
		return g, api.Explain(api.ErrForbidden, "Accept the words of confidentiality first.")
	}
	return g, err
}

// visit makes a staff session read a customer's organisation, on the record.
func (h *Handler) visit(ctx context.Context, id api.Identity, organisation string) error {
	s, err := h.cfg.Store.LiveSession(ctx, id.Account)
	if err != nil {
		return err
	}
	if !s.SecondFactor {
		return api.Explain(api.ErrForbidden, "Staff needs a second factor. Add one, or sign in with it.")
	}
	g, err := h.grant(ctx, organisation, id.Account)
	if err != nil {
		return err
	}
	return h.cfg.Store.Tx(ctx, func(ctx context.Context) error {
		if err := h.cfg.Store.MoveSession(ctx, id.Session, organisation); err != nil {
			return err
		}
		return h.record(ctx, "staff.entered", id.Account, organisation, api.Detail{"grant": g.ID, "reason": g.Reason})
	})
}

// visiting gives a session in a customer's organisation its role while the grant
// lasts, and records the request where the customer sees it.
func (h *Handler) visiting(ctx context.Context, s api.Session) (api.Role, error) {
	if !s.SecondFactor {
		return "", nil
	}
	g, err := h.grant(ctx, s.Organisation, s.Account)
	if errors.Is(err, api.ErrNotFound) || errors.Is(err, api.ErrForbidden) {
		return "", nil
	}
	if err != nil {
		return "", fmt.Errorf("staff grant: %w", err)
	}
	err = h.record(ctx, "staff.request", s.Account, s.Organisation, api.Detail{"grant": g.ID, "route": api.RouteOf(ctx)})
	return api.Staff, err
}
