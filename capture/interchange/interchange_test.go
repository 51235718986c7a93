package interchange

import (
	"bytes"
	"errors"
	"io"
	"math"
	"os/exec"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"inkwitness/capture"
)

// anySignature draws what a capture can give: strokes begin with Start, and
// nothing else does.
var anySignature = rapid.Custom(func(t *rapid.T) capture.Signature {
	s := capture.Signature{Device: capture.Device{
		Pointer:        rapid.SampledFrom([]capture.PointerType{capture.Pen, capture.Touch, capture.Mouse, capture.Unknown}).Draw(t, "pointer"),
		UnitsPerMM:     rapid.SampledFrom([]float64{0, 9600 / 25.4, 100, 1000}).Draw(t, "units"),
		SampleRate:     rapid.SampledFrom([]float64{0, 60, 240, 133.3}).Draw(t, "rate"),
		PressureLevels: rapid.IntRange(0, 65536).Draw(t, "levels"),
		NominalScale:   rapid.Bool().Draw(t, "nominal"),
		HasPressure:    rapid.Bool().Draw(t, "pressure"), HasTilt: rapid.Bool().Draw(t, "tilt"),
		HasInAir: rapid.Bool().Draw(t, "air"), HasTime: rapid.Bool().Draw(t, "time"),
	}}
	if rapid.Bool().Draw(t, "dated") {
		s.Epoch = time.UnixMicro(rapid.Int64Range(0, 4e15).Draw(t, "epoch")).UTC()
	}
	before := false
	s.Points = rapid.SliceOfN(rapid.Custom(func(t *rapid.T) capture.Point {
		p := capture.Point{
			Time: rapid.Int64Range(0, 1e14).Draw(t, "t"), X: rapid.Int32().Draw(t, "x"), Y: rapid.Int32().Draw(t, "y"),
			Pressure: rapid.Uint16().Draw(t, "p"), TiltX: rapid.Int16Range(-9000, 9000).Draw(t, "tx"),
			TiltY: rapid.Int16Range(-9000, 9000).Draw(t, "ty"), Twist: rapid.Uint16Range(0, 35999).Draw(t, "tw"),
			Down: rapid.Bool().Draw(t, "down"),
		}
		return p
	}), 1, 30).Draw(t, "points")
	for i := range s.Points {
		p := &s.Points[i]
		p.Start = p.Down && (!before || rapid.Bool().Draw(t, "start"))
		before = p.Down
	}
	return s
})

func TestCSVAndInkMLComeBackExactly(t *testing.T) {
	formats := map[string]struct {
		write func(io.Writer, capture.Signature) error
		read  func(io.Reader) (capture.Signature, error)
	}{
		"CSV":   {WriteCSV, ReadCSV},
		"InkML": {WriteInkML, ReadInkML},
	}
	for name, f := range formats {
		t.Run(name, func(t *testing.T) {
			rapid.Check(t, func(t *rapid.T) {
				want := anySignature.Draw(t, "signature")
				var file bytes.Buffer
				if err := f.write(&file, want); err != nil {
					t.Fatal(err)
				}
				text := file.String()
				got, err := f.read(&file)
				if err != nil {
					t.Fatalf("%v\n%s", err, text)
				}
				if !reflect.DeepEqual(got, want) {
					t.Fatalf("got  %+v\nwant %+v\n%s", got, want, text)
				}
			})
		})
	}
}

func TestISOComesBackAsFarAsItCanHold(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := anySignature.Draw(t, "signature")
		slices.SortFunc(want.Points, func(a, b capture.Point) int { return int(min(1, max(-1, a.Time-b.Time))) })
		start := rapid.Int64Range(0, 1e12).Draw(t, "start")
		for i := range want.Points { // pauses of at most 200 s, positions as a tablet has them
			p := &want.Points[i]
			if i == 0 {
				p.Time = start
			} else {
				p.Time = want.Points[i-1].Time + p.Time%200e6
			}
			p.X, p.Y = p.X/8, p.Y/8
			p.Start = p.Down && (i == 0 || !want.Points[i-1].Down || p.Start)
		}
		var file bytes.Buffer
		if err := WriteISO(&file, want); err != nil {
			t.Fatal(err)
		}
		got, err := ReadISO(&file)
		if err != nil {
			t.Fatal(err)
		}
		comparePoints(t, got, want)
		d := got.Device
		if !d.HasTime || !d.HasPressure || !d.HasInAir {
			t.Errorf("device %+v", d)
		}
	})
}

