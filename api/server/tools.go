package server

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"inkwitness/api"
	"inkwitness/api/account"
	"inkwitness/api/auth"
	"inkwitness/api/document"
	"inkwitness/api/investigate"
	"inkwitness/api/program"
	"inkwitness/api/publish"
	"inkwitness/api/retention"
	"inkwitness/api/scim"
	"inkwitness/api/share"
	"inkwitness/api/signing"
	"inkwitness/api/store"
	"inkwitness/evidence/trust"
	"inkwitness/evidence/vault"
)

// URL is the address that people use.
func (s *Server) URL() string { return s.cfg.PublicURL }

// openAccounts opens the database alone, for commands that run beside the service.
func openAccounts(ctx context.Context, cfg Config) (*store.Accounts, Config, error) {
	cfg, err := cfg.fill()
	if err != nil {
		return nil, cfg, err
	}
	db, err := openStore(ctx, cfg)
	if err != nil {
		return nil, cfg, err
	}
	keys, err := openRoot(ctx, cfg, db)
	if err != nil {
		return nil, cfg, errors.Join(err, db.Close())
	}
	return store.NewAccounts(db, keys), cfg, nil
}

// byHand is what a command by hand works on, beside a running service or
// without one.
type byHand struct {
	*store.Accounts
	cfg     Config
	objects *vault.Vault
	keys    *vault.Keyring
}

// openByHand opens the database and the object stores. Close it.
func openByHand(ctx context.Context, cfg Config) (*byHand, error) {
	accounts, cfg, err := openAccounts(ctx, cfg)
	if err != nil {
		return nil, err
	}
	objects, keys, err := openVault(ctx, cfg, accounts.Store, nil)
	if err != nil {
		return nil, errors.Join(err, accounts.Close())
	}
	return &byHand{accounts, cfg, objects, keys}, nil
}

// authority opens the service's own certificate authority.
func (h *byHand) authority(ctx context.Context) (*trust.Local, error) {
	own, err := trust.Open(ctx, trust.Config{Keys: h.keys, Clock: h.cfg.seams.clock})
	if err != nil {
		return nil, fmt.Errorf("open the certificate authority: %w", err)
	}
	return own, nil
}

func (h *byHand) checker() *checker {
	return &checker{store: h.Store, objects: h.objects, keys: h.keys, clock: h.cfg.seams.clock}
}

// Migrate brings the database up to date.
func Migrate(ctx context.Context, cfg Config) error {
	accounts, _, err := openAccounts(ctx, cfg)
	if err != nil {
		return err
	}
	return accounts.Close()
}

// Compact writes the database anew, beside a running service or without one.
func Compact(ctx context.Context, cfg Config, w io.Writer) error {
	if err := cfg.exists(); err != nil {
		return err
	}
	accounts, _, err := openAccounts(ctx, cfg)
	if err != nil {
		return err
	}
	defer accounts.Close()
	refused, err := accounts.Compact(ctx)
	if err != nil {
		return fmt.Errorf("write the database anew: %w", err)
	}
	if refused != "" {
		_, err = fmt.Fprintf(w, "The database is written anew, but its write-ahead log still holds what was deleted, until the server has begun another segment and made two checkpoints: this role may not order %s. Give it pg_checkpoint and the right to execute pg_switch_wal(), and run this again.\n", refused)
		return err
	}
	_, err = fmt.Fprintln(w, "The database is written anew: its files hold nothing that was deleted.")
	return err
}

// Outbox prints the newest mails, the newest last.
func Outbox(ctx context.Context, cfg Config, limit int, w io.Writer) error {
	if err := cfg.exists(); err != nil {
		return err
	}
	accounts, _, err := openAccounts(ctx, cfg)
	if err != nil {
		return err
	}
	defer accounts.Close()
	mails, err := accounts.AllMails(ctx, limit)
	if err != nil {
		return fmt.Errorf("read the outbox: %w", err)
	}
	if len(mails) == 0 {
		_, err := fmt.Fprintln(w, "The outbox is empty.")
		return err
	}
	for _, m := range mails {
		if _, err := fmt.Fprintf(w, "%s  %s  to %s  (%s)\n\n%s\n\n", m.Created.Format("2006-01-02 15:04:05"), m.Subject, m.To, m.State, m.Text); err != nil {
			return err
		}
	}
	return nil
}

// OpenAPI describes every route, without a database or anything else running.
func OpenAPI(version string) ([]byte, error) {
	a, err := api.New(api.Config{Clock: wallClock{}, Version: version})
	if err != nil {
		return nil, err
	}
	a.Mount(&document.Handler{}, new(share.Handler), &signing.Handler{}, &investigate.Handler{}, new(auth.Handler), new(account.Handler), new(program.Handler), new(scim.Handler), new(publish.Handler), &retention.Handler{})
	description, err := a.OpenAPI()
	if err != nil {
		return nil, fmt.Errorf("describe the routes: %w", err)
	}
	var indented bytes.Buffer
	if err := json.Indent(&indented, description, "", "  "); err != nil {
		return nil, err
	}
	indented.WriteByte('\n')
	return indented.Bytes(), nil
}
