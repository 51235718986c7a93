package ws_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"iter"
	"net/http"
	"os"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"inkwitness/capture"
	"inkwitness/capture/media"
	"inkwitness/capture/record"
	"inkwitness/capture/webm"
	"inkwitness/capture/ws"
)

// film is a rig of media sockets and what a Chromium's MediaRecorder made.
type film struct {
	*rig
	file []byte
}

func newFilm(t testing.TB, change func(*ws.Config)) *film {
	t.Helper()
	file, err := os.ReadFile("../webm/testdata/recorder.webm")
	if err != nil {
		t.Fatal(err)
	}
	return &film{rigOf(t, ws.NewMedia, change), file}
}

// join connects and returns the number that the WELCOME tells.
func (f *film) join(n int) (*websocket.Conn, uint64) {
	f.t.Helper()
	d := &websocket.Dialer{TLSClientConfig: f.server.Client().Transport.(*http.Transport).TLSClientConfig, Subprotocols: []string{webm.Protocol}}
	c, _, err := d.Dial(f.url(), header(n))
	if err != nil {
		f.t.Fatal(err)
	}
	f.t.Cleanup(func() { c.Close() })
	c.SetReadDeadline(time.Now().Add(20 * time.Second))
	_, msg, err := c.ReadMessage()
	if err != nil || len(msg) < 34 || msg[0] != 0x81 || !bytes.Equal(msg[1:33], f.nonce(n)) {
		f.t.Fatalf("WELCOME % x, %v", msg, err)
	}
	next, _ := binary.Uvarint(msg[33:])
	return c, next
}

func (f *film) nonce(n int) []byte { return append([]byte{byte(n), 1}, make([]byte, 30)...) }

// chunk is message seq of a recorder whose output is cut every size bytes and
// which began with message from.
func (f *film) chunk(n int, from, seq uint64, size int) []byte {
	b := []byte{0x01, 0}
	if seq == from {
		b[1] = 1
		b = append(b, f.nonce(n)...)
	}
	b = binary.AppendUvarint(binary.AppendUvarint(b, seq), 250_000*seq)
	at := int(seq-from) * size
	return append(b, f.file[at:min(at+size, len(f.file))]...)
}

// acked reads until everything before next is acknowledged.
func acked(t *testing.T, c *websocket.Conn, next uint64) {
	t.Helper()
	for {
		_, msg, err := c.ReadMessage()
		if err != nil {
			t.Fatal(err)
		}
		if n, _ := binary.Uvarint(msg[1:]); msg[0] == 0x82 && n == next {
			return
		}
	}
}

func send(t *testing.T, c *websocket.Conn, msg []byte) {
	t.Helper()
	if err := binaries(msg)(c); err != nil {
		t.Fatal(err)
	}
}

