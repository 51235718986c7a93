// Package vault stores encrypted objects: recordings, signed documents,
// deposits.
//
// Every object is encrypted with the data key of its subject and deposit (Tink
// streaming AEAD AES256_GCM_HKDF_4KB, the object's key as associated data), so
// that erasing one person from one deposit is the destruction of one key. Data
// keys are kept wrapped by a root key that lies elsewhere. A blob is durable
// before Put returns the Object that becomes its row: orphans may exist and are
// swept, a row without its blob never.
//
// It is not a database: it keeps no rows, decides no retention and checks no
// rights. It never logs.
package vault

import (
	"bufio"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"regexp"
	"time"

	"github.com/tink-crypto/tink-go/v2/streamingaead/subtle"

	"inkwitness/capture"
	"inkwitness/evidence"
	"inkwitness/evidence/durable"
)

// The parameters of Tink's AES256_GCM_HKDF_4KB.
const (
	keyBytes     = 32
	segmentBytes = 4096
)

// Blobs stores opaque bytes under names. Implementations are safe for
// concurrent use.
type Blobs interface {
	// Write stores what fill writes under name, replacing what was there, and
	// returns when it is durable. When fill fails nothing appears under name.
	Write(ctx context.Context, name string, fill func(io.Writer) error) error

	// Open returns the blob for reading at any offset; evidence.ErrNotFound.
	Open(ctx context.Context, name string) (Blob, error)

	// Delete removes the blob. A missing one is no error.
	Delete(ctx context.Context, name string) error

	// List calls visit for every blob, and for what unfinished writes left.
	List(ctx context.Context, visit func(name string, modified time.Time) error) error
}

// Blob is one stored blob, open for reading.
type Blob interface {
	io.ReaderAt
	io.Closer
	Size() int64
}

// Config is what a Vault needs. All fields but Copies, Need, Missed, Damaged and Region are required.
type Config struct {
	Blobs  Blobs
	Copies []Blobs                                 // further stores that hold every blob too
	Need   int                                     // stores that must have a blob before Put returns; all when 0
	Missed func(name string, store int, err error) // a store, from 1, did not take a blob that the others have; nil: Scrub will find it

	// Damaged is told of a copy, in a store from 1, that was met while reading and holds
	// other bytes than were stored; nil: Scrub will find it.
	Damaged func(name string, store int, err error)

	Keys   evidence.Keys
	Clock  capture.Clock
	Region string // where the bytes lie, written into each object; "local" when empty
}

// Vault stores and opens objects. It is safe for concurrent use.
type Vault struct {
	cfg   Config
	salts salts
}

// New returns a Vault.
func New(cfg Config) (*Vault, error) {
	if cfg.Blobs == nil || cfg.Keys == nil || cfg.Clock == nil {
		return nil, errors.New("vault: Blobs, Keys and Clock are required")
	}
	if cfg.Need <= 0 || cfg.Need > 1+len(cfg.Copies) {
		cfg.Need = 1 + len(cfg.Copies)
	}
	if cfg.Region == "" {
		cfg.Region = "local"
	}
	return &Vault{cfg: cfg, salts: salts{known: map[content]*foundSalt{}}}, nil
}

// keyPattern bounds object keys: they become file names.
var keyPattern = regexp.MustCompile(`^[a-z0-9][A-Za-z0-9_-]*(?:[./][A-Za-z0-9_-]+){0,12}$`)

// Put encrypts r and stores it under m.Key, with Write's promises.
func (v *Vault) Put(ctx context.Context, m evidence.Meta, r io.Reader) (evidence.Object, error) {
	return v.Write(ctx, m, func(w io.Writer) error {
		_, err := io.CopyBuffer(w, struct{ io.Reader }{r}, make([]byte, 64<<10)) // as a stream, whatever else r can do
		return err
	})
}

// Write encrypts what fill writes and stores it under m.Key. It returns only when
// the bytes are durable; the caller then writes the Object's row. Storing the same
// key again replaces the blob, so a step that is repeated leaves no orphan.
func (v *Vault) Write(ctx context.Context, m evidence.Meta, fill func(io.Writer) error) (evidence.Object, error) {
	if err := m.Check(); err != nil {
		return evidence.Object{}, err
	}
	if len(m.Key) > 240 || !keyPattern.MatchString(m.Key) || durable.IsTemp(m.Key) {
		return evidence.Object{}, fmt.Errorf("object key %q: %w", m.Key, evidence.ErrMalformed)
	}
	id, key, err := v.dataKey(ctx, m.Subject, m.Deposit)
	if err != nil {
		return evidence.Object{}, fmt.Errorf("data key of object: %w", err)
	}
	m.Region = v.cfg.Region
	o := evidence.Object{Meta: m, DataKey: id, Stored: v.cfg.Clock.Now().UTC()}
	if o.Lock = false; m.Lock { // a wish, of which the object keeps what came of it
		o.Locked = m.DeleteAfter.UTC()
	}
	err = v.cfg.Blobs.Write(ctx, m.Key, func(w io.Writer) error { return encrypt(w, fill, key, &o) })
	if err == nil {
		_, err = v.lock(ctx, v.cfg.Blobs, o)
	}
	if err == nil {
		err = v.replicate(ctx, o)
	}
	if err != nil {
		return evidence.Object{}, fmt.Errorf("store object: %w", err)
	}
	return o, nil
}

