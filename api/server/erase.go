package server

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path"
	"slices"
	"strings"

	"inkwitness/api"
	"inkwitness/api/ceremony"
	"inkwitness/api/store"
	"inkwitness/evidence"
	"inkwitness/evidence/deposit"
	"inkwitness/evidence/retain"
	"inkwitness/evidence/vault"
)

// eraser is ceremony.Eraser on vault, container and the service's authority.
type eraser struct {
	*store.Store // legal holds
	objects      *vault.Vault
	signer       interface {
		SignErasure(ctx context.Context, statement []byte, by evidence.Timestamper) ([]byte, error)
	}
	timestamps evidence.Timestamper
}

// Without implements ceremony.Eraser.
func (e eraser) Without(ctx context.Context, d *ceremony.Document, who *ceremony.Signer, by ceremony.Erased) (container, document evidence.Object, err error) {
	generation := 2
	for _, s := range d.Signers {
		if s.Erased != nil {
			generation++
		}
	}
	content, err := e.objects.OpenAt(ctx, d.Deposit.Object)
	if err != nil {
		return container, document, err
	}
	defer func() { err = errors.Join(err, content.Close()) }()
	old, err := deposit.Open(content, content.Size())
	if err != nil {
		return container, document, err
	}
	statement, err := old.Erase(d.ID, by.Authority, by.At, "data/capture/"+who.ID+"/", "data/comparison/"+who.ID+".json")
	if errors.Is(err, evidence.ErrNotFound) {
		err = api.Explain(ceremony.ErrState, "Nothing was recorded of this signer.")
	}
	if err != nil {
		return container, document, err
	}
	signed, err := e.signer.SignErasure(ctx, statement, e.timestamps)
	if err != nil {
		return container, document, fmt.Errorf("sign the statement of the erasure: %w", err)
	}
	meta := d.Deposit.Object.Meta
	meta.Subject = fmt.Sprintf("%s.%d", d.ID, generation) // another data key
	meta.Key = fmt.Sprintf("deposits/%s/deposit-%d.asice", d.ID, generation)
	meta.Lock = true
	if container, err = e.objects.Write(ctx, meta, func(w io.Writer) error { return old.WriteErased(ctx, w, signed) }); err != nil {
		return container, document, err
	}
	pdf, err := e.objects.Open(ctx, d.Current)
	if err != nil {
		return container, document, fmt.Errorf("open the signed document: %w", err)
	}
	defer func() { err = errors.Join(err, pdf.Close()) }()
	kept := d.Current.Meta
	kept.Subject = meta.Subject
	kept.Key = fmt.Sprintf("deposits/%s/document-%d%s", d.ID, generation, path.Ext(d.Current.Key))
	if document, err = e.objects.Put(ctx, kept, pdf); err != nil {
		return container, document, err
	}
	if document.SHA256 != d.Current.SHA256 {
		return container, document, fmt.Errorf("the signed document changed while it was copied: %w", evidence.ErrCorrupt)
	}
	return container, document, nil
}

// Erase is an erasure by hand: the recording of one signer in a completed
// document, or what was enrolled of that person for comparisons. A running
// service deletes within 15 minutes what this lets go of.
func Erase(ctx context.Context, cfg Config, document, email, authority string, references bool, w io.Writer) error {
	h, err := openByHand(ctx, cfg)
	if err != nil {
		return err
	}
	defer h.Close()
	what, n, err := h.erase(ctx, document, email, authority, references)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(w, "%s is erased: %d objects deleted, their keys destroyed. inkwitness receipts writes the signed receipts.\n", what, n)
	return err
}

// erase says what it erased and how many objects that were.
func (h *byHand) erase(ctx context.Context, document, email, authority string, references bool) (what string, n int, err error) {
	own, err := h.authority(ctx)
	if err != nil {
		return "", 0, err
	}
	timestamps, _, _, err := openTime(h.cfg, h.Store, own)
	if err != nil {
		return "", 0, err
	}
	ceremonies := h.Ceremonies()
	line := ceremony.New(ceremony.Config{Tx: h, Documents: ceremonies, Grants: ceremonies, Subjects: ceremonies, Objects: h.Store,
		Notices: notices{audit: h.AppendAudit}, Sealer: &sealer{}, Eraser: eraser{h.Store, h.objects, own, timestamps}, Clock: h.cfg.seams.clock, Logger: h.cfg.Logger})
	d, err := ceremonies.Document(ctx, document)
	if err != nil {
		return "", 0, fmt.Errorf("find document %s: %w", document, err)
	}
	i := slices.IndexFunc(d.Signers, func(s *ceremony.Signer) bool { return strings.EqualFold(s.Email, strings.TrimSpace(email)) })
	if i < 0 {
		return "", 0, fmt.Errorf("document %s has no signer with this address: %w", document, api.ErrNotFound)
	}
	if references {
		what = "What was enrolled for comparisons"
		_, err = line.WithdrawReferences(ctx, document, d.Signers[i].ID, authority, ceremony.ByService)
	} else {
		what = "The recording"
		_, err = line.EraseRecording(ctx, document, d.Signers[i].ID, authority, ceremony.ByService)
	}
	if err != nil {
		return "", 0, err
	}
	if n, err = h.purge(ctx, own); err != nil {
		return "", 0, fmt.Errorf("%s is let go of, but its bytes are not deleted yet; the service tries again every 15 minutes: %w", what, err)
	}
	return what, n, nil
}

// purge deletes what is due, as the service does every 15 minutes.
func (h *byHand) purge(ctx context.Context, own retain.Signer) (int, error) {
	purger, err := retain.New(retain.Config{Store: h.Store, Vault: h.objects, Signer: own, Clock: h.cfg.seams.clock, Log: h.cfg.Logger})
	if err != nil {
		return 0, err
	}
	n, err := purger.Purge(ctx)
	if err == nil {
		err = emptyJournal(ctx, h.Store)
	}
	return n, err
}
