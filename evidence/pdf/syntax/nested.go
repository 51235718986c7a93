package syntax

import (
	"bytes"
	"fmt"
	"io"
)

// oneObject fails where an object, or a trailer, seems to begin inside another:
// in a string, or in a stream that is not compressed. A reader that repairs a
// file looks for just that, and takes the last object of a number.
func (f *File) oneObject(pl Place) error {
	buf := make([]byte, 0, 64<<10)
	in := io.NewSectionReader(f, pl.Start, pl.End-pl.Start)
	heads := 0
	for {
		keep := min(len(buf), overlap)
		copy(buf, buf[len(buf)-keep:])
		n, err := io.ReadFull(in, buf[keep:cap(buf)])
		buf = buf[:keep+n]
		if heads += objectHeads(buf, keep); heads > 1 || hasTrailer(buf) {
			return fmt.Errorf("%w: text of another object", ErrBroken)
		}
		if err == io.EOF || err == io.ErrUnexpectedEOF {
			return nil
		}
		if err != nil {
			return fmt.Errorf("read at %d: %w", pl.Start, err)
		}
	}
}

// overlap is how many bytes two windows share. White space that is longer counts
// as what is looked for.
const overlap = 1 << 10

// objectHeads counts "N G obj" in b whose end is not in the first from bytes.
func objectHeads(b []byte, from int) int {
	count := 0
	for at := max(0, from-len("obj")+1); ; {
		i := bytes.Index(b[at:], []byte("obj"))
		if i < 0 {
			return count
		}
		i += at
		at = i + len("obj")
		rest, ok := number(b[:i])
		if ok {
			rest, ok = number(rest)
		}
		if ok || len(rest) == 0 && from > 0 {
			count++
		}
	}
}

// number cuts white space, and digits before it, off the end of b.
func number(b []byte) (rest []byte, ok bool) {
	digits := bytes.TrimRightFunc(b, isSpaceRune)
	rest = bytes.TrimRightFunc(digits, func(r rune) bool { return r >= '0' && r <= '9' })
	return rest, len(digits) < len(b) && len(rest) < len(digits)
}

// hasTrailer looks for "trailer" with a dictionary behind it.
func hasTrailer(b []byte) bool {
	for {
		_, after, ok := bytes.Cut(b, []byte("trailer"))
		if !ok {
			return false
		}
		dict := bytes.TrimLeftFunc(after, isSpaceRune)
		if bytes.HasPrefix(dict, []byte("<<")) || bytes.HasPrefix(dict, []byte("%")) || len(dict) == 0 && len(after) >= overlap-len("trailer") {
			return true
		}
		b = after
	}
}

func isSpaceRune(r rune) bool { return r < 0x80 && isSpace(byte(r)) }
