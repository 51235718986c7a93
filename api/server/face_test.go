package server

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"image"
	"image/color"
	"io/fs"
	"iter"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"inkwitness/biometrics"
	"inkwitness/capture/footage"
)

// drawnFace is a bright oval with dark eyes, brows and a mouth: what the
// detector looks for, and nobody.
func drawnFace(seen bool) *image.YCbCr {
	img := image.NewYCbCr(image.Rect(0, 0, 320, 240), image.YCbCrSubsampleRatio420)
	for i := range img.Cb {
		img.Cb[i], img.Cr[i] = 128, 128
	}
	blob := func(x, y, px, py, rx, ry float64) float64 {
		return math.Exp(-((x-px)*(x-px)/rx/rx + (y-py)*(y-py)/ry/ry))
	}
	for y := range 240 {
		for x := range 320 {
			u, v, l := (float64(x)-160)/130, (float64(y)-115)/130, 0.35
			if face := u*u/0.20 + v*v/0.34; seen && face < 1 {
				l = 0.85 - 0.15*face - 0.18*blob(u, v, 0, 0.10, 0.08, 0.04) - 0.4*blob(u, v, 0, 0.29, 0.15, 0.045)
				for _, side := range []float64{-1, 1} {
					l -= 0.6*blob(u, v, side*0.19, -0.12, 0.085, 0.05) + 0.35*blob(u, v, side*0.19, -0.24, 0.12, 0.035)
				}
			} else if seen && v < -0.2 && face < 1.5 {
				l = 0.12
			}
			img.Y[img.YOffset(x, y)] = color.Gray{uint8(255 * math.Max(0, math.Min(1, l+0.03*math.Sin(float64(7*x))*math.Cos(float64(5*y)))))}.Y
		}
	}
	return img
}

// film yields pictures a second apart, and then an error if there is one.
func film(fails error, pictures ...*image.YCbCr) func() iter.Seq2[footage.Still, error] {
	return func() iter.Seq2[footage.Still, error] {
		return func(yield func(footage.Still, error) bool) {
			for i, p := range pictures {
				if !yield(footage.Still{Time: int64(i) * 1e6, Picture: p}, nil) {
					return
				}
			}
			if fails != nil {
				yield(footage.Still{}, fails)
			}
		}
	}
}

// matching is face.Matcher with an answer prepared.
type matching struct {
	score biometrics.FaceScore
	err   error
}

func (m matching) Match(context.Context, image.Image, []image.Image) (biometrics.FaceScore, error) {
	return m.score, m.err
}

func TestFindingOnAFace(t *testing.T) {
	w, err := openFaces(FaceConfig{})
	if err != nil {
		t.Fatal(err)
	}
	somebody, nobody := drawnFace(true), drawnFace(false)
	without, still, err := w.look(film(nil, somebody))(t.Context(), nil)
	if err != nil || without.Code != biometrics.FaceNoModel || still != nil {
		t.Errorf("without a model: %+v, a still of %d bytes, %v", without, len(still), err)
	}
	w.matcher = matching{score: biometrics.FaceScore{Likeness: 0.8, Frames: 1}}
	first, still, err := w.look(film(nil, nobody, somebody))(t.Context(), nil)
	if err != nil || first.Outcome != biometrics.FaceEnrolled || len(still) == 0 || first.Score != nil {
		t.Fatalf("the first video: %+v, a still of %d bytes, %v", first, len(still), err)
	}
	second, again, err := w.look(film(nil, somebody))(t.Context(), still)
	if err != nil || second.Outcome != biometrics.FaceCompared || second.Score == nil || second.Score.Likeness != 0.8 || again != nil {
		t.Errorf("a later video: %+v, %v", second, err)
	}
	for _, c := range []struct {
		name     string
		film     func() iter.Seq2[footage.Still, error]
		enrolled []byte
		err      error
		code     string
	}{
		{"no picture", film(nil), still, nil, biometrics.FaceNoPicture},
		{"nobody to enrol", film(nil, nobody), nil, nil, biometrics.FaceNotClear},
		{"a damaged still", film(nil, somebody), still[:40], nil, biometrics.FaceBadStill},
		{"no face to compare", film(nil, nobody), still, biometrics.ErrMalformed, biometrics.FaceNoFace},
		{"a model that fails", film(nil, somebody), still, errors.New("too many multiplications"), biometrics.FaceFailed},
	} {
		w.matcher = matching{err: c.err}
		got, kept, err := w.look(c.film)(t.Context(), c.enrolled)
		if err != nil || got.Outcome != biometrics.FaceUnavailable || got.Code != c.code || got.Reason == "" || got.Score != nil || kept != nil {
			t.Errorf("%s: %+v, %v, want %s", c.name, got, err, c.code)
		}
	}
	if _, _, err := w.look(film(fs.ErrPermission, somebody))(t.Context(), still); !errors.Is(err, fs.ErrPermission) {
		t.Errorf("a video that cannot be read: %v", err)
	}
	stopped, stop := context.WithCancel(t.Context())
	stop()
	w.matcher = matching{err: context.Canceled}
	if _, _, err := w.look(film(nil, somebody))(stopped, still); !errors.Is(err, context.Canceled) {
		t.Errorf("stopped: %v", err)
	}
}

