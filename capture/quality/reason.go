package quality

import (
	"fmt"

	"inkwitness/capture"
)

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

func (f *Facts) judge(declared *capture.PenFacts) (out []capture.Reason) {
	add := func(code string, wrong bool, figure, limit float64, unit, format string, a ...any) {
		if wrong {
			out = append(out, capture.Reason{Code: code, Verdict: capture.Undecided, Figure: figure, Limit: limit, Unit: unit, Text: fmt.Sprintf(format, a...)})
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
