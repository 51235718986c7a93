// Package timeline puts pen, video and sound on one clock: the session clock of
// the server. It says how sure it is of each, and it finds out when a recording
// was shifted afterwards.
//
// It is pure: it reads no clock, no file and no network, and equal recordings
// give equal timelines. It never changes a time that a device gave; it says how
// to read it.
package timeline

import (
	"iter"

	"inkwitness/capture"
	"inkwitness/capture/media"
)

// Batch is when one message of sample points was made and came.
type Batch struct {
	First   int64 // µs on the page's clock, its first point
	Last    int64 // µs on the page's clock, its last point
	Arrived int64 // µs on the session clock
}

// Input is what a recording tells about time.
type Input struct {
	Exchanges []capture.ClockExchange
	Pen       []Batch
	Video     func() iter.Seq2[media.Record, error] // nil where there is none
	Audio     func() iter.Seq2[media.Record, error] // nil where there is none
}

// Timeline is the content of timeline.json. Its schema is in the README.
type Timeline struct {
	Format int    `json:"format"` // 1
	Clock  string `json:"clock"`  // "session": all ...Micros fields without another clock in their name

	Pen   *Pen    `json:"pen,omitempty"`
	Media []Track `json:"media"` // by track, then segment

	// FileStartMicros is where the recording's file begins: its first frame.
	FileStartMicros int64 `json:"fileStartMicros"`

	// NetworkRoundTripMicros is the shortest round trip seen, 0 when unknown.
	NetworkRoundTripMicros int64 `json:"networkRoundTripMicros"`

	// Notes say in words what the figures cannot.
	Notes []string `json:"notes"`
}

// Method tells what a mapping rests on.
type Method string

// The methods, best first.
const (
	Exchanges     Method = "clock-exchanges" // questions and answers between page and server
	SenderReports Method = "sender-reports"  // RTCP, RFC 3550 section 6.4.1
	Arrivals      Method = "arrivals"        // only when the data came
)

// Pen maps the page's clock, the one of Point.Time, to the session clock:
//
//	session = originMicros + (page - originPageMicros) * (1 + driftPPM / 1e6)
type Pen struct {
	Method            Method  `json:"method"`
	OriginPageMicros  int64   `json:"originPageMicros"`
	OriginMicros      int64   `json:"originMicros"`
	DriftPPM          float64 `json:"driftPPM"` // how much faster the session clock runs
	UncertaintyMicros int64   `json:"uncertaintyMicros"`
	ExchangesUsed     int     `json:"exchangesUsed"`
	ExchangesSeen     int     `json:"exchangesSeen"`
	FirstMicros       int64   `json:"firstMicros"` // of the points
	LastMicros        int64   `json:"lastMicros"`
	MinDelayMicros    int64   `json:"minDelayMicros"` // from a batch's last point to its arrival
}

// Track maps one segment of one medium to the session clock:
//
//	session = originMicros + (rtp - originTicks) * microsPerTick + step
//
// where step is the addMicros of the last of the steps that begin at or before
// rtp.
type Track struct {
	Track               string  `json:"track"` // video or audio
	Segment             uint32  `json:"segment"`
	Codec               string  `json:"codec"`
	Method              Method  `json:"method"`
	OriginTicks         int64   `json:"originTicks"`
	OriginMicros        int64   `json:"originMicros"`
	MicrosPerTick       float64 `json:"microsPerTick"`
	Steps               []Step  `json:"steps"`
	ClockRateHz         uint32  `json:"clockRateHz"` // as negotiated
	DriftPPM            float64 `json:"driftPPM"`    // how much faster the session clock runs than the sender's
	UncertaintyMicros   int64   `json:"uncertaintyMicros"`
	Frames              int     `json:"frames"`
	FirstMicros         int64   `json:"firstMicros"`
	LastMicros          int64   `json:"lastMicros"`
	FrameIntervalMicros int64   `json:"frameIntervalMicros"` // the middle one
	MinDelayMicros      int64   `json:"minDelayMicros"`      // from a frame's time to its arrival
	Reports             []Pair  `json:"senderReports"`       // as they came
}

// Pair is one sender report.
type Pair struct {
	NTP           uint64 `json:"ntpUQ32x32,string"` // the sender's clock, 2^-32 s since 1900
	RTP           uint32 `json:"rtp"`
	ArrivedMicros int64  `json:"arrivedMicros"`
}

// Micros is the session time of a point's time.
func (p *Pen) Micros(page int64) int64 {
	d := page - p.OriginPageMicros
	return p.OriginMicros + d + int64(float64(d)*p.DriftPPM/1e6)
}

// Micros is the session time of a frame's media time.
func (t *Track) Micros(rtp int64) int64 {
	at := t.OriginMicros + int64(float64(rtp-t.OriginTicks)*t.MicrosPerTick)
	for i := len(t.Steps) - 1; i >= 0; i-- {
		if t.Steps[i].FromTicks <= rtp {
			return at + t.Steps[i].AddMicros
		}
	}
	return at
}

// Find returns the mapping of a segment's track, nil if there is none.
func (t *Timeline) Find(track media.Track, segment uint32) *Track {
	for i := range t.Media {
		if t.Media[i].Segment == segment && t.Media[i].Track == track.String() {
			return &t.Media[i]
		}
	}
	return nil
}

// FileMicros is where a frame stands in the recording's file, as webm.Config
// wants it. Frames of a segment that the timeline does not know stand at the
// time of their arrival.
func (t *Timeline) FileMicros(f media.Frame) int64 {
	at := f.Arrival
	if track := t.Find(f.Track, f.Segment); track != nil {
		at = track.Micros(f.RTP)
	}
	return max(0, at-t.FileStartMicros)
}
