// Package dtw aligns two multivariate series by dynamic time warping and says
// what the alignment costs. It knows plain numbers, nothing of signatures.
//
// The recurrence over the local costs c(i,j) is, with step pattern weight w for
// the diagonal and a penalty p for every step that is not diagonal,
//
//	D(i,j) = min( D(i-1,j-1) + w c(i,j), D(i-1,j) + c(i,j) + p, D(i,j-1) + c(i,j) + p )
//
// Sakoe and Chiba (1978), "Dynamic programming algorithm optimization for spoken
// word recognition", IEEE Trans. ASSP 26(1), 43-49: w = 2 is their symmetric
// form (here Symmetric2), w = 1 the unweighted one (Symmetric1).
//
// The fast kernels walk anti-diagonals, whose cells do not depend on each other,
// in the vector unit of the machine; Reference is the plain recurrence that they
// are tested against. Costs are float32: a difference to float64 of about 1e-6
// of the total is far below what two signatures of one hand differ by.
package dtw

import (
	"errors"
	"math"
)

// lanes is the most float32 that a kernel handles at once, and the padding after
// each channel.
const lanes = 32

// repeats is the length of the longest vector that repeated is loaded as.
const repeats = 16

// MaxLength bounds a series, so that a product of two lengths fits everywhere.
const MaxLength = 1 << 15

// ErrShape is returned for series that cannot be aligned with each other.
var ErrShape = errors.New("dtw: series are empty, too long or of different dimensions")

// Step is the weight of the diagonal step.
type Step uint8

// The step patterns.
const (
	Symmetric1 Step = iota // a diagonal step costs the local cost once
	Symmetric2             // a diagonal step costs it twice, as the two steps around it do
)

// Metric is the local cost of two points.
type Metric uint8

// The metrics.
const (
	L1 Metric = iota // sum of absolute differences
	L2               // sum of squared differences
)

// Options say how to align. The zero value is unbanded, unweighted L1.
type Options struct {
	Step    Step
	Metric  Metric
	Penalty float32 // added for each step that is not diagonal

	// Cap bounds the difference in one channel to Cap times the channel's
	// weight (L1 only). 0 means no bound.
	Cap float32

	// Band is the Sakoe-Chiba band as a share of the length: a cell is inside
	// when |i/(n-1) - j/(m-1)| <= Band. 0 means no band.
	Band float64

	// Itakura is the steepest slope of the path from either end, a
	// parallelogram (Itakura 1975). 0 means none; otherwise more than 1.
	Itakura float64
}

// Series is one multivariate series in the layout of the kernels. It is
// immutable after New.
type Series struct {
	n, d, stride int
	weights      []float32
	repeated     []float32 // each weight repeats times, so that a kernel loads it as a vector
	fwd, rev     []float32 // channel after channel; rev runs backwards in time
}

// New copies channels (one slice each, all of one length), each multiplied with
// its weight; a nil weights is all ones.
func New(channels [][]float32, weights []float32) (*Series, error) {
	s := &Series{}
	return s, s.Set(channels, weights)
}

// Set is New into an existing series, whose memory it reuses.
func (s *Series) Set(channels [][]float32, weights []float32) error {
	if len(channels) == 0 || len(channels[0]) == 0 || len(channels[0]) > MaxLength {
		return ErrShape
	}
	n, d := len(channels[0]), len(channels)
	if weights != nil && len(weights) != d {
		return ErrShape
	}
	s.weights, s.repeated = resize(s.weights, d), resize(s.repeated, d*repeats)
	s.n, s.d, s.stride = n, d, n+lanes
	s.fwd, s.rev = resize(s.fwd, d*s.stride), resize(s.rev, d*s.stride)
	for c, v := range channels {
		if len(v) != n {
			return ErrShape
		}
		w := float32(1)
		if weights != nil {
			w = weights[c]
		}
		s.weigh(c, w)
		f, r := s.fwd[c*s.stride:(c+1)*s.stride], s.rev[c*s.stride:(c+1)*s.stride]
		for i, x := range v {
			f[i], r[n-1-i] = w*x, w*x
		}
		clear(f[n:])
		clear(r[n:])
	}
	return nil
}

// weigh notes the weight of a channel, which its values carry already.
func (s *Series) weigh(c int, w float32) {
	s.weights[c] = w
	for i := range repeats {
		s.repeated[c*repeats+i] = w
	}
}

func resize(v []float32, n int) []float32 {
	if cap(v) < n {
		return make([]float32, n)
	}
	return v[:n]
}

// Wipe overwrites the values with zeros; the memory can be Set again.
func (s *Series) Wipe() {
	clear(s.fwd[:cap(s.fwd)])
	clear(s.rev[:cap(s.rev)])
	s.n = 0
}

// Len is the number of points, Dim the number of channels.
func (s *Series) Len() int { return s.n }

// Dim is the number of channels.
func (s *Series) Dim() int { return s.d }

// at is the value of channel c at point i.
func (s *Series) at(c, i int) float32 { return s.fwd[c*s.stride+i] }

// local is the local cost in the plain order of summation.
func local(a, b *Series, i, j int, o Options) float32 {
	var sum float32
	for c := range a.d {
		diff := a.at(c, i) - b.at(c, j)
		if o.Metric == L2 {
			sum += diff * diff
			continue
		}
		if diff < 0 {
			diff = -diff
		}
		if most := o.Cap * a.weights[c]; o.Cap > 0 && diff > most {
			diff = most
		}
		sum += diff
	}
	return sum
}

func check(a, b *Series) error {
	if a == nil || b == nil || a.n == 0 || b.n == 0 || a.d != b.d {
		return ErrShape
	}
	return nil
}

var inf = float32(math.Inf(1))
