package syntax

// seen is what was parsed for one of several files that are beginnings of the same
// bytes: most objects stand in all of them, and parse the same.
type seen struct {
	objects map[int64]*parsed // by offset
	room    int64             // left for them, in the units of Work
}

// maxSeen bounds them: a value takes some eight times the work of parsing it in bytes.
const maxSeen = 8 << 20

// hit is what is taken off the budget for an object that need not be parsed: finding it
// takes a third of the time of parsing a small one.
const hit = 128

// parsed is an object, of an object stream its content as well. It is not to be changed.
type parsed struct {
	ref  Ref
	o    Object
	read int64 // end of the bytes that made a difference

	pack    *pack // of an object stream that refers to nothing
	packEnd int64 // of its data
}

// keeps says whether what is parsed is remembered. What is encrypted is not: strings
// are decrypted where they stand.
func (f *File) keeps() bool { return f.limits.seen != nil && !f.Encrypted() }

// stored is objectAt for the object of a cross-reference entry. Where it was parsed in
// another file it is the same in this one, if both hold all that the parser looked at.
func (f *File) stored(off int64) (Ref, Object, error) {
	if !f.keeps() {
		return f.objectAt(off, true, nil)
	}
	s := f.limits.seen
	if k, ok := s.objects[off]; ok && k.read <= f.size {
		return k.ref, k.in(f), f.spend(hit)
	}
	before := *f.limits.spent
	var pl Place
	ref, o, err := f.objectAt(off, true, &pl)
	if cost := *f.limits.spent - before; err == nil && pl.read <= f.size && cost <= s.room {
		k := &parsed{ref: ref, o: o, read: pl.read}
		s.objects[off], s.room = k, s.room-cost
		o = k.in(f)
	}
	return ref, o, err
}

// in is the object as one of a file: a stream reads from there.
func (k *parsed) in(f *File) Object {
	st, ok := k.o.(*Stream)
	if !ok {
		return k.o
	}
	return &Stream{Dict: st.Dict, file: f, ref: st.ref, off: st.off}
}

// storedPack is unpack for the object stream at an offset, likewise.
func (f *File) storedPack(off int64, st *Stream) (*pack, error) {
	if !f.keeps() {
		return f.unpack(st)
	}
	k, ok := f.limits.seen.objects[off]
	if ok && k.read <= f.size && k.pack != nil && k.packEnd <= f.size {
		return k.pack, f.spend(hit)
	}
	pk, err := f.unpack(st)
	if err != nil || !ok {
		return pk, err
	}
	n, direct := st.Dict["Length"].(int64)
	Refs(st.Dict, func(Ref) { direct = false }) // another file may have something else there
	if cost := int64(pk.size()); direct && cost <= f.limits.seen.room {
		f.limits.seen.room -= cost
		pk.objects = map[int32]Object{}
		k.pack, k.packEnd = pk, st.off+n
	}
	return pk, nil
}
