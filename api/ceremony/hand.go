package ceremony

import (
	"context"
	"errors"
	"time"

	"inkwitness/api"
)

// inPerson is the detail of events that happened on a device handed round.
const inPerson = "in-person"

// HandRound starts signing in person: the signers sign one after the other on
// one device, which the secret lets go round. Nobody needs a link, and those
// that were sent end, so that each signs in one place only.
func (d *Document) HandRound(now time.Time, secret string) (Effects, error) {
	d.InPerson = true
	effects := Effects{}
	switch d.State {
	case Draft:
		var err error
		if effects, err = d.Send(now, nil); err != nil {
			return Effects{}, err
		}
	case Sent:
		if s := d.Waiting(); s != nil {
			effects.Revoked = append(effects.Revoked, s.ID)
		}
	default:
		return Effects{}, api.Explain(ErrState, "The document is %s: nobody is left to sign it.", d.State)
	}
	effects.Revoked = append(effects.Revoked, d.ID) // another device that went round
	effects.Grants = append(effects.Grants, Grant{Hash: HashSecret(secret), Kind: HandGrant, Document: d.ID, Signer: d.ID, Expires: now.Add(HandLifetime)})
	effects.Events = append(effects.Events, Event{Kind: "document.handed-round"})
	return effects, nil
}

// Take lets the signer whose turn it is begin, or go on, on the device.
func (d *Document) Take(signer string, now time.Time, secret string) (Effects, error) {
	if !d.InPerson {
		return Effects{}, api.Explain(ErrState, "The sender has asked for signatures by mail instead.")
	}
	if _, err := d.open(signer); err != nil {
		return Effects{}, err // also for those who have signed: whoever holds the device may be another
	}
	effects, err := d.Open(signer, now, secret)
	if err != nil {
		return Effects{}, err
	}
	effects.Revoked = append(effects.Revoked, signer) // an earlier session of theirs ends
	effects.Events[0].Detail = inPerson
	return effects, nil
}

// HandRound starts signing in person and returns the secret of the device.
func (s *Service) HandRound(ctx context.Context, id string) (string, *Document, error) {
	secret := newSecret()
	d, err := s.change(ctx, id, func(_ context.Context, d *Document) (Effects, error) {
		return d.HandRound(s.Clock.Now().UTC(), secret)
	})
	return secret, d, err
}

// Handed tells which document a device goes round with.
func (s *Service) Handed(ctx context.Context, secret string) (*Document, error) {
	grant, err := s.Grants.Grant(ctx, HashSecret(secret))
	switch {
	case err != nil:
		return nil, err
	case grant.Kind != HandGrant:
		return nil, ErrNotFound
	case !s.Clock.Now().Before(grant.Expires):
		return nil, ErrLinkExpired
	}
	return s.Documents.Document(ctx, grant.Document)
}

// Take opens a signing session for a signer on a device that is handed round.
func (s *Service) Take(ctx context.Context, device, signer string) (session string, d *Document, err error) {
	if d, err = s.Handed(ctx, device); err != nil {
		return "", nil, err
	}
	session = newSecret()
	d, err = s.change(ctx, d.ID, func(_ context.Context, d *Document) (Effects, error) {
		return d.Take(signer, s.Clock.Now().UTC(), session)
	})
	return session, d, err
}

// Leave ends what a secret stands for: a signing session, or handing round.
func (s *Service) Leave(ctx context.Context, secret string) error {
	grant, err := s.Grants.Grant(ctx, HashSecret(secret))
	if errors.Is(err, ErrNotFound) {
		return nil // it has ended
	}
	if err != nil {
		return err
	}
	return s.Grants.RevokeGrants(ctx, grant.Signer, grant.Kind)
}
