// Command inkcosign is a witness: run by somebody else than the log, it
// confirms that the log only grows, and cosigns each tree that begins with the
// one before (C2SP tlog-witness). Two of them on other people's machines are
// what keeps a log's operator from rewriting its history.
//
// With --monitor it reads a log instead, derives all of it again, and compares it
// with what it noted before and with what witnesses have confirmed.
//
// Exit codes: 0 stopped on request or the log holds, 1 failed or the log does not
// hold, 2 wrong usage.
package main

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"inkwitness/evidence/cmd/internal/witness"
	"inkwitness/evidence/durable"
	"inkwitness/evidence/proof"
)

const usageText = `Usage: inkcosign --name NAME --dir DIR --log KEY [--log KEY] [--listen HOST:PORT]
       inkcosign --monitor URL --dir DIR --log KEY [--log KEY] [--compare URL] [--once]

Confirms that transparency logs only grow, and cosigns their checkpoints.

Flags:
  --name NAME         name of this witness, a URL without a scheme: witness.example.org/ink
  --dir DIR           where its keys and the newest confirmed checkpoints are kept
  --log KEY           key of a log to watch, as the log publishes it; may be repeated
  --listen HOST:PORT  where to listen; 127.0.0.1:8090 by default
  --keys              print this witness's public keys and exit
  --monitor URL       read the log at this address every ten minutes instead, derive all of it again,
                      and compare it with what was noted in DIR
  --compare URL       with --monitor: a witness whose newest checkpoint must agree, and be shown by the log within a day; may be repeated
  --once              with --monitor: look once; exit with 1 when the log does not hold

Example:
  inkcosign --name witness.example.org/ink --dir /var/lib/inkcosign --log 'sign.example.com/log+1a2b3c4d+AQ...'
  inkcosign --monitor https://sign.example.com/log --dir /var/lib/inkcosign --log 'sign.example.com/log+1a2b3c4d+AQ...' --once
`

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	os.Exit(run(ctx, os.Args[1:], os.Stdout, os.Stderr))
}

type options struct {
	name, dir, listen string
	logs              []string
	keys              bool
	monitor           string
	compare           []string
	once              bool
}

func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	var o options
	f := flag.NewFlagSet("inkcosign", flag.ContinueOnError)
	f.SetOutput(io.Discard)
	f.StringVar(&o.name, "name", "", "")
	f.StringVar(&o.dir, "dir", "", "")
	f.StringVar(&o.listen, "listen", "127.0.0.1:8090", "")
	f.BoolVar(&o.keys, "keys", false, "")
	f.StringVar(&o.monitor, "monitor", "", "")
	f.BoolVar(&o.once, "once", false, "")
	f.Func("compare", "", func(s string) error { o.compare = append(o.compare, s); return nil })
	f.Func("log", "", func(s string) error { o.logs = append(o.logs, s); return nil })
	err := f.Parse(args)
	if errors.Is(err, flag.ErrHelp) {
		fmt.Fprint(stdout, usageText)
		return 0
	}
	if err != nil || o.name == "" && o.monitor == "" || o.dir == "" || len(o.logs) == 0 && !o.keys {
		fmt.Fprintf(stderr, "inkcosign: --name or --monitor, --dir and --log are needed\n\n%s", usageText)
		return 2
	}
	if o.monitor != "" {
		return watch(ctx, o, stdout, stderr)
	}
	if err := serve(ctx, o, stdout, stderr); err != nil {
		fmt.Fprintf(stderr, "inkcosign: %v\n", err)
		return 1
	}
	return 0
}

// wallClock is the machine's clock.
type wallClock struct{}

func (wallClock) Now() time.Time { return time.Now() }

func serve(ctx context.Context, o options, stdout, stderr io.Writer) error {
	claimed, err := claim(o.dir)
	switch {
	case err == nil:
		defer claimed.Close()
	case !o.keys: // which may be asked for beside the running witness
		return err
	}
	signers, err := openKeys(o)
	if err != nil {
		return err
	}
	for _, s := range signers {
		fmt.Fprintln(stdout, s.Key)
	}
	if o.keys {
		return nil
	}
	logs := map[string][]proof.Key{}
	for _, s := range o.logs {
		k, err := proof.ParseKey(s)
		if err != nil {
			return err
		}
		logs[k.Name] = append(logs[k.Name], k)
	}
	w, err := witness.New(witness.Config{Signers: signers, Logs: logs, Dir: o.dir, Clock: wallClock{}})
	if err != nil {
		return err
	}
	listener, err := net.Listen("tcp", o.listen)
	if err != nil {
		return fmt.Errorf("listen: %w", err)
	}
	fmt.Fprintf(stdout, "listening on http://%s\n", listener.Addr())
	server := &http.Server{Handler: w.Handler(slog.New(slog.NewTextHandler(stderr, nil))), ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 10 * time.Second}
	ended := make(chan struct{})
	context.AfterFunc(ctx, func() {
		defer close(ended)
		grace, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		_ = server.Shutdown(grace) // what does not end in time is cut
	})
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serve: %w", err)
	}
	<-ended
	return nil
}

// openKeys opens the seed of the witness's keys, and makes it at the first start.
func openKeys(o options) ([]*proof.Signer, error) {
	path := filepath.Join(o.dir, "witness.key")
	raw, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		var seeds [64]byte
		rand.Read(seeds[:]) // never fails, see crypto/rand
		raw = []byte(base64.StdEncoding.EncodeToString(seeds[:]) + "\n")
		err = durable.WriteFile(path, strings.NewReader(string(raw)))
	}
	if err != nil {
		return nil, fmt.Errorf("witness key: %w", err)
	}
	seeds, err := base64.StdEncoding.DecodeString(strings.TrimSpace(string(raw)))
	if err != nil || len(seeds) != 64 {
		return nil, fmt.Errorf("witness key %s is not one of ours", path)
	}
	var signers []*proof.Signer
	for i, a := range []proof.Algorithm{proof.CosignEd, proof.CosignMLDSA} {
		s, err := proof.NewSigner(o.name, a, seeds[32*i:32*i+32])
		if err != nil {
			return nil, err
		}
		signers = append(signers, s)
	}
	return signers, nil
}
