//go:build !linux

package record

// Allocate promises nothing where there is no fallocate(2).
func (f osFile) Allocate(size int64) error { return nil }
