package dtw

// Shape describes each point by its neighbourhood: the channels of all points
// from radius before to radius after it, the ends repeated, so that peaks meet
// peaks and not just equal heights. Aligning these is shapeDTW (Zhao and Itti
// 2018, "shapeDTW: shape dynamic time warping", Pattern Recognition 74, 171-184)
// with the raw subsequence as descriptor. There are 2 radius + 1 channels for each
// one, the earliest neighbour first.
func Shape(channels [][]float32, radius int) [][]float32 {
	var out [][]float32
	for _, v := range channels {
		for off := -radius; off <= radius; off++ {
			c := make([]float32, len(v))
			for i := range c {
				c[i] = v[max(0, min(len(v)-1, i+off))]
			}
			out = append(out, c)
		}
	}
	return out
}

// ShapeDistance aligns the shapes of two series and says what that alignment
// costs the series themselves, so that it compares with Distance, which it is
// never below.
func ShapeDistance(a, b [][]float32, weights []float32, radius int, o Options) (float32, error) {
	wide := make([]float32, 0, len(weights)*(2*radius+1))
	for _, w := range weights {
		for range 2*radius + 1 {
			wide = append(wide, w)
		}
	}
	if weights == nil {
		wide = nil
	}
	var s [4]Series
	for i, set := range []struct {
		ch [][]float32
		w  []float32
	}{{a, weights}, {b, weights}, {Shape(a, radius), wide}, {Shape(b, radius), wide}} {
		if err := s[i].Set(set.ch, set.w); err != nil {
			return 0, err
		}
	}
	path, _, err := Path(&s[2], &s[3], o)
	if err != nil {
		return 0, err
	}
	if err := check(&s[0], &s[1]); err != nil {
		return 0, err
	}
	return along(&s[0], &s[1], path, o), nil
}

// along is what a path costs two series.
func along(a, b *Series, path []Cell, o Options) float32 {
	sum := float32(0)
	for k, p := range path {
		c := local(a, b, p.I, p.J, o)
		switch {
		case k == 0 || p.I != path[k-1].I && p.J != path[k-1].J:
			sum += weight(o.Step) * c
		default:
			sum += c + o.Penalty
		}
	}
	return sum
}

// Pen is the channel that makes a cost aware of pen-ups: aligning a point on the
// surface with a point in the air costs 1, times the channel's weight (squared
// under L2), beside what the other channels cost. Under a Cap it costs Cap times
// the weight.
func Pen(down []bool) []float32 {
	out := make([]float32, len(down))
	for i, d := range down {
		if d {
			out[i] = 1
		}
	}
	return out
}
