package auth

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"inkwitness/api"
)

// TestNetworksCountTogether: who may use a whole network of IPv6 counts as one, and a
// site of many networks as a large one.
func TestNetworksCountTogether(t *testing.T) {
	s := newService(t)
	l := limit{"try", 3, time.Hour}
	tries := func(what string, n int, address func(int) string) {
		t.Helper()
		for i := range n + 1 {
			err := s.auth.hit(t.Context(), l, address(i))
			if refused := errors.Is(err, api.ErrTooMany); refused != (i == n) || err != nil && !refused {
				t.Fatalf("%s: try %d: %v", what, i+1, err)
			}
		}
	}
	tries("one /64", 3, func(i int) string { return fmt.Sprintf("2001:db8:1:2::%x", i+1) })
	tries("one address of IPv4", 3, func(int) string { return "192.0.2.1" })
	tries("its neighbour", 3, func(int) string { return "192.0.2.2" })
	tries("an address of IPv4 in IPv6", 3, func(int) string { return "::ffff:192.0.2.3" })
	tries("one /48", 30, func(i int) string { return fmt.Sprintf("2001:db8:2:%x::1", i+1) })
	tries("an account", 3, func(int) string { return "ann@example.org" })
}
