package server

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"inkwitness/api"
	"inkwitness/api/ceremony"
	"inkwitness/api/store/pgtest"
	"inkwitness/evidence"
	"inkwitness/evidence/deposit"
)

// restored is a bench over what a backup brought back.
func (b *bench) restored(folder, database, snapshot string) (*bench, string, error) {
	b.t.Helper()
	data := filepath.Join(b.t.TempDir(), "data")
	b.must(os.MkdirAll(data, 0o700))
	key, err := os.ReadFile(filepath.Join(b.data, "root.key"))
	b.must(err)
	b.must(os.WriteFile(filepath.Join(data, "root.key"), key, 0o600))
	var out strings.Builder
	cfg := Config{Data: data, Listen: "127.0.0.1:0", DatabaseURL: database}
	if err := Restore(b.t.Context(), cfg, folder, snapshot, &out); err != nil {
		return nil, out.String(), err
	}
	return newBench(b.t, func(c *Config) { *c = cfg }), out.String(), nil
}

// TestBackupComesBack: on each database, deposits of a restored service verify
// with their records; what was erased after the backup stays erased.
func TestBackupComesBack(t *testing.T) {
	for name, database := range map[string]func() string{"sqlite": func() string { return "" }, "postgres": func() string { return pgtest.URL(t) }} {
		t.Run(name, func(t *testing.T) {
			folder := filepath.Join(t.TempDir(), "backup")
			b := newBench(t, func(c *Config) { c.DatabaseURL, c.BackupDir = database(), folder })
			ctx := t.Context()
			d := b.completed()
			b.must(b.renewRecords(ctx))
			b.must(b.purgeObjects(ctx))
			now := b.clock.Now()
			b.must(b.accounts.BeginSession(ctx, api.Session{ID: "s1", Account: benchOwner, Organisation: firstOrganisation, Created: now, Seen: now, Proved: now,
				Expires: now.Add(12 * time.Hour), Binding: []byte{1}, Secret: api.SessionSecret{Present: []byte{1}, Renewed: now}}, [32]byte{1}))
			subject, reference := b.enrolled(d, d.Signers[0], []byte("strokes"))
			interrupted := filepath.Join(folder, snapshotsDir, "20280101T000000Z")
			b.must(os.MkdirAll(interrupted, 0o700))
			b.must(b.backUp(ctx))
			if _, err := os.Stat(interrupted); !errors.Is(err, os.ErrNotExist) {
				t.Errorf("what an interrupted run left: %v", err)
			}
			old := d.Deposit.Object
			_, err := b.ceremony.WithdrawReferences(ctx, d.ID, d.Signers[0].ID, ceremony.BySubject, ceremony.BySigner)
			b.must(err)
			d, err = b.ceremony.EraseRecording(ctx, d.ID, d.Signers[1].ID, "request 5", ceremony.ByService)
			b.must(err)
			b.must(b.purgeObjects(ctx))
			b.clock.advance(time.Hour)
			b.must(b.backUp(ctx))
			if _, err := os.Stat(filepath.Join(folder, "blobs", filepath.FromSlash(old.Key))); !errors.Is(err, os.ErrNotExist) {
				t.Errorf("the erased container is in the backup: %v", err)
			}

			r, out, err := b.restored(folder, database(), "")
			if err != nil || !strings.Contains(out, "All is well") {
				t.Fatalf("restore: %v\n%s", err, out)
			}
			if reason, err := r.accounts.EndReason(ctx, "s1"); err != nil || reason != "restored" {
				t.Errorf("the session of the time of the backup: %q, %v", reason, err)
			}
			back, err := r.ceremony.Document(ctx, d.ID)
			r.must(err)
			raw := r.read(back.Deposit.Object)
			if report := deposit.Verify(bytes.NewReader(raw), int64(len(raw)), r.trusted()); !report.Holds() || !bytes.Equal(raw, b.read(d.Deposit.Object)) {
				t.Errorf("the deposit that came back: %+v", report.Failed())
			}
			r.recordHolds(d.ID, 1, func() { r.must(r.renewRecords(ctx)) })
			r.clock.set(b.clock.Now().Add(time.Hour))
			r.sent() // and the service goes on

			// from before the erasures: they are done again
			names, err := snapshots(filepath.Join(folder, snapshotsDir))
			b.must(err)
			r, out, err = b.restored(folder, database(), names[0])
			if err != nil {
				t.Fatalf("restore of the first snapshot: %v\n%s", err, out)
			}
			for _, key := range []string{reference.DataKey, "subject:" + subject.ID, old.DataKey} {
				if _, _, err := r.keys.Open(ctx, key); !errors.Is(err, evidence.ErrErased) {
					t.Errorf("key %s came back: %v", key, err)
				}
			}
		})
	}
}

