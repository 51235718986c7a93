package ceremony

import (
	"bytes"
	"context"
	"fmt"
	"io"

	"inkwitness/biometrics"
	"inkwitness/capture"
)

// stillFile is the name of an enrolled still.
const stillFile = "face.jpg"

const maxStill = 4 << 20 // bytes

// face compares the face in a signature's video with the still that was enrolled
// of the signer, or makes one, which is enrolled when the signer confirms the
// signature (settleStill). Only of those who agreed to be compared.
func (s *Service) face(ctx context.Context, organisation string, who *Signer, c *Capture, look Face) (*biometrics.FaceFinding, error) {
	if look == nil || !who.Allows(ForComparison) || !who.Allows(ForVideo) {
		return nil, nil
	}
	subject, err := s.Subjects.Subject(ctx, organisation, who.Email)
	if err != nil {
		return nil, fmt.Errorf("find the signer's still: %w", err)
	}
	var enrolled []byte
	if still := subject.Face; still != nil && !still.Pending && still.Capture != c.ID {
		r, err := s.Vault.Open(ctx, still.Object)
		if err != nil {
			return nil, fmt.Errorf("read the signer's still: %w", err)
		}
		defer r.Close()
		if enrolled, err = io.ReadAll(io.LimitReader(r, maxStill+1)); err != nil {
			return nil, fmt.Errorf("read the signer's still: %w", err)
		}
	}
	finding, still, err := look(ctx, enrolled)
	if err != nil {
		return nil, fmt.Errorf("look at the face in the video: %w", err)
	}
	switch {
	case enrolled != nil:
		finding.EnrolledAt = &subject.Face.EnrolledAt
	case still != nil:
		if err := s.enrolStill(ctx, organisation, who, c, still); err != nil {
			return nil, err
		}
		finding.EnrolledAt = &c.EndedAt
	}
	return &finding, nil
}

// enrolStill keeps a still under the key of the subject's references until its
// signature is confirmed. One that is enrolled already stays, one that waits for
// another signature to be confirmed gives way.
func (s *Service) enrolStill(ctx context.Context, organisation string, who *Signer, c *Capture, still []byte) error {
	return retryStale(func() error {
		subject, err := s.Subjects.Subject(ctx, organisation, who.Email)
		if err != nil {
			return fmt.Errorf("find the signer's still: %w", err)
		}
		if subject.Face != nil && (!subject.Face.Pending || subject.Face.Capture == c.ID) {
			return nil
		}
		meta := referenceMeta(subject, c.StartedAt, "still for comparing faces")
		meta.Key, meta.ContentType = "captures/"+string(c.ID)+"/"+stillFile, "image/jpeg"
		object, err := s.Vault.Put(ctx, meta, bytes.NewReader(still))
		if err != nil {
			return fmt.Errorf("store the signer's still: %w", err)
		}
		subject.Face = &Still{Capture: c.ID, Object: object, EnrolledAt: c.EndedAt, Pending: true}
		return s.saveSubject(ctx, subject)
	})
}

// settleStill enrols the still that was made of a signature's video, or forgets
// it, in the transaction that confirms the signature or discards it.
func (s *Service) settleStill(ctx context.Context, d *Document, signer string, id capture.SessionID, confirmed bool) error {
	who, err := d.Signer(signer)
	if err != nil {
		return err
	}
	subject, err := s.Subjects.Subject(ctx, d.Organisation, who.Email)
	if err != nil {
		return fmt.Errorf("find the signer's still: %w", err)
	}
	if subject.Face == nil || !subject.Face.Pending || subject.Face.Capture != id {
		return nil
	}
	if subject.Face.Pending = false; !confirmed {
		subject.Face = nil
	}
	if err := s.saveSubject(ctx, subject); err != nil {
		return fmt.Errorf("settle the signer's still: %w", err)
	}
	return nil
}

// forgetStill forgets a still that waits for the confirmation of one of the
// signer's captures: without the agreement to any purpose it may not be enrolled.
func (s *Service) forgetStill(ctx context.Context, d *Document, signer string) error {
	who, err := d.Signer(signer)
	if err != nil {
		return err
	}
	for _, c := range who.Captures {
		if err := s.settleStill(ctx, d, signer, c.ID, false); err != nil {
			return err
		}
	}
	return nil
}
