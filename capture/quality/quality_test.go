package quality

import (
	"context"
	"errors"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"inkwitness/capture"
)

// hand writes a made-up signature: loops with a speed that rises and falls with
// the bends, as the two-thirds power law has it (Lacquaniti et al. 1983), and
// the tremor of a sensor. seed is the occasion, style the writer.
func hand(style, seed uint64, rate float64) []capture.Point {
	who, rng := rand.New(rand.NewPCG(style, 1)), rand.New(rand.NewPCG(seed, 2))
	var out []capture.Point
	now, x, y := 0.0, 3000.0, 4000.0
	for range 4 {
		turns, size, lean := 2+who.Float64()*2, 500+who.Float64()*900, who.Float64()
		size *= 1 + 0.08*rng.NormFloat64()
		wobble, pace := 0.1*rng.NormFloat64(), 1+0.12*rng.NormFloat64()
		start := true
		for phase := 0.0; phase < turns*2*math.Pi; {
			bend := 0.55 + 0.45*math.Cos(2*phase+lean+wobble)
			phase += pace * (4 + 14*bend) / rate
			px := x + 160*phase + size*math.Cos(phase+wobble)*(1+0.2*math.Sin(phase/2+lean))
			py := y + size*math.Sin(phase*(1+0.03*wobble)+lean)
			out = append(out, capture.Point{
				Time: int64(now * 1e6), X: int32(px + 1.5*rng.NormFloat64()), Y: int32(py + 1.5*rng.NormFloat64()),
				Pressure: uint16(20000 + 9000*bend + 400*rng.NormFloat64()), Down: true, Start: start,
			})
			start = false
			now += 1 / rate
		}
		x += 900
		now += 0.1 + 0.1*rng.Float64()
	}
	return out
}

func codes(reasons []capture.Reason) (out []string) {
	for _, r := range reasons {
		if r.Verdict != capture.Undecided {
			out = append(out, "a verdict: "+r.Verdict)
		}
		out = append(out, r.Code)
	}
	return out
}

var declared = &capture.PenFacts{Pointer: capture.Pen, HasPressure: true, Events: 100, Samples: 400}

func TestAHandGivesNoReason(t *testing.T) {
	for seed := range uint64(50) {
		f := Measure(hand(seed%5, seed, 200), declared)
		if !f.Motion.Can || len(f.Reasons) > 0 {
			t.Errorf("seed %d: %v of %+v", seed, codes(f.Reasons), f.Motion)
		}
	}
}

func TestFacts(t *testing.T) {
	points := []capture.Point{
		{Time: 0, Down: true, Start: true, Pressure: 10}, {Time: 4000, X: 2, Down: true, Pressure: 30}, {Time: 8000, X: 4, Down: true, Pressure: 30},
		{Time: 8000, X: 6, Down: true, Pressure: 20}, {Time: 7000, X: 8}, {Time: 90000, Y: 4, Down: true, Start: true, Pressure: 10},
		{Time: 94000, Y: 8, Down: true, Pressure: 10}, {Time: 224000, Y: 10, Down: true, Pressure: 10},
	}
	f := Measure(points, &capture.PenFacts{Pointer: capture.Touch, Events: 2, Samples: 8})
	want := Facts{
		Points: 8, InAir: 1, Strokes: 2, DurationMicros: 224000, RateHz: 250, JitterMicros: 126000, Gaps: 1, LongestGap: 130000,
		ClockRepeats: 1, ClockBackwards: 1, PressureLevels: 3, PressureLowest: 10, PressureHighest: 30,
		Pointer: capture.Touch, SamplesPerEvent: 4, Motion: Motion{Grid: 2, Considered: 4},
	}
	reasons := f.Reasons
	f.Reasons = nil
	if got := codes(reasons); !slices.Equal(got, []string{CodeGaps}) {
		t.Errorf("reasons %v", got)
	}
	if f.Points != want.Points || f.Motion != want.Motion || f.LongestGap != want.LongestGap || f.JitterMicros != want.JitterMicros ||
		f.RateHz != want.RateHz || f.Gaps != want.Gaps || f.ClockRepeats != 1 || f.ClockBackwards != 1 || f.InAir != 1 || f.Strokes != 2 ||
		f.PressureLevels != 3 || f.PressureLowest != 10 || f.PressureHighest != 30 || f.SamplesPerEvent != 4 || f.Pointer != capture.Touch {
		t.Errorf("got  %+v\nwant %+v", f, want)
	}
	if got := Measure(nil, nil); got.Points != 0 || len(got.Reasons) != 0 {
		t.Errorf("nothing gives %+v", got)
	}
}

