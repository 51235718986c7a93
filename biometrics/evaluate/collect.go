package evaluate

import (
	"context"
	"fmt"
	"runtime"
	"sync"

	"inkwitness/biometrics"
	"inkwitness/biometrics/compare"
	"inkwitness/biometrics/corpus"
	"inkwitness/biometrics/feature"
	"inkwitness/capture"
)

// Collection is the evidence of all trials of some plans on one corpus: all
// that depends on a model's recipe, nothing that depends on its training, so
// that one collection serves every fold.
type Collection struct {
	Corpus   corpus.Name
	Pressure bool
	Users    []string
	Items    []corpus.Item // without their points
	Globals  []*[feature.NumGlobal]float64
	Runs     []Run
}

// Run is one plan with its trials and their evidence. Expected and Deviation are
// left out of the evidence, because they depend on the training; Raw adds them.
type Run struct {
	Plan     Plan
	Trials   []Trial
	Evidence []compare.Evidence
}

// Options of Collect. The zero value is good.
type Options struct {
	IgnorePressure bool                  // compare as if the device had no pressure
	Workers        int                   // 0: all cores
	Progress       func(done, total int) // called after each user, from one goroutine at a time
}

// Collect aligns what the plans need. It works user by user, so that only a
// few people's signatures are in memory in their large form.
func Collect(ctx context.Context, m *compare.Model, c *corpus.Corpus, plans []Plan, o Options) (*Collection, error) {
	f := flatten(c)
	out := &Collection{Corpus: c.Name, Pressure: !o.IgnorePressure, Globals: make([]*[feature.NumGlobal]float64, len(f.items))}
	for _, u := range c.Users {
		out.Users = append(out.Users, u.ID)
	}
	for _, it := range f.items {
		out.Pressure = out.Pressure && it.Signature.Device.HasPressure
		it.Signature.Points = nil
		out.Items = append(out.Items, it)
	}
	for _, p := range plans {
		p, err := p.withDefaults()
		if err != nil {
			return nil, err
		}
		ts := f.trials(p)
		out.Runs = append(out.Runs, Run{Plan: p, Trials: ts, Evidence: make([]compare.Evidence, len(ts))})
	}
	j := &job{model: m, flat: f, out: out}
	if err := j.impostors(); err != nil {
		return nil, err
	}
	return out, j.run(ctx, len(c.Users), o)
}

// job is the state that the workers of one Collect share. forgers is read-only
// once they run; of out, each writes only what belongs to its own user.
type job struct {
	model   *compare.Model
	flat    flat
	out     *Collection
	forgers map[int]*compare.Prepared // first genuine signature of each user
}

func (j *job) prepare(i int) (*compare.Prepared, error) {
	p, err := j.model.Prepare(j.flat.items[i].Signature, j.out.Pressure)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", j.flat.items[i].File, err)
	}
	return p, nil
}

func (j *job) impostors() error {
	j.forgers = make(map[int]*compare.Prepared)
	for _, g := range j.flat.genuine {
		if len(g) == 0 {
			continue
		}
		p, err := j.prepare(g[0])
		if err != nil {
			return err
		}
		j.forgers[g[0]] = p
	}
	return nil
}

func (j *job) run(ctx context.Context, users int, o Options) error {
	workers := o.Workers
	if workers <= 0 {
		workers = runtime.GOMAXPROCS(0)
	}
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	next := make(chan int)
	var wg sync.WaitGroup
	var mu sync.Mutex
	done := 0
	for range workers {
		wg.Go(func() {
			for u := range next {
				if err := j.user(ctx, u); err != nil {
					stop(err)
					return
				}
				mu.Lock()
				done++
				if o.Progress != nil {
					o.Progress(done, users)
				}
				mu.Unlock()
			}
		})
	}
feed:
	for u := range users {
		select {
		case next <- u:
		case <-ctx.Done():
			break feed
		}
	}
	close(next)
	wg.Wait()
	return context.Cause(ctx)
}

// user computes the evidence of all trials of one user.
func (j *job) user(ctx context.Context, u int) error {
	own := make(map[int]*compare.Prepared)
	for _, list := range [][]int{j.flat.genuine[u], j.flat.forgeries[u]} {
		for _, i := range list {
			p, ok := j.forgers[i]
			if !ok {
				var err error
				if p, err = j.prepare(i); err != nil {
					return err
				}
			}
			own[i] = p
			j.out.Globals[i] = &p.Globals
		}
	}
	cache := make(map[[2]int]compare.Costs)
	costs := func(a, b int) (compare.Costs, error) {
		if a > b {
			a, b = b, a
		}
		if c, ok := cache[[2]int{a, b}]; ok {
			return c, nil
		}
		pa, pb := own[a], own[b]
		if pa == nil {
			pa = j.forgers[a]
		}
		if pb == nil {
			pb = j.forgers[b]
		}
		c, err := j.model.Align(pa, pb)
		cache[[2]int{a, b}] = c
		return c, err
	}
	for r := range j.out.Runs {
		run := &j.out.Runs[r]
		for i, t := range run.Trials {
			if t.User != u {
				continue
			}
			if err := ctx.Err(); err != nil {
				return err
			}
			e, err := j.evidence(t, costs)
			if err != nil {
				return err
			}
			run.Evidence[i] = e
		}
	}
	return nil
}

func (j *job) evidence(t Trial, costs func(a, b int) (compare.Costs, error)) (compare.Evidence, error) {
	var questioned, among []compare.Costs
	for b, r := range t.References {
		c, err := costs(r, t.Questioned)
		if err != nil {
			return compare.Evidence{}, err
		}
		questioned = append(questioned, c)
		for _, s := range t.References[:b] {
			if c, err = costs(s, r); err != nil {
				return compare.Evidence{}, err
			}
			among = append(among, c)
		}
	}
	return j.model.Weigh(questioned, among), nil
}

// Raw is the score of one trial before calibration.
func (c *Collection) Raw(m *compare.Model, r *Run, i int) float64 {
	t, e := r.Trials[i], r.Evidence[i]
	refs := make([]*[feature.NumGlobal]float64, len(t.References))
	for k, at := range t.References {
		refs[k] = c.Globals[at]
	}
	e.Expected = m.Expected(refs, c.Pressure)
	e.Deviation = m.Deviation(c.Globals[t.Questioned], refs, c.Pressure)
	return m.Score(e, c.Pressure)
}

// class is the class of a trial. Where a corpus tells sessions apart, each was
// held on a day of its own.
func (c *Collection) class(t Trial) biometrics.Class {
	k := biometrics.Class{Pressure: c.Pressure, Pointer: capture.Pen, References: len(t.References)}
	for _, r := range t.References {
		k.SeveralDays = k.SeveralDays || c.Items[r].Session != c.Items[t.References[0]].Session
	}
	return k
}

// Score is the natural log likelihood ratio of every trial of a run, each by
// the model that pick returns for its user.
func (c *Collection) Score(r *Run, pick func(user int) *compare.Model) []float64 {
	out := make([]float64, len(r.Trials))
	for i, t := range r.Trials {
		m := pick(t.User)
		out[i] = m.LogRatio(c.Raw(m, r, i), c.class(t))
	}
	return out
}
