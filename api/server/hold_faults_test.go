package server

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"inkwitness/api"
	"inkwitness/api/ceremony"
	"inkwitness/api/retention"
	"inkwitness/evidence/retain"
)

// holdsOf serves the holds of a scene to whoever the X-Account header names.
func (s *scene) holdsOf() http.Handler {
	s.t.Helper()
	clock := s.c.seams.clock
	a, err := api.New(api.Config{Clock: clock, Replies: s.Accounts, Kinds: kinds})
	s.must(err)
	a.Identify(func(r *http.Request) (api.Identity, error) {
		return api.Identity{Role: api.Owner, Account: r.Header.Get("X-Account"), Organisation: firstOrganisation, Session: "s", Fresh: true}, nil
	})
	documents := s.Ceremonies()
	line := ceremony.New(ceremony.Config{Tx: s, Documents: documents, Grants: documents, Subjects: documents, Objects: s.Store,
		Notices: notices{audit: s.AppendAudit}, Sealer: &sealer{}, Clock: clock})
	a.Mount(&retention.Handler{Ceremony: line, Holds: s.Accounts, Objects: s.Store, Records: s.Store, Shares: s.Accounts, Logger: s.cfg.Logger, Clock: clock,
		Record: s.AppendAudit, Name: func(context.Context, string, string) (string, error) { return "", nil }})
	return a.Handler()
}

// act asks for one act of one person.
func (s *scene) act(h http.Handler, who, path string) int {
	r := httptest.NewRequestWithContext(s.t.Context(), "POST", "/api/documents/"+s.p.id+"/holds"+path, strings.NewReader(`{"reason": "case 4711"}`))
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("X-Account", who)
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w.Code
}

func (s *scene) holds() (all []retain.Hold) {
	s.t.Helper()
	s.f.aside(func() {
		var err error
		all, err = s.Holds(s.t.Context(), s.p.id)
		s.must(err)
	})
	return all
}

// holdActs are the four acts of a hold, each with whether it was done and
// whether the hold protects afterwards.
var holdActs = []struct {
	who, path, event string
	done             func(retain.Hold) bool
	protects         bool
}{
	{"ann", "", "hold.placed", func(h retain.Hold) bool { return h.Placed.By == "ann" }, true},
	{"bob", "/agree", "hold.agreed", func(h retain.Hold) bool { return h.Agreed.By == "bob" }, true},
	{"ann", "/end", "hold.ended", func(h retain.Hold) bool { return h.Ended.By == "ann" }, true},
	{"bob", "/lift", "hold.lifted", func(h retain.Hold) bool { return h.Lifted.By == "bob" }, false},
}

// holdFaults: whatever call of an act fails or is the last before a crash,
// the act and its line in the record are both there or both not; done again
// where it is not, the hold goes on, and deletion is held up until the end.
func holdFaults(t *testing.T, p preserved) {
	p.faultTable(t, func(t *testing.T, at int, mode faultMode) (string, int) {
		s := p.scene(t)
		web := s.holdsOf()
		s.f.arm(at, mode)
		hit, calls := "", 0
		for i, act := range holdActs {
			path := act.path
			if i > 0 {
				path = "/" + s.holds()[0].ID + act.path
			}
			status := s.act(web, act.who, path)
			calls = s.f.n
			if met := s.f.hit; met != "" {
				hit = met
				s.repair(func(context.Context) error {
					s.restart()
					web = s.holdsOf()
					done, noted := s.isDone(i), s.noted(act.event)
					if done != noted || status < 500 && !done {
						t.Errorf("%s: answer %d, done %v, in the record %v", act.event, status, done, noted)
					}
					if status = http.StatusOK; !done {
						status = s.act(web, act.who, path)
					}
					return nil
				})
			}
			if status >= 300 || !s.isDone(i) || !s.noted(act.event) || s.protected() != act.protects {
				t.Fatalf("%s: answer %d, done %v, in the record %v, protects %v", act.event, status, s.isDone(i), s.noted(act.event), s.protected())
			}
		}
		if all := s.holds(); len(all) != 1 {
			t.Errorf("%d holds, want one", len(all))
		}
		s.must(s.Close())
		return hit, calls
	})
}

func (s *scene) isDone(act int) bool {
	all := s.holds()
	return len(all) > 0 && holdActs[act].done(all[0])
}

// noted tells whether an act is in the document's record, once.
func (s *scene) noted(event string) bool {
	s.t.Helper()
	n := s.times(event)
	if n > 1 {
		s.t.Errorf("%s stands %d times in the record", event, n)
	}
	return n == 1
}

// protected tells whether deletion is held up.
func (s *scene) protected() (yes bool) {
	s.t.Helper()
	s.f.aside(func() {
		var err error
		yes, err = s.Protected(s.t.Context(), s.p.id)
		s.must(err)
	})
	return yes
}
