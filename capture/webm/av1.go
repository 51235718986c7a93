package webm

import "encoding/binary"

// av1Header is what matters of a sequence header OBU, AV1 specification section
// 5.5.
type av1Header struct {
	obu           []byte // with its header and size
	profile       uint64
	level         uint64
	tier          uint64
	width, height int
	color         byte // the third byte of av1C
}

// av1Sequence finds and reads the sequence header of a temporal unit.
func av1Sequence(frame []byte) av1Header {
	for len(frame) > 1 {
		header := 1 + int(frame[0]>>2&1)
		if frame[0]&2 == 0 || len(frame) < header {
			return av1Header{}
		}
		n, read := binary.Uvarint(frame[header:])
		if read <= 0 || n > uint64(len(frame)-header-read) {
			return av1Header{}
		}
		end := header + read + int(n)
		if frame[0]>>3&15 == 1 {
			h := parseSequence(frame[header+read : end])
			h.obu = frame[:end]
			return h
		}
		frame = frame[end:]
	}
	return av1Header{}
}

func parseSequence(b []byte) (h av1Header) {
	r := bits{b: b}
	h.profile = r.read(3)
	r.skip(1)
	reduced := r.read(1) == 1
	if reduced {
		h.level = r.read(5)
	} else if !h.operatingPoints(&r) {
		return av1Header{}
	}
	wBits, hBits := int(r.read(4))+1, int(r.read(4))+1
	h.width, h.height = int(r.read(wBits))+1, int(r.read(hBits))+1
	if !reduced && r.read(1) == 1 { // frame_id_numbers_present_flag
		r.skip(7)
	}
	r.skip(3) // use_128x128_superblock, enable_filter_intra, enable_intra_edge_filter
	if !reduced {
		skipTools(&r)
	}
	r.skip(3) // enable_superres, enable_cdef, enable_restoration
	h.readColor(&r)
	if r.bad {
		return av1Header{}
	}
	return h
}

// operatingPoints reads the fields before the frame size. Timing information is
// something that WebRTC senders leave out; with it false is returned.
func (h *av1Header) operatingPoints(r *bits) bool {
	if r.read(1) == 1 { // timing_info_present_flag
		return false
	}
	delays := r.read(1) == 1 // initial_display_delay_present_flag
	count := int(r.read(5)) + 1
	for i := range count {
		r.skip(12)
		level, tier := r.read(5), uint64(0)
		if level > 7 {
			tier = r.read(1)
		}
		if delays && r.read(1) == 1 {
			r.skip(4)
		}
		if i == 0 {
			h.level, h.tier = level, tier
		}
	}
	return true
}

// skipTools passes over the coding tools' switches.
func skipTools(r *bits) {
	r.skip(4) // interintra, masked, warped motion, dual filter
	if r.read(1) == 1 {
		r.skip(2) // enable_order_hint: jnt_comp, ref_frame_mvs
		defer r.skip(3)
	}
	screen := uint64(2)
	if r.read(1) == 0 {
		screen = r.read(1)
	}
	if screen > 0 && r.read(1) == 0 {
		r.skip(1)
	}
}

// readColor reads color_config into av1C's form: tier, bit depth, monochrome,
// subsampling.
func (h *av1Header) readColor(r *bits) {
	high := r.read(1)
	twelve := uint64(0)
	if h.profile == 2 && high == 1 {
		twelve = r.read(1)
	}
	mono := uint64(0)
	if h.profile != 1 {
		mono = r.read(1)
	}
	sx, sy := uint64(1), uint64(1)
	switch h.profile {
	case 1:
		sx, sy = 0, 0
	case 2:
		sy = 0
	}
	h.color = byte(h.tier<<7 | high<<6 | twelve<<5 | mono<<4 | sx<<3 | sy<<2)
}

// av1Config is the AV1CodecConfigurationRecord of the AV1 ISOBMFF binding
// section 2.3.3, which Matroska takes over.
func av1Config(frame []byte) []byte {
	h := av1Sequence(frame)
	if h.obu == nil || h.width == 0 {
		return nil
	}
	return append([]byte{0x81, byte(h.profile<<5 | h.level), h.color, 0}, h.obu...)
}
