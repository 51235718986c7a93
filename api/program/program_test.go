package program_test

import (
	"bytes"
	"cmp"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"inkwitness/api"
	"inkwitness/api/egress"
	"inkwitness/api/program"
	"inkwitness/api/store"
	"inkwitness/api/store/storetest"
)

type service struct {
	t        *testing.T
	clock    *storetest.Clock
	store    *store.Accounts
	handler  http.Handler
	program  *program.Handler
	receiver *httptest.Server

	mu     sync.Mutex
	got    []*http.Request
	bodies []string
	answer int
	during func() // happens while the receiver answers
}

func newService(t *testing.T, allow egress.Config) *service {
	t.Helper()
	s := &service{t: t, clock: storetest.NewClock(), answer: 200}
	db, err := store.Open(t.Context(), storetest.SQLite(t), store.Options{Clock: s.clock})
	s.must(err)
	t.Cleanup(func() { s.must(db.Close()) })
	s.store = storetest.Accounts(t, db)
	s.receiver = httptest.NewServer(http.HandlerFunc(s.receive))
	t.Cleanup(s.receiver.Close)
	s.program, err = program.New(program.Config{Store: s.store, Clock: s.clock, Client: egress.NewClient(allow),
		CheckURL: func(u string) error { return egress.CheckURL(u, allow) }})
	s.must(err)
	a, err := api.New(api.Config{Clock: s.clock, Replies: s.store})
	s.must(err)
	a.Identify(func(r *http.Request) (api.Identity, error) { // a session, said by a header
		who := strings.Fields(r.Header.Get("X-Test-Who"))
		if len(who) < 2 {
			return api.Identity{}, nil
		}
		return api.Identity{Account: who[0], Organisation: who[1], Role: api.Role(who[2]), Session: cmp.Or(r.Header.Get("X-Test-Session"), "s"), Fresh: len(who) == 3}, nil
	})
	a.Mount(s.program)
	api.Register(a, api.Route{Method: "GET", Path: "/api/{kind}/{action}", ID: "try"}, func(ctx context.Context, in *struct {
		Kind   string `path:"kind"`
		Action string `path:"action"`
	}) (*struct{}, error) {
		return nil, api.Allow(api.IdentityOf(ctx), api.Action(in.Action), api.Object{Kind: api.ObjectKind(in.Kind), Organisation: "one", Owner: "sam"})
	})
	s.handler = a.Handler()
	for _, org := range []string{"one", "two"} {
		s.must(s.store.CreateOrganisation(t.Context(), api.Organisation{ID: org, Created: s.clock.Now()}))
	}
	s.must(s.store.CreateAccount(t.Context(), api.Account{ID: "ann", Created: s.clock.Now(), Profile: api.Profile{Email: "ann@example.org"}}))
	s.must(s.store.AddMember(t.Context(), api.Member{Account: "ann", Organisation: "one", Role: api.Owner, Added: s.clock.Now()}))
	return s
}

func (s *service) receive(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	body, err := io.ReadAll(r.Body)
	if err != nil {
		s.t.Error(err)
	}
	s.got, s.bodies = append(s.got, r), append(s.bodies, string(body))
	if s.during != nil {
		s.during()
	}
	w.WriteHeader(s.answer)
}

func (s *service) must(err error) {
	s.t.Helper()
	if err != nil {
		s.t.Fatal(err)
	}
}

func (s *service) do(header, who, method, path string, body any, status int) (out map[string]any) {
	s.t.Helper()
	raw, err := json.Marshal(body)
	s.must(err)
	r := httptest.NewRequest(method, path, bytes.NewReader(raw))
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set(header, who)
	w := httptest.NewRecorder()
	s.handler.ServeHTTP(w, r)
	if w.Code != status {
		s.t.Errorf("%s %s: %d, want %d: %s", method, path, w.Code, status, w.Body)
	}
	if w.Body.Len() > 0 {
		s.must(json.Unmarshal(w.Body.Bytes(), &out))
	}
	return out
}

type m map[string]any

const who, bearer, owner = "X-Test-Who", "Authorization", "ann one owner"

