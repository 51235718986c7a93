package record

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"strconv"
	"strings"
	"time"

	"inkwitness/capture"
)

// Open reads what a process before left and prepares to go on in a new segment.
// The torn tail that a crash leaves is dropped: nothing in it was acknowledged.
// Any other damage is logged and counted in Stats.Damaged, and the sessions that
// miss records for it fail with capture.ErrDamaged; the others go on. A key that
// opens no segment is an error.
func Open(cfg Config) (*Journal, error) {
	if err := cfg.defaults(); err != nil {
		return nil, err
	}
	j := &Journal{
		cfg: cfg, fs: cfg.FS, work: make(chan struct{}, 1), group: newGroup(), sweeping: true,
		sessions: map[[16]byte]*Session{}, segments: map[uint64]*segment{},
	}
	if j.fs == nil {
		dir, lock, err := openFolder(cfg.Dir)
		if err != nil {
			return nil, fmt.Errorf("open journal: %w", err)
		}
		j.fs, j.lock = dir, lock
		if j.cfg.Free == nil {
			j.cfg.Free = dir.free
		}
	}
	if j.cfg.Free == nil {
		j.cfg.Free = func() (float64, error) { return 1, nil }
	}
	if err := j.recover(); err != nil {
		return nil, errors.Join(fmt.Errorf("open journal: %w", err), j.close(err))
	}
	if err := j.makeReserve(); err != nil {
		j.cfg.Logger.Warn("new sessions are refused until there is room", "err", err)
	}
	j.kick()
	return j, nil
}

func (j *Journal) recover() error {
	old, err := j.headers()
	if err != nil {
		return err
	}
	r := recovery{j: j, sessions: map[[16]byte]*Session{}}
	num, end := uint64(1), int64(0)
	for i, seg := range old {
		j.segments[seg.num] = seg
		known := int64(0)
		if i+1 < len(old) && old[i+1].num == seg.num+1 {
			known = old[i+1].prevEnd
		}
		if err := r.segment(seg, known); err != nil {
			return err
		}
		num, end = seg.num+1, seg.end
	}
	r.finish()
	if len(old) > 0 {
		// What was written but not synced before the crash now counts as kept.
		if err := old[len(old)-1].file.Sync(); err != nil {
			return err
		}
	}
	j.active, err = newSegment(num, end)
	if err != nil {
		return err
	}
	j.active.opened = j.now()
	j.segments[num] = j.active
	return nil
}

// headers opens all segments in order. A newest segment without a whole header
// was being made when the process died, and is deleted.
func (j *Journal) headers() ([]*segment, error) {
	nums, err := j.numbers()
	if err != nil {
		return nil, err
	}
	var segs []*segment
	readable := 0
	for i, num := range nums {
		seg, err := j.header(num, i == len(nums)-1)
		if err != nil {
			return nil, err
		}
		if seg == nil {
			continue
		}
		segs = append(segs, seg)
		if !seg.unreadable {
			readable++
		}
	}
	if len(segs) > 0 && readable == 0 {
		return nil, fmt.Errorf("the key opens none of %d segments: %w", len(segs), capture.ErrDamaged)
	}
	return segs, nil
}

func (j *Journal) numbers() ([]uint64, error) {
	names, err := j.fs.List()
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	var nums []uint64
	for _, name := range names {
		digits, ok := strings.CutSuffix(name, ".seg")
		num, err := strconv.ParseUint(digits, 16, 32)
		if ok && err == nil && (&segment{num: num}).name() == name {
			nums = append(nums, num)
		}
	}
	slices.Sort(nums)
	return nums, nil
}

// header returns nil for a segment that was never more than begun.
func (j *Journal) header(num uint64, newest bool) (*segment, error) {
	name := (&segment{num: num}).name()
	file, err := j.fs.Open(name)
	if err != nil {
		return nil, err
	}
	head, err := io.ReadAll(io.NewSectionReader(file, 0, headerSize+1))
	if err != nil {
		return nil, errors.Join(err, file.Close())
	}
	seg, err := parseHeader(j.cfg.AEAD, num, head)
	if err != nil && newest && len(head) <= headerSize {
		if err := errors.Join(file.Close(), j.fs.Remove(name), j.fs.SyncDir()); err != nil {
			return nil, err
		}
		return nil, nil
	}
	if err != nil {
		j.damage(err)
		seg = &segment{num: num, unreadable: true, end: headerSize}
	}
	seg.file = file
	return seg, nil
}

// damage reports one damaged place.
func (j *Journal) damage(err error) {
	j.stats.Damaged++
	j.cfg.Logger.Error("the journal is damaged", "err", err)
}

// recovery rebuilds the sessions from the records.
type recovery struct {
	j        *Journal
	sessions map[[16]byte]*Session
	order    []*Session
}

