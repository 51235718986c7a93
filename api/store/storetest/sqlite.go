package storetest

import (
	"context"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"inkwitness/api/store"
)

// schema is the file of an SQLite database that has the schema and nothing else,
// made once in the process.
var schema = sync.OnceValues(func() ([]byte, error) {
	dir, err := os.MkdirTemp("", "schema")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "ink.db")
	if err := Migrate("sqlite:" + path); err != nil {
		return nil, err
	}
	return os.ReadFile(path)
})

// SQLite returns the address of a database of the test's own that has the schema:
// a copy, since making it takes most of the time of a short test.
func SQLite(t testing.TB) string {
	t.Helper()
	raw, err := schema()
	path := filepath.Join(t.TempDir(), "ink.db")
	if err == nil {
		err = os.WriteFile(path, raw, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	return "sqlite:" + path
}

// Migrate gives a database the schema, for pgtest.Copy.
func Migrate(address string) error {
	s, err := store.Open(context.Background(), address, store.Options{Clock: NewClock()})
	if err != nil {
		return err
	}
	return s.Close()
}
