package vault

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"sync"

	"inkwitness/evidence"
)

// Tink's reader can only go forward; a video player seeks. This reader opens
// any segment of the same format (Tink, "Streaming AEAD wire format"):
//
//	header   1 byte header length (40) | 32 bytes salt | 7 bytes nonce prefix
//	segment  ciphertext of at most 4096 bytes with its 16-byte tag;
//	         the first is 40 bytes shorter, the last may be shorter
//	key      HKDF-SHA-256(data key, salt, associated data)
//	nonce    prefix | segment number, 4 bytes big-endian | 1 in the last, else 0
const (
	tagBytes    = 16
	prefixBytes = 7
	headerBytes = 1 + keyBytes + prefixBytes
	plainBytes  = segmentBytes - tagBytes  // of a segment
	firstBytes  = plainBytes - headerBytes // of the first segment
	batch       = 64                       // segments fetched at a time: 256 KiB
)

// header is how a blob starts.
type header struct {
	bytes [headerBytes]byte
	n     int // of them written
}

// Write implements io.Writer: what follows the header is let go.
func (h *header) Write(p []byte) (int, error) {
	h.n += copy(h.bytes[h.n:], p)
	return len(p), nil
}

func (h *header) salt() evidence.Digest { return evidence.Digest(h.bytes[1 : 1+keyBytes]) }

type reader struct {
	mu     sync.Mutex // of ReadAt
	blob   Blob
	header header
	aead   cipher.AEAD
	size   int64 // plain bytes
	last   int64 // number of the last segment
	pos    int64

	next func(damage error) Blob // tells of damage and opens the next copy, nil when there is none

	from, to int64 // plain range held in buf
	buf      []byte
	cipher   []byte
}

// newReader reads a blob as openBlob gives it.
func newReader(blob Blob, h header, key []byte, o evidence.Object) (*reader, error) {
	r := &reader{blob: blob, header: h, size: o.Size, last: segmentOf(max(o.Size-1, 0)), next: func(error) Blob { return nil }}
	if h.bytes[0] != headerBytes {
		return nil, fmt.Errorf("header: %w", evidence.ErrCorrupt)
	}
	salt := h.salt()
	derived, err := hkdf.Key(sha256.New, key, salt[:], o.Key, keyBytes)
	if err != nil {
		return nil, fmt.Errorf("derive key: %w", err)
	}
	block, err := aes.NewCipher(derived)
	if err != nil {
		return nil, fmt.Errorf("cipher: %w", err)
	}
	if r.aead, err = cipher.NewGCM(block); err != nil {
		return nil, fmt.Errorf("cipher: %w", err)
	}
	return r, r.fill(0) // so that a wrong key or a changed start shows at once
}

// segmentOf is the number of the segment that holds a plain offset.
func segmentOf(off int64) int64 {
	if off < firstBytes {
		return 0
	}
	return 1 + (off-firstBytes)/plainBytes
}

// plainStart is the plain offset at which a segment starts.
func plainStart(segment int64) int64 {
	if segment == 0 {
		return 0
	}
	return firstBytes + (segment-1)*plainBytes
}

// cipherStart is the offset in the blob at which a segment starts.
func cipherStart(segment int64) int64 {
	if segment == 0 {
		return headerBytes
	}
	return segment * segmentBytes
}

// fill decrypts the batch of segments that starts with the one holding off.
func (r *reader) fill(off int64) error {
	first := segmentOf(off)
	end := min(first+batch-1, r.last)
	stop := min(cipherStart(end+1), r.blob.Size())
	if r.cipher == nil {
		n := min(batch, r.last+1) // most objects are far smaller than a batch
		r.cipher, r.buf = make([]byte, n*segmentBytes), make([]byte, 0, n*plainBytes)
	}
	r.from, r.to, r.buf = 0, 0, r.buf[:0]
	data := r.cipher[:stop-cipherStart(first)]
	if err := readFull(r.blob, data, cipherStart(first)); err != nil {
		return fmt.Errorf("read blob: %w", err)
	}
	for s := first; s <= end; s++ {
		n := min(cipherStart(s+1)-cipherStart(s), int64(len(data)))
		plain, err := r.aead.Open(r.buf, r.nonce(s), data[:n], nil)
		if err != nil {
			return fmt.Errorf("segment %d: %w", s, evidence.ErrCorrupt)
		}
		r.buf, data = plain, data[n:]
	}
	r.from = plainStart(first)
	r.to = r.from + int64(len(r.buf))
	return nil
}

// readFull reads all of p. A blob that ends before has been cut since it was opened:
// that is damage, and not the end of anything.
func readFull(blob Blob, p []byte, off int64) error {
	n, err := blob.ReadAt(p, off)
	switch {
	case n == len(p):
		return nil
	case err == nil, errors.Is(err, io.EOF):
		return fmt.Errorf("%d of %d bytes at %d: %w", n, len(p), off, evidence.ErrCorrupt)
	}
	return err
}

// fillFromAny goes on with another store's copy where this one is damaged.
func (r *reader) fillFromAny(off int64) error {
	err := r.fill(off)
	for err != nil {
		other := r.next(err)
		if other == nil {
			return err
		}
		r.blob.Close()
		r.blob = other
		err = r.fill(off)
	}
	return nil
}

// check reads everything from the start and compares it with the object's hash.
func (r *reader) check(o evidence.Object) error {
	r.pos = 0
	sum := sha256.New()
	if _, err := io.Copy(sum, struct{ io.Reader }{r}); err != nil {
		return err
	}
	if evidence.Digest(sum.Sum(nil)) != o.SHA256 { // another object was once stored under this name
		return fmt.Errorf("object %s: %w", o.Key, evidence.ErrCorrupt)
	}
	return nil
}

func (r *reader) nonce(segment int64) []byte {
	nonce := make([]byte, 12)
	copy(nonce, r.header.bytes[1+keyBytes:])
	binary.BigEndian.PutUint32(nonce[prefixBytes:], uint32(segment))
	if segment == r.last {
		nonce[11] = 1
	}
	return nonce
}

// Read implements io.Reader.
func (r *reader) Read(p []byte) (int, error) {
	if r.pos >= r.size {
		return 0, io.EOF
	}
	if r.pos < r.from || r.pos >= r.to {
		if err := r.fillFromAny(r.pos); err != nil {
			return 0, err
		}
	}
	n := copy(p, r.buf[r.pos-r.from:])
	r.pos += int64(n)
	return n, nil
}

// ReadAt implements io.ReaderAt. Calls are done one at a time.
func (r *reader) ReadAt(p []byte, off int64) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	before := r.pos
	defer func() { r.pos = before }()
	r.pos = off
	n, err := io.ReadFull(r, p)
	if errors.Is(err, io.ErrUnexpectedEOF) {
		err = io.EOF
	}
	return n, err
}

// Size implements Blob: plain bytes.
func (r *reader) Size() int64 { return r.size }

// Seek implements io.Seeker.
func (r *reader) Seek(offset int64, whence int) (int64, error) {
	switch whence {
	case io.SeekCurrent:
		offset += r.pos
	case io.SeekEnd:
		offset += r.size
	}
	if offset < 0 {
		return 0, errors.New("vault: seek before the start")
	}
	r.pos = offset
	return offset, nil
}

// Close implements io.Closer.
func (r *reader) Close() error { return r.blob.Close() }
