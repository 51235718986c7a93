package corpus

import (
	"bytes"
	"fmt"
	"math"
	"strconv"

	"inkwitness/biometrics"
	"inkwitness/capture"
)

// rows reads the numbers of a text file, line by line, whatever ends its lines.
// Lines that are not numbers are headings before the first point (three numbers
// or more) and an error after it. A mark of the byte order before and the filling
// of old systems after the text (control-Z, zeros) do not count.
func rows(data []byte) ([][]float64, error) {
	var out [][]float64
	data = bytes.TrimRight(bytes.TrimPrefix(data, []byte("\ufeff")), "\x00\x1a \t\r\n")
	if !bytes.Contains(data, []byte("\n")) {
		data = bytes.ReplaceAll(data, []byte("\r"), []byte("\n"))
	}
	for line := range bytes.Lines(data) {
		fields := bytes.FieldsFunc(line, separator)
		if len(fields) == 0 {
			continue
		}
		row := make([]float64, 0, len(fields))
		for _, f := range fields {
			v, err := strconv.ParseFloat(string(f), 64)
			if err != nil || math.IsNaN(v) || math.Abs(v) > 1e15 {
				row = nil
				break
			}
			row = append(row, v)
		}
		if row == nil {
			if len(out) == 0 || len(out[len(out)-1]) < 3 {
				out = nil
				continue
			}
			return nil, fmt.Errorf("line %d is not numbers: %w", len(out)+1, biometrics.ErrMalformed)
		}
		if out = append(out, row); len(out) > maxPoints {
			return nil, fmt.Errorf("more than %d points: %w", maxPoints, biometrics.ErrLimit)
		}
	}
	return out, nil
}

func separator(r rune) bool {
	return r == ' ' || r == '\t' || r == '\r' || r == '\n' || r == ',' || r == ';'
}

// body drops a leading row with only a count, and checks the width of the rest.
func body(all [][]float64, width int) ([][]float64, error) {
	if len(all) > 0 && len(all[0]) < width {
		all = all[1:]
	}
	if len(all) == 0 {
		return nil, fmt.Errorf("no points: %w", biometrics.ErrMalformed)
	}
	for i, r := range all {
		if len(r) < width {
			return nil, fmt.Errorf("point %d has %d of %d numbers: %w", i+1, len(r), width, biometrics.ErrMalformed)
		}
	}
	return all, nil
}

func coordinate(v float64) int32 {
	return int32(math.Round(math.Max(math.MinInt32/2, math.Min(math.MaxInt32/2, v))))
}

func pressure(v, full float64) uint16 {
	return uint16(math.Round(math.Max(0, math.Min(1, v/full)) * capture.MaxPressure))
}

// tilt turns azimuth and altitude (tenths of a degree) into the angles of W3C
// Pointer Events, section 4.1: projections on the planes of x and y.
func tilt(azimuth, altitude float64) (int16, int16) {
	az, al := azimuth/10*math.Pi/180, altitude/10*math.Pi/180
	if al <= 0 || al >= math.Pi/2 {
		return 0, 0
	}
	deg := func(a float64) int16 { return int16(math.Round(a * 180 / math.Pi * 100)) }
	return deg(math.Atan(math.Cos(az) / math.Tan(al))), deg(math.Atan(math.Sin(az) / math.Tan(al)))
}

// readSVC reads X Y T BUTTON, or X Y T BUTTON AZIMUTH ALTITUDE PRESSURE. Y
// grows upwards and is turned. Bit 0 of BUTTON is clear on the first point of
// each stroke; there are no points in the air, so a stroke also starts after a
// gap of more than 25 ms.
func readSVC(data []byte, width int) (capture.Signature, bool, error) {
	all, err := rows(data)
	if err != nil {
		return capture.Signature{}, false, err
	}
	widest := 0
	for _, r := range all {
		widest = max(widest, len(r))
	}
	if widest == 0 {
		return capture.Signature{}, false, fmt.Errorf("no points: %w", biometrics.ErrMalformed)
	}
	if widest != width {
		return capture.Signature{}, false, nil // the other task
	}
	all, err = body(all, width)
	if err != nil {
		return capture.Signature{}, false, err
	}
	s := capture.Signature{Device: capture.Device{Pointer: capture.Pen, UnitsPerMM: 100, SampleRate: 100, HasTime: true}}
	if width == 7 {
		s.Device.HasPressure, s.Device.HasTilt, s.Device.PressureLevels = true, true, 1024
	}
	for i, r := range all {
		p := capture.Point{X: coordinate(r[0]), Y: coordinate(-r[1]), Time: int64(r[2]-all[0][2]) * 1000, Down: true}
		p.Start = i == 0 || int64(r[3])&1 == 0 || r[2]-all[i-1][2] > 25
		if width == 7 {
			p.Pressure = pressure(r[6], 1023)
			p.TiltX, p.TiltY = tilt(r[4], r[5])
		}
		s.Points = append(s.Points, p)
	}
	return s, true, nil
}

// readHWR reads X Y PRESSURE AZIMUTH ALTITUDE at 200 Hz without times. Y grows
// upwards and is turned. Pressure of 0 and less is the pen in the air; a row
// with x, y and azimuth 0 is the pen out of range and dropped, its time is not.
func readHWR(data []byte) (capture.Signature, bool, error) {
	all, err := rows(data)
	if err != nil {
		return capture.Signature{}, false, err
	}
	if all, err = body(all, 5); err != nil {
		return capture.Signature{}, false, err
	}
	s := capture.Signature{Device: capture.Device{
		Pointer: capture.Pen, UnitsPerMM: 100, SampleRate: 200, PressureLevels: 1024, HasPressure: true, HasTilt: true, HasInAir: true,
	}}
	for i, r := range all {
		if r[0] == 0 && r[1] == 0 && r[3] == 0 {
			continue
		}
		p := capture.Point{X: coordinate(r[0]), Y: coordinate(-r[1]), Time: int64(i) * 5000, Down: r[2] > 0, Pressure: pressure(r[2], 1023)}
		p.TiltX, p.TiltY = tilt(r[3], r[4])
		s.Points = append(s.Points, p)
	}
	return finish(s)
}

// finish drops the air before the first and after the last stroke, marks where
// strokes start, and moves time 0 to the first point.
func finish(s capture.Signature) (capture.Signature, bool, error) {
	from, to := 0, len(s.Points)
	for from < to && !s.Points[from].Down {
		from++
	}
	for to > from && !s.Points[to-1].Down {
		to--
	}
	s.Points = s.Points[from:to]
	if len(s.Points) == 0 {
		return s, false, fmt.Errorf("no point on the surface: %w", biometrics.ErrMalformed)
	}
	t0 := s.Points[0].Time
	for i := range s.Points {
		p := &s.Points[i]
		p.Time -= t0
		p.Start = p.Start || p.Down && (i == 0 || !s.Points[i-1].Down)
	}
	return s, true, nil
}
