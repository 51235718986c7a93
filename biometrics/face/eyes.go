package face

import (
	"encoding/binary"
	"fmt"
	"math"
	"slices"

	"inkwitness/biometrics"
)

// regressor finds a pupil from a first guess: stage by stage, an ensemble of
// trees of pixel comparisons says how far off the guess is (Markuš et al. 2014).
// The author's program starts from random guesses; ours starts from fixed ones, so
// that the same picture gives the same eyes.
type regressor struct {
	stages, trees, depth int
	scale                float32
	codes                []int8    // a tree's comparisons: row, column, row, column
	moves                []float32 // a tree's leaves: down, right
}

// newRegressor unpacks a file: four numbers of four bytes (stages, scale, trees,
// depth), then for each tree its comparisons and its leaves.
func newRegressor(b []byte) (*regressor, error) {
	bad := fmt.Errorf("eye detector: %w", biometrics.ErrModel)
	if len(b) < 16 {
		return nil, bad
	}
	le := binary.LittleEndian
	r := &regressor{stages: int(le.Uint32(b)), scale: math.Float32frombits(le.Uint32(b[4:])), trees: int(le.Uint32(b[8:])), depth: int(le.Uint32(b[12:]))}
	if r.stages < 1 || r.stages > 16 || r.trees < 1 || r.trees > 64 || r.depth < 1 || r.depth > 16 {
		return nil, bad
	}
	leaves := 1 << r.depth
	codes, moves := 4*(leaves-1), 8*leaves
	b = b[16:]
	if len(b) != r.stages*r.trees*(codes+moves) {
		return nil, bad
	}
	for ; len(b) > 0; b = b[codes+moves:] {
		for _, v := range b[:codes] {
			r.codes = append(r.codes, int8(v))
		}
		for i := 0; i < moves; i += 4 {
			r.moves = append(r.moves, math.Float32frombits(le.Uint32(b[codes+i:])))
		}
	}
	return r, nil
}

// point is a place in a thinned frame.
type point struct{ x, y float64 }

// find improves a guess of an eye from places around it, and says how far apart
// the results lie: what sees an eye from all of them agrees. The trees were
// trained on left eyes of the picture; flip mirrors them.
func (r *regressor) find(g grey, guess point, size float64, flip bool) (at point, apart float64) {
	var xs, ys []float64
	for _, dy := range []float64{-0.06, 0, 0.06} {
		for _, dx := range []float64{-0.06, 0, 0.06} {
			for _, scale := range []float64{0.93, 1, 1.07} {
				p := r.descend(g, point{guess.x + dx*size, guess.y + dy*size}, size*scale, flip)
				xs, ys = append(xs, p.x), append(ys, p.y)
			}
		}
	}
	slices.Sort(xs)
	slices.Sort(ys)
	n := len(xs)
	return point{xs[n/2], ys[n/2]}, max(xs[3*n/4]-xs[n/4], ys[3*n/4]-ys[n/4])
}

func (r *regressor) descend(g grey, at point, size float64, flip bool) point {
	leaves := 1 << r.depth
	side := 1.0
	if flip {
		side = -1
	}
	for stage := range r.stages {
		var down, right float32
		for tree := range r.trees {
			t := stage*r.trees + tree
			codes := r.codes[t*4*(leaves-1):]
			i := 0
			for range r.depth {
				a := g.near(at, size, codes[4*i], codes[4*i+1], side)
				b := g.near(at, size, codes[4*i+2], codes[4*i+3], side)
				if i = 2*i + 1; a > b {
					i++
				}
			}
			leaf := r.moves[2*(t*leaves+i-(leaves-1)):]
			down, right = down+leaf[0], right+leaf[1]
		}
		at.y += float64(down) * size
		at.x += float64(right) * size * side
		size *= float64(r.scale)
	}
	return at
}

// near is the pixel at a place in 1/256 of a size, kept inside the frame.
func (g grey) near(at point, size float64, row, column int8, side float64) uint8 {
	y := int(math.Floor(at.y + float64(row)*size/256))
	x := int(math.Floor(at.x + side*float64(column)*size/256))
	return g.pix[max(0, min(g.h-1, y))*g.w+max(0, min(g.w-1, x))]
}

// pair finds both pupils of a face, in pixels of the thinned frame. Where what it
// finds is unsure, or no pair of eyes (too near, too far or too steep), it says so.
func (f *Finder) pair(g grey, face Face) (left, right point, ok bool) {
	const spread = 0.06 // of the eye's square: half of what the first guesses lie apart
	size := face.Size * float64(min(g.w, g.h))
	c := point{face.X * float64(g.w), face.Y * float64(g.h)}
	left, l := f.eyes.find(g, point{c.x - 0.18*size, c.y - 0.08*size}, 0.25*size, false)
	right, r := f.eyes.find(g, point{c.x + 0.18*size, c.y - 0.08*size}, 0.25*size, true)
	apart, tilt := (right.x-left.x)/size, math.Abs(right.y-left.y)/size
	return left, right, max(l, r) < spread*0.25*size && apart > 0.2 && apart < 0.55 && tilt < 0.2
}
