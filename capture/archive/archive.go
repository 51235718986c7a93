// Package archive turns a finished recording into the files that a deposit
// keeps: each stream as it was recorded, and what people and other programs can
// read made from it.
//
//	strokes.ink      the pen stream, byte for byte as the page sent and hashed it
//	strokes.csv      the same sample points as a table, with units
//	video.stream     the video's frames with their times, as recorded
//	audio.stream     the same for the sound
//	control.stream   clock exchanges and device facts
//	selfie.webm      video and sound to look at, made from the streams
//	timeline.json    how pen, video and sound lie on one clock, with uncertainties
//	capture.json     session, nonce, heads of the hash chains, device facts
//
// It decides nothing and stores nothing: the caller writes the files where they
// belong. Everything is made from the recording and what Known tells, so that
// making it again after a crash gives the same bytes.
package archive

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"iter"
	"time"

	"inkwitness/capture"
	"inkwitness/capture/footage"
	"inkwitness/capture/ink"
	"inkwitness/capture/inspect"
	"inkwitness/capture/quality"
	"inkwitness/capture/record"
	"inkwitness/capture/stream"
)

// File is one file of an archive. Write may be called more than once.
type File struct {
	Name        string
	ContentType string
	Write       func(io.Writer) error
}

// Archive is a finished recording as files.
type Archive struct {
	Signature capture.Signature
	Device    capture.Device
	Ended     time.Time // UTC, of the last record
	Files     []File

	Reasons []capture.Reason  // all that call for a second look: of pen, video and earlier captures
	Print   *quality.Print    // to find the pen stream again
	CopyOf  capture.SessionID // an earlier capture whose moves were played again, "" if there is none

	// Stills yields a picture a second of the video; nil where there is none.
	Stills func() iter.Seq2[footage.Still, error]
}

// Known is what is known besides the recording.
type Known struct {
	// Earlier are the captures of the same signer to look for replays among;
	// nil: none are looked for, as where the signer refused to be compared.
	Earlier []quality.Earlier
	Faces   footage.FaceFinder // nil: faces are not looked for
}

// Facts is the content of capture.json.
type Facts struct {
	Format  int                     `json:"format"` // 1
	Session capture.SessionID       `json:"session"`
	Nonce   string                  `json:"nonce"` // 32 bytes, lower-case hex
	Epoch   time.Time               `json:"epoch"` // UTC, 0 on the session clock
	Ended   time.Time               `json:"ended"` // UTC, the last record
	Streams map[string]StreamFacts  `json:"streams"`
	Device  capture.Device          `json:"device"`
	Pen     *capture.PenFacts       `json:"pen,omitempty"` // as the page declared it
	Meta    json.RawMessage         `json:"meta,omitempty"`
	Quality quality.Facts           `json:"quality"`        // of the pen stream; reasons say "undecided", never more
	Footage footage.Facts           `json:"footage"`        // of video and sound; the same
	Replays *quality.Replays        `json:"replays"`        // null where none were looked for
	Clocks  []capture.ClockExchange `json:"clockExchanges"` // µs
	Points  int                     `json:"points"`
}

// StreamFacts is one stream's length and chain.
type StreamFacts struct {
	Records uint64 `json:"records"`
	Head    string `json:"head"` // SHA-256, lower-case hex, see capture.FirstHead and Head.After
}

// Make reads a recording and describes its files.
func Make(ctx context.Context, rec *record.Recording, known Known) (Archive, error) {
	points, err := rec.Pen()
	if err != nil {
		return Archive{}, fmt.Errorf("read the pen stream: %w", err)
	}
	facts, err := facts(rec)
	if err != nil {
		return Archive{}, err
	}
	facts.Points = len(points)
	facts.Quality = quality.Measure(points, facts.Pen)
	facts.Device = device(facts.Pen, points)
	a := Archive{
		Signature: capture.Signature{Device: facts.Device, Epoch: facts.Epoch, Points: points},
		Device:    facts.Device,
		Ended:     facts.Ended,
		Print:     quality.NewPrint(points),
	}
	if known.Earlier != nil {
		found, err := quality.Search(ctx, a.Print, known.Earlier)
		if err != nil {
			return Archive{}, fmt.Errorf("look for replays: %w", err)
		}
		facts.Replays = &found
	}
	a.Files = append(a.Files, streamFile(rec, capture.StreamPen, inspect.StreamName(capture.StreamPen)))
	a.Files = append(a.Files, File{Name: inspect.TableName, ContentType: "text/csv; charset=utf-8", Write: func(w io.Writer) error { return inspect.WriteTable(w, points) }})
	for _, name := range []capture.Stream{capture.StreamVideo, capture.StreamAudio, capture.StreamControl} {
		if rec.Heads()[name].Next > 0 {
			a.Files = append(a.Files, streamFile(rec, name, inspect.StreamName(name)))
		}
	}
	media, err := readMedia(rec, facts.Clocks)
	if err != nil {
		return Archive{}, err
	}
	if facts.Footage, err = media.facts(known.Faces); err != nil {
		return Archive{}, err
	}
	if media.video != nil {
		a.Stills = func() iter.Seq2[footage.Still, error] { return footage.Stills(media.video, media.line.FileMicros) }
	}
	files, err := media.files()
	if err != nil {
		return Archive{}, err
	}
	a.Files = append(a.Files, files...)
	a.judge(facts)
	a.Files = append(a.Files, File{Name: inspect.FactsName, ContentType: "application/json", Write: func(w io.Writer) error { return writeJSON(w, facts) }})
	return a, nil
}

