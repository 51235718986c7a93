// Command dtwpeers measures our dynamic time warping beside other people's in
// one run, so that the machine and its load are the same for all: run it by
// make bench-peers.
//
// Peers are what npm offers (npm/package.json). Those with a C core are not to be
// had from Debian, npm or the Go proxy; for them the table repeats how they
// compared with our scalar kernel when all were measured side by side, as a bar.
package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"os/exec"
	"os/signal"
	"strconv"
	"time"

	"github.com/alecthomas/kong"

	"inkwitness/biometrics/dtw"
)

type cli struct {
	Length int    `default:"400" help:"Points of each series."`
	Rounds int    `default:"15" help:"Rounds; the best of each counts, because load only ever adds."`
	NPM    string `default:"biometrics/cmd/dtwpeers/npm" type:"path" help:"Directory of the peers from npm, after npm ci there."`
}

// Help is what --help adds to the flags.
func (cli) Help() string {
	return "Example:\n  (cd biometrics/cmd/dtwpeers/npm && npm ci) && go run ./biometrics/cmd/dtwpeers --rounds 30"
}

// bar is a peer that cannot be had here: its time over that of our scalar
// kernel, squared L2, full window, one thread, both measured side by side on the
// machine and day of the design (dtaidistance 5.1 and tempo 2.6 ns a cell beside
// 4.4 for 7 dimensions and 400 points; 5.0 and 2.9 beside 1.5 for one).
type bar struct {
	name  string
	dims  int
	ratio float64
}

var bars = []bar{
	{"dtaidistance (C)", 1, 5.0 / 1.5}, {"tempo EAPrunedDTW (C++)", 1, 2.9 / 1.5},
	{"dtaidistance (C)", 7, 5.1 / 4.4}, {"tempo EAPrunedDTW (C++)", 7, 2.6 / 4.4},
}

// measured is one line of the table.
type measured struct {
	Name      string  `json:"name"`
	Dims      int     `json:"dims"`
	NSPerCell float64 `json:"nsPerCell"`
	Distance  float64 `json:"distance"`
}

func main() {
	var c cli
	kong.Parse(&c, kong.Name("dtwpeers"), kong.Description("Our dynamic time warping beside other people's, in one run."), kong.UsageOnError())
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := c.run(ctx, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "dtwpeers:", err)
		os.Exit(1)
	}
}

func (c *cli) run(ctx context.Context, w io.Writer) error {
	if c.Length < 2 || c.Length > dtw.MaxLength || c.Rounds < 1 {
		return fmt.Errorf("%d points, %d rounds: want 2 to %d points and a round", c.Length, c.Rounds, dtw.MaxLength)
	}
	best := map[string]measured{}
	var order []string
	keep := func(ms []measured) {
		for _, m := range ms {
			key := fmt.Sprint(m.Name, m.Dims)
			old, seen := best[key]
			if !seen {
				order = append(order, key)
			}
			if !seen || m.NSPerCell < old.NSPerCell {
				best[key] = m
			}
		}
	}
	for range 3 { // turn about, so that a burst of load does not hit one side only
		ours, err := c.ours()
		if err != nil {
			return err
		}
		keep(ours)
		theirs, err := c.theirs(ctx)
		if err != nil {
			return err
		}
		keep(theirs)
	}
	var all []measured
	for _, key := range order {
		all = append(all, best[key])
	}
	return table(w, c.Length, all)
}

// series is the data of npm/peers.mjs.
func series(seed uint32, n, dims int) (*dtw.Series, error) {
	channels := make([][]float32, dims)
	for i := 0; i < n; i++ {
		for d := range channels {
			seed = seed*1664525 + 1013904223
			channels[d] = append(channels[d], float32(float64(seed)/(1<<32)))
		}
	}
	return dtw.New(channels, nil)
}

func scalarName() string { return "ours, scalar" }
func fastName() string   { return "ours, " + dtw.Kernel() }

func (c *cli) ours() ([]measured, error) {
	var out []measured
	for _, dims := range []int{1, 7} {
		a, err := series(1, c.Length, dims)
		if err != nil {
			return nil, err
		}
		b, err := series(2, c.Length, dims)
		if err != nil {
			return nil, err
		}
		for _, k := range []struct {
			name  string
			align func(a, b *dtw.Series, o dtw.Options) (float32, error)
		}{{scalarName(), dtw.Scalar}, {fastName(), dtw.Distance}, {"ours, with the path", func(a, b *dtw.Series, o dtw.Options) (float32, error) {
			_, d, err := dtw.Path(a, b, o)
			return d, err
		}}} {
			m := measured{Name: k.name, Dims: dims, NSPerCell: math.Inf(1)}
			for range c.Rounds * 10 {
				start := time.Now()
				d, err := k.align(a, b, dtw.Options{Metric: dtw.L2})
				if err != nil {
					return nil, err
				}
				m.NSPerCell = min(m.NSPerCell, float64(time.Since(start).Nanoseconds())/float64(c.Length*c.Length))
				m.Distance = float64(d)
			}
			out = append(out, m)
		}
	}
	return out, nil
}

func (c *cli) theirs(ctx context.Context) ([]measured, error) {
	cmd := exec.CommandContext(ctx, "node", "peers.mjs", strconv.Itoa(c.Length), strconv.Itoa(c.Rounds))
	cmd.Dir = c.NPM
	var notes bytes.Buffer
	cmd.Stderr = &notes
	text, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("peers from npm (run npm ci in %s first): %w: %s", c.NPM, err, bytes.TrimSpace(notes.Bytes()))
	}
	return parse(text)
}

func parse(text []byte) ([]measured, error) {
	var out []measured
	lines := bufio.NewScanner(bytes.NewReader(text))
	for lines.Scan() {
		var m measured
		if err := json.Unmarshal(lines.Bytes(), &m); err != nil || m.NSPerCell <= 0 {
			return nil, fmt.Errorf("peers from npm print %q: %w", lines.Text(), errors.Join(errors.New("not a measurement"), err))
		}
		out = append(out, m)
	}
	return out, lines.Err()
}

// table prints all, as a multiple of our scalar kernel's time, and refuses
// figures of programs that computed something else.
func table(w io.Writer, length int, all []measured) error {
	fmt.Fprintf(w, "DTW of two series of %d points, squared L2, full window, one thread\n\n%-28s %4s %9s %16s\n", length, "", "dims", "ns/cell", "x our scalar")
	for _, dims := range []int{1, 7} {
		scalar, distance := 0.0, 0.0
		for _, m := range all {
			if m.Dims == dims && m.Name == scalarName() {
				scalar, distance = m.NSPerCell, m.Distance
			}
		}
		for _, m := range all {
			if m.Dims != dims {
				continue
			}
			if math.Abs(m.Distance-distance) > 1e-4*distance {
				return fmt.Errorf("%s finds the distance %v, the scalar kernel %v", m.Name, m.Distance, distance)
			}
			fmt.Fprintf(w, "%-28s %4d %9.2f %16.2f\n", m.Name, dims, m.NSPerCell, m.NSPerCell/scalar)
		}
		for _, b := range bars {
			if b.dims == dims {
				fmt.Fprintf(w, "%-28s %4d %9s %16.2f\n", b.name, dims, "-", b.ratio)
			}
		}
	}
	fmt.Fprintln(w, "\n- : not to be had from Debian, npm or the Go proxy; the ratio is that of an earlier run side by side")
	return nil
}
