package vault_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"

	"inkwitness/evidence"
	"inkwitness/evidence/evidencetest"
	"inkwitness/evidence/vault"
)

// shelves are two directories that hold every blob, and what was told of them.
type shelves struct {
	*vault.Vault
	cfg  vault.Config
	dirs [2]string

	mu      sync.Mutex
	damaged []string
	read    int64 // bytes of blobs
}

func newShelves(t *testing.T) *shelves {
	t.Helper()
	s := &shelves{dirs: [2]string{t.TempDir(), t.TempDir()}}
	keys, _ := evidencetest.Keys()
	cfg := vault.Config{Keys: keys, Clock: &evidencetest.Clock{}, Damaged: func(name string, store int, err error) {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.damaged = append(s.damaged, fmt.Sprint(name, store))
	}}
	for i, dir := range s.dirs {
		d, err := vault.OpenDir(dir)
		if err != nil {
			t.Fatal(err)
		}
		if i == 0 {
			cfg.Blobs = counted{d, s}
		} else {
			cfg.Copies = []vault.Blobs{counted{d, s}}
		}
	}
	var err error
	if s.Vault, err = vault.New(cfg); err != nil {
		t.Fatal(err)
	}
	s.cfg = cfg
	return s
}

// counted counts the bytes that are read.
type counted struct {
	vault.Blobs
	s *shelves
}

type countedBlob struct {
	vault.Blob
	s *shelves
}

func (c counted) Open(ctx context.Context, name string) (vault.Blob, error) {
	b, err := c.Blobs.Open(ctx, name)
	if err != nil {
		return nil, err
	}
	return countedBlob{b, c.s}, nil
}

func (c countedBlob) ReadAt(p []byte, off int64) (int, error) {
	n, err := c.Blob.ReadAt(p, off)
	c.s.mu.Lock()
	c.s.read += int64(n)
	c.s.mu.Unlock()
	return n, err
}

// twice stores two contents of a length under one name and puts the earlier one back
// into a store. It returns the later object.
func (s *shelves) twice(t *testing.T, earlier, later []byte, store int) evidence.Object {
	t.Helper()
	if _, err := s.Put(t.Context(), meta("a"), bytes.NewReader(earlier)); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(s.dirs[store], "a")
	stale, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	o, err := s.Put(t.Context(), meta("a"), bytes.NewReader(later))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, stale, 0o600); err != nil {
		t.Fatal(err)
	}
	return o
}

// TestStaleCopy: a copy from an earlier writing, of the same length and under the
// same key, is never read, whole or in part; it is told of and written again. So it
// is of objects from releases that did not record the salt.
func TestStaleCopy(t *testing.T) {
	for _, size := range []int{1, 5000, 700_000} {
		for store := range 2 {
			for _, salted := range []bool{true, false} {
				t.Run(fmt.Sprintf("%d bytes, store %d, salt %t", size, store+1, salted), func(t *testing.T) {
					s := newShelves(t)
					want := noise(size)
					o := s.twice(t, make([]byte, size), want, store)
					if o.Salt == (evidence.Digest{}) {
						t.Fatal("no salt")
					}
					if !salted {
						o.Salt = evidence.Digest{}
					}
					if err := os.Rename(filepath.Join(s.dirs[1-store], "a"), filepath.Join(s.dirs[1-store], "b")); err != nil {
						t.Fatal(err)
					}
					if got, err := read(t, s.Vault, o); !errors.Is(err, evidence.ErrCorrupt) {
						t.Errorf("the stale copy alone: %d bytes, %v", len(got), err)
					}
					if !slices.Contains(s.damaged, fmt.Sprint("a", store+1)) {
						t.Errorf("told of %v", s.damaged)
					}
					if err := os.Rename(filepath.Join(s.dirs[1-store], "b"), filepath.Join(s.dirs[1-store], "a")); err != nil {
						t.Fatal(err)
					}
					s.damaged = nil
					r, err := s.Open(t.Context(), o)
					if err != nil {
						t.Fatal(err)
					}
					defer r.Close()
					if _, err := r.Seek(int64(size/2), io.SeekStart); err != nil {
						t.Fatal(err)
					}
					if got, err := io.ReadAll(r); err != nil || !bytes.Equal(got, want[size/2:]) {
						t.Errorf("a range: %d bytes, %v", len(got), err)
					}
					if got, err := read(t, s.Vault, o); err != nil || !bytes.Equal(got, want) {
						t.Errorf("whole: %d bytes, %v", len(got), err)
					}
					if told := slices.Compact(s.damaged); store == 0 && !slices.Equal(told, []string{"a1"}) || store == 1 && told != nil {
						t.Errorf("told of %v", told)
					}
					for _, repaired := range []int{1, 0} {
						if n, err := s.Scrub(t.Context(), o); n != repaired || err != nil {
							t.Errorf("repaired %d, %v, want %d", n, err, repaired)
						}
					}
				})
			}
		}
	}
}

