// Package capture is the vocabulary of a recorded signing act: sample points,
// signatures, the device that made them, and the streams that carry them.
//
// It imports nothing of this project and no technology. Its children do the
// work: ink codes sample points, ws and rtc take them in, record keeps them on
// disk, and everything to the right (biometrics, evidence, api) reads the types
// declared here.
//
// Units are fixed for the whole project:
//
//   - time is in microseconds (µs) on the clock named beside it;
//   - positions are integers in the device's own unit, see Device.UnitsPerMM;
//     X grows to the right and Y grows downwards, as on a screen. Readers of
//     formats whose Y grows upwards flip it;
//   - pressure is 0 (none) to MaxPressure (the device's full scale);
//   - tilt is in 0.01 degree as in W3C Pointer Events 3, section 4.1.
package capture

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"time"
)

// MaxPressure is the value of Point.Pressure at the device's full scale.
const MaxPressure = 65535

// Point is one sample point as the device reported it. Nothing is smoothed,
// dropped or reordered between the device and this type.
type Point struct {
	Time     int64  // µs on the pen device's own clock since Signature.Epoch; may repeat or step back when the device's clock did
	X, Y     int32  // position in device units, Device.UnitsPerMM of them to a millimetre
	Pressure uint16 // 0..MaxPressure; 0 while in the air or when the device has no pressure
	TiltX    int16  // 0.01 degree, -9000..9000, positive to the right
	TiltY    int16  // 0.01 degree, -9000..9000, positive towards the writer
	Twist    uint16 // 0.01 degree, 0..35999, clockwise rotation of the barrel
	Down     bool   // the tip touches the surface; false is a recorded in-air (hover) point
	Start    bool   // first Down point of a stroke; a pen-up may leave no in-air point, so Down alone cannot tell strokes apart
}

// PointerType says what made the points, in the words of W3C Pointer Events.
type PointerType string

// The pointer types of W3C Pointer Events 3, section 4.1.
const (
	Pen     PointerType = "pen"
	Touch   PointerType = "touch"
	Mouse   PointerType = "mouse"
	Unknown PointerType = ""
)

// Device describes what recorded a signature, as far as it is known. The zero
// value is a device about which nothing is known.
type Device struct {
	Pointer PointerType `json:"pointer"`

	// UnitsPerMM is the number of position units to a millimetre. 0 means that
	// the device does not tell; shapes can then be compared but not measured.
	UnitsPerMM float64 `json:"unitsPerMM"`

	// NominalScale is true when UnitsPerMM was derived from CSS pixels
	// (96 to the inch by definition), which no screen is bound to keep.
	NominalScale bool `json:"nominalScale"`

	// SampleRate is the nominal rate in Hz, 0 when unknown. The real rate is
	// measured from the points.
	SampleRate float64 `json:"sampleRate"`

	// PressureLevels is the number of levels that the device can tell apart,
	// 0 when it has no pressure sensor or its range is not known.
	PressureLevels int `json:"pressureLevels"`

	HasPressure bool `json:"hasPressure"`
	HasTilt     bool `json:"hasTilt"`
	HasInAir    bool `json:"hasInAir"` // hover points were recorded, not only contact
	HasTime     bool `json:"hasTime"`  // times are the device's own, not made up from SampleRate
}

// Signature is one signature as sampled: questioned, reference or forgery is
// decided by who uses it.
type Signature struct {
	Device Device    `json:"device"`
	Epoch  time.Time `json:"epoch"` // wall time of Point.Time 0, UTC; zero when unknown
	Points []Point   `json:"points"`
}

// Strokes cuts the signature at its pen-ups and returns the half-open index
// ranges [from, to) of the runs of Down points, in order. A point with Start
// opens a new stroke even where no in-air point lies between.
func (s Signature) Strokes() [][2]int {
	var strokes [][2]int
	start := -1
	for i, p := range s.Points {
		if start >= 0 && (!p.Down || p.Start) {
			strokes = append(strokes, [2]int{start, i})
			start = -1
		}
		if p.Down && start < 0 {
			start = i
		}
	}
	if start >= 0 {
		strokes = append(strokes, [2]int{start, len(s.Points)})
	}
	return strokes
}

// Written returns the half-open index range [from, to) from the first Down point
// to the last: the signature without the pen's way there and back, which a device
// with hover records too. It is [0, 0) where nothing was written.
func (s Signature) Written() (from, to int) {
	for from < len(s.Points) && !s.Points[from].Down {
		from++
	}
	if from == len(s.Points) {
		return 0, 0
	}
	for to = len(s.Points); !s.Points[to-1].Down; to-- {
	}
	return from, to
}

// SessionID names one capture session: one signature, or one reference, of one
// signer. It is a random 128-bit number in lower-case hex.
type SessionID string

