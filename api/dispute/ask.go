package dispute

import (
	"context"
	"errors"
	"fmt"
	"time"

	"inkwitness/api"
	"inkwitness/api/ceremony"
	"inkwitness/capture"
)

// mayDecide are the roles that can be the second person; the access table says
// so too (evidence approve).
func mayDecide(r api.Role) bool {
	return api.Allow(api.Identity{Role: r, Account: "a", Organisation: "o"}, api.Approve, api.Object{Kind: api.EvidenceObject, Organisation: "o"}) == nil
}

// Ask asks to open the evidence of a signature for a case. Everybody who could
// agree is told by mail.
func (s *Service) Ask(ctx context.Context, c *Case, document, signer, reason string, hours int) (*Opening, error) {
	reason, err := checkReason(reason)
	if err != nil {
		return nil, err
	}
	if hours < 1 || hours > MostHours {
		return nil, api.Explain(api.ErrInvalid, "Evidence can be open for 1 hour to %d days.", MostHours/24)
	}
	d, err := s.Evidence.Document(ctx, document)
	if err != nil {
		return nil, err
	}
	if d.Organisation != c.Organisation {
		return nil, ceremony.ErrNotFound
	}
	who, err := d.Signer(signer)
	if err != nil {
		return nil, err
	}
	if who.ConfirmedCapture() == nil {
		return nil, api.Explain(api.ErrNotFound, "This signer has no recorded signature.")
	}
	id, now := api.IdentityOf(ctx), s.now()
	n, ends, err := s.Limits.Hit(ctx, "openings asked", id.Account, time.Hour, now)
	if err != nil {
		return nil, fmt.Errorf("limit questions: %w: %w", api.ErrUnavailable, err)
	}
	if n > MostAsked {
		return nil, &api.Explained{Detail: fmt.Sprintf("You have asked %d times within the hour, and each time everybody who could agree got a mail. Wait before you ask again.", MostAsked),
			Retry: ends.Sub(now), Err: api.ErrTooMany}
	}
	o := &Opening{ID: api.NewID(), Organisation: c.Organisation, Case: c.ID, Document: document, Signer: signer, By: id.Account,
		State: Asked, Asked: now, Ends: now.Add(AskedLife), Hours: hours, Text: Text{Reason: reason, Dispute: c.Reference}}
	return o, s.Tx.Tx(ctx, func(ctx context.Context) error {
		if err := s.Openings.CreateOpening(ctx, o); err != nil {
			return fmt.Errorf("store the question: %w", err)
		}
		if err := s.tell(ctx, o, "evidence.asked"); err != nil {
			return err
		}
		return s.tellDeciders(ctx, o)
	})
}

// tell records a step of an opening, with its reason, in the document's chain
// and in the case's.
func (s *Service) tell(ctx context.Context, o *Opening, kind string) error {
	e := api.Event{Kind: kind, At: s.now(), Organisation: o.Organisation, Account: api.IdentityOf(ctx).Account}
	e.Object, e.Chain = documentChain(o.Document), documentChain(o.Document)
	e.Detail = api.Detail{"signer": o.Signer, "detail": o.Reason, "opening": o.ID, "case": o.Case}
	if err := s.Records.Record(ctx, e); err != nil {
		return err
	}
	e.Object, e.Chain = documentChain(o.Document), caseChain(o.Case)
	return s.Records.Record(ctx, e)
}

// tellDeciders mails everybody who could agree.
func (s *Service) tellDeciders(ctx context.Context, o *Opening) error {
	asker, err := s.People.Account(ctx, o.By)
	if err != nil {
		return fmt.Errorf("find who asks: %w", err)
	}
	members, err := s.People.Members(ctx, o.Organisation)
	if err != nil {
		return fmt.Errorf("find who can agree: %w", err)
	}
	for _, m := range members {
		if m.Account == o.By || !mayDecide(m.Role) {
			continue
		}
		to, err := s.People.Account(ctx, m.Account)
		if err != nil {
			return err
		}
		if err := s.Records.Notify(ctx, api.Notice{Kind: api.NoticeEvidenceAsked, To: to.Email, Language: to.Language, Organisation: o.Organisation, Account: o.By,
			Link: "/compare#openings", Values: map[string]string{"asker": name(asker)}, Key: "evidence-asked:" + o.ID + ":" + m.Account}); err != nil {
			return err
		}
	}
	return nil
}

