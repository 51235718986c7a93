package server

import (
	"context"
	"errors"
	"fmt"
	"image"
	"iter"

	"inkwitness/api/ceremony"
	"inkwitness/biometrics"
	"inkwitness/biometrics/face"
	"inkwitness/capture/footage"
)

// faces is footage.FaceFinder on the detector of package face.
type faces struct{ *face.Finder }

func (f faces) Visible(picture image.Image) (bool, error) {
	frame, err := f.Look(picture)
	return len(frame.Faces) > 0, err
}

// watcher looks at the face in selfie videos.
type watcher struct {
	finder  faces
	matcher face.Matcher // nil: the operator supplied no model
}

// openFaces unpacks the detector and reads the operator's model, if there is one.
func openFaces(c FaceConfig) (watcher, error) {
	finder, err := face.New()
	if err != nil {
		return watcher{}, fmt.Errorf("open the face detector: %w", err)
	}
	w := watcher{finder: faces{finder}}
	if c.Model == "" {
		return w, nil
	}
	m, err := face.NewMatcher(finder, c.Model, c.SHA256)
	if err != nil {
		return watcher{}, fmt.Errorf("--face-model %s: %w", c.Model, err)
	}
	w.matcher = m
	return w, nil
}

// look is ceremony.Face for one recording. A face is biometric data: without a
// model to compare it with, no still of it is made.
func (w watcher) look(stills func() iter.Seq2[footage.Still, error]) ceremony.Face {
	return func(ctx context.Context, enrolled []byte) (biometrics.FaceFinding, []byte, error) {
		if w.matcher == nil {
			return unavailable(biometrics.FaceNoModel, "This service was given no model to compare faces with."), nil, nil
		}
		frames, err := spread(stills())
		if err != nil {
			return biometrics.FaceFinding{}, nil, fmt.Errorf("read the video: %w", err)
		}
		if len(frames) == 0 {
			return unavailable(biometrics.FaceNoPicture, "No picture of the video could be read."), nil, nil
		}
		if enrolled == nil {
			still, err := w.finder.Enrol(frames)
			if errors.Is(err, biometrics.ErrMalformed) {
				return unavailable(biometrics.FaceNotClear, "No picture of the video shows one face clearly enough to be kept."), nil, nil
			}
			return biometrics.FaceFinding{Outcome: biometrics.FaceEnrolled}, still, err
		}
		still, err := face.ReadStill(enrolled)
		if err != nil {
			return unavailable(biometrics.FaceBadStill, "The enrolled still cannot be read."), nil, nil
		}
		score, err := face.Match(ctx, w.matcher, still, frames)
		switch {
		case ctx.Err() != nil:
			return biometrics.FaceFinding{}, nil, ctx.Err()
		case errors.Is(err, biometrics.ErrMalformed):
			return unavailable(biometrics.FaceNoFace, "No face was found in the pictures to be compared."), nil, nil
		case err != nil:
			return unavailable(biometrics.FaceFailed, "The model failed on these pictures."), nil, nil
		}
		return biometrics.FaceFinding{Outcome: biometrics.FaceCompared, Score: &score}, nil, nil
	}
}

func unavailable(code, reason string) biometrics.FaceFinding {
	return biometrics.FaceFinding{Outcome: biometrics.FaceUnavailable, Code: code, Reason: reason}
}

// mostFrames bounds the pictures of a video that are held at once.
const mostFrames = 24

// spread returns pictures of a whole video, evenly over its time: when there are
// too many, every second one is let go and only every second one of the rest kept.
func spread(stills iter.Seq2[footage.Still, error]) ([]image.Image, error) {
	var out []image.Image
	step, n := 1, 0
	for still, err := range stills {
		if err != nil {
			return nil, err
		}
		if n++; (n-1)%step != 0 {
			continue
		}
		out = append(out, still.Picture)
		if len(out) == mostFrames {
			half := out[:0]
			for i := 0; i < mostFrames; i += 2 {
				half = append(half, out[i])
			}
			clear(out[len(half):])
			out, step = half, 2*step
		}
	}
	return out, nil
}
