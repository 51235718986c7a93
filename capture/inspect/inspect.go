// Package inspect holds the files of a finished recording against each other:
// whether every stream is of that session and ends in the head that was kept,
// whether table, timeline and video are what the streams give, and whether the
// times can be. It needs nothing but the files, and changes none.
//
// It is what the verifier runs on a deposit's recordings. What it cannot see is
// a recording that was wrong from the start.
package inspect

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io"
	"iter"
	"slices"

	"inkwitness/capture"
	"inkwitness/capture/ink"
	"inkwitness/capture/media"
	"inkwitness/capture/stream"
	"inkwitness/capture/timeline"
	"inkwitness/capture/webm"
)

// Files are the files of a recording. Open returns nil for a name that there is
// not. It may be asked for one file again.
type Files interface {
	Open(name string) io.ReadCloser
}

// Finding is something that does not fit.
type Finding struct {
	File string
	Text string
	// Wrong: the files contradict each other, so one of them is not the
	// recording's. Otherwise the times are such as a network or a page rarely
	// makes: undecided.
	Wrong bool
}

// facts is what is read of capture.json.
type facts struct {
	Session capture.SessionID
	Nonce   string
	Streams map[string]struct {
		Records uint64
		Head    string
	}
	ClockExchanges []capture.ClockExchange
}

// maxJSON bounds the JSON files.
const maxJSON = 16 << 20

// Check holds the files against each other. The error is of reading; what is
// missing or malformed is a finding.
func Check(files Files) ([]Finding, error) {
	c := checker{files: files, streams: map[capture.Stream]bool{}}
	if !c.readJSON(FactsName, &c.facts) {
		return c.found, c.err
	}
	for _, name := range []capture.Stream{capture.StreamPen, capture.StreamVideo, capture.StreamAudio, capture.StreamControl} {
		c.stream(name)
	}
	if c.err == nil && !slices.ContainsFunc(c.found, func(f Finding) bool { return f.Wrong }) {
		c.table()
		c.times()
	}
	return c.found, c.err
}

type checker struct {
	files   Files
	facts   facts
	streams map[capture.Stream]bool // that are there
	points  []capture.Point
	batches []timeline.Batch
	clocks  []capture.ClockExchange
	found   []Finding
	err     error // of reading
}

func (c *checker) wrong(file, format string, args ...any) {
	c.found = append(c.found, Finding{File: file, Text: fmt.Sprintf(format, args...), Wrong: true})
}

func (c *checker) readJSON(name string, into any) bool {
	r := c.files.Open(name)
	if r == nil {
		c.wrong(name, "The recording has no %s.", name)
		return false
	}
	defer r.Close()
	b, err := io.ReadAll(io.LimitReader(r, maxJSON))
	if err != nil {
		c.err = fmt.Errorf("read %s: %w", name, err)
		return false
	}
	if err := json.Unmarshal(b, into); err != nil {
		c.wrong(name, "%s cannot be read: %v.", name, err)
		return false
	}
	return true
}

// stream follows the hash chain of a stream and takes what the times need.
func (c *checker) stream(name capture.Stream) {
	want, listed := c.facts.Streams[name.String()]
	file := StreamName(name)
	in := c.files.Open(file)
	switch {
	case in == nil && listed:
		c.wrong(file, "The %s stream is missing.", name)
		return
	case in == nil:
		return
	}
	defer in.Close()
	r, err := stream.NewReader(in)
	if err != nil {
		c.wrong(file, "The %s stream cannot be read: %v.", name, err)
		return
	}
	if r.Stream != name || r.Session != c.facts.Session || hex.EncodeToString(r.Nonce[:]) != c.facts.Nonce {
		c.wrong(file, "The %s stream is of another session than the recording.", name)
		return
	}
	c.streams[name] = true
	for {
		record, err := r.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err == nil {
			err = c.take(name, record)
		}
		if err != nil {
			c.wrong(file, "The %s stream cannot be read: %v.", name, err)
			return
		}
	}
	head := r.Head()
	if empty := head.Next == 0 && !listed; !empty && (head.Next != want.Records || hex.EncodeToString(head.Hash[:]) != want.Head) {
		c.wrong(file, "The %s stream does not end in the head of its hash chain that %s holds.", name, FactsName)
	}
}

