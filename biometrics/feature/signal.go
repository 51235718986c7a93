// Package feature turns the sample points of a signature into signals that can
// be compared: cleaned, evenly sampled, smoothed, and read as local functions
// (one value a sample) and global features (one value a signature).
//
// Every step is a named function and says what it drops; the points that it is
// given are never changed. It aligns nothing and decides nothing: packages dtw
// and compare do.
package feature

import (
	"math"

	"inkwitness/capture"
)

// Rate is the sampling rate of every Signal, in Hz. It is the rate of most
// signature tablets, and enough: the energy of handwriting lies below 20 Hz
// (Teulings and Maarse 1984, "Digital recording and processing of handwriting
// movements").
const Rate = 100

// Limits of a signature that is worth looking at.
const (
	MaxPoints    = 1 << 17 // more is refused before anything is allocated
	MaxSamples   = 8192    // 82 s at Rate; the rest is cut off
	maxPause     = 1.0     // s; a longer pen-up is shortened to this
	gapInStroke  = 0.1     // s; a longer step within a stroke is a loss of points
	defaultSteps = 1.0 / Rate
)

// Signal is a signature sampled evenly at Rate. Pen-ups are bridged by a
// straight line in real time with pressure 0, unless the device recorded the
// pen in the air. Positions keep the device's unit.
type Signal struct {
	X, Y, P []float64 // P is 0..1 of the device's full scale
	Down    []bool
	Source  []int32 // index of the recorded point that is nearest before the sample

	HasPressure bool
	UnitsPerMM  float64 // 0: not known
}

// Len is the number of samples.
func (s *Signal) Len() int { return len(s.X) }

// Cleaning says what cleaning changed. Nothing else was.
type Cleaning struct {
	Repeats   int // points with the time of the point before
	Backwards int // points earlier than the point before
	Gaps      int // losses of points within a stroke
	Pauses    int // pen-ups longer than a second, shortened
	Truncated bool
}

// knot is a cleaned point: time in seconds from the first.
type knot struct {
	t, x, y, p float64
	down, open bool // open: a pen-up lies between this knot and the one before
	src        int32
}

// clean repairs the clock of a signature. A point whose time repeats or steps
// back is a real point (the order of points is right, the clock is not), so it
// is kept and given its share of the device's median step.
func clean(sig capture.Signature, ks []knot) ([]knot, Cleaning) {
	var c Cleaning
	pts := sig.Points
	step := medianStep(sig)
	now, skew := 0.0, 0.0
	for i, p := range pts {
		k := knot{x: float64(p.X), y: float64(p.Y), p: float64(p.Pressure) / capture.MaxPressure, down: p.Down, src: int32(i)}
		if !p.Down {
			k.p = 0
		}
		if i == 0 {
			k.open = true
			ks = append(ks, k)
			continue
		}
		q := pts[i-1]
		dt := elapsed(pts, i, step)
		k.open = p.Down && (p.Start || !q.Down) && dt > 1.8*step
		switch {
		case p.Time < q.Time:
			c.Backwards++
		case p.Time == q.Time:
			c.Repeats++
		}
		dt, skew = repair(dt, step, skew)
		switch {
		case k.open && dt > maxPause:
			c.Pauses++
			dt = maxPause
		case dt > gapInStroke && !k.open:
			c.Gaps++
			dt = math.Min(dt, maxPause)
		}
		now += dt
		k.t = now
		ks = append(ks, k)
	}
	return ks, c
}

// mostSpike is how many points in a row a spike of the clock can have.
const mostSpike = 16

// elapsed is the time from point i-1 to i in s. A time that leaps ahead while one
// of the next is back in line is a spike of the clock, not a pause: what passed
// between the points around it is shared out at its two ends.
func elapsed(pts []capture.Point, i int, step float64) float64 {
	at := func(k int) float64 { return float64(pts[k].Time) / 1e6 }
	dt := at(i) - at(i-1)
	if dt >= 0 && dt <= 5*step {
		return dt
	}
	leap := func(k int) bool { return at(k)-at(k-1) > 5*step }
	inside := func(from, to int) float64 { return (at(to) - at(from-1)) / float64(to-from+1) }
	if dt > 0 {
		for k := i + 1; k < len(pts) && k <= i+mostSpike; k++ {
			if at(k) < at(i) {
				if at(k) >= at(i-1) {
					return inside(i, k)
				}
				break
			}
		}
		return dt
	}
	for k := i - 1; k > 0 && k >= i-mostSpike; k-- {
		if leap(k) && at(i) < at(k) {
			if at(i) >= at(k-1) {
				return inside(k, i)
			}
			break
		}
	}
	return dt
}

// repair gives a step that repeats or goes back the median step, and takes the
// time that it invented from the very next step if that is long enough to give
// it: one late or early time is put right, a clock that was set stays set.
func repair(dt, step, skew float64) (float64, float64) {
	if dt <= 0 {
		return step, step - dt
	}
	return dt - max(0, min(skew, dt-step)), 0
}

// medianStep is the median time between consecutive pen-down points, in s.
func medianStep(sig capture.Signature) float64 {
	var h [256]int // by quarter ms, 0..64 ms
	n := 0
	for i := 1; i < len(sig.Points); i++ {
		p, q := sig.Points[i], sig.Points[i-1]
		dt := p.Time - q.Time
		if !p.Down || p.Start || !q.Down || dt <= 0 || dt >= 64000 {
			continue
		}
		h[dt/250]++
		n++
	}
	if n == 0 {
		return defaultSteps
	}
	seen := 0
	for i, c := range h {
		seen += c
		if 2*seen >= n {
			return math.Max((float64(i)+0.5)*250/1e6, 0.001)
		}
	}
	return defaultSteps
}
