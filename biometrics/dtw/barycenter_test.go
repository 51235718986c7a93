package dtw

import (
	"math"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

func values(s *Series, c int) []float32 { return slices.Clone(s.fwd[c*s.stride:][:s.n]) }

func TestBarycenterByHand(t *testing.T) {
	// Pulses one step apart: aligned peak to peak (and foot to foot), the means
	// are those of equal values. From a start of half the height the peak 4 and
	// the feet 0 are found in one round.
	early, late := series(t, []float32{0, 4, 0, 0}), series(t, []float32{0, 0, 4, 0})
	got, sums, err := Barycenter([]*Series{early, late}, series(t, []float32{0, 3, 0}), Options{Metric: L2}, 5)
	if err != nil || !slices.Equal(values(got, 0), []float32{0, 4, 0}) {
		t.Errorf("%v, %v", values(got, 0), err)
	}
	// The start differs by 1 at each peak: 1 + 1. Then nothing.
	if len(sums) < 2 || sums[0] != 2 || sums[1] != 0 {
		t.Errorf("sums %v", sums)
	}
	// Under L1 the middle is the median: 1 of 0, 1, 9, where the mean is 3.3.
	three := []*Series{series(t, []float32{0, 0}), series(t, []float32{1, 1}), series(t, []float32{9, 9})}
	if got, _, err = Barycenter(three, series(t, []float32{5, 5}), Options{}, 1); err != nil || !slices.Equal(values(got, 0), []float32{1, 1}) {
		t.Errorf("%v, %v", values(got, 0), err)
	}
	if _, _, err := Barycenter(nil, early, Options{}, 1); err != ErrShape {
		t.Errorf("no series: %v", err)
	}
	if at, err := Medoid(three, Options{}); err != nil || at != 1 {
		t.Errorf("medoid %d, %v", at, err)
	}
}

// Each round lowers the sum of distances, for either metric and step pattern,
// and the result costs what was said.
func TestBarycenterGetsBetter(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		o := Options{Step: rapid.SampledFrom([]Step{Symmetric1, Symmetric2}).Draw(t, "step"), Metric: rapid.SampledFrom([]Metric{L1, L2}).Draw(t, "metric"),
			Penalty: rapid.SampledFrom([]float32{0, 0.5}).Draw(t, "penalty")}
		var all []*Series
		for range rapid.IntRange(1, 4).Draw(t, "count") {
			all = append(all, random(t, "n", 2))
		}
		got, sums, err := Barycenter(all, all[0], o, 4)
		if err != nil {
			t.Fatal(err)
		}
		lowest := slices.Min(sums)
		for i := 1; i < len(sums)-1; i++ {
			if sums[i] >= sums[i-1] {
				t.Fatalf("sums %v", sums)
			}
		}
		if last := sums[len(sums)-1]; len(sums) > 1 && last > sums[len(sums)-2]*(1+1e-4)+1e-3 {
			t.Fatalf("the last round is worse: %v", sums)
		}
		total := 0.0
		for _, s := range all {
			d, err := Distance(got, s, o)
			if err != nil {
				t.Fatal(err)
			}
			total += float64(d)
		}
		if math.Abs(total-lowest) > 1e-3*math.Max(1, lowest) {
			t.Fatalf("costs %v, said %v", total, lowest)
		}
	})
}

func TestShapeByHand(t *testing.T) {
	got := Shape([][]float32{{1, 2, 3}}, 1)
	for i, want := range [][]float32{{1, 1, 2}, {1, 2, 3}, {2, 3, 3}} {
		if !slices.Equal(got[i], want) {
			t.Errorf("channel %d: %v, want %v", i, got[i], want)
		}
	}
	// A rise and a fall through the same heights: plain DTW lets the fall's 1
	// meet the rise's 1; their shapes differ.
	a, b := [][]float32{{0, 1, 2, 1, 0, 0, 0}}, [][]float32{{0, 0, 0, 1, 2, 1, 0}}
	d, err := ShapeDistance(a, b, nil, 1, Options{})
	if err != nil || d != 0 {
		t.Errorf("a shifted pulse costs %v, %v", d, err)
	}
}

// Shape alignment with no neighbours is plain, with neighbours never better on
// the series themselves; copies cost nothing.
func TestShapeDistance(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		o := options(t)
		a, b := random(t, "n", 2), random(t, "m", 2)
		ca, cb := [][]float32{values(a, 0), values(a, 1)}, [][]float32{values(b, 0), values(b, 1)}
		weights := []float32{1, 1}
		want, err := Distance(a, b, o)
		if err != nil {
			t.Fatal(err)
		}
		plain, err := ShapeDistance(ca, cb, weights, 0, o)
		if err != nil || math.Abs(float64(plain-want)) > 1e-4*math.Max(1, float64(want)) {
			t.Fatalf("radius 0: %v, %v, want %v", plain, err, want)
		}
		wide, err := ShapeDistance(ca, cb, weights, 3, o)
		if err != nil || float64(wide) < float64(want)*(1-1e-4) {
			t.Fatalf("radius 3: %v below %v, %v", wide, want, err)
		}
		if self, err := ShapeDistance(ca, ca, weights, 2, o); err != nil || self != 0 {
			t.Fatalf("to itself: %v, %v", self, err)
		}
	})
	if _, err := ShapeDistance([][]float32{{1}}, [][]float32{{1}, {2}}, nil, 1, Options{}); err != ErrShape {
		t.Errorf("different dimensions: %v", err)
	}
}

// The same places, one with a pen-up: the channel of the pen is the only cost,
// two points in the air of weight 3.
func TestPenUpAware(t *testing.T) {
	place := []float32{0, 1, 2, 3}
	mk := func(down ...bool) *Series {
		s, err := New([][]float32{place, Pen(down)}, []float32{1, 3})
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	ink, lifted := mk(true, true, true, true), mk(true, false, false, true)
	o := Options{Penalty: 10} // no way around along the diagonal
	if d, err := Distance(ink, lifted, o); err != nil || d != 6 {
		t.Errorf("%v, %v, want 2 x 3", d, err)
	}
	if d, err := Distance(lifted, lifted, o); err != nil || d != 0 {
		t.Errorf("to itself %v, %v", d, err)
	}
	o.Cap = 0.5
	if d, err := Distance(ink, lifted, o); err != nil || d != 3 {
		t.Errorf("capped %v, %v, want 2 x 3 x 0.5", d, err)
	}
}
