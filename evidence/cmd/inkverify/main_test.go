package main

import (
	"bytes"
	"context"
	"crypto"
	"encoding/json"
	"encoding/pem"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"inkwitness/evidence"
	"inkwitness/evidence/cmd/internal/check"
	"inkwitness/evidence/cms"
	"inkwitness/evidence/deposit"
	"inkwitness/evidence/ledger"
	"inkwitness/evidence/proof"
	"inkwitness/evidence/seal/sealtest"
)

// files are what the tests verify, made once.
type files struct {
	deposit, document, roots, otherRoots, key, otherKey, broken, text, firstByte, forged string
	log, earlier, forked, brokenLog                                                      string
	algorithms                                                                           string
	record, recorded, brokenRecorded                                                     string // an evidence record; deposits that one lies beside
}

// recordOf makes an evidence record.
func recordOf(t *testing.T, w *sealtest.World, raw []byte) []byte {
	t.Helper()
	c, err := deposit.Open(bytes.NewReader(raw), int64(len(raw)))
	w.Check(err)
	group, err := c.Hashes(crypto.SHA256)
	w.Check(err)
	records, err := cms.NewRecords(t.Context(), crypto.SHA256, [][][]byte{group}, func(ctx context.Context, h crypto.Hash, digest []byte) ([]byte, error) {
		return w.Config.Timestamper.Timestamp(ctx, h, digest)
	})
	w.Check(err)
	der, err := records[0].Marshal()
	w.Check(err)
	return der
}

