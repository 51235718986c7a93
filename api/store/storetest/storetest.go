// Package storetest is the suite that every database behind api/store passes.
// A method of the store that is not called here is not covered on one of them.
package storetest

import (
	"sync"
	"testing"
	"time"

	"inkwitness/api/store"
	"inkwitness/capture"
)

// Opener opens an empty store of its own for one test and closes it at its end.
type Opener func(t *testing.T, clock capture.Clock) *store.Store

// Run runs the whole suite. Each part gets a store of its own.
func Run(t *testing.T, open Opener) {
	t.Run("Ping", func(t *testing.T) {
		if err := open(t, NewClock()).Ping(t.Context()); err != nil {
			t.Fatal(err)
		}
	})
}

// Clock is a clock that stands still until it is moved.
type Clock struct {
	mu  sync.Mutex
	now time.Time
}

// NewClock returns a clock at a fixed moment, in whole microseconds as the
// databases keep them.
func NewClock() *Clock {
	return &Clock{now: time.Date(2026, 3, 1, 12, 0, 0, 123456000, time.UTC)}
}

// Now implements capture.Clock.
func (c *Clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

// Advance moves the clock.
func (c *Clock) Advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}
