package rtc

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pion/rtcp"
	"github.com/pion/webrtc/v4"

	"inkwitness/capture"
	"inkwitness/capture/media"
)

// peer is the actor of one peer connection. In: packets, read by one goroutine
// for each track. Out: records, through the recorder, and notices.
type peer struct {
	srv      *Server
	session  capture.SessionID
	resource string
	pc       *webrtc.PeerConnection
	sink     Sink
	rec      *recorder

	ufrag    string // of the page's ICE session; owner: holder of the session's turn
	restarts int    // of ICE; owner: the same

	stopping sync.Once
	cause    error         // why, set before stopped closes
	stopped  chan struct{} // closed to end the actor
	done     chan struct{} // closed when everything is recorded

	lastMedia atomic.Int64 // µs of the last RTP packet, 0 before the first
	readers   sync.WaitGroup

	mu     sync.Mutex
	closed bool // no track may start any more
	tracks [2]*track
}

func newPeer(s *Server, session capture.SessionID, resource string, pc *webrtc.PeerConnection, sink Sink) *peer {
	p := &peer{
		srv: s, session: session, resource: resource, pc: pc, sink: sink, rec: newRecorder(sink),
		stopped: make(chan struct{}), done: make(chan struct{}),
	}
	reason := media.Started
	if p.rec.lanes[0].seq+p.rec.lanes[1].seq > 0 {
		reason = media.Reconnect
	}
	p.rec.open(reason)
	pc.OnTrack(p.begin)
	pc.OnConnectionStateChange(func(state webrtc.PeerConnectionState) {
		switch state {
		case webrtc.PeerConnectionStateFailed:
			p.stop(errFailed)
		case webrtc.PeerConnectionStateClosed:
			p.stop(nil)
		}
	})
	return p
}

// tag is the entity tag of the ICE session, RFC 9725 section 4.3.
func (p *peer) tag() string { return fmt.Sprintf("%s-%d", p.resource[:8], p.restarts) }

// stop ends the actor; it does not wait.
func (p *peer) stop(cause error) {
	p.stopping.Do(func() {
		p.cause = cause
		close(p.stopped)
	})
}

// run is the actor.
func (p *peer) run() {
	defer close(p.done)
	defer p.srv.abandon(p)
	var flushing sync.WaitGroup
	flushing.Go(func() { p.rec.run(p.stopped, p.stop) })
	p.watch()
	flushing.Wait()
	p.finish()
}

// watch looks after the tracks until the peer stops.
func (p *peer) watch() {
	tick := time.NewTicker(tickInterval)
	defer tick.Stop()
	begun := p.sink.Now()
	state, told := Connecting, begun
	p.notify(state)
	for {
		select {
		case <-p.stopped:
			return
		case <-tick.C:
		}
		now := p.sink.Now()
		p.tick(now)
		next, err := judge(now, begun, p.lastMedia.Load())
		if err != nil {
			p.stop(err)
			return
		}
		if next != state || next == Live && now-told >= QualityInterval.Microseconds() {
			state, told = next, now
			p.notify(state)
		}
	}
}

// judge is the watchdog: where a peer stands, from the times in µs of now, of
// its beginning and of its last packet. pion itself notices a dead page only
// after about 10 s.
func judge(now, begun, last int64) (State, error) {
	silence := now - last
	switch {
	case last == 0 && now-begun > ConnectTimeout.Microseconds():
		return Closed, errSilent
	case last == 0:
		return Connecting, nil
	case silence > GiveUpAfter.Microseconds():
		return Closed, errSilent
	case silence > StallAfter.Microseconds():
		return Stalled, nil
	}
	return Live, nil
}

// tick lets the tracks give up what is late and asks for keyframes.
func (p *peer) tick(now int64) {
	for _, t := range p.allTracks() {
		if ssrc := t.tick(now); ssrc != 0 {
			// An error means that the connection is going: the watchdog sees it.
			_ = p.pc.WriteRTCP([]rtcp.Packet{&rtcp.PictureLossIndication{MediaSSRC: ssrc}})
		}
	}
}

// finish closes the connection, records what is left and says goodbye.
func (p *peer) finish() {
	p.mu.Lock()
	p.closed = true
	p.mu.Unlock()
	if err := p.pc.GracefulClose(); err != nil {
		p.srv.cfg.Logger.Debug("closing a peer connection failed", "resource", p.resource)
	}
	p.readers.Wait()
	for _, t := range p.allTracks() {
		t.end(p.sink.Now())
	}
	ctx, cancel := context.WithTimeout(context.Background(), flushTimeout)
	defer cancel()
	if err := p.rec.finish(ctx); err != nil && p.cause == nil {
		p.cause = err
	}
	p.notify(Closed)
}

func (p *peer) allTracks() []*track {
	p.mu.Lock()
	defer p.mu.Unlock()
	var all []*track
	for _, t := range p.tracks {
		if t != nil {
			all = append(all, t)
		}
	}
	return all
}

func (p *peer) notify(state State) {
	if p.srv.cfg.Notify == nil {
		return
	}
	n := Status{Session: p.session, Resource: p.resource, Segment: p.rec.segment(), State: state}
	if state == Closed {
		n.Err = p.cause
	}
	for _, t := range p.allTracks() {
		if t.kind == media.Video {
			n.Video = t.status()
		} else {
			n.Audio = t.status()
		}
	}
	p.srv.cfg.Notify(n)
}
