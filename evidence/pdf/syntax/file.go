package syntax

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strconv"
)

// Limits bounds what reading a file may cost. Zero fields take the default.
type Limits struct {
	Objects  int   // entries of the cross-reference, default 1,000,000
	Sections int   // cross-reference sections, default 1,000
	Object   int64 // bytes of one object without its stream data, default 16 MiB
	Stream   int64 // bytes of one decoded stream, default 32 MiB
	Work     int64 // bytes parsed and decoded in total, default 1 GiB

	spent *int64 // of Work, where several files share it
	seen  *seen  // what they have parsed
}

// Shared returns limits whose Work counts for all files opened with them
// together. They must be beginnings of the same bytes: what one has parsed is not
// parsed again for the next. They must not be read at the same time, and their
// objects not be changed.
func (l Limits) Shared() Limits {
	l.spent = new(int64)
	l.seen = &seen{objects: map[int64]*parsed{}, room: maxSeen}
	return l
}

func (l Limits) withDefaults() Limits {
	def := func(v *int64, d int64) {
		if *v == 0 {
			*v = d
		}
	}
	if l.Objects == 0 {
		l.Objects = 1_000_000
	}
	if l.Sections == 0 {
		l.Sections = 1000
	}
	def(&l.Object, 16<<20)
	def(&l.Stream, 32<<20)
	def(&l.Work, 1<<30)
	if l.spent == nil {
		l.spent = new(int64)
	}
	return l
}

// EntryKind says how a cross-reference entry finds its object.
type EntryKind uint8

// The kinds of entries (ISO 32000-2, table 18).
const (
	Free       EntryKind = 0
	InFile     EntryKind = 1 // Offset is the byte offset in the file
	Compressed EntryKind = 2 // Offset is the number of the object stream
)

// Entry is one entry of the cross-reference.
type Entry struct {
	Kind   EntryKind
	Gen    uint16
	Index  int32 // place inside an object stream
	Offset int64
}

// File is an open PDF file. It is not safe for concurrent use.
type File struct {
	Trailer  Dict
	Sections []int64 // offsets of the cross-reference sections, newest first
	Tables   bool    // the newest section is a table, not a stream
	Hybrid   bool    // a table names a stream besides (/XRefStm)
	Version  string  // of the header, such as "1.7"

	// Disputed are the object numbers that readers find in different places, or
	// that only some find: those with several entries in one cross-reference, or
	// hidden in the stream that goes with a table.
	Disputed map[int]bool

	r      io.ReaderAt
	size   int64
	limits Limits
	xref   map[int]Entry
	packs  map[int]*pack // decoded object streams
	packed int           // bytes that they take
	crypt  *crypt
	busy   map[int]bool // lengths and object streams being resolved now
}

// Open reads the cross-reference of the first size bytes of r. Passing the end
// of an earlier revision as size gives the file as it was then.
//
// An encrypted file opens, but its objects read only after Unlock.
func Open(r io.ReaderAt, size int64, limits Limits) (*File, error) {
	f := &File{r: r, size: size, limits: limits.withDefaults(), xref: map[int]Entry{}, Disputed: map[int]bool{}, packs: map[int]*pack{}, busy: map[int]bool{}}
	if err := f.header(); err != nil {
		return nil, err
	}
	start, err := f.startXref()
	if err != nil {
		return nil, err
	}
	if err := f.readXref(start); err != nil {
		return nil, err
	}
	if _, ok := f.Trailer["Root"].(Ref); !ok {
		return nil, fmt.Errorf("%w: the trailer names no document catalogue", ErrBroken)
	}
	return f, nil
}

// Size returns the number of bytes of the file.
func (f *File) Size() int64 { return f.size }

// ReadAt reads bytes of the file.
func (f *File) ReadAt(p []byte, off int64) (int, error) {
	return io.NewSectionReader(f.r, 0, f.size).ReadAt(p, off)
}

