package store

import (
	"context"
	"errors"
	"fmt"
	"time"

	"inkwitness/api"
	"inkwitness/evidence"
	"inkwitness/evidence/retain"
)

// held is the condition under which a hold of the deposit $D protects at $T; its
// two arguments are the column of the deposit and the number of the time's
// placeholder, once as it is and once a provisional period earlier.
const held = `EXISTS (SELECT 1 FROM holds h WHERE h.deposit = %s AND h.lifted IS NULL AND (h.agreed IS NOT NULL OR h.placed > %s))`

// Protected reports whether a hold of the deposit forbids deletion now.
func (s *Store) Protected(ctx context.Context, deposit string) (yes bool, err error) {
	err = s.row(ctx, `SELECT `+fmt.Sprintf(held, "$1", "$2"), deposit, micros(s.clock.Now().Add(-retain.Provisional))).Scan(&yes)
	return yes, err
}

// Due implements retain.Store.
func (s *Store) Due(ctx context.Context, now time.Time, n int) ([]evidence.Object, error) {
	scan := func(r scanner) (evidence.Object, error) {
		row, err := scanObject(r)
		return row.Object, err
	}
	due, err := list(ctx, s, scan, objectColumns+` WHERE state = 'kept' AND ends <= $1 AND NOT `+fmt.Sprintf(held, "objects.deposit", "$2")+
		` ORDER BY ends, key LIMIT $3`, micros(now), micros(now.Add(-retain.Provisional)), n)
	if err != nil || len(due) == n {
		return due, err
	}
	begun, err := list(ctx, s, scan, objectColumns+` WHERE state = 'leaving' AND holder <> '' AND receipt IS NULL ORDER BY begun, ends, key LIMIT $1`, n-len(due))
	return append(due, begun...), err
}

// Begin implements retain.Store. A key is destroyed with its last object, but
// never while more may yet be stored under it: the document of which it is must
// have come to its end.
func (s *Store) Begin(ctx context.Context, key string, now time.Time) (begun retain.Begun, err error) {
	err = s.Tx(ctx, func(ctx context.Context) error {
		row, err := scanObject(s.row(ctx, objectColumns+` WHERE key = $1`, key))
		if err != nil {
			return err
		}
		if row.state == objectKept {
			n, err := s.exec(ctx, `UPDATE objects SET state = 'leaving' WHERE key = $1 AND ends <= $2 AND NOT `+fmt.Sprintf(held, "objects.deposit", "$3"),
				key, micros(now), micros(now.Add(-retain.Provisional)))
			if err != nil {
				return err
			}
			if n == 0 {
				return evidence.ErrHeld
			}
		}
		if _, err := s.exec(ctx, `UPDATE objects SET begun = begun + 1 WHERE key = $1`, key); err != nil {
			return err
		}
		if err := s.row(ctx, `SELECT authority FROM objects WHERE key = $1`, key).Scan(&begun.Authority); err != nil || row.DataKey == "" {
			return err
		}
		var others int
		err = s.row(ctx, `SELECT (SELECT count(*) FROM objects WHERE data_key = $1 AND state = 'kept') +
			(SELECT count(*) FROM objects o JOIN documents d ON o.holder = 'document:' || d.id
				WHERE o.key = $2 AND (d.busy OR d.state NOT IN ('completed', 'declined', 'cancelled'))) +
			(SELECT count(*) FROM objects o JOIN subjects s ON o.holder = 'subject:' || s.id WHERE o.key = $2) +
			(SELECT count(*) FROM objects o JOIN cases c ON o.holder = 'case:' || c.id WHERE o.key = $2)`, row.DataKey, key).Scan(&others)
		begun.Last = others == 0
		return err
	})
	return begun, err
}

// Finish implements retain.Store.
func (s *Store) Finish(ctx context.Context, key string, receipt []byte) error {
	err := s.execOne(ctx, `UPDATE objects SET state = 'gone', gone = $2, receipt = $3 WHERE key = $1 AND state = 'leaving'`, key, micros(s.clock.Now()), receipt)
	if errors.Is(err, api.ErrNotFound) {
		return nil // another instance was quicker
	}
	return err
}

