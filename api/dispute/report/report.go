// Package report writes what was found in a case as a PDF: the question, drawings
// of the signatures, curves, the comparison with its meaning, statistics, data
// quality, hashes, the chain of custody, and what all of it does not say.
//
// The same case always gives the same bytes: nothing in it depends on when or by
// whom the report was made. The signature, which does, is put on top by the
// caller as a revision of its own.
package report

import (
	"fmt"
	"io"
	"math"
	"strings"
	"time"

	"inkwitness/api"
	"inkwitness/api/dispute"
	"inkwitness/biometrics"
	"inkwitness/evidence"
	"inkwitness/evidence/pdf/page"
)

// Input is a case as the report shows it.
type Input struct {
	Case     *dispute.Case
	Samples  []dispute.Sampled // what could be read; the rest is named and not drawn
	Custody  []Line
	Language string
}

// Line is one line of the case's record.
type Line struct {
	api.Event
	By string // name
}

// Write writes the report.
func Write(w io.Writer, in Input) error {
	t, ok := texts[in.Language]
	if !ok {
		return api.Explain(api.ErrInvalid, "There is no report in %q.", in.Language)
	}
	c := in.Case
	r := &writer{Input: in, t: t, names: namesOf[in.Language], d: page.New(page.Config{Title: t.title + " " + c.Reference, Author: "Inkwitness", Language: in.Language, Created: c.Changed, Footer: t.title + " " + c.Reference})}
	r.opening()
	r.drawings()
	r.results()
	r.faces()
	r.quality()
	r.origins()
	r.custody()
	r.limits()
	if err := r.d.Write(w); err != nil {
		return fmt.Errorf("write the report: %w", err)
	}
	return nil
}

type writer struct {
	Input
	t     words
	names names
	d     *page.Document
}

// opening says what was asked and what the findings come to.
func (r *writer) opening() {
	c := r.Case
	r.d.Heading(1, r.t.title)
	r.d.Table(page.Table{Widths: []float64{1, 3}, Rows: [][]string{{r.t.reference, c.Reference}, {r.t.state, stamp(c.Changed)}, {r.t.begun, stamp(c.Created)}}})
	r.d.Heading(2, r.t.question)
	r.d.Paragraph(c.Question)
	if c.Parties != "" {
		r.d.Heading(3, r.t.parties)
		r.d.Paragraph(c.Parties)
	}
	r.d.Heading(2, r.t.summary)
	run := r.run()
	if run == nil {
		r.d.Paragraph(r.t.notCompared)
		return
	}
	for _, result := range run.Results {
		text := r.trouble(result)
		if result.Comparison != nil {
			text = strings.Join(append(biometrics.Refusals(result.Comparison.Problems, r.names.problem), r.verbal(result.Comparison.LikelihoodRatio.Verbal)), " ")
		}
		r.d.Paragraph(r.label(result.Item) + ": " + text)
	}
	r.d.Small(r.t.meaning)
}

func (r *writer) run() *dispute.Run {
	if len(r.Case.Runs) == 0 {
		return nil
	}
	return &r.Case.Runs[len(r.Case.Runs)-1]
}

func (r *writer) label(id string) string {
	if i, err := r.Case.Item(id); err == nil {
		return i.Label
	}
	return r.t.removed
}

// verbal is the step of the scale in the report's language.
func (r *writer) verbal(v biometrics.Verbal) string {
	strength, side, ok := strings.Cut(v.Code, "-support-")
	name := r.t.strengths[strength]
	switch {
	case !ok:
		return r.t.noSupport
	case name == "":
		return v.Text
	case side == "same":
		return fmt.Sprintf(r.t.supportSame, name)
	}
	return fmt.Sprintf(r.t.supportDifferent, name)
}

// trouble says why there is no answer: in the report's language, then what exactly was found.
func (r *writer) trouble(result dispute.Result) string {
	return strings.TrimSpace(r.names.Problems[result.Code] + " " + result.Trouble)
}

// results gives each comparison with its numbers, versions and hypotheses.
func (r *writer) results() {
	run := r.run()
	if run == nil {
		return
	}
	r.d.Heading(2, r.t.comparison)
	var labels []string
	for _, u := range run.References {
		labels = append(labels, r.label(u.Item))
	}
	r.d.Paragraph(fmt.Sprintf(r.t.comparedAt, stamp(run.At), strings.Join(labels, ", ")))
	for _, result := range run.Results {
		r.d.Heading(3, r.label(result.Item))
		k := result.Comparison
		if k == nil {
			r.d.Paragraph(r.trouble(result))
			continue
		}
		lr := k.LikelihoodRatio
		for _, text := range append(biometrics.Refusals(k.Problems, r.names.problem), r.verbal(lr.Verbal)) {
			r.d.Paragraph(text)
		}
		r.d.Table(page.Table{Widths: []float64{2, 5}, Rows: [][]string{
			{r.t.ratio, fmt.Sprintf(r.t.interval, ten(lr.Log), ten(lr.Low), ten(lr.High))},
			{r.t.threshold, fmt.Sprintf(r.t.between, ten(k.Decision.RejectBelow), ten(k.Decision.AcceptAbove), r.t.outcomes[k.Decision.Outcome])},
			{r.t.score, number(k.Score, 4)},
			{r.t.model, version(k.Model)}, {r.t.calibration, version(k.Calibration)},
			{r.t.same, r.t.hypothesisSame}, {r.t.different, r.t.hypothesisDifferent},
		}})
		if lr.Clamped {
			r.d.Paragraph(r.t.clamped)
		}
		if !k.Class.Calibrated {
			r.d.Paragraph(r.t.uncalibrated)
		}
		for _, p := range k.Problems {
			if p.Severity != biometrics.Refusal {
				r.d.Small(r.names.problem(p))
			}
		}
		r.features(k)
	}
}

