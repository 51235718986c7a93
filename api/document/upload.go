package document

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"time"

	"inkwitness/api"
	"inkwitness/api/ceremony"
)

// maxUploads is how many documents a person may upload in an hour.
const maxUploads = 200

// upload takes the PDF as the request's body. It goes through a file without a
// name: what is not stored encrypted does not outlive the request.
func (h *Handler) upload(w http.ResponseWriter, r *http.Request) error {
	ctx := r.Context()
	id := api.IdentityOf(ctx)
	if err := api.Allow(id, api.Create, api.Object{Kind: api.DocumentObject, Organisation: id.Organisation, Owner: id.Account}); err != nil {
		return err
	}
	if err := h.hit(ctx, "uploads", id.Account, maxUploads, "You have uploaded %d documents in an hour. Wait before you upload more."); err != nil {
		return err
	}
	file, err := os.CreateTemp("", "upload-*")
	if err != nil {
		return fmt.Errorf("make room for the upload: %w", err)
	}
	defer file.Close()
	if err := os.Remove(file.Name()); err != nil {
		return fmt.Errorf("make room for the upload: %w", err)
	}
	size, err := io.Copy(file, r.Body)
	if _, tooLarge := errors.AsType[*http.MaxBytesError](err); tooLarge {
		return api.Explain(api.ErrTooLarge, "The file is larger than %d MB. Make it smaller, for instance by reducing its images.", h.maxUpload()>>20)
	}
	if err != nil {
		return fmt.Errorf("receive the upload: %w", err)
	}
	query := r.URL.Query()
	d, err := h.Ceremony.Upload(ctx, id.Organisation, id.Account, query.Get("title"), query.Get("filename"), file, size)
	if err != nil {
		return err
	}
	w.Header().Set("Location", "/api/documents/"+d.ID)
	return api.WriteJSON(w, http.StatusCreated, NewView(d))
}

// hit counts an act of an hour, and refuses one too many in the words.
func (h *Handler) hit(ctx context.Context, name, who string, most int, words string) error {
	now := h.Ceremony.Clock.Now()
	n, ends, err := h.Limits.Hit(ctx, name, who, time.Hour, now)
	if err != nil {
		return fmt.Errorf("limit %s: %w: %w", name, api.ErrUnavailable, err)
	}
	if n > most {
		return &api.Explained{Detail: fmt.Sprintf(words, most), Retry: ends.Sub(now), Err: api.ErrTooMany}
	}
	return nil
}

// maxUpload is what a PDF may have, in bytes. Nothing is behind a handler that
// only describes its routes.
func (h *Handler) maxUpload() int64 {
	if h.Ceremony == nil {
		return ceremony.DefaultMaxUpload
	}
	return h.Ceremony.MaxUpload
}
