// Command inkeval measures the comparator's error rates on corpora of real
// signatures, trains the few parameters that are fitted, compares two score
// files, and scores single signatures from files. The figures of
// biometrics/README.md come from it.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"

	"github.com/alecthomas/kong"
)

type cli struct {
	Run     runCmd     `cmd:"" help:"Score a corpus by a protocol and print the error rates."`
	Score   scoreCmd   `cmd:"" help:"Compare a questioned signature with references, from files."`
	Seal    sealCmd    `cmd:"" help:"Keep references encrypted, for inkeval score."`
	Copies  copiesCmd  `cmd:"" help:"Find signatures that are copies of others."`
	Eval    evalCmd    `cmd:"" help:"Print the table of biometrics/README.md: all corpora, all protocols, folds by user."`
	Train   trainCmd   `cmd:"" help:"Fit the parameter file from the corpora."`
	Compare compareCmd `cmd:"" help:"Compare two score files of the same trials, paired over users."`
	Rates   ratesCmd   `cmd:"" help:"Print the error rates of a score file."`
}

// stdout is where results go; progress and notices go to stderr.
var stdout, stderr io.Writer = os.Stdout, os.Stderr

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "inkeval:", err)
		os.Exit(1)
	}
}

// errHelp ends a run that only printed help.
var errHelp = errors.New("help was printed")

func run(ctx context.Context, args []string) (err error) {
	defer func() {
		if p := recover(); p != nil {
			if p != errHelp {
				panic(p)
			}
			err = nil
		}
	}()
	var c cli
	parser, err := kong.New(&c, kong.Name("inkeval"), kong.Description("Error rates of the signature comparator, from corpora of real signatures.\n\nExample: inkeval run --corpus svc2004-task2 --path corpora/svc2004 --protocol rand --scores t2.csv"),
		kong.Writers(stdout, stderr), kong.BindTo(ctx, (*context.Context)(nil)), kong.Exit(func(int) { panic(errHelp) }))
	if err != nil {
		return err
	}
	k, err := parser.Parse(args)
	if err != nil {
		return fmt.Errorf("%w; inkeval --help lists the commands, inkeval COMMAND --help has examples", err)
	}
	return k.Run()
}
