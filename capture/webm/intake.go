package webm

import (
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

const flagFirst = 1 // the chunk begins another recorder's output

// Sink stores the chunks; a session of the journal is one. See rtc.Sink.
type Sink interface {
	Now() int64
	Head(stream capture.Stream) capture.Head
	Append(ctx context.Context, stream capture.Stream, seq uint64, arrived int64, payload []byte) (capture.Pending, error)
}

// Intake takes a MediaRecorder's chunks into the video stream of a session. One
// connection uses it, from one goroutine.
type Intake struct {
	sink    Sink
	limit   int64 // bytes left
	segment uint32
	begun   bool
}

// NewIntake takes in at most limit bytes. No WebRTC connection may record for
// the session at the same time.
func NewIntake(sink Sink, limit int64) *Intake { return &Intake{sink: sink, limit: limit} }

// Welcome is the first message to the page: where to go on.
func (in *Intake) Welcome() []byte {
	return numbered(typeWelcome, in.sink.Head(capture.StreamVideo).Next)
}

// Ack is the message that everything before the head is on disk.
func Ack(h capture.Head) []byte { return numbered(typeAck, h.Next) }

// Take takes one message. When the Pending's Wait returns, the page may be sent
// Ack with its head. done is true after the page's END. Doubles have no Pending
// and are acknowledged by the next Ack. Errors: capture.ErrMalformed (close
// 4400), ErrGap (4409), ErrLimit (4429), and the sink's own.
func (in *Intake) Take(ctx context.Context, msg []byte) (p capture.Pending, done bool, err error) {
	if len(msg) == 0 || len(msg) > MaxMessage {
		return nil, false, malformed("a message of no length or too long")
	}
	next := in.sink.Head(capture.StreamVideo).Next
	m, err := parseMessage(msg)
	switch {
	case err != nil:
		return nil, false, err
	case m.end && m.seq != next || m.seq > next:
		return nil, false, fmt.Errorf("chunk %d where %d is next: %w", m.seq, next, capture.ErrGap)
	case m.end:
		return nil, true, nil
	case m.seq < next:
		return nil, false, nil
	case !in.begun && !m.first:
		return nil, false, fmt.Errorf("a new connection begins with a new recorder: %w", capture.ErrMalformed)
	}
	if in.limit -= int64(len(m.data)); in.limit < 0 {
		return nil, false, fmt.Errorf("media: %w", capture.ErrLimit)
	}
	p, err = in.record(ctx, m)
	return p, false, err
}

func (in *Intake) record(ctx context.Context, m message) (capture.Pending, error) {
	now := in.sink.Now()
	var payload []byte
	if m.first {
		segment, err := in.open(ctx, m.seq, now)
		if err != nil {
			return nil, err
		}
		payload = segment
	}
	payload = media.Append(payload, media.Chunk{Segment: in.segment, Sent: m.sent, Arrival: now, Data: m.data})
	return in.sink.Append(ctx, capture.StreamVideo, m.seq, now, payload)
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
	m.first = b[0]&flagFirst != 0
	if m.seq, b, err = uvarint(b[1:]); err != nil {
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

func numbered(kind byte, n uint64) []byte { return binary.AppendUvarint([]byte{kind}, n) }
