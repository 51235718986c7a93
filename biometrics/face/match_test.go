package face

import (
	"context"
	"errors"
	"image"
	"image/color"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"google.golang.org/protobuf/encoding/protowire"

	"inkwitness/biometrics"
)

// A model of the test's own, in the few messages of ONNX that it takes.

func message(number protowire.Number, parts ...[]byte) []byte {
	var b []byte
	for _, p := range parts {
		b = append(b, p...)
	}
	return protowire.AppendBytes(protowire.AppendTag(nil, number, protowire.BytesType), b)
}

func varint(number protowire.Number, v uint64) []byte {
	return protowire.AppendVarint(protowire.AppendTag(nil, number, protowire.VarintType), v)
}

func text(number protowire.Number, s string) []byte { return message(number, []byte(s)) }

func weights(name string, r *rand.Rand, shape ...int) []byte {
	n, dims := 1, []byte{}
	for _, d := range shape {
		n, dims = n*d, append(dims, varint(1, uint64(d))...)
	}
	var raw []byte
	for range n {
		raw = protowire.AppendFixed32(raw, math.Float32bits(float32(r.NormFloat64())))
	}
	return message(5, dims, varint(2, 1), text(8, name), message(9, raw))
}

func operation(op, in, w, out string, attributes ...[]byte) []byte {
	parts := [][]byte{text(1, in), text(2, out), text(4, op)}
	if w != "" {
		parts = append(parts, text(1, w))
	}
	return message(1, append(parts, attributes...)...)
}

func input(shape ...int) []byte {
	var dims [][]byte
	for _, d := range shape {
		dims = append(dims, message(1, varint(1, uint64(d))))
	}
	return message(11, text(1, "in"), message(2, message(1, varint(1, 1), message(2, dims...))))
}

func write(t *testing.T, metadata map[string]string, graph ...[]byte) (file, sum string) {
	t.Helper()
	b := message(7, append(graph, message(12, text(1, "out")))...)
	for key, value := range metadata {
		b = append(b, message(14, text(1, key), text(2, value))...)
	}
	file = filepath.Join(t.TempDir(), "model.onnx")
	if err := os.WriteFile(file, b, 0o600); err != nil {
		t.Fatal(err)
	}
	return file, hash(b)
}

// projection sees 8x8 squares through random filters: alike pictures, alike
// vectors. It has learned nothing.
func projection(t *testing.T) (string, string) {
	r := rand.New(rand.NewPCG(6, 6))
	strides := message(5, text(1, "strides"), varint(8, 8), varint(8, 8))
	return write(t, map[string]string{"threshold": "0.5"}, input(1, 3, side, side), weights("w", r, 6, 3, 8, 8), weights("fc", r, 6*14*14, 64),
		operation("Conv", "in", "w", "a", strides), operation("Relu", "a", "", "b"), operation("Flatten", "b", "", "c"), operation("MatMul", "c", "fc", "out"))
}

// person is a drawing of a face whose parts stand elsewhere in everybody, turned
// by an angle; see drawn.
func person(seed uint64, w, h int, cx, cy, size, turn float64) *image.RGBA {
	r := rand.New(rand.NewPCG(seed, 9))
	mouth, brow, tone := 0.24+0.12*r.Float64(), 0.20+0.08*r.Float64(), 0.6+0.3*r.Float64()
	cheek, chin := r.Float64(), 0.5*r.Float64()
	img := image.NewRGBA(image.Rect(0, 0, w, h))
	blob := func(x, y, px, py, rx, ry float64) float64 {
		u, v := (x-px)/rx, (y-py)/ry
		return math.Exp(-(u*u + v*v))
	}
	sin, cos := math.Sincos(turn)
	for y := range h {
		for x := range w {
			dx, dy := (float64(x)-cx)/size, (float64(y)-cy)/size
			u, v := cos*dx+sin*dy, cos*dy-sin*dx
			l := 0.35
			if face := u*u/0.20 + v*v/0.34; face < 1 {
				l = tone + 0.1 - 0.15*face
				for _, s := range []float64{-1, 1} {
					l -= 0.6 * blob(u, v, s*0.19, -0.12, 0.085, 0.05)
					l -= 0.35 * blob(u, v, s*0.19, -brow-0.02, 0.12, 0.035)
					l += 0.2 * (cheek - 0.5) * blob(u, v, s*0.25, 0.1, 0.1, 0.1)
				}
				l -= 0.18 * blob(u, v, 0, 0.10, 0.08, 0.04)
				l -= 0.4 * blob(u, v, 0, mouth, 0.15, 0.045)
				l -= chin * blob(u, v, 0, 0.48, 0.2, 0.08)
			} else if v < -0.2 && face < 1.5 {
				l = 0.12
			}
			l += 0.02 * math.Sin(float64(7*x)) * math.Cos(float64(5*y))
			c := uint8(255 * math.Max(0, math.Min(1, l)))
			img.Set(x, y, color.RGBA{c, uint8(float64(c) * 0.8), uint8(float64(c) * 0.7), 255})
		}
	}
	return img
}

