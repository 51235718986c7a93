package compare

import (
	"context"
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"pgregory.net/rapid"

	"inkwitness/biometrics"
	"inkwitness/capture"
)

// Aligning is symmetric, and a signature costs nothing to align with itself.
func TestAlignSymmetric(t *testing.T) {
	m, err := Default()
	if err != nil {
		t.Fatal(err)
	}
	rapid.Check(t, func(t *rapid.T) {
		r := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 1))
		h, other := newHand(r.Uint64()), newHand(r.Uint64())
		pressure := rapid.Bool().Draw(t, "pressure")
		a, err := m.Prepare(h.sign(r, 100, 1), pressure)
		if err != nil {
			t.Fatal(err)
		}
		b, err := m.Prepare(other.sign(r, 100, 1), pressure)
		if err != nil {
			t.Fatal(err)
		}
		ab, _ := m.Align(a, b)
		ba, _ := m.Align(b, a)
		aa, _ := m.Align(a, a)
		for k := range ab {
			if math.Abs(ab[k]-ba[k]) > 1e-5*ab[k] {
				t.Fatalf("set %d: %v and %v", k, ab[k], ba[k])
			}
			if aa[k] > 1e-5 {
				t.Fatalf("set %d: %v to itself", k, aa[k])
			}
		}
	})
}

// What the score does not depend on, to which tolerance (the scores of a hand
// and of an imitation lie about 0.4 apart), and what it does depend on.
func TestScoreInvariance(t *testing.T) {
	c := comparator(t)
	h := newHand(8)
	refs := h.references(5, rand.New(rand.NewPCG(1, 2)))
	sign := func(rate float64) capture.Signature { return h.sign(rand.New(rand.NewPCG(3, 4)), rate, 1) }
	score := func(change func(p *capture.Point), rate float64) float64 {
		q := sign(rate)
		for i := range q.Points {
			change(&q.Points[i])
		}
		got, err := c.Compare(context.Background(), refs, q)
		if err != nil {
			t.Fatal(err)
		}
		return got.Score
	}
	turn := func(degrees float64) func(p *capture.Point) {
		sin, cos := math.Sincos(degrees * math.Pi / 180)
		return func(p *capture.Point) {
			x, y := float64(p.X), float64(p.Y)
			p.X, p.Y = int32(x*cos-y*sin), int32(x*sin+y*cos)
		}
	}
	same := func(*capture.Point) {}
	want := score(same, 100)
	for _, tt := range []struct {
		name      string
		change    func(p *capture.Point)
		rate      float64
		tolerance float64
	}{
		{"moved", func(p *capture.Point) { p.X, p.Y = p.X+54321, p.Y-12345 }, 100, 1e-6},
		{"five times the size", func(p *capture.Point) { p.X, p.Y = 5*p.X, 5*p.Y }, 100, 1e-6},
		{"started later", func(p *capture.Point) { p.Time += 77_000_000 }, 100, 1e-6},
		{"1024 levels of pressure", func(p *capture.Point) { p.Pressure &^= 63 }, 100, 0.02},
		{"half the pressure", func(p *capture.Point) { p.Pressure /= 2 }, 100, 0.06}, // how hard one presses is a habit too, but a small part
		{"turned by 2 degrees", turn(2), 100, 0.1},
	} {
		if got := score(tt.change, tt.rate); math.Abs(got-want) > tt.tolerance {
			t.Errorf("%s: %.4f instead of %.4f", tt.name, got, want)
		}
	}
	if got := score(turn(30), 100); got > want-0.3 {
		t.Errorf("turned by 30 degrees: %.4f instead of %.4f; the slant is a habit of the writer's and must count", got, want)
	}
}

