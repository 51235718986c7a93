package quality

import (
	"math"
	"math/cmplx"
)

// band is how far two lines may be out of step, of resampled.
const band = 32

// rounds is how often alignment and turning are tried in turn; the third round
// changes little.
const rounds = 3

// warp fits b to a: in turn the best turning and scaling (Procrustes; Dryden and
// Mardia, Statistical Shape Analysis, section 4.2) and the best alignment
// (dynamic time warping in a Sakoe-Chiba band). It returns the distance that is
// left, as a share of a's size, and the root mean square of the bend, as a share
// of the time.
func warp(a, b *[resampled]complex128) (distance, bend float64) {
	path := make([][2]int, 0, 2*resampled)
	for i := range a {
		path = append(path, [2]int{i, i})
	}
	for range rounds {
		distance, path = align(a, b, turn(a, b, path), path)
	}
	for _, p := range path {
		bend += float64((p[0] - p[1]) * (p[0] - p[1]))
	}
	return distance, math.Sqrt(bend/float64(len(path))) / resampled
}

// turn returns the factor that brings b closest to a along the path.
func turn(a, b *[resampled]complex128, path [][2]int) complex128 {
	var inner complex128
	var norm float64
	for _, p := range path {
		inner += a[p[0]] * cmplx.Conj(b[p[1]])
		norm += real(b[p[1]])*real(b[p[1]]) + imag(b[p[1]])*imag(b[p[1]])
	}
	if norm == 0 {
		return 1
	}
	return inner / complex(norm, 0)
}

// width is that of a row of the lattice: the band, and a wall on both sides.
const width = 2*band + 3

// align returns the distance along the best path, and the path, in the memory of
// the one before. Row i+1 of the lattice holds in column k-i+band+1 the cost of
// reaching a[i], b[k]; so the step from both is straight up, that from a alone is
// up and right, that from b alone is left.
func align(a, b *[resampled]complex128, factor complex128, path [][2]int) (float64, [][2]int) {
	var turned [resampled]complex128
	for k := range b {
		turned[k] = factor * b[k]
	}
	var cost [resampled + 1][width]float64
	for i := range cost {
		for j := range cost[i] {
			cost[i][j] = math.Inf(1)
		}
	}
	cost[0][band+1] = 0
	for i := range a {
		before, row := &cost[i], &cost[i+1]
		for k := max(0, i-band); k <= min(resampled-1, i+band); k++ {
			j := k - i + band + 1
			d := a[i] - turned[k]
			best := before[j] // min would see to NaN as well, at three times the cost
			if before[j+1] < best {
				best = before[j+1]
			}
			if row[j-1] < best {
				best = row[j-1]
			}
			row[j] = best + real(d)*real(d) + imag(d)*imag(d)
		}
	}
	i, j := resampled, band+1
	end := cost[i][j]
	path = path[:0]
	for i > 0 {
		path = append(path, [2]int{i - 1, i - 1 + j - band - 1})
		both, alone, other := cost[i-1][j], cost[i-1][j+1], cost[i][j-1]
		switch {
		case both <= alone && both <= other:
			i--
		case alone <= other:
			i, j = i-1, j+1
		default:
			j--
		}
	}
	return math.Sqrt(end / float64(len(path)) * resampled), path
}
