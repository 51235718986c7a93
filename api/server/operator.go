package server

import (
	"context"
	"errors"
	"fmt"
	"io"
	"text/tabwriter"

	"inkwitness/api"
	"inkwitness/api/auth"
	"inkwitness/api/store"
)

// operatorOrganisation is where the people of the operator belong. It has no
// documents: they read those of a customer by its grant alone.
const operatorOrganisation = "00000000000000000000000000000002"

// ensureOperator makes the organisation of the operator's people.
func ensureOperator(ctx context.Context, accounts *store.Accounts) error {
	_, err := accounts.Organisation(ctx, operatorOrganisation)
	if errors.Is(err, api.ErrNotFound) {
		err = accounts.CreateOrganisation(ctx, api.Organisation{ID: operatorOrganisation, Created: wallClock{}.Now().UTC(), Name: "Operator"})
	}
	return err
}

// Organisations prints every organisation.
func Organisations(ctx context.Context, cfg Config, w io.Writer) error {
	accounts, _, err := openAccounts(ctx, cfg)
	if err != nil {
		return err
	}
	defer accounts.Close()
	ids, err := accounts.OrganisationIDs(ctx)
	if err != nil {
		return fmt.Errorf("list organisations: %w", err)
	}
	table := tabwriter.NewWriter(w, 0, 4, 2, ' ', 0)
	fmt.Fprintln(table, "ID\tSTATE\tMEMBERS\tNAME")
	for _, id := range ids {
		o, err := accounts.Organisation(ctx, id)
		if err != nil {
			return err
		}
		members, err := accounts.Members(ctx, id)
		if err != nil {
			return err
		}
		state := "active"
		if o.Deactivated {
			state = "deactivated"
		}
		fmt.Fprintf(table, "%s\t%s\t%d\t%s\n", o.ID, state, len(members), o.Name)
	}
	return table.Flush()
}

// AddOrganisation makes an organisation and returns its ID. Its first owner comes
// by an invitation.
func AddOrganisation(ctx context.Context, cfg Config, name string) (string, error) {
	accounts, _, err := openAccounts(ctx, cfg)
	if err != nil {
		return "", err
	}
	defer accounts.Close()
	o := api.Organisation{ID: api.NewID(), Created: wallClock{}.Now().UTC(), Name: name}
	err = accounts.Tx(ctx, func(ctx context.Context) error {
		if err := accounts.CreateOrganisation(ctx, o); err != nil {
			return err
		}
		return accounts.AppendAudit(ctx, api.Event{Kind: "organisation.created", Organisation: o.ID, Object: "organisation:" + o.ID})
	})
	if err != nil {
		return "", fmt.Errorf("make the organisation: %w", err)
	}
	return o.ID, nil
}

// NameOrganisation gives the provider of an organisation a short name on the
// operator's word.
func NameOrganisation(ctx context.Context, cfg Config, id, name string) error {
	accounts, _, err := openAccounts(ctx, cfg)
	if err != nil {
		return err
	}
	defer accounts.Close()
	if !auth.IsShortName(name) {
		return fmt.Errorf("%q is no short name: 3 to 40 small letters, digits and hyphens", name)
	}
	return accounts.Tx(ctx, func(ctx context.Context) error {
		p, err := accounts.ProviderOf(ctx, id)
		if err != nil {
			return fmt.Errorf("find the provider that organisation %s signs in at: %w", id, err)
		}
		now := wallClock{}.Now().UTC()
		if err := accounts.AddProviderName(ctx, api.ProviderName{Provider: p.ID, Name: name, Token: "operator", Added: now, Verified: now}); err != nil {
			return fmt.Errorf("give the name %s: %w", name, err)
		}
		return accounts.AppendAudit(ctx, api.Event{Kind: "provider.changed", Organisation: id, Object: "organisation:" + id, Detail: api.Detail{"name": name, "by": "operator"}})
	})
}

// SetDeactivated stops new submissions of an organisation, or lets them in again.
// What is there can be read and downloaded either way.
func SetDeactivated(ctx context.Context, cfg Config, organisation string, deactivated bool) error {
	accounts, _, err := openAccounts(ctx, cfg)
	if err != nil {
		return err
	}
	defer accounts.Close()
	kind := "organisation.activated"
	if deactivated {
		kind = "organisation.deactivated"
	}
	return accounts.Tx(ctx, func(ctx context.Context) error {
		o, err := accounts.Organisation(ctx, organisation)
		if err != nil {
			return fmt.Errorf("find organisation %s: %w", organisation, err)
		}
		o.Deactivated = deactivated
		if err := accounts.SaveOrganisation(ctx, o); err != nil {
			return fmt.Errorf("change organisation %s: %w", organisation, err)
		}
		return accounts.AppendAudit(ctx, api.Event{Kind: kind, Organisation: o.ID, Object: "organisation:" + o.ID})
	})
}

// SetAccountState blocks an account, lets it read only, or opens it again. A
// blocked account's session ends with its next request.
func SetAccountState(ctx context.Context, cfg Config, email string, state api.AccountState) error {
	accounts, _, err := openAccounts(ctx, cfg)
	if err != nil {
		return err
	}
	defer accounts.Close()
	return accounts.Tx(ctx, func(ctx context.Context) error {
		acc, err := accounts.AccountByEmail(ctx, email)
		if errors.Is(err, api.ErrNotFound) {
			acc, err = accounts.Account(ctx, email)
		}
		if err != nil {
			return fmt.Errorf("find the account of this address or id: %w", err)
		}
		acc.State, acc.ByOperator = state, state
		if err := accounts.SaveAccount(ctx, acc); err != nil {
			return fmt.Errorf("change the account: %w", err)
		}
		of, err := accounts.Memberships(ctx, acc.ID)
		if err != nil {
			return err
		}
		for _, m := range of {
			if err := accounts.AppendAudit(ctx, api.Event{Kind: "account." + string(state), Organisation: m.Organisation, Object: "account:" + acc.ID}); err != nil {
				return err
			}
		}
		return nil
	})
}

// VerifyAudit reads the whole audit record, checks every hash, and says what it
// found. An error means that a line is missing or was changed.
func VerifyAudit(ctx context.Context, cfg Config, w io.Writer) error {
	accounts, _, err := openAccounts(ctx, cfg)
	if err != nil {
		return err
	}
	defer accounts.Close()
	chains, err := accounts.AuditChains(ctx, "")
	if err != nil {
		return fmt.Errorf("list the chains of the record: %w", err)
	}
	lines, broken := 0, []error{}
	for _, name := range chains {
		events, err := accounts.AuditChain(ctx, name)
		if err != nil {
			broken = append(broken, err)
			continue
		}
		lines += len(events)
	}
	if len(broken) > 0 {
		return fmt.Errorf("%d of %d chains do not hold: %w", len(broken), len(chains), errors.Join(broken...))
	}
	_, err = fmt.Fprintf(w, "%d chains with %d lines hold.\n", len(chains), lines)
	return err
}
