package quality

import (
	"fmt"

	"inkwitness/capture"
)

// Undecided is the only verdict a Reason has.
const Undecided = "undecided"

// Reason is a figure that calls for a second look.
type Reason struct {
	Code    string  `json:"code"`
	Verdict string  `json:"verdict"` // always Undecided
	Figure  float64 `json:"figure"`
	Limit   float64 `json:"limit"`
	Unit    string  `json:"unit"`
	Text    string  `json:"text"`
}

// The codes of reasons.
const (
	CodeSpeed    = "constant-speed"
	CodeTremor   = "no-tremor"
	CodeEven     = "even-steps"
	CodeStraight = "straight-lines"
	CodePressure = "quantised-pressure"
	CodeRate     = "low-rate"
	CodeGaps     = "gaps"
	CodeCopy     = "copied-moves"
	CodeLike     = "copied-shape"
)

// The limits. Those of motion lie beyond every one of 1,327 genuine signatures
// of three public corpora; capture/README.md has the figures.
const (
	minSpeedCV  = 0.25  // genuine 0.39 and more
	minTremor   = 0.5   // steps; genuine 0.76 and more, rounding alone 0.29
	maxEven     = 0.15  // share; genuine 0.06 and less
	maxStraight = 0.35  // share; genuine 0.16 and less
	minLevels   = 9     // of pressure; genuine 42 and more
	minRate     = 50.0  // Hz
	maxGap      = 100e3 // µs
	maxMoves    = 0.10  // share; two genuine signatures of one hand 0.011 and less
	minScore    = 0.024 // two genuine signatures of one hand are below it in 0.1 % of the pairs
)

// minPressed is how many touching points a judgement of pressure wants.
const minPressed = 40

func (f *Facts) judge(declared *capture.PenFacts) (out []Reason) {
	add := func(code string, wrong bool, figure, limit float64, unit, format string, a ...any) {
		if wrong {
			out = append(out, Reason{code, Undecided, figure, limit, unit, fmt.Sprintf(format, a...)})
		}
	}
	if m := f.Motion; m.Can {
		add(CodeSpeed, m.SpeedCV < minSpeedCV, m.SpeedCV, minSpeedCV, "", "the speed varies by only %.0f %% of its mean", 100*m.SpeedCV)
		add(CodeTremor, m.Tremor < minTremor, m.Tremor, minTremor, "steps", "beside smooth motion there is no more than rounding")
		add(CodeEven, m.EvenSteps > maxEven, m.EvenSteps, maxEven, "share", "%.0f %% of the moves repeat the one before exactly", 100*m.EvenSteps)
		add(CodeStraight, m.Straight > maxStraight, m.Straight, maxStraight, "share", "%.0f %% of the moves go exactly straight on", 100*m.Straight)
	}
	pressed := f.Points-f.InAir >= minPressed && declared != nil && declared.HasPressure
	add(CodePressure, pressed && f.PressureLevels < minLevels, float64(f.PressureLevels), minLevels, "levels",
		"the device claims to measure pressure, which has %d levels", f.PressureLevels)
	add(CodeRate, f.RateHz > 0 && f.RateHz < minRate, f.RateHz, minRate, "Hz", "the device gave %.0f points a second", f.RateHz)
	add(CodeGaps, f.LongestGap > maxGap, float64(f.LongestGap), maxGap, "µs", "for %.0f ms within a stroke there are no points", float64(f.LongestGap)/1000)
	return out
}

// Replay is an earlier stream that this one repeats.
type Replay struct {
	Index    int      `json:"index"` // in the list of earlier streams
	Likeness Likeness `json:"likeness"`
	Reasons  []Reason `json:"reasons"`
}

// Replays looks for the stream among earlier ones of the same signer: copies,
// also in part, and lines that are alike beyond what a hand can do, also moved,
// turned, scaled, slower or faster, sampled anew or with a little noise.
func Replays(p *Print, earlier []*Print) (out []Replay) {
	for i, e := range earlier {
		l := p.Compare(e)
		var reasons []Reason
		if l.Moves > maxMoves {
			reasons = append(reasons, Reason{CodeCopy, Undecided, l.Moves, maxMoves, "share",
				fmt.Sprintf("%.0f %% of the moves were made before, in the same order", 100*l.Moves)})
		}
		if s := l.Score(); s < minScore {
			reasons = append(reasons, Reason{CodeLike, Undecided, s, minScore, "",
				"the line is closer to an earlier one than a hand comes"})
		}
		if reasons != nil {
			out = append(out, Replay{i, l, reasons})
		}
	}
	return out
}