// A real network, read from its file, runs on the way that the service goes: it
// is pinned by its hash, the first video enrols a still, and later ones are
// compared with it, the same face nearer than another and than an exchanged one.
func TestNetworkThroughTheService(t *testing.T) {
	data := drawnNetwork()
	file := filepath.Join(t.TempDir(), "face.onnx")
	if err := os.WriteFile(file, data, 0o600); err != nil {
		t.Fatal(err)
	}
	sum := fmt.Sprintf("%x", sha256.Sum256(data))
	w, err := openFaces(FaceConfig{Model: file, SHA256: sum})
	if err != nil {
		t.Fatal(err)
	}
	somebody, nobody, other := drawnFace(true), drawnFace(false), drawnFace(true)
	for y := 125; y < 160; y++ { // a beard
		for x := 110; x < 210; x++ {
			other.Y[other.YOffset(x, y)] /= 2
		}
	}
	first, still, err := w.look(film(nil, nobody, somebody))(t.Context(), nil)
	if err != nil || first.Outcome != biometrics.FaceEnrolled || len(still) == 0 {
		t.Fatalf("the first video: %+v, %v", first, err)
	}
	compared := func(pictures ...*image.YCbCr) biometrics.FaceScore {
		t.Helper()
		f, _, err := w.look(film(nil, pictures...))(t.Context(), still)
		if err != nil || f.Outcome != biometrics.FaceCompared || f.Score == nil || f.Score.Model != sum || f.Score.Threshold == nil || *f.Score.Threshold != 0.5 {
			t.Fatalf("%+v, %v", f, err)
		}
		return *f.Score
	}
	same, unlike, swapped := compared(somebody, nobody, somebody), compared(other, other), compared(somebody, other)
	t.Logf("same %+v, another %+v, exchanged %+v", same, unlike, swapped)
	if same.Frames != 2 || same.Likeness < 0.9 || unlike.Likeness >= same.Likeness-0.05 || swapped.Steady >= same.Steady-0.05 {
		t.Errorf("same %+v, another %+v, exchanged %+v", same, unlike, swapped)
	}
	if f, _, err := w.look(film(nil, nobody))(t.Context(), still); err != nil || f.Code != biometrics.FaceNoFace {
		t.Errorf("nobody: %+v, %v", f, err)
	}
	data[len(data)-1]++
	if err := os.WriteFile(file, data, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := openFaces(FaceConfig{Model: file, SHA256: sum}); err == nil || !strings.Contains(err.Error(), "SHA-256") {
		t.Errorf("a changed file: %v", err)
	}
}

// A long video is looked at from its beginning to its end, never held whole.
func TestSpread(t *testing.T) {
	for _, n := range []int{0, 1, 23, 24, 25, 600} {
		pictures := make([]*image.YCbCr, n)
		at := map[image.Image]int{}
		for i := range pictures {
			pictures[i] = image.NewYCbCr(image.Rect(0, 0, 2, 2), image.YCbCrSubsampleRatio420)
			at[pictures[i]] = i
		}
		got, err := spread(film(nil, pictures...)())
		if err != nil || len(got) > mostFrames || n > 0 && (len(got) == 0 || at[got[0]] != 0 || at[got[len(got)-1]] < n*2/3) {
			t.Errorf("of %d pictures %d, %v", n, len(got), err)
		}
	}
}

// What the operator supplies is refused with a sentence that says why.
func TestFaceModelIsRefused(t *testing.T) {
	file := filepath.Join(t.TempDir(), "m.onnx")
	if err := os.WriteFile(file, []byte("no network"), 0o600); err != nil {
		t.Fatal(err)
	}
	const sum = "7fb9b5b1be0bb4c4cf0b7b23d2dd0f9e0b2f0f6a4e2f4e8d7a8e4f5a6b7c8d9e" // of something else
	if _, err := openFaces(FaceConfig{Model: file, SHA256: sum}); err == nil || !strings.Contains(err.Error(), "SHA-256 of the file is") {
		t.Errorf("another file than the pinned one: %v", err)
	}
	if _, err := openFaces(FaceConfig{Model: file + "x", SHA256: sum}); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a file that is not there: %v", err)
	}
	for _, c := range []FaceConfig{{Model: file}, {SHA256: sum}} {
		if _, err := (Config{Data: t.TempDir(), Face: c}).fill(); err == nil || !strings.Contains(err.Error(), "--face-model-sha256") {
			t.Errorf("%+v: %v", c, err)
		}
	}
	filled, err := Config{Data: t.TempDir(), Face: FaceConfig{file, strings.ToUpper(sum)}}.fill()
	if err != nil || filled.Face.SHA256 != sum {
		t.Errorf("upper case: %v, %s", err, fmt.Sprint(filled.Face))
	}
}
