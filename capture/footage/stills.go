package footage

import (
	"bytes"
	"image"
	"iter"

	"golang.org/x/image/vp8"

	"inkwitness/capture/media"
)

// Limits of what is decoded: a still a second, of no more pixels than a camera
// of 12 megapixels has.
const (
	stillEvery = 1_000_000 // µs
	maxPixels  = 12 << 20
)

// Still is one picture of a recording.
type Still struct {
	Time    int64 // µs, as Input.Time gives it
	Picture *image.YCbCr
}

// Stills yields at most one picture a second from the keyframes of a recording,
// for those who look at faces. Only VP8 can be decoded; of other codecs there
// are none. A keyframe that cannot be decoded is passed over.
func Stills(video func() iter.Seq2[media.Record, error], time func(media.Frame) int64) iter.Seq2[Still, error] {
	return func(yield func(Still, error) bool) {
		var codec media.Codec
		next := int64(-1 << 62)
		for rec, err := range video() {
			if err != nil {
				yield(Still{}, err)
				return
			}
			switch rec := rec.(type) {
			case media.TrackStart:
				codec = rec.Codec
			case media.Frame:
				at := time(rec)
				if !rec.Key || codec != media.VP8 || at < next {
					continue
				}
				if picture := decode(rec.Data); picture != nil {
					next = at + stillEvery
					if !yield(Still{Time: at, Picture: picture}, nil) {
						return
					}
				}
			}
		}
	}
}

// decode decodes a VP8 keyframe, nil if it is none.
func decode(frame []byte) *image.YCbCr {
	d := vp8.NewDecoder()
	d.Init(bytes.NewReader(frame), len(frame))
	h, err := d.DecodeFrameHeader()
	if err != nil || !h.KeyFrame || h.Width == 0 || h.Height == 0 || h.Width*h.Height > maxPixels {
		return nil
	}
	picture, err := d.DecodeFrame()
	if err != nil {
		return nil
	}
	return picture
}

// stills gathers facts from pictures while a recording is read.
type stills struct {
	codec media.Codec
	next  int64 // µs; earlier keyframes are passed over
	begun bool

	all          []Brightness
	faces        Face
	looked       bool
	moments      []moment
	same         moment // the first of a run of stills that are the same
	longestStill int64  // µs
}

func (s *stills) add(at int64, frame []byte, faces FaceFinder) {
	if s.codec != media.VP8 || s.begun && at < s.next {
		return
	}
	picture := decode(frame)
	if picture == nil {
		return
	}
	s.all = append(s.all, light(picture))
	s.compare(at, thumbnail(picture))
	s.begun, s.next = true, at+stillEvery
	if faces == nil {
		return
	}
	if visible, err := faces.Visible(picture); err == nil {
		s.looked = true
		s.faces.Stills++
		if visible {
			s.faces.Visible++
		}
	}
}

// compare follows how long the stills stay the same. A real sensor's noise, and
// the coder's own, moves the mean difference of thumbnails above the limit.
func (s *stills) compare(at int64, thumb []float64) {
	const limit = 0.25 // of 255
	now := moment{at, thumb}
	s.moments = append(s.moments, now)
	if s.same.thumb == nil || difference(s.same.thumb, thumb) > limit {
		s.same = now
	}
	s.longestStill = max(s.longestStill, at-s.same.time)
}

func difference(a, b []float64) (d float64) {
	for i := range a {
		d += max(a[i]-b[i], b[i]-a[i]) / float64(len(a))
	}
	return d
}

// thumbnail is the mean luma of a few fields.
func thumbnail(p *image.YCbCr) []float64 {
	const w, h = thumbWidth, thumbHigh
	var sum, n [w * h]float64
	b := p.Bounds()
	for y := range b.Dy() {
		row := p.Y[y*p.YStride:]
		for x := range b.Dx() {
			i := y*h/b.Dy()*w + x*w/b.Dx()
			sum[i] += float64(row[x])
			n[i]++
		}
	}
	out := make([]float64, w*h)
	for i := range out {
		out[i] = sum[i] / max(1, n[i])
	}
	return out
}

// light measures one picture.
func light(p *image.YCbCr) (l Brightness) {
	b := p.Bounds()
	pixels := float64(b.Dx() * b.Dy())
	for y := range b.Dy() {
		row := p.Y[y*p.YStride:]
		for x := range b.Dx() {
			v := int(row[x])
			l.Mean += float64(v) / pixels
			if v <= 20 {
				l.BlackShare += 1 / pixels
			}
			if v >= 235 {
				l.GlareShare += 1 / pixels
			}
			if x > 0 {
				if d := v - int(row[x-1]); d > 8 || d < -8 {
					l.DetailShare += 1 / pixels
				}
			}
		}
	}
	return l
}

// brightness is the mean over the stills, nil of none.
func (s *stills) brightness() *Brightness {
	n := float64(len(s.all))
	if n == 0 {
		return nil
	}
	out := Brightness{Stills: len(s.all), Darkest: 255}
	for _, l := range s.all {
		out.Mean += l.Mean / n
		out.BlackShare += l.BlackShare / n
		out.GlareShare += l.GlareShare / n
		out.DetailShare += l.DetailShare / n
		out.Darkest, out.Brightest = min(out.Darkest, l.Mean), max(out.Brightest, l.Mean)
	}
	return &out
}

func (s *stills) face() *Face {
	if !s.looked {
		return nil
	}
	f := s.faces
	f.Share = float64(f.Visible) / float64(f.Stills)
	return &f
}