// pictures counts what is recorded, by segment.
func pictures(t *testing.T, s *record.Session) map[uint32]int {
	t.Helper()
	rec, err := s.Recording(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	source := func(yield func(media.Record, error) bool) {
		for frame, err := range rec.Frames(capture.StreamVideo) {
			if err != nil {
				t.Fatal(err)
			}
			for r, err := range media.Records(frame.Payload) {
				if !yield(r, err) {
					return
				}
			}
		}
	}
	video, _ := webm.Tracks(func() iter.Seq2[media.Record, error] { return source }, nil)
	count := map[uint32]int{}
	for r, err := range video() {
		if err != nil {
			t.Fatal(err)
		}
		if f, ok := r.(media.Frame); ok {
			count[f.Segment]++
		}
	}
	return count
}

// TestARecorderGoesOnAfterACut: the page's recorder runs on while there is no
// connection; what was not acknowledged is sent again and nothing is missing.
func TestARecorderGoesOnAfterACut(t *testing.T) {
	f := newFilm(t, nil)
	s := f.session(1)
	const size = 4000
	last := uint64(len(f.file)-1)/size + 1
	first, next := f.join(1)
	if next != 0 {
		t.Fatalf("WELCOME at %d", next)
	}
	for n := range uint64(3) {
		send(t, first, f.chunk(1, 0, n, size))
	}
	acked(t, first, 3)
	first.NetConn().Close()
	again, next := f.join(1)
	if next != 3 {
		t.Fatalf("WELCOME at %d, want 3", next)
	}
	send(t, again, f.chunk(1, 0, 2, size)) // as if its acknowledgement was lost
	for n := next; n < last; n++ {
		send(t, again, f.chunk(1, 0, n, size))
	}
	send(t, again, binary.AppendUvarint([]byte{0x02}, last))
	acked(t, again, last)
	if got := pictures(t, s); got[0] != 33 || len(got) != 1 {
		t.Errorf("pictures %v, want the 33 of one recorder in one segment", got)
	}
}

// TestAReloadedPageBeginsAnotherRecorder: its segment comes after the first.
func TestAReloadedPageBeginsAnotherRecorder(t *testing.T) {
	f := newFilm(t, nil)
	s := f.session(1)
	for range 2 {
		c, next := f.join(1)
		send(t, c, f.chunk(1, next, next, len(f.file)))
		acked(t, c, next+1)
		c.Close()
	}
	if got := pictures(t, s); len(got) != 2 || got[0] != 33 || got[1] != 33 {
		t.Errorf("pictures %v, want two segments of 33", got)
	}
}

func TestWhatARecorderMayNotDo(t *testing.T) {
	f := newFilm(t, func(c *ws.Config) { c.MaxMedia = 9000 })
	tests := []struct {
		name string
		msgs [][]byte
		code int
	}{
		{"a text", nil, 4400},
		{"an unknown type", [][]byte{{0x07}}, 4400},
		{"a gap", [][]byte{f.chunk(1, 0, 0, 4000), f.chunk(1, 0, 2, 4000)}, 4409},
		{"other bytes for a known number", [][]byte{f.chunk(1, 0, 0, 4000), f.chunk(1, 0, 0, 4001)}, 4409},
		{"a recorder that did not begin", [][]byte{{0x01, 0, 0, 0, 1}}, 4409},
		{"what another session recorded", [][]byte{f.chunk(99, 0, 0, 4000)}, 4409},
		{"more than its share", [][]byte{f.chunk(1, 0, 0, 4000), f.chunk(1, 0, 1, 4000), f.chunk(1, 0, 2, 4000)}, 4429},
		{"a message too long", [][]byte{make([]byte, webm.MaxMessage+1)}, websocket.CloseMessageTooBig},
	}
	for i, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			n := i + 1
			f.session(n)
			c, _ := f.join(n)
			for _, msg := range test.msgs {
				if len(msg) > 34 && msg[0] == 1 && msg[1] == 1 && !bytes.Equal(msg[2:34], f.nonce(99)) {
					copy(msg[2:], f.nonce(n))
				}
				send(t, c, msg)
			}
			if test.msgs == nil {
				if err := c.WriteMessage(websocket.TextMessage, []byte("x")); err != nil {
					t.Fatal(err)
				}
			}
			if got := closeCode(t, c); got != test.code {
				t.Errorf("closed with %d, want %d", got, test.code)
			}
		})
	}
}

// TestEndWaitsForWhatCameIn: whoever records the session next finds the stream
// at rest.
func TestEndWaitsForWhatCameIn(t *testing.T) {
	f := newFilm(t, nil)
	s := f.session(1)
	c, _ := f.join(1)
	send(t, c, f.chunk(1, 0, 0, 4000))
	acked(t, c, 1)
	go func() {
		for n := uint64(1); binaries(f.chunk(1, 0, n, 100))(c) == nil && n < 60; n++ {
		}
	}()
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	if err := f.handler.End(ctx, testID(1)); err != nil {
		t.Fatal(err)
	}
	before := s.Head(capture.StreamVideo)
	time.Sleep(100 * time.Millisecond)
	if after := s.Head(capture.StreamVideo); after != before {
		t.Errorf("after End the stream went from %d to %d", before.Next, after.Next)
	}
	if got := closeCode(t, c); got != 4408 {
		t.Errorf("closed with %d, want 4408", got)
	}
	if err := f.handler.End(ctx, testID(7)); err != nil {
		t.Errorf("End of a session without connections: %v", err)
	}
}
