package rtc

import (
	"encoding/binary"

	"inkwitness/capture/media"
)

// av1 follows the RTP Payload Format For AV1, section 4. Frames become temporal
// units of OBUs that carry their size, which is what containers hold.
type av1 struct {
	partial []byte // an OBU whose end is in the next packet
	key     bool   // the frame under way has a sequence header
}

// The OBU types of the AV1 specification section 6.2.2 that matter here.
const (
	obuSequenceHeader    = 1
	obuTemporalDelimiter = 2
	obuTileList          = 8
)

// starts: Z is not set, so no OBU is continued.
func (*av1) starts(p []byte) bool { return len(p) > 0 && p[0]&0x80 == 0 }

func (a *av1) join(frame, p []byte) ([]byte, error) {
	if len(frame) == 0 && len(p) > 0 && p[0]&0x80 == 0 {
		a.partial, a.key = a.partial[:0], false
	}
	if len(p) < 2 || (p[0]&0x80 != 0) != (len(a.partial) > 0) {
		return frame, errPayload
	}
	continued, count := p[0]&0x40 != 0, int(p[0]>>4&3)
	p = p[1:]
	for i := 1; len(p) > 0; i++ {
		size := len(p)
		if count == 0 || i < count { // W: the last of a known count has no length
			n, read := binary.Uvarint(p)
			if read <= 0 || n > uint64(len(p)-read) {
				return frame, errPayload
			}
			size, p = int(n), p[read:]
		}
		a.partial = append(a.partial, p[:size]...)
		if p = p[size:]; len(p) == 0 && continued {
			break
		}
		var err error
		if frame, err = a.appendOBU(frame); err != nil {
			return frame, err
		}
	}
	if len(a.partial) > media.MaxData {
		return frame, errPayload
	}
	return frame, nil
}

// appendOBU adds the OBU in partial to the frame, with its size.
func (a *av1) appendOBU(frame []byte) ([]byte, error) {
	o := a.partial
	a.partial = a.partial[:0]
	if len(o) == 0 {
		return frame, nil
	}
	header := 1 + int(o[0]>>2&1) // one byte more with the extension
	if len(o) < header {
		return frame, errPayload
	}
	body := o[header:]
	if o[0]&0x02 != 0 { // it carries its size already
		n, read := binary.Uvarint(body)
		if read <= 0 || n > uint64(len(body)-read) {
			return frame, errPayload
		}
		body = body[read : read+int(n)]
	}
	switch o[0] >> 3 & 15 {
	case obuTemporalDelimiter, obuTileList:
		return frame, nil
	case obuSequenceHeader:
		a.key = true
	}
	frame = append(frame, o[0]|0x02)
	frame = append(frame, o[1:header]...)
	frame = binary.AppendUvarint(frame, uint64(len(body)))
	return append(frame, body...), nil
}

func (a *av1) complete(frame []byte) (ok, key bool) {
	return len(frame) > 0 && len(a.partial) == 0, a.key
}
