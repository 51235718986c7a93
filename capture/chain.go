package capture

import (
	"crypto/sha256"
	"encoding/binary"
)

// Head is where a stream stands: Next records were taken, numbered from 0, and
// Hash is the hash chain over them.
type Head struct {
	Next uint64
	Hash [32]byte
}

// FirstHead returns the head of an empty stream:
//
//	SHA-256("inkwitness " | name of the stream | " v1\0" | 16 bytes of id | nonce)
//
// The nonce is the server's and is drawn anew for each session, so that a
// recorded stream cannot be played into another one.
func FirstHead(id SessionID, nonce [32]byte, stream Stream) (Head, error) {
	raw, err := id.Bytes()
	if err != nil {
		return Head{}, err
	}
	h := sha256.New()
	h.Write([]byte("inkwitness " + stream.String() + " v1\x00"))
	h.Write(raw[:])
	h.Write(nonce[:])
	return Head{Hash: [32]byte(h.Sum(nil))}, nil
}

// After returns the head after one more record of the stream:
//
//	SHA-256(hash | payload)                                for the pen
//	SHA-256(hash | arrived as 8 bytes big endian | payload) for other streams
//
// The client computes the pen's chain itself and cannot know when a batch
// arrived; the other chains are the server's own.
func (h Head) After(stream Stream, arrived int64, payload []byte) Head {
	sum := sha256.New()
	sum.Write(h.Hash[:])
	if stream != StreamPen {
		sum.Write(binary.BigEndian.AppendUint64(nil, uint64(arrived)))
	}
	sum.Write(payload)
	return Head{Next: h.Next + 1, Hash: [32]byte(sum.Sum(nil))}
}
