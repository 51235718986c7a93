// Package durable writes files that survive a power cut.
//
// A file is on disk only when its bytes, the name that points at them, and
// every directory made on the way have been synced, in that order. Create
// writes beside the target, syncs, renames, and syncs the directories; a crash
// leaves either no file of that name or the whole one. What it may leave is a
// temporary file, which IsTemp recognises and a sweep removes.
//
// It is not a store: no index, no locking, no encryption. After a failed sync
// the kernel may have dropped the dirty pages, so a caller must not retry the
// same file but treat the process as unable to store.
package durable

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// tempMark is part of the name of a file that is not complete.
const tempMark = ".incomplete-"

// IsTemp reports whether a file name belongs to an unfinished write.
func IsTemp(name string) bool { return strings.Contains(filepath.Base(name), tempMark) }

// WriteFile stores the whole of r under path, mode 0600, replacing what was
// there. On return without error it is on disk.
func WriteFile(path string, r io.Reader) error {
	f, err := Create(path)
	if err != nil {
		return err
	}
	if _, err := io.Copy(f, r); err != nil {
		return errors.Join(fmt.Errorf("write %s: %w", path, err), f.Abort())
	}
	return f.Commit()
}

// File is a file being written. Exactly one of Commit and Abort ends it; Abort
// after Commit does nothing.
type File struct {
	f    *os.File
	path string
	done bool
}

// Create starts a file that will appear under path when it is committed. It
// makes missing directories; where several writers may make the same one,
// call MkdirAll under a lock first.
func Create(path string) (*File, error) {
	if err := MkdirAll(filepath.Dir(path)); err != nil {
		return nil, err
	}
	var b [8]byte
	rand.Read(b[:]) // never fails, see crypto/rand
	f, err := os.OpenFile(path+tempMark+hex.EncodeToString(b[:]), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return nil, fmt.Errorf("create: %w", err)
	}
	return &File{f: f, path: path}, nil
}

// Write implements io.Writer.
func (f *File) Write(p []byte) (int, error) { return f.f.Write(p) }

// Commit syncs the file, gives it its name and syncs the directories.
func (f *File) Commit() error {
	if f.done {
		return fs.ErrClosed
	}
	f.done = true
	temp := f.f.Name()
	err := f.f.Sync()
	if cerr := f.f.Close(); err == nil {
		err = cerr
	}
	if err == nil {
		err = os.Rename(temp, f.path)
	}
	if err != nil {
		return errors.Join(fmt.Errorf("commit %s: %w", f.path, err), os.Remove(temp))
	}
	return SyncDir(filepath.Dir(f.path))
}

// Abort removes what was written.
func (f *File) Abort() error {
	if f.done {
		return nil
	}
	f.done = true
	return errors.Join(f.f.Close(), os.Remove(f.f.Name()))
}

// Remove deletes the file and syncs its directory, so that it does not come
// back. A missing file is no error.
func Remove(path string) error {
	err := os.Remove(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("remove: %w", err)
	}
	return SyncDir(filepath.Dir(path))
}

// SyncDir makes the names in a directory durable.
func SyncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return fmt.Errorf("sync directory: %w", err)
	}
	err = d.Sync()
	if cerr := d.Close(); err == nil {
		err = cerr
	}
	if err != nil {
		return fmt.Errorf("sync directory %s: %w", dir, err)
	}
	return nil
}

// MkdirAll makes a directory, mode 0700, with its missing parents, and syncs
// every directory that got a new name.
func MkdirAll(dir string) error {
	_, err := os.Stat(dir)
	if err == nil || !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	parent := filepath.Dir(dir)
	if err := MkdirAll(parent); err != nil {
		return err
	}
	if err := os.Mkdir(dir, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("make directory: %w", err)
	}
	return SyncDir(parent)
}
