package tsa

import (
	"testing"
	"time"
)

// FuzzOffset gives answers of a time server that nobody sent: what is taken
// repeats our time stamp, and is off by no more than an era of the clock, and said to be wrong by no
// more than what stamping allows.
func FuzzOffset(f *testing.F) {
	sent := time.Date(2026, 3, 2, 9, 30, 0, 0, time.UTC)
	var packet [48]byte
	packet[40] = 7
	good := make([]byte, 48)
	good[0], good[1] = 4<<3|4, 2
	copy(good[24:32], packet[40:48])
	f.Add(good)
	f.Fuzz(func(t *testing.T, raw []byte) {
		if len(raw) != 48 {
			return
		}
		off, within, err := offset(packet, [48]byte(raw), sent, sent.Add(time.Millisecond))
		if err == nil && ([8]byte(raw[24:32]) != [8]byte(packet[40:48]) || off.Abs() > 70*365*24*time.Hour || within < 0 || within > Accuracy) {
			t.Errorf("took % x as %v, give or take %v", raw, off, within)
		}
	})
}
