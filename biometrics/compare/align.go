package compare

import (
	"context"
	"fmt"

	"inkwitness/biometrics"
	"inkwitness/capture"
)

// Explain aligns the questioned signature with one of the references and says
// where they are alike: the path, the cost along it and by channel, the features
// beside those of all references. Compare explains with the nearest one; here
// the caller chooses.
func (c *Comparator) Explain(ctx context.Context, references []capture.Signature, questioned capture.Signature, reference int) (*biometrics.Explanation, error) {
	if reference < 0 || reference >= len(references) {
		return nil, fmt.Errorf("there is no reference %d: %w", reference+1, biometrics.ErrReferences)
	}
	t, err := c.Enrol(ctx, references)
	if err != nil {
		return nil, err
	}
	s, pressure := t.with, true
	if s == nil || !questioned.Device.HasPressure {
		s, pressure = t.without, false
	}
	p, err := c.model.Prepare(questioned, pressure)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", biometrics.ErrQuestioned, err)
	}
	return c.model.explainWith(p, s, reference)
}
