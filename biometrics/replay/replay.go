// Package replay finds stored signatures of which a new one is a near-copy.
// Nobody signs twice alike: a capture that fits an earlier one far better than
// any two genuine signatures fit each other was recorded and sent again, also
// when it was shifted, scaled, slowed down, jittered or sampled anew on the way.
//
// It looks for copies only. How alike two honest signatures are is for package
// compare. What it keeps of a signature (Print) is biometric data: seal it at
// rest.
package replay

import (
	"context"
	"fmt"
	"math"
	"sort"

	"inkwitness/biometrics"
	"inkwitness/capture"
)

// Size of a Print. The pen's place is read at Points moments, evenly over the
// time from the first to the last contact, so that a change of speed, of
// sampling rate or a jitter does not matter; another hand's tracing does.
const (
	Points   = 64
	channels = 2
)

// PrintBytes is the length of a marshalled Print.
const PrintBytes = Points * channels

// Print is a signature's shape and rhythm in 128 bytes, free of place, size and
// device: all x, then all y, 32 for one standard deviation.
type Print [Points * channels]int8

// Of makes the print of a signature. Signatures without a way on the surface
// have none and give ErrMalformed.
func Of(sig capture.Signature) (Print, error) {
	var p Print
	way := measure(sig)
	if way == nil {
		return p, fmt.Errorf("print of a signature without points: %w", biometrics.ErrMalformed)
	}
	var at [Points][channels]float64
	seconds := way[len(way)-1].t
	j := 0
	for i := range at {
		t := seconds * float64(i) / (Points - 1)
		for j+2 < len(way) && way[j+1].t < t {
			j++
		}
		a, b := way[j], way[j+1]
		f := math.Max(0, math.Min(1, (t-a.t)/(b.t-a.t)))
		at[i] = [channels]float64{a.x + f*(b.x-a.x), a.y + f*(b.y-a.y)}
	}
	mx, my, size := 0.0, 0.0, 0.0
	for _, v := range at {
		mx, my = mx+v[0]/Points, my+v[1]/Points
	}
	for _, v := range at {
		size += ((v[0]-mx)*(v[0]-mx) + (v[1]-my)*(v[1]-my)) / (2 * Points)
	}
	if size = math.Sqrt(size); size == 0 {
		return p, fmt.Errorf("print of a point: %w", biometrics.ErrMalformed)
	}
	for i, v := range at {
		p[i], p[Points+i] = small(32*(v[0]-mx)/size), small(32*(v[1]-my)/size)
	}
	return p, nil
}

func small(v float64) int8 { return int8(math.Round(math.Max(-127, math.Min(127, v)))) }

// place is a point on the surface at a time in seconds from the first.
type place struct{ x, y, t float64 }

// measure lists the points on the surface. A clock that repeats or steps back
// is made to go on.
func measure(sig capture.Signature) []place {
	var out []place
	var t0 int64
	for _, p := range sig.Points {
		if !p.Down {
			continue
		}
		q := place{x: float64(p.X), y: float64(p.Y)}
		if len(out) == 0 {
			t0 = p.Time
		} else {
			q.t = math.Max(float64(p.Time-t0)/1e6, out[len(out)-1].t+1e-6)
		}
		out = append(out, q)
	}
	if len(out) < 2 {
		return nil
	}
	return out
}

// Distance is the mean absolute difference of two prints: 0 for copies.
func Distance(a, b *Print) float64 { return float64(sum(a, b)) / (Points * channels) }

func sum(a, b *Print) int {
	s := 0
	for i := range a {
		d := int(a[i]) - int(b[i])
		if d < 0 {
			d = -d
		}
		s += d
	}
	return s
}

// CopyBelow is the distance below which two captures are taken for copies. On
// the development corpora the closest pair of honest signatures of one hand is
// above it; README.md has the figures.
const CopyBelow = 1.0

// Hit is a stored signature that is near the new one.
type Hit struct {
	Index    int     // in the order of Add
	Distance float64 // see Distance
	Copy     bool    // below CopyBelow
}

// Index holds prints in memory for searching, 128 bytes and 32 of sketch each.
// Add and Search must not run at the same time; several Searches may.
type Index struct {
	prints   []Print
	sketches []sketch
}

// sketch is the sum of each eighth of each channel. By the triangle inequality
// the sum of absolute differences of sketches never exceeds that of the prints:
// a lower bound at an eighth of the cost.
type sketch [channels * blocks]int16

const (
	blocks = 8
	block  = Points / blocks
)

func sketchOf(p *Print) sketch {
	var s sketch
	for i, v := range p {
		s[i/block] += int16(v)
	}
	return s
}

// Add stores a print and returns its index.
func (x *Index) Add(p Print) int {
	x.prints, x.sketches = append(x.prints, p), append(x.sketches, sketchOf(&p))
	return len(x.prints) - 1
}

// Len is the number of stored prints.
func (x *Index) Len() int { return len(x.prints) }

// Search returns the n nearest stored prints, nearest first.
func (x *Index) Search(ctx context.Context, p Print, n int) ([]Hit, error) {
	if n < 1 {
		return nil, nil
	}
	q := sketchOf(&p)
	best := make([]candidate, 0, n+1)
	limit := math.MaxInt
	for i := range x.prints {
		if i%65536 == 0 && ctx.Err() != nil {
			return nil, ctx.Err()
		}
		if bound(&q, &x.sketches[i], limit) >= limit {
			continue
		}
		d := below(&p, &x.prints[i], limit)
		if d >= limit {
			continue
		}
		at := sort.Search(len(best), func(k int) bool { return best[k].sum > d })
		best = append(best, candidate{})
		copy(best[at+1:], best[at:])
		best[at] = candidate{i, d}
		if len(best) > n {
			best = best[:n]
		}
		if len(best) == n {
			limit = best[n-1].sum
		}
	}
	hits := make([]Hit, len(best))
	for i, b := range best {
		d := float64(b.sum) / (Points * channels)
		hits[i] = Hit{Index: b.index, Distance: d, Copy: d < CopyBelow}
	}
	return hits, nil
}

type candidate struct{ index, sum int }

// bound is the lower bound, given up at the limit.
func bound(a, b *sketch, limit int) int {
	s := 0
	for c := 0; c < len(a); c += blocks {
		for i := c; i < c+blocks; i++ {
			d := int(a[i]) - int(b[i])
			if d < 0 {
				d = -d
			}
			s += d
		}
		if s >= limit {
			return s
		}
	}
	return s
}

// below is the sum of absolute differences, given up at the limit.
func below(a, b *Print, limit int) int {
	s := 0
	for c := 0; c < len(a); c += block {
		for i := c; i < c+block; i++ {
			d := int(a[i]) - int(b[i])
			if d < 0 {
				d = -d
			}
			s += d
		}
		if s >= limit {
			return s
		}
	}
	return s
}
