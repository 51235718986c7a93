package syntax

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"reflect"
)

// maxDepth bounds nested arrays and dictionaries.
const maxDepth = 64

// maxValues bounds the values of one object. A value of two bytes takes some
// twenty times that of memory, a dictionary a hundred times and more.
const (
	maxValues  = 1 << 20
	dictValues = 4 // as which a dictionary counts
)

// errShort says that the window ended before the object did; the caller
// enlarges the window and parses again.
var errShort = errors.New("pdf: window too short")

// parser reads objects from a window of the file.
type parser struct {
	b      []byte
	pos    int
	last   bool // the window ends where the file ends
	strict bool // a key that stands twice in a dictionary with different values is an error
	depth  int
	skips  int // comments passed over
	values int // parsed so far
	far    int // the furthest position that it went back from

	// contents is the window range of the last string that was the value of a
	// /Contents key of the outermost dictionary, brackets included.
	contents [2]int
}

func (p *parser) fail(what string) error {
	return fmt.Errorf("%w: %s at byte %d of an object", ErrBroken, what, p.pos)
}

// short is the error for running into the end of the window.
func (p *parser) short() error {
	if p.last {
		return p.fail("unexpected end")
	}
	return errShort
}

func isSpace(c byte) bool {
	return c == 0 || c == '\t' || c == '\n' || c == '\f' || c == '\r' || c == ' '
}

func isDelim(c byte) bool {
	switch c {
	case '(', ')', '<', '>', '[', ']', '{', '}', '/', '%':
		return true
	}
	return false
}

func isRegular(c byte) bool { return !isSpace(c) && !isDelim(c) }

// space skips white space and comments. It fails only at the end of a window.
func (p *parser) space() error {
	for p.pos < len(p.b) {
		c := p.b[p.pos]
		if c == '%' {
			p.skips++
			for p.pos < len(p.b) && p.b[p.pos] != '\n' && p.b[p.pos] != '\r' {
				p.pos++
			}
			continue
		}
		if !isSpace(c) {
			return nil
		}
		p.pos++
	}
	return p.short()
}

// word returns the run of regular characters at the position.
func (p *parser) word() (string, error) {
	start := p.pos
	for p.pos < len(p.b) && isRegular(p.b[p.pos]) {
		p.pos++
	}
	if p.pos == len(p.b) && !p.last {
		return "", errShort
	}
	return string(p.b[start:p.pos]), nil
}

// keyword consumes the given word after white space, or fails.
func (p *parser) keyword(want string) error {
	if err := p.space(); err != nil {
		return err
	}
	w, err := p.word()
	if err != nil {
		return err
	}
	if w != want {
		return p.fail("expected " + want)
	}
	return nil
}

// object parses one object.
func (p *parser) object() (Object, error) {
	if err := p.space(); err != nil {
		return nil, err
	}
	if p.values++; p.values > maxValues {
		return nil, fmt.Errorf("%w: an object of more than %d values", ErrLimit, maxValues)
	}
	switch c := p.b[p.pos]; {
	case c == '/':
		return p.name()
	case c == '(':
		return p.literal()
	case c == '[':
		return nested(p, (*parser).array)
	case c == '<':
		if p.pos+1 == len(p.b) {
			return nil, p.short()
		}
		if p.b[p.pos+1] == '<' {
			return nested(p, (*parser).dict)
		}
		return p.hex()
	case c == '+' || c == '-' || c == '.' || c >= '0' && c <= '9':
		return p.number()
	}
	return p.constant()
}

// nested parses an array or a dictionary one level deeper.
func nested[T Object](p *parser, parse func(*parser) (T, error)) (Object, error) {
	if p.depth++; p.depth > maxDepth {
		return nil, fmt.Errorf("%w: nesting deeper than %d", ErrLimit, maxDepth)
	}
	defer func() { p.depth-- }()
	return parse(p)
}

func (p *parser) constant() (Object, error) {
	w, err := p.word()
	if err != nil {
		return nil, err
	}
	switch w {
	case "true":
		return true, nil
	case "false":
		return false, nil
	case "null":
		return nil, nil
	}
	return nil, p.fail("unknown word")
}

func (p *parser) name() (Object, error) {
	p.pos++
	w, err := p.word()
	if err != nil {
		return nil, err
	}
	if !bytes.ContainsRune([]byte(w), '#') {
		return Name(w), nil
	}
	out := make([]byte, 0, len(w))
	for i := 0; i < len(w); i++ {
		if w[i] == '#' && i+2 < len(w) && hexDigit(w[i+1]) >= 0 && hexDigit(w[i+2]) >= 0 {
			out = append(out, byte(hexDigit(w[i+1])<<4|hexDigit(w[i+2])))
			i += 2
			continue
		}
		out = append(out, w[i])
	}
	return Name(out), nil
}