// comparePoints states what WriteISO promises.
func comparePoints(t *rapid.T, got, want capture.Signature) {
	f := isoFrame(want.Points)
	_, rate, err := isoTimes(want.Points)
	if err != nil || len(got.Points) != len(want.Points) {
		t.Fatalf("%d points of %d, %v", len(got.Points), len(want.Points), err)
	}
	if w := want.Device.UnitsPerMM / float64(f.divisor); w > 1.0/65536 && math.Abs(got.Device.UnitsPerMM/w-1) > 1.0/4096 {
		t.Errorf("%v units to a millimetre, want %v", got.Device.UnitsPerMM, w)
	}
	for i, w := range want.Points {
		g := got.Points[i]
		offX := int64(g.X)*f.divisor + f.midX - int64(w.X)
		offY := int64(g.Y)*f.divisor + f.midY - int64(w.Y)
		if 2*max(offX, -offX) > f.divisor || 2*max(offY, -offY) > f.divisor {
			t.Errorf("point %d is off by %d, %d units, with a divisor of %d", i, offX, offY, f.divisor)
		}
		offT := g.Time - (w.Time - want.Points[0].Time)
		if max(offT, -offT) > 500_000/rate+1 {
			t.Errorf("point %d is off by %d µs at %d steps a second", i, offT, rate)
		}
		if g.Pressure != w.Pressure || g.TiltX != w.TiltX || g.TiltY != w.TiltY || g.Twist != w.Twist || g.Down != w.Down || g.Start != w.Start {
			t.Errorf("point %d: got %+v, want %+v", i, g, w)
		}
	}
}

// TestISOByHand reads a record that was put together by hand after clause 7:
// X and Y at 10 steps a millimetre, DT constant at 1/100 s, F with its range.
func TestISOByHand(t *testing.T) {
	record := []byte("SDI\x00 10\x00" +
		"\xc0\xc0" + // X Y DT F
		"\x80\x9a\x00" + "\x80\x9a\x00" + // scaling value: exponent 19, fraction 512: 1.25 * 2^3 = 10
		"\x84\xb4\x80" + // constant, scaling value: exponent 22, fraction 1152: 1.5625 * 2^6 = 100
		"\x60\x00\x00\x04\x00" + // 0 to 1024
		"\x00" + "\x00" + "\x00\x00\x02" +
		"\x80\x64\x7f\x9c\x02\x00" + // 100, -100, 512
		"\x80\x65\x80\x05\x04\x00")
	got, err := ReadISO(bytes.NewReader(record))
	if err != nil {
		t.Fatal(err)
	}
	want := capture.Signature{
		Device: capture.Device{UnitsPerMM: 10, SampleRate: 100, HasPressure: true, HasTime: true},
		Points: []capture.Point{
			{Time: 0, X: 100, Y: 100, Pressure: 32768, Down: true, Start: true},
			{Time: 10000, X: 101, Y: -5, Pressure: 65535, Down: true},
		},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v\nwant %+v", got, want)
	}
}