func TestKeys(t *testing.T) {
	s := newService(t, egress.Config{})
	create := m{"name": "Robot", "scopes": []string{"document:read", "document:list", "member:delete", "key:create"}, "days": 10}
	s.do(who, "ann one owner stale", "POST", "/api/keys", create, 403)
	s.do(who, "sam one sender", "POST", "/api/keys", create, 403)
	s.do(who, owner, "POST", "/api/keys", m{"name": "x", "scopes": []string{"everything"}}, 422)
	s.do(who, owner, "POST", "/api/keys", m{"name": "x", "scopes": []string{}}, 422)
	made := s.do(who, owner, "POST", "/api/keys", create, 201)
	secret := "Bearer " + made["secret"].(string)
	if !strings.HasPrefix(secret, "Bearer inkwitness_") {
		t.Error(secret)
	}
	s.do(bearer, secret, "GET", "/api/document/read", nil, 204)
	s.do(bearer, secret, "GET", "/api/document/send", nil, 403) // not in its scopes
	s.do(bearer, secret, "GET", "/api/member/delete", nil, 403) // needs a fresh proof, which a key never has
	s.do(bearer, secret, "POST", "/api/keys", create, 403)      // nor makes a key another
	s.do(bearer, secret+"x", "GET", "/api/document/read", nil, 401)
	s.do(bearer, "Bearer other", "GET", "/api/document/read", nil, 401)
	list := s.do(who, owner, "GET", "/api/keys", nil, 200)["keys"].([]any)
	if k := list[0].(map[string]any); len(list) != 1 || k["secret"] != nil || k["usedAt"] == nil || k["name"] != "Robot" {
		t.Error(list)
	}
	// The key is never more than who made it.
	s.must(s.store.SetRole(t.Context(), "one", "ann", api.Investigator))
	s.do(bearer, secret, "GET", "/api/document/list", nil, 404)
	s.must(s.store.RemoveMember(t.Context(), "one", "ann"))
	s.do(bearer, secret, "GET", "/api/document/read", nil, 401)
	s.must(s.store.AddMember(t.Context(), api.Member{Account: "ann", Organisation: "one", Role: api.Owner, Added: s.clock.Now()}))
	s.clock.Advance(10 * 24 * time.Hour)
	s.do(bearer, secret, "GET", "/api/document/read", nil, 401) // expired
	made = s.do(who, owner, "POST", "/api/keys", create, 201)
	secret = "Bearer " + made["secret"].(string)
	s.do(who, "eve two owner", "DELETE", "/api/keys/"+made["id"].(string), nil, 404)
	s.do(who, owner, "DELETE", "/api/keys/"+made["id"].(string), nil, 204)
	s.do(bearer, secret, "GET", "/api/document/read", nil, 401)
}

// TestSecretsAreShownOnce: whatever is sent again with an Idempotency-Key, a secret is
// in the first answer and in no other, and what is repeated is repeated to who may
// still do it.
func TestSecretsAreShownOnce(t *testing.T) {
	s := newService(t, local)
	send := func(path string, body m, header ...string) *httptest.ResponseRecorder {
		t.Helper()
		raw, err := json.Marshal(body)
		s.must(err)
		r := httptest.NewRequest("POST", path, bytes.NewReader(raw))
		r.Header.Set("Content-Type", "application/json")
		r.Header.Set("Idempotency-Key", "abc")
		for i := 0; i < len(header); i += 2 {
			r.Header.Set(header[i], header[i+1])
		}
		w := httptest.NewRecorder()
		s.handler.ServeHTTP(w, r)
		return w
	}
	for path, body := range map[string]m{
		"/api/keys":     {"name": "Robot", "scopes": []string{"document:read"}},
		"/api/webhooks": {"url": s.receiver.URL + "/in"},
	} {
		first := send(path, body, who, owner)
		var made struct{ ID, Secret string }
		s.must(json.Unmarshal(first.Body.Bytes(), &made))
		if first.Code != 201 || made.Secret == "" {
			t.Fatalf("%s: %d %s", path, first.Code, first.Body)
		}
		for what, again := range map[string]struct {
			header []string
			status int
			kind   string
		}{
			"the same again":                     {[]string{who, owner}, 409, "shown-once"},
			"with an old proof":                  {[]string{who, owner + " stale"}, 403, "step-up"},
			"by a role that may not":             {[]string{who, "ann one sender"}, 403, "not-allowed"},
			"with an old proof, another session": {[]string{who, owner + " stale", "X-Test-Session", "other"}, 403, "step-up"},
		} {
			w := send(path, body, again.header...)
			if w.Code != again.status || !strings.Contains(w.Body.String(), "/"+again.kind) || strings.Contains(w.Body.String(), made.Secret) {
				t.Errorf("%s %s: %d %s", path, what, w.Code, w.Body)
			}
		}
		if path == "/api/keys" {
			if w := send(path, body, bearer, "Bearer "+made.Secret); w.Code != 403 || strings.Contains(w.Body.String(), "secret") {
				t.Errorf("by the key itself: %d %s", w.Code, w.Body)
			}
		}
	}
	if keys := s.do(who, owner, "GET", "/api/keys", nil, 200)["keys"].([]any); len(keys) != 1 {
		t.Errorf("%d keys were made", len(keys))
	}
}

