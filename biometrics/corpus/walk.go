package corpus

import (
	"archive/tar"
	"archive/zip"
	"bufio"
	"bytes"
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

// walker goes through a directory, an archive, or archives in a directory, at
// any depth. want chooses by path; do is given the path and the bytes.
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
		return w.archive(root)
	}
	return filepath.WalkDir(root, func(p string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		if err := w.count(); err != nil {
			return err
		}
		if isArchive(p) {
			return w.archive(p)
		}
		rel, err := filepath.Rel(root, p)
		if err != nil {
			return err
		}
		rel = filepath.ToSlash(rel)
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
	return readAll(f)
}

func readAll(r io.Reader) ([]byte, error) {
	data, err := io.ReadAll(io.LimitReader(r, maxFileBytes+1))
	if err == nil && len(data) > maxFileBytes {
		err = fmt.Errorf("file of more than %d bytes: %w", maxFileBytes, biometrics.ErrLimit)
	}
	return data, err
}

// archive tells the kind from the first bytes, whatever the name says.
func (w *walker) archive(file string) error {
	f, err := os.Open(file)
	if err != nil {
		return err
	}
	defer f.Close()
	head := make([]byte, 264)
	n, err := io.ReadFull(f, head)
	if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) && !errors.Is(err, io.EOF) {
		return err
	}
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return err
	}
	switch head = head[:n]; {
	case bytes.HasPrefix(head, []byte("PK\x03\x04")) || bytes.HasPrefix(head, []byte("PK\x05\x06")):
		err = w.zipped(file)
	case bytes.HasPrefix(head, []byte{0x1f, 0x8b}):
		var gz *gzip.Reader
		if gz, err = gzip.NewReader(bufio.NewReader(f)); err == nil {
			err = w.tarred(gz)
		}
	case n > 262 && string(head[257:262]) == "ustar":
		err = w.tarred(bufio.NewReader(f))
	default:
		err = fmt.Errorf("neither a directory nor a .tar.gz, .tgz, .tar or .zip: %w", biometrics.ErrMalformed)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", file, err)
	}
	return nil
}

func (w *walker) tarred(r io.Reader) error {
	tr := tar.NewReader(r)
	for {
		h, err := tr.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if err := w.count(); err != nil {
			return err
		}
		name := clean(h.Name)
		if h.Typeflag != tar.TypeReg || hidden(name) || !w.want(name) {
			continue
		}
		data, err := readAll(tr)
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		if err := w.do(name, data); err != nil {
			return err
		}
	}
}

func (w *walker) zipped(file string) error {
	z, err := zip.OpenReader(file)
	if err != nil {
		return err
	}
	defer z.Close()
	for _, f := range z.File {
		if err := w.count(); err != nil {
			return err
		}
		// Some packers write backslashes, against the specification.
		name := clean(strings.ReplaceAll(f.Name, `\`, "/"))
		if f.FileInfo().IsDir() || hidden(name) || !w.want(name) {
			continue
		}
		rc, err := f.Open()
		if err != nil {
			return err
		}
		data, err := readAll(rc)
		rc.Close()
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		if err := w.do(name, data); err != nil {
			return err
		}
	}
	return nil
}
