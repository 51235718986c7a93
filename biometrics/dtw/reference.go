package dtw

// Reference is the recurrence as it stands in the books, cell by cell: what the
// fast kernels are held to, and what Path builds on. O(n m) time, O(n) space.
func Reference(a, b *Series, o Options) (float32, error) {
	if err := check(a, b); err != nil {
		return 0, err
	}
	w := weight(o.Step)
	bd := newBand(a.n, b.n, o)
	prev2, prev1, cur := filled(a.n), filled(a.n), filled(a.n)
	for k := 0; k <= a.n+b.n-2; k++ {
		lo, hi := bd.at(k)
		for i := range cur {
			cur[i] = inf
		}
		for i := lo; i <= hi; i++ {
			cur[i] = cell(a, b, i, k-i, o, w, prev2, prev1)
		}
		prev2, prev1, cur = prev1, cur, prev2
	}
	return prev1[a.n-1], nil
}

// cell is one step of the recurrence on anti-diagonals: prev1 holds the
// anti-diagonal before, prev2 the one before that, by i.
func cell(a, b *Series, i, j int, o Options, w float32, prev2, prev1 []float32) float32 {
	c := local(a, b, i, j, o)
	if i == 0 && j == 0 {
		return w * c
	}
	best := inf
	if j > 0 {
		best = prev1[i] + c + o.Penalty
	}
	if i > 0 {
		if v := prev1[i-1] + c + o.Penalty; v < best {
			best = v
		}
		if j > 0 {
			if v := prev2[i-1] + w*c; v < best {
				best = v
			}
		}
	}
	return best
}

func weight(s Step) float32 {
	if s == Symmetric2 {
		return 2
	}
	return 1
}

func filled(n int) []float32 {
	v := make([]float32, n)
	for i := range v {
		v[i] = inf
	}
	return v
}
