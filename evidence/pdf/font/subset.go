package font

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"slices"
	"unicode/utf16"

	"inkwitness/evidence/pdf/syntax"
)

// subset is the part of a font that a document uses. Glyphs are renumbered in
// the order of their first use; 0 stays the box for missing characters.
type subset struct {
	face     *face
	name     string
	resource string
	order    []uint16          // original numbers by new number
	number   map[uint16]uint16 // new numbers by original
	runes    map[uint16]rune   // by new number, for copying text out
	used     bool              // some text is set in it
}

func newSubset(f *face, name string, i int) *subset {
	return &subset{face: f, name: name, resource: fmt.Sprintf("F%d", i+1),
		order: []uint16{0}, number: map[uint16]uint16{0: 0}, runes: map[uint16]rune{}}
}

// glyph returns the number in the subset and the width in em.
func (s *subset) glyph(r rune) (uint16, float64) {
	s.used = true
	orig := s.face.index(r)
	n := s.use(orig)
	if n != 0 {
		s.runes[n] = r
	}
	return n, s.width(orig)
}

func (s *subset) width(orig uint16) float64 {
	adv, _ := s.face.metrics(orig)
	return float64(adv) / float64(s.face.units)
}

func (s *subset) use(orig uint16) uint16 {
	if n, ok := s.number[orig]; ok {
		return n
	}
	n := uint16(len(s.order))
	s.number[orig] = n
	s.order = append(s.order, orig)
	return n
}

// closure takes in the parts of composite glyphs.
func (s *subset) closure() {
	for i := 0; i < len(s.order); i++ {
		o := s.face.outline(s.order[i])
		parts(o, func(at int) { s.use(binary.BigEndian.Uint16(o[at:])) })
	}
}

// file builds the font file of the subset.
func (s *subset) file() []byte {
	s.closure()
	var glyf, loca, hmtx []byte
	for _, orig := range s.order {
		loca = binary.BigEndian.AppendUint32(loca, uint32(len(glyf)))
		o := bytes.Clone(s.face.outline(orig))
		parts(o, func(at int) {
			binary.BigEndian.PutUint16(o[at:], s.number[binary.BigEndian.Uint16(o[at:])])
		})
		glyf = append(glyf, o...)
		for len(glyf)%4 != 0 {
			glyf = append(glyf, 0)
		}
		adv, lsb := s.face.metrics(orig)
		hmtx = binary.BigEndian.AppendUint16(binary.BigEndian.AppendUint16(hmtx, adv), lsb)
	}
	loca = binary.BigEndian.AppendUint32(loca, uint32(len(glyf)))
	head := bytes.Clone(s.face.tables["head"])
	binary.BigEndian.PutUint32(head[8:], 0) // checkSumAdjustment, set below
	binary.BigEndian.PutUint16(head[50:], 1)
	hhea := bytes.Clone(s.face.tables["hhea"])
	binary.BigEndian.PutUint16(hhea[34:], uint16(len(s.order)))
	maxp := bytes.Clone(s.face.tables["maxp"])
	binary.BigEndian.PutUint16(maxp[4:], uint16(len(s.order)))
	tables := map[string][]byte{"glyf": glyf, "head": head, "hhea": hhea, "hmtx": hmtx, "loca": loca, "maxp": maxp}
	for _, t := range []string{"cvt ", "fpgm", "prep"} {
		if b := s.face.tables[t]; len(b) > 0 {
			tables[t] = b
		}
	}
	return sfntFile(tables)
}

// sfntFile puts tables together with their directory and checksums.
func sfntFile(tables map[string][]byte) []byte {
	var tags []string
	for t := range tables {
		tags = append(tags, t)
	}
	slices.Sort(tags)
	n := len(tags)
	power := 1
	log := 0
	for power*2 <= n {
		power, log = power*2, log+1
	}
	out := binary.BigEndian.AppendUint32(nil, 0x00010000)
	for _, v := range []int{n, power * 16, log, (n - power) * 16} {
		out = binary.BigEndian.AppendUint16(out, uint16(v))
	}
	off := 12 + 16*n
	var body []byte
	headAt := 0
	for _, t := range tags {
		b := tables[t]
		if t == "head" {
			headAt = off + len(body)
		}
		out = append(out, t...)
		for _, v := range []uint32{checksum(b), uint32(off + len(body)), uint32(len(b))} {
			out = binary.BigEndian.AppendUint32(out, v)
		}
		body = append(body, b...)
		for len(body)%4 != 0 {
			body = append(body, 0)
		}
	}
	out = append(out, body...)
	binary.BigEndian.PutUint32(out[headAt+8:], 0xB1B0AFBA-checksum(out))
	return out
}

