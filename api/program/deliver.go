package program

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"time"

	"inkwitness/api"
)

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
