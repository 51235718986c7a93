package record

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"sync"
	"time"

	"inkwitness/capture"
	"inkwitness/capture/ink"
)

// maxRecords bounds a stream's index, which costs 10 bytes of memory for each
// record: 14 hours of pen at 20 batches a second.
const maxRecords = 1 << 20

// maxTime is the largest time on a session clock, in µs.
const maxTime = 1<<52 - 1

// Session is one capture: up to four streams that share an id, a nonce and a
// clock. Its methods may be called from many goroutines; records of one stream
// keep the order of their sequence numbers.
type Session struct {
	j     *Journal
	id    capture.SessionID
	raw   [16]byte
	nonce [32]byte
	meta  []byte
	epoch time.Time // wall time of 0 on the session clock
	zero  time.Time // the same, with a monotonic reading

	// Guarded by Journal.mu.
	released bool
	segments map[uint64]struct{} // with records of this session

	mu      sync.Mutex // taken before Journal.mu
	streams map[capture.Stream]*stream
	bytes   int64  // of all payloads
	last    *group // the newest record is in this group
	damaged error  // found at recovery
	latest  int64  // the latest arrival, µs on the session clock
}

// stream is where one stream of a session stands.
type stream struct {
	head     capture.Head
	places   []loc // of each record
	finished bool
}

// makeSession returns a session without records.
func (j *Journal) makeSession(id capture.SessionID, nonce [32]byte, meta []byte, epoch time.Time) (*Session, error) {
	raw, err := id.Bytes()
	if err != nil {
		return nil, err
	}
	s := &Session{
		j: j, id: id, raw: raw, nonce: nonce, meta: bytes.Clone(meta),
		epoch: epoch.UTC().Round(0).Truncate(time.Microsecond), zero: epoch,
		segments: map[uint64]struct{}{}, streams: map[capture.Stream]*stream{},
	}
	for _, name := range streams {
		head, err := capture.FirstHead(id, nonce, name)
		if err != nil {
			return nil, err
		}
		s.streams[name] = &stream{head: head}
	}
	return s, nil
}

// streams lists all streams in the order of their numbers.
var streams = [...]capture.Stream{capture.StreamPen, capture.StreamVideo, capture.StreamAudio, capture.StreamControl}

// ID returns the session's name.
func (s *Session) ID() capture.SessionID { return s.id }

// Nonce returns the random number that binds the streams to this session.
func (s *Session) Nonce() [32]byte { return s.nonce }

// Meta returns what NewSession was given.
func (s *Session) Meta() []byte { return bytes.Clone(s.meta) }

// Epoch is the wall time of 0 on the session clock.
func (s *Session) Epoch() time.Time { return s.epoch }

// Now is the session clock: µs since Epoch, monotonic within a process. After a
// restart it goes on from the wall clock, never before the last record.
func (s *Session) Now() int64 { return max(0, s.j.cfg.Clock.Now().Sub(s.zero).Microseconds()) }

// pending is a record on its way to the disk.
type pending struct {
	g    *group
	head capture.Head
}

// Wait implements capture.Pending.
func (p pending) Wait(ctx context.Context) (capture.Head, error) {
	if err := p.g.wait(ctx); err != nil {
		return capture.Head{}, err
	}
	return p.head, nil
}

// AppendPen takes a whole BATCH message as it came. A message that is there
// already, byte for byte, is not written again; its Pending waits for the
// stream as it stands. Errors: capture.ErrMalformed, ErrGap (a number was
// skipped), ErrConflict (other bytes for a known number), ErrFinished, ErrLimit.
// It blocks while too much is waiting for the disk.
func (s *Session) AppendPen(ctx context.Context, msg []byte, arrived int64) (capture.Pending, error) {
	batch, err := ink.ParseBatch(msg)
	if err != nil {
		return nil, err
	}
	p, place, err := s.append(ctx, capture.StreamPen, &batch.Seq, &arrived, msg)
	if place == nil {
		return p, err
	}
	return s.again(ctx, p.(pending), *place, msg)
}

// again answers a record whose number is known: it must be the same.
func (s *Session) again(ctx context.Context, p pending, place loc, msg []byte) (capture.Pending, error) {
	if err := p.g.wait(ctx); err != nil {
		return nil, err
	}
	known, err := s.j.read(place)
	if err != nil {
		return nil, err
	}
	if !bytes.Equal(known.payload, msg) {
		return nil, fmt.Errorf("batch %d: %w", known.seq, capture.ErrConflict)
	}
	return p, nil
}

// Append takes one record of StreamVideo or StreamAudio. seq must be the
// stream's Head.Next: less is ErrConflict, more is ErrGap. arrived is µs on the
// session clock. payload is copied. It blocks while too much is waiting for the
// disk.
func (s *Session) Append(ctx context.Context, stream capture.Stream, seq uint64, arrived int64, payload []byte) (capture.Pending, error) {
	if stream != capture.StreamVideo && stream != capture.StreamAudio {
		return nil, fmt.Errorf("append to %s: %w", stream, capture.ErrMalformed)
	}
	p, place, err := s.append(ctx, stream, &seq, &arrived, payload)
	if place != nil {
		return nil, fmt.Errorf("%s record %d: %w", stream, seq, capture.ErrConflict)
	}
	return p, err
}

// Note takes one record of StreamControl, a JSON object with a "kind" (see
// capture.Control), numbered and timed by the session itself.
func (s *Session) Note(ctx context.Context, payload []byte) (capture.Pending, error) {
	var kind struct{ Kind string }
	if err := json.Unmarshal(payload, &kind); err != nil || kind.Kind == "" {
		return nil, fmt.Errorf("control record without a kind: %w", capture.ErrMalformed)
	}
	p, _, err := s.append(ctx, capture.StreamControl, nil, nil, payload)
	return p, err
}

