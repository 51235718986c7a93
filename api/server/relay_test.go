package server

import (
	"context"
	"net"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"inkwitness/api/signing"
	"inkwitness/evidence"
)

// keys is evidence.Keys with one key of the service.
type keys struct{ evidence.Keys }

func (keys) Open(context.Context, string) (evidence.Key, []byte, error) {
	return evidence.Key{}, make([]byte, 32), nil
}

// TestPagesGetTheRelay: each capture has credentials of its own for the embedded
// relay, beside the servers that the operator names.
func TestPagesGetTheRelay(t *testing.T) {
	udp, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer udp.Close()
	cfg, err := Config{Data: "d", PublicURL: "https://sign.example", Media: MediaConfig{TURNListen: "127.0.0.1:0"}}.fill()
	if err != nil {
		t.Fatal(err)
	}
	m := &media{servers: []signing.ICEServer{{URLs: []string{"stun:stun.example"}}}}
	m.relay, m.relayURL, err = openRelay(t.Context(), cfg, keys{}, wallClock{}, udp.LocalAddr().(*net.UDPAddr).AddrPort())
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	ran := make(chan error, 1)
	go func() { ran <- m.relay.Run(ctx) }()
	one, two := m.Servers("00112233445566778899aabbccddeeff"), m.Servers("ffeeddccbbaa99887766554433221100")
	if len(one) != 2 || !strings.HasPrefix(one[1].URLs[0], "turn:sign.example:") || one[1].Credential == "" || one[1].Username == two[1].Username || len(m.servers) != 1 {
		t.Errorf("servers %+v and %+v", one, two)
	}
	stop()
	if err := <-ran; err != nil {
		t.Error(err)
	}
}

func TestMediaAddresses(t *testing.T) {
	udp := netip.MustParseAddrPort("127.0.0.1:5000")
	got, err := mediaAddresses([]string{"192.0.2.1"}, udp)
	if err != nil || !slices.Equal(got, []netip.AddrPort{netip.MustParseAddrPort("192.0.2.1:5000"), udp}) {
		t.Errorf("behind a NAT: %v, %v", got, err)
	}
	if got, err = mediaAddresses(nil, netip.MustParseAddrPort("0.0.0.0:5000")); err != nil || !slices.Contains(got, udp) {
		t.Errorf("on every address: %v, %v, want this host's own among them", got, err)
	}
	if _, err = mediaAddresses([]string{"here"}, udp); err == nil || !strings.Contains(err.Error(), "--media-ips") {
		t.Errorf("no address: %v, want an error that names --media-ips", err)
	}
}
