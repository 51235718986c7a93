package rtc

import (
	"context"
	"fmt"
	"sync"
	"time"

	"inkwitness/capture"
	"inkwitness/capture/media"
)

// A payload is closed at this size, and a sink this far behind has failed.
const (
	payloadTarget = 256 << 10
	maxBehind     = 8 << 20
)

// recorder gathers the records of one peer connection into payloads and
// appends them to the sink, each media stream by itself, every flushInterval.
// A thousand small records would cost the journal more than five big ones.
type recorder struct {
	sink Sink

	flushing sync.Mutex      // one flush at a time
	pending  capture.Pending // of the newest payload; owner: flushing

	mu     sync.Mutex // guards all below
	number uint32     // of the open segment
	lanes  [2]lane    // video, audio
	behind int        // bytes gathered and not durable
}

// lane is one stream's way to the sink.
type lane struct {
	stream   capture.Stream
	seq      uint64 // of the first payload
	payloads [][]byte
}

func newRecorder(sink Sink) *recorder {
	r := &recorder{sink: sink}
	for i, stream := range [...]capture.Stream{capture.StreamVideo, capture.StreamAudio} {
		r.lanes[i] = lane{stream: stream, seq: sink.Head(stream).Next}
	}
	return r
}

// open begins a segment in both streams and returns its number: the higher one
// of the sequence numbers of the payloads that open it. So numbers grow, also
// over restarts of the process, with no state but the streams themselves.
func (r *recorder) open(reason media.Reason) uint32 {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.number = 0
	for i := range r.lanes {
		r.number = max(r.number, uint32(r.lanes[i].seq)+uint32(len(r.lanes[i].payloads)))
	}
	s := media.Segment{Number: r.number, Reason: reason, Arrival: r.sink.Now()}
	for i := range r.lanes {
		r.lanes[i].payloads = append(r.lanes[i].payloads, media.Append(nil, s))
	}
	return r.number
}

// segment is the number of the open segment.
func (r *recorder) segment() uint32 {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.number
}

// put gathers one record of a track. It fails when the sink is too far behind.
func (r *recorder) put(track media.Track, record media.Record) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	l := &r.lanes[track-1]
	n := len(l.payloads) - 1
	if n < 0 || len(l.payloads[n]) > payloadTarget {
		l.payloads = append(l.payloads, nil)
		n++
	}
	before := len(l.payloads[n])
	l.payloads[n] = media.Append(l.payloads[n], record)
	if r.behind += len(l.payloads[n]) - before; r.behind > maxBehind {
		return fmt.Errorf("the journal is %d bytes behind: %w", r.behind, capture.ErrLimit)
	}
	return nil
}

// flush appends all that is gathered, once the flush before is durable. So a
// slow disk makes fewer and larger payloads, until put fails.
func (r *recorder) flush(ctx context.Context) error {
	r.flushing.Lock()
	defer r.flushing.Unlock()
	if err := r.wait(ctx); err != nil {
		return err
	}
	for i := range r.lanes {
		if err := r.flushLane(ctx, &r.lanes[i]); err != nil {
			return err
		}
	}
	return nil
}

// finish appends all that is gathered and waits until it is durable.
func (r *recorder) finish(ctx context.Context) error {
	if err := r.flush(ctx); err != nil {
		return err
	}
	r.flushing.Lock()
	defer r.flushing.Unlock()
	return r.wait(ctx)
}

func (r *recorder) wait(ctx context.Context) error {
	if r.pending == nil {
		return nil
	}
	_, err := r.pending.Wait(ctx)
	if err != nil {
		return fmt.Errorf("record media: %w", err)
	}
	r.pending = nil
	return nil
}

func (r *recorder) flushLane(ctx context.Context, l *lane) error {
	r.mu.Lock()
	payloads, seq := l.payloads, l.seq
	l.payloads, l.seq = nil, l.seq+uint64(len(payloads))
	r.mu.Unlock()
	for i, p := range payloads {
		pending, err := r.sink.Append(ctx, l.stream, seq+uint64(i), r.sink.Now(), p)
		if err != nil {
			return fmt.Errorf("record %s: %w", l.stream, err)
		}
		r.pending = pending
		r.mu.Lock()
		r.behind -= len(p)
		r.mu.Unlock()
	}
	return nil
}

// run flushes until the peer stops.
func (r *recorder) run(stopped <-chan struct{}, fail func(error)) {
	tick := time.NewTicker(flushInterval)
	defer tick.Stop()
	for {
		select {
		case <-stopped:
			return
		case <-tick.C:
			ctx, cancel := context.WithTimeout(context.Background(), flushTimeout)
			err := r.flush(ctx)
			cancel()
			if err != nil {
				fail(err)
				return
			}
		}
	}
}
