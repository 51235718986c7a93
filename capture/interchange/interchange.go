// Package interchange writes and reads signatures in formats that other
// programs know: ISO/IEC 19794-7 (full format, first edition), W3C InkML and
// CSV with units.
//
// InkML and CSV carry all that capture.Signature has. ISO/IEC 19794-7 holds a
// position in 16 bits and a time in steps of 1/64000 s or more; what that costs
// is written at WriteISO. None of them is the evidence: that is the stream as it
// was sent, see package ink.
//
// Every reader is bounded: MaxBytes of input, MaxPoints of output.
package interchange

import (
	"fmt"
	"io"

	"inkwitness/capture"
)

// Limits of the readers.
const (
	MaxBytes  = 64 << 20
	MaxPoints = 1 << 20
)

// malformed is the error of every reader of this package.
func malformed(format string, args ...any) error {
	return fmt.Errorf("interchange: "+format+": %w", append(args, capture.ErrMalformed)...)
}

// readAll reads at most MaxBytes.
func readAll(r io.Reader) ([]byte, error) {
	b, err := io.ReadAll(io.LimitReader(r, MaxBytes+1))
	if err != nil {
		return nil, fmt.Errorf("interchange: %w", err)
	}
	if len(b) > MaxBytes {
		return nil, fmt.Errorf("interchange: more than %d bytes: %w", MaxBytes, capture.ErrLimit)
	}
	return b, nil
}

// tooMany is the error for more than MaxPoints.
func tooMany() error {
	return fmt.Errorf("interchange: more than %d points: %w", MaxPoints, capture.ErrLimit)
}
