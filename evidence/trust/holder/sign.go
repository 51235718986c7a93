package holder

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"inkwitness/evidence"
	"inkwitness/evidence/trust"
)

// What follows from a signer's approval, and from nothing else: a certificate, as
// many signatures as were approved, and the end of the key.

// certified tells whether a signer has a certificate. One that ended, with the
// approval, before anything was signed counts no more: the signer is asked again.
func (h *Holder) certified(s *signer) bool {
	now, c := h.cfg.Clock.Now(), h.credentials[s.credential]
	return s.signed || c != nil && (now.Before(c.ends) || now.Before(s.ends))
}

// Credential makes the certificate of a signer who approved. The request's ID is
// ceremony/signer/try: a further try is good once the one before has ended, while
// something of the approval is left.
func (h *Holder) Credential(ctx context.Context, req evidence.CredentialRequest) (evidence.Credential, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	who, _, ok := cutLast(req.ID)
	ceremony, id, named := strings.Cut(who, "/")
	e := Entry{Kind: Certified, Ceremony: ceremony, Signer: id, Credential: req.ID, Document: ""}
	if !ok || !named || !plain(ceremony) || !plain(id) || ceremony != req.Deposit {
		return evidence.Credential{}, h.refuse(Entry{}, ErrProof, "the request names no ceremony and signer")
	}
	now, s := h.cfg.Clock.Now(), h.signers[who]
	if c := h.credentials[req.ID]; c == nil {
		switch {
		case s == nil || s.document == "":
			return evidence.Credential{}, h.refuse(e, ErrProof, "the proof is missing")
		case now.After(s.ends):
			return evidence.Credential{}, h.refuse(e, evidence.ErrLapsed, "the approval is too old")
		case len(s.made) >= s.signatures:
			return evidence.Credential{}, h.refuse(e, ErrProof, "the proof is used up: every signature was made")
		}
		if before := h.credentials[s.credential]; before != nil && now.Add(renewal).Before(before.ends) {
			return evidence.Credential{}, h.refuse(e, ErrProof, "the signer's certificate was made already")
		}
		e.Document, e.Ends = s.document, now.Add(trust.DefaultLifetime).UTC()
		if err := h.note(e); err != nil {
			return evidence.Credential{}, err
		}
	}
	req.Lifetime = h.credentials[req.ID].ends.Sub(now) // the same end, should a crash have come between
	if req.Lifetime <= 0 {
		req.Lifetime = time.Second
	}
	return h.cfg.Authority.Credential(ctx, req)
}

// renewal is how long before its end a certificate may be followed by the next.
const renewal = 15 * time.Minute

// Authorize lets digests be signed, as many as the signer approved: what was
// signed under an earlier certificate counts, what was only allowed there does not,
// because that certificate signs no more.
func (h *Holder) Authorize(ctx context.Context, id string, digests []evidence.SignDigest) (evidence.Authorization, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	e, c, s, err := h.usable(id)
	if err != nil {
		return evidence.Authorization{}, err
	}
	used := slices.Concat(s.made, c.digests)
	for _, d := range digests {
		used = append(used, name(d))
	}
	slices.Sort(used)
	if len(slices.Compact(used)) > s.signatures {
		return evidence.Authorization{}, h.refuse(e, ErrProof, "the proof is used up: it was for fewer signatures")
	}
	auth, err := h.cfg.Authority.Authorize(ctx, id, digests)
	if err != nil {
		return evidence.Authorization{}, err
	}
	for _, d := range digests {
		if slices.Contains(c.digests, name(d)) {
			continue
		}
		e.Kind, e.Digest = Authorized, name(d)
		if err := h.note(e); err != nil {
			return evidence.Authorization{}, err
		}
	}
	return auth, nil
}

// usable is a certificate under an approval that still holds.
func (h *Holder) usable(id string) (Entry, *credential, *signer, error) {
	c := h.credentials[id]
	if c == nil {
		return Entry{}, nil, nil, h.refuse(Entry{Credential: id}, ErrProof, "there is no such certificate")
	}
	ceremony, who, _ := strings.Cut(c.who, "/")
	s := h.signers[c.who]
	e := Entry{Ceremony: ceremony, Signer: who, Credential: id, Document: s.document}
	switch {
	case c.gone:
		return e, nil, nil, fmt.Errorf("key holder: the key was destroyed: %w", evidence.ErrErased)
	case h.cfg.Clock.Now().After(s.ends):
		return e, nil, nil, h.refuse(e, evidence.ErrLapsed, "the approval is too old")
	case s.credential != id:
		return e, nil, nil, h.refuse(e, ErrProof, "another certificate was made since")
	}
	return e, c, s, nil
}

// Sign signs authorized digests.
func (h *Holder) Sign(ctx context.Context, auth evidence.Authorization, digests []evidence.SignDigest) ([][]byte, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	e, c, _, err := h.usable(auth.Credential)
	if err != nil {
		return nil, err
	}
	for _, d := range digests {
		if !slices.Contains(c.digests, name(d)) {
			return nil, h.refuse(e, ErrProof, "a digest was not authorized")
		}
	}
	now := h.cfg.Clock.Now()
	if h.recent = lastMinute(h.recent, now); len(h.recent)+len(digests) > h.cfg.Rate {
		return nil, h.refuse(e, ErrBusy, "too many signatures")
	}
	for _, d := range digests {
		h.recent = append(h.recent, now)
		e.Kind, e.Digest = Signed, name(d)
		if err := h.note(e); err != nil {
			return nil, err
		}
	}
	return h.cfg.Authority.Sign(ctx, auth, digests)
}

// Release destroys the key of a certificate.
func (h *Holder) Release(ctx context.Context, id string) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	c := h.credentials[id]
	if c == nil {
		return h.refuse(Entry{Credential: id}, ErrProof, "there is no such certificate")
	}
	if !c.gone {
		ceremony, who, _ := strings.Cut(c.who, "/")
		if err := h.note(Entry{Kind: Released, Ceremony: ceremony, Signer: who, Credential: id}); err != nil {
			return err
		}
	}
	err := h.cfg.Authority.Release(ctx, id)
	if errors.Is(err, evidence.ErrNotFound) {
		return nil // a crash came before its key was made
	}
	return err
}

// finish destroys the keys whose destruction is noted.
func (h *Holder) finish(ctx context.Context) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	for id, c := range h.credentials {
		if !c.gone {
			continue
		}
		if err := h.cfg.Authority.Release(ctx, id); err != nil && !errors.Is(err, evidence.ErrNotFound) {
			return fmt.Errorf("destroy the key of %s: %w", id, err)
		}
	}
	return nil
}

// Revocation says that none of its certificates is revoked.
func (h *Holder) Revocation(ctx context.Context, chain []*x509.Certificate) (evidence.Revocation, error) {
	return h.cfg.Authority.Revocation(ctx, chain)
}

func name(d evidence.SignDigest) string { return fmt.Sprintf("%s:%x", d.Hash, d.Value) }

func cutLast(id string) (before, after string, ok bool) {
	i := strings.LastIndexByte(id, '/')
	if i < 0 {
		return id, "", false
	}
	return id[:i], id[i+1:], true
}
