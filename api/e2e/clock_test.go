package e2e

import (
	"encoding/binary"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// timeServer answers SNTP (RFC 4330) with a time that is off by what it is set to.
type timeServer struct {
	address string
	off     atomic.Int64 // nanoseconds
	silent  atomic.Bool
}

func newTimeServer(t *testing.T) *timeServer {
	t.Helper()
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	s := &timeServer{address: conn.LocalAddr().String()}
	go func() {
		for {
			var packet [48]byte
			_, from, err := conn.ReadFrom(packet[:])
			if err != nil {
				return // closed
			}
			if s.silent.Load() {
				continue
			}
			now := time.Now().Add(time.Duration(s.off.Load()))
			stamp := uint64(now.Unix()+2_208_988_800)<<32 | uint64(now.Nanosecond())<<32/1e9
			answer := make([]byte, 48)
			answer[0], answer[1] = 4<<3|4, 2 // version 4, server, stratum 2
			copy(answer[24:32], packet[40:48])
			binary.BigEndian.PutUint64(answer[32:], stamp)
			binary.BigEndian.PutUint64(answer[40:], stamp)
			_, _ = conn.WriteTo(answer, from)
		}
	}()
	return s
}

// TestWrongClock: while the clock is five seconds from two of its three
// references, or none has answered yet, nothing is stamped; one that is wrong alone
// does not matter. Once they agree it goes on by itself, and both are in the log.
func TestWrongClock(t *testing.T) {
	for name, c := range map[string]struct {
		wrong, right func(one, two, three *timeServer)
		log          string
	}{
		"off": {func(one, two, _ *timeServer) {
			one.off.Store(int64(5 * time.Second))
			two.off.Store(int64(5 * time.Second))
		}, func(_, two, _ *timeServer) { two.off.Store(0) }, "off its references"},
		"silent": {func(one, two, three *timeServer) {
			one.silent.Store(true)
			two.silent.Store(true)
			three.silent.Store(true)
		}, func(_, two, _ *timeServer) { two.silent.Store(false) }, "no time server has answered yet"},
	} {
		t.Run(name, func(t *testing.T) {
			one, two, three := newTimeServer(t), newTimeServer(t), newTimeServer(t)
			c.wrong(one, two, three)
			s := newService(t, "TIME_SERVERS="+one.address+","+two.address+","+three.address)
			s.start()
			owner := s.owner()
			d := oneSigner(t, owner)
			owner.must("POST", "/api/documents/"+d.ID+"/send", nil, nil)
			signer := s.enter(0)
			signer.refuse()
			signer.must("POST", "/api/signing/confirm", map[string]string{"typed": "Zoë Wang"}, nil)
			var stuck documentView
			for end := time.Now().Add(60 * time.Second); stuck.Trouble == ""; time.Sleep(100 * time.Millisecond) {
				owner.must("GET", "/api/documents/"+d.ID, nil, &stuck)
				if time.Now().After(end) {
					t.Fatalf("sealed by a wrong clock, or nobody is told: %+v", stuck)
				}
			}
			if stuck.Signers[0].State == "signed" || !s.log.contains(c.log) || !s.log.contains("stopped=true") {
				t.Errorf("signer is %s with a wrong clock", stuck.Signers[0].State)
			}
			alarm := func() string { return string(s.client().do("GET", "/metrics", nil).Body) }
			if !strings.Contains(alarm(), "inkwitness_timestamps_stopped 1") {
				t.Error("no alarm")
			}
			c.right(one, two, three)
			owner.completed(d.ID)
			if !s.log.contains("stopped=false") {
				t.Error("the log does not say that stamping goes on")
			}
			if !strings.Contains(alarm(), "inkwitness_timestamps_stopped 0") {
				t.Error("the alarm does not end")
			}
		})
	}
}
