package syntax

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
)

// maxRefs bounds a chain of references to references.
const maxRefs = 16

// Get loads an indirect object. An object that the file does not have is null
// (nil), as the specification wants.
func (f *File) Get(ref Ref) (Object, error) {
	e, ok := f.xref[ref.Num]
	switch {
	case !ok || e.Kind == Free || e.Kind != Compressed && int(e.Gen) != ref.Gen:
		return nil, nil
	case e.Kind == Compressed:
		return f.fromPack(ref, e)
	}
	got, o, err := f.stored(e.Offset)
	if err != nil {
		return nil, fmt.Errorf("object %d: %w", ref.Num, err)
	}
	if got != ref {
		return nil, fmt.Errorf("%w: object %d is not where the cross-reference says", ErrBroken, ref.Num)
	}
	return f.decrypted(o, ref)
}

// Resolve follows references until it meets something else.
func (f *File) Resolve(o Object) (Object, error) {
	for range maxRefs {
		ref, ok := o.(Ref)
		if !ok {
			return o, nil
		}
		var err error
		if o, err = f.Get(ref); err != nil {
			return nil, err
		}
	}
	return nil, fmt.Errorf("%w: a chain of references", ErrBroken)
}

// Dict resolves o and returns it if it is a dictionary (or a stream's), else
// nil.
func (f *File) Dict(o Object) (Dict, error) {
	o, err := f.Resolve(o)
	switch v := o.(type) {
	case Dict:
		return v, err
	case *Stream:
		return v.Dict, err
	}
	return nil, err
}

// Array resolves o and returns it if it is an array, else nil.
func (f *File) Array(o Object) (Array, error) {
	o, err := f.Resolve(o)
	a, _ := o.(Array)
	return a, err
}

// Place is where an object stands in the file.
type Place struct {
	Start, End int64    // from its number to the end of "endobj"
	Contents   [2]int64 // the string behind /Contents of the outermost dictionary, brackets included
	Comments   bool     // comments stand between its tokens

	read int64 // end of the bytes that made a difference
}

// At reads the object that begins at an offset and tells how far it reaches,
// stream and "endobj" included. A dictionary with the same key twice is refused.
func (f *File) At(off int64) (Ref, Object, Place, error) {
	pl := Place{Start: off}
	ref, o, err := f.objectAt(off, true, &pl)
	if err != nil {
		return ref, nil, pl, err
	}
	end := pl.End
	if st, ok := o.(*Stream); ok {
		n, err := st.length()
		if err != nil {
			return ref, nil, pl, err
		}
		if end, err = f.endKeyword(st.off+n, "endstream"); err != nil {
			return ref, nil, pl, err
		}
	}
	if pl.End, err = f.endKeyword(end, "endobj"); err != nil {
		return ref, nil, pl, err
	}
	o, err = f.decrypted(o, ref)
	return ref, o, pl, err
}

// endKeyword returns the offset just behind the given word, before which only
// white space may stand.
func (f *File) endKeyword(off int64, word string) (end int64, err error) {
	err = f.parseAt(off, true, func(p *parser) error {
		err := p.keyword(word)
		if err == nil && p.skips > 0 {
			return p.fail("a comment before " + word)
		}
		end = off + int64(p.pos)
		return err
	})
	return end, err
}

// objectAt parses "N G obj ..." at an offset. Strings are still encrypted.
// pl, when given, receives the end of the object proper.
func (f *File) objectAt(off int64, strict bool, pl *Place) (ref Ref, o Object, err error) {
	err = f.parseAt(off, strict, func(p *parser) error {
		if ref, err = p.objectHead(); err != nil {
			return err
		}
		if o, err = p.object(); err != nil {
			return err
		}
		if pl != nil {
			pl.End, pl.Comments = off+int64(p.pos), p.skips > 0
			pl.Contents = [2]int64{off + int64(p.contents[0]), off + int64(p.contents[1])}
		}
		if d, ok := o.(Dict); ok {
			start, ok, err := p.streamStart()
			if err != nil {
				return err
			}
			if ok {
				o = &Stream{Dict: d, file: f, ref: ref, off: off + int64(start)}
			}
		}
		if pl != nil {
			pl.read = off + int64(p.looked())
		}
		return nil
	})
	return ref, o, err
}

func (p *parser) objectHead() (Ref, error) {
	var n [2]int
	for i := range n {
		if err := p.space(); err != nil {
			return Ref{}, err
		}
		w, err := p.word()
		if err != nil {
			return Ref{}, err
		}
		v, err := strconv.ParseUint(w, 10, 31)
		if err != nil {
			return Ref{}, p.fail("no object here")
		}
		n[i] = int(v)
	}
	return Ref{n[0], n[1]}, p.keyword("obj")
}

