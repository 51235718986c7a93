package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"syscall"

	"inkwitness/evidence/durable"
)

// claim takes the folder for this process alone until the file is closed: two
// witnesses over one folder would confirm two histories, each after what it has read.
func claim(dir string) (io.Closer, error) {
	if err := durable.MkdirAll(dir); err != nil {
		return nil, err
	}
	f, err := os.OpenFile(filepath.Join(dir, "lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		return nil, errors.Join(fmt.Errorf("the folder %s is in use: %w", dir, err), f.Close())
	}
	return f, nil
}
