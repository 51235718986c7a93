package ws

import "time"

// bucket is a token bucket that goes below zero: who takes too much waits until
// it is at zero again.
type bucket struct {
	rate, burst float64 // tokens a second, and at most
	level       float64
	at          time.Time
}

// newBucket returns a full one.
func newBucket(rate float64, burst int, now time.Time) bucket {
	return bucket{rate: rate, burst: float64(burst), level: float64(burst), at: now}
}

// peek returns the level at a time.
func (b *bucket) peek(now time.Time) float64 {
	return min(b.burst, b.level+max(0, now.Sub(b.at).Seconds())*b.rate)
}

// take takes one token and returns how long its taker must wait.
func (b *bucket) take(now time.Time) time.Duration {
	b.level = b.peek(now) - 1
	b.at = now
	if b.level >= 0 {
		return 0
	}
	return time.Duration(-b.level / b.rate * float64(time.Second))
}
