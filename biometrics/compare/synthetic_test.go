package compare

import (
	"math"
	"math/rand/v2"

	"inkwitness/capture"
)

// hand is a made-up writer: a sum of sinusoids for each axis, with strokes and a
// pressure profile. Nobody's signature is in it. Repetitions vary the phases,
// amplitudes and speed by the writer's own spread.
type hand struct {
	ax, ay, fx, fy, px, py []float64
	seconds, spread        float64
	lifts                  []float64 // share of the time at which the pen is lifted
}

func newHand(seed uint64) hand {
	r := rand.New(rand.NewPCG(seed, 7))
	h := hand{seconds: 1.5 + 2*r.Float64(), spread: 0.03, lifts: []float64{0.3 + 0.1*r.Float64(), 0.6 + 0.2*r.Float64()}}
	for range 5 {
		h.ax, h.ay = append(h.ax, 300+600*r.Float64()), append(h.ay, 300+600*r.Float64())
		h.fx, h.fy = append(h.fx, 0.5+3*r.Float64()), append(h.fy, 0.5+3*r.Float64())
		h.px, h.py = append(h.px, 6.3*r.Float64()), append(h.py, 6.3*r.Float64())
	}
	return h
}

var penDevice = capture.Device{Pointer: capture.Pen, UnitsPerMM: 100, SampleRate: 100, PressureLevels: 1024, HasPressure: true, HasTime: true}

// sign writes once at the given rate. speed 1 is the writer's own.
func (h hand) sign(r *rand.Rand, rate, speed float64) capture.Signature {
	sig := capture.Signature{Device: penDevice}
	sig.Device.SampleRate = rate
	v := func() float64 { return 1 + h.spread*r.NormFloat64() }
	seconds := h.seconds * v() / speed
	amp, ph := make([]float64, 2*len(h.ax)), make([]float64, 2*len(h.ax))
	for i := range amp {
		amp[i], ph[i] = v(), h.spread*3*r.NormFloat64()
	}
	n := int(seconds * rate)
	up := true
	for i := range n {
		u := float64(i) / float64(n-1)
		lifted := false
		for _, l := range h.lifts {
			lifted = lifted || u > l && u < l+0.04
		}
		if lifted {
			up = true
			continue
		}
		x, y := 3000*u, 0.0
		for k := range h.ax {
			x += amp[k] * h.ax[k] / 4 * math.Sin(2*math.Pi*h.fx[k]*u*3+h.px[k]+ph[k])
			y += amp[k+len(h.ax)] * h.ay[k] / 4 * math.Sin(2*math.Pi*h.fy[k]*u*3+h.py[k]+ph[k+len(h.ax)])
		}
		force := 0.5 + 0.3*math.Sin(9*u+h.px[0]) + 0.02*r.NormFloat64()
		sig.Points = append(sig.Points, capture.Point{
			Time: int64(float64(i) * 1e6 / rate), X: int32(x), Y: int32(y),
			Pressure: uint16(force * capture.MaxPressure), Down: true, Start: up,
		})
		up = false
	}
	return sig
}

func (h hand) references(n int, r *rand.Rand) []capture.Signature {
	var out []capture.Signature
	for range n {
		out = append(out, h.sign(r, 100, 1))
	}
	return out
}
