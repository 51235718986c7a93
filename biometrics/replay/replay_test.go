package replay

import (
	"context"
	"errors"
	"math"
	"math/rand/v2"
	"testing"

	"pgregory.net/rapid"

	"inkwitness/biometrics"
	"inkwitness/capture"
)

// scribble is a made-up signature: a random walk whose speed changes by a smooth
// force, as a hand's does, sampled every 10 ms.
func scribble(r *rand.Rand, n int) capture.Signature {
	var s capture.Signature
	var x, y, vx, vy, fx, fy, t float64
	for i := range n {
		fx, fy = 0.8*fx+12*r.NormFloat64(), 0.8*fy+12*r.NormFloat64()
		vx, vy = 0.9*vx+fx, 0.9*vy+fy
		x, y, t = x+vx+10, y+vy, t+10_000
		s.Points = append(s.Points, capture.Point{X: int32(x), Y: int32(y), Time: int64(t), Down: true, Start: i == 0})
	}
	return s
}

func mustPrint(t testing.TB, s capture.Signature) Print {
	t.Helper()
	p, err := Of(s)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// disguise is what a replaying sender might do to a recorded capture.
func disguise(r *rand.Rand, s capture.Signature) map[string]capture.Signature {
	change := func(f func(i int, p capture.Point) (capture.Point, bool)) capture.Signature {
		out := capture.Signature{Device: s.Device}
		for i, p := range s.Points {
			if p, ok := f(i, p); ok {
				out.Points = append(out.Points, p)
			}
		}
		return out
	}
	last := len(s.Points) - 1
	return map[string]capture.Signature{
		"bit for bit": s,
		"moved": change(func(_ int, p capture.Point) (capture.Point, bool) {
			p.X, p.Y, p.Time = p.X+5000, p.Y-321, p.Time+777_000
			return p, true
		}),
		"scaled": change(func(_ int, p capture.Point) (capture.Point, bool) {
			p.X, p.Y = p.X*7/3, p.Y*7/3
			return p, true
		}),
		"slowed": change(func(_ int, p capture.Point) (capture.Point, bool) { p.Time = p.Time * 13 / 10; return p, true }),
		"jittered": change(func(_ int, p capture.Point) (capture.Point, bool) {
			p.X, p.Y, p.Time = p.X+int32(r.IntN(9))-4, p.Y+int32(r.IntN(9))-4, p.Time+int64(r.IntN(2000))
			return p, true
		}),
		"sampled anew": again(s, 7.3),
		"thinned":      change(func(i int, p capture.Point) (capture.Point, bool) { return p, i%2 == 0 || i == last }),
	}
}

// again samples a signature at another rate, ms a point, between its points, the
// last one included.
func again(s capture.Signature, step float64) (out capture.Signature) {
	out.Device = s.Device
	last := s.Points[len(s.Points)-1].Time
	for i, t := 0, float64(s.Points[0].Time); t < float64(last); t += step * 1000 {
		for i+2 < len(s.Points) && float64(s.Points[i+1].Time) < t {
			i++
		}
		a, b := s.Points[i], s.Points[i+1]
		f := (t - float64(a.Time)) / float64(b.Time-a.Time)
		p := capture.Point{Time: int64(t), Down: true, Start: len(out.Points) == 0}
		p.X, p.Y = a.X+int32(f*float64(b.X-a.X)), a.Y+int32(f*float64(b.Y-a.Y))
		out.Points = append(out.Points, p)
	}
	out.Points = append(out.Points, s.Points[len(s.Points)-1])
	return out
}

// Whatever is done to a stored signature on its way, it is found among others and
// taken for a copy; a signature of another is not.
func TestCopiesAreFound(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 1))
		var x Index
		var kept []capture.Signature
		for range rapid.IntRange(3, 40).Draw(t, "stored") {
			s := scribble(r, 150+r.IntN(200))
			p, err := Of(s)
			if err != nil {
				t.Fatal(err)
			}
			kept = append(kept, s)
			x.Add(p)
		}
		i := r.IntN(len(kept))
		for name, s := range disguise(r, kept[i]) {
			p, err := Of(s)
			if err != nil {
				t.Fatal(err)
			}
			hits, err := x.Search(context.Background(), p, 3)
			if err != nil || len(hits) != 3 || hits[0].Index != i || !hits[0].Copy || hits[1].Copy {
				t.Fatalf("%s of %d: %+v, %v", name, i, hits, err)
			}
		}
		p, err := Of(scribble(r, 200))
		if err != nil {
			t.Fatal(err)
		}
		if hits, err := x.Search(context.Background(), p, 1); err != nil || hits[0].Copy {
			t.Fatalf("a new signature is taken for a copy: %+v, %v", hits, err)
		}
	})
}

// The index must give what looking at every print gives.
func TestSearchIsExhaustive(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 2))
		var x Index
		random := func() (p Print) {
			for i := range p {
				p[i] = int8(r.IntN(255) - 127)
			}
			return p
		}
		for range rapid.IntRange(1, 60).Draw(t, "n") {
			x.Add(random())
		}
		q := random()
		hits, err := x.Search(context.Background(), q, 4)
		if err != nil {
			t.Fatal(err)
		}
		for i := range x.prints {
			if sk := sketchOf(&x.prints[i]); true {
				a := sketchOf(&q)
				if b := bound(&a, &sk, math.MaxInt); b > sum(&q, &x.prints[i]) {
					t.Fatalf("lower bound %d above %d", b, sum(&q, &x.prints[i]))
				}
			}
			d := Distance(&q, &x.prints[i])
			found := false
			for _, h := range hits {
				found = found || h.Index == i
			}
			if !found && len(hits) == 4 && d < hits[3].Distance || !found && len(hits) < 4 {
				t.Fatalf("print %d at %v is missing from %+v", i, d, hits)
			}
		}
	})
}

func TestNoExtent(t *testing.T) {
	for name, s := range map[string]capture.Signature{
		"empty": {},
		"a dot": {Points: []capture.Point{{Down: true}, {Down: true, Time: 1}}},
		"air":   {Points: []capture.Point{{X: 1}, {X: 9}}},
	} {
		if _, err := Of(s); !errors.Is(err, biometrics.ErrMalformed) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func BenchmarkSearch100000(b *testing.B) {
	r := rand.New(rand.NewPCG(5, 5))
	var x Index
	base := make([]Print, 200)
	for i := range base {
		base[i] = mustPrint(b, scribble(r, 250))
	}
	for i := range 100_000 {
		p := base[i%len(base)]
		for k := range p { // other signatures of like hands
			p[k] = small(float64(p[k]) + 6*r.NormFloat64())
		}
		x.Add(p)
	}
	q := mustPrint(b, scribble(r, 250))
	b.ResetTimer()
	for b.Loop() {
		if _, err := x.Search(context.Background(), q, 5); err != nil {
			b.Fatal(err)
		}
	}
}
