// Package quality tells facts about a pen stream: how fast and how evenly the
// device sampled, what its pressure is worth, whether the trace moves as a hand
// does, and whether it was seen before.
//
// Facts are measured from the points and can be checked by anyone who has them;
// what the page declared is beside them and is a hint. A
// capture.Reason is a figure beyond a limit. It says "undecided", never "forged",
// and the lack of reasons never says "passed": a careful machine moves like a
// hand.
//
// It does not compare a signature with references; that is biometrics.
package quality

import (
	"math"
	"slices"

	"inkwitness/capture"
)

// Facts are the facts of one pen stream. A figure that cannot be measured is 0
// and has its Can field false, or its count 0.
type Facts struct {
	Points         int   `json:"points"`
	InAir          int   `json:"inAir"` // of them, while hovering
	Strokes        int   `json:"strokes"`
	DurationMicros int64 `json:"durationMicros"` // first to last point

	RateHz          float64 `json:"rateHz"`       // while touching, from the median interval
	JitterMicros    int64   `json:"jitterMicros"` // 95th percentile of the distance of an interval from the median
	Gaps            int     `json:"gaps"`         // intervals within a stroke of over four medians and 25 ms
	LongestGap      int64   `json:"longestGapMicros"`
	ClockRepeats    int     `json:"clockRepeats"`
	ClockBackwards  int     `json:"clockBackwards"`
	PressureLevels  int     `json:"pressureLevels"` // distinct values while touching
	PressureLowest  int     `json:"pressureLowest"` // of 65535
	PressureHighest int     `json:"pressureHighest"`

	// Declared by the page, see capture.PenFacts.
	Pointer         capture.PointerType `json:"pointer"`
	SamplesPerEvent float64             `json:"samplesPerEvent"` // coalescing: 1 is none, 0 not declared

	Motion  Motion           `json:"motion"`
	Reasons []capture.Reason `json:"reasons"`
}

// Motion is how the tip moves while it touches. Lengths are in steps, the grid
// on which the positions lie.
type Motion struct {
	Can        bool    `json:"can"`        // there are enough points at a known rate
	Grid       int     `json:"grid"`       // position units in a step
	SpeedCV    float64 `json:"speedCV"`    // standard deviation of the speed over its mean
	Tremor     float64 `json:"tremor"`     // standard deviation of what is no smooth motion, in steps; rounding alone gives 0.29
	EvenSteps  float64 `json:"evenSteps"`  // share of moves that repeat the one before exactly
	Straight   float64 `json:"straight"`   // share of moves that go exactly where the one before went
	MeanStep   float64 `json:"meanStep"`   // mean length of a move, in steps
	Considered int     `json:"considered"` // moves
}

// Measure measures a stream. declared may be nil.
func Measure(points []capture.Point, declared *capture.PenFacts) Facts {
	f := Facts{Points: len(points)}
	for _, p := range points {
		if !p.Down {
			f.InAir++
		}
	}
	if len(points) > 0 {
		f.DurationMicros = points[len(points)-1].Time - points[0].Time
	}
	strokes := capture.Signature{Points: points}.Strokes()
	f.Strokes = len(strokes)
	f.timing(points, strokes)
	f.pressure(points)
	f.Motion = motion(points, strokes)
	if declared != nil {
		f.Pointer = declared.Pointer
		if declared.Events > 0 {
			f.SamplesPerEvent = float64(declared.Samples) / float64(declared.Events)
		}
	}
	f.Reasons = f.judge(declared)
	return f
}

// timing measures the intervals within strokes.
func (f *Facts) timing(points []capture.Point, strokes [][2]int) {
	for i := 1; i < len(points); i++ {
		switch d := points[i].Time - points[i-1].Time; {
		case d == 0:
			f.ClockRepeats++
		case d < 0:
			f.ClockBackwards++
		}
	}
	var intervals []int64
	for _, s := range strokes {
		for i := s[0] + 1; i < s[1]; i++ {
			if d := points[i].Time - points[i-1].Time; d > 0 {
				intervals = append(intervals, d)
			}
		}
	}
	if len(intervals) == 0 {
		return
	}
	slices.Sort(intervals)
	median := intervals[len(intervals)/2]
	f.RateHz = 1e6 / float64(median)
	off := make([]int64, len(intervals))
	for i, d := range intervals {
		off[i] = max(d-median, median-d)
		if d > 4*median && d > 25_000 {
			f.Gaps++
			f.LongestGap = max(f.LongestGap, d)
		}
	}
	slices.Sort(off)
	f.JitterMicros = off[len(off)*95/100]
}

