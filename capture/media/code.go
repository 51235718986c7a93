package media

import (
	"encoding/binary"
	"fmt"
	"iter"
	"math/bits"

	"inkwitness/capture"
)

// Version opens every payload. The top bit tells media from the pen's records
// where both share a stream.
const Version = 0x81

// Limits of one payload, which is a journal record, and of one frame or chunk
// in it. A keyframe of 640x480 is some 50 KiB, one of 1920x1080 some 300 KiB.
const (
	MaxPayload = 1 << 20
	MaxData    = 720 << 10
)

// The kinds of entries. Their numbers are part of the file format.
const (
	kindFrame        = 0x01
	kindChunk        = 0x02
	kindSegment      = 0x41
	kindTrackStart   = 0x42
	kindSenderReport = 0x43
	kindTrackEnd     = 0x44
)

// The flags of a frame.
const (
	flagKey     = 1 << 0
	flagGap     = 1 << 1
	flagCapture = 1 << 2
	flagsKnown  = flagKey | flagGap | flagCapture
)

func (Frame) kind() byte        { return kindFrame }
func (Chunk) kind() byte        { return kindChunk }
func (Segment) kind() byte      { return kindSegment }
func (TrackStart) kind() byte   { return kindTrackStart }
func (SenderReport) kind() byte { return kindSenderReport }
func (TrackEnd) kind() byte     { return kindTrackEnd }

// Append adds the record to a payload. An empty payload gets its version byte.
func Append(payload []byte, r Record) []byte {
	if len(payload) == 0 {
		payload = append(payload, Version)
	}
	payload = append(payload, r.kind())
	// The length goes before a body whose size is not known yet: leave room for
	// the longest, then close up. Bodies with data move once, by memmove.
	start := len(payload)
	payload = append(payload, make([]byte, binary.MaxVarintLen32)...)
	body := len(payload)
	payload = r.appendBody(payload)
	size := len(payload) - body
	n := binary.PutUvarint(payload[start:], uint64(size))
	copy(payload[start+n:], payload[body:])
	return payload[:start+n+size]
}

func (s Segment) appendBody(b []byte) []byte {
	b = binary.AppendUvarint(b, uint64(s.Number))
	b = append(b, byte(s.Reason))
	return binary.AppendVarint(b, s.Arrival)
}

func (t TrackStart) appendBody(b []byte) []byte {
	b = binary.AppendUvarint(b, uint64(t.Segment))
	b = append(b, byte(t.Track), byte(t.Codec), t.Channels)
	b = binary.AppendUvarint(b, uint64(t.ClockRate))
	b = binary.AppendUvarint(b, uint64(t.SSRC))
	return binary.AppendVarint(b, t.Arrival)
}

func (f Frame) appendBody(b []byte) []byte {
	var flags byte
	if f.Key {
		flags |= flagKey
	}
	if f.Gap {
		flags |= flagGap
	}
	if f.Capture != 0 {
		flags |= flagCapture
	}
	b = binary.AppendUvarint(b, uint64(f.Segment))
	b = append(b, byte(f.Track), flags)
	b = binary.AppendVarint(b, f.RTP)
	b = binary.AppendVarint(b, f.Arrival)
	if f.Capture != 0 {
		b = binary.BigEndian.AppendUint64(b, f.Capture)
	}
	return append(b, f.Data...)
}

func (s SenderReport) appendBody(b []byte) []byte {
	b = binary.AppendUvarint(b, uint64(s.Segment))
	b = append(b, byte(s.Track))
	b = binary.AppendUvarint(b, uint64(s.SSRC))
	b = binary.BigEndian.AppendUint64(b, s.NTP)
	b = binary.BigEndian.AppendUint32(b, s.RTP)
	b = binary.AppendUvarint(b, uint64(s.Packets))
	b = binary.AppendUvarint(b, uint64(s.Octets))
	return binary.AppendVarint(b, s.Arrival)
}

func (t TrackEnd) appendBody(b []byte) []byte {
	b = binary.AppendUvarint(b, uint64(t.Segment))
	b = append(b, byte(t.Track))
	for _, n := range [...]uint64{t.Packets, t.Lost, t.Frames, t.Dropped} {
		b = binary.AppendUvarint(b, n)
	}
	return binary.AppendVarint(b, t.Arrival)
}

func (c Chunk) appendBody(b []byte) []byte {
	b = binary.AppendUvarint(b, uint64(c.Segment))
	b = binary.AppendVarint(b, c.Sent)
	b = binary.AppendVarint(b, c.Arrival)
	return append(b, c.Data...)
}

