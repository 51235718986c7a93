// Package media is the one coding of recorded video and audio: the frames as
// they were taken out of RTP, and what is needed to place them in time and to
// judge them later (segment starts, codecs, sender reports, losses). It is to
// media what ink is to the pen: rtc writes it, the journal stores it, webm and
// timeline read it.
//
// It knows nothing of networks, files or containers, and it decodes no picture.
// The byte diagram is in README.md.
package media

import "fmt"

// Track tells which of a segment's two media a record belongs to.
type Track uint8

// The tracks of a segment.
const (
	Video Track = 1
	Audio Track = 2
)

// String is the track's name as in timeline.json.
func (t Track) String() string {
	switch t {
	case Video:
		return "video"
	case Audio:
		return "audio"
	}
	return "unknown"
}

// Codec names the coding of a track's frames.
type Codec uint8

// The codecs that can be recorded. Their numbers are part of the file format.
const (
	VP8  Codec = 1
	VP9  Codec = 2
	AV1  Codec = 3 // frames are temporal units of OBUs with sizes, without delimiters
	H264 Codec = 4 // frames are in Annex B byte-stream format
	Opus Codec = 5
)

// String is the codec's name as in SDP, RFC 8866 section 6.6.
func (c Codec) String() string {
	switch c {
	case VP8:
		return "VP8"
	case VP9:
		return "VP9"
	case AV1:
		return "AV1"
	case H264:
		return "H264"
	case Opus:
		return "opus"
	}
	return fmt.Sprintf("codec %d", uint8(c))
}

// track is the only kind of track that the codec can carry, 0 if unknown.
func (c Codec) track() Track {
	switch c {
	case VP8, VP9, AV1, H264:
		return Video
	case Opus:
		return Audio
	}
	return 0
}

// Reason says why a segment began.
type Reason uint8

// The reasons of a segment's start.
const (
	Started    Reason = 1 // first connection of the session
	Reconnect  Reason = 2 // a new peer connection continues the session
	ICERestart Reason = 3 // the same peer connection on another network path; RTP clocks go on
	Fallback   Reason = 4 // MediaRecorder chunks over the socket, no RTP
)

// Record is one entry of a payload: Segment, TrackStart, Frame, SenderReport,
// TrackEnd or Chunk.
type Record interface {
	kind() byte
	appendBody(dst []byte) []byte
}

// Segment opens an unbroken run of recording. All other records name it.
type Segment struct {
	Number  uint32 // counts up within the session; a later segment has a higher number
	Reason  Reason
	Arrival int64 // µs, the session clock
}

// TrackStart tells how the frames that follow on a track are coded.
type TrackStart struct {
	Segment   uint32
	Track     Track
	Codec     Codec
	ClockRate uint32 // RTP ticks a second as negotiated; the sender may not keep it, timeline measures
	Channels  uint8  // audio channels, 0 for video
	SSRC      uint32 // the same SSRC in two segments means that the RTP clock went on
	Arrival   int64  // µs, the session clock
}

// Frame is one coded picture or one audio packet, complete and in order.
type Frame struct {
	Segment uint32
	Track   Track
	Key     bool   // decodes without any frame before it
	Gap     bool   // packets were lost between the frame before and this one
	RTP     int64  // ticks of the sender's media clock, unwrapped: it never jumps back by 2^32
	Arrival int64  // µs, the session clock, of the frame's first packet
	Capture uint64 // abs-capture-time, NTP UQ32.32 of the sender's clock; 0 where not sent
	Data    []byte
}

// SenderReport pairs the sender's media clock with its NTP clock, RFC 3550
// section 6.4.1. Every report is kept as it came.
type SenderReport struct {
	Segment uint32
	Track   Track
	SSRC    uint32
	NTP     uint64 // UQ32.32 seconds of the sender's clock
	RTP     uint32 // as sent, wrapped
	Packets uint32
	Octets  uint32
	Arrival int64 // µs, the session clock
}

// TrackEnd closes a track with what was counted. A crash leaves none.
type TrackEnd struct {
	Segment uint32
	Track   Track
	Packets uint64 // RTP packets taken in
	Lost    uint64 // packets that never came, retransmissions counted as come
	Frames  uint64 // frames recorded
	Dropped uint64 // frames given up: incomplete, or undecodable until the next keyframe
	Arrival int64  // µs, the session clock
}

// Chunk is a piece of a MediaRecorder's output as the page sent it. The chunks
// of a segment joined in order are one WebM or Matroska file.
type Chunk struct {
	Segment uint32
	Sent    int64 // µs of the page's clock (performance.now) when the chunk was handed out
	Arrival int64 // µs, the session clock
	Data    []byte
}
