package rtc

import (
	"encoding/binary"
	"errors"

	"inkwitness/capture/media"
)

var errPayload = errors.New("malformed RTP payload")

// depacketizer joins the payloads of one codec's packets into frames. The
// packets of a frame come in order and without a gap.
type depacketizer interface {
	// starts tells whether a frame can begin with this packet. It is asked only
	// after a loss.
	starts(payload []byte) bool

	// join adds the packet's share to the frame. The first call for a frame has
	// an empty frame.
	join(frame, payload []byte) ([]byte, error)

	// complete is asked at the frame's end and tells whether all of it came and
	// whether it decodes by itself.
	complete(frame []byte) (ok, key bool)
}

func newDepacketizer(c media.Codec) depacketizer {
	switch c {
	case media.VP8:
		return vp8{}
	case media.VP9:
		return vp9{}
	case media.H264:
		return &h264{}
	case media.AV1:
		return &av1{}
	case media.Opus:
		return opus{}
	}
	return nil
}

// opus has one frame to a packet, RFC 7587 section 4.2.
type opus struct{}

func (opus) starts([]byte) bool                   { return true }
func (opus) join(frame, p []byte) ([]byte, error) { return append(frame, p...), nil }
func (opus) complete(frame []byte) (ok, key bool) { return len(frame) > 0, true }

// vp8 is RFC 7741.
type vp8 struct{}

// starts: S is set and the partition is the first, RFC 7741 section 4.2. The
// partition counts: every partition of a frame may begin with S set.
func (vp8) starts(p []byte) bool { return len(p) > 0 && p[0]&0x17 == 0x10 }

func (vp8) join(frame, p []byte) ([]byte, error) {
	n := vp8Descriptor(p)
	if n == 0 || n >= len(p) {
		return frame, errPayload
	}
	return append(frame, p[n:]...), nil
}

func (vp8) complete(frame []byte) (ok, key bool) {
	// RFC 6386 section 9.1: the frame tag, and the start code of a keyframe.
	key = len(frame) >= 10 && frame[0]&1 == 0 && frame[3] == 0x9d && frame[4] == 0x01 && frame[5] == 0x2a
	return len(frame) >= 3 && (key || frame[0]&1 == 1), key
}

// vp8Descriptor is the length of the payload descriptor, 0 if it is cut short.
func vp8Descriptor(p []byte) int {
	if len(p) < 1 || p[0]&0x80 == 0 {
		return min(len(p), 1)
	}
	if len(p) < 2 {
		return 0
	}
	n, x := 2, p[1]
	if x&0x80 != 0 { // picture ID of one or two bytes
		if len(p) < 3 {
			return 0
		}
		n += 1 + int(p[2]>>7)
	}
	if x&0x40 != 0 { // TL0PICIDX
		n++
	}
	if x&0x30 != 0 { // TID, KEYIDX
		n++
	}
	if n > len(p) {
		return 0
	}
	return n
}

// vp9 is RFC 9628. Spatial layers are not negotiated.
type vp9 struct{}

func (vp9) starts(p []byte) bool { return len(p) > 0 && p[0]&0x08 != 0 }

func (vp9) join(frame, p []byte) ([]byte, error) {
	n := vp9Descriptor(p)
	if n == 0 || n >= len(p) {
		return frame, errPayload
	}
	return append(frame, p[n:]...), nil
}

func (vp9) complete(frame []byte) (ok, key bool) {
	// VP9 bitstream section 6.2: marker 2 bits, profile 2 bits (profile 3 has
	// one bit more), show_existing_frame, frame_type (0 is a keyframe).
	if len(frame) == 0 || frame[0]>>6 != 2 {
		return false, false
	}
	b := frame[0]
	if b&0x30 == 0x30 {
		b <<= 1
	}
	return true, b&0x0c == 0
}