// TestBrokenBackupsAreRefused, each with what is wrong and nothing half done.
func TestBrokenBackupsAreRefused(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "backup")
	b := newBench(t, func(c *Config) { c.BackupDir = folder })
	d := b.completed()
	b.must(b.purgeObjects(t.Context()))
	b.must(b.backUp(t.Context()))
	names, err := snapshots(filepath.Join(folder, snapshotsDir))
	b.must(err)
	dir := filepath.Join(folder, snapshotsDir, names[0])
	blob := filepath.Join(folder, "blobs", filepath.FromSlash(d.Deposit.Object.Key))
	flip := func(file string) {
		raw, err := os.ReadFile(file)
		b.must(err)
		raw[len(raw)/2] ^= 1
		b.must(os.WriteFile(file, raw, 0o600))
	}
	for name, c := range map[string]struct {
		file  string
		spoil func(file string)
		want  string
	}{
		"database":          {filepath.Join(dir, databaseName), flip, "is damaged; take another snapshot"},
		"manifest":          {filepath.Join(dir, manifestName), func(f string) { b.must(os.WriteFile(f, []byte("{}"), 0o600)) }, "is damaged; take another snapshot"},
		"no manifest":       {filepath.Join(dir, manifestName), func(f string) { b.must(os.Remove(f)) }, "no finished snapshot"},
		"list of deletions": {filepath.Join(dir, deletionsName), flip, "what was erased would come back"},
		"shorter list":      {filepath.Join(dir, deletionsName), func(f string) { b.must(os.WriteFile(f, []byte("[]"), 0o600)) }, "what was erased would come back"},
		"no list":           {filepath.Join(dir, deletionsName), func(f string) { b.must(os.Remove(f)) }, "what was erased would come back"},
		"blob":              {blob, flip, "DAMAGED  " + d.Deposit.Object.Key},
		"lost blob":         {blob, func(f string) { b.must(os.Remove(f)) }, "MISSING  " + d.Deposit.Object.Key},
	} {
		good, err := os.ReadFile(c.file)
		b.must(err)
		c.spoil(c.file)
		if _, out, err := b.restored(folder, "", ""); err == nil || !strings.Contains(out+err.Error(), c.want) {
			t.Errorf("%s: %v, want %q\n%s", name, err, c.want, out)
		}
		b.must(os.WriteFile(c.file, good, 0o600))
	}

	cfg := Config{Data: filepath.Join(t.TempDir(), "data"), Listen: "127.0.0.1:0"}
	if err := Restore(t.Context(), cfg, folder, "", &strings.Builder{}); err == nil || !strings.Contains(err.Error(), "put the root key") {
		t.Errorf("without a root key: %v", err)
	}
	other := newBench(t, nil) // the root key of somebody else
	other.completed()
	key, err := os.ReadFile(filepath.Join(other.data, "root.key"))
	b.must(err)
	b.must(os.MkdirAll(cfg.Data, 0o700))
	b.must(os.WriteFile(filepath.Join(cfg.Data, "root.key"), key, 0o600))
	if err := Restore(t.Context(), cfg, folder, "", &strings.Builder{}); err == nil || !strings.Contains(err.Error(), "is not that of this backup") {
		t.Errorf("with the wrong root key: %v", err)
	}
	if err := Restore(t.Context(), Config{Data: b.data, Listen: "127.0.0.1:0"}, folder, "", &strings.Builder{}); !errors.Is(err, evidence.ErrExists) {
		t.Errorf("over a service that is there: %v", err)
	}
	if err := Restore(t.Context(), cfg, t.TempDir(), "", &strings.Builder{}); err == nil || !strings.Contains(err.Error(), "this is no backup") {
		t.Errorf("a folder that is no backup: %v", err)
	}
	if err := Restore(t.Context(), cfg, folder, "20200101T000000Z", &strings.Builder{}); err == nil || !strings.Contains(err.Error(), names[0]) {
		t.Errorf("a snapshot that is not there: %v", err)
	}
}

// TestBackupNeedsItsProgram: a service that could not back up does not start.
func TestBackupNeedsItsProgram(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	cfg := Config{Data: t.TempDir(), Listen: "127.0.0.1:0", DatabaseURL: "postgres://localhost/ink", BackupDir: t.TempDir()}
	if _, err := New(t.Context(), cfg); err == nil || !strings.Contains(err.Error(), "pg_dump is not installed") {
		t.Errorf("without pg_dump: %v", err)
	}
}
