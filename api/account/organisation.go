package account

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"inkwitness/api"
)

func (h *Handler) mountOrganisation(a *api.API) {
	const tag = "organisation"
	api.Register(a, api.Route{Method: "GET", Path: "/api/organisation", ID: "getOrganisation", Tag: tag}, h.getOrganisation)
	api.Register(a, api.Route{Method: "PATCH", Path: "/api/organisation", ID: "changeOrganisation", Tag: tag,
		Summary: "Change its name, the data controller, or whether members need a second factor"}, h.changeOrganisation)
	api.Register(a, api.Route{Method: "GET", Path: "/api/outbox", ID: "getOutbox", Tag: tag,
		Summary: "The newest mails; their words are shown while no mail server is configured"}, h.getOutbox)
	api.Register(a, api.Route{Method: "GET", Path: "/api/audit", ID: "getAudit", Tag: tag, Summary: "The audit record, newest first"}, h.getAudit)
	api.Register(a, api.Route{Method: "GET", Path: "/api/audit/export", ID: "exportAudit", Tag: tag,
		Summary: "The whole audit record with its chains of hashes, checked while it is read"}, h.exportAudit)
}

type organisationOut struct {
	Body struct {
		ID           string `json:"id"`
		Name         string `json:"name"`
		Controller   string `json:"controller" doc:"name and contact of the data controller, shown to signers"`
		SecondFactor bool   `json:"secondFactor" doc:"members need a second factor"`
		Provider     string `json:"provider" doc:"who certifies signers unless a document chooses another, a name of /api/providers; empty for the service's own authority"`
	}
}

func view(o api.Organisation) *organisationOut {
	out := &organisationOut{}
	out.Body.ID, out.Body.Name, out.Body.Controller, out.Body.SecondFactor, out.Body.Provider = o.ID, o.Name, o.Controller, o.SecondFactor, o.Provider
	return out
}

func (h *Handler) getOrganisation(ctx context.Context, _ *struct{}) (*organisationOut, error) {
	id, err := allow(ctx, api.Read, api.OrganisationObject, "")
	if err != nil {
		return nil, err
	}
	o, err := h.cfg.Store.Organisation(ctx, id.Organisation)
	return view(o), err
}

type organisationIn struct {
	Body struct {
		Name         *string `json:"name,omitempty" minLength:"1" maxLength:"200"`
		Controller   *string `json:"controller,omitempty" maxLength:"500"`
		SecondFactor *bool   `json:"secondFactor,omitempty"`
		Provider     *string `json:"provider,omitempty" maxLength:"40"`
	}
}

func (h *Handler) changeOrganisation(ctx context.Context, in *organisationIn) (*organisationOut, error) {
	id, err := allow(ctx, api.Update, api.OrganisationObject, "")
	if err != nil {
		return nil, err
	}
	if p := in.Body.Provider; p != nil && *p != "" && !slices.Contains(h.cfg.Providers, *p) {
		return nil, api.Explain(api.ErrInvalid, "There is no certificate provider %q here.", *p)
	}
	var o api.Organisation
	err = h.cfg.Store.Tx(ctx, func(ctx context.Context) error {
		if o, err = h.cfg.Store.Organisation(ctx, id.Organisation); err != nil {
			return err
		}
		if in.Body.Name != nil {
			o.Name = strings.TrimSpace(*in.Body.Name)
		}
		if in.Body.Controller != nil {
			o.Controller = strings.TrimSpace(*in.Body.Controller)
		}
		if in.Body.SecondFactor != nil {
			o.SecondFactor = *in.Body.SecondFactor
		}
		if in.Body.Provider != nil {
			o.Provider = *in.Body.Provider
		}
		if err := h.cfg.Store.SaveOrganisation(ctx, o); err != nil {
			return err
		}
		return h.record(ctx, "organisation.changed", "organisation:"+o.ID, nil)
	})
	return view(o), err
}

const outboxLimit = 200

type outboxOut struct {
	Body struct {
		Mails []mailBody `json:"mails"`
	}
}

type mailBody struct {
	ID      string        `json:"id"`
	To      string        `json:"to"`
	Kind    string        `json:"kind"`
	Subject string        `json:"subject"`
	Text    string        `json:"text" doc:"only while no mail server is configured: it holds the receiver's link; of an invitation to the organisation, for owners and who made it"`
	Created time.Time     `json:"createdAt"`
	Sent    *time.Time    `json:"sentAt,omitempty"`
	State   api.MailState `json:"state" enum:"queued,sent,failed,local"`
	Problem string        `json:"problem,omitempty"`
}

// getOutbox shows all mails of the organisation to who may see all, and to a
// sender those of the sender's own acts.
func (h *Handler) getOutbox(ctx context.Context, _ *struct{}) (*outboxOut, error) {
	of := ""
	id, err := allow(ctx, api.List, api.OutboxObject, "")
	if err != nil {
		if id, err = allow(ctx, api.List, api.OutboxObject, id.Account); err != nil {
			return nil, err
		}
		of = id.Account
	}
	all, err := h.cfg.Store.Mails(ctx, id.Organisation, of, outboxLimit)
	if err != nil {
		return nil, err
	}
	out := &outboxOut{}
	out.Body.Mails = make([]mailBody, 0, len(all))
	for _, m := range all {
		b := mailBody{ID: m.ID, To: m.To, Kind: m.Kind, Subject: m.Subject, Created: m.Created, State: m.State, Problem: m.Problem}
		// Whoever reads the link of an invitation can use it. Owners may, and who
		// made it; others would get round what they may give.
		mayRead := m.Kind != string(api.NoticeMember) || id.Role == api.Owner || m.Account == id.Account
		if m.State == api.MailLocal && mayRead {
			b.Text = m.Text
		}
		if !m.Sent.IsZero() {
			b.Sent = &m.Sent
		}
		out.Body.Mails = append(out.Body.Mails, b)
	}
	return out, nil
}

