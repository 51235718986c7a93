// Package footage tells facts about a recording's video and sound: how many
// pictures a second there really are, what is missing, how bright it is, how
// long nothing moved, in how many stills a face is seen, and whether the
// pictures seem to repeat, as those of a virtual camera that plays a clip do.
//
// A fact is a figure. What looks wrong becomes a
// capture.Reason with its figure and
// limit, and its verdict is always "undecided": nothing here can show that a
// recording is genuine, and nothing here says so.
package footage

import (
	"fmt"
	"image"
	"iter"
	"slices"

	"inkwitness/capture"
	"inkwitness/capture/media"
)

// FaceFinder looks for a face in a still. Package face of biometrics has one.
type FaceFinder interface {
	// Visible tells whether a face can be seen in the picture. An error means
	// that the picture could not be looked at; it does not count.
	Visible(picture image.Image) (bool, error)
}

// Input is a recording.
type Input struct {
	Video func() iter.Seq2[media.Record, error] // nil where there is none
	Audio func() iter.Seq2[media.Record, error] // nil where there is none
	Time  func(media.Frame) int64               // µs on any clock, from the timeline
	Faces FaceFinder                            // nil: not available
}

// Facts is what is known of a recording. A pointer that is nil means: not
// available.
type Facts struct {
	Video   *Video           `json:"video"`
	Audio   *Audio           `json:"audio"`
	Reasons []capture.Reason `json:"reasons"`
}

// Video is the facts of the pictures.
type Video struct {
	Codec               string  `json:"codec"`
	Frames              int     `json:"frames"`
	Keyframes           int     `json:"keyframes"`
	DurationMicros      int64   `json:"durationMicros"` // first to last frame
	FrameRateHz         float64 `json:"frameRateHz"`    // real, over the whole recording
	FrameIntervalMicros int64   `json:"frameIntervalMicros"`
	LongestGapMicros    int64   `json:"longestGapMicros"` // between two frames
	FramesMissing       int     `json:"framesMissing"`    // by the gaps, counted in frame intervals
	FramesDropped       uint64  `json:"framesDropped"`    // given up by the receiver
	PacketsLost         uint64  `json:"packetsLost"`
	LongestStillMicros  int64   `json:"longestStillMicros"` // that hardly anything changed in the picture

	Brightness *Brightness `json:"brightness"` // of VP8 stills
	Face       *Face       `json:"face"`
	Repeat     *Repeat     `json:"repeat"`
}

// Brightness is the luma of the stills, 0 black to 255 white.
type Brightness struct {
	Stills      int     `json:"stills"`
	Mean        float64 `json:"mean"`
	Darkest     float64 `json:"darkestStill"`
	Brightest   float64 `json:"brightestStill"`
	BlackShare  float64 `json:"blackShare"`  // of pixels at or below 20
	GlareShare  float64 `json:"glareShare"`  // of pixels at or above 235
	DetailShare float64 `json:"detailShare"` // of neighbouring pixels that differ by more than 8: 0 is a blank wall
}

// Face is in how many stills a face was seen.
type Face struct {
	Stills  int     `json:"stills"`
	Visible int     `json:"visible"`
	Share   float64 `json:"share"`
}

// Audio is the facts of the sound.
type Audio struct {
	Codec            string  `json:"codec"`
	Packets          int     `json:"packets"`
	DurationMicros   int64   `json:"durationMicros"`
	LongestGapMicros int64   `json:"longestGapMicros"`
	PacketsLost      uint64  `json:"packetsLost"`
	MeanBytes        float64 `json:"meanBytes"` // a muted microphone codes to a few bytes
}

// The codes of reasons.
const (
	CodeSlow    = "few-frames"
	CodeGap     = "video-gap"
	CodeMissing = "frames-missing"
	CodeStill   = "nothing-moves"
	CodeDark    = "too-dark"
	CodeBright  = "too-bright"
	CodeFace    = "face-not-visible"
	CodeRepeat  = "video-repeats"
	CodeSound   = "sound-gap"
)

