package server

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"time"

	"inkwitness/api/store"
	"inkwitness/evidence"
	"inkwitness/evidence/durable"
	"inkwitness/evidence/vault"
)

// A backup folder:
//
//	snapshots/20260301T120000Z/database     the whole database; keys in it are wrapped
//	snapshots/20260301T120000Z/deletions.json what was deleted, ever: the newest is replayed by every restore
//	snapshots/20260301T120000Z/manifest.json their hashes, written last: without it a snapshot does not count
//	blobs/...                               every blob, encrypted as it is in the store
//
// The root key is not in it and must never lie beside it.
const (
	snapshotsDir  = "snapshots"
	databaseName  = "database"
	manifestName  = "manifest.json"
	deletionsName = "deletions.json"
	snapshotTime  = "20060102T150405Z"
	keepSnapshots = 48 // two days of hourly ones
)

// snapshotManifest says what a snapshot is.
type snapshotManifest struct {
	Format   string    `json:"format"`
	Version  string    `json:"version"` // of the program
	Time     time.Time `json:"time"`
	Database string    `json:"database"` // sqlite or postgres
	SHA256   string    `json:"sha256"`   // of the file
	Size     int64     `json:"size"`
	Objects  int       `json:"objects"`

	Deletions string `json:"deletionsSha256"` // of the list of what was deleted until then
}

const snapshotFormat = "inkwitness backup v1"

// backup makes one backup.
func backup(ctx context.Context, db *store.Store, objects *vault.Vault, version, folder string, now time.Time) (m snapshotManifest, err error) {
	target, err := vault.OpenDir(filepath.Join(folder, "blobs"))
	if err != nil {
		return m, err
	}
	dir := filepath.Join(folder, snapshotsDir, now.UTC().Format(snapshotTime))
	if err := durable.MkdirAll(dir); err != nil {
		return m, err
	}
	file := filepath.Join(dir, databaseName)
	if err := os.Remove(file); err != nil && !errors.Is(err, os.ErrNotExist) {
		return m, err // of an interrupted run
	}
	// The database first: what it refers to is in the store already, and a blob
	// that is deleted meanwhile is on the list of deletions.
	if err := db.Snapshot(ctx, file); err != nil {
		return m, fmt.Errorf("snapshot of the database: %w", err)
	}
	m = snapshotManifest{Format: snapshotFormat, Version: version, Time: now.UTC(), Database: db.Dialect()}
	if m.SHA256, m.Size, err = hashFile(file); err != nil {
		return m, err
	}
	if m.Objects, err = copyBlobs(ctx, db, objects, target); err != nil {
		return m, fmt.Errorf("copy blobs: %w", err)
	}
	deletions, sum, err := saveDeletions(ctx, db, dir)
	if err != nil {
		return m, err
	}
	m.Deletions = sum
	raw, err := json.MarshalIndent(m, "", "  ")
	if err != nil {
		return m, err
	}
	if err := durable.WriteFile(filepath.Join(dir, manifestName), bytes.NewReader(append(raw, '\n'))); err != nil {
		return m, err
	}
	return m, errors.Join(pruneSnapshots(filepath.Join(folder, snapshotsDir)), pruneBlobs(ctx, db, target, deletions))
}

// copyBlobs copies what the backup lacks, still encrypted.
func copyBlobs(ctx context.Context, db *store.Store, objects *vault.Vault, target *vault.Dir) (n int, err error) {
	for after := ""; ; {
		page, err := db.Objects(ctx, after, 500)
		if err != nil || len(page) == 0 {
			return n, err
		}
		for _, o := range page {
			err := objects.CopyTo(ctx, target, o)
			if errors.Is(err, evidence.ErrNotFound) {
				if _, gone := db.Object(ctx, o.Key); errors.Is(gone, evidence.ErrNotFound) {
					continue // deleted since the page was read
				}
			}
			if err != nil {
				return n, fmt.Errorf("%s: %w", o.Key, err)
			}
			n++
		}
		after = page[len(page)-1].Key
	}
}

