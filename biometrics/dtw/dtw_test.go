package dtw

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func series(t testing.TB, ch ...[]float32) *Series {
	t.Helper()
	s, err := New(ch, nil)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// Alignments small enough to do by hand.
func TestKnownAlignments(t *testing.T) {
	tests := []struct {
		name string
		a, b []float32
		o    Options
		want float32
	}{
		// 1-1, 2-2, 3-2 or 2-3 free of cost but for |3-2| = 1 and |3-3|: the
		// repeated 2 aligns with the one 2.
		{"repeat is free", []float32{1, 2, 2, 3}, []float32{1, 2, 3}, Options{}, 0},
		{"repeat costs the penalty", []float32{1, 2, 2, 3}, []float32{1, 2, 3}, Options{Penalty: 0.5}, 0.5},
		// Straight path: |1-2| + |1-2| + |1-2| = 3; twice for symmetric2.
		{"offset", []float32{1, 1, 1}, []float32{2, 2, 2}, Options{}, 3},
		{"offset symmetric2", []float32{1, 1, 1}, []float32{2, 2, 2}, Options{Step: Symmetric2}, 6},
		{"offset squared", []float32{1, 1, 1}, []float32{4, 4, 4}, Options{Metric: L2}, 27},
		// Sakoe and Chiba: the weighted length of every path is n+m, so a
		// constant difference of 1 costs 2+3 = 5 whatever the path.
		{"constant difference", []float32{0, 0}, []float32{1, 1, 1}, Options{Step: Symmetric2}, 5},
		// 0-0, 0-0, 5-5, 0-0: a shift by one is absorbed.
		// The difference of 4 counts 1.5: 0.5 + 1.5 + 0.5.
		{"capped", []float32{1, 1, 1}, []float32{1.5, 5, 1.5}, Options{Cap: 1.5, Penalty: 9}, 2.5},
		{"shifted pulse", []float32{0, 0, 5, 0}, []float32{0, 5, 0, 0}, Options{}, 0},
	}
	for _, tt := range tests {
		a, b := series(t, tt.a), series(t, tt.b)
		for name, f := range map[string]func(a, b *Series, o Options) (float32, error){"reference": Reference, "fast": Distance} {
			if got, err := f(a, b, tt.o); err != nil || got != tt.want {
				t.Errorf("%s, %s: got %v, %v, want %v", tt.name, name, got, err, tt.want)
			}
		}
	}
}

func TestShape(t *testing.T) {
	a, b := series(t, []float32{1}), series(t, []float32{1}, []float32{2})
	if _, err := Distance(a, b, Options{}); err != ErrShape {
		t.Errorf("different dimensions: %v", err)
	}
	if _, err := New([][]float32{{1, 2}, {1}}, nil); err != ErrShape {
		t.Errorf("channels of different length: %v", err)
	}
	if _, err := New(nil, nil); err != ErrShape {
		t.Errorf("no channel: %v", err)
	}
}

func random(t *rapid.T, name string, d int) *Series {
	n := rapid.IntRange(1, 90).Draw(t, name)
	r := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, name+" seed"), 1))
	ch := make([][]float32, d)
	for c := range ch {
		ch[c] = make([]float32, n)
		for i := range ch[c] {
			ch[c][i] = float32(r.NormFloat64())
		}
	}
	s, err := New(ch, nil)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func options(t *rapid.T) Options {
	return Options{
		Step:    rapid.SampledFrom([]Step{Symmetric1, Symmetric2}).Draw(t, "step"),
		Metric:  rapid.SampledFrom([]Metric{L1, L2}).Draw(t, "metric"),
		Penalty: rapid.SampledFrom([]float32{0, 0.5, 2}).Draw(t, "penalty"),
		Band:    rapid.SampledFrom([]float64{0, 0.05, 0.3, 0.9}).Draw(t, "band"),
		Cap:     rapid.SampledFrom([]float32{0, 0, 0.7}).Draw(t, "cap"),
		Itakura: rapid.SampledFrom([]float64{0, 2, 3.5}).Draw(t, "itakura"),
	}
}

// near allows for another order of the same sums in float32.
func near(a, b float32) bool {
	return a == b || math.Abs(float64(a-b)) <= 2e-5*math.Max(1, math.Abs(float64(a)))
}

