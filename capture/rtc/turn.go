package rtc

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/pion/turn/v5"

	"inkwitness/capture"
)

// TURNConfig is what the embedded relay (RFC 8656) needs. It serves networks
// that let nothing out but TCP, best on port 443 under TLS. Clock, Secret,
// Server and one of UDP and TCP are required.
type TURNConfig struct {
	Clock  capture.Clock
	Secret []byte // makes the credentials; 32 bytes or more
	Realm  string // "" is "inkwitness"

	UDP net.PacketConn // closed by the relay
	TCP net.Listener   // plain or TLS; closed by the relay

	// Server is where the media server's UDP socket is reached from this
	// process. It is the only address that the relay sends to.
	Server netip.AddrPort

	// Public are the addresses under which answers name that socket; pages ask
	// the relay for these. Empty is Server.
	Public []netip.AddrPort

	Lifetime      time.Duration // of credentials; 0 is 1 h
	MaxPerSession int           // relays of one session at once; 0 is 4
	MaxRelays     int           // 0 is 1000
}

// TURN is a relay that reaches the media server and nothing else: it cannot be
// made to send to a third party or into the operator's network.
type TURN struct {
	cfg    TURNConfig
	server *turn.Server

	mu    sync.Mutex
	users map[string]int // relays by session
	all   int
}

// NewTURN starts a relay on the configuration's sockets. Run must be called.
func NewTURN(cfg TURNConfig) (*TURN, error) {
	cfg = cfg.withDefaults()
	if cfg.Clock == nil || len(cfg.Secret) < 32 || !cfg.Server.IsValid() || cfg.UDP == nil && cfg.TCP == nil {
		return nil, errors.New("rtc: TURNConfig needs Clock, Secret of 32 bytes, Server, and UDP or TCP")
	}
	t := &TURN{cfg: cfg, users: make(map[string]int)}
	sc := turn.ServerConfig{
		LoggerFactory: silent, Realm: cfg.Realm, AuthHandler: t.authenticate, QuotaHandler: t.admit,
		EventHandler: turn.EventHandler{OnAllocationCreated: t.created, OnAllocationDeleted: t.deleted},
	}
	if cfg.UDP != nil {
		sc.PacketConnConfigs = []turn.PacketConnConfig{{PacketConn: cfg.UDP, RelayAddressGenerator: t, PermissionHandler: t.permit}}
	}
	if cfg.TCP != nil {
		sc.ListenerConfigs = []turn.ListenerConfig{{Listener: cfg.TCP, RelayAddressGenerator: t, PermissionHandler: t.permit}}
	}
	var err error
	if t.server, err = turn.NewServer(sc); err != nil {
		return nil, fmt.Errorf("start the relay: %w", err)
	}
	return t, nil
}

func (c TURNConfig) withDefaults() TURNConfig {
	if c.Realm == "" {
		c.Realm = "inkwitness"
	}
	if len(c.Public) == 0 {
		c.Public = []netip.AddrPort{c.Server}
	}
	if c.Lifetime == 0 {
		c.Lifetime = time.Hour
	}
	if c.MaxPerSession == 0 {
		c.MaxPerSession = 4
	}
	if c.MaxRelays == 0 {
		c.MaxRelays = 1000
	}
	return c
}

// Run relays until the context ends, then closes the sockets.
func (t *TURN) Run(ctx context.Context) error {
	<-ctx.Done()
	if err := t.server.Close(); err != nil && !errors.Is(err, net.ErrClosed) {
		return fmt.Errorf("stop the relay: %w", err)
	}
	return nil
}

// Credentials are what the page of a session needs to use the relay, for
// RTCConfiguration.iceServers. They hold for TURNConfig.Lifetime.
func (t *TURN) Credentials(session capture.SessionID) (username, password string) {
	until := t.cfg.Clock.Now().Add(t.cfg.Lifetime).Unix()
	username = strconv.FormatInt(until, 10) + ":" + string(session)
	return username, t.password(username)
}

func (t *TURN) password(username string) string {
	mac := hmac.New(sha256.New, t.cfg.Secret)
	mac.Write([]byte(username))
	return base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}