func name(a api.Account) string {
	if a.Name != "" {
		return a.Name
	}
	return a.Email
}

// step loads an opening, applies a transition and saves it with more.
func (s *Service) step(ctx context.Context, id string, transition func(context.Context, *Opening) error) (o *Opening, err error) {
	const tries = 5
	for range tries {
		err = s.Tx.Tx(ctx, func(ctx context.Context) error {
			if o, err = s.Openings.Opening(ctx, id); err != nil {
				return err
			}
			if err := transition(ctx, o); err != nil {
				return err
			}
			return s.Openings.SaveOpening(ctx, o)
		})
		if !errors.Is(err, ErrStale) {
			break
		}
	}
	return o, err
}

// Decide is the second person's word; who asked is told.
func (s *Service) Decide(ctx context.Context, id string, approve bool, answer string) (*Opening, error) {
	return s.step(ctx, id, func(ctx context.Context, o *Opening) error {
		if err := o.Decide(s.now(), api.IdentityOf(ctx).Account, approve, answer); err != nil {
			return err
		}
		event, notice := "evidence.refused", api.NoticeEvidenceRefused
		if approve {
			event, notice = "evidence.approved", api.NoticeEvidenceApproved
		}
		asker, err := s.People.Account(ctx, o.By)
		if err != nil {
			return fmt.Errorf("find who asked: %w", err)
		}
		if err := s.Records.Notify(ctx, api.Notice{Kind: notice, To: asker.Email, Language: asker.Language, Organisation: o.Organisation, Account: o.Decider,
			Link: "/compare#case/" + o.Case, Key: "evidence-decided:" + o.ID}); err != nil {
			return err
		}
		return s.tell(ctx, o, event)
	})
}

// Withdraw takes a question or an opening back.
func (s *Service) Withdraw(ctx context.Context, id string) (*Opening, error) {
	return s.step(ctx, id, func(ctx context.Context, o *Opening) error {
		if err := o.Withdraw(s.now(), api.IdentityOf(ctx).Account); err != nil {
			return err
		}
		if err := s.shut(ctx, o); err != nil {
			return err
		}
		return s.tell(ctx, o, "evidence.closed")
	})
}

// shut ends the reading of an opening's signatures in its case.
func (s *Service) shut(ctx context.Context, o *Opening) error {
	c, err := s.Cases.Case(ctx, o.Case)
	if errors.Is(err, ErrNotFound) {
		return nil // the case is gone, and its items with it
	}
	if err != nil {
		return err
	}
	for i := range c.Items {
		if c.Items[i].Opening == o.ID {
			c.Items[i].Until = o.Ends
		}
	}
	return s.Cases.SaveCase(ctx, c)
}

// Open uses an approval: the signature and its references become part of the
// case, to be read until the opening ends, and the parties are told.
func (s *Service) Open(ctx context.Context, id string) (*Case, error) {
	// Reading comes first and outside the transaction; who may not open reads nothing.
	o, err := s.Openings.Opening(ctx, id)
	if err != nil {
		return nil, err
	}
	trial := *o
	if err := trial.Use(s.now(), api.IdentityOf(ctx).Account); err != nil {
		return nil, err
	}
	x, err := s.Evidence.Exhibit(ctx, o.Document, o.Signer, ceremony.Event{Kind: "evidence.read", Signer: o.Signer, Detail: o.Reason})
	if err != nil {
		return nil, err
	}
	items, err := s.exhibits(x)
	if err != nil {
		return nil, err
	}
	var c *Case
	_, err = s.step(ctx, id, func(ctx context.Context, o *Opening) error {
		now := s.now()
		if err := o.Use(now, api.IdentityOf(ctx).Account); err != nil {
			return err
		}
		if c, err = s.Cases.Case(ctx, o.Case); err != nil {
			return err
		}
		if err := c.take(now, o, items); err != nil {
			return err
		}
		if err := s.Cases.SaveCase(ctx, c); err != nil {
			return err
		}
		if err := s.tell(ctx, o, "evidence.opened"); err != nil {
			return err
		}
		return s.tellParties(ctx, o, x.Document)
	})
	return c, err
}

