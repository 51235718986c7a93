package webm

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"

	"inkwitness/capture"
	"inkwitness/capture/media"
)

// Protocol is the WebSocket subprotocol of the fallback for networks that let
// no WebRTC through. Its messages are in the README of package capture/webm.
const Protocol = "inkwitness.media.v1"

// The types of messages.
const (
	typeChunk   = 0x01
	typeEnd     = 0x02
	typeWelcome = 0x81
	typeAck     = 0x82
)

// MaxChunk bounds the data of one chunk, and MaxMessage a message.
const (
	MaxChunk   = 512 << 10
	MaxMessage = MaxChunk + 64
)

const flagFirst = 1 // the chunk begins another recorder's output; the nonce follows

// Sink stores the chunks; a session of the journal is one. See rtc.Sink.
type Sink interface {
	Now() int64
	Head(stream capture.Stream) capture.Head
	Append(ctx context.Context, stream capture.Stream, seq uint64, arrived int64, payload []byte) (capture.Pending, error)
	// Durable returns the head of a stream once all of it is on disk.
	Durable(ctx context.Context, stream capture.Stream) (capture.Head, error)
	// Payload returns a record of a stream once it is on disk.
	Payload(ctx context.Context, stream capture.Stream, seq uint64) ([]byte, error)
}

// Intake takes a MediaRecorder's chunks into the video stream of a session. One
// connection uses it, from one goroutine.
type Intake struct {
	sink    Sink
	nonce   [32]byte
	limit   int64 // bytes left
	segment uint32
	begun   bool
}

// NewIntake takes in at most limit bytes for the session of that nonce. No
// WebRTC connection may record for the session at the same time.
func NewIntake(sink Sink, nonce [32]byte, limit int64) *Intake {
	return &Intake{sink: sink, nonce: nonce, limit: limit}
}

// Welcome is the first message to the page: where to go on.
func (in *Intake) Welcome(ctx context.Context) ([]byte, error) {
	head, err := in.sink.Durable(ctx, capture.StreamVideo)
	if err != nil {
		return nil, err
	}
	return binary.AppendUvarint(append([]byte{typeWelcome}, in.nonce[:]...), head.Next), nil
}

// Ack is the message that everything before the head is on disk.
func Ack(h capture.Head) []byte { return binary.AppendUvarint([]byte{typeAck}, h.Next) }

// Take takes one message. When the Pending's Wait returns, the page may be sent
// Ack with its head; a double and the page's END have a Pending for all that is
// there. Errors: capture.ErrMalformed (close 4400), ErrGap and ErrConflict
// (4409), ErrLimit (4429), and the sink's own.
func (in *Intake) Take(ctx context.Context, msg []byte) (capture.Pending, error) {
	if len(msg) == 0 || len(msg) > MaxMessage {
		return nil, malformed("a message of no length or too long")
	}
	next := in.sink.Head(capture.StreamVideo).Next
	m, err := parseMessage(msg)
	switch {
	case err != nil:
		return nil, err
	case m.end && m.seq != next || m.seq > next:
		return nil, fmt.Errorf("chunk %d where %d is next: %w", m.seq, next, capture.ErrGap)
	case m.end:
		return durable{in.sink}, nil
	case m.first && m.nonce != in.nonce:
		return nil, fmt.Errorf("a recorder of another session: %w", capture.ErrConflict)
	case m.seq < next:
		return in.again(ctx, m)
	}
	if in.limit -= int64(len(m.data)); in.limit < 0 {
		return nil, fmt.Errorf("media: %w", capture.ErrLimit)
	}
	return in.record(ctx, m)
}

// durable is a Pending for all that the video stream has.
type durable struct{ sink Sink }

// Wait implements capture.Pending.
func (d durable) Wait(ctx context.Context) (capture.Head, error) {
	return d.sink.Durable(ctx, capture.StreamVideo)
}

