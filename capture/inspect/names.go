package inspect

import (
	"fmt"
	"io"

	"inkwitness/capture"
	"inkwitness/capture/media"
)

// Names of a recording's files.
const (
	PenName      = "strokes.ink" // the pen stream
	TableName    = "strokes.csv" // its points as a table
	SelfieName   = "selfie.webm" // the first part of the video; see VideoName
	TimelineName = "timeline.json"
	FactsName    = "capture.json"
)

// StreamName is the name of a stream's file.
func StreamName(s capture.Stream) string {
	if s == capture.StreamPen {
		return PenName
	}
	return s.String() + ".stream"
}

// VideoName is selfie.webm for the first part, then selfie-2.webm; H.264 goes
// into Matroska.
func VideoName(part int, codec media.Codec) string {
	name, extension := "selfie", ".webm"
	if part > 0 {
		name = fmt.Sprintf("selfie-%d", part+1)
	}
	if codec == media.H264 {
		extension = ".mkv"
	}
	return name + extension
}

// WriteTable writes the points with a unit in each column's name.
func WriteTable(w io.Writer, points []capture.Point) error {
	if _, err := fmt.Fprintln(w, "time_us,x_css_px_100,y_css_px_100,pressure_65535,tilt_x_deg_100,tilt_y_deg_100,twist_deg_100,down,stroke_start"); err != nil {
		return err
	}
	for _, p := range points {
		if _, err := fmt.Fprintf(w, "%d,%d,%d,%d,%d,%d,%d,%d,%d\n", p.Time, p.X, p.Y, p.Pressure, p.TiltX, p.TiltY, p.Twist, bit(p.Down), bit(p.Start)); err != nil {
			return err
		}
	}
	return nil
}

func bit(b bool) int {
	if b {
		return 1
	}
	return 0
}
