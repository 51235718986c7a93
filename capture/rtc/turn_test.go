package rtc

import (
	"context"
	"net"
	"net/netip"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pion/turn/v5"
	"github.com/pion/webrtc/v4"

	"inkwitness/capture"
)

// settable is a clock that a test sets.
type settable struct{ now atomic.Pointer[time.Time] }

func at(now time.Time) *settable {
	s := new(settable)
	s.set(now)
	return s
}

func (s *settable) set(now time.Time) { s.now.Store(&now) }

func (s *settable) Now() time.Time { return *s.now.Load() }

func relay(t *testing.T, media net.Addr, clock capture.Clock) (*TURN, string) {
	t.Helper()
	listener, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	r, err := NewTURN(TURNConfig{
		Clock: clock, Secret: make([]byte, 32), TCP: listener, Server: media.(*net.UDPAddr).AddrPort(), MaxPerSession: 2,
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	over := make(chan error)
	go func() { over <- r.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-over; err != nil {
			t.Error(err)
		}
	})
	return r, "turn:" + listener.Addr().String() + "?transport=tcp"
}

// relayed makes a page that may use nothing but the relay.
func relayed(t *testing.T, url, username, password string) *page {
	t.Helper()
	p := newPage(t, webrtc.MimeTypeVP8)
	err := p.pc.SetConfiguration(webrtc.Configuration{
		ICETransportPolicy: webrtc.ICETransportPolicyRelay,
		ICEServers:         []webrtc.ICEServer{{URLs: []string{url}, Username: username, Credential: password}},
	})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestCaptureThroughTheRelay(t *testing.T) {
	var media net.Addr
	h := serve(t, func(c *Config) { media = c.UDP.LocalAddr() })
	r, url := relay(t, media, at(time.Now()))
	username, password := r.Credentials("s")
	p := relayed(t, url, username, password)
	sink := newMemory()
	offer := p.offer(t, false)
	if !strings.Contains(offer, "typ relay") || strings.Contains(offer, "typ host") {
		t.Fatalf("the page's candidates are not relayed only:\n%s", offer)
	}
	a, err := h.Offer(t.Context(), "s", offer, sink)
	if err != nil {
		t.Fatal(err)
	}
	p.answer(t, a.SDP)
	p.awaitConnected(t)
	p.send(t, 0, 25)
	time.Sleep(100 * time.Millisecond) // the last packets are on their way
	if err := h.Close(t.Context(), a.Resource); err != nil {
		t.Fatal(err)
	}
	if s := h.awaitState(t, Closed); s.Video.Frames != 25 {
		t.Errorf("%+v, want 25 frames", s.Video)
	}
	p.pc.GracefulClose()
	for deadline := time.Now().Add(5 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		r.mu.Lock()
		left := r.all
		r.mu.Unlock()
		if left == 0 {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("%d relays are left", left)
		}
	}
}

func TestRelayCredentials(t *testing.T) {
	clock := at(time.Unix(1_800_000_000, 0))
	var media net.Addr
	serve(t, func(c *Config) { media = c.UDP.LocalAddr() })
	r, url := relay(t, media, clock)
	username, password := r.Credentials("s")
	if username != "1800003600:s" {
		t.Errorf("user name %q, want the end of its hour", username)
	}
	tests := []struct {
		name, username, password string
		now                      int64
		want                     bool
	}{
		{"good", username, password, 0, true},
		{"expired", username, password, 3601, false},
		{"another session", "1800003600:t", password, 0, false},
		{"prolonged", "1900000000:s", password, 0, false},
		{"no time", "s", password, 0, false},
		{"another password", username, password + "x", 0, false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			clock.set(time.Unix(1_800_000_000+test.now, 0))
			p := relayed(t, url, test.username, test.password)
			if got := strings.Contains(p.offer(t, false), "typ relay"); got != test.want {
				t.Errorf("relayed: %v, want %v", got, test.want)
			}
		})
	}
}

func TestTheRelayLeadsToTheMediaServerOnly(t *testing.T) {
	elsewhere, err := net.ListenPacket("udp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer elsewhere.Close()
	server, err := net.ListenPacket("udp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	public := netip.MustParseAddrPort("203.0.113.5:7000")
	r := &TURN{cfg: TURNConfig{Server: server.LocalAddr().(*net.UDPAddr).AddrPort(), Public: []netip.AddrPort{public}}}
	c, _, err := r.AllocatePacketConn(turn.AllocateListenerConfig{})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()

	for _, addr := range []net.Addr{elsewhere.LocalAddr(), net.UDPAddrFromAddrPort(netip.MustParseAddrPort("203.0.113.5:7001"))} {
		if n, err := c.WriteTo([]byte("x"), addr); n != 1 || err != nil {
			t.Errorf("WriteTo(%v) = %d, %v, want it dropped in silence", addr, n, err)
		}
	}
	elsewhere.SetReadDeadline(time.Now().Add(50 * time.Millisecond))
	if n, _, err := elsewhere.ReadFrom(make([]byte, 10)); err == nil {
		t.Errorf("%d bytes came to another port", n)
	}
	if _, err := c.WriteTo([]byte("ask"), net.UDPAddrFromAddrPort(public)); err != nil {
		t.Fatal(err)
	}
	buf := make([]byte, 10)
	n, from, err := server.ReadFrom(buf)
	if err != nil || string(buf[:n]) != "ask" {
		t.Fatalf("the server read %q, %v", buf[:n], err)
	}
	port := from.(*net.UDPAddr).Port
	to := &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1), Port: port}
	elsewhere.WriteTo([]byte("intruder"), to)
	server.WriteTo([]byte("answer"), to)
	n, from, err = c.ReadFrom(buf)
	if err != nil || string(buf[:n]) != "answer" || from.String() != public.String() {
		t.Errorf("read %q from %v, %v, want the server's answer from its public address", buf[:n], from, err)
	}
	for ip, want := range map[string]bool{"203.0.113.5": true, "127.0.0.1": false, "10.0.0.1": false, "::1": false} {
		if got := r.permit(nil, net.ParseIP(ip)); got != want {
			t.Errorf("permit(%s) = %v", ip, got)
		}
	}
}

func TestRelayQuota(t *testing.T) {
	r := &TURN{cfg: TURNConfig{MaxPerSession: 2, MaxRelays: 3}, users: map[string]int{}}
	r.created(nil, nil, "", "a", "", nil, 0)
	r.created(nil, nil, "", "a", "", nil, 0)
	if r.admit("a", "", nil) || r.admit("1800000000:a", "", nil) || !r.admit("b", "", nil) {
		t.Error("a session over its quota is admitted, or another is not")
	}
	r.created(nil, nil, "", "b", "", nil, 0)
	if r.admit("b", "", nil) {
		t.Error("more relays than there may be")
	}
	r.deleted(nil, nil, "", "a", "")
	if !r.admit("a", "", nil) {
		t.Error("a relay that is gone still counts")
	}
}
