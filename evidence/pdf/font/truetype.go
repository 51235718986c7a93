package font

import (
	"encoding/binary"
	"errors"
	"fmt"

	"golang.org/x/image/font/sfnt"
)

var errFont = errors.New("not a TrueType font with outlines")

// face is a parsed TrueType font (OpenType specification 1.9, glyf outlines). It does not
// change and is shared by all documents.
type face struct {
	tables map[string][]byte
	sfnt   *sfnt.Font
	units  int
	long   bool // loca has 32-bit offsets
	glyphs int
	wide   int // glyphs with an advance of their own
}

func parseFace(b []byte) (*face, error) {
	f := &face{tables: map[string][]byte{}}
	var err error
	if f.sfnt, err = sfnt.Parse(b); err != nil {
		return nil, err
	}
	n := int(binary.BigEndian.Uint16(b[4:]))
	for i := range n {
		rec := b[12+16*i:]
		off, size := binary.BigEndian.Uint32(rec[8:]), binary.BigEndian.Uint32(rec[12:])
		if uint64(off)+uint64(size) > uint64(len(b)) {
			return nil, errFont
		}
		f.tables[string(rec[:4])] = b[off : off+size]
	}
	for name, size := range map[string]int{"head": 54, "hhea": 36, "maxp": 32, "hmtx": 4, "loca": 4, "glyf": 1} {
		if len(f.tables[name]) < size {
			return nil, fmt.Errorf("%w: table %s", errFont, name)
		}
	}
	f.units = int(binary.BigEndian.Uint16(f.tables["head"][18:]))
	f.long = binary.BigEndian.Uint16(f.tables["head"][50:]) == 1
	f.glyphs = int(binary.BigEndian.Uint16(f.tables["maxp"][4:]))
	f.wide = int(binary.BigEndian.Uint16(f.tables["hhea"][34:]))
	if f.units == 0 || f.wide == 0 || len(f.tables["hmtx"]) < 4*f.wide {
		return nil, errFont
	}
	return f, nil
}

// index returns the glyph of a character, 0 for none.
func (f *face) index(r rune) uint16 {
	g, err := f.sfnt.GlyphIndex(nil, r)
	if err != nil {
		return 0
	}
	return uint16(g)
}

// metrics returns a glyph's advance and left side bearing in font units.
func (f *face) metrics(g uint16) (advance, bearing uint16) {
	t := f.tables["hmtx"]
	i := min(int(g), f.wide-1)
	advance = binary.BigEndian.Uint16(t[4*i:])
	if int(g) < f.wide {
		return advance, binary.BigEndian.Uint16(t[4*i+2:])
	}
	if at := 4*f.wide + 2*(int(g)-f.wide); at+2 <= len(t) {
		bearing = binary.BigEndian.Uint16(t[at:])
	}
	return advance, bearing
}

// outline returns the description of a glyph, empty for a space.
func (f *face) outline(g uint16) []byte {
	loca, glyf := f.tables["loca"], f.tables["glyf"]
	at := func(i int) int {
		if f.long {
			if 4*i+4 > len(loca) {
				return 0
			}
			return int(binary.BigEndian.Uint32(loca[4*i:]))
		}
		if 2*i+2 > len(loca) {
			return 0
		}
		return 2 * int(binary.BigEndian.Uint16(loca[2*i:]))
	}
	from, to := at(int(g)), at(int(g)+1)
	if from >= to || to > len(glyf) {
		return nil
	}
	return glyf[from:to]
}

// Flags of composite glyphs.
const (
	argsAreWords = 1 << 0
	haveScale    = 1 << 3
	moreParts    = 1 << 5
	haveXYScale  = 1 << 6
	haveTwoByTwo = 1 << 7
)

// parts calls visit with the offset of each component's glyph number in a
// composite outline.
func parts(outline []byte, visit func(at int)) {
	if len(outline) < 10 || int16(binary.BigEndian.Uint16(outline)) >= 0 {
		return
	}
	for at := 10; at+4 <= len(outline); {
		flags := binary.BigEndian.Uint16(outline[at:])
		visit(at + 2)
		at += 6
		if flags&argsAreWords != 0 {
			at += 2
		}
		switch {
		case flags&haveScale != 0:
			at += 2
		case flags&haveXYScale != 0:
			at += 4
		case flags&haveTwoByTwo != 0:
			at += 8
		}
		if flags&moreParts == 0 {
			return
		}
	}
}
