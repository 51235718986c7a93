package corpus

import (
	"archive/tar"
	"archive/zip"
	"bufio"
	"bytes"
	"compress/bzip2"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"inkwitness/biometrics"
)

// Limits of archives in archives, such as the VisualSubCorpus.zip of a SUSig.tgz.
const (
	maxDepth  = 3
	maxNested = 1 << 30 // bytes of one
)

// walker goes through a directory, an archive, archives in a directory and
// archives in archives. want chooses by path; do is given the path and the
// bytes. An archive below the root is a folder of its name in the path.
type walker struct {
	want func(name string) bool
	do   func(name string, data []byte) error
	n    int // files seen, wanted or not
}

func (w *walker) count() error {
	if w.n++; w.n > maxFiles {
		return fmt.Errorf("more than %d files: %w", maxFiles, biometrics.ErrLimit)
	}
	return nil
}

func (w *walker) walk(root string) error {
	info, err := os.Stat(root)
	if err != nil {
		return err
	}
	if !info.IsDir() {
		return w.archive(root, "")
	}
	return filepath.WalkDir(root, func(p string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		if err := w.count(); err != nil {
			return err
		}
		rel, err := filepath.Rel(root, p)
		if err != nil {
			return err
		}
		rel = filepath.ToSlash(rel)
		if isArchive(p) {
			return w.archive(p, stem(rel))
		}
		if hidden(rel) || !w.want(rel) {
			return nil
		}
		data, err := readFile(p)
		if err != nil {
			return fmt.Errorf("%s: %w", rel, err)
		}
		return w.do(rel, data)
	})
}

// hidden is true for what tools leave beside files, such as ._name of macOS.
func hidden(name string) bool { return strings.HasPrefix(path.Base(name), ".") }

func isArchive(name string) bool { return stem(name) != name && !hidden(filepath.ToSlash(name)) }

func hasExt(name string, exts []string) bool {
	return slices.Contains(exts, strings.ToLower(path.Ext(name)))
}

func readFile(name string) ([]byte, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return readAll(f, maxFileBytes)
}

func readAll(r io.Reader, limit int64) ([]byte, error) {
	data, err := io.ReadAll(io.LimitReader(r, limit+1))
	if err == nil && int64(len(data)) > limit {
		err = fmt.Errorf("file of more than %d bytes: %w", limit, biometrics.ErrLimit)
	}
	return data, err
}

func (w *walker) archive(file, folder string) error {
	f, err := os.Open(file)
	if err != nil {
		return err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	if err := w.packed(f, info.Size(), folder, 0); err != nil {
		return fmt.Errorf("%s: %w", file, err)
	}
	return nil
}

// packed tells the kind of an archive from its first bytes, whatever its name
// says.
func (w *walker) packed(r io.ReaderAt, size int64, folder string, depth int) error {
	head := make([]byte, 264)
	n, err := r.ReadAt(head, 0)
	if err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	all := func() *bufio.Reader { return bufio.NewReader(io.NewSectionReader(r, 0, size)) }
	switch head = head[:n]; {
	case bytes.HasPrefix(head, []byte("PK\x03\x04")) || bytes.HasPrefix(head, []byte("PK\x05\x06")):
		return w.zipped(r, size, folder, depth)
	case bytes.HasPrefix(head, []byte{0x1f, 0x8b}):
		gz, err := gzip.NewReader(all())
		if err != nil {
			return err
		}
		return w.tarred(gz, folder, depth)
	case bytes.HasPrefix(head, []byte("BZh")):
		return w.tarred(bzip2.NewReader(all()), folder, depth)
	case n > 262 && string(head[257:262]) == "ustar":
		return w.tarred(all(), folder, depth)
	}
	return fmt.Errorf("neither a directory nor a .tar.gz, .tgz, .tar.bz2, .tar or .zip (unpack what is packed otherwise, and give the directory): %w", biometrics.ErrMalformed)
}

func (w *walker) tarred(r io.Reader, folder string, depth int) error {
	tr := tar.NewReader(r)
	for {
		h, err := tr.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("the archive is damaged or cut short: %w", err)
		}
		if h.Typeflag != tar.TypeReg {
			continue
		}
		if err := w.member(path.Join(folder, clean(h.Name)), func() (io.ReadCloser, error) { return io.NopCloser(tr), nil }, depth); err != nil {
			return err
		}
	}
}

func (w *walker) zipped(r io.ReaderAt, size int64, folder string, depth int) error {
	z, err := zip.NewReader(r, size)
	if err != nil {
		return err
	}
	for _, f := range z.File {
		if f.FileInfo().IsDir() {
			continue
		}
		if f.Flags&1 != 0 {
			return fmt.Errorf("%s is encrypted: unpack the archive with its password and give the directory: %w", f.Name, biometrics.ErrMalformed)
		}
		// Some packers write backslashes, against the specification.
		name := clean(strings.ReplaceAll(f.Name, `\`, "/"))
		if err := w.member(path.Join(folder, name), f.Open, depth); err != nil {
			return err
		}
	}
	return nil
}

// member reads one file of an archive, or goes into it where it is an archive.
func (w *walker) member(name string, open func() (io.ReadCloser, error), depth int) error {
	if err := w.count(); err != nil {
		return err
	}
	inner := isArchive(name)
	if hidden(name) || !inner && !w.want(name) {
		return nil
	}
	if inner && depth >= maxDepth {
		return fmt.Errorf("%s: archives in archives, more than %d deep: %w", name, maxDepth, biometrics.ErrLimit)
	}
	f, err := open()
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	defer f.Close()
	limit := int64(maxFileBytes)
	if inner {
		limit = maxNested
	}
	data, err := readAll(f, limit)
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	if !inner {
		return w.do(name, data)
	}
	if err := w.packed(bytes.NewReader(data), int64(len(data)), stem(name), depth+1); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return nil
}
