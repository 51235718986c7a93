package api

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// TestBeforeAnswer: what an Identifier adds leaves with every answer, however the
// handler writes it, once; and not with a socket, which is none.
func TestBeforeAnswer(t *testing.T) {
	a, called := newAPI(t, Config{}), 0
	a.Identify(func(r *http.Request) (Identity, error) {
		BeforeAnswer(r.Context(), func(h http.Header) { called++; h.Add("X-Added", h.Get("X-Own")) })
		return Identity{}, nil
	})
	ways := map[string]func(http.ResponseWriter){
		"nothing":    func(http.ResponseWriter) {},
		"a status":   func(w http.ResponseWriter) { w.WriteHeader(http.StatusAccepted) },
		"a hint":     func(w http.ResponseWriter) { w.WriteHeader(http.StatusEarlyHints); w.WriteHeader(http.StatusOK) },
		"text":       func(w http.ResponseWriter) { io.WriteString(w, "a"); io.WriteString(w, "b") },
		"a copy":     func(w http.ResponseWriter) { w.(io.ReaderFrom).ReadFrom(strings.NewReader("a")) },
		"a flush":    func(w http.ResponseWriter) { w.(http.Flusher).Flush() },
		"controlled": func(w http.ResponseWriter) { http.NewResponseController(w).Flush() },
		"a socket": func(w http.ResponseWriter) {
			w.WriteHeader(http.StatusSwitchingProtocols)
			if c, _, err := http.NewResponseController(w).Hijack(); err == nil {
				c.Close()
			}
		},
		"its own lines": func(w http.ResponseWriter) {
			if c, b, err := w.(http.Hijacker).Hijack(); err == nil {
				b.WriteString("HTTP/1.1 101 Switching Protocols\r\n\r\n")
				b.Flush()
				c.Close()
			}
		},
	}
	a.Raw(Route{Method: "GET", Path: "/api/way/{way}", ID: "way", Public: true}, func(w http.ResponseWriter, r *http.Request) error {
		w.Header().Set("X-Own", "of the handler")
		ways[r.PathValue("way")](w)
		return nil
	})
	handler, done := a.Handler(), make(chan struct{}, 1)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		handler.ServeHTTP(w, r)
		done <- struct{}{}
	}))
	defer server.Close()
	for way := range ways {
		called = 0
		status, added := once(t, server.Listener.Addr().String(), "/api/way/"+strings.ReplaceAll(way, " ", "%20"))
		<-done
		switch {
		case status == http.StatusSwitchingProtocols:
			if called != 0 || len(added) != 0 {
				t.Errorf("%s: called %d times, added %q", way, called, added)
			}
		case status >= 300 || called != 1 || len(added) != 1 || added[0] != "of the handler":
			t.Errorf("%s: %d, called %d times, added %q", way, status, called, added)
		}
	}
}

// once asks on a connection of its own, where nobody follows up a status.
func once(t *testing.T, address, path string) (status int, added []string) {
	t.Helper()
	c, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if _, err := io.WriteString(c, "GET "+path+" HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	in := bufio.NewReader(c)
	for {
		w, err := http.ReadResponse(in, nil)
		if err != nil {
			t.Fatalf("%s: %v", path, err)
		}
		if w.StatusCode == http.StatusEarlyHints {
			if len(w.Header.Values("X-Added")) != 0 {
				t.Errorf("%s: added to a hint", path)
			}
			continue
		}
		return w.StatusCode, w.Header.Values("X-Added")
	}
}
