package store_test

import (
	"os"
	"path/filepath"
	"sync"
	"testing"

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
	for name, address := range databases {
		t.Run(name, func(t *testing.T) {
			storetest.Run(t, func(t *testing.T, clock capture.Clock) *store.Store {
				return open(t, address(t), clock)
			})
		})
	}
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
