package server

import (
	"context"
	"fmt"
	"regexp"
	"time"

	"inkwitness/api"
	"inkwitness/api/ceremony"
)

// owners is signing.Owners on the mail and audit tables.
type owners struct{ *Server }

const (
	linksShown  = 5 // refusals of one link that the record tells of in an hour
	requestsDay = 5 // requests of one signer that go out in a day
)

// LinkRefused implements signing.Owners.
func (o owners) LinkRefused(ctx context.Context, d *ceremony.Document, signer string) error {
	now := o.clock.Now()
	n, _, err := o.accounts.Hit(ctx, "links shown", d.ID+" "+signer, time.Hour, now)
	if err != nil || n > linksShown {
		return err
	}
	client := api.ClientOf(ctx)
	return o.record(ctx, api.Event{At: now, Kind: "link.refused", Organisation: d.Organisation, Object: chain(d.ID), Chain: chain(d.ID),
		Detail: api.Detail{"signer": signer, "address": client.Address, "browser": client.Browser}})
}

// ProofRefused implements signing.Owners. How many there can be is bounded by the limits
// of tries.
func (o owners) ProofRefused(ctx context.Context, d *ceremony.Document, signer string, way ceremony.Way) error {
	client := api.ClientOf(ctx)
	return o.record(ctx, api.Event{At: o.clock.Now(), Kind: "signer.unproved", Organisation: d.Organisation, Object: chain(d.ID), Chain: chain(d.ID),
		Detail: api.Detail{"signer": signer, "detail": string(way), "address": client.Address, "browser": client.Browser}})
}

// mailbox finds an address in how an organisation names its controller.
var mailbox = regexp.MustCompile(`[^\s<>(),;:"]+@[^\s<>(),;:"]+\.[^\s<>(),;:".]+`)

// AskController implements signing.Owners. A request goes to the address that the
// organisation names, or else to its owners.
func (o owners) AskController(ctx context.Context, d *ceremony.Document, signer *ceremony.Signer, text string) error {
	now := o.clock.Now()
	n, ends, err := o.accounts.Hit(ctx, "data requests", d.ID+" "+signer.ID, 24*time.Hour, now)
	if err != nil {
		return fmt.Errorf("limit data requests: %w: %w", api.ErrUnavailable, err)
	}
	if n > requestsDay {
		return &api.Explained{Detail: "Your requests are on their way. Wait for an answer before you send another.", Retry: ends.Sub(now), Err: api.ErrTooMany}
	}
	to, err := o.controllers(ctx, d.Organisation)
	if err != nil {
		return fmt.Errorf("find who is responsible: %w", err)
	}
	key := api.NewID()
	return o.accounts.Tx(ctx, func(ctx context.Context) error {
		for _, a := range to {
			notice := api.Notice{Kind: api.NoticeDataRequest, To: a.Email, Language: a.Language, Organisation: d.Organisation, Account: d.Owner, Link: "/#/documents/" + d.ID,
				Values: map[string]string{"signer": signer.Name, "address": signer.Email, "text": text}, Key: "data-request:" + key}
			if err := o.post.Notify(ctx, notice); err != nil {
				return err
			}
		}
		return o.record(ctx, api.Event{At: now, Kind: "data.asked", Organisation: d.Organisation, Object: chain(d.ID), Chain: chain(d.ID), Detail: api.Detail{"signer": signer.ID}})
	})
}

// controllers are the mailboxes that requests about data go to.
func (o owners) controllers(ctx context.Context, organisation string) (to []api.Profile, err error) {
	org, err := o.accounts.Organisation(ctx, organisation)
	if err != nil {
		return nil, err
	}
	members, err := o.accounts.Members(ctx, organisation)
	if err != nil {
		return nil, err
	}
	for _, m := range members {
		if m.Role != api.Owner {
			continue
		}
		a, err := o.accounts.Account(ctx, m.Account)
		if err != nil {
			return nil, err
		}
		to = append(to, a.Profile)
	}
	if named := mailbox.FindString(org.Controller); named != "" {
		language := api.Languages()[0]
		if len(to) > 0 {
			language = to[0].Language
		}
		to = []api.Profile{{Email: named, Language: language}}
	}
	return to, nil
}
