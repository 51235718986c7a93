package api

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"
)

type testClock struct{}

func (testClock) Now() time.Time { return time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC) }

func newAPI(t *testing.T, cfg Config) *API {
	t.Helper()
	cfg.Clock = testClock{}
	a, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

type echoIn struct {
	Body struct {
		Secret string `json:"secret" minLength:"3"`
		Fail   string `json:"fail,omitempty"`
	}
}

type echoOut struct {
	Body struct {
		Who Role `json:"who"`
	}
}

var errKnown = errors.New("another package's error")

// mountEcho adds a JSON route that needs a session, and a raw one that is public.
// A header plays the session.
func mountEcho(a *API) {
	a.Identify(func(r *http.Request) (Identity, error) {
		switch r.Header.Get("X-Test-Who") {
		case "owner":
			return Identity{Role: Owner, Account: "me", Organisation: "org"}, nil
		case "broken":
			return Identity{}, ErrUnavailable
		}
		return Identity{}, nil
	})
	Register(a, Route{Method: "POST", Path: "/api/echo/{token}", ID: "echo", Status: 201}, func(ctx context.Context, in *echoIn) (*echoOut, error) {
		switch in.Body.Fail {
		case "inside":
			return nil, errors.New("password of the database is hunter2")
		case "known":
			return nil, fmt.Errorf("echo: %w", errKnown)
		case "explained":
			return nil, &Explained{Detail: "Wait.", Retry: 1500 * time.Millisecond, Err: fmt.Errorf("x: %w", ErrTooMany)}
		case "full":
			return nil, fmt.Errorf("store the document: %w", &os.PathError{Op: "write", Path: "/secret/path", Err: syscall.ENOSPC})
		case "panic":
			panic("at the wrong moment: hunter2")
		}
		out := &echoOut{}
		out.Body.Who = IdentityOf(ctx).Role
		return out, nil
	})
	a.Raw(Route{Method: "PUT", Path: "/api/raw", ID: "raw", Public: true, MaxBody: 10}, func(w http.ResponseWriter, r *http.Request) error {
		_, err := io.Copy(io.Discard, r.Body)
		return err
	})
}

func TestRequests(t *testing.T) {
	tests := []struct {
		name, method, path, who, body string
		header                        map[string]string
		status                        int
		has, hasNot                   []string
	}{
		{"nobody", "POST", "/api/echo/t0ken", "", `{"secret":"abc"}`, nil, 401, []string{"/problems/not-signed-in", `"instance"`}, nil},
		{"limiter down", "POST", "/api/echo/t0ken", "broken", `{"secret":"abc"}`, nil, 503, nil, nil},
		{"somebody", "POST", "/api/echo/t0ken", "owner", `{"secret":"abc"}`, nil, 201, []string{"owner"}, nil},
		{"does not fit", "POST", "/api/echo/t0ken", "owner", `{"secret":"s3"}`, nil, 422, []string{"body.secret", "/problems/invalid"}, []string{"s3"}},
		{"not JSON", "POST", "/api/echo/t0ken", "owner", `{"secret":`, nil, 400, []string{"problems"}, nil},
		{"too large", "POST", "/api/echo/t0ken", "owner", `{"secret":"` + strings.Repeat("a", 2<<20) + `"}`, nil, 413, []string{"too-large"}, []string{"aaa"}},
		{"unknown error", "POST", "/api/echo/t0ken", "owner", `{"secret":"abc","fail":"inside"}`, nil, 500, []string{"/problems/internal"}, []string{"hunter2", "database"}},
		{"known error", "POST", "/api/echo/t0ken", "owner", `{"secret":"abc","fail":"known"}`, nil, 409, []string{"/problems/known", "Do this."}, []string{"another package"}},
		{"explained", "POST", "/api/echo/t0ken", "owner", `{"secret":"abc","fail":"explained"}`, nil, 429, []string{"Wait."}, nil},
		{"panic", "POST", "/api/echo/t0ken", "owner", `{"secret":"abc","fail":"panic"}`, nil, 500, []string{"/problems/internal"}, []string{"hunter2"}},
		{"full disk", "POST", "/api/echo/t0ken", "owner", `{"secret":"abc","fail":"full"}`, nil, 503, []string{"/problems/disk-full", "make room"}, []string{"/secret"}},
		{"another site", "POST", "/api/echo/t0ken", "owner", `{"secret":"abc"}`, map[string]string{"Sec-Fetch-Site": "cross-site"}, 403, []string{"another site"}, nil},
		{"raw", "PUT", "/api/raw", "", "0123456789", nil, 200, nil, nil},
		{"raw too large", "PUT", "/api/raw", "", "0123456789a", nil, 413, []string{"too-large"}, nil},
		{"no such route", "GET", "/api/none", "", "", nil, 404, []string{"/problems/not-found"}, nil},
		{"wrong method", "GET", "/api/raw", "", "", nil, 405, []string{"/problems/method-not-allowed"}, nil},
		{"odd method", "TRACE", "/api/echo/t0ken", "", "", nil, 405, nil, nil},
		{"health", "GET", "/healthz", "", "", nil, 200, []string{"ok"}, nil},
		{"ready", "GET", "/readyz", "", "", nil, 503, []string{"unavailable"}, []string{"disk"}},
		{"metrics from afar", "GET", "/metrics", "", "", nil, 404, nil, nil},
		{"metrics by a proxy", "GET", "/metrics", "", "", map[string]string{"X-Forwarded-For": "127.0.0.1"}, 404, nil, nil},
		{"description", "GET", "/openapi.json", "", "", nil, 200, []string{`"3.1.0"`, "/api/echo/{token}", "/api/raw"}, []string{"ErrorModel"}},
	}
	log := &strings.Builder{}
	a := newAPI(t, Config{Logger: slog.New(slog.NewTextHandler(log, nil)), Ready: func(context.Context) error { return errors.New("disk") },
		Kinds: []Kind{{errKnown, 409, "known", "Known", "Do this."}}, TLS: true})
	mountEcho(a)
	handler := a.Handler()
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			r := httptest.NewRequest(test.method, test.path, strings.NewReader(test.body))
			r.Header.Set("X-Test-Who", test.who)
			r.Header.Set("Content-Type", "application/json")
			for k, v := range test.header {
				r.Header.Set(k, v)
			}
			w := httptest.NewRecorder()
			handler.ServeHTTP(w, r)
			if w.Code != test.status {
				t.Errorf("status %d, want %d: %s", w.Code, test.status, w.Body)
			}
			for _, s := range test.has {
				if !strings.Contains(w.Body.String(), s) {
					t.Errorf("%q is missing in %s", s, w.Body)
				}
			}
			for _, s := range test.hasNot {
				if strings.Contains(w.Body.String(), s) {
					t.Errorf("%q is in %s", s, w.Body)
				}
			}
			checkHeaders(t, w)
			if test.status == 405 && w.Header().Get("Allow") == "" {
				t.Error("no Allow")
			}
			if test.name == "explained" && w.Header().Get("Retry-After") != "2" {
				t.Errorf("Retry-After %q", w.Header().Get("Retry-After"))
			}
		})
	}
	if strings.Contains(log.String(), "t0ken") || strings.Contains(log.String(), "192.0.2.1") {
		t.Error("the log holds a token or an address")
	}
	if !strings.Contains(log.String(), "POST /api/echo/{token}") {
		t.Error("the log does not name the route")
	}
}

