package store

import (
	"context"
	"time"

	"inkwitness/api"
)

type mailBody struct{ To, Language, Subject, Text string }

// AddMail queues a mail in the caller's transaction. A second mail of the same
// key changes nothing: one event makes one mail.
func (a *Accounts) AddMail(ctx context.Context, m api.Mail) error {
	sealed, err := a.sealer.seal(ctx, monthKey(m.Created), "mails", m.ID, mailBody{m.To, m.Language, m.Subject, m.Text})
	if err != nil {
		return err
	}
	_, err = a.exec(ctx, `INSERT INTO mails (id, message_id, organisation, account, kind, state, tries, created, next, problem, sealed)
		VALUES ($1, $2, $3, $4, $5, $6, 0, $7, $8, '', $9) ON CONFLICT (message_id) DO NOTHING`,
		m.ID, m.MessageID, m.Organisation, m.Account, m.Kind, string(m.State), micros(m.Created), micros(m.Next), sealed)
	return err
}

const mailColumns = `SELECT id, message_id, organisation, account, kind, state, tries, created, next, sent, problem, sealed FROM mails`

// DueMails leases the queued mails whose time has come to one sender: nobody
// else gets them before until.
func (a *Accounts) DueMails(ctx context.Context, now, until time.Time, limit int) (due []api.Mail, err error) {
	err = a.Tx(ctx, func(ctx context.Context) error {
		due, err = listSealed(ctx, a.Store, scanMail, a.openMail, mailColumns+` WHERE state = 'queued' AND next <= $1 ORDER BY next, id LIMIT $2`,
			micros(now), limit)
		for _, m := range due {
			if err == nil {
				_, err = a.exec(ctx, `UPDATE mails SET next = $2 WHERE id = $1`, m.ID, micros(until))
			}
		}
		return err
	})
	return due, err
}

// SettleMail stores how a try ended: State, Tries, Next, Sent and Problem.
func (a *Accounts) SettleMail(ctx context.Context, m api.Mail) error {
	return a.execOne(ctx, `UPDATE mails SET state = $2, tries = $3, next = $4, sent = $5, problem = $6 WHERE id = $1`,
		m.ID, string(m.State), m.Tries, micros(m.Next), micros(m.Sent), m.Problem)
}

// Mails lists the mails of an organisation, the newest first. With an account
// only those that its acts caused.
func (a *Accounts) Mails(ctx context.Context, organisation, account string, limit int) ([]api.Mail, error) {
	return listSealed(ctx, a.Store, scanMail, a.openMail, mailColumns+` WHERE organisation = $1 AND ($2 = '' OR account = $2)
		ORDER BY created DESC, id LIMIT $3`, organisation, account, limit)
}

// AllMails lists the newest mails of the whole service, for its operator.
func (a *Accounts) AllMails(ctx context.Context, limit int) ([]api.Mail, error) {
	return listSealed(ctx, a.Store, scanMail, a.openMail, mailColumns+` ORDER BY created DESC, id LIMIT $1`, limit)
}

func scanMail(r scanner) (m sealed[api.Mail], err error) {
	err = r.Scan(&m.v.ID, &m.v.MessageID, &m.v.Organisation, &m.v.Account, &m.v.Kind, (*string)(&m.v.State), &m.v.Tries,
		when(&m.v.Created), when(&m.v.Next), when(&m.v.Sent), &m.v.Problem, &m.column)
	return m, err
}

func (a *Accounts) openMail(ctx context.Context, m sealed[api.Mail]) (api.Mail, error) {
	var body mailBody
	err := a.sealer.open(ctx, "mails", m.v.ID, m.column, &body)
	m.v.To, m.v.Language, m.v.Subject, m.v.Text = body.To, body.Language, body.Subject, body.Text
	return m.v, err
}
