package evaluate

import (
	"errors"
	"fmt"
	"hash/fnv"
	"math"
	"math/rand/v2"
	"runtime"
	"slices"
	"sync"

	"inkwitness/biometrics"
	"inkwitness/biometrics/calibrate"
	"inkwitness/biometrics/compare"
	"inkwitness/biometrics/feature"
	"inkwitness/capture"
)

// TrainPlans are the plans that training collects: the calibration has to hold
// for references of one session and of several, and for few references.
func TrainPlans() []Plan {
	var out []Plan
	for _, n := range []int{1, 2, 3, 4, 5, 7, 10} {
		for _, p := range Protocols() {
			out = append(out, Plan{Protocol: p, Draws: 6, References: n, Seed: 7, NoRandom: true})
		}
	}
	return out
}

// Fold says in which of n folds a person is. It depends on the corpus and the
// person alone: a person compared without pressure is in the fold of the same
// person compared with it.
func Fold(corpus, user string, n int) int {
	h := fnv.New64a()
	fmt.Fprintf(h, "%s/%s", corpus, user)
	return int(h.Sum64() >> 8 % uint64(n))
}

// fitted keeps the ridge of the logistic regression: small, only against
// complete separation.
const ridge = 1e-4

// Bootstraps is the number of lines behind an interval in a model that is
// shipped; folds need none.
const Bootstraps = 40

// Train fits the populations and the calibrations on everybody but the people
// of one fold (of n; fold -1 leaves nobody out), with that many bootstrap lines.
func Train(m *compare.Model, cs []*Collection, fold, n, bootstraps int) (compare.Trained, error) {
	var t compare.Trained
	for _, pressure := range []bool{false, true} {
		p, err := population(cs, pressure, fold, n)
		if err != nil {
			return t, err
		}
		t.Populations = append(t.Populations, p)
	}
	m = m.WithTrained(t)
	classes := trainClasses(cs, fold, n)
	if len(classes) == 0 {
		return t, fmt.Errorf("nobody to calibrate on, genuine and forged: %w", biometrics.ErrNotFound)
	}
	t.Calibrations = make([]compare.Calibration, len(classes))
	errs := make([]error, len(classes))
	var wg sync.WaitGroup
	slots := make(chan struct{}, runtime.GOMAXPROCS(0))
	for i, k := range classes {
		wg.Go(func() {
			slots <- struct{}{}
			defer func() { <-slots }()
			t.Calibrations[i], errs[i] = calibration(m, cs, k, fold, n, bootstraps)
		})
	}
	wg.Wait()
	return t, errors.Join(errs...)
}

// trainClasses lists the classes to fit a line for, those of which there are
// people: with and without pressure, by number of references, of one day and of
// several.
func trainClasses(cs []*Collection, fold, n int) []biometrics.Class {
	var out []biometrics.Class
	for _, several := range []bool{false, true} {
		for _, pressure := range []bool{false, true} {
			for _, refs := range references(cs) {
				k := biometrics.Class{Pressure: pressure, Pointer: capture.Pen, References: refs, SeveralDays: several}
				if len(classTrials(cs, k, fold, n)) > 0 {
					out = append(out, k)
				}
			}
		}
	}
	return out
}

func references(cs []*Collection) []int {
	var out []int
	for _, c := range cs {
		for _, r := range c.Runs {
			if !slices.Contains(out, r.Plan.References) {
				out = append(out, r.Plan.References)
			}
		}
	}
	slices.Sort(out)
	return out
}

func leftOut(c *Collection, user int, fold, n int) bool {
	return fold >= 0 && Fold(string(c.Corpus), c.Users[user], n) == fold
}

// population averages over people: the mean log distance between references
// and how it follows from them, and the spread of each global feature among a
// person's genuine signatures.
func population(cs []*Collection, pressure bool, fold, n int) (compare.Population, error) {
	p := compare.Population{Pressure: pressure, Spread: make([]float64, feature.NumGlobal)}
	people := 0.0
	var writers []writer
	for _, c := range cs {
		if c.Pressure != pressure {
			continue
		}
		own := ownByUser(c)
		for _, g := range genuineGlobals(c) {
			if len(g.of) < 2 || leftOut(c, g.user, fold, n) {
				continue
			}
			for k := range p.Spread {
				p.Spread[k] += variance(g.of, k)
			}
			people++
			if !math.IsNaN(own[g.user]) {
				writers = append(writers, writer{own[g.user], g.of})
			}
		}
	}
	if people == 0 || len(writers) == 0 {
		return p, fmt.Errorf("no people to train on (pressure %v): %w", pressure, biometrics.ErrNotFound)
	}
	for k := range p.Spread {
		p.Spread[k] = round(math.Sqrt(p.Spread[k]/people) + 1e-4)
	}
	return p, regress(&p, writers)
}

