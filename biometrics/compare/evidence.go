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
	Globals [feature.NumGlobal]float64

	series   []*dtw.Series // one a set of the model
	signal   *feature.Signal
	pressure bool
}

// Prepare makes a signature ready. Without pressure, what the device measured
// is left out, so that it can be compared with a device that measures none.
func (m *Model) Prepare(sig capture.Signature, pressure bool) (*Prepared, error) {
	p := &Prepared{}
	if err := m.prepareInto(p, sig, pressure, nil); err != nil {
		return nil, err
	}
	return p, nil
}

// prepareInto is Prepare with memory to use again: that of p and of w.
func (m *Model) prepareInto(p *Prepared, sig capture.Signature, pressure bool, w *feature.Scratch) error {
	s, _ := feature.FromSignature(sig, w)
	if s.Len() < 2 {
		return fmt.Errorf("%d samples: %w", s.Len(), biometrics.ErrMalformed)
	}
	if !pressure {
		clear(s.P)
		s.HasPressure = false
	}
	s.Smooth(m.Recipe.Smooth, w)
	locals := feature.Locals(s, w)
	p.Globals, p.signal, p.pressure = feature.Globals(s, w), s, pressure
	for len(p.series) < len(m.channels) {
		p.series = append(p.series, &dtw.Series{})
	}
	var ch [feature.NumLocal][]float32
	for k, ls := range m.channels {
		for i, l := range ls {
			ch[i] = locals[l]
		}
		if err := p.series[k].Set(ch[:len(ls)], m.weights[k]); err != nil {
			return fmt.Errorf("set %s: %w", m.Recipe.Sets[k].Name, err)
		}
	}
	return nil
}

// wipe forgets the signature but keeps the memory.
func (p *Prepared) wipe() {
	for _, s := range p.series {
		s.Wipe()
	}
	p.Globals, p.signal = [feature.NumGlobal]float64{}, nil
}

// Costs is the cost of aligning two signatures, one number a set of the model,
// by path length.
type Costs []float64

// Align aligns two signatures.
func (m *Model) Align(a, b *Prepared) (Costs, error) {
	c := make(Costs, len(a.series))
	for k := range c {
		v, err := dtw.Distance(a.series[k], b.series[k], m.options(k))
		if err != nil {
			return nil, fmt.Errorf("align: %w", err)
		}
		c[k] = math.Max(float64(v)/float64(a.series[k].Len()+b.series[k].Len()), 1e-6)
	}
	return c, nil
}

// Evidence is what the score is made of.
type Evidence struct {
	Distance  float64 // of the questioned signature to the references, natural logarithm
	Own       float64 // of the references to each other, natural logarithm; 0 with one reference
	Pairs     int     // pairs of references behind Own
	Deviation float64 // mean clipped |z| of the global features
}

// Weigh joins the costs of a questioned signature to each reference and those
// among the references to the evidence of alignment.
func (m *Model) Weigh(questioned, among []Costs) Evidence {
	e := Evidence{Pairs: len(among)}
	for k, set := range m.Recipe.Sets {
		mean, low := 0.0, math.Inf(1)
		for _, c := range questioned {
			mean += c[k] / float64(len(questioned))
			low = math.Min(low, c[k])
		}
		e.Distance += set.Share * (math.Log(mean) + math.Log(low)) / 2
		own := 0.0
		for _, c := range among {
			own += c[k] / float64(len(among))
		}
		if len(among) > 0 {
			e.Own += set.Share * math.Log(own)
		}
	}
	return e
}

// Deviation is how far the global features of the questioned signature lie from
// the references': the mean of |z|, each clipped. The spread of each feature is
// the references' own, shrunk towards that of the population as if it had been
// seen in Recipe.Prior further signatures.
func (m *Model) Deviation(questioned *[feature.NumGlobal]float64, references []*[feature.NumGlobal]float64, pressure bool) float64 {
	pop := m.population(pressure)
	if pop == nil {
		return 0
	}
	sum, count := 0.0, 0.0
	for k := range questioned {
		if !pressure && feature.Global(k).OfPressure() {
			continue
		}
		_, _, z := m.zscore(k, questioned, references, pop)
		sum += math.Min(math.Abs(z), m.Recipe.Clip)
		count++
	}
	return sum / count
}

// zscore is one feature's mean and shrunk spread among the references, and the
// questioned signature's distance in spreads.
func (m *Model) zscore(k int, questioned *[feature.NumGlobal]float64, references []*[feature.NumGlobal]float64, pop *Population) (mean, spread, z float64) {
	n := float64(len(references))
	for _, r := range references {
		mean += r[k] / n
	}
	sq := 0.0
	for _, r := range references {
		sq += (r[k] - mean) * (r[k] - mean)
	}
	p := pop.Spread[k]
	spread = math.Sqrt((sq + m.Recipe.Prior*p*p) / (n - 1 + m.Recipe.Prior))
	return mean, spread, (questioned[k] - mean) / spread
}

// Score is the evidence as one number, higher is more alike. The references'
// own spread is shrunk towards the population's where few pairs show it.
func (m *Model) Score(e Evidence, pressure bool) float64 {
	own, pop := e.Own, m.population(pressure)
	if pop != nil {
		n := float64(e.Pairs)
		own = (n*e.Own + m.Recipe.OwnPrior*pop.Own) / (n + m.Recipe.OwnPrior)
	}
	return -(e.Distance - m.Recipe.Spread*own) - m.Recipe.Global*math.Log(m.Recipe.Floor+e.Deviation)
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