type auditIn struct {
	Before time.Time `query:"before" doc:"only older events"`
	Limit  int       `query:"limit" minimum:"1" maximum:"1000" default:"100"`
}

type auditOut struct {
	Body struct {
		Events []namedBody `json:"events"`
	}
}

type eventBody struct {
	At      time.Time  `json:"at"`
	Kind    string     `json:"kind"`
	Account string     `json:"account,omitempty"`
	Object  string     `json:"object,omitempty"`
	Detail  api.Detail `json:"detail,omitempty" doc:"absent once the person was erased"`
}

// namedBody is an event with the names of now, which are not part of the record.
type namedBody struct {
	eventBody
	Who    string `json:"who,omitempty" doc:"name of the account, also of a former member; absent once it was deleted"`
	Title  string `json:"title,omitempty" doc:"of the document; absent once it was deleted"`
	Signer string `json:"signer,omitempty" doc:"name of the signer it is about, or who did it where there is no account"`
}

func (h *Handler) getAudit(ctx context.Context, in *auditIn) (*auditOut, error) {
	id, err := allow(ctx, api.List, api.AuditObject, "")
	if err != nil {
		return nil, err
	}
	if in.Before.IsZero() {
		in.Before = h.cfg.Clock.Now().Add(time.Hour)
	}
	all, err := h.cfg.Store.Audit(ctx, id.Organisation, in.Before, in.Limit)
	if err != nil {
		return nil, err
	}
	out := &auditOut{}
	out.Body.Events = make([]namedBody, 0, len(all))
	names := naming{h.cfg, map[string]string{}, map[string]called{}}
	for _, e := range all {
		named, err := names.of(ctx, e)
		if err != nil {
			return nil, fmt.Errorf("name who is in the record: %w", err)
		}
		out.Body.Events = append(out.Body.Events, named)
	}
	return out, nil
}

// naming looks every account and document up once for one answer.
type naming struct {
	cfg       Config
	accounts  map[string]string
	documents map[string]called
}

type called struct {
	title   string
	signers map[string]string
}

func (n naming) of(ctx context.Context, e api.Event) (b namedBody, err error) {
	b = namedBody{eventBody: viewEvent(e)}
	if e.Account != "" {
		if b.Who, err = n.account(ctx, e.Account); err != nil {
			return b, err
		}
	}
	if id, is := strings.CutPrefix(e.Object, "document:"); is && n.cfg.Documents != nil {
		d, err := n.document(ctx, id)
		if err != nil {
			return b, err
		}
		b.Title, b.Signer = d.title, d.signers[e.Detail["signer"]]
	}
	return b, nil
}

func (n naming) account(ctx context.Context, id string) (string, error) {
	name, known := n.accounts[id]
	if known {
		return name, nil
	}
	a, err := n.cfg.Store.Account(ctx, id)
	if err != nil && !errors.Is(err, api.ErrNotFound) {
		return "", err
	}
	n.accounts[id] = a.Name
	return a.Name, nil
}

func (n naming) document(ctx context.Context, id string) (d called, err error) {
	d, known := n.documents[id]
	if known {
		return d, nil
	}
	d.title, d.signers, err = n.cfg.Documents.Called(ctx, id)
	if err != nil && !errors.Is(err, api.ErrNotFound) {
		return d, err
	}
	n.documents[id] = d
	return d, nil
}

func viewEvent(e api.Event) eventBody {
	return eventBody{e.At, e.Kind, e.Account, e.Object, e.Detail}
}

// chainBody is one chain of the record: the lines in their order, each with the
// hash over it and all lines before it.
type chainBody struct {
	Chain string     `json:"chain"`
	Lines []lineBody `json:"lines"`
}

type lineBody struct {
	Seq int64 `json:"seq"`
	eventBody
	Hash string `json:"hash" doc:"SHA-256, lower-case hex"`
}

type auditExportOut struct {
	Disposition string `header:"Content-Disposition"`
	Body        struct {
		Made   time.Time   `json:"madeAt"`
		Chains []chainBody `json:"chains"`
	}
}

// exportAudit reads every chain of the organisation and checks it: a record that
// was changed is not handed out as if it were whole.
func (h *Handler) exportAudit(ctx context.Context, _ *struct{}) (*auditExportOut, error) {
	id, err := allow(ctx, api.Export, api.AuditObject, "")
	if err != nil {
		return nil, err
	}
	if err := h.record(ctx, "audit.exported", "organisation:"+id.Organisation, nil); err != nil {
		return nil, err
	}
	names, err := h.cfg.Store.AuditChains(ctx, id.Organisation)
	if err != nil {
		return nil, err
	}
	out := &auditExportOut{Disposition: `attachment; filename="inkwitness-audit.json"`}
	out.Body.Made, out.Body.Chains = h.cfg.Clock.Now().UTC(), make([]chainBody, 0, len(names))
	for _, name := range names {
		events, err := h.cfg.Store.AuditChain(ctx, name)
		if err != nil {
			return nil, fmt.Errorf("export the record: %w", err)
		}
		c := chainBody{Chain: name, Lines: make([]lineBody, 0, len(events))}
		for _, e := range events {
			c.Lines = append(c.Lines, lineBody{e.Seq, viewEvent(e), hex.EncodeToString(e.Hash[:])})
		}
		out.Body.Chains = append(out.Body.Chains, c)
	}
	return out, nil
}
