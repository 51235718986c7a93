package deposit

import (
	"context"
	"io"
	"time"
)

// Rezip writes parts as a container without asking whether they make sense.
func Rezip(ctx context.Context, w io.Writer, at time.Time, parts []Part) error {
	z := newZip(w, at)
	for _, p := range parts {
		if err := z.add(ctx, p); err != nil {
			return err
		}
	}
	return z.close()
}
