package compare

import (
	"math"
	"sort"

	"inkwitness/biometrics"
	"inkwitness/biometrics/calibrate"
	"inkwitness/capture"
)

// The hypotheses of every likelihood ratio.
const (
	hypothesisSame      = "The writer of the reference signatures wrote the questioned signature in their usual way."
	hypothesisDifferent = "Another person wrote the questioned signature, having practised to imitate the writer of the reference signatures."
)

// calibration finds the line for a class: the same use of pressure and kind of
// references, and the largest calibrated number of them that is not more than
// there are. A single reference is of one day.
func (m *Model) calibration(class biometrics.Class) *Calibration {
	several := class.SeveralDays && class.References > 1
	var best *Calibration
	for i := range m.Trained.Calibrations {
		c := &m.Trained.Calibrations[i]
		if c.Pressure != class.Pressure || best != nil && best.SeveralDays == several && c.SeveralDays != several {
			continue
		}
		switch {
		case best == nil,
			best.SeveralDays != several && c.SeveralDays == several,
			c.References <= class.References && (best.References > class.References || c.References > best.References),
			c.References > class.References && best.References > class.References && c.References < best.References:
			best = c
		}
	}
	return best
}

// likelihood is the calibrated score. It says false where the calibration was
// not made on signatures of this class.
func (m *Model) likelihood(score float64, class biometrics.Class) (biometrics.LikelihoodRatio, bool) {
	lr := biometrics.LikelihoodRatio{Same: hypothesisSame, Different: hypothesisDifferent}
	c := m.calibration(class)
	if c == nil {
		lr.Low, lr.High = -maxLog, maxLog
		lr.Verbal = verbal(0)
		return lr, false
	}
	s := math.Max(c.Lowest, math.Min(c.Highest, score))
	lr.Clamped = s != score
	lr.Log = c.Line.At(s)
	lr.Low, lr.High = lr.Log, lr.Log
	if n := len(c.Bootstrap); n > 0 {
		v := make([]float64, n)
		for i, l := range c.Bootstrap {
			v[i] = l.At(s)
		}
		sort.Float64s(v)
		lr.Low, lr.High = math.Min(lr.Log, v[n*25/1000]), math.Max(lr.Log, v[n-1-n*25/1000])
	}
	calibrated := class.Pointer == capture.Pen
	if !calibrated {
		temper(&lr)
	}
	lr.Verbal = verbal(lr.Log)
	return lr, calibrated
}

// temper makes a ratio modest that rests on another class of signatures. With a
// finger the published equal error rates are two to three times those of a pen,
// so that the same score is worth less, and nobody knows how much less: the
// logarithm is halved, and the interval reaches from "says nothing" to what the
// score would mean with a pen.
func temper(lr *biometrics.LikelihoodRatio) {
	lr.Low, lr.High = math.Min(0, lr.Low), math.Max(0, lr.High)
	lr.Log /= 2
}

// maxLog stands for "nothing is known" in an interval; JSON has no infinity.
const maxLog = 1e6

func verbal(log float64) biometrics.Verbal {
	code, text := calibrate.Verbal(math.Exp(math.Abs(log)))
	switch {
	case code == "":
		return biometrics.Verbal{Code: "no-support", Text: "The findings support neither that the writer of the references signed nor that another person did."}
	case log > 0:
		return biometrics.Verbal{Code: code + "-support-same", Text: "The findings give " + text + " support that the writer of the references signed rather than another person."}
	}
	return biometrics.Verbal{Code: code + "-support-different", Text: "The findings give " + text + " support that another person signed rather than the writer of the references."}
}

// LogRatio is the calibrated score alone, for measuring error rates.
func (m *Model) LogRatio(score float64, class biometrics.Class) float64 {
	lr, _ := m.likelihood(score, class)
	return lr.Log
}
