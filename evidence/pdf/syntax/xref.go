package syntax

import (
	"bufio"
	"fmt"
	"io"
	"math"
	"strconv"
)

// Section is one cross-reference section as it stands in the file.
type Section struct {
	Trailer Dict
	Entries map[int]Entry
	Table   bool
	Self    int // object number of a cross-reference stream, else 0

	end      int64        // behind the trailer of a table
	disputed map[int]bool // numbers with several entries that say different things
}

// put enters an object. Of several entries for a number some readers take the
// first and others the last; strict refuses a second one.
func (s *Section) put(num int, e Entry, strict bool) error {
	if _, twice := s.Entries[num]; twice && strict {
		return fmt.Errorf("%w: object %d stands twice in a cross-reference", ErrBroken, num)
	}
	s.dispute(num, e)
	s.Entries[num] = e
	return nil
}

func (s *Section) dispute(num int, e Entry) {
	old, twice := s.Entries[num]
	if !twice || old == e || old.Kind == Free && e.Kind == Free {
		return
	}
	if s.disputed == nil {
		s.disputed = map[int]bool{}
	}
	s.disputed[num] = true
}

// readXref follows the chain of sections from the newest to the oldest. The
// newest entry of a number wins.
func (f *File) readXref(start int64) error {
	seen := map[int64]bool{}
	for off := start; ; {
		if seen[off] {
			return fmt.Errorf("%w: the cross-reference sections form a loop", ErrBroken)
		}
		if seen[off] = true; len(seen) > f.limits.Sections {
			return fmt.Errorf("%w: more than %d cross-reference sections", ErrLimit, f.limits.Sections)
		}
		s, err := f.Section(off)
		if err != nil {
			return err
		}
		if f.Trailer == nil {
			f.Trailer, f.Tables = s.Trailer, s.Table
		}
		f.Sections = append(f.Sections, off)
		if err := f.merge(s); err != nil {
			return err
		}
		prev, ok := s.Trailer["Prev"]
		if !ok {
			return nil
		}
		if off, ok = prev.(int64); !ok {
			return fmt.Errorf("%w: /Prev is not an offset", ErrBroken)
		}
	}
}

func (f *File) merge(s Section) error {
	if len(f.xref) == 0 && len(s.disputed) == 0 { // most files have one section
		f.xref = s.Entries
	}
	for n, e := range s.Entries {
		if _, ok := f.xref[n]; !ok {
			f.xref[n] = e
			if s.disputed[n] {
				f.Disputed[n] = true
			}
		}
	}
	if len(f.xref) > f.limits.Objects {
		return f.tooManyObjects()
	}
	return nil
}

func (f *File) tooManyObjects() error {
	return fmt.Errorf("%w: more than %d objects", ErrLimit, f.limits.Objects)
}

// Section reads the cross-reference section at an offset, table or stream. The
// entries of a hybrid file's stream are merged into its table (ISO 32000-2,
// 7.5.8.4: an object hidden from old readers is free in the table). Not every
// new reader does that, so that those objects are disputed.
func (f *File) Section(off int64) (Section, error) { return f.section(off, false) }

// section reads a section. Strict refuses what readers read differently: a key
// or an entry that stands twice, comments, a table of another form than the
// specification's.
func (f *File) section(off int64, strict bool) (Section, error) {
	c := &counter{r: bufio.NewReader(io.NewSectionReader(f, off, f.size-off))}
	if off < 0 || off >= f.size {
		return Section{}, fmt.Errorf("%w: cross-reference at %d is outside the file", ErrBroken, off)
	}
	if w := c.word(); w != "xref" {
		return f.streamSection(off, strict)
	}
	s := Section{Entries: map[int]Entry{}, Table: true}
	if err := f.table(c, &s, strict); err != nil {
		return Section{}, err
	}
	if err := f.spend(c.n); err != nil {
		return Section{}, err
	}
	err := f.parseAt(off+c.n, strict, func(p *parser) error {
		o, err := p.object()
		s.Trailer, _ = o.(Dict)
		s.end = off + c.n + int64(p.pos)
		if err == nil && strict && p.skips > 0 {
			err = p.fail("a comment in the trailer")
		}
		return err
	})
	if err == nil && s.Trailer == nil {
		err = fmt.Errorf("%w: no trailer dictionary", ErrBroken)
	}
	if err != nil {
		return Section{}, err
	}
	err = f.hybrid(&s)
	return s, err
}

func (f *File) hybrid(s *Section) error {
	o, ok := s.Trailer["XRefStm"]
	if !ok {
		return nil
	}
	off, ok := o.(int64)
	if !ok {
		return fmt.Errorf("%w: /XRefStm is not an offset", ErrBroken)
	}
	f.Hybrid = true
	extra, err := f.streamSection(off, false)
	if err != nil {
		return err
	}
	for n, e := range extra.Entries {
		s.dispute(n, e)
		if old, ok := s.Entries[n]; !ok || old.Kind == Free {
			s.Entries[n] = e
		}
	}
	return nil
}

// counter reads words and counts the bytes it consumed.
type counter struct {
	r *bufio.Reader
	n int64
}

// word returns the next word, at most 32 bytes of it, and consumes the one
// byte of white space after it. "" means that there was none.
func (c *counter) word() string {
	var w []byte
	for {
		b, err := c.r.ReadByte()
		if err != nil {
			return string(w)
		}
		if isDelim(b) || len(w) == 32 {
			_ = c.r.UnreadByte()
			return string(w)
		}
		c.n++
		if !isSpace(b) {
			w = append(w, b)
		} else if len(w) > 0 {
			return string(w)
		}
	}
}

