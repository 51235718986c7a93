package server

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"testing"

	"inkwitness/evidence"
)

// TestReadingMendsCopies: damage that a reader of a deposit meets is written again
// from the other store within seconds; where that has none either, it is noted for
// the hourly check, and not tried for ever.
func TestReadingMendsCopies(t *testing.T) {
	second := t.TempDir()
	b := newBench(t, func(c *Config) { c.BlobCopies = []string{second} })
	ctx := t.Context()
	o := b.completed().Deposit.Object
	paths := []string{filepath.Join(b.data, "blobs", o.Key), filepath.Join(second, o.Key)}
	whole, err := os.ReadFile(paths[0])
	b.must(err)
	damage := func(path string) {
		t.Helper()
		raw := bytes.Clone(whole)
		raw[len(raw)-1] ^= 1
		b.must(os.WriteFile(path, raw, 0o600))
	}
	read := func() error {
		t.Helper()
		r, err := b.objects.Open(ctx, o)
		if err != nil {
			return err
		}
		defer r.Close()
		_, err = io.Copy(io.Discard, r)
		return err
	}
	damage(paths[0])
	b.must(read())
	if n := gauge(t, b.missed.waiting); n != 1 {
		t.Fatalf("%v copies wait", n)
	}
	b.missed.again(ctx, b.checker())
	if got, err := os.ReadFile(paths[0]); err != nil || !bytes.Equal(got, whole) {
		t.Errorf("not written again: %v", err)
	}
	if n := gauge(t, b.missed.waiting); n != 0 {
		t.Errorf("%v copies still wait", n)
	}
	damage(paths[0])
	damage(paths[1])
	if err := read(); err == nil {
		t.Error("read without a good copy")
	}
	b.missed.again(ctx, b.checker())
	if n := gauge(t, b.missed.waiting); n != 0 {
		t.Errorf("%v copies are tried for ever", n)
	}
	if n, err := b.store.CountDamaged(ctx); n != 1 || err != nil {
		t.Errorf("%d objects noted, %v", n, err)
	}
	row, err := b.store.Object(ctx, o.Key)
	if err != nil || row.Salt != o.Salt || o.Salt == (evidence.Digest{}) {
		t.Errorf("salt %s of the row, %s of the document, %v", row.Salt, o.Salt, err)
	}
}
