package main

import (
	"context"
	"fmt"
	"os"

	"inkwitness/api"
	"inkwitness/api/server"
)

// operatorCommands are about customers and their record.
type operatorCommands struct {
	Organisations organisationsCommand `cmd:"" help:"The organisations that the service is for."`
	Accounts      accountsCommand      `cmd:"" help:"Close and open accounts."`
	Audit         auditCommand         `cmd:"" help:"The audit record."`
	Keys          keysCommand          `cmd:"" help:"The root key and what is wrapped with it: of the service, or of the key holder where --data is its folder."`
}

type organisationsCommand struct {
	List       listOrganisations      `cmd:"" help:"List them.\n\nExample: inkwitness organisations list"`
	Add        addOrganisation        `cmd:"" help:"Make one; then invite its first owner.\n\nExample: inkwitness organisations add 'Atelier Durand'"`
	Deactivate deactivateOrganisation `cmd:"" help:"Take nothing new from it; what is there can be read.\n\nExample: inkwitness organisations deactivate 3f0c..."`
	Activate   activateOrganisation   `cmd:"" help:"Take from it again.\n\nExample: inkwitness organisations activate 3f0c..."`
	Name       nameOrganisation       `cmd:"" help:"Give it a short name for single sign-on that none of its domains begins with. Members enter it instead of their address, so be sure that it is theirs.\n\nExample: inkwitness organisations name 3f0c... atelier"`
}

type listOrganisations struct{ where }

// Run prints them.
func (c *listOrganisations) Run(ctx context.Context) error {
	return server.Organisations(ctx, c.config(), os.Stdout)
}

type addOrganisation struct {
	where
	Name string `arg:"" help:"Its name, as its members and signers read it."`
}

// Run prints the ID.
func (c *addOrganisation) Run(ctx context.Context) error {
	id, err := server.AddOrganisation(ctx, c.config(), c.Name)
	if err != nil {
		return err
	}
	_, err = fmt.Println(id)
	return err
}

type deactivateOrganisation struct {
	where
	ID string `arg:"" help:"Of the organisation, see list."`
}

// Run deactivates it.
func (c *deactivateOrganisation) Run(ctx context.Context) error {
	return server.SetDeactivated(ctx, c.config(), c.ID, true)
}

type activateOrganisation struct {
	where
	ID string `arg:"" help:"Of the organisation, see list."`
}

// Run activates it.
func (c *activateOrganisation) Run(ctx context.Context) error {
	return server.SetDeactivated(ctx, c.config(), c.ID, false)
}

type nameOrganisation struct {
	where
	ID   string `arg:"" help:"Of the organisation, see list."`
	Name string `arg:"" help:"3 to 40 letters, digits and hyphens."`
}

// Run gives the name.
func (c *nameOrganisation) Run(ctx context.Context) error {
	return server.NameOrganisation(ctx, c.config(), c.ID, c.Name)
}

type accountsCommand struct {
	Block      stateCommand `cmd:"" help:"End its session and let nobody sign in to it.\n\nExample: inkwitness accounts block eve@example.org"`
	Deactivate stateCommand `cmd:"" help:"Let it read and download, and submit nothing.\n\nExample: inkwitness accounts deactivate eve@example.org"`
	Activate   stateCommand `cmd:"" help:"Open it again.\n\nExample: inkwitness accounts activate eve@example.org"`
}

// BeforeResolve tells each command which state it sets.
func (c *accountsCommand) BeforeResolve() error {
	c.Block.state, c.Deactivate.state, c.Activate.state = api.AccountBlocked, api.AccountDeactivated, api.AccountActive
	return nil
}

type stateCommand struct {
	where
	Email string `arg:"" help:"Address of the account, or its id: accounts that a provider or directory made are found by that alone."`

	state api.AccountState
}

// Run sets the state.
func (c *stateCommand) Run(ctx context.Context) error {
	return server.SetAccountState(ctx, c.config(), c.Email, c.state)
}

type auditCommand struct {
	Verify verifyAudit `cmd:"" help:"Check every hash of the audit record; ends with 1 when a line is missing or was changed.\n\nExample: inkwitness audit verify --data ./data"`
}

type verifyAudit struct{ where }

// Run checks the record.
func (c *verifyAudit) Run(ctx context.Context) error {
	return server.VerifyAudit(ctx, c.config(), os.Stdout)
}

type keysCommand struct {
	List   listKeys   `cmd:"" help:"Say with which root key the keys are wrapped.\n\nExample: inkwitness keys list --data ./data"`
	Rotate rotateKeys `cmd:"" help:"Wrap every key with a new root key, while the service runs. A root key in a file is made anew in that file; one of a key service is named by --root-key, and the one before by --old-root-keys, for the service as well.\n\nExample: inkwitness keys rotate --data ./data --retire"`
	Check  checkKeys  `cmd:"" help:"Prove that nothing needs an older root key; ends with 1 and names what does.\n\nExample: inkwitness keys check --data ./data"`
}

type listKeys struct {
	where
	Every bool `help:"Each key by itself, with what it belongs to."`
}

// Run prints them.
func (c *listKeys) Run(ctx context.Context) error {
	return server.ListKeys(ctx, c.config(), c.Every, os.Stdout)
}

type rotateKeys struct {
	where
	Retire bool `help:"Take the older root keys out of the file once nothing needs them."`
}

// Run rotates.
func (c *rotateKeys) Run(ctx context.Context) error {
	return server.RotateKeys(ctx, c.config(), c.Retire, os.Stdout)
}

type checkKeys struct{ where }

// Run checks.
func (c *checkKeys) Run(ctx context.Context) error {
	return server.CheckKeys(ctx, c.config(), os.Stdout)
}
