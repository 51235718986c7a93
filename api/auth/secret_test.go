package auth

import (
	"context"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"inkwitness/api"
)

func (b *browser) base() *url.URL {
	u, err := url.Parse(b.s.server.URL)
	b.s.must(err)
	return u
}

// cookie is that of the browser's session.
func (b *browser) cookie() string {
	for _, c := range b.c.Jar.Cookies(b.base()) {
		if c.Name == "inkwitness-session" {
			return c.Value
		}
	}
	return ""
}

// with is a browser of the same kind that holds a session's cookie.
func (b *browser) with(cookie string) *browser {
	jar, err := cookiejar.New(nil)
	b.s.must(err)
	jar.SetCookies(b.base(), []*http.Cookie{{Name: "inkwitness-session", Value: cookie, Path: "/"}})
	return &browser{s: b.s, c: &http.Client{Jar: jar}, agent: b.agent}
}

// use asks for something inside.
func (b *browser) use(status int) {
	b.s.t.Helper()
	if a := b.do("GET", "/api/inside", nil); a.status != status {
		b.s.t.Errorf("%d %s, want %d", a.status, a.raw, status)
	}
}

// later moves the clock on to where a new secret is due.
func (s *service) later() { s.clock.Advance(renewEvery) }

// copies fails the test unless so many copied cookies are told.
func (s *service) copies(n int) {
	s.t.Helper()
	kinds, _ := s.mails()
	if lines, mails := count(s.events(), "session.copied"), count(kinds, "copied"); lines != n || mails != n {
		s.t.Errorf("%d lines and %d mails about copied cookies, want %d", lines, mails, n)
	}
}

// TestSecretChangesWithUse: a browser goes through a day's work with many cookies,
// and none is made for each request.
func TestSecretChangesWithUse(t *testing.T) { onBoth(t, secretChangesWithUse) }

func secretChangesWithUse(t *testing.T, s *service) {
	ann := s.member("ann@example.org", api.Owner)
	seen := []string{ann.cookie()}
	token, _, _ := strings.Cut(seen[0], ".")
	for range 20 * 11 { // eleven hours, every three minutes
		s.clock.Advance(3 * time.Minute)
		ann.use(204)
		if now := ann.cookie(); now != seen[len(seen)-1] {
			if slices.Contains(seen, now) || !strings.HasPrefix(now, token+".") {
				t.Fatal("a cookie comes back")
			}
			seen = append(seen, now)
		}
	}
	if len(seen) != 1+11*60/12 {
		t.Errorf("%d cookies in eleven hours", len(seen))
	}
	s.copies(0)
}

// TestA7TwoOfTheSameBrowser: a copy in a browser of the same kind at the same address
// is noticed once both were used, whoever is first.
func TestA7TwoOfTheSameBrowser(t *testing.T) { onBoth(t, twoOfTheSameBrowser) }

func twoOfTheSameBrowser(t *testing.T, s *service) {
	for i, order := range []string{"hth", "tht", "hhht", "ttth", "thth", "hthh"} { // holder and thief
		ann := s.member(string(rune('a'+i))+"@example.org", api.Owner)
		thief := ann.with(ann.cookie())
		for _, who := range order {
			s.later()
			b := map[rune]*browser{'h': ann, 't': thief}[who]
			b.do("GET", "/api/inside", nil)
		}
		s.later()
		thief.use(401)
		ann.use(401)
		if a := ann.do("GET", "/api/session", nil).wants(t, 401, "not-signed-in"); !strings.Contains(a.raw, "two browsers") {
			t.Errorf("%s: %s", order, a.raw)
		}
		s.copies(i + 1)
	}
}

// TestA7ThiefWhoHides: who takes each new secret away from the holder, and does not
// show it, is noticed too.
func TestA7ThiefWhoHides(t *testing.T) {
	s := newService(t)
	ann := s.member("ann@example.org", api.Owner)
	first := ann.cookie()
	for i := range 1 + mostUnused {
		s.later()
		status := 204
		if i == mostUnused {
			status = 401
		}
		ann.with(first).use(status) // and throws away what it gets
		ann.use(status)
	}
	s.copies(1)
}

// TestLostAnswers: the answer with a new secret does not come, now and then twice.
func TestLostAnswers(t *testing.T) {
	s := newService(t)
	ann := s.member("ann@example.org", api.Owner)
	for range 5 {
		for range 2 {
			s.later()
			ann.with(ann.cookie()).use(204) // its answer is lost
			ann.use(204)
		}
		before := ann.cookie()
		s.later()
		ann.use(204)
		if ann.cookie() == before {
			t.Error("no new secret after lost answers")
		}
		ann.use(204)
	}
	s.copies(0)
}

// TestBrowserAfterACrash: it has the cookie of some time ago, when the newer one was
// used already.
func TestBrowserAfterACrash(t *testing.T) {
	s := newService(t)
	ann := s.member("ann@example.org", api.Owner)
	for range 4 {
		before := ann.cookie()
		s.later()
		ann.use(204)
		ann.use(204)
		s.clock.Advance(4 * time.Minute)
		ann = ann.with(before)
		for range 8 {
			ann.use(204)
			s.clock.Advance(3 * time.Minute)
		}
	}
	s.copies(0)
}

