package archive

import (
	"fmt"
	"io"
	"iter"

	"inkwitness/capture"
	"inkwitness/capture/footage"
	"inkwitness/capture/ink"
	"inkwitness/capture/inspect"
	"inkwitness/capture/media"
	"inkwitness/capture/record"
	"inkwitness/capture/timeline"
	"inkwitness/capture/webm"
)

// source yields the media records of a stream, anew at each call; nil where the
// recording has none.
func source(rec *record.Recording, stream capture.Stream) webm.Source {
	if rec.Heads()[stream].Next == 0 {
		return nil
	}
	return func() iter.Seq2[media.Record, error] {
		return func(yield func(media.Record, error) bool) {
			for frame, err := range rec.Frames(stream) {
				if err != nil {
					yield(nil, err)
					return
				}
				for r, err := range media.Records(frame.Payload) {
					if !yield(r, err) || err != nil {
						return
					}
				}
			}
		}
	}
}

// sources are the frames of both media, nil where there are none. What a
// MediaRecorder sent holds both and comes in the video stream.
func sources(rec *record.Recording) (video, audio webm.Source) {
	v, a := source(rec, capture.StreamVideo), source(rec, capture.StreamAudio)
	if v == nil {
		return nil, a
	}
	return webm.Tracks(v, a)
}

// film is the media of a recording on its timeline.
type film struct {
	video, audio webm.Source // nil where there are none
	line         timeline.Timeline
}

func readMedia(rec *record.Recording, clocks []capture.ClockExchange) (film, error) {
	video, audio := sources(rec)
	batches, err := penBatches(rec)
	if err != nil {
		return film{}, err
	}
	line, err := timeline.Build(timeline.Input{Exchanges: clocks, Pen: batches, Video: video, Audio: audio})
	if err != nil {
		return film{}, fmt.Errorf("build the timeline: %w", err)
	}
	return film{video, audio, line}, nil
}

// facts measures pictures and sound.
func (m film) facts(faces footage.FaceFinder) (footage.Facts, error) {
	f, err := footage.Measure(footage.Input{Video: m.video, Audio: m.audio, Time: m.line.FileMicros, Faces: faces})
	if err != nil {
		return footage.Facts{}, fmt.Errorf("measure the video: %w", err)
	}
	return f, nil
}

// files describes timeline.json and the files to look at. A recording whose
// video codec changes in the middle has a file for each part.
func (m film) files() ([]File, error) {
	files := []File{{Name: inspect.TimelineName, ContentType: "application/json", Write: func(w io.Writer) error { return writeJSON(w, m.line) }}}
	if m.video == nil && m.audio == nil {
		return files, nil
	}
	parts, err := webm.Parts(m.video, m.audio)
	if err != nil {
		return nil, fmt.Errorf("read the video: %w", err)
	}
	for i, part := range parts {
		files = append(files, File{Name: inspect.VideoName(i, part.Video), ContentType: "video/webm", Write: func(w io.Writer) error {
			_, err := webm.Write(w, webm.Config{Video: m.video, Audio: m.audio, Time: m.line.FileMicros, Segments: part.Segments})
			return err
		}})
	}
	return files, nil
}

// penBatches tells when each message of sample points was made and came.
func penBatches(rec *record.Recording) ([]timeline.Batch, error) {
	var batches []timeline.Batch
	for frame, err := range rec.Frames(capture.StreamPen) {
		if err != nil {
			return nil, fmt.Errorf("read the pen stream: %w", err)
		}
		batch, err := ink.ParseBatch(frame.Payload)
		if err != nil {
			return nil, fmt.Errorf("read the pen stream: %w", err)
		}
		if n := len(batch.Points); n > 0 {
			batches = append(batches, timeline.Batch{First: batch.Points[0].Time, Last: batch.Points[n-1].Time, Arrived: frame.Arrived})
		}
	}
	return batches, nil
}
