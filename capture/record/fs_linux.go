package record

import (
	"errors"
	"syscall"
)

// keepSize is FALLOC_FL_KEEP_SIZE of fallocate(2).
const keepSize = 1

// Allocate claims disk blocks. A file system that cannot promise room is used
// without the promise.
func (f osFile) Allocate(size int64) error {
	err := syscall.Fallocate(int(f.Fd()), keepSize, 0, size)
	if errors.Is(err, syscall.EOPNOTSUPP) {
		return nil
	}
	return err
}