// header checks "%PDF-1.x". It must be the very first byte: offsets count from
// it, and a file that is two formats at once is not something to sign.
func (f *File) header() error {
	b := make([]byte, 8)
	if n, _ := f.ReadAt(b, 0); n < 8 || !bytes.HasPrefix(b, []byte("%PDF-")) {
		return ErrNotPDF
	}
	f.Version = string(b[5:8])
	if b[6] != '.' || (b[5] != '1' && b[5] != '2') || b[7] < '0' || b[7] > '9' {
		return ErrNotPDF
	}
	return nil
}

// startXref reads the offset behind the last "startxref", which must stand in
// the last 1,024 bytes and be followed by %%EOF.
func (f *File) startXref() (int64, error) {
	n := min(f.size, 1024)
	tail := make([]byte, n)
	if _, err := f.ReadAt(tail, f.size-n); err != nil && err != io.EOF {
		return 0, fmt.Errorf("read the end of the file: %w", err)
	}
	i := bytes.LastIndex(tail, []byte("startxref"))
	if i < 0 {
		return 0, fmt.Errorf("%w: no startxref at the end", ErrBroken)
	}
	fields := bytes.Fields(tail[i+len("startxref"):])
	if len(fields) < 2 || !bytes.HasPrefix(fields[1], []byte("%%EOF")) {
		return 0, fmt.Errorf("%w: no %%%%EOF at the end", ErrBroken)
	}
	off, err := strconv.ParseInt(string(fields[0]), 10, 64)
	if err != nil || off <= 0 || off >= f.size {
		return 0, fmt.Errorf("%w: startxref points outside the file", ErrBroken)
	}
	return off, nil
}

// spend takes n bytes of work off the budget.
func (f *File) spend(n int64) error {
	if *f.limits.spent += n; *f.limits.spent > f.limits.Work {
		return fmt.Errorf("%w: more than %d bytes to parse", ErrLimit, f.limits.Work)
	}
	return nil
}

// cost is the work that was done so far, in bytes: a value costs its time and
// memory however few bytes it is written with.
func (p *parser) cost() int64 { return int64(p.pos) + 4*int64(p.values) }

// parseAt runs parse on a window that begins at off, with larger windows until
// it is not short of bytes.
func (f *File) parseAt(off int64, strict bool, parse func(*parser) error) error {
	if off < 0 || off >= f.size {
		return fmt.Errorf("%w: offset %d is outside the file", ErrBroken, off)
	}
	for n := int64(1024); ; n *= 4 {
		n = min(n, f.limits.Object, f.size-off)
		b := make([]byte, n)
		if _, err := f.ReadAt(b, off); err != nil && err != io.EOF {
			return fmt.Errorf("read at %d: %w", off, err)
		}
		p := &parser{b: b, last: off+n == f.size, strict: strict}
		err := parse(p)
		if err := f.spend(p.cost() + 64); err != nil { // 64 for the reading
			return err
		}
		if !errors.Is(err, errShort) {
			return err
		}
		if n == f.limits.Object {
			return fmt.Errorf("%w: an object of more than %d bytes", ErrLimit, n)
		}
	}
}

// Root returns the document catalogue and its reference.
func (f *File) Root() (Dict, Ref, error) {
	ref, _ := f.Trailer["Root"].(Ref)
	o, err := f.Get(ref)
	if err != nil {
		return nil, ref, err
	}
	d, ok := o.(Dict)
	if !ok {
		return nil, ref, fmt.Errorf("%w: the document catalogue is no dictionary", ErrBroken)
	}
	return d, ref, nil
}

// Entry returns the cross-reference entry of an object number.
func (f *File) Entry(num int) (Entry, bool) {
	e, ok := f.xref[num]
	return e, ok
}

// Numbers returns how many entries the cross-reference has.
func (f *File) Numbers() int { return len(f.xref) }

// Next returns the first object number that no revision has used.
func (f *File) Next() int {
	next := 1
	for n := range f.xref {
		next = max(next, n+1)
	}
	if size, ok := f.Trailer["Size"].(int64); ok && size > int64(next) && size <= int64(f.limits.Objects) {
		next = int(size)
	}
	return next
}
