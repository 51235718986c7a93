package dtw

import "sync"

// LowerBound is a number that Distance never falls below, for an eighth of the
// cost and less: what every point of one series costs at least against the
// points that the band lets it meet.
//
// It is LB_Keogh (Keogh and Ratanamahatana 2005, "Exact indexing of dynamic time
// warping", Knowledge and Information Systems 7, 358-386) for several channels,
// series of unequal length, and both step patterns. Each point is set against
// the envelope of the other series over its window, channel by channel: below
// the cap the distance to an interval is never more than that to a point in it.
// Under Symmetric2 a diagonal step pays once for the row and once for the column
// that it enters, any other step for the one that it enters, so that the bounds
// of rows and columns add up; under Symmetric1 the larger one holds. The
// difference of lengths costs that many penalties.
func LowerBound(a, b *Series, o Options) (float32, error) {
	return LowerBoundBelow(a, b, o, inf)
}

// LowerBoundBelow is LowerBound, given up with +Inf as soon as it is above the
// limit. The cheapest bound comes first: both corners of the path are known
// (LB_Kim, Kim et al. 2001).
func LowerBoundBelow(a, b *Series, o Options, limit float32) (float32, error) {
	if err := check(a, b); err != nil {
		return 0, err
	}
	if corners(a, b, o) > limit {
		return inf, nil
	}
	mem := envelopes.Get().(*envelope)
	defer envelopes.Put(mem)
	mem.windows(a.n, b.n, o)
	steps := o.Penalty * float32(max(a.n-b.n, b.n-a.n))
	rows := mem.sum(a, b, mem.fromJ, mem.toJ, o)
	columns := float32(0)
	if o.Step == Symmetric2 && rows+steps <= limit || o.Step != Symmetric2 {
		columns = mem.sum(b, a, mem.fromI, mem.toI, o)
	}
	v := max(rows, columns)
	if o.Step == Symmetric2 {
		v = rows + columns
	}
	// Sums in another order than the kernel's: stay below by what rounding
	// of some thousand additions can do.
	if v = v*(1-1e-5) + steps; v > limit {
		return inf, nil
	}
	return v, nil
}

// corners is the cost of the first and the last pair of points, which every
// path has.
func corners(a, b *Series, o Options) float32 {
	v := weight(o.Step) * local(a, b, 0, 0, o)
	if a.n > 1 || b.n > 1 {
		v += local(a, b, a.n-1, b.n-1, o)
	}
	return v * (1 - 1e-5)
}

// envelope is the memory of one bound.
type envelope struct {
	fromJ, toJ, fromI, toI []int // first and last partner of each point inside the band
	low, high              []int // positions, for the sliding minimum and maximum
	costs                  []float32
}

var envelopes = sync.Pool{New: func() any { return new(envelope) }}

func integers(v []int, n int) []int {
	if cap(v) < n {
		return make([]int, n)
	}
	return v[:n]
}

// windows finds which j each i can meet, and the other way round. On
// anti-diagonal k the band is a range of i, and so a range of j = k - i; the ends
// of both never step back and never leap. So the first k that reaches a point
// gives its first partner, and the last k that starts at it gives its last.
func (e *envelope) windows(n, m int, o Options) {
	e.fromJ, e.toJ = integers(e.fromJ, n), integers(e.toJ, n)
	e.fromI, e.toI = integers(e.fromI, m), integers(e.toI, m)
	b := newBand(n, m, o)
	i, j := 0, 0
	for k := 0; k <= n+m-2; k++ {
		lo, hi := b.at(k)
		for ; i <= hi; i++ {
			e.fromJ[i] = k - i
		}
		for ; j <= k-lo; j++ {
			e.fromI[j] = k - j
		}
		e.toJ[lo], e.toI[k-hi] = k-lo, hi
	}
}

// sum adds for each point of a its cost against the envelope of b over its
// window. Windows move forward only, so that a queue of candidates for the
// minimum and one for the maximum see every point once.
func (e *envelope) sum(a, b *Series, from, to []int, o Options) float32 {
	e.costs = resize(e.costs, a.n)
	clear(e.costs)
	e.low, e.high = integers(e.low, b.n), integers(e.high, b.n)
	for c := range a.d {
		x, y := a.fwd[c*a.stride:][:a.n], b.fwd[c*b.stride:][:b.n]
		most := inf
		if o.Cap > 0 && o.Metric == L1 {
			most = o.Cap * a.weights[c]
		}
		next, l0, l1, h0, h1 := 0, 0, 0, 0, 0
		for i, v := range x {
			for ; next <= to[i]; next++ {
				for l1 > l0 && y[e.low[l1-1]] >= y[next] {
					l1--
				}
				for h1 > h0 && y[e.high[h1-1]] <= y[next] {
					h1--
				}
				e.low[l1], e.high[h1] = next, next
				l1, h1 = l1+1, h1+1
			}
			for e.low[l0] < from[i] {
				l0++
			}
			for e.high[h0] < from[i] {
				h0++
			}
			d := max(y[e.low[l0]]-v, v-y[e.high[h0]], 0)
			if o.Metric == L2 {
				d *= d
			}
			e.costs[i] += min(d, most)
		}
	}
	total := float32(0)
	for _, v := range e.costs {
		total += v
	}
	return total
}

// Nearest is the series of the candidates that aligns best with the query, and
// its distance, as if every Distance had been computed: candidates whose lower
// bound, or whose alignment so far, is above the best are given up. -1 where
// there is none below the limit.
func Nearest(query *Series, candidates []*Series, o Options, limit float32) (int, float32, error) {
	at, best := -1, limit
	for i, c := range candidates {
		low, err := LowerBoundBelow(query, c, o, best)
		if err != nil {
			return -1, 0, err
		}
		if low == inf {
			continue
		}
		d, err := DistanceBelow(query, c, o, best)
		if err != nil {
			return -1, 0, err
		}
		if d < best || d == best && at < 0 && d < inf {
			at, best = i, d
		}
	}
	if at < 0 {
		best = inf
	}
	return at, best, nil
}
