//go:build ignore

// gen writes the synthetic signatures of this folder. No real person's hand is
// in them.
//
//	go run testdata/signatures/gen.go -out testdata/signatures
//
// A signature is a sum of lognormal strokes, the sigma-lognormal model of
// rapid movements (R. Plamondon, "A kinematic theory of rapid human movements",
// Biological Cybernetics 72, 1995, equations 1 to 3; C. O'Reilly and R.
// Plamondon, "Development of a Sigma-Lognormal representation for on-line
// signatures", Pattern Recognition 42, 2009, section 2):
//
//	v_i(t) = D_i / (sigma_i sqrt(2 pi) (t - t0_i)) exp(-(ln(t - t0_i) - mu_i)^2 / (2 sigma_i^2))
//
// each along an arc that turns from angle thetaS_i to thetaE_i while the stroke
// covers its length D_i. The velocity of the pen is the vector sum.
//
// A writer is one random list of strokes. A genuine repetition varies each
// parameter by a few per cent; a forgery has the same arcs, but slower, with
// more and smaller submovements, as an imitator draws. Pressure follows the
// curvature of the speed (slower is heavier) and falls to zero at pen-ups,
// which leave in-air points.
package main

import (
	"bufio"
	"flag"
	"fmt"
	"log"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
)

const (
	rate    = 200.0 // Hz
	writers = 3
	genuine = 7
	forged  = 2
)

// stroke is one lognormal: amplitude in px, times in s, angles in rad.
type stroke struct {
	d, t0, mu, sigma, start, end float64
	up                           bool // made in the air
}

type hand struct {
	strokes []stroke
	tiltX   float64 // degree
	tiltY   float64
	force   float64 // mean pressure, 0..1
}

func main() {
	out := flag.String("out", ".", "folder to write to")
	flag.Parse()
	for w := range writers {
		r := rand.New(rand.NewPCG(2026, uint64(w)))
		h := newHand(r)
		for i := range genuine {
			write(*out, fmt.Sprintf("w%d-genuine-%02d.csv", w+1, i+1), repeat(h, r, 0.03, 1), r)
		}
		for i := range forged {
			write(*out, fmt.Sprintf("w%d-forgery-%02d.csv", w+1, i+1), repeat(h, r, 0.12, 1.6), r)
		}
	}
}

// newHand makes up a writer: letters of up and down strokes that drift to the
// right, in two or three words with the pen lifted between, and a flourish.
func newHand(r *rand.Rand) hand {
	h := hand{tiltX: 20 + 25*r.Float64(), tiltY: 15 + 25*r.Float64(), force: 0.4 + 0.3*r.Float64()}
	t := 0.0
	letters := 7 + r.IntN(4)
	lift := 2 + r.IntN(3)
	for i := range letters {
		size := 40 + 60*r.Float64()
		if i == 0 {
			size *= 1.7
		}
		slant := -1.2 + 0.3*r.Float64()
		turn := 1.2 + 1.6*r.Float64()
		for half := range 2 {
			angle := slant
			if half == 1 {
				angle = slant + math.Pi - 0.7 - 0.5*r.Float64()
			}
			h.strokes = append(h.strokes, stroke{
				d: size, t0: t, mu: -2.1 + 0.2*r.Float64(), sigma: 0.22 + 0.1*r.Float64(),
				start: angle, end: angle + turn,
			})
			t += 0.075 + 0.04*r.Float64()
		}
		if (i+1)%lift == 0 && i+1 < letters {
			h.strokes = append(h.strokes, stroke{d: 50, t0: t, mu: -2, sigma: 0.25, start: -0.4, end: 0.3, up: true})
			t += 0.16
		}
	}
	h.level()
	h.strokes = append(h.strokes, stroke{d: 220, t0: t, mu: -1.7, sigma: 0.25, start: 2.6, end: 3.9})
	h.strokes = append(h.strokes, stroke{d: 260, t0: t + 0.15, mu: -1.6, sigma: 0.28, start: 0.3, end: -0.4})
	return h
}

// level turns the letters so that the line of writing runs to the right.
func (h hand) level() {
	var dx, dy float64
	for _, s := range h.strokes {
		mid := (s.start + s.end) / 2
		dx += s.d * math.Cos(mid)
		dy += s.d * math.Sin(mid)
	}
	turn := math.Atan2(dy, dx)
	for i := range h.strokes {
		h.strokes[i].start -= turn
		h.strokes[i].end -= turn
	}
}

