package vault_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"hash/crc32"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"gocloud.dev/blob/memblob"

	"github.com/tink-crypto/tink-go/v2/streamingaead/subtle"

	"inkwitness/evidence"
	"inkwitness/evidence/evidencetest"
	"inkwitness/evidence/vault"
)

func meta(key string) evidence.Meta {
	return evidence.Meta{Key: key, Class: evidence.ClassDeposit, Reason: "letter of deposit",
		DeleteAfter: evidencetest.Start.AddDate(10, 0, 0), Subject: "signer1", Deposit: "dep1"}
}

func open(t *testing.T) (*vault.Vault, *vault.Keyring, string) {
	t.Helper()
	dir := t.TempDir()
	blobs, err := vault.OpenDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	keys, _ := evidencetest.Keys()
	v, err := vault.New(vault.Config{Blobs: blobs, Keys: keys, Clock: &evidencetest.Clock{}})
	if err != nil {
		t.Fatal(err)
	}
	return v, keys, dir
}

func noise(n int) []byte {
	b := make([]byte, n)
	r := rand.NewChaCha8([32]byte{1})
	r.Read(b)
	return b
}

// Sizes around the borders of Tink's segments (4040, then 4080 plain bytes)
// and of the reader's batches.
var sizes = []int{0, 1, 4039, 4040, 4041, 8119, 8120, 8121, 64*4080 - 41, 64*4080 - 40, 64*4080 - 39, 1 << 20}

func TestPutOpen(t *testing.T) {
	v, _, _ := open(t)
	for _, n := range sizes {
		data := noise(n)
		o, err := v.Put(t.Context(), meta("deposits/d1/file.bin"), bytes.NewReader(data))
		if err != nil {
			t.Fatal(err)
		}
		if o.Size != int64(n) || o.SHA256 != sha256.Sum256(data) || o.CRC32 != crc32.ChecksumIEEE(data) || o.Region != "local" {
			t.Errorf("%d bytes: object %+v", n, o)
		}
		r, err := v.Open(t.Context(), o)
		if err != nil {
			t.Fatalf("%d bytes: %v", n, err)
		}
		if got, err := io.ReadAll(r); err != nil || !bytes.Equal(got, data) {
			t.Errorf("%d bytes: read %d, %v", n, len(got), err)
		}
		for _, off := range []int{0, n / 3, max(n-1, 0), n} {
			if _, err := r.Seek(int64(off), io.SeekStart); err != nil {
				t.Fatal(err)
			}
			if got, err := io.ReadAll(r); err != nil || !bytes.Equal(got, data[off:]) {
				t.Errorf("%d bytes from %d: read %d, %v", n, off, len(got), err)
			}
		}
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	}
}

