package soak

import (
	"context"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"inkwitness/capture/ws/wstest"
)

// TestKillNine kills the server again and again under 50 pens that write ten
// batches a second, and compares in the end what the pens sent, what was
// acknowledged and what is kept. The client itself fails on the first answer
// that takes back an acknowledgement.
func TestKillNine(t *testing.T) {
	const pens = 50
	kills := envInt("INKWITNESS_KILLS", 100/patience)
	dir, address := t.TempDir(), freeAddress(t)
	server := spawn(t, dir, address)
	ctx, cancel := context.WithTimeout(t.Context(), time.Duration(60+5*kills)*time.Second)
	defer cancel()
	clients := make([]*wstest.Client, pens)
	writing, stopWriting := context.WithCancel(ctx)
	var writers, runs sync.WaitGroup
	for n := range clients {
		c := newClient(n, "wss://"+address)
		clients[n] = c
		runs.Go(func() {
			if err := c.Run(ctx); err != nil {
				t.Errorf("pen %d: %v", n, err)
			}
		})
		writers.Go(func() { write(t, writing, c) })
	}
	slowestReady, slowestResume := time.Duration(0), time.Duration(0)
	for k := range kills {
		resumed := connected(clients, k+1)
		if resumed == 0 {
			t.Fatalf("after %d kills not all pens are connected", k)
		}
		time.Sleep(time.Duration(rand.IntN(300)) * time.Millisecond)
		server.kill()
		dead := time.Now()
		server = spawn(t, dir, address)
		slowestReady = max(slowestReady, time.Since(dead))
		if connected(clients, k+2) == 0 {
			t.Fatalf("after kill %d not all pens are connected", k)
		}
		slowestResume = max(slowestResume, time.Since(dead))
	}
	stopWriting()
	writers.Wait()
	for _, c := range clients {
		c.Finish()
	}
	runs.Wait()
	server.stop()
	j := reopen(t, dir)
	batches := 0
	for n, c := range clients {
		book := c.Book()
		compare(t, j, n, book)
		batches += len(book.Messages)
	}
	t.Logf("capture/kill n=%d sessions=%d batches=%d lost=0 ready<=%.2fs resumed<=%.2fs", kills, pens, batches, slowestReady.Seconds(), slowestResume.Seconds())
	if slowestReady > patience*2*time.Second || slowestResume > patience*5*time.Second {
		t.Errorf("ready after %v, resumed after %v; at most 2 s and 5 s", slowestReady, slowestResume)
	}
}

// write adds a batch every 100 ms.
func write(t *testing.T, ctx context.Context, c *wstest.Client) {
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for n := 0; ; n++ {
		if err := c.Add(samples(n)); err != nil {
			t.Error(err)
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// connected waits until each client has connected that often and tells how long
// that took, 0 for too long.
func connected(clients []*wstest.Client, times int) time.Duration {
	start := time.Now()
	for time.Since(start) < patience*20*time.Second {
		all := true
		for _, c := range clients {
			all = all && c.Connected() >= times
		}
		if all {
			return time.Since(start) + 1
		}
		time.Sleep(10 * time.Millisecond)
	}
	return 0
}

// TestRestartInGoodOrder stops the server with SIGTERM under 200 pens and starts
// the next one: a new version is put in place.
func TestRestartInGoodOrder(t *testing.T) {
	const pens, restarts = 200 / patience, 3
	dir, address := t.TempDir(), freeAddress(t)
	server := spawn(t, dir, address)
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	clients := make([]*wstest.Client, pens)
	writing, stopWriting := context.WithCancel(ctx)
	var writers, runs sync.WaitGroup
	for n := range clients {
		c := newClient(n, "wss://"+address)
		clients[n] = c
		runs.Go(func() {
			if err := c.Run(ctx); err != nil {
				t.Errorf("pen %d: %v", n, err)
			}
		})
		writers.Go(func() { write(t, writing, c) })
	}
	slowest := time.Duration(0)
	for k := range restarts {
		if connected(clients, k+1) == 0 {
			t.Fatalf("after %d restarts not all pens are connected", k)
		}
		time.Sleep(200 * time.Millisecond)
		begun := time.Now()
		server.stop()
		server = spawn(t, dir, address)
		if connected(clients, k+2) == 0 {
			t.Fatalf("after restart %d not all pens are connected", k)
		}
		slowest = max(slowest, time.Since(begun))
	}
	stopWriting()
	writers.Wait()
	for _, c := range clients {
		c.Finish()
	}
	runs.Wait()
	server.stop()
	j := reopen(t, dir)
	for n, c := range clients {
		compare(t, j, n, c.Book())
	}
	t.Logf("capture/restart n=%d sessions=%d lost=0 resumed<=%.2fs", restarts, pens, slowest.Seconds())
	if slowest > patience*5*time.Second {
		t.Errorf("pens are back after %v, want 5 s", slowest)
	}
}