// local lets deliveries reach the receiver of this test and nothing else.
var local = egress.Config{Allow: []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")}, PlainHTTP: true}

func (s *service) publish(kind, key string) {
	s.t.Helper()
	s.must(s.program.Publish(s.t.Context(), api.Event{Kind: kind, Organisation: "one", Account: "ann", Object: "document:d1",
		Detail: api.Detail{"name": "marker"}}, key))
}

func (s *service) hook(kinds ...string) (id string, secret []byte) {
	s.t.Helper()
	made := s.do(who, owner, "POST", "/api/webhooks", m{"url": s.receiver.URL + "/in", "kinds": kinds}, 201)
	raw, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(made["secret"].(string), "whsec_"))
	s.must(err)
	return made["id"].(string), raw
}

func (s *service) log(id string) (out []map[string]any) {
	for _, d := range s.do(who, owner, "GET", "/api/webhooks/"+id+"/deliveries", nil, 200)["deliveries"].([]any) {
		out = append(out, d.(map[string]any))
	}
	return out
}

func TestDelivered(t *testing.T) {
	s := newService(t, local)
	id, secret := s.hook("document.sent")
	s.publish("document.sent", "e1")
	s.publish("document.sent", "e1") // the same event
	s.publish("document.other", "e2")
	s.must(s.program.SendDue(t.Context()))
	s.must(s.program.SendDue(t.Context()))
	if len(s.got) != 1 {
		t.Fatalf("%d deliveries", len(s.got))
	}
	r, body := s.got[0], s.bodies[0]
	if r.Header.Get("webhook-signature") != program.Sign(secret, r.Header.Get("webhook-id"), r.Header.Get("webhook-timestamp"), body) ||
		r.Header.Get("webhook-timestamp") != "1772366400" {
		t.Errorf("%v", r.Header)
	}
	if body != `{"data":{"object":"document:d1"},"timestamp":"2026-03-01T12:00:00.123456Z","type":"document.sent"}` {
		t.Error(body)
	}
	if log := s.log(id); len(log) != 1 || log[0]["state"] != "sent" || log[0]["result"] != "status 200" {
		t.Error(log)
	}
}

