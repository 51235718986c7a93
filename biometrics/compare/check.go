package compare

import (
	"fmt"
	"math"
	"sort"

	"inkwitness/biometrics"
	"inkwitness/capture"
)

func problem(code string, s biometrics.Severity, index int, format string, args ...any) biometrics.Problem {
	return biometrics.Problem{Code: code, Severity: s, Index: index, Text: fmt.Sprintf(format, args...)}
}

// CheckReferences judges a set of references at enrolment. Problems come in the
// order of the references, those of the whole set last.
func (c *Comparator) CheckReferences(references []capture.Signature) []biometrics.Problem {
	switch n := len(references); {
	case n == 0:
		return []biometrics.Problem{problem(biometrics.CodeNone, biometrics.Refusal, -1, "There is no reference signature yet.")}
	case n > biometrics.MaxReferences:
		return []biometrics.Problem{problem(biometrics.CodeTooMany, biometrics.Refusal, -1, "At most %d reference signatures can be used.", biometrics.MaxReferences)}
	}
	var out []biometrics.Problem
	usable := true
	for i, r := range references {
		for _, p := range signatureProblems(Measure(r), r, i) {
			usable = usable && (p.Severity != biometrics.Refusal || p.Code == biometrics.CodeTooSimple)
			out = append(out, p)
		}
	}
	if usable {
		out = append(out, c.consistency(references)...)
	}
	if n := len(references); n < 5 {
		out = append(out, problem(biometrics.CodeFewReferences, biometrics.Warning, -1, "Only %d of 5 reference signatures: the result is less certain.", n))
	}
	return out
}

// signatureProblems judges one signature on its own.
func signatureProblems(q biometrics.Quality, sig capture.Signature, index int) []biometrics.Problem {
	var out []biometrics.Problem
	add := func(code string, s biometrics.Severity, format string, args ...any) {
		out = append(out, problem(code, s, index, format, args...))
	}
	switch {
	case q.Points < minPoints || q.DurationMS < minDuration || extent(sig) == 0:
		add(biometrics.CodeTooShort, biometrics.Refusal, "This is too short to be a signature; please sign as you usually do.")
		return out
	case q.DurationMS > maxDuration || q.Points > maxSignaturePoints:
		add(biometrics.CodeTooLong, biometrics.Refusal, "Signing took longer than %.0f seconds; please sign in one go.", maxDuration/1000)
		return out
	case q.Complexity < minComplexity:
		add(biometrics.CodeTooSimple, biometrics.Refusal, "This signature is too simple and easy to imitate; please use your full signature.")
	}
	if q.ClockBackwards > 0 || q.ClockRepeats > q.Points/20 {
		add(biometrics.CodeClock, biometrics.Warning, "The device's clock repeated %d times and stepped back %d times.", q.ClockRepeats, q.ClockBackwards)
	}
	if q.RateHz > 0 && q.RateHz < minRate {
		add(biometrics.CodeLowRate, biometrics.Warning, "The device recorded only %.0f points a second.", q.RateHz)
	}
	if q.LongestGapMS > 100 {
		add(biometrics.CodeGaps, biometrics.Warning, "The device lost points for up to %.0f ms within a stroke.", q.LongestGapMS)
	}
	if sig.Device.HasPressure && q.PressureLevels <= 2 {
		add(biometrics.CodeConstantForce, biometrics.Warning, "The device says that it measures pressure, but the pressure never changes.")
	}
	switch sig.Device.Pointer {
	case capture.Touch:
		add(biometrics.CodeFinger, biometrics.Warning, "Signed with a finger: error rates are higher than with a pen.")
	case capture.Mouse:
		add(biometrics.CodeMouse, biometrics.Warning, "Signed with a mouse: there are no error rates for this.")
	}
	return out
}

const maxSignaturePoints = 60_000

