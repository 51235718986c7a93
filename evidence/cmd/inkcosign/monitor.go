package main

import (
	"context"
	"fmt"
	"io"
	"time"

	"inkwitness/evidence/cmd/internal/monitor"
	"inkwitness/evidence/proof"
)

// every is how often a monitor looks.
const every = 10 * time.Minute

// watch runs a monitor. Without --once it goes on whatever it finds: an operator
// reads its lines.
func watch(ctx context.Context, o options, stdout, stderr io.Writer) int {
	var keys []proof.Key
	for _, s := range o.logs {
		k, err := proof.ParseKey(s)
		if err != nil {
			fmt.Fprintf(stderr, "inkcosign: %v\n", err)
			return 2
		}
		keys = append(keys, k)
	}
	m, err := monitor.New(monitor.Config{URL: o.monitor, Keys: keys, Dir: o.dir, Witnesses: o.compare})
	if err != nil {
		fmt.Fprintf(stderr, "inkcosign: %v\n", err)
		return 2
	}
	for {
		code := look(ctx, m, stdout, stderr)
		if o.once {
			return code
		}
		select {
		case <-ctx.Done():
			return 0
		case <-time.After(every):
		}
	}
}

func look(ctx context.Context, m *monitor.Monitor, stdout, stderr io.Writer) int {
	report, err := m.Check(ctx)
	if err != nil {
		fmt.Fprintf(stderr, "inkcosign: %v\n", err)
	}
	if report == nil {
		return 1
	}
	for _, c := range report.Checks {
		fmt.Fprintf(stdout, "%s %s: %s\n", c.Status, c.Code, c.Text)
	}
	if !report.Holds() {
		fmt.Fprintln(stdout, "the log does not hold: keep this folder, and tell the other witnesses")
		return 1
	}
	if err != nil {
		return 1
	}
	return 0
}
