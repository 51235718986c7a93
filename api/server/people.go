package server

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"time"

	"inkwitness/api"
	"inkwitness/api/ceremony"
	"inkwitness/api/document"
	"inkwitness/capture"
)

// SenderName implements signing.Names: the sender's name and organisation, as
// far as there are any.
func (s *Server) SenderName(ctx context.Context, organisation, account string) (string, error) {
	sender, err := s.accounts.Account(ctx, account)
	if err != nil {
		return "", fmt.Errorf("find the sender: %w", err)
	}
	return nameOf(sender), nil
}

// ControllerName implements signing.Names.
func (s *Server) ControllerName(ctx context.Context, organisation string) (string, error) {
	o, err := s.accounts.Organisation(ctx, organisation)
	if err != nil {
		return "", fmt.Errorf("find the organisation: %w", err)
	}
	return cmp.Or(o.Controller, o.Name), nil
}

// nameOf is how others are told of an account.
func nameOf(a api.Account) string {
	if a.Name != "" {
		return a.Name
	}
	return a.Email
}

// record adds a line to the audit record and tells the webhooks that want it.
func (s *Server) record(ctx context.Context, e api.Event) error {
	if err := s.accounts.AppendAudit(ctx, e); err != nil {
		return err
	}
	return s.programs.Publish(ctx, e, api.NewID())
}

// refusalsShown is how many refusals of one account at one route the record tells
// of in an hour: it says what is going on, and cannot be flooded.
const refusalsShown = 5

// refused writes down where the owner sees it that somebody was refused.
func (s *Server) refused(ctx context.Context, id api.Identity, r *api.Refusal) error {
	now, route := s.clock.Now(), api.RouteOf(ctx)
	n, _, err := s.accounts.Hit(ctx, "refusals shown", id.Account+" "+route, time.Hour, now)
	if err != nil || n > refusalsShown {
		return err
	}
	client := api.ClientOf(ctx)
	return s.accounts.AppendAudit(ctx, api.Event{At: now, Kind: "access.refused", Organisation: id.Organisation, Account: id.Account, Object: "account:" + id.Account,
		Detail: api.Detail{"route": route, "wanted": string(r.Action) + " " + string(r.Kind), "role": string(id.Role), "address": client.Address, "browser": client.Browser}})
}

// records is dispute.Records on the mail and audit tables.
type records struct{ *Server }

func (r records) Notify(ctx context.Context, n api.Notice) error { return r.post.Notify(ctx, n) }

func (r records) Record(ctx context.Context, e api.Event) error { return r.record(ctx, e) }

func (r records) Chain(ctx context.Context, chain string) ([]api.Event, error) {
	return r.accounts.AuditChain(ctx, chain)
}

// chain is the audit chain of one document; it goes into the deposit.
func chain(document string) string { return "document:" + document }

// Activity implements document.Activities.
func (s *Server) Activity(ctx context.Context, organisation, id string) ([]document.Activity, error) {
	events, err := s.accounts.AuditChain(ctx, chain(id))
	if err != nil {
		return nil, err
	}
	names := map[string]string{}
	out := make([]document.Activity, 0, len(events))
	for _, e := range events {
		out = append(out, document.Activity{At: e.At, Kind: e.Kind, Account: e.Account, Who: s.actor(ctx, e.Account, names), Signer: e.Detail["signer"], Detail: e.Detail["detail"]})
	}
	return out, nil
}

// actor names an account once; one that was erased has no name.
func (s *Server) actor(ctx context.Context, account string, names map[string]string) string {
	if account == "" {
		return ""
	}
	if _, known := names[account]; !known {
		a, err := s.accounts.Account(ctx, account)
		if err != nil {
			a.Name = ""
		}
		names[account] = a.Name
	}
	return names[account]
}

// called is account.Documents.
type called struct{ ceremony.Documents }

func (c called) Called(ctx context.Context, id string) (string, map[string]string, error) {
	d, err := c.Document(ctx, id)
	if err != nil {
		return "", nil, err
	}
	signers := make(map[string]string, len(d.Signers))
	for _, s := range d.Signers {
		signers[s.ID] = s.Name
	}
	return d.Title, signers, nil
}

// history is the audit chain of a document as it goes into the deposit.
func (s *Server) history(ctx context.Context, d *ceremony.Document) ([]json.RawMessage, error) {
	events, err := s.accounts.AuditChain(ctx, chain(d.ID))
	if err != nil {
		return nil, err
	}
	lines := make([]json.RawMessage, 0, len(events))
	for _, e := range events {
		who := e.Account
		if who == "" {
			who = e.Detail["signer"]
		}
		line, err := json.Marshal(struct {
			What   string    `json:"what"`
			Who    string    `json:"who,omitempty"`
			When   time.Time `json:"when"`
			Detail string    `json:"detail,omitempty"`
		}{e.Kind, who, e.At.UTC(), e.Detail["detail"]})
		if err != nil {
			return nil, err
		}
		lines = append(lines, line)
	}
	return lines, nil
}

// handwriting is the confirmed pen stream of a signer.
type handwriting = capture.Signature

// origin is the log's name: the service's address without a scheme.
func origin(publicURL string) string {
	for i := range publicURL {
		if len(publicURL[i:]) > 3 && publicURL[i:i+3] == "://" {
			return publicURL[i+3:] + "/log"
		}
	}
	return publicURL + "/log"
}