// TestSecretChangesOnce: of many requests at once one gets a new cookie, and none is
// refused; the same where one follows on a slow line.
func TestSecretChangesOnce(t *testing.T) { onBoth(t, secretChangesOnce) }

func secretChangesOnce(t *testing.T, s *service) {
	ann := s.member("ann@example.org", api.Owner)
	for range 5 {
		s.later()
		slow := ann.with(ann.cookie()) // sent before the new one came
		var wg sync.WaitGroup
		var mu sync.Mutex
		fresh := 0
		for range 20 {
			wg.Go(func() {
				a, err := ann.try("GET", "/api/inside", nil)
				if err != nil || a.status != 204 {
					t.Errorf("%v %d %s", err, a.status, a.raw)
				}
				mu.Lock()
				defer mu.Unlock()
				fresh += len(a.header.Values("Set-Cookie"))
			})
		}
		wg.Wait()
		if fresh != 1 {
			t.Errorf("%d new cookies", fresh)
		}
		s.clock.Advance(renewEvery - time.Second)
		ann.use(204)
		slow.use(204)
	}
	s.copies(0)
}

// TestSecretStaysOutOfCaches: an answer that a cache may keep brings no cookie, and
// neither does one to a session that it ended or began.
func TestSecretStaysOutOfCaches(t *testing.T) {
	s := newService(t)
	ann := s.member("ann@example.org", api.Owner)
	before := ann.cookie()
	s.later()
	if a := ann.do("GET", "/api/kept", nil); a.status != 200 || len(a.header.Values("Set-Cookie")) != 0 || ann.cookie() != before {
		t.Errorf("%d %v", a.status, a.header)
	}
	ann.use(204)
	if ann.cookie() == before {
		t.Error("no new secret")
	}
	s.later()
	again := ann.do("POST", "/api/session", m{"email": "ann@example.org", "password": good}).wants(t, 201, "")
	if lines := again.header.Values("Set-Cookie"); len(lines) != 2 { // session and device
		t.Error(lines)
	}
	ann.use(204)
	s.later()
	if a := ann.do("DELETE", "/api/session", nil).wants(t, 204, ""); slices.ContainsFunc(a.header.Values("Set-Cookie"), func(line string) bool {
		return strings.HasPrefix(line, "inkwitness-session=") && !strings.Contains(line, "Max-Age=0")
	}) {
		t.Error(a.header)
	}
	ann.with(before).use(401) // the session is over: there is nothing to notice
	s.copies(0)
}

// TestSecretOutlivesTheClient: a client that does not wait for answers does not keep
// the secret from changing.
func TestSecretOutlivesTheClient(t *testing.T) {
	s := newService(t)
	ann := s.member("ann@example.org", api.Owner)
	acc, err := s.store.AccountByEmail(t.Context(), "ann@example.org")
	s.must(err)
	s.later()
	ctx, hangUp := context.WithCancel(t.Context())
	defer hangUp()
	r, err := http.NewRequestWithContext(ctx, "GET", s.server.URL+"/api/slow", nil)
	s.must(err)
	r.Header.Set("User-Agent", ann.agent)
	go func() {
		<-s.slow
		hangUp()
	}()
	if w, err := ann.c.Do(r); err == nil {
		w.Body.Close()
		t.Fatal("answered ", w.Status)
	}
	for end := time.Now().Add(30 * time.Second); ; time.Sleep(5 * time.Millisecond) {
		live, err := s.store.LiveSession(t.Context(), acc.ID)
		s.must(err)
		if live.Secret.Previous != nil {
			break
		}
		if time.Now().After(end) {
			t.Fatal("the secret did not change")
		}
	}
	ann.use(204)
}

// TestGuessedSecret: the token alone, or with another secret, opens nothing; and as
// whoever has the token had the cookie, it is told.
func TestGuessedSecret(t *testing.T) {
	for _, secret := range []string{"", ".", ".x", "." + newSecret()} {
		s := newService(t)
		ann := s.member("ann@example.org", api.Owner)
		token, _, _ := strings.Cut(ann.cookie(), ".")
		ann.with(token + secret).use(401)
		s.copies(1)
	}
}

// TestOneTellsOfACopy: of many requests with an old cookie one is told of.
func TestOneTellsOfACopy(t *testing.T) { onBoth(t, oneTellsOfACopy) }

func oneTellsOfACopy(t *testing.T, s *service) {
	ann := s.member("ann@example.org", api.Owner)
	thief := ann.with(ann.cookie())
	for range 2 {
		s.later()
		ann.use(204)
	}
	var wg sync.WaitGroup
	for range 20 {
		wg.Go(func() {
			if a, err := thief.try("GET", "/api/inside", nil); err != nil || a.status != 401 {
				t.Errorf("%v %d %s", err, a.status, a.raw)
			}
		})
	}
	wg.Wait()
	s.copies(1)
}