// append puts one record into the group that is being collected. Without a seq
// or a time it takes the next one. For a known seq it returns the place of that
// record and a Pending for all that the stream has.
func (s *Session) append(ctx context.Context, name capture.Stream, seq *uint64, arrived *int64, payload []byte) (capture.Pending, *loc, error) {
	if len(payload) > s.j.cfg.MaxPayload {
		return nil, nil, fmt.Errorf("%s record of %d bytes: %w", name, len(payload), capture.ErrLimit)
	}
	if err := s.j.waitRoom(ctx); err != nil {
		return nil, nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	st := s.streams[name]
	e := entry{kind: kindData, id: s.raw, stream: name, seq: st.head.Next, payload: payload}
	if seq != nil {
		e.seq = *seq
	}
	if e.arrived = s.Now(); arrived != nil {
		e.arrived = *arrived
	}
	switch {
	case s.damaged != nil:
		return nil, nil, s.damaged
	case e.seq < st.head.Next:
		place := st.places[e.seq]
		return pending{s.last, st.head}, &place, nil
	case st.finished:
		return nil, nil, fmt.Errorf("%s: %w", name, capture.ErrFinished)
	case e.seq > st.head.Next:
		return nil, nil, fmt.Errorf("%s record %d, expected %d: %w", name, e.seq, st.head.Next, capture.ErrGap)
	case e.arrived < 0 || e.arrived > maxTime:
		return nil, nil, fmt.Errorf("%s record: time %d: %w", name, e.arrived, capture.ErrMalformed)
	case st.head.Next >= maxRecords:
		return nil, nil, fmt.Errorf("%s of more than %d records: %w", name, uint64(maxRecords), capture.ErrLimit)
	case s.bytes+int64(len(payload)) > s.j.cfg.MaxSession:
		return nil, nil, fmt.Errorf("session of more than %d bytes: %w", s.j.cfg.MaxSession, capture.ErrLimit)
	}
	place, err := s.write(e)
	if err != nil {
		return nil, nil, err
	}
	s.take(st, e, place)
	return pending{s.last, st.head}, nil, nil
}

// take moves the stream on by one record. s.mu is held.
func (s *Session) take(st *stream, e entry, place loc) {
	st.head = st.head.After(e.stream, e.arrived, e.payload)
	st.places = append(st.places, place)
	s.bytes += int64(len(e.payload))
	s.latest = max(s.latest, e.arrived)
}

// write hands a record to the journal. s.mu is held.
func (s *Session) write(e entry) (loc, error) {
	s.j.mu.Lock()
	defer s.j.mu.Unlock()
	place, g, err := s.j.append(s, e)
	if err == nil {
		s.last = g
	}
	return place, err
}

// Head returns where a stream stands, whether on disk yet or not. Media resume
// from it.
func (s *Session) Head(stream capture.Stream) capture.Head {
	s.mu.Lock()
	defer s.mu.Unlock()
	if st := s.streams[stream]; st != nil {
		return st.head
	}
	return capture.Head{}
}

// Durable waits until all that the stream has is on disk and returns its head.
func (s *Session) Durable(ctx context.Context, stream capture.Stream) (capture.Head, error) {
	if !validStream(stream) {
		return capture.Head{}, fmt.Errorf("stream %d: %w", stream, capture.ErrMalformed)
	}
	s.mu.Lock()
	p, damaged := pending{s.last, s.streams[stream].head}, s.damaged
	s.mu.Unlock()
	if damaged != nil {
		return capture.Head{}, damaged
	}
	return p.Wait(ctx)
}

// Payload returns one record of a stream as it was appended, once it is on disk.
func (s *Session) Payload(ctx context.Context, stream capture.Stream, seq uint64) ([]byte, error) {
	s.mu.Lock()
	st := s.streams[stream]
	if st == nil || seq >= st.head.Next {
		s.mu.Unlock()
		return nil, fmt.Errorf("%s record %d: %w", stream, seq, capture.ErrNotFound)
	}
	place, last, damaged := st.places[seq], s.last, s.damaged
	s.mu.Unlock()
	if damaged != nil {
		return nil, damaged
	}
	if err := last.wait(ctx); err != nil {
		return nil, err
	}
	e, err := s.j.read(place)
	return e.payload, err
}

// FinishStream ends one stream: later records are capture.ErrFinished. It
// returns when that is on disk. Finishing again returns the same head.
func (s *Session) FinishStream(ctx context.Context, stream capture.Stream) (capture.Head, error) {
	if !validStream(stream) {
		return capture.Head{}, fmt.Errorf("stream %d: %w", stream, capture.ErrMalformed)
	}
	p, err := s.finish(stream)
	if err != nil {
		return capture.Head{}, err
	}
	return p.Wait(ctx)
}

func (s *Session) finish(name capture.Stream) (pending, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	st := s.streams[name]
	if s.damaged != nil {
		return pending{}, s.damaged
	}
	if !st.finished {
		if _, err := s.write(entry{kind: kindFinish, id: s.raw, stream: name, head: st.head}); err != nil {
			return pending{}, err
		}
		st.finished = true
	}
	return pending{s.last, st.head}, nil
}

// Finish ends every stream; the session is immutable from then on. Finishing
// again does nothing.
func (s *Session) Finish(ctx context.Context) error {
	var last pending
	for _, name := range streams {
		p, err := s.finish(name)
		if err != nil {
			return err
		}
		last = p
	}
	_, err := last.Wait(ctx)
	return err
}

// Finished tells whether a stream was finished.
func (s *Session) Finished(stream capture.Stream) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	st := s.streams[stream]
	return st != nil && st.finished
}
