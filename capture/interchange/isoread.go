package interchange

import (
	"bytes"
	"encoding/binary"
	"io"
	"math"

	"inkwitness/capture"
)

// isoDescription is what a record tells of a channel.
type isoDescription struct {
	included bool
	constant bool
	scale    float64 // 0 if none
	max      float64 // 0 if none
}

// ReadISO reads the full format of ISO/IEC 19794-7:2007. X and Y are needed;
// times come from T or DT, or are the order of the points; channels that can be
// computed (velocities, accelerations) and azimuth and elevation are passed over.
// Without a tip switch every point touches.
func ReadISO(r io.Reader) (capture.Signature, error) {
	b, err := readAll(r)
	if err != nil {
		return capture.Signature{}, err
	}
	rest, ok := bytes.CutPrefix(b, []byte(isoMagic))
	if !ok || len(rest) < 2 {
		return capture.Signature{}, malformed("ISO 19794-7: not the full format of the first edition")
	}
	channels, rest, err := isoDescriptions(binary.BigEndian.Uint16(rest), rest[2:])
	if err != nil {
		return capture.Signature{}, err
	}
	if len(rest) < 5 {
		return capture.Signature{}, malformed("ISO 19794-7: cut short")
	}
	extended := rest[1] != 0
	n := int(rest[2])<<16 | int(rest[3])<<8 | int(rest[4])
	if n > MaxPoints {
		return capture.Signature{}, tooMany()
	}
	return isoBody(&channels, n, extended, rest[5:])
}

// isoDescriptions reads the channel descriptions.
func isoDescriptions(included uint16, rest []byte) (channels [16]isoDescription, left []byte, err error) {
	for i := range channels {
		c := &channels[i]
		if included&(1<<(15-i)) == 0 {
			continue
		}
		if len(rest) == 0 {
			return channels, nil, malformed("ISO 19794-7: cut short")
		}
		what := rest[0]
		rest = rest[1:]
		c.included, c.constant = true, what&isoConst != 0
		for _, field := range []byte{isoScaled, isoMin, isoMax, isoMean, isoStd} {
			if what&field == 0 {
				continue
			}
			if len(rest) < 2 {
				return channels, nil, malformed("ISO 19794-7: cut short")
			}
			v := binary.BigEndian.Uint16(rest)
			rest = rest[2:]
			switch field {
			case isoScaled:
				c.scale = isoUnscale(v)
			case isoMax:
				c.max = isoChannels[i].value(v)
			}
		}
	}
	if !channels[isoX].included || !channels[isoY].included {
		return channels, nil, malformed("ISO 19794-7: no positions")
	}
	return channels, rest, nil
}

func (c isoChannel) value(v uint16) float64 {
	if c.signed {
		return float64(v) - 1<<15
	}
	return float64(v)
}

// isoBody reads the points and our extended data.
func isoBody(channels *[16]isoDescription, n int, extended bool, rest []byte) (s capture.Signature, err error) {
	size := isoPointSize(channels, false)
	// Writers differ in whether a constant channel is in the points.
	if whole := isoPointSize(channels, true); !extended && n*size != len(rest) && n*whole == len(rest) {
		size = whole
		for i := range channels {
			channels[i].constant = false
		}
	}
	if n*size > len(rest) {
		return s, malformed("ISO 19794-7: %d bytes for %d points", len(rest), n)
	}
	s.Device = isoDevice(channels)
	s.Points = make([]capture.Point, n)
	clock := 0.0 // s
	for i := range s.Points {
		var v [16]float64
		v, rest = isoPoint(channels, rest)
		if i > 0 {
			clock += isoStep(channels, v)
		}
		if channels[isoT].included && !channels[isoT].constant {
			clock = v[isoT] / orOne(channels[isoT].scale)
		}
		p, err := isoConvert(channels, v)
		if err != nil {
			return capture.Signature{}, err
		}
		p.Time = int64(math.Round(clock * 1e6))
		if !s.Device.HasTime {
			p.Time = int64(i)
		}
		p.Start = p.Down && (i == 0 || !s.Points[i-1].Down)
		s.Points[i] = p
	}
	if extended {
		isoMarkStarts(s.Points, rest)
	}
	return s, nil
}

func isoPointSize(channels *[16]isoDescription, constants bool) (size int) {
	for i, c := range channels {
		if c.included && (constants || !c.constant) {
			size += isoChannels[i].size
		}
	}
	return size
}

func isoPoint(channels *[16]isoDescription, b []byte) (v [16]float64, rest []byte) {
	for i, c := range channels {
		switch {
		case !c.included || c.constant:
			v[i] = 1 // a constant channel's number
		case isoChannels[i].size == 1:
			v[i], b = float64(b[0]), b[1:]
		default:
			v[i], b = isoChannels[i].value(binary.BigEndian.Uint16(b)), b[2:]
		}
	}
	return v, b
}

func isoStep(channels *[16]isoDescription, v [16]float64) float64 {
	if !channels[isoDT].included {
		return 0
	}
	return v[isoDT] / orOne(channels[isoDT].scale)
}

func orOne(v float64) float64 {
	if v == 0 {
		return 1
	}
	return v
}

func isoDevice(channels *[16]isoDescription) capture.Device {
	d := capture.Device{
		UnitsPerMM:  channels[isoX].scale,
		HasPressure: channels[isoF].included,
		HasTilt:     channels[isoTX].included && channels[isoTY].included,
		HasInAir:    channels[isoS].included,
		HasTime:     channels[isoT].included || channels[isoDT].included,
	}
	if dt := channels[isoDT]; dt.included && dt.constant {
		d.SampleRate = orOne(dt.scale)
	}
	return d
}

// isoConvert turns the numbers of a point into ours.
func isoConvert(channels *[16]isoDescription, v [16]float64) (p capture.Point, err error) {
	p.X, p.Y = int32(v[isoX]), int32(-v[isoY])
	if sx, sy := channels[isoX].scale, channels[isoY].scale; sx > 0 && sy > 0 && sx != sy {
		if err := put(&p.Y, -v[isoY]*sx/sy, math.MinInt32, math.MaxInt32); err != nil { // one unit for both
			return p, malformed("ISO 19794-7: y: %w", err)
		}
	}
	p.Down = !channels[isoS].included || v[isoS] != 0
	if channels[isoF].included {
		full := channels[isoF].max
		if full <= 0 {
			full = capture.MaxPressure
		}
		p.Pressure = uint16(math.Round(min(1, v[isoF]/full) * capture.MaxPressure))
	}
	angle := func(c int, lo, hi float64) float64 {
		if !channels[c].included {
			return 0
		}
		a := math.Round(v[c] / orOne(channels[c].scale) * 100)
		if a < lo || a > hi {
			err = malformed("ISO 19794-7: an angle of %v degrees", a/100)
			return 0
		}
		return a
	}
	p.TiltX, p.TiltY = int16(angle(isoTX, -9000, 9000)), int16(angle(isoTY, -9000, 9000))
	p.Twist = uint16(int(angle(isoR, 0, 36000)) % 36000)
	return p, err
}

// isoMarkStarts applies our extended data; anyone else's is passed over.
func isoMarkStarts(points []capture.Point, rest []byte) {
	if len(rest) < 2 {
		return
	}
	data, ok := bytes.CutPrefix(rest[2:], []byte(isoStrokes))
	at := uint64(0)
	for ok && len(data) > 0 {
		step, n := binary.Uvarint(data)
		if n <= 0 || step > MaxPoints || at+step >= uint64(len(points)) {
			return
		}
		at, data = at+step, data[n:]
		points[at].Start = points[at].Down
	}
}
