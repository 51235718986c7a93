package api

import (
	"net/http"
	"net/netip"
	"slices"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// metrics counts requests by route, never by path or person.
type metrics struct {
	duration *prometheus.HistogramVec
}

func newMetrics(r *prometheus.Registry) (*metrics, error) {
	m := &metrics{duration: prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Name: "inkwitness_http_request_duration_seconds", Help: "Time to answer, by route.",
		Buckets: []float64{.005, .02, .1, .5, 2, 10, 60},
	}, []string{"route", "method", "status"})}
	return m, r.Register(m.duration)
}

func (m *metrics) observe(route, method string, status int, d time.Duration) {
	if route == "" {
		route, method = "none", "any" // what strangers ask for must not become labels
	}
	if !slices.Contains(methods, method) {
		method = "any" // the pages' route takes every one that there is, and that is not
	}
	m.duration.WithLabelValues(route, method, strconv.Itoa(status)).Observe(d.Seconds())
}

// mountOperations adds what an operator needs. /metrics answers the machine
// itself only: put a scraper beside the service, or behind a tunnel.
func (a *API) mountOperations() {
	text := func(w http.ResponseWriter, s string) {
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		_, _ = w.Write([]byte(s + "\n"))
	}
	a.mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { text(w, "ok") })
	a.mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, r *http.Request) {
		if a.cfg.Ready != nil {
			if err := a.cfg.Ready(r.Context()); err != nil {
				a.WriteProblem(w, r, ErrUnavailable)
				return
			}
		}
		text(w, "ready")
	})
	a.mux.HandleFunc("GET /openapi.json", func(w http.ResponseWriter, r *http.Request) {
		body, err := a.description()
		if err != nil {
			a.WriteProblem(w, r, err)
			return
		}
		w.Header().Set("Content-Type", "application/openapi+json")
		_, _ = w.Write(body)
	})
	served := promhttp.HandlerFor(a.cfg.Metrics, promhttp.HandlerOpts{})
	a.mux.HandleFunc("GET /metrics", func(w http.ResponseWriter, r *http.Request) {
		if !local(r) {
			a.WriteProblem(w, r, ErrNotFound)
			return
		}
		served.ServeHTTP(w, r)
	})
}

// local says whether the request comes from this machine and no proxy passed it on.
func local(r *http.Request) bool {
	peer, err := netip.ParseAddrPort(r.RemoteAddr)
	forwarded := r.Header.Get("X-Forwarded-For") != "" || r.Header.Get("Forwarded") != ""
	return err == nil && peer.Addr().Unmap().IsLoopback() && !forwarded
}
