package witness

import (
	"io"
	"log/slog"
	"net/http"
)

// Handler serves add-checkpoint, and the newest confirmed checkpoint of a log
// under /checkpoint?origin=... for monitors.
func (w *Witness) Handler(log *slog.Logger) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /add-checkpoint", func(rw http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(http.MaxBytesReader(rw, r.Body, maxRequest))
		if err != nil {
			http.Error(rw, http.StatusText(http.StatusRequestEntityTooLarge), http.StatusRequestEntityTooLarge)
			return
		}
		answer, err := w.Add(body)
		if err != nil {
			log.ErrorContext(r.Context(), "checkpoint refused", "status", answer.Status, "err", err)
		}
		write(rw, answer)
	})
	mux.HandleFunc("GET /checkpoint", func(rw http.ResponseWriter, r *http.Request) {
		last, ok := w.Last(r.URL.Query().Get("origin"))
		if !ok {
			write(rw, refuse(http.StatusNotFound))
			return
		}
		write(rw, Answer{http.StatusOK, "text/plain; charset=utf-8", last})
	})
	return mux
}

func write(rw http.ResponseWriter, a Answer) {
	rw.Header().Set("Content-Type", a.ContentType)
	rw.Header().Set("Cache-Control", "no-store") // what is newest is asked for again
	rw.WriteHeader(a.Status)
	_, _ = rw.Write(a.Body) // the client is gone: nothing to be done
}
