package soak

import (
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"sync"
	"time"
)

// faults is what a bad network does to one connection, in each direction.
type faults struct {
	delay   time.Duration // of each piece, one way
	jitter  time.Duration // more or less than delay; order is kept
	rate    int           // bytes a second, 0 for no limit
	slice   int           // largest piece in bytes, 0 for no limit
	resetIn time.Duration // the connection breaks after about so long, 0 for never
	stallIn time.Duration // nothing more is carried after about so long, and nobody is told; 0 for never
}

// link carries bytes between two connections, badly.
type link struct {
	faults
	rng    *rand.Rand
	a, b   net.Conn
	broken chan struct{}
	breaks sync.Once
}

// piece is bytes on their way.
type piece struct {
	data []byte
	due  time.Time
}

// carry runs until one end closes or the link breaks; then both ends see it.
func (l *link) carry(ctx context.Context) {
	life := about(l.rng, l.resetIn)
	stall := about(l.rng, l.stallIn)
	defer context.AfterFunc(ctx, l.cut)()
	if life > 0 {
		defer time.AfterFunc(life, l.cut).Stop()
	}
	seeds := [2]uint64{l.rng.Uint64(), l.rng.Uint64()}
	var ways sync.WaitGroup
	for i, ends := range [][2]net.Conn{{l.a, l.b}, {l.b, l.a}} {
		rng := rand.New(rand.NewPCG(seeds[i], 1))
		ways.Go(func() { l.way(ends[0], ends[1], rng, stall) })
	}
	ways.Wait()
}

// cut breaks the link as a reset does.
func (l *link) cut() {
	l.breaks.Do(func() {
		close(l.broken)
		for _, c := range []net.Conn{l.a, l.b} {
			if tcp, ok := c.(*net.TCPConn); ok {
				tcp.SetLinger(0)
			}
			c.Close()
		}
	})
}

// about returns a time within half of d around d.
func about(rng *rand.Rand, d time.Duration) time.Duration {
	if d == 0 {
		return 0
	}
	return d/2 + time.Duration(rng.Int64N(int64(d)))
}

// way carries one direction: one goroutine reads, one delivers when it is due.
func (l *link) way(from, to net.Conn, rng *rand.Rand, stall time.Duration) {
	defer l.cut()
	start := time.Now()
	pieces := make(chan piece, 1024)
	var delivery sync.WaitGroup
	delivery.Go(func() { l.deliver(to, pieces) })
	defer delivery.Wait()
	defer close(pieces)
	size := 4096
	if l.slice > 0 {
		size = l.slice
	}
	var due time.Time
	for {
		buf := make([]byte, size)
		n, err := from.Read(buf)
		if n > 0 && (stall == 0 || time.Since(start) < stall) {
			due = l.due(due, n, rng)
			select {
			case pieces <- piece{buf[:n], due}:
			case <-l.broken:
				return
			}
		}
		if err != nil {
			if !errors.Is(err, io.EOF) {
				l.cut()
			}
			return
		}
	}
}

// due is when n bytes arrive that are sent now, behind those that arrive at last.
func (l *link) due(last time.Time, n int, rng *rand.Rand) time.Time {
	at := time.Now().Add(l.delay)
	if l.jitter > 0 {
		at = at.Add(time.Duration(rng.Int64N(int64(2*l.jitter))) - l.jitter)
	}
	if at.Before(last) {
		at = last
	}
	if l.rate > 0 {
		at = at.Add(time.Duration(n) * time.Second / time.Duration(l.rate))
	}
	return at
}

func (l *link) deliver(to net.Conn, pieces <-chan piece) {
	for p := range pieces {
		if wait := time.Until(p.due); wait > 0 {
			t := time.NewTimer(wait)
			select {
			case <-t.C:
			case <-l.broken:
				t.Stop()
				return
			}
		}
		if _, err := to.Write(p.data); err != nil {
			l.cut()
			return
		}
	}
}
