package page

import (
	"strings"
	"unicode"

	"inkwitness/evidence/pdf/font"
)

// wrap breaks text into lines of at most width em. Lines break at spaces and
// line feeds, between CJK characters, and inside a word only where it alone is
// too long, as digests are.
func wrap(fonts *font.Set, text string, style font.Style, width float64) ([]string, error) {
	var out []string
	for _, para := range strings.Split(text, "\n") {
		w := wrapper{fonts: fonts, style: style, width: width}
		for _, a := range atoms(para) {
			if err := w.add(a); err != nil {
				return nil, err
			}
		}
		out = append(append(out, w.lines...), strings.TrimRight(w.line.String(), " "))
	}
	return out, nil
}

type wrapper struct {
	fonts *font.Set
	style font.Style
	width float64
	lines []string
	line  strings.Builder
	used  float64 // em of line
}

func (w *wrapper) add(atom string) error {
	solid := strings.TrimRight(atom, " ")
	need, err := w.fonts.Width(solid, w.style)
	if err != nil {
		return err
	}
	if w.used > 0 && w.used+need > w.width {
		w.flush()
	}
	if need > w.width {
		return w.split(atom)
	}
	w.line.WriteString(atom)
	full, err := w.fonts.Width(atom, w.style)
	w.used += full
	return err
}

// split writes a word that is longer than a line character by character.
func (w *wrapper) split(word string) error {
	for _, r := range word {
		need, err := w.fonts.Width(string(r), w.style)
		if err != nil {
			return err
		}
		if w.used > 0 && w.used+need > w.width {
			w.flush()
		}
		w.line.WriteRune(r)
		w.used += need
	}
	return nil
}

func (w *wrapper) flush() {
	w.lines = append(w.lines, strings.TrimRight(w.line.String(), " "))
	w.line.Reset()
	w.used = 0
}

// Characters that may not begin or end a line (the usual rule of Chinese and
// Japanese typesetting, JIS X 4051).
const (
	notFirst = "、。，．：；？！）］｝〉》」』】〕’”,.:;?!)]}"
	notLast  = "（［｛〈《「『【〔‘“([{"
)

// atoms cuts text into the pieces between which a line may break; spaces stay
// at the end of the piece before them.
func atoms(text string) []string {
	var out []string
	var cur strings.Builder
	prev := rune(-1)
	for _, r := range text {
		if prev >= 0 && canBreak(prev, r) {
			out = append(out, cur.String())
			cur.Reset()
		}
		cur.WriteRune(r)
		prev = r
	}
	return append(out, cur.String())
}

func canBreak(a, b rune) bool {
	switch {
	case b == ' ':
		return false
	case a == ' ':
		return true
	case strings.ContainsRune(notLast, a) || strings.ContainsRune(notFirst, b):
		return false
	}
	return ideographic(a) || ideographic(b)
}

func ideographic(r rune) bool {
	return unicode.In(r, unicode.Han, unicode.Hiragana, unicode.Katakana) || r >= 0x3000 && r <= 0x303F || r >= 0xFF00 && r <= 0xFF60
}
