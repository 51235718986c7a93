package webm

import (
	"fmt"
	"iter"
	"slices"

	"inkwitness/capture/media"
)

// block is one frame on its way into the file.
type block struct {
	codec media.Codec
	start media.TrackStart
	frame media.Frame
	time  int64 // ms from the beginning of the file
}

// blocks yields the frames of both tracks in the order of their time. Data is
// lent until the next step.
func blocks(cfg Config) iter.Seq2[block, error] {
	return func(yield func(block, error) bool) {
		video := pull(track(cfg, cfg.Video, media.Video))
		defer video.stop()
		audio := pull(track(cfg, cfg.Audio, media.Audio))
		defer audio.stop()
		for {
			from := video
			if !video.ok || audio.ok && video.err == nil && audio.block.time < video.block.time {
				from = audio
			}
			if !from.ok {
				return
			}
			if !yield(from.block, from.err) || from.err != nil {
				return
			}
			from.advance()
		}
	}
}

// head is the front of one track.
type head struct {
	block block
	err   error
	ok    bool
	next  func() (block, error, bool)
	stop  func()
}

func pull(seq iter.Seq2[block, error]) *head {
	h := &head{}
	h.next, h.stop = iter.Pull2(seq)
	h.advance()
	return h
}

func (h *head) advance() { h.block, h.err, h.ok = h.next() }

// track yields one track's frames with rising times. Frames that no track
// start announces are an error; so is another codec than the first.
func track(cfg Config, source Source, kind media.Track) iter.Seq2[block, error] {
	return func(yield func(block, error) bool) {
		if source == nil {
			return
		}
		b := block{time: -1}
		for r, err := range source() {
			if err != nil {
				yield(b, err)
				return
			}
			switch r := r.(type) {
			case media.TrackStart:
				if r.Track != kind || !wanted(cfg, r.Segment) {
					continue
				}
				if b.codec != 0 && r.Codec != b.codec {
					yield(b, fmt.Errorf("segment %d is %v after %v: %w", r.Segment, r.Codec, b.codec, ErrCodecChange))
					return
				}
				b.codec, b.start = r.Codec, r
			case media.Frame:
				if r.Track != kind || !wanted(cfg, r.Segment) || len(r.Data) == 0 {
					continue
				}
				if b.codec == 0 {
					yield(b, malformed("a frame before its track's start"))
					return
				}
				b.frame = r
				b.time = max(b.time+1, (cfg.Time(r)+500)/1000)
				if !yield(b, nil) {
					return
				}
			}
		}
	}
}

func wanted(cfg Config, segment uint32) bool {
	return cfg.Segments == nil || slices.Contains(cfg.Segments, segment)
}
