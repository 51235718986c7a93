package ws

import (
	"math"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"inkwitness/capture"
)

// An address may give offence at this rate, and so often at once, before it is
// kept away; then it is kept away until its debt is paid off at the same rate,
// for one minute at most.
const (
	offenceRate  = 1 // a second
	offenceBurst = 60
	longestBan   = time.Minute
)

// maxOffenders bounds the addresses that are kept in mind, some 100 bytes each.
const maxOffenders = 50_000

// Bans keeps addresses away that do harm again and again: that are not let in,
// send what is no message, or flood. A connection of theirs is closed before it
// costs a TLS handshake, which costs the server more than all else that a
// stranger can make it do. An address from which somebody draws at this moment
// is never kept away: it may be an office, or a proxy that nobody told of.
//
// One Bans serves several handlers. Its zero value is not ready, see NewBans.
type Bans struct {
	clock capture.Clock

	mu        sync.Mutex
	offenders map[string]*bucket
	drawing   map[string]int // connections with samples, by address

	refused atomic.Int64 // connections
}

// NewBans returns one that keeps nobody away.
func NewBans(clock capture.Clock) *Bans {
	return &Bans{clock: clock, offenders: map[string]*bucket{}, drawing: map[string]int{}}
}

// offence notes that a connection of address did harm.
func (b *Bans) offence(address string) {
	address = whose(address)
	now := b.clock.Now()
	b.mu.Lock()
	defer b.mu.Unlock()
	o := b.offenders[address]
	if o == nil {
		b.room(now)
		fresh := newBucket(offenceRate, offenceBurst, now)
		o = &fresh
		b.offenders[address] = o
	}
	o.take(now)
	o.level = max(o.level, -longestBan.Seconds()*offenceRate)
}

// room forgets one address where there are too many: of a few taken by chance
// the one that did the least harm. It must cost the same however many there are.
func (b *Bans) room(now time.Time) {
	if len(b.offenders) < maxOffenders {
		return
	}
	const few = 8
	best, level, looked := "", math.Inf(-1), 0
	for address, o := range b.offenders { // in an order of chance
		if l := o.peek(now); l > level {
			best, level = address, l
		}
		if looked++; looked == few {
			break
		}
	}
	delete(b.offenders, best)
}

// draws counts a connection of address in that brought samples, or out again.
func (b *Bans) draws(address string, n int) {
	address = whose(address)
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.drawing[address] += n; b.drawing[address] == 0 {
		delete(b.drawing, address)
	}
}

// whose is what counts as one address: of IPv6 the half that a provider gives to
// one customer (RFC 6177), since the other half costs its owner nothing to change.
func whose(address string) string {
	ip, err := netip.ParseAddr(address)
	if err != nil || ip.Unmap().Is4() {
		return address
	}
	net, _ := ip.WithZone("").Prefix(64)
	return net.String()
}

// Banned tells whether an address is kept away at this moment.
func (b *Bans) Banned(address string) bool {
	address = whose(address)
	b.mu.Lock()
	defer b.mu.Unlock()
	o := b.offenders[address]
	return o != nil && b.drawing[address] == 0 && o.peek(b.clock.Now()) < 0
}

// Kept is how many addresses are kept away at this moment.
func (b *Bans) Kept() (n int) {
	now := b.clock.Now()
	b.mu.Lock()
	defer b.mu.Unlock()
	for address, o := range b.offenders {
		if b.drawing[address] == 0 && o.peek(now) < 0 {
			n++
		}
	}
	return n
}

// Refused is how many connections of such addresses were closed so far.
func (b *Bans) Refused() int64 { return b.refused.Load() }

// Listener closes the connections of banned addresses as they come, and passes
// on the others.
func (b *Bans) Listener(l net.Listener) net.Listener { return bannedListener{l, b} }

type bannedListener struct {
	net.Listener
	bans *Bans
}

func (l bannedListener) Accept() (net.Conn, error) {
	for {
		c, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		host, _, err := net.SplitHostPort(c.RemoteAddr().String())
		if err != nil || !l.bans.Banned(host) {
			return c, nil
		}
		l.bans.refused.Add(1)
		if tcp, ok := c.(*net.TCPConn); ok {
			tcp.SetLinger(0) // a reset: nothing of it is kept, here or there
		}
		c.Close()
	}
}