func checkHeaders(t *testing.T, w *httptest.ResponseRecorder) {
	t.Helper()
	for name, part := range map[string]string{
		"Content-Security-Policy": "require-trusted-types-for 'script'", "Cache-Control": "no-store", "X-Content-Type-Options": "nosniff",
		"Referrer-Policy": "no-referrer", "Strict-Transport-Security": "max-age=", "Permissions-Policy": "camera=(self)", "X-Request-Id": "",
	} {
		if v := w.Header().Get(name); v == "" || !strings.Contains(v, part) {
			t.Errorf("%s is %q", name, v)
		}
	}
	if strings.Contains(w.Header().Get("Content-Security-Policy"), "unsafe-inline") {
		t.Error("inline script or style is allowed")
	}
	if w.Code >= 400 {
		var p Problem
		if err := json.Unmarshal(w.Body.Bytes(), &p); err != nil || p.Status != w.Code || p.Title == "" || p.Type == "" || p.Instance == "" {
			t.Errorf("not a problem: %s", w.Body)
		}
		if ct := w.Header().Get("Content-Type"); ct != "application/problem+json" {
			t.Errorf("content type %q", ct)
		}
	}
}

func TestMetricsForThisMachine(t *testing.T) {
	a := newAPI(t, Config{})
	r := httptest.NewRequest("GET", "/metrics", nil)
	r.RemoteAddr = "127.0.0.1:4711"
	for range 2 { // the first request is counted in the second's answer
		w := httptest.NewRecorder()
		a.Handler().ServeHTTP(w, r)
		if w.Code != 200 {
			t.Fatal(w.Code)
		}
		if strings.Contains(w.Body.String(), `route="GET /metrics"`) {
			return
		}
	}
	t.Error("the request was not counted")
}