// copyLog writes what a monitor downloads.
func copyLog(t *testing.T, l *ledger.Log, size int64) string {
	t.Helper()
	dir := t.TempDir()
	write := func(path string, b []byte, err error) {
		if err == nil {
			err = os.MkdirAll(filepath.Join(dir, filepath.Dir(path)), 0o700)
		}
		if err == nil {
			err = os.WriteFile(filepath.Join(dir, path), b, 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	c, err := l.Checkpoint(t.Context())
	write("checkpoint", c, err)
	for level, n := range map[string]int64{"entries": size, "0": size, "1": size / 256} {
		for i := int64(0); i*256 < n; i++ {
			path := proof.LogPath(level, i, int(min(256, n-i*256)))
			b, err := l.Tile(t.Context(), path)
			write(path, b, err)
		}
	}
	return dir
}

// growLog adds entries until the log has the given size.
func growLog(t *testing.T, w *sealtest.World, from, to int) []byte {
	t.Helper()
	for i := from; i < to; i++ {
		w.Check(w.LogStore.Add(evidence.Commit([32]byte{byte(i), byte(i >> 8)})))
	}
	_, err := w.Ledger.Sequence(t.Context())
	w.Check(err)
	c, err := w.Ledger.Checkpoint(t.Context())
	w.Check(err)
	return c
}

func makeFiles(t *testing.T) files {
	t.Helper()
	w, other := sealtest.New(t), sealtest.New(t)
	d := w.Sealed(1, 5000)
	raw := w.Bytes(d.Container)
	broken := bytes.Clone(raw)
	broken[len(broken)/2] ^= 1
	first, forged := bytes.Clone(raw), bytes.ReplaceAll(raw, []byte("data/deposit.json"), []byte("\x1b[2J\x1b[Hok all okk"))
	first[0] ^= 1
	dir := t.TempDir()
	write := func(name string, b []byte) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, b, 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	root := func(w *sealtest.World) []byte {
		return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: w.CA.Root().Raw})
	}
	record := recordOf(t, w, raw)
	write("recorded.asice.ers", record)
	write("brokenrecorded.asice.ers", record)
	earlier := growLog(t, w, 1, 100)
	growLog(t, w, 100, 300)
	forked := growLog(t, other, 0, 50)
	brokenLog := copyLog(t, w.Ledger, 300)
	if err := os.Truncate(filepath.Join(brokenLog, "tile", "0", "000"), 100); err != nil {
		t.Fatal(err)
	}
	return files{log: copyLog(t, w.Ledger, 300), earlier: write("earlier", earlier), forked: write("forked", forked), brokenLog: brokenLog, deposit: write("d.asice", raw), document: write("c.pdf", w.Bytes(d.Document)), roots: write("root.pem", root(w)),
		otherRoots: write("other.pem", root(other)), key: w.Ledger.Keys()[0].String(), otherKey: other.Ledger.Keys()[0].String(),
		algorithms: write("algorithms.json", []byte(`{"ECDSA P-256": "2060-01-01", "SHA-256": "2060-01-01"}`)), record: write("d.record", record), recorded: write("recorded.asice", raw), brokenRecorded: write("brokenrecorded.asice", broken),
		firstByte: write("first.asice", first), forged: write("forged.asice", forged),
		broken: write("broken.asice", broken), text: write("notes.txt", []byte("just text"))}
}

func TestCommandLine(t *testing.T) {
	f := makeFiles(t)
	for _, c := range []struct {
		name string
		args []string
		exit int
		has  string // in the output, either one
		not  string
	}{
		{"deposit alone", []string{f.deposit}, 0, "everything that can be checked holds; 2 points depend on what you trust", "FAILS"},
		{"deposit trusted", []string{"--roots", f.roots, "--log-key", f.key, f.deposit}, 0, "everything holds.", "open"},
		{"wrong roots", []string{"--roots", f.otherRoots, f.deposit}, 1, "does not lead to a root that is trusted", ""},
		{"wrong log", []string{"--log-key", f.otherKey, f.deposit}, 1, "deposit.trust.log", ""},
		{"broken", []string{f.broken}, 1, "Do not rely on this file", ""},
		{"record beside it", []string{"--roots", f.roots, f.recorded}, 0, "An evidence record covers every file", "FAILS"},
		{"record named", []string{"--record", f.record, f.deposit}, 0, "An evidence record covers every file", "FAILS"},
		{"record of something else", []string{"--record", f.record, f.document}, 2, "it belongs to a deposit", ""},
		{"no record", []string{"--record", f.text, f.deposit}, 2, "the evidence record", ""},
		{"missing record", []string{"--record", "/nowhere", f.deposit}, 2, "open the evidence record", ""},
		{"record of a broken deposit", []string{f.brokenRecorded}, 1, "Do not rely on this file", ""},
		{"at another time", []string{"--at", "2034-05-01", f.recorded}, 0, "An evidence record covers every file", "FAILS"},
		{"after an algorithm ended", []string{"--at", "2037-05-01", f.recorded}, 0, "ECDSA P-256 counts until 2035-01-01", "FAILS"},
		{"which counts longer", []string{"--at", "2037-05-01", "--algorithms", f.algorithms, f.recorded}, 0, "An evidence record covers every file", "FAILS"},
		{"no table of algorithms", []string{"--algorithms", f.roots, f.recorded}, 2, "read the end dates of algorithms", ""},
		{"after the record ended", []string{"--at", "2039-05-01T12:00:00Z", f.recorded}, 0, "Ask for the deposit's newer .ers file", "FAILS"},
		{"before the seal", []string{"--at", "2020-01-01", f.deposit}, 0, "there was no such deposit", "FAILS"},
		{"after the timestamp's certificate", []string{"--at", "2050-01-01", f.deposit}, 0, "no evidence record renews it in time", "FAILS"},
		{"first byte", []string{f.firstByte}, 1, "part: mimetype", "neither"},
		{"forged name", []string{f.forged}, 1, `\x1b[2J`, "\x1b"},
		{"no time", []string{"--at", "tomorrow", f.deposit}, 2, "write 2031-05-01", ""},
		{"document", []string{"--roots", f.roots, f.document}, 0, "Signature by", "FAILS"},
		{"document alone", []string{f.document}, 0, "pdf.trust.roots", "FAILS"},
		{"document, wrong roots", []string{"--roots", f.otherRoots, f.document}, 1, "pdf.timestamp-untrusted", ""},
		{"text", []string{f.text}, 2, "neither a deposit nor a PDF", ""},
		{"missing", []string{"/nowhere"}, 2, "no such file", ""},
		{"folder that is no log", []string{filepath.Dir(f.text)}, 1, "log.read", ""},
		{"log", []string{"--log-key", f.key, "--earlier", f.earlier, f.log}, 0, "is the beginning of this log", "FAILS"},
		{"log alone", []string{f.log}, 0, "All 300 entries", "FAILS"},
		{"log, wrong key", []string{"--log-key", f.otherKey, f.log}, 1, "log.signature", ""},
		{"log, another history", []string{"--earlier", f.forked, f.log}, 1, "log.consistency", ""},
		{"log, broken tile", []string{f.brokenLog}, 1, "log.tree", ""},
		{"no file", nil, 2, "one file is needed", ""},
		{"two files", []string{f.deposit, f.deposit}, 2, "2 were given", ""},
		{"unknown flag", []string{"--nonsense"}, 2, "Usage:", ""},
		{"bad key", []string{"--log-key", "x", f.deposit}, 2, "malformed", ""},
		{"roots that are none", []string{"--roots", f.text, f.deposit}, 2, "no certificate", ""},
		{"help", []string{"--help"}, 0, "Example:", ""},
		{"version", []string{"--version"}, 0, "inkverify", ""},
		{"explain", []string{"--explain", "deposit.file.changed"}, 0, "changed or damaged after the seal", ""},
		{"explain all", []string{"--explain", "all"}, 0, "pdf.change.page", ""},
		{"explain nothing", []string{"--explain", "x"}, 2, "no reason code", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			var out, errs bytes.Buffer
			if got := run(c.args, &out, &errs); got != c.exit {
				t.Errorf("exit %d, want %d\n%s%s", got, c.exit, &out, &errs)
			}
			all := out.String() + errs.String()
			if !strings.Contains(all, c.has) || c.not != "" && strings.Contains(all, c.not) {
				t.Errorf("want %q and not %q in\n%s", c.has, c.not, all)
			}
		})
	}
}