const mostFeatures = 20

func (r *writer) features(k *biometrics.Comparison) {
	if k.Explanation == nil || len(k.Explanation.Features) == 0 {
		return
	}
	t := page.Table{Widths: []float64{4, 2, 2, 2, 1}, Header: []string{r.t.feature, r.t.value, r.t.mean, r.t.spread, "z"}}
	for _, f := range k.Explanation.Features[:min(mostFeatures, len(k.Explanation.Features))] {
		t.Rows = append(t.Rows, []string{r.names.feature(f), number(f.Questioned, 3), number(f.Mean, 3), number(f.Spread, 3), number(f.Z, 1)})
	}
	r.d.Table(t)
	r.d.Small(r.t.featureNote)
}

// quality tells of every signature what was really recorded.
func (r *writer) quality() {
	r.d.Heading(2, r.t.quality)
	t := page.Table{Widths: []float64{2, 2, 2, 2, 2, 2, 2}, Header: []string{r.t.signature, r.t.tool, r.t.points, r.t.rate, r.t.gap, r.t.levels, r.t.scale}}
	for _, i := range r.Case.Items {
		scale := r.t.unknown
		if i.Device.UnitsPerMM > 0 {
			scale = r.t.metric
			if i.Device.NominalScale {
				scale = r.t.nominal
			}
		}
		t.Rows = append(t.Rows, []string{i.Label, r.t.tools[i.Device.Pointer], fmt.Sprint(i.Quality.Points), number(i.Quality.RateHz, 1), number(i.Quality.LongestGapMS, 1), fmt.Sprint(i.Quality.PressureLevels), scale})
	}
	r.d.Table(t)
	for _, i := range r.Case.Items {
		for _, p := range i.Problems {
			if p.Code != biometrics.CodeFewReferences {
				r.d.Small(i.Label + " – " + r.names.problem(p))
			}
		}
	}
}

// origins says where each signature comes from, with its hashes, and what the
// verification of a deposit said.
func (r *writer) origins() {
	r.d.Heading(2, r.t.origins)
	for _, i := range r.Case.Items {
		r.d.Heading(3, i.Label)
		rows := [][]string{{r.t.part, r.t.parts[i.Part]}, {r.t.origin, r.t.originsOf[i.Origin]}}
		add := func(name, value string) {
			if value != "" {
				rows = append(rows, []string{name, value})
			}
		}
		add(r.t.document, i.Title)
		add(r.t.person, i.Name)
		add(r.t.file, i.Filename)
		add(r.t.note, i.Note)
		if !i.Signed.IsZero() {
			add(r.t.signed, stamp(i.Signed))
		}
		add(r.t.added, stamp(i.Added))
		add("SHA-256", i.SHA256)
		if i.Source != nil {
			add(r.t.file+", SHA-256", i.Source.SHA256.String())
		}
		r.d.Table(page.Table{Widths: []float64{2, 5}, Rows: rows})
		r.checks(i.Checks)
	}
	if len(r.Case.Notes) == 0 {
		return
	}
	r.d.Heading(3, r.t.notes)
	for _, n := range r.Case.Notes {
		unit := r.t.units
		if i, err := r.Case.Item(n.Item); err == nil && i.Device.UnitsPerMM > 0 {
			unit = "mm"
		}
		r.d.Paragraph(fmt.Sprintf("%s (%s | %s %s): %s", r.label(n.Item), number(n.X, 1), number(n.Y, 1), unit, n.Text))
	}
}

func (r *writer) checks(report *evidence.Report) {
	if report == nil {
		return
	}
	holds := 0
	for _, c := range report.Checks {
		if c.Status == evidence.Holds {
			holds++
			continue
		}
		line := r.t.statuses[c.Status]
		for _, more := range []string{c.Part, r.names.reason(c), c.Text} {
			if more != "" {
				line += " – " + more
			}
		}
		r.d.Small(line)
	}
	r.d.Small(fmt.Sprintf(r.t.verified, holds, len(report.Checks)))
}

// custody lists the record up to the last change of the case: reading and
// reporting go on, and would make two reports of one case differ.
func (r *writer) custody() {
	r.d.Heading(2, r.t.custody)
	t := page.Table{Widths: []float64{1, 4, 4, 3, 3}, Header: []string{r.t.line, r.t.when, r.t.what, r.t.who, r.t.hash}}
	last := 0
	for i, l := range r.Custody {
		if !passing[l.Kind] {
			last = i + 1
		}
	}
	for _, l := range r.Custody[:last] {
		t.Rows = append(t.Rows, []string{fmt.Sprint(l.Seq), stamp(l.At), or(r.names.Events[l.Kind], l.Kind), l.By, evidence.Digest(l.Hash).String()[:16]})
	}
	r.d.Table(t)
	r.d.Small(r.t.custodyNote)
}

// passing are events that leave the case as it is.
var passing = map[string]bool{"case.read": true, "case.watched": true, "case.reported": true, "case.exported": true}

func (r *writer) limits() {
	r.d.Heading(2, r.t.limits)
	for _, l := range r.t.limitLines {
		r.d.Paragraph("– " + l)
	}
}

func stamp(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05 UTC") }

// ten is a natural logarithm as a power of ten.
func ten(log float64) string { return number(log/math.Ln10, 2) }

func number(v float64, digits int) string { return fmt.Sprintf("%.*f", digits, v) }

func version(v biometrics.Version) string { return v.Name + " " + v.Number + " (" + v.Made + ")" }