// TestStrangersMakeNoLabels: whatever methods strangers invent, the metrics do not grow.
func TestStrangersMakeNoLabels(t *testing.T) {
	a := newAPI(t, Config{})
	a.Pages(http.NotFoundHandler())
	h := a.Handler()
	for i := range 3 {
		for _, path := range []string{"/", "/api/documents", "/nowhere"} {
			h.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(fmt.Sprintf("EVIL%d", i), path, nil))
		}
	}
	r := httptest.NewRequest("GET", "/metrics", nil)
	r.RemoteAddr = "127.0.0.1:4711"
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	if strings.Contains(w.Body.String(), "EVIL") || !strings.Contains(w.Body.String(), `method="any"`) {
		t.Errorf("the metrics are\n%s", w.Body)
	}
}

func TestEveryKindIsFound(t *testing.T) {
	a := newAPI(t, Config{})
	for _, k := range kinds {
		p := a.Problem(fmt.Errorf("doing: %w", k.Err))
		if p.Status != k.Status || p.Title != k.Title || !strings.HasSuffix(p.Type, "/"+k.Name) {
			t.Errorf("%v became %+v", k.Err, p)
		}
	}
}

func TestClient(t *testing.T) {
	a := newAPI(t, Config{TrustedProxies: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}})
	for _, test := range []struct{ peer, forwarded, want string }{
		{"192.0.2.7:1", "", "192.0.2.7"},
		{"192.0.2.7:1", "198.51.100.1", "192.0.2.7"},                          // not a trusted proxy
		{"10.0.0.1:1", "198.51.100.1", "198.51.100.1"},                        // one proxy
		{"10.0.0.1:1", "203.0.113.9, 198.51.100.1, 10.0.0.2", "198.51.100.1"}, // the client's own claim comes first
		{"10.0.0.1:1", "nonsense", "10.0.0.1"},
		{"[2001:db8::1]:1", "", "2001:db8::1"},
	} {
		r := httptest.NewRequest("GET", "/", nil)
		r.RemoteAddr = test.peer
		if test.forwarded != "" {
			r.Header.Set("X-Forwarded-For", test.forwarded)
		}
		if got := a.client(r).Address; got != test.want {
			t.Errorf("%s forwarded %q: %s, want %s", test.peer, test.forwarded, got, test.want)
		}
	}
	for header, want := range map[string]string{"": "", "de-DE,de": "", "fr-CA,fr;q=0.9,en;q=0.8": "fr", "zh-TW": "zh-Hant",
		"zh-CN,en": "zh-Hans", "zh-Hant-HK": "zh-Hant", "de,en-GB": "en"} {
		if got := language(header); got != want {
			t.Errorf("language(%q) = %q, want %q", header, got, want)
		}
	}
	const agent = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36"
	if got := browser(agent); got != "Chrome on Linux" {
		t.Error(got)
	}
}
