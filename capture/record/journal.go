package record

import (
	"context"
	"fmt"
	"os"
	"sync"
	"time"

	"inkwitness/capture"
)

// Journal is the one store of all sessions that run in this process. Its
// methods may be called from many goroutines.
type Journal struct {
	cfg  Config
	fs   FS
	lock *os.File // claims cfg.Dir; nil with a Config.FS

	work chan struct{} // in, 1 deep: there is something to write or to delete

	mu       sync.Mutex
	sessions map[[16]byte]*Session
	order    []*Session          // in the order of their start
	segments map[uint64]*segment // all on disk, and the active one
	active   *segment            // appended to
	buf      []byte              // sealed, not yet written, all of one segment
	group    *group              // what buf belongs to
	spare    []byte              // the buffer before, to be used again
	sweeping bool                // segments may have become free
	err      error               // why nothing works any more
	stats    Stats

	unmarked bool // the newest group has no group after it; owned by the goroutine of Run
}

// group is what shares one write and one fsync.
type group struct {
	done chan struct{} // closed when it is on disk, or never will be
	err  error         // set before done is closed
}

func newGroup() *group { return &group{done: make(chan struct{})} }

func (g *group) wait(ctx context.Context) error {
	select {
	case <-g.done:
		return g.err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// loc is the place of a record.
type loc struct{ seg, off uint32 }

// NewSession starts a session and returns when it is on disk. The nonce is
// bound into the first head of every stream. meta is kept as it is. A known id
// is capture.ErrConflict, a full disk capture.ErrDiskFull. When ctx ends first
// the session is there all the same, and Session finds it.
func (j *Journal) NewSession(ctx context.Context, id capture.SessionID, nonce [32]byte, meta []byte) (*Session, error) {
	if len(meta) > j.cfg.MaxPayload {
		return nil, fmt.Errorf("new session: meta of %d bytes: %w", len(meta), capture.ErrLimit)
	}
	if err := j.room(); err != nil {
		return nil, err
	}
	s, err := j.makeSession(id, nonce, meta, j.cfg.Clock.Now())
	if err != nil {
		return nil, err
	}
	j.mu.Lock()
	if j.sessions[s.raw] != nil {
		j.mu.Unlock()
		return nil, fmt.Errorf("new session: %w", capture.ErrConflict)
	}
	_, g, err := j.append(s, entry{kind: kindOpen, id: s.raw, nonce: nonce, epoch: s.epoch, payload: meta})
	if err == nil {
		s.last = g
		j.sessions[s.raw] = s
		j.order = append(j.order, s)
	}
	j.mu.Unlock()
	if err != nil {
		return nil, err
	}
	if err := g.wait(ctx); err != nil {
		return nil, err
	}
	return s, nil
}

// room refuses new sessions while the disk is nearly full or the reserve is in
// use, so that those that run can finish.
func (j *Journal) room() error {
	free, err := j.cfg.Free()
	if err != nil {
		return err
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	if free >= j.cfg.MinFree && j.stats.Reserve {
		return nil
	}
	j.stats.Refused++
	j.kick()
	return fmt.Errorf("new session: %.0f %% of the disk is free: %w", 100*free, capture.ErrDiskFull)
}

// Session returns a session that was not released, or capture.ErrNotFound.
func (j *Journal) Session(id capture.SessionID) (*Session, error) {
	raw, err := id.Bytes()
	if err != nil {
		return nil, err
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	if s := j.sessions[raw]; s != nil {
		return s, nil
	}
	return nil, capture.ErrNotFound
}

// Sessions lists the sessions that were not released, oldest first.
func (j *Journal) Sessions() []capture.SessionID {
	j.mu.Lock()
	defer j.mu.Unlock()
	ids := make([]capture.SessionID, 0, len(j.order))
	for _, s := range j.order {
		ids = append(ids, s.id)
	}
	return ids
}

// Stats returns the figures of this moment.
func (j *Journal) Stats() Stats {
	j.mu.Lock()
	defer j.mu.Unlock()
	st := j.stats
	st.Sessions, st.Segments = len(j.order), len(j.segments)
	return st
}

// Err returns why the journal stopped working, nil while it works.
func (j *Journal) Err() error {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.err
}

// append seals e into the group that is being collected. j.mu is held. The
// caller must have waited for room in the buffer.
func (j *Journal) append(s *Session, e entry) (loc, *group, error) {
	if j.err != nil {
		return loc{}, nil, j.err
	}
	if j.buf == nil {
		j.buf, j.spare = j.spare[:0], nil
		j.add(entry{kind: kindGroup})
	}
	place := loc{uint32(j.active.num), uint32(j.active.end)}
	j.add(e)
	if e.kind == kindRelease {
		j.active.releases[s] = struct{}{}
	} else {
		j.active.sessions[s] = struct{}{}
		s.segments[j.active.num] = struct{}{}
	}
	j.stats.Records++
	j.kick()
	return place, j.group, nil
}

// add seals one record behind the buffer. j.mu is held.
func (j *Journal) add(e entry) {
	size := len(j.buf)
	j.buf = j.active.seal(j.buf, j.active.end, e.append(make([]byte, 0, 64+len(e.payload))))
	j.active.end += int64(len(j.buf) - size)
}

// kick wakes Run.
func (j *Journal) kick() {
	select {
	case j.work <- struct{}{}:
	default:
	}
}

// waitRoom blocks while too much waits for the disk. It runs before any lock
// is taken, so the limit is soft by one record for each caller.
func (j *Journal) waitRoom(ctx context.Context) error {
	for {
		j.mu.Lock()
		full, g, err := len(j.buf) >= j.cfg.MaxPending, j.group, j.err
		j.mu.Unlock()
		if err != nil || !full {
			return err
		}
		if err := g.wait(ctx); err != nil {
			return err
		}
	}
}

// now is the journal's own time in µs, for the age of segments.
func (j *Journal) now() int64 { return j.cfg.Clock.Now().UnixMicro() }

// read returns the record at a place that is on disk.
func (j *Journal) read(place loc) (entry, error) {
	j.mu.Lock()
	seg, err := j.segments[uint64(place.seg)], j.err
	j.mu.Unlock()
	if err != nil {
		return entry{}, err
	}
	if seg == nil {
		return entry{}, capture.ErrNotFound
	}
	plain, err := seg.read(int64(place.off), j.cfg.MaxPayload+entryMax)
	if err != nil {
		return entry{}, err
	}
	return parseEntry(plain)
}

// observe keeps the figures of a written group.
func (j *Journal) observe(bytes int, took time.Duration) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.stats.Groups++
	j.stats.Bytes += uint64(bytes)
	j.stats.SlowSync = max(j.stats.SlowSync, took)
}
