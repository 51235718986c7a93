package dispute

import (
	"context"
	"fmt"
	"strings"
	"time"

	"inkwitness/api"
)

// mayInvestigate are the roles that can have cases; the access table says so too
// (case create).
func mayInvestigate(r api.Role) bool {
	return api.Allow(api.Identity{Role: r, Account: "a", Organisation: "o"}, api.Create, api.Object{Kind: api.CaseObject, Organisation: "o"}) == nil
}

// handTo gives the case to another account. Two people agreed that the one before
// reads what this service recorded, so that is closed: the next one asks anew.
// What was brought along, found and noted stays.
func (c *Case) handTo(now time.Time, account string) error {
	if account == c.Owner {
		return api.Explain(api.ErrInvalid, "The case is yours already.")
	}
	for i := range c.Items {
		if c.Items[i].Origin == FromDeposit && c.Items[i].Until.After(now) {
			c.Items[i].Until = now
		}
	}
	c.Owner, c.Changed = account, now
	return nil
}

// HandOver gives a case to a colleague, by address. Openings of the one before
// end, whatever their state; the colleague is told by mail.
func (s *Service) HandOver(ctx context.Context, id, address string) error {
	c, err := s.Cases.Case(ctx, id)
	if err != nil {
		return err
	}
	to, err := s.colleague(ctx, c.Organisation, address)
	if err != nil {
		return err
	}
	from := s.Name(ctx, c.Owner)
	_, err = s.change(ctx, id, "case.handed-over", func(ctx context.Context, c *Case) (api.Detail, error) {
		if err := c.handTo(s.now(), to.ID); err != nil {
			return nil, err
		}
		if err := s.closeOpenings(ctx, c); err != nil {
			return nil, err
		}
		return api.Detail{"to": name(to)}, s.Records.Notify(ctx, api.Notice{Kind: api.NoticeCaseHandedOver, To: to.Email, Language: to.Language, Organisation: c.Organisation,
			Account: to.ID, Link: "/compare#case/" + c.ID, Values: map[string]string{"from": from}, Key: fmt.Sprintf("case-handed-over:%s:%d", c.ID, c.Version)})
	})
	return err
}

// colleague finds who may take cases over. Other addresses are answered in the
// same words, whether they are known or not.
func (s *Service) colleague(ctx context.Context, organisation, address string) (api.Account, error) {
	members, err := s.People.Members(ctx, organisation)
	if err != nil {
		return api.Account{}, fmt.Errorf("find who can take the case over: %w", err)
	}
	for _, m := range members {
		if !mayInvestigate(m.Role) {
			continue
		}
		a, err := s.People.Account(ctx, m.Account)
		if err != nil {
			return a, fmt.Errorf("find who can take the case over: %w", err)
		}
		if strings.EqualFold(a.Email, strings.TrimSpace(address)) {
			return a, nil
		}
	}
	return api.Account{}, api.Explain(api.ErrInvalid, "Nobody with this address is an investigator or owner in your organisation.")
}

// closeOpenings takes back what was asked, agreed or opened for a case.
func (s *Service) closeOpenings(ctx context.Context, c *Case) error {
	all, err := s.Openings.OpeningsOf(ctx, c.Organisation, c.ID, MostOpenings)
	if err != nil {
		return fmt.Errorf("find the openings of the case: %w", err)
	}
	for _, o := range all {
		if state := o.Now(s.now()); state != Asked && state != Approved && state != Open {
			continue
		}
		if err := o.Withdraw(s.now(), o.By); err != nil {
			return err
		}
		if err := s.Openings.SaveOpening(ctx, o); err != nil {
			return err
		}
		if err := s.tell(ctx, o, "evidence.closed"); err != nil {
			return err
		}
	}
	return nil
}
