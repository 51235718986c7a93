// Package calibrate turns scores into likelihood ratios and measures how good
// they are. It takes plain slices of numbers: natural logarithms of likelihood
// ratios, or scores of which higher means more alike. It knows no signatures and
// decides nothing.
//
// Measures follow Brümmer and du Preez (2006), "Application-independent
// evaluation of speaker detection", Computer Speech and Language 20, 230-275.
package calibrate

import (
	"errors"
	"math"
	"sort"
)

// ErrData is returned where there is nothing to fit or to measure.
var ErrData = errors.New("calibrate: both kinds of scores are needed, all of them finite")

// Cllr is the log-likelihood-ratio cost in bits: 0 is perfect, 1 is a system
// that says nothing. Both arguments are natural logarithms of likelihood ratios.
func Cllr(same, different []float64) float64 {
	if len(same) == 0 || len(different) == 0 {
		return math.NaN()
	}
	s, d := 0.0, 0.0
	for _, l := range same {
		s += softplus(-l)
	}
	for _, l := range different {
		d += softplus(l)
	}
	return (s/float64(len(same)) + d/float64(len(different))) / (2 * math.Ln2)
}

// Cost is one term of the Cllr in bits: what a natural log likelihood ratio
// costs when the truth is against it. Give -l where the truth is "same".
func Cost(l float64) float64 { return softplus(l) / math.Ln2 }

// MinCllr is the Cllr that the best monotone calibration, made on these very
// scores, would reach: what the scores lose in discrimination alone.
func MinCllr(same, different []float64) float64 {
	if len(same) == 0 || len(different) == 0 {
		return math.NaN()
	}
	ls, ld := PAV(same, different)
	return Cllr(ls, ld)
}

// softplus is log(1 + e^x) without overflow.
func softplus(x float64) float64 {
	if x > 0 {
		return x + math.Log1p(math.Exp(-x))
	}
	return math.Log1p(math.Exp(x))
}

func sigmoid(x float64) float64 {
	if x >= 0 {
		return 1 / (1 + math.Exp(-x))
	}
	e := math.Exp(x)
	return e / (1 + e)
}

// PAV is the optimal monotone calibration by pool adjacent violators (Ayer et
// al. 1955; Brümmer and du Preez 2006, section 6.1): the natural log likelihood
// ratio of each score, in the order given. Ties are one block.
func PAV(same, different []float64) (ls, ld []float64) {
	type obs struct {
		score float64
		same  bool
		at    int
	}
	all := make([]obs, 0, len(same)+len(different))
	for i, s := range same {
		all = append(all, obs{s, true, i})
	}
	for i, s := range different {
		all = append(all, obs{s, false, i})
	}
	sort.SliceStable(all, func(i, j int) bool { return all[i].score < all[j].score })
	type block struct{ n, hits, end int }
	var blocks []block
	for i := 0; i < len(all); {
		b := block{}
		for s := all[i].score; i < len(all) && all[i].score == s; i++ {
			b.n++
			if all[i].same {
				b.hits++
			}
		}
		b.end = i
		for len(blocks) > 0 {
			last := blocks[len(blocks)-1]
			if last.hits*b.n < b.hits*last.n {
				break
			}
			b.n, b.hits = b.n+last.n, b.hits+last.hits
			blocks = blocks[:len(blocks)-1]
		}
		blocks = append(blocks, b)
	}
	ls, ld = make([]float64, len(same)), make([]float64, len(different))
	prior := math.Log(float64(len(same))) - math.Log(float64(len(different)))
	i := 0
	for _, b := range blocks {
		l := math.Log(float64(b.hits)) - math.Log(float64(b.n-b.hits)) - prior
		for ; i < b.end; i++ {
			if all[i].same {
				ls[all[i].at] = l
			} else {
				ld[all[i].at] = l
			}
		}
	}
	return ls, ld
}

// Line is a logistic calibration: the natural log likelihood ratio is
// Offset + Scale times the score, Scale > 0.
type Line struct {
	Offset float64 `json:"offset"`
	Scale  float64 `json:"scale"`
}

// At applies the line.
func (l Line) At(score float64) float64 { return l.Offset + l.Scale*score }

// Fit is the logistic regression with both kinds of scores weighed alike
// (prior 1/2), so that the log odds are the log likelihood ratio. The ridge
// keeps the line finite where the scores separate completely. The loss is
// convex, so Newton's method with bounded steps finds its one minimum.
func Fit(same, different []float64, ridge float64) (Line, error) {
	for _, v := range [][]float64{same, different} {
		if len(v) == 0 {
			return Line{}, ErrData
		}
		for _, s := range v {
			if math.IsNaN(s) || math.IsInf(s, 0) {
				return Line{}, ErrData
			}
		}
	}
	f := fitting{same: same, different: different, ridge: ridge}
	f.centre, f.spread = moments(same, different)
	a, k := 0.0, 1.0
	for range 200 {
		da, dk := f.step(a, k)
		size := math.Hypot(da, dk)
		if size < 1e-10 {
			break
		}
		if size > 1 { // far from the minimum the parabola leads too far
			da, dk = da/size, dk/size
		}
		a, k = a+da, k+dk
	}
	if !(k > 0) { // more alike speaks against: nothing to learn from these scores
		return Line{}, ErrData
	}
	scale := k / f.spread
	return Line{Offset: a - scale*f.centre, Scale: scale}, nil
}

// fitting is the loss of the line a + k z over standardised scores z.
type fitting struct {
	same, different       []float64
	ridge, centre, spread float64
}

// step is Newton's step at a, k.
func (f *fitting) step(a, k float64) (float64, float64) {
	ga, gk := 2*f.ridge*a, 2*f.ridge*k
	haa, hak, hkk := 2*f.ridge, 0.0, 2*f.ridge
	add := func(v []float64, sign float64) {
		n := float64(len(v))
		for _, s := range v {
			z := (s - f.centre) / f.spread
			p := sigmoid(sign * (a + k*z))
			ga += sign * p / n
			gk += sign * p * z / n
			h := p * (1 - p) / n
			haa, hak, hkk = haa+h, hak+h*z, hkk+h*z*z
		}
	}
	add(f.same, -1)
	add(f.different, 1)
	det := haa*hkk - hak*hak
	if !(det > 0) {
		return -ga, -gk
	}
	return -(hkk*ga - hak*gk) / det, -(haa*gk - hak*ga) / det
}

func moments(vs ...[]float64) (mean, sd float64) {
	n := 0.0
	for _, v := range vs {
		for _, x := range v {
			mean += x
			n++
		}
	}
	mean /= n
	for _, v := range vs {
		for _, x := range v {
			sd += (x - mean) * (x - mean)
		}
	}
	if sd = math.Sqrt(sd / n); sd == 0 {
		sd = 1
	}
	return mean, sd
}
