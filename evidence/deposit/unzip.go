package deposit

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"math"

	"inkwitness/evidence"
)

// archive is a container as found. The two lists, local headers and directory,
// must say the same; where one is damaged the other is used.
type archive struct {
	r       io.ReaderAt
	size    int64
	at      stamp
	entries []entry
	faults  []fault // of the structure, in the order found
}

// fault is a place where the structure is not what it must be.
type fault struct {
	part string
	text string
}

// openArchive reads the structure. It fails only where neither list can be
// read; every deviation from the one accepted form is a fault.
func openArchive(r io.ReaderAt, size int64) (*archive, error) {
	a := &archive{r: r, size: size}
	walked, at, start, walkErr := a.walk()
	listed, listErr := a.list()
	switch {
	case walkErr == nil:
		a.entries, a.at = walked, at
		a.compareDirectory(start, listed)
	case listErr == nil:
		a.entries, a.at = listed.entries, listed.at
		a.compareHeaders()
	default:
		return nil, fmt.Errorf("container: %w", walkErr)
	}
	if len(a.entries) == 0 {
		return nil, fmt.Errorf("container without files: %w", evidence.ErrMalformed)
	}
	return a, nil
}

// walk reads the local headers from the start to the directory.
func (a *archive) walk() (entries []entry, at stamp, start int64, err error) {
	off := int64(0)
	for {
		var head [localBytes]byte
		if n, err := a.r.ReadAt(head[:], off); n < 4 {
			return nil, at, 0, fmt.Errorf("at byte %d: %w", off, orEOF(err))
		}
		if binary.LittleEndian.Uint32(head[:]) == directoryMark && len(entries) > 0 {
			return entries, at, off, nil
		}
		e, stamped, err := a.readLocal(head, off)
		if err != nil || len(entries) == maxEntries {
			return nil, at, 0, fmt.Errorf("file %d at byte %d: %w", len(entries)+1, off, evidence.ErrMalformed)
		}
		if len(entries) == 0 {
			at = stamped
		}
		if stamped != at {
			return nil, at, 0, fmt.Errorf("time of file %d: %w", len(entries)+1, evidence.ErrMalformed)
		}
		entries = append(entries, e)
		off = e.dataOffset() + e.size
	}
}

func orEOF(err error) error {
	if err == nil || err == io.EOF { //nolint:errorlint // ReaderAt returns it bare
		return io.ErrUnexpectedEOF
	}
	return err
}

// readLocal accepts a header only when writing it again gives the same bytes.
func (a *archive) readLocal(head [localBytes]byte, off int64) (entry, stamp, error) {
	u16 := func(at int) int { return int(binary.LittleEndian.Uint16(head[at:])) }
	e := entry{offset: off, crc: binary.LittleEndian.Uint32(head[14:]), size: int64(binary.LittleEndian.Uint32(head[22:]))}
	name, extra := u16(26), u16(28)
	if name == 0 || name > maxPath || extra != 0 && extra != 20 {
		return e, stamp{}, evidence.ErrMalformed
	}
	full := make([]byte, localBytes+name+extra)
	if n, err := a.r.ReadAt(full, off); n < len(full) {
		return e, stamp{}, orEOF(err)
	}
	e.name = string(full[localBytes : localBytes+name])
	if extra == 20 {
		e.size = int64(min(binary.LittleEndian.Uint64(full[len(full)-8:]), math.MaxInt64/4))
	}
	at := stamp{date: u16(12), clock: u16(10)}
	if !bytes.Equal(e.local(at), full) || e.size > a.size-off {
		return e, at, evidence.ErrMalformed
	}
	return e, at, nil
}

// listing is the directory as read.
type listing struct {
	entries []entry
	at      stamp
}

// list reads the directory by way of the end record.
func (a *archive) list() (listing, error) {
	var l listing
	var tail [locatorBytes + endBytes]byte
	if a.size < int64(len(tail)) {
		return l, evidence.ErrMalformed
	}
	if n, err := a.r.ReadAt(tail[:], a.size-int64(len(tail))); n < len(tail) {
		return l, orEOF(err)
	}
	end := tail[locatorBytes:]
	start, length := int64(binary.LittleEndian.Uint32(end[16:])), int64(binary.LittleEndian.Uint32(end[12:]))
	if binary.LittleEndian.Uint32(tail[:]) == locator64Mark {
		var end64 [end64Bytes]byte
		at := int64(binary.LittleEndian.Uint64(tail[8:]))
		if at < 0 || at > a.size {
			return l, evidence.ErrMalformed
		}
		if n, err := a.r.ReadAt(end64[:], at); n < len(end64) {
			return l, orEOF(err)
		}
		length, start = int64(binary.LittleEndian.Uint64(end64[40:])), int64(binary.LittleEndian.Uint64(end64[48:]))
	}
	if start < 0 || length < 0 || start > a.size || length > a.size-start || length > maxEntries*512 {
		return l, evidence.ErrMalformed
	}
	raw := make([]byte, length)
	if n, err := a.r.ReadAt(raw, start); n < len(raw) {
		return l, orEOF(err)
	}
	return parseDirectory(raw, start)
}

