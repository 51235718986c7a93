package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"

	"inkwitness/biometrics/evaluate"
)

type evalCmd struct {
	Corpora string `required:"" type:"existingdir" help:"Directory with the corpora."`
	Recipe  string `default:"biometrics/compare/recipe.json" type:"path" help:"What is aligned how."`
	Folds   int    `default:"10" help:"Folds by user."`
	Unseen  bool   `help:"Fit nothing on the corpus that is scored, only on the others, instead of folds by user."`
	JSON    bool   `name:"json" help:"Print JSON."`
	Quiet   bool   `short:"q" help:"No progress."`
}

func (e *evalCmd) Run(ctx context.Context) error {
	if e.Folds < 2 {
		return fmt.Errorf("%d folds: want at least 2", e.Folds)
	}
	model, err := untrained(e.Recipe, "")
	if err != nil {
		return err
	}
	plans := append(evaluate.EvalPlans(), evaluate.TrainPlans()...)
	cs, err := collectAll(ctx, model, e.Corpora, plans, e.Quiet)
	if err != nil {
		return err
	}
	var rs []evaluate.Result
	if e.Unseen {
		rs, err = evaluate.CrossCorpora(model, cs)
	} else {
		rs, err = evaluate.CrossValidate(model, cs, e.Folds)
	}
	if err != nil {
		return err
	}
	if e.JSON {
		return json.NewEncoder(stdout).Encode(rs)
	}
	return evaluate.PrintTable(stdout, rs)
}

type compareCmd struct {
	A    string `arg:"" type:"existingfile" help:"Score file."`
	B    string `arg:"" type:"existingfile" help:"Score file of the same trials."`
	JSON bool   `name:"json" help:"Print JSON."`
}

func (c *compareCmd) Run() error {
	a, err := readScores(c.A)
	if err != nil {
		return err
	}
	b, err := readScores(c.B)
	if err != nil {
		return err
	}
	ds, err := evaluate.Paired(a, b)
	if err != nil {
		return err
	}
	if c.JSON {
		return json.NewEncoder(stdout).Encode(ds)
	}
	for _, d := range ds {
		fmt.Fprintf(stdout, "against %s forgeries: EER common %.2f %% and %.2f %%\n", d.Against, 100*d.A, 100*d.B)
		for _, x := range []struct {
			name  string
			scale float64
			i     evaluate.Interval
		}{{"EER common", 100, d.Common}, {"EER user", 100, d.User}, {"Cllr", 1, d.Cllr}} {
			fmt.Fprintf(stdout, "  %-10s difference %+.3f [%+.3f, %+.3f]%s\n", x.name, x.scale*x.i.Value, x.scale*x.i.Low, x.scale*x.i.High, verdict(x.i))
		}
	}
	return nil
}

func verdict(i evaluate.Interval) string {
	if i.Low <= 0 && i.High >= 0 {
		return "  (within the noise)"
	}
	return ""
}

type ratesCmd struct {
	Scores string `arg:"" type:"existingfile" help:"Score file."`
	Report string `type:"path" help:"Write report.html with the plots into this directory."`
	JSON   bool   `name:"json" help:"Print JSON."`
}

func (c *ratesCmd) Run() error {
	f, err := readScores(c.Scores)
	if err != nil {
		return err
	}
	r := evaluate.Result{Corpus: c.Scores, Users: len(f.Users)}
	for _, l := range []evaluate.Label{evaluate.Skilled, evaluate.Random} {
		if m := evaluate.Measure(f.Trials, f.Scores, l); m.Genuine > 0 && m.Forgeries > 0 {
			r.Rates = append(r.Rates, m)
		}
	}
	if c.Report != "" {
		if err := writeReport(c.Report, r, f.Trials, f.Scores); err != nil {
			return err
		}
	}
	if c.JSON {
		return json.NewEncoder(stdout).Encode(r)
	}
	return evaluate.PrintResult(stdout, r)
}

func readScores(path string) (*evaluate.ScoreFile, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return evaluate.ReadScores(f)
}
