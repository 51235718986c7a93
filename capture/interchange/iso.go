package interchange

import (
	"encoding/binary"
	"fmt"
	"io"
	"math"

	"inkwitness/capture"
)

// The full format of ISO/IEC 19794-7:2007, clause 7. A record is
//
//	"SDI\0" | " 10\0" | channels included[2] | channel descriptions | 0x00
//	extended data follows[1] | number of points[3] | points | [length[2] | extended data]
//
// with one bit of "channels included" for each channel, from the highest bit in
// the order of isoChannels. A description is a byte that tells what follows in
// it, then 2 bytes for each of: scaling value, minimum, maximum, mean, standard
// deviation. All integers are big endian; signed ones have 32768 added.
//
// A channel's value is the number in the point divided by the scaling value.
const (
	isoMagic   = "SDI\x00 10\x00"
	isoScaled  = 0x80 // in a description: the scaling value follows
	isoMin     = 0x40
	isoMax     = 0x20
	isoMean    = 0x10
	isoStd     = 0x08
	isoConst   = 0x04   // the channel is constant and left out of the points
	isoStrokes = "IWST" // in front of our extended data: the strokes that no pen-up shows
)

// The channels that matter here, by their place in isoChannels.
const (
	isoX, isoY, isoT, isoDT, isoF, isoS, isoTX, isoTY, isoR = 0, 1, 7, 8, 9, 10, 11, 12, 15
)

// isoChannel is a channel's size and sign. Units, clause 6.2: X, Y, Z in mm, T
// and DT in s, F in N, angles in degrees; without a scaling value they are the
// device's own.
type isoChannel struct {
	signed bool
	size   int
}

var isoChannels = [16]isoChannel{
	{true, 2}, {true, 2}, {false, 2}, // X Y Z
	{true, 2}, {true, 2}, {true, 2}, {true, 2}, // VX VY AX AY
	{false, 2}, {false, 2}, {false, 2}, {false, 1}, // T DT F S
	{true, 2}, {true, 2}, {false, 2}, {false, 2}, {false, 2}, // TX TY Az El R
}

// isoRates are the steps a second that DT may have. All have an exact scaling
// value (1 + fraction/2048) * 2^exponent.
var isoRates = []int64{64000, 32000, 16000, 8000, 4000, 2000, 1000, 500, 250, 125}

// WriteISO writes a signature in the full format of ISO/IEC 19794-7:2007. Y is
// turned to grow upwards. What the format cannot hold is lost:
//
//   - positions are moved so that the middle of the signature is 0, and, where
//     65,535 steps do not reach, divided by the smallest whole number that helps;
//   - times become steps of 1/64000 s, or longer ones if a pause is longer than a
//     second; rounding does not add up. A clock that steps back is an error;
//   - the scale has 12 bits;
//   - Epoch and Device are not part of it. Pressure is in the device's own unit
//     with its range, because no tablet tells newtons.
//
// A stroke that starts without a pen-up before it is noted in the extended data.
func WriteISO(w io.Writer, s capture.Signature) error {
	if len(s.Points) == 0 || len(s.Points) > MaxPoints {
		return malformed("ISO 19794-7: %d points", len(s.Points))
	}
	frame := isoFrame(s.Points)
	dts, rate, err := isoTimes(s.Points)
	if err != nil {
		return err
	}
	angles := s.Device.HasTilt || hasAngles(s.Points)
	b := isoHeader(s.Device.UnitsPerMM/float64(frame.divisor), rate, angles)
	starts := isoStarts(s.Points)
	b = append(b, boolByte(starts != nil), byte(len(s.Points)>>16), byte(len(s.Points)>>8), byte(len(s.Points)))
	for i, p := range s.Points {
		b = binary.BigEndian.AppendUint16(b, uint16(frame.x(p)+1<<15))
		b = binary.BigEndian.AppendUint16(b, uint16(frame.y(p)+1<<15))
		b = binary.BigEndian.AppendUint16(b, uint16(dts[i]))
		b = binary.BigEndian.AppendUint16(b, p.Pressure)
		b = append(b, boolByte(p.Down))
		if angles {
			b = binary.BigEndian.AppendUint16(b, uint16(int32(p.TiltX)+1<<15))
			b = binary.BigEndian.AppendUint16(b, uint16(int32(p.TiltY)+1<<15))
			b = binary.BigEndian.AppendUint16(b, p.Twist)
		}
	}
	if starts != nil {
		b = append(binary.BigEndian.AppendUint16(b, uint16(len(starts))), starts...)
	}
	if _, err := w.Write(b); err != nil {
		return fmt.Errorf("write ISO 19794-7: %w", err)
	}
	return nil
}

