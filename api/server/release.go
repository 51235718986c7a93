package server

import (
	"context"
	"fmt"
	"strings"
	"time"

	"inkwitness/api"
)

// releaseLife is how long the parts of a file belong to one download.
const releaseLife = time.Hour

// Released implements api.Releases. The first word of the event's detail says how the
// file left: in a session, with an API key, whose name follows, by a signer's link, or
// by a grant to the operator's staff.
func (s *Server) Released(ctx context.Context, r api.Release, part bool) error {
	id, client, now := api.IdentityOf(ctx), api.ClientOf(ctx), s.clock.Now()
	how := "session"
	switch {
	case id.Key != "":
		how = "key " + id.KeyName
	case id.Role == api.Signer:
		how = "link"
	case id.Role == api.Staff:
		how = "staff"
	}
	detail := api.Detail{"detail": how, "address": client.Address, "browser": client.Browser}
	if id.Signer != "" {
		detail["signer"] = id.Signer
	}
	download := strings.Join([]string{id.Subject(), client.Address, r.Kind, r.Document, r.Object.SHA256.String()}, " ")
	err := s.accounts.Tx(ctx, func(ctx context.Context) error {
		n, _, err := s.accounts.Hit(ctx, "releases", download, releaseLife, now)
		if err != nil || part && n > 1 {
			return err
		}
		return s.record(ctx, api.Event{At: now, Kind: r.Kind, Organisation: r.Organisation, Account: id.Account, Object: chain(r.Document), Chain: chain(r.Document), Detail: detail})
	})
	if err != nil {
		return fmt.Errorf("write down what leaves: %w: %w", api.ErrUnavailable, err)
	}
	return nil
}
