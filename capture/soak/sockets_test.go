package soak

import (
	"context"
	"crypto/tls"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"inkwitness/capture/ink"
	"inkwitness/capture/ws/wstest"
)

// BenchmarkCaptureSockets lets a thousand pens write ten batches a second over
// TLS into a server in a process of its own, on the same machine, then the same
// again beside a thousand hostile sockets. Each prints one line
//
//	capture/sockets n=1000 lost=0 p50=.. p95=.. p99=.. ms rss=.. MB
//
// (capture/hostile for the second), after one with what else the figures need to
// be believed.
func BenchmarkCaptureSockets(b *testing.B) {
	pens, length := envInt("INKWITNESS_SOCKETS", 1000), time.Duration(envInt("INKWITNESS_SECONDS", 10))*time.Second
	b.Run("honest", func(b *testing.B) { sockets(b, pens, 0, length) })
	b.Run("hostile", func(b *testing.B) { sockets(b, pens, 1000, length) })
}

// TestHostileSockets is the same in small: no pen may lose anything or be cut off.
func TestHostileSockets(t *testing.T) { sockets(t, 50, 50, 4*time.Second) }

// sockets is one figure: it takes longer than a second, so the testing package
// does not repeat it.
func sockets(b testing.TB, pens, hostile int, length time.Duration) {
	dir, address := b.TempDir(), freeAddress(b)
	server := spawn(b, dir, address)
	ctx, cancel := context.WithTimeout(context.Background(), length+2*time.Minute)
	defer cancel()
	bad, calmDown := context.WithCancel(ctx)
	var enemies sync.WaitGroup
	var attacks atomic.Int64
	for n := range hostile {
		enemies.Go(func() { attack(bad, n, pens+n, address, &attacks) })
	}
	clients, runs := make([]*wstest.Client, pens), sync.WaitGroup{}
	start := time.Now()
	for n := range clients {
		clients[n] = newClient(n, "wss://"+address)
		clients[n].Forget = true
		runs.Go(func() {
			if err := clients[n].Run(ctx); err != nil {
				b.Errorf("pen %d: %v", n, err)
			}
		})
	}
	if connected(clients, 1) == 0 {
		b.Fatal("not all pens are connected after 20 s")
	}
	joined := time.Since(start)
	ours := cpu()
	_, idle := server.use()
	paced(clients, length/4)
	early, _ := server.use()
	paced(clients, length-length/4)
	late, busy := server.use()
	ours = cpu() - ours
	for _, c := range clients {
		c.Finish()
	}
	runs.Wait()
	calmDown()
	enemies.Wait()
	peak, _ := server.use()
	server.stop()

	var latency []time.Duration
	j := reopen(b, dir)
	sent, again := 0, 0
	for n, c := range clients {
		book := c.Book()
		compare(b, j, n, book)
		latency = append(latency, book.Latency...)
		sent += len(book.Messages)
		again += book.Connected - 1
	}
	slices.Sort(latency)
	ms := func(q float64) float64 {
		return float64(latency[min(len(latency)-1, int(q*float64(len(latency))))].Microseconds()) / 1000
	}
	name := "sockets"
	if hostile > 0 {
		name = "hostile"
	}
	fmt.Printf("\n# %d batches in %v, max %.0f ms, connected in %.1f s, reconnected %d, rss %d MB after a quarter of it and %d at the end, cpu %.0f %% of a core for the server and %.0f %% for the rest, %d attacks by %d hostile sockets\n",
		sent, length, ms(1), joined.Seconds(), again, early>>20, late>>20,
		100*(busy-idle).Seconds()/length.Seconds(), 100*ours.Seconds()/length.Seconds(), attacks.Load(), hostile)
	fmt.Printf("capture/%s n=%d lost=%d p50=%.0f p95=%.0f p99=%.0f ms rss=%d MB\n",
		name, pens, sent-len(latency), ms(.50), ms(.95), ms(.99), max(early, late, peak)>>20)
}

// paced lets every pen add ten batches a second, spread over the second.
func paced(clients []*wstest.Client, length time.Duration) {
	const period, slots = 100 * time.Millisecond, 20
	start := time.Now()
	for tick := 0; ; tick++ {
		at := time.Duration(tick) * period / slots
		if at >= length {
			return
		}
		time.Sleep(time.Until(start.Add(at)))
		for n := tick % slots; n < len(clients); n += slots {
			clients[n].Add(samples(tick / slots))
		}
	}
}

// attack does one kind of harm until ctx ends.
func attack(ctx context.Context, kind, n int, address string, attacks *atomic.Int64) {
	for ctx.Err() == nil {
		attacks.Add(1)
		switch kind % 5 {
		case 0:
			badToken(ctx, n, address)
		case 1:
			with(ctx, n, address, func(c *websocket.Conn) { <-ctx.Done() }) // never reads, never answers
		case 2:
			with(ctx, n, address, floodPings)
		case 3:
			with(ctx, n, address, oneByteFrames)
		case 4:
			with(ctx, n, address, hugeFrame)
		}
		select {
		case <-ctx.Done():
		case <-time.After(time.Duration(5000+rand.IntN(5000)) * time.Millisecond):
		}
	}
}

// hostileDialer comes from one of ten addresses that no pen has.
func hostileDialer(n int) *websocket.Dialer {
	from := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 0, 2, byte(1+n%10))}}
	return &websocket.Dialer{NetDialContext: from.DialContext, TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, Subprotocols: []string{ink.Protocol}, HandshakeTimeout: 10 * time.Second}
}

func badToken(ctx context.Context, n int, address string) {
	c, _, err := hostileDialer(n).DialContext(ctx, "wss://"+address, nil)
	if err == nil {
		c.Close()
	}
}

// with runs f on a connection that was let in.
func with(ctx context.Context, n int, address string, f func(*websocket.Conn)) {
	header := http.Header{"Session": {string(sessionID(n))}}
	c, _, err := hostileDialer(n).DialContext(ctx, "wss://"+address, header)
	if err != nil {
		return
	}
	defer c.Close()
	defer context.AfterFunc(ctx, func() { c.Close() })()
	f(c)
}

// floodPings asks without reading an answer.
func floodPings(c *websocket.Conn) {
	for c.WriteMessage(websocket.BinaryMessage, ink.Ping{ClientSend: 1}.Append(nil)) == nil {
		time.Sleep(time.Millisecond)
	}
}

// oneByteFrames sends one message in frames of one byte, and never its end.
func oneByteFrames(c *websocket.Conn) {
	frame := []byte{0x02, 0x81, 0, 0, 0, 0, 0x01} // RFC 6455, section 5.2: not final, binary, masked, one byte
	for {
		if _, err := c.NetConn().Write(frame); err != nil {
			return
		}
		frame[0] = 0x00 // continuation
		time.Sleep(10 * time.Millisecond)
	}
}

// hugeFrame announces 64 MB and sends what it may of them.
func hugeFrame(c *websocket.Conn) {
	head := binary.BigEndian.AppendUint64([]byte{0x82, 0xff}, 64<<20)
	if _, err := c.NetConn().Write(append(head, 0, 0, 0, 0)); err != nil {
		return
	}
	junk := make([]byte, 64<<10)
	for range 64 << 20 / len(junk) {
		if err := writeSome(c.NetConn(), junk); err != nil {
			return
		}
	}
}

func writeSome(c net.Conn, b []byte) error {
	c.SetWriteDeadline(time.Now().Add(time.Second))
	_, err := c.Write(b)
	return err
}
