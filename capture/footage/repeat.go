package footage

import "slices"

// Repeat is how strongly the video seems to play again what it played before.
// All stills are compared with each other. In a clip that is played in a loop,
// stills that lie a whole number of rounds apart are nearly the same; of a
// living person, stills at one distance are as different as at any other.
type Repeat struct {
	LagMicros int64   `json:"lagMicros"` // the distance at which stills are most alike
	Pairs     int     `json:"pairs"`     // of stills at that distance
	Likeness  float64 `json:"likeness"`  // their middle difference by that of all pairs: 1 is nothing special, 0 is the same picture
}

const (
	minStills  = 8   // in fewer nothing can be said
	maxStills  = 600 // the first ones are compared
	minPairs   = 4   // at one distance
	minLag     = 1_500_000
	lagSlack   = 60_000 // µs: how much distances may differ to count as one
	minChange  = 0.5    // of 255: below this nothing moves, and nothing can repeat
	thumbWidth = 16
	thumbHigh  = 12
)

// moment is a still's thumbnail and its time in µs.
type moment struct {
	time  int64
	thumb []float64
}

// pair is how far apart two stills are, in time and in looks.
type pair struct {
	lag        int64
	difference float64
}

// findRepeat looks for the distance at which stills are most alike, nil if
// there are too few or nothing moves.
func findRepeat(stills []moment) *Repeat {
	if len(stills) < minStills {
		return nil
	}
	pairs := allPairs(stills[:min(len(stills), maxStills)])
	usual := middle(pairs)
	if len(pairs) < minPairs || usual < minChange {
		return nil
	}
	slices.SortFunc(pairs, func(a, b pair) int { return int(a.lag - b.lag) })
	var best *Repeat
	from := 0
	for to := range pairs {
		for pairs[to].lag-pairs[from].lag > 2*lagSlack {
			from++
		}
		group := pairs[from : to+1]
		if len(group) < minPairs {
			continue
		}
		if like := middle(group) / usual; best == nil || like < best.Likeness {
			best = &Repeat{LagMicros: group[len(group)/2].lag, Pairs: len(group), Likeness: like}
		}
	}
	return best
}

func allPairs(stills []moment) []pair {
	var pairs []pair
	for i, a := range stills {
		for _, b := range stills[:i] {
			if lag := a.time - b.time; lag >= minLag {
				pairs = append(pairs, pair{lag, difference(a.thumb, b.thumb)})
			}
		}
	}
	return pairs
}

// middle is the median difference, 0 of none.
func middle(pairs []pair) float64 {
	if len(pairs) == 0 {
		return 0
	}
	d := make([]float64, len(pairs))
	for i, p := range pairs {
		d[i] = p.difference
	}
	slices.Sort(d)
	return d[len(d)/2]
}
