package syntax

import "fmt"

// Revision is one appended update, every byte of which is accounted for.
type Revision struct {
	Start, End int64 // End is behind %%EOF and its end of line
	Section    Section
	Objects    map[int]Place // objects that stand in it, the cross-reference stream left out
	packs      []*Stream     // those of them that are object streams
}

// Account reads the update that begins at start and whose cross-reference is
// at section. It fails unless the update is nothing but whole objects, each of
// them listed in the cross-reference with its place, the cross-reference
// itself, "startxref" and "%%EOF", with white space between. Bytes that one
// reader skips and another one reads are how incremental saving attacks work.
func (f *File) Account(start, section int64) (Revision, error) {
	rev := Revision{Start: start, Objects: map[int]Place{}}
	var err error
	if rev.Section, err = f.section(section, true); err != nil {
		return rev, err
	}
	if rev.Section.Trailer["XRefStm"] != nil {
		return rev, fmt.Errorf("%w: an update with two cross-references", ErrBroken)
	}
	pos, err := f.walkObjects(&rev, start, section)
	if err != nil {
		return rev, err
	}
	if err := f.allListed(rev); err != nil {
		return rev, err
	}
	if err := f.packsListed(rev); err != nil {
		return rev, err
	}
	rev.End, err = f.walkEnd(pos, section)
	return rev, err
}

// walkObjects steps from object to object up to the cross-reference and
// returns the offset behind that.
func (f *File) walkObjects(rev *Revision, pos, section int64) (int64, error) {
	for {
		next, err := f.skipSpace(pos)
		if err != nil {
			return 0, err
		}
		if pos = next; pos >= section {
			break
		}
		ref, o, place, err := f.At(pos)
		if err != nil {
			return 0, err
		}
		want := Entry{Kind: InFile, Gen: uint16(ref.Gen), Offset: pos}
		if _, twice := rev.Objects[ref.Num]; twice || rev.Section.Entries[ref.Num] != want {
			return 0, fmt.Errorf("%w: object %d at %d is not in the cross-reference", ErrBroken, ref.Num, pos)
		}
		if place.Comments {
			return 0, fmt.Errorf("%w: a comment inside object %d", ErrBroken, ref.Num)
		}
		if err := f.oneObject(place); err != nil {
			return 0, fmt.Errorf("object %d: %w", ref.Num, err)
		}
		if st, ok := o.(*Stream); ok {
			switch st.Dict.Name("Type") {
			case "XRef":
				return 0, fmt.Errorf("%w: an update with two cross-references", ErrBroken)
			case "ObjStm":
				rev.packs = append(rev.packs, st)
			}
		}
		rev.Objects[ref.Num] = place
		pos = place.End
	}
	if pos != section {
		return 0, fmt.Errorf("%w: the cross-reference does not follow the objects", ErrBroken)
	}
	if rev.Section.Table {
		return rev.Section.end, nil
	}
	_, _, place, err := f.At(section)
	if err == nil && place.Comments {
		err = fmt.Errorf("%w: a comment inside the cross-reference", ErrBroken)
	}
	if err == nil {
		err = f.oneObject(place)
	}
	return place.End, err
}

// packsListed checks that the object streams hold what the cross-reference says
// and nothing else: readers that find an object in its stream by number and
// readers that find it by its place must find the same.
func (f *File) packsListed(rev Revision) error {
	for _, st := range rev.packs {
		pk, err := f.unpack(st)
		if err != nil {
			return err
		}
		for i, num := range pk.numbers {
			if rev.Section.Entries[num] != (Entry{Kind: Compressed, Offset: int64(st.ref.Num), Index: int32(i)}) {
				return fmt.Errorf("%w: object %d in object stream %d is not in the cross-reference", ErrBroken, num, st.ref.Num)
			}
		}
	}
	return nil
}

// allListed checks the other direction: every entry points into the update.
func (f *File) allListed(rev Revision) error {
	if rev.Section.Entries[0].Kind != Free {
		return fmt.Errorf("%w: an object with number 0", ErrBroken)
	}
	for num, e := range rev.Section.Entries {
		ok := false
		switch e.Kind {
		case Free:
			ok = true // points nowhere; whether it may go is for the caller to say
		case InFile:
			_, ok = rev.Objects[num]
			ok = ok || num == rev.Section.Self
		case Compressed:
			_, ok = rev.Objects[int(e.Offset)]
		}
		if !ok {
			return fmt.Errorf("%w: entry %d points outside its update", ErrBroken, num)
		}
	}
	return nil
}

func (f *File) walkEnd(pos, section int64) (int64, error) {
	end := pos
	err := f.parseAt(pos, true, func(p *parser) error {
		if err := p.keyword("startxref"); err != nil {
			return err
		}
		off, err := p.plainInt()
		if err != nil || int64(off) != section {
			return p.fail("startxref of an update names another place")
		}
		for p.pos < len(p.b) && isSpace(p.b[p.pos]) {
			p.pos++
		}
		if p.pos+5 > len(p.b) {
			return p.short()
		}
		if string(p.b[p.pos:p.pos+5]) != "%%EOF" {
			return p.fail("expected %%EOF")
		}
		if p.skips > 0 {
			return p.fail("a comment before %%EOF")
		}
		end = pos + int64(p.pos) + 5
		return nil
	})
	if err != nil {
		return 0, err
	}
	return f.skipLine(end)
}

// skipSpace returns the offset of the next byte that is not white space, or
// the size of the file.
func (f *File) skipSpace(pos int64) (int64, error) {
	b := make([]byte, 256)
	for pos < f.size {
		n, err := f.ReadAt(b[:min(256, f.size-pos)], pos)
		if n == 0 {
			return 0, fmt.Errorf("read at %d: %w", pos, err)
		}
		for _, c := range b[:n] {
			if !isSpace(c) {
				return pos, nil
			}
			pos++
		}
	}
	return pos, nil
}

// skipLine returns the offset behind an end of line, where there is one.
func (f *File) skipLine(pos int64) (int64, error) {
	b := make([]byte, 2)
	n, _ := f.ReadAt(b, pos) // short at the end of the file, which is fine
	switch {
	case n > 1 && b[0] == '\r' && b[1] == '\n':
		return pos + 2, nil
	case n > 0 && (b[0] == '\n' || b[0] == '\r'):
		return pos + 1, nil
	}
	return pos, nil
}

// OnlySpace says whether nothing but white space stands from pos to the end.
func (f *File) OnlySpace(pos int64) (bool, error) {
	next, err := f.skipSpace(pos)
	return next >= f.size, err
}
