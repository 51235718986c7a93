package compare

import (
	"math"
	"math/bits"
	"slices"
	"sync"

	"inkwitness/biometrics"
	"inkwitness/capture"
)

// Limits of the quality checks. The lengths follow from the corpora: the
// shortest genuine signature of 1,427 lasts 0.5 s and has 82 points at 100 Hz.
const (
	minPoints     = 25
	minDuration   = 250.0     // ms
	maxDuration   = 120_000.0 // ms
	minComplexity = 0.75      // full turns of the pen's direction
	minRate       = 50.0      // Hz
)

// Measure describes what was written of a signature, as recorded.
func Measure(sig capture.Signature) biometrics.Quality {
	from, to := sig.Written()
	sig.Points = sig.Points[from:to]
	q := biometrics.Quality{Points: len(sig.Points), Strokes: len(sig.Strokes())}
	if len(sig.Points) == 0 {
		return q
	}
	q.DurationMS = float64(sig.Points[len(sig.Points)-1].Time-sig.Points[0].Time) / 1000
	g := gauges.Get().(*gauge)
	defer g.free()
	path := 0.0
	for i, p := range sig.Points {
		if p.Down {
			g.levels[p.Pressure/64] |= 1 << (p.Pressure % 64)
		}
		if i == 0 {
			continue
		}
		o := sig.Points[i-1]
		dt := float64(p.Time-o.Time) / 1000
		if dt == 0 {
			q.ClockRepeats++
		} else if dt < 0 {
			q.ClockBackwards++
		}
		if p.Down && o.Down && !p.Start {
			path += math.Hypot(float64(p.X)-float64(o.X), float64(p.Y)-float64(o.Y))
			if dt > 0 {
				g.steps = append(g.steps, dt)
			}
		}
	}
	if sig.Device.HasPressure {
		for _, word := range g.levels {
			q.PressureLevels += bits.OnesCount64(word)
		}
	}
	if sig.Device.UnitsPerMM > 0 {
		q.PathMM = path / sig.Device.UnitsPerMM
	}
	q.RateHz, q.JitterMS, q.LongestGapMS = g.rhythm()
	q.Complexity = turns(sig)
	return q
}

// gauge is the memory that one signature is measured in, used again for the next.
type gauge struct {
	steps, sorted []float64 // ms
	levels        [1 << 16 / 64]uint64
}

var gauges = sync.Pool{New: func() any { return new(gauge) }}

// free forgets the signature but keeps the memory.
func (g *gauge) free() {
	clear(g.steps[:cap(g.steps)])
	clear(g.sorted[:cap(g.sorted)])
	g.steps, g.sorted, g.levels = g.steps[:0], g.sorted[:0], [len(g.levels)]uint64{}
	gauges.Put(g)
}

// rhythm is the median rate, the spread of the steps that are near the median,
// and the longest step.
func (g *gauge) rhythm() (rate, jitter, longest float64) {
	if len(g.steps) == 0 {
		return 0, 0, 0
	}
	g.sorted = append(g.sorted[:0], g.steps...)
	sorted := g.sorted
	slices.Sort(sorted)
	median := sorted[len(sorted)/2]
	sq, n := 0.0, 0.0
	for _, s := range g.steps {
		if s < 3*median {
			sq += (s - median) * (s - median)
			n++
		}
	}
	return 1000 / median, math.Sqrt(sq / n), sorted[len(sorted)-1]
}

// turns is how far the pen's direction turns in all, in full circles, read from
// points that are at least a fiftieth of the signature's size apart so that
// noise does not count.
func turns(sig capture.Signature) float64 {
	size := extent(sig)
	if size == 0 {
		return 0
	}
	total := 0.0
	for _, st := range sig.Strokes() {
		pts := sig.Points[st[0]:st[1]]
		last, angle, have := pts[0], 0.0, false
		for _, p := range pts[1:] {
			dx, dy := float64(p.X)-float64(last.X), float64(p.Y)-float64(last.Y)
			if math.Hypot(dx, dy) < size/50 {
				continue
			}
			a := math.Atan2(dy, dx)
			if have {
				d := math.Abs(a - angle)
				total += math.Min(d, 2*math.Pi-d)
			}
			last, angle, have = p, a, true
		}
	}
	return total / (2 * math.Pi)
}

// extent is the diagonal of the box around the pen-down points.
func extent(sig capture.Signature) float64 {
	x0, y0, x1, y1 := math.Inf(1), math.Inf(1), math.Inf(-1), math.Inf(-1)
	for _, p := range sig.Points {
		if p.Down {
			x0, x1 = math.Min(x0, float64(p.X)), math.Max(x1, float64(p.X))
			y0, y1 = math.Min(y0, float64(p.Y)), math.Max(y1, float64(p.Y))
		}
	}
	if x1 < x0 {
		return 0
	}
	return math.Hypot(x1-x0, y1-y0)
}
