// Package egress makes requests to addresses that somebody else chose: webhooks,
// identity providers, time authorities. It connects to the public Internet only,
// so nobody can use the service to reach inside the network that it runs in.
//
// The check is made on the address of each connection, after names are resolved
// and right before the packet leaves: a name that changes its mind in between
// gains nothing. Redirects are not followed.
package egress

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"syscall"
	"time"
)

// ErrRefused says that an address is not one to connect to.
var ErrRefused = errors.New("egress: this address is not public")

// Config is what a client may do. The zero value is the safe one.
type Config struct {
	// Allow lists networks that are reached although they are not public, for
	// instance the one of an identity provider beside the service.
	Allow []netip.Prefix
	// PlainHTTP allows http:// to the networks of Allow, never elsewhere.
	PlainHTTP bool
	// Timeout bounds a whole request; 0 is 10 s.
	Timeout time.Duration
	// Resolver looks names up; nil is the system's.
	Resolver *net.Resolver
}

// NewClient returns a client that connects as cfg allows.
func NewClient(cfg Config) *http.Client {
	if cfg.Timeout == 0 {
		cfg.Timeout = 10 * time.Second
	}
	return &http.Client{
		Timeout:       cfg.Timeout,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport:     schemes{cfg, cfg.transport(true), cfg.transport(false)},
	}
}

// transport connects to the networks of Allow and, if everywhere is set, to the
// public Internet.
func (c Config) transport(everywhere bool) *http.Transport {
	dialer := &net.Dialer{Timeout: 5 * time.Second, Resolver: c.Resolver,
		ControlContext: func(_ context.Context, network, address string, _ syscall.RawConn) error {
			return c.check(network, address, everywhere)
		}}
	return &http.Transport{
		DialContext: dialer.DialContext, Proxy: nil, // a proxy would connect for us, unchecked
		MaxIdleConnsPerHost: 2, IdleConnTimeout: 30 * time.Second, TLSHandshakeTimeout: 5 * time.Second,
		ResponseHeaderTimeout: c.Timeout, MaxResponseHeaderBytes: 64 << 10,
	}
}

// CheckURL says whether an address is one that a client would try: for an answer
// to the person who enters it. The connection is checked again.
func CheckURL(raw string, cfg Config) error {
	u, err := url.Parse(raw)
	if err != nil || u.Host == "" || u.User != nil || u.Fragment != "" {
		return fmt.Errorf("%q: %w", raw, ErrRefused)
	}
	if ip, err := netip.ParseAddr(u.Hostname()); err == nil && !cfg.allowed(ip) && !public(ip) {
		return fmt.Errorf("%s: %w", ip, ErrRefused)
	}
	if u.Scheme != "https" && (u.Scheme != "http" || !cfg.PlainHTTP) {
		return fmt.Errorf("%s is not https: %w", u.Scheme, ErrRefused)
	}
	return nil
}

// schemes refuses requests that are not https before anything is looked up.
type schemes struct {
	cfg           Config
	secure, plain *http.Transport
}

func (s schemes) RoundTrip(r *http.Request) (*http.Response, error) {
	if err := CheckURL(r.URL.String(), s.cfg); err != nil {
		if r.Body != nil {
			r.Body.Close()
		}
		return nil, err
	}
	if r.URL.Scheme == "http" {
		return s.plain.RoundTrip(r)
	}
	return s.secure.RoundTrip(r)
}

// check decides on the address that a connection is about to be made to.
func (c Config) check(network, address string, everywhere bool) error {
	if network != "tcp4" && network != "tcp6" {
		return fmt.Errorf("%s: %w", network, ErrRefused)
	}
	peer, err := netip.ParseAddrPort(address)
	if err != nil {
		return fmt.Errorf("%s: %w", address, ErrRefused)
	}
	if !c.allowed(peer.Addr()) && !(everywhere && public(peer.Addr())) {
		return fmt.Errorf("%s: %w", peer.Addr(), ErrRefused)
	}
	return nil
}

// allowed says whether the operator named the network of an address.
func (c Config) allowed(ip netip.Addr) bool {
	for _, p := range c.Allow {
		if p.Contains(ip.Unmap().WithZone("")) {
			return true
		}
	}
	return false
}

// special lists what the IANA special-purpose registries (RFC 6890 and its
// updates) keep from the public Internet, and the prefixes that carry another
// address inside.
var special = prefixes(
	"0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24",
	"192.0.2.0/24", "192.31.196.0/24", "192.52.193.0/24", "192.88.99.0/24", "192.168.0.0/16", "192.175.48.0/24",
	"198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4",
	"::/128", "::1/128", "::/96", "::ffff:0:0/96", "64:ff9b::/96", "64:ff9b:1::/48", "100::/64", "2001::/23", "2001:db8::/32",
	"2002::/16", "2620:4f:8000::/48", "3fff::/20", "5f00::/16", "fc00::/7", "fe80::/10", "fec0::/10", "ff00::/8",
)

func prefixes(all ...string) (out []netip.Prefix) {
	for _, p := range all {
		out = append(out, netip.MustParsePrefix(p))
	}
	return out
}

// public says whether an address is of the public Internet.
func public(ip netip.Addr) bool {
	ip = ip.Unmap()
	if !ip.IsValid() || !ip.IsGlobalUnicast() {
		return false
	}
	for _, p := range special {
		if p.Contains(ip) {
			return false
		}
	}
	// Of IPv6 only 2000::/3 is given out.
	return ip.Is4() || netip.MustParsePrefix("2000::/3").Contains(ip)
}