// parseDirectory reads directory entries and asks that files follow each other
// without gaps up to the directory.
func parseDirectory(raw []byte, start int64) (listing, error) {
	var l listing
	off := int64(0)
	for len(raw) > 0 {
		if len(raw) < directoryBytes || len(l.entries) == maxEntries {
			return l, evidence.ErrMalformed
		}
		name, extra := int(binary.LittleEndian.Uint16(raw[28:])), int(binary.LittleEndian.Uint16(raw[30:]))
		total := directoryBytes + name + extra
		if name == 0 || name > maxPath || extra > 28 || len(raw) < total {
			return l, evidence.ErrMalformed
		}
		e := entry{name: string(raw[directoryBytes : directoryBytes+name]), offset: off,
			crc: binary.LittleEndian.Uint32(raw[16:]), size: int64(binary.LittleEndian.Uint32(raw[24:]))}
		if e.size == math.MaxUint32 && extra >= 12 {
			e.size = int64(min(binary.LittleEndian.Uint64(raw[directoryBytes+name+4:]), math.MaxInt64/4))
		}
		at := stamp{date: int(binary.LittleEndian.Uint16(raw[14:])), clock: int(binary.LittleEndian.Uint16(raw[12:]))}
		if len(l.entries) == 0 {
			l.at = at
		}
		if !bytes.Equal(e.directory(l.at), raw[:total]) {
			return l, evidence.ErrMalformed
		}
		l.entries = append(l.entries, e)
		off, raw = e.dataOffset()+e.size, raw[total:]
		if off > start {
			return l, evidence.ErrMalformed
		}
	}
	if off != start {
		return l, evidence.ErrMalformed
	}
	return l, nil
}

// compareDirectory checks everything after the files against what the local
// headers ask for.
func (a *archive) compareDirectory(start int64, listed listing) {
	off := start
	for i, e := range a.entries {
		want := e.directory(a.at)
		if !a.same(off, want) {
			other := ""
			if i < len(listed.entries) && listed.entries[i].name != e.name {
				other = fmt.Sprintf("; the directory calls it %q", listed.entries[i].name)
			}
			a.faults = append(a.faults, fault{e.name, fmt.Sprintf("The header and the directory entry of %q do not agree%s.", e.name, other)})
		}
		off += int64(len(want))
	}
	end := ending(len(a.entries), start, off-start)
	if !a.same(off, end) {
		a.faults = append(a.faults, fault{"end of the directory", "The end of the container's directory is damaged."})
	}
	if extra := a.size - off - int64(len(end)); extra > 0 {
		a.faults = append(a.faults, fault{"end of the directory", fmt.Sprintf("The container has %d bytes too many at its end.", extra)})
	} else if extra < 0 {
		a.faults = append(a.faults, fault{"end of the directory", fmt.Sprintf("The container is cut short: %d bytes are missing at its end.", -extra)})
	}
}

// compareHeaders checks the local headers against a sound directory.
func (a *archive) compareHeaders() {
	for _, e := range a.entries {
		if !a.same(e.offset, e.local(a.at)) {
			a.faults = append(a.faults, fault{e.name, fmt.Sprintf("The header of %q is damaged.", e.name)})
		}
	}
	if len(a.faults) == 0 { // the walk failed, so something must be wrong
		a.faults = append(a.faults, fault{"structure", "The container's structure is damaged."})
	}
}

func (a *archive) same(off int64, want []byte) bool {
	got := make([]byte, len(want))
	n, _ := a.r.ReadAt(got, off)
	return n == len(want) && bytes.Equal(got, want)
}

// open returns the contents of an entry, without a copy.
func (a *archive) open(e entry) *io.SectionReader {
	return io.NewSectionReader(a.r, e.dataOffset(), e.size)
}

// find returns the entry of a name.
func (a *archive) find(name string) (entry, bool) {
	for _, e := range a.entries {
		if e.name == name {
			return e, true
		}
	}
	return entry{}, false
}

// read returns the whole of a small file.
func (a *archive) read(name string) ([]byte, error) {
	e, ok := a.find(name)
	if !ok {
		return nil, fmt.Errorf("%s: %w", name, evidence.ErrNotFound)
	}
	if e.size > maxMetadata {
		return nil, fmt.Errorf("%s has %d bytes: %w", name, e.size, evidence.ErrLimit)
	}
	return io.ReadAll(a.open(e))
}
