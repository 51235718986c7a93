package program

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"slices"
	"strings"
	"time"

	"inkwitness/api"
)

func (h *Handler) mountWebhooks(a *api.API) {
	const tag = "webhooks"
	api.Register(a, api.Route{Method: "POST", Path: "/api/webhooks", ID: "createWebhook", Tag: tag, Status: 201,
		Summary: "Have an address told of events; the secret that signs them is shown once"}, h.createWebhook)
	api.Register(a, api.Route{Method: "GET", Path: "/api/webhooks", ID: "listWebhooks", Tag: tag}, h.listWebhooks)
	api.Register(a, api.Route{Method: "PATCH", Path: "/api/webhooks/{id}", ID: "changeWebhook", Tag: tag}, h.changeWebhook)
	api.Register(a, api.Route{Method: "DELETE", Path: "/api/webhooks/{id}", ID: "deleteWebhook", Tag: tag, Status: 204}, h.deleteWebhook)
	api.Register(a, api.Route{Method: "GET", Path: "/api/webhooks/{id}/deliveries", ID: "listDeliveries", Tag: tag,
		Summary: "What was sent, and what came back"}, h.listDeliveries)
	api.Register(a, api.Route{Method: "POST", Path: "/api/webhooks/deliveries/{id}/repeat", ID: "repeatDelivery", Tag: tag, Status: 204}, h.repeat)
}

type webhookBody struct {
	ID      string    `json:"id"`
	URL     string    `json:"url"`
	Kinds   []string  `json:"kinds" doc:"of events; empty is all"`
	Active  bool      `json:"active"`
	Created time.Time `json:"createdAt"`
	Secret  string    `json:"secret,omitempty" doc:"whsec_..., shown once"`
}

type webhookIn struct {
	Body struct {
		URL   string   `json:"url" maxLength:"1000"`
		Kinds []string `json:"kinds,omitempty" maxItems:"50" doc:"such as document.completed; all when not said"`
	}
}

type webhookOut struct{ Body webhookBody }

type webhooksOut struct {
	Body struct {
		Webhooks []webhookBody `json:"webhooks"`
	}
}

func viewWebhook(w api.Webhook) webhookBody {
	return webhookBody{ID: w.ID, URL: w.URL, Kinds: append([]string{}, w.Kinds...), Active: w.Active, Created: w.Created}
}

// secretPrefix is how Standard Webhooks writes symmetric secrets.
const secretPrefix = "whsec_"

const maxWebhooks = 20

// clean checks what a webhook may be.
func (h *Handler) clean(address string, kinds []string) error {
	if err := h.cfg.CheckURL(address); err != nil {
		return api.Explain(api.ErrInvalid, "The address must be https:// and public.")
	}
	for _, k := range kinds {
		if k == "" || len(k) > 100 || strings.ContainsAny(k, " \t\r\n") {
			return api.Explain(api.ErrInvalid, "There is no kind of event %q.", k)
		}
	}
	return nil
}

func (h *Handler) createWebhook(ctx context.Context, in *webhookIn) (*webhookOut, error) {
	id, err := allow(ctx, api.Create, api.WebhookObject)
	if err != nil {
		return nil, err
	}
	if err := h.clean(in.Body.URL, in.Body.Kinds); err != nil {
		return nil, err
	}
	w := api.Webhook{ID: api.NewID(), Organisation: id.Organisation, URL: in.Body.URL, Kinds: in.Body.Kinds, Active: true,
		Created: h.cfg.Clock.Now(), Secret: make([]byte, 32)}
	rand.Read(w.Secret) // never fails, see crypto/rand
	err = h.cfg.Store.Tx(ctx, func(ctx context.Context) error {
		all, err := h.cfg.Store.Webhooks(ctx, id.Organisation)
		if err != nil {
			return err
		}
		if len(all) >= maxWebhooks {
			return api.Explain(api.ErrConflict, "There are %d webhooks already; remove one first.", maxWebhooks)
		}
		if err := h.cfg.Store.SaveWebhook(ctx, w); err != nil {
			return err
		}
		return h.record(ctx, "webhook.created", "webhook:"+w.ID)
	})
	out := &webhookOut{viewWebhook(w)}
	out.Body.Secret = secretPrefix + base64.StdEncoding.EncodeToString(w.Secret)
	return out, err
}

func (h *Handler) listWebhooks(ctx context.Context, _ *struct{}) (*webhooksOut, error) {
	id, err := allow(ctx, api.List, api.WebhookObject)
	if err != nil {
		return nil, err
	}
	all, err := h.cfg.Store.Webhooks(ctx, id.Organisation)
	if err != nil {
		return nil, err
	}
	out := &webhooksOut{}
	out.Body.Webhooks = make([]webhookBody, 0, len(all))
	for _, w := range all {
		out.Body.Webhooks = append(out.Body.Webhooks, viewWebhook(w))
	}
	return out, nil
}

