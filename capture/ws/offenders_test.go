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