// Consistency limits, natural logarithms of the ratio of one reference's mean
// cost to the median of the others'; see README.md for the share of genuine
// sets that they refuse.
const (
	inconsistentAbove = 0.55
	identicalBelow    = 0.02 // cost of a pair; genuine pairs of one hand start at 0.1
)

// unlikeAbove is the cost to the nearest other reference above which they are
// not of one hand, with and without pressure: three different hands are unlike
// each other, but none is unlike the rest. README.md has what was measured.
var unlikeAbove = map[bool]float64{true: 4.7, false: 3.5}

// consistency compares the references with each other.
func (c *Comparator) consistency(references []capture.Signature) []biometrics.Problem {
	pressure := true
	for _, r := range references {
		pressure = pressure && r.Device.HasPressure
	}
	var ps []*Prepared
	for _, r := range references {
		p, err := c.model.Prepare(r, pressure)
		if err != nil {
			return []biometrics.Problem{problem(biometrics.CodeTooShort, biometrics.Refusal, -1, "A reference signature is too short; please sign again.")}
		}
		ps = append(ps, p)
	}
	n := len(ps)
	cost := make([][]float64, n)
	for i := range cost {
		cost[i] = make([]float64, n)
	}
	var out []biometrics.Problem
	for _, ij := range pairs(n) {
		a, err := c.model.Align(ps[ij[0]], ps[ij[1]])
		if err != nil {
			continue
		}
		v := a[0]
		cost[ij[0]][ij[1]], cost[ij[1]][ij[0]] = v, v
		if v < identicalBelow {
			out = append(out, problem(biometrics.CodeIdentical, biometrics.Refusal, ij[1], "Reference signatures %d and %d are copies of each other.", ij[0]+1, ij[1]+1))
		}
	}
	if out = append(out, strangers(cost, unlikeAbove[pressure])...); n < 3 || len(out) > 0 {
		return out
	}
	return append(out, outliers(cost)...)
}

// strangers finds references that are like none of the others.
func strangers(cost [][]float64, above float64) []biometrics.Problem {
	var out []biometrics.Problem
	for i, row := range cost {
		nearest := math.Inf(1)
		for j, v := range row {
			if j != i {
				nearest = min(nearest, v)
			}
		}
		if len(row) > 1 && nearest > above {
			out = append(out, unlikeOthers(i))
		}
	}
	return out
}

func unlikeOthers(i int) biometrics.Problem {
	return problem(biometrics.CodeInconsistent, biometrics.Refusal, i, "Reference signature %d is unlike the others; please sign it again.", i+1)
}

// outliers finds references that are much further from the rest than the rest
// are from each other.
func outliers(cost [][]float64) []biometrics.Problem {
	n := len(cost)
	means := make([]float64, n)
	for i, row := range cost {
		for _, v := range row {
			means[i] += v / float64(n-1)
		}
	}
	sorted := append([]float64(nil), means...)
	sort.Float64s(sorted)
	var out []biometrics.Problem
	for i, m := range means {
		if m > 0 && math.Log(m/sorted[n/2]) > inconsistentAbove {
			out = append(out, unlikeOthers(i))
		}
	}
	return out
}

// classProblems says what limits the comparison as a whole.
func classProblems(class biometrics.Class, reference, questioned capture.Device) []biometrics.Problem {
	var out []biometrics.Problem
	if reference.Pointer != questioned.Pointer {
		out = append(out, problem(biometrics.CodeDeviceMismatch, biometrics.Warning, -1, "The references and the questioned signature were made with different kinds of pointer."))
	}
	if !class.Pressure {
		out = append(out, problem(biometrics.CodeNoPressure, biometrics.Warning, -1, "Compared without pressure: the result is less certain."))
	}
	if !class.Calibrated {
		out = append(out, problem(biometrics.CodeUncalibrated, biometrics.Warning, -1, "The likelihood ratio was calibrated on signatures with a pen; for this device it is an estimate."))
	}
	return out
}
