package egress

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"sync/atomic"
	"testing"

	"golang.org/x/net/dns/dnsmessage"
)

// hostile are addresses by which an attacker tries to reach inside: names and
// notations of this machine, private networks, metadata services, and addresses
// that carry another one.
var hostile = []string{
	"127.0.0.1", "127.1", "127.0.1", "127.255.255.254", "2130706433", "0x7f000001", "0x7f.1", "017700000001", "0177.0.0.1", "0",
	"0.0.0.0", "localhost", "localhost.", "LOCALHOST", "[::1]", "[::]", "[0:0:0:0:0:0:0:1]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]",
	"[::127.0.0.1]", "[64:ff9b::127.0.0.1]", "[64:ff9b::7f00:1]", "[64:ff9b:1::7f00:1]", "[2002:7f00:1::]", "[2001:0:7f00:1::]",
	"10.0.0.1", "10.255.255.255", "172.16.0.1", "172.31.255.255", "192.168.0.1", "192.168.1.254", "100.64.0.1", "100.127.255.254",
	"169.254.169.254", "169.254.170.2", "[fd00:ec2::254]", "[fe80::1]", "[fe80::1%25lo]", "[fc00::1]", "[fdff::1]", "[fec0::1]",
	"[::ffff:169.254.169.254]", "[::ffff:a9fe:a9fe]", "[64:ff9b::a9fe:a9fe]", "[2002:a9fe:a9fe::]", "2852039166", "0xa9fea9fe",
	"192.0.0.1", "192.0.2.1", "198.18.0.1", "198.19.255.255", "198.51.100.1", "203.0.113.1", "192.88.99.1", "224.0.0.1", "239.255.255.255",
	"240.0.0.1", "255.255.255.255", "[ff02::1]", "[2001:db8::1]", "[100::1]", "[3fff::1]", "[4000::1]", "[5f00::1]",
	"inside.test", "both.test", "mapped.test",
}

// resolver answers every name of .test from the table, and nothing else.
func resolver(t *testing.T, table map[string][]netip.Addr) *net.Resolver {
	t.Helper()
	server, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		buf := make([]byte, 1500)
		for {
			n, peer, err := server.ReadFrom(buf)
			if err != nil {
				return
			}
			if answer := reply(buf[:n], table); answer != nil {
				_, _ = server.WriteTo(answer, peer)
			}
		}
	}()
	t.Cleanup(func() { server.Close(); <-done })
	return &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "udp", server.LocalAddr().String())
	}}
}

func reply(query []byte, table map[string][]netip.Addr) []byte {
	var m dnsmessage.Message
	if m.Unpack(query) != nil || len(m.Questions) != 1 {
		return nil
	}
	q := m.Questions[0]
	out := dnsmessage.Message{Header: dnsmessage.Header{ID: m.ID, Response: true, RecursionAvailable: true}, Questions: m.Questions}
	for _, ip := range table[q.Name.String()] {
		h := dnsmessage.ResourceHeader{Name: q.Name, Type: q.Type, Class: q.Class}
		switch {
		case ip.Is4() && q.Type == dnsmessage.TypeA:
			out.Answers = append(out.Answers, dnsmessage.Resource{Header: h, Body: &dnsmessage.AResource{A: ip.As4()}})
		case ip.Is6() && q.Type == dnsmessage.TypeAAAA:
			out.Answers = append(out.Answers, dnsmessage.Resource{Header: h, Body: &dnsmessage.AAAAResource{AAAA: ip.As16()}})
		}
	}
	packed, err := out.Pack()
	if err != nil {
		return nil
	}
	return packed
}

func TestI11NothingInsideIsReached(t *testing.T) {
	var reached atomic.Int64
	inside := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	inside.Config.ConnState = func(_ net.Conn, state http.ConnState) { // a connection is too much, whatever its certificate
		if state == http.StateNew {
			reached.Add(1)
		}
	}
	inside.StartTLS()
	defer inside.Close()
	_, port, err := net.SplitHostPort(inside.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	loop := netip.MustParseAddr("127.0.0.1")
	client := NewClient(Config{Resolver: resolver(t, map[string][]netip.Addr{
		"inside.test.": {loop}, "both.test.": {loop, netip.MustParseAddr("10.1.2.3")}, "mapped.test.": {netip.MustParseAddr("::ffff:127.0.0.1")}})})
	if len(hostile) < 60 {
		t.Fatalf("%d addresses", len(hostile))
	}
	for _, host := range hostile {
		for _, scheme := range []string{"https", "http"} {
			response, err := client.Get(scheme + "://" + host + ":" + port + "/")
			if err == nil {
				response.Body.Close()
				t.Errorf("%s://%s was reached", scheme, host)
			}
			var name *net.DNSError
			if !errors.Is(err, ErrRefused) && !errors.As(err, &name) && scheme == "https" {
				t.Logf("%s: %v", host, err) // refused by the URL parser: as good
			}
		}
	}
	if n := reached.Load(); n != 0 {
		t.Errorf("%d connections", n)
	}
}

func TestRedirectsAreNotFollowed(t *testing.T) {
	var reached atomic.Int64
	target := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { reached.Add(1) }))
	defer target.Close()
	from := httptest.NewServer(http.RedirectHandler(target.URL, http.StatusTemporaryRedirect))
	defer from.Close()
	client := NewClient(Config{Allow: []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")}, PlainHTTP: true})
	response, err := client.Get(from.URL)
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
	if response.StatusCode != http.StatusTemporaryRedirect || reached.Load() != 0 {
		t.Errorf("%d, %d requests behind the redirect", response.StatusCode, reached.Load())
	}
}

func TestAllowIsExact(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	defer server.Close()
	for name, cfg := range map[string]Config{
		"another network": {Allow: []netip.Prefix{netip.MustParsePrefix("127.0.0.2/32")}, PlainHTTP: true},
		"no plain http":   {Allow: []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")}},
		"nothing":         {PlainHTTP: true},
	} {
		if response, err := NewClient(cfg).Get(server.URL); err == nil {
			response.Body.Close()
			t.Errorf("%s: reached", name)
		} else if !errors.Is(err, ErrRefused) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestPublic(t *testing.T) {
	for _, ip := range []string{"1.1.1.1", "8.8.8.8", "93.184.216.34", "172.15.255.255", "172.32.0.1", "100.63.255.255", "100.128.0.1",
		"2606:4700::1111", "2a00:1450:4007::1", "::ffff:1.1.1.1"} {
		if !public(netip.MustParseAddr(ip)) {
			t.Errorf("%s counts as inside", ip)
		}
	}
}

func TestCheckURL(t *testing.T) {
	for raw, ok := range map[string]bool{
		"https://hooks.example.org/x?y=1": true, "https://93.184.216.34/": true, "http://hooks.example.org/": false, "ftp://example.org/": false,
		"https://user:pw@example.org/": false, "https:///path": false, "https://127.0.0.1/": false, "https://[::1]/": false, "javascript:alert(1)": false, "": false,
	} {
		if err := CheckURL(raw, Config{}); (err == nil) != ok {
			t.Errorf("%q: %v", raw, err)
		}
	}
}
