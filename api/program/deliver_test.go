package program_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"
	"time"

	"inkwitness/api"
	"inkwitness/api/egress"
	"inkwitness/api/program"
)

// patient waits for an answer longer than a test lasts.
var patient = egress.Config{Allow: local.Allow, PlainHTTP: true, Timeout: time.Hour}

// silent is a receiver that answers when the test says so.
type silent struct {
	*httptest.Server
	arrived chan *http.Request
	answer  func()

	mu            sync.Mutex
	waiting, most int
}

func newSilent(t *testing.T) *silent {
	r := &silent{arrived: make(chan *http.Request, 1000)}
	answered := make(chan struct{})
	r.answer = sync.OnceFunc(func() { close(answered) })
	r.Server = httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, q *http.Request) {
		r.count(1)
		defer r.count(-1)
		r.arrived <- q
		<-answered
	}))
	t.Cleanup(r.Close)
	t.Cleanup(r.answer)
	return r
}

func (r *silent) count(n int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.waiting += n
	r.most = max(r.most, r.waiting)
}

// atOnce is how many requests waited for an answer together.
func (r *silent) atOnce() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.most
}

// next returns what comes next, or ends the test.
func next[T any](t *testing.T, what string, from <-chan T) (v T) {
	t.Helper()
	select {
	case v = <-from:
	case <-time.After(30 * time.Second):
		t.Fatalf("%s did not come", what)
	}
	return v
}

// tell has an address told of a kind of events.
func (s *service) tell(organisation, url, kind string) {
	s.t.Helper()
	s.must(s.store.SaveWebhook(s.t.Context(), api.Webhook{ID: api.NewID(), Organisation: organisation, URL: url, Secret: []byte("secret"),
		Kinds: []string{kind}, Active: true, Created: s.clock.Now()}))
}

// run runs the deliverer until the returned function has stopped it.
func (s *service) run(h *program.Handler) (stop func()) {
	ctx, cancel := context.WithCancel(s.t.Context())
	ended := make(chan error, 1)
	go func() { ended <- h.Run(ctx) }()
	stop = sync.OnceFunc(func() {
		cancel()
		if err := next(s.t, "the end", ended); !errors.Is(err, context.Canceled) {
			s.t.Error(err)
		}
	})
	s.t.Cleanup(stop)
	return stop
}

// TestSlowReceiver: who answers slowly is told a few things at a time, the oldest
// first, and holds up nobody else, nor the end of the service.
func TestSlowReceiver(t *testing.T) {
	s := newService(t, patient)
	slow, served := newSilent(t), make(chan struct{}, 10)
	s.during = func() { served <- struct{}{} }
	s.tell("one", slow.URL+"/", "document.sent")
	s.tell("one", s.receiver.URL+"/", "document.completed")
	const events, atOnce = 30, 5
	for i := range events {
		s.publish("document.sent", fmt.Sprint("e", i))
		s.clock.Advance(time.Second)
	}
	stop := s.run(s.program)
	var first []string
	for range atOnce {
		first = append(first, next(t, "a delivery to the slow receiver", slow.arrived).Header.Get("webhook-id"))
	}
	s.publish("document.completed", "quick")
	next(t, "the delivery to the quick receiver", served)
	s.publish("document.completed", "quick again")
	next(t, "the second delivery to the quick receiver", served)
	if n := slow.atOnce(); n != atOnce {
		t.Errorf("%d deliveries at once to the slow receiver", n)
	}
	stop()
	oldest := s.deliveries(slow.URL + "/")[:atOnce]
	slices.Sort(first)
	slices.Sort(oldest)
	if !slices.Equal(first, oldest) {
		t.Errorf("told of %v first, not of %v", first, oldest)
	}
	// What the end cut off is told again once its lease is over.
	slow.answer()
	for range 2 {
		s.clock.Advance(3 * time.Minute)
		s.must(s.program.SendDue(t.Context()))
	}
	if n := len(slow.arrived); n != events {
		t.Errorf("%d deliveries", n)
	}
}

// deliveries are the ids of what an address is told, the oldest first.
func (s *service) deliveries(url string) (ids []string) {
	s.t.Helper()
	hooks, err := s.store.Webhooks(s.t.Context(), "one")
	s.must(err)
	i := slices.IndexFunc(hooks, func(w api.Webhook) bool { return w.URL == url })
	all, err := s.store.Deliveries(s.t.Context(), "one", hooks[i].ID, 1000)
	s.must(err)
	for _, d := range slices.Backward(all) {
		ids = append(ids, d.ID)
	}
	return ids
}

// TestManySlowReceivers: the whole is bounded, and who had to wait has its turn.
func TestManySlowReceivers(t *testing.T) {
	s := newService(t, patient)
	slow := newSilent(t)
	const all, atOnce = 45, 40
	for i := range all {
		s.tell("one", fmt.Sprintf("%s/%d", slow.URL, i), "document.sent")
	}
	s.publish("document.sent", "e1")
	ended := make(chan error, 1)
	go func() { ended <- s.program.SendDue(t.Context()) }()
	told := map[string]int{}
	for range atOnce {
		told[next(t, "a delivery", slow.arrived).URL.Path]++
	}
	s.must(s.program.SendDue(t.Context())) // there is no room for more
	slow.answer()
	s.must(next(t, "the end", ended))
	s.must(s.program.SendDue(t.Context()))
	for range len(slow.arrived) {
		told[next(t, "a delivery", slow.arrived).URL.Path]++
	}
	if n := slow.atOnce(); len(told) != all || n != atOnce {
		t.Errorf("%d receivers were told, %d at once", len(told), n)
	}
}

// TestTwoInstances: two instances on one database tell each event once.
func TestTwoInstances(t *testing.T) {
	s := newService(t, patient)
	slow := newSilent(t)
	other, err := program.New(program.Config{Store: s.store, Clock: s.clock, Client: egress.NewClient(patient),
		CheckURL: func(string) error { return nil }})
	s.must(err)
	for i := range 3 {
		s.tell("one", fmt.Sprintf("%s/%d", slow.URL, i), "document.sent")
	}
	const events = 25
	for i := range events {
		s.publish("document.sent", fmt.Sprint("e", i))
	}
	stops := []func(){s.run(s.program), s.run(other)}
	told := map[string]int{}
	for range 3 * 5 { // both are at work
		told[next(t, "a delivery", slow.arrived).Header.Get("webhook-id")]++
	}
	slow.answer()
	for range 3*events - 3*5 {
		told[next(t, "a delivery", slow.arrived).Header.Get("webhook-id")]++
	}
	for _, stop := range stops {
		stop()
	}
	s.must(s.program.SendDue(t.Context()))
	if len(told) != 3*events || len(slow.arrived) > 0 {
		t.Errorf("%d of %d deliveries, some several times", len(told), 3*events)
	}
}
