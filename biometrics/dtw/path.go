package dtw

import "sync"

// Cell is one step of an alignment: point I of the first series against point J
// of the second, with the local cost of the two.
type Cell struct {
	I, J int
	Cost float32
}

// Path is the best alignment from the first pair of points to the last, and its
// cost. It keeps every anti-diagonal, 4 (n+m) n bytes, and then walks back. Of
// alignments of equal cost it takes the one with the most diagonal steps at the
// end.
func Path(a, b *Series, o Options) ([]Cell, float32, error) {
	if err := check(a, b); err != nil {
		return nil, 0, err
	}
	mem := grids.Get().(*grid)
	defer grids.Put(mem)
	mem.reset(a.n, b.n)
	w := weight(o.Step)
	bd := newBand(a.n, b.n, o)
	bd.at(0)
	for k := -2; k <= 0; k++ {
		r := mem.row(k)
		for i := range r {
			r[i] = inf
		}
	}
	mem.row(0)[1] = w * local(a, b, 0, 0, o)
	for k := 1; k <= a.n+b.n-2; k++ {
		lo, hi := bd.at(k)
		cur := mem.row(k)
		diagonal(a, b, k, lo, hi, o, w-1, mem.row(k-2), mem.row(k-1), cur)
		cur[lo], cur[hi+2] = inf, inf // guards, as in walk
	}
	return back(a, b, o, mem), mem.row(a.n + b.n - 2)[a.n], nil
}

// grid is all anti-diagonals of one alignment, from -2 on.
type grid struct {
	all   []float32
	width int
}

var grids = sync.Pool{New: func() any { return new(grid) }}

func (g *grid) reset(n, m int) {
	g.width = n + 2 + lanes
	g.all = resize(g.all, (n+m+2)*g.width)
}

func (g *grid) row(k int) []float32 { return g.all[(k+2)*g.width:][:g.width] }

// back walks from the last cell to the first, at each cell to the neighbour
// that the recurrence came from.
func back(a, b *Series, o Options, mem *grid) []Cell {
	path := make([]Cell, 0, a.n+b.n)
	w := weight(o.Step)
	i, j := a.n-1, b.n-1
	for {
		c := local(a, b, i, j, o)
		path = append(path, Cell{i, j, c})
		if i == 0 && j == 0 {
			break
		}
		k := i + j
		across := mem.row(k - 1)[i+1] + o.Penalty // from (i, j-1)
		down := mem.row(k - 1)[i] + o.Penalty     // from (i-1, j)
		skew := inf
		if i > 0 && j > 0 {
			skew = mem.row(k - 2)[i] + (w-1)*c
		}
		switch {
		case j == 0 || i > 0 && down < across && down < skew:
			i--
		case i == 0 || across < skew:
			j--
		default:
			i, j = i-1, j-1
		}
	}
	for l, r := 0, len(path)-1; l < r; l, r = l+1, r-1 {
		path[l], path[r] = path[r], path[l]
	}
	return path
}

// ChannelCosts is the mean local cost of each channel along a path.
func ChannelCosts(a, b *Series, path []Cell, o Options) []float64 {
	out := make([]float64, a.d)
	one := Options{Metric: o.Metric, Cap: o.Cap}
	for c := range out {
		x, y := a.channel(c), b.channel(c)
		for _, p := range path {
			out[c] += float64(local(&x, &y, p.I, p.J, one)) / float64(len(path))
		}
	}
	return out
}

// channel is a series of one channel that shares the memory of s.
func (s *Series) channel(c int) Series {
	at := c * s.stride
	return Series{n: s.n, d: 1, stride: s.stride, weights: s.weights[c : c+1], repeated: s.repeated[c*repeats : (c+1)*repeats], fwd: s.fwd[at : at+s.stride], rev: s.rev[at : at+s.stride]}
}
