package server

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"time"

	"inkwitness/api"
	"inkwitness/api/store"
	"inkwitness/capture"
)

// firstOrganisation is the ID of the organisation of the first owner, so that a
// second start without an account finds it again.
const firstOrganisation = "00000000000000000000000000000001"

// invitationLife is how long an invitation made by the operator works.
const invitationLife = 7 * 24 * time.Hour

// FirstInvitation returns a link that makes the first owner, or nothing when
// there is an account already. Links of earlier starts end.
func (s *Server) FirstInvitation(ctx context.Context) (string, error) {
	if any, err := s.accounts.AnyAccount(ctx); err != nil || any {
		return "", err
	}
	_, err := s.accounts.Organisation(ctx, firstOrganisation)
	if errors.Is(err, api.ErrNotFound) {
		err = s.accounts.CreateOrganisation(ctx, api.Organisation{ID: firstOrganisation, Created: s.clock.Now().UTC(), Name: "Inkwitness"})
	}
	if err != nil {
		return "", fmt.Errorf("make the first organisation: %w", err)
	}
	earlier, err := s.accounts.Invitations(ctx, firstOrganisation)
	if err != nil {
		return "", err
	}
	for _, i := range earlier {
		if err := s.accounts.RevokeInvitation(ctx, i.ID, s.clock.Now().UTC()); err != nil && !errors.Is(err, api.ErrExpired) {
			return "", err
		}
	}
	return makeInvitation(ctx, s.accounts, s.clock, s.cfg.PublicURL, api.Invitation{Organisation: firstOrganisation, Role: api.Owner})
}

// Invite makes an invitation from the command line. Without an organisation it
// is for that of the first owner.
func Invite(ctx context.Context, cfg Config, organisation, role, email, language string) (string, error) {
	if !api.Role(role).Member() && api.Role(role) != api.Staff {
		return "", fmt.Errorf("there is no role %q", role)
	}
	if !slices.Contains(api.Languages(), language) {
		return "", fmt.Errorf("there are no texts in %q", language)
	}
	if err := cfg.exists(); err != nil {
		return "", err
	}
	accounts, cfg, err := openAccounts(ctx, cfg.reached())
	if err != nil {
		return "", err
	}
	defer accounts.Close()
	switch {
	case api.Role(role) == api.Staff && organisation != "":
		return "", fmt.Errorf("people of the operator belong to no customer: leave --organisation out")
	case api.Role(role) == api.Staff:
		if err := ensureOperator(ctx, accounts); err != nil {
			return "", fmt.Errorf("make the operator's organisation: %w", err)
		}
		organisation = operatorOrganisation
	case organisation == "":
		organisation = firstOrganisation
	}
	if _, err := accounts.Organisation(ctx, organisation); err != nil {
		return "", fmt.Errorf("find organisation %s: %w", organisation, err)
	}
	return makeInvitation(ctx, accounts, wallClock{}, cfg.PublicURL, api.Invitation{Organisation: organisation, Role: api.Role(role), Email: email, Language: language})
}

// makeInvitation stores an invitation and returns its link. The secret stands in
// the link's fragment, which no log sees.
func makeInvitation(ctx context.Context, accounts *store.Accounts, clock capture.Clock, url string, i api.Invitation) (string, error) {
	var b [32]byte
	rand.Read(b[:]) // never fails, see crypto/rand
	token := base64.RawURLEncoding.EncodeToString(b[:])
	i.ID, i.Created = api.NewID(), clock.Now().UTC()
	i.Expires = i.Created.Add(invitationLife)
	if err := accounts.CreateInvitation(ctx, i, sha256.Sum256([]byte(token))); err != nil {
		return "", fmt.Errorf("store the invitation: %w", err)
	}
	return url + "/#invitation=" + token, nil
}