// authenticate checks the time in the name; the password is checked by whether
// the message's integrity holds under the key returned (RFC 8489 section 9.2).
func (t *TURN) authenticate(ra *turn.RequestAttributes) (user string, key []byte, ok bool) {
	until, session, found := strings.Cut(ra.Username, ":")
	seconds, err := strconv.ParseInt(until, 10, 64)
	if !found || err != nil || seconds < t.cfg.Clock.Now().Unix() {
		return "", nil, false
	}
	return session, turn.GenerateAuthKey(ra.Username, ra.Realm, t.password(ra.Username)), true
}

func (t *TURN) admit(username, _ string, _ net.Addr) bool {
	if _, session, found := strings.Cut(username, ":"); found {
		username = session
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.users[username] < t.cfg.MaxPerSession && t.all < t.cfg.MaxRelays
}

func (t *TURN) created(_, _ net.Addr, _, user, _ string, _ net.Addr, _ int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.users[user]++
	t.all++
}

func (t *TURN) deleted(_, _ net.Addr, _, user, _ string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.users[user]--; t.users[user] <= 0 {
		delete(t.users, user)
	}
	t.all--
}

// permit lets a page name only the media server as its peer. Ports are checked
// by the conduit.
func (t *TURN) permit(_ net.Addr, peer net.IP) bool {
	ip, _ := netip.AddrFromSlice(peer)
	for _, p := range t.cfg.Public {
		if p.Addr().Unmap() == ip.Unmap() {
			return true
		}
	}
	return false
}

// Validate is part of turn.RelayAddressGenerator.
func (t *TURN) Validate() error { return nil }

// AllocatePacketConn makes the relay's side of an allocation. Its address is
// one of this host alone: nobody but the media server has to reach it.
func (t *TURN) AllocatePacketConn(c turn.AllocateListenerConfig) (net.PacketConn, net.Addr, error) {
	local := &net.UDPAddr{}
	if t.cfg.Server.Addr().IsLoopback() {
		local.IP = net.IP(t.cfg.Server.Addr().AsSlice())
	}
	conn, err := net.ListenUDP("udp", local)
	if err != nil {
		return nil, nil, fmt.Errorf("open a relay socket: %w", err)
	}
	port := uint16(conn.LocalAddr().(*net.UDPAddr).Port)
	relayed := net.UDPAddrFromAddrPort(netip.AddrPortFrom(t.cfg.Public[0].Addr(), port))
	return &conduit{UDPConn: conn, server: t.cfg.Server, public: t.cfg.Public, asked: t.cfg.Public[0]}, relayed, nil
}

// AllocateListener is part of turn.RelayAddressGenerator. RFC 6062 is not
// served.
func (t *TURN) AllocateListener(turn.AllocateListenerConfig) (net.Listener, net.Addr, error) {
	return nil, nil, errors.ErrUnsupported
}

// AllocateConn is part of turn.RelayAddressGenerator.
func (t *TURN) AllocateConn(turn.AllocateConnConfig) (net.Conn, error) {
	return nil, errors.ErrUnsupported
}

// conduit is a UDP socket that leads to the media server only. What the page
// sends to one of the server's public addresses goes to it directly, so that it
// works behind a NAT that does not hairpin, and what comes back bears the
// address that the page knows.
type conduit struct {
	*net.UDPConn
	server netip.AddrPort
	public []netip.AddrPort

	mu    sync.Mutex
	asked netip.AddrPort // by the page's last packet
}

// WriteTo drops whatever is for somebody else, as a network would.
func (c *conduit) WriteTo(b []byte, addr net.Addr) (int, error) {
	to, ok := addr.(*net.UDPAddr)
	if !ok {
		return len(b), nil
	}
	want := unmapped(to.AddrPort())
	for _, p := range c.public {
		if unmapped(p) == want {
			c.mu.Lock()
			c.asked = want
			c.mu.Unlock()
			return c.WriteToUDPAddrPort(b, c.server)
		}
	}
	return len(b), nil
}

// ReadFrom drops whatever comes from somebody else.
func (c *conduit) ReadFrom(b []byte) (int, net.Addr, error) {
	for {
		n, from, err := c.ReadFromUDPAddrPort(b)
		if err != nil {
			return n, nil, err
		}
		if unmapped(from) == unmapped(c.server) {
			c.mu.Lock()
			defer c.mu.Unlock()
			return n, net.UDPAddrFromAddrPort(c.asked), nil
		}
	}
}

func unmapped(a netip.AddrPort) netip.AddrPort { return netip.AddrPortFrom(a.Addr().Unmap(), a.Port()) }
