package record

import (
	"encoding/binary"
	"fmt"
	"time"

	"inkwitness/capture"
)

// The kinds of records. The numbers are part of the file format.
const (
	kindGroup   = 1 // begins a group: all before it was on disk when it was written
	kindOpen    = 2 // a session starts
	kindData    = 3 // a record of a stream
	kindFinish  = 4 // a stream ends
	kindRelease = 5 // a session is forgotten
)

// entryMax is more than a record adds to its payload, the seal included.
const entryMax = 128

// entry is a record in memory. Which fields count depends on the kind.
type entry struct {
	kind    byte
	id      [16]byte
	stream  capture.Stream
	seq     uint64
	arrived int64
	nonce   [32]byte
	epoch   time.Time
	head    capture.Head
	payload []byte // data: the payload; open: the meta
}

// append appends the coding of e: kind, id, and then what the kind has.
func (e entry) append(dst []byte) []byte {
	dst = append(dst, e.kind)
	if e.kind == kindGroup {
		return dst
	}
	dst = append(dst, e.id[:]...)
	switch e.kind {
	case kindOpen:
		dst = append(dst, e.nonce[:]...)
		dst = binary.BigEndian.AppendUint64(dst, uint64(e.epoch.UnixMicro()))
		dst = append(dst, e.payload...)
	case kindData:
		dst = append(dst, byte(e.stream))
		dst = binary.AppendUvarint(dst, e.seq)
		dst = binary.AppendUvarint(dst, uint64(e.arrived))
		dst = append(dst, e.payload...)
	case kindFinish:
		dst = append(dst, byte(e.stream))
		dst = binary.BigEndian.AppendUint64(dst, e.head.Next)
		dst = append(dst, e.head.Hash[:]...)
	}
	return dst
}

// parseEntry reads what append wrote. It shares payload with b. The bytes were
// sealed by this journal, so a failure is a defect or another version's record.
func parseEntry(b []byte) (e entry, err error) {
	bad := func(what string) (entry, error) {
		return entry{}, fmt.Errorf("record with bad %s: %w", what, capture.ErrDamaged)
	}
	if len(b) == 0 {
		return bad("kind")
	}
	e.kind, b = b[0], b[1:]
	if e.kind == kindGroup {
		return e, nil
	}
	if len(b) < 16 {
		return bad("session")
	}
	e.id, b = [16]byte(b), b[16:]
	switch e.kind {
	case kindOpen:
		if len(b) < 40 {
			return bad("nonce")
		}
		e.nonce = [32]byte(b)
		e.epoch = time.UnixMicro(int64(binary.BigEndian.Uint64(b[32:]))).UTC()
		e.payload = b[40:]
	case kindData:
		return e.parseData(b)
	case kindFinish:
		if len(b) != 41 || !validStream(capture.Stream(b[0])) {
			return bad("end of stream")
		}
		e.stream = capture.Stream(b[0])
		e.head = capture.Head{Next: binary.BigEndian.Uint64(b[1:]), Hash: [32]byte(b[9:])}
	case kindRelease:
	default:
		return bad("kind")
	}
	return e, nil
}

func (e entry) parseData(b []byte) (entry, error) {
	if len(b) == 0 || !validStream(capture.Stream(b[0])) {
		return entry{}, fmt.Errorf("record of an unknown stream: %w", capture.ErrDamaged)
	}
	e.stream, b = capture.Stream(b[0]), b[1:]
	seq, n := binary.Uvarint(b)
	if n <= 0 {
		return entry{}, fmt.Errorf("record without a number: %w", capture.ErrDamaged)
	}
	arrived, m := binary.Uvarint(b[n:])
	if m <= 0 {
		return entry{}, fmt.Errorf("record without a time: %w", capture.ErrDamaged)
	}
	e.seq, e.arrived, e.payload = seq, int64(arrived), b[n+m:]
	return e, nil
}

func validStream(s capture.Stream) bool {
	return s >= capture.StreamPen && s <= capture.StreamControl
}