// TestInkMLByHand reads what other programs write, after section 3.3 of the
// recommendation and its examples of differences.
func TestInkMLByHand(t *testing.T) {
	tests := []struct {
		name, file string
		want       []capture.Point
		perMM      float64
	}{
		{
			"no trace format",
			`<ink xmlns="http://www.w3.org/2003/InkML"><trace>10 0, 9 14, 8 -28</trace><trace>1 2</trace></ink>`,
			[]capture.Point{{X: 10, Down: true, Start: true}, {X: 9, Y: 14, Time: 1, Down: true}, {X: 8, Y: -28, Time: 2, Down: true}, {X: 1, Y: 2, Time: 3, Down: true, Start: true}}, 0,
		},
		{
			"differences", // 1125 18432 | 23 43 | 3 -5 | 7 -3 of the recommendation: second differences from the third point on
			`<ink xmlns="http://www.w3.org/2003/InkML"><trace>1125 18432,'23'43,"7"-8,3-5,7 -3</trace></ink>`,
			[]capture.Point{
				{X: 1125, Y: 18432, Down: true, Start: true}, {X: 1148, Y: 18475, Time: 1, Down: true},
				{X: 1178, Y: 18510, Time: 2, Down: true}, {X: 1211, Y: 18540, Time: 3, Down: true}, {X: 1251, Y: 18567, Time: 4, Down: true},
			}, 0,
		},
		{
			"millimetres, upwards, force in percent, seconds, an unknown channel",
			`<ink xmlns="http://www.w3.org/2003/InkML"><traceFormat><channel name="X" units="mm"/><channel name="Y" units="mm" orientation="-ve"/><channel name="F" units="%"/><channel name="Q"/><channel name="T" units="s"/></traceFormat>` +
				`<trace>1.5 2 50 #ff .25</trace><trace type="penUp">* 3 0 T 0.5</trace></ink>`,
			nil, 1000,
		},
	}
	for _, test := range tests[:2] {
		t.Run(test.name, func(t *testing.T) {
			got, err := ReadInkML(strings.NewReader(test.file))
			if err != nil || !slices.Equal(got.Points, test.want) {
				t.Errorf("got %+v, %v\nwant %+v", got.Points, err, test.want)
			}
		})
	}
	t.Run("a * with nothing before it", func(t *testing.T) {
		if _, err := ReadInkML(strings.NewReader(tests[2].file)); !errors.Is(err, capture.ErrMalformed) {
			t.Errorf("ReadInkML: %v", err)
		}
	})
	t.Run(tests[2].name, func(t *testing.T) {
		got, err := ReadInkML(strings.NewReader(strings.Replace(tests[2].file, "* 3", "1.5 3", 1)))
		want := []capture.Point{
			{X: 1500, Y: -2000, Pressure: 32768, Time: 250000, Down: true, Start: true}, {X: 1500, Y: -3000, Time: 500000},
		}
		if err != nil || !slices.Equal(got.Points, want) || got.Device.UnitsPerMM != 1000 || !got.Device.HasPressure || !got.Device.HasTime {
			t.Errorf("got %+v, %v\nwant %+v", got, err, want)
		}
	})
}

func TestInkMLIsWellFormed(t *testing.T) {
	var file bytes.Buffer
	s := capture.Signature{Points: []capture.Point{{Time: 1, Down: true, Start: true}, {Time: 2}}, Epoch: time.UnixMicro(1700000000123456)}
	if err := WriteInkML(&file, s); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("xmllint", "--noout", "-")
	cmd.Stdin = &file
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("xmllint: %v\n%s", err, out)
	}
}

func TestBadFilesAreRefused(t *testing.T) {
	head := strings.Join(csvColumns, ",") + "\n"
	ink := func(body string) string { return `<ink xmlns="http://www.w3.org/2003/InkML">` + body + `</ink>` }
	tests := []struct {
		name string
		read func(io.Reader) (capture.Signature, error)
		file string
	}{
		{"CSV: nothing", ReadCSV, ""},
		{"CSV: other columns", ReadCSV, "x,y\n1,2\n"},
		{"CSV: a bad comment", ReadCSV, "# {\n" + head},
		{"CSV: a column too few", ReadCSV, head + "1,2,3\n"},
		{"CSV: words", ReadCSV, head + "a,0,0,0,0,0,0,0,0\n"},
		{"CSV: a pressure over full scale", ReadCSV, head + "0,0,0,65536,0,0,0,0,0\n"},
		{"CSV: a pressure below 0", ReadCSV, head + "0,0,0,-1,0,0,0,0,0\n"},
		{"CSV: a tilt of 91 degrees", ReadCSV, head + "0,0,0,0,9100,0,0,0,0\n"},
		{"CSV: a twist of 360 degrees", ReadCSV, head + "0,0,0,0,0,0,36000,0,0\n"},
		{"InkML: nothing", ReadInkML, ""},
		{"InkML: another root", ReadInkML, "<html/>"},
		{"InkML: another namespace", ReadInkML, "<ink/>"},
		{"InkML: a value too few", ReadInkML, ink("<trace>1 2, 3</trace>")},
		{"InkML: words", ReadInkML, ink("<trace>one two</trace>")},
		{"InkML: infinity", ReadInkML, ink("<trace>1e999 2</trace>")},
		{"InkML: beyond 32 bits", ReadInkML, ink("<trace>3000000000 2</trace>")},
		{"InkML: an unknown value", ReadInkML, ink("<trace>? 2</trace>")},
		{"ISO: nothing", ReadISO, ""},
		{"ISO: the compact format", ReadISO, "\x01\x02\x03"},
		{"ISO: no positions", ReadISO, "SDI\x00 10\x00\x00\x40\x00\x00\x00\x00\x00\x00"},
		{"ISO: cut in the descriptions", ReadISO, "SDI\x00 10\x00\xc0\x00\x80"},
		{"ISO: cut in the points", ReadISO, "SDI\x00 10\x00\xc0\x00\x00\x00\x00\x00\x00\x00\x02\x80\x00\x80\x00"},
	}
	for _, test := range tests {
		if s, err := test.read(strings.NewReader(test.file)); !errors.Is(err, capture.ErrMalformed) {
			t.Errorf("%s: %d points, %v, want ErrMalformed", test.name, len(s.Points), err)
		}
	}
	many := "SDI\x00 10\x00\xc0\x00\x00\x00\x00\x00\xff\xff\xff"
	if _, err := ReadISO(strings.NewReader(many)); !errors.Is(err, capture.ErrLimit) {
		t.Errorf("16 million points: %v, want ErrLimit", err)
	}
	back := capture.Signature{Points: []capture.Point{{Time: 2}, {Time: 1}}}
	if err := WriteISO(io.Discard, back); !errors.Is(err, capture.ErrMalformed) {
		t.Errorf("a clock that steps back: %v, want ErrMalformed", err)
	}
	long := capture.Signature{Points: []capture.Point{{Time: 0}, {Time: 600e6}}}
	if err := WriteISO(io.Discard, long); !errors.Is(err, capture.ErrMalformed) {
		t.Errorf("a pause of ten minutes: %v, want ErrMalformed", err)
	}
}

