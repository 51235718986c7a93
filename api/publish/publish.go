// Package publish gives everybody what they need to verify a deposit: the roots
// of certificates and timestamps, and the evidence log with its keys in the
// read interface of C2SP tlog-tiles. All of it is public, and none of it says
// anything about anybody.
package publish

import (
	"context"
	"errors"
	"net/http"
	"strings"

	"inkwitness/api"
	"inkwitness/evidence"
)

// Log is read by everybody; *ledger.Log is one.
type Log interface {
	// Checkpoint is the newest published one, evidence.ErrNotFound before the first.
	Checkpoint(ctx context.Context) ([]byte, error)
	// Tile returns what lies under a path of the read interface,
	// evidence.ErrNotFound when nothing does, evidence.ErrMalformed when
	// nothing ever can.
	Tile(ctx context.Context, path string) ([]byte, error)
}

// Handler serves /api/trust and /log. All fields but OtherRoots are needed.
type Handler struct {
	Roots      string   // of the service, PEM
	OtherRoots string   // of others, PEM
	LogKeys    []string // vkeys of the log and of its witnesses
	Log        Log
}

const tag = "Trust"

// Mount implements api.Handler.
func (h *Handler) Mount(a *api.API) {
	api.Register(a, api.Route{Method: "GET", Path: "/api/trust", ID: "trust", Summary: "Roots and log keys that deposits of this service are checked against", Tag: tag, Public: true}, h.trust)
	a.Raw(api.Route{Method: "GET", Path: "/log/checkpoint", ID: "logCheckpoint", Summary: "The newest checkpoint of the log (C2SP tlog-checkpoint)", Tag: tag, Public: true}, h.checkpoint)
	a.Raw(api.Route{Method: "GET", Path: "/log/tile/{path...}", ID: "logTile", Summary: "A tile of the log (C2SP tlog-tiles)", Tag: tag, Public: true}, h.tile)
}

// Trust is what this service asks others to trust it for.
type Trust struct {
	Roots      string   `json:"roots" doc:"PEM certificates of the service's own authority; compare their fingerprints with what you noted earlier"`
	OtherRoots string   `json:"otherRoots,omitempty" doc:"PEM certificates of others, which vouch for signers and for outside timestamps but for no seal"`
	LogKeys    []string `json:"logKeys" doc:"keys of the log and its witnesses, in the form of C2SP signed-note vkeys"`
}

type trustOutput struct{ Body Trust }

func (h *Handler) trust(context.Context, *struct{}) (*trustOutput, error) {
	return &trustOutput{Trust{Roots: h.Roots, OtherRoots: h.OtherRoots, LogKeys: h.LogKeys}}, nil
}

func (h *Handler) checkpoint(w http.ResponseWriter, r *http.Request) error {
	note, err := h.Log.Checkpoint(r.Context())
	if err != nil {
		return err
	}
	return write(w, "text/plain; charset=utf-8", "no-cache", note)
}

// tile serves what never changes.
func (h *Handler) tile(w http.ResponseWriter, r *http.Request) error {
	path := r.PathValue("path")
	if strings.Contains(path, "..") {
		return api.ErrNotFound
	}
	tile, err := h.Log.Tile(r.Context(), "tile/"+path)
	if errors.Is(err, evidence.ErrMalformed) {
		return api.Explain(api.ErrNotFound, "This is no path of a tile; see C2SP tlog-tiles.")
	}
	if err != nil {
		return err
	}
	return write(w, "application/octet-stream", "public, max-age=31536000, immutable", tile)
}

func write(w http.ResponseWriter, kind, cache string, body []byte) error {
	w.Header().Set("Content-Type", kind)
	w.Header().Set("Cache-Control", cache)
	_, _ = w.Write(body) // the client is gone
	return nil
}
