package corpus

import (
	"fmt"

	"inkwitness/biometrics"
	"inkwitness/capture"
)

// ReadSVC reads one signature in the text format of SVC2004 (Yeung et al., First
// International Signature Verification Competition, ICBA 2004): a line with the
// number of points, then X Y TIME BUTTON, and in the second task also AZIMUTH
// ALTITUDE PRESSURE.
func ReadSVC(data []byte) (capture.Signature, error) {
	for _, width := range []int{7, 4} {
		if s, ok, err := readSVC(data, width); ok || err != nil {
			return s, err
		}
	}
	return capture.Signature{}, fmt.Errorf("lines have neither 4 nor 7 numbers: %w", biometrics.ErrMalformed)
}
