package store_test

import (
	"bytes"
	"crypto/rand"
	"database/sql"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"inkwitness/api"
	"inkwitness/api/store"
	"inkwitness/api/store/pgtest"
	"inkwitness/api/store/storetest"
	"inkwitness/capture"
)

func TestMain(m *testing.M) { os.Exit(pgtest.Main(m)) }

// databases are the addresses of an empty database of each kind.
var databases = map[string]func(t *testing.T) string{
	"sqlite":   func(t *testing.T) string { return "sqlite:" + filepath.Join(t.TempDir(), "ink.db") },
	"postgres": func(t *testing.T) string { return pgtest.URL(t) },
}

func open(t *testing.T, url string, clock capture.Clock) *store.Store {
	t.Helper()
	s, err := store.Open(t.Context(), url, store.Options{Clock: clock})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func TestStore(t *testing.T) {
	address := map[string]func(t *testing.T) string{"sqlite": func(t *testing.T) string { return storetest.SQLite(t) }, "postgres": migrated}
	for name := range databases {
		t.Run(name, func(t *testing.T) {
			storetest.Run(t, func(t *testing.T, clock capture.Clock) *store.Store {
				return open(t, address[name](t), clock)
			})
		})
	}
}

// migrated is the address of a database that has the schema: a copy, for speed.
func migrated(t *testing.T) string {
	return pgtest.Copy(t, "schema", storetest.Migrate)
}

func TestOpenAtOnce(t *testing.T) {
	for name, address := range databases {
		t.Run(name, func(t *testing.T) {
			url := address(t)
			var wg sync.WaitGroup
			for range 3 {
				wg.Go(func() {
					s, err := store.Open(t.Context(), url, store.Options{Clock: storetest.NewClock()})
					if err != nil {
						t.Error(err)
						return
					}
					if err := s.Ping(t.Context()); err != nil {
						t.Error(err)
					}
					s.Close()
				})
			}
			wg.Wait()
		})
	}
}

func TestOpenRefuses(t *testing.T) {
	for _, url := range []string{"", "mysql://x", "sqlite:", "sqlite::memory:", "postgres://user:secret@[bad"} {
		s, err := store.Open(t.Context(), url, store.Options{Clock: storetest.NewClock()})
		if err == nil {
			s.Close()
			t.Errorf("Open(%q) succeeded", url)
		} else if got := err.Error(); filepath.Base(got) == "secret" {
			t.Errorf("Open(%q) repeats the password: %v", url, err)
		}
	}
}

func TestSQLiteFileIsPrivate(t *testing.T) {
	dir := t.TempDir()
	s := open(t, "sqlite:"+filepath.Join(dir, "ink.db"), storetest.NewClock())
	if err := s.Ping(t.Context()); err != nil {
		t.Fatal(err)
	}
	files, err := os.ReadDir(dir)
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	for _, f := range files {
		info, err := f.Info()
		if err != nil {
			t.Fatal(err)
		}
		if info.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s has mode %v", f.Name(), info.Mode())
		}
	}
}

// TestNothingPersonalInClear looks for what a person said of themselves in every
// byte of the database files.
func TestNothingPersonalInClear(t *testing.T) {
	dir := t.TempDir()
	clock := storetest.NewClock()
	a := storetest.Accounts(t, open(t, "sqlite:"+filepath.Join(dir, "ink.db"), clock))
	ctx, now := t.Context(), clock.Now()
	markers := []string{"marker-mail", "marker-name", "marker-phone", "marker-text", "192.0.2.77"}
	for _, err := range []error{
		a.CreateOrganisation(ctx, api.Organisation{ID: "o1", Created: now, Name: "marker-name", Controller: "marker-mail"}),
		a.CreateAccount(ctx, api.Account{ID: "a1", Created: now, Profile: api.Profile{Email: "marker-mail@example.org", Name: "marker-name", Phone: "marker-phone"}}),
		a.AddMail(ctx, api.Mail{ID: "m1", MessageID: "x", Created: now, Next: now, To: "marker-mail@example.org", Text: "marker-text"}),
		a.AppendAudit(ctx, api.Event{Kind: "k", Account: "a1", Detail: api.Detail{"address": "192.0.2.77"}}),
		a.CreateInvitation(ctx, api.Invitation{ID: "i1", Created: now, Expires: now, Organisation: "o1", Email: "marker-mail@example.org"}, [32]byte{1}),
		a.BeginSession(ctx, api.Session{ID: "s1", Created: now, Seen: now, Expires: now, Proved: now, Account: "a1", Organisation: "o1", Binding: []byte{1}, Secret: api.SessionSecret{Present: []byte{1}, Renewed: now}, Client: api.Client{Address: "192.0.2.77"}}, [32]byte{2}),
	} {
		if err == nil {
			continue
		}
		t.Error(err)
	}
	if _, _, err := a.Hit(ctx, "sign-in", "marker-mail@example.org", time.Minute, clock.Now()); err != nil {
		t.Error(err)
	}
	files, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	size := 0
	for _, f := range files {
		raw, err := os.ReadFile(filepath.Join(dir, f.Name()))
		if err != nil {
			t.Fatal(err)
		}
		size += len(raw)
		for _, m := range markers {
			if bytes.Contains(bytes.ToLower(raw), []byte(m)) {
				t.Errorf("%s holds %q", f.Name(), m)
			}
		}
	}
	if size < 50_000 {
		t.Errorf("only %d bytes were searched", size)
	}
}

// A role that may not end the write-ahead log is told which order was refused.
func TestCompactTellsWhatItMayNot(t *testing.T) {
	address := pgtest.URL(t)
	strong, err := sql.Open("pgx", address)
	if err != nil {
		t.Fatal(err)
	}
	defer strong.Close()
	weak := "weak_" + strings.ToLower(rand.Text())
	if _, err := strong.ExecContext(t.Context(), `CREATE ROLE `+weak+` LOGIN PASSWORD 'weak'; GRANT CREATE ON SCHEMA public TO `+weak); err != nil {
		t.Fatal(err)
	}
	at, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		user *url.Userinfo
		want string
	}{{url.UserPassword(weak, "weak"), "SELECT pg_switch_wal()"}, {at.User, ""}} {
		at.User = test.user
		s, err := store.Open(t.Context(), at.String(), store.Options{Clock: storetest.NewClock()})
		if err != nil {
			t.Fatal(err)
		}
		if refused, err := s.Compact(t.Context()); err != nil || refused != test.want {
			t.Errorf("as %s: refused %q, %v; want %q", test.user, refused, err, test.want)
		}
		s.Close()
	}
}
