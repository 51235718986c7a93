package vault

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"time"

	"inkwitness/evidence"
	"inkwitness/evidence/durable"
)

// Dir stores blobs as files below a directory. A blob is on disk, name and
// directories included, when Write returns.
type Dir struct {
	root string
	mu   sync.Mutex // making directories: a second writer must not return before the first has synced them
}

// OpenDir opens the directory, making it when it does not exist.
func OpenDir(root string) (*Dir, error) {
	abs, err := filepath.Abs(root)
	if err != nil {
		return nil, fmt.Errorf("open blob directory: %w", err)
	}
	if err := durable.MkdirAll(abs); err != nil {
		return nil, fmt.Errorf("open blob directory: %w", err)
	}
	return &Dir{root: abs}, nil
}

func (d *Dir) path(name string) (string, error) {
	if !filepath.IsLocal(name) {
		return "", fmt.Errorf("blob name %q: %w", name, evidence.ErrMalformed)
	}
	return filepath.Join(d.root, filepath.FromSlash(name)), nil
}

// Write implements Blobs.
func (d *Dir) Write(ctx context.Context, name string, fill func(io.Writer) error) error {
	path, err := d.path(name)
	if err != nil {
		return err
	}
	if err := d.mkdir(filepath.Dir(path)); err != nil {
		return err
	}
	f, err := durable.Create(path)
	if err != nil {
		return err
	}
	if err := fill(&cancelWriter{ctx, f}); err != nil {
		return errors.Join(err, f.Abort())
	}
	return f.Commit()
}

func (d *Dir) mkdir(dir string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	return durable.MkdirAll(dir)
}

// cancelWriter ends a long write when its context ends.
type cancelWriter struct {
	ctx context.Context
	w   io.Writer
}

func (c *cancelWriter) Write(p []byte) (int, error) {
	if err := c.ctx.Err(); err != nil {
		return 0, err
	}
	return c.w.Write(p)
}

// Open implements Blobs.
func (d *Dir) Open(_ context.Context, name string) (Blob, error) {
	path, err := d.path(name)
	if err != nil {
		return nil, err
	}
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("blob %s: %w", name, evidence.ErrNotFound)
	}
	if err != nil {
		return nil, err
	}
	info, err := f.Stat()
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return &fileBlob{f, info.Size()}, nil
}

type fileBlob struct {
	*os.File
	size int64
}

func (b *fileBlob) Size() int64 { return b.size }

// Delete implements Blobs.
func (d *Dir) Delete(_ context.Context, name string) error {
	path, err := d.path(name)
	if err != nil {
		return err
	}
	return durable.Remove(path)
}

// List implements Blobs. Files of writes that never ended are listed too.
func (d *Dir) List(ctx context.Context, visit func(string, time.Time) error) error {
	return filepath.WalkDir(d.root, func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() || ctx.Err() != nil {
			return errors.Join(err, ctx.Err())
		}
		info, err := e.Info()
		if errors.Is(err, fs.ErrNotExist) {
			return nil // renamed or deleted since the directory was read
		}
		if err != nil {
			return err
		}
		name, err := filepath.Rel(d.root, path)
		if err != nil {
			return err
		}
		return visit(filepath.ToSlash(name), info.ModTime())
	})
}
