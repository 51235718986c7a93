// Package mail turns notices into mails and sends them. A mail is a row that is
// written in the transaction of what it tells of; Run sends it later, again and
// again until the server takes it or days have passed. So no mail is lost and
// none tells of what did not happen. A mail that was sent twice because the
// service died in between has one Message-ID.
//
// Without a mail server the rows stay where they are and are read in the outbox.
//
// A mail holds a link or a code and says who asks, from where and when. It never
// holds a document, its title, or anything that was signed.
package mail

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"net/mail"
	"net/url"
	"strings"
	"time"

	"inkwitness/api"
	"inkwitness/capture"
)

// Config is what a Post needs. Outbox, Clock and URL are required.
type Config struct {
	Outbox Outbox
	Clock  capture.Clock
	Logger *slog.Logger
	URL    string // of the service as people reach it, without a path
	From   string // address of the sender; empty is inkwitness@ the host of URL

	// Account finds who is told that a mail which they caused cannot be delivered;
	// api.ErrNotFound when they are gone. Nil tells nobody.
	Account func(ctx context.Context, id string) (api.Account, error)

	// SMTP is the mail server: smtp://[user:password@]host[:port] with STARTTLS,
	// smtps:// for TLS from the first byte, smtp+plain:// for a server on this
	// machine without TLS. Empty keeps mails in the outbox.
	SMTP string

	// QueueOnly leaves the sending to another process.
	QueueOnly bool
}

// Outbox keeps mails. Implementations are safe for concurrent use, durable on
// return, and AddMail joins the transaction of ctx.
type Outbox interface {
	// AddMail queues a mail; a second one of the same MessageID changes nothing.
	AddMail(ctx context.Context, m api.Mail) error
	// DueMails leases queued mails whose Next has come: nobody else gets them
	// before until.
	DueMails(ctx context.Context, now, until time.Time, limit int) ([]api.Mail, error)
	// SettleMail stores how a try ended.
	SettleMail(ctx context.Context, m api.Mail) error
}

// Post queues and sends mails. It is safe for concurrent use.
type Post struct {
	cfg    Config
	base   *url.URL
	server *server // nil without one
	log    *slog.Logger
}

// New returns a Post. Call Run, or nothing is sent.
func New(cfg Config) (*Post, error) {
	if cfg.Outbox == nil || cfg.Clock == nil {
		return nil, errors.New("mail: a part is missing")
	}
	base, err := url.Parse(cfg.URL)
	if err != nil || base.Host == "" {
		return nil, fmt.Errorf("mail: %q is not the address of a service", cfg.URL)
	}
	if cfg.From == "" {
		cfg.From = "inkwitness@" + base.Hostname()
	}
	if _, err := mail.ParseAddress(cfg.From); err != nil && cfg.SMTP != "" {
		return nil, fmt.Errorf("mail: the sender's address: %w", err)
	}
	p := &Post{cfg: cfg, base: base, log: cfg.Logger}
	if p.log == nil {
		p.log = slog.New(slog.DiscardHandler)
	}
	if cfg.SMTP != "" {
		if p.server, err = parseServer(cfg.SMTP); err != nil {
			return nil, err
		}
	}
	return p, nil
}

// Notify writes the mail that a notice asks for, in the transaction of ctx.
func (p *Post) Notify(ctx context.Context, n api.Notice) error {
	if n.Key == "" || n.To == "" {
		return fmt.Errorf("notice %s: it needs a key and an address", n.Kind)
	}
	link := ""
	if n.Link != "" {
		link = strings.TrimSuffix(p.base.String(), "/") + n.Link
	}
	subject, text, err := write(n.Kind, n.Language, link, n.Values)
	if err != nil {
		return err
	}
	now := p.cfg.Clock.Now()
	m := api.Mail{ID: api.NewID(), MessageID: p.messageID(n), Organisation: n.Organisation, Account: n.Account, Kind: string(n.Kind),
		State: api.MailQueued, Created: now, Next: now, To: n.To, Language: n.Language, Subject: subject, Text: text}
	if p.server == nil && !p.cfg.QueueOnly {
		m.State = api.MailLocal
	}
	if err := p.cfg.Outbox.AddMail(ctx, m); err != nil {
		return fmt.Errorf("queue mail: %w", err)
	}
	return nil
}

