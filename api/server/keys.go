package server

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"

	"inkwitness/api"
	"inkwitness/evidence/vault"
)

// keptKeys are the wrapped keys of a folder, for commands that run beside the
// process that uses them: a service's, in its database, or a key holder's, in files.
type keptKeys struct {
	vault.WrappedKeys
	ring  *vault.Keyring
	cfg   Config
	note  func(ctx context.Context, event string) error // in the record
	Close func() error
}

func openKeys(ctx context.Context, cfg Config) (*keptKeys, error) {
	if isHolder(cfg.Data) {
		return openHolderKeys(ctx, cfg)
	}
	accounts, cfg, err := openAccounts(ctx, cfg)
	if err != nil {
		return nil, err
	}
	ring, err := openRoot(ctx, cfg, accounts.Store)
	if err != nil {
		return nil, errors.Join(err, accounts.Close())
	}
	note := func(ctx context.Context, event string) error {
		return accounts.AppendAudit(ctx, api.Event{Kind: event})
	}
	return &keptKeys{accounts.Store, ring, cfg, note, accounts.Close}, nil
}

// ListKeys prints which root key the keys are wrapped with, each by itself where
// every is set.
func ListKeys(ctx context.Context, cfg Config, every bool, w io.Writer) error {
	keys, err := openKeys(ctx, cfg)
	if err != nil {
		return err
	}
	defer keys.Close()
	uses, err := keys.ring.Uses(ctx, keys)
	if err != nil {
		return err
	}
	table := tabwriter.NewWriter(w, 0, 4, 2, ' ', 0)
	if every {
		fmt.Fprintln(table, "ROOT\tWRAPS NOW\tPURPOSE\tKEY\tSUBJECT\tDEPOSIT")
		for _, u := range uses {
			fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\t%s\n", rootName(u.Root), yesNo(u.Current), u.Key.Purpose, u.Key.ID, u.Key.Subject, u.Key.Deposit)
		}
		return table.Flush()
	}
	type group struct {
		root, purpose string
		current       bool
	}
	counts := map[group]int{}
	for _, u := range uses {
		counts[group{u.Root, u.Key.Purpose, u.Current}]++
	}
	groups := slices.SortedFunc(maps.Keys(counts), func(a, b group) int {
		return cmp.Or(strings.Compare(a.root, b.root), strings.Compare(a.purpose, b.purpose))
	})
	fmt.Fprintln(table, "ROOT\tWRAPS NOW\tPURPOSE\tKEYS")
	for _, g := range groups {
		fmt.Fprintf(table, "%s\t%s\t%s\t%d\n", rootName(g.root), yesNo(g.current), g.purpose, counts[g])
	}
	return table.Flush()
}

func rootName(id string) string { return cmp.Or(id, "(without a name)") }

func yesNo(b bool) string {
	if b {
		return "yes"
	}
	return "no"
}

// RotateKeys wraps every key with the root key that wraps now. Where that is a
// file it puts a new key into it first, which a running service takes up by
// itself. With retire, the older keys of the file are taken out at the end.
func RotateKeys(ctx context.Context, cfg Config, retire bool, w io.Writer) error {
	keys, err := openKeys(ctx, cfg)
	if err != nil {
		return err
	}
	defer keys.Close()
	cfg = keys.cfg
	file := !strings.Contains(cfg.RootKey, "://") && len(cfg.OldRootKeys) == 0
	if retire && !file {
		return errors.New("--retire is for a root key in a file: start the service without --old-root-keys instead")
	}
	if file {
		if err := vault.AddRoot(cfg.RootKey); err != nil {
			return err
		}
	}
	err = keys.ring.Rotate(ctx, keys, func(done, of int) {
		if done%100 == 0 || done == of {
			fmt.Fprintf(w, "%d of %d keys are wrapped anew\n", done, of)
		}
	})
	if err != nil {
		return err
	}
	if err := keys.note(ctx, "root-key.rotated"); err != nil {
		return fmt.Errorf("record the rotation: %w", err)
	}
	checked, err := keys.ring.CheckRoot(ctx, keys)
	if err != nil {
		return fmt.Errorf("after the rotation: %w", err)
	}
	fmt.Fprintf(w, "All %d keys open with the new root key alone.\n", checked)
	if !retire {
		return nil
	}
	if err := vault.RetireRoots(cfg.RootKey); err != nil {
		return err
	}
	_, err = fmt.Fprintln(w, "The older root keys are out of the file. Backups from before need them: keep a copy where the backups are not.")
	return err
}

// CheckKeys opens every key with the root key that wraps now, and with no other.
func CheckKeys(ctx context.Context, cfg Config, w io.Writer) error {
	keys, err := openKeys(ctx, cfg)
	if err != nil {
		return err
	}
	defer keys.Close()
	checked, err := keys.ring.CheckRoot(ctx, keys)
	if err != nil {
		return fmt.Errorf("older root keys are still needed: %w", err)
	}
	_, err = fmt.Fprintf(w, "All %d keys open with the root key that wraps now alone. No other is needed.\n", checked)
	return err
}