func TestJSON(t *testing.T) {
	f := makeFiles(t)
	for file, exit := range map[string]int{f.deposit: 0, f.broken: 1} {
		var out, errs bytes.Buffer
		if got := run([]string{"--json", file}, &out, &errs); got != exit {
			t.Fatalf("exit %d: %s", got, &errs)
		}
		var report struct {
			File   string
			Holds  bool
			Kind   string
			Checks []struct{ Code, Status, Part, Text string }
		}
		if err := json.Unmarshal(out.Bytes(), &report); err != nil {
			t.Fatal(err)
		}
		if report.Holds != (exit == 0) || report.Kind != "deposit" || len(report.Checks) < 10 || report.File != file {
			t.Errorf("%s", &out)
		}
		for _, c := range report.Checks {
			if check.Explain(c.Code) == "" {
				t.Errorf("code %s is not explained", c.Code)
			}
		}
	}
}

// The verifier must not be able to reach anything. It reads recordings with the same readers as the
// service; what records them, and with it every socket, stays out.
func TestLinksNoNetwork(t *testing.T) {
	out, err := exec.Command("go", "list", "-deps", "-f", "{{.ImportPath}} {{.Standard}}{{range .Imports}} {{.}}{{end}}", ".").Output()
	if err != nil {
		t.Fatal(err)
	}
	// package net itself comes with crypto/x509, which parses addresses in certificates
	banned := regexp.MustCompile(`^(net/http.*|database/sql|github.com/pion/.*|inkwitness/api.*|gocloud.dev.*|.*/sqlite.*)$`)
	readers := regexp.MustCompile(`^inkwitness/capture(/(ink|media|stream|timeline|webm|inspect))?$`)
	for line := range strings.Lines(string(out)) {
		fields := strings.Fields(line)
		pkg, standard, imports := fields[0], fields[1], fields[2:]
		if banned.MatchString(pkg) || strings.HasPrefix(pkg, "inkwitness/capture") && !readers.MatchString(pkg) {
			t.Errorf("links %s", pkg)
		}
		for _, i := range imports {
			if standard == "false" && (i == "net" || i == "os/exec" || i == "plugin") {
				t.Errorf("links %s, which imports %s", pkg, i)
			}
		}
	}
}