// table reads subsections up to and including the word "trailer".
func (f *File) table(c *counter, s *Section, strict bool) error {
	for {
		w := c.word()
		if w == "trailer" {
			return nil
		}
		first, err := strconv.ParseUint(w, 10, 31)
		if err != nil {
			return fmt.Errorf("%w: bad cross-reference table", ErrBroken)
		}
		count, err := strconv.ParseUint(c.word(), 10, 31)
		if err != nil {
			return fmt.Errorf("%w: bad cross-reference table", ErrBroken)
		}
		if count > uint64(f.limits.Objects) {
			return f.tooManyObjects()
		}
		if err := f.subsection(c, int(first), int(count), s, strict); err != nil {
			return err
		}
	}
}

func (f *File) subsection(c *counter, first, count int, s *Section, strict bool) error {
	for i := range count {
		before := c.n
		w1, w2, kind := c.word(), c.word(), c.word()
		off, err1 := strconv.ParseUint(w1, 10, 62)
		gen, err2 := strconv.ParseUint(w2, 10, 32)
		if err1 != nil || err2 != nil || (kind != "n" && kind != "f") {
			return fmt.Errorf("%w: bad entry in the cross-reference table", ErrBroken)
		}
		if strict && (len(w1) != 10 || len(w2) != 5 || i > 0 && c.n-before != 20) { // ISO 32000-2, 7.5.4
			return fmt.Errorf("%w: a cross-reference entry that is not of 20 bytes", ErrBroken)
		}
		e := Entry{Kind: Free, Gen: uint16(min(gen, math.MaxUint16))}
		if kind == "n" && off > 0 { // offset 0 is how some writers say free
			e.Kind, e.Offset = InFile, int64(off)
		}
		if err := s.put(first+i, e, strict); err != nil {
			return err
		}
		if len(s.Entries) > f.limits.Objects {
			return f.tooManyObjects()
		}
	}
	return nil
}

// streamSection reads a cross-reference stream (ISO 32000-2, 7.5.8).
func (f *File) streamSection(off int64, strict bool) (Section, error) {
	_, o, err := f.objectAt(off, strict, nil)
	if err != nil {
		return Section{}, err
	}
	st, ok := o.(*Stream)
	if !ok || st.Dict.Name("Type") != "XRef" {
		return Section{}, fmt.Errorf("%w: no cross-reference at %d", ErrBroken, off)
	}
	st.open = true
	data, err := st.Decode()
	if err != nil {
		return Section{}, err
	}
	s := Section{Trailer: st.Dict, Entries: map[int]Entry{}, Self: st.ref.Num}
	if err := f.streamEntries(st.Dict, data, &s, strict); err != nil {
		return s, err
	}
	return s, f.spend(20 * int64(len(s.Entries))) // what they have in a table
}

func (f *File) streamEntries(d Dict, data []byte, s *Section, strict bool) error {
	bad := fmt.Errorf("%w: bad cross-reference stream", ErrBroken)
	w, err := widths(d)
	if err != nil {
		return err
	}
	index, ok := d["Index"].(Array)
	if !ok {
		index = Array{int64(0), d["Size"]}
	}
	width := w[0] + w[1] + w[2]
	for i := 0; i+1 < len(index); i += 2 {
		first, ok1 := index[i].(int64)
		count, ok2 := index[i+1].(int64)
		if !ok1 || !ok2 || first < 0 || first > math.MaxInt32 || count < 0 || count > int64(len(data)/width) {
			return bad
		}
		for n := range int(count) {
			e, err := streamEntry(data[n*width:], w)
			if err == nil {
				err = s.put(int(first)+n, e, strict)
			}
			if err != nil {
				return err
			}
			if len(s.Entries) > f.limits.Objects {
				return f.tooManyObjects()
			}
		}
		data = data[int(count)*width:]
	}
	return nil
}

func widths(d Dict) (w [3]int, err error) {
	a, _ := d["W"].(Array)
	if len(a) < 3 {
		return w, fmt.Errorf("%w: bad /W in a cross-reference stream", ErrBroken)
	}
	for i := range w {
		v, ok := a[i].(int64)
		if !ok || v < 0 || v > 8 {
			return w, fmt.Errorf("%w: bad /W in a cross-reference stream", ErrBroken)
		}
		w[i] = int(v)
	}
	if w[1] == 0 {
		return w, fmt.Errorf("%w: bad /W in a cross-reference stream", ErrBroken)
	}
	return w, nil
}

func streamEntry(b []byte, w [3]int) (Entry, error) {
	var v [3]uint64
	v[0] = 1 // the kind when its field has no width
	for i, n := range w {
		if n > 0 {
			v[i] = 0
		}
		for range n {
			v[i] = v[i]<<8 | uint64(b[0])
			b = b[1:]
		}
	}
	if v[1] > math.MaxInt64 {
		return Entry{}, fmt.Errorf("%w: bad entry in a cross-reference stream", ErrBroken)
	}
	e := Entry{Kind: Free, Offset: int64(v[1])}
	switch v[0] {
	case 0:
		e.Offset = 0
	case 1:
		e.Kind, e.Gen = InFile, uint16(min(v[2], math.MaxUint16))
	case 2:
		e.Kind, e.Index = Compressed, int32(min(v[2], math.MaxInt32))
	}
	return e, nil
}
