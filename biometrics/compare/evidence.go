package compare

import (
	"fmt"
	"math"

	"inkwitness/biometrics"
	"inkwitness/biometrics/dtw"
	"inkwitness/biometrics/feature"
	"inkwitness/capture"
)

// Prepared is a signature made ready for comparing: biometric data in the
// clear, kept in memory only.
type Prepared struct {
	series   []*dtw.Series // one a set of the model
	signal   *feature.Signal
	pressure bool
}

// Prepare makes a signature ready. Without pressure, what the device measured
// is left out, so that it can be compared with a device that measures none.
func (m *Model) Prepare(sig capture.Signature, pressure bool) (*Prepared, error) {
	s, _ := feature.FromSignature(sig)
	if s.Len() < 2 {
		return nil, fmt.Errorf("%d samples: %w", s.Len(), biometrics.ErrMalformed)
	}
	if !pressure {
		clear(s.P)
	}
	s.Smooth(m.Recipe.Smooth)
	locals := feature.Locals(s)
	p := &Prepared{signal: s, pressure: pressure, series: make([]*dtw.Series, len(m.channels))}
	for k, ls := range m.channels {
		ch := make([][]float32, len(ls))
		for i, l := range ls {
			ch[i] = locals[l]
		}
		var err error
		if p.series[k], err = dtw.New(ch, m.weights[k]); err != nil {
			return nil, fmt.Errorf("set %s: %w", m.Recipe.Sets[k].Name, err)
		}
	}
	return p, nil
}

// Costs is the cost of aligning two signatures, one number a set of the model,
// by path length.
type Costs []float64

// Align aligns two signatures.
func (m *Model) Align(a, b *Prepared) (Costs, error) {
	c := make(Costs, len(a.series))
	for k := range c {
		v, err := dtw.Distance(a.series[k], b.series[k], m.Recipe.Sets[k].options())
		if err != nil {
			return nil, fmt.Errorf("align: %w", err)
		}
		c[k] = math.Max(float64(v)/float64(a.series[k].Len()+b.series[k].Len()), 1e-6)
	}
	return c, nil
}

// Score joins the costs of a questioned signature to each reference with those
// among the references. Higher is more alike.
func (m *Model) Score(questioned []Costs, among []Costs) float64 {
	score := 0.0
	for k := range m.Recipe.Sets {
		mean, low := 0.0, math.Inf(1)
		for _, c := range questioned {
			mean += c[k] / float64(len(questioned))
			low = math.Min(low, c[k])
		}
		own := 0.0
		for _, c := range among {
			own += c[k] / float64(len(among))
		}
		t := (math.Log(mean) + math.Log(low)) / 2
		if len(among) > 0 {
			t -= m.Recipe.Spread * math.Log(own)
		}
		score -= t / float64(len(m.Recipe.Sets))
	}
	return score
}

// pairs lists the pairs i < j of n references in the order of `among`.
func pairs(n int) [][2]int {
	var out [][2]int
	for j := 1; j < n; j++ {
		for i := range j {
			out = append(out, [2]int{i, j})
		}
	}
	return out
}
