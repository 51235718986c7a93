package feature

// Scratch is memory that one signature's features are computed in, to be used
// again for the next. What was computed with it is valid until Reset. A nil
// Scratch allocates. It is not safe for concurrent use.
type Scratch struct {
	floats []float64
	used   int
	knots  []knot
	singles
	bools  []bool
	source []int32
	signal Signal
}

type singles struct {
	block []float32
	taken int
}

// Reset makes all memory free again.
func (s *Scratch) Reset() { s.used, s.taken = 0, 0 }

// Wipe is Reset that also overwrites what was computed.
func (s *Scratch) Wipe() {
	s.Reset()
	clear(s.floats)
	clear(s.block)
	clear(s.knots[:cap(s.knots)])
	clear(s.bools[:cap(s.bools)])
	clear(s.source[:cap(s.source)])
	s.signal = Signal{}
}

// take is n zeroed float64. A block that is too small is left to those who
// hold pieces of it, and a larger one is begun.
func (s *Scratch) take(n int) []float64 {
	if s == nil {
		return make([]float64, n)
	}
	if s.used+n > len(s.floats) {
		s.floats, s.used = make([]float64, max(2*len(s.floats), 32*n)), 0
	}
	v := s.floats[s.used : s.used+n : s.used+n]
	s.used += n
	clear(v)
	return v
}

// take32 is n float32 of unknown content.
func (s *Scratch) take32(n int) []float32 {
	if s == nil {
		return make([]float32, n)
	}
	if s.taken+n > len(s.block) {
		s.block, s.taken = make([]float32, max(2*len(s.block), NumLocal*n)), 0
	}
	v := s.block[s.taken : s.taken+n : s.taken+n]
	s.taken += n
	return v
}
