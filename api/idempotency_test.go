package api

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

type wallClock struct{}

func (wallClock) Now() time.Time { return time.Now() }

// claims is Replies of one key; storetest tests the ones that are used.
type claims struct {
	mu    sync.Mutex
	reply *Reply
}

func (c *claims) BeginReply(_ context.Context, _ [32]byte, now, _, claimsAfter time.Time) (Reply, bool, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.reply != nil && (c.reply.Done || c.reply.Begun.After(claimsAfter)) {
		return *c.reply, false, nil
	}
	c.reply = &Reply{Begun: now}
	return Reply{}, true, nil
}

func (c *claims) EndReply(_ context.Context, _ [32]byte, r Reply) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.reply = &r
	return nil
}

func (c *claims) HoldReply(_ context.Context, _ [32]byte, now time.Time) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.reply.Begun = now
	return nil
}

func (c *claims) DropReply(context.Context, [32]byte) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.reply = nil
	return nil
}

// slowAPI answers POST /slow after the time in its body.
func slowAPI(t *testing.T, replies Replies) func(body string) *httptest.ResponseRecorder {
	t.Helper()
	a, err := New(Config{Clock: wallClock{}, Replies: replies})
	if err != nil {
		t.Fatal(err)
	}
	a.Identify(func(*http.Request) (Identity, error) {
		return Identity{Role: Owner, Account: "me", Organisation: "org"}, nil
	})
	a.Raw(Route{Method: "POST", Path: "/slow", ID: "slow", MaxBody: 100}, func(w http.ResponseWriter, r *http.Request) error {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return err
		}
		takes, err := time.ParseDuration(string(body))
		if err != nil {
			panic(err)
		}
		time.Sleep(takes)
		w.WriteHeader(http.StatusCreated)
		return nil
	})
	return func(body string) *httptest.ResponseRecorder {
		r := httptest.NewRequest("POST", "/slow", strings.NewReader(body))
		r.Header.Set("Idempotency-Key", "k")
		w := httptest.NewRecorder()
		a.Handler().ServeHTTP(w, r)
		return w
	}
}

// However long a request takes, another with its key waits for its answer.
func TestClaimLastsAsLongAsItsRequest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		post := slowAPI(t, &claims{})
		var first *httptest.ResponseRecorder
		var answering sync.WaitGroup
		answering.Go(func() { first = post("40s") })
		for range 39 {
			time.Sleep(time.Second)
			if w := post("40s"); w.Code != 409 || !strings.Contains(w.Body.String(), "/in-progress") || w.Header().Get("Retry-After") != "1" {
				t.Fatalf("meanwhile: %d %s", w.Code, w.Body)
			}
		}
		answering.Wait()
		if w := post("40s"); first.Code != 201 || w.Code != 201 || w.Header().Get("Idempotent-Replayed") != "true" {
			t.Errorf("%d, afterwards %d", first.Code, w.Code)
		}
	})
}

// What a request says in its query is part of it: an upload with another title is another one.
func TestKeyOfAnotherQuery(t *testing.T) {
	a, err := New(Config{Clock: wallClock{}, Replies: &claims{}})
	if err != nil {
		t.Fatal(err)
	}
	a.Identify(func(*http.Request) (Identity, error) {
		return Identity{Role: Owner, Account: "me", Organisation: "org"}, nil
	})
	a.Raw(Route{Method: "POST", Path: "/upload", ID: "upload", MaxBody: 100}, func(w http.ResponseWriter, r *http.Request) error {
		_, err := io.Copy(w, r.Body)
		return err
	})
	for _, step := range []struct {
		query, body string
		want        int
	}{{"title=one", "bytes", 200}, {"title=one", "bytes", 200}, {"title=two", "bytes", 422}, {"", "bytes", 422}, {"title=one", "other", 422}} {
		r := httptest.NewRequest("POST", "/upload?"+step.query, strings.NewReader(step.body))
		r.Header.Set("Idempotency-Key", "k")
		w := httptest.NewRecorder()
		a.Handler().ServeHTTP(w, r)
		if w.Code != step.want {
			t.Errorf("%q with %q: %d, want %d: %s", step.query, step.body, w.Code, step.want, w.Body)
		}
	}
}

