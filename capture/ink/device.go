package ink

import (
	"encoding/binary"

	"inkwitness/capture"
)

// pointers are the pointer types by their number on the wire.
var pointers = [...]capture.PointerType{capture.Unknown, capture.Pen, capture.Touch, capture.Mouse}

// Flags of a DEVICE message. Bits 5 to 7 are zero.
const (
	devicePressure = 1 << iota
	deviceTilt
	deviceTwist
	deviceHover
	deviceCoalesced
	deviceKnown = 1<<iota - 1
)

// AppendDevice appends the DEVICE message for f. It may be sent at any time
// before FINISH; the last one counts.
func AppendDevice(dst []byte, f capture.PenFacts) ([]byte, error) {
	number := -1
	for i, p := range pointers {
		if p == f.Pointer {
			number = i
		}
	}
	if number < 0 || f.PixelRatio > maxInteger || f.Events > maxInteger || f.Samples > maxInteger {
		return nil, malformed("device facts out of range")
	}
	var flags byte
	for i, set := range []bool{f.HasPressure, f.HasTilt, f.HasTwist, f.HasHover, f.HasCoalesced} {
		if set {
			flags |= 1 << i
		}
	}
	dst = append(dst, typeDevice, byte(number), flags)
	dst = binary.AppendUvarint(dst, f.PixelRatio)
	dst = binary.AppendUvarint(dst, f.Events)
	return binary.AppendUvarint(dst, f.Samples), nil
}

// ParseDevice reads a DEVICE message.
func ParseDevice(msg []byte) (capture.PenFacts, error) {
	c := open(msg, typeDevice, "DEVICE")
	number, flags := c.byte("pointer type"), c.byte("flags")
	if int(number) >= len(pointers) || flags&^deviceKnown != 0 {
		c.fail("pointer type %d, flags 0x%02x", number, flags)
		number = 0
	}
	f := capture.PenFacts{
		Pointer:      pointers[number],
		HasPressure:  flags&devicePressure != 0,
		HasTilt:      flags&deviceTilt != 0,
		HasTwist:     flags&deviceTwist != 0,
		HasHover:     flags&deviceHover != 0,
		HasCoalesced: flags&deviceCoalesced != 0,
		PixelRatio:   c.unsigned("pixel ratio"),
		Events:       c.unsigned("events"),
		Samples:      c.unsigned("samples"),
	}
	return f, c.end()
}