func TestMachinesGiveReasons(t *testing.T) {
	const rate = 200
	circle := func(noise float64) []capture.Point { // at constant speed
		rng := rand.New(rand.NewPCG(1, 1))
		var out []capture.Point
		for i := range 400 {
			a := float64(i) / 30
			out = append(out, capture.Point{
				Time: int64(i * 1e6 / rate), X: int32(3000*math.Cos(a) + noise*rng.NormFloat64()), Y: int32(3000*math.Sin(a) + noise*rng.NormFloat64()),
				Pressure: 30000, Down: true, Start: i == 0,
			})
		}
		return out
	}
	var lines []capture.Point // a polygon, interpolated
	for i := range 300 {
		leg := i / 30
		p := capture.Point{Time: int64(i * 5000), X: int32(40 * i), Y: int32(30 * (i % 30)), Pressure: uint16(i % 3 * 9000), Down: true, Start: i == 0}
		if leg%2 == 1 {
			p.Y = int32(30 * (30 - i%30))
		}
		lines = append(lines, p)
	}
	tests := []struct {
		name   string
		points []capture.Point
		want   []string
	}{
		{"a circle at constant speed", circle(0), []string{CodeSpeed, CodeTremor, CodePressure}},
		{"a circle with noise", circle(3), []string{CodeSpeed, CodePressure}},
		{"straight lines", lines, []string{CodeSpeed, CodeEven, CodeStraight, CodePressure}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			f := Measure(test.points, declared)
			got := codes(f.Reasons)
			for _, code := range test.want {
				if !slices.Contains(got, code) {
					t.Errorf("no %s: %v, %+v", code, got, f.Motion)
				}
			}
		})
	}
}

// forge copies a stream and hides it.
func forge(rng *rand.Rand, points []capture.Point, scale, pace, noise float64, every int) []capture.Point {
	var out []capture.Point
	size := extent(points)
	for i, p := range points {
		if every > 1 && i%every == every-1 && !p.Start {
			continue
		}
		p.X = int32(math.Round(float64(p.X)*scale+noise*size*rng.NormFloat64())) + 777
		p.Y = int32(math.Round(float64(p.Y)*scale+noise*size*rng.NormFloat64())) - 333
		p.Time = int64(float64(p.Time)*pace) + 5e6
		out = append(out, p)
	}
	return out
}

func extent(points []capture.Point) float64 {
	low, high := points[0].X, points[0].X
	for _, p := range points {
		low, high = min(low, p.X), max(high, p.X)
	}
	return float64(high - low)
}