const purgeClock = "purge"

// LastClock implements retain.Store.
func (s *Store) LastClock(ctx context.Context) (time.Time, error) { return s.Cared(ctx, purgeClock) }

// SaveClock implements retain.Store.
func (s *Store) SaveClock(ctx context.Context, t time.Time) error { return s.Care(ctx, purgeClock, t) }

// End lets everything that a holder refers to under one key end now, as a right
// to erasure asks; what is held stays until the hold is lifted.
func (s *Store) End(ctx context.Context, subject, deposit string) error {
	_, err := s.exec(ctx, `UPDATE objects SET ends = $3 WHERE subject = $1 AND deposit = $2 AND state = 'kept' AND ends > $3`, subject, deposit, micros(s.clock.Now()))
	return err
}

// ObjectsOf lists all that was ever stored for a deposit, deleted objects with
// their receipts too.
func (s *Store) ObjectsOf(ctx context.Context, deposit string) ([]retain.Kept, error) {
	return list(ctx, s, func(r scanner) (k retain.Kept, err error) {
		var class string
		var checked int64
		err = r.Scan(&k.Key, &class, &k.Reason, when(&k.DeleteAfter), &k.Subject, &k.Region, &k.ContentType, &k.Size, when(&k.Stored),
			&k.State, when(&k.Gone), &checked, &k.Damage, &k.Receipt)
		k.Class, k.Deposit = evidence.Class(class), deposit
		if checked != 0 {
			k.Checked = time.UnixMicro(checked).UTC()
		}
		return k, err
	}, `SELECT key, class, reason, ends, subject, region, content_type, size, stored, state, gone, checked, damage, receipt
		FROM objects WHERE deposit = $1 ORDER BY key`, deposit)
}

// Receipts lists deletion receipts, the newest last, of one deposit or, where
// that is empty, of all.
func (s *Store) Receipts(ctx context.Context, deposit string, visit func(key string, receipt []byte) error) error {
	for r, err := range s.each(ctx, `SELECT key, receipt FROM objects WHERE receipt IS NOT NULL AND (deposit = $1 OR $1 = '') ORDER BY gone, key`, deposit) {
		if err != nil {
			return err
		}
		var key string
		var receipt []byte
		if err := r.Scan(&key, &receipt); err != nil {
			return err
		}
		if err := visit(key, receipt); err != nil {
			return err
		}
	}
	return nil
}

// Unclassed counts rows without a class, a reason or an end: there must be none.
func (s *Store) Unclassed(ctx context.Context) (n int, err error) {
	err = s.row(ctx, `SELECT count(*) FROM objects WHERE class NOT IN ('K1', 'K2', 'K3', 'K4', 'K5', 'K6', 'K7') OR reason = '' OR ends IS NULL AND class <> 'K7'`).Scan(&n)
	return n, err
}

// Unchecked lists at most n objects that were not read since a time, those first
// that were not read for the longest.
func (s *Store) Unchecked(ctx context.Context, since time.Time, n int) ([]evidence.Object, error) {
	return s.unread(ctx, ``, since, n)
}

// Damaged lists those of them with which something was wrong when they were read.
func (s *Store) Damaged(ctx context.Context, since time.Time, n int) ([]evidence.Object, error) {
	return s.unread(ctx, ` AND damage <> ''`, since, n)
}

func (s *Store) unread(ctx context.Context, which string, since time.Time, n int) ([]evidence.Object, error) {
	return list(ctx, s, func(r scanner) (evidence.Object, error) {
		row, err := scanObject(r)
		return row.Object, err
	}, objectColumns+` WHERE state = 'kept'`+which+` AND checked < $1 ORDER BY checked, key LIMIT $2`, micros(since), n)
}

// CountDamaged counts the objects with which something was wrong when they were
// last read.
func (s *Store) CountDamaged(ctx context.Context) (n int, err error) {
	err = s.row(ctx, `SELECT count(*) FROM objects WHERE state = 'kept' AND damage <> ''`).Scan(&n)
	return n, err
}

