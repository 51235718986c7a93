package face

import (
	"context"
	"errors"
	"fmt"
	"image"
	"io"
	"math"
	"os"
	"slices"
	"strconv"

	"inkwitness/biometrics"
	"inkwitness/biometrics/face/network"
)

// Score stands beside the signature's score and is never part of it.
type Score = biometrics.FaceScore

// Matcher compares faces. A nil one is an operator without a model.
type Matcher interface {
	Match(ctx context.Context, still image.Image, frames []image.Image) (Score, error)
}

// Match asks the operator's matcher, and answers ErrUnavailable without one.
func Match(ctx context.Context, m Matcher, still image.Image, frames []image.Image) (Score, error) {
	if m == nil {
		return Score{}, fmt.Errorf("face matching: no model was supplied: %w", biometrics.ErrUnavailable)
	}
	return m.Match(ctx, still, frames)
}

// side is the edge of the picture that face networks take.
const side = 112

// maxFrames is how many frames of a video are compared, evenly over its time.
const maxFrames = 12

// Model is a matcher with the operator's network: ONNX, one input of 1x3x112x112,
// one output, the face's vector, as MobileFaceNet, SFace and ArcFace have it. How
// pixels are turned into its input is in the model's metadata: mean and scale
// ((v - mean) * scale, 127.5 and 1/127.5 where they are missing), channels (RGB
// or BGR), threshold (cosine). It is safe for concurrent use.
type Model struct {
	finder      *Finder
	network     *network.Network
	hash        string
	mean, scale float32
	blueFirst   bool
	threshold   *float64
}

// NewMatcher reads the operator's model file and refuses any that has not the
// given SHA-256 (64 hex digits): who exchanges the file would decide who matches.
// ErrModel names what is wrong.
func NewMatcher(f *Finder, file, sha256 string) (*Model, error) {
	r, err := os.Open(file)
	if err != nil {
		return nil, fmt.Errorf("face model: %w", err)
	}
	defer r.Close()
	data, err := io.ReadAll(io.LimitReader(r, network.MaxBytes+1))
	if err != nil {
		return nil, fmt.Errorf("face model: %w", err)
	}
	if got := hash(data); got != sha256 {
		return nil, fmt.Errorf("face model: the SHA-256 of the file is %s, not %s: %w", got, sha256, biometrics.ErrModel)
	}
	n, err := network.Parse(data)
	if err != nil {
		return nil, fmt.Errorf("face model: %w: %w", biometrics.ErrModel, err)
	}
	m := &Model{finder: f, network: n, hash: sha256}
	if err := m.settings(); err != nil {
		return nil, fmt.Errorf("face model: %w", err)
	}
	if _, err := m.vector(context.Background(), image.NewGray(image.Rect(0, 0, side, side)), alignment{scale: 1}); err != nil && !errors.Is(err, errNoDirection) {
		return nil, fmt.Errorf("face model does not run: %w: %w", biometrics.ErrModel, err)
	}
	return m, nil
}

func (m *Model) settings() error {
	in := m.network.Input
	for i, want := range []int{1, 3, side, side} {
		if len(in) != 4 || in[i] != want && in[i] != 0 {
			return fmt.Errorf("an input of shape %v, want 1x3x%dx%d: %w", in, side, side, biometrics.ErrModel)
		}
	}
	number := func(key string, otherwise float64) (float64, error) {
		text, ok := m.network.Metadata[key]
		if !ok {
			return otherwise, nil
		}
		v, err := strconv.ParseFloat(text, 64)
		if err != nil || math.IsNaN(v) || math.IsInf(v, 0) {
			return 0, fmt.Errorf("metadata %s is %q, no number: %w", key, text, biometrics.ErrModel)
		}
		return v, nil
	}
	mean, err1 := number("mean", 127.5)
	scale, err2 := number("scale", 1/127.5)
	threshold, err3 := number("threshold", math.Inf(1))
	if err := errors.Join(err1, err2, err3); err != nil {
		return err
	}
	switch order := m.network.Metadata["channels"]; order {
	case "", "RGB":
	case "BGR":
		m.blueFirst = true
	default:
		return fmt.Errorf("metadata channels is %q, want RGB or BGR: %w", order, biometrics.ErrModel)
	}
	if m.mean, m.scale = float32(mean), float32(scale); threshold <= 1 {
		m.threshold = &threshold
	}
	return nil
}

// Match compares the clearest face of the still with that of each of up to
// maxFrames frames. Frames without a face do not count; ErrMalformed where there
// is none to compare. Whether there were several faces is for Follow to say.
func (m *Model) Match(ctx context.Context, still image.Image, frames []image.Image) (Score, error) {
	out := Score{Model: m.hash, Threshold: m.threshold, Lowest: 1, Steady: 1}
	enrolled, err := m.face(ctx, still)
	if err != nil {
		return Score{}, fmt.Errorf("the enrolled still: %w", err)
	}
	var first []float32
	var all []float64
	for i := range min(len(frames), maxFrames) {
		v, err := m.face(ctx, frames[i*len(frames)/min(len(frames), maxFrames)])
		if ctx.Err() != nil {
			return Score{}, ctx.Err()
		}
		if err != nil {
			continue
		}
		if first == nil {
			first = v
		}
		like := cosine(enrolled, v)
		all = append(all, like)
		out.Lowest, out.Steady = min(out.Lowest, like), min(out.Steady, cosine(first, v))
	}
	if len(all) == 0 {
		return Score{}, fmt.Errorf("no frame with a face: %w", biometrics.ErrMalformed)
	}
	slices.Sort(all)
	out.Likeness, out.Frames = all[len(all)/2], len(all)
	return out, nil
}

// face is the vector of the clearest face of a picture.
func (m *Model) face(ctx context.Context, img image.Image) ([]float32, error) {
	g, err := thin(img)
	if err != nil {
		return nil, err
	}
	frame := m.finder.look(g)
	if len(frame.Faces) == 0 {
		return nil, fmt.Errorf("no face: %w", biometrics.ErrMalformed)
	}
	return m.vector(ctx, img, m.finder.align(g, frame.Faces[0], img.Bounds()))
}

var errNoDirection = errors.New("a vector of zeros")

// vector runs the network on an aligned face; the result has length 1.
func (m *Model) vector(ctx context.Context, img image.Image, a alignment) ([]float32, error) {
	in := &network.Tensor{Shape: []int{1, 3, side, side}, Data: make([]float32, 3*side*side)}
	for y := range side {
		for x := range side {
			r, g, b := a.pixel(img, x, y)
			if m.blueFirst {
				r, b = b, r
			}
			for c, v := range [3]float32{r, g, b} {
				in.Data[(c*side+y)*side+x] = (v - m.mean) * m.scale
			}
		}
	}
	out, err := m.network.Run(ctx, in)
	if err != nil {
		return nil, err
	}
	length := math.Sqrt(dot(out.Data, out.Data))
	if length == 0 || math.IsNaN(length) || math.IsInf(length, 0) {
		return nil, errNoDirection
	}
	for i := range out.Data {
		out.Data[i] /= float32(length)
	}
	return out.Data, nil
}

func dot(a, b []float32) float64 {
	sum := 0.0
	for i, v := range a {
		sum += float64(v) * float64(b[i])
	}
	return sum
}

func cosine(a, b []float32) float64 {
	if len(a) != len(b) {
		return 0
	}
	return max(-1, min(1, dot(a, b)))
}
