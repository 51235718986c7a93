package store

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"inkwitness/api"
	"inkwitness/evidence"
)

// The states of an object's row.
const (
	objectKept    = "kept"    // the blob is there
	objectLeaving = "leaving" // its deletion has begun; nothing leads to the blob any more
	objectGone    = "gone"    // a tombstone, with its receipt
)

// Refer makes objects everything that a holder refers to, in the caller's
// transaction: new ones get a row, what the holder no longer refers to ends now.
// The blobs must be durable already. evidence.ErrConflict means that one of them
// was deleted after it had been stored: it has to be stored again.
func (s *Store) Refer(ctx context.Context, holder string, objects []evidence.Object) error {
	return s.Tx(ctx, func(ctx context.Context) error {
		known, err := s.referred(ctx, holder)
		if err != nil {
			return err
		}
		for _, o := range objects {
			row, ok := known[o.Key]
			delete(known, o.Key)
			if ok && row.state == objectKept && row.is(o) {
				continue
			}
			if err := s.putObject(ctx, holder, o); err != nil {
				return fmt.Errorf("row of object %s: %w", o.Key, err)
			}
		}
		now := s.clock.Now()
		for key, row := range known {
			if row.state != objectKept || !row.DeleteAfter.IsZero() && !row.DeleteAfter.After(now) {
				continue
			}
			if _, err := s.exec(ctx, `UPDATE objects SET ends = $2 WHERE key = $1`, key, micros(now)); err != nil {
				return err
			}
		}
		return nil
	})
}

// Because notes on whose word everything of a holder ends that ends now and has
// no such note yet.
func (s *Store) Because(ctx context.Context, holder, authority string) error {
	_, err := s.exec(ctx, `UPDATE objects SET authority = $2 WHERE holder = $1 AND state = 'kept' AND ends <= $3 AND authority = ''`, holder, authority, micros(s.clock.Now()))
	return err
}

// inMicros is an object as a row holds it: the database has no finer time.
func inMicros(o evidence.Object) evidence.Object {
	for _, t := range []*time.Time{&o.DeleteAfter, &o.Stored, &o.Locked} {
		if !t.IsZero() {
			*t = time.UnixMicro(t.UnixMicro()).UTC()
		}
	}
	return o
}

// putObject writes the row of a blob. A key that is being deleted, or was
// deleted after this blob was written, has no blob that could be referred to.
func (s *Store) putObject(ctx context.Context, holder string, o evidence.Object) error {
	if err := o.Check(); err != nil {
		return err
	}
	var state string
	var gone time.Time
	err := s.row(ctx, `SELECT state, gone FROM objects WHERE key = $1`, o.Key).Scan(&state, when(&gone))
	switch {
	case errors.Is(err, api.ErrNotFound):
	case err != nil:
		return err
	case state == objectLeaving, state == objectGone && !o.Stored.After(gone):
		return fmt.Errorf("deleted after it was stored: %w", evidence.ErrConflict)
	}
	return s.execOne(ctx, `INSERT INTO objects (key, holder, class, reason, ends, subject, deposit, region, content_type, data_key, sha256, crc32, size, stored, locked, salt, state)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, 'kept')
		ON CONFLICT (key) DO UPDATE SET holder = excluded.holder, class = excluded.class, reason = excluded.reason, ends = excluded.ends,
			subject = excluded.subject, deposit = excluded.deposit, region = excluded.region, content_type = excluded.content_type,
			data_key = excluded.data_key, sha256 = excluded.sha256, crc32 = excluded.crc32, size = excluded.size, stored = excluded.stored, salt = excluded.salt,
			state = excluded.state, gone = NULL, receipt = NULL, authority = '', checked = 0, damage = '', begun = 0,
			locked = CASE WHEN excluded.locked IS NULL OR objects.locked > excluded.locked THEN objects.locked ELSE excluded.locked END`,
		o.Key, holder, string(o.Class), o.Reason, micros(o.DeleteAfter), o.Subject, o.Deposit, o.Region, o.ContentType,
		o.DataKey, o.SHA256[:], int64(o.CRC32), o.Size, micros(o.Stored), micros(o.Locked), o.Salt[:])
}

const objectColumns = `SELECT key, class, reason, ends, subject, deposit, region, content_type, data_key, sha256, crc32, size, stored, locked, salt, state FROM objects`

type objectRow struct {
	evidence.Object
	state string
}

// is reports whether the row is that of an object. The row's lock may last longer:
// a hold extends it, and what refers to the object does not know.
func (r objectRow) is(o evidence.Object) bool {
	if o = inMicros(o); o.Locked.Before(r.Locked) {
		o.Locked = r.Locked
	}
	return r.Object == o
}

func scanObject(r scanner) (o objectRow, err error) {
	var class string
	var sum, salt []byte
	var crc int64
	err = r.Scan(&o.Key, &class, &o.Reason, when(&o.DeleteAfter), &o.Subject, &o.Deposit, &o.Region, &o.ContentType, &o.DataKey, &sum, &crc,
		&o.Size, when(&o.Stored), when(&o.Locked), &salt, &o.state)
	o.Class, o.CRC32 = evidence.Class(class), uint32(crc)
	copy(o.SHA256[:], sum)
	copy(o.Salt[:], salt)
	return o, err
}

func (s *Store) referred(ctx context.Context, holder string) (map[string]objectRow, error) {
	rows, err := list(ctx, s, scanObject, objectColumns+` WHERE holder = $1`, holder)
	if err != nil {
		return nil, err
	}
	all := make(map[string]objectRow, len(rows))
	for _, row := range rows {
		all[row.Key] = row
	}
	return all, nil
}