// Checked notes that every byte of an object was read, and what was wrong.
func (s *Store) Checked(ctx context.Context, key string, at time.Time, damage string) error {
	_, err := s.exec(ctx, `UPDATE objects SET checked = $2, damage = $3 WHERE key = $1`, key, micros(at), damage)
	return err
}

// TotalSize is how many plain bytes all kept objects have.
func (s *Store) TotalSize(ctx context.Context) (n int64, err error) {
	err = s.row(ctx, `SELECT CAST(COALESCE(SUM(size), 0) AS BIGINT) FROM objects WHERE state = 'kept'`).Scan(&n)
	return n, err
}

// CheckAudit checks every chain of the audit record, without opening what is
// sealed in it, and names those that do not hold.
func (s *Store) CheckAudit(ctx context.Context) (chains int, broken []string, err error) {
	all, err := list(ctx, s, func(r scanner) (chain string, err error) { return chain, r.Scan(&chain) },
		`SELECT chain FROM audit_heads UNION SELECT chain FROM audit ORDER BY 1`)
	if err != nil {
		return 0, nil, err
	}
	for _, chain := range all {
		err := s.Tx(ctx, func(ctx context.Context) error {
			rows, err := list(ctx, s, scanAudit, auditColumns+` WHERE chain = $1 ORDER BY seq`, chain)
			if err != nil {
				return err
			}
			head, err := s.head(ctx, chain)
			if err != nil {
				return err
			}
			return checkChain(rows, head)
		})
		switch {
		case errors.Is(err, ErrAuditBroken):
			broken = append(broken, fmt.Sprintf("%s: %v", chain, err))
		case err != nil:
			return 0, nil, err
		}
	}
	return len(all), broken, nil
}

// EmptyJournal makes SQLite bring its write-ahead log into the file and cut it
// to nothing: what was deleted or overwritten since stands in the log until then,
// readable for whoever has the root key. PostgreSQL recycles its own log. A
// reader that stands in the way is api.ErrUnavailable: try again.
func (s *Store) EmptyJournal(ctx context.Context) error {
	if s.dialect.name != "sqlite" {
		return nil
	}
	var busy, pages, moved int
	err := s.aloneInTurn(ctx, func() error {
		return s.write.QueryRowContext(ctx, `PRAGMA wal_checkpoint(TRUNCATE)`).Scan(&busy, &pages, &moved)
	})
	if err != nil {
		return s.translate(err)
	}
	if busy != 0 {
		return fmt.Errorf("%w: %d of %d pages of the write-ahead log are still being read", api.ErrUnavailable, pages-moved, pages)
	}
	return nil
}

// Compact writes every table anew, so that no page of the database holds what was
// deleted or overwritten. Each table is locked meanwhile. PostgreSQL keeps such
// bytes in dead rows and in its write-ahead log. A segment of that log is left
// behind by a switch and two checkpoints, which the role may order if it has
// pg_checkpoint and may execute pg_switch_wal(). Otherwise it ends by itself later,
// and the order that was refused is returned.
func (s *Store) Compact(ctx context.Context) (refused string, err error) {
	if s.dialect.name == "sqlite" {
		err := s.aloneInTurn(ctx, func() error {
			_, err := s.write.ExecContext(ctx, `VACUUM`)
			return err
		})
		if err != nil {
			return "", s.translate(err)
		}
		return "", s.EmptyJournal(ctx)
	}
	if _, err := s.write.ExecContext(ctx, `VACUUM (FULL)`); err != nil {
		return "", s.translate(err)
	}
	for _, order := range []string{`SELECT pg_switch_wal()`, `CHECKPOINT`, `CHECKPOINT`} {
		_, err := s.write.ExecContext(ctx, order)
		if postgresCode(err) == "42501" { // insufficient_privilege
			return order, nil
		}
		if err != nil {
			return "", s.translate(err)
		}
	}
	return "", nil
}
