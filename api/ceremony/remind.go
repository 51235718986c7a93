package ceremony

import (
	"context"
	"fmt"
	"time"

	"inkwitness/api"
)

// Schedule finds documents by the time at which something of theirs is due.
type Schedule interface {
	// DueReminders lists documents whose RemindAt is not after now, at most limit.
	DueReminders(ctx context.Context, now time.Time, limit int) ([]string, error)
}

// RemindAt is when the signer whose turn it is shall be reminded, zero for never.
func (d *Document) RemindAt() time.Time {
	s := d.Waiting()
	if s == nil || d.InPerson || d.RemindDays == 0 || s.Reminders >= MaxReminders {
		return time.Time{}
	}
	return s.InvitedAt.AddDate(0, 0, d.RemindDays*(s.Reminders+1))
}

// SetReminders says after how many days without a signature a reminder goes out,
// again and again; 0 is never.
func (d *Document) SetReminders(days int) (Effects, error) {
	if days < 0 || days > MaxRemindDays {
		return Effects{}, api.Explain(ErrInvalid, "Remind after 1 to %d days, or after 0 for never.", MaxRemindDays)
	}
	if d.State != Draft && d.State != Sent {
		return Effects{}, api.Explain(ErrState, "Nobody is left to be reminded.")
	}
	if d.RemindDays == days {
		return Effects{}, nil
	}
	d.RemindDays = days
	return Effects{Events: []Event{{Kind: "document.reminders", Detail: fmt.Sprint(days)}}}, nil
}

// remindNow reminds the signer whose turn it is, if that is due. The links and
// the session that the signer has go on working.
func (d *Document) remindNow(now time.Time, newSecret func() string) Effects {
	due := d.RemindAt()
	if due.IsZero() || now.Before(due) {
		return Effects{}
	}
	s := d.Waiting()
	secret := newSecret()
	s.Reminders++
	return Effects{
		Grants: []Grant{{Hash: HashSecret(secret), Kind: LinkGrant, Document: d.ID, Signer: s.ID, Expires: now.Add(LinkLifetime)}},
		Mails: []Mail{{
			Kind: MailReminder, To: s.Email, Language: s.Language, Secret: secret, Document: d.ID,
			Key: fmt.Sprintf("%s/%s/%d/reminder/%d", d.ID, s.ID, s.InvitedAt.UnixMicro(), s.Reminders),
		}},
		Events: []Event{{Kind: "signer.reminded", By: ByService, Signer: s.ID, Detail: fmt.Sprint(s.Reminders)}},
	}
}

// SetReminders sets the reminders of a document.
func (s *Service) SetReminders(ctx context.Context, id string, days int) (*Document, error) {
	return s.change(ctx, id, func(_ context.Context, d *Document) (Effects, error) { return d.SetReminders(days) })
}

// remindAll sends the reminders that are due.
func (s *Service) remindAll(ctx context.Context) {
	const batch = 100 // of one patrol; the rest follows with the next
	ids, err := s.Schedule.DueReminders(ctx, s.Clock.Now(), batch)
	if err != nil && ctx.Err() == nil {
		s.Logger.ErrorContext(ctx, "list reminders", "err", err)
	}
	for _, id := range ids {
		_, err := s.change(ctx, id, func(_ context.Context, d *Document) (Effects, error) {
			return d.remindNow(s.Clock.Now().UTC(), newSecret), nil
		})
		if err != nil && ctx.Err() == nil {
			s.Logger.ErrorContext(ctx, "remind a signer", "document", id, "err", err)
		}
	}
}
