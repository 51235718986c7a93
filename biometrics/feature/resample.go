package feature

import (
	"math"

	"inkwitness/capture"
)

// FromSignature cleans and resamples what was written of a signature: how the pen
// came and left is no handwriting, and a device without hover does not tell it.
// The Signal lives in the scratch memory when there is one.
func FromSignature(sig capture.Signature, w *Scratch) (*Signal, Cleaning) {
	from, to := sig.Written()
	sig.Points = sig.Points[from:min(to, from+MaxPoints)] // hovering does not use up what may be looked at
	s := &Signal{}
	var ks []knot
	if w != nil {
		ks, s = w.knots[:0], &w.signal
		*s = Signal{Down: w.bools[:0], Source: w.source[:0]}
	}
	ks, c := clean(sig, ks)
	n := 1
	if len(ks) > 0 {
		n = min(MaxSamples, int(ks[len(ks)-1].t*Rate)+len(sig.Strokes())+2)
	}
	s.X, s.Y, s.P = w.take(n)[:0], w.take(n)[:0], w.take(n)[:0]
	s.resample(ks)
	for i := range s.Source {
		s.Source[i] += int32(from)
	}
	s.HasPressure = sig.Device.HasPressure
	s.UnitsPerMM = sig.Device.UnitsPerMM
	c.Truncated = s.Len() >= MaxSamples
	if w != nil {
		w.knots, w.bools, w.source = ks, s.Down, s.Source
	}
	return s, c
}

// resample samples each run between pen-ups at Rate from its own first point,
// so that a device that already runs at Rate keeps its points exactly, and
// bridges the pen-ups.
func (s *Signal) resample(ks []knot) {
	for from := 0; from < len(ks); {
		to := from + 1
		for to < len(ks) && !ks[to].open {
			to++
		}
		if from > 0 {
			s.bridge(ks[from-1], ks[from])
		}
		s.run(ks[from:to])
		from = to
	}
}

func (s *Signal) add(x, y, p float64, down bool, src int32) {
	if len(s.X) >= MaxSamples {
		return
	}
	s.X = append(s.X, x)
	s.Y = append(s.Y, y)
	s.P = append(s.P, p)
	s.Down = append(s.Down, down)
	s.Source = append(s.Source, src)
}

// bridge adds the samples between the last point of one run and the first of
// the next.
func (s *Signal) bridge(a, b knot) {
	n := int(math.Round((b.t-a.t)*Rate)) - 1
	for i := 1; i <= n; i++ {
		f := float64(i) / float64(n+1)
		s.add(a.x+f*(b.x-a.x), a.y+f*(b.y-a.y), 0, false, a.src)
	}
}

// run samples one run of points by linear interpolation.
func (s *Signal) run(ks []knot) {
	const h = 1.0 / Rate
	first := ks[0].t
	n := int((ks[len(ks)-1].t-first)*Rate+0.5) + 1
	j := 0
	for i := range n {
		t := first + float64(i)*h
		for j+1 < len(ks) && ks[j+1].t <= t+1e-7 { // a tenth of a microsecond is rounding
			j++
		}
		a := ks[j]
		if j+1 == len(ks) {
			s.add(a.x, a.y, a.p, a.down, a.src)
			continue
		}
		b := ks[j+1]
		f := max(0, (t-a.t)/(b.t-a.t))
		s.add(a.x+f*(b.x-a.x), a.y+f*(b.y-a.y), a.p+f*(b.p-a.p), a.down, a.src)
	}
}

// Smooth applies a Gaussian of the given standard deviation (in samples) to the
// positions and the pressure. The ends are continued with their own values.
func (s *Signal) Smooth(sigma float64, w *Scratch) {
	if sigma <= 0 || s.Len() == 0 {
		return
	}
	r := int(math.Ceil(3 * sigma))
	k := w.take(2*r + 1)
	sum := 0.0
	for i := range k {
		d := float64(i-r) / sigma
		k[i] = math.Exp(-d * d / 2)
		sum += k[i]
	}
	for i := range k {
		k[i] /= sum
	}
	s.X, s.Y, s.P = convolve(s.X, k, w), convolve(s.Y, k, w), convolve(s.P, k, w)
}

func convolve(v, k []float64, w *Scratch) []float64 {
	r := len(k) / 2
	out := w.take(len(v))
	for i := range v {
		sum := 0.0
		for j, c := range k {
			sum += c * v[min(max(i+j-r, 0), len(v)-1)]
		}
		out[i] = sum
	}
	return out
}
