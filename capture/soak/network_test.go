package soak

import (
	"context"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"inkwitness/capture/record"
	"inkwitness/capture/ws"
	"inkwitness/capture/ws/wstest"
)

// networks are the bad ones, by name.
var networks = []struct {
	name string
	faults
}{
	{"300 ms +- 100 there and back", faults{delay: 150 * time.Millisecond, jitter: 50 * time.Millisecond}},
	{"64 kbit/s", faults{rate: 8000}},
	{"resets", faults{resetIn: time.Second}},
	{"half-open", faults{stallIn: 2 * time.Second}},
	{"one-byte slices", faults{slice: 1}},
}

// TestBadNetworks lets pens write through each bad network: every stroke must
// arrive, in order, once.
func TestBadNetworks(t *testing.T) {
	defer goleak.VerifyNone(t)
	pens := envInt("INKWITNESS_NETWORKS", 100/patience)
	cfg := record.Config{
		Dir: t.TempDir(), AEAD: journalKey(), Clock: wall{}, MinFree: 0.01,
		Logger: slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelWarn})),
	}
	j, h, err := service(cfg, func(c *ws.Config) { c.Idle = 3 * time.Second })
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewTLSServer(h)
	defer server.Close()
	ctx, cancel := context.WithCancel(context.Background())
	ran := make(chan error, 1)
	go func() { ran <- j.Run(ctx) }()

	var all sync.WaitGroup
	clients := make([]*wstest.Client, pens)
	gate := make(chan struct{}, 50) // that many at a time
	for n := range clients {
		all.Go(func() {
			gate <- struct{}{}
			clients[n] = through(t, n, server.Listener.Addr().String(), networks[n%len(networks)].faults)
			<-gate
		})
	}
	all.Wait()
	latency := map[string][]time.Duration{}
	cuts := map[string]int{}
	for n, c := range clients {
		book := c.Book()
		compare(t, j, n, book)
		name := networks[n%len(networks)].name
		latency[name] = append(latency[name], book.Latency...)
		cuts[name] += book.Connected - 1
	}
	for _, network := range networks {
		p50, p99 := quantile(latency[network.name], 0.50), quantile(latency[network.name], 0.99)
		t.Logf("capture/network %q: %d batches, reconnected %d times, acknowledged p50 %v p99 %v", network.name, len(latency[network.name]), cuts[network.name], p50, p99)
		if network.delay > 0 && p99 > patience*time.Second {
			t.Errorf("p99 of %v, want less than 1 s", p99)
		}
		if (network.resetIn > 0 || network.stallIn > 0) && cuts[network.name] == 0 {
			t.Errorf("%s: no connection was ever cut", network.name)
		}
	}
	if err := h.Shutdown(t.Context()); err != nil {
		t.Error(err)
	}
	cancel()
	if err := <-ran; err != nil {
		t.Error(err)
	}
}

// through writes for five seconds over a bad link and finishes.
func through(t *testing.T, n int, address string, f faults) *wstest.Client {
	ctx, cancel := context.WithTimeout(t.Context(), 60*time.Second)
	defer cancel()
	rng := rand.New(rand.NewPCG(uint64(n), 7))
	var links sync.WaitGroup
	c := newClient(n, "wss://"+address)
	c.Patience, c.Ping = 3*time.Second, time.Second
	c.Dialer.NetDialContext = func(ctx context.Context, network, address string) (net.Conn, error) {
		far, err := (&net.Dialer{}).DialContext(ctx, network, address)
		if err != nil {
			return nil, err
		}
		near, inner := net.Pipe()
		l := &link{faults: f, rng: rand.New(rand.NewPCG(rng.Uint64(), 2)), a: inner, b: far, broken: make(chan struct{})}
		links.Go(func() { l.carry(context.WithoutCancel(ctx)) })
		return near, nil
	}
	ran := make(chan error, 1)
	go func() { ran <- c.Run(ctx) }()
	connected([]*wstest.Client{c}, 1)
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for i := range 50 {
		if err := c.Add(samples(i)); err != nil {
			t.Error(err)
		}
		<-tick.C
	}
	c.Finish()
	if err := <-ran; err != nil {
		t.Errorf("pen %d: %v after %d of 50 acknowledged", n, err, c.Book().Acked)
	}
	links.Wait()
	return c
}

func quantile(d []time.Duration, q float64) time.Duration {
	if len(d) == 0 {
		return 0
	}
	slices.Sort(d)
	return d[min(len(d)-1, int(q*float64(len(d))))].Round(time.Millisecond)
}
