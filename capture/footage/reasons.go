package footage

import (
	"fmt"

	"inkwitness/capture"
)

// The limits of reasons. Those of light are common sense; that of repetition is
// measured, see the README.
const (
	minRate     = 10.0      // Hz
	maxGap      = 2_000_000 // µs
	maxMissing  = 0.10      // share of frames
	maxStill    = 5_000_000 // µs
	minLight    = 40.0      // of 255
	maxLight    = 220.0
	minFace     = 0.80 // share of stills
	minLikeness = 0.35 // of the usual difference
)

// judge makes reasons of the facts.
func (f *Facts) judge() (out []capture.Reason) {
	add := func(code string, wrong bool, figure, limit float64, unit, format string, a ...any) {
		if wrong {
			out = append(out, capture.Reason{Code: code, Verdict: capture.Undecided, Figure: figure, Limit: limit, Unit: unit, Text: fmt.Sprintf(format, a...)})
		}
	}
	if v := f.Video; v != nil {
		add(CodeSlow, v.FrameRateHz < minRate, v.FrameRateHz, minRate, "Hz", "the video has %.1f pictures a second", v.FrameRateHz)
		add(CodeGap, v.LongestGapMicros > maxGap, float64(v.LongestGapMicros), maxGap, "µs",
			"for %.1f s there is no picture", float64(v.LongestGapMicros)/1e6)
		missing := float64(v.FramesMissing) / float64(max(1, v.Frames+v.FramesMissing))
		add(CodeMissing, missing > maxMissing, missing, maxMissing, "share", "%.0f %% of the pictures are missing", 100*missing)
		add(CodeStill, v.LongestStillMicros > maxStill, float64(v.LongestStillMicros), maxStill, "µs",
			"for %.1f s nothing moves in the picture", float64(v.LongestStillMicros)/1e6)
		if b := v.Brightness; b != nil {
			add(CodeDark, b.Mean < minLight, b.Mean, minLight, "of 255", "the picture is dark: %.0f of 255", b.Mean)
			add(CodeBright, b.Mean > maxLight, b.Mean, maxLight, "of 255", "the picture is too bright: %.0f of 255", b.Mean)
		}
		if c := v.Face; c != nil {
			add(CodeFace, c.Share < minFace, c.Share, minFace, "share", "a face is seen in %d of %d stills", c.Visible, c.Stills)
		}
		if r := v.Repeat; r != nil {
			add(CodeRepeat, r.Likeness < minLikeness, r.Likeness, minLikeness, "of the usual difference",
				"the pictures seem to repeat after %.1f s or a part of it: %d pairs of stills so far apart differ by %.0f %% of what is usual, as in a clip that is played in a loop",
				float64(r.LagMicros)/1e6, r.Pairs, 100*r.Likeness)
		}
	}
	if a := f.Audio; a != nil {
		add(CodeSound, a.LongestGapMicros > maxGap, float64(a.LongestGapMicros), maxGap, "µs",
			"for %.1f s there is no sound", float64(a.LongestGapMicros)/1e6)
	}
	return out
}