func boolByte(v bool) byte {
	if v {
		return 1
	}
	return 0
}

func hasAngles(points []capture.Point) bool {
	for _, p := range points {
		if p.TiltX != 0 || p.TiltY != 0 || p.Twist != 0 {
			return true
		}
	}
	return false
}

// isoHeader describes the channels X, Y, DT, F, S and perhaps TX, TY, R.
func isoHeader(perMM float64, rate int64, angles bool) []byte {
	channels := []int{isoX, isoY, isoDT, isoF, isoS}
	if angles {
		channels = append(channels, isoTX, isoTY, isoR)
	}
	included := 0
	for _, c := range channels {
		included |= 1 << (15 - c)
	}
	b := binary.BigEndian.AppendUint16([]byte(isoMagic), uint16(included))
	for _, c := range channels {
		scale := 0.0
		switch c {
		case isoX, isoY:
			scale = perMM
		case isoDT:
			scale = float64(rate)
		case isoTX, isoTY, isoR:
			scale = 100
		}
		value, ok := isoScale(scale)
		switch {
		case c == isoF: // its range instead of a scale
			b = append(b, isoMin|isoMax, 0, 0, 0xff, 0xff)
		case ok:
			b = binary.BigEndian.AppendUint16(append(b, isoScaled), value)
		default:
			b = append(b, 0)
		}
	}
	return append(b, 0)
}

// isoScale codes a scaling value in 5 bits of exponent and 11 of fraction. false
// means that there is none, or that it does not fit.
func isoScale(v float64) (uint16, bool) {
	if !(v >= 1.0/65536) || v > 65504 {
		return 0, false
	}
	fraction, exponent := math.Frexp(v) // v = fraction * 2^exponent, 0.5 <= fraction < 1
	f := math.Round((fraction*2 - 1) * 2048)
	if f == 2048 {
		f, exponent = 0, exponent+1
	}
	return uint16(exponent-1+16)<<11 | uint16(f), true
}

func isoUnscale(v uint16) float64 {
	return math.Ldexp(1+float64(v&0x7ff)/2048, int(v>>11)-16)
}

// frame moves positions to where 16 bits hold them.
type frame struct{ midX, midY, divisor int64 }

func isoFrame(points []capture.Point) frame {
	lowX, highX, lowY, highY := int64(points[0].X), int64(points[0].X), int64(points[0].Y), int64(points[0].Y)
	for _, p := range points {
		lowX, highX = min(lowX, int64(p.X)), max(highX, int64(p.X))
		lowY, highY = min(lowY, int64(p.Y)), max(highY, int64(p.Y))
	}
	span := max(highX-lowX, highY-lowY)
	return frame{lowX + (highX-lowX)/2, lowY + (highY-lowY)/2, span/65534 + 1}
}

func (f frame) x(p capture.Point) int32 { return f.step(int64(p.X) - f.midX) }
func (f frame) y(p capture.Point) int32 { return f.step(f.midY - int64(p.Y)) }

// step divides and rounds half away from zero.
func (f frame) step(v int64) int32 {
	if v < 0 {
		return -f.step(-v)
	}
	return int32((v + f.divisor/2) / f.divisor)
}

// isoTimes returns the steps between points at the finest rate that holds the
// longest pause.
func isoTimes(points []capture.Point) ([]int64, int64, error) {
	for _, rate := range isoRates {
		dts, err := isoSteps(points, rate)
		if dts != nil || err != nil {
			return dts, rate, err
		}
	}
	return nil, 0, malformed("ISO 19794-7: a pause of more than %d s", 65535/isoRates[len(isoRates)-1])
}

// isoSteps returns nil if a pause is too long for the rate.
func isoSteps(points []capture.Point, rate int64) ([]int64, error) {
	dts := make([]int64, len(points))
	start, last := points[0].Time, int64(0)
	for i, p := range points {
		t := p.Time - start
		if t < 0 || t > math.MaxInt64/64000 || (i > 0 && p.Time < points[i-1].Time) {
			return nil, malformed("ISO 19794-7: time steps back at point %d", i)
		}
		at := (t*rate + 500_000) / 1_000_000
		if at-last > math.MaxUint16 {
			return nil, nil
		}
		dts[i], last = at-last, at
	}
	return dts, nil
}

// isoStarts codes the strokes that start right after another as the distances
// between their indices, nil if there are none or too many.
func isoStarts(points []capture.Point) []byte {
	b, last := []byte(isoStrokes), 0
	for i, p := range points {
		if i > 0 && p.Start && points[i-1].Down {
			b = binary.AppendUvarint(b, uint64(i-last))
			last = i
		}
	}
	if last == 0 || len(b) > math.MaxUint16 {
		return nil
	}
	return b
}
