package footage

import (
	"bytes"
	"encoding/binary"
	"errors"
	"image"
	"iter"
	"os"
	"slices"
	"testing"

	"inkwitness/capture"
	"inkwitness/capture/media"
)

// keyframes reads an IVF file.
func keyframes(t testing.TB, name string) (frames [][]byte) {
	t.Helper()
	b, err := os.ReadFile("testdata/" + name)
	if err != nil {
		t.Fatal(err)
	}
	for b = b[32:]; len(b) >= 12; {
		n := binary.LittleEndian.Uint32(b)
		frames = append(frames, b[12:12+n])
		b = b[12+n:]
	}
	return frames
}

// recording has a keyframe each 2 s and 49 frames of the given size between.
func recording(t testing.TB, name string, between int) []media.Record {
	t.Helper()
	records := []media.Record{media.TrackStart{Track: media.Video, Codec: media.VP8, ClockRate: 90000}}
	at := int64(0)
	for _, k := range keyframes(t, name) {
		for i := range 50 {
			f := media.Frame{Track: media.Video, RTP: at, Data: bytes.Repeat([]byte{1}, between)}
			if i == 0 {
				f.Key, f.Data = true, k
			}
			records = append(records, f)
			at += 3600
		}
	}
	return append(records, media.TrackEnd{Track: media.Video, Dropped: 3, Lost: 7})
}

func input(records []media.Record) Input {
	return Input{Video: source(records), Time: func(f media.Frame) int64 { return f.RTP * 100 / 9 }}
}

func source(records []media.Record) func() iter.Seq2[media.Record, error] {
	return func() iter.Seq2[media.Record, error] {
		return func(yield func(media.Record, error) bool) {
			for _, r := range records {
				if !yield(r, nil) {
					return
				}
			}
		}
	}
}

func measure(t *testing.T, in Input) Facts {
	t.Helper()
	f, err := Measure(in)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range f.Reasons {
		if r.Verdict != capture.Undecided || r.Text == "" {
			t.Errorf("reason %+v", r)
		}
	}
	return f
}

func codes(f Facts) (out []string) {
	for _, r := range f.Reasons {
		out = append(out, r.Code)
	}
	return out
}

func TestAnOrdinaryRecording(t *testing.T) {
	f := measure(t, input(recording(t, "free.ivf", 900)))
	v := f.Video
	if v.Frames != 1000 || v.Keyframes != 20 || v.FrameRateHz < 24.99 || v.FrameRateHz > 25.01 || v.FrameIntervalMicros != 40_000 {
		t.Errorf("%+v, want 1000 frames at 25/s", v)
	}
	if v.FramesDropped != 3 || v.PacketsLost != 7 || v.FramesMissing != 0 || v.LongestGapMicros != 40_000 {
		t.Errorf("%+v, want 3 dropped, 7 lost, none missing", v)
	}
	// The pictures' mean luma as ffmpeg's signalstats gives it (YAVG) is 109.90.
	if b := v.Brightness; b == nil || b.Stills != 20 || b.Mean < 109.8 || b.Mean > 110.0 {
		t.Errorf("brightness %+v", b)
	}
	if v.Face != nil {
		t.Errorf("face %+v without anyone who looks", v.Face)
	}
	if len(f.Reasons) > 0 {
		t.Errorf("reasons %v, want none", codes(f))
	}
}

func TestReasons(t *testing.T) {
	free := recording(t, "free.ivf", 900)
	holes := slices.DeleteFunc(slices.Clone(free), func(r media.Record) bool {
		f, ok := r.(media.Frame)
		return ok && f.RTP >= 10*90000 && f.RTP < 15*90000
	})
	slow := slices.DeleteFunc(slices.Clone(free), func(r media.Record) bool {
		f, ok := r.(media.Frame)
		return ok && f.RTP/3600%5 != 0
	})
	tests := []struct {
		name    string
		records []media.Record
		code    string
	}{
		{"loop", recording(t, "loop.ivf", 900), CodeRepeat},
		{"one picture", recording(t, "still.ivf", 900), CodeStill},
		{"frames that hold nothing", recording(t, "free.ivf", 20), CodeStill},
		{"dark", recording(t, "dark.ivf", 900), CodeDark},
		{"a hole", holes, CodeGap},
		{"missing frames", holes, CodeMissing},
		{"slow", slow, CodeSlow},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			f := measure(t, input(test.records))
			if !slices.Contains(codes(f), test.code) {
				t.Errorf("reasons %v, want %s (%+v, repeat %+v)", codes(f), test.code, f.Video, f.Video.Repeat)
			}
		})
	}
}

