package vault

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/s3"
	"gocloud.dev/blob"
	"gocloud.dev/gcerrors"

	"inkwitness/evidence"
)

// Bucket stores blobs in an object store. The store answers a write only when
// the object is durable by its own promise. Which stores can be opened by URL
// is decided by the driver packages that the program links.
type Bucket struct{ b *blob.Bucket }

// OpenBucket opens an object store by URL, for instance "s3://name?region=eu-west-3".
// With lock=compliance, which S3 has, it is a Retainer.
func OpenBucket(ctx context.Context, address string) (Blobs, error) {
	u, err := url.Parse(address)
	if err != nil {
		return nil, errors.New("open bucket: the address cannot be read") // the error would repeat secrets
	}
	query := u.Query()
	lock := query.Get("lock")
	query.Del("lock")
	u.RawQuery = query.Encode()
	b, err := blob.OpenBucket(ctx, u.String())
	if err != nil {
		return nil, fmt.Errorf("open bucket: %w", err)
	}
	if lock == "" {
		return &Bucket{b}, nil
	}
	var client *s3.Client
	if lock != "compliance" || !b.As(&client) {
		return nil, errors.Join(fmt.Errorf("open bucket: lock=%s: only lock=compliance is known, for s3:// stores", lock), b.Close())
	}
	return &lockedBucket{Bucket{b}, client, u.Host, query.Get("prefix")}, nil
}

// NewBucket uses a bucket that is open already.
func NewBucket(b *blob.Bucket) *Bucket { return &Bucket{b} }

// Close closes the bucket.
func (b *Bucket) Close() error { return b.b.Close() }

// Write implements Blobs. A cancelled upload leaves nothing behind.
func (b *Bucket) Write(ctx context.Context, name string, fill func(io.Writer) error) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	w, err := b.b.NewWriter(ctx, name, &blob.WriterOptions{ContentType: "application/octet-stream"})
	if err != nil {
		return fmt.Errorf("write object: %w", err)
	}
	if err := fill(w); err != nil {
		cancel() // Close after a cancel drops the upload
		_ = w.Close()
		return err
	}
	if err := w.Close(); err != nil {
		return fmt.Errorf("write object: %w", err)
	}
	return nil
}

// Open implements Blobs.
func (b *Bucket) Open(ctx context.Context, name string) (Blob, error) {
	attrs, err := b.b.Attributes(ctx, name)
	if gcerrors.Code(err) == gcerrors.NotFound {
		return nil, fmt.Errorf("blob %s: %w", name, evidence.ErrNotFound)
	}
	if err != nil {
		return nil, fmt.Errorf("open object: %w", err)
	}
	return &bucketBlob{ctx: ctx, b: b.b, name: name, size: attrs.Size}, nil
}

// bucketBlob reads ranges. It holds the context of the request that opened it,
// as an http.Request does, because io.ReaderAt has no place for one.
type bucketBlob struct {
	ctx  context.Context
	b    *blob.Bucket
	name string
	size int64
}

func (b *bucketBlob) ReadAt(p []byte, off int64) (int, error) {
	r, err := b.b.NewRangeReader(b.ctx, b.name, off, int64(len(p)), nil)
	if err != nil {
		return 0, fmt.Errorf("read object: %w", err)
	}
	n, err := io.ReadFull(r, p)
	if errors.Is(err, io.ErrUnexpectedEOF) {
		err = io.EOF
	}
	return n, errors.Join(err, r.Close())
}

func (b *bucketBlob) Size() int64 { return b.size }

func (b *bucketBlob) Close() error { return nil }

// Delete implements Blobs.
func (b *Bucket) Delete(ctx context.Context, name string) error {
	if err := b.b.Delete(ctx, name); err != nil && gcerrors.Code(err) != gcerrors.NotFound {
		return fmt.Errorf("delete object: %w", err)
	}
	return nil
}

// List implements Blobs. Unfinished uploads never appear under a name.
func (b *Bucket) List(ctx context.Context, visit func(string, time.Time) error) error {
	it := b.b.List(nil)
	for {
		o, err := it.Next(ctx)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("list objects: %w", err)
		}
		if err := visit(o.Key, o.ModTime); err != nil {
			return err
		}
	}
}
