package store

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"inkwitness/api"
	"inkwitness/api/store/pgtest"
)

type fixedClock struct{}

func (fixedClock) Now() time.Time { return time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC) }

// both runs a test on each database with a table counter(id, n) in it.
func both(t *testing.T, test func(t *testing.T, s *Store)) {
	for name, url := range map[string]func(t *testing.T) string{
		"sqlite":   func(t *testing.T) string { return "sqlite:" + filepath.Join(t.TempDir(), "ink.db") },
		"postgres": func(t *testing.T) string { return pgtest.URL(t) },
	} {
		t.Run(name, func(t *testing.T) {
			s, err := Open(t.Context(), url(t), Options{Clock: fixedClock{}})
			if err != nil {
				t.Fatal(err)
			}
			defer s.Close()
			for _, q := range []string{`CREATE TABLE counter (id TEXT PRIMARY KEY, n BIGINT NOT NULL CHECK (n >= 0), at BIGINT, ok BOOLEAN)`,
				`INSERT INTO counter (id, n) VALUES ('a', 0), ('b', 0)`} {
				if _, err := s.exec(t.Context(), q); err != nil {
					t.Fatal(err)
				}
			}
			test(t, s)
		})
	}
}

func count(t *testing.T, s *Store, id string) (n int) {
	t.Helper()
	if err := s.row(t.Context(), `SELECT n FROM counter WHERE id = $1`, id).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

// TestTxLosesNoUpdate reads, then writes what it read plus one, from many
// goroutines: only serialisable transactions with retry count them all.
func TestTxLosesNoUpdate(t *testing.T) {
	both(t, func(t *testing.T, s *Store) {
		const workers, each = 6, 5
		var wg sync.WaitGroup
		for range workers {
			wg.Go(func() {
				for range each {
					if err := s.Tx(t.Context(), s.increment); err != nil {
						t.Error(err)
					}
				}
			})
		}
		wg.Wait()
		if n := count(t, s, "a"); n != workers*each {
			t.Errorf("counted %d, want %d", n, workers*each)
		}
	})
}

func (s *Store) increment(ctx context.Context) error {
	var n int
	if err := s.row(ctx, `SELECT n FROM counter WHERE id = 'a'`).Scan(&n); err != nil {
		return err
	}
	_, err := s.exec(ctx, `UPDATE counter SET n = $1 WHERE id = 'a'`, n+1)
	return err
}

func TestTxJoinsAndRollsBackWhole(t *testing.T) {
	both(t, func(t *testing.T, s *Store) {
		stop := errors.New("stop")
		err := s.Tx(t.Context(), func(ctx context.Context) error {
			if err := s.Tx(ctx, s.increment); err != nil {
				return err
			}
			var n int
			if err := s.row(ctx, `SELECT n FROM counter WHERE id = 'a'`).Scan(&n); err != nil || n != 1 {
				return fmt.Errorf("inside: n = %d, %w", n, err)
			}
			if out := count(t, s, "a"); out != 0 {
				t.Errorf("seen from outside before commit: %d", out)
			}
			return stop
		})
		if !errors.Is(err, stop) {
			t.Fatal(err)
		}
		if n := count(t, s, "a"); n != 0 {
			t.Errorf("after rollback n = %d", n)
		}
	})
}

func TestErrorsHaveMeaning(t *testing.T) {
	both(t, func(t *testing.T, s *Store) {
		ctx := t.Context()
		var n int
		if err := s.row(ctx, `SELECT n FROM counter WHERE id = $1`, "none").Scan(&n); !errors.Is(err, api.ErrNotFound) {
			t.Errorf("no row: %v", err)
		}
		if _, err := s.exec(ctx, `INSERT INTO counter (id, n) VALUES ('a', 1)`); !errors.Is(err, api.ErrConflict) {
			t.Errorf("double key: %v", err)
		}
		if _, err := s.exec(ctx, `UPDATE counter SET n = -1`); !errors.Is(err, api.ErrConflict) {
			t.Errorf("check: %v", err)
		}
		if err := s.execOne(ctx, `UPDATE counter SET n = 1 WHERE id = 'none'`); !errors.Is(err, api.ErrNotFound) {
			t.Errorf("nothing changed: %v", err)
		}
		_, err := s.exec(ctx, `SELECT nonsense FROM nowhere`)
		for _, known := range []error{api.ErrNotFound, api.ErrConflict, api.ErrUnavailable} {
			if err == nil || errors.Is(err, known) {
				t.Errorf("bad SQL: %v", err)
			}
		}
	})
}

func TestValuesReadBackAlike(t *testing.T) {
	both(t, func(t *testing.T, s *Store) {
		moment := time.Date(2031, 2, 28, 23, 59, 59, 999999000, time.UTC)
		if _, err := s.exec(t.Context(), `UPDATE counter SET at = $1, ok = $2 WHERE id = 'a'`, micros(moment), true); err != nil {
			t.Fatal(err)
		}
		var at, none time.Time
		var ok bool
		if err := s.row(t.Context(), `SELECT at, ok FROM counter WHERE id = 'a'`).Scan(when(&at), &ok); err != nil {
			t.Fatal(err)
		}
		if err := s.row(t.Context(), `SELECT at FROM counter WHERE id = 'b'`).Scan(when(&none)); err != nil {
			t.Fatal(err)
		}
		if !at.Equal(moment) || !ok || !none.IsZero() {
			t.Errorf("read %v %v %v", at, ok, none)
		}
		ids, err := list(t.Context(), s, func(r scanner) (id string, err error) { return id, r.Scan(&id) },
			`SELECT id FROM counter ORDER BY id`)
		if err != nil || fmt.Sprint(ids) != "[a b]" {
			t.Error(ids, err)
		}
	})
}

func TestSQLiteReadsDoNotWrite(t *testing.T) {
	s, err := Open(t.Context(), "sqlite:"+filepath.Join(t.TempDir(), "ink.db"), Options{Clock: fixedClock{}})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	var subject string
	err = s.row(t.Context(), `INSERT INTO audit_heads (chain, seq, hash) VALUES ('x', 1, 'h') RETURNING chain`).Scan(&subject)
	if err == nil {
		t.Error("a write outside a transaction went through")
	}
}

// TestAuditCannotBeChanged tries what somebody with the database in hand could do.
func TestAuditCannotBeChanged(t *testing.T) {
	both(t, func(t *testing.T, s *Store) {
		ctx := t.Context()
		a := NewAccounts(s, nil) // without details nothing is sealed
		for range 4 {
			if err := a.AppendAudit(ctx, api.Event{Kind: "k", Organisation: "o", Object: "document:1"}); err != nil {
				t.Fatal(err)
			}
		}
		for _, q := range []string{`UPDATE audit SET kind = 'x'`, `DELETE FROM audit`} {
			if _, err := s.exec(ctx, q); err == nil {
				t.Errorf("%s went through", q)
			}
		}
		rows, err := list(ctx, s, scanAudit, auditColumns+` ORDER BY seq`)
		if err != nil {
			t.Fatal(err)
		}
		head, err := a.head(ctx, "organisation:o")
		if err != nil {
			t.Fatal(err)
		}
		if err := checkChain(rows, head); err != nil {
			t.Errorf("untouched: %v", err)
		}
		for name, tamper := range map[string]func([]auditRow) []auditRow{
			"cut off": func(r []auditRow) []auditRow { return r[:3] },
			"dropped": func(r []auditRow) []auditRow { return append(r[:1], r[2:]...) },
			"swapped": func(r []auditRow) []auditRow { r[1], r[2] = r[2], r[1]; return r },
			"object":  func(r []auditRow) []auditRow { r[2].Object = "document:2"; return r },
			"time":    func(r []auditRow) []auditRow { r[0].At = r[0].At.Add(1000); return r },
			"detail":  func(r []auditRow) []auditRow { r[3].sealed = []byte{0}; return r },
			"rehashed": func(r []auditRow) []auditRow {
				r[3].Kind = "x"
				r[3].Hash = auditHash(r[2].Hash, r[3].Event, nil)
				return r
			},
		} {
			if err := checkChain(tamper(append([]auditRow(nil), rows...)), head); !errors.Is(err, ErrAuditBroken) {
				t.Errorf("%s: %v", name, err)
			}
		}
	})
}
