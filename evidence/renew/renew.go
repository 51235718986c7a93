// Package renew gives every deposit an evidence record (RFC 4998) soon after it
// was made, and renews records before a certificate ends or an algorithm weakens.
//
// One timestamp covers the hash tree over all the deposits of a run. The
// container itself is never written again: it may lie in write-once storage.
// Its record is kept beside it, and holds nothing but hashes and tokens.
//
// What is due is decided by the table of algorithms and by the certificates
// (package retain). A run can be interrupted anywhere and done again: a record
// counts once its Store has it, and a token that nobody kept does no harm.
package renew

import (
	"context"
	"crypto"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"time"

	"inkwitness/capture"
	"inkwitness/evidence"
	"inkwitness/evidence/cms"
	"inkwitness/evidence/deposit"
	"inkwitness/evidence/retain"
)

// Support is what the newest token of a record rests on. Many records share one.
type Support struct {
	Hash        crypto.Hash // of the newest chain
	Signature   string      // of the newest token, as the table of algorithms names it
	Certificate time.Time   // its authority's certificate ends
}

func (s Support) proof() retain.Proof {
	return retain.Proof{Hash: s.Hash, Signature: s.Signature, Certificate: s.Certificate}
}

// Content is a stored deposit, open for reading.
type Content interface {
	io.ReaderAt
	io.Closer
	Size() int64
}

// Store keeps deposits and their records. Implementations are durable on return.
type Store interface {
	// Unrecorded lists at most n deposits without a record that come after one, by ID.
	Unrecorded(ctx context.Context, after string, n int) ([]string, error)
	// Supports lists what the records rest on, each once.
	Supports(ctx context.Context) ([]Support, error)
	// Resting lists at most n deposits whose record rests on it, after one, by ID.
	Resting(ctx context.Context, on Support, after string, n int) ([]string, error)
	// Deposit opens a container, and returns its record, nil where there is none.
	// evidence.ErrErased and evidence.ErrNotFound mean that it is gone.
	Deposit(ctx context.Context, id string) (Content, []byte, error)
	// SaveRecord stores the record of a deposit in place of the one before.
	SaveRecord(ctx context.Context, id string, record []byte, rests Support) error
}

// Config is what a Renewer needs. Store, Timestamper and Clock are required.
type Config struct {
	Store       Store
	Timestamper evidence.Timestamper
	Clock       capture.Clock
	Table       []cms.Algorithm // cms.Algorithms() when nil
	Lead        time.Duration   // how long before an end a record is renewed; half a year when 0
	Batch       int             // deposits under one timestamp; 500 when 0
	Log         *slog.Logger
}

// Renewer makes and renews evidence records. One runs at a time; two do no harm.
type Renewer struct{ cfg Config }

