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
	"strings"
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

// readDeletions returns the list of the newest snapshot, whichever is restored:
// what was erased must not come back.
func readDeletions(dir string) (all []store.Deletion, err error) {
	m, err := readManifest(dir)
	if err != nil {
		return nil, err
	}
	file := filepath.Join(dir, deletionsName)
	raw, err := os.ReadFile(file)
	if sum := sha256.Sum256(raw); err == nil && hex.EncodeToString(sum[:]) != m.Deletions {
		err = evidence.ErrCorrupt
	}
	if err == nil {
		err = json.Unmarshal(raw, &all)
	}
	if err != nil {
		return nil, fmt.Errorf("the list of deletions %s is damaged, and what was erased would come back; remove this newest snapshot to go back to the one before and its list: %w", file, err)
	}
	return all, nil
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

// Restore makes an empty service from a backup: the newest snapshot, or the one
// named. Deletions are done again before anything can be served.
func Restore(ctx context.Context, cfg Config, folder, snapshot string, w io.Writer) error {
	if exists(filepath.Join(folder, holderSnapshotsDir)) {
		return restoreHolder(ctx, cfg, folder, snapshot, w)
	}
	cfg, err := cfg.fill()
	if err != nil {
		return err
	}
	names, err := snapshots(filepath.Join(folder, snapshotsDir))
	if err != nil {
		return err
	}
	if snapshot, err = chosen(names, snapshot, folder); err != nil {
		return err
	}
	if err := rootThere(cfg); err != nil {
		return err
	}
	deletions, err := readDeletions(filepath.Join(folder, snapshotsDir, names[len(names)-1]))
	if err != nil {
		return err
	}
	if err := loadDatabase(ctx, filepath.Join(folder, snapshotsDir, snapshot), cfg.DatabaseURL); err != nil {
		return fmt.Errorf("restore the database: %w", err)
	}
	return finishRestore(ctx, cfg, folder, snapshot, deletions, w)
}

// chosen is the snapshot that is restored: the one named, or else the newest.
func chosen(names []string, snapshot, folder string) (string, error) {
	switch {
	case len(names) == 0:
		return "", fmt.Errorf("%s holds no finished snapshot", folder)
	case snapshot == "":
		return names[len(names)-1], nil
	case !slices.Contains(names, snapshot):
		return "", fmt.Errorf("there is no snapshot %q; there are %s", snapshot, strings.Join(names, ", "))
	}
	return snapshot, nil
}

// rootThere says what to do where a root key in a file is not in its place.
func rootThere(cfg Config) error {
	if !strings.Contains(cfg.RootKey, "://") && !exists(cfg.RootKey) {
		return fmt.Errorf("put the root key at %s first, it is not part of a backup", cfg.RootKey)
	}
	return nil
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

func readManifest(dir string) (m snapshotManifest, err error) {
	file := filepath.Join(dir, manifestName)
	raw, err := os.ReadFile(file)
	if err != nil {
		return m, err
	}
	if err := json.Unmarshal(raw, &m); err != nil || m.Format != snapshotFormat {
		return m, fmt.Errorf("%s is damaged; take another snapshot with --snapshot: %w", file, evidence.ErrMalformed)
	}
	return m, nil
}

// loadDatabase checks a snapshot against its manifest and loads it.
func loadDatabase(ctx context.Context, dir, address string) error {
	m, err := readManifest(dir)
	if err != nil {
		return err
	}
	if kind, _, _ := strings.Cut(address, ":"); (kind == "sqlite") != (m.Database == "sqlite") {
		return fmt.Errorf("the snapshot is of %s, the address %s names another database", m.Database, kind)
	}
	file := filepath.Join(dir, databaseName)
	sum, size, err := hashFile(file)
	if err != nil {
		return err
	}
	if sum != m.SHA256 || size != m.Size {
		return fmt.Errorf("%s is damaged; take another snapshot with --snapshot: %w", file, evidence.ErrCorrupt)
	}
	return store.LoadSnapshot(ctx, file, address)
}

// finishRestore replays the deletions, brings the blobs, and checks all of it.
func finishRestore(ctx context.Context, cfg Config, folder, snapshot string, deletions []store.Deletion, w io.Writer) error {
	h, err := openByHand(ctx, cfg)
	if err != nil {
		return err
	}
	defer h.Close()
	if _, _, err := h.keys.Open(ctx, "service:index"); err != nil && !errors.Is(err, evidence.ErrNotFound) {
		return fmt.Errorf("the root key at %s is not that of this backup; empty the database, put the right one there, and restore again: %w", h.cfg.RootKey, err)
	}
	if err := h.Replay(ctx, deletions); err != nil {
		return err
	}
	source, err := vault.OpenDir(filepath.Join(folder, "blobs"))
	if err != nil {
		return err
	}
	brought, lost := 0, 0
	for after := ""; ; {
		page, err := h.Objects(ctx, after, 500)
		if err != nil {
			return err
		}
		if len(page) == 0 {
			break
		}
		for _, o := range page {
			switch err := h.objects.BringFrom(ctx, source, o); {
			case errors.Is(err, evidence.ErrNotFound):
				lost++
				fmt.Fprintf(w, "MISSING  %s is neither in the backup nor in the store\n", o.Key)
			case err != nil:
				return fmt.Errorf("bring %s: %w", o.Key, err)
			default:
				brought++
			}
		}
		after = page[len(page)-1].Key
	}
	c := h.checker()
	r, err := c.structure(ctx)
	if err != nil {
		return err
	}
	if err := c.bytes(ctx, 1<<62, &r.Bytes); err != nil {
		return err
	}
	fmt.Fprintf(w, "Restored snapshot %s: %d objects, %d deletions done again.\n", snapshot, brought, len(deletions))
	if err := r.Write(w); err != nil {
		return err
	}
	if lost > 0 || !r.Sound() {
		return ErrDamage
	}
	return nil
}
