// Package face looks at the frames of the selfie video: is there one face, is it
// sharp, bright and large enough, and does it stay there from the first frame to
// the last. It is a second, separate finding and never part of the signature's
// score.
//
// It does not say whose face it is by itself. Matching against an enrolled still
// needs a model file that the operator supplies (NewMatcher); without one Match
// answers ErrUnavailable. Decoding video is for the caller, who hands in still
// frames.
package face

import (
	"crypto/sha256"
	_ "embed"
	"encoding/hex"
	"fmt"
	"image"
	"math"

	pigo "github.com/esimov/pigo/core"

	"inkwitness/biometrics"
)

// cascade is the detector of Markuš et al. (2013), "Object detection with pixel
// intensity comparisons organized in decision trees", arXiv:1305.4537, as
// trained by its author and shipped by pigo (MIT licence beside it).
//
//go:embed cascade/facefinder
var cascade []byte

// pupils is the regressor of Markuš et al. (2014), "Eye pupil localization with
// an ensemble of randomized trees", from the same source; see eyes.go.
//
//go:embed cascade/puploc
var pupils []byte

// The files are pinned: a detector that was exchanged is refused.
const (
	cascadeSHA256 = "d8014993e7298c7b1865d1f8b855d6dbf4ec5c808bf879e2091ab6837abf90cd"
	pupilsSHA256  = "aa01adf34e5af6ed333be75e934275fc39fba2b63790cb340353b2d459c96ccc"
)

// Limits of a frame. Larger ones are thinned before they are looked at.
const (
	maxPixels = 32 << 20
	workSide  = 480 // longer side of the thinned frame
	minSide   = 48
)

// Quality limits, on the thinned frame; see Quality.
const (
	minFace   = 0.15 // of the shorter side
	minBright = 50.0
	maxBright = 215.0
	minSharp  = 20.0
	found     = 5.0 // detection score above which a face is taken for one
)

// Face is one detected face, in shares of the frame's width and height.
type Face struct {
	X     float64 `json:"x"` // centre
	Y     float64 `json:"y"`
	Size  float64 `json:"size"` // of the shorter side
	Score float64 `json:"score"`
}

// Quality of a face in its frame.
type Quality struct {
	Brightness float64 `json:"brightness"` // mean, 0..255
	Contrast   float64 `json:"contrast"`   // standard deviation
	Sharpness  float64 `json:"sharpness"`  // variance of the Laplacian
}

// Frame is what was seen in one frame: faces by falling score, the quality of
// the first, and what is wrong, as stable codes.
type Frame struct {
	Faces    []Face   `json:"faces"`
	Quality  Quality  `json:"quality"`
	Problems []string `json:"problems"`
}

// Codes of problems with a frame or a sequence.
const (
	NoFace      = "no-face"
	ManyFaces   = "several-faces"
	TooSmall    = "too-far-away"
	TooDark     = "too-dark"
	TooBright   = "too-bright"
	Blurred     = "blurred"
	Interrupted = "interrupted" // the face was gone for a while, or leapt
)

// Finder detects faces. It is safe for concurrent use.
type Finder struct {
	detector *pigo.Pigo
	eyes     *regressor
}

// New unpacks the detector.
func New() (*Finder, error) {
	for _, file := range []struct {
		data []byte
		want string
	}{{cascade, cascadeSHA256}, {pupils, pupilsSHA256}} {
		if hash(file.data) != file.want {
			return nil, fmt.Errorf("face detector: %w", biometrics.ErrModel)
		}
	}
	d, err := pigo.NewPigo().Unpack(cascade)
	if err != nil {
		return nil, fmt.Errorf("face detector: %w: %w", biometrics.ErrModel, err)
	}
	eyes, err := newRegressor(pupils)
	if err != nil {
		return nil, err
	}
	return &Finder{d, eyes}, nil
}

func hash(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}

// Look detects the faces of one frame and judges the first.
func (f *Finder) Look(img image.Image) (Frame, error) {
	g, err := thin(img)
	if err != nil {
		return Frame{}, err
	}
	return f.look(g), nil
}

func (f *Finder) look(g grey) Frame {
	short := min(g.w, g.h)
	ds := f.detector.RunCascade(pigo.CascadeParams{
		MinSize: max(minSide/2, short/10), MaxSize: short, ShiftFactor: 0.1, ScaleFactor: 1.1,
		ImageParams: pigo.ImageParams{Pixels: g.pix, Rows: g.h, Cols: g.w, Dim: g.w},
	}, 0)
	var out Frame
	for _, d := range f.detector.ClusterDetections(ds, 0.2) {
		if d.Q < found {
			continue
		}
		face := Face{X: float64(d.Col) / float64(g.w), Y: float64(d.Row) / float64(g.h), Size: float64(d.Scale) / float64(short), Score: float64(d.Q)}
		at := len(out.Faces)
		for at > 0 && out.Faces[at-1].Score < face.Score {
			at--
		}
		out.Faces = append(out.Faces[:at], append([]Face{face}, out.Faces[at:]...)...)
	}
	out.judge(g)
	return out
}