// webhook returns one of the organisation's own.
func (h *Handler) webhook(ctx context.Context, organisation, id string) (api.Webhook, error) {
	all, err := h.cfg.Store.Webhooks(ctx, organisation)
	if err != nil {
		return api.Webhook{}, err
	}
	i := slices.IndexFunc(all, func(w api.Webhook) bool { return w.ID == id })
	if i < 0 {
		return api.Webhook{}, api.ErrNotFound
	}
	return all[i], nil
}

type changeWebhookIn struct {
	ID   string `path:"id" maxLength:"64"`
	Body struct {
		URL    *string   `json:"url,omitempty" maxLength:"1000"`
		Kinds  *[]string `json:"kinds,omitempty" maxItems:"50"`
		Active *bool     `json:"active,omitempty"`
	}
}

func (h *Handler) changeWebhook(ctx context.Context, in *changeWebhookIn) (*webhookOut, error) {
	id, err := allow(ctx, api.Update, api.WebhookObject)
	if err != nil {
		return nil, err
	}
	var w api.Webhook
	err = h.cfg.Store.Tx(ctx, func(ctx context.Context) error {
		if w, err = h.webhook(ctx, id.Organisation, in.ID); err != nil {
			return err
		}
		if in.Body.URL != nil {
			w.URL = *in.Body.URL
		}
		if in.Body.Kinds != nil {
			w.Kinds = *in.Body.Kinds
		}
		if in.Body.Active != nil {
			w.Active = *in.Body.Active
		}
		if err := h.clean(w.URL, w.Kinds); err != nil {
			return err
		}
		if err := h.cfg.Store.SaveWebhook(ctx, w); err != nil {
			return err
		}
		return h.record(ctx, "webhook.changed", "webhook:"+w.ID)
	})
	return &webhookOut{viewWebhook(w)}, err
}

func (h *Handler) deleteWebhook(ctx context.Context, in *idIn) (*struct{}, error) {
	id, err := allow(ctx, api.Delete, api.WebhookObject)
	if err != nil {
		return nil, err
	}
	return nil, h.cfg.Store.Tx(ctx, func(ctx context.Context) error {
		if err := h.cfg.Store.DeleteWebhook(ctx, id.Organisation, in.ID); err != nil {
			return err
		}
		return h.record(ctx, "webhook.deleted", "webhook:"+in.ID)
	})
}

type deliveriesOut struct {
	Body struct {
		Deliveries []deliveryBody `json:"deliveries"`
	}
}

type deliveryBody struct {
	ID      string     `json:"id"`
	Kind    string     `json:"kind"`
	Body    string     `json:"body"`
	State   string     `json:"state" enum:"queued,sent,failed"`
	Tries   int        `json:"tries"`
	Result  string     `json:"result" doc:"of the last try"`
	Created time.Time  `json:"createdAt"`
	Next    *time.Time `json:"nextAt,omitempty"`
	Ended   *time.Time `json:"endedAt,omitempty"`
}

const deliveryLimit = 200

func (h *Handler) listDeliveries(ctx context.Context, in *idIn) (*deliveriesOut, error) {
	id, err := allow(ctx, api.Read, api.WebhookObject)
	if err != nil {
		return nil, err
	}
	if _, err := h.webhook(ctx, id.Organisation, in.ID); err != nil {
		return nil, err
	}
	all, err := h.cfg.Store.Deliveries(ctx, id.Organisation, in.ID, deliveryLimit)
	if err != nil {
		return nil, err
	}
	out := &deliveriesOut{}
	out.Body.Deliveries = make([]deliveryBody, 0, len(all))
	for _, d := range all {
		b := deliveryBody{ID: d.ID, Kind: d.Kind, Body: d.Body, State: string(d.State), Tries: d.Tries, Result: d.Result, Created: d.Created}
		if d.State == api.MailQueued {
			b.Next = &d.Next
		}
		if !d.Ended.IsZero() {
			b.Ended = &d.Ended
		}
		out.Body.Deliveries = append(out.Body.Deliveries, b)
	}
	return out, nil
}

func (h *Handler) repeat(ctx context.Context, in *idIn) (*struct{}, error) {
	id, err := allow(ctx, api.Update, api.WebhookObject)
	if err != nil {
		return nil, err
	}
	return nil, h.cfg.Store.Tx(ctx, func(ctx context.Context) error {
		if err := h.cfg.Store.RepeatDelivery(ctx, id.Organisation, in.ID, h.cfg.Clock.Now()); err != nil {
			return err
		}
		return h.record(ctx, "webhook.repeated", "delivery:"+in.ID)
	})
}
