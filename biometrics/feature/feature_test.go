package feature

import (
	"math"
	"math/rand/v2"
	"reflect"
	"testing"

	"gonum.org/v1/gonum/floats/scalar"
	"pgregory.net/rapid"

	"inkwitness/capture"
)

// curve is a smooth closed form sampled at a rate, with one pen-up of 100 ms.
func curve(rate float64, change func(x, y float64) (float64, float64)) capture.Signature {
	s := capture.Signature{Device: capture.Device{HasPressure: true}}
	up := true
	for i := range int(2*rate) + 1 {
		t := float64(i) / rate
		if t > 0.9 && t < 1 {
			up = true
			continue
		}
		x, y := change(8000*t+3000*math.Sin(9*t), 5000*math.Sin(13*t+1))
		s.Points = append(s.Points, capture.Point{Time: int64(math.Round(t * 1e6)), X: int32(math.Round(x)), Y: int32(math.Round(y)), Pressure: uint16(30000 + 20000*math.Sin(5*t)), Down: true, Start: up})
		up = false
	}
	return s
}

func same(x, y float64) (float64, float64) { return x, y }

func TestResampleKeepsARegularDevice(t *testing.T) {
	sig := curve(100, same)
	s, c := FromSignature(sig, nil)
	if s.Len() != 201 || c.Repeats+c.Backwards+c.Gaps != 0 {
		t.Fatalf("%d samples, %+v", s.Len(), c)
	}
	for i, src := range s.Source {
		if s.Down[i] && math.Abs(s.X[i]-float64(sig.Points[src].X)) > 1e-6 {
			t.Fatalf("sample %d is %v, point %d is %v", i, s.X[i], src, sig.Points[src].X)
		}
		if !s.Down[i] && s.P[i] != 0 {
			t.Fatalf("pressure %v in the air", s.P[i])
		}
	}
}

// A pen that hovers over the pad before the signature and after it has written the
// same as one of which the device tells nothing while it is in the air.
func TestHoverAroundIsNoHandwriting(t *testing.T) {
	sig := curve(100, same)
	want, _ := FromSignature(sig, nil)
	first, last := sig.Points[0], sig.Points[len(sig.Points)-1]
	hovered := capture.Signature{Device: sig.Device}
	for i := range int64(150) {
		hovered.Points = append(hovered.Points, capture.Point{Time: first.Time + (i-200)*10_000, X: first.X + int32(i), Y: first.Y + 4000})
	}
	hovered.Points = append(hovered.Points, sig.Points...)
	for i := range int64(90) {
		hovered.Points = append(hovered.Points, capture.Point{Time: last.Time + (i+1)*10_000, X: last.X, Y: last.Y - 50*int32(i)})
	}
	for range 2 { // again in the same memory
		got, _ := FromSignature(hovered, new(Scratch))
		for i := range got.Source {
			got.Source[i] -= 150
		}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("%d samples of %d", got.Len(), want.Len())
		}
	}
	if s, _ := FromSignature(capture.Signature{Points: hovered.Points[:150]}, nil); s.Len() != 0 {
		t.Errorf("%d samples of a pen that never came down", s.Len())
	}
}

// Clocks that repeat and step back are repaired without losing a point or time.
func TestRepair(t *testing.T) {
	sig := capture.Signature{}
	for i, ms := range []int64{0, 10, 20, 20, 40, 50, 44, 60, 70, 80} {
		sig.Points = append(sig.Points, capture.Point{Time: ms * 1000, X: int32(100 * i), Down: true, Start: i == 0})
	}
	ks, c := clean(sig, nil)
	if c.Repeats != 1 || c.Backwards != 1 || len(ks) != 10 {
		t.Fatalf("%+v, %d points", c, len(ks))
	}
	for i := 1; i < len(ks); i++ {
		if step := ks[i].t - ks[i-1].t; step < 0.009 || step > 0.031 {
			t.Errorf("step %d of %v s", i, step)
		}
	}
}

// Times that leap 5 s ahead and back must not become a pause, be it one or
// several in a row; a pause stays one.
func TestSpike(t *testing.T) {
	for _, wide := range []int{1, 2, 7, mostSpike} {
		sig := capture.Signature{}
		for i := range 40 {
			at := int64(i) * 10_000
			if i >= 12 && i < 12+wide {
				at += 5_000_000
			}
			sig.Points = append(sig.Points, capture.Point{Time: at, X: int32(100 * i), Down: true, Start: i == 0})
		}
		s, c := FromSignature(sig, nil)
		if s.Len() != 40 || math.Abs(s.X[12]-1200) > 1 || math.Abs(s.X[30]-3000) > 1 || math.Abs(s.X[39]-3900) > 1 || c.Gaps > 0 {
			t.Errorf("%d wide: %d samples, %+v: %v", wide, s.Len(), c, s.X)
		}
	}
}

func TestLongPauseIsCut(t *testing.T) {
	sig := capture.Signature{}
	for i := range 20 {
		at := int64(i) * 10_000
		if i >= 10 {
			at += 7_000_000
		}
		sig.Points = append(sig.Points, capture.Point{Time: at, X: int32(i), Down: true, Start: i == 0 || i == 10})
	}
	s, c := FromSignature(sig, nil)
	if c.Pauses != 1 || s.Len() > 125 {
		t.Errorf("%+v, %d samples", c, s.Len())
	}
}

