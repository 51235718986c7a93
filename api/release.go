package api

import (
	"context"
	"net/http"
	"strings"

	"inkwitness/evidence"
)

// Release is a file of a document that leaves the service.
type Release struct {
	Kind         string // of the event that tells of it, as "deposit.downloaded"
	Document     string
	Organisation string
	Object       evidence.Object
}

// Releases writes down what leaves. It is safe for concurrent use.
type Releases interface {
	// Released adds to the document's chain who takes the file away, and how. A part
	// belongs to the download that the same session, key or link began from the same
	// address within the hour, and is written down where there is none.
	Released(ctx context.Context, r Release, part bool) error
}

// ServeRelease is ServeObject for a file whose every download is an event: what
// cannot be written down does not leave.
func ServeRelease(w http.ResponseWriter, r *http.Request, vault Vault, log Releases, what Release, name string, d Disposition) error {
	if r.Method != http.MethodHead {
		if err := log.Released(r.Context(), what, goesOn(r)); err != nil {
			return err
		}
	}
	return ServeObject(w, r, vault, what.Object, name, d)
}

// goesOn says whether a request asks for something behind the first byte: the rest of
// a download that was cut, or a part that a reader of PDFs wants.
func goesOn(r *http.Request) bool {
	ranges := r.Header.Get("Range")
	return ranges != "" && !strings.HasPrefix(strings.ReplaceAll(ranges, " ", ""), "bytes=0-")
}
