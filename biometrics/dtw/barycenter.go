package dtw

import (
	"fmt"
	"slices"
)

// Barycenter makes one series out of several: from start on, each point is moved
// to the middle of all points that the alignments bring to it, and the
// alignments are computed again, for the given number of rounds or until nothing
// gets better. It is DBA (Petitjean, Ketterlin and Gançarski 2011, "A global
// averaging method for dynamic time warping", Pattern Recognition 44, 678-693).
//
// The middle is the mean under L2 and the median under L1, each step counted
// with its weight, which is what makes the sum of distances fall. That sum is
// given for the start and after every round. Under a Cap it may rise; the best
// round is returned in any case. The result has the length, the channels and the
// weights of start.
func Barycenter(series []*Series, start *Series, o Options, rounds int) (*Series, []float64, error) {
	if len(series) == 0 {
		return nil, nil, ErrShape
	}
	best, center := start, start
	var sums []float64
	lowest := 0.0
	for round := 0; ; round++ {
		next, total, err := meet(series, center, o)
		if err != nil {
			return nil, nil, fmt.Errorf("barycenter: %w", err)
		}
		if sums = append(sums, total); round == 0 || total < lowest {
			best, lowest = center, total
		} else {
			return best, sums, nil
		}
		if round == rounds {
			return best, sums, nil
		}
		center = next
	}
}

// meet aligns all series with a centre, and returns the centre that suits these
// alignments best, with the sum of their costs.
func meet(series []*Series, center *Series, o Options) (*Series, float64, error) {
	met := make([][]partner, center.n)
	total := 0.0
	for _, s := range series {
		path, cost, err := Path(center, s, o)
		if err != nil {
			return nil, 0, err
		}
		total += float64(cost)
		for k, p := range path {
			w := float32(1)
			if k == 0 || p.I != path[k-1].I && p.J != path[k-1].J {
				w = weight(o.Step)
			}
			met[p.I] = append(met[p.I], partner{s, p.J, w})
		}
	}
	channels := make([][]float32, center.d)
	for c := range channels {
		channels[c] = make([]float32, center.n)
		for i := range channels[c] {
			channels[c][i] = middle(met[i], c, o.Metric)
		}
	}
	next := &Series{}
	if err := next.Set(channels, nil); err != nil {
		return nil, 0, err
	}
	for c, w := range center.weights {
		next.weigh(c, w) // for the cap
	}
	return next, total, nil
}

// partner is a point that was aligned with a point of the centre.
type partner struct {
	s *Series
	j int
	w float32
}

// middle is the value with the least weighted cost to all partners: their mean,
// or their median.
func middle(ps []partner, c int, m Metric) float32 {
	if m == L2 {
		var sum, n float64
		for _, p := range ps {
			sum, n = sum+float64(p.w*p.s.at(c, p.j)), n+float64(p.w)
		}
		return float32(sum / n)
	}
	ps = slices.Clone(ps)
	slices.SortFunc(ps, func(a, b partner) int {
		if x, y := a.s.at(c, a.j), b.s.at(c, b.j); x < y {
			return -1
		} else if x > y {
			return 1
		}
		return 0
	})
	var all, n float32
	for _, p := range ps {
		all += p.w
	}
	for _, p := range ps {
		if n += p.w; 2*n >= all {
			return p.s.at(c, p.j)
		}
	}
	return ps[len(ps)-1].s.at(c, ps[len(ps)-1].j)
}

// Medoid is the index of the series with the least sum of distances to all
// others: what a barycenter is best started from.
func Medoid(series []*Series, o Options) (int, error) {
	if len(series) == 0 {
		return -1, ErrShape
	}
	sums := make([]float64, len(series))
	for i, a := range series {
		for j, b := range series[:i] {
			d, err := Distance(a, b, o)
			if err != nil {
				return -1, err
			}
			sums[i] += float64(d)
			sums[j] += float64(d)
		}
	}
	at := 0
	for i, v := range sums {
		if v < sums[at] {
			at = i
		}
	}
	return at, nil
}
