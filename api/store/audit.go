package store

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"inkwitness/api"
	"inkwitness/evidence"
)

// ErrAuditBroken says that a line of the audit record is missing or was changed.
var ErrAuditBroken = errors.New("store: the audit record was changed")

// auditDomain separates these hashes from every other use of SHA-256.
const auditDomain = "inkwitness audit v1\n"

// AppendAudit adds a line to its chain in the caller's transaction. Seq and Hash
// are set by the store, and the time and chain where the caller left them empty.
func (a *Accounts) AppendAudit(ctx context.Context, e api.Event) error {
	if e.At.IsZero() {
		e.At = a.clock.Now()
	}
	e.At = e.At.UTC().Truncate(time.Microsecond)
	if e.Chain == "" {
		e.Chain = "organisation:" + e.Organisation
	}
	return a.Tx(ctx, func(ctx context.Context) error {
		previous, err := a.head(ctx, e.Chain)
		if err != nil {
			return err
		}
		e.Seq = previous.Seq + 1
		sealed, err := a.sealDetail(ctx, e)
		if err != nil {
			return err
		}
		e.Hash = auditHash(previous.Hash, e, sealed)
		// The head comes first: on PostgreSQL two writers then meet at its row, and
		// the one that lost runs again.
		if _, err := a.exec(ctx, `INSERT INTO audit_heads (chain, seq, hash) VALUES ($1, $2, $3)
			ON CONFLICT (chain) DO UPDATE SET seq = excluded.seq, hash = excluded.hash`, e.Chain, e.Seq, e.Hash[:]); err != nil {
			return err
		}
		return a.execOne(ctx, `INSERT INTO audit (chain, seq, at, kind, organisation, account, object, sealed, previous, hash)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)`, e.Chain, e.Seq, micros(e.At), e.Kind, e.Organisation, e.Account, e.Object,
			sealed, previous.Hash[:], e.Hash[:])
	})
}

// sealDetail seals what may name a person: under the account's key when an
// account did it, so that its erasure takes the names with it.
func (a *Accounts) sealDetail(ctx context.Context, e api.Event) ([]byte, error) {
	if len(e.Detail) == 0 {
		return nil, nil
	}
	key := "audit:" + e.Chain
	if e.Account != "" {
		key = personKey(e.Account)
	}
	return a.sealer.seal(ctx, key, "audit", fmt.Sprintf("%s/%d", e.Chain, e.Seq), e.Detail)
}

func (a *Store) head(ctx context.Context, chain string) (e api.Event, err error) {
	var hash []byte
	err = a.row(ctx, `SELECT seq, hash FROM audit_heads WHERE chain = $1`, chain).Scan(&e.Seq, &hash)
	if errors.Is(err, api.ErrNotFound) {
		return api.Event{}, nil
	}
	copy(e.Hash[:], hash)
	return e, err
}

// auditHash is SHA-256 over the domain, the previous hash and every field with
// its length before it, sealed detail included: erasing a key leaves it valid.
func auditHash(previous [32]byte, e api.Event, sealed []byte) [32]byte {
	h := sha256.New()
	h.Write([]byte(auditDomain))
	h.Write(previous[:])
	var n [8]byte
	for _, v := range []int64{e.Seq, e.At.UnixMicro()} {
		binary.BigEndian.PutUint64(n[:], uint64(v))
		h.Write(n[:])
	}
	for _, field := range [][]byte{[]byte(e.Chain), []byte(e.Kind), []byte(e.Organisation), []byte(e.Account), []byte(e.Object), sealed} {
		binary.BigEndian.PutUint64(n[:], uint64(len(field)))
		h.Write(n[:])
		h.Write(field)
	}
	return [32]byte(h.Sum(nil))
}

const auditColumns = `SELECT chain, seq, at, kind, organisation, account, object, sealed, previous, hash FROM audit`

type auditRow struct {
	api.Event
	sealed   []byte
	previous [32]byte
}

func scanAudit(r scanner) (row auditRow, err error) {
	var previous, hash []byte
	err = r.Scan(&row.Chain, &row.Seq, when(&row.At), &row.Kind, &row.Organisation, &row.Account, &row.Object, &row.sealed, &previous, &hash)
	copy(row.previous[:], previous)
	copy(row.Hash[:], hash)
	return row, err
}

// Audit lists the events of an organisation, the newest first, that are older
// than before. Details whose key was destroyed are left out.
func (a *Accounts) Audit(ctx context.Context, organisation string, before time.Time, limit int) ([]api.Event, error) {
	rows, err := list(ctx, a.Store, scanAudit, auditColumns+` WHERE organisation = $1 AND at < $2 ORDER BY at DESC, seq DESC LIMIT $3`,
		organisation, micros(before), limit)
	if err != nil {
		return nil, err
	}
	return a.openAudit(ctx, rows)
}

// AuditOf lists what one account did, the newest first.
func (a *Accounts) AuditOf(ctx context.Context, account string, limit int) ([]api.Event, error) {
	rows, err := list(ctx, a.Store, scanAudit, auditColumns+` WHERE account = $1 ORDER BY at DESC, seq DESC LIMIT $2`, account, limit)
	if err != nil {
		return nil, err
	}
	return a.openAudit(ctx, rows)
}

// AuditChains names the chains that an organisation's lines stand in; with none
// named, every chain that has lines or a head.
func (a *Accounts) AuditChains(ctx context.Context, organisation string) ([]string, error) {
	scan := func(r scanner) (chain string, err error) { return chain, r.Scan(&chain) }
	if organisation == "" {
		return list(ctx, a.Store, scan, `SELECT chain FROM audit UNION SELECT chain FROM audit_heads ORDER BY 1`)
	}
	return list(ctx, a.Store, scan, `SELECT DISTINCT chain FROM audit WHERE organisation = $1 ORDER BY chain`, organisation)
}

// AuditChain lists a whole chain in order and checks it; ErrAuditBroken names the
// first line that does not hold.
func (a *Accounts) AuditChain(ctx context.Context, chain string) (events []api.Event, err error) {
	err = a.Tx(ctx, func(ctx context.Context) error {
		rows, err := list(ctx, a.Store, scanAudit, auditColumns+` WHERE chain = $1 ORDER BY seq`, chain)
		if err != nil {
			return err
		}
		head, err := a.head(ctx, chain)
		if err != nil {
			return err
		}
		if err := checkChain(rows, head); err != nil {
			return err
		}
		events, err = a.openAudit(ctx, rows)
		return err
	})
	return events, err
}

func checkChain(rows []auditRow, head api.Event) error {
	var previous [32]byte
	for i, r := range rows {
		if r.Seq != int64(i+1) || r.previous != previous || r.Hash != auditHash(previous, r.Event, r.sealed) {
			return fmt.Errorf("line %d of %s: %w", i+1, r.Chain, ErrAuditBroken)
		}
		previous = r.Hash
	}
	if head.Seq != int64(len(rows)) || head.Hash != previous {
		return fmt.Errorf("%d lines, the head says %d: %w", len(rows), head.Seq, ErrAuditBroken)
	}
	return nil
}

func (a *Accounts) openAudit(ctx context.Context, rows []auditRow) ([]api.Event, error) {
	events := make([]api.Event, 0, len(rows))
	for _, r := range rows {
		if r.sealed != nil {
			err := a.sealer.open(ctx, "audit", fmt.Sprintf("%s/%d", r.Chain, r.Seq), r.sealed, &r.Detail)
			if err != nil && !errors.Is(err, evidence.ErrErased) {
				return nil, err
			}
		}
		events = append(events, r.Event)
	}
	return events, nil
}
