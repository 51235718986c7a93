package investigate

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"os"

	"inkwitness/api"
	"inkwitness/api/dispute"
)

// importItem takes a file as the request's body. It goes through a file without
// a name: what is not stored encrypted does not outlive the request.
func (h *Handler) importItem(w http.ResponseWriter, r *http.Request) error {
	ctx := r.Context()
	c, err := h.load(ctx, r.PathValue("id"), api.Update)
	if err != nil {
		return err
	}
	file, err := os.CreateTemp("", "import-*")
	if err != nil {
		return fmt.Errorf("make room for the file: %w", err)
	}
	defer file.Close()
	if err := os.Remove(file.Name()); err != nil {
		return fmt.Errorf("make room for the file: %w", err)
	}
	size, err := io.Copy(file, r.Body)
	if _, tooLarge := errors.AsType[*http.MaxBytesError](err); tooLarge {
		return api.Explain(api.ErrTooLarge, "The file is larger than %d MB.", dispute.MaxContainer>>20)
	}
	if err != nil {
		return fmt.Errorf("receive the file: %w", err)
	}
	if size == 0 {
		return api.Explain(api.ErrInvalid, "The file is empty.")
	}
	q := r.URL.Query()
	c, err = h.Disputes.Import(ctx, c.ID, dispute.Import{Part: dispute.Part(q.Get("part")), Label: q.Get("label"), Note: q.Get("note"), Filename: q.Get("filename")}, file, size)
	if err != nil {
		return err
	}
	out, err := h.caseOut(ctx, c, nil)
	if err != nil {
		return err
	}
	return api.WriteJSON(w, http.StatusCreated, out.Body)
}

func (h *Handler) video(w http.ResponseWriter, r *http.Request) error {
	c, err := h.load(r.Context(), r.PathValue("id"), api.Read)
	if err != nil {
		return err
	}
	o, err := h.Disputes.VideoOf(r.Context(), c, r.PathValue("item"))
	if err != nil {
		return err
	}
	return api.ServeRelease(w, r, h.Vault, look{h.Disputes, c, r.PathValue("item")}, api.Release{Object: o}, "selfie.webm", api.Inline)
}

// look records that the video of a signature is watched, as api.Releases.
type look struct {
	disputes *dispute.Service
	c        *dispute.Case
	item     string
}

func (l look) Released(ctx context.Context, _ api.Release, part bool) error {
	return l.disputes.Watched(ctx, l.c, l.item, part)
}

// exports are the media type and the ending of each format.
var exports = map[string][2]string{
	dispute.FormatCSV:   {"text/csv; charset=utf-8", "csv"},
	dispute.FormatInkML: {"application/inkml+xml", "inkml"},
	dispute.FormatISO:   {"application/octet-stream", "iso19794-7"},
	"json":              {"application/json", "json"},
}

func (h *Handler) export(w http.ResponseWriter, r *http.Request) error {
	ctx := r.Context()
	c, err := h.load(ctx, r.PathValue("id"), api.Export)
	if err != nil {
		return err
	}
	format := r.PathValue("format")
	var b bytes.Buffer // at most a few MB, and an error is still a problem
	if err := h.Disputes.Export(ctx, c, r.PathValue("item"), format, &b); err != nil {
		return err
	}
	item, err := c.Item(r.PathValue("item"))
	if err != nil {
		return err
	}
	header := w.Header()
	header.Set("Content-Type", exports[format][0])
	header.Set("Content-Disposition", mime.FormatMediaType("attachment", map[string]string{"filename": item.Label + "." + exports[format][1]}))
	header.Set("Content-Length", fmt.Sprint(b.Len()))
	_, _ = w.Write(b.Bytes()) // the client is gone
	return nil
}