// Records yields the records of a payload in order. Data fields alias the
// payload. The first error ends the sequence; it wraps capture.ErrMalformed or
// capture.ErrLimit. Every payload has one coding only, so that equal records
// have equal hashes: numbers that are not in their shortest form are refused.
func Records(payload []byte) iter.Seq2[Record, error] {
	return func(yield func(Record, error) bool) {
		d := decoder{rest: payload}
		if len(payload) > MaxPayload {
			yield(nil, fmt.Errorf("media payload of %d bytes: %w", len(payload), capture.ErrLimit))
			return
		}
		if d.byte() != Version || d.bad {
			yield(nil, fmt.Errorf("media payload of another version: %w", capture.ErrMalformed))
			return
		}
		for len(d.rest) > 0 {
			r, err := d.record()
			if !yield(r, err) || err != nil {
				return
			}
		}
	}
}

// decoder reads fields off the front of rest. After the first fault bad is set
// and every read returns zero, so that the caller checks once.
type decoder struct {
	rest []byte
	bad  bool
}

func (d *decoder) record() (Record, error) {
	kind := d.byte()
	size := d.uvarint(MaxData + 64)
	if d.bad || size > uint64(len(d.rest)) {
		return nil, fmt.Errorf("media record of kind %#x is cut short: %w", kind, capture.ErrMalformed)
	}
	body := decoder{rest: d.rest[:size:size]}
	d.rest = d.rest[size:]
	r := body.body(kind)
	if body.bad || r == nil || len(body.rest) > 0 {
		return nil, fmt.Errorf("media record of kind %#x: %w", kind, capture.ErrMalformed)
	}
	return r, nil
}

func (d *decoder) body(kind byte) Record {
	switch kind {
	case kindFrame:
		return d.frame()
	case kindChunk:
		return Chunk{Segment: d.uint32(), Sent: d.varint(), Arrival: d.varint(), Data: d.data()}
	case kindSegment:
		s := Segment{Number: d.uint32(), Reason: Reason(d.byte()), Arrival: d.varint()}
		d.require(s.Reason >= Started && s.Reason <= Fallback)
		return s
	case kindTrackStart:
		return d.trackStart()
	case kindSenderReport:
		return SenderReport{
			Segment: d.uint32(), Track: d.track(), SSRC: d.uint32(), NTP: d.fixed64(), RTP: d.fixed32(),
			Packets: d.uint32(), Octets: d.uint32(), Arrival: d.varint(),
		}
	case kindTrackEnd:
		return TrackEnd{
			Segment: d.uint32(), Track: d.track(), Packets: d.uvarint(1 << 62), Lost: d.uvarint(1 << 62),
			Frames: d.uvarint(1 << 62), Dropped: d.uvarint(1 << 62), Arrival: d.varint(),
		}
	}
	return nil
}

func (d *decoder) frame() Record {
	f := Frame{Segment: d.uint32(), Track: d.track()}
	flags := d.byte()
	d.require(flags&^flagsKnown == 0)
	f.Key, f.Gap = flags&flagKey != 0, flags&flagGap != 0
	f.RTP, f.Arrival = d.varint(), d.varint()
	if flags&flagCapture != 0 {
		f.Capture = d.fixed64()
		d.require(f.Capture != 0)
	}
	f.Data = d.data()
	return f
}

func (d *decoder) trackStart() Record {
	t := TrackStart{Segment: d.uint32(), Track: d.track(), Codec: Codec(d.byte()), Channels: d.byte()}
	t.ClockRate, t.SSRC, t.Arrival = d.uint32(), d.uint32(), d.varint()
	d.require(t.Codec.track() == t.Track && t.ClockRate > 0)
	return t
}

func (d *decoder) require(ok bool) {
	if !ok {
		d.bad, d.rest = true, nil
	}
}

func (d *decoder) take(n int) []byte {
	if d.require(n <= len(d.rest)); d.bad {
		return nil
	}
	b := d.rest[:n:n]
	d.rest = d.rest[n:]
	return b
}

func (d *decoder) byte() byte {
	if b := d.take(1); b != nil {
		return b[0]
	}
	return 0
}

func (d *decoder) track() Track {
	t := Track(d.byte())
	d.require(t == Video || t == Audio)
	return t
}

func (d *decoder) data() []byte {
	d.require(len(d.rest) <= MaxData)
	return d.take(len(d.rest))
}

func (d *decoder) fixed64() uint64 {
	if b := d.take(8); b != nil {
		return binary.BigEndian.Uint64(b)
	}
	return 0
}

func (d *decoder) fixed32() uint32 {
	if b := d.take(4); b != nil {
		return binary.BigEndian.Uint32(b)
	}
	return 0
}

func (d *decoder) uint32() uint32 { return uint32(d.uvarint(1<<32 - 1)) }

func (d *decoder) uvarint(limit uint64) uint64 {
	v, n := binary.Uvarint(d.rest)
	if d.require(n > 0 && n == uvarintSize(v) && v <= limit); d.bad {
		return 0
	}
	d.rest = d.rest[n:]
	return v
}

func (d *decoder) varint() int64 {
	v := d.uvarint(1<<64 - 1)
	return int64(v>>1) ^ -int64(v&1) // zigzag, as encoding/binary
}

// uvarintSize is the length of v's shortest coding: seven bits to a byte.
func uvarintSize(v uint64) int { return max(1, (bits.Len64(v)+6)/7) }
