package ws

import (
	"strconv"
	"testing"
	"time"
)

type still struct{}

func (still) Now() time.Time { return time.Unix(1e9, 0) }

func TestOffendersTakeBoundedRoom(t *testing.T) {
	b := NewBans(still{})
	for n := range maxOffenders + 1000 {
		b.offence(strconv.Itoa(n))
	}
	if len(b.offenders) > maxOffenders {
		t.Errorf("%d addresses are kept in mind", len(b.offenders))
	}
}

func TestOneCustomerIsOneAddress(t *testing.T) {
	b := NewBans(still{})
	for n := range 2 * offenceBurst {
		b.offence("2001:db8:1:2::" + strconv.FormatInt(int64(n), 16))
	}
	for address, want := range map[string]bool{"2001:db8:1:2:ffff::1": true, "2001:db8:1:3::1": false, "::ffff:192.0.2.1": false, "192.0.2.1": false, "": false} {
		if b.Banned(address) != want {
			t.Errorf("%q banned: %v", address, !want)
		}
	}
}