// streamStart looks for "stream" and its end of line behind a dictionary.
func (p *parser) streamStart() (int, bool, error) {
	back := p.pos
	if err := p.space(); err != nil {
		return 0, false, err
	}
	w, err := p.word()
	if err != nil || w != "stream" {
		p.back(back)
		return 0, false, err
	}
	if p.pos+2 > len(p.b) {
		return 0, false, p.short()
	}
	if p.b[p.pos] == '\r' {
		p.pos++
	}
	if p.b[p.pos] == '\n' {
		p.pos++
	}
	return p.pos, true, nil
}

// pack is a decoded object stream.
type pack struct {
	data    []byte
	numbers []int
	offsets []int
	objects map[int32]Object // parsed, where they are remembered
}

// maxPacked bounds the decoded object streams kept at a time, in bytes.
const maxPacked = 32 << 20

// fromPack loads an object from an object stream (ISO 32000-2, 7.5.7).
func (f *File) fromPack(ref Ref, e Entry) (Object, error) {
	pk, err := f.pack(int(e.Offset))
	if err != nil {
		return nil, err
	}
	if ref.Gen != 0 || int(e.Index) >= len(pk.numbers) || pk.numbers[e.Index] != ref.Num {
		return nil, fmt.Errorf("%w: object %d is not in its object stream", ErrBroken, ref.Num)
	}
	if o, ok := pk.objects[e.Index]; ok {
		return o, f.spend(hit)
	}
	p := &parser{b: pk.data[pk.offsets[e.Index]:], last: true, strict: true}
	o, err := p.object()
	if err == nil {
		err = f.spend(p.cost())
	}
	if err == nil && pk.objects != nil && p.cost() <= f.limits.seen.room {
		f.limits.seen.room -= p.cost()
		pk.objects[e.Index] = o
	}
	return o, err
}

func (f *File) pack(num int) (*pack, error) {
	if pk, ok := f.packs[num]; ok {
		return pk, nil
	}
	e := f.xref[num]
	if e.Kind != InFile || f.busy[num] {
		return nil, fmt.Errorf("%w: object stream %d is missing", ErrBroken, num)
	}
	f.busy[num] = true
	defer delete(f.busy, num)
	o, err := f.Get(Ref{num, int(e.Gen)})
	if err != nil {
		return nil, err
	}
	st, ok := o.(*Stream)
	if !ok || st.Dict.Name("Type") != "ObjStm" {
		return nil, fmt.Errorf("%w: object %d is no object stream", ErrBroken, num)
	}
	pk, err := f.storedPack(e.Offset, st)
	if err != nil {
		return nil, err
	}
	f.keep(num, pk)
	return pk, nil
}

// keep remembers a decoded object stream and forgets the others when they
// together grow too large.
func (f *File) keep(num int, pk *pack) {
	if f.packed += pk.size(); f.packed > maxPacked {
		clear(f.packs)
		f.packed = pk.size()
	}
	f.packs[num] = pk
}

// size is what a decoded object stream takes of memory; the smallest, some
// hundred bytes.
func (pk *pack) size() int { return 256 + len(pk.data) + 16*len(pk.numbers) }

func (f *File) unpack(st *Stream) (*pack, error) {
	data, err := st.Decode()
	if err != nil {
		return nil, err
	}
	bad := fmt.Errorf("%w: bad object stream", ErrBroken)
	n, ok1 := st.Dict["N"].(int64)
	first, ok2 := st.Dict["First"].(int64)
	if !ok1 || !ok2 || n < 0 || first < 0 || first > int64(len(data)) || n > first || n > int64(f.limits.Objects) {
		return nil, bad
	}
	pk := &pack{data: data}
	p := &parser{b: data[:first], last: true}
	for range n {
		num, err1 := p.plainInt()
		off, err2 := p.plainInt()
		if err1 != nil || err2 != nil || off > len(data)-int(first) {
			return nil, bad
		}
		pk.numbers = append(pk.numbers, num)
		pk.offsets = append(pk.offsets, int(first)+off)
	}
	return pk, nil
}

func (p *parser) plainInt() (int, error) {
	if err := p.space(); err != nil {
		return 0, err
	}
	w, err := p.word()
	if err != nil {
		return 0, err
	}
	v, err := strconv.ParseUint(w, 10, 31)
	return int(v), err
}

// Each loads every object in the order of their numbers. An object that cannot
// be read ends the walk.
func (f *File) Each(visit func(Ref, Object) error) error {
	for _, num := range slices.Sorted(maps.Keys(f.xref)) {
		e := f.xref[num]
		if e.Kind == Free {
			continue
		}
		ref := Ref{num, int(e.Gen)}
		o, err := f.Get(ref)
		if err != nil {
			return err
		}
		if err := visit(ref, o); err != nil {
			return err
		}
	}
	return nil
}
