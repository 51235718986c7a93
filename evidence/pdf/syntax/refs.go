package syntax

import "fmt"

// MaxNumber is the highest object number that readers have to know (ISO
// 32000-1, table C.1).
const MaxNumber = 8_388_607

// Refs calls visit for every reference inside o and in a stream's dictionary.
func Refs(o Object, visit func(Ref)) {
	switch v := o.(type) {
	case Ref:
		visit(v)
	case Array:
		for _, e := range v {
			Refs(e, visit)
		}
	case Dict:
		for _, e := range v {
			Refs(e, visit)
		}
	case *Stream:
		Refs(v.Dict, visit)
	}
}

// InUse says whether an object number has an object.
func (f *File) InUse(num int) bool {
	e, ok := f.xref[num]
	return ok && e.Kind != Free
}

// Last returns the highest object number in use.
func (f *File) Last() int {
	last := 0
	for n, e := range f.xref {
		if e.Kind != Free {
			last = max(last, n)
		}
	}
	return last
}

// Whole is Each for a file that others append to. It fails where the file
// reaches behind its own end, since what is appended would then change what
// stands in it already: an object or a stream's data there, or the length that
// a linearized file gives itself. Readers take the first cross-reference
// instead of the last one when that length is the file's (ISO 32000-2, F.3.2).
func (f *File) Whole(visit func(Ref, Object) error) error {
	_, first, err := f.objectAt(0, false, nil)
	if d, ok := first.(Dict); ok && err == nil && d["Linearized"] != nil {
		if l, _ := Number(d["L"]); l > float64(f.size) {
			return fmt.Errorf("%w: a linearized file of %v bytes ends after %d", ErrBroken, d["L"], f.size)
		}
	}
	return f.Each(func(ref Ref, o Object) error {
		if st, ok := o.(*Stream); ok {
			if err := st.inside(); err != nil {
				return err
			}
		}
		return visit(ref, o)
	})
}

// inside fails where the data goes on behind the end of the file. A length
// that is none is no reader's business: all look for "endstream" then.
func (s *Stream) inside() error {
	o, err := s.file.Resolve(s.Dict["Length"])
	if n, ok := o.(int64); ok && n > s.file.size-s.off {
		return fmt.Errorf("%w: stream %d goes on behind the end of the file", ErrBroken, s.ref.Num)
	}
	return err
}

// NextUnnamed returns the first object number above all that are in use or that a
// reference names. A reference to a number without an object is null; an
// object under that number would fill it in.
func (f *File) NextUnnamed() (int, error) {
	next := f.Next()
	above := func(r Ref) { next = max(next, r.Num+1) }
	Refs(f.Trailer, above)
	err := f.Each(func(_ Ref, o Object) error {
		Refs(o, above)
		return nil
	})
	if err == nil && next > MaxNumber {
		err = fmt.Errorf("%w: object number %d", ErrLimit, next-1)
	}
	return next, err
}
