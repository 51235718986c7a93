package ceremony

import (
	"bytes"
	"context"
	"fmt"
	"io"

	"inkwitness/biometrics"
)

// stillFile is the name of an enrolled still.
const stillFile = "face.jpg"

const maxStill = 4 << 20 // bytes

// face compares the face in a signature's video with the still that was enrolled
// of the signer, or enrols one. Only of those who agreed to be compared.
func (s *Service) face(ctx context.Context, organisation string, who *Signer, c *Capture, look Face) (*biometrics.FaceFinding, error) {
	if look == nil || !who.Allows(ForComparison) || !who.Allows(ForVideo) {
		return nil, nil
	}
	subject, err := s.Subjects.Subject(ctx, organisation, who.Email)
	if err != nil {
		return nil, fmt.Errorf("find the signer's still: %w", err)
	}
	var enrolled []byte
	if still := subject.Face; still != nil && still.Capture != c.ID {
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

// enrolStill keeps a still under the key of the subject's references. One that
// is there already stays.
func (s *Service) enrolStill(ctx context.Context, organisation string, who *Signer, c *Capture, still []byte) error {
	return retryStale(func() error {
		subject, err := s.Subjects.Subject(ctx, organisation, who.Email)
		if err != nil {
			return fmt.Errorf("find the signer's still: %w", err)
		}
		if subject.Face != nil {
			return nil
		}
		meta := referenceMeta(subject, c.StartedAt, "still for comparing faces")
		meta.Key, meta.ContentType = "captures/"+string(c.ID)+"/"+stillFile, "image/jpeg"
		object, err := s.Vault.Put(ctx, meta, bytes.NewReader(still))
		if err != nil {
			return fmt.Errorf("store the signer's still: %w", err)
		}
		subject.Face = &Still{Capture: c.ID, Object: object, EnrolledAt: c.EndedAt}
		return s.saveSubject(ctx, subject)
	})
}
