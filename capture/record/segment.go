package record

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"io"

	"inkwitness/capture"
)

// A segment file is a header and then frames, one for each record. The byte
// diagrams are in capture/README.md.
const (
	headerMagic = "INKWJRN1"
	headerSize  = 8 + 8 + 8 + 12 + 32 + 16 // magic, number, end of the one before, nonce, sealed key
	frameMagic  = 0x494e4b52               // "INKR"
	frameHead   = 4 + 4 + 4                // magic, length, checksum
	frameMore   = frameHead + 16           // and the tag of the seal
)

// castagnoli is a table of constants.
var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// segment is one file of the journal. Its key is its own and random, so a frame
// may use its place in the file as nonce: no place is ever written twice,
// because a process never appends to a segment that an earlier one began.
type segment struct {
	num     uint64
	prevEnd int64 // where the segment num-1 ends, 0 if there is none

	unreadable bool // its header is damaged: kept as it is for an expert
	key        []byte
	aead       cipher.AEAD

	// Guarded by Journal.mu.
	end      int64 // with what is still in memory
	sessions map[*Session]struct{}
	releases map[*Session]struct{} // released by a record in this segment
	opened   int64                 // µs on the journal's clock

	// Owned by the goroutine of Run, after Open. file is nil until there is
	// something to write, and set under Journal.mu.
	file      File
	written   int64
	allocated int64
}

// useless tells whether all that the segment has is of released sessions.
func (s *segment) useless() bool {
	for session := range s.sessions {
		if !session.released {
			return false
		}
	}
	return len(s.sessions)+len(s.releases) > 0
}

func (s *segment) name() string { return fmt.Sprintf("%016x.seg", s.num) }

func newSegment(num uint64, prevEnd int64) (*segment, error) {
	key := make([]byte, 32)
	if _, err := rand.Read(key); err != nil {
		return nil, err
	}
	return withKey(num, prevEnd, key)
}

func withKey(num uint64, prevEnd int64, key []byte) (*segment, error) {
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	aead, err := cipher.NewGCM(block)
	if err != nil {
		return nil, err
	}
	return &segment{
		num: num, prevEnd: prevEnd, key: key, aead: aead, end: headerSize,
		sessions: map[*Session]struct{}{}, releases: map[*Session]struct{}{},
	}, nil
}

// header seals the segment's key under the journal's.
func (s *segment) header(wrap cipher.AEAD) ([]byte, error) {
	h := make([]byte, 0, headerSize)
	h = append(h, headerMagic...)
	h = binary.BigEndian.AppendUint64(h, s.num)
	h = binary.BigEndian.AppendUint64(h, uint64(s.prevEnd))
	nonce := make([]byte, wrap.NonceSize())
	if _, err := rand.Read(nonce); err != nil {
		return nil, err
	}
	aad := bytes.Clone(h)
	return wrap.Seal(append(h, nonce...), nonce, s.key, aad), nil
}

// parseHeader opens a header. num is the number in the file's name.
func parseHeader(wrap cipher.AEAD, num uint64, h []byte) (*segment, error) {
	if len(h) < headerSize || string(h[:8]) != headerMagic || binary.BigEndian.Uint64(h[8:]) != num {
		return nil, fmt.Errorf("header of segment %x: %w", num, capture.ErrDamaged)
	}
	key, err := wrap.Open(nil, h[24:36], h[36:headerSize], h[:24])
	if err != nil {
		return nil, fmt.Errorf("header of segment %x is damaged or the key is another: %w", num, capture.ErrDamaged)
	}
	return withKey(num, int64(binary.BigEndian.Uint64(h[16:])), key)
}

// seal appends the frame that goes to offset off.
func (s *segment) seal(dst []byte, off int64, plain []byte) []byte {
	start := len(dst)
	dst = binary.BigEndian.AppendUint32(dst, frameMagic)
	dst = binary.BigEndian.AppendUint32(dst, uint32(len(plain)+s.aead.Overhead()))
	dst = append(dst, 0, 0, 0, 0)
	nonce, aad := s.place(off)
	dst = s.aead.Seal(dst, nonce, plain, aad)
	binary.BigEndian.PutUint32(dst[start+8:], checksum(dst[start:]))
	return dst
}

// place returns nonce and additional data of the frame at off.
func (s *segment) place(off int64) (nonce, aad []byte) {
	nonce = binary.BigEndian.AppendUint64(make([]byte, 4, 12), uint64(off))
	aad = binary.BigEndian.AppendUint64(nil, s.num)
	return nonce, binary.BigEndian.AppendUint64(aad, uint64(off))
}

// checksum covers the length and the sealed bytes of a whole frame.
func checksum(frame []byte) uint32 {
	return crc32.Update(crc32.Checksum(frame[4:8], castagnoli), castagnoli, frame[frameHead:])
}

// open returns the record in the frame at the start of b, which was read from
// offset off, and the size of the frame. The record's bytes are new.
func (s *segment) open(b []byte, off int64) (plain []byte, size int, err error) {
	if len(b) < frameMore || binary.BigEndian.Uint32(b) != frameMagic {
		return nil, 0, s.damaged(off)
	}
	n := int64(binary.BigEndian.Uint32(b[4:]))
	if n > int64(len(b)-frameHead) {
		return nil, 0, s.damaged(off)
	}
	frame := b[:frameHead+n]
	if checksum(frame) != binary.BigEndian.Uint32(frame[8:]) {
		return nil, 0, s.damaged(off)
	}
	nonce, aad := s.place(off)
	plain, err = s.aead.Open(nil, nonce, frame[frameHead:], aad)
	if err != nil {
		return nil, 0, s.damaged(off)
	}
	return plain, len(frame), nil
}

func (s *segment) damaged(off int64) error {
	return fmt.Errorf("segment %x at %d: %w", s.num, off, capture.ErrDamaged)
}

// read returns the record of the frame at off from the file, of at most max
// bytes.
func (s *segment) read(off int64, max int) ([]byte, error) {
	var head [frameHead]byte
	if _, err := s.file.ReadAt(head[:], off); err != nil && err != io.EOF {
		return nil, fmt.Errorf("read journal: %w", err)
	}
	n := int64(binary.BigEndian.Uint32(head[4:]))
	if n > int64(max) {
		return nil, s.damaged(off)
	}
	frame := make([]byte, frameHead+n)
	if _, err := s.file.ReadAt(frame, off); err != nil && err != io.EOF {
		return nil, fmt.Errorf("read journal: %w", err)
	}
	plain, _, err := s.open(frame, off)
	return plain, err
}
