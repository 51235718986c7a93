package auth

import (
	"context"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"slices"
	"testing"

	"inkwitness/api"
)

// TestMovedSessionsAreTold: a cookie that comes from another network, or from a
// browser with other hints, goes on, and its holder is told.
func TestMovedSessionsAreTold(t *testing.T) {
	s := newService(t)
	ann := s.member("ann@example.org", api.Owner)
	base, err := url.Parse(s.server.URL)
	s.must(err)
	get := func(from, hints string) {
		t.Helper()
		jar, err := cookiejar.New(nil)
		s.must(err)
		jar.SetCookies(base, ann.c.Jar.Cookies(base))
		dialer := &net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(from)}}
		transport := &http.Transport{DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
			return dialer.DialContext(ctx, network, address)
		}}
		defer transport.CloseIdleConnections()
		r, err := http.NewRequest("GET", s.server.URL+"/api/inside", nil)
		s.must(err)
		r.Header.Set("User-Agent", ann.agent)
		if hints != "" {
			r.Header.Set("Sec-CH-UA", hints)
		}
		w, err := (&http.Client{Jar: jar, Transport: transport}).Do(r)
		s.must(err)
		w.Body.Close()
		if w.StatusCode != 204 {
			t.Errorf("from %s: %d", from, w.StatusCode)
		}
	}
	told := func(lines, mails int) {
		t.Helper()
		kinds, _ := s.mails()
		if l, m := count(s.events(), "session.moved"), count(kinds, "moved"); l != lines || m != mails {
			t.Errorf("%d lines and %d mails, want %d and %d", l, m, lines, mails)
		}
	}
	for range 3 {
		get("127.0.0.1", "")
		get("127.0.0.2", "") // the same network
	}
	get("127.0.0.1", `"Chromium";v="140"`) // the first hints
	told(0, 0)
	get("127.0.7.1", "")
	told(1, 1)
	get("127.0.0.1", "")
	get("127.0.7.2", "")
	s.auth.places = knownPlaces{} // as after a start
	get("127.0.7.1", `"Chromium";v="140"`)
	told(1, 1)
	get("127.0.8.1", "") // recorded, and not mailed again
	told(2, 1)
	get("127.0.8.1", `"Brave";v="140"`)
	told(3, 2)
	ann.do("DELETE", "/api/session", nil)
	ann.do("POST", "/api/session", m{"email": "ann@example.org", "password": good}).wants(t, 201, "")
	ann.do("GET", "/api/inside", nil).wants(t, 204, "")
	told(3, 2)
	if kinds, _ := s.mails(); slices.Contains(kinds, "copied") {
		t.Error(kinds)
	}
}
