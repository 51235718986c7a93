package font

import (
	"encoding/binary"
	"reflect"
	"strings"
	"sync"
	"testing"

	"golang.org/x/image/font/sfnt"

	"inkwitness/evidence/pdf/syntax"
)

// TestSubset reads an embedded subset back and compares outlines and widths
// with the whole font's. (TestNames of package pdf has poppler read one.)
func TestSubset(t *testing.T) {
	s := NewSet()
	if _, err := s.Runs("Äpfel é fi 王小明 김", Regular); err != nil {
		t.Fatal(err)
	}
	for _, sub := range s.subsets {
		if sub == nil || !sub.used {
			continue
		}
		file := sub.file()
		f, err := parseSubset(sub, file)
		if err != nil {
			t.Fatalf("%s: %v", sub.name, err)
		}
		for n, orig := range sub.order {
			a, _ := sub.face.metrics(orig)
			if b, _ := f.metrics(uint16(n)); a != b {
				t.Errorf("%s: glyph %d is %d wide, want %d", sub.name, n, b, a)
			}
			if a, b := len(sub.face.outline(orig)), len(f.outline(uint16(n))); b < a || b > a+3 {
				t.Errorf("%s: glyph %d has %d bytes, want %d", sub.name, n, b, a)
			}
		}
		if sum := checksum(file); sum != 0xB1B0AFBA {
			t.Errorf("%s: checksum %x", sub.name, sum)
		}
		if len(file) > 40_000 {
			t.Errorf("%s: %d bytes for a few letters", sub.name, len(file))
		}
	}
}

func parseSubset(sub *subset, file []byte) (*face, error) {
	f := &face{tables: map[string][]byte{}, units: sub.face.units, long: true, wide: len(sub.order)}
	n := int(binary.BigEndian.Uint16(file[4:]))
	for i := range n {
		rec := file[12+16*i:]
		off, size := binary.BigEndian.Uint32(rec[8:]), binary.BigEndian.Uint32(rec[12:])
		f.tables[string(rec[:4])] = file[off : off+size]
	}
	return f, nil
}

// TestComposite checks that the parts of composite glyphs come along, under
// their new numbers.
func TestComposite(t *testing.T) {
	s := NewSet()
	if _, err := s.Runs("乢乣㐇", Regular); err != nil {
		t.Fatal(err)
	}
	sub := s.subsets[hanIndex]
	f, err := parseSubset(sub, sub.file())
	if err != nil {
		t.Fatal(err)
	}
	found := 0
	for n := range sub.order {
		o := f.outline(uint16(n))
		parts(o, func(at int) {
			found++
			if p := binary.BigEndian.Uint16(o[at:]); int(p) >= len(sub.order) || len(f.outline(p)) == 0 {
				t.Errorf("glyph %d refers to part %d of %d", n, p, len(sub.order))
			}
		})
	}
	if found == 0 {
		t.Error("no composite glyph among them")
	}
}

// TestWhichFont says where characters come from.
func TestWhichFont(t *testing.T) {
	s := NewSet()
	for text, want := range map[string]string{
		"A": "F1", "é": "F1", "Ж": "F1", "λ": "F1", "€": "F1", "漢": "F3", "汉": "F3", "あ": "F3", "。": "F3", "한": "F4", "\U0001F600": "F1",
	} {
		runs, err := s.Runs(text, Regular)
		if err != nil || len(runs) != 1 || runs[0].Font != want {
			t.Errorf("%s: %+v, error %v", text, runs, err)
		}
	}
	if runs, err := s.Runs("A", Bold); err != nil || runs[0].Font != "F2" {
		t.Errorf("bold: %+v, error %v", runs, err)
	}
	if runs, _ := s.Runs("\U0001F600", Regular); runs[0].Glyphs[0] != 0 {
		t.Error("a character that no font has is not the box")
	}
}

func TestEmbed(t *testing.T) {
	s := NewSet()
	if fonts := s.Embed(nil); len(fonts) != 0 {
		t.Errorf("unused fonts are embedded: %v", fonts)
	}
	if _, err := s.Runs("漢", Regular); err != nil {
		t.Fatal(err)
	}
	var added []syntax.Object
	fonts := s.Embed(func(o syntax.Object) syntax.Ref {
		added = append(added, o)
		return syntax.Ref{Num: len(added)}
	})
	if len(fonts) != 1 || fonts["F3"] == nil {
		t.Fatalf("fonts %v", fonts)
	}
	for _, o := range added {
		d, ok := o.(syntax.Dict)
		if !ok {
			continue
		}
		if base := string(d.Name("BaseFont")); base != "" && (len(base) < 8 || base[6] != '+' || strings.ToUpper(base[:6]) != base[:6]) {
			t.Errorf("subset tag of %s", base)
		}
	}
}

// TestFonts parses the embedded fonts as x/image does.
func TestFonts(t *testing.T) {
	for _, b := range []string{han, hangul} {
		f, err := sfnt.Parse([]byte(b))
		if err != nil || f.NumGlyphs() < 40_000 {
			t.Errorf("error %v", err)
		}
	}
}

// TestManyAtOnce draws many documents at the same time: they share what was read of the
// fonts, and each has glyphs of its own.
func TestManyAtOnce(t *testing.T) {
	const text = "Äpfel é fi 王小明 김 乢乣㐇"
	embed := func() (files [][]byte) {
		s := NewSet()
		if _, err := s.Runs(text, Regular); err != nil {
			t.Error(err)
		}
		for _, sub := range s.subsets {
			if sub != nil && sub.used {
				files = append(files, sub.file())
			}
		}
		return files
	}
	want := embed()
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			if got := embed(); !reflect.DeepEqual(got, want) {
				t.Error("another document has other fonts")
			}
		})
	}
	all.Wait()
}