// Measure reads a recording once and tells its facts.
func Measure(in Input) (Facts, error) {
	f := Facts{Reasons: []capture.Reason{}}
	if in.Video != nil {
		v, err := measureVideo(in)
		if err != nil {
			return Facts{}, fmt.Errorf("read the video: %w", err)
		}
		f.Video = v
	}
	if in.Audio != nil {
		a, err := measureAudio(in)
		if err != nil {
			return Facts{}, fmt.Errorf("read the sound: %w", err)
		}
		f.Audio = a
	}
	f.Reasons = append(f.Reasons, f.judge()...)
	return f, nil
}

// pulse is what is kept of each frame.
type pulse struct {
	time int64 // µs
	size int
	key  bool
}

func measureVideo(in Input) (*Video, error) {
	v := &Video{}
	var pulses []pulse
	var stills stills
	for rec, err := range in.Video() {
		if err != nil {
			return nil, err
		}
		switch rec := rec.(type) {
		case media.TrackStart:
			v.Codec, stills.codec = rec.Codec.String(), rec.Codec
		case media.TrackEnd:
			v.FramesDropped += rec.Dropped
			v.PacketsLost += rec.Lost
		case media.Frame:
			at := in.Time(rec)
			pulses = append(pulses, pulse{time: at, size: len(rec.Data), key: rec.Key})
			if rec.Key {
				v.Keyframes++
				stills.add(at, rec.Data, in.Faces)
			}
		}
	}
	if len(pulses) == 0 {
		return nil, nil
	}
	v.Frames = len(pulses)
	v.intervals(pulses)
	v.LongestStillMicros = max(longestQuiet(pulses), stills.longestStill)
	v.Brightness, v.Face = stills.brightness(), stills.face()
	v.Repeat = findRepeat(stills.moments)
	return v, nil
}

// intervals fills in what the frames' times tell.
func (v *Video) intervals(pulses []pulse) {
	slices.SortStableFunc(pulses, func(a, b pulse) int { return int(a.time - b.time) })
	v.DurationMicros = pulses[len(pulses)-1].time - pulses[0].time
	var steps []int64
	for i := 1; i < len(pulses); i++ {
		steps = append(steps, pulses[i].time-pulses[i-1].time)
	}
	if len(steps) == 0 || v.DurationMicros == 0 {
		return
	}
	v.FrameRateHz = float64(len(steps)) * 1e6 / float64(v.DurationMicros)
	v.LongestGapMicros = slices.Max(steps)
	sorted := slices.Sorted(slices.Values(steps))
	v.FrameIntervalMicros = max(1, sorted[len(sorted)/2])
	for _, s := range steps {
		// Two intervals are no loss: a camera of 25 pictures a second that is read
		// 30 times a second makes steps of one and of two.
		if n := (s + v.FrameIntervalMicros/2) / v.FrameIntervalMicros; n > 2 {
			v.FramesMissing += int(n - 1)
		}
	}
}

// longestQuiet is the longest run of frames that code next to nothing. Where
// nothing at all changes VP8 spends some tens of bytes on a frame; the noise of
// a real sensor alone costs hundreds.
func longestQuiet(pulses []pulse) (longest int64) {
	const nothing = 64 // bytes
	from := int64(-1)
	for _, p := range pulses {
		switch {
		case p.key:
		case p.size > nothing:
			from = -1
		case from < 0:
			from = p.time
		default:
			longest = max(longest, p.time-from)
		}
	}
	return longest
}

func measureAudio(in Input) (*Audio, error) {
	a := &Audio{}
	var first, last, bytes int64
	for rec, err := range in.Audio() {
		if err != nil {
			return nil, err
		}
		switch rec := rec.(type) {
		case media.TrackStart:
			a.Codec = rec.Codec.String()
		case media.TrackEnd:
			a.PacketsLost += rec.Lost
		case media.Frame:
			at := in.Time(rec)
			if a.Packets == 0 {
				first = at
			} else {
				a.LongestGapMicros = max(a.LongestGapMicros, at-last)
			}
			last = at
			a.Packets++
			bytes += int64(len(rec.Data))
		}
	}
	if a.Packets == 0 {
		return nil, nil
	}
	a.DurationMicros, a.MeanBytes = last-first, float64(bytes)/float64(a.Packets)
	return a, nil
}