func TestEyes(t *testing.T) {
	f := finder(t)
	for _, turn := range []float64{0, 0.12, -0.12} {
		img := person(1, 320, 240, 165, 115, 130, turn)
		g, err := thin(img)
		if err != nil {
			t.Fatal(err)
		}
		frame := f.look(g)
		if len(frame.Faces) == 0 {
			t.Fatalf("turn %v: no face", turn)
		}
		left, right, ok := f.pair(g, frame.Faces[0])
		if !ok {
			t.Errorf("turn %v: no pair of eyes", turn)
			continue
		}
		sin, cos := math.Sincos(turn)
		for _, e := range []struct {
			got  point
			side float64
		}{{left, -1}, {right, 1}} {
			u, v := e.side*0.19*130, -0.12*130.0
			want := point{165 + cos*u - sin*v, 115 + sin*u + cos*v}
			if d := math.Hypot(e.got.x-want.x, e.got.y-want.y); d > 10 {
				t.Errorf("turn %v: eye at %+v, drawn at %+v", turn, e.got, want)
			}
		}
		if l2, r2, _ := f.pair(g, frame.Faces[0]); l2 != left || r2 != right {
			t.Error("the same picture gives other eyes")
		}
	}
}

// The eyes come to stand where the network expects them, whatever the size and
// the turn of the face.
func TestAlign(t *testing.T) {
	g := grey{w: 320, h: 240, pix: make([]uint8, 320*240)}
	f := finder(t)
	face := Face{X: 0.5, Y: 0.5, Size: 0.6}
	a := f.align(g, face, image.Rect(0, 0, 640, 480)) // no eyes in black: the square decides
	size := 0.6 * 240 * 2
	for _, e := range []struct{ from, want point }{{templateLeft, point{320 - 0.18*size, 240 - 0.08*size}}, {templateRight, point{320 + 0.18*size, 240 - 0.08*size}}} {
		x, y := a.x+a.scale*(a.cos*e.from.x-a.sin*e.from.y), a.y+a.scale*(a.sin*e.from.x+a.cos*e.from.y)
		if math.Hypot(x-e.want.x, y-e.want.y) > 1e-6 {
			t.Errorf("%+v comes from %v, %v, want %+v", e.from, x, y, e.want)
		}
	}
}

