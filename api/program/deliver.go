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
	"math/rand/v2"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

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
	batch     = 20              // deliveries that a receiver is given in one go, well within the lease
	atOnce    = 5               // of them in flight
	receivers = 2 * maxWebhooks // served at once: one organisation cannot take up all places
)

// pauses are those that Standard Webhooks recommends; after the last a delivery
// is given up and can be repeated by hand.
var pauses = []time.Duration{5 * time.Second, 5 * time.Minute, 30 * time.Minute, 2 * time.Hour, 5 * time.Hour, 10 * time.Hour,
	14 * time.Hour, 20 * time.Hour, 24 * time.Hour}

// Run delivers what is due until ctx ends. Several instances may run.
func (h *Handler) Run(ctx context.Context) error {
	var started sync.WaitGroup
	defer started.Wait() // ctx cuts what is in flight short
	tell := func(err error) {
		if err != nil && ctx.Err() == nil {
			h.cfg.Logger.WarnContext(ctx, "webhooks wait", "error", err)
		}
	}
	tick := time.NewTicker(pollEvery)
	defer tick.Stop()
	for {
		tell(h.start(ctx, func(serve func() error) { started.Go(func() { tell(serve()) }) }))
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
	}
}

// SendDue delivers what is due now, once.
func (h *Handler) SendDue(ctx context.Context) error {
	var started errgroup.Group
	err := h.start(ctx, started.Go)
	return errors.Join(err, started.Wait())
}

// start gives each receiver that something is due for a goroutine of its own, so
// that none waits for another. Who is still busy with what was due before is left
// for later: a backlog is leased in pieces that are sent within their lease.
func (h *Handler) start(ctx context.Context, spawn func(func() error)) error {
	now := h.cfg.Clock.Now()
	due, err := h.cfg.Store.DueWebhooks(ctx, now)
	if err != nil {
		return fmt.Errorf("due webhooks: %w", err)
	}
	due = h.busy.take(due)
	if len(due) == 0 {
		return nil
	}
	all, to, err := h.cfg.Store.DueDeliveries(ctx, due, now, now.Add(lease), batch)
	if err != nil {
		h.busy.release(due...)
		return fmt.Errorf("due deliveries: %w", err)
	}
	of := make(map[string][]api.Delivery)
	for _, d := range all {
		of[d.Webhook] = append(of[d.Webhook], d)
	}
	for _, id := range due {
		spawn(func() error {
			defer h.busy.release(id)
			return h.serve(ctx, of[id], to[id])
		})
	}
	return nil
}

// serve begins the deliveries to one receiver in their order.
func (h *Handler) serve(ctx context.Context, all []api.Delivery, w api.Webhook) error {
	var flight errgroup.Group
	flight.SetLimit(atOnce)
	for _, d := range all {
		flight.Go(func() error { return h.deliver(ctx, d, w) })
	}
	return flight.Wait()
}

// busy are the webhooks that are being served.
type busy struct {
	mu  sync.Mutex
	ids map[string]bool
}

// take returns those of due that are not busy, as many as there is room for, and
// makes them so. Where there is not room for all, chance decides: whoever has the
// longest backlog would come first every time.
func (b *busy) take(due []string) (taken []string) {
	rand.Shuffle(len(due), func(i, j int) { due[i], due[j] = due[j], due[i] })
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, id := range due {
		if !b.ids[id] && len(b.ids) < receivers {
			b.ids[id] = true
			taken = append(taken, id)
		}
	}
	return taken
}

func (b *busy) release(ids ...string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, id := range ids {
		delete(b.ids, id)
	}
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
