package webm

import (
	"encoding/binary"

	"inkwitness/capture/media"
)

// Dimensions reads the picture's size in pixels out of a keyframe; 0, 0 where
// there is none.
func Dimensions(c media.Codec, frame []byte) (width, height int) {
	switch c {
	case media.VP8:
		return vp8Size(frame)
	case media.VP9:
		return vp9Size(frame)
	case media.AV1:
		h := av1Sequence(frame)
		return h.width, h.height
	case media.H264:
		return h264Size(frame)
	}
	return 0, 0
}

// vp8Size follows RFC 6386 section 9.1.
func vp8Size(b []byte) (int, int) {
	if len(b) < 10 || b[0]&1 != 0 || b[3] != 0x9d || b[4] != 0x01 || b[5] != 0x2a {
		return 0, 0
	}
	return int(binary.LittleEndian.Uint16(b[6:]) & 0x3fff), int(binary.LittleEndian.Uint16(b[8:]) & 0x3fff)
}

// vp9Size follows the VP9 bitstream specification section 6.2.
func vp9Size(b []byte) (int, int) {
	r := bits{b: b}
	r.skip(2)
	profile := r.read(1) | r.read(1)<<1
	if profile == 3 {
		r.skip(1)
	}
	existing, delta := r.read(1), r.read(1) // show_existing_frame, frame_type
	if existing != 0 || delta != 0 {
		return 0, 0
	}
	r.skip(2)
	if r.read(24) != 0x498342 {
		return 0, 0
	}
	if profile >= 2 {
		r.skip(1)
	}
	const rgb = 7
	switch space := r.read(3); {
	case space != rgb:
		r.skip(1)
		if profile&1 == 1 {
			r.skip(3)
		}
	case profile&1 == 1:
		r.skip(1)
	}
	w, h := int(r.read(16))+1, int(r.read(16))+1
	if r.bad {
		return 0, 0
	}
	return w, h
}

// h264Size follows Rec. ITU-T H.264 section 7.3.2.1.1.
func h264Size(frame []byte) (int, int) {
	for unit := range nalUnits(frame) {
		if unit[0]&0x1f == 7 {
			return spsSize(unit)
		}
	}
	return 0, 0
}

func spsSize(sps []byte) (int, int) {
	r := bits{b: unescape(sps)}
	r.skip(8)
	profile := r.read(8)
	r.skip(16)
	r.golomb()
	chroma := uint64(1)
	switch profile {
	case 100, 110, 122, 244, 44, 83, 86, 118, 128:
		chroma = r.golomb()
		if chroma == 3 {
			r.skip(1)
		}
		r.golomb()
		r.golomb()
		r.skip(1)
		if r.read(1) != 0 { // scaling matrices: no browser sends them
			return 0, 0
		}
	}
	r.golomb()
	switch r.golomb() { // pic_order_cnt_type
	case 0:
		r.golomb()
	case 1:
		r.skip(1)
		r.golomb()
		r.golomb()
		for n := r.golomb(); n > 0 && !r.bad; n-- {
			r.golomb()
		}
	}
	r.golomb()
	r.skip(1)
	w := (r.golomb() + 1) * 16
	h := (r.golomb() + 1) * 16
	frameOnly := r.read(1)
	if frameOnly == 0 {
		h *= 2
		r.skip(1)
	}
	r.skip(1)
	if r.read(1) != 0 { // cropping
		x, y := uint64(2), 2*(2-frameOnly)
		if chroma == 0 || chroma == 3 {
			x, y = 1, 2-frameOnly
		}
		left, right, top, bottom := r.golomb(), r.golomb(), r.golomb(), r.golomb()
		w, h = w-x*(left+right), h-y*(top+bottom)
	}
	if r.bad || w == 0 || h == 0 || w > 16384 || h > 16384 {
		return 0, 0
	}
	return int(w), int(h)
}

// unescape takes out the emulation prevention bytes, section 7.4.1.
func unescape(b []byte) []byte {
	var out []byte
	zeros := 0
	for _, c := range b {
		if zeros >= 2 && c == 3 {
			zeros = 0
			continue
		}
		zeros++
		if c != 0 {
			zeros = 0
		}
		out = append(out, c)
	}
	return out
}

// bits reads big-endian bit fields. Reads past the end give zero and set bad.
type bits struct {
	b   []byte
	at  int
	bad bool
}

func (r *bits) read(n int) (v uint64) {
	for range n {
		v <<= 1
		if r.at>>3 >= len(r.b) {
			r.bad = true
			continue
		}
		v |= uint64(r.b[r.at>>3] >> (7 - r.at&7) & 1)
		r.at++
	}
	return v
}

func (r *bits) skip(n int) { r.read(n) }

// golomb reads an unsigned Exp-Golomb code, Rec. ITU-T H.264 section 9.1. A
// signed one takes the same bits.
func (r *bits) golomb() uint64 {
	zeros := 0
	for r.read(1) == 0 {
		if zeros++; zeros > 31 || r.bad {
			r.bad = true
			return 0
		}
	}
	return 1<<zeros - 1 + r.read(zeros)
}
