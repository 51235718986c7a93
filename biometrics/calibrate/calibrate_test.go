package calibrate

import (
	"math"
	"math/rand/v2"
	"testing"

	"gonum.org/v1/gonum/floats/scalar"
	"pgregory.net/rapid"
)

func TestCllrKnownValues(t *testing.T) {
	tests := []struct {
		name            string
		same, different []float64
		want            float64
	}{
		// log2(1+1) = 1 for each side: says nothing.
		{"silent", []float64{0, 0}, []float64{0}, 1},
		// LR 3 and 1/3: log2(1 + 1/3) = 0.41504 on both sides.
		{"three", []float64{math.Log(3)}, []float64{-math.Log(3)}, math.Log2(4. / 3)},
		// LR 1/3 where the truth is "same": log2(4) = 2, averaged with 0.41504.
		{"misled", []float64{-math.Log(3)}, []float64{-math.Log(3)}, (2 + math.Log2(4./3)) / 2},
	}
	for _, tt := range tests {
		if got := Cllr(tt.same, tt.different); !scalar.EqualWithinAbs(got, tt.want, 1e-12) {
			t.Errorf("%s: %v, want %v", tt.name, got, tt.want)
		}
	}
}

// Scores 1 < 2 < 3 < 4 with truths d s d s: pool adjacent violators joins 2 and 3
// to one block with one of each (odds 1), leaves d alone at 1 and s alone at 4.
// Of the four terms two are log2(1+1) = 1 and two are 0: (1/2 + 1/2) / 2 = 0.5.
func TestPAVKnownBlocks(t *testing.T) {
	ls, ld := PAV([]float64{2, 4}, []float64{1, 3})
	if ls[0] != 0 || ld[1] != 0 || !math.IsInf(ls[1], 1) || !math.IsInf(ld[0], -1) {
		t.Errorf("%v %v", ls, ld)
	}
	if got := MinCllr([]float64{2, 4}, []float64{1, 3}); !scalar.EqualWithinAbs(got, 0.5, 1e-12) {
		t.Errorf("minimum Cllr %v", got)
	}
	if got := MinCllr([]float64{5, 6}, []float64{1, 2}); got != 0 {
		t.Errorf("separated scores: %v", got)
	}
}

// Two normal distributions of unit variance, means +1 and -1, have the log
// likelihood ratio 2x exactly; the fit must find it.
func TestFitNormal(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	var same, different []float64
	for range 40_000 {
		same = append(same, 1+r.NormFloat64())
		different = append(different, -1+r.NormFloat64())
	}
	l, err := Fit(same, different, 0)
	if err != nil || math.Abs(l.Scale-2) > 0.05 || math.Abs(l.Offset) > 0.05 {
		t.Errorf("%+v, %v", l, err)
	}
}

func TestFitRefuses(t *testing.T) {
	for name, v := range map[string][2][]float64{
		"none":     {{}, {1}},
		"nan":      {{math.NaN()}, {1}},
		"infinite": {{math.Inf(1)}, {1}},
		"reversed": {{0, 1, 0.5}, {2, 3, 2.5}},
	} {
		if _, err := Fit(v[0], v[1], 1e-3); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	l, err := Fit([]float64{2, 3}, []float64{0, 1}, 1e-4)
	if err != nil || math.IsInf(l.Scale, 0) {
		t.Errorf("separated: %+v, %v", l, err)
	}
}

// No monotone calibration beats PAV on its own scores, and the likelihood ratio
// rises with the score.
func TestPAVIsBest(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		gen := rapid.SliceOfN(rapid.Float64Range(-5, 5), 2, 40)
		same, different := gen.Draw(t, "same"), gen.Draw(t, "different")
		low := MinCllr(same, different)
		l, err := Fit(same, different, 1e-3)
		if err != nil {
			return // more alike speaks against: no line
		}
		at := func(v []float64) []float64 {
			out := make([]float64, len(v))
			for i, x := range v {
				out[i] = l.At(x)
			}
			return out
		}
		if c := Cllr(at(same), at(different)); c < low-1e-9 {
			t.Fatalf("line %v below minimum %v", c, low)
		}
		if !(l.At(1) > l.At(0)) {
			t.Fatalf("falling line %+v", l)
		}
	})
}

func TestVerbal(t *testing.T) {
	for ratio, want := range map[float64]string{1: "", 1.99: "", 2: "weak", 10: "moderate", 99: "moderate", 100: "moderately-strong", 1e3: "strong", 1e4: "very-strong", 1e6: "extremely-strong"} {
		if code, _ := Verbal(ratio); code != want {
			t.Errorf("%v: %q, want %q", ratio, code, want)
		}
	}
}
