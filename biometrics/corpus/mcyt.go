package corpus

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math"
	"strings"

	"inkwitness/biometrics"
	"inkwitness/capture"
)

// readMCYT reads the binary files of the distribution, or the text that its
// MATLAB reader is often used to make of them.
func readMCYT(data []byte) (capture.Signature, bool, error) {
	switch {
	case bytes.HasPrefix(data, []byte("FPG ")):
		return readFPG(data)
	case bytes.IndexByte(bytes.TrimRight(data, "\x00"), 0) >= 0: // no text
		return readBareFPG(data)
	}
	return readMCYTText(data)
}

// mcytSample is one row of MCYT, whatever it was written in.
type mcytSample struct{ x, y, pressure, azimuth, altitude float64 }

// mcyt makes a signature of rows at a rate in Hz. Y grows upwards and is turned.
// Pressure 0 is the pen in the air; a quarter and more of the points are.
// Places are in 0.01 mm and start at (0, 0), so that they may be negative.
//
// The angles are in degrees (azimuth 0 to 360, altitude 0 to 90) or, as the
// tablet gives them, in tenths of a degree: no pen is held below 9 degrees, so
// the largest altitude tells.
func mcyt(rows []mcytSample, rate float64, angles bool) (capture.Signature, bool, error) {
	unit, top := 1.0, 0.0
	for _, r := range rows {
		top = max(top, r.altitude)
	}
	if top <= 90 {
		unit = 10
	}
	s := capture.Signature{Device: capture.Device{
		Pointer: capture.Pen, UnitsPerMM: 100, SampleRate: rate, PressureLevels: 1024, HasPressure: true, HasTilt: angles && top > 0, HasInAir: true,
	}}
	for i, r := range rows {
		if sum := r.x + r.y + r.pressure + r.azimuth + r.altitude; math.IsNaN(sum) || math.IsInf(sum, 0) {
			return s, false, fmt.Errorf("point %d has a value that is no number: %w", i+1, biometrics.ErrMalformed)
		}
		p := capture.Point{X: coordinate(r.x), Y: coordinate(-r.y), Time: int64(float64(i) * 1e6 / rate), Down: r.pressure > 0, Pressure: pressure(r.pressure, 1023)}
		if s.Device.HasTilt {
			p.TiltX, p.TiltY = tilt(r.azimuth*unit, r.altitude*unit)
		}
		s.Points = append(s.Points, p)
	}
	return finish(s)
}

// readFPG reads the binary files, all little-endian:
//
//	0 "FPG " | 4 header size u16 | 6 format u16 = 4 | 8 u16 | 10 channels u16 |
//	12 sampling period u32 | 16 bits a value u16 | 22 coefficient u32 |
//	26 values a vector u32 | 30 vectors u32 | 34 normalisation u16 |
//	36 sampling rate u32 (in headers of 48 or 60 bytes)
//
// then, from the header's size on, vectors of x, y, pressure, azimuth,
// altitude. Whatever else a longer header holds is skipped.
func readFPG(data []byte) (capture.Signature, bool, error) {
	bad := func(what string, args ...any) (capture.Signature, bool, error) {
		return capture.Signature{}, false, fmt.Errorf("FPG file: %s: %w", fmt.Sprintf(what, args...), biometrics.ErrMalformed)
	}
	if len(data) < 40 {
		return bad("only %d bytes", len(data))
	}
	le := binary.LittleEndian
	head, kind := int(le.Uint16(data[4:])), le.Uint16(data[6:])
	bits, width, n := int(le.Uint16(data[16:])), int(le.Uint32(data[26:])), int(le.Uint32(data[30:]))
	if kind != 4 {
		return bad("format %d, want 4", kind)
	}
	if head < 36 || width < 3 || width > 16 || n < 1 || n > maxPoints {
		return bad("header of %d bytes, %d vectors of %d values", head, n, width)
	}
	size := map[int]int{8: 1, 16: 2, 32: 4, 64: 8}[bits]
	if size == 0 || head+n*width*size > len(data) {
		return bad("%d vectors of %d values of %d bits do not fit into %d bytes", n, width, bits, len(data))
	}
	rate := 100.0
	if r := float64(le.Uint32(data[36:])); (head == 48 || head == 60) && r >= 20 && r <= 1000 {
		rate = r
	}
	rows := make([]mcytSample, n)
	for i := range rows {
		at := func(j int) float64 { return value(data[head+(i*width+j)*size:], bits) }
		rows[i] = mcytSample{x: at(0), y: at(1), pressure: at(2)}
		if width >= 5 {
			rows[i].azimuth, rows[i].altitude = at(3), at(4)
		}
	}
	return mcyt(rows, rate, width >= 5)
}

