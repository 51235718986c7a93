package server

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"os"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"time"

	"inkwitness/api"
	"inkwitness/evidence"
	"inkwitness/evidence/trust"
	"inkwitness/evidence/trust/holder"
	"inkwitness/evidence/vault"
)

// HolderConfig says how the key holder runs. Its folder is its own: another than
// the service's, best of another user.
type HolderConfig struct {
	Config          // Data, RootKey, OldRootKeys and Logger of it
	Socket string   // holder.sock in Data when empty
	Users  []string // names or numbers of users that may ask, beside its own
	Rate   int      // signatures in a minute
	Backup string   // folder of an hourly backup; none when empty
}

// HoldKeys runs the key holder until ctx ends. ready is told the socket.
func HoldKeys(ctx context.Context, cfg HolderConfig, ready func(socket string)) (err error) {
	cfg.Config = holderRoot(cfg.Config)
	if cfg.Socket == "" {
		cfg.Socket = filepath.Join(cfg.Data, "holder.sock")
	}
	if err := os.MkdirAll(cfg.Data, 0o700); err != nil {
		return fmt.Errorf("make the folder of the key holder: %w", err)
	}
	if _, err := os.Stat(filepath.Join(cfg.Data, "inkwitness.db")); err == nil {
		return fmt.Errorf("%s is the folder of a service: the key holder needs one of its own", cfg.Data)
	}
	users, err := userIDs(cfg.Users)
	if err != nil {
		return err
	}
	journal, err := holder.OpenJournal(filepath.Join(cfg.Data, holderLog))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, journal.Close()) }()
	files, err := holder.OpenFiles(filepath.Join(cfg.Data, holderKeys))
	if err != nil {
		return err
	}
	ring, err := openRoot(ctx, cfg.Config, files)
	if err != nil {
		return err
	}
	authority, err := trust.Open(ctx, trust.Config{Keys: ring, Clock: wallClock{}, Organisation: "Inkwitness signers"})
	if err != nil {
		return fmt.Errorf("open the certificate authority: %w", err)
	}
	h, err := holder.New(holder.Config{Authority: authority, Journal: journal, Clock: wallClock{}, Rate: cfg.Rate, Logger: cfg.Logger})
	if err != nil {
		return err
	}
	listener, err := holder.Listen(cfg.Socket, users)
	if err != nil {
		return err
	}
	if slices.ContainsFunc(users, func(u int) bool { return u != os.Getuid() }) && filepath.Dir(cfg.Socket) == filepath.Clean(cfg.Data) {
		// Other users reach the socket, and nothing else: all files are their owner's alone.
		if err := os.Chmod(cfg.Data, 0o711); err != nil {
			return errors.Join(fmt.Errorf("let others reach the socket: %w", err), listener.Close())
		}
	}
	ready(cfg.Socket)
	if cfg.Backup == "" {
		return h.Run(ctx, listener)
	}
	ctx, stop := context.WithCancel(ctx)
	saving := make(chan struct{})
	go func() {
		defer close(saving)
		saveHourly(ctx, cfg)
	}()
	defer func() { stop(); <-saving }()
	return h.Run(ctx, listener)
}

// saveHourly backs the key holder up at once and every hour.
func saveHourly(ctx context.Context, cfg HolderConfig) {
	every := time.NewTicker(time.Hour)
	defer every.Stop()
	for {
		if _, err := saveHolder(ctx, cfg.Config, cfg.Backup, time.Now()); err != nil {
			cfg.Logger.ErrorContext(ctx, "the key holder is not backed up", "err", err)
		}
		select {
		case <-every.C:
		case <-ctx.Done():
			return
		}
	}
}

func userIDs(names []string) (ids []int, err error) {
	for _, name := range names {
		id, err := strconv.Atoi(name)
		if err != nil {
			u, err := user.Lookup(name)
			if err != nil {
				return nil, err
			}
			if id, err = strconv.Atoi(u.Uid); err != nil {
				return nil, fmt.Errorf("user %s has no number: %w", name, err)
			}
		}
		ids = append(ids, id)
	}
	return ids, nil
}

// openHolder finds the key holder, which has to run before the service starts.
// Without one the service's own authority signs.
func openHolder(ctx context.Context, cfg Config, own *trust.Local) (evidence.Provider, []*x509.Certificate, *holder.Client, error) {
	if cfg.KeyHolder == "" {
		return own, nil, nil, nil
	}
	client := holder.Dial(cfg.KeyHolder, own.Info())
	for try := 1; ; try++ {
		root, err := client.Root(ctx)
		if err == nil {
			return client, []*x509.Certificate{root}, client, nil
		}
		if try == 50 || !errors.Is(err, holder.ErrAway) {
			return nil, nil, nil, fmt.Errorf("ask the key holder at %s (start it first: inkwitness keyholder): %w", cfg.KeyHolder, err)
		}
		select {
		case <-ctx.Done():
			return nil, nil, nil, ctx.Err()
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// proofs is signing.Proofs: the key holder with words for signers.
type proofs struct{ *holder.Client }

func (p proofs) Enrol(ctx context.Context, document, signer string, public []byte) error {
	return explainHolder(p.Client.Enrol(ctx, document, signer, public))
}

func (p proofs) Challenge(ctx context.Context, document, signer, sha256 string, signatures int, public []byte) (string, error) {
	statement, err := p.Client.Challenge(ctx, document, signer, sha256, signatures, public)
	return statement, explainHolder(err)
}

func (p proofs) Approve(ctx context.Context, document, signer, sha256, statement string, signature []byte) error {
	return explainHolder(p.Client.Approve(ctx, document, signer, sha256, statement, signature))
}

func explainHolder(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, holder.ErrProof):
		return api.Explain(fmt.Errorf("%w: %w", api.ErrForbidden, err), "The proof of your browser is not accepted: it was used, is too old, or belongs to something else. Load this page again.")
	case errors.Is(err, holder.ErrAway), errors.Is(err, holder.ErrBusy), errors.Is(err, holder.ErrUnlogged):
		return api.Explain(fmt.Errorf("%w: %w", api.ErrUnavailable, err), "Signatures cannot be made at this moment. Nothing is lost; try again in a minute.")
	}
	return err
}

var _ vault.KeyStore = (*holder.Files)(nil)