// More alike is never less evidence: in every class, inside the range of the
// calibration and outside, also for the ends of the interval; and outside the
// range the answer says so.
func TestLikelihoodRises(t *testing.T) {
	m, err := Default()
	if err != nil {
		t.Fatal(err)
	}
	for _, pressure := range []bool{false, true} {
		for refs := range 2 * biometrics.MaxReferences {
			refs, several := 1+refs/2, refs%2 == 1
			class := biometrics.Class{Pressure: pressure, Pointer: capture.Pen, References: refs, SeveralDays: several}
			cal := m.calibration(class)
			last := math.Inf(-1)
			for s := -3.0; s < 2; s += 0.01 {
				lr, _ := m.likelihood(s, class)
				if lr.Log < last || lr.Low > lr.Log || lr.High < lr.Log {
					t.Fatalf("%d references, score %v: %+v after %v", refs, s, lr, last)
				}
				if lr.Clamped != (s < cal.Lowest || s > cal.Highest) {
					t.Fatalf("%d references, score %v: clamped %v, range %v to %v", refs, s, lr.Clamped, cal.Lowest, cal.Highest)
				}
				last = lr.Log
			}
		}
	}
}

// References of several days have a line of their own where they are dated, and
// only there: the same signatures without dates, or with dates of one day, are of
// one sitting, and a single reference always is.
func TestSeveralDays(t *testing.T) {
	m, err := Default()
	if err != nil {
		t.Fatal(err)
	}
	day := time.Date(2026, 5, 4, 9, 0, 0, 0, time.UTC)
	sigs := func(epochs ...time.Time) (out []capture.Signature) {
		for _, e := range epochs {
			out = append(out, capture.Signature{Epoch: e})
		}
		return out
	}
	for name, tt := range map[string]struct {
		refs []capture.Signature
		want bool
	}{
		"no dates":      {sigs(time.Time{}, time.Time{}), false},
		"one day":       {sigs(day, day.Add(8*time.Hour)), false},
		"a week apart":  {sigs(day.AddDate(0, 0, 7), day, day), true},
		"one undated":   {sigs(day, time.Time{}, day.AddDate(0, 0, 7)), false},
		"one reference": {sigs(day), false},
	} {
		if got := severalDays(tt.refs); got != tt.want {
			t.Errorf("%s: %v", name, got)
		}
	}
	for _, pressure := range []bool{false, true} {
		for refs := 1; refs <= biometrics.MaxReferences; refs++ {
			one := m.calibration(biometrics.Class{Pressure: pressure, References: refs})
			more := m.calibration(biometrics.Class{Pressure: pressure, References: refs, SeveralDays: true})
			if one.SeveralDays || more.SeveralDays != (refs > 1) || one.References != more.References {
				t.Errorf("%d references: %+v and %+v", refs, one, more)
			}
		}
	}
}

// One reference says less than five: the strongest answers shrink.
func TestFewReferencesSayLess(t *testing.T) {
	m, err := Default()
	if err != nil {
		t.Fatal(err)
	}
	for _, pressure := range []bool{false, true} {
		one := m.LogRatio(10, biometrics.Class{Pressure: pressure, Pointer: capture.Pen, References: 1})
		five := m.LogRatio(10, biometrics.Class{Pressure: pressure, Pointer: capture.Pen, References: 5})
		if !(one < five) {
			t.Errorf("pressure %v: the most that one reference can say is %v, five %v", pressure, one, five)
		}
	}
}

// Fingers and mice were not calibrated: the answer says so, is modest, and its
// interval does not exclude that the score says nothing.
func TestUncalibratedPointers(t *testing.T) {
	m, err := Default()
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range []float64{-1.5, -0.2, 0.5} {
		pen, ok := m.likelihood(s, biometrics.Class{Pointer: capture.Pen, References: 5})
		if !ok {
			t.Fatal("a pen is calibrated")
		}
		for _, p := range []capture.PointerType{capture.Touch, capture.Mouse} {
			lr, ok := m.likelihood(s, biometrics.Class{Pointer: p, References: 5})
			if ok || math.Abs(lr.Log-pen.Log/2) > 1e-12 || lr.Low > 0 || lr.High < 0 || lr.Low > lr.Log || lr.High < lr.Log {
				t.Errorf("%v at %v: %+v, calibrated %v; pen %+v", p, s, lr, ok, pen)
			}
		}
	}
}
