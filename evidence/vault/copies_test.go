package vault_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"inkwitness/evidence"
	"inkwitness/evidence/evidencetest"
	"inkwitness/evidence/vault"
)

// three opens a vault over three directories.
func three(t *testing.T, need int) (*vault.Vault, []string) {
	t.Helper()
	dirs := []string{t.TempDir(), t.TempDir(), t.TempDir()}
	var stores []vault.Blobs
	for _, dir := range dirs {
		s, err := vault.OpenDir(dir)
		if err != nil {
			t.Fatal(err)
		}
		stores = append(stores, s)
	}
	keys, _ := evidencetest.Keys()
	v, err := vault.New(vault.Config{Blobs: stores[0], Copies: stores[1:], Need: need, Keys: keys, Clock: &evidencetest.Clock{}})
	if err != nil {
		t.Fatal(err)
	}
	return v, dirs
}

func read(t *testing.T, v *vault.Vault, o evidence.Object) ([]byte, error) {
	t.Helper()
	r, err := v.Open(t.Context(), o)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	return io.ReadAll(r)
}

// flip changes a random byte of the file.
func flip(t *testing.T, path string, rng *rand.Rand) {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	b[rng.IntN(len(b))] ^= 1 << rng.IntN(8)
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestTwoOfThreeCopiesBad(t *testing.T) {
	v, dirs := three(t, 0)
	data := noise(700_000) // three batches of the reader
	rng := rand.New(rand.NewPCG(3, 4))
	for round := range 30 {
		o, err := v.Put(t.Context(), meta("a"), bytes.NewReader(data))
		if err != nil {
			t.Fatal(err)
		}
		good := round % 3
		for i, dir := range dirs {
			switch {
			case i == good:
			case round%5 == 0:
				if err := os.Remove(filepath.Join(dir, "a")); err != nil {
					t.Fatal(err)
				}
			default:
				flip(t, filepath.Join(dir, "a"), rng)
			}
		}
		if got, err := read(t, v, o); err != nil || !bytes.Equal(got, data) {
			t.Fatalf("round %d: %d bytes, %v", round, len(got), err)
		}
		if n, err := v.Scrub(t.Context(), o); n != 2 || err != nil {
			t.Errorf("round %d: repaired %d, %v", round, n, err)
		}
		if n, err := v.Scrub(t.Context(), o); n != 0 || err != nil {
			t.Errorf("round %d: repaired again: %d, %v", round, n, err)
		}
		first, _ := os.ReadFile(filepath.Join(dirs[0], "a"))
		for _, dir := range dirs[1:] {
			if b, err := os.ReadFile(filepath.Join(dir, "a")); err != nil || !bytes.Equal(b, first) {
				t.Errorf("round %d: copies differ, %v", round, err)
			}
		}
	}
}

func TestNoGoodCopyLeft(t *testing.T) {
	v, dirs := three(t, 0)
	o, err := v.Put(t.Context(), meta("a"), bytes.NewReader(noise(5000)))
	if err != nil {
		t.Fatal(err)
	}
	other, err := v.Put(t.Context(), meta("b"), bytes.NewReader(noise(5000)))
	if err != nil {
		t.Fatal(err)
	}
	rng := rand.New(rand.NewPCG(5, 6))
	for _, dir := range dirs {
		flip(t, filepath.Join(dir, "a"), rng)
	}
	if _, err := read(t, v, o); !errors.Is(err, evidence.ErrCorrupt) {
		t.Errorf("read: %v", err)
	}
	if n, err := v.Scrub(t.Context(), o); n != 0 || !errors.Is(err, evidence.ErrCorrupt) {
		t.Errorf("scrub: %d, %v", n, err)
	}
	if _, err := read(t, v, other); err != nil {
		t.Errorf("the other object: %v", err)
	}
}

// dead is a store that fails.
type dead struct{ vault.Blobs }

func (dead) Write(context.Context, string, func(io.Writer) error) error {
	return errors.New("store is down")
}

func TestStoreDown(t *testing.T) {
	keys, _ := evidencetest.Keys()
	open := func(need int) (*vault.Vault, vault.Blobs) {
		a, err := vault.OpenDir(t.TempDir())
		if err != nil {
			t.Fatal(err)
		}
		b, err := vault.OpenDir(t.TempDir())
		if err != nil {
			t.Fatal(err)
		}
		v, err := vault.New(vault.Config{Blobs: a, Copies: []vault.Blobs{b, dead{b}}, Need: need, Keys: keys, Clock: &evidencetest.Clock{}})
		if err != nil {
			t.Fatal(err)
		}
		return v, b
	}
	all, _ := open(0)
	if _, err := all.Put(t.Context(), meta("a"), bytes.NewReader(noise(10))); err == nil {
		t.Error("stored although a store is down")
	}
	two, b := open(2)
	o, err := two.Put(t.Context(), meta("a"), bytes.NewReader(noise(10)))
	if err != nil {
		t.Fatal(err)
	}
	if blob, err := b.Open(t.Context(), "a"); err != nil {
		t.Error(err)
	} else {
		blob.Close()
	}
	if err := two.Delete(t.Context(), o); err != nil {
		t.Fatal(err)
	}
	if _, err := b.Open(t.Context(), "a"); !errors.Is(err, evidence.ErrNotFound) {
		t.Errorf("a copy is left: %v", err)
	}
}

func TestSweepSweepsCopies(t *testing.T) {
	v, dirs := three(t, 0)
	if _, err := v.Put(t.Context(), meta("orphan"), bytes.NewReader(noise(10))); err != nil {
		t.Fatal(err)
	}
	n, err := v.Sweep(t.Context(), time.Now().Add(time.Hour), &rows{})
	if n != 3 || err != nil {
		t.Errorf("swept %d, %v", n, err)
	}
	for _, dir := range dirs {
		if left, _ := os.ReadDir(dir); len(left) != 0 {
			t.Errorf("left %v", left)
		}
	}
}

// refusing is a store that deletes nothing.
type refusing struct{ vault.Blobs }

func (refusing) Delete(context.Context, string) error { return errAway }

var errAway = errors.New("the store is away")

// TestDeleteWhereItCan: a store that is away keeps no other from deleting.
func TestDeleteWhereItCan(t *testing.T) {
	var dirs [3]*vault.Dir
	for i := range dirs {
		var err error
		if dirs[i], err = vault.OpenDir(t.TempDir()); err != nil {
			t.Fatal(err)
		}
	}
	keys, _ := evidencetest.Keys()
	v, err := vault.New(vault.Config{Blobs: refusing{dirs[0]}, Copies: []vault.Blobs{refusing{dirs[1]}, dirs[2]}, Keys: keys, Clock: &evidencetest.Clock{}})
	if err != nil {
		t.Fatal(err)
	}
	o, err := v.Put(t.Context(), evidence.Meta{Key: "a", Class: evidence.ClassDeposit, Reason: "test", DeleteAfter: evidencetest.Start, Subject: "s", Deposit: "d"}, strings.NewReader("x"))
	if err != nil {
		t.Fatal(err)
	}
	if err := v.Delete(t.Context(), o); !errors.Is(err, errAway) || !strings.Contains(err.Error(), "store 1") || !strings.Contains(err.Error(), "store 2") {
		t.Errorf("deleted with two stores away: %v", err)
	}
	if _, err := dirs[2].Open(t.Context(), "a"); !errors.Is(err, evidence.ErrNotFound) {
		t.Errorf("it is left in the store that answers: %v", err)
	}
}
