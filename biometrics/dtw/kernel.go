package dtw

import (
	"math"
	"sync"
)

// work is the memory of one alignment: three anti-diagonals with a guard cell
// before the first and room for a vector after the last.
type work struct{ rows [3][]float32 }

var works = sync.Pool{New: func() any { return new(work) }}

func (w *work) reset(n int) {
	for r := range w.rows {
		v := resize(w.rows[r], n+2+lanes)
		for i := range v {
			v[i] = inf
		}
		w.rows[r] = v
	}
}

// Distance is the cost of the best alignment of a and b. It is symmetric, safe
// for concurrent use, and allocates nothing once warm.
func Distance(a, b *Series, o Options) (float32, error) {
	if err := check(a, b); err != nil {
		return 0, err
	}
	w := works.Get().(*work)
	defer works.Put(w)
	w.reset(a.n)
	return run(a, b, o, w, inf), nil
}

// DistanceBelow is Distance, given up as soon as the result cannot be at or
// below the limit; it then returns +Inf.
func DistanceBelow(a, b *Series, o Options, limit float32) (float32, error) {
	if err := check(a, b); err != nil {
		return 0, err
	}
	w := works.Get().(*work)
	defer works.Put(w)
	w.reset(a.n)
	return run(a, b, o, w, limit), nil
}

// run walks the anti-diagonals. Row index i+1 holds cell i, so that i-1 of the
// first cell is a guard.
func run(a, b *Series, o Options, w *work, limit float32) float32 {
	return walk(a, b, o, w, limit, diagonal)
}

// kernelFunc computes cells lo to hi of anti-diagonal k. extra is the weight of
// the diagonal step less one.
type kernelFunc func(a, b *Series, k, lo, hi int, o Options, extra float32, prev2, prev1, cur []float32)

func walk(a, b *Series, o Options, w *work, limit float32, diagonal kernelFunc) float32 {
	bd := newBand(a.n, b.n, o)
	wd := weight(o.Step)
	prev2, prev1, cur := w.rows[0], w.rows[1], w.rows[2]
	bd.at(0)
	cur[1] = wd * local(a, b, 0, 0, o)
	prev2, prev1, cur = prev1, cur, prev2
	below := float32(0)
	for k := 1; k <= a.n+b.n-2; k++ {
		lo, hi := bd.at(k)
		diagonal(a, b, k, lo, hi, o, wd-1, prev2, prev1, cur)
		cur[lo], cur[hi+2] = inf, inf
		if limit < inf {
			// Every path crosses this anti-diagonal or the one before.
			low := lowest(cur[lo+1 : hi+2])
			if low > limit && below > limit {
				return inf
			}
			below = low
		}
		prev2, prev1, cur = prev1, cur, prev2
	}
	if v := prev1[a.n]; v <= limit {
		return v
	}
	return inf
}

func lowest(v []float32) float32 {
	low := inf
	for _, x := range v {
		if x < low {
			low = x
		}
	}
	return low
}

// scalar is one anti-diagonal, cells lo to hi, in plain Go: channel after
// channel into the row, so that each inner loop runs over contiguous memory.
func scalar(a, b *Series, k, lo, hi int, o Options, extra float32, prev2, prev1, cur []float32) {
	out := cur[lo+1 : hi+2]
	clear(out)
	for d := range a.d {
		x := a.fwd[d*a.stride+lo:][:len(out)]
		y := b.rev[d*b.stride+b.n-1-k+lo:][:len(out)]
		switch {
		case o.Metric == L2:
			addSquares(out, x, y)
		case o.Cap > 0:
			addCapped(out, x, y, o.Cap*a.weights[d])
		default:
			addDifferences(out, x, y)
		}
	}
	p1, q1, p2 := prev1[lo+1:][:len(out)], prev1[lo:][:len(out)], prev2[lo:][:len(out)]
	for i, c := range out {
		out[i] = least(least(p1[i], q1[i])+o.Penalty, p2[i]+extra*c) + c
	}
}

// least is the smaller of two costs. Floats that are not negative are ordered as
// their bits are, and integers are compared without a branch, which the next
// cell's cost would mispredict half of the time.
func least(a, b float32) float32 {
	return math.Float32frombits(min(math.Float32bits(a), math.Float32bits(b)))
}

func addDifferences(out, x, y []float32) {
	for i := range out {
		out[i] += magnitude(x[i] - y[i])
	}
}

func magnitude(v float32) float32 { return math.Float32frombits(math.Float32bits(v) &^ (1 << 31)) }

func addSquares(out, x, y []float32) {
	for i := range out {
		diff := x[i] - y[i]
		out[i] += diff * diff
	}
}

func addCapped(out, x, y []float32, most float32) {
	for i := range out {
		out[i] += least(magnitude(x[i]-y[i]), most)
	}
}

// Scalar is Distance without the vector unit, for other machines and to measure
// against.
func Scalar(a, b *Series, o Options) (float32, error) {
	if err := check(a, b); err != nil {
		return 0, err
	}
	w := works.Get().(*work)
	defer works.Put(w)
	w.reset(a.n)
	return walk(a, b, o, w, inf, scalar), nil
}
