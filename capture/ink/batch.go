package ink

import (
	"encoding/binary"
	"math"

	"inkwitness/capture"
)

// Flags of a point. Bits 5 to 7 are zero.
const (
	flagDown     = 1 << iota // the tip touches
	flagStart                // first point of a stroke
	flagPressure             // a pressure delta follows
	flagTilt                 // two tilt deltas follow
	flagTwist                // a twist delta follows
	flagsKnown   = 1<<iota - 1
)

// minPoint is the size of the smallest point: flags, dt, dx, dy.
const minPoint = 4

// Batch is one numbered run of sample points. Point.Time is the event's own
// timeStamp in µs, positions are in 1/100 CSS pixel.
type Batch struct {
	Seq    uint64
	Points []capture.Point
}

// AppendBatch appends the BATCH message for b to dst. Pressure, tilt and twist
// are written only where they change. It refuses what ParseBatch would refuse;
// MaxPoints points of at most 31 bytes always fit into MaxMessage.
func AppendBatch(dst []byte, b Batch) ([]byte, error) {
	if len(b.Points) < 1 || len(b.Points) > MaxPoints {
		return nil, malformed("a batch of %d points", len(b.Points))
	}
	if b.Seq > maxInteger {
		return nil, malformed("sequence number %d", b.Seq)
	}
	dst = append(dst, typeBatch)
	dst = binary.AppendUvarint(dst, b.Seq)
	dst = binary.AppendUvarint(dst, uint64(len(b.Points)))
	var last capture.Point
	for i, p := range b.Points {
		if err := checkPoint(p); err != nil {
			return nil, malformed("point %d: %w", i, err)
		}
		dst = appendPoint(dst, last, p)
		last = p
	}
	return dst, nil
}

func checkPoint(p capture.Point) error {
	switch {
	case p.Time < 0 || p.Time > maxTime:
		return malformed("time %d", p.Time)
	case p.TiltX < -9000 || p.TiltX > 9000 || p.TiltY < -9000 || p.TiltY > 9000:
		return malformed("tilt %d, %d", p.TiltX, p.TiltY)
	case p.Twist >= 36000:
		return malformed("twist %d", p.Twist)
	}
	return nil
}

func appendPoint(dst []byte, last, p capture.Point) []byte {
	tilted := p.TiltX != last.TiltX || p.TiltY != last.TiltY
	var flags byte
	for _, f := range []struct {
		set bool
		bit byte
	}{
		{p.Down, flagDown},
		{p.Start, flagStart},
		{p.Pressure != last.Pressure, flagPressure},
		{tilted, flagTilt},
		{p.Twist != last.Twist, flagTwist},
	} {
		if f.set {
			flags |= f.bit
		}
	}
	dst = append(dst, flags)
	dst = binary.AppendVarint(dst, p.Time-last.Time)
	dst = binary.AppendVarint(dst, int64(p.X)-int64(last.X))
	dst = binary.AppendVarint(dst, int64(p.Y)-int64(last.Y))
	if flags&flagPressure != 0 {
		dst = binary.AppendVarint(dst, int64(p.Pressure)-int64(last.Pressure))
	}
	if tilted {
		dst = binary.AppendVarint(dst, int64(p.TiltX)-int64(last.TiltX))
		dst = binary.AppendVarint(dst, int64(p.TiltY)-int64(last.TiltY))
	}
	if flags&flagTwist != 0 {
		dst = binary.AppendVarint(dst, int64(p.Twist)-int64(last.Twist))
	}
	return dst
}

// ParseBatch reads a BATCH message. Any failure wraps capture.ErrMalformed.
func ParseBatch(msg []byte) (Batch, error) {
	c := open(msg, typeBatch, "BATCH")
	b := Batch{Seq: c.unsigned("sequence number")}
	n := c.unsigned("number of points")
	if c.err == nil && (n < 1 || n > MaxPoints || n > uint64(len(c.rest)/minPoint)) {
		c.fail("%d points do not fit", n)
	}
	if c.err != nil {
		return Batch{}, c.err
	}
	b.Points = make([]capture.Point, 0, n)
	var p capture.Point
	for range n {
		c.point(&p)
		b.Points = append(b.Points, p)
	}
	if err := c.end(); err != nil {
		return Batch{}, err
	}
	return b, nil
}

// point reads one point over the one before it.
func (c *cursor) point(p *capture.Point) {
	flags := c.byte("flags")
	if flags&^flagsKnown != 0 {
		c.fail("flags 0x%02x", flags)
		return
	}
	p.Down, p.Start = flags&flagDown != 0, flags&flagStart != 0
	p.Time = c.add("time", p.Time, 0, maxTime)
	p.X = int32(c.add("x", int64(p.X), math.MinInt32, math.MaxInt32))
	p.Y = int32(c.add("y", int64(p.Y), math.MinInt32, math.MaxInt32))
	if flags&flagPressure != 0 {
		p.Pressure = uint16(c.add("pressure", int64(p.Pressure), 0, capture.MaxPressure))
	}
	if flags&flagTilt != 0 {
		p.TiltX = int16(c.add("tilt x", int64(p.TiltX), -9000, 9000))
		p.TiltY = int16(c.add("tilt y", int64(p.TiltY), -9000, 9000))
	}
	if flags&flagTwist != 0 {
		p.Twist = uint16(c.add("twist", int64(p.Twist), 0, 35999))
	}
}

// IsBatch tells whether msg claims to be a BATCH.
func IsBatch(msg []byte) bool { return len(msg) > 0 && msg[0] == typeBatch }
