package server

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/user"
	"path/filepath"
	"strings"
	"time"

	"inkwitness/api"
	"inkwitness/evidence/retain"
)

// confirmWithin is how far apart the two confirmations of the time may be.
const confirmWithin = time.Hour

const confirmation = "clock confirmed by "

// ConfirmClock is one person's word that the machine's time is right, after a
// jump has stopped all deletion. With the second person's, within an hour,
// deletion goes on.
func ConfirmClock(ctx context.Context, cfg Config, name string, w io.Writer) error {
	accounts, _, err := openAccounts(ctx, cfg)
	if err != nil {
		return err
	}
	defer accounts.Close()
	name = strings.ToLower(strings.TrimSpace(name))
	if name == "" || len(name) > 100 {
		return fmt.Errorf("say who you are in 1 to 100 characters: %w", api.ErrInvalid)
	}
	now := wallClock{}.Now().UTC()
	others, err := accounts.CaredSince(ctx, confirmation, now.Add(-confirmWithin))
	if err != nil {
		return err
	}
	if err := accounts.Care(ctx, confirmation+name, now); err != nil {
		return err
	}
	account := "unknown"
	if u, err := user.Current(); err == nil {
		account = u.Username
	}
	for _, other := range others {
		if other == confirmation+name {
			continue
		}
		if err := retain.ConfirmClock(ctx, accounts, now, strings.TrimPrefix(other, confirmation), name); err != nil {
			return err
		}
		if err := accounts.AppendAudit(ctx, api.Event{Kind: "clock.confirmed", Chain: "service",
			Detail: api.Detail{"first": strings.TrimPrefix(other, confirmation), "second": name, "system account": account}}); err != nil {
			return err
		}
		_, err = fmt.Fprintf(w, "%s is confirmed by two people. Deletion goes on within 15 minutes.\n", now.Format(time.RFC3339))
		return err
	}
	_, err = fmt.Fprintf(w, "%s says that it is %s. Another person has to say so within an hour:\n\n  inkwitness clock confirm --by NAME\n", name, now.Format(time.RFC3339))
	return err
}

// Receipts writes the signed deletion receipts of a document, or of all, as
// files of a folder.
func Receipts(ctx context.Context, cfg Config, document, folder string, w io.Writer) error {
	accounts, _, err := openAccounts(ctx, cfg)
	if err != nil {
		return err
	}
	defer accounts.Close()
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return fmt.Errorf("make the folder of receipts: %w", err)
	}
	n := 0
	err = accounts.Receipts(ctx, document, func(key string, receipt []byte) error {
		n++
		return os.WriteFile(filepath.Join(folder, strings.ReplaceAll(key, "/", "_")+".p7m"), receipt, 0o600)
	})
	if err != nil {
		return fmt.Errorf("write the receipts: %w", err)
	}
	_, err = fmt.Fprintf(w, "%d receipts are in %s\n", n, folder)
	return err
}
