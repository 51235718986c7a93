// Package ink is the binary coding of pen samples and of the messages that
// carry them: one coding for the wire (subprotocol inkwitness.pen.v1) and for
// the journal, so that the bytes that a client hashed are the bytes that are
// kept. It also makes the receipt that the server signs for a finished stream.
//
// The byte diagrams are in capture/README.md; testdata/vectors.json has the
// vectors that the Go and the TypeScript coder both pass.
//
// It is not a file format for exchange (see capture/interchange) and it knows
// nothing of sockets, files or clocks. Every function is pure; every parser is
// bounded before it allocates.
package ink

import (
	"encoding/binary"
	"fmt"

	"inkwitness/capture"
)

// Protocol is the WebSocket subprotocol that both ends must agree on.
const Protocol = "inkwitness.pen.v1"

// Limits of one message. Both ends refuse more.
const (
	MaxMessage = 16 << 10 // bytes of a whole message
	MaxPoints  = 512      // points in a batch
)

// UnitsPerCSSPixel is the number of position units in one CSS pixel.
const UnitsPerCSSPixel = 100

// Integers on the wire stay within what a JavaScript number holds exactly, so
// that both ends compute the same values. A time is half of that because its
// zigzag coding doubles it.
const (
	maxInteger = 1<<53 - 1
	maxTime    = 1<<52 - 1
)

// The first byte of a message is its type; server messages have the high bit.
const (
	typeBatch   = 0x01
	typePing    = 0x02
	typeFinish  = 0x03
	typeDevice  = 0x04
	typeWelcome = 0x81
	typeAck     = 0x82
	typePong    = 0x83
	typeReceipt = 0x84
)

// malformed is the error of every parser of this package.
func malformed(format string, args ...any) error {
	return fmt.Errorf("ink: "+format+": %w", append(args, capture.ErrMalformed)...)
}

// cursor reads a message from front to back and keeps the first failure, so
// that a parser reads like the byte diagram it follows.
type cursor struct {
	rest []byte
	err  error
}

func (c *cursor) fail(format string, args ...any) {
	if c.err == nil {
		c.err = malformed(format, args...)
	}
	c.rest = nil
}

func (c *cursor) byte(what string) byte {
	if len(c.rest) == 0 {
		c.fail("%s is missing", what)
		return 0
	}
	b := c.rest[0]
	c.rest = c.rest[1:]
	return b
}

// unsigned reads an unsigned LEB128 number of 0..2^53-1 in its shortest form: a
// number has one coding.
func (c *cursor) unsigned(what string) uint64 {
	v, n := binary.Uvarint(c.rest)
	switch {
	case n <= 0:
		c.fail("%s is not a varint", what)
		return 0
	case n > 1 && c.rest[n-1] == 0:
		c.fail("%s is not in its shortest form", what)
		return 0
	case v > maxInteger:
		c.fail("%s is out of range", what)
		return 0
	}
	c.rest = c.rest[n:]
	return v
}

// add reads a zigzag delta, adds it to base and checks the sum.
func (c *cursor) add(what string, base, lo, hi int64) int64 {
	u := c.unsigned(what)
	v := base + (int64(u>>1) ^ -int64(u&1))
	if v < lo || v > hi {
		c.fail("%s is out of range", what)
		return 0
	}
	return v
}

func (c *cursor) take(what string, dst []byte) {
	if len(c.rest) < len(dst) {
		c.fail("%s is cut short", what)
		return
	}
	copy(dst, c.rest)
	c.rest = c.rest[len(dst):]
}

// end returns the first failure, or one for bytes left over.
func (c *cursor) end() error {
	if c.err == nil && len(c.rest) > 0 {
		c.fail("%d bytes too many", len(c.rest))
	}
	return c.err
}

// open checks size and type of a message and returns a cursor after the type.
func open(msg []byte, typ byte, name string) *cursor {
	c := &cursor{rest: msg}
	if len(msg) > MaxMessage {
		c.fail("%s of %d bytes is over %d", name, len(msg), MaxMessage)
		return c
	}
	if got := c.byte("type"); c.err == nil && got != typ {
		c.fail("type 0x%02x is not %s", got, name)
	}
	return c
}