// saveDeletions writes what was ever deleted into a snapshot.
func saveDeletions(ctx context.Context, db *store.Store, dir string) ([]store.Deletion, string, error) {
	all, err := db.Deletions(ctx, time.Unix(0, 0))
	if err != nil {
		return nil, "", fmt.Errorf("list deletions: %w", err)
	}
	raw, err := json.MarshalIndent(all, "", " ")
	if err != nil {
		return nil, "", err
	}
	sum := sha256.Sum256(raw)
	return all, hex.EncodeToString(sum[:]), durable.WriteFile(filepath.Join(dir, deletionsName), bytes.NewReader(raw))
}

func hashFile(path string) (sum string, size int64, err error) {
	f, err := os.Open(path)
	if err != nil {
		return "", 0, err
	}
	defer f.Close()
	h := sha256.New()
	size, err = io.Copy(h, f)
	return hex.EncodeToString(h.Sum(nil)), size, err
}

// snapshots lists the finished ones in a folder of snapshots, the oldest first.
func snapshots(dir string) (names []string, err error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, fmt.Errorf("this is no backup: %w", err)
	}
	for _, e := range entries {
		if exists(filepath.Join(dir, e.Name(), manifestName)) {
			names = append(names, e.Name())
		}
	}
	slices.Sort(names)
	return names, nil
}

// pruneSnapshots keeps the newest, and nothing that an interrupted run left.
func pruneSnapshots(dir string) error {
	names, err := snapshots(dir)
	if err != nil {
		return err
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if len(names) > 0 && e.Name() < names[len(names)-1] && !slices.Contains(names, e.Name()) {
			if err := os.RemoveAll(filepath.Join(dir, e.Name())); err != nil {
				return err
			}
		}
	}
	for len(names) > keepSnapshots {
		if err := os.RemoveAll(filepath.Join(dir, names[0])); err != nil {
			return err
		}
		names = names[1:]
	}
	return nil
}

// pruneBlobs deletes from the backup what was deleted from the store. A blob that
// no row refers to for another reason stays: the database may be the wrong one.
func pruneBlobs(ctx context.Context, db *store.Store, target *vault.Dir, deletions []store.Deletion) error {
	var names []string
	for _, d := range deletions {
		if d.Object != "" {
			names = append(names, d.Object)
		}
	}
	stored, err := db.KnownObjects(ctx, names) // again, under the same name
	if err != nil {
		return err
	}
	for _, name := range names {
		if stored[name] {
			continue
		}
		if err := target.Delete(ctx, name); err != nil {
			return err
		}
	}
	return nil
}

// backUp is the hourly backup of the running service.
func (s *Server) backUp(ctx context.Context) error {
	m, err := backup(ctx, s.store, s.objects, s.cfg.Version, s.cfg.BackupDir, s.clock.Now())
	if err == nil {
		s.cfg.Logger.InfoContext(ctx, "backed up", "objects", m.Objects, "bytes", m.Size)
	}
	return err
}

// Backup makes one backup into a folder, beside a running service or without one.
func Backup(ctx context.Context, cfg Config, folder string, w io.Writer) error {
	if isHolder(cfg.Data) {
		return backupHolder(ctx, cfg, folder, w)
	}
	h, err := openByHand(ctx, cfg)
	if err != nil {
		return err
	}
	defer h.Close()
	m, err := backup(ctx, h.Store, h.objects, h.cfg.Version, folder, h.cfg.seams.clock.Now())
	if err != nil {
		return fmt.Errorf("back up: %w", err)
	}
	_, err = fmt.Fprintf(w, "Backup of %s: database of %d bytes, %d objects. The root key is not in it; keep it elsewhere.\n", m.Time.Format(time.RFC3339), m.Size, m.Objects)
	return err
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}
