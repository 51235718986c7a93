package interchange

import (
	"bufio"
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"inkwitness/capture"
)

// The CSV file is RFC 4180 with a comment in front. The comment is one line:
// "# " and a JSON object with the device and the epoch. The names of the columns
// have the unit.
var csvColumns = []string{
	"time_us", "x_device_units", "y_device_units_down", "pressure_of_65535",
	"tilt_x_centidegrees", "tilt_y_centidegrees", "twist_centidegrees", "down", "start",
}

// WriteCSV writes all of the signature.
func WriteCSV(w io.Writer, s capture.Signature) error {
	meta := s
	meta.Points = nil
	about, err := json.Marshal(meta)
	if err != nil {
		return fmt.Errorf("write CSV: %w", err)
	}
	out := bufio.NewWriter(w)
	fmt.Fprintf(out, "# %s\r\n", about)
	rows := csv.NewWriter(out)
	rows.UseCRLF = true
	rows.Write(csvColumns)
	for _, p := range s.Points {
		rows.Write(csvRow(p))
	}
	rows.Flush()
	if err := errors.Join(rows.Error(), out.Flush()); err != nil {
		return fmt.Errorf("write CSV: %w", err)
	}
	return nil
}

func csvRow(p capture.Point) []string {
	integer := func(v int64) string { return strconv.FormatInt(v, 10) }
	flag := func(v bool) string {
		if v {
			return "1"
		}
		return "0"
	}
	return []string{
		integer(p.Time), integer(int64(p.X)), integer(int64(p.Y)), integer(int64(p.Pressure)),
		integer(int64(p.TiltX)), integer(int64(p.TiltY)), integer(int64(p.Twist)), flag(p.Down), flag(p.Start),
	}
}

// ReadCSV reads what WriteCSV wrote. The comment may be missing; then nothing
// is known of the device.
func ReadCSV(r io.Reader) (capture.Signature, error) {
	b, err := readAll(r)
	if err != nil {
		return capture.Signature{}, err
	}
	var s capture.Signature
	if about, ok := bytes.CutPrefix(b, []byte("# ")); ok {
		line, rest, _ := bytes.Cut(about, []byte("\n"))
		if err := json.Unmarshal(line, &s); err != nil {
			return capture.Signature{}, malformed("CSV: comment: %w", err)
		}
		s.Points, b = nil, rest
	}
	rows := csv.NewReader(bytes.NewReader(b))
	rows.FieldsPerRecord = len(csvColumns)
	rows.ReuseRecord = true
	head, err := rows.Read()
	if err != nil || strings.Join(head, ",") != strings.Join(csvColumns, ",") {
		return capture.Signature{}, malformed("CSV: the columns are not %s", strings.Join(csvColumns, ","))
	}
	for {
		row, err := rows.Read()
		if err == io.EOF {
			return s, nil
		}
		if err != nil {
			return capture.Signature{}, malformed("CSV: %w", err)
		}
		if len(s.Points) == MaxPoints {
			return capture.Signature{}, tooMany()
		}
		p, err := csvPoint(row)
		if err != nil {
			return capture.Signature{}, malformed("CSV: point %d: %w", len(s.Points), err)
		}
		s.Points = append(s.Points, p)
	}
}

func csvPoint(row []string) (capture.Point, error) {
	var v [9]int64
	bits := [9]int{64, 32, 32, 17, 15, 15, 17, 2, 2} // signed
	for i, text := range row {
		n, err := strconv.ParseInt(text, 10, bits[i])
		if err != nil {
			return capture.Point{}, err
		}
		v[i] = n
	}
	p := capture.Point{
		Time: v[0], X: int32(v[1]), Y: int32(v[2]), Pressure: uint16(v[3]),
		TiltX: int16(v[4]), TiltY: int16(v[5]), Twist: uint16(v[6]), Down: v[7] == 1, Start: v[8] == 1,
	}
	if v[3] < 0 || !angles(v[4], v[5], v[6]) || v[7] < 0 || v[8] < 0 {
		return capture.Point{}, errors.New("a value is out of range")
	}
	return p, nil
}

// angles tells whether tilts and twist are in the ranges of capture.Point.
func angles(tiltX, tiltY, twist int64) bool {
	return tiltX >= -9000 && tiltX <= 9000 && tiltY >= -9000 && tiltY <= 9000 && twist >= 0 && twist < 36000
}
