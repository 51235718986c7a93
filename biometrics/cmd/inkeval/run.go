package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"inkwitness/biometrics"
	"inkwitness/biometrics/compare"
	"inkwitness/biometrics/corpus"
	"inkwitness/biometrics/evaluate"
)

type runCmd struct {
	Corpus   string `required:"" help:"svc2004-task1, svc2004-task2, svc2004-sample, sigcomp2009, mcyt100, susig-visual, susig-blind or android-finger."`
	Path     string `required:"" type:"existingpath" help:"Directory, .tar.gz, .tgz, .tar or .zip of the corpus."`
	Users    string `help:"Only users numbered A-B (or A), such as 21-40."`
	Protocol string `required:"" enum:"first5,sess,rand" help:"first5, sess or rand."`
	Draws    int    `default:"10" help:"Draws of references (sess and rand)."`
	Seed     uint64 `default:"1" help:"Seed of the draws."`
	Refs     int    `default:"5" help:"References."`
	Scores   string `type:"path" help:"Write the score file (CSV) here."`
	JSON     bool   `name:"json" help:"Print JSON."`
	Report   string `type:"path" help:"Write report.html with DET, Tippett and histogram plots into this directory (FILE-report beside the score file)."`
	Model    string `type:"existingfile" help:"Another parameter file than the built-in one."`
	Quiet    bool   `short:"q" help:"No progress."`

	NoPressure bool `help:"Leave the pressure out."`
	NoRandom   bool `help:"Leave the random forgeries out."`
}

func (r *runCmd) Run(ctx context.Context) error {
	model, err := loadModel(r.Model)
	if err != nil {
		return err
	}
	if r.Refs < 1 || r.Refs > biometrics.MaxReferences || r.Draws < 1 || r.Draws > 1000 || r.Seed == 0 {
		return fmt.Errorf("--refs %d --draws %d --seed %d: want 1 to %d references, 1 to 1000 draws and a seed above 0", r.Refs, r.Draws, r.Seed, biometrics.MaxReferences)
	}
	filter, err := parseUsers(r.Users)
	if err != nil {
		return err
	}
	if err := writable(r.Scores); err != nil { // before the long part, not after it
		return err
	}
	start := time.Now()
	c, err := corpus.Load(corpus.Name(r.Corpus), r.Path, filter)
	if err != nil {
		return err
	}
	notices(c)
	plan := evaluate.Plan{Protocol: evaluate.Protocol(r.Protocol), Draws: r.Draws, References: r.Refs, Seed: r.Seed, NoRandom: r.NoRandom}
	col, err := evaluate.Collect(ctx, model, c, []evaluate.Plan{plan}, evaluate.Options{IgnorePressure: r.NoPressure, Progress: progress(r.Quiet, r.Corpus)})
	if err != nil {
		return err
	}
	run := &col.Runs[0]
	if len(run.Trials) == 0 {
		return fmt.Errorf("none of the %d users of %s has enough genuine signatures for %d references by %s: %w", len(c.Users), r.Corpus, r.Refs, r.Protocol, biometrics.ErrNotFound)
	}
	scores := col.Score(run, func(int) *compare.Model { return model })
	result := evaluate.Summarise(col, run, scores, model.Version)
	result.Seconds = time.Since(start).Seconds()
	if r.Scores != "" {
		if err := writeFile(r.Scores, func(f *os.File) error { return evaluate.WriteScores(f, col, run, scores) }); err != nil {
			return err
		}
		if r.Report == "" {
			r.Report = strings.TrimSuffix(r.Scores, filepath.Ext(r.Scores)) + "-report"
		}
	}
	if r.Report != "" {
		if err := writeReport(r.Report, result, run.Trials, scores); err != nil {
			return err
		}
	}
	if r.JSON {
		enc := json.NewEncoder(stdout)
		enc.SetIndent("", "  ")
		return enc.Encode(result)
	}
	return evaluate.PrintResult(stdout, result)
}

// notices says what of the corpus was not used.
func notices(c *corpus.Corpus) {
	for _, d := range c.Damaged {
		fmt.Fprintln(stderr, "left out:", d)
	}
	if n := len(c.Missing); n > 0 {
		fmt.Fprintf(stderr, "%d files of the index are not there, the first is %s\n", n, c.Missing[0])
	}
}

func loadModel(path string) (*compare.Model, error) {
	if path == "" {
		return compare.Default()
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	return compare.ParseModel(data)
}

func parseUsers(s string) (corpus.Filter, error) {
	if s == "" {
		return corpus.Filter{}, nil
	}
	from, to, ok := strings.Cut(s, "-")
	if !ok {
		to = from
	}
	a, err1 := strconv.Atoi(strings.TrimSpace(from))
	b, err2 := strconv.Atoi(strings.TrimSpace(to))
	if err1 != nil || err2 != nil || a > b {
		return corpus.Filter{}, fmt.Errorf("users %q: want A-B, such as 21-40", s)
	}
	return corpus.Filter{From: a, To: b, Set: true}, nil
}

// progress prints a line on standard error that overwrites itself.
func progress(quiet bool, what string) func(done, total int) {
	if quiet {
		return nil
	}
	return func(done, total int) {
		fmt.Fprintf(stderr, "\r%s: %d of %d", what, done, total)
		if done == total {
			fmt.Fprintln(stderr)
		}
	}
}

// writable tries whether a file can be made beside one to come.
func writable(path string) error {
	if path == "" {
		return nil
	}
	dir := filepath.Dir(path)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	f, err := os.CreateTemp(dir, ".inkeval")
	if err != nil {
		return err
	}
	return errors.Join(f.Close(), os.Remove(f.Name()))
}

func writeFile(path string, write func(*os.File) error) error {
	if dir := filepath.Dir(path); dir != "." {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return err
		}
	}
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	if err := write(f); err != nil {
		f.Close()
		return err
	}
	return f.Close()
}
