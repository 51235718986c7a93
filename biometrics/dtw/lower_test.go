package dtw

import (
	"math/rand/v2"
	"testing"

	"pgregory.net/rapid"
)

func TestLowerBoundByHand(t *testing.T) {
	tests := []struct {
		name string
		a, b []float32
		o    Options
		want float32
	}{
		// Rows: 5 and 6 are 3 and 4 above the envelope [0, 2] of the other, 1 is in
		// it: 7. Columns: all of 0, 2, 1 lie in [1, 6] but 0, which is 1 below: 1.
		{"symmetric1 takes the larger", []float32{1, 5, 6}, []float32{0, 2, 1}, Options{}, 7},
		{"symmetric2 adds", []float32{1, 5, 6}, []float32{0, 2, 1}, Options{Step: Symmetric2}, 8},
		{"squared", []float32{1, 5, 6}, []float32{0, 2, 1}, Options{Metric: L2}, 25},
		{"capped", []float32{1, 5, 6}, []float32{0, 2, 1}, Options{Cap: 2}, 4},
		// Two steps more than the other's length, at least.
		{"lengths", []float32{1, 1, 1, 1}, []float32{1, 1}, Options{Penalty: 0.5}, 1},
	}
	for _, tt := range tests {
		a, b := series(t, tt.a), series(t, tt.b)
		got, err := LowerBound(a, b, tt.o)
		if err != nil || !near(tt.want, got) {
			t.Errorf("%s: %v, %v, want %v", tt.name, got, err, tt.want)
		}
	}
	if _, err := LowerBound(series(t, []float32{1}), series(t, []float32{1}, []float32{1}), Options{}); err != ErrShape {
		t.Errorf("different dimensions: %v", err)
	}
}

// The windows are those of the band, cell by cell.
func TestWindowsAreTheBand(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n, m, o := rapid.IntRange(1, 40).Draw(t, "n"), rapid.IntRange(1, 40).Draw(t, "m"), options(t)
		var e envelope
		e.windows(n, m, o)
		fromJ, toJ, fromI, toI := make([]int, n), make([]int, n), make([]int, m), make([]int, m)
		for i := range fromJ {
			fromJ[i], toJ[i] = m, -1
		}
		for j := range fromI {
			fromI[j], toI[j] = n, -1
		}
		b := newBand(n, m, o)
		for k := 0; k <= n+m-2; k++ {
			lo, hi := b.at(k)
			for i := lo; i <= hi; i++ {
				j := k - i
				fromJ[i], toJ[i] = min(fromJ[i], j), max(toJ[i], j)
				fromI[j], toI[j] = min(fromI[j], i), max(toI[j], i)
			}
		}
		for i := range fromJ {
			if e.fromJ[i] != fromJ[i] || e.toJ[i] != toJ[i] {
				t.Fatalf("row %d: [%d, %d], want [%d, %d]", i, e.fromJ[i], e.toJ[i], fromJ[i], toJ[i])
			}
		}
		for j := range fromI {
			if e.fromI[j] != fromI[j] || e.toI[j] != toI[j] {
				t.Fatalf("column %d: [%d, %d], want [%d, %d]", j, e.fromI[j], e.toI[j], fromI[j], toI[j])
			}
		}
	})
}

func TestLowerBoundIsBelow(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d := rapid.IntRange(1, 5).Draw(t, "d")
		a, b, o := random(t, "n", d), random(t, "m", d), options(t)
		want, err := Reference(a, b, o)
		if err != nil {
			t.Fatal(err)
		}
		low, err := LowerBound(a, b, o)
		if err != nil || low > want {
			t.Fatalf("bound %v above the distance %v, %v", low, want, err)
		}
		if v, err := LowerBoundBelow(a, b, o, low*0.9); err != nil || low > 0 && v != inf {
			t.Fatalf("limit below the bound gives %v, %v", v, err)
		}
	})
}

// Nearest finds what looking at all finds, ties included, and gives up most
// alignments among series that are alike.
func TestNearestIsExhaustive(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		o := options(t)
		q := random(t, "query", 2)
		var all []*Series
		for range rapid.IntRange(0, 12).Draw(t, "count") {
			all = append(all, random(t, "n", 2))
		}
		limit := rapid.SampledFrom([]float32{inf, 40, 0}).Draw(t, "limit")
		want, best := -1, limit
		for i, c := range all {
			d, err := Distance(q, c, o)
			if err != nil {
				t.Fatal(err)
			}
			if d < best || d == best && want < 0 && d < inf {
				want, best = i, d
			}
		}
		got, d, err := Nearest(q, all, o, limit)
		if err != nil || got != want || want >= 0 && d != best || want < 0 && d != inf {
			t.Fatalf("%d at %v, want %d at %v, %v", got, d, want, best, err)
		}
	})
}

// BenchmarkNearest searches 1,000 random walks of 2 channels for the nearest of
// a slightly changed one: with bounds, and by aligning with all.
func BenchmarkNearest(b *testing.B) {
	r := rand.New(rand.NewPCG(3, 4))
	walk := func() [][]float32 {
		ch := [][]float32{make([]float32, 200), make([]float32, 200)}
		for _, v := range ch {
			for i := 1; i < len(v); i++ {
				v[i] = v[i-1] + float32(r.NormFloat64())
			}
		}
		return ch
	}
	var all []*Series
	var query *Series
	for i := range 1000 {
		ch := walk()
		all = append(all, series(b, ch...))
		if i == 700 {
			for _, v := range ch {
				for k := range v {
					v[k] += 0.1 * float32(r.NormFloat64())
				}
			}
			query = series(b, ch...)
		}
	}
	o := Options{Step: Symmetric2, Band: 0.1}
	b.Run("bounds", func(b *testing.B) {
		for b.Loop() {
			if at, _, err := Nearest(query, all, o, inf); err != nil || at != 700 {
				b.Fatal(at, err)
			}
		}
	})
	b.Run("all", func(b *testing.B) {
		for b.Loop() {
			for _, c := range all {
				if _, err := Distance(query, c, o); err != nil {
					b.Fatal(err)
				}
			}
		}
	})
}