// take puts what an opening gives into the case. What is there already can be
// read again.
func (c *Case) take(now time.Time, o *Opening, items []Item) error {
next:
	for _, item := range items {
		for i := range c.Items {
			if c.Items[i].Origin == FromDeposit && c.Items[i].Capture == item.Capture && c.Items[i].Document == item.Document {
				c.Items[i].Opening, c.Items[i].Until = o.ID, o.Ends
				continue next
			}
		}
		item.ID, item.Opening, item.Until = api.NewID(), o.ID, o.Ends
		if err := c.add(now, item); err != nil {
			return err
		}
	}
	c.Changed = now
	return nil
}

// exhibits describes what an opening shows.
func (s *Service) exhibits(x *ceremony.Exhibit) ([]Item, error) {
	base := Item{Origin: FromDeposit, Document: x.Document.ID, Signer: x.Signer.ID, Title: x.Document.Title, Name: x.Signer.Name}
	pen, err := x.Capture.File(ceremony.PenFile)
	if err != nil {
		return nil, err
	}
	q := base
	q.Part, q.Capture, q.Signed, q.SHA256, q.Timeline = Questioned, x.Capture.ID, x.Capture.StartedAt, pen.SHA256.String(), x.Timeline
	q.Face = x.Capture.Face
	s.measure(&q, x.Questioned)
	items := []Item{q}
	for _, r := range x.References {
		k := base
		k.Part, k.Capture, k.Signed, k.SHA256 = Reference, r.ID, r.EnrolledAt, r.SHA256
		s.measure(&k, r.Signature)
		items = append(items, k)
	}
	return items, nil
}

// measure fills in what the samples themselves say.
func (s *Service) measure(i *Item, sig capture.Signature) {
	i.Device, i.Quality = sig.Device, s.Comparator.Describe(sig)
	for _, p := range s.Comparator.CheckReferences([]capture.Signature{sig}) {
		if p.Index == 0 {
			p.Index = -1
			i.Problems = append(i.Problems, p)
		}
	}
}

// tellParties mails everybody whose evidence it is: the signers, and who sent
// the document.
func (s *Service) tellParties(ctx context.Context, o *Opening, d *ceremony.Document) error {
	owner, err := s.People.Account(ctx, d.Owner)
	if err != nil {
		return fmt.Errorf("find the sender: %w", err)
	}
	notice := api.Notice{Kind: api.NoticeEvidenceOpened, Organisation: o.Organisation, Account: o.By,
		Values: map[string]string{"sender": name(owner), "time": s.now().Format("2006-01-02 15:04 UTC")}}
	told := map[string]bool{}
	send := func(to, language string) error {
		if told[to] {
			return nil
		}
		told[to] = true
		notice.To, notice.Language, notice.Key = to, language, fmt.Sprintf("evidence-opened:%s:%d", o.ID, len(told))
		return s.Records.Notify(ctx, notice)
	}
	for _, signer := range d.Signers {
		if err := send(signer.Email, signer.Language); err != nil {
			return err
		}
	}
	return send(owner.Email, owner.Language)
}

// Deciders counts the people besides the asker who could agree.
func (s *Service) Deciders(ctx context.Context, id api.Identity) (int, error) {
	members, err := s.People.Members(ctx, id.Organisation)
	if err != nil {
		return 0, fmt.Errorf("find who can agree: %w", err)
	}
	n := 0
	for _, m := range members {
		if m.Account != id.Account && mayDecide(m.Role) {
			n++
		}
	}
	return n, nil
}

// Name is how an account is shown; empty for one that was erased.
func (s *Service) Name(ctx context.Context, account string) string {
	if account == "" {
		return ""
	}
	a, err := s.People.Account(ctx, account)
	if err != nil {
		return ""
	}
	return name(a)
}
