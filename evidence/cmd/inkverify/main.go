// Command inkverify checks a deposit or a signed PDF, offline.
//
// It says point by point what holds, each with a stable reason code and a
// plain sentence. It opens no connection and knows nothing of the service: all
// it needs is the file and, to say who and not only that, what you trust.
//
// Exit codes: 0 all points hold, 1 at least one does not, 2 the file cannot be
// read or the command line is wrong.
package main

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"time"
	"unicode"

	"inkwitness/evidence"
	"inkwitness/evidence/cmd/internal/check"
	"inkwitness/evidence/cms"
	"inkwitness/evidence/proof"
)

// The exit codes.
const (
	exitHolds  = 0
	exitFails  = 1
	exitUsage  = 2
	usageLines = `Usage: inkverify [flags] FILE

Checks a deposit (.asice) or a signed PDF without any network. A folder is taken
for a copy of a log: the file checkpoint and the tiles under tile/.

Flags:
  --json           write the report as JSON
  --roots FILE     PEM certificates that you trust; without them the file's own are used,
                   which proves that nothing changed, not who sealed it
  --other-roots FILE  with --roots: those of others, for signers' certificates and outside
                   timestamps; they make no seal of the service
  --log-key KEY    key of the log or of a witness that you trust; may be repeated
  --record FILE    evidence record (RFC 4998) of the deposit; FILE.asice.ers beside FILE.asice is taken by itself
  --at TIME        judge as of this time (2031-05-01 or 2031-05-01T12:00:00Z), not now
  --algorithms FILE  JSON with other days until which proofs may rest on algorithms, {"SHA-256": "2031-01-01"}
  --earlier FILE   checkpoint noted earlier, which the log must begin with; may be repeated
  --explain CODE   say what a reason code means ("all" lists them) and exit
  --version        print the version and exit
  --help           print this and exit

Exit codes: 0 everything holds, 1 something does not, 2 cannot be read, or wrong usage.

Example:
  inkverify --roots inkwitness-root.pem contract.asice
  inkverify --record contract.asice.ers --at 2031-05-01 contract.asice
`
)

func main() { os.Exit(run(os.Args[1:], os.Stdout, os.Stderr)) }

// options is the command line.
type options struct {
	asJSON     bool
	explain    string
	version    bool
	roots      string
	others     string
	algorithms string
	keys       []string
	earlier    []string
	record     string
	at         time.Time // zero: now
	file       string
}

func run(args []string, stdout, stderr io.Writer) int {
	o, err := parse(args)
	switch {
	case errors.Is(err, flag.ErrHelp):
		fmt.Fprint(stdout, usageLines)
		return exitHolds
	case err != nil:
		fmt.Fprintf(stderr, "inkverify: %v\n\n%s", err, usageLines)
		return exitUsage
	case o.version:
		fmt.Fprintln(stdout, "inkverify", version())
		return exitHolds
	case o.explain != "":
		return explain(o.explain, stdout, stderr)
	}
	report, err := verify(o)
	if err != nil {
		fmt.Fprintf(stderr, "inkverify: %s: %s\n", plain(o.file), plain(err.Error()))
		return exitUsage
	}
	if o.asJSON {
		err = writeJSON(stdout, o.file, report)
	} else {
		err = writeText(stdout, o.file, report)
	}
	if err != nil {
		fmt.Fprintf(stderr, "inkverify: write report: %v\n", err)
		return exitUsage
	}
	if !report.Holds() {
		return exitFails
	}
	return exitHolds
}

func parse(args []string) (options, error) {
	var o options
	f := flag.NewFlagSet("inkverify", flag.ContinueOnError)
	f.SetOutput(io.Discard)
	f.BoolVar(&o.asJSON, "json", false, "")
	f.BoolVar(&o.version, "version", false, "")
	f.StringVar(&o.explain, "explain", "", "")
	f.StringVar(&o.roots, "roots", "", "")
	f.StringVar(&o.others, "other-roots", "", "")
	f.StringVar(&o.algorithms, "algorithms", "", "")
	f.StringVar(&o.record, "record", "", "")
	f.Func("at", "", func(s string) (err error) { o.at, err = parseTime(s); return err })
	f.Func("log-key", "", func(s string) error { o.keys = append(o.keys, s); return nil })
	f.Func("earlier", "", func(s string) error { o.earlier = append(o.earlier, s); return nil })
	if err := f.Parse(args); err != nil {
		return o, err
	}
	if o.version || o.explain != "" {
		return o, nil
	}
	if f.NArg() != 1 {
		return o, fmt.Errorf("one file is needed, %d were given", f.NArg())
	}
	if o.others != "" && o.roots == "" {
		return o, errors.New("--other-roots goes with --roots, those of the service")
	}
	o.file = f.Arg(0)
	return o, nil
}

// parseTime reads a moment, or the beginning of a day in UTC.
func parseTime(s string) (time.Time, error) {
	for _, layout := range []string{time.RFC3339, time.DateOnly} {
		if t, err := time.Parse(layout, s); err == nil {
			return t, nil
		}
	}
	return time.Time{}, fmt.Errorf("%q is no time; write 2031-05-01 or 2031-05-01T12:00:00Z", s)
}