func checksum(b []byte) (sum uint32) {
	for len(b) >= 4 {
		sum += binary.BigEndian.Uint32(b)
		b = b[4:]
	}
	if len(b) > 0 {
		var last [4]byte
		copy(last[:], b)
		sum += binary.BigEndian.Uint32(last[:])
	}
	return sum
}

// embed adds the font to a document as a composite font whose codes are glyph
// numbers (ISO 32000-2, 9.7).
func (s *subset) embed(add func(syntax.Object) syntax.Ref) syntax.Ref {
	file := s.file()
	base := syntax.Name(tag(file) + "+" + s.name)
	descriptor := s.descriptor(base, add(syntax.Deflate(syntax.Dict{"Length1": int64(len(file))}, file)))
	widths := syntax.Array{}
	for _, orig := range s.order {
		widths = append(widths, s.width(orig)*1000)
	}
	cid := add(syntax.Dict{
		"Type": syntax.Name("Font"), "Subtype": syntax.Name("CIDFontType2"), "BaseFont": base,
		"CIDSystemInfo":  syntax.Dict{"Registry": syntax.String("Adobe"), "Ordering": syntax.String("Identity"), "Supplement": 0},
		"FontDescriptor": add(descriptor), "W": syntax.Array{0, widths}, "CIDToGIDMap": syntax.Name("Identity"),
	})
	return add(syntax.Dict{
		"Type": syntax.Name("Font"), "Subtype": syntax.Name("Type0"), "BaseFont": base,
		"Encoding": syntax.Name("Identity-H"), "DescendantFonts": syntax.Array{cid},
		"ToUnicode": add(syntax.Deflate(syntax.Dict{}, s.toUnicode())),
	})
}

// tag is the six letters that mark a subset (ISO 32000-2, 9.9.2).
func tag(file []byte) string {
	sum := sha256.Sum256(file)
	t := make([]byte, 6)
	for i := range t {
		t[i] = 'A' + sum[i]%26
	}
	return string(t)
}

func (s *subset) descriptor(base syntax.Name, file syntax.Ref) syntax.Dict {
	em := func(table string, at int) float64 {
		v := int16(binary.BigEndian.Uint16(s.face.tables[table][at:]))
		return float64(v) * 1000 / float64(s.face.units)
	}
	return syntax.Dict{
		"Type": syntax.Name("FontDescriptor"), "FontName": base, "Flags": 4, // symbolic: codes are glyphs
		"FontBBox": syntax.Array{em("head", 36), em("head", 38), em("head", 40), em("head", 42)},
		"Ascent":   em("hhea", 4), "Descent": em("hhea", 6), "CapHeight": 700, "ItalicAngle": 0, "StemV": 80,
		"FontFile2": file,
	}
}

// toUnicode maps codes back to text (ISO 32000-2, 9.10.3).
func (s *subset) toUnicode() []byte {
	var b bytes.Buffer
	b.WriteString("/CIDInit /ProcSet findresource begin\n12 dict begin\nbegincmap\n/CMapName /Adobe-Identity-UCS def\n/CMapType 2 def\n1 begincodespacerange\n<0000> <FFFF>\nendcodespacerange\n")
	var lines []string
	for n := 1; n < len(s.order); n++ {
		if r, ok := s.runes[uint16(n)]; ok {
			lines = append(lines, fmt.Sprintf("<%04X> <%s>\n", n, utf16Hex(r)))
		}
	}
	for part := range slices.Chunk(lines, 100) { // at most 100 to a block
		fmt.Fprintf(&b, "%d beginbfchar\n", len(part))
		for _, l := range part {
			b.WriteString(l)
		}
		b.WriteString("endbfchar\n")
	}
	b.WriteString("endcmap\nCMapName currentdict /CMap defineresource pop\nend\nend\n")
	return b.Bytes()
}

func utf16Hex(r rune) (out string) {
	for _, u := range utf16.Encode([]rune{r}) {
		out += fmt.Sprintf("%04X", u)
	}
	return out
}
