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
	Own       float64 // the same of each reference to the others, averaged; 0 with one reference
	Pairs     int     // pairs of references behind Own
	Expected  float64 // what Own is expected to be of a writer with such references
	Deviation float64 // mean clipped |z| of the global features
}

// Weigh joins the costs of a questioned signature to each reference and those
// among the references to the evidence of alignment. Both sides are measured
// alike: each reference is questioned by the others.
func (m *Model) Weigh(questioned, among []Costs) Evidence {
	e := Evidence{Pairs: len(among)}
	n := len(questioned)
	for k, set := range m.Recipe.Sets {
		q := nearness{}
		for _, c := range questioned {
			q.add(c[k])
		}
		e.Distance += set.Share * q.log()
		if len(among) == 0 {
			continue
		}
		for r := range n {
			own := nearness{}
			for o := range n {
				if o != r {
					own.add(among[pairAt(o, r)][k])
				}
			}
			e.Own += set.Share * own.log() / float64(n)
		}
	}
	return e
}

// nearness is the distance of one signature to several, from the cost of
// aligning it with each.
type nearness struct{ sum, low, n float64 }

func (x *nearness) add(cost float64) {
	if x.n == 0 || cost < x.low {
		x.low = cost
	}
	x.sum += cost
	x.n++
}

// log lies half way between the logarithms of mean and minimum.
func (x *nearness) log() float64 { return (math.Log(x.sum/x.n) + math.Log(x.low)) / 2 }

// WriterFeatures are the global features of references that say how much a
// writer's signatures vary: long, fast and round ones vary less than short,
// hesitant and jagged ones.
var WriterFeatures = []feature.Global{
	feature.LogDuration, feature.LogDown, feature.UpShare, feature.LogStrokes, feature.LogPath, feature.LogTremor, feature.LogJerk,
	feature.SpeedSpread, feature.LogSpeedPeak, feature.LogTurnsX, feature.LogTurnsY, feature.LogTurning, feature.MeanVUp,
}

// Expected is what the population says of the references' distance to each
// other, from what the references look like. It does not go further from the
// mean than any writer did that it was fitted on.
func (m *Model) Expected(references []*[feature.NumGlobal]float64, pressure bool) float64 {
	pop := m.population(pressure)
	if pop == nil {
		return 0
	}
	shift := 0.0
	for i, g := range WriterFeatures {
		mean := 0.0
		for _, r := range references {
			mean += r[g] / float64(len(references))
		}
		shift += pop.Writer[i].Slope * (mean - pop.Writer[i].Mean)
	}
	return pop.Own + math.Max(-pop.Reach, math.Min(pop.Reach, shift))
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

// Score is the evidence as one number, higher is more alike. Part of the
// references' own spread is taken off; it is drawn towards the expected one where
// few pairs show it, and more so where they lie closer than expected: a few
// signatures in a row look steadier than their writer is.
func (m *Model) Score(e Evidence, pressure bool) float64 {
	own, share := e.Own, m.Recipe.Spread
	switch pop, n := m.population(pressure), float64(e.Pairs); {
	case pop == nil:
	case e.Pairs == 0:
		own, share = e.Expected, m.Recipe.Single
	case e.Own < e.Expected:
		own = (n*e.Own + m.Recipe.OwnClose*e.Expected) / (n + m.Recipe.OwnClose)
	default:
		own = (n*e.Own + m.Recipe.OwnPrior*e.Expected) / (n + m.Recipe.OwnPrior)
	}
	return -(e.Distance - share*own) - m.Recipe.Global*math.Log(m.Recipe.Floor+e.Deviation)
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

// pairAt is where the pair of two references stands in that order.
func pairAt(i, j int) int {
	if i > j {
		i, j = j, i
	}
	return j*(j-1)/2 + i
}