// TestStaleBehindDamage: where the copy that is being read is damaged further on, a
// stale one does not take its place.
func TestStaleBehindDamage(t *testing.T) {
	s := newShelves(t)
	want := noise(700_000)
	o := s.twice(t, make([]byte, len(want)), want, 1)
	path := filepath.Join(s.dirs[0], "a")
	blob, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	blob[500_000] ^= 1
	if err := os.WriteFile(path, blob, 0o600); err != nil {
		t.Fatal(err)
	}
	got, err := read(t, s.Vault, o)
	if !errors.Is(err, evidence.ErrCorrupt) || !bytes.HasPrefix(want, got) {
		t.Errorf("%d bytes, %v", len(got), err)
	}
	if !slices.Equal(s.damaged, []string{"a1", "a2"}) {
		t.Errorf("told of %v", s.damaged)
	}
}

// TestCutWhileRead: a blob that became shorter since it was opened is damage, not
// the end of the object.
func TestCutWhileRead(t *testing.T) {
	v, _, dir := open(t)
	o, err := v.Put(t.Context(), meta("a"), bytes.NewReader(noise(700_000)))
	if err != nil {
		t.Fatal(err)
	}
	r, err := v.Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if err := os.Truncate(filepath.Join(dir, "a"), 300_000); err != nil {
		t.Fatal(err)
	}
	if n, err := io.Copy(io.Discard, r); !errors.Is(err, evidence.ErrCorrupt) || errors.Is(err, io.EOF) {
		t.Errorf("%d bytes, %v", n, err)
	}
}

// TestUnsalted: an object without a salt is read whole once, however many look at it
// then; different damage in each copy is read past, as with a salt.
func TestUnsalted(t *testing.T) {
	s := newShelves(t)
	want := noise(700_000)
	o, err := s.Put(t.Context(), meta("a"), bytes.NewReader(want))
	if err != nil {
		t.Fatal(err)
	}
	o.Salt = evidence.Digest{}
	s.read = 0
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			r, err := s.OpenAt(t.Context(), o)
			if err != nil {
				t.Error(err)
				return
			}
			defer r.Close()
			var part [100]byte
			if _, err := r.ReadAt(part[:], 600_000); err != nil || !bytes.Equal(part[:], want[600_000:600_100]) {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if s.read > 700_000+4*2*(256<<10)+300_000 {
		t.Errorf("%d bytes were read", s.read)
	}
	for i, at := range []int{300_000, 10} { // the second copy is damaged before the first
		path := filepath.Join(s.dirs[i], "a")
		blob, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		blob[at+5000] ^= 1
		if err := os.WriteFile(path, blob, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	fresh, err := vault.New(s.cfg)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := read(t, fresh, o); err != nil || !bytes.Equal(got, want) {
		t.Errorf("%d bytes, %v", len(got), err)
	}
}

// TestSameBytesWrittenAgain: copies of the right bytes are read, and made one again,
// also where they are not those of the object's own writing.
func TestSameBytesWrittenAgain(t *testing.T) {
	s := newShelves(t)
	want := noise(5000)
	for store := range 2 {
		o := s.twice(t, want, want, store)
		if got, err := read(t, s.Vault, o); err != nil || !bytes.Equal(got, want) {
			t.Errorf("one is: %v", err)
		}
		if err := os.Remove(filepath.Join(s.dirs[1-store], "a")); err != nil {
			t.Fatal(err)
		}
		if got, err := read(t, s.Vault, o); err != nil || !bytes.Equal(got, want) {
			t.Errorf("none is: %v", err)
		}
		for _, repaired := range []int{1, 0} {
			if n, err := s.Scrub(t.Context(), o); n != repaired || err != nil {
				t.Errorf("repaired %d, %v, want %d", n, err, repaired)
			}
		}
	}
}
