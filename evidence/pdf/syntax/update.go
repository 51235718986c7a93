package syntax

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"io"
	"maps"
	"slices"
)

// Update is a revision in the making: objects to be appended to a file.
type Update struct {
	base *File
	next int
	objs map[int]item
}

type item struct {
	gen int
	obj Object
}

// NewUpdate begins a revision of f. A nil f begins a new file.
func NewUpdate(f *File) *Update {
	u := &Update{base: f, next: 1, objs: map[int]item{}}
	if f != nil {
		u.next = f.Next()
	}
	return u
}

// NewUpdateAbove begins a revision of f whose new numbers no reference names.
func NewUpdateAbove(f *File) (*Update, error) {
	u := NewUpdate(f)
	var err error
	u.next, err = f.NextUnnamed()
	return u, err
}

// Reserve takes a new object number, to be Set later.
func (u *Update) Reserve() Ref {
	u.next++
	return Ref{Num: u.next - 1}
}

// Add appends a new object.
func (u *Update) Add(o Object) Ref {
	ref := u.Reserve()
	u.Set(ref, o)
	return ref
}

// Set writes an object under a number that is reserved or that the file
// already has.
func (u *Update) Set(ref Ref, o Object) {
	u.objs[ref.Num] = item{ref.Gen, o}
	u.next = max(u.next, ref.Num+1)
}

// Tail is the revision as bytes to be appended to the file.
type Tail struct {
	Bytes []byte
	Holes map[string]int // offset in Bytes of each Hole's first byte
}

// Append lays the revision out. trailer holds entries that the new trailer has
// besides those it keeps from the file. The result depends on the file and the
// objects only.
func (u *Update) Append(trailer Dict) (Tail, error) {
	w := &writer{holes: map[string]int{}}
	start := int64(0)
	if u.base != nil {
		start = u.base.size
		if err := u.newline(w); err != nil {
			return Tail{}, err
		}
	} else {
		w.WriteString("%PDF-1.7\n%\xE2\xE3\xCF\xD3\n") // the second line marks the file as binary (7.5.2)
	}
	entries := map[int]Entry{}
	for _, num := range slices.Sorted(maps.Keys(u.objs)) {
		it := u.objs[num]
		ref := Ref{num, it.gen}
		if u.base != nil && u.base.crypt != nil {
			w.enc = u.base.crypt.encrypter(ref)
		}
		entries[num] = Entry{Kind: InFile, Gen: uint16(it.gen), Offset: start + int64(w.Len())}
		w.indirect(ref, it.obj)
	}
	w.enc = nil
	u.finish(w, start, entries, u.trailer(w, trailer))
	return Tail{Bytes: w.Bytes(), Holes: w.holes}, nil
}

// newline makes sure that the revision begins on a line of its own.
func (u *Update) newline(w *writer) error {
	var b [1]byte
	if _, err := u.base.ReadAt(b[:], u.base.size-1); err != nil && err != io.EOF {
		return fmt.Errorf("read the end of the file: %w", err)
	}
	if b[0] != '\n' && b[0] != '\r' {
		w.WriteByte('\n')
	}
	return nil
}

func (u *Update) trailer(w *writer, extra Dict) Dict {
	t := Dict{}
	if u.base != nil {
		for _, k := range []Name{"Root", "Info", "Encrypt"} {
			if v, ok := u.base.Trailer[k]; ok {
				t[k] = v
			}
		}
		t["Prev"] = u.base.Sections[0]
	}
	maps.Copy(t, extra)
	t["ID"] = u.fileID(w)
	return t
}

// fileID keeps the first half of the identifier and derives the second from
// the content of this revision (ISO 32000-2, 14.4).
func (u *Update) fileID(w *writer) Array {
	h := sha256.New()
	h.Write(w.Bytes())
	if u.base != nil {
		_ = binary.Write(h, binary.BigEndian, u.base.size) // a hash does not fail
		if id, ok := u.base.Trailer["ID"].(Array); ok && len(id) == 2 {
			if second, ok := id[1].(String); ok {
				h.Write(second)
			}
			return Array{id[0], String(h.Sum(nil)[:16])}
		}
	}
	id := String(h.Sum(nil)[:16])
	return Array{id, id}
}

// finish writes the cross-reference in the form that the file already uses.
func (u *Update) finish(w *writer, start int64, entries map[int]Entry, trailer Dict) {
	at := start + int64(w.Len())
	if u.base == nil || u.base.Tables {
		if u.base == nil {
			entries[0] = Entry{Kind: Free, Gen: 65535}
		}
		trailer["Size"] = int64(u.next)
		w.table(entries, trailer)
	} else {
		self := u.next
		entries[self] = Entry{Kind: InFile, Offset: at}
		trailer["Size"] = int64(self + 1)
		w.xrefStream(Ref{Num: self}, entries, trailer)
	}
	fmt.Fprintf(w, "startxref\n%d\n%%%%EOF\n", at)
}

// runs cuts sorted numbers into runs without a hole: first number and count.
func runs(entries map[int]Entry) [][2]int {
	var out [][2]int
	for _, n := range slices.Sorted(maps.Keys(entries)) {
		if k := len(out) - 1; k >= 0 && out[k][0]+out[k][1] == n {
			out[k][1]++
			continue
		}
		out = append(out, [2]int{n, 1})
	}
	return out
}

func (w *writer) table(entries map[int]Entry, trailer Dict) {
	w.WriteString("xref\n")
	for _, run := range runs(entries) {
		fmt.Fprintf(w, "%d %d\n", run[0], run[1])
		for n := run[0]; n < run[0]+run[1]; n++ {
			kind := "n"
			if entries[n].Kind == Free {
				kind = "f"
			}
			fmt.Fprintf(w, "%010d %05d %s \n", entries[n].Offset, entries[n].Gen, kind)
		}
	}
	w.WriteString("trailer\n")
	w.dict(trailer)
	w.WriteByte('\n')
}

func (w *writer) xrefStream(self Ref, entries map[int]Entry, trailer Dict) {
	var data []byte
	index := Array{}
	for _, run := range runs(entries) {
		index = append(index, int64(run[0]), int64(run[1]))
		for n := run[0]; n < run[0]+run[1]; n++ {
			e := entries[n]
			data = append(data, byte(e.Kind))
			data = binary.BigEndian.AppendUint64(data, uint64(e.Offset))
			data = binary.BigEndian.AppendUint16(data, e.Gen)
		}
	}
	trailer["Type"], trailer["Index"] = Name("XRef"), index
	trailer["W"] = Array{int64(1), int64(8), int64(2)}
	st := Deflate(trailer, data)
	st.open = true
	w.indirect(self, st)
}

// Fill writes text into a hole, from its first byte on.
func (t Tail) Fill(hole string, text []byte) { copy(t.Bytes[t.Holes[hole]:], text) }