// readBareFPG reads copies whose header was cut down to what is needed, as some
// tools write them, little-endian:
//
//	0 header size u16 | 2 bits a value u16 = 32 | 4 vectors u32 | 8 sampling rate u32
//
// then, from the header's size on, vectors of five.
func readBareFPG(data []byte) (capture.Signature, bool, error) {
	bad := fmt.Errorf("binary, but neither FPG nor a cut-down header before vectors of five: %w", biometrics.ErrMalformed)
	if len(data) < 12 {
		return capture.Signature{}, false, bad
	}
	le := binary.LittleEndian
	head, bits, n := int(le.Uint16(data)), int(le.Uint16(data[2:])), int(le.Uint32(data[4:]))
	if head < 8 || head > 512 || bits != 32 || n < 1 || n > maxPoints || head+20*n != len(data) {
		return capture.Signature{}, false, bad
	}
	rate := 100.0
	if r := float64(le.Uint32(data[8:])); head >= 12 && r >= 20 && r <= 1000 {
		rate = r
	}
	rows := make([]mcytSample, n)
	for i := range rows {
		at := func(j int) float64 { return value(data[head+(i*5+j)*4:], bits) }
		rows[i] = mcytSample{at(0), at(1), at(2), at(3), at(4)}
	}
	return mcyt(rows, rate, true)
}

// value reads a value. Those of 16 bits have a sign: places start at 0 and no
// tablet has more than 32,767 steps.
func value(b []byte, bits int) float64 {
	le := binary.LittleEndian
	switch bits {
	case 8:
		return float64(b[0])
	case 16:
		return float64(int16(le.Uint16(b)))
	case 32:
		return float64(math.Float32frombits(le.Uint32(b)))
	}
	return math.Float64frombits(le.Uint64(b))
}

// mcytColumns are the names that a heading may give to columns.
var mcytColumns = map[string]string{
	"x": "x", "y": "y", "p": "p", "z": "p", "pressure": "p", "pres": "p", "pres.": "p", "az": "az", "azimuth": "az", "a1": "az",
	"al": "al", "in": "al", "inn": "al", "altitude": "al", "elevation": "al", "inclination": "al", "a2": "al",
}

// readMCYTText reads text of 100 Hz: with a heading that names the columns, or
// else of x y pressure, or x y pressure azimuth altitude. A count in the first
// line is skipped.
func readMCYTText(data []byte) (capture.Signature, bool, error) {
	all, err := rows(data)
	if err != nil {
		return capture.Signature{}, false, err
	}
	if all, err = body(all, 3); err != nil {
		return capture.Signature{}, false, err
	}
	at := map[string]int{"x": 0, "y": 1, "p": 2, "az": 3, "al": 4}
	if named := heading(data); named != nil {
		at = named
	} else if len(all[0]) != 3 && len(all[0]) != 5 {
		return capture.Signature{}, false, fmt.Errorf("%d columns without a heading: want x y pressure [azimuth altitude], or a first line that names them: %w", len(all[0]), biometrics.ErrMalformed)
	}
	column := func(r []float64, name string) float64 {
		if i, ok := at[name]; ok && i < len(r) {
			return r[i]
		}
		return 0
	}
	out := make([]mcytSample, len(all))
	for i, r := range all {
		if len(r) != len(all[0]) {
			return capture.Signature{}, false, fmt.Errorf("point %d has %d numbers, the first has %d: %w", i+1, len(r), len(all[0]), biometrics.ErrMalformed)
		}
		out[i] = mcytSample{column(r, "x"), column(r, "y"), column(r, "p"), column(r, "az"), column(r, "al")}
	}
	_, hasAzimuth := at["az"]
	return mcyt(out, 100, hasAzimuth && len(all[0]) >= 5)
}

// heading reads the names in the first line, nil where x, y and the pressure
// are not all among them.
func heading(data []byte) map[string]int {
	line, _, _ := bytes.Cut(data, []byte("\n"))
	out := map[string]int{}
	for i, f := range strings.FieldsFunc(strings.ToLower(string(line)), separator) {
		if name, ok := mcytColumns[strings.Trim(f, "\"\ufeff")]; ok {
			out[name] = i
		}
	}
	for _, need := range []string{"x", "y", "p"} {
		if _, ok := out[need]; !ok {
			return nil
		}
	}
	return out
}
