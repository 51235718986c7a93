package rtc

import (
	"encoding/binary"
	"fmt"
	"sync"

	"github.com/pion/rtcp"
	"github.com/pion/rtp"
	"github.com/pion/webrtc/v4"

	"inkwitness/capture"
	"inkwitness/capture/media"
)

// track takes in one RTP stream.
type track struct {
	p         *peer
	kind      media.Track
	remote    *webrtc.TrackRemote
	receiver  *webrtc.RTPReceiver
	codec     media.Codec
	captureID uint8 // of the abs-capture-time header extension, 0 where not negotiated

	mu      sync.Mutex // guards all below
	asm     *assembler
	lastPLI int64 // µs
}

// begin is called by pion with a stream's first packet.
func (p *peer) begin(remote *webrtc.TrackRemote, receiver *webrtc.RTPReceiver) {
	codec := codecOf(remote.Codec())
	t := &track{p: p, kind: media.Audio, remote: remote, receiver: receiver, codec: codec}
	if remote.Kind() == webrtc.RTPCodecTypeVideo {
		t.kind = media.Video
	}
	if newDepacketizer(codec) == nil {
		p.stop(errCodec)
		return
	}
	for _, h := range receiver.GetParameters().HeaderExtensions {
		if h.URI == absCaptureURI {
			t.captureID = uint8(h.ID)
		}
	}
	t.asm = newAssembler(codec, t.kind, p.rec.segment(), t.record)
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed || p.tracks[t.kind-1] != nil {
		return // a second stream for the same medium is not read
	}
	p.tracks[t.kind-1] = t
	t.announce()
	p.readers.Go(t.readMedia)
	p.readers.Go(t.readReports)
}

// announce records how the frames that follow are coded.
func (t *track) announce() {
	c := t.remote.Codec()
	t.put(media.TrackStart{
		Segment: t.asm.frame.Segment, Track: t.kind, Codec: t.codec, ClockRate: c.ClockRate,
		Channels: uint8(c.Channels), SSRC: uint32(t.remote.SSRC()), Arrival: t.p.sink.Now(),
	})
}

func (t *track) put(r media.Record) {
	if err := t.p.rec.put(t.kind, r); err != nil {
		t.p.stop(err)
	}
}

// record takes a frame from the assembler.
func (t *track) record(f media.Frame) {
	t.put(f)
	if t.asm.count.Bytes > uint64(t.p.srv.cfg.MaxBytes) {
		t.p.stop(fmt.Errorf("%s of more than %d bytes: %w", t.kind, t.p.srv.cfg.MaxBytes, capture.ErrLimit))
	}
}

func (t *track) readMedia() {
	buf := make([]byte, 1500)
	for {
		n, _, err := t.remote.Read(buf)
		if err != nil {
			return // the peer connection is closed
		}
		var packet rtp.Packet
		if packet.Unmarshal(buf[:n]) != nil {
			continue
		}
		if codecOf(t.remote.Codec()) != t.codec {
			t.p.stop(errCodec)
			return
		}
		t.take(&packet)
	}
}

func (t *track) take(packet *rtp.Packet) {
	now := t.p.sink.Now()
	t.p.lastMedia.Store(now)
	h := headerOf(&packet.Header, now)
	if t.captureID != 0 {
		if x := packet.GetExtension(t.captureID); len(x) >= 8 {
			h.capture = binary.BigEndian.Uint64(x)
		}
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.asm.push(h, packet.Payload)
}

// readReports keeps every sender report as it came.
func (t *track) readReports() {
	for {
		packets, _, err := t.receiver.ReadRTCP()
		if err != nil {
			return
		}
		now := t.p.sink.Now()
		for _, packet := range packets {
			if sr, ok := packet.(*rtcp.SenderReport); ok && sr.SSRC == uint32(t.remote.SSRC()) {
				t.put(media.SenderReport{
					Segment: t.p.rec.segment(), Track: t.kind, SSRC: sr.SSRC, NTP: sr.NTPTime, RTP: sr.RTPTime,
					Packets: sr.PacketCount, Octets: sr.OctetCount, Arrival: now,
				})
			}
		}
	}
}

// tick gives up late packets. It returns the SSRC to ask for a keyframe, or 0.
func (t *track) tick(now int64) uint32 {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.asm.expire(now)
	if !t.asm.keyframeWanted() || now-t.lastPLI < keyframeSpacing.Microseconds() {
		return 0
	}
	t.lastPLI = now
	return uint32(t.remote.SSRC())
}

// resegment continues the track in another segment: the stream and its clock
// go on, only the network path is new.
func (t *track) resegment(number uint32) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.asm.frame.Segment = number
	t.announce()
}

func (t *track) status() TrackStatus {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.asm.count
}

// end records what was counted. The readers are over.
func (t *track) end(now int64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.asm.flush()
	c := t.asm.count
	t.put(media.TrackEnd{
		Segment: t.asm.frame.Segment, Track: t.kind,
		Packets: c.Packets, Lost: c.Lost, Frames: c.Frames, Dropped: c.Dropped, Arrival: now,
	})
}
