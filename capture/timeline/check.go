package timeline

import (
	"fmt"
	"math"
)

// Finding is something about the times of a recording that cannot be, with its
// figure and the limit that it passes.
type Finding struct {
	Code        string `json:"code"`
	What        string `json:"what"`    // pen, video, audio
	Segment     uint32 `json:"segment"` // of a medium
	Micros      int64  `json:"micros"`
	LimitMicros int64  `json:"limitMicros"`
	Text        string `json:"text"`
}

// The codes of findings.
const (
	CodeMapping = "mapping-differs"   // the timeline is not what the recording gives
	CodeEarly   = "arrives-early"     // data came before it was made
	CodeLate    = "arrives-late"      // even the quickest data came long after it was made
	CodeMissing = "mapping-missing"   // the recording has a stream that the timeline has not
	CodeStep    = "clock-steps"       // a sender's clock lost more than a browser's does when it stalls
	CodeRange   = "outside-recording" // pen and media do not overlap
)

// What even the quickest data may take from its making to its arrival beside
// the network's share: a batch of points is sent every 50 ms, a frame is coded
// and a camera's pipeline holds a few.
const (
	penPatience   = 150_000 // µs
	mediaPatience = 250_000 // µs
	rounding      = 5_000   // µs
	maxStep       = 400_000 // µs; WebRTC's aligner starts anew at 300 ms
)

// Check holds a timeline against the recording that it claims to describe.
// Nothing found means: no shift larger than the uncertainties and patience
// stated here was put in. A shift of pen or media by 500 ms is found.
func Check(t Timeline, in Input) ([]Finding, error) {
	truth, err := Build(in)
	if err != nil {
		return nil, err
	}
	out := t.checkPen(truth.Pen)
	for _, want := range truth.Media {
		out = append(out, t.checkTrack(want)...)
	}
	if len(t.Media) > len(truth.Media) {
		out = append(out, Finding{Code: CodeMissing, What: "media", Text: "the timeline has media that the recording has not"})
	}
	trip := truth.NetworkRoundTripMicros
	if p := truth.Pen; p != nil && len(in.Pen) > 0 {
		out = append(out, plausible("pen", 0, p.MinDelayMicros, p.UncertaintyMicros, p.UncertaintyMicros+penPatience+trip)...)
	}
	for _, m := range truth.Media {
		out = append(out, plausible(m.Track, m.Segment, m.MinDelayMicros, m.UncertaintyMicros, mediaPatience+trip)...)
	}
	out = append(out, truth.checkSteps()...)
	return append(out, truth.overlap(in)...), nil
}

func (t *Timeline) checkPen(want *Pen) []Finding {
	switch {
	case want == nil && t.Pen == nil:
		return nil
	case want == nil || t.Pen == nil:
		return []Finding{{Code: CodeMissing, What: "pen", Text: "only one of timeline and recording has a pen"}}
	}
	ends := []int64{want.OriginPageMicros, want.OriginPageMicros + want.LastMicros - want.FirstMicros}
	return differs("pen", 0, ends, t.Pen.Micros, want.Micros)
}

func (t *Timeline) checkTrack(want Track) []Finding {
	got := t.find(want.Track, want.Segment)
	if got == nil {
		return []Finding{{Code: CodeMissing, What: want.Track, Segment: want.Segment, Text: "the timeline lacks a segment"}}
	}
	last := want.OriginTicks
	if want.MicrosPerTick > 0 {
		last += int64(float64(want.LastMicros-want.FirstMicros) / want.MicrosPerTick)
	}
	return differs(want.Track, want.Segment, []int64{want.OriginTicks, last}, got.Micros, want.Micros)
}

func (t *Timeline) find(track string, segment uint32) *Track {
	for i := range t.Media {
		if t.Media[i].Track == track && t.Media[i].Segment == segment {
			return &t.Media[i]
		}
	}
	return nil
}

// checkSteps reports steps that no stall of a browser explains.
func (t *Timeline) checkSteps() (out []Finding) {
	for _, m := range t.Media {
		for _, s := range m.Steps {
			if s.AddMicros > maxStep && s.FromTicks >= m.OriginTicks {
				out = append(out, Finding{
					Code: CodeStep, What: m.Track, Segment: m.Segment, Micros: s.AddMicros, LimitMicros: maxStep,
					Text: fmt.Sprintf("from %.1f s on, %s is %.0f ms later than its clock says", float64(m.Micros(s.FromTicks))/1e6, m.Track, float64(s.AddMicros)/1000),
				})
			}
		}
	}
	return out
}

// differs compares two mappings at some instants. Both come from the same
// figures, so only rounding may part them.
func differs(what string, segment uint32, at []int64, got, want func(int64) int64) []Finding {
	worst := int64(0)
	for _, x := range at {
		if d := got(x) - want(x); math.Abs(float64(d)) > math.Abs(float64(worst)) {
			worst = d
		}
	}
	if worst >= -rounding && worst <= rounding {
		return nil
	}
	return []Finding{{
		Code: CodeMapping, What: what, Segment: segment, Micros: worst, LimitMicros: rounding,
		Text: fmt.Sprintf("the timeline places %s %+.0f ms from where the recording does", what, float64(worst)/1000),
	}}
}

// plausible holds the quickest arrival against the time of making. How late it
// may be for media does not depend on their uncertainty: that counts what
// frames that are late may mean.
func plausible(what string, segment uint32, quickest, uncertainty, patience int64) []Finding {
	f := Finding{What: what, Segment: segment, Micros: quickest}
	switch {
	case quickest < -(uncertainty + rounding):
		f.Code, f.LimitMicros = CodeEarly, -(uncertainty + rounding)
		f.Text = fmt.Sprintf("%s came %.0f ms before it was made", what, -float64(quickest)/1000)
	case quickest > patience:
		f.Code, f.LimitMicros = CodeLate, patience
		f.Text = fmt.Sprintf("%s never came sooner than %.0f ms after it was made", what, float64(quickest)/1000)
	default:
		return nil
	}
	return []Finding{f}
}

// overlap wants the pen to have moved while the video ran.
func (t *Timeline) overlap(in Input) []Finding {
	if t.Pen == nil || len(in.Pen) == 0 || len(t.Media) == 0 {
		return nil
	}
	first, last := t.Media[0].FirstMicros, t.Media[0].LastMicros
	for _, m := range t.Media {
		first, last = min(first, m.FirstMicros), max(last, m.LastMicros)
	}
	outside := max(first-t.Pen.FirstMicros, t.Pen.LastMicros-last)
	limit := t.Pen.UncertaintyMicros + t.Media[0].UncertaintyMicros + mediaPatience
	if outside <= limit {
		return nil
	}
	return []Finding{{
		Code: CodeRange, What: "pen", Micros: outside, LimitMicros: limit,
		Text: fmt.Sprintf("the pen moved %.0f ms outside of the recorded video", float64(outside)/1000),
	}}
}
