package corpus

import (
	"archive/tar"
	"archive/zip"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"inkwitness/biometrics"
)

// visit is given each file whose name ends in the corpus's extension.
type visit func(name string, data []byte) error

// walk goes through a directory or an archive, archives inside a directory
// included.
func walk(path string, exts []string, do visit) error {
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	if !info.IsDir() {
		return archive(path, exts, do)
	}
	n := 0
	return filepath.WalkDir(path, func(p string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		if n++; n > maxFiles {
			return fmt.Errorf("more than %d files: %w", maxFiles, biometrics.ErrLimit)
		}
		if isArchive(p) {
			return archive(p, exts, do)
		}
		if !wanted(p, exts) {
			return nil
		}
		data, err := readFile(p)
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(path, p)
		if err != nil {
			return err
		}
		return do(filepath.ToSlash(rel), data)
	})
}

func wanted(name string, exts []string) bool {
	base := filepath.Base(name)
	return !strings.HasPrefix(base, ".") && slices.Contains(exts, strings.ToLower(filepath.Ext(base)))
}

func isArchive(name string) bool {
	name = strings.ToLower(name)
	return strings.HasSuffix(name, ".tar.gz") || strings.HasSuffix(name, ".tgz") || strings.HasSuffix(name, ".tar") || strings.HasSuffix(name, ".zip")
}

func readFile(path string) ([]byte, error) {
	f, err := os.Open(path)
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

func archive(path string, exts []string, do visit) error {
	lower := strings.ToLower(path)
	if strings.HasSuffix(lower, ".zip") {
		return zipped(path, exts, do)
	}
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	if strings.HasSuffix(lower, ".tar") {
		return tarred(f, exts, do)
	}
	gz, err := gzip.NewReader(f)
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return tarred(gz, exts, do)
}

func tarred(r io.Reader, exts []string, do visit) error {
	tr := tar.NewReader(r)
	for n := 0; ; n++ {
		h, err := tr.Next()
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return err
		case n > maxFiles:
			return fmt.Errorf("more than %d files: %w", maxFiles, biometrics.ErrLimit)
		case h.Typeflag != tar.TypeReg || !wanted(h.Name, exts):
			continue
		}
		data, err := readAll(tr)
		if err != nil {
			return fmt.Errorf("%s: %w", h.Name, err)
		}
		if err := do(h.Name, data); err != nil {
			return err
		}
	}
}

func zipped(path string, exts []string, do visit) error {
	z, err := zip.OpenReader(path)
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	defer z.Close()
	if len(z.File) > maxFiles {
		return fmt.Errorf("more than %d files: %w", maxFiles, biometrics.ErrLimit)
	}
	for _, f := range z.File {
		if f.FileInfo().IsDir() || !wanted(f.Name, exts) {
			continue
		}
		rc, err := f.Open()
		if err != nil {
			return err
		}
		data, err := readAll(rc)
		rc.Close()
		if err != nil {
			return fmt.Errorf("%s: %w", f.Name, err)
		}
		if err := do(f.Name, data); err != nil {
			return err
		}
	}
	return nil
}