func (c *checker) take(name capture.Stream, r stream.Record) error {
	switch name {
	case capture.StreamPen:
		batch, err := ink.ParseBatch(r.Payload)
		if err != nil {
			return err
		}
		if n := len(batch.Points); n > 0 {
			c.batches = append(c.batches, timeline.Batch{First: batch.Points[0].Time, Last: batch.Points[n-1].Time, Arrived: r.Arrived})
		}
		if c.points = append(c.points, batch.Points...); len(c.points) > stream.MaxPoints {
			return capture.ErrLimit
		}
	case capture.StreamControl:
		var note capture.Control
		if json.Unmarshal(r.Payload, &note) == nil && note.Clock != nil {
			c.clocks = append(c.clocks, *note.Clock)
		}
	}
	return nil
}

// table holds the table of points against the pen stream.
func (c *checker) table() {
	in := c.files.Open(TableName)
	if in == nil {
		c.wrong(TableName, "The recording has no %s.", TableName)
		return
	}
	defer in.Close()
	want := sha256.New()
	if err := WriteTable(want, c.points); err != nil {
		c.err = err
		return
	}
	if !c.same(want, in) {
		c.wrong(TableName, "The table of points is not what the pen stream holds.")
	}
}

func (c *checker) same(want hash.Hash, in io.Reader) bool {
	got := sha256.New()
	if _, err := io.Copy(got, in); err != nil {
		c.err = err
	}
	return bytes.Equal(got.Sum(nil), want.Sum(nil))
}

// times holds timeline and video against the streams.
func (c *checker) times() {
	if !slices.Equal(c.clocks, c.facts.ClockExchanges) {
		c.wrong(FactsName, "The clock exchanges of %s are not those of the control stream.", FactsName)
		return
	}
	var line timeline.Timeline
	if !c.readJSON(TimelineName, &line) {
		return
	}
	var video, audio webm.Source
	if c.streams[capture.StreamAudio] {
		audio = c.source(capture.StreamAudio)
	}
	if c.streams[capture.StreamVideo] {
		video, audio = webm.Tracks(c.source(capture.StreamVideo), audio)
	}
	in := timeline.Input{Exchanges: c.clocks, Pen: c.batches, Video: video, Audio: audio}
	findings, err := timeline.Check(line, in)
	if err != nil {
		c.wrong(StreamName(capture.StreamVideo), "The media cannot be read: %v.", err)
		return
	}
	for _, f := range findings {
		wrong := f.Code == timeline.CodeMapping || f.Code == timeline.CodeMissing
		c.found = append(c.found, Finding{File: TimelineName, Text: sentence(f.Text), Wrong: wrong})
	}
	if video != nil || audio != nil {
		c.pictures(line, video, audio)
	}
}

func sentence(s string) string { return string(bytes.ToUpper([]byte(s[:1]))) + s[1:] + "." }

// pictures makes the video again and compares.
func (c *checker) pictures(line timeline.Timeline, video, audio webm.Source) {
	parts, err := webm.Parts(video, audio)
	if err != nil {
		c.wrong(StreamName(capture.StreamVideo), "The media cannot be read: %v.", err)
		return
	}
	for i, part := range parts {
		name := VideoName(i, part.Video)
		in := c.files.Open(name)
		if in == nil {
			c.wrong(name, "The recording has no %s.", name)
			continue
		}
		want := sha256.New()
		_, err := webm.Write(want, webm.Config{Video: video, Audio: audio, Time: line.FileMicros, Segments: part.Segments})
		if err != nil {
			c.wrong(name, "The video cannot be made of the streams: %v.", err)
		} else if !c.same(want, in) {
			c.wrong(name, "The video is not what the streams hold.")
		}
		in.Close()
	}
}

// source yields the media records of a stream file, anew at each call. Their data
// is lent until the next one, and the hash chain was followed before.
func (c *checker) source(name capture.Stream) webm.Source {
	return func() iter.Seq2[media.Record, error] {
		return func(yield func(media.Record, error) bool) {
			in := c.files.Open(StreamName(name))
			if in == nil {
				yield(nil, capture.ErrNotFound)
				return
			}
			defer in.Close()
			r, err := stream.NewReader(in)
			if err == nil {
				r.SkipChain()
			}
			for err == nil {
				var record stream.Record
				if record, err = r.Next(); err != nil {
					break
				}
				for m, err := range media.Records(record.Payload) {
					if !yield(m, err) || err != nil {
						return
					}
				}
			}
			if !errors.Is(err, io.EOF) {
				yield(nil, err)
			}
		}
	}
}