// TestReplaysAreFound has 300 tries of each kind; none may pass unseen, and none
// of 300 hands that sign again may be taken for a copy.
func TestReplaysAreFound(t *testing.T) {
	kinds := []struct {
		name               string
		scale, pace, noise float64
		every              int
		part               float64 // of the stream that is played
		copy               bool    // made of the same moves
	}{
		{"bit for bit", 1, 1, 0, 0, 1, true},
		{"shifted in place and time", 1, 1, 0, 0, 1, true},
		{"the first half", 1, 1, 0, 0, 0.5, true},
		{"larger", 1.3, 1, 0, 0, 1, false},
		{"smaller and slower", 0.7, 1.2, 0, 0, 1, false},
		{"with 0.2 % of noise", 1, 1, 0.002, 0, 1, false},
		{"every third point left out", 1, 1, 0, 3, 1, false},
		{"scaled, faster, thinned, with noise", 0.9, 0.9, 0.002, 3, 1, false},
	}
	rng := rand.New(rand.NewPCG(3, 3))
	var known [300][]capture.Point
	var prints [300]*Print
	for try := range known {
		known[try] = hand(uint64(try)%10, 2000+uint64(try), 200)
		prints[try] = NewPrint(known[try])
	}
	for _, kind := range kinds {
		t.Run(kind.name, func(t *testing.T) {
			for try, played := range known {
				earlier := []Earlier{{"another", prints[(try+10)%300]}, {"played", kept(t, prints[try])}} // another of the same hand first
				played = played[:int(kind.part*float64(len(played)))]
				forged := NewPrint(forge(rng, played, kind.scale, kind.pace, kind.noise, kind.every))
				found := search(t, forged, earlier...)
				if n := len(found); n == 0 || found[n-1].Capture != "played" || found[n-1].Copy() != kind.copy {
					l := forged.Compare(earlier[1].Print)
					t.Fatalf("try %d: found %+v; likeness %+v, score %.4f", try, found, l, l.Score())
				}
			}
		})
	}
	alarms := 0
	for try := range prints {
		alarms += len(search(t, prints[try], Earlier{"another", prints[(try+10)%300]}))
	}
	if alarms > 0 {
		t.Errorf("%d of 300 hands that sign again are taken for a copy", alarms)
	}
}

func search(t *testing.T, p *Print, earlier ...Earlier) []Replay {
	t.Helper()
	out, err := Search(t.Context(), p, earlier)
	if err != nil || out.Compared != len(earlier) {
		t.Fatalf("compared %d of %d: %v", out.Compared, len(earlier), err)
	}
	return out.Found
}

// kept is a print after it was kept.
func kept(t *testing.T, p *Print) *Print {
	t.Helper()
	b, err := p.MarshalBinary()
	if err != nil {
		t.Fatal(err)
	}
	again := new(Print)
	if err := again.UnmarshalBinary(b); err != nil {
		t.Fatal(err)
	}
	if l := p.Compare(again); p.drawn && (l.Score() > 0.001 || l.Moves < 1) {
		t.Fatalf("after it was kept a print is another: %+v", l)
	}
	return again
}

func TestPrintsThatCannotBeRead(t *testing.T) {
	good, err := NewPrint(hand(1, 1, 100)).MarshalBinary()
	if err != nil {
		t.Fatal(err)
	}
	for name, b := range map[string][]byte{
		"nothing": nil, "another version": append([]byte{2}, good[1:]...), "an unknown flag": append([]byte{1, 2}, good[2:]...),
		"half a hash": good[:len(good)-1], "half a line": good[:500:500],
	} {
		if err := new(Print).UnmarshalBinary(b); !errors.Is(err, capture.ErrMalformed) {
			t.Errorf("%s: %v, want ErrMalformed", name, err)
		}
	}
	kept(t, NewPrint(nil))
	stopped, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Search(stopped, NewPrint(nil), []Earlier{{"x", NewPrint(nil)}}); !errors.Is(err, context.Canceled) {
		t.Errorf("a search that was stopped: %v", err)
	}
}

func TestPrintsOfLittle(t *testing.T) {
	point := []capture.Point{{Down: true, Start: true}}
	still := []capture.Point{{Down: true, Start: true}, {Time: 5, Down: true}}
	for _, a := range [][]capture.Point{nil, point, still} {
		for _, b := range [][]capture.Point{nil, point, still, hand(1, 1, 100)} {
			if found := search(t, NewPrint(a), Earlier{"b", NewPrint(b)}); len(found) > 0 {
				t.Errorf("%d points repeat %d: %+v", len(a), len(b), found)
			}
		}
	}
}

func BenchmarkCompare(b *testing.B) {
	p, q := NewPrint(hand(1, 1, 200)), NewPrint(hand(1, 2, 200))
	for b.Loop() {
		p.Compare(q)
	}
}