// judge gathers the reasons.
func (a *Archive) judge(f Facts) {
	a.Reasons = append(append(a.Reasons, f.Quality.Reasons...), f.Footage.Reasons...)
	if f.Replays == nil {
		return
	}
	for _, r := range f.Replays.Found {
		a.Reasons = append(a.Reasons, r.Reasons...)
		if r.Copy() {
			a.CopyOf = r.Capture
		}
	}
}

// facts collects heads, ends and control records.
func facts(rec *record.Recording) (Facts, error) {
	nonce := rec.Nonce()
	f := Facts{Format: 1, Session: rec.ID(), Nonce: hex.EncodeToString(nonce[:]), Epoch: rec.Epoch().UTC(), Streams: map[string]StreamFacts{}, Clocks: []capture.ClockExchange{}}
	if json.Valid(rec.Meta()) {
		f.Meta = rec.Meta()
	}
	var last int64
	for stream, head := range rec.Heads() {
		if head.Next == 0 {
			continue
		}
		f.Streams[stream.String()] = StreamFacts{Records: head.Next, Head: hex.EncodeToString(head.Hash[:])}
		for frame, err := range rec.Frames(stream) {
			if err != nil {
				return Facts{}, fmt.Errorf("read the %s stream: %w", stream, err)
			}
			last = max(last, frame.Arrived)
			if stream == capture.StreamControl {
				f.control(frame.Payload)
			}
		}
	}
	f.Ended = f.Epoch.Add(time.Duration(last) * time.Microsecond)
	return f, nil
}

// control takes what is known of a control record; other kinds stay in
// control.stream for those who know them.
func (f *Facts) control(payload []byte) {
	var c capture.Control
	if json.Unmarshal(payload, &c) != nil {
		return
	}
	switch {
	case c.Clock != nil:
		f.Clocks = append(f.Clocks, *c.Clock)
	case c.Pen != nil:
		f.Pen = c.Pen
	}
}

// cssPixelsPerMM is the CSS reference pixel: 96 to the inch.
const cssPixelsPerMM = 96 / 25.4

// device combines what the page declared with what the points show.
func device(declared *capture.PenFacts, points []capture.Point) capture.Device {
	d := capture.Device{UnitsPerMM: ink.UnitsPerCSSPixel * cssPixelsPerMM, NominalScale: true, HasTime: true}
	pressures := map[uint16]bool{}
	for _, p := range points {
		if p.Down {
			pressures[p.Pressure] = true
		}
		d.HasTilt = d.HasTilt || p.TiltX != 0 || p.TiltY != 0
		d.HasInAir = d.HasInAir || !p.Down
	}
	if declared != nil {
		d.Pointer = declared.Pointer
	}
	// Browsers report 0.5 for pointers without a sensor (Pointer Events 3,
	// section 4.1), so that one level is no measurement.
	d.HasPressure = len(pressures) > 1
	if d.HasPressure {
		d.PressureLevels = len(pressures)
	}
	return d
}

func streamFile(rec *record.Recording, name capture.Stream, file string) File {
	return File{Name: file, ContentType: "application/octet-stream", Write: func(w io.Writer) error {
		out, err := stream.NewWriter(w, stream.Header{Stream: name, Session: rec.ID(), Nonce: rec.Nonce()})
		if err != nil {
			return err
		}
		for frame, err := range rec.Frames(name) {
			if err != nil {
				return fmt.Errorf("read the %s stream: %w", name, err)
			}
			if err := out.Write(stream.Record{Arrived: frame.Arrived, Payload: frame.Payload}); err != nil {
				return err
			}
		}
		head, err := out.Close()
		if err == nil && head != rec.Heads()[name] {
			return fmt.Errorf("the %s stream changed while it was copied: %w", name, capture.ErrDamaged)
		}
		return err
	}}
}

func writeJSON(w io.Writer, v any) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	return e.Encode(v)
}
