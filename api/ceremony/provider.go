package ceremony

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"

	"inkwitness/api"
	"inkwitness/evidence"
)

// Certification is how far a signature in the making is with its provider.
type Certification struct {
	Name    string // in the certificate, empty while there is none
	Consent string // address at which the signer has to consent first, empty when nothing is left to do
}

// Choose sets the trust provider of a draft; the empty name is the service's
// own authority.
func (s *Service) Choose(ctx context.Context, id, provider string) (*Document, error) {
	return s.change(ctx, id, func(_ context.Context, d *Document) (Effects, error) {
		if d.State != Draft {
			return Effects{}, api.Explain(ErrState, "The document was already sent, so its provider is fixed.")
		}
		if err := s.checkProvider(provider); err != nil {
			return Effects{}, err
		}
		d.TrustProvider = provider
		return Effects{Events: []Event{{Kind: "document.provider", Detail: provider}}}, nil
	})
}

// checkProvider refuses one that is not configured: the choice is kept with the
// document, the configuration may have changed since.
func (s *Service) checkProvider(name string) error {
	if name != "" && !slices.Contains(s.Providers, name) {
		return api.Explain(ErrInvalid, "There is no certificate provider %q here. Choose another one.", name)
	}
	return nil
}

// Consented takes what a signer brought back from the provider. The signature
// is then made by Run.
func (s *Service) Consented(ctx context.Context, document, signer, state, code string) (*Document, error) {
	d, err := s.Documents.Document(ctx, document)
	if err != nil {
		return nil, err
	}
	who, err := d.Signer(signer)
	if err != nil {
		return nil, err
	}
	if who.State != Signing || who.ProviderConsent == "" {
		return d, nil // taken over already: the page was loaded twice
	}
	before := who.SealState
	after, err := s.Sealer.Consented(ctx, d, who, state, code)
	if errors.Is(err, evidence.ErrNotAllowed) {
		return nil, &api.Explained{Detail: "The provider's answer does not belong to this signature, or is too old. Go to the provider once more.", Err: errors.Join(api.ErrConflict, err)}
	}
	if err != nil {
		return nil, fmt.Errorf("take over the consent: %w", err)
	}
	d, err = s.change(ctx, document, func(_ context.Context, d *Document) (Effects, error) {
		who, err := d.signing(signer)
		if err != nil {
			return Effects{}, err
		}
		if !bytes.Equal(who.SealState, before) {
			return Effects{}, ErrOvertaken
		}
		who.SealState, who.ProviderConsent = after, ""
		return Effects{Events: []Event{{Kind: "signer.consentedAtProvider", By: BySigner, Signer: who.ID}}}, nil
	})
	if err == nil {
		s.nudge(document)
	}
	return d, err
}

// ErrOvertaken is a signature that somebody else went on with meanwhile.
var ErrOvertaken = api.Explain(api.ErrConflict, "The signature is being made. Wait a moment.")

// keepSignature stores the state of a signature as long as nobody else did: of
// two instances, or of the maker and the signer's consent, one wins.
func (s *Service) keepSignature(document string, who *Signer) Keep {
	last := who.SealState
	return func(ctx context.Context, state []byte) error {
		_, err := s.change(ctx, document, func(_ context.Context, d *Document) (Effects, error) {
			who, err := d.signing(who.ID)
			if err != nil {
				return Effects{}, err
			}
			if !bytes.Equal(who.SealState, last) {
				return Effects{}, ErrOvertaken
			}
			who.SealState = state
			return Effects{}, nil
		})
		if err == nil {
			last = state
		}
		return err
	}
}

// awaitConsent notes where the signer has to consent. It is called when the
// sealer waits.
func (s *Service) awaitConsent(ctx context.Context, d *Document, signer string) (*Document, error) {
	if who, err := d.Signer(signer); err == nil && who.ProviderConsent != "" && d.Trouble == "" {
		return d, nil // noted already
	}
	return s.change(ctx, d.ID, func(_ context.Context, d *Document) (Effects, error) {
		who, err := d.Signer(signer)
		if err != nil {
			return Effects{}, err
		}
		at, err := s.Sealer.Certification(who)
		if err != nil {
			return Effects{}, err
		}
		if who.State == Signing {
			who.ProviderConsent, d.Trouble = at.Consent, ""
		}
		return Effects{}, nil
	})
}