// New returns a Renewer.
func New(cfg Config) (*Renewer, error) {
	if cfg.Store == nil || cfg.Timestamper == nil || cfg.Clock == nil {
		return nil, errors.New("renew: Store, Timestamper and Clock are required")
	}
	if cfg.Table == nil {
		cfg.Table = cms.Algorithms()
	}
	if cfg.Lead <= 0 {
		cfg.Lead = 182 * 24 * time.Hour
	}
	if cfg.Batch <= 0 {
		cfg.Batch = 500
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	return &Renewer{cfg}, nil
}

// ErrNoBetter says that nothing at hand lasts longer than what has to be renewed:
// a timestamp authority with a stronger key, or a stronger hash, is needed.
var ErrNoBetter = errors.New("renew: the new proof would end no later than the old one")

// Due is a set of records that need the same.
type Due struct {
	Need     retain.Renewal
	Rests    Support
	By       time.Time // when the first of its supports ends
	Deposits int
}

// Plan says what a run would do now: how many deposits get their first record,
// and which records need renewal.
func (r *Renewer) Plan(ctx context.Context) (first int, due []Due, err error) {
	if first, err = r.count(ctx, r.cfg.Store.Unrecorded); err != nil {
		return 0, nil, fmt.Errorf("list deposits without a record: %w", err)
	}
	supports, err := r.cfg.Store.Supports(ctx)
	if err != nil {
		return 0, nil, fmt.Errorf("list what records rest on: %w", err)
	}
	now := r.cfg.Clock.Now()
	for _, s := range supports {
		need, by, unknown := retain.Need(s.proof(), r.cfg.Table, now, r.cfg.Lead)
		if unknown != nil {
			r.cfg.Log.WarnContext(ctx, "evidence records rest on an algorithm that the table does not know", "err", unknown)
		}
		if need == retain.NotYet {
			continue
		}
		n, err := r.count(ctx, r.resting(s))
		if err != nil {
			return 0, nil, fmt.Errorf("list records to be renewed: %w", err)
		}
		due = append(due, Due{need, s, by, n})
	}
	return first, due, nil
}

type lister func(ctx context.Context, after string, n int) ([]string, error)

func (r *Renewer) resting(on Support) lister {
	return func(ctx context.Context, after string, n int) ([]string, error) {
		return r.cfg.Store.Resting(ctx, on, after, n)
	}
}

func (r *Renewer) count(ctx context.Context, list lister) (n int, err error) {
	for after := ""; ; {
		ids, err := list(ctx, after, r.cfg.Batch)
		n += len(ids)
		if err != nil || len(ids) < r.cfg.Batch {
			return n, err
		}
		after = ids[len(ids)-1]
	}
}

// Report is what a run did.
type Report struct{ First, Timestamps, Hashes int }

// Run makes the first records of new deposits and renews what is due. What
// cannot be done does not keep the rest from being done; the errors are joined.
func (r *Renewer) Run(ctx context.Context) (done Report, err error) {
	_, due, err := r.Plan(ctx)
	if err != nil {
		return done, err
	}
	h, all := r.hash()
	if all == nil {
		done.First, err = r.batches(ctx, r.cfg.Store.Unrecorded, job{hash: h, make: func(ctx context.Context, some []prepared) ([]*cms.EvidenceRecord, error) {
			return cms.NewRecords(ctx, h, groups(some), r.stamp)
		}})
		all = wrap("first evidence records", err)
	}
	for _, d := range due {
		n, err := 0, ErrNoBetter
		switch {
		case d.Need == retain.NewTimestamp:
			n, err = r.batches(ctx, r.resting(d.Rests), job{hash: d.Rests.Hash, before: d.By, make: r.timestamps})
			done.Timestamps += n
		case h != d.Rests.Hash && h != 0:
			n, err = r.batches(ctx, r.resting(d.Rests), job{hash: h, before: d.By, make: func(ctx context.Context, some []prepared) ([]*cms.EvidenceRecord, error) {
				return r.hashes(ctx, h, some)
			}})
			done.Hashes += n
		}
		all = errors.Join(all, wrap(fmt.Sprintf("renew %d records (%s) before %s", d.Deposits, d.Need, d.By.Format(time.DateOnly)), err))
	}
	return done, all
}

func wrap(what string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", what, err)
}

// hash is the first of the known hashes that lasts well beyond the lead, so that
// a new record is not due at once.
func (r *Renewer) hash() (crypto.Hash, error) {
	soon := r.cfg.Clock.Now().Add(r.cfg.Lead).AddDate(1, 0, 0)
	for _, h := range []crypto.Hash{crypto.SHA256, crypto.SHA384, crypto.SHA512} {
		for _, a := range r.cfg.Table {
			if a.Hash == h && a.Until.After(soon) {
				return h, nil
			}
		}
	}
	return 0, fmt.Errorf("no hash of the table lasts beyond %s: %w", soon.Format(time.DateOnly), ErrNoBetter)
}

// job is what is done to a batch.
type job struct {
	hash   crypto.Hash // by which the deposits are read
	before time.Time   // what is made must last longer
	make   func(context.Context, []prepared) ([]*cms.EvidenceRecord, error)
}

// prepared is a deposit that was read: all that its new record needs.
type prepared struct {
	id     string
	group  [][]byte
	record *cms.EvidenceRecord // nil before the first
}

func groups(some []prepared) [][][]byte {
	all := make([][][]byte, len(some))
	for i, p := range some {
		all[i] = p.group
	}
	return all
}

func recordsOf(some []prepared) []*cms.EvidenceRecord {
	all := make([]*cms.EvidenceRecord, len(some))
	for i, p := range some {
		all[i] = p.record
	}
	return all
}

// batches does a job for the listed deposits, some at a time. A deposit that is
// gone is passed over; one that is damaged is an error that does not stop the
// others.
func (r *Renewer) batches(ctx context.Context, list lister, j job) (n int, all error) {
	for after := ""; ; {
		ids, err := list(ctx, after, r.cfg.Batch)
		if err != nil || len(ids) == 0 {
			return n, errors.Join(all, err)
		}
		after = ids[len(ids)-1]
		var some []prepared
		for _, id := range ids {
			p, err := r.prepare(ctx, id, j.hash)
			switch {
			case ctx.Err() != nil:
				return n, ctx.Err()
			case errors.Is(err, evidence.ErrErased), errors.Is(err, evidence.ErrNotFound):
			case err != nil:
				all = errors.Join(all, fmt.Errorf("deposit %s: %w", id, err))
			default:
				some = append(some, p)
			}
		}
		saved, err := r.do(ctx, j, some)
		n += saved
		if err != nil {
			return n, errors.Join(all, err)
		}
	}
}

func (r *Renewer) do(ctx context.Context, j job, some []prepared) (saved int, err error) {
	if len(some) == 0 {
		return 0, nil
	}
	made, err := j.make(ctx, some)
	if err != nil {
		return 0, err
	}
	for i, record := range made {
		rests, err := restsOn(record)
		if err != nil {
			return saved, err
		}
		_, by, err := retain.Need(rests.proof(), r.cfg.Table, r.cfg.Clock.Now(), r.cfg.Lead)
		if err != nil {
			return saved, fmt.Errorf("new proof: %w", err)
		}
		if !by.After(j.before) {
			return saved, fmt.Errorf("it rests on %s until %s: %w", rests.Signature, by.Format(time.DateOnly), ErrNoBetter)
		}
		der, err := record.Marshal()
		if err != nil {
			return saved, fmt.Errorf("evidence record: %w", err)
		}
		if err := r.cfg.Store.SaveRecord(ctx, some[i].id, der, rests); err != nil {
			return saved, fmt.Errorf("store the record of %s: %w", some[i].id, err)
		}
		saved++
	}
	return saved, nil
}

// prepare reads a deposit and checks the record that it has: what does not hold
// is not built upon.
func (r *Renewer) prepare(ctx context.Context, id string, h crypto.Hash) (_ prepared, err error) {
	content, der, err := r.cfg.Store.Deposit(ctx, id)
	if err != nil {
		return prepared{}, err
	}
	defer func() { err = errors.Join(err, content.Close()) }()
	container, err := deposit.Open(content, content.Size())
	if err != nil {
		return prepared{}, err
	}
	read := map[crypto.Hash][][]byte{} // each hash costs reading the deposit once
	hashes := func(h crypto.Hash) ([][]byte, error) {
		if read[h] == nil {
			if read[h], err = container.Hashes(h); err != nil {
				return nil, err
			}
		}
		return read[h], nil
	}
	p := prepared{id: id}
	if der != nil {
		if p.record, err = cms.ParseRecord(der); err != nil {
			return p, err
		}
		// Whom to trust is the verifier's question; here it is whether the record is whole.
		if _, err = p.record.Verify(hashes, r.cfg.Clock.Now(), nil, func(*cms.Token, time.Time) error { return nil }); err != nil {
			return p, fmt.Errorf("its evidence record does not hold: %w", err)
		}
	}
	p.group, err = hashes(h)
	return p, err
}

// timestamps covers the newest tokens by a new one.
func (r *Renewer) timestamps(ctx context.Context, some []prepared) ([]*cms.EvidenceRecord, error) {
	records := recordsOf(some)
	return records, cms.RenewTimestamps(ctx, records, r.stamp)
}

// hashes starts chains by a stronger hash.
func (r *Renewer) hashes(ctx context.Context, h crypto.Hash, some []prepared) ([]*cms.EvidenceRecord, error) {
	records, data := recordsOf(some), make([]cms.Group, len(some))
	for i, p := range some {
		data[i] = func(crypto.Hash) ([][]byte, error) { return p.group, nil }
	}
	return records, cms.RenewHashes(ctx, h, records, data, r.stamp)
}

func (r *Renewer) stamp(ctx context.Context, h crypto.Hash, digest []byte) ([]byte, error) {
	return r.cfg.Timestamper.Timestamp(ctx, h, digest)
}
