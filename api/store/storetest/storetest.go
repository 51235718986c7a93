// Package storetest is the suite that every database behind api/store passes.
// A method of the store that is not called here is not covered on one of them.
package storetest

import (
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"inkwitness/api/store"
	"inkwitness/capture"
	"inkwitness/evidence/vault"
)

// Opener opens an empty store of its own for one test and closes it at its end.
type Opener func(t *testing.T, clock capture.Clock) *store.Store

// Run runs the whole suite. Each part gets a store of its own.
func Run(t *testing.T, open Opener) {
	t.Run("Ping", func(t *testing.T) {
		if err := open(t, NewClock()).Ping(t.Context()); err != nil {
			t.Fatal(err)
		}
	})
	t.Run("Columns", func(t *testing.T) { columns(t, open(t, NewClock())) })
	for name, part := range map[string]func(*testing.T, *store.Accounts, *Clock){
		"Keys": keys, "Organisations": organisations, "Accounts": accounts, "Members": members, "Providers": providers, "Invitations": invitations,
		"Sessions": sessions, "Factors": factors, "Challenges": challenges, "Limits": limits, "Replies": replies,
		"Mails": mails, "Shares": shares, "Staff": staff, "Sweep": sweep, "Programs": programs, "Audit": audit, "Sealed": sealed,
		"Documents": documents, "DocumentLists": documentLists, "DocumentsSealed": documentsSealed, "Grants": grants, "Leases": leases, "Log": log, "Reminders": reminders, "Serials": serials, "Subjects": subjects, "Prints": prints,
		"Objects": objects, "ObjectsWithTheirHolder": objectsWithTheirHolder, "Orphans": orphans, "Purge": purge, "Holds": holds, "Locks": locks, "Forgotten": forgotten, "Checks": checks, "Swept": swept, "Care": care, "EvidenceRecords": evidenceRecords, "Claims": claims,
		"Cases": cases, "Openings": openings,
	} {
		t.Run(name, func(t *testing.T) {
			clock := NewClock()
			part(t, Accounts(t, open(t, clock)), clock)
		})
	}
}

// Accounts returns the tables of people over s, with a root key of the test's own.
func Accounts(t *testing.T, s *store.Store) *store.Accounts {
	t.Helper()
	root, err := vault.LocalRoot(filepath.Join(t.TempDir(), "root.key"))
	if err != nil {
		t.Fatal(err)
	}
	return store.NewAccounts(s, vault.NewKeyring(s, root))
}

// columns compares the declared columns with the live schema.
func columns(t *testing.T, s *store.Store) {
	declared, err := store.Columns()
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]bool{}
	for _, c := range declared {
		if want[c.Table+"."+c.Name] {
			t.Errorf("%s.%s is declared twice", c.Table, c.Name)
		}
		want[c.Table+"."+c.Name] = true
	}
	live, err := s.Schema(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range live {
		if !want[name] && !strings.HasPrefix(name, "goose_db_version.") {
			t.Errorf("column %s has no data class and purpose in classes.go", name)
		}
		delete(want, name)
	}
	for name := range want {
		t.Errorf("classes.go declares %s, which is not there", name)
	}
}

// Clock is a clock that stands still until it is moved.
type Clock struct {
	mu  sync.Mutex
	now time.Time
}

// NewClock returns a clock at a fixed moment, in whole microseconds as the
// databases keep them.
func NewClock() *Clock {
	return &Clock{now: time.Date(2026, 3, 1, 12, 0, 0, 123456000, time.UTC)}
}

// Now implements capture.Clock.
func (c *Clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

// Advance moves the clock.
func (c *Clock) Advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}