func TestFastIsReference(t *testing.T) {
	t.Logf("kernel %s", Kernel())
	kernels := kernelsHere()
	rapid.Check(t, func(t *rapid.T) {
		d := rapid.IntRange(1, 9).Draw(t, "d")
		a, b, o := random(t, "n", d), random(t, "m", d), options(t)
		want, err := Reference(a, b, o)
		if err != nil {
			t.Fatal(err)
		}
		got, err := Distance(a, b, o)
		if err != nil || !near(got, want) {
			t.Fatalf("distance %v, %v, reference %v", got, err, want)
		}
		for name, f := range kernels {
			w := &work{}
			w.reset(a.n)
			if got := walk(a, b, o, w, inf, f); !near(got, want) {
				t.Fatalf("%s: distance %v, reference %v", name, got, want)
			}
		}
		back, err := Distance(b, a, o)
		if err != nil || !near(back, want) && o.Band == 0 && o.Itakura == 0 {
			t.Fatalf("not symmetric: %v and %v, %v", want, back, err)
		}
		if self, err := Distance(a, a, o); err != nil || self != 0 {
			t.Fatalf("distance to itself %v, %v", self, err)
		}
		if got > 0 {
			if v, err := DistanceBelow(a, b, o, got); err != nil || v != got {
				t.Fatalf("limit at the distance gives %v, %v", v, err)
			}
			if v, err := DistanceBelow(a, b, o, got*0.99); err != nil || v != inf {
				t.Fatalf("limit below the distance gives %v, %v", v, err)
			}
		}
	})
}

// A path starts and ends at the corners, steps by one, and costs what the
// distance says.
func TestPath(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d := rapid.IntRange(1, 5).Draw(t, "d")
		a, b, o := random(t, "n", d), random(t, "m", d), options(t)
		path, cost, err := Path(a, b, o)
		if err != nil {
			t.Fatal(err)
		}
		want, err := Reference(a, b, o)
		if err != nil || !near(cost, want) {
			t.Fatalf("cost %v, reference %v, %v", cost, want, err)
		}
		first, last := path[0], path[len(path)-1]
		if first.I != 0 || first.J != 0 || last.I != a.Len()-1 || last.J != b.Len()-1 {
			t.Fatalf("from %+v to %+v", first, last)
		}
		sum := weight(o.Step) * first.Cost
		for k := 1; k < len(path); k++ {
			di, dj := path[k].I-path[k-1].I, path[k].J-path[k-1].J
			switch {
			case di == 1 && dj == 1:
				sum += weight(o.Step) * path[k].Cost
			case di+dj == 1 && di >= 0 && dj >= 0:
				sum += path[k].Cost + o.Penalty
			default:
				t.Fatalf("step of %d, %d", di, dj)
			}
		}
		if math.Abs(float64(sum-want)) > 1e-4*math.Max(1, float64(want)) {
			t.Fatalf("steps sum to %v, distance %v", sum, want)
		}
	})
}

func bench(n, d int) (*Series, *Series) {
	r := rand.New(rand.NewPCG(1, 2))
	mk := func() *Series {
		ch := make([][]float32, d)
		for c := range ch {
			ch[c] = make([]float32, n)
			for i := range ch[c] {
				ch[c][i] = float32(r.NormFloat64())
			}
		}
		s, _ := New(ch, nil)
		return s
	}
	return mk(), mk()
}

// BenchmarkDTW is 7 dimensions, 400 points, squared L2, full window: the fast
// kernel, the scalar reference, path recovery. The last line has their ratios,
// measured turn about and by the best of each, so that load does not blur them.
func BenchmarkDTW(b *testing.B) {
	x, y := bench(400, 7)
	o := Options{Metric: L2}
	kernels := []struct {
		name string
		f    func() error
	}{
		{"fast-" + Kernel(), func() error { _, err := Distance(x, y, o); return err }},
		{"scalar-reference", func() error { _, err := Scalar(x, y, o); return err }},
		{"path", func() error { _, _, err := Path(x, y, o); return err }},
	}
	for _, k := range kernels {
		b.Run(k.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if err := k.f(); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/(400*400), "ns/cell")
		})
	}
	b.Run("ratios", func(b *testing.B) {
		best := []time.Duration{time.Hour, time.Hour, time.Hour}
		for b.Loop() {
			for i, k := range kernels {
				start := time.Now()
				if err := k.f(); err != nil {
					b.Fatal(err)
				}
				best[i] = min(best[i], time.Since(start))
			}
		}
		b.ReportMetric(0, "ns/op")
		b.ReportMetric(float64(best[0])/float64(best[1]), "fast/scalar")
		b.ReportMetric(float64(best[2])/float64(best[0]), "path/fast")
	})
}
