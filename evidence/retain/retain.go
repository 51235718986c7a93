// Package retain ends what must end and keeps what must be kept: it purges
// objects whose day has come, honours legal holds, writes deletion receipts,
// and says when evidence has to be renewed.
//
// It decides by the clock, so it does not trust the clock blindly (clock.go): more
// than a day that nothing but the clock shows to have passed stops all deletion
// until two people confirm the time. It does not know databases or object stores:
// a Store and a Vault do what it decides.
package retain

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"inkwitness/capture"
	"inkwitness/evidence"
)

// Store keeps the rows of objects. Implementations are safe for concurrent use
// and durable on return.
type Store interface {
	// Due returns at most n objects whose end is not after now and that no
	// hold protects, oldest end first, and after those the ones that were
	// begun and not finished, the least often begun first: what cannot be
	// deleted keeps nothing else from it.
	Due(ctx context.Context, now time.Time, n int) ([]evidence.Object, error)

	// Begin turns the object's row into a tombstone, in one transaction with
	// the check that it is due and not held: evidence.ErrHeld. From then on
	// nothing leads to the blob. Begun again is no error, and is counted.
	Begin(ctx context.Context, key string, now time.Time) (Begun, error)

	// Finish stores the receipt and ends the tombstone's being due.
	Finish(ctx context.Context, key string, receipt []byte) error

	// LastClock is the latest time that is known to have come, zero before the
	// first run.
	LastClock(ctx context.Context) (time.Time, error)

	// SaveClock sets it.
	SaveClock(ctx context.Context, t time.Time) error
}

// Begun is what has to be known to finish a deletion.
type Begun struct {
	Last      bool   // no other object, tombstones aside, is under the same data key
	Authority string // on whose word it ends before its time; empty: its time is over
}

// Vault deletes blobs and destroys keys; *vault.Vault does.
type Vault interface {
	// Delete removes the blob; a missing one is no error.
	Delete(ctx context.Context, o evidence.Object) error

	// Erase destroys the data key of a subject in a deposit, so that copies in
	// backups cannot be read either. It is idempotent.
	Erase(ctx context.Context, subject, deposit string, e evidence.Erasure) error
}

// Signer signs receipts: the bytes in, a signed message that holds them out.
type Signer interface {
	SignReceipt(ctx context.Context, receipt []byte) ([]byte, error)
}

// Config is what a Purger needs. Store, Vault, Signer and Clock are required.
type Config struct {
	Store   Store
	Vault   Vault
	Signer  Signer
	Clock   capture.Clock
	Every   time.Duration                   // between runs, one hour when 0
	MaxJump time.Duration                   // by how much the clock may be away from the time that is known to have come, 24 h when 0
	Uptime  func() time.Duration            // a clock that nobody sets; the monotonic one of the machine when nil
	Outside func(ctx context.Context) error // nil when somebody outside says that the clock is right, to minutes; no such when nil
	Log     *slog.Logger
}

// Purger deletes what is due. One runs at a time; two do no harm.
type Purger struct {
	cfg Config

	mu   sync.Mutex
	seen known
}

// New returns a Purger.
func New(cfg Config) (*Purger, error) {
	if cfg.Store == nil || cfg.Vault == nil || cfg.Signer == nil || cfg.Clock == nil {
		return nil, errors.New("retain: Store, Vault, Signer and Clock are required")
	}
	if cfg.Every <= 0 {
		cfg.Every = time.Hour
	}
	if cfg.MaxJump <= 0 {
		cfg.MaxJump = 24 * time.Hour
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	if start := time.Now(); cfg.Uptime == nil {
		cfg.Uptime = func() time.Duration { return time.Since(start) }
	}
	return &Purger{cfg: cfg}, nil
}

// Run purges now and then every Config.Every until the context ends.
func (p *Purger) Run(ctx context.Context) error {
	tick := time.NewTicker(p.cfg.Every)
	defer tick.Stop()
	for {
		if n, err := p.Purge(ctx); err != nil && ctx.Err() == nil {
			p.cfg.Log.ErrorContext(ctx, "purge stopped, will try again", "deleted", n, "err", err)
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
	}
}

// authority is by what right a purge deletes what nobody asked to be deleted.
const authority = "end of the retention period"

// batch is how many objects are asked for at a time, and how many a run fails to
// delete before it leaves the rest to the next one: each may wait for a store
// that does not answer.
const batch = 100

// Purge deletes everything that is due and returns how many objects that were.
// What cannot be deleted does not keep the rest from it; the errors are joined.
// evidence.ErrClock means that the clock cannot be believed and nothing was touched.
func (p *Purger) Purge(ctx context.Context) (int, error) {
	now := p.cfg.Clock.Now().UTC()
	if err := p.checkClock(ctx, now); err != nil {
		return 0, err
	}
	deleted, left := 0, map[string]bool{}
	var failed []error
	for {
		due, err := p.cfg.Store.Due(ctx, now, batch)
		if err != nil {
			return deleted, errors.Join(append(failed, fmt.Errorf("list what is due: %w", err))...)
		}
		due = slices.DeleteFunc(due, func(o evidence.Object) bool { return left[o.Key] })
		for _, o := range due {
			switch err := p.purge(ctx, o, now); {
			case err == nil:
				deleted++
			case errors.Is(err, evidence.ErrHeld):
				left[o.Key] = true // a hold came between
			default:
				left[o.Key] = true
				failed = append(failed, fmt.Errorf("purge %s: %w", o.Key, err))
			}
			if ctx.Err() != nil || len(failed) == batch {
				return deleted, errors.Join(failed...)
			}
		}
		if len(due) == 0 {
			return deleted, errors.Join(failed...)
		}
	}
}

// purge deletes one object: tombstone, blob, key when it was the key's last
// object, receipt. A crash after any of them leaves the object among what is
// due, and the rest is done again.
func (p *Purger) purge(ctx context.Context, o evidence.Object, now time.Time) error {
	begun, err := p.cfg.Store.Begin(ctx, o.Key, now)
	if err != nil {
		return err
	}
	right := cmp.Or(begun.Authority, authority)
	if err := p.cfg.Vault.Delete(ctx, o); err != nil {
		return err
	}
	if begun.Last {
		if err := p.cfg.Vault.Erase(ctx, o.Subject, o.Deposit, evidence.Erasure{When: now, Authority: right}); err != nil {
			return err
		}
	}
	receipt, err := json.Marshal(Receipt{Format: ReceiptFormat, Object: o.SHA256, Size: o.Size, Class: o.Class, Reason: o.Reason,
		Stored: o.Stored, Due: o.DeleteAfter, Deleted: now, Authority: right})
	if err != nil {
		return fmt.Errorf("receipt: %w", err)
	}
	signed, err := p.cfg.Signer.SignReceipt(ctx, receipt)
	if err != nil {
		return fmt.Errorf("receipt: %w", err)
	}
	return p.cfg.Store.Finish(ctx, o.Key, signed)
}

// ReceiptFormat is the version of Receipt.
const ReceiptFormat = "inkwitness deletion receipt v1"

// Receipt proves a deletion. It names the object by its hash alone.
type Receipt struct {
	Format    string          `json:"format"`
	Object    evidence.Digest `json:"sha256"`
	Size      int64           `json:"size"`
	Class     evidence.Class  `json:"class"`
	Reason    string          `json:"reason"` // why it had been kept
	Stored    time.Time       `json:"stored"`
	Due       time.Time       `json:"due"`
	Deleted   time.Time       `json:"deleted"`
	Authority string          `json:"authority"`
}