// ownByUser is each user's mean distance between references, NaN where no run
// has two of them.
func ownByUser(c *Collection) []float64 {
	sum, n := make([]float64, len(c.Users)), make([]float64, len(c.Users))
	for _, r := range c.Runs {
		for i, tr := range r.Trials {
			if r.Evidence[i].Pairs > 0 {
				sum[tr.User] += r.Evidence[i].Own
				n[tr.User]++
			}
		}
	}
	for u := range sum {
		sum[u] /= n[u]
	}
	return sum
}

// round keeps six digits, so that a different order of summation on another
// machine does not change the file.
func round(v float64) float64 {
	if v == 0 {
		return 0
	}
	scale := math.Pow(10, 5-math.Floor(math.Log10(math.Abs(v))))
	return math.Round(v*scale) / scale
}

type person struct {
	user int
	of   []*[feature.NumGlobal]float64
}

func genuineGlobals(c *Collection) []person {
	var out []person
	for u, id := range c.Users {
		p := person{user: u}
		for i, it := range c.Items {
			if it.User == id && it.Genuine {
				p.of = append(p.of, c.Globals[i])
			}
		}
		out = append(out, p)
	}
	return out
}

func variance(g []*[feature.NumGlobal]float64, k int) float64 {
	mean, sq := 0.0, 0.0
	for _, v := range g {
		mean += v[k] / float64(len(g))
	}
	for _, v := range g {
		sq += (v[k] - mean) * (v[k] - mean)
	}
	return sq / float64(len(g)-1)
}

// scored is the scores of one person.
type scored struct{ same, different []float64 }

// calibration fits the line of one class, and lines to people drawn with
// replacement for the interval.
func calibration(m *compare.Model, cs []*Collection, k biometrics.Class, fold, n, bootstraps int) (compare.Calibration, error) {
	out := compare.Calibration{Pressure: k.Pressure, References: k.References, SeveralDays: k.SeveralDays}
	people := gatherScores(m, cs, k, fold, n)
	same, different := join(people, nil)
	line, err := calibrate.Fit(same, different, ridge)
	if err != nil {
		return out, fmt.Errorf("calibrate pressure %v, %d references, several days %v: %w", k.Pressure, k.References, k.SeveralDays, err)
	}
	out.Line = rounded(line)
	out.People = len(people)
	slices.Sort(same)
	slices.Sort(different)
	// The borders leave five scores of each kind outside: beyond them the data
	// cannot say how rare a score is.
	out.Lowest = round(different[min(5, len(different)/2)])
	out.Highest = round(same[max(len(same)-6, len(same)/2)])
	rng := rand.New(rand.NewPCG(uint64(k.References), 11))
	for range bootstraps {
		pick := make([]int, len(people))
		for i := range pick {
			pick[i] = rng.IntN(len(people))
		}
		s, d := join(people, pick)
		if l, err := calibrate.Fit(s, d, ridge); err == nil {
			out.Bootstrap = append(out.Bootstrap, rounded(l))
		}
	}
	return out, nil
}

func rounded(l calibrate.Line) calibrate.Line {
	return calibrate.Line{Offset: round(l.Offset), Scale: round(l.Scale)}
}

// place is one trial of one collection.
type place struct {
	c   *Collection
	run *Run
	at  int
}

// classTrials lists the trials of a class by person, of people whom somebody
// forged: others would only add genuine scores of one corpus.
func classTrials(cs []*Collection, k biometrics.Class, fold, n int) [][]place {
	var out [][]place
	for _, c := range cs {
		if c.Pressure != k.Pressure {
			continue
		}
		byUser := make([][]place, len(c.Users))
		forged, genuine := make([]bool, len(c.Users)), make([]bool, len(c.Users))
		for r := range c.Runs {
			run := &c.Runs[r]
			if run.Plan.References != k.References {
				continue
			}
			for i, t := range run.Trials {
				if t.Label == Random || leftOut(c, t.User, fold, n) || c.class(t) != k {
					continue
				}
				byUser[t.User] = append(byUser[t.User], place{c, run, i})
				forged[t.User], genuine[t.User] = forged[t.User] || t.Label == Skilled, genuine[t.User] || t.Label == Genuine
			}
		}
		for u, ps := range byUser {
			if forged[u] && genuine[u] {
				out = append(out, ps)
			}
		}
	}
	return out
}

// gatherScores collects the scores of all people of a class.
func gatherScores(m *compare.Model, cs []*Collection, k biometrics.Class, fold, n int) []scored {
	var out []scored
	for _, ps := range classTrials(cs, k, fold, n) {
		var s scored
		for _, p := range ps {
			if v := p.c.Raw(m, p.run, p.at); p.run.Trials[p.at].Label == Genuine {
				s.same = append(s.same, v)
			} else {
				s.different = append(s.different, v)
			}
		}
		out = append(out, s)
	}
	return out
}

func join(people []scored, pick []int) (same, different []float64) {
	if pick == nil {
		for i := range people {
			pick = append(pick, i)
		}
	}
	for _, i := range pick {
		same, different = append(same, people[i].same...), append(different, people[i].different...)
	}
	return same, different
}
