package server

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"inkwitness/api"
	"inkwitness/api/store"
	"inkwitness/evidence/durable"
)

// instanceName is the file of an instance's name: a service that is started again
// on the same folder is the same instance.
const instanceName = "instance"

// instance returns the name of this instance, and makes one at the first start.
func instance(data string) (string, error) {
	file := filepath.Join(data, instanceName)
	raw, err := os.ReadFile(file)
	if name := strings.TrimSpace(string(raw)); err == nil && name != "" {
		return name, nil
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return "", err
	}
	name := api.NewID()
	return name, durable.WriteFile(file, strings.NewReader(name+"\n"))
}

// guard is ledger.Guard on the database.
type guard struct {
	store    *store.Store
	instance string
}

const leadsLog = "log"

// Lead implements ledger.Guard.
func (g guard) Lead(ctx context.Context, now, until time.Time) (bool, error) {
	return g.store.Lease(ctx, leadsLog, g.instance, now, until)
}

// Yield implements ledger.Guard.
func (g guard) Yield(ctx context.Context) error { return g.store.Unlease(ctx, leadsLog, g.instance) }

// Forked implements ledger.Guard.
func (g guard) Forked(ctx context.Context) (bool, error) {
	at, err := g.store.LogForked(ctx)
	return !at.IsZero(), err
}

// Fork implements ledger.Guard.
func (g guard) Fork(ctx context.Context, at time.Time) error { return g.store.ForkLog(ctx, at) }

// ResumeLog is somebody's word that the log may be published again, after a
// witness had seen another history of it. They have an account, as for ConfirmClock.
func ResumeLog(ctx context.Context, cfg Config, email string, w io.Writer) error {
	accounts, _, err := openAccounts(ctx, cfg)
	if err != nil {
		return err
	}
	defer accounts.Close()
	who, err := confirmer(ctx, accounts, email)
	if err != nil {
		return err
	}
	at, err := accounts.LogForked(ctx)
	if err != nil {
		return err
	}
	if at.IsZero() {
		_, err = fmt.Fprintln(w, "The log was not stopped.")
		return err
	}
	event := api.Event{Kind: "log.resumed", Chain: "service", Organisation: who.Organisation, Account: who.Account,
		Detail: api.Detail{"stopped": at.UTC().Format(time.RFC3339), "system account": systemAccount()}}
	if err := accounts.AppendAudit(ctx, event); err != nil {
		return err
	}
	if err := accounts.ResumeLog(ctx); err != nil {
		return err
	}
	_, err = fmt.Fprintf(w, "The log, stopped since %s, is published again. It stops once more where a witness still has another history of it.\n", at.UTC().Format(time.RFC3339))
	return err
}
