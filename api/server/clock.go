package server

import (
	"context"
	"crypto"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"
	"os/user"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"inkwitness/api"
	"inkwitness/api/mail"
	"inkwitness/api/store"
	"inkwitness/evidence"
	"inkwitness/evidence/retain"
	"inkwitness/evidence/tsa"
)

// clockOutside asks somebody outside whether the clock is right: the timestamp
// authority, whose answer is signed, or where there is none the time servers.
func clockOutside(cfg Config, watch *tsa.Watch, authority evidence.Timestamper) func(context.Context) error {
	switch {
	case authority != nil:
		return func(ctx context.Context) error {
			digest := sha256.Sum256([]byte(rand.Text())) // any: it is the time that is wanted
			_, err := authority.Timestamp(ctx, crypto.SHA256, digest[:])
			return err
		}
	case len(cfg.TimeServers) > 0:
		return func(ctx context.Context) error {
			_, err := watch.Check(ctx)
			return err
		}
	}
	return nil
}

// confirmWithin is how far apart the two confirmations of the time may be.
const confirmWithin = time.Hour

const confirmation = "clock confirmed by "

// ConfirmClock is one person's word that the machine's time is right, after the
// clock in doubt has stopped all deletion. With the second person's, within an
// hour, deletion goes on. Each has an account, stands in the record, and gets a
// mail, so that nobody is named without hearing of it.
func ConfirmClock(ctx context.Context, cfg Config, email string, w io.Writer) error {
	accounts, cfg, err := openAccounts(ctx, cfg.reached())
	if err != nil {
		return err
	}
	defer accounts.Close()
	post, err := mail.New(mail.Config{Outbox: accounts, Clock: wallClock{}, Logger: cfg.Logger, URL: cfg.PublicURL, QueueOnly: true})
	if err != nil {
		return err
	}
	who, err := confirmer(ctx, accounts, email)
	if err != nil {
		return err
	}
	now := wallClock{}.Now().UTC()
	first := ""
	err = accounts.Tx(ctx, func(ctx context.Context) error {
		words, err := accounts.CaredSince(ctx, confirmation, now.Add(-confirmWithin))
		if err != nil {
			return err
		}
		first = ""
		for _, word := range words {
			if id := strings.TrimPrefix(word, confirmation); id != who.Account {
				first = id
			}
		}
		kind, detail := "clock.vouched", api.Detail{"clock": now.Format(time.RFC3339), "system account": systemAccount()}
		if first != "" {
			kind, detail["first"] = "clock.confirmed", first
			if err := retain.ConfirmClock(ctx, accounts, now, first, who.Account); err != nil {
				return err
			}
			for _, word := range words { // each counts once
				if err := accounts.Unclaim(ctx, word); err != nil {
					return err
				}
			}
		} else if err := accounts.Care(ctx, confirmation+who.Account, now); err != nil {
			return err
		}
		if err := accounts.AppendAudit(ctx, api.Event{Kind: kind, Chain: "service", Organisation: who.Organisation, Account: who.Account, Detail: detail}); err != nil {
			return err
		}
		return post.Notify(ctx, api.Notice{Kind: api.NoticeClock, To: who.Email, Language: who.language, Organisation: who.Organisation, Account: who.Account,
			Values: map[string]string{"time": now.Format(time.RFC3339), "account": systemAccount()}, Key: who.Account + now.Format(time.RFC3339Nano)})
	})
	if err != nil {
		return fmt.Errorf("confirm the time: %w", err)
	}
	if first != "" {
		_, err = fmt.Fprintf(w, "%s is confirmed by two people. Deletion goes on within 15 minutes.\n", now.Format(time.RFC3339))
		return err
	}
	_, err = fmt.Fprintf(w, "%s says that it is %s. Another person has to say so within an hour:\n\n  inkwitness clock confirm --by ADDRESS\n", who.Email, now.Format(time.RFC3339))
	return err
}

func systemAccount() string {
	if u, err := user.Current(); err == nil {
		return u.Username
	}
	return "unknown"
}

// responsible is a person who may answer for the service.
type responsible struct {
	api.Member
	language string
}

// confirmer finds who may answer for the service: the operator's staff, and the
// owners of the first organisation.
func confirmer(ctx context.Context, accounts *store.Accounts, email string) (r responsible, err error) {
	account, err := accounts.AccountByEmail(ctx, email)
	if errors.Is(err, api.ErrNotFound) {
		return r, fmt.Errorf("no account has the address %q; who answers for the service needs one: %w", email, api.ErrInvalid)
	}
	if err != nil {
		return r, fmt.Errorf("find the account of %s: %w", email, err)
	}
	of, err := accounts.Memberships(ctx, account.ID)
	if err != nil {
		return r, fmt.Errorf("find the roles of %s: %w", email, err)
	}
	i := slices.IndexFunc(of, func(m api.Member) bool {
		return m.Organisation == operatorOrganisation && m.Role == api.Staff || m.Organisation == firstOrganisation && m.Role == api.Owner
	})
	if i < 0 || account.State != api.AccountActive {
		return r, fmt.Errorf("%s is neither an owner of the first organisation nor of the operator's staff (inkwitness invite --role staff): %w", email, api.ErrInvalid)
	}
	return responsible{of[i], account.Language}, nil
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
