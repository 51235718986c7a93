package api

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"mime"
	"net/http"
	"sync/atomic"
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
// that a download can be resumed. The ETag is the object's SHA-256. Where the object
// cannot be read to the end the answer does not end either: the connection breaks.
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
	source := &source{ReadSeeker: content}
	http.ServeContent(w, r, "", time.Time{}, source)
	if failed := source.failed.Load(); failed != nil {
		return &brokenOff{*failed}
	}
	return nil
}

// source remembers that reading failed, which http.ServeContent keeps to itself. Of
// several ranges it reads in a goroutine of its own.
type source struct {
	io.ReadSeeker
	failed atomic.Pointer[error]
}

func (s *source) Read(p []byte) (int, error) {
	n, err := s.ReadSeeker.Read(p)
	if err != nil && err != io.EOF {
		s.failed.Store(&err)
	}
	return n, err
}

// brokenOff is an error after which nothing can be answered: the answer has begun.
type brokenOff struct{ err error }

func (b *brokenOff) Error() string { return "the answer broke off: " + b.err.Error() }

func (b *brokenOff) Unwrap() error { return b.err }

// breakOff ends a request so that the client sees that the answer is not whole.
func (a *API) breakOff(r *http.Request, err error) {
	if r.Context().Err() == nil { // otherwise the client left, and reading ended for it
		a.log.ErrorContext(r.Context(), "an answer broke off", "request", RequestID(r.Context()), "error", err)
	}
	panic(http.ErrAbortHandler)
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
