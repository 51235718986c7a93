package evaluate

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"

	"inkwitness/biometrics"
)

// Difference is B less A over the same users, with its 95 % interval by drawing
// users with replacement, the same ones for both.
type Difference struct {
	Against Label    `json:"against"`
	A       float64  `json:"a"`
	B       float64  `json:"b"`
	Common  Interval `json:"eerCommonDifference"`
	User    Interval `json:"eerUserDifference"`
	Cllr    Interval `json:"cllrDifference"`
}

// Paired compares two score files of the same trials.
func Paired(a, b *ScoreFile) ([]Difference, error) {
	at := make(map[string]int, len(b.Keys))
	for i, k := range b.Keys {
		at[k] = i
	}
	scores := make([]float64, len(a.Keys))
	for i, k := range a.Keys {
		j, ok := at[k]
		if !ok {
			return nil, fmt.Errorf("trial %d of the first file is not in the second: %w", i+1, biometrics.ErrNotFound)
		}
		scores[i] = b.Scores[j]
	}
	if len(a.Keys) != len(b.Keys) {
		return nil, fmt.Errorf("%d and %d trials: %w", len(a.Keys), len(b.Keys), biometrics.ErrMalformed)
	}
	var out []Difference
	for _, l := range []Label{Skilled, Random} {
		ta, tb := newTable(a.Trials, a.Scores, l), newTable(a.Trials, scores, l)
		if d, ok := difference(ta, tb, l); ok {
			out = append(out, d)
		}
	}
	return out, nil
}

func difference(a, b table, against Label) (Difference, bool) {
	w := make([]float64, a.users)
	for i := range w {
		w[i] = 1
	}
	ca, ua, la := a.eers(w)
	cb, ub, lb := b.eers(w)
	d := Difference{Against: against, A: ca, B: cb}
	d.Common.Value, d.User.Value, d.Cllr.Value = cb-ca, ub-ua, lb-la
	if math.IsNaN(ca) || math.IsNaN(cb) {
		return d, false
	}
	rng := rand.New(rand.NewPCG(19, 42))
	var common, user, cllr []float64
	for range 5 * resamples {
		clear(w)
		for range w {
			w[rng.IntN(len(w))]++
		}
		ca, ua, la := a.eers(w)
		cb, ub, lb := b.eers(w)
		if math.IsNaN(ca + ua + cb + ub) {
			continue
		}
		common, user, cllr = append(common, cb-ca), append(user, ub-ua), append(cllr, lb-la)
	}
	for _, v := range [][]float64{common, user, cllr} {
		slices.Sort(v)
	}
	d.Common.ends(common)
	d.User.ends(user)
	d.Cllr.ends(cllr)
	return d, true
}
