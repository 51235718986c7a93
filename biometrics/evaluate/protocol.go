// Package evaluate measures error rates of the comparator on a corpus, by fixed
// protocols, so that two figures can be compared. It also trains the few
// parameters that are fitted, always apart from the people that a figure is
// quoted for.
//
// It is used by inkeval only; the service does not import it.
package evaluate

import (
	"fmt"
	"math/rand/v2"
	"sort"

	"inkwitness/biometrics"
	"inkwitness/biometrics/corpus"
)

// Protocol says which signatures are references and which are questioned.
type Protocol string

// The protocols. In all of them every forgery of the user is questioned, and
// the first genuine signature of every other user as a random forgery.
const (
	// First5: the references are the first genuine signatures, all other
	// genuine ones are questioned. One draw.
	First5 Protocol = "first5"
	// Sess: references are drawn from the first half of the genuine
	// signatures, the second half is questioned.
	Sess Protocol = "sess"
	// Rand: references are drawn from all genuine signatures, the rest is
	// questioned.
	Rand Protocol = "rand"
)

// Protocols lists all.
func Protocols() []Protocol { return []Protocol{First5, Sess, Rand} }

// Label says what a questioned signature is.
type Label string

// The labels, as they stand in the score file.
const (
	Genuine Label = "genuine"
	Skilled Label = "skilled"
	Random  Label = "random"
)

// Plan is a protocol with its numbers. The zero value of Draws, References and
// Seed means 10, 5 and 1.
type Plan struct {
	Protocol   Protocol
	Draws      int
	References int
	Seed       uint64
	NoRandom   bool // leave the random forgeries out
}

func (p Plan) withDefaults() (Plan, error) {
	if p.Draws <= 0 {
		p.Draws = 10
	}
	if p.References <= 0 {
		p.References = 5
	}
	if p.Seed == 0 {
		p.Seed = 1
	}
	switch p.Protocol {
	case First5:
		p.Draws = 1
	case Sess, Rand:
	default:
		return p, fmt.Errorf("protocol %q: %w", p.Protocol, biometrics.ErrNotFound)
	}
	if p.References > biometrics.MaxReferences || p.Draws > 1000 {
		return p, fmt.Errorf("%d references, %d draws: %w", p.References, p.Draws, biometrics.ErrLimit)
	}
	return p, nil
}

// Trial is one comparison. References and Questioned are indexes into
// Scores.Items.
type Trial struct {
	User       int // index into the corpus's users
	Draw       int // from 0
	References []int
	Questioned int
	Label      Label
}

// flat numbers all signatures of a corpus: genuine and forgeries of each user.
type flat struct {
	items              []corpus.Item
	genuine, forgeries [][]int // by user
}

func flatten(c *corpus.Corpus) flat {
	var f flat
	add := func(items []corpus.Item) []int {
		var at []int
		for _, it := range items {
			at = append(at, len(f.items))
			f.items = append(f.items, it)
		}
		return at
	}
	for _, u := range c.Users {
		f.genuine = append(f.genuine, add(u.Genuine))
		f.forgeries = append(f.forgeries, add(u.Forgeries))
	}
	return f
}

// trials lists the comparisons of a plan, by user and draw. A user with too few
// genuine signatures takes part only as a random forger.
func (f flat) trials(p Plan) []Trial {
	var out []Trial
	for u, genuine := range f.genuine {
		pool := len(genuine)
		if p.Protocol == Sess {
			pool /= 2
		}
		if pool < p.References || len(genuine) <= p.References {
			continue
		}
		for draw := range p.Draws {
			refs, questioned := split(p, genuine, pool, draw)
			add := func(q int, l Label) {
				out = append(out, Trial{User: u, Draw: draw, References: refs, Questioned: q, Label: l})
			}
			for _, q := range questioned {
				add(q, Genuine)
			}
			for _, q := range f.forgeries[u] {
				add(q, Skilled)
			}
			for v, other := range f.genuine {
				if v != u && len(other) > 0 && !p.NoRandom {
					add(other[0], Random)
				}
			}
		}
	}
	return out
}

// split chooses the references of one draw from the first pool genuine
// signatures. A draw is one choice of positions, the same for all users with
// as many genuine signatures, so that leaving users out changes nothing for others.
func split(p Plan, genuine []int, pool, draw int) (refs, questioned []int) {
	chosen := make([]int, p.References)
	for i := range chosen {
		chosen[i] = i
	}
	if p.Protocol != First5 {
		r := rand.New(rand.NewPCG(p.Seed, uint64(draw)<<20|uint64(len(genuine))))
		chosen = r.Perm(pool)[:p.References]
		sort.Ints(chosen)
	}
	used := make(map[int]bool, len(chosen))
	for _, i := range chosen {
		used[i] = true
		refs = append(refs, genuine[i])
	}
	from := 0
	if p.Protocol == Sess {
		from = pool
	}
	for i := from; i < len(genuine); i++ {
		if !used[i] {
			questioned = append(questioned, genuine[i])
		}
	}
	return refs, questioned
}
