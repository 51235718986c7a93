package e2e

import (
	"encoding/json"
	"net/http"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"inkwitness/api/store/pgtest"
)

// TestA1_HundredUsesAreOneAccount: one invitation, used a hundred times at once, is
// one account, on both databases.
func TestA1_HundredUsesAreOneAccount(t *testing.T) {
	for name, env := range map[string]func() []string{
		"sqlite":   func() []string { return nil },
		"postgres": func() []string { return []string{"DATABASE_URL=" + pgtest.URL(t)} },
	} {
		t.Run(name, func(t *testing.T) {
			s := newService(t, env()...)
			s.start()
			owner := s.owner()
			token := owner.invited("one@example.org", "sender")
			var made, refused atomic.Int32
			var uses sync.WaitGroup
			begin := make(chan struct{})
			for range 100 {
				c := s.client()
				uses.Go(func() {
					<-begin
					switch a := c.do("POST", "/api/invitations/accept", accepting(token, "one@example.org", ownerPassword)); a.Status {
					case http.StatusCreated, http.StatusOK:
						made.Add(1)
					case http.StatusGone, http.StatusConflict, http.StatusNotFound:
						refused.Add(1)
					default:
						t.Errorf("a use of a hundred: %s", a)
					}
				})
			}
			close(begin)
			uses.Wait()
			if made.Load() != 1 || refused.Load() != 99 {
				t.Errorf("%d uses were taken and %d refused, of 100", made.Load(), refused.Load())
			}
			var list struct{ Members []struct{ Email string } }
			owner.must("GET", "/api/members", nil, &list)
			if len(list.Members) != 2 {
				t.Errorf("there are %d members, want the owner and one", len(list.Members))
			}
		})
	}
}

// TestA25_HeadersOfEveryRoute asks every route of the description, and those that it
// leaves out, over https: each answer, whatever it says, keeps browsers to TLS, to the
// pages' own parts, and from keeping what is private.
func TestA25_HeadersOfEveryRoute(t *testing.T) {
	folder := t.TempDir()
	cert, key := filepath.Join(folder, "cert.pem"), filepath.Join(folder, "key.pem")
	pool := selfSigned(t, cert, key)
	s := newService(t, "TLS_CERT="+cert, "TLS_KEY="+key)
	s.roots = pool
	s.start()
	nobody := s.client()
	nobody.http.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	var description struct {
		Paths map[string]map[string]json.RawMessage
	}
	nobody.do("GET", "/openapi.json", nil).json(t, &description)
	type route struct{ method, path string }
	routes := []route{{"GET", "/"}, {"GET", "/sign"}, {"GET", "/compare"}, {"GET", "/verify"}, {"HEAD", "/"}, {"GET", "/icon.svg"}, {"GET", "/app.webmanifest"},
		{"GET", "/healthz"}, {"GET", "/readyz"}, {"GET", "/metrics"}, {"GET", "/openapi.json"}, {"GET", "/nothing"}, {"POST", "/"}, {"TRACE", "/"}, {"OPTIONS", "/api/session"}, {"GET", "/api/nothing"}}
	for _, page := range []string{"/", "/sign", "/compare", "/verify"} {
		for _, part := range regexp.MustCompile(`/assets/[^"]+`).FindAllString(string(nobody.do("GET", page, nil).Body), -1) {
			routes = append(routes, route{"GET", part})
		}
	}
	for path, methods := range description.Paths {
		for method := range methods {
			routes = append(routes, route{strings.ToUpper(method), regexp.MustCompile(`\{[^}]*\}`).ReplaceAllString(path, strings.Repeat("a", 32))})
		}
	}
	if len(routes) < 150 {
		t.Errorf("only %d routes", len(routes))
	}
	if metrics := string(nobody.do("GET", "/metrics", nil).Body); !strings.Contains(metrics, "inkwitness_capture_banned_addresses 0") {
		t.Error("the metrics do not tell how many addresses are kept away")
	}
	want := map[string]string{
		"Strict-Transport-Security":    "max-age=63072000; includeSubDomains",
		"Content-Security-Policy":      nobody.do("GET", "/icon.svg", nil).Header.Get("Content-Security-Policy"),
		"X-Content-Type-Options":       "nosniff",
		"X-Frame-Options":              "DENY",
		"Referrer-Policy":              "no-referrer",
		"Cross-Origin-Opener-Policy":   "same-origin",
		"Cross-Origin-Resource-Policy": "same-origin",
		"Access-Control-Allow-Origin":  "",
	}
	if !strings.Contains(want["Content-Security-Policy"], "require-trusted-types-for 'script'") {
		t.Errorf("the policy is %q", want["Content-Security-Policy"])
	}
	inPage := regexp.MustCompile(`(script-src 'self' 'wasm-unsafe-eval') 'sha256-[\w+/]{43}='`) // the one script that stands in a page
	for _, r := range routes {
		a := nobody.do(r.method, r.path, map[string]any{})
		for name, value := range want {
			got := a.Header.Values(name)
			if len(got) == 1 && strings.HasPrefix(a.Header.Get("Content-Type"), "text/html") {
				got = []string{inPage.ReplaceAllString(got[0], "$1")}
			}
			if value == "" && len(got) > 0 || value != "" && (len(got) != 1 || got[0] != value) {
				t.Errorf("%s %s (%d): %s is %q", r.method, r.path, a.Status, name, got)
			}
		}
		public := strings.HasPrefix(r.path, "/assets/") || strings.HasPrefix(r.path, "/log/")
		page := !strings.HasPrefix(r.path, "/api/") && a.Status == 200
		if cache := a.Header.Get("Cache-Control"); !public && cache != "no-store" && !(page && cache == "no-cache") {
			t.Errorf("%s %s (%d): it may be kept: %q", r.method, r.path, a.Status, cache)
		}
		if set := a.Header.Get("Set-Cookie"); set != "" && !(strings.Contains(set, "__Host-") && strings.Contains(set, "Secure") && strings.Contains(set, "HttpOnly") && strings.Contains(set, "SameSite=")) {
			t.Errorf("%s %s: the cookie %q", r.method, r.path, set)
		}
	}
}
