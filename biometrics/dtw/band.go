package dtw

import "math"

// band gives for each anti-diagonal k = i+j the range of i inside the band. Both
// ends of the range never step back and never leap by more than one from one k
// to the next, which is what the kernels' guards rely on.
type band struct {
	n, m     int
	half     float64 // half width in i, on an anti-diagonal
	rate     float64 // i of the middle line, a step in k
	itakura  float64
	full     bool
	lo1, hi1 int // of the k before
}

func newBand(n, m int, o Options) band {
	b := band{n: n, m: m, itakura: o.Itakura, full: o.Band <= 0 || o.Band >= 1 || n < 3 || m < 3}
	if n+m > 2 {
		b.rate = float64(n-1) / float64(n+m-2)
	}
	// |i/(n-1) - (k-i)/(m-1)| <= Band, solved for i; at least two cells, or the
	// band of a very short series would fall apart.
	if !b.full {
		b.half = math.Max(2, o.Band*float64(n-1)*float64(m-1)/float64(n+m-2))
	}
	if b.itakura <= 1 {
		b.itakura = 0
	}
	return b
}

// at returns the first and last i of anti-diagonal k.
func (b *band) at(k int) (int, int) {
	lo, hi := max(0, k-b.m+1), min(b.n-1, k)
	if !b.full {
		mid := b.rate * float64(k)
		lo = max(lo, int(math.Ceil(mid-b.half)))
		hi = min(hi, int(math.Floor(mid+b.half)))
	}
	if b.itakura > 0 {
		l, h := b.parallelogram(k)
		lo, hi = max(lo, l), min(hi, h)
	}
	if k > 0 { // rounding must not open a gap
		lo = min(max(lo, b.lo1), b.lo1+1)
		hi = min(max(hi, b.hi1), b.hi1+1)
		hi = min(hi, min(b.n-1, k))
		lo = max(lo, max(0, k-b.m+1))
	}
	b.lo1, b.hi1 = lo, hi
	return lo, hi
}

// parallelogram bounds i on anti-diagonal k by slopes s and 1/s (in shares of
// the lengths) from both corners; two cells are left at the corners.
func (b *band) parallelogram(k int) (int, int) {
	n, m, s := float64(b.n-1), float64(b.m-1), b.itakura
	if n == 0 || m == 0 {
		return 0, b.n - 1
	}
	// With u = i/n, v = j/m and k = i+j: slope u = s v and u = v/s from (0,0),
	// the same mirrored from (1,1).
	steep := func(k, s float64) float64 { return k * n * s / (n*s + m) }
	k1, end := float64(k), n+m-float64(k)
	hi := math.Min(steep(k1, s), n-steep(end, 1/s))
	lo := math.Max(steep(k1, 1/s), n-steep(end, s))
	return int(math.Floor(lo)) - 2, int(math.Ceil(hi)) + 2
}