// Objects lists the objects whose blobs must be there, in the order of their
// keys, at most n that come after a key.
func (s *Store) Objects(ctx context.Context, after string, n int) ([]evidence.Object, error) {
	return list(ctx, s, func(r scanner) (evidence.Object, error) {
		row, err := scanObject(r)
		return row.Object, err
	}, objectColumns+` WHERE state = 'kept' AND key > $1 ORDER BY key LIMIT $2`, after, n)
}

// Object returns the row of one kept blob, or evidence.ErrNotFound.
func (s *Store) Object(ctx context.Context, key string) (evidence.Object, error) {
	row, err := scanObject(s.row(ctx, objectColumns+` WHERE key = $1 AND state = 'kept'`, key))
	if errors.Is(err, api.ErrNotFound) {
		return evidence.Object{}, evidence.ErrNotFound
	}
	return row.Object, err
}

// KnownObjects tells which of the keys have a row whose blob is, or may still
// be, there.
func (s *Store) KnownObjects(ctx context.Context, keys []string) (map[string]bool, error) {
	known := make(map[string]bool, len(keys))
	const most = 500 // values in one statement
	for len(keys) > 0 {
		some := keys[:min(most, len(keys))]
		keys = keys[len(some):]
		places, args := placesFor(some)
		found, err := list(ctx, s, func(r scanner) (key string, err error) { return key, r.Scan(&key) },
			`SELECT key FROM objects WHERE state <> 'gone' AND holder <> '' AND receipt IS NULL AND key IN (`+places+`)`, args...)
		if err != nil {
			return nil, err
		}
		for _, key := range found {
			known[key] = true
		}
	}
	return known, nil
}

// placesFor makes placeholders and arguments of a list.
func placesFor(values []string) (places string, args []any) {
	var b strings.Builder
	for i, v := range values {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString("$" + strconv.Itoa(i+1))
		args = append(args, v)
	}
	return b.String(), args
}

// ClaimOrphans implements vault.Rows. A claim is a row that nothing holds and
// whose deletion has begun, so that Refer finds it; where a deleted object's
// tombstone stands already, that tells the same.
func (s *Store) ClaimOrphans(ctx context.Context, names []string) (orphans []string, err error) {
	known, err := s.KnownObjects(ctx, names) // by far the most, and without a lock
	if err != nil {
		return nil, err
	}
	err = s.Tx(ctx, func(ctx context.Context) error {
		orphans = nil
		for _, name := range names {
			if known[name] {
				continue
			}
			n, err := s.exec(ctx, `INSERT INTO objects (key, holder, class, reason, subject, deposit, region, content_type, data_key, sha256, crc32, size, stored, state)
				VALUES ($1, '', 'K7', 'an interrupted write left it', '', '', '', '', '', $2, 0, 0, 0, 'leaving')
				ON CONFLICT (key) DO UPDATE SET state = 'leaving' WHERE objects.state = 'gone' OR objects.holder = '' OR objects.receipt IS NOT NULL`, name, []byte{})
			if err != nil {
				return err
			}
			if n == 1 {
				orphans = append(orphans, name)
			}
		}
		return nil
	})
	return orphans, err
}

// Swept implements vault.Rows.
func (s *Store) Swept(ctx context.Context, names []string) error {
	return s.Tx(ctx, func(ctx context.Context) error {
		for _, name := range names {
			if _, err := s.exec(ctx, `UPDATE objects SET state = 'gone', gone = $2 WHERE key = $1 AND state = 'leaving' AND (holder = '' OR receipt IS NOT NULL)`, name, micros(s.clock.Now())); err != nil {
				return err
			}
		}
		return nil
	})
}

// keepClaims is how long the row of a swept orphan stays: longer than any write
// that was under way then.
const keepClaims = 24 * time.Hour

// ForgetOrphans deletes the rows of orphans that were swept long ago.
func (s *Store) ForgetOrphans(ctx context.Context, now time.Time) error {
	_, err := s.exec(ctx, `DELETE FROM objects WHERE holder = '' AND state = 'gone' AND gone < $1`, micros(now.Add(-keepClaims)))
	return err
}

// Cared returns when something was last done to the objects, zero before the
// first time.
func (s *Store) Cared(ctx context.Context, what string) (at time.Time, err error) {
	err = s.row(ctx, `SELECT at FROM care WHERE name = $1`, what).Scan(when(&at))
	if errors.Is(err, api.ErrNotFound) {
		return time.Time{}, nil
	}
	return at, err
}

// CaredSince lists what with a prefix was done since a time.
func (s *Store) CaredSince(ctx context.Context, prefix string, since time.Time) ([]string, error) {
	all, err := list(ctx, s, func(r scanner) (name string, err error) { return name, r.Scan(&name) }, `SELECT name FROM care WHERE at >= $1 ORDER BY name`, micros(since))
	return slices.DeleteFunc(all, func(name string) bool { return !strings.HasPrefix(name, prefix) }), err
}

// Care notes when something was done to the objects.
func (s *Store) Care(ctx context.Context, what string, at time.Time) error {
	return s.execOne(ctx, `INSERT INTO care (name, at) VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET at = excluded.at`, what, micros(at))
}

// Claim reports whether nobody has done something since a time, and notes that
// it is being done now: of several instances one is told so.
func (s *Store) Claim(ctx context.Context, what string, now, since time.Time) (bool, error) {
	n, err := s.exec(ctx, `INSERT INTO care (name, at) VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET at = excluded.at WHERE care.at < $3 OR care.at > $2`,
		what, micros(now), micros(since))
	return n == 1, err
}

// Unclaim lets whoever asks next do it.
func (s *Store) Unclaim(ctx context.Context, what string) error {
	_, err := s.exec(ctx, `DELETE FROM care WHERE name = $1`, what)
	return err
}
