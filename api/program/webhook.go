package program

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
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

// Publish queues an event for the webhooks that want its kind, in the transaction
// of ctx. It tells kind, time and object, and neither who nor what.
func (h *Handler) Publish(ctx context.Context, e api.Event, key string) error {
	all, err := h.cfg.Store.Webhooks(ctx, e.Organisation)
	if err != nil {
		return fmt.Errorf("publish: %w", err)
	}
	now := h.cfg.Clock.Now()
	body, err := json.Marshal(map[string]any{"type": e.Kind, "timestamp": now.UTC().Format(time.RFC3339Nano), "data": map[string]string{"object": e.Object}})
	if err != nil {
		return fmt.Errorf("publish: %w", err)
	}
	for _, w := range all {
		if !w.Active || len(w.Kinds) > 0 && !slices.Contains(w.Kinds, e.Kind) {
			continue
		}
		d := api.Delivery{ID: "msg_" + api.NewID(), Webhook: w.ID, Event: key, Kind: e.Kind, Body: string(body), State: api.MailQueued, Created: now, Next: now}
		if err := h.cfg.Store.AddDelivery(ctx, d); err != nil {
			return fmt.Errorf("publish: %w", err)
		}
	}
	return nil
}

const (
	pollEvery = time.Second
	lease     = 2 * time.Minute
	batch     = 20
	atOnce    = 5 // deliveries in flight: a slow receiver holds up few others
)

// pauses are those that Standard Webhooks recommends; after the last a delivery
// is given up and can be repeated by hand.
var pauses = []time.Duration{5 * time.Second, 5 * time.Minute, 30 * time.Minute, 2 * time.Hour, 5 * time.Hour, 10 * time.Hour,
	14 * time.Hour, 20 * time.Hour, 24 * time.Hour}

// Run delivers what is due until ctx ends. Several instances may run.
func (h *Handler) Run(ctx context.Context) error {
	tick := time.NewTicker(pollEvery)
	defer tick.Stop()
	for {
		if err := h.SendDue(ctx); err != nil && ctx.Err() == nil {
			h.cfg.Logger.WarnContext(ctx, "webhooks wait", "error", err)
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
	}
}

// SendDue delivers what is due now, once.
func (h *Handler) SendDue(ctx context.Context) error {
	now := h.cfg.Clock.Now()
	due, to, err := h.cfg.Store.DueDeliveries(ctx, now, now.Add(lease), batch)
	if err != nil {
		return fmt.Errorf("due deliveries: %w", err)
	}
	var wg sync.WaitGroup
	places := make(chan struct{}, atOnce)
	failed := make([]error, len(due))
	for i, d := range due {
		wg.Go(func() {
			places <- struct{}{}
			defer func() { <-places }()
			failed[i] = h.deliver(ctx, d, to[d.Webhook])
		})
	}
	wg.Wait()
	return errors.Join(failed...)
}

func (h *Handler) deliver(ctx context.Context, d api.Delivery, w api.Webhook) error {
	status, err := h.send(ctx, d, w)
	if ctx.Err() != nil {
		return ctx.Err() // the lease ends by itself
	}
	now := h.cfg.Clock.Now()
	d.Tries++
	d.Result = "status " + strconv.Itoa(status)
	switch {
	case err != nil:
		d.Result = "not reached"
	case status >= 200 && status <= 299:
		d.State, d.Ended = api.MailSent, now
	case status == http.StatusGone:
		d.State, d.Ended = api.MailFailed, now
		if err := h.switchOff(ctx, w); err != nil {
			return err
		}
	}
	if d.State == api.MailQueued {
		if d.Tries > len(pauses) || !w.Active {
			d.State, d.Ended = api.MailFailed, now
		} else {
			d.Next = now.Add(pauses[d.Tries-1])
		}
	}
	return h.cfg.Store.SettleDelivery(ctx, d)
}

// switchOff does what a receiver asks for that wants to be left alone. A webhook that
// was removed since it was told, or has another address by now, stays as it is.
func (h *Handler) switchOff(ctx context.Context, told api.Webhook) error {
	return h.cfg.Store.Tx(ctx, func(ctx context.Context) error {
		w, err := h.webhook(ctx, told.Organisation, told.ID)
		if errors.Is(err, api.ErrNotFound) || err == nil && w.URL != told.URL {
			return nil
		}
		if err != nil {
			return err
		}
		w.Active = false
		return h.cfg.Store.SaveWebhook(ctx, w)
	})
}

// send posts one delivery, signed as Standard Webhooks 1.0 says.
func (h *Handler) send(ctx context.Context, d api.Delivery, w api.Webhook) (status int, err error) {
	if !w.Active {
		return 0, errors.New("the webhook is switched off")
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, w.URL, bytes.NewReader([]byte(d.Body)))
	if err != nil {
		return 0, err
	}
	at := strconv.FormatInt(h.cfg.Clock.Now().Unix(), 10)
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("User-Agent", "Inkwitness")
	r.Header.Set("webhook-id", d.ID)
	r.Header.Set("webhook-timestamp", at)
	r.Header.Set("webhook-signature", Sign(w.Secret, d.ID, at, d.Body))
	answer, err := h.cfg.Client.Do(r)
	if err != nil {
		return 0, err
	}
	defer answer.Body.Close()
	_, _ = io.CopyN(io.Discard, answer.Body, 64<<10) // so that the connection can be used again
	return answer.StatusCode, nil
}

// Sign is the signature of a delivery: HMAC-SHA-256 over id, time and body.
func Sign(secret []byte, id, at, body string) string {
	mac := hmac.New(sha256.New, secret)
	mac.Write([]byte(id + "." + at + "." + body))
	return "v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil))
}
