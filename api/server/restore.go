package server

import (
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

	"inkwitness/api/store"
	"inkwitness/evidence"
	"inkwitness/evidence/vault"
)

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
