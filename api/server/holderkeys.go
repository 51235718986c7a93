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
	"syscall"
	"time"

	"inkwitness/evidence"
	"inkwitness/evidence/durable"
	"inkwitness/evidence/trust/holder"
	"inkwitness/evidence/vault"
)

// The folder of a key holder: its root key where that is a file, its log, one file
// for each wrapped key. Commands that are given this folder work on it.
const (
	holderLog  = "holder.log"
	holderKeys = "keys"
)

func isHolder(data string) bool { return exists(filepath.Join(data, holderLog)) }

// holderRoot fills in where the holder's root key is.
func holderRoot(cfg Config) Config {
	if cfg.RootKey == "" {
		cfg.RootKey = filepath.Join(cfg.Data, "root.key")
	}
	return cfg
}

// openHolderKeys opens a key holder's keys beside the running holder. Who changes
// them has to be the holder's own user: files of another could not be read by it.
func openHolderKeys(ctx context.Context, cfg Config) (*keptKeys, error) {
	cfg = holderRoot(cfg)
	info, err := os.Stat(cfg.Data)
	if err != nil {
		return nil, err
	}
	if s, ok := info.Sys().(*syscall.Stat_t); ok && int(s.Uid) != os.Geteuid() {
		return nil, fmt.Errorf("%s belongs to the user with the number %d: run this command as that user", cfg.Data, s.Uid)
	}
	files, err := holder.OpenFiles(filepath.Join(cfg.Data, holderKeys))
	if err != nil {
		return nil, err
	}
	ring, err := openRoot(ctx, cfg, files)
	if err != nil {
		return nil, err
	}
	none := func(context.Context, string) error { return nil } // the log tells of signers alone, and is the holder's to write
	return &keptKeys{files, ring, cfg, none, func() error { return nil }}, nil
}

// A backup of a key holder, in a folder of its own:
//
//	keyholder/20260301T120000Z/keys.json      every key, wrapped, and what was destroyed
//	keyholder/20260301T120000Z/holder.log     the log, read after the keys: it knows of all of them
//	keyholder/20260301T120000Z/manifest.json  their hashes, written last
//
// As in a service's backup, the root key is not in it.
const (
	holderSnapshotsDir = "keyholder"
	holderKeysFile     = "keys.json"
	holderFormat       = "inkwitness key holder backup v1"
)

type holderManifest struct {
	Format  string    `json:"format"`
	Version string    `json:"version"`
	Time    time.Time `json:"time"`
	Keys    string    `json:"keysSha256"`
	Log     string    `json:"logSha256"`
}

// saveHolder makes one backup of a key holder, beside it.
func saveHolder(ctx context.Context, cfg Config, folder string, now time.Time) (keys int, err error) {
	if exists(filepath.Join(folder, snapshotsDir)) {
		return 0, fmt.Errorf("%s has backups of a service: a key holder's belong into another folder, best on another machine", folder)
	}
	files, err := holder.OpenFiles(filepath.Join(cfg.Data, holderKeys))
	if err != nil {
		return 0, err
	}
	all, err := files.Keys(ctx)
	if err != nil {
		return 0, err
	}
	raw, err := json.Marshal(all)
	if err != nil {
		return 0, err
	}
	log, err := os.ReadFile(filepath.Join(cfg.Data, holderLog))
	if err != nil {
		return 0, err
	}
	m, err := json.MarshalIndent(holderManifest{holderFormat, cfg.Version, now.UTC(), hashOf(raw), hashOf(log)}, "", "  ")
	if err != nil {
		return 0, err
	}
	dir := filepath.Join(folder, holderSnapshotsDir, now.UTC().Format(snapshotTime))
	if err := durable.MkdirAll(dir); err != nil {
		return 0, err
	}
	for _, file := range []struct {
		name string
		raw  []byte
	}{{holderKeysFile, raw}, {holderLog, log}, {manifestName, append(m, '\n')}} {
		if err := durable.WriteFile(filepath.Join(dir, file.name), bytes.NewReader(file.raw)); err != nil {
			return 0, err
		}
	}
	return len(all), pruneSnapshots(filepath.Join(folder, holderSnapshotsDir))
}

