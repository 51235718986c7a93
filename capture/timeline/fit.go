package timeline

import (
	"math"
	"slices"
)

// maxDrift bounds what two quartz clocks can differ by; a fit beyond it is
// noise. Consumer quartz keeps 100 ppm.
const maxDrift = 300e-6

// assumedDrift is what is allowed for where drift could not be estimated.
const assumedDrift = 100e-6

// wander is what drift that was not estimated may add over a span, µs.
func (l line) wander(span float64) float64 {
	if l.slope != 0 {
		return 0
	}
	return assumedDrift * span
}

// minSpan is the shortest time over which drift is worth estimating: 100 ppm
// over 20 s is 2 ms.
const minSpan = 20e6 // µs

// point is one observation: at x µs the offset between two clocks is y µs.
type point struct{ x, y float64 }

// line is y = y0 + slope*(x-x0).
type line struct{ x0, y0, slope float64 }

func (l line) at(x float64) float64 { return l.y0 + l.slope*(x-l.x0) }

// lowerLine is the line below all points that lies closest to them in sum: the
// edge of their lower convex hull above their mean x. Delays only ever add, so
// the lowest points are those that waited least (S. Moon, P. Skelly,
// D. Towsley: Estimation and removal of clock skew from network delay
// measurements, INFOCOM 1999). Short spans and impossible slopes give a level
// line through the lowest point.
func lowerLine(points []point) line {
	points = slices.Clone(points)
	slices.SortFunc(points, func(a, b point) int {
		if a.x != b.x {
			return sign(a.x - b.x)
		}
		return sign(a.y - b.y)
	})
	low, mean := points[0], 0.0
	for _, p := range points {
		mean += p.x / float64(len(points))
		if p.y < low.y {
			low = p
		}
	}
	level := line{x0: low.x, y0: low.y}
	if points[len(points)-1].x-points[0].x < minSpan || len(points) < 5 {
		return level
	}
	hull := lowerHull(points)
	for i := 1; i < len(hull); i++ {
		if a, b := hull[i-1], hull[i]; b.x >= mean {
			l := line{x0: a.x, y0: a.y, slope: (b.y - a.y) / (b.x - a.x)}
			if math.Abs(l.slope) > maxDrift {
				return level
			}
			return l
		}
	}
	return level
}

// lowerHull is Andrew's monotone chain; the points are sorted.
func lowerHull(points []point) []point {
	var hull []point
	for _, p := range points {
		if n := len(hull); n > 0 && hull[n-1].x == p.x {
			continue // the lower of two comes first
		}
		for n := len(hull); n >= 2 && cross(hull[n-2], hull[n-1], p) <= 0; n-- {
			hull = hull[:n-1]
		}
		hull = append(hull, p)
	}
	return hull
}

func cross(o, a, b point) float64 { return (a.x-o.x)*(b.y-o.y) - (a.y-o.y)*(b.x-o.x) }

// weighted fits a line by least squares, each point with its weight. Short
// spans and impossible slopes give a level line through the weighted mean.
func weighted(points []point, weights []float64) line {
	var w, x, y float64
	for i, p := range points {
		w, x, y = w+weights[i], x+weights[i]*p.x, y+weights[i]*p.y
	}
	x, y = x/w, y/w
	var xx, xy float64
	lo, hi := points[0].x, points[0].x
	for i, p := range points {
		xx += weights[i] * (p.x - x) * (p.x - x)
		xy += weights[i] * (p.x - x) * (p.y - y)
		lo, hi = min(lo, p.x), max(hi, p.x)
	}
	l := line{x0: x, y0: y}
	if hi-lo >= minSpan && len(points) >= 3 && math.Abs(xy/xx) <= maxDrift {
		l.slope = xy / xx
	}
	return l
}

func sign(v float64) int {
	switch {
	case v < 0:
		return -1
	case v > 0:
		return 1
	}
	return 0
}

// median of the values, which it sorts; 0 of none.
func median[N int64 | float64](v []N) N {
	if len(v) == 0 {
		return 0
	}
	slices.Sort(v)
	return v[len(v)/2]
}
