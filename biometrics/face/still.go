package face

import (
	"bytes"
	"fmt"
	"image"
	"image/draw"
	"image/jpeg"

	"inkwitness/biometrics"
)

// MaxStill bounds an enrolled still in bytes.
const MaxStill = 4 << 20

// stillMargin is how much of the picture is kept around a face, in its own size:
// enough to find it again, and no more of the room than that.
const stillMargin = 1.1

// Enrol makes the still that later videos are compared with: the clearest frame
// with one face and nothing wrong with it, cut to the face, as JPEG.
// ErrMalformed where no frame will do.
func (f *Finder) Enrol(frames []image.Image) ([]byte, error) {
	var best image.Image
	score := 0.0
	for _, img := range frames {
		frame, err := f.Look(img)
		if err != nil || len(frame.Problems) > 0 || frame.Faces[0].Score <= score {
			continue
		}
		cut := cutOut(img, frame.Faces[0])
		if again, err := f.Look(cut); err != nil || len(again.Faces) != 1 {
			continue
		}
		best, score = cut, frame.Faces[0].Score
	}
	if best == nil {
		return nil, fmt.Errorf("no frame with one clear face: %w", biometrics.ErrMalformed)
	}
	var b bytes.Buffer
	if err := jpeg.Encode(&b, best, &jpeg.Options{Quality: 92}); err != nil {
		return nil, fmt.Errorf("encode the still: %w", err)
	}
	if b.Len() > MaxStill {
		return nil, fmt.Errorf("still of %d bytes: %w", b.Len(), biometrics.ErrLimit)
	}
	return b.Bytes(), nil
}

// cutOut is the square around a face, as far as the picture goes.
func cutOut(img image.Image, face Face) image.Image {
	b := img.Bounds()
	half := int(stillMargin * face.Size * float64(min(b.Dx(), b.Dy())))
	cx, cy := b.Min.X+int(face.X*float64(b.Dx())), b.Min.Y+int(face.Y*float64(b.Dy()))
	r := image.Rect(cx-half, cy-half, cx+half, cy+half).Intersect(b)
	out := image.NewRGBA(image.Rect(0, 0, r.Dx(), r.Dy()))
	draw.Draw(out, out.Bounds(), img, r.Min, draw.Src)
	return out
}

// ReadStill decodes an enrolled still.
func ReadStill(data []byte) (image.Image, error) {
	if len(data) > MaxStill {
		return nil, fmt.Errorf("still of %d bytes: %w", len(data), biometrics.ErrLimit)
	}
	c, err := jpeg.DecodeConfig(bytes.NewReader(data))
	if err != nil {
		return nil, fmt.Errorf("still: %w: %w", biometrics.ErrMalformed, err)
	}
	if c.Width > maxPixels/max(1, c.Height) {
		return nil, fmt.Errorf("still of %d x %d: %w", c.Width, c.Height, biometrics.ErrLimit)
	}
	img, err := jpeg.Decode(bytes.NewReader(data))
	if err != nil {
		return nil, fmt.Errorf("still: %w: %w", biometrics.ErrMalformed, err)
	}
	return img, nil
}