func hashOf(raw []byte) string {
	sum := sha256.Sum256(raw)
	return hex.EncodeToString(sum[:])
}

// backupHolder is saveHolder by hand.
func backupHolder(ctx context.Context, cfg Config, folder string, w io.Writer) error {
	n, err := saveHolder(ctx, cfg, folder, time.Now())
	if err != nil {
		return fmt.Errorf("back up: %w", err)
	}
	_, err = fmt.Fprintf(w, "Backup of the key holder: %d keys and its log. The root key is not in it; keep it elsewhere.\n", n)
	return err
}

// restoreHolder fills the folder of a key holder, whose root key has to be in its
// place, and opens every key. What was destroyed stays so: the holder destroys at
// its start what its log says.
func restoreHolder(ctx context.Context, cfg Config, folder, snapshot string, w io.Writer) error {
	cfg = holderRoot(cfg)
	if isHolder(cfg.Data) {
		return fmt.Errorf("%s has a key holder already", cfg.Data)
	}
	names, err := snapshots(filepath.Join(folder, holderSnapshotsDir))
	if err != nil {
		return err
	}
	if snapshot, err = chosen(names, snapshot, folder); err != nil {
		return err
	}
	if err := rootThere(cfg); err != nil {
		return err
	}
	all, log, err := readHolder(filepath.Join(folder, holderSnapshotsDir, snapshot))
	if err != nil {
		return fmt.Errorf("snapshot %s: %w", snapshot, err)
	}
	files, err := holder.OpenFiles(filepath.Join(cfg.Data, holderKeys))
	if err != nil {
		return err
	}
	for _, k := range all {
		if err := files.CreateKey(ctx, k); err != nil {
			return err
		}
	}
	ring, err := openRoot(ctx, cfg, files)
	if err != nil {
		return err
	}
	uses, err := ring.Uses(ctx, files)
	if err != nil {
		return err
	}
	for _, u := range uses {
		if _, _, err := ring.Open(ctx, u.Key.ID); err != nil {
			return fmt.Errorf("the root key at %s is not that of this backup; empty the folder %s, put the right one there, and restore again: %w", cfg.RootKey, filepath.Join(cfg.Data, holderKeys), err)
		}
	}
	// The log last: with it the folder is a key holder's.
	if err := durable.WriteFile(filepath.Join(cfg.Data, holderLog), bytes.NewReader(log)); err != nil {
		return err
	}
	_, err = fmt.Fprintf(w, "Restored snapshot %s of the key holder: %d keys, of which %d open and the others were destroyed.\n", snapshot, len(all), len(uses))
	return err
}

// readHolder reads a snapshot and checks it.
func readHolder(dir string) (keys []evidence.Key, log []byte, err error) {
	var m holderManifest
	raw, err := os.ReadFile(filepath.Join(dir, manifestName))
	if err == nil {
		err = json.Unmarshal(raw, &m)
	}
	if err != nil || m.Format != holderFormat {
		return nil, nil, errors.Join(errors.New("its manifest is damaged; take another with --snapshot"), err)
	}
	raw, err = os.ReadFile(filepath.Join(dir, holderKeysFile))
	if err != nil {
		return nil, nil, err
	}
	if log, err = os.ReadFile(filepath.Join(dir, holderLog)); err != nil {
		return nil, nil, err
	}
	if hashOf(raw) != m.Keys || hashOf(log) != m.Log {
		return nil, nil, fmt.Errorf("it is damaged; take another with --snapshot: %w", evidence.ErrCorrupt)
	}
	if err := json.Unmarshal(raw, &keys); err != nil {
		return nil, nil, err
	}
	_, _, _, err = holder.ReadEntries(bytes.NewReader(log))
	return keys, log, err
}

var _ vault.WrappedKeys = (*holder.Files)(nil)