func (f *Frame) judge(g grey) {
	add := func(bad bool, code string) {
		if bad {
			f.Problems = append(f.Problems, code)
		}
	}
	if len(f.Faces) == 0 {
		add(true, NoFace)
		return
	}
	f.Quality = g.quality(f.Faces[0])
	add(len(f.Faces) > 1, ManyFaces)
	add(f.Faces[0].Size < minFace, TooSmall)
	add(f.Quality.Brightness < minBright, TooDark)
	add(f.Quality.Brightness > maxBright, TooBright)
	add(f.Quality.Sharpness < minSharp, Blurred)
}

// grey is a thinned frame.
type grey struct {
	w, h int
	pix  []uint8
}

// thin averages blocks of whole pixels until the longer side is at most workSide.
func thin(img image.Image) (grey, error) {
	if img == nil {
		return grey{}, fmt.Errorf("no frame: %w", biometrics.ErrMalformed)
	}
	b := img.Bounds()
	if b.Dx() < minSide || b.Dy() < minSide {
		return grey{}, fmt.Errorf("frame of %d x %d: %w", b.Dx(), b.Dy(), biometrics.ErrMalformed)
	}
	if b.Dx() > maxPixels/b.Dy() {
		return grey{}, fmt.Errorf("frame of %d x %d: %w", b.Dx(), b.Dy(), biometrics.ErrLimit)
	}
	k := (max(b.Dx(), b.Dy()) + workSide - 1) / workSide
	g := grey{w: b.Dx() / k, h: b.Dy() / k}
	if g.w < minSide/2 || g.h < minSide/2 {
		return grey{}, fmt.Errorf("frame of %d x %d is too narrow: %w", b.Dx(), b.Dy(), biometrics.ErrMalformed)
	}
	g.pix = make([]uint8, g.w*g.h)
	for y := range g.h {
		for x := range g.w {
			sum := uint32(0)
			for v := range k {
				for u := range k {
					r, gr, bl, _ := img.At(b.Min.X+x*k+u, b.Min.Y+y*k+v).RGBA()
					sum += (299*r + 587*gr + 114*bl) / 1000 >> 8 // BT.601 luma
				}
			}
			g.pix[y*g.w+x] = uint8(sum / uint32(k*k))
		}
	}
	return g, nil
}

// quality measures the square of a face.
func (g grey) quality(f Face) Quality {
	half := int(f.Size * float64(min(g.w, g.h)) / 2)
	cx, cy := int(f.X*float64(g.w)), int(f.Y*float64(g.h))
	var sum, sq, lap, lapSq, n float64
	for y := max(1, cy-half); y < min(g.h-1, cy+half); y++ {
		for x := max(1, cx-half); x < min(g.w-1, cx+half); x++ {
			at := y*g.w + x
			v := float64(g.pix[at])
			l := float64(g.pix[at-1]) + float64(g.pix[at+1]) + float64(g.pix[at-g.w]) + float64(g.pix[at+g.w]) - 4*v
			sum, sq, lap, lapSq, n = sum+v, sq+v*v, lap+l, lapSq+l*l, n+1
		}
	}
	if n == 0 {
		return Quality{}
	}
	spread := func(sum, sq float64) float64 { return math.Max(0, sq/n-sum/n*sum/n) }
	return Quality{Brightness: sum / n, Contrast: math.Sqrt(spread(sum, sq)), Sharpness: spread(lap, lapSq)}
}

// Sequence says whether one face stayed in the video from the first frame to
// the last. It follows place and size; it does not recognise anybody.
type Sequence struct {
	Frames   int      `json:"frames"`
	WithOne  int      `json:"withOneFace"`
	Longest  int      `json:"longestGap"` // frames in a row without exactly one face
	Leaps    int      `json:"leaps"`      // moves between frames that a head cannot make
	Problems []string `json:"problems"`
}

// Limits of a sequence.
const (
	maxGap  = 5    // frames
	maxMove = 0.75 // of the face's own size, between two frames
	maxGrow = 1.5  // ratio of sizes
)

// Follow judges the frames of a video in order. Frames of a second apart or
// less are expected.
func Follow(frames []Frame) Sequence {
	s := Sequence{Frames: len(frames)}
	gap, several := 0, false
	var last *Face
	for i := range frames {
		faces := frames[i].Faces
		several = several || len(faces) > 1
		if len(faces) != 1 {
			gap++
			s.Longest = max(s.Longest, gap)
			continue
		}
		s.WithOne++
		f := &faces[0]
		if last != nil && leap(*last, *f) {
			s.Leaps++
		}
		last, gap = f, 0
	}
	switch {
	case s.WithOne == 0:
		s.Problems = append(s.Problems, NoFace)
	case s.Longest > maxGap || s.Leaps > 0:
		s.Problems = append(s.Problems, Interrupted)
	}
	if several {
		s.Problems = append(s.Problems, ManyFaces)
	}
	return s
}

func leap(a, b Face) bool {
	ratio := math.Max(a.Size, b.Size) / math.Max(1e-6, math.Min(a.Size, b.Size))
	return math.Hypot(a.X-b.X, a.Y-b.Y) > maxMove*math.Max(a.Size, b.Size) || ratio > maxGrow
}
