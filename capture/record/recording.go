package record

import (
	"bytes"
	"context"
	"fmt"
	"iter"
	"time"

	"inkwitness/capture"
	"inkwitness/capture/ink"
)

// Frame is one record as it was appended.
type Frame struct {
	Stream  capture.Stream
	Seq     uint64
	Arrived int64 // µs on the session clock
	Payload []byte
}

// Recording reads one session. Every read checks the seal of each record and
// the hash chain of its stream.
type Recording struct {
	s      *Session
	heads  map[capture.Stream]capture.Head
	places map[capture.Stream][]loc
}

// Recording returns a reader of what the session has at this moment, once all
// of it is on disk. It works on a finished session and on one that still runs
// or was recovered.
func (s *Session) Recording(ctx context.Context) (*Recording, error) {
	r := &Recording{s: s, heads: map[capture.Stream]capture.Head{}, places: map[capture.Stream][]loc{}}
	s.mu.Lock()
	last, damaged := s.last, s.damaged
	for name, st := range s.streams {
		if st.head.Next > 0 {
			r.heads[name], r.places[name] = st.head, st.places[:st.head.Next:st.head.Next]
		}
	}
	s.mu.Unlock()
	if damaged != nil {
		return nil, damaged
	}
	if err := last.wait(ctx); err != nil {
		return nil, err
	}
	return r, nil
}

// ID returns the session's name.
func (r *Recording) ID() capture.SessionID { return r.s.ID() }

// Nonce returns the session's nonce.
func (r *Recording) Nonce() [32]byte { return r.s.Nonce() }

// Meta returns what NewSession was given.
func (r *Recording) Meta() []byte { return r.s.Meta() }

// Epoch is the wall time of 0 on the session clock.
func (r *Recording) Epoch() time.Time { return r.s.Epoch() }

// Heads returns the head of each stream that has records, as of this recording.
func (r *Recording) Heads() map[capture.Stream]capture.Head { return r.heads }

// Frames yields the records of a stream in order: BATCH messages as the client
// sent them for StreamPen. The last step is an error if one cannot be read or
// the chain does not end in the stream's head.
func (r *Recording) Frames(stream capture.Stream) iter.Seq2[Frame, error] {
	return func(yield func(Frame, error) bool) {
		head, err := capture.FirstHead(r.s.id, r.s.nonce, stream)
		if err != nil {
			yield(Frame{}, err)
			return
		}
		for _, place := range r.places[stream] {
			e, err := r.s.j.read(place)
			if err == nil && (e.id != r.s.raw || e.stream != stream || e.seq != head.Next) {
				err = fmt.Errorf("%s record %d is another: %w", stream, head.Next, capture.ErrDamaged)
			}
			if err != nil {
				yield(Frame{}, err)
				return
			}
			head = head.After(stream, e.arrived, e.payload)
			if !yield(Frame{Stream: stream, Seq: e.seq, Arrived: e.arrived, Payload: e.payload}, nil) {
				return
			}
		}
		if want, ok := r.heads[stream]; ok && !bytes.Equal(head.Hash[:], want.Hash[:]) {
			yield(Frame{}, fmt.Errorf("chain of %s: %w", stream, capture.ErrDamaged))
		}
	}
}

// Pen returns all sample points in the order sent, exactly as sent: Time in µs
// on the page's clock, positions in 1/100 CSS pixel.
func (r *Recording) Pen() ([]capture.Point, error) {
	var points []capture.Point
	for frame, err := range r.Frames(capture.StreamPen) {
		if err != nil {
			return nil, err
		}
		batch, err := ink.ParseBatch(frame.Payload)
		if err != nil {
			return nil, err
		}
		points = append(points, batch.Points...)
	}
	return points, nil
}