// segment reads one segment. known is its end as the next one tells it, 0 if
// nobody knows.
func (r *recovery) segment(seg *segment, known int64) error {
	if seg.unreadable {
		return nil
	}
	data, err := io.ReadAll(io.NewSectionReader(seg.file, 0, 1<<32-1))
	if err != nil {
		return fmt.Errorf("read segment %x: %w", seg.num, err)
	}
	if known > int64(len(data)) {
		r.j.damage(fmt.Errorf("segment %x has %d bytes of %d: %w", seg.num, len(data), known, capture.ErrDamaged))
	} else if known > 0 {
		data = data[:known]
	}
	off := int64(headerSize)
	for off < int64(len(data)) {
		plain, size, err := seg.open(data[off:], off)
		if err == nil {
			r.entry(seg, off, plain)
			off += int64(size)
			seg.end = off
			continue
		}
		next := resync(seg, data, off+1)
		if known == 0 && !seg.groupFrom(data, next) {
			break // a torn tail
		}
		r.j.damage(err)
		off = next
	}
	seg.written = seg.end
	return nil
}

// resync returns the offset of the next good frame at or after off, or the end.
func resync(seg *segment, data []byte, off int64) int64 {
	magic := binary.BigEndian.AppendUint32(nil, frameMagic)
	for {
		i := bytes.Index(data[min(off, int64(len(data))):], magic)
		if i < 0 {
			return int64(len(data))
		}
		off += int64(i)
		if _, _, err := seg.open(data[off:], off); err == nil {
			return off
		}
		off++
	}
}

// groupFrom tells whether a group begins in the good frames from off on. It was
// written after everything before it was synced, so what is bad before it is
// not a torn tail.
func (s *segment) groupFrom(data []byte, off int64) bool {
	for off < int64(len(data)) {
		plain, size, err := s.open(data[off:], off)
		if err != nil {
			off = resync(s, data, off+1)
			continue
		}
		if len(plain) > 0 && plain[0] == kindGroup {
			return true
		}
		off += int64(size)
	}
	return false
}

// entry applies one record.
func (r *recovery) entry(seg *segment, off int64, plain []byte) {
	e, err := parseEntry(plain)
	if err == nil && e.kind == kindGroup {
		return
	}
	var s *Session
	if err == nil {
		s, err = r.session(e)
	}
	if err != nil {
		r.j.damage(fmt.Errorf("segment %x at %d: %w", seg.num, off, err))
		return
	}
	if e.kind == kindRelease {
		s.released = true
		seg.releases[s] = struct{}{}
		delete(r.sessions, e.id) // the id may be used again
		return
	}
	seg.sessions[s] = struct{}{}
	s.segments[seg.num] = struct{}{}
	switch e.kind {
	case kindData:
		s.replay(e, loc{uint32(seg.num), uint32(off)})
	case kindFinish:
		s.replayFinish(e)
	}
}

// session returns the session that e belongs to. One whose start is missing was
// released and partly deleted, or is damaged.
func (r *recovery) session(e entry) (*Session, error) {
	if s := r.sessions[e.id]; s != nil && e.kind != kindOpen {
		return s, nil
	}
	s, err := r.j.makeSession(capture.NewSessionID(e.id), e.nonce, e.payload, e.epoch)
	if err != nil {
		return nil, err
	}
	if e.kind != kindOpen {
		s.damaged = fmt.Errorf("session without a start: %w", capture.ErrDamaged)
	}
	s.last = newGroup()
	close(s.last.done)
	r.sessions[e.id] = s
	r.order = append(r.order, s)
	return s, nil
}

// replay takes a record that was read.
func (s *Session) replay(e entry, place loc) {
	st := s.streams[e.stream]
	if e.seq != st.head.Next || st.finished {
		s.damaged = fmt.Errorf("%s record %d, expected %d: %w", e.stream, e.seq, st.head.Next, capture.ErrDamaged)
	}
	if s.damaged == nil {
		s.take(st, e, place)
	}
}

func (s *Session) replayFinish(e entry) {
	st := s.streams[e.stream]
	if e.head != st.head && s.damaged == nil {
		s.damaged = fmt.Errorf("%s ends at record %d, expected %d: %w", e.stream, st.head.Next, e.head.Next, capture.ErrDamaged)
	}
	st.finished = true
}

// finish hands over the sessions that were not released and starts their clocks
// again.
func (r *recovery) finish() {
	now := r.j.cfg.Clock.Now()
	for _, s := range r.order {
		if s.released {
			s.streams = nil
			continue
		}
		elapsed := max(now.Sub(s.epoch).Microseconds(), s.latest+1)
		s.zero = now.Add(-time.Duration(elapsed) * time.Microsecond)
		r.j.sessions[s.raw] = s
		r.j.order = append(r.j.order, s)
		if s.damaged != nil {
			r.j.damage(fmt.Errorf("session %s: %w", s.id, s.damaged))
		}
	}
}
