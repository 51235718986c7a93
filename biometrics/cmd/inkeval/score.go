package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"inkwitness/biometrics"
	"inkwitness/biometrics/compare"
	"inkwitness/capture"
	"inkwitness/capture/interchange"
)

type scoreCmd struct {
	Reference  []string `short:"r" type:"existingfile" sep:"none" help:"A signature of the known writer; once for each, 1 to 32."`
	Sealed     string   `type:"existingfile" help:"References as inkeval seal wrote them, instead of --reference; needs --key-file and --tenant."`
	KeyFile    string   `type:"existingfile" help:"Key of the sealed references."`
	Tenant     string   `help:"Tenant of the sealed references."`
	Questioned string   `arg:"" type:"existingfile" help:"The signature in question."`
	Explain    bool     `help:"Say which features and which stretches speak for and against."`
	JSON       bool     `name:"json" help:"Print the whole comparison as JSON."`
	Model      string   `type:"existingfile" help:"Another parameter file than the built-in one."`
}

func (s *scoreCmd) Run(ctx context.Context) error {
	model, err := loadModel(s.Model)
	if err != nil {
		return err
	}
	references, err := s.references()
	if err != nil {
		return err
	}
	questioned, err := readSignature(s.Questioned)
	if err != nil {
		return fmt.Errorf("questioned signature: %w", err)
	}
	c, err := compare.New(compare.Config{Model: model, Explain: s.Explain})
	if err != nil {
		return err
	}
	result, err := c.Compare(ctx, references, questioned)
	if err != nil {
		return err
	}
	if s.JSON {
		enc := json.NewEncoder(stdout)
		enc.SetIndent("", "  ")
		return enc.Encode(result)
	}
	return s.print(stdout, result)
}

// references reads the files, or opens the sealed ones in memory.
func (s *scoreCmd) references() ([]capture.Signature, error) {
	if (s.Sealed == "") == (len(s.Reference) == 0) {
		return nil, errors.New("score: want either --reference or --sealed; inkeval score --help has examples")
	}
	if s.Sealed == "" {
		return readSignatures(s.Reference)
	}
	t, err := readSealed(s.Sealed)
	if err != nil {
		return nil, err
	}
	p, err := sealer(s.KeyFile, s.Tenant, false)
	if err != nil {
		return nil, err
	}
	return p.Open(t, t.Epoch)
}

// readSignature reads a file in one of the formats of package interchange; the
// first bytes say which.
func readSignature(file string) (capture.Signature, error) {
	f, err := os.Open(file)
	if err != nil {
		return capture.Signature{}, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, interchange.MaxBytes+1))
	if err != nil {
		return capture.Signature{}, err
	}
	read := interchange.ReadCSV
	switch text := bytes.TrimLeft(data, "\xef\xbb\xbf \t\r\n"); {
	case bytes.HasPrefix(data, []byte("SDI\x00")): // ISO/IEC 19794-7, clause 8.3.2
		read = interchange.ReadISO
	case bytes.HasPrefix(text, []byte("<")):
		read = interchange.ReadInkML
	}
	sig, err := read(bytes.NewReader(data))
	if err != nil {
		return sig, fmt.Errorf("%s is not InkML, ISO/IEC 19794-7 or the CSV that Inkwitness writes: %w", filepath.Base(file), err)
	}
	return sig, nil
}

// print writes the answer for an examiner: what was compared, how strong the
// evidence is under which two hypotheses, and what limits it.
func (s *scoreCmd) print(w io.Writer, c biometrics.Comparison) error {
	var b strings.Builder
	line := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	lr := c.LikelihoodRatio
	pressure := "without pressure"
	if c.Class.Pressure {
		pressure = "with pressure"
	}
	line("questioned         %s", filepath.Base(s.Questioned))
	line("references         %d, compared %s", c.Class.References, pressure)
	line("score              %.4f", c.Score)
	line("likelihood ratio   %s  (ln %.3f, log10 %.3f; 95 %% interval ln %.3f to %.3f)", ratio(lr.Log), lr.Log, lr.Log/math.Ln10, lr.Low, lr.High)
	if lr.Clamped {
		line("                   the score lies outside what the calibration saw; this is the value of its border")
	}
	line("in words           %s", lr.Verbal.Text)
	line("first hypothesis   %s", lr.Same)
	line("second hypothesis  %s", lr.Different)
	line("threshold          accept from ln %.3f, reject up to ln %.3f: %s", c.Decision.AcceptAbove, c.Decision.RejectBelow, c.Decision.Outcome)
	q := c.Quality
	line("quality            %d points, %.2f s, %d strokes, %.0f Hz, %.1f turns", q.Points, q.DurationMS/1000, q.Strokes, q.RateHz, q.Complexity)
	line("model              %s %s of %s", c.Model.Name, c.Model.Number, c.Model.Made)
	for _, p := range c.Problems {
		of := "set"
		if p.Index >= 0 && p.Index < len(s.Reference) {
			of = filepath.Base(s.Reference[p.Index])
		}
		line("problem            %s (%s, %s): %s", p.Code, p.Severity, of, p.Text)
	}
	if c.Explanation != nil {
		explain(line, s, *c.Explanation)
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// ratio writes a likelihood ratio as a reader expects it.
func ratio(log float64) string {
	if log < 0 {
		return fmt.Sprintf("1/%.3g", math.Exp(-log))
	}
	return fmt.Sprintf("%.3g", math.Exp(log))
}

func explain(line func(string, ...any), s *scoreCmd, e biometrics.Explanation) {
	if e.Reference >= 0 && e.Reference < len(s.Reference) {
		line("nearest reference  %s", filepath.Base(s.Reference[e.Reference]))
	}
	features := slices.Clone(e.Features)
	slices.SortStableFunc(features, func(a, b biometrics.Contribution) int {
		if math.Abs(a.Z) > math.Abs(b.Z) {
			return -1
		}
		return 1
	})
	for _, f := range features[:min(8, len(features))] {
		line("feature            %s: %.4g %s, references %.4g with spread %.3g (%.1f spreads off)", f.Feature, f.Questioned, f.Unit, f.Mean, f.Spread, f.Z)
	}
	for _, t := range e.Stretches {
		line("stretch            points %d to %d support %s: %.2f of what the references cost each other", t.From, t.To-1, t.Supports, t.Cost)
	}
}
