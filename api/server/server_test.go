package server

import (
	"compress/gzip"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/fstest"
)

func TestConfigRefusesWhatIsNotSafe(t *testing.T) {
	for name, test := range map[string]struct {
		cfg  Config
		says string
	}{
		"no data":               {Config{}, "--data"},
		"no port":               {Config{Data: "d", Listen: "localhost"}, "host:port"},
		"clear text outside":    {Config{Data: "d", Listen: "0.0.0.0:80"}, "--tls-cert"},
		"a certificate alone":   {Config{Data: "d", TLSCert: "c.pem"}, "both"},
		"clear text behind one": {Config{Data: "d", Listen: "10.0.0.1:80", PublicURL: "http://sign.example"}, "--tls-cert"},
	} {
		if _, err := test.cfg.fill(); err == nil || !strings.Contains(err.Error(), test.says) {
			t.Errorf("%s: %v, want an error that names %s", name, err, test.says)
		}
	}
}

func TestConfigFillsIn(t *testing.T) {
	for name, test := range map[string]struct {
		cfg    Config
		url    string
		secure bool
	}{
		"loopback":       {Config{Data: "d"}, "http://localhost:8080", false},
		"another port":   {Config{Data: "d", Listen: "[::1]:9000"}, "http://localhost:9000", false},
		"own TLS":        {Config{Data: "d", Listen: "0.0.0.0:443", TLSCert: "c", TLSKey: "k", PublicURL: "https://sign.example/"}, "https://sign.example", true},
		"behind a proxy": {Config{Data: "d", Listen: "10.0.0.1:80", PublicURL: "https://sign.example"}, "https://sign.example", true},
	} {
		cfg, err := test.cfg.fill()
		if err != nil || cfg.PublicURL != test.url || cfg.secure() != test.secure || cfg.DatabaseURL != "sqlite:d/inkwitness.db" || cfg.RootKey != "d/root.key" {
			t.Errorf("%s: %+v, %v", name, cfg, err)
		}
	}
}

func TestOrigin(t *testing.T) {
	if got := origin("https://sign.example:8443"); got != "sign.example:8443/log" {
		t.Errorf("origin %q", got)
	}
}

func dist() fstest.MapFS {
	all := fstest.MapFS{".keep": {}, "assets/app-1a2b.js": {Data: []byte(strings.Repeat("let a = 1;\n", 100))}, "wasm/inkverify.wasm": {Data: []byte{0, 'a', 's', 'm'}}}
	for _, name := range entries {
		all[name] = &fstest.MapFile{Data: []byte("<!doctype html><title>" + name + "</title>")}
	}
	all["verify.html"].Data = append(all["verify.html"].Data, "<script>alert(1)</script>"...)
	return all
}

func TestPagesNeedABuild(t *testing.T) {
	if _, err := newPages(fstest.MapFS{".keep": {}}); !errors.Is(err, errNoPages) {
		t.Errorf("an empty build: %v, want errNoPages", err)
	}
}

func TestPages(t *testing.T) {
	all, err := newPages(dist())
	if err != nil {
		t.Fatal(err)
	}
	ask := func(method, path string, header ...string) *http.Response {
		r := httptest.NewRequest(method, path, nil)
		for i := 0; i+1 < len(header); i += 2 {
			r.Header.Set(header[i], header[i+1])
		}
		w := httptest.NewRecorder()
		all.ServeHTTP(w, r)
		return w.Result()
	}
	for address, file := range entries {
		r := ask("GET", address)
		body, _ := io.ReadAll(r.Body)
		if r.StatusCode != 200 || !strings.Contains(string(body), file) || r.Header.Get("Cache-Control") != "no-cache" || !strings.HasPrefix(r.Header.Get("Content-Type"), "text/html") {
			t.Errorf("%s: %d %s %v", address, r.StatusCode, body, r.Header)
		}
	}
	// printf 'alert(1)' | openssl dgst -sha256 -binary | base64
	if policy := ask("GET", "/verify").Header.Get("Content-Security-Policy"); !strings.Contains(policy, "script-src 'self' 'wasm-unsafe-eval' 'sha256-bhHHL3z2vDgxUt0W3dWQOrprscmda2Y5pLsLg4GF+pI='; worker-src") {
		t.Errorf("a page that holds a script: %s", policy)
	}
	if policy := ask("GET", "/sign").Header.Get("Content-Security-Policy"); policy != "" {
		t.Errorf("a page that holds none has a policy of its own: %s", policy)
	}
	script := ask("GET", "/assets/app-1a2b.js", "Accept-Encoding", "gzip, br")
	if script.Header.Get("Content-Encoding") != "gzip" || !strings.Contains(script.Header.Get("Cache-Control"), "immutable") {
		t.Errorf("script: %v", script.Header)
	}
	unzipped, err := gzip.NewReader(script.Body)
	if err != nil {
		t.Fatal(err)
	}
	if body, err := io.ReadAll(unzipped); err != nil || !strings.HasPrefix(string(body), "let a") {
		t.Errorf("script: %q, %v", body, err)
	}
	if plain := ask("GET", "/assets/app-1a2b.js"); plain.Header.Get("Content-Encoding") != "" {
		t.Error("a client that takes no gzip got gzip")
	}
	if again := ask("GET", "/", "If-None-Match", ask("GET", "/").Header.Get("ETag")); again.StatusCode != http.StatusNotModified {
		t.Errorf("asked again with its tag: %d, want 304", again.StatusCode)
	}
	for path, status := range map[string]int{"/nothing": 404, "/.keep": 404, "/../go.mod": 404} {
		if r := ask("GET", path); r.StatusCode != status {
			t.Errorf("%s: %d, want %d", path, r.StatusCode, status)
		}
	}
	if r := ask("POST", "/"); r.StatusCode != http.StatusMethodNotAllowed {
		t.Errorf("POST of a page: %d, want 405", r.StatusCode)
	}
}

// TestStoresCanBeNamed: the program has the drivers of the stores that its help names.
func TestStoresCanBeNamed(t *testing.T) {
	t.Setenv("AWS_ACCESS_KEY_ID", "x")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "x")
	for _, address := range []string{"s3://x?region=eu-west-3", "s3://x?region=eu-west-3&lock=compliance", "gs://x?anonymous=true", "azblob://x?storage_account=ink"} {
		if _, err := openBlobs(t.Context(), address); err != nil {
			t.Errorf("%s: %v", address, err)
		}
	}
	if _, err := openBlobs(t.Context(), "floppy://x"); err == nil {
		t.Error("a store that nobody knows")
	}
}
