package corpus

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"strconv"
	"strings"

	"inkwitness/biometrics"
)

// indexName is the name, or the end of the name, of an index: a table beside an
// archive or in a directory that says whose each file is, for copies of corpora
// that were packed again. NAME.index.csv belongs to NAME.tar.gz.
const indexName = "index.csv"

const maxIndexBytes = 64 << 20

// row is what an index says of one file. Empty fields are not known.
type row struct {
	file           string
	user           string
	genuine, known bool
	sample         int    // 0 is not known
	origin         string // forger of a forgery, session of a genuine signature
	sum            string // first hex digits of the SHA-256 of the file
	found          bool   // seen, of whatever corpus
}

// index finds rows by path. Where a copy was unpacked elsewhere, leading
// folders are missing on either side; then the end of the path decides, if only
// one row has it.
type index struct {
	rows   []*row
	byPath map[string]*row
	byEnd  map[string]*row // nil where two rows end alike
}

func newIndex() *index { return &index{byPath: map[string]*row{}, byEnd: map[string]*row{}} }

func isIndex(name string) bool {
	base := strings.ToLower(path.Base(filepath.ToSlash(name)))
	return base == indexName || strings.HasSuffix(base, "."+indexName)
}

func clean(name string) string {
	return strings.TrimPrefix(path.Clean("/"+filepath.ToSlash(name)), "/")
}

// add reads an index: a heading with the columns file, user and label, in any
// order and among others, then one line a file. The label is G or genuine, F,
// forgery or skilled.
func (x *index) add(r io.Reader) error {
	in := csv.NewReader(io.LimitReader(r, maxIndexBytes))
	in.FieldsPerRecord = -1
	in.TrimLeadingSpace = true
	head, err := in.Read()
	if err != nil {
		return fmt.Errorf("index without a heading: %w", biometrics.ErrMalformed)
	}
	at := map[string]int{}
	for i, name := range head {
		at[strings.ToLower(strings.Trim(name, " \ufeff"))] = i
	}
	for _, name := range []string{"file", "user", "label"} {
		if _, ok := at[name]; !ok {
			return nil // some other table
		}
	}
	for {
		fields, err := in.Read()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("index: %w: %w", biometrics.ErrMalformed, err)
		}
		if len(x.rows) >= maxFiles {
			return fmt.Errorf("index of more than %d files: %w", maxFiles, biometrics.ErrLimit)
		}
		x.put(fields, at)
	}
}

func (x *index) put(fields []string, at map[string]int) {
	field := func(name string) string {
		if i, ok := at[name]; ok && i < len(fields) {
			return strings.TrimSpace(fields[i])
		}
		return ""
	}
	r := &row{file: clean(field("file")), user: field("user"), origin: field("forger_or_session"), sum: strings.ToLower(field("sha256_16"))}
	switch strings.ToLower(field("label")) {
	case "g", "genuine":
		r.genuine, r.known = true, true
	case "f", "forgery", "skilled":
		r.known = true
	}
	if r.file == "" || r.user == "" || !r.known {
		return
	}
	if n, err := strconv.Atoi(field("sample")); err == nil && n >= 0 {
		r.sample = n
	}
	x.rows = append(x.rows, r)
	x.byPath[r.file] = r
	for _, end := range ends(r.file) {
		if _, taken := x.byEnd[end]; taken {
			r = nil
		}
		x.byEnd[end] = r
		if r == nil {
			r = x.rows[len(x.rows)-1]
		}
	}
}

// ends lists a path without its first, first two, ... folders.
func ends(file string) []string {
	var out []string
	for {
		_, rest, ok := strings.Cut(file, "/")
		if !ok {
			return out
		}
		out, file = append(out, rest), rest
	}
}

// find returns the row of a file, or nil.
func (x *index) find(file string) *row {
	file = clean(file)
	if r := x.byPath[file]; r != nil {
		return r
	}
	for _, end := range ends(file) { // the copy lies deeper than the index says
		if r := x.byPath[end]; r != nil {
			return r
		}
	}
	return x.byEnd[file] // or less deep
}

// fill puts what the index knows into an item; what it does not know stays as
// the file's name told.
func (r *row) fill(it *Item) {
	it.User, it.Genuine = r.user, r.genuine
	it.Number = userNumber(r.user)
	if r.sample > 0 {
		it.Sample = r.sample
	}
	switch session, err := strconv.Atoi(r.origin); {
	case r.origin == "":
	case !r.genuine:
		it.Forger = r.origin
	case err == nil && session >= 0:
		it.Session = session
	}
}

// userNumber is the last run of digits in a user's name, -1 without one.
func userNumber(user string) int {
	to := len(user)
	for to > 0 && (user[to-1] < '0' || user[to-1] > '9') {
		to--
	}
	from := to
	for from > 0 && user[from-1] >= '0' && user[from-1] <= '9' {
		from--
	}
	return number(user[from:to])
}

// findIndex reads the indexes that belong to a path: those in it, at any depth
// and in archives too, that of its name beside it, and of an archive the
// index.csv beside it.
func findIndex(at string) (*index, error) {
	x := newIndex()
	info, err := os.Stat(at)
	if err != nil {
		return nil, err
	}
	at = filepath.Clean(at)
	files := []string{stem(at) + "." + indexName}
	if !info.IsDir() {
		files = append(files, filepath.Join(filepath.Dir(at), indexName))
	}
	for _, file := range files {
		if err := x.addFile(file); err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
	}
	w := walker{want: isIndex, do: func(name string, data []byte) error {
		if err := x.add(bytes.NewReader(data)); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		return nil
	}}
	return x, w.walk(at)
}

func (x *index) addFile(file string) error {
	f, err := os.Open(file)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer f.Close()
	return x.add(f)
}

// stem is a path without an archive's ending.
func stem(file string) string {
	lower := strings.ToLower(file)
	for _, end := range []string{".tar.gz", ".tgz", ".tar.bz2", ".tbz2", ".tar", ".zip"} {
		if strings.HasSuffix(lower, end) {
			return file[:len(file)-len(end)]
		}
	}
	return file
}
