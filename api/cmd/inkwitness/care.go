package main

import (
	"context"
	"os"

	"inkwitness/api/server"
)

type checkCommand struct {
	where
	JSON bool `name:"json" help:"Print the report as JSON."`
}

// Run prints what the check found; damage is an error, exit code 1.
func (c *checkCommand) Run(ctx context.Context) error {
	return server.Check(ctx, c.config(), c.JSON, os.Stdout)
}
