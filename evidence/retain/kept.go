package retain

import (
	"time"

	"inkwitness/evidence"
)

// Kept is one stored object as those may see it whom it concerns: why it is
// kept, until when, and what became of it.
type Kept struct {
	evidence.Object
	State   string    // kept, leaving, gone
	Gone    time.Time // zero while it is there
	Checked time.Time // when every byte was last read, zero before the first time
	Damage  string    // what that found, empty when all was well
	Receipt []byte    // signed, of its deletion
}
