package api

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"mime"
	"net/http"
	"time"

	"inkwitness/evidence"
)

// Vault opens stored objects for download.
type Vault interface {
	Open(ctx context.Context, o evidence.Object) (io.ReadSeekCloser, error)
}

// Disposition says what a browser does with a download.
type Disposition string

// The dispositions of RFC 6266.
const (
	Inline     Disposition = "inline"
	Attachment Disposition = "attachment"
)

// ServeObject writes a stored object, whole or the range that was asked for, so
// that a download can be resumed. The ETag is the object's SHA-256.
func ServeObject(w http.ResponseWriter, r *http.Request, vault Vault, o evidence.Object, name string, d Disposition) error {
	content, err := vault.Open(r.Context(), o)
	if err != nil {
		return fmt.Errorf("open the stored object: %w", err)
	}
	defer content.Close()
	header := w.Header()
	header.Set("Content-Type", o.ContentType)
	header.Set("Content-Disposition", mime.FormatMediaType(string(d), map[string]string{"filename": name}))
	header.Set("ETag", `"`+o.SHA256.String()+`"`)
	http.ServeContent(w, r, "", time.Time{}, content)
	return nil
}

// WriteJSON answers a raw route.
func WriteJSON(w http.ResponseWriter, status int, v any) error {
	body, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("encode the answer: %w", err)
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(body) // the client is gone; nobody is left to tell
	return nil
}
