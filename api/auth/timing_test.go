package auth

import (
	"fmt"
	"os"
	"slices"
	"testing"
	"time"

	"inkwitness/api"
)

// TestA4SameTimeForUnknownAddresses compares how long wrong passwords of known and
// of unknown addresses take, with a cheap hash, which shows all else that is done.
// That the hash itself is made for both, at the same cost, is for
// TestUnknownAddressesAreHashedToo; INKWITNESS_FULL=1, for a quiet machine, compares
// the time with the real one too.
func TestA4SameTimeForUnknownAddresses(t *testing.T) {
	t.Run("all but the hash", func(t *testing.T) { sameForUnknown(t, cheap, 0) })
	if os.Getenv("INKWITNESS_FULL") != "" {
		t.Run("with the real hash", func(t *testing.T) { sameForUnknown(t, usualCost, 10*time.Millisecond) })
	}
}

// sameForUnknown asks for each address once, so that no limit speaks. The two are
// asked one after the other, in both orders, and the median of the differences
// counts: what else runs on the machine meets both alike. A busy machine gets more
// pairs; a hash that is left out is no matter of luck.
func sameForUnknown(t *testing.T, c cost, atLeast time.Duration) {
	const (
		least, most = 20, 60 // pairs
		bar         = 10 * time.Millisecond
	)
	s := newService(t)
	s.auth.hasher = newHasher([]byte("pepper"), c)
	kept, err := s.auth.hasher.keep(t.Context(), good, s.clock.Now())
	s.must(err)
	b := s.browser(firefox)
	ask := func(name string, i int) time.Duration {
		start := time.Now()
		b.do("POST", "/api/session", m{"email": fmt.Sprintf("%s%d@example.org", name, i), "password": "wrong wrong wrong"}).wants(t, 401, "not-signed-in")
		return time.Since(start)
	}
	var known, unknown, differences []time.Duration
	for i := 0; i < least || i < most && median(differences).Abs() > bar; i++ {
		id := fmt.Sprint("a", i)
		s.must(s.store.CreateAccount(t.Context(), api.Account{ID: id, State: api.AccountActive, Created: s.clock.Now(),
			Profile: api.Profile{Email: fmt.Sprintf("known%d@example.org", i)}}))
		s.must(s.store.SetPassword(t.Context(), id, kept))
		var took [2]time.Duration
		for n := range 2 {
			who := (i + n) % 2
			took[who] = ask([]string{"known", "unknown"}[who], i)
		}
		known, unknown, differences = append(known, took[0]), append(unknown, took[1]), append(differences, took[0]-took[1])
	}
	t.Logf("known %v, unknown %v, median of the differences %v in %d pairs", median(known), median(unknown), median(differences), len(differences))
	if median(differences).Abs() > bar {
		t.Errorf("known and unknown addresses differ by %v", median(differences))
	}
	if fastest := slices.Min(unknown); fastest < atLeast {
		t.Errorf("an unknown address was answered after %v: nothing was hashed", fastest)
	}
}

func median(all []time.Duration) time.Duration {
	sorted := slices.Sorted(slices.Values(all))
	return sorted[len(sorted)/2]
}
