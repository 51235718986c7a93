package capture

import (
	"crypto/sha256"
	"errors"
	"testing"
)

func TestSessionIDs(t *testing.T) {
	raw := [16]byte{0, 1, 0xab, 15: 0xff}
	id := NewSessionID(raw)
	if id != "0001ab000000000000000000000000ff" {
		t.Errorf("NewSessionID = %q", id)
	}
	if back, err := id.Bytes(); err != nil || back != raw {
		t.Errorf("Bytes = %x, %v", back, err)
	}
	for _, bad := range []SessionID{"", "00", id + "00", "0001AB000000000000000000000000ff", "zz01ab000000000000000000000000ff"} {
		if _, err := bad.Bytes(); !errors.Is(err, ErrMalformed) {
			t.Errorf("Bytes of %q: %v", bad, err)
		}
	}
}

// TestChain writes the formulas of the package out.
func TestChain(t *testing.T) {
	id, nonce := NewSessionID([16]byte{7}), [32]byte{8}
	first := sha256.Sum256([]byte("inkwitness video v1\x00\x07" + string(make([]byte, 15)) + "\x08" + string(make([]byte, 31))))
	head, err := FirstHead(id, nonce, StreamVideo)
	if err != nil || head != (Head{Hash: first}) {
		t.Fatalf("FirstHead = %x, %v, want %x", head.Hash, err, first)
	}
	video := sha256.Sum256([]byte(string(first[:]) + "\x00\x00\x00\x00\x00\x00\x01\x02frame"))
	if got := head.After(StreamVideo, 258, []byte("frame")); got != (Head{1, video}) {
		t.Errorf("After a frame: %d %x, want %x", got.Next, got.Hash, video)
	}
	pen := sha256.Sum256([]byte(string(first[:]) + "batch"))
	if got := head.After(StreamPen, 258, []byte("batch")); got != (Head{1, pen}) {
		t.Errorf("After a batch: %d %x, want %x", got.Next, got.Hash, pen)
	}
	if _, err := FirstHead("x", nonce, StreamPen); !errors.Is(err, ErrMalformed) {
		t.Errorf("FirstHead of no session: %v", err)
	}
	seen := map[[32]byte]bool{}
	for _, stream := range []Stream{StreamPen, StreamVideo, StreamAudio, StreamControl} {
		head, err := FirstHead(id, nonce, stream)
		if err != nil || seen[head.Hash] {
			t.Errorf("%s shares its first head: %v", stream, err)
		}
		seen[head.Hash] = true
	}
}
