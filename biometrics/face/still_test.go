package face

import (
	"bytes"
	"errors"
	"image"
	"image/jpeg"
	"testing"

	"inkwitness/biometrics"
)

func TestEnrol(t *testing.T) {
	f := finder(t)
	dark, good, nobody := drawn(640, 480, 320, 240, 200, 0.15), drawn(640, 480, 200, 220, 180, 1), image.NewGray(image.Rect(0, 0, 640, 480))
	data, err := f.Enrol([]image.Image{nobody, dark, good})
	if err != nil {
		t.Fatal(err)
	}
	still, err := ReadStill(data)
	if err != nil {
		t.Fatal(err)
	}
	if b := still.Bounds(); b.Dx() >= 640 || b.Dy() > 480 {
		t.Errorf("the still of %v keeps the whole room", b)
	}
	if frame, err := f.Look(still); err != nil || len(frame.Faces) != 1 {
		t.Errorf("the face is not found in its still: %+v, %v", frame, err)
	}
	for name, frames := range map[string][]image.Image{"none": nil, "nobody": {nobody}, "dark": {dark}, "tiny": {image.NewGray(image.Rect(0, 0, 8, 8))}} {
		if _, err := f.Enrol(frames); !errors.Is(err, biometrics.ErrMalformed) {
			t.Errorf("%s: %v, want ErrMalformed", name, err)
		}
	}
}

func TestReadStillRefuses(t *testing.T) {
	var b bytes.Buffer
	if err := jpeg.Encode(&b, drawn(64, 64, 32, 32, 30, 1), nil); err != nil {
		t.Fatal(err)
	}
	huge := bytes.Clone(b.Bytes())
	at := bytes.Index(huge, []byte{0xff, 0xc0}) // SOF0: length, precision, height, width
	copy(huge[at+5:], []byte{0xff, 0xff, 0xff, 0xff})
	for name, c := range map[string]struct {
		data []byte
		want error
	}{
		"empty": {nil, biometrics.ErrMalformed}, "cut": {b.Bytes()[:b.Len()/2], biometrics.ErrMalformed},
		"too many pixels": {huge, biometrics.ErrLimit}, "too many bytes": {make([]byte, MaxStill+1), biometrics.ErrLimit},
	} {
		if _, err := ReadStill(c.data); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
	}
}

func FuzzReadStill(f *testing.F) {
	var b bytes.Buffer
	if err := jpeg.Encode(&b, drawn(48, 48, 24, 24, 20, 1), nil); err != nil {
		f.Fatal(err)
	}
	f.Add(b.Bytes())
	f.Fuzz(func(t *testing.T, data []byte) {
		if img, err := ReadStill(data); err == nil && img.Bounds().Empty() {
			t.Error("an empty picture without an error")
		}
	})
}
