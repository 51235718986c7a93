package syntax

import (
	"time"
	"unicode/utf16"
)

// Text encodes a text string: ASCII as it is, anything else in UTF-16.
func Text(s string) String {
	plain := true
	for _, r := range s {
		plain = plain && r >= ' ' && r <= '~'
	}
	if plain {
		return String(s)
	}
	out := String{0xFE, 0xFF}
	for _, u := range utf16.Encode([]rune(s)) {
		out = append(out, byte(u>>8), byte(u))
	}
	return out
}

// Text decodes a text string: UTF-16 or UTF-8 with a mark, else Latin-1, which
// agrees with PDFDocEncoding where names are concerned.
func (s String) Text() string {
	switch {
	case len(s) >= 2 && s[0] == 0xFE && s[1] == 0xFF:
		var u []uint16
		for i := 2; i+1 < len(s); i += 2 {
			u = append(u, uint16(s[i])<<8|uint16(s[i+1]))
		}
		return string(utf16.Decode(u))
	case len(s) >= 3 && s[0] == 0xEF && s[1] == 0xBB && s[2] == 0xBF:
		return string(s[3:])
	}
	r := make([]rune, len(s))
	for i, c := range s {
		r[i] = rune(c)
	}
	return string(r)
}

// Date is a PDF date in UTC (ISO 32000-2, 7.9.4).
func Date(t time.Time) String { return String(t.UTC().Format("D:20060102150405Z")) }