// vp9Descriptor is the length of the payload descriptor, 0 if it is cut short.
func vp9Descriptor(p []byte) int {
	d := cursor{p: p}
	b := d.byte()
	if b&0x80 != 0 { // I: picture ID
		if d.byte()&0x80 != 0 {
			d.skip(1)
		}
	}
	if b&0x20 != 0 { // L: layer indices
		d.skip(1)
		if b&0x10 == 0 { // TL0PICIDX in the mode that is not flexible
			d.skip(1)
		}
	}
	if b&0x50 == 0x50 { // F and P: up to three reference indices
		for i := 0; i < 3 && d.byte()&1 != 0; i++ {
		}
	}
	if b&0x02 != 0 { // V: scalability structure
		d.scalability()
	}
	if d.bad {
		return 0
	}
	return len(p) - len(d.p)
}

// scalability skips the structure of RFC 9628 section 4.2.1.
func (d *cursor) scalability() {
	v := d.byte()
	if v&0x10 != 0 { // Y: width and height of each layer
		d.skip(4 * (int(v>>5) + 1))
	}
	if v&0x08 == 0 { // G: picture group
		return
	}
	for range d.byte() {
		d.skip(int(d.byte() >> 2 & 3)) // R reference indices
	}
}

// h264 is RFC 6184 with packetization modes 0 and 1. Frames become Annex B.
type h264 struct{ fragment bool }

var startCode = []byte{0, 0, 0, 1}

func (*h264) starts(p []byte) bool {
	kind := h264Kind(p)
	return kind >= 5 && kind <= 9 && kind != 8 // IDR, SEI, SPS, access unit delimiter
}

// h264Kind is the type of the packet's first NAL unit, 0 within a fragment.
func h264Kind(p []byte) byte {
	if len(p) < 1 {
		return 0
	}
	switch kind := p[0] & 0x1f; {
	case kind == 24 && len(p) >= 4: // STAP-A
		return p[3] & 0x1f
	case kind == 28 && len(p) >= 2 && p[1]&0x80 != 0: // FU-A, start
		return p[1] & 0x1f
	case kind < 24:
		return kind
	}
	return 0
}

func (h *h264) join(frame, p []byte) ([]byte, error) {
	if len(frame) == 0 {
		h.fragment = false
	}
	if len(p) < 2 {
		return frame, errPayload
	}
	kind := p[0] & 0x1f
	if h.fragment != (kind == 28 && p[1]&0x80 == 0) {
		return frame, errPayload // a fragment without its start, or never ended
	}
	switch {
	case kind == 28:
		return h.joinFragment(frame, p), nil
	case kind == 24:
		return joinAggregate(frame, p[1:])
	case kind >= 1 && kind <= 23:
		return append(append(frame, startCode...), p...), nil
	}
	return frame, errPayload
}

func (h *h264) joinFragment(frame, p []byte) []byte {
	if !h.fragment {
		frame = append(append(frame, startCode...), p[0]&0xe0|p[1]&0x1f)
	}
	h.fragment = p[1]&0x40 == 0
	return append(frame, p[2:]...)
}

func joinAggregate(frame, p []byte) ([]byte, error) {
	for len(p) > 0 {
		if len(p) < 2 {
			return frame, errPayload
		}
		n := int(binary.BigEndian.Uint16(p))
		if n == 0 || n > len(p)-2 {
			return frame, errPayload
		}
		frame = append(append(frame, startCode...), p[2:2+n]...)
		p = p[2+n:]
	}
	return frame, nil
}

func (h *h264) complete(frame []byte) (ok, key bool) {
	var idr, sps bool
	for i := 0; i+4 < len(frame); i++ {
		if frame[i] == 0 && frame[i+1] == 0 && frame[i+2] == 0 && frame[i+3] == 1 {
			kind := frame[i+4] & 0x1f
			idr, sps = idr || kind == 5, sps || kind == 7
			if kind == 1 || kind == 5 { // only slices follow
				break
			}
		}
	}
	return len(frame) > 4 && !h.fragment, idr && sps
}

// cursor reads bytes off the front of p.
type cursor struct {
	p   []byte
	bad bool
}

func (d *cursor) skip(n int) {
	if n > len(d.p) {
		d.p, d.bad = nil, true
		return
	}
	d.p = d.p[n:]
}

func (d *cursor) byte() byte {
	if len(d.p) == 0 {
		d.bad = true
		return 0
	}
	b := d.p[0]
	d.p = d.p[1:]
	return b
}
