package api

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"runtime/debug"
	"strings"
	"time"

	"github.com/felixge/httpsnoop"
)

// contentPolicy lets the pages run their own scripts and nothing else: no inline
// script (see ContentPolicy), no other host, no framing, and strings become markup only through a
// Trusted Types policy. PDF.js needs its worker, blob images and WebAssembly.
const contentPolicy = "default-src 'none'; script-src " + ownScripts + "; worker-src 'self'; style-src 'self'; " +
	"img-src 'self' data: blob:; media-src 'self' blob:; font-src 'self' data: blob:; connect-src 'self' blob:; " +
	"manifest-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'; " +
	"require-trusted-types-for 'script'; trusted-types inkwitness"

const ownScripts = "'self' 'wasm-unsafe-eval'"

// ContentPolicy is the policy of a page that holds scripts itself: just those run.
func ContentPolicy(scripts ...[]byte) string {
	allowed := ownScripts
	for _, script := range scripts {
		sum := sha256.Sum256(script)
		allowed += " 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
	}
	return strings.Replace(contentPolicy, ownScripts, allowed, 1)
}

// securityHeaders are set on every answer before the handler runs; the pages'
// handler loosens Cache-Control for files that never change.
func (a *API) securityHeaders(h http.Header) {
	h.Set("Content-Security-Policy", contentPolicy)
	h.Set("Cache-Control", "no-store")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Permissions-Policy", "camera=(self), microphone=(self), geolocation=(), payment=(), usb=(), interest-cohort=()")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Frame-Options", "DENY")
	if a.cfg.TLS {
		h.Set("Strict-Transport-Security", "max-age=63072000; includeSubDomains")
	}
}

// Handler returns the finished interface. From outside to inside: request id and
// headers, log and metrics, cross-site refusal, who asks, idempotency, routes.
func (a *API) Handler() http.Handler {
	a.guard.SetDenyHandler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		a.WriteProblem(w, r, Explain(ErrForbidden, "The request came from another site."))
	}))
	inner := a.guard.Handler(a.identified(a.idempotent(a.mux)))
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		id := NewID()
		a.securityHeaders(w.Header())
		w.Header().Set("X-Request-Id", id)
		ctx := context.WithValue(r.Context(), requestKey{}, &request{id: id, outer: r})
		ctx = WithClient(ctx, a.client(r))
		a.observed(inner).ServeHTTP(w, r.WithContext(ctx))
	})
}

type requestKey struct{}

// request is what the outer layers learn from the inner ones.
type request struct {
	id      string
	pattern string // the route that took it; never the path, which may hold a secret
	role    Role
	outer   *http.Request
	before  func(http.Header) // see BeforeAnswer
}

// RequestID is the id of the request that ctx belongs to, empty outside one.
func RequestID(ctx context.Context) string {
	if r, ok := ctx.Value(requestKey{}).(*request); ok {
		return r.id
	}
	return ""
}

// RouteOf is the route that takes the request, as "GET /api/documents/{id}", empty
// outside of one. It holds no secret, unlike the path.
func RouteOf(ctx context.Context) string {
	if r, ok := ctx.Value(requestKey{}).(*request); ok {
		return r.pattern
	}
	return ""
}

// ReadCookie returns the value of a cookie of the request that ctx belongs to,
// empty when there is none. The name is without its prefix.
func (a *API) ReadCookie(ctx context.Context, name string) string {
	if r, ok := ctx.Value(requestKey{}).(*request); ok {
		if c, err := r.outer.Cookie(a.CookieName(name)); err == nil {
			return c.Value
		}
	}
	return ""
}

// observed logs and counts. A panic becomes a 500 and a line in the log.
func (a *API) observed(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx := r.Context()
		info := ctx.Value(requestKey{}).(*request)
		m := httpsnoop.CaptureMetricsFn(w, func(w http.ResponseWriter) {
			defer func() {
				if v := recover(); v != nil && v != http.ErrAbortHandler {
					a.WriteProblem(w, r, fmt.Errorf("panic: %v\n%s", v, debug.Stack()))
				} else if v != nil {
					panic(v)
				}
			}()
			next.ServeHTTP(w, r)
		})
		a.metrics.observe(info.pattern, r.Method, m.Code, m.Duration)
		a.log.InfoContext(ctx, "request", "request", info.id, "method", r.Method, "route", info.pattern, "status", m.Code,
			"duration", m.Duration.Round(time.Microsecond), "sent", m.Written, "role", info.role)
	})
}

// identified puts who asks into the context, and remembers the route.
func (a *API) identified(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		info := r.Context().Value(requestKey{}).(*request)
		_, info.pattern = a.mux.Handler(r)
		id, err := a.identify(r)
		if info.before != nil {
			var done func()
			w, done = beforeHeaders(w, info.before)
			defer done()
		}
		if err != nil {
			a.WriteProblem(w, r, err)
			return
		}
		info.role = id.Role
		if a.unrouted(r, info.pattern) {
			a.refuse(w, r)
			return
		}
		next.ServeHTTP(w, r.WithContext(WithIdentity(r.Context(), id)))
	})
}

// unrouted says whether nothing is there for a request. The pages answer whatever
// nobody else does, but only to those who load something, and not in the API's
// own folder.
func (a *API) unrouted(r *http.Request, pattern string) bool {
	loads := r.Method == http.MethodGet || r.Method == http.MethodHead
	return pattern == "" || pattern == "/" && (!loads || strings.HasPrefix(r.URL.Path, "/api/"))
}

// methods are those that routes have.
var methods = []string{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"}

// refuse answers 405 where another method would do (RFC 9110, section 15.5.6),
// and 404 elsewhere.
func (a *API) refuse(w http.ResponseWriter, r *http.Request) {
	var allowed []string
	for _, method := range methods {
		other := *r
		other.Method = method
		if _, pattern := a.mux.Handler(&other); !a.unrouted(&other, pattern) {
			allowed = append(allowed, method)
		}
	}
	if len(allowed) == 0 {
		a.WriteProblem(w, r, ErrNotFound)
		return
	}
	w.Header().Set("Allow", strings.Join(allowed, ", "))
	a.WriteProblem(w, r, ErrMethod)
}

func (a *API) identify(r *http.Request) (Identity, error) {
	for _, f := range a.identifier {
		id, err := f(r)
		if err != nil && !errors.Is(err, ErrUnauthenticated) {
			return Identity{}, err
		}
		if err == nil && id.Known() {
			return id, nil
		}
	}
	return Identity{}, nil
}

// client reads what is known of the browser. X-Forwarded-For counts only from a
// trusted proxy, and then the last address that is not one itself.
func (a *API) client(r *http.Request) Client {
	c := Client{Agent: r.UserAgent(), Browser: browser(r.UserAgent()), Language: language(r.Header.Get("Accept-Language"))}
	peer, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return c
	}
	addr := peer.Addr().Unmap()
	hops := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")
	for i := len(hops) - 1; i >= 0 && a.trusted(addr); i-- {
		hop, err := netip.ParseAddr(strings.TrimSpace(hops[i]))
		if err != nil {
			break
		}
		addr = hop.Unmap()
	}
	c.Address = addr.String()
	return c
}

func (a *API) trusted(addr netip.Addr) bool {
	for _, p := range a.cfg.TrustedProxies {
		if p.Contains(addr) {
			return true
		}
	}
	return false
}