func TestLoopAndNoLoopAreFarApart(t *testing.T) {
	loop := measure(t, input(recording(t, "loop.ivf", 900))).Video.Repeat
	free := measure(t, input(recording(t, "free.ivf", 900))).Video.Repeat
	t.Logf("likeness: loop %.2f, no loop %.2f", loop.Likeness, free.Likeness)
	if loop.Likeness > 0.2 || loop.LagMicros%8_000_000 != 0 || free.Likeness < 0.5 {
		t.Errorf("loop %+v, no loop %+v", loop, free)
	}
}

// finder sees a face in every second picture and fails on every fourth.
type finder struct{ n int }

func (f *finder) Visible(p image.Image) (bool, error) {
	if f.n++; f.n%4 == 0 {
		return false, errors.New("no picture")
	}
	return f.n%2 == 0 && p.Bounds().Dx() == 96, nil
}

func TestFaceShare(t *testing.T) {
	in := input(recording(t, "free.ivf", 900))
	in.Faces = &finder{}
	f := measure(t, in)
	if c := f.Video.Face; c == nil || c.Stills != 15 || c.Visible != 5 || !slices.Contains(codes(f), CodeFace) {
		t.Errorf("face %+v, reasons %v", c, codes(f))
	}
}

func TestSound(t *testing.T) {
	records := []media.Record{media.TrackStart{Track: media.Audio, Codec: media.Opus, ClockRate: 48000}}
	for i := range int64(500) {
		if i < 100 || i > 250 {
			records = append(records, media.Frame{Track: media.Audio, Key: true, RTP: i * 1800, Data: make([]byte, 80)})
		}
	}
	in := input(nil)
	in.Video, in.Audio = nil, source(records)
	f := measure(t, in)
	if a := f.Audio; a.Packets != 349 || a.LongestGapMicros != 152*20_000 || a.MeanBytes != 80 || !slices.Contains(codes(f), CodeSound) {
		t.Errorf("%+v, reasons %v", a, codes(f))
	}
}

func TestNothingAndBrokenSources(t *testing.T) {
	if f := measure(t, Input{Video: source(nil), Audio: source(nil)}); f.Video != nil || f.Audio != nil {
		t.Errorf("facts of nothing: %+v", f)
	}
	broken := func() iter.Seq2[media.Record, error] {
		return func(yield func(media.Record, error) bool) { yield(nil, capture.ErrMalformed) }
	}
	for _, in := range []Input{{Video: broken}, {Audio: broken}} {
		if _, err := Measure(in); !errors.Is(err, capture.ErrMalformed) {
			t.Errorf("Measure: %v, want ErrMalformed", err)
		}
	}
	for _, err := range Stills(broken, nil) {
		if !errors.Is(err, capture.ErrMalformed) {
			t.Errorf("Stills: %v, want ErrMalformed", err)
		}
	}
}

func TestStillsAreASecondApart(t *testing.T) {
	records := []media.Record{media.TrackStart{Track: media.Video, Codec: media.VP8, ClockRate: 90000}}
	for i, k := range keyframes(t, "free.ivf") { // four a second
		records = append(records, media.Frame{Track: media.Video, Key: true, RTP: int64(i) * 22500, Data: k})
	}
	n := 0
	for s, err := range Stills(source(records), input(nil).Time) {
		if err != nil || s.Time != int64(n)*1_000_000 || s.Picture.Bounds().Dx() != 96 {
			t.Errorf("still %d at %d: %v", n, s.Time, err)
		}
		n++
	}
	if n != 5 {
		t.Errorf("%d stills, want 5", n)
	}
}

// FuzzDecode: no keyframe panics or makes a picture beyond the limit.
func FuzzDecode(f *testing.F) {
	f.Add(keyframes(f, "dark.ivf")[0])
	f.Add(keyframes(f, "free.ivf")[0][:200])
	f.Fuzz(func(t *testing.T, frame []byte) {
		if p := decode(frame); p != nil {
			if b := p.Bounds(); b.Dx()*b.Dy() > maxPixels {
				t.Errorf("a picture of %v", b)
			}
			light(p)
			thumbnail(p)
		}
	})
}