// encrypt writes the ciphertext of what fill writes and fills in what is known of
// the plain bytes.
func encrypt(w io.Writer, fill func(io.Writer) error, key []byte, o *evidence.Object) error {
	aead, err := subtle.NewAESGCMHKDF(key, "SHA256", keyBytes, segmentBytes, 0)
	if err != nil {
		return fmt.Errorf("cipher: %w", err)
	}
	out := bufio.NewWriterSize(w, 8*segmentBytes) // the cipher writes one segment at a time
	var start header
	enc, err := aead.NewEncryptingWriter(io.MultiWriter(out, &start), []byte(o.Key))
	if err != nil {
		return fmt.Errorf("cipher: %w", err)
	}
	sum, crc := sha256.New(), crc32.NewIEEE()
	size := &counter{}
	if err := fill(io.MultiWriter(enc, sum, crc, size)); err != nil {
		return err
	}
	o.Size, o.SHA256, o.CRC32 = size.n, evidence.Digest(sum.Sum(nil)), crc.Sum32()
	err = errors.Join(enc.Close(), out.Flush())
	o.Salt = start.salt()
	return err
}

// counter counts the bytes that are written to it.
type counter struct{ n int64 }

func (c *counter) Write(p []byte) (int, error) {
	c.n += int64(len(p))
	return len(p), nil
}

// Open decrypts an object. Whatever is read, from wherever in it, is what was
// stored when the object was made: each segment is authenticated under the key of
// that one encryption. A copy that is missing, damaged or from another writing is
// read past. When none is left it is evidence.ErrCorrupt, at once or where the
// damage is met; an erased object is *evidence.ErasedError.
//
// Of an object without a salt, from a release that did not record it, a copy is read
// whole and hashed first, once as long as the Vault lives.
func (v *Vault) Open(ctx context.Context, o evidence.Object) (io.ReadSeekCloser, error) {
	_, key, err := v.cfg.Keys.Open(ctx, o.DataKey)
	if err != nil {
		return nil, fmt.Errorf("data key of object: %w", err)
	}
	r, err := v.open(ctx, key, o)
	if err != nil {
		return nil, fmt.Errorf("open object: %w", err)
	}
	return r, nil
}

// OpenAt decrypts an object for reading at any offset, with Open's promises.
func (v *Vault) OpenAt(ctx context.Context, o evidence.Object) (Blob, error) {
	r, err := v.Open(ctx, o)
	if err != nil {
		return nil, err
	}
	return r.(*reader), nil
}

// Delete removes the blob of an object whose row is gone, from every store that
// can be reached.
func (v *Vault) Delete(ctx context.Context, o evidence.Object) error {
	var all error
	for i, store := range v.stores() {
		if err := store.Delete(ctx, o.Key); err != nil {
			all = errors.Join(all, fmt.Errorf("delete object from store %d: %w", i+1, err))
		}
	}
	return all
}

// Erase destroys the data key of a subject in a deposit: every object under it,
// in backups too, is unreadable from now on. It is idempotent.
func (v *Vault) Erase(ctx context.Context, subject, deposit string, e evidence.Erasure) error {
	if err := v.cfg.Keys.Destroy(ctx, dataKeyID(subject, deposit), e); err != nil {
		return fmt.Errorf("erase data key: %w", err)
	}
	return nil
}

func dataKeyID(subject, deposit string) string { return "data/" + deposit + "/" + subject }

// dataKey opens the key of a subject and deposit, and makes it when it is the
// first. Of two that make it at once one wins and both use it.
func (v *Vault) dataKey(ctx context.Context, subject, deposit string) (string, []byte, error) {
	id := dataKeyID(subject, deposit)
	_, key, err := v.cfg.Keys.Open(ctx, id)
	if !errors.Is(err, evidence.ErrNotFound) {
		return id, key, err
	}
	fresh := make([]byte, keyBytes)
	rand.Read(fresh) // never fails, see crypto/rand
	meta := evidence.Key{ID: id, Purpose: "data", Subject: subject, Deposit: deposit, Created: v.cfg.Clock.Now().UTC()}
	switch err := v.cfg.Keys.Create(ctx, meta, fresh); {
	case err == nil:
		return id, fresh, nil
	case !errors.Is(err, evidence.ErrExists):
		return id, nil, err
	}
	_, key, err = v.cfg.Keys.Open(ctx, id)
	return id, key, err
}