// Bytes returns the number itself. Anything but 32 lower-case hex digits is
// ErrMalformed.
func (id SessionID) Bytes() (raw [16]byte, err error) {
	b, err := hex.DecodeString(string(id))
	if err != nil || len(b) != len(raw) || hex.EncodeToString(b) != string(id) {
		return raw, fmt.Errorf("session id: %w", ErrMalformed)
	}
	return [16]byte(b), nil
}

// NewSessionID returns the name of a number.
func NewSessionID(raw [16]byte) SessionID { return SessionID(hex.EncodeToString(raw[:])) }

// Pending is a record that was accepted and is on its way to the disk.
type Pending interface {
	// Wait returns once the record and all before it are on stable storage,
	// with the head of the record's stream just after it. An error means that
	// it must not be acknowledged.
	Wait(ctx context.Context) (Head, error)
}

// Stream is one of the parallel streams of a session.
type Stream uint8

// The streams of a session. Their numbers are part of the file formats.
const (
	StreamPen     Stream = 1
	StreamVideo   Stream = 2
	StreamAudio   Stream = 3
	StreamControl Stream = 4 // clock exchanges, sender reports, segment starts, the finish
)

// String returns the stream's name as it appears in timeline.json.
func (s Stream) String() string {
	switch s {
	case StreamPen:
		return "pen"
	case StreamVideo:
		return "video"
	case StreamAudio:
		return "audio"
	case StreamControl:
		return "control"
	}
	return "unknown"
}

// ClockExchange is one question for the time between a page and the server, as
// in NTP (RFC 5905, section 8): the offset of the server's session clock against
// the page's is ((T2-T1)+(T3-T4))/2, known to half of (T4-T1)-(T3-T2).
type ClockExchange struct {
	ClientSend    int64 `json:"t1"` // µs on the page's clock, the one of Point.Time
	ServerReceive int64 `json:"t2"` // µs on the session clock
	ServerSend    int64 `json:"t3"` // µs on the session clock
	ClientReceive int64 `json:"t4"` // µs on the page's clock
}

// PenFacts is what a page declares about its pointer device. It is a hint: a
// page can say what it likes.
type PenFacts struct {
	Pointer      PointerType `json:"pointer"`
	HasPressure  bool        `json:"hasPressure"`
	HasTilt      bool        `json:"hasTilt"`
	HasTwist     bool        `json:"hasTwist"`
	HasHover     bool        `json:"hasHover"`
	HasCoalesced bool        `json:"hasCoalesced"` // the browser gives the samples between two events
	PixelRatio   uint64      `json:"pixelRatio"`   // 1/1000 device pixel per CSS pixel
	Events       uint64      `json:"events"`       // pointer events seen
	Samples      uint64      `json:"samples"`      // samples in them, coalesced ones included
}

// Control is one record of StreamControl, kept as JSON. Exactly one field
// beside Kind is set. Packages with further kinds declare their own struct with
// the same Kind field.
type Control struct {
	Kind  string         `json:"kind"`
	Clock *ClockExchange `json:"clock,omitempty"`
	Pen   *PenFacts      `json:"pen,omitempty"`
}

// The kinds of control records that the pen half writes.
const (
	ControlClock = "pen.clock" // Control.Clock
	ControlPen   = "pen.facts" // Control.Pen
)

// Undecided is the only verdict that a Reason has.
const Undecided = "undecided"

// Reason is a figure of a recording beyond a limit, which calls for a second
// look. It never says that a recording is forged, and the lack of reasons never
// says that it is genuine.
type Reason struct {
	Code    string  `json:"code"`
	Verdict string  `json:"verdict"` // always Undecided
	Figure  float64 `json:"figure"`
	Limit   float64 `json:"limit"`
	Unit    string  `json:"unit"`
	Text    string  `json:"text"`
}

// Clock tells the time. Nothing in this project calls time.Now itself, so that
// a test can drive ten years of retention in a second.
type Clock interface {
	// Now is the wall time with a monotonic reading where the clock has one.
	Now() time.Time
}

// Errors that cross package borders. Test them with errors.Is.
var (
	ErrNotFound  = errors.New("capture: no such session")
	ErrGap       = errors.New("capture: a sequence number was skipped")
	ErrConflict  = errors.New("capture: another record has this sequence number")
	ErrFinished  = errors.New("capture: the session is finished and immutable")
	ErrMalformed = errors.New("capture: malformed data")
	ErrLimit     = errors.New("capture: a limit was exceeded")
	ErrDiskFull  = errors.New("capture: no room for new sessions")
	ErrDamaged   = errors.New("capture: stored records are damaged")
	ErrClosed    = errors.New("capture: closed")
)