func verify(o options) (*evidence.Report, error) {
	trust := check.Trust{Now: o.at}
	if o.at.IsZero() {
		trust.Now = time.Now() // the user's own clock, for signatures that carry no timestamp
	}
	if o.roots != "" {
		raw, err := os.ReadFile(o.roots)
		if err != nil {
			return nil, fmt.Errorf("read roots: %w", err)
		}
		if trust.Roots, err = check.Roots(raw); err != nil {
			return nil, fmt.Errorf("roots %s: %w", o.roots, err)
		}
	}
	if o.others != "" {
		raw, err := os.ReadFile(o.others)
		if err != nil {
			return nil, fmt.Errorf("read other roots: %w", err)
		}
		if trust.Others, err = check.Certificates(raw); err != nil {
			return nil, fmt.Errorf("other roots %s: %w", o.others, err)
		}
	}
	if o.algorithms != "" {
		f, err := os.Open(o.algorithms)
		if err != nil {
			return nil, err
		}
		defer f.Close()
		if trust.Algorithms, err = cms.ReadAlgorithms(f); err != nil {
			return nil, fmt.Errorf("algorithms %s: %w", o.algorithms, err)
		}
	}
	for _, s := range o.keys {
		k, err := proof.ParseKey(s)
		if err != nil {
			return nil, err
		}
		trust.LogKeys = append(trust.LogKeys, k)
	}
	f, err := os.Open(o.file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if info.IsDir() {
		return verifyLog(o, trust.LogKeys)
	}
	if !info.Mode().IsRegular() {
		return nil, errors.New("not a file")
	}
	r, size, err := withRecord(o, f, info.Size())
	if err != nil {
		return nil, err
	}
	return check.File(r, size, trust)
}

// maxRecord bounds an evidence record; one of ten years has some ten kilobytes.
const maxRecord = 16 << 20

// withRecord puts the evidence record that was named, or that lies beside the
// deposit, into it.
func withRecord(o options, f *os.File, size int64) (io.ReaderAt, int64, error) {
	name := o.record
	if name == "" {
		name = o.file + ".ers"
	}
	record, err := os.Open(name)
	if errors.Is(err, os.ErrNotExist) && o.record == "" {
		return f, size, nil
	}
	if err != nil {
		return nil, 0, fmt.Errorf("open the evidence record: %w", err)
	}
	defer record.Close()
	der, err := io.ReadAll(io.LimitReader(record, maxRecord))
	if err != nil {
		return nil, 0, fmt.Errorf("read the evidence record: %w", err)
	}
	r, err := check.WithRecord(f, size, der)
	if err != nil {
		return nil, 0, fmt.Errorf("the evidence record %s: %w", name, err)
	}
	return r, r.Size(), nil
}

func verifyLog(o options, keys []proof.Key) (*evidence.Report, error) {
	var earlier [][]byte
	for _, name := range o.earlier {
		raw, err := os.ReadFile(name)
		if err != nil {
			return nil, fmt.Errorf("read earlier checkpoint: %w", err)
		}
		earlier = append(earlier, raw)
	}
	return check.Log(os.DirFS(o.file), keys, earlier), nil
}

func explain(code string, stdout, stderr io.Writer) int {
	if code == "all" {
		for _, c := range check.Codes() {
			fmt.Fprintln(stdout, c)
		}
		return exitHolds
	}
	text := check.Explain(code)
	if text == "" {
		fmt.Fprintf(stderr, "inkverify: no reason code %q; --explain all lists them\n", code)
		return exitUsage
	}
	fmt.Fprintf(stdout, "%s\n\n%s\n", code, text)
	return exitHolds
}

// plain writes what a terminal would obey rather than show, and what turns the
// direction of writing, as escapes: names in a forged file must not paint over
// the report.
func plain(s string) string {
	var b strings.Builder
	for _, r := range s {
		if unicode.IsPrint(r) {
			b.WriteRune(r)
		} else {
			b.WriteString(strings.Trim(strconv.QuoteRune(r), "'"))
		}
	}
	return b.String()
}

// marks stand before each point.
var marks = map[evidence.Status]string{evidence.Holds: "ok   ", evidence.Fails: "FAILS", evidence.Unknown: "open "}

func writeText(w io.Writer, file string, r *evidence.Report) error {
	var b strings.Builder
	file = plain(file)
	open := 0
	for _, c := range r.Checks {
		fmt.Fprintf(&b, "%s  %-24s  %s\n", marks[c.Status], c.Code, plain(c.Text))
		if c.Status == evidence.Fails && c.Part != "" {
			fmt.Fprintf(&b, "%33s  part: %s\n", "", plain(c.Part))
		}
		if c.Status == evidence.Unknown {
			open++
		}
	}
	failed := len(r.Failed())
	switch {
	case failed > 0:
		fmt.Fprintf(&b, "\n%s: %d of %d points do not hold. Do not rely on this file. inkverify --explain CODE says more.\n", file, failed, len(r.Checks))
	case open > 0:
		fmt.Fprintf(&b, "\n%s: everything that can be checked holds; %d points depend on what you trust, see \"open\" above.\n", file, open)
	default:
		fmt.Fprintf(&b, "\n%s: everything holds.\n", file)
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func writeJSON(w io.Writer, file string, r *evidence.Report) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	e.SetEscapeHTML(false)
	return e.Encode(struct {
		File  string `json:"file"`
		Holds bool   `json:"holds"`
		*evidence.Report
	}{file, r.Holds(), r})
}
