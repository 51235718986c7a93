package rtc

import (
	"time"

	"github.com/pion/rtp"

	"inkwitness/capture/media"
)

// The assembler's window: how many packets may be out of order, and how long a
// missing one is waited for. At 300 ms round trip the first retransmission
// arrives late and the frame is lost; a longer wait would hold back every frame
// after it.
const (
	ringSize = 512
	ringWait = 250 * time.Millisecond
)

// assembler puts one track's packets in order and joins them into frames. A
// packet that stays away is skipped; video then goes on at the next keyframe,
// so that no recorded frame refers to one that is not there. It has no lock, no
// clock and no goroutine.
type assembler struct {
	dep   depacketizer
	video bool
	emit  func(media.Frame) // called for each frame in order; Data is only lent

	ring    [ringSize]held
	waiting int    // packets in the ring
	next    uint16 // sequence number to be consumed next
	begun   bool
	holed   int64 // µs, when the hole before the ring's first packet was seen

	frame     media.Frame
	buf       []byte
	open      bool
	lastRTP   uint32 // of the last frame begun, for unwrapping
	rtp       int64
	unwrapped bool // lastRTP and rtp are set

	resync   bool // after a loss: wait for a packet that begins a frame
	needKey  bool // no frame is recorded before the next keyframe
	gap      bool // the next frame recorded has lost ones before it
	dropping bool // packets of a frame that cannot be recorded are passing

	count TrackStatus
}

// held is a packet that came before its turn.
type held struct {
	ok      bool
	header  packetHeader
	payload []byte
}

// packetHeader is what the assembler needs of a packet's header.
type packetHeader struct {
	seq     uint16
	time    uint32
	marker  bool
	arrival int64  // µs
	capture uint64 // abs-capture-time or 0
}

func newAssembler(c media.Codec, track media.Track, segment uint32, emit func(media.Frame)) *assembler {
	return &assembler{
		dep: newDepacketizer(c), video: track == media.Video, emit: emit,
		needKey: track == media.Video, resync: true,
		frame: media.Frame{Segment: segment, Track: track},
		count: TrackStatus{Codec: c},
	}
}

func headerOf(h *rtp.Header, arrival int64) packetHeader {
	return packetHeader{seq: h.SequenceNumber, time: h.Timestamp, marker: h.Marker, arrival: arrival}
}

// push takes in one packet. The payload is only lent.
func (a *assembler) push(h packetHeader, payload []byte) {
	if !a.begun {
		a.begun, a.next = true, h.seq
	}
	ahead := int(int16(h.seq - a.next))
	switch {
	case ahead < 0:
		return // a double, or too late
	case ahead >= ringSize:
		a.jump(h.seq)
	case ahead > 0:
		a.hold(h, payload)
		return
	}
	if a.waiting > 0 {
		a.count.Repaired++
	}
	a.consume(h, payload)
	a.next++
	a.drain()
}

// expire gives up a packet that has been waited for long enough.
func (a *assembler) expire(now int64) {
	for a.waiting > 0 && now-a.holed >= ringWait.Microseconds() {
		a.skip()
		a.drain()
	}
}

// flush gives up all that is missing and records what can be.
func (a *assembler) flush() {
	for a.waiting > 0 {
		a.skip()
		a.drain()
	}
	a.lose()
}

// keyframeWanted tells whether video cannot go on without a keyframe.
func (a *assembler) keyframeWanted() bool { return a.needKey }

func (a *assembler) hold(h packetHeader, payload []byte) {
	slot := &a.ring[h.seq%ringSize]
	if slot.ok {
		return
	}
	if a.waiting == 0 {
		a.holed = h.arrival
	}
	*slot = held{ok: true, header: h, payload: append([]byte(nil), payload...)}
	a.waiting++
}

// drain consumes what is in order now.
func (a *assembler) drain() {
	for a.waiting > 0 {
		slot := &a.ring[a.next%ringSize]
		if !slot.ok {
			a.holed = a.firstHeld()
			return
		}
		a.consume(slot.header, slot.payload)
		*slot = held{}
		a.waiting--
		a.next++
	}
}

// firstHeld is when the first packet behind the hole came.
func (a *assembler) firstHeld() int64 {
	for i := range uint16(ringSize) {
		if slot := &a.ring[(a.next+i)%ringSize]; slot.ok {
			return slot.header.arrival
		}
	}
	return 0
}

// skip passes over the missing packets before the ring's first one.
func (a *assembler) skip() {
	for !a.ring[a.next%ringSize].ok {
		a.next++
		a.count.Lost++
	}
	a.lose()
}

// jump goes on at a packet that is too far ahead for the ring: the sender was
// away, or its sequence began anew.
func (a *assembler) jump(seq uint16) {
	for a.waiting > 0 {
		a.skip()
		a.drain()
	}
	a.count.Lost += uint64(seq - a.next)
	a.next = seq
	a.lose()
}

// lose drops the frame under way and makes video wait for a keyframe.
func (a *assembler) lose() {
	if a.open {
		a.count.Dropped++
	}
	a.open, a.resync, a.gap = false, true, true
	a.needKey = a.video
}

// consume takes the next packet in order.
func (a *assembler) consume(h packetHeader, payload []byte) {
	a.count.Packets++
	if len(payload) == 0 {
		return // padding to probe the bandwidth
	}
	if a.open && h.time != a.lastRTP {
		a.finish() // the sender left out the marker
	}
	if !a.open && !a.begin(h, payload) {
		return
	}
	var err error
	a.buf, err = a.dep.join(a.buf, payload)
	if err != nil || len(a.buf) > media.MaxData {
		a.lose()
		return
	}
	if h.marker || !a.video {
		a.finish()
	}
}

// begin opens a frame, or says that none can begin with this packet.
func (a *assembler) begin(h packetHeader, payload []byte) bool {
	if a.resync && !a.dep.starts(payload) {
		if !a.dropping {
			a.count.Dropped++
		}
		a.dropping = !h.marker
		return false
	}
	if !a.unwrapped {
		a.rtp = int64(h.time)
	} else {
		a.rtp += int64(int32(h.time - a.lastRTP))
	}
	a.lastRTP = h.time
	a.unwrapped = true
	a.frame.RTP, a.frame.Arrival, a.frame.Capture = a.rtp, h.arrival, h.capture
	a.buf, a.open, a.resync, a.dropping = a.buf[:0], true, false, false
	return true
}

// finish records the frame under way if it is whole and decodable.
func (a *assembler) finish() {
	a.open = false
	ok, key := a.dep.complete(a.buf)
	if !ok {
		a.open = true // counts as the dropped frame
		a.lose()
		return
	}
	if a.needKey && !key {
		a.count.Dropped++
		a.gap = true
		return
	}
	a.frame.Key, a.frame.Gap, a.frame.Data = key, a.gap, a.buf
	a.needKey, a.gap = false, false
	a.count.Frames++
	a.count.Bytes += uint64(len(a.buf))
	a.emit(a.frame)
}