func TestMatch(t *testing.T) {
	file, sum := projection(t)
	m, err := NewMatcher(finder(t), file, sum)
	if err != nil {
		t.Fatal(err)
	}
	still := person(1, 240, 320, 120, 150, 150, 0)
	video := func(seed uint64) (out []image.Image) {
		for i := range 3 {
			out = append(out, person(seed, 320, 240, 150+5*float64(i), 120, 120+3*float64(i), 0.05*float64(i-1)))
		}
		return append(out, image.NewGray(image.Rect(0, 0, 320, 240))) // nobody
	}
	same, err := Match(context.Background(), m, still, video(1))
	if err != nil {
		t.Fatal(err)
	}
	other, err := Match(context.Background(), m, still, video(7))
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("same %+v, other %+v", same, other)
	if same.Frames != 3 || same.Model != sum || same.Threshold == nil || *same.Threshold != 0.5 {
		t.Errorf("%+v", same)
	}
	if same.Likeness <= other.Likeness || same.Lowest > same.Likeness || same.Steady < same.Lowest-0.2 {
		t.Errorf("same %+v, other %+v", same, other)
	}
	swapped, err := Match(context.Background(), m, still, append(video(1)[:2], video(7)[:1]...))
	if err != nil || swapped.Steady >= same.Steady {
		t.Errorf("exchanged in the middle: %+v, steady %+v, %v", swapped, same, err)
	}
	if self, err := m.Match(context.Background(), still, []image.Image{still}); err != nil || math.Abs(self.Likeness-1) > 1e-6 {
		t.Errorf("the same picture: %+v, %v", self, err)
	}
	if _, err := m.Match(context.Background(), still, []image.Image{image.NewGray(image.Rect(0, 0, 64, 64))}); !errors.Is(err, biometrics.ErrMalformed) {
		t.Errorf("nobody in the video: %v", err)
	}
	if _, err := m.Match(context.Background(), image.NewGray(image.Rect(0, 0, 64, 64)), video(1)); !errors.Is(err, biometrics.ErrMalformed) || !strings.Contains(err.Error(), "the enrolled still") {
		t.Errorf("nobody in the still: %v", err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := m.Match(ctx, still, video(1)); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
}

// What reaches the network: a picture of one colour through an average, computed
// by hand for each setting of the metadata.
func TestPixelsAsTheModelSays(t *testing.T) {
	img := image.NewUniform(color.RGBA{200, 100, 50, 255})
	picture := image.NewRGBA(image.Rect(0, 0, 2*side, 2*side))
	for y := range 2 * side {
		for x := range 2 * side {
			picture.Set(x, y, img.C)
		}
	}
	for name, tt := range map[string]struct {
		metadata map[string]string
		want     [3]float64
	}{
		"as most":       {nil, [3]float64{72.5 / 127.5, -27.5 / 127.5, -77.5 / 127.5}},
		"raw, BGR":      {map[string]string{"mean": "0", "scale": "1", "channels": "BGR"}, [3]float64{50, 100, 200}},
		"other numbers": {map[string]string{"mean": "100", "scale": "0.01"}, [3]float64{1, 0, -0.5}},
	} {
		file, sum := write(t, tt.metadata, input(1, 3, side, side), operation("GlobalAveragePool", "in", "", "out"))
		m, err := NewMatcher(finder(t), file, sum)
		if err != nil {
			t.Fatal(name, err)
		}
		got, err := m.vector(context.Background(), picture, alignment{scale: 1.5, x: 10, y: 10})
		if err != nil {
			t.Fatal(name, err)
		}
		length := math.Sqrt(tt.want[0]*tt.want[0] + tt.want[1]*tt.want[1] + tt.want[2]*tt.want[2])
		for c, want := range tt.want {
			if math.Abs(float64(got[c])-want/length) > 1e-4 {
				t.Errorf("%s: %v, want %v over %v", name, got, tt.want, length)
			}
		}
	}
}

func TestModelRefusals(t *testing.T) {
	good, sum := projection(t)
	average := operation("GlobalAveragePool", "in", "", "out")
	small, smallSum := write(t, nil, input(1, 3, 64, 64), average)
	words, wordsSum := write(t, map[string]string{"mean": "grey"}, input(1, 3, side, side), average)
	order, orderSum := write(t, map[string]string{"channels": "GBR"}, input(1, 3, side, side), average)
	strange, strangeSum := write(t, nil, input(1, 3, side, side), operation("Loop", "in", "", "out"))
	broken, brokenSum := write(t, nil, input(1, 3, side, side), weights("w", rand.New(rand.NewPCG(1, 1)), 5, 2), operation("MatMul", "in", "w", "out"))
	for name, tt := range map[string]struct{ file, sum, want string }{
		"another hash":     {good, strings.Repeat("0", 64), "the SHA-256 of the file is " + sum},
		"no hash":          {good, "", "not :"},
		"another input":    {small, smallSum, "1x3x112x112"},
		"mean":             {words, wordsSum, `metadata mean is "grey"`},
		"channels":         {order, orderSum, "want RGB or BGR"},
		"unknown operator": {strange, strangeSum, "operator Loop"},
		"does not run":     {broken, brokenSum, "does not run"},
	} {
		if _, err := NewMatcher(finder(t), tt.file, tt.sum); !errors.Is(err, biometrics.ErrModel) || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v, want %q", name, err, tt.want)
		}
	}
	if _, err := NewMatcher(finder(t), filepath.Join(t.TempDir(), "none"), sum); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("no file: %v", err)
	}
	if _, err := newRegressor(pupils[:5000]); !errors.Is(err, biometrics.ErrModel) {
		t.Errorf("half an eye detector: %v", err)
	}
}
