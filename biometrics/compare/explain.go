package compare

import (
	"fmt"
	"math"
	"sort"

	"inkwitness/biometrics"
	"inkwitness/biometrics/dtw"
	"inkwitness/biometrics/feature"
)

// Limits of a stretch that is worth pointing at.
const (
	window     = 9    // samples over which costs are averaged, 90 ms
	unlike     = 1.5  // times the references' own cost: speaks against
	alike      = 1.0  // at or below the references' own cost: speaks for
	minStretch = 8    // samples
	mostPath   = 4000 // steps that are handed out
)

// explain says where the score comes from: the alignment with the nearest
// reference, in units of what that reference costs its own nearest neighbour.
func (m *Model) explain(q *Prepared, s *side, costs []Costs) (*biometrics.Explanation, error) {
	nearest := 0
	for i := range costs {
		if costs[i][0] < costs[nearest][0] {
			nearest = i
		}
	}
	return m.explainWith(q, s, nearest)
}

// explainWith is explain with the reference of the caller's choice.
func (m *Model) explainWith(q *Prepared, s *side, nearest int) (*biometrics.Explanation, error) {
	ref := s.refs[nearest]
	path, _, err := dtw.Path(q.series[0], ref.series[0], m.options(0))
	if err != nil {
		return nil, fmt.Errorf("explain: %w", err)
	}
	unit, channels, err := m.ownCost(s, nearest)
	if err != nil {
		return nil, err
	}
	e := &biometrics.Explanation{Reference: nearest}
	mine := dtw.ChannelCosts(q.series[0], ref.series[0], path, m.options(0))
	for c, name := range m.Recipe.Sets[0].Channels {
		if channels == nil || channels[c] > 0 {
			e.Channels = append(e.Channels, biometrics.ChannelCost{Channel: name, Cost: mine[c] / own(channels, c, mine)})
		}
	}
	if unit == 0 {
		unit = meanCost(path)
	}
	e.Path, e.Stretches = steps(path, unit, q.signal, ref.signal), stretches(path, unit, q.signal)
	e.Features = m.contributions(q, s)
	return e, nil
}

// own is the unit of a channel: the references' own cost, or, with a single
// reference, the signature's own, so that all channels read 1.
func own(channels []float64, c int, mine []float64) float64 {
	if channels != nil {
		return channels[c]
	}
	return math.Max(mine[c], 1e-9)
}

func meanCost(path []dtw.Cell) float64 {
	sum := 0.0
	for _, p := range path {
		sum += float64(p.Cost)
	}
	return math.Max(sum/float64(len(path)), 1e-9)
}

// ownCost is the mean local cost between a reference and the one nearest to it,
// in all and by channel; zero and nil with a single reference.
func (m *Model) ownCost(s *side, at int) (float64, []float64, error) {
	other, best := -1, math.Inf(1)
	for k, ij := range pairs(len(s.refs)) {
		if (ij[0] == at || ij[1] == at) && s.among[k][0] < best {
			other, best = ij[0]+ij[1]-at, s.among[k][0]
		}
	}
	if other < 0 {
		return 0, nil, nil
	}
	a, b := s.refs[at].series[0], s.refs[other].series[0]
	path, _, err := dtw.Path(a, b, m.options(0))
	if err != nil {
		return 0, nil, fmt.Errorf("explain: %w", err)
	}
	return meanCost(path), dtw.ChannelCosts(a, b, path, m.options(0)), nil
}

// steps translates the path to recorded points.
func steps(path []dtw.Cell, unit float64, q, r *feature.Signal) []biometrics.PathStep {
	every := 1 + (len(path)-1)/mostPath
	var out []biometrics.PathStep
	for k := 0; k < len(path); k += every {
		p := path[k]
		out = append(out, biometrics.PathStep{Questioned: int(q.Source[p.I]), Reference: int(r.Source[p.J]), Cost: float64(p.Cost) / unit})
	}
	return out
}

// stretches finds the runs of the questioned signature that are clearly alike
// or clearly unlike, the strongest first.
func stretches(path []dtw.Cell, unit float64, q *feature.Signal) []biometrics.Stretch {
	sum, n := make([]float64, q.Len()), make([]float64, q.Len())
	for _, p := range path {
		sum[p.I] += float64(p.Cost) / unit
		n[p.I]++
	}
	smooth := make([]float64, q.Len())
	for i := range smooth {
		s, c := 0.0, 0.0
		for j := max(0, i-window/2); j <= min(q.Len()-1, i+window/2); j++ {
			s, c = s+sum[j], c+n[j]
		}
		smooth[i] = s / math.Max(c, 1)
	}
	var out []biometrics.Stretch
	for from := 0; from < len(smooth); {
		side := supports(smooth[from])
		to := from
		cost := 0.0
		for to < len(smooth) && supports(smooth[to]) == side {
			cost += smooth[to]
			to++
		}
		if side != "" && to-from >= minStretch {
			out = append(out, biometrics.Stretch{From: int(q.Source[from]), To: int(q.Source[to-1]) + 1, Cost: cost / float64(to-from), Supports: side})
		}
		from = to
	}
	weight := func(s biometrics.Stretch) float64 { return math.Abs(math.Log(s.Cost/1.2)) * float64(s.To-s.From) }
	sort.SliceStable(out, func(i, j int) bool { return weight(out[i]) > weight(out[j]) })
	return out
}

func supports(cost float64) string {
	switch {
	case cost >= unlike:
		return biometrics.SupportsDifferent
	case cost <= alike:
		return biometrics.SupportsSame
	}
	return ""
}

// contributions lists the global features, the most unusual first.
func (m *Model) contributions(q *Prepared, s *side) []biometrics.Contribution {
	pop := m.population(q.pressure)
	if pop == nil {
		return nil
	}
	refs := make([]*[feature.NumGlobal]float64, len(s.refs))
	for i, r := range s.refs {
		refs[i] = &r.Globals
	}
	var out []biometrics.Contribution
	for k := range feature.NumGlobal {
		g := feature.Global(k)
		if !q.pressure && g.OfPressure() {
			continue
		}
		mean, spread, z := m.zscore(k, &q.Globals, refs, pop)
		out = append(out, biometrics.Contribution{Feature: g.String(), Unit: g.Unit(), Questioned: q.Globals[k], Mean: mean, Spread: spread, Z: z})
	}
	sort.SliceStable(out, func(i, j int) bool { return math.Abs(out[i].Z) > math.Abs(out[j].Z) })
	return out
}