// Local and global features do not depend on place and size, and hardly on the
// sampling rate.
func TestInvariance(t *testing.T) {
	ref, _ := FromSignature(curve(100, same), nil)
	want, wantG := Locals(ref, nil), Globals(ref, nil)
	tests := []struct {
		name      string
		sig       capture.Signature
		tolerance float64
	}{
		{"moved", curve(100, func(x, y float64) (float64, float64) { return x + 70000, y - 12345 }), 1e-3},
		{"scaled", curve(100, func(x, y float64) (float64, float64) { return 3 * x, 3 * y }), 0.05},
		{"240 Hz", curve(240, same), 0.3},
		{"133 Hz", curve(133, same), 0.3},
	}
	for _, tt := range tests {
		s, _ := FromSignature(tt.sig, nil)
		got, gotG := Locals(s, nil), Globals(s, nil)
		for _, l := range []Local{X, Y, DX, DY, V, DDX3, DDY3, P} {
			n := min(len(want[l]), len(got[l]))
			diff := 0.0
			for i := range n {
				diff += math.Abs(float64(want[l][i]-got[l][i])) / float64(n)
			}
			if diff > tt.tolerance || math.Abs(float64(len(want[l])-len(got[l]))) > 4 {
				t.Errorf("%s: %v differs by %v, %d and %d samples", tt.name, l, diff, len(want[l]), len(got[l]))
			}
		}
		for _, g := range []Global{LogDuration, LogPath, LogAspect, RightShare, CorrXY, StartX, MeanP} {
			if !scalar.EqualWithinAbs(wantG[g], gotG[g], 0.1) {
				t.Errorf("%s: %v is %v, want %v", tt.name, g, gotG[g], wantG[g])
			}
		}
	}
}

// A straight line at constant speed: all follows from the formulas.
func TestKnownFeatures(t *testing.T) {
	sig := capture.Signature{}
	for i := range 101 {
		sig.Points = append(sig.Points, capture.Point{Time: int64(i) * 10_000, X: int32(30 * i), Y: int32(40 * i), Down: true, Start: i == 0})
	}
	s, _ := FromSignature(sig, nil)
	g := Globals(s, nil)
	size := math.Hypot(30, 40) * math.Sqrt((101*101-1)/12.) // spread of 0..100 is sqrt((n^2-1)/12)
	for f, want := range map[Global]float64{
		LogDuration: math.Log(1.01), LogStrokes: math.Log(2), UpShare: 0, RightShare: 1, DownwardShare: 1, CorrXY: 1,
		LogAspect: math.Log(0.75), LogPath: math.Log(5000 / size), Dir1: 1, // atan2(40,30) = 53 degrees
	} {
		if !scalar.EqualWithinAbs(g[f], want, 0.02) {
			t.Errorf("%v is %v, want %v", f, g[f], want)
		}
	}
}

// Whatever a device sends, features are finite and of one length, also in used
// memory.
func TestAnythingIsFinite(t *testing.T) {
	var w Scratch
	rapid.Check(t, func(t *rapid.T) {
		r := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 5))
		n := rapid.IntRange(1, 60).Draw(t, "n")
		wild := rapid.Bool().Draw(t, "wild")
		sig := capture.Signature{Device: capture.Device{HasPressure: rapid.Bool().Draw(t, "pressure")}}
		for range n {
			p := capture.Point{X: int32(r.IntN(3)), Y: int32(r.IntN(3)), Time: int64(r.IntN(50_000)), Down: r.IntN(3) > 0, Start: r.IntN(5) == 0, Pressure: uint16(r.Uint32())}
			if wild {
				p.X, p.Y, p.Time = int32(r.Uint32()), int32(r.Uint32()), int64(r.Uint64()>>r.IntN(30))-1<<40
			}
			sig.Points = append(sig.Points, p)
		}
		s, _ := FromSignature(sig, nil)
		s.Smooth(1, nil)
		plain, globals := Locals(s, nil), Globals(s, nil)
		w.Reset()
		again, _ := FromSignature(sig, &w)
		again.Smooth(1, &w)
		reused, globalsReused := Locals(again, &w), Globals(again, &w)
		for l := range plain {
			if len(plain[l]) != s.Len() || len(reused[l]) != s.Len() {
				t.Fatalf("%v: %d, %d and %d values", Local(l), len(plain[l]), len(reused[l]), s.Len())
			}
			for i, v := range plain[l] {
				if math.IsNaN(float64(v)) || math.IsInf(float64(v), 0) || v != reused[l][i] {
					t.Fatalf("%v at %d: %v and %v", Local(l), i, v, reused[l][i])
				}
			}
		}
		for g, v := range globals {
			if math.IsNaN(v) || math.IsInf(v, 0) || v != globalsReused[g] {
				t.Fatalf("%v: %v and %v", Global(g), v, globalsReused[g])
			}
		}
	})
}

func TestNames(t *testing.T) {
	for l := range NumLocal {
		got, ok := ParseLocal(Local(l).String())
		if !ok || got != Local(l) {
			t.Errorf("%d is %q", l, Local(l))
		}
	}
	for g := range NumGlobal {
		if Global(g).String() == "" || Global(g).String() == "unknown" {
			t.Errorf("global feature %d has no name", g)
		}
	}
}
