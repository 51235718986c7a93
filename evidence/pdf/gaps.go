package pdf

import "inkwitness/evidence/pdf/syntax"

// gaps are the object numbers that something signed refers to and that no
// object has. Such a reference is null (ISO 32000-2, 7.3.10), until a revision
// brings an object under that number: then it shows in what was signed before,
// although not one signed object was written again.
//
// The generation does not count: some readers go by the number alone. Nor does
// it count whether anything leads to the object with the reference.
type gaps struct {
	later map[int]bool // numbers that come into use after the first signature
	open  map[int]bool // those of them that were referred to before they did
}

// findGaps looks through the document as it was first signed. sections are the
// cross-references that follow.
func (v *verifier) findGaps(base *syntax.File, sections []int64) (gaps, error) {
	g := gaps{later: map[int]bool{}, open: map[int]bool{}}
	for _, at := range sections {
		s, err := v.f.Section(at)
		if err != nil {
			return g, err
		}
		for num, e := range s.Entries {
			if e.Kind != syntax.Free && !base.InUse(num) {
				g.later[num] = true
			}
		}
		if s.Self != 0 && !base.InUse(s.Self) {
			g.later[s.Self] = true
		}
	}
	g.note(base, base.Trailer)
	return g, base.Whole(func(_ syntax.Ref, o syntax.Object) error {
		g.note(base, o)
		return nil
	})
}

// note marks what o refers to in f, as far as it comes into use later.
func (g gaps) note(f *syntax.File, o syntax.Object) {
	syntax.Refs(o, func(r syntax.Ref) {
		if g.later[r.Num] && !f.InUse(r.Num) {
			g.open[r.Num] = true
		}
	})
}

// noteRevision does the same for the objects that a revision wrote.
func (g gaps) noteRevision(after *syntax.File, rev syntax.Revision) error {
	g.note(after, after.Trailer)
	for num, e := range rev.Section.Entries {
		if e.Kind == syntax.Free {
			continue
		}
		o, err := after.Get(syntax.Ref{Num: num, Gen: int(e.Gen)})
		if err != nil {
			return err
		}
		g.note(after, o)
	}
	return nil
}