// again answers a chunk whose number is known: it must be the same.
func (in *Intake) again(ctx context.Context, m message) (capture.Pending, error) {
	known, err := in.chunk(ctx, m.seq)
	if err != nil {
		return nil, err
	}
	if known == nil || known.Sent != m.sent || !bytes.Equal(known.Data, m.data) {
		return nil, fmt.Errorf("chunk %d: %w", m.seq, capture.ErrConflict)
	}
	return durable{in.sink}, nil
}

// chunk reads a chunk back, nil where the record is none.
func (in *Intake) chunk(ctx context.Context, seq uint64) (*media.Chunk, error) {
	payload, err := in.sink.Payload(ctx, capture.StreamVideo, seq)
	if err != nil {
		return nil, fmt.Errorf("read record %d: %w", seq, err)
	}
	for r, err := range media.Records(payload) {
		if err != nil {
			return nil, fmt.Errorf("read record %d: %w", seq, err)
		}
		if c, ok := r.(media.Chunk); ok {
			return &c, nil
		}
	}
	return nil, nil
}

func (in *Intake) record(ctx context.Context, m message) (capture.Pending, error) {
	now := in.sink.Now()
	var payload []byte
	switch {
	case m.first:
		segment, err := in.open(ctx, m.seq, now)
		if err != nil {
			return nil, err
		}
		payload = segment
	case !in.begun:
		if err := in.resume(ctx, m.seq); err != nil {
			return nil, err
		}
	}
	payload = media.Append(payload, media.Chunk{Segment: in.segment, Sent: m.sent, Arrival: now, Data: m.data})
	return in.sink.Append(ctx, capture.StreamVideo, m.seq, now, payload)
}

// resume goes on with the recorder of the connection before, also after a
// restart of the process: the newest record is its chunk.
func (in *Intake) resume(ctx context.Context, seq uint64) error {
	if seq > 0 {
		last, err := in.chunk(ctx, seq-1)
		if err != nil {
			return err
		}
		if last != nil {
			in.segment, in.begun = last.Segment, true
			return nil
		}
	}
	return fmt.Errorf("chunk %d goes on with a recorder that is not there: %w", seq, capture.ErrConflict)
}

// open begins a segment in both media streams, numbered as rtc does: with the
// higher one of the sequence numbers of the records that open it.
func (in *Intake) open(ctx context.Context, video uint64, now int64) ([]byte, error) {
	audio := in.sink.Head(capture.StreamAudio).Next
	in.segment, in.begun = uint32(max(video, audio)), true
	payload := media.Append(nil, media.Segment{Number: in.segment, Reason: media.Fallback, Arrival: now})
	_, err := in.sink.Append(ctx, capture.StreamAudio, audio, now, payload)
	return payload, err
}

type message struct {
	end   bool
	first bool
	nonce [32]byte // with first
	seq   uint64
	sent  int64 // µs of the page's clock
	data  []byte
}

func parseMessage(b []byte) (m message, err error) {
	kind, b := b[0], b[1:]
	switch kind {
	case typeEnd:
		m.end = true
		if m.seq, b, err = uvarint(b); err == nil && len(b) > 0 {
			err = malformed("bytes after END")
		}
		return m, err
	case typeChunk:
	default:
		return m, malformed("a message of unknown type")
	}
	if len(b) == 0 || b[0]&^flagFirst != 0 {
		return m, malformed("flags of a chunk")
	}
	m.first, b = b[0]&flagFirst != 0, b[1:]
	if m.first {
		if len(b) < len(m.nonce) {
			return m, malformed("a nonce")
		}
		b = b[copy(m.nonce[:], b):]
	}
	if m.seq, b, err = uvarint(b); err != nil {
		return m, err
	}
	sent, b, err := uvarint(b)
	if err == nil && (len(b) == 0 || len(b) > MaxChunk) {
		err = malformed("data of a chunk")
	}
	m.sent, m.data = int64(sent), b
	return m, err
}

// uvarint reads a number of at most 2^52-1 in its shortest form, as the pen's
// protocol has them.
func uvarint(b []byte) (uint64, []byte, error) {
	v, n := binary.Uvarint(b)
	if n <= 0 || v >= 1<<52 || n > 1 && b[n-1] == 0 {
		return 0, nil, malformed("a number")
	}
	return v, b[n:], nil
}
