package investigate

import (
	"bytes"
	"context"
	"fmt"
	"mime"
	"net/http"

	"inkwitness/api"
	"inkwitness/api/dispute/report"
)

// Reports signs reports in the service's name.
type Reports interface {
	// SignReport returns the PDF with a signature as a further revision of it.
	SignReport(ctx context.Context, pdf []byte, title string) ([]byte, error)
}

// report makes the report of a case as it stands. That it was made is recorded;
// it is not kept.
func (h *Handler) report(w http.ResponseWriter, r *http.Request) error {
	ctx := r.Context()
	c, err := h.load(ctx, r.PathValue("id"), api.Export)
	if err != nil {
		return err
	}
	language := r.URL.Query().Get("language")
	in := report.Input{Case: c, Language: language}
	if in.Samples, err = h.Disputes.Reported(ctx, c, language); err != nil {
		return err
	}
	events, err := h.Disputes.Custody(ctx, c.ID)
	if err != nil {
		return err
	}
	for _, e := range events {
		in.Custody = append(in.Custody, report.Line{Event: e, By: h.Disputes.Name(ctx, e.Account)})
	}
	var plain bytes.Buffer
	if err := report.Write(&plain, in); err != nil {
		return err
	}
	signed, err := h.Reports.SignReport(ctx, plain.Bytes(), c.Reference)
	if err != nil {
		return fmt.Errorf("sign the report: %w", err)
	}
	header := w.Header()
	header.Set("Content-Type", "application/pdf")
	header.Set("Content-Disposition", mime.FormatMediaType("attachment", map[string]string{"filename": "report-" + c.ID[:8] + ".pdf"}))
	header.Set("Content-Length", fmt.Sprint(len(signed)))
	_, _ = w.Write(signed) // the client is gone
	return nil
}
