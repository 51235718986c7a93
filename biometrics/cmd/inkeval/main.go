// Command inkeval measures the comparator's error rates on corpora of real
// signatures, trains the few parameters that are fitted, and compares two score
// files. The figures of biometrics/README.md come from it.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"

	"github.com/alecthomas/kong"
)

type cli struct {
	Run     runCmd     `cmd:"" help:"Score a corpus by a protocol and print the error rates."`
	Eval    evalCmd    `cmd:"" help:"Print the table of biometrics/README.md: all corpora, all protocols, folds by user."`
	Train   trainCmd   `cmd:"" help:"Fit the parameter file from the corpora."`
	Compare compareCmd `cmd:"" help:"Compare two score files of the same trials, paired over users."`
	Rates   ratesCmd   `cmd:"" help:"Print the error rates of a score file."`
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	var c cli
	k := kong.Parse(&c, kong.Name("inkeval"), kong.UsageOnError(), kong.BindTo(ctx, (*context.Context)(nil)))
	if err := k.Run(); err != nil {
		fmt.Fprintln(os.Stderr, "inkeval:", err)
		os.Exit(1)
	}
}
