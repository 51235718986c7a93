package archive

import (
	"fmt"
	"io"
	"iter"

	"inkwitness/capture"
	"inkwitness/capture/ink"
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

// mediaFiles describes timeline.json and the files to look at. A recording whose
// video codec changes in the middle has a file for each part.
func mediaFiles(rec *record.Recording, clocks []capture.ClockExchange) ([]File, error) {
	video, audio := sources(rec)
	batches, err := penBatches(rec)
	if err != nil {
		return nil, err
	}
	line, err := timeline.Build(timeline.Input{Exchanges: clocks, Pen: batches, Video: video, Audio: audio})
	if err != nil {
		return nil, fmt.Errorf("build the timeline: %w", err)
	}
	files := []File{{Name: TimelineName, ContentType: "application/json", Write: func(w io.Writer) error { return writeJSON(w, line) }}}
	if video == nil && audio == nil {
		return files, nil
	}
	parts, err := webm.Parts(video, audio)
	if err != nil {
		return nil, fmt.Errorf("read the video: %w", err)
	}
	for i, part := range parts {
		files = append(files, File{Name: videoName(i, part.Video), ContentType: "video/webm", Write: func(w io.Writer) error {
			_, err := webm.Write(w, webm.Config{Video: video, Audio: audio, Time: line.FileMicros, Segments: part.Segments})
			return err
		}})
	}
	return files, nil
}

// videoName is selfie.webm for the first part, then selfie-2.webm; H.264 goes
// into Matroska.
func videoName(part int, codec media.Codec) string {
	name, extension := "selfie", ".webm"
	if part > 0 {
		name = fmt.Sprintf("selfie-%d", part+1)
	}
	if codec == media.H264 {
		extension = ".mkv"
	}
	return name + extension
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