func (f *Facts) pressure(points []capture.Point) {
	seen := map[uint16]bool{}
	f.PressureLowest = capture.MaxPressure
	for _, p := range points {
		if p.Down {
			seen[p.Pressure] = true
			f.PressureLowest = min(f.PressureLowest, int(p.Pressure))
			f.PressureHighest = max(f.PressureHighest, int(p.Pressure))
		}
	}
	f.PressureLevels = len(seen)
	if len(seen) == 0 {
		f.PressureLowest = 0
	}
}

// minMoves is how many moves motion wants to see.
const minMoves = 40

// motion measures the moves within strokes.
func motion(points []capture.Point, strokes [][2]int) (m Motion) {
	m.Grid = grid(points)
	var speeds []float64
	var noise, noises, length float64
	for _, s := range strokes {
		run := points[s[0]:s[1]]
		for i := 1; i < len(run); i++ {
			dx, dy := run[i].X-run[i-1].X, run[i].Y-run[i-1].Y
			dt := run[i].Time - run[i-1].Time
			if dt <= 0 || (dx == 0 && dy == 0) {
				continue
			}
			m.Considered++
			d := math.Hypot(float64(dx), float64(dy)) / float64(m.Grid)
			length += d
			speeds = append(speeds, d/float64(dt))
			if i > 1 {
				m.repeats(dx, dy, run[i-1].X-run[i-2].X, run[i-1].Y-run[i-2].Y)
			}
		}
		sum, n := tremor(run, float64(m.Grid))
		noise, noises = noise+sum, noises+n
	}
	m.Can = m.Considered >= minMoves
	if !m.Can {
		return Motion{Grid: m.Grid, Considered: m.Considered}
	}
	m.EvenSteps /= float64(m.Considered)
	m.Straight /= float64(m.Considered)
	m.MeanStep = length / float64(m.Considered)
	m.SpeedCV = variation(speeds)
	if noises > 0 {
		m.Tremor = math.Sqrt(noise / noises)
	}
	return m
}

// repeats counts a move that repeats the one before, or its direction.
func (m *Motion) repeats(dx, dy, lastX, lastY int32) {
	if dx == lastX && dy == lastY {
		m.EvenSteps++
	}
	cross := int64(dx)*int64(lastY) - int64(dy)*int64(lastX)
	along := int64(dx)*int64(lastX) + int64(dy)*int64(lastY)
	if cross == 0 && along > 0 {
		m.Straight++
	}
}

// tremor returns the sum of the squared fourth differences of x and y, in steps,
// so weighted that white noise keeps its variance, and their number. The fourth
// difference of a motion below 10 Hz all but vanishes at 200 points a second;
// that of noise does not. The weights are 1 4 6 4 1, their squares sum to 70.
func tremor(run []capture.Point, grid float64) (sum, n float64) {
	for i := 4; i < len(run); i++ {
		fourth := func(at func(capture.Point) int32) float64 {
			v := func(k int) float64 { return float64(at(run[i-k])) }
			return (v(0) - 4*v(1) + 6*v(2) - 4*v(3) + v(4)) / grid
		}
		x := fourth(func(p capture.Point) int32 { return p.X })
		y := fourth(func(p capture.Point) int32 { return p.Y })
		sum += (x*x + y*y) / 70
		n += 2
	}
	return sum, n
}

// grid returns the greatest common divisor of all distances between points.
func grid(points []capture.Point) int {
	g := int64(0)
	for i := 1; i < len(points); i++ {
		g = gcd(g, int64(points[i].X)-int64(points[i-1].X))
		g = gcd(g, int64(points[i].Y)-int64(points[i-1].Y))
		if g == 1 {
			break
		}
	}
	return int(max(1, g))
}

func gcd(a, b int64) int64 {
	for b != 0 {
		a, b = b, a%b
	}
	return max(a, -a)
}

// variation is the standard deviation over the mean.
func variation(v []float64) float64 {
	mean, square := 0.0, 0.0
	for _, x := range v {
		mean += x / float64(len(v))
	}
	for _, x := range v {
		square += (x - mean) * (x - mean) / float64(len(v))
	}
	if mean == 0 {
		return 0
	}
	return math.Sqrt(square) / mean
}
