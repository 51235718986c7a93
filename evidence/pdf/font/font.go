// Package font embeds text fonts into PDF files: only the glyphs that are
// used, in any mixture of Latin, Greek, Cyrillic, Chinese, Japanese and Korean.
//
// Latin, Greek and Cyrillic come from the Go fonts (golang.org/x/image, BSD
// licence), everything else from Droid Sans Fallback (Apache License 2.0). It
// does not shape: scripts that need it, such as Arabic, come out letter by
// letter, and a character that no font has is drawn as a box.
package font

import (
	_ "embed" // the CJK fonts
	"fmt"
	"sync"

	"golang.org/x/image/font/gofont/gobold"
	"golang.org/x/image/font/gofont/goregular"

	"inkwitness/evidence/pdf/syntax"
)

// Droid Sans Fallback as Debian's fonts-droid-fallback 1:6.0.1r16 ships it. The
// full one has more rare Han characters, the other one Hangul. Strings, so that
// a program which draws no text does not carry them.
var (
	//go:embed DroidSansFallbackFull.ttf
	han string
	//go:embed DroidSansFallback.ttf
	hangul string
)

// Style selects the weight of Latin text; CJK text has one weight.
type Style int

// The styles.
const (
	Regular Style = iota
	Bold
)

// Set is the fonts of one document. It is not safe for concurrent use.
type Set struct {
	subsets [len(faces)]*subset // regular, bold, Han, Hangul; nil until used
}

// Fonts that have no styles, in the order in which they are asked.
const (
	hanIndex    = 2
	hangulIndex = 3
)

// NewSet returns a set without any glyph used.
func NewSet() *Set { return &Set{} }

func (s *Set) subset(i int) (*subset, error) {
	if s.subsets[i] != nil {
		return s.subsets[i], nil
	}
	name, data := "GoRegular", func() []byte { return goregular.TTF }
	switch i {
	case int(Bold):
		name, data = "GoBold", func() []byte { return gobold.TTF }
	case hanIndex:
		name, data = "DroidSansFallbackFull", func() []byte { return []byte(han) }
	case hangulIndex:
		name, data = "DroidSansFallback", func() []byte { return []byte(hangul) }
	}
	c := &faces[i]
	c.once.Do(func() { c.face, c.err = parseFace(data()) })
	if c.err != nil {
		return nil, fmt.Errorf("font %s: %w", name, c.err)
	}
	s.subsets[i] = newSubset(c.face, name, i)
	return s.subsets[i], nil
}

// faces are the fonts in the order of Set.subsets. Each is read at its first use and
// kept: a copy for each document took more of sealing than the signatures in it.
// Nothing here names the fonts, which the linker leaves out where no text is drawn.
var faces [4]struct {
	once sync.Once
	face *face
	err  error
}

// Run is a piece of text in one font.
type Run struct {
	Font   string   // resource name, such as "F1"
	Glyphs []uint16 // numbers in the embedded subset
	Width  float64  // in em
}

// Runs cuts text into runs, each in a font that has its characters, and marks
// the glyphs as used.
func (s *Set) Runs(text string, style Style) ([]Run, error) {
	var out []Run
	for _, r := range text {
		sub, err := s.pick(r, style)
		if err != nil {
			return nil, err
		}
		gid, width := sub.glyph(r)
		if n := len(out); n == 0 || out[n-1].Font != sub.resource {
			out = append(out, Run{Font: sub.resource})
		}
		last := &out[len(out)-1]
		last.Glyphs = append(last.Glyphs, gid)
		last.Width += width
	}
	return out, nil
}

// pick returns the first font that has the character, the Latin one when none
// has.
func (s *Set) pick(r rune, style Style) (*subset, error) {
	for _, i := range []int{int(style), hanIndex, hangulIndex} {
		sub, err := s.subset(i)
		if err != nil || sub.face.index(r) != 0 {
			return sub, err
		}
	}
	return s.subset(int(style))
}

// Width returns the width of text in em.
func (s *Set) Width(text string, style Style) (float64, error) {
	runs, err := s.Runs(text, style)
	w := 0.0
	for _, r := range runs {
		w += r.Width
	}
	return w, err
}

// Embed adds the used fonts to a document and returns the /Font resources.
func (s *Set) Embed(add func(syntax.Object) syntax.Ref) syntax.Dict {
	out := syntax.Dict{}
	for _, sub := range s.subsets {
		if sub != nil && sub.used {
			out[syntax.Name(sub.resource)] = sub.embed(add)
		}
	}
	return out
}