func hexDigit(c byte) int {
	switch {
	case c >= '0' && c <= '9':
		return int(c - '0')
	case c >= 'a' && c <= 'f':
		return int(c-'a') + 10
	case c >= 'A' && c <= 'F':
		return int(c-'A') + 10
	}
	return -1
}

func (p *parser) hex() (Object, error) {
	// A signature's tens of thousands of digits stand without a space.
	if end := bytes.IndexByte(p.b[p.pos:], '>'); end > 0 {
		digits := p.b[p.pos+1 : p.pos+end]
		out := make(String, hex.DecodedLen(len(digits)))
		if _, err := hex.Decode([]byte(out), digits); err == nil {
			p.pos += end + 1
			return out, nil
		}
	}
	out := String{}
	high := -1
	for p.pos++; p.pos < len(p.b); p.pos++ {
		c := p.b[p.pos]
		if c == '>' {
			p.pos++
			if high >= 0 {
				out = append(out, byte(high<<4))
			}
			return out, nil
		}
		if isSpace(c) {
			continue
		}
		d := hexDigit(c)
		if d < 0 {
			return nil, p.fail("bad digit in hexadecimal string")
		}
		if high < 0 {
			high = d
			continue
		}
		out = append(out, byte(high<<4|d))
		high = -1
	}
	return nil, p.short()
}

// literal parses a string in parentheses.
func (p *parser) literal() (Object, error) {
	out := String{}
	open := 1
	for p.pos++; p.pos < len(p.b); p.pos++ {
		c := p.b[p.pos]
		switch c {
		case '(':
			open++
		case ')':
			if open--; open == 0 {
				p.pos++
				return out, nil
			}
		case '\\':
			var err error
			if out, err = p.escape(out); err != nil {
				return nil, err
			}
			continue
		case '\r': // any end of line reads as a line feed
			if p.pos+1 < len(p.b) && p.b[p.pos+1] == '\n' {
				p.pos++
			}
			c = '\n'
		}
		out = append(out, c)
	}
	return nil, p.short()
}

// escape appends what the backslash at the position stands for and leaves the
// position on the sequence's last byte.
func (p *parser) escape(out String) (String, error) {
	if p.pos++; p.pos+2 >= len(p.b) {
		if !p.last || p.pos >= len(p.b) {
			return nil, p.short()
		}
	}
	switch c := p.b[p.pos]; c {
	case 'n':
		return append(out, '\n'), nil
	case 'r':
		return append(out, '\r'), nil
	case 't':
		return append(out, '\t'), nil
	case 'b':
		return append(out, '\b'), nil
	case 'f':
		return append(out, '\f'), nil
	case '\n':
		return out, nil
	case '\r':
		if p.pos+1 < len(p.b) && p.b[p.pos+1] == '\n' {
			p.pos++
		}
		return out, nil
	default:
		if c < '0' || c > '7' {
			return append(out, c), nil
		}
	}
	v := 0
	for i := 0; i < 3 && p.pos < len(p.b) && p.b[p.pos] >= '0' && p.b[p.pos] <= '7'; i++ {
		v = v<<3 | int(p.b[p.pos]-'0')
		p.pos++
	}
	p.pos--
	return append(out, byte(v)), nil
}

func (p *parser) array() (Array, error) {
	p.pos++
	out := Array{}
	for {
		if err := p.space(); err != nil {
			return nil, err
		}
		if p.b[p.pos] == ']' {
			p.pos++
			return out, nil
		}
		o, err := p.object()
		if err != nil {
			return nil, err
		}
		out = append(out, o)
	}
}

func (p *parser) dict() (Dict, error) {
	p.pos += 2
	p.values += dictValues - 1
	out := Dict{}
	for {
		if err := p.space(); err != nil {
			return nil, err
		}
		if p.b[p.pos] == '>' {
			maps.DeleteFunc(out, func(_ Name, v Object) bool { return v == nil }) // null is the same as absent
			return out, p.endDict()
		}
		if p.b[p.pos] != '/' {
			return nil, p.fail("expected a key")
		}
		if err := p.entry(out); err != nil {
			return nil, err
		}
	}
}

func (p *parser) endDict() error {
	if p.pos+1 >= len(p.b) {
		return p.short()
	}
	if p.b[p.pos+1] != '>' {
		return p.fail("expected >>")
	}
	p.pos += 2
	return nil
}

func (p *parser) entry(out Dict) error {
	k, err := p.name()
	if err != nil {
		return err
	}
	key := k.(Name)
	if err := p.space(); err != nil {
		return err
	}
	start := p.pos
	v, err := p.object()
	if err != nil {
		return err
	}
	if _, isString := v.(String); isString && key == "Contents" && p.depth == 1 {
		p.contents = [2]int{start, p.pos}
	}
	if old, twice := out[key]; twice && p.strict && !reflect.DeepEqual(old, v) {
		return p.fail("key " + string(key) + " stands twice")
	}
	out[key] = v
	return nil
}
