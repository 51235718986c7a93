package record

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"syscall"
)

// FS is the folder of a journal as the journal uses it. Names have no slashes.
// A test puts a folder under it that loses what was not synced.
type FS interface {
	// Create makes a new file for writing and reading; the name must be free.
	Create(name string) (File, error)
	// Open opens a file for reading and syncing.
	Open(name string) (File, error)
	Remove(name string) error
	List() ([]string, error)
	// SyncDir makes creations and removals so far survive a power cut.
	SyncDir() error
}

// File is a file of an FS.
type File interface {
	io.Writer
	io.ReaderAt
	io.Closer
	Sync() error
	// Allocate claims room for size bytes in all without changing the file's
	// length, so that later writes within it do not run out of disk.
	Allocate(size int64) error
}

// folder is the FS of a real folder.
type folder struct{ path string }

type osFile struct{ *os.File }

// openFolder makes the folder if need be and claims it for this process: two
// journals in one folder would number the same segments. The claim ends with
// the returned file.
func openFolder(path string) (folder, *os.File, error) {
	if err := os.MkdirAll(path, 0o700); err != nil {
		return folder{}, nil, err
	}
	lock, err := os.OpenFile(filepath.Join(path, "lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return folder{}, nil, err
	}
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		return folder{}, nil, errors.Join(fmt.Errorf("journal folder %s is in use: %w", path, err), lock.Close())
	}
	return folder{path}, lock, nil
}

func (f folder) Create(name string) (File, error) {
	file, err := os.OpenFile(filepath.Join(f.path, name), os.O_CREATE|os.O_EXCL|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	return osFile{file}, nil
}

func (f folder) Open(name string) (File, error) {
	file, err := os.Open(filepath.Join(f.path, name))
	if err != nil {
		return nil, err
	}
	return osFile{file}, nil
}

func (f folder) Remove(name string) error { return os.Remove(filepath.Join(f.path, name)) }

func (f folder) List() ([]string, error) {
	entries, err := os.ReadDir(f.path)
	if err != nil {
		return nil, err
	}
	names := make([]string, 0, len(entries))
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names, nil
}

func (f folder) SyncDir() error {
	dir, err := os.Open(f.path)
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}

// free returns the share of the disk that an unprivileged writer may still use.
func (f folder) free() (float64, error) {
	var st syscall.Statfs_t
	if err := syscall.Statfs(f.path, &st); err != nil {
		return 0, fmt.Errorf("free space of %s: %w", f.path, err)
	}
	return float64(st.Bavail) / float64(max(st.Blocks, 1)), nil
}
