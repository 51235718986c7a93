package record

import (
	"context"
	"fmt"
	"slices"

	"inkwitness/capture"
)

// Release forgets a session, once its content is stored elsewhere or given up.
// When it returns the session stays forgotten across crashes. Its bytes are
// deleted with the last session that shares their segments. An unknown session
// is capture.ErrNotFound.
func (j *Journal) Release(ctx context.Context, id capture.SessionID) error {
	s, err := j.Session(id)
	if err != nil {
		return err
	}
	s.mu.Lock()
	for _, st := range s.streams {
		st.finished = true
	}
	s.mu.Unlock()
	j.mu.Lock()
	_, g, err := j.append(s, entry{kind: kindRelease, id: s.raw})
	j.mu.Unlock()
	if err != nil {
		return err
	}
	if err := g.wait(ctx); err != nil {
		return err
	}
	s.drop()
	j.mu.Lock()
	defer j.mu.Unlock()
	j.forget(s)
	j.kick()
	return nil
}

// drop frees what a released session holds in memory.
func (s *Session) drop() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.damaged = fmt.Errorf("session was released: %w", capture.ErrNotFound)
	for _, st := range s.streams {
		st.places = nil
	}
}

// forget takes a session off the books. Its segments keep a stub of it until
// they are deleted. j.mu is held.
func (j *Journal) forget(s *Session) {
	s.released = true
	if j.sessions[s.raw] == s {
		delete(j.sessions, s.raw)
	}
	if i := slices.Index(j.order, s); i >= 0 {
		j.order = slices.Delete(j.order, i, i+1)
	}
	j.sweeping = true
}

// sweep deletes segments that nobody needs. A segment with the release of a
// session outlives all segments with its data, or the session would come back;
// so each round is made to last before the next.
func (j *Journal) sweep() error {
	for {
		j.mu.Lock()
		var victims []*segment
		if j.sweeping {
			victims = j.free()
		}
		j.sweeping = len(victims) > 0
		j.mu.Unlock()
		if len(victims) == 0 {
			return nil
		}
		if err := j.remove(victims); err != nil {
			return fmt.Errorf("delete journal segment: %w", err)
		}
	}
}

// free returns the segments that may be deleted now. j.mu is held.
func (j *Journal) free() []*segment {
	var victims []*segment
	for _, seg := range j.segments {
		if seg != j.active && seg.file != nil && !seg.unreadable && seg.needless() {
			victims = append(victims, seg)
		}
	}
	return victims
}

// needless tells whether no live session has data in the segment and no
// released session needs its release from here.
func (s *segment) needless() bool {
	for session := range s.sessions {
		if !session.released {
			return false
		}
	}
	for session := range s.releases {
		for num := range session.segments {
			if num != s.num {
				return false
			}
		}
	}
	return true
}

func (j *Journal) remove(victims []*segment) error {
	for _, seg := range victims {
		if err := j.fs.Remove(seg.name()); err != nil {
			return err
		}
	}
	if err := j.fs.SyncDir(); err != nil {
		return err
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	for _, seg := range victims {
		delete(j.segments, seg.num)
		for session := range seg.sessions {
			delete(session.segments, seg.num)
		}
		if err := seg.file.Close(); err != nil {
			return err
		}
	}
	return nil
}