// A server that died in the middle of a request does not keep its key for long.
func TestClaimEndsWithItsServer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		kept := &claims{reply: &Reply{Begun: time.Now()}}
		post := slowAPI(t, kept)
		time.Sleep(claimLife - time.Millisecond)
		if w := post("0s"); w.Code != 409 {
			t.Errorf("at once: %d", w.Code)
		}
		time.Sleep(time.Millisecond)
		if w := post("0s"); w.Code != 201 {
			t.Errorf("after %v: %d %s", claimLife, w.Code, w.Body)
		}
	})
}

// A handler that panics leaves no claim that is renewed for ever.
func TestClaimEndsWithAPanic(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		post := slowAPI(t, &claims{})
		if w := post("not a duration"); w.Code != 500 {
			t.Fatalf("%d", w.Code)
		}
		time.Sleep(claimLife)
		if w := post("0s"); w.Code != 201 {
			t.Errorf("after a panic: %d %s", w.Code, w.Body)
		}
	})
}

// What the answer of a request is repeated to: the same session or key, as long as it
// may still do what the request did.
func TestRepeatedToWhoMayStill(t *testing.T) {
	a, err := New(Config{Clock: wallClock{}, Replies: &manyReplies{}})
	if err != nil {
		t.Fatal(err)
	}
	me := Identity{Role: Owner, Account: "me", Organisation: "org", Session: "s1", Fresh: true}
	a.Identify(func(*http.Request) (Identity, error) { return me, nil })
	done := 0
	a.Raw(Route{Method: "POST", Path: "/act", ID: "act"}, func(w http.ResponseWriter, r *http.Request) error {
		if err := Allow(IdentityOf(r.Context()), Update, Object{Kind: OrganisationObject, Organisation: "org"}); err != nil {
			return err
		}
		done++
		return WriteJSON(w, http.StatusOK, done)
	})
	post := func(what string, id Identity, status int, body string, times int) {
		t.Helper()
		me = id
		r := httptest.NewRequest("POST", "/act", nil)
		r.Header.Set("Idempotency-Key", "k")
		w := httptest.NewRecorder()
		a.Handler().ServeHTTP(w, r)
		if w.Code != status || !strings.Contains(w.Body.String(), body) || done != times {
			t.Errorf("%s: %d %s, done %d times", what, w.Code, w.Body, done)
		}
	}
	first := me
	stale, sender, elsewhere, key := first, first, first, first
	stale.Fresh = false
	sender.Role = Sender
	elsewhere.Session = "s2"
	key.Session, key.Key, key.Scopes = "", "k1", Scopes{"organisation:read"}
	post("the first", first, 200, "1", 1)
	post("again", first, 200, "1", 1)
	post("with an old proof", stale, 403, "step-up", 1)
	post("with another role", sender, 403, "not-allowed", 1)
	post("by a key without the scope", key, 403, "not-allowed", 1)
	post("in another session", elsewhere, 200, "2", 2)
	post("again in the first", first, 200, "1", 2)
}

// manyReplies are claims of each key.
type manyReplies struct{ of map[[32]byte]*claims }

func (m *manyReplies) at(key [32]byte) *claims {
	if m.of == nil {
		m.of = map[[32]byte]*claims{}
	}
	if m.of[key] == nil {
		m.of[key] = &claims{}
	}
	return m.of[key]
}

func (m *manyReplies) BeginReply(ctx context.Context, key [32]byte, now, answersAfter, claimsAfter time.Time) (Reply, bool, error) {
	return m.at(key).BeginReply(ctx, key, now, answersAfter, claimsAfter)
}
func (m *manyReplies) EndReply(ctx context.Context, key [32]byte, r Reply) error {
	return m.at(key).EndReply(ctx, key, r)
}
func (m *manyReplies) HoldReply(ctx context.Context, key [32]byte, now time.Time) error {
	return m.at(key).HoldReply(ctx, key, now)
}
func (m *manyReplies) DropReply(ctx context.Context, key [32]byte) error {
	return m.at(key).DropReply(ctx, key)
}