// repeat varies a hand by a share of each parameter and slows it down.
func repeat(h hand, r *rand.Rand, share, slow float64) hand {
	vary := func(v, by float64) float64 { return v + by*share*r.NormFloat64() }
	out := h
	out.strokes = make([]stroke, 0, 2*len(h.strokes))
	for _, s := range h.strokes {
		s.d = vary(s.d, s.d)
		s.t0 = slow * vary(s.t0, 0.3)
		s.mu = vary(s.mu, 1) + math.Log(slow)
		s.sigma = math.Max(0.12, vary(s.sigma, 1))
		s.start, s.end = vary(s.start, 2), vary(s.end, 2)
		if slow > 1 && !s.up { // an imitator stops on the way
			a, b := s, s
			mid := (s.start + s.end) / 2
			a.d, b.d = s.d/2, s.d/2
			a.end, b.start = mid, mid
			a.mu, b.mu = s.mu-0.3, s.mu-0.3
			b.t0 += 0.09
			out.strokes = append(out.strokes, a, b)
			continue
		}
		out.strokes = append(out.strokes, s)
	}
	out.force = vary(h.force, 2)
	return out
}

// speed and share are the lognormal's density times D and its integral.
func (s stroke) speed(t float64) (v, done float64) {
	if t <= s.t0 {
		return 0, 0
	}
	z := (math.Log(t-s.t0) - s.mu) / s.sigma
	v = s.d / (s.sigma * math.Sqrt(2*math.Pi) * (t - s.t0)) * math.Exp(-z*z/2)
	return v, 0.5 * (1 + math.Erf(z/math.Sqrt2))
}

type sample struct {
	t, x, y, p, tiltX, tiltY float64
	down                     bool
}

func (h hand) samples(r *rand.Rand) []sample {
	last := h.strokes[len(h.strokes)-1]
	length := last.t0 + math.Exp(last.mu+2.2*last.sigma)
	var out []sample
	var x, y float64
	for k := 0; float64(k)/rate < length; k++ {
		t := float64(k) / rate
		var vx, vy, up, sum float64
		for _, s := range h.strokes {
			v, done := s.speed(t)
			angle := s.start + (s.end-s.start)*done
			vx += v * math.Cos(angle)
			vy += v * math.Sin(angle)
			sum += v
			if s.up {
				up += v
			}
		}
		x += vx / rate
		y += vy / rate
		v := math.Hypot(vx, vy)
		p := h.force * (1.25 - 0.5*math.Tanh(v/900)) * (1 + 0.02*r.NormFloat64())
		p *= math.Min(1, t/0.04) * math.Min(1, (length-t)/0.05)
		out = append(out, sample{
			t: t, x: x, y: y, p: math.Min(1, math.Max(0.02, p)), down: up < 0.5*sum || sum < 1e-9,
			tiltX: h.tiltX + 3*math.Sin(2*t), tiltY: h.tiltY + 2*math.Cos(3*t),
		})
	}
	return out
}

// write stores the samples as the pages' recorder would get them: px with the
// origin at the ink's top left, pressure in 1/65535, tilt in degree.
func write(folder, name string, h hand, r *rand.Rand) {
	samples := h.samples(r)
	minX, minY := math.Inf(1), math.Inf(1)
	for _, s := range samples {
		minX, minY = math.Min(minX, s.x), math.Min(minY, s.y)
	}
	file, err := os.Create(filepath.Join(folder, name))
	if err != nil {
		log.Fatal(err)
	}
	w := bufio.NewWriter(file)
	fmt.Fprintln(w, "time_ms,x_px,y_px,pressure,tilt_x_deg,tilt_y_deg,down")
	for _, s := range samples {
		p, down := int(math.Round(s.p*65535)), 1
		if !s.down {
			p, down = 0, 0
		}
		fmt.Fprintf(w, "%.0f,%.2f,%.2f,%d,%.0f,%.0f,%d\n", s.t*1000, s.x-minX, s.y-minY, p, s.tiltX, s.tiltY, down)
	}
	if err := w.Flush(); err != nil {
		log.Fatal(err)
	}
	if err := file.Close(); err != nil {
		log.Fatal(err)
	}
}
