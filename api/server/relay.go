package server

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"net/netip"
	"net/url"

	"inkwitness/capture"
	"inkwitness/capture/rtc"
	"inkwitness/evidence"
)

// openRelay opens the embedded TURN server in front of the media socket at udp.
func openRelay(ctx context.Context, cfg Config, keys evidence.Keys, clock capture.Clock, udp netip.AddrPort) (relay *rtc.TURN, address string, err error) {
	secret, err := secretKey(ctx, keys, clock, "service:relay", "relay")
	if err != nil {
		return nil, "", fmt.Errorf("key of the relay: %w", err)
	}
	listener, err := net.Listen("tcp", cfg.Media.TURNListen)
	if err != nil {
		return nil, "", fmt.Errorf("listen for the relay: %w", err)
	}
	scheme := "turn"
	if cfg.tls() {
		certificate, err := tls.LoadX509KeyPair(cfg.TLSCert, cfg.TLSKey)
		if err != nil {
			return nil, "", fmt.Errorf("certificate of the relay: %w", err)
		}
		listener = tls.NewListener(listener, &tls.Config{Certificates: []tls.Certificate{certificate}, MinVersion: tls.VersionTLS12})
		scheme = "turns"
	}
	public, err := mediaAddresses(cfg.Media.PublicIPs, udp)
	if err != nil {
		return nil, "", err
	}
	if udp.Addr().IsUnspecified() {
		udp = netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 0, 0, 1}), udp.Port())
	}
	relay, err = rtc.NewTURN(rtc.TURNConfig{Clock: clock, Secret: secret, TCP: listener, Server: udp, Public: public})
	if err != nil {
		return nil, "", err
	}
	service, err := url.Parse(cfg.PublicURL)
	if err != nil {
		return nil, "", fmt.Errorf("--public-url: %w", err)
	}
	port := listener.Addr().(*net.TCPAddr).Port
	return relay, fmt.Sprintf("%s:%s?transport=tcp", scheme, net.JoinHostPort(service.Hostname(), fmt.Sprint(port))), nil
}

// mediaAddresses are the addresses under which answers name the media socket.
func mediaAddresses(public []string, udp netip.AddrPort) (all []netip.AddrPort, err error) {
	for _, text := range public {
		ip, err := netip.ParseAddr(text)
		if err != nil {
			return nil, fmt.Errorf("--media-ips: %w", err)
		}
		all = append(all, netip.AddrPortFrom(ip, udp.Port()))
	}
	if len(all) > 0 || !udp.Addr().IsUnspecified() {
		return append(all, udp), nil
	}
	local, err := net.InterfaceAddrs()
	if err != nil {
		return nil, fmt.Errorf("list this host's addresses: %w", err)
	}
	for _, a := range local {
		if prefix, err := netip.ParsePrefix(a.String()); err == nil {
			all = append(all, netip.AddrPortFrom(prefix.Addr(), udp.Port()))
		}
	}
	return all, nil
}