// messageID is the same for the same event and receiver, and says nothing of either.
func (p *Post) messageID(n api.Notice) string {
	sum := sha256.Sum256([]byte(string(n.Kind) + "\x00" + n.Key + "\x00" + strings.ToLower(n.To)))
	return hex.EncodeToString(sum[:16]) + "@" + p.base.Hostname()
}

const (
	pollEvery = time.Second
	lease     = 5 * time.Minute // longer than one batch can take
	batch     = 20
)

// Run sends what is due until ctx ends. Without a mail server it only waits.
// Several instances may run: each mail is leased to one.
func (p *Post) Run(ctx context.Context) error {
	if p.server == nil {
		<-ctx.Done()
		return ctx.Err()
	}
	tick := time.NewTicker(pollEvery)
	defer tick.Stop()
	for {
		if err := p.SendDue(ctx); err != nil && ctx.Err() == nil {
			p.log.WarnContext(ctx, "mails wait", "error", err)
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
	}
}

// SendDue sends what is due now, once.
func (p *Post) SendDue(ctx context.Context) error {
	now := p.cfg.Clock.Now()
	due, err := p.cfg.Outbox.DueMails(ctx, now, now.Add(lease), batch)
	if err != nil {
		return fmt.Errorf("due mails: %w", err)
	}
	for _, m := range due {
		m = p.try(ctx, m)
		if ctx.Err() != nil {
			return ctx.Err() // the lease ends by itself, and the mail is tried again
		}
		// Before it is settled: after a crash in between the next try fails too, and
		// the same notice is queued once.
		if err := p.bounce(ctx, m); err != nil {
			return err
		}
		if err := p.cfg.Outbox.SettleMail(ctx, m); err != nil {
			return fmt.Errorf("settle mail: %w", err)
		}
	}
	return nil
}

// bounce tells whose act caused a mail that it will not arrive. The address is in
// the outbox, not in the notice.
func (p *Post) bounce(ctx context.Context, m api.Mail) error {
	if m.State != api.MailFailed || m.Account == "" || m.Kind == string(api.NoticeUndelivered) || p.cfg.Account == nil {
		return nil
	}
	who, err := p.cfg.Account(ctx, m.Account)
	if errors.Is(err, api.ErrNotFound) || err == nil && (who.Email == "" || strings.EqualFold(who.Email, m.To)) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("whom to tell of a mail that failed: %w", err)
	}
	subject, err := subjectOf(api.NoticeKind(m.Kind), who.Language)
	if err != nil {
		return err
	}
	return p.Notify(ctx, api.Notice{Kind: api.NoticeUndelivered, To: who.Email, Language: who.Language, Organisation: m.Organisation, Account: m.Account,
		Link: "/#/outbox", Values: map[string]string{"subject": subject}, Key: m.ID})
}

// pauses are the times between tries; after the last one a mail is given up.
var pauses = []time.Duration{time.Minute, 5 * time.Minute, 15 * time.Minute, time.Hour, 3 * time.Hour, 6 * time.Hour,
	12 * time.Hour, 24 * time.Hour, 24 * time.Hour}

// try sends one mail and returns it with how that ended.
func (p *Post) try(ctx context.Context, m api.Mail) api.Mail {
	err := p.server.send(ctx, p.cfg.From, m, p.cfg.Clock.Now())
	now := p.cfg.Clock.Now()
	m.Tries++
	if err == nil {
		m.State, m.Sent, m.Problem = api.MailSent, now, ""
		return m
	}
	var final bool
	m.Problem, final = classify(err)
	if final || m.Tries > len(pauses) {
		m.State = api.MailFailed
	} else {
		m.Next = now.Add(pauses[m.Tries-1])
	}
	p.log.WarnContext(ctx, "mail not sent", "mail", m.ID, "kind", m.Kind, "try", m.Tries, "problem", m.Problem, "state", m.State)
	return m
}