// Tink's own reader must open what is stored, so that a recovery tool needs
// none of this code.
func TestStoredFormatIsTinks(t *testing.T) {
	v, keys, dir := open(t)
	data := noise(100_000)
	o, err := v.Put(t.Context(), meta("a/b"), bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	_, key, err := keys.Open(t.Context(), o.DataKey)
	if err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(filepath.Join(dir, "a", "b"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	aead, err := subtle.NewAESGCMHKDF(key, "SHA256", 32, 4096, 0)
	if err != nil {
		t.Fatal(err)
	}
	r, err := aead.NewDecryptingReader(f, []byte("a/b"))
	if err != nil {
		t.Fatal(err)
	}
	if got, err := io.ReadAll(r); err != nil || !bytes.Equal(got, data) {
		t.Errorf("Tink reads %d bytes, %v", len(got), err)
	}
}

func TestEveryChangedByteIsFound(t *testing.T) {
	v, _, dir := open(t)
	path := filepath.Join(dir, "a")
	o, err := v.Put(t.Context(), meta("a"), bytes.NewReader(noise(9000)))
	if err != nil {
		t.Fatal(err)
	}
	stored, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	read := func(b []byte) error {
		if err := os.WriteFile(path, b, 0o600); err != nil {
			t.Fatal(err)
		}
		r, err := v.Open(t.Context(), o)
		if err != nil {
			return err
		}
		defer r.Close()
		_, err = io.Copy(io.Discard, r)
		return err
	}
	for i := 0; i < len(stored); i += 7 {
		b := bytes.Clone(stored)
		b[i] ^= 0x10
		if err := read(b); !errors.Is(err, evidence.ErrCorrupt) {
			t.Fatalf("byte %d changed: %v", i, err)
		}
	}
	for _, cut := range []int{0, 1, 40, 4096, len(stored) - 1} {
		if err := read(stored[:cut]); !errors.Is(err, evidence.ErrCorrupt) {
			t.Errorf("cut to %d: %v", cut, err)
		}
	}
	if err := read(append(bytes.Clone(stored), 0)); !errors.Is(err, evidence.ErrCorrupt) {
		t.Errorf("one byte more: %v", err)
	}
	if err := read(stored); err != nil {
		t.Errorf("unchanged: %v", err)
	}
}

func TestExchangedBlobsDoNotOpen(t *testing.T) {
	v, _, dir := open(t)
	a, err := v.Put(t.Context(), meta("a"), strings.NewReader("same length 1"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := v.Put(t.Context(), meta("b"), strings.NewReader("same length 2")); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(filepath.Join(dir, "b"), filepath.Join(dir, "a")); err != nil {
		t.Fatal(err)
	}
	if _, err := v.Open(t.Context(), a); !errors.Is(err, evidence.ErrCorrupt) {
		t.Errorf("exchanged blob: %v", err)
	}
}

func TestPutRefuses(t *testing.T) {
	v, _, dir := open(t)
	bad := meta("a")
	bad.Class = ""
	if _, err := v.Put(t.Context(), bad, strings.NewReader("x")); !errors.Is(err, evidence.ErrNoClass) {
		t.Errorf("no class: %v", err)
	}
	for _, key := range []string{"../a", "/a", "a//b", "a/", ".a", "a b", "a.incomplete-00", strings.Repeat("a", 241)} {
		if _, err := v.Put(t.Context(), meta(key), strings.NewReader("x")); !errors.Is(err, evidence.ErrMalformed) {
			t.Errorf("key %q: %v", key, err)
		}
	}
	broken := io.MultiReader(strings.NewReader("half"), iotestErr{})
	if _, err := v.Put(t.Context(), meta("a"), broken); !errors.Is(err, errBroken) {
		t.Errorf("broken source: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := v.Put(ctx, meta("a"), strings.NewReader("x")); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
	if left, _ := os.ReadDir(dir); len(left) != 0 {
		t.Errorf("left behind: %v", left)
	}
}

var errBroken = errors.New("broken source")

type iotestErr struct{}

func (iotestErr) Read([]byte) (int, error) { return 0, errBroken }

func TestErase(t *testing.T) {
	v, _, _ := open(t)
	mine, err := v.Put(t.Context(), meta("mine"), strings.NewReader("stroke"))
	if err != nil {
		t.Fatal(err)
	}
	m := meta("other")
	m.Subject = "signer2"
	other, err := v.Put(t.Context(), m, strings.NewReader("stroke"))
	if err != nil {
		t.Fatal(err)
	}
	when := evidence.Erasure{When: evidencetest.Start, Authority: "request of the data subject"}
	if err := v.Erase(t.Context(), "signer1", "dep1", when); err != nil {
		t.Fatal(err)
	}
	_, err = v.Open(t.Context(), mine)
	var erased *evidence.ErasedError
	if !errors.As(err, &erased) || erased.Erasure != when || !errors.Is(err, evidence.ErrErased) {
		t.Errorf("erased object: %v", err)
	}
	if _, err := v.Put(t.Context(), meta("again"), strings.NewReader("x")); !errors.Is(err, evidence.ErrErased) {
		t.Errorf("put after erasure: %v", err)
	}
	if r, err := v.Open(t.Context(), other); err != nil {
		t.Errorf("the other signer's object: %v", err)
	} else {
		r.Close()
	}
}

// rows is vault.Rows with one row.
type rows struct {
	known          string
	claimed, swept []string
}

func (r *rows) ClaimOrphans(_ context.Context, names []string) (orphans []string, err error) {
	for _, name := range names {
		if name != r.known {
			orphans = append(orphans, name)
		}
	}
	r.claimed = append(r.claimed, orphans...)
	return orphans, nil
}

func (r *rows) Swept(_ context.Context, names []string) error {
	r.swept = append(r.swept, names...)
	return nil
}

func TestSweep(t *testing.T) {
	v, _, dir := open(t)
	for _, key := range []string{"kept", "orphan", "young"} {
		if _, err := v.Put(t.Context(), meta(key), strings.NewReader(key)); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(dir, "x.incomplete-0011223344556677"), []byte("half"), 0o600); err != nil {
		t.Fatal(err)
	}
	old := time.Now().Add(-2 * time.Hour)
	for _, key := range []string{"kept", "orphan", "x.incomplete-0011223344556677"} {
		if err := os.Chtimes(filepath.Join(dir, key), old, old); err != nil {
			t.Fatal(err)
		}
	}
	known := &rows{known: "kept"}
	n, err := v.Sweep(t.Context(), time.Now().Add(-time.Hour), known)
	if n != 2 || err != nil || len(known.claimed) != 2 || !slices.Equal(known.claimed, known.swept) {
		t.Errorf("swept %d, %v, claimed %v, ended %v; want 2", n, err, known.claimed, known.swept)
	}
	left, _ := os.ReadDir(dir)
	if len(left) != 2 || left[0].Name() != "kept" || left[1].Name() != "young" {
		t.Errorf("left %v", left)
	}
}

func TestBucket(t *testing.T) {
	bucket := vault.NewBucket(memblob.OpenBucket(nil))
	keys, _ := evidencetest.Keys()
	v, err := vault.New(vault.Config{Blobs: bucket, Keys: keys, Clock: &evidencetest.Clock{}, Region: "eu-west-3"})
	if err != nil {
		t.Fatal(err)
	}
	data := noise(600_000)
	o, err := v.Put(t.Context(), meta("a/b"), bytes.NewReader(data))
	if err != nil || o.Region != "eu-west-3" {
		t.Fatal(o.Region, err)
	}
	r, err := v.Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := r.Seek(300_000, io.SeekStart); err != nil {
		t.Fatal(err)
	}
	if got, err := io.ReadAll(r); err != nil || !bytes.Equal(got, data[300_000:]) {
		t.Errorf("read %d, %v", len(got), err)
	}
	if _, err := v.Put(t.Context(), meta("half"), iotestErr{}); !errors.Is(err, errBroken) {
		t.Errorf("broken source: %v", err)
	}
	half := o
	half.Key = "half"
	if _, err := v.Open(t.Context(), half); !errors.Is(err, evidence.ErrNotFound) {
		t.Errorf("a failed upload is there: %v", err)
	}
	if n, err := v.Sweep(t.Context(), time.Now().Add(time.Hour), &rows{}); n != 1 || err != nil {
		t.Errorf("swept %d, %v", n, err)
	}
}

func TestLocalRoot(t *testing.T) {
	path := filepath.Join(t.TempDir(), "keys", "root.key")
	first, err := vault.LocalRoot(path)
	if err != nil {
		t.Fatal(err)
	}
	if info, _ := os.Stat(path); info.Mode().Perm() != 0o600 {
		t.Errorf("mode %o", info.Mode().Perm())
	}
	second, err := vault.LocalRoot(path)
	if err != nil {
		t.Fatal(err)
	}
	store := &evidencetest.KeyStore{}
	k := evidence.Key{ID: "one", Purpose: "data"}
	if err := vault.NewKeyring(store, first).Create(t.Context(), k, []byte("secret")); err != nil {
		t.Fatal(err)
	}
	if _, got, err := vault.NewKeyring(store, second).Open(t.Context(), "one"); err != nil || string(got) != "secret" {
		t.Errorf("second start opens %q, %v", got, err)
	}
	stolen := store.All()["one"]
	stolen.ID = "two"
	if err := store.CreateKey(t.Context(), stolen); err != nil {
		t.Fatal(err)
	}
	if _, _, err := vault.NewKeyring(store, second).Open(t.Context(), "two"); !errors.Is(err, evidence.ErrCorrupt) {
		t.Errorf("moved key: %v", err)
	}
	if err := os.Chmod(path, 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := vault.LocalRoot(path); !errors.Is(err, evidence.ErrNotAllowed) {
		t.Errorf("readable by others: %v", err)
	}
	if err := os.WriteFile(path, []byte("something"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := vault.LocalRoot(path); !errors.Is(err, evidence.ErrMalformed) {
		t.Errorf("broken file: %v", err)
	}
}
