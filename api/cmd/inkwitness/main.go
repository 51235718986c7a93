// Inkwitness records how a person signs, compares the signature with the
// signer's references and seals document, recording and score into a deposit.
//
//	inkwitness serve --data ./data
//
// Every command explains itself with --help.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/alecthomas/kong"
)

// version is set by the build: -ldflags "-X main.version=1.2.3".
var version = "dev"

// commands is the command line. Every flag can also be set in the environment.
type commands struct {
	operatorCommands
	careCommands

	Serve     serveCommand     `cmd:"" help:"Run the service.\n\nExample: inkwitness serve --data ./data --listen 127.0.0.1:8080"`
	Invite    inviteCommand    `cmd:"" help:"Make a one-time invitation link.\n\nExample: inkwitness invite --data ./data --role owner ada@example.org"`
	Outbox    outboxCommand    `cmd:"" help:"Show mails that wait or stayed here because no mail server is configured.\n\nExample: inkwitness outbox --data ./data"`
	Migrate   migrateCommand   `cmd:"" help:"Bring the database up to date and stop.\n\nExample: inkwitness migrate --database-url postgres://..."`
	Openapi   openapiCommand   `cmd:"" name:"openapi" help:"Print the description of the HTTP interface (OpenAPI 3.1).\n\nExample: inkwitness openapi > openapi.json"`
	Keyholder keyholderCommand `cmd:"" help:"Keep the signers' keys in a process of its own, which signs only what the signer's browser has signed for.\n\nExample: inkwitness keyholder --data /var/lib/inkholder --users inkwitness, then inkwitness serve --key-holder /var/lib/inkholder/holder.sock"`
	Version   versionCommand   `cmd:"" help:"Print the version.\n\nExample: inkwitness version"`
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	var c commands
	parser := kong.Must(&c, kong.Name("inkwitness"), kong.UsageOnError(), kong.BindTo(ctx, (*context.Context)(nil)),
		kong.Description("Biometric signature capture and verification."))
	command, err := parser.Parse(os.Args[1:])
	parser.FatalIfErrorf(err)
	if err := command.Run(); err != nil && !errors.Is(err, context.Canceled) {
		fmt.Fprintln(os.Stderr, "inkwitness:", err)
		stop()
		os.Exit(1)
	}
}

type versionCommand struct{}

// Run prints the version.
func (versionCommand) Run() error {
	_, err := fmt.Println(version)
	return err
}
