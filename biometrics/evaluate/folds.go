package evaluate

import (
	"fmt"
	"io"
	"math"

	"inkwitness/biometrics/compare"
)

// CrossValidate trains one model a fold and scores each person with the model
// that never saw them. The recipe is the same in all folds.
func CrossValidate(m *compare.Model, cs []*Collection, folds int) ([]Result, error) {
	models := make([]*compare.Model, folds)
	for f := range models {
		t, err := Train(m, cs, f, folds, 0)
		if err != nil {
			return nil, fmt.Errorf("fold %d: %w", f, err)
		}
		models[f] = m.WithTrained(t)
	}
	var out []Result
	for _, c := range cs {
		for r := range c.Runs {
			run := &c.Runs[r]
			if run.Plan.NoRandom || len(run.Trials) == 0 { // collected for training only
				continue
			}
			scores := c.Score(run, func(user int) *compare.Model {
				return models[Fold(string(c.Corpus), c.Users[user], folds)]
			})
			out = append(out, Summarise(c, run, scores, m.Version))
		}
	}
	return out, nil
}

// CrossCorpora trains one model a corpus, on all other corpora, and scores the
// corpus with it: what to expect of people, devices and forgers that nothing was
// fitted on. The recipe was chosen on all of them all the same.
func CrossCorpora(m *compare.Model, cs []*Collection) ([]Result, error) {
	var out []Result
	for _, c := range cs {
		var others []*Collection
		for _, o := range cs {
			if o.Corpus != c.Corpus {
				others = append(others, o)
			}
		}
		t, err := Train(m, others, -1, 1, 0)
		if err != nil {
			return nil, fmt.Errorf("without %s: %w", c.Corpus, err)
		}
		trained := m.WithTrained(t)
		for r := range c.Runs {
			run := &c.Runs[r]
			if run.Plan.NoRandom || len(run.Trials) == 0 {
				continue
			}
			scores := c.Score(run, func(int) *compare.Model { return trained })
			out = append(out, Summarise(c, run, scores, m.Version))
		}
	}
	return out, nil
}

// EvalPlans are the plans of the published table: five references by all
// protocols, and fewer and more by rand.
func EvalPlans() []Plan {
	var out []Plan
	for _, p := range Protocols() {
		out = append(out, Plan{Protocol: p, References: 5})
	}
	for _, n := range []int{1, 2, 3, 8} {
		out = append(out, Plan{Protocol: Rand, References: n})
	}
	return out
}

// PrintTable writes results as a Markdown table. Rates are in per cent with
// their 95 % intervals over users.
func PrintTable(w io.Writer, rs []Result) error {
	_, err := fmt.Fprintln(w, "| corpus | protocol | references | users | EER common | EER user | FNMR at FMR 1 % | EER random | Cllr | Cllr / minimum |\n|---|---|---|---|---|---|---|---|---|---|")
	for _, r := range rs {
		name := r.Corpus
		if !r.Pressure && r.Corpus != "svc2004-task1" {
			name += ", pressure left out"
		}
		var skilled, random Rates
		skilled.Common.Value, random.Common.Value = math.NaN(), math.NaN()
		for _, m := range r.Rates {
			if m.Against == Skilled {
				skilled = m
			} else {
				random = m
			}
		}
		if err == nil {
			_, err = fmt.Fprintf(w, "| %s | %s | %d | %d | %s | %s | %.2f | %.2f | %.3f | %s |\n", name, r.Protocol, r.References, r.Users,
				percent(skilled.Common), percent(skilled.User), 100*skilled.FNMRAt1, 100*random.Common.Value, skilled.Cllr.Value, times(skilled.Excess))
		}
	}
	return err
}

func percent(i Interval) string {
	return fmt.Sprintf("%.2f [%.1f, %.1f]", 100*i.Value, 100*i.Low, 100*i.High)
}

func times(excess float64) string {
	if excess == 0 {
		return "minimum 0"
	}
	return fmt.Sprintf("%.2f", excess)
}