// TestSignature is the example of the specification of Standard Webhooks 1.0,
// section "Symmetric".
func TestSignature(t *testing.T) {
	secret, err := base64.StdEncoding.DecodeString("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
	if err != nil {
		t.Fatal(err)
	}
	got := program.Sign(secret, "msg_p5jXN8AQM9LWM0D4loKWxJek", "1614265330", `{"test": 2432232314}`)
	if got != "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=" {
		t.Error(got)
	}
}

func TestRetries(t *testing.T) {
	s := newService(t, local)
	id, _ := s.hook()
	s.answer = 500
	s.publish("document.sent", "e1")
	for range 12 {
		s.must(s.program.SendDue(t.Context()))
		s.clock.Advance(25 * time.Hour)
	}
	log := s.log(id)
	if len(s.got) != 10 || log[0]["state"] != "failed" || log[0]["tries"] != 10.0 || log[0]["result"] != "status 500" {
		t.Errorf("%d tries, %v", len(s.got), log)
	}
	ids := map[string]bool{}
	for _, r := range s.got {
		ids[r.Header.Get("webhook-id")] = true
	}
	if len(ids) != 1 {
		t.Error("a retry has another id")
	}
	s.answer = 200
	s.do(who, "eve two owner", "POST", "/api/webhooks/deliveries/"+log[0]["id"].(string)+"/repeat", nil, 404)
	s.do(who, owner, "POST", "/api/webhooks/deliveries/"+log[0]["id"].(string)+"/repeat", nil, 204)
	events, err := s.store.Audit(t.Context(), "one", s.clock.Now().Add(time.Hour), 100)
	s.must(err)
	if n := len(slices.DeleteFunc(events, func(e api.Event) bool { return e.Kind != "webhook.repeated" || e.Account != "ann" })); n != 1 {
		t.Errorf("the record tells %d times that an event was sent again", n)
	}
	s.must(s.program.SendDue(t.Context()))
	if log := s.log(id); log[0]["state"] != "sent" {
		t.Error(log)
	}
	// 410 switches the webhook off.
	s.answer = 410
	s.publish("document.sent", "e2")
	s.must(s.program.SendDue(t.Context()))
	s.publish("document.sent", "e3")
	s.must(s.program.SendDue(t.Context()))
	if hooks := s.do(who, owner, "GET", "/api/webhooks", nil, 200)["webhooks"].([]any); hooks[0].(map[string]any)["active"] != false || len(s.got) != 12 {
		t.Errorf("%v, %d requests", hooks, len(s.got))
	}
}

// TestGoneMeanwhile: what a person changed while a receiver asked to be left alone
// stays: another address goes on being told, and a webhook that was removed is gone.
func TestGoneMeanwhile(t *testing.T) {
	for name, test := range map[string]struct {
		method string
		body   any
		status int
		left   []string // addresses that are told
	}{
		"another address": {"PATCH", m{"url": "https://example.org/new"}, 200, []string{"https://example.org/new"}},
		"removed":         {"DELETE", nil, 204, nil},
	} {
		t.Run(name, func(t *testing.T) {
			s := newService(t, local)
			id, _ := s.hook()
			s.answer = 410
			s.during = func() { s.do(who, owner, test.method, "/api/webhooks/"+id, test.body, test.status) }
			s.publish("document.sent", "e1")
			if err := s.program.SendDue(t.Context()); err != nil && !errors.Is(err, api.ErrNotFound) {
				t.Error(err)
			}
			all, err := s.store.Webhooks(t.Context(), "one")
			s.must(err)
			var left []string
			for _, w := range all {
				if w.Active {
					left = append(left, w.URL)
				}
			}
			if !slices.Equal(left, test.left) || len(all) != len(test.left) {
				t.Errorf("%+v, want %v active", all, test.left)
			}
		})
	}
}

func TestI11Addresses(t *testing.T) {
	s := newService(t, egress.Config{})
	for _, bad := range []string{"http://hooks.example.org/", "https://127.0.0.1/", "https://[::1]/", "https://169.254.169.254/latest", "ftp://x", "x", "https://u:p@example.org/"} {
		s.do(who, owner, "POST", "/api/webhooks", m{"url": bad}, 422)
	}
	// A name that leads inside is refused when the connection is made.
	s.do(who, owner, "POST", "/api/webhooks", m{"url": "https://localhost" + strings.TrimPrefix(s.receiver.URL, "http://127.0.0.1") + "/"}, 201)
	s.publish("document.sent", "e1")
	s.must(s.program.SendDue(t.Context()))
	if len(s.got) != 0 {
		t.Error("reached inside")
	}
}

func TestWebhookAccess(t *testing.T) {
	s := newService(t, local)
	id, _ := s.hook()
	s.do(who, "ann one owner stale", "POST", "/api/webhooks", m{"url": s.receiver.URL}, 403)
	s.do(who, "sam one sender", "GET", "/api/webhooks", nil, 403)
	s.do(who, "eve two owner", "PATCH", "/api/webhooks/"+id, m{"active": false}, 404)
	s.do(who, "eve two owner", "GET", "/api/webhooks/"+id+"/deliveries", nil, 404)
	s.do(who, "eve two owner", "DELETE", "/api/webhooks/"+id, nil, 404)
	got := s.do(who, owner, "PATCH", "/api/webhooks/"+id, m{"active": false, "kinds": []string{"a.b"}}, 200)
	if got["active"] != false || !slices.Equal(got["kinds"].([]any), []any{"a.b"}) || got["secret"] != nil {
		t.Error(got)
	}
	s.do(who, owner, "PATCH", "/api/webhooks/"+id, m{"url": "http://10.0.0.1/"}, 422)
	s.do(who, owner, "DELETE", "/api/webhooks/"+id, nil, 204)
	for range 20 {
		s.hook()
	}
	s.do(who, owner, "POST", "/api/webhooks", m{"url": s.receiver.URL}, 409)
}
