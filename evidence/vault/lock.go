package vault

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"inkwitness/evidence"
)

// Retainer is a store that can keep a blob from being changed or deleted, by
// anybody, until a day.
type Retainer interface {
	// Retain locks the blob and returns only when the store says that it is locked.
	Retain(ctx context.Context, name string, until time.Time) error

	// Retained says until when the blob is locked, zero when it is not.
	Retained(ctx context.Context, name string) (time.Time, error)
}

// Lock sees to it that an object is locked until o.Locked in every store that can.
func (v *Vault) Lock(ctx context.Context, o evidence.Object) error {
	var all error
	for i, store := range v.stores() {
		if _, err := v.lock(ctx, store, o); err != nil {
			all = errors.Join(all, fmt.Errorf("store %d: %w", i+1, err))
		}
	}
	return all
}

// lock locks an object in a store, if it can and does not already. A lock that has
// ended by now is none.
func (v *Vault) lock(ctx context.Context, store Blobs, o evidence.Object) (set bool, err error) {
	r, ok := store.(Retainer)
	if !ok || !o.Locked.After(v.cfg.Clock.Now()) {
		return false, nil
	}
	until, err := r.Retained(ctx, o.Key)
	if err == nil && until.Before(o.Locked) {
		set, err = true, r.Retain(ctx, o.Key, o.Locked)
	}
	if err != nil {
		return false, fmt.Errorf("lock object %s: %w", o.Key, err)
	}
	return set, nil
}

// lockedBucket is a bucket of S3 with object lock.
type lockedBucket struct {
	Bucket
	client *s3.Client
	name   string
	prefix string // of all names in it, as in the address; the client does not know it
}

func (b *lockedBucket) key(name string) *string { return new(b.prefix + name) }

// Retain implements Retainer by the mode COMPLIANCE, which the account's owner
// cannot lift either. A repeated write is a version of its own, locked as well.
func (b *lockedBucket) Retain(ctx context.Context, name string, until time.Time) error {
	until = until.UTC().Truncate(time.Second).Add(time.Second) // whole seconds, never earlier
	_, err := b.client.PutObjectRetention(ctx, &s3.PutObjectRetentionInput{Bucket: &b.name, Key: b.key(name),
		Retention: &types.ObjectLockRetention{Mode: types.ObjectLockRetentionModeCompliance, RetainUntilDate: &until}})
	if err != nil {
		return fmt.Errorf("set the object lock; the bucket must have been made with it: %w", err)
	}
	got, err := b.Retained(ctx, name)
	if err != nil {
		return fmt.Errorf("read the object lock back: %w", err)
	}
	if got.Before(until) {
		return fmt.Errorf("the store says that %s is not locked until %s: %w", name, until.Format(time.RFC3339), evidence.ErrCorrupt)
	}
	return nil
}

// Retained implements Retainer. A lock of the mode GOVERNANCE is none: whoever has
// the right to may lift it.
func (b *lockedBucket) Retained(ctx context.Context, name string) (time.Time, error) {
	got, err := b.client.GetObjectRetention(ctx, &s3.GetObjectRetentionInput{Bucket: &b.name, Key: b.key(name)})
	if coded, ok := errors.AsType[interface {
		error
		ErrorCode() string
	}](err); ok && coded.ErrorCode() == "NoSuchObjectLockConfiguration" {
		return time.Time{}, nil
	}
	if err != nil {
		return time.Time{}, fmt.Errorf("read the object lock: %w", err)
	}
	if r := got.Retention; r != nil && r.Mode == types.ObjectLockRetentionModeCompliance && r.RetainUntilDate != nil {
		return *r.RetainUntilDate, nil
	}
	return time.Time{}, nil
}
