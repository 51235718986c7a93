package syntax

import (
	"math"
	"strconv"
)

// number parses an integer, a real, or a reference "12 0 R".
func (p *parser) number() (Object, error) {
	w, err := p.word()
	if err != nil {
		return nil, err
	}
	n, err := strconv.ParseInt(w, 10, 64)
	if err != nil {
		return p.real(w)
	}
	if n < 0 || n > math.MaxInt32 {
		return n, nil
	}
	gen, ok, err := p.refTail()
	if err != nil || !ok {
		return n, err
	}
	return Ref{int(n), gen}, nil
}

func (p *parser) real(w string) (Object, error) {
	for i := range len(w) { // strconv takes exponents and words that PDF does not
		if c := w[i]; c != '+' && c != '-' && c != '.' && (c < '0' || c > '9') {
			return nil, p.fail("bad number")
		}
	}
	f, err := strconv.ParseFloat(w, 64)
	if err != nil || math.IsInf(f, 0) {
		return nil, p.fail("bad number")
	}
	return f, nil
}

// back returns to a position before this one.
func (p *parser) back(pos int) {
	p.far = max(p.far, p.pos)
	p.pos = pos
}

// looked is behind the last byte that made a difference: next to where the parser
// stands, or went back from, it may have looked at two.
func (p *parser) looked() int { return max(p.far, p.pos) + 2 }

// refTail looks past an integer for "G R" and consumes it when it is there.
func (p *parser) refTail() (gen int, ok bool, err error) {
	back := p.pos
	gen, ok, err = p.tryRefTail()
	if !ok {
		p.back(back)
	}
	if err != nil && p.last { // the file may end after a number
		err = nil
	}
	return gen, ok, err
}

func (p *parser) tryRefTail() (int, bool, error) {
	if err := p.space(); err != nil {
		return 0, false, err
	}
	if c := p.b[p.pos]; c < '0' || c > '9' {
		return 0, false, nil
	}
	w, err := p.word()
	if err != nil {
		return 0, false, err
	}
	gen, err := strconv.ParseUint(w, 10, 16)
	if err != nil {
		return 0, false, nil
	}
	if err := p.space(); err != nil {
		return 0, false, err
	}
	if p.b[p.pos] != 'R' {
		return 0, false, nil
	}
	w, err = p.word()
	return int(gen), w == "R", err
}
