package proof

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Note is a signed note (C2SP signed-note): text, and lines of signatures.
type Note struct {
	Text string // ends in a newline
	Sigs []Sig
}

// Sig is one signature line.
type Sig struct {
	Name string
	ID   uint32
	Raw  []byte
}

// sigPrefix is an em dash and a space.
const sigPrefix = "\u2014 "

// Marshal returns the note as it is sent and stored.
func (n Note) Marshal() []byte {
	var b bytes.Buffer
	b.WriteString(n.Text + "\n")
	for _, s := range n.Sigs {
		b.WriteString(s.Line())
	}
	return b.Bytes()
}

// Line returns the signature as a line of a note.
func (s Sig) Line() string {
	return sigPrefix + s.Name + " " + b64.EncodeToString(append(binary.BigEndian.AppendUint32(nil, s.ID), s.Raw...)) + "\n"
}

// ParseNote reads a note with at least one signature.
func ParseNote(data []byte) (Note, error) {
	if len(data) > maxBytes || !utf8.Valid(data) || bytes.ContainsFunc(data, func(r rune) bool { return r < ' ' && r != '\n' }) {
		return Note{}, fmt.Errorf("note: %w", ErrMalformed)
	}
	i := bytes.LastIndex(data, []byte("\n\n"))
	if i < 0 {
		return Note{}, fmt.Errorf("note without signatures: %w", ErrMalformed)
	}
	sigs, err := ParseSigs(data[i+2:])
	return Note{Text: string(data[:i+1]), Sigs: sigs}, err
}

// ParseSigs reads lines of signatures, as a witness returns them.
func ParseSigs(data []byte) ([]Sig, error) {
	text, ok := strings.CutSuffix(string(data), "\n")
	lines := strings.Split(text, "\n")
	if !ok || len(lines) > maxSigs {
		return nil, fmt.Errorf("signature lines: %w", ErrMalformed)
	}
	var sigs []Sig
	for _, line := range lines {
		rest, ok := strings.CutPrefix(line, sigPrefix)
		name, encoded, split := strings.Cut(rest, " ")
		raw, err := b64.DecodeString(encoded)
		if !ok || !split || err != nil || !validName(name) || len(raw) < 5 {
			return nil, fmt.Errorf("signature line %.80q: %w", line, ErrMalformed)
		}
		sigs = append(sigs, Sig{Name: name, ID: binary.BigEndian.Uint32(raw), Raw: raw[4:]})
	}
	return sigs, nil
}

func validName(name string) bool {
	return name != "" && len(name) <= 255 && utf8.ValidString(name) && !strings.Contains(name, "+") && !strings.ContainsFunc(name, unicode.IsSpace)
}

// Checkpoint is a signed tree head (C2SP tlog-checkpoint).
type Checkpoint struct {
	Origin string
	Size   int64
	Root   Hash
	Note   Note
}

// CheckpointText is the text that is signed.
func CheckpointText(origin string, size int64, root Hash) string {
	return fmt.Sprintf("%s\n%d\n%s\n", origin, size, b64.EncodeToString(root[:]))
}

// ParseCheckpoint reads a signed checkpoint without extension lines.
func ParseCheckpoint(data []byte) (Checkpoint, error) {
	note, err := ParseNote(data)
	if err != nil {
		return Checkpoint{}, err
	}
	c := Checkpoint{Note: note}
	lines := strings.Split(note.Text, "\n")
	if len(lines) != 4 || lines[0] == "" || len(lines[0]) > 255 {
		return c, fmt.Errorf("checkpoint: %w", ErrMalformed)
	}
	c.Origin = lines[0]
	if c.Size, err = strconv.ParseInt(lines[1], 10, 64); err != nil || c.Size < 0 {
		return c, fmt.Errorf("checkpoint size: %w", ErrMalformed)
	}
	if c.Root, err = ParseHash(lines[2]); err != nil {
		return c, err
	}
	if CheckpointText(c.Origin, c.Size, c.Root) != note.Text {
		return c, fmt.Errorf("checkpoint is not in canonical form: %w", ErrMalformed)
	}
	return c, nil
}
