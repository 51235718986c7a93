package deposit

import (
	"bufio"
	"context"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"io"
	"math"
	"time"

	"inkwitness/evidence"
)

// The ZIP structures in the one form that is written and accepted (PKWARE
// APPNOTE 6.3.10): entries stored, sizes and checksums in the local header, no
// data descriptors, no comments, ZIP64 fields only where a number needs them.
//
//	local header 30 bytes | name | [ZIP64 extra 20 bytes] | contents      per entry
//	directory entry 46 bytes | name | [ZIP64 extra]                        per entry
//	[ZIP64 end 56 bytes | ZIP64 locator 20 bytes] | end 22 bytes
const (
	localMark     = 0x04034b50
	directoryMark = 0x02014b50
	endMark       = 0x06054b50
	end64Mark     = 0x06064b50
	locator64Mark = 0x07064b50

	localBytes     = 30
	directoryBytes = 46
	endBytes       = 22
	end64Bytes     = 56
	locatorBytes   = 20

	version     = 20     // of the format, without ZIP64
	version64   = 45     // with ZIP64
	madeBy      = 3 << 8 // Unix
	utf8Flag    = 0x0800 // names are UTF-8
	regularFile = 0o100644 << 16
)

// entry is one file as its headers describe it.
type entry struct {
	name   string
	size   int64
	crc    uint32
	offset int64 // of the local header
}

func (e entry) big() bool { return e.size >= math.MaxUint32 }

// dataOffset is where the contents start.
func (e entry) dataOffset() int64 { return e.offset + int64(len(e.local(stamp{}))) }

// local returns the local header.
func (e entry) local(at stamp) []byte {
	b := binary.LittleEndian.AppendUint32(nil, localMark)
	b = e.common(b, at, e.big())
	b = le16(b, len(e.name))
	if !e.big() {
		return append(le16(b, 0), e.name...)
	}
	b = append(le16(b, 20), e.name...)
	b = le16(le16(b, 1), 16) // ZIP64 extended information
	b = binary.LittleEndian.AppendUint64(b, uint64(e.size))
	return binary.LittleEndian.AppendUint64(b, uint64(e.size))
}

// common returns version, flags, method, time, checksum and sizes.
func (e entry) common(b []byte, at stamp, zip64 bool) []byte {
	v := version
	if zip64 {
		v = version64
	}
	b = le16(le16(le16(b, v), utf8Flag), 0)
	b = le16(le16(b, at.clock), at.date)
	b = binary.LittleEndian.AppendUint32(b, e.crc)
	size := uint32(min(e.size, math.MaxUint32))
	b = binary.LittleEndian.AppendUint32(b, size)
	return binary.LittleEndian.AppendUint32(b, size)
}

// directory returns the directory entry.
func (e entry) directory(at stamp) []byte {
	var extra []byte
	if e.big() {
		extra = binary.LittleEndian.AppendUint64(extra, uint64(e.size))
		extra = binary.LittleEndian.AppendUint64(extra, uint64(e.size))
	}
	far := e.offset >= math.MaxUint32
	if far {
		extra = binary.LittleEndian.AppendUint64(extra, uint64(e.offset))
	}
	if extra != nil {
		extra = append(le16(le16(nil, 1), len(extra)), extra...)
	}
	b := le16(binary.LittleEndian.AppendUint32(nil, directoryMark), madeBy|version64)
	b = e.common(b, at, e.big() || far)
	b = le16(le16(b, len(e.name)), len(extra))
	b = le16(le16(le16(b, 0), 0), 0) // comment, disk, internal attributes
	b = binary.LittleEndian.AppendUint32(b, regularFile)
	b = binary.LittleEndian.AppendUint32(b, uint32(min(e.offset, math.MaxUint32)))
	return append(append(b, e.name...), extra...)
}

// ending returns what follows the directory.
func ending(n int, start, size int64) []byte {
	var b []byte
	if n >= math.MaxUint16 || start >= math.MaxUint32 || size >= math.MaxUint32 {
		b = binary.LittleEndian.AppendUint32(b, end64Mark)
		b = binary.LittleEndian.AppendUint64(b, end64Bytes-12)
		b = le16(le16(b, madeBy|version64), version64)
		b = append(b, make([]byte, 8)...) // disks
		for _, v := range []int64{int64(n), int64(n), size, start} {
			b = binary.LittleEndian.AppendUint64(b, uint64(v))
		}
		b = binary.LittleEndian.AppendUint32(b, locator64Mark)
		b = binary.LittleEndian.AppendUint32(b, 0)
		b = binary.LittleEndian.AppendUint64(b, uint64(start+size))
		b = binary.LittleEndian.AppendUint32(b, 1)
	}
	b = binary.LittleEndian.AppendUint32(b, endMark)
	b = le16(le16(b, 0), 0)
	b = le16(le16(b, min(n, math.MaxUint16)), min(n, math.MaxUint16))
	b = binary.LittleEndian.AppendUint32(b, uint32(min(size, math.MaxUint32)))
	b = binary.LittleEndian.AppendUint32(b, uint32(min(start, math.MaxUint32)))
	return le16(b, 0)
}

func le16(b []byte, v int) []byte { return binary.LittleEndian.AppendUint16(b, uint16(v)) }

// stamp is the date and time of the format: UTC, steps of two seconds, from
// 1980 to 2107. All entries have the same.
type stamp struct{ date, clock int }

func stampOf(t time.Time) stamp {
	t = t.UTC()
	if t.Year() < 1980 || t.Year() > 2107 {
		t = time.Date(1980, 1, 1, 0, 0, 0, 0, time.UTC)
	}
	return stamp{(t.Year()-1980)<<9 | int(t.Month())<<5 | t.Day(), t.Hour()<<11 | t.Minute()<<5 | t.Second()/2}
}

// zipWriter writes entries one after the other.
type zipWriter struct {
	w       *bufio.Writer
	at      stamp
	off     int64
	entries []entry
}

func newZip(w io.Writer, at time.Time) *zipWriter {
	return &zipWriter{w: bufio.NewWriterSize(w, 64<<10), at: stampOf(at)}
}

// add copies a part and checks that it is still what the plan says.
func (z *zipWriter) add(ctx context.Context, p Part) error {
	e := entry{name: p.Path, size: p.Size, crc: p.CRC32, offset: z.off}
	header := e.local(z.at)
	if _, err := z.w.Write(header); err != nil {
		return err
	}
	r, err := p.Open(ctx)
	if err != nil {
		return err
	}
	defer r.Close()
	crc := crc32.NewIEEE()
	n, err := io.Copy(io.MultiWriter(z.w, crc), io.LimitReader(r, p.Size+1))
	if err != nil {
		return err
	}
	if n != p.Size || crc.Sum32() != p.CRC32 {
		return fmt.Errorf("the part changed since it was planned: %w", evidence.ErrCorrupt)
	}
	z.entries = append(z.entries, e)
	z.off += int64(len(header)) + n
	return ctx.Err()
}

func (z *zipWriter) close() error {
	start := z.off
	for _, e := range z.entries {
		d := e.directory(z.at)
		if _, err := z.w.Write(d); err != nil {
			return err
		}
		z.off += int64(len(d))
	}
	if _, err := z.w.Write(ending(len(z.entries), start, z.off-start)); err != nil {
		return err
	}
	return z.w.Flush()
}
