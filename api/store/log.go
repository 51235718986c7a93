package store

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"inkwitness/api"
	"inkwitness/evidence"
	"inkwitness/evidence/ledger"
)

// AddLogEntry puts a commitment into the log's outbox, in the transaction of
// ctx. One that is there already stays as it is.
func (s *Store) AddLogEntry(ctx context.Context, c evidence.Commitment) error {
	_, err := s.exec(ctx, `INSERT INTO log_entries (commitment) VALUES ($1) ON CONFLICT DO NOTHING`, c[:])
	return err
}

// Pending implements ledger.Outbox.
func (s *Store) Pending(ctx context.Context, n int) ([]evidence.LogEntry, error) {
	return list(ctx, s, func(r scanner) (e evidence.LogEntry, err error) {
		var commitment []byte
		if err := r.Scan(&e.ID, &commitment); err != nil {
			return e, err
		}
		if len(commitment) != len(e.Commitment) {
			return e, fmt.Errorf("log entry %d: %w", e.ID, evidence.ErrCorrupt)
		}
		e.Commitment = evidence.Commitment(commitment)
		return e, nil
	}, `SELECT id, commitment FROM log_entries WHERE place IS NULL ORDER BY id LIMIT $1`, n)
}

// Integrate implements ledger.Outbox.
func (s *Store) Integrate(ctx context.Context, b ledger.Batch) error {
	size := b.From + int64(len(b.Entries))
	return s.Tx(ctx, func(ctx context.Context) error {
		// The head first: of two sequencers the second finds another size.
		if b.From == 0 {
			if _, err := s.exec(ctx, `INSERT INTO log_head (one, size, note, published_size) VALUES (1, 0, $1, 0) ON CONFLICT DO NOTHING`, []byte{}); err != nil {
				return err
			}
		}
		err := s.execOne(ctx, `UPDATE log_head SET size = $2, note = $3 WHERE one = 1 AND size = $1`, b.From, size, b.Note)
		if errors.Is(err, api.ErrNotFound) {
			return evidence.ErrConflict
		}
		if err != nil {
			return err
		}
		if err := s.place(ctx, b); err != nil {
			return err
		}
		for _, t := range b.Tiles {
			if _, err := s.exec(ctx, `INSERT INTO log_tiles (level, n, data) VALUES ($1, $2, $3)
				ON CONFLICT (level, n) DO UPDATE SET data = excluded.data`, t.Level, t.N, t.Data); err != nil {
				return err
			}
		}
		return nil
	})
}

// place gives a batch's entries their places, one statement for each run of IDs
// that follow each other. The batch names every ID of a run, so no other row lies
// in it.
func (s *Store) place(ctx context.Context, b ledger.Batch) error {
	for first := 0; first < len(b.Entries); {
		last := first
		for last+1 < len(b.Entries) && b.Entries[last+1].ID == b.Entries[last].ID+1 {
			last++
		}
		from, to := b.Entries[first].ID, b.Entries[last].ID
		n, err := s.exec(ctx, `UPDATE log_entries SET place = id + $1 WHERE id BETWEEN $2 AND $3 AND place IS NULL`, b.From+int64(first)-from, from, to)
		if err != nil {
			return err
		}
		if n != to-from+1 {
			return evidence.ErrConflict
		}
		first = last + 1
	}
	return nil
}

// Position implements ledger.Outbox.
func (s *Store) Position(ctx context.Context, c evidence.Commitment) (int64, error) {
	var place *int64
	err := s.row(ctx, `SELECT place FROM log_entries WHERE commitment = $1`, c[:]).Scan(&place)
	switch {
	case errors.Is(err, api.ErrNotFound):
		return 0, evidence.ErrNotFound
	case err != nil:
		return 0, err
	case place == nil:
		return 0, evidence.ErrPending
	}
	return *place, nil
}

// Head implements ledger.Tiles.
func (s *Store) Head(ctx context.Context) (ledger.Head, error) {
	var h ledger.Head
	err := s.row(ctx, `SELECT size, note, published, published_size FROM log_head WHERE one = 1 AND size > 0`).
		Scan(&h.Size, &h.Note, &h.Published, &h.PublishedSize)
	if errors.Is(err, api.ErrNotFound) {
		return ledger.Head{}, nil
	}
	return h, err
}

// tilesAtOnce bounds one statement: a proof needs about one tile for each level,
// a turn of the sequencer a few more.
const tilesAtOnce = 64

// Tiles implements ledger.Tiles.
func (s *Store) Tiles(ctx context.Context, ids []ledger.TileID) ([][]byte, error) {
	found := make(map[ledger.TileID][]byte, len(ids))
	for some := range slices.Chunk(ids, tilesAtOnce) {
		if err := s.tiles(ctx, some, found); err != nil {
			return nil, err
		}
	}
	tiles := make([][]byte, len(ids))
	for i, id := range ids {
		data, ok := found[id]
		if !ok {
			return nil, fmt.Errorf("tile %d of level %d: %w", id.N, id.Level, evidence.ErrNotFound)
		}
		tiles[i] = data
	}
	return tiles, nil
}

// tiles reads some tiles in one statement.
func (s *Store) tiles(ctx context.Context, ids []ledger.TileID, into map[ledger.TileID][]byte) error {
	var where []string
	var args []any
	for _, id := range ids {
		where = append(where, fmt.Sprintf("level = $%d AND n = $%d", len(args)+1, len(args)+2))
		args = append(args, id.Level, id.N)
	}
	all, err := list(ctx, s, func(r scanner) (t ledger.Tile, err error) {
		return t, r.Scan(&t.Level, &t.N, &t.Data)
	}, "SELECT level, n, data FROM log_tiles WHERE "+strings.Join(where, " OR "), args...)
	for _, t := range all {
		into[t.TileID] = t.Data
	}
	return err
}

// Publish implements ledger.Tiles.
func (s *Store) Publish(ctx context.Context, size int64, checkpoint []byte) error {
	_, err := s.exec(ctx, `UPDATE log_head SET published = $2, published_size = $1 WHERE one = 1 AND published_size <= $1`, size, checkpoint)
	return err
}

// NextSerial implements tsa.Serials. A serial number is its time in milliseconds
// since 1970, or one more than the number before where that is not higher.
func (s *Store) NextSerial(ctx context.Context, now time.Time) (serial int64, at time.Time, err error) {
	err = s.statement(ctx, func(ctx context.Context) error {
		return s.row(ctx, `INSERT INTO serials (name, last) VALUES ('timestamp', $1)
			ON CONFLICT (name) DO UPDATE SET last = CASE WHEN serials.last < $1 THEN $1 ELSE serials.last + 1 END RETURNING last`, now.UnixMilli()).Scan(&serial)
	})
	return serial, time.UnixMilli(serial).UTC(), err
}
