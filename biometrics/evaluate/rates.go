package evaluate

import (
	"cmp"
	"encoding/json"
	"math"
	"math/rand/v2"
	"slices"
	"sort"

	"inkwitness/biometrics/calibrate"
)

// EER is the equal error rate: a score is accepted when it is at or above the
// threshold; thresholds step over all scores, and where the two error rates
// cross between two steps the rate is interpolated linearly. Both arguments
// must be sorted. NaN without scores of both kinds.
func EER(same, different []float64) float64 {
	if len(same) == 0 || len(different) == 0 {
		return math.NaN()
	}
	fmr0, fnmr0 := 1.0, 0.0 // threshold below every score
	i, j := 0, 0            // scores below the threshold
	for i < len(same) || j < len(different) {
		t := math.Inf(1)
		if i < len(same) {
			t = same[i]
		}
		if j < len(different) {
			t = math.Min(t, different[j])
		}
		for i < len(same) && same[i] == t {
			i++
		}
		for j < len(different) && different[j] == t {
			j++
		}
		fnmr := float64(i) / float64(len(same))
		fmr := 1 - float64(j)/float64(len(different))
		if fnmr >= fmr {
			before, after := fmr0-fnmr0, fmr-fnmr
			f := before / (before - after)
			return fmr0 + f*(fmr-fmr0)
		}
		fmr0, fnmr0 = fmr, fnmr
	}
	return fmr0
}

// FNMRAt is the false non-match rate at the lowest threshold whose false match
// rate is at most fmr. Both arguments must be sorted.
func FNMRAt(same, different []float64, fmr float64) float64 {
	if len(same) == 0 || len(different) == 0 {
		return math.NaN()
	}
	allowed := int(math.Floor(fmr*float64(len(different)) + 1e-9))
	if allowed >= len(different) {
		return 0
	}
	t := different[len(different)-1-allowed] // scores above t are accepted
	below := sort.Search(len(same), func(i int) bool { return same[i] > t })
	return float64(below) / float64(len(same))
}

// Interval is a value with the ends of its 95 % bootstrap interval over users.
type Interval struct {
	Value float64 `json:"value"`
	Low   float64 `json:"low"`
	High  float64 `json:"high"`
}

// MarshalJSON writes null for what is no number: a rate of which there was
// nothing to measure.
func (i Interval) MarshalJSON() ([]byte, error) {
	number := func(v float64) *float64 {
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return nil
		}
		return &v
	}
	return json.Marshal(struct {
		Value *float64 `json:"value"`
		Low   *float64 `json:"low"`
		High  *float64 `json:"high"`
	}{number(i.Value), number(i.Low), number(i.High)})
}

// Rates are the error rates of one kind of forgery. Rates are shares, not per
// cent. Common pools users within a draw and averages draws; User averages the
// equal error rates of each user and draw.
type Rates struct {
	Against    Label    `json:"against"`
	Users      int      `json:"users"`     // with forgeries of this kind
	Genuine    int      `json:"genuine"`   // comparisons
	Forgeries  int      `json:"forgeries"` // comparisons
	Common     Interval `json:"eerCommon"`
	User       Interval `json:"eerUser"`
	FNMRAt1    float64  `json:"fnmrAtFmr1"`   // FMR 1 %, common threshold
	FNMRAt01   float64  `json:"fnmrAtFmr0_1"` // FMR 0.1 %
	Cllr       Interval `json:"cllr"`
	MinCllr    float64  `json:"minCllr"`
	Excess     float64  `json:"cllrOverMin"` // 0 where the minimum is 0
	Misleading float64  `json:"misleading"`  // share of genuine with LR < 1 plus share of forgeries with LR > 1, halved
}

// entry is one score of a draw.
type entry struct {
	score float64
	user  int32
	same  bool
}

// table is the scores by draw, sorted once, so that a resample of users is a
// walk with weights.
type table struct {
	users   int
	draws   [][]entry
	userEER []float64 // by draw and user, NaN without both kinds
	cost    [2][]float64
	count   [2][]float64 // by user: sum of the Cllr's terms, and scores
}

func newTable(trials []Trial, scores []float64, against Label) table {
	var t table
	for _, tr := range trials {
		t.users = max(t.users, tr.User+1)
		for len(t.draws) <= tr.Draw {
			t.draws = append(t.draws, nil)
		}
	}
	for k := range 2 {
		t.cost[k], t.count[k] = make([]float64, t.users), make([]float64, t.users)
	}
	for i, tr := range trials {
		if tr.Label != Genuine && tr.Label != against {
			continue
		}
		e := entry{scores[i], int32(tr.User), tr.Label == Genuine}
		t.draws[tr.Draw] = append(t.draws[tr.Draw], e)
		k, sign := 1, 1.0
		if e.same {
			k, sign = 0, -1
		}
		t.count[k][tr.User]++
		t.cost[k][tr.User] += calibrate.Cost(sign * e.score)
	}
	for _, d := range t.draws {
		slices.SortStableFunc(d, func(a, b entry) int { return cmp.Compare(a.score, b.score) })
		same, different := make([][]float64, t.users), make([][]float64, t.users)
		for _, e := range d {
			if e.same {
				same[e.user] = append(same[e.user], e.score)
			} else {
				different[e.user] = append(different[e.user], e.score)
			}
		}
		for u := range same {
			t.userEER = append(t.userEER, EER(same[u], different[u]))
		}
	}
	return t
}

