// Package stream is the file of one stream of a recording: its records as they
// came, from which whoever has the file computes the head of the hash chain that
// was acknowledged.
package stream

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"inkwitness/capture"
	"inkwitness/capture/ink"
)

// magic opens a stream file. The digit is the format's version.
const magic = "INKSTRM1"

// headerBytes is the length of magic, stream, session and nonce.
const headerBytes = len(magic) + 1 + 16 + 32

// Limits of a stream file that is read back.
const (
	MaxRecord  = 16 << 20 // bytes of one record, as package media allows
	MaxRecords = 1 << 22
)

// Record is one record of a stream file.
type Record struct {
	Arrived int64 // µs on the session clock
	Payload []byte
}

// Header says what a stream file is a stream of.
type Header struct {
	Stream  capture.Stream
	Session capture.SessionID
	Nonce   [32]byte
}

// Writer writes a stream file:
//
//	"INKSTRM1" | stream (1 byte) | session (16) | nonce (32)
//	then for each record: arrived (8, big endian) | length (4, big endian) | payload
//
// Session and nonce start the stream's hash chain, see capture.FirstHead, so
// that whoever has the file can compute the head that was acknowledged.
type Writer struct {
	w      *bufio.Writer
	stream capture.Stream
	head   capture.Head
}

// NewWriter writes the header.
func NewWriter(w io.Writer, h Header) (*Writer, error) {
	id, err := h.Session.Bytes()
	if err != nil {
		return nil, err
	}
	head, err := capture.FirstHead(h.Session, h.Nonce, h.Stream)
	if err != nil {
		return nil, err
	}
	b := append([]byte(magic), byte(h.Stream))
	b = append(append(b, id[:]...), h.Nonce[:]...)
	out := bufio.NewWriter(w)
	_, err = out.Write(b)
	return &Writer{w: out, stream: h.Stream, head: head}, err
}

// Write adds a record.
func (w *Writer) Write(r Record) error {
	if len(r.Payload) > MaxRecord {
		return fmt.Errorf("record of %d bytes: %w", len(r.Payload), capture.ErrLimit)
	}
	var b [12]byte
	binary.BigEndian.PutUint64(b[:8], uint64(r.Arrived))
	binary.BigEndian.PutUint32(b[8:], uint32(len(r.Payload)))
	if _, err := w.w.Write(b[:]); err != nil {
		return err
	}
	w.head = w.head.After(w.stream, r.Arrived, r.Payload)
	_, err := w.w.Write(r.Payload)
	return err
}

// Close writes what is buffered and returns the head of the whole stream.
func (w *Writer) Close() (capture.Head, error) { return w.head, w.w.Flush() }

// Reader reads a stream file. It does not trust it: lengths are bounded before
// anything is allocated.
type Reader struct {
	Header
	r       *bufio.Reader
	head    capture.Head
	noChain bool
	buf     []byte
}

// NewReader reads the header.
func NewReader(r io.Reader) (*Reader, error) {
	in := bufio.NewReader(r)
	var b [headerBytes]byte
	if _, err := io.ReadFull(in, b[:]); err != nil {
		return nil, fmt.Errorf("stream file: the header is cut short: %w", capture.ErrMalformed)
	}
	if string(b[:len(magic)]) != magic {
		return nil, fmt.Errorf("stream file: it does not begin with %s: %w", magic, capture.ErrMalformed)
	}
	rest := b[len(magic):]
	h := Header{Stream: capture.Stream(rest[0]), Session: capture.NewSessionID([16]byte(rest[1:17])), Nonce: [32]byte(rest[17:])}
	head, err := capture.FirstHead(h.Session, h.Nonce, h.Stream)
	if err != nil {
		return nil, err
	}
	return &Reader{Header: h, r: in, head: head}, nil
}

// SkipChain makes Next follow no hash chain, and Head of no use: for a file that was
// read before, with the head that it must have.
func (r *Reader) SkipChain() { r.noChain = true }

// Next returns the next record, or io.EOF after the last one. The payload is
// valid until the next call.
func (r *Reader) Next() (Record, error) {
	if r.head.Next >= MaxRecords {
		return Record{}, fmt.Errorf("stream file: more than %d records: %w", MaxRecords, capture.ErrLimit)
	}
	var b [12]byte
	if _, err := io.ReadFull(r.r, b[:]); errors.Is(err, io.EOF) {
		return Record{}, io.EOF
	} else if err != nil {
		return Record{}, fmt.Errorf("stream file: record %d is cut short: %w", r.head.Next, capture.ErrMalformed)
	}
	n := binary.BigEndian.Uint32(b[8:])
	if n > MaxRecord {
		return Record{}, fmt.Errorf("stream file: record %d has %d bytes: %w", r.head.Next, n, capture.ErrLimit)
	}
	if cap(r.buf) < int(n) {
		r.buf = make([]byte, n)
	}
	r.buf = r.buf[:n]
	if _, err := io.ReadFull(r.r, r.buf); err != nil {
		return Record{}, fmt.Errorf("stream file: record %d is cut short: %w", r.head.Next, capture.ErrMalformed)
	}
	record := Record{Arrived: int64(binary.BigEndian.Uint64(b[:8])), Payload: r.buf}
	if r.noChain {
		r.head.Next++
	} else {
		r.head = r.head.After(r.Stream, record.Arrived, record.Payload)
	}
	return record, nil
}

// Head is the hash chain's head after the records that were read.
func (r *Reader) Head() capture.Head { return r.head }

// MaxPoints bounds the sample points that ReadPen returns: an hour at 240 Hz.
const MaxPoints = 3600 * 240

// ReadPen reads the sample points of a pen stream file, exactly as they were
// sent, and the head of its chain.
func ReadPen(file io.Reader) ([]capture.Point, capture.Head, error) {
	r, err := NewReader(file)
	if err != nil {
		return nil, capture.Head{}, err
	}
	if r.Stream != capture.StreamPen {
		return nil, capture.Head{}, fmt.Errorf("stream file: it holds %s, not pen samples: %w", r.Stream, capture.ErrMalformed)
	}
	var points []capture.Point
	for {
		record, err := r.Next()
		if errors.Is(err, io.EOF) {
			return points, r.Head(), nil
		}
		if err != nil {
			return nil, capture.Head{}, err
		}
		batch, err := ink.ParseBatch(record.Payload)
		if err != nil {
			return nil, capture.Head{}, fmt.Errorf("stream file: record %d: %w", r.Head().Next-1, err)
		}
		if points = append(points, batch.Points...); len(points) > MaxPoints {
			return nil, capture.Head{}, fmt.Errorf("stream file: more than %d points: %w", MaxPoints, capture.ErrLimit)
		}
	}
}
