package quality

import (
	"encoding/binary"
	"hash/fnv"
	"math"

	"inkwitness/capture"
)

// Likeness is how far one stream repeats an earlier one.
type Likeness struct {
	// Moves is the share of the runs of four moves that the earlier one has,
	// too. 1 is a copy, whatever its place and its times.
	Moves float64 `json:"moves"`
	// Distance is between the drawn lines, point for point in the order of
	// drawing, after moving, scaling and turning: 0 is a copy, 1 unrelated.
	Distance float64 `json:"distance"`
	// Bend is how far the times of one must be bent to fit the other's, as a
	// share of the whole. Hands bend more than they miss.
	Bend float64 `json:"bend"`
}

// Score is one figure for likeness: 0 is a copy. A hand that signs again makes
// both parts large; who replays, scales, resamples and trembles makes both
// small. The weight is measured, see the README.
func (l Likeness) Score() float64 { return l.Distance/2 + l.Bend }

// Print is what is kept of a stream to find it again. It holds the shape of the
// signature, so it is biometric data.
type Print struct {
	moves map[uint32]bool
	line  [resampled]complex128 // where the tip is at equal shares of the time
	drawn bool                  // there is a line at all
}

// resampled is the number of places at which lines are compared.
const resampled = 256

// runMoves is the length of the runs of moves that are looked up.
const runMoves = 4

// NewPrint takes the print of a stream.
func NewPrint(points []capture.Point) *Print {
	var line []capture.Point
	for _, p := range points {
		if p.Down {
			line = append(line, p)
		}
	}
	p := &Print{moves: map[uint32]bool{}}
	runs(line, func(h uint32) { p.moves[h] = true })
	p.drawn = resample(&p.line, line, ruler(line))
	return p
}

// runs calls f with a hash of each run of moves. Points that do not move are
// passed over, so that repeating them changes nothing.
func runs(line []capture.Point, f func(uint32)) {
	var last [runMoves][2]int32
	n := 0
	for i := 1; i < len(line); i++ {
		move := [2]int32{line[i].X - line[i-1].X, line[i].Y - line[i-1].Y}
		if move == [2]int32{} {
			continue
		}
		copy(last[:], last[1:])
		last[runMoves-1] = move
		if n++; n < runMoves {
			continue
		}
		h := fnv.New32a()
		for _, m := range last {
			var b [8]byte
			binary.BigEndian.PutUint32(b[:], uint32(m[0]))
			binary.BigEndian.PutUint32(b[4:], uint32(m[1]))
			h.Write(b[:])
		}
		f(h.Sum32())
	}
}

// ruler returns for each point when it is, with the pauses between strokes left
// out. A stream without times is as good as one of equal times.
func ruler(line []capture.Point) []float64 {
	when := make([]float64, len(line))
	for i := 1; i < len(line); i++ {
		when[i] = when[i-1]
		if !line[i].Start {
			when[i] += float64(max(0, line[i].Time-line[i-1].Time))
		}
	}
	if len(line) > 1 && when[len(when)-1] == 0 {
		for i := range when {
			when[i] = float64(i)
		}
	}
	return when
}

// resample puts the line at equal steps of a ruler into out, moved to its centre
// and scaled to norm 1.
func resample(out *[resampled]complex128, line []capture.Point, ruler []float64) bool {
	if len(line) < 2 || ruler[len(ruler)-1] == 0 {
		return false
	}
	end, k := ruler[len(ruler)-1], 0
	var centre complex128
	for i := range out {
		at := end * float64(i) / (resampled - 1)
		for k < len(line)-2 && ruler[k+1] < at {
			k++
		}
		share := 0.0
		if span := ruler[k+1] - ruler[k]; span > 0 {
			share = min(1, (at-ruler[k])/span)
		}
		x := float64(line[k].X) + share*(float64(line[k+1].X)-float64(line[k].X))
		y := float64(line[k].Y) + share*(float64(line[k+1].Y)-float64(line[k].Y))
		out[i] = complex(x, y)
		centre += out[i] / resampled
	}
	norm := 0.0
	for i := range out {
		out[i] -= centre
		norm += real(out[i])*real(out[i]) + imag(out[i])*imag(out[i])
	}
	if norm == 0 {
		return false
	}
	for i := range out {
		out[i] /= complex(math.Sqrt(norm), 0)
	}
	return true
}

// Compare tells how far p repeats earlier.
func (p *Print) Compare(earlier *Print) Likeness {
	l := Likeness{Distance: 1, Bend: 1}
	if len(p.moves) > 0 {
		common := 0
		for h := range p.moves {
			if earlier.moves[h] {
				common++
			}
		}
		l.Moves = float64(common) / float64(len(p.moves))
	}
	if p.drawn && earlier.drawn {
		l.Distance, l.Bend = warp(&p.line, &earlier.line)
	}
	return l
}