// pool is the sorted scores of one draw.
func (t table) pool(draw int) (same, different []float64) {
	for _, e := range t.draws[draw] {
		if e.same {
			same = append(same, e.score)
		} else {
			different = append(different, e.score)
		}
	}
	return same, different
}

// weighted is EER over sorted entries of users who count weights times.
func weighted(es []entry, weights []float64) float64 {
	var total, below [2]float64 // different, same
	for _, e := range es {
		total[index(e.same)] += weights[e.user]
	}
	if total[0] == 0 || total[1] == 0 {
		return math.NaN()
	}
	fmr0, fnmr0 := 1.0, 0.0
	for i := 0; i < len(es); {
		for t := es[i].score; i < len(es) && es[i].score == t; i++ {
			below[index(es[i].same)] += weights[es[i].user]
		}
		fnmr, fmr := below[1]/total[1], 1-below[0]/total[0]
		if fnmr >= fmr {
			before, after := fmr0-fnmr0, fmr-fnmr
			if before == after {
				return fmr0
			}
			return fmr0 + before/(before-after)*(fmr-fmr0)
		}
		fmr0, fnmr0 = fmr, fnmr
	}
	return fmr0
}

func index(same bool) int {
	if same {
		return 1
	}
	return 0
}

// eers is the common and the user-threshold rate and the Cllr, users weighed.
func (t table) eers(weights []float64) (common, user, cllr float64) {
	n, nu := 0.0, 0.0
	for d, es := range t.draws {
		if e := weighted(es, weights); !math.IsNaN(e) {
			common += e
			n++
		}
		for u, w := range weights {
			if e := t.userEER[d*t.users+u]; w > 0 && !math.IsNaN(e) {
				user += e * w
				nu += w
			}
		}
	}
	for k := range 2 {
		cost, count := 0.0, 0.0
		for u, w := range weights {
			cost, count = cost+w*t.cost[k][u], count+w*t.count[k][u]
		}
		cllr += cost / count / 2
	}
	return common / n, user / nu, cllr
}

// resamples of the bootstrap. 200 give the ends of a 95 % interval to about a
// tenth of its width.
const resamples = 200

// Measure computes the rates against one kind of forgery.
func Measure(trials []Trial, scores []float64, against Label) Rates {
	t := newTable(trials, scores, against)
	r := Rates{Against: against}
	once := make([]float64, t.users)
	var present []int
	for u := range once {
		once[u] = 1
		r.Genuine += int(t.count[0][u])
		r.Forgeries += int(t.count[1][u])
		if t.count[0][u]+t.count[1][u] > 0 {
			present = append(present, u)
		}
		if t.count[1][u] > 0 {
			r.Users++
		}
	}
	if r.Genuine == 0 || r.Forgeries == 0 {
		nan := Interval{math.NaN(), math.NaN(), math.NaN()}
		r.Common, r.User, r.Cllr = nan, nan, nan
		return r
	}
	var same, different []float64
	for d := range t.draws {
		s, f := t.pool(d)
		r.FNMRAt1 += FNMRAt(s, f, 0.01) / float64(len(t.draws))
		r.FNMRAt01 += FNMRAt(s, f, 0.001) / float64(len(t.draws))
		same, different = append(same, s...), append(different, f...)
	}
	r.Common.Value, r.User.Value, r.Cllr.Value = t.eers(once)
	r.MinCllr = calibrate.MinCllr(same, different)
	if r.MinCllr > 0 {
		r.Excess = r.Cllr.Value / r.MinCllr
	}
	r.Misleading = (share(same, func(x float64) bool { return x < 0 }) + share(different, func(x float64) bool { return x > 0 })) / 2
	t.bootstrap(&r, present)
	return r
}

func share(v []float64, f func(float64) bool) float64 {
	n := 0.0
	for _, x := range v {
		if f(x) {
			n++
		}
	}
	return n / float64(len(v))
}

// bootstrap draws users with replacement. The generator is seeded, so that a
// report can be reproduced.
func (t table) bootstrap(r *Rates, present []int) {
	rng := rand.New(rand.NewPCG(19, 42))
	var common, user, cllr []float64
	for range resamples {
		w := make([]float64, t.users)
		for range present {
			w[present[rng.IntN(len(present))]]++
		}
		c, u, l := t.eers(w)
		if math.IsNaN(c) || math.IsNaN(u) {
			continue
		}
		common, user, cllr = append(common, c), append(user, u), append(cllr, l)
	}
	r.Common.ends(common)
	r.User.ends(user)
	r.Cllr.ends(cllr)
}

func (i *Interval) ends(v []float64) {
	i.Low, i.High = i.Value, i.Value
	if len(v) == 0 {
		return
	}
	slices.Sort(v)
	i.Low, i.High = v[len(v)*25/1000], v[len(v)-1-len(v)*25/1000]
}
