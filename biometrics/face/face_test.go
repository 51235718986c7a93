package face

import (
	"context"
	"errors"
	"image"
	"image/color"
	"math"
	"slices"
	"testing"

	"inkwitness/biometrics"
)

// drawn is a drawing that has what the detector looks for: a bright oval with
// dark eyes, brows, a nose's shadow and a mouth. It is nobody.
func drawn(w, h int, cx, cy, size, light float64) *image.Gray {
	img := image.NewGray(image.Rect(0, 0, w, h))
	blob := func(x, y, px, py, rx, ry float64) float64 {
		u, v := (x-px)/rx, (y-py)/ry
		return math.Exp(-(u*u + v*v))
	}
	for y := range h {
		for x := range w {
			u, v := (float64(x)-cx)/size, (float64(y)-cy)/size
			l := 0.35
			if face := u*u/0.20 + v*v/0.34; face < 1 {
				l = 0.85 - 0.15*face
				for _, side := range []float64{-1, 1} {
					l -= 0.6 * blob(u, v, side*0.19, -0.12, 0.085, 0.05)
					l -= 0.35 * blob(u, v, side*0.19, -0.24, 0.12, 0.035)
				}
				l -= 0.18 * blob(u, v, 0, 0.10, 0.08, 0.04)
				l -= 0.4 * blob(u, v, 0, 0.29, 0.15, 0.045)
			} else if v < -0.2 && face < 1.5 {
				l = 0.12 // hair
			}
			l += 0.03 * math.Sin(float64(7*x)) * math.Cos(float64(5*y))
			img.SetGray(x, y, color.Gray{uint8(math.Max(0, math.Min(255, 255*l*light)))})
		}
	}
	return img
}

func finder(t *testing.T) *Finder {
	t.Helper()
	f, err := New()
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func TestLook(t *testing.T) {
	f := finder(t)
	got, err := f.Look(drawn(640, 480, 330, 230, 260, 1))
	if err != nil || len(got.Faces) != 1 {
		t.Fatalf("%+v, %v", got, err)
	}
	if c := got.Faces[0]; math.Abs(c.X-330./640) > 0.08 || math.Abs(c.Y-230./480) > 0.1 {
		t.Errorf("face at %+v", c)
	}
	if len(got.Problems) != 0 {
		t.Errorf("%v, %+v", got.Problems, got.Quality)
	}
	dark, err := f.Look(drawn(640, 480, 330, 230, 260, 0.2))
	if err != nil || len(dark.Faces) > 0 && !slices.Contains(dark.Problems, TooDark) {
		t.Errorf("dark: %+v, %v", dark, err)
	}
	none, err := f.Look(image.NewGray(image.Rect(0, 0, 320, 240)))
	if err != nil || !slices.Contains(none.Problems, NoFace) {
		t.Errorf("empty: %+v, %v", none, err)
	}
}

func TestBounds(t *testing.T) {
	f := finder(t)
	for name, img := range map[string]image.Image{
		"none": nil, "tiny": image.NewGray(image.Rect(0, 0, 10, 10)), "huge": image.NewUniform(color.White), "ribbon": image.NewGray(image.Rect(0, 0, 20_000, 50)),
	} {
		if _, err := f.Look(img); !errors.Is(err, biometrics.ErrMalformed) && !errors.Is(err, biometrics.ErrLimit) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestFollow(t *testing.T) {
	at := func(x, y, size float64) Frame { return Frame{Faces: []Face{{X: x, Y: y, Size: size, Score: 20}}} }
	steady := func(n int) (out []Frame) {
		for i := range n {
			out = append(out, at(0.5+0.01*float64(i%4), 0.5, 0.4))
		}
		return out
	}
	tests := []struct {
		name   string
		frames []Frame
		want   []string
	}{
		{"steady", steady(20), nil},
		{"a blink of the detector", append(append(steady(5), Frame{}, Frame{}), steady(5)...), nil},
		{"gone for long", append(append(steady(5), make([]Frame, 6)...), steady(5)...), []string{Interrupted}},
		{"exchanged", append(steady(5), at(0.1, 0.2, 0.2)), []string{Interrupted}},
		{"a second person", append(steady(5), Frame{Faces: []Face{{Size: 0.3}, {X: 0.7, Size: 0.3}}}), []string{ManyFaces}},
		{"nobody", make([]Frame, 3), []string{NoFace}},
	}
	for _, tt := range tests {
		if got := Follow(tt.frames); !slices.Equal(got.Problems, tt.want) {
			t.Errorf("%s: %+v, want %v", tt.name, got, tt.want)
		}
	}
}

func TestMatchIsUnavailable(t *testing.T) {
	if _, err := Match(context.Background(), nil, nil, nil); !errors.Is(err, biometrics.ErrUnavailable) {
		t.Error(err)
	}
}
