// Package syntax reads and extends PDF files at the level of objects: numbers,
// names, dictionaries, streams, cross-reference tables and streams, object
// streams and encryption (ISO 32000-2, clause 7).
//
// It is written for signing and for checking signatures. It therefore keeps
// the bytes of a file as they are (an update only ever appends), never guesses
// when a file is damaged (a reader that repairs is what an attack on a
// signature needs), and bounds every size, count and depth before it
// allocates. It does not draw, and it does not interpret page content.
package syntax

import (
	"errors"
	"slices"
)

// Object is one of: nil (null), bool, int64, float64, Name, String, Array,
// Dict, Ref, *Stream, and for writing also Raw and Hole.
type Object any

// Name is a name without its slash, escapes decoded.
type Name string

// String is a string, decoded and, if the file is encrypted, decrypted.
type String []byte

// Array is an array.
type Array []Object

// Dict is a dictionary. It is written with its keys in order, so that the same
// dictionary always gives the same bytes.
type Dict map[Name]Object

// Ref refers to an indirect object.
type Ref struct{ Num, Gen int }

// Raw is written as it stands: text that is already PDF syntax.
type Raw []byte

// Hole is room that a later step fills in, such as the value of a signature.
// It is written as Width spaces, or as '<', zeros and '>' when Hex is set.
// It is never encrypted.
type Hole struct {
	Name  string
	Width int
	Hex   bool
}

// Stream is a stream. One that was read knows where its bytes are and reads
// them when asked; one that is to be written carries them in Data, encoded as
// its dictionary says.
type Stream struct {
	Dict Dict
	Data []byte

	file *File
	ref  Ref   // the object that it is, for decryption
	off  int64 // of the first byte after "stream" and its end of line
	open bool  // not encrypted even in an encrypted file
}

// Errors that a caller may want to tell apart.
var (
	ErrNotPDF    = errors.New("pdf: the file does not begin as a PDF")
	ErrBroken    = errors.New("pdf: the file is damaged")
	ErrLimit     = errors.New("pdf: the file exceeds a limit")
	ErrEncrypted = errors.New("pdf: the file is encrypted")
	ErrPassword  = errors.New("pdf: the password does not open the file")
)

// Name returns d[key] when it is a direct name, else "".
func (d Dict) Name(key Name) Name {
	n, _ := d[key].(Name)
	return n
}

// Clone returns a copy whose entries can be set without changing d. Values are
// shared.
func (d Dict) Clone() Dict {
	c := make(Dict, len(d)+4)
	for k, v := range d {
		c[k] = v
	}
	return c
}

// Keys returns the keys in order.
func (d Dict) Keys() []Name {
	keys := make([]Name, 0, len(d))
	for k := range d {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

// Number returns an integer or real as a float64.
func Number(o Object) (float64, bool) {
	switch v := o.(type) {
	case int64:
		return float64(v), true
	case float64:
		return v, true
	}
	return 0, false
}