// fuzz gives bytes to a reader; what it takes must be writable and come back.
func fuzz(f *testing.F, read func(io.Reader) (capture.Signature, error), write func(io.Writer, capture.Signature) error) {
	f.Fuzz(func(t *testing.T, file []byte) {
		s, err := read(bytes.NewReader(file))
		if err != nil {
			return
		}
		var again bytes.Buffer
		if err := write(&again, s); err != nil {
			t.Fatalf("what was read cannot be written: %v", err)
		}
		text := again.String()
		back, err := read(&again)
		if err != nil || !slices.Equal(back.Points, s.Points) {
			t.Errorf("%v\n%+v\nbecame\n%+v\n%q", err, s.Points, back.Points, text)
		}
	})
}

func FuzzCSV(f *testing.F) {
	f.Add([]byte(strings.Join(csvColumns, ",") + "\n1,2,3,4,5,6,7,1,1\n"))
	f.Add([]byte("# {\"device\":{\"pointer\":\"pen\"}}\n" + strings.Join(csvColumns, ",") + "\n"))
	fuzz(f, ReadCSV, WriteCSV)
}

func FuzzInkML(f *testing.F) {
	f.Add([]byte(`<ink xmlns="http://www.w3.org/2003/InkML"><trace>1125 18432,'23'43,"7"-8,3-5,7 -3</trace></ink>`))
	f.Add([]byte(`<ink xmlns="http://www.w3.org/2003/InkML"><traceFormat><channel name="X" units="mm"/><channel name="T" units="s"/></traceFormat><trace type="penUp">1 2</trace></ink>`))
	f.Fuzz(func(t *testing.T, file []byte) {
		s, err := ReadInkML(bytes.NewReader(file))
		if err != nil {
			return
		}
		if err := WriteInkML(io.Discard, s); err != nil {
			t.Error(err)
		}
	})
}

func FuzzISO(f *testing.F) {
	var file bytes.Buffer
	s := capture.Signature{Points: []capture.Point{{Time: 1, X: 5, Down: true, Start: true}, {Time: 9000, X: 9, Down: true, Start: true}, {Time: 10000}}}
	if err := WriteISO(&file, s); err != nil {
		f.Fatal(err)
	}
	f.Add(file.Bytes())
	f.Add([]byte("SDI\x00 10\x00\xff\xff"))
	f.Fuzz(func(t *testing.T, file []byte) {
		s, err := ReadISO(bytes.NewReader(file))
		if err != nil || len(s.Points) == 0 {
			return
		}
		var again bytes.Buffer
		if err := WriteISO(&again, s); err != nil {
			return // times may step back, pauses may be long
		}
		back, err := ReadISO(&again)
		if err != nil || len(back.Points) != len(s.Points) {
			t.Errorf("%d points became %d, %v", len(s.Points), len(back.Points), err)
		}
	})
}
