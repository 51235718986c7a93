package server

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"inkwitness/api/ceremony"
	"inkwitness/capture"
	"inkwitness/capture/archive"
	"inkwitness/capture/quality"
	"inkwitness/capture/record"
	"inkwitness/capture/stream"
)

// recorder is ceremony.Recorder on the journal.
type recorder struct {
	journal *record.Journal
	media   *media
	faces   watcher
}

// sessionMeta is what a recording says about itself, beside its streams.
type sessionMeta struct {
	Kind      ceremony.CaptureKind  `json:"kind"`
	WithVideo bool                  `json:"withVideo"`
	WithAudio bool                  `json:"withAudio"`
	Browser   ceremony.BrowserFacts `json:"browser"`
}

func (r recorder) Open(ctx context.Context, c *ceremony.Capture) error {
	meta, err := json.Marshal(sessionMeta{c.Kind, c.WithVideo, c.WithAudio, c.Browser})
	if err != nil {
		return fmt.Errorf("describe the session: %w", err)
	}
	_, err = r.journal.NewSession(ctx, c.ID, [32]byte(c.Nonce), meta)
	return err
}

func (r recorder) Finish(ctx context.Context, c *ceremony.Capture, earlier []ceremony.Print) (ceremony.Archive, error) {
	session, err := r.journal.Session(c.ID)
	if err != nil {
		return ceremony.Archive{}, err
	}
	if !session.Finished(capture.StreamPen) {
		return ceremony.Archive{}, ceremony.ErrIncomplete
	}
	if err := r.media.end(ctx, c.ID); err != nil {
		return ceremony.Archive{}, fmt.Errorf("end the video: %w", err)
	}
	if err := session.Finish(ctx); err != nil {
		return ceremony.Archive{}, err
	}
	recording, err := session.Recording(ctx)
	if err != nil {
		return ceremony.Archive{}, err
	}
	known := archive.Known{Faces: r.faces.finder}
	if known.Earlier, err = prints(earlier); err != nil {
		return ceremony.Archive{}, err
	}
	made, err := archive.Make(ctx, recording, known)
	if err != nil {
		return ceremony.Archive{}, err
	}
	out := ceremony.Archive{Signature: made.Signature, Device: made.Device, Ended: made.Ended, Reasons: made.Reasons, CopyOf: made.CopyOf}
	if out.Print, err = made.Print.MarshalBinary(); err != nil {
		return ceremony.Archive{}, err
	}
	if made.Stills != nil {
		out.Face = r.faces.look(made.Stills)
	}
	for _, f := range made.Files {
		out.Files = append(out.Files, ceremony.ArchiveFile(f))
	}
	return out, nil
}

// prints opens the kept prints; nil stays nil.
func prints(kept []ceremony.Print) ([]quality.Earlier, error) {
	if kept == nil {
		return nil, nil
	}
	out := make([]quality.Earlier, len(kept))
	for i, k := range kept {
		out[i] = quality.Earlier{Capture: k.Capture, Print: new(quality.Print)}
		if err := out[i].Print.UnmarshalBinary(k.Data); err != nil {
			return nil, fmt.Errorf("print of capture %s: %w", k.Capture, err)
		}
	}
	return out, nil
}

func (r recorder) Release(ctx context.Context, id capture.SessionID) error {
	if err := r.media.end(ctx, id); err != nil {
		return fmt.Errorf("end the video: %w", err)
	}
	err := r.journal.Release(ctx, id)
	if errors.Is(err, capture.ErrNotFound) {
		return nil // released before a crash
	}
	return err
}

// inks is ceremony.Inks.
type inks struct{}

func (inks) Read(r io.Reader, device capture.Device) (capture.Signature, error) {
	points, _, err := stream.ReadPen(r)
	if err != nil {
		return capture.Signature{}, err
	}
	return capture.Signature{Device: device, Points: points}, nil
}
