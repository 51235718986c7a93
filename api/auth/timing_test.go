package auth

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"inkwitness/api"
)

// TestA4SameTimeForUnknownAddresses compares the medians of wrong passwords for
// known and unknown addresses, each address asked once so that no limit speaks.
func TestA4SameTimeForUnknownAddresses(t *testing.T) {
	s := newService(t)
	const n = 40
	for i := range n {
		s.must(s.store.CreateAccount(t.Context(), api.Account{ID: fmt.Sprint("a", i), State: api.AccountActive, Created: s.clock.Now(),
			Profile: api.Profile{Email: fmt.Sprintf("known%d@example.org", i)}}))
		kept, err := s.auth.hasher.keep(t.Context(), good, s.clock.Now())
		s.must(err)
		s.must(s.store.SetPassword(t.Context(), fmt.Sprint("a", i), kept))
	}
	b := s.browser(firefox)
	var took [2][]time.Duration
	for i := range n {
		for k, name := range []string{"known", "unknown"} {
			start := time.Now()
			b.do("POST", "/api/session", m{"email": fmt.Sprintf("%s%d@example.org", name, i), "password": "wrong wrong wrong"}).wants(t, 401, "not-signed-in")
			took[k] = append(took[k], time.Since(start))
		}
	}
	var median [2]time.Duration
	for k := range took {
		slices.Sort(took[k])
		median[k] = took[k][n/2]
	}
	if d := (median[0] - median[1]).Abs(); d > 10*time.Millisecond {
		t.Errorf("medians %v and %v", median[0], median[1])
	}
	t.Logf("known %v, unknown %v", median[0], median[1])
}
