package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"

	"inkwitness/biometrics"
	"inkwitness/biometrics/compare"
	"inkwitness/biometrics/evaluate"
)

type trainCmd struct {
	Corpora string `required:"" type:"existingdir" help:"Directory with the corpora."`
	Recipe  string `default:"biometrics/compare/recipe.json" type:"path" help:"What is aligned how."`
	Out     string `default:"biometrics/compare/model.json" type:"path" help:"Parameter file to write."`
	Made    string `required:"" help:"Day to write into the file, YYYY-MM-DD; the same day, corpora and recipe give the same bytes."`
	Quiet   bool   `short:"q" help:"No progress."`
}

func (t *trainCmd) Run(ctx context.Context) error {
	model, err := untrained(t.Recipe, t.Made)
	if err != nil {
		return err
	}
	cs, err := collectAll(ctx, model, t.Corpora, evaluate.TrainPlans(), t.Quiet)
	if err != nil {
		return err
	}
	trained, err := evaluate.Train(model, cs, -1, 1, evaluate.Bootstraps)
	if err != nil {
		return err
	}
	data, err := model.WithTrained(trained).Marshal()
	if err != nil {
		return err
	}
	if _, err := compare.ParseModel(data); err != nil {
		return err
	}
	return os.WriteFile(t.Out, data, 0o644)
}

func untrained(recipe, made string) (*compare.Model, error) {
	data, err := os.ReadFile(recipe)
	if err != nil {
		return nil, err
	}
	var r compare.Recipe
	if err := json.Unmarshal(data, &r); err != nil {
		return nil, fmt.Errorf("%s: %w", recipe, err)
	}
	v := biometrics.Version{Name: "inkwitness-dtw", Made: made}
	for _, s := range evaluate.TrainingSources() {
		v.Corpus = append(v.Corpus, string(s.Name))
	}
	return compare.WithRecipe(r, v)
}

// collectAll collects the training corpora that are there, those with pressure
// also as if they had none: people who sign without pressure are few.
func collectAll(ctx context.Context, m *compare.Model, dir string, plans []evaluate.Plan, quiet bool) ([]*evaluate.Collection, error) {
	var out []*evaluate.Collection
	for _, s := range evaluate.TrainingSources() {
		c, err := s.Load(dir)
		if err != nil {
			return nil, err
		}
		for _, ignore := range []bool{false, true} {
			if ignore && !s.Pressure {
				continue
			}
			col, err := evaluate.Collect(ctx, m, c, plans, evaluate.Options{IgnorePressure: ignore, Progress: progress(quiet, string(s.Name))})
			if err != nil {
				return nil, err
			}
			out = append(out, col)
		}
	}
	return out, nil
}
