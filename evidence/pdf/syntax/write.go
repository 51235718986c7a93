package syntax

import (
	"bytes"
	"fmt"
	"math"
	"strconv"
	"strings"
)

// writer serialises objects. Where enc is set, strings and streams are
// encrypted for the object being written.
type writer struct {
	bytes.Buffer
	holes map[string]int // offset of each hole's first byte in the buffer
	enc   func(plain []byte) []byte
}

func (w *writer) object(o Object) {
	switch v := o.(type) {
	case nil:
		w.WriteString("null")
	case bool:
		w.WriteString(strconv.FormatBool(v))
	case int:
		w.WriteString(strconv.Itoa(v))
	case int64:
		w.WriteString(strconv.FormatInt(v, 10))
	case float64:
		w.WriteString(exact(v))
	case Name:
		w.name(v)
	case String:
		w.string(v)
	case Array:
		w.array(v)
	case Dict:
		w.dict(v)
	case Ref:
		fmt.Fprintf(w, "%d %d R", v.Num, v.Gen)
	case Raw:
		w.Write(v)
	case Hole:
		w.hole(v)
	case *Stream:
		w.stream(v)
	}
}

// exact writes a real so that it reads back as the same value and as a real: a
// page that is written again must not change.
func exact(v float64) string {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return "0.0" // PDF has neither, so nothing that was read is one
	}
	s := strconv.FormatFloat(v, 'f', -1, 64)
	if !strings.Contains(s, ".") {
		s += ".0"
	}
	return s
}

// FormatReal writes a number of a content stream with at most five decimals: PDF knows no
// exponents, and a hundred-thousandth of a point is below any device.
func FormatReal(v float64) string {
	r := math.Round(v*1e5) / 1e5
	if r == 0 || math.IsNaN(r) { // also gets rid of -0
		return "0"
	}
	return strconv.FormatFloat(r, 'f', -1, 64)
}

func (w *writer) name(n Name) {
	w.WriteByte('/')
	for i := range len(n) {
		if c := n[i]; c > ' ' && c < 0x7f && c != '#' && isRegular(c) {
			w.WriteByte(c)
			continue
		}
		fmt.Fprintf(w, "#%02X", n[i])
	}
}

// string writes text in parentheses where it is plain, else in hexadecimal.
func (w *writer) string(s String) {
	if w.enc != nil {
		s = w.enc(s)
	}
	for _, c := range s {
		if c < ' ' || c > '~' || c == '(' || c == ')' || c == '\\' {
			fmt.Fprintf(w, "<%X>", []byte(s))
			return
		}
	}
	w.WriteByte('(')
	w.Write(s)
	w.WriteByte(')')
}

func (w *writer) array(a Array) {
	w.WriteByte('[')
	for i, o := range a {
		if i > 0 {
			w.WriteByte(' ')
		}
		w.object(o)
	}
	w.WriteByte(']')
}

func (w *writer) dict(d Dict) {
	w.WriteString("<<")
	for _, k := range d.Keys() {
		w.name(k)
		w.WriteByte(' ')
		w.object(d[k])
	}
	w.WriteString(">>")
}

func (w *writer) hole(h Hole) {
	w.holes[h.Name] = w.Len()
	if !h.Hex {
		w.Write(bytes.Repeat([]byte{' '}, h.Width))
		return
	}
	w.WriteByte('<')
	w.Write(bytes.Repeat([]byte{'0'}, h.Width-2))
	w.WriteByte('>')
}

func (w *writer) stream(s *Stream) {
	data := s.Data
	if w.enc != nil && !s.open {
		data = w.enc(data)
	}
	d := s.Dict.Clone()
	d["Length"] = int64(len(data))
	w.dict(d)
	w.WriteString("\nstream\n")
	w.Write(data)
	w.WriteString("\nendstream")
}

// indirect writes "N G obj ... endobj" on lines of their own.
func (w *writer) indirect(ref Ref, o Object) {
	fmt.Fprintf(w, "%d %d obj\n", ref.Num, ref.Gen)
	w.object(o)
	w.WriteString("\nendobj\n")
}
