package api

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/netip"
	"path"
	"reflect"
	"strings"
	"sync"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"
	"github.com/prometheus/client_golang/prometheus"

	"inkwitness/capture"
)

// Config is what an API needs. The zero value of an optional field is safe.
type Config struct {
	Clock          capture.Clock               // required
	Logger         *slog.Logger                // nil discards
	Version        string                      // of the program, shown in the OpenAPI document
	TLS            bool                        // people reach the service by https: HSTS, __Host- cookies
	TrustedProxies []netip.Prefix              // whose X-Forwarded-For is believed; none by default
	Ready          func(context.Context) error // nil answer of /readyz; nil is always ready
	Replies        Replies                     // for idempotency keys; nil refuses requests that carry one
	Kinds          []Kind                      // errors of packages that this one cannot import

	// Refused is told what Allow refused to a member of an organisation (ASVS
	// V16.3.2), but for acts that only lack a fresh proof. nil tells nobody.
	Refused func(context.Context, Identity, *Refusal) error

	Metrics *prometheus.Registry // nil makes one of its own
}

// API is the HTTP interface under construction: handlers are mounted on it, then
// Handler serves it. Mounting is not safe for concurrent use, serving is.
type API struct {
	huma       huma.API
	mux        *http.ServeMux
	cfg        Config
	kinds      []Kind
	log        *slog.Logger
	metrics    *metrics
	identifier []Identifier
	mounting   string // folder of the use case whose route is being registered
	guard      *http.CrossOriginProtection
	secrets    map[string]bool // patterns of the routes whose answers show a secret once

	description func() ([]byte, error) // OpenAPI, made at the first request
}

// Identifier finds out who asks. It returns nobody and no error when the request
// shows nothing that it knows. An error ends the request: a proof was shown, and
// it could not be checked.
type Identifier func(*http.Request) (Identity, error)

// Handler is one use case: a folder below this one.
type Handler interface {
	// Mount adds the routes, and an Identifier if the use case has one.
	Mount(*API)
}

// New returns an API with only the operator's routes: /healthz, /readyz,
// /metrics and /openapi.json.
func New(cfg Config) (*API, error) {
	if cfg.Clock == nil {
		return nil, errors.New("api: no clock")
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	if cfg.Metrics == nil {
		cfg.Metrics = prometheus.NewRegistry()
	}
	a := &API{mux: http.NewServeMux(), cfg: cfg, log: cfg.Logger, guard: http.NewCrossOriginProtection(), secrets: map[string]bool{}}
	a.kinds = append(append(a.kinds, kinds...), cfg.Kinds...)
	var err error
	if a.metrics, err = newMetrics(cfg.Metrics); err != nil {
		return nil, fmt.Errorf("api metrics: %w", err)
	}
	a.huma = humago.New(a.mux, a.humaConfig())
	a.description = sync.OnceValues(a.OpenAPI)
	a.mountOperations()
	return a, nil
}

func (a *API) humaConfig() huma.Config {
	c := huma.DefaultConfig("Inkwitness", a.cfg.Version)
	c.OpenAPIPath, c.DocsPath, c.SchemasPath, c.CreateHooks = "", "", "", nil
	c.Transformers = []huma.Transformer{a.transform}
	c.Components.Schemas = huma.NewMapRegistry("#/components/schemas/", a.schemaName)
	c.Components.SecuritySchemes = map[string]*huma.SecurityScheme{
		"session": {Type: "apiKey", In: "cookie", Name: a.CookieName("session"), Description: "set by POST /api/session"},
		"key":     {Type: "http", Scheme: "bearer", Description: "an API key of the organisation"},
	}
	return c
}

// schemaName names a type by its folder too, unless that is this one: two use
// cases may both have a View. A type without a name belongs to the use case that
// is being mounted.
func (a *API) schemaName(t reflect.Type, hint string) string {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	folder := a.mounting
	if t.Name() != "" {
		if !strings.HasPrefix(t.PkgPath(), "inkwitness/") {
			return huma.DefaultSchemaNamer(t, hint)
		}
		folder = path.Base(t.PkgPath())
	}
	name := huma.DefaultSchemaNamer(t, hint)
	if folder == "api" || folder == "" {
		return name
	}
	prefix := strings.ToUpper(folder[:1]) + folder[1:]
	return prefix + strings.TrimPrefix(name, prefix)
}

// Mount adds the routes of use cases.
func (a *API) Mount(handlers ...Handler) {
	for _, h := range handlers {
		h.Mount(a)
	}
}

// Identify adds a way to find out who asks. The first one that knows wins.
func (a *API) Identify(f Identifier) { a.identifier = append(a.identifier, f) }

// Pages serves everything that no route takes.
func (a *API) Pages(h http.Handler) { a.mux.Handle("/", h) }

// OpenAPI is the description of all mounted routes, as JSON.
func (a *API) OpenAPI() ([]byte, error) {
	// huma registers its own error type with each route; transform replaces it.
	known := a.huma.OpenAPI().Components.Schemas.Map()
	delete(known, "ErrorModel")
	delete(known, "ErrorDetail")
	return a.huma.OpenAPI().MarshalJSON()
}

// HandCookie names the cookie of a device that goes round the signers of one document.
const HandCookie = "hand"

// CookieName is the name of a cookie: with TLS it has the prefix with which
// browsers keep it to this host (RFC 6265bis, section 4.1.3.2).
func (a *API) CookieName(name string) string {
	if a.cfg.TLS {
		return "__Host-" + name
	}
	return "inkwitness-" + name
}

// Cookie returns a cookie that scripts cannot read and other sites cannot send.
func (a *API) Cookie(name, value string, maxAge int) *http.Cookie {
	return &http.Cookie{Name: a.CookieName(name), Value: value, Path: "/", MaxAge: maxAge,
		Secure: a.cfg.TLS, HttpOnly: true, SameSite: http.SameSiteLaxMode}
}

// Clock is the service's clock, for handlers.
func (a *API) Clock() capture.Clock { return a.cfg.Clock }
