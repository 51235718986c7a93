package vault

import (
	"context"
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
}

// lock locks an object in every store that can. One that should and does not
// fails the writing.
func (v *Vault) lock(ctx context.Context, name string, until time.Time) error {
	for i, store := range v.stores() {
		r, ok := store.(Retainer)
		if !ok {
			continue
		}
		if err := r.Retain(ctx, name, until); err != nil {
			return fmt.Errorf("lock it in store %d: %w", i+1, err)
		}
	}
	return nil
}

// lockedBucket is a bucket of S3 with object lock.
type lockedBucket struct {
	Bucket
	client *s3.Client
	name   string
}

// Retain implements Retainer by the mode COMPLIANCE, which the account's owner
// cannot lift either. A repeated write is a version of its own, locked as well.
func (b *lockedBucket) Retain(ctx context.Context, name string, until time.Time) error {
	until = until.UTC().Truncate(time.Second).Add(time.Second) // whole seconds, never earlier
	_, err := b.client.PutObjectRetention(ctx, &s3.PutObjectRetentionInput{Bucket: &b.name, Key: &name,
		Retention: &types.ObjectLockRetention{Mode: types.ObjectLockRetentionModeCompliance, RetainUntilDate: &until}})
	if err != nil {
		return fmt.Errorf("set the object lock; the bucket must have been made with it: %w", err)
	}
	got, err := b.client.GetObjectRetention(ctx, &s3.GetObjectRetentionInput{Bucket: &b.name, Key: &name})
	if err != nil {
		return fmt.Errorf("read the object lock back: %w", err)
	}
	if r := got.Retention; r == nil || r.Mode != types.ObjectLockRetentionModeCompliance || r.RetainUntilDate == nil || r.RetainUntilDate.Before(until) {
		return fmt.Errorf("the store says that %s is not locked until %s: %w", name, until.Format(time.RFC3339), evidence.ErrCorrupt)
	}
	return nil
}
