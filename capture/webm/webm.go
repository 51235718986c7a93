// Package webm makes the file that people play out of the recorded frames:
// WebM, or Matroska where the video is H.264. The frames in the journal are the
// evidence; the file can be made from them at any time, after a crash too, and
// equal frames give equal bytes. It also reads the WebM that a MediaRecorder
// makes, back into frames.
//
// It decodes no picture and knows no clock: where a frame stands in the file is
// the caller's to say (package timeline).
package webm

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"iter"
	"maps"
	"slices"

	"inkwitness/capture"
	"inkwitness/capture/media"
)

// Errors of this package besides capture.ErrMalformed and capture.ErrLimit.
var (
	ErrNoFrames    = errors.New("webm: no frame to write")
	ErrCodecChange = errors.New("webm: the codec changes between segments; write one file for each part")
	ErrChanged     = errors.New("webm: the source gave other records the second time")
)

// Source yields the records of one media stream in order, anew at each call.
type Source func() iter.Seq2[media.Record, error]

// Config says what to write.
type Config struct {
	Video Source // nil where there is none
	Audio Source // nil where there is none

	// Time places a frame in the file, in µs from its beginning. Times that do
	// not rise within a track are pushed up by a millisecond: Chromium can send
	// two frames with one RTP time.
	Time func(media.Frame) int64

	// Segments are those to write, nil for all. See Parts.
	Segments []uint32
}

// Result is what was written.
type Result struct {
	MIME           string `json:"mime"` // with codecs, as for HTMLMediaElement.canPlayType
	DurationMicros int64  `json:"durationMicros"`
	Bytes          int64  `json:"bytes"`
	VideoFrames    int64  `json:"videoFrames"`
	AudioFrames    int64  `json:"audioFrames"`
	Width          int    `json:"widthPixels"` // of the largest picture
	Height         int    `json:"heightPixels"`
}

// Write writes one playable file with duration and an index at its front. It
// reads the sources twice and holds no more than a frame and 32 bytes for each
// two seconds of the recording.
func Write(w io.Writer, cfg Config) (Result, error) {
	p, err := plan(cfg)
	if err != nil {
		return Result{}, err
	}
	out := &output{w: bufio.NewWriterSize(w, 64<<10)}
	out.bytes(p.header())
	for b, err := range blocks(cfg) {
		if err != nil {
			return Result{}, err
		}
		if err := p.write(out, b); err != nil {
			return Result{}, err
		}
	}
	if len(p.left) > 0 || out.err == nil && out.n != p.size() {
		return Result{}, ErrChanged
	}
	if err := out.w.Flush(); out.err == nil {
		out.err = err
	}
	if out.err != nil {
		return Result{}, fmt.Errorf("write the recording: %w", out.err)
	}
	p.result.Bytes = out.n
	return p.result, nil
}

// output counts and keeps the first error.
type output struct {
	w   *bufio.Writer
	n   int64
	err error
}

func (o *output) bytes(b []byte) {
	if o.err == nil {
		_, o.err = o.w.Write(b)
	}
	o.n += int64(len(b))
}

// Part is a run of segments that go into one file.
type Part struct {
	Segments []uint32
	Video    media.Codec // 0 where the part has none
}

// Parts cuts a recording where its video codec changes. A recording with one
// codec has one part, with no video too; one without any frame has none.
func Parts(video, audio Source) ([]Part, error) {
	codecs := make(map[uint32]media.Codec) // of the video of segments with frames
	for _, source := range []Source{video, audio} {
		if source == nil {
			continue
		}
		var start media.TrackStart
		for r, err := range source() {
			if err != nil {
				return nil, err
			}
			switch r := r.(type) {
			case media.TrackStart:
				start = r
			case media.Frame:
				if r.Track == media.Video {
					codecs[r.Segment] = start.Codec
				} else if _, known := codecs[r.Segment]; !known {
					codecs[r.Segment] = 0
				}
			}
		}
	}
	return group(codecs), nil
}

func group(codecs map[uint32]media.Codec) []Part {
	var parts []Part
	for _, s := range slices.Sorted(maps.Keys(codecs)) {
		n := len(parts) - 1
		if n < 0 || codecs[s] != 0 && parts[n].Video != 0 && codecs[s] != parts[n].Video {
			parts = append(parts, Part{})
			n++
		}
		parts[n].Segments = append(parts[n].Segments, s)
		if codecs[s] != 0 {
			parts[n].Video = codecs[s]
		}
	}
	return parts
}

// plan goes through the recording once: tracks, clusters with their sizes, and
// everything else that stands before the first frame.
func plan(cfg Config) (*layout, error) {
	p := &layout{}
	if cfg.Time == nil {
		return nil, fmt.Errorf("webm: Config.Time is required")
	}
	for b, err := range blocks(cfg) {
		if err != nil {
			return nil, err
		}
		if err := p.add(b); err != nil {
			return nil, err
		}
	}
	if len(p.clusters) == 0 {
		return nil, ErrNoFrames
	}
	p.finish()
	return p, nil
}

func malformed(what string) error { return fmt.Errorf("webm: %s: %w", what, capture.ErrMalformed) }
