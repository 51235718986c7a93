package webm

import (
	"iter"

	"inkwitness/capture/media"
)

// Tracks resolves what MediaRecorders sent. The chunks of a segment are one
// WebM file with both media, recorded in the video stream; the sources returned
// have a track start and frames in their place, as if they had come over RTP.
// Records of other segments pass as they are. audio may be nil.
//
// A segment whose chunks cannot be read ends there: its bytes are kept in the
// stream, and what came before is good.
func Tracks(video, audio Source) (v, a Source) {
	v = func() iter.Seq2[media.Record, error] { return unchunk(video(), media.Video) }
	a = func() iter.Seq2[media.Record, error] {
		if audio == nil {
			return unchunk(video(), media.Audio)
		}
		return bySegment(audio(), unchunk(video(), media.Audio))
	}
	return v, a
}

// unchunk yields the records of one track: with chunks turned into frames, and
// for the audio track without the video stream's own records.
func unchunk(records iter.Seq2[media.Record, error], want media.Track) iter.Seq2[media.Record, error] {
	return func(yield func(media.Record, error) bool) {
		var r *reader
		pass, broken, stopped := want == media.Video, false, false
		emit := func(rec media.Record, err error) bool {
			if !stopped {
				stopped = !yield(rec, err) || err != nil
			}
			return !stopped
		}
		for rec, err := range records {
			switch c := rec.(type) {
			case media.Segment:
				r, broken = &reader{}, false
				pass = want == media.Video || c.Reason == media.Fallback
			case media.Chunk:
				if r != nil && !broken {
					r.bind(c, want, func(rec media.Record) { emit(rec, nil) })
					broken = r.feed(c.Data) != nil
				}
				if stopped {
					return
				}
				continue
			}
			if (pass || err != nil) && !emit(rec, err) {
				return
			}
		}
	}
}

// bind makes the reader's findings records of the chunk's segment.
func (r *reader) bind(c media.Chunk, want media.Track, emit func(media.Record)) {
	r.track = func(t trackHeader) {
		if t.kind() == want {
			emit(media.TrackStart{
				Segment: c.Segment, Track: want, Codec: t.codec, ClockRate: t.rate, Channels: t.channels, Arrival: c.Arrival,
			})
		}
	}
	r.frame = func(t trackHeader, at int64, key bool, data []byte) {
		if t.kind() == want {
			emit(media.Frame{
				Segment: c.Segment, Track: want, Key: key || want == media.Audio, RTP: at, Arrival: c.Arrival, Data: data,
			})
		}
	}
}

// bySegment merges two sequences whose segments rise.
func bySegment(a, b iter.Seq2[media.Record, error]) iter.Seq2[media.Record, error] {
	return func(yield func(media.Record, error) bool) {
		nextB, stop := iter.Pull2(b)
		defer stop()
		rb, errB, okB := nextB()
		flush := func(before uint32, all bool) bool {
			for okB && (all || errB != nil || segmentOf(rb) < before) {
				if !yield(rb, errB) || errB != nil {
					return false
				}
				rb, errB, okB = nextB()
			}
			return true
		}
		for ra, err := range a {
			if err == nil && !flush(segmentOf(ra), false) {
				return
			}
			if !yield(ra, err) || err != nil {
				return
			}
		}
		flush(0, true)
	}
}

func segmentOf(r media.Record) uint32 {
	switch r := r.(type) {
	case media.Segment:
		return r.Number
	case media.TrackStart:
		return r.Segment
	case media.Frame:
		return r.Segment
	case media.SenderReport:
		return r.Segment
	case media.TrackEnd:
		return r.Segment
	case media.Chunk:
		return r.Segment
	}
	return 0
}
