// Package defences switches off each defence of the service, one at a time, and
// sees that a test notices: a test that goes on passing without the line that it
// is there for protects nobody.
//
// It has no code of its own. The compiler reads the changed file in place of the
// real one (go test -overlay), nothing in the folder is touched.
package defences

import (
	"context"
	"encoding/json"
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

var all = flag.Bool("all", false, "switch off every defence, not the quick ones alone (make mutants)")

// wanted is how many defences the table has at least.
const wanted = 25

// TestDefences: every text of the table stands where the table says, and the
// named test fails without it.
func TestDefences(t *testing.T) {
	if len(table) < wanted {
		t.Errorf("%d defences in the table, want at least %d", len(table), wanted)
	}
	root, err := filepath.Abs(filepath.Join("..", ".."))
	if err != nil {
		t.Fatal(err)
	}
	named := map[string]bool{}
	for _, d := range table {
		t.Run(strings.ReplaceAll(d.name, " ", "_"), func(t *testing.T) {
			if named[d.name] {
				t.Errorf("two defences have this name")
			}
			named[d.name] = true
			source, err := os.ReadFile(filepath.Join(root, d.file))
			if err != nil {
				t.Fatal(err)
			}
			if n := strings.Count(string(source), d.text); n != 1 || d.text == d.off {
				t.Fatalf("%s has this text %d times, want it once; name the line as it is now:\n%s", d.file, n, d.text)
			}
			if *all || d.quick {
				missed(t, root, d, strings.Replace(string(source), d.text, d.off, 1))
			}
		})
	}
}

// failure is the line by which a test, and not the compiler, says no.
var failure = regexp.MustCompile(`(?m)^\s*--- FAIL: Test`)

// missed runs the test of a defence that is switched off, and wants it to fail.
func missed(t *testing.T, root string, d defence, source string) {
	folder := t.TempDir()
	changed := filepath.Join(folder, "changed"+filepath.Ext(d.file))
	overlay := filepath.Join(folder, "overlay.json")
	replace, err := json.Marshal(map[string]map[string]string{"Replace": {filepath.Join(root, d.file): changed}})
	if err != nil {
		t.Fatal(err)
	}
	for path, content := range map[string][]byte{changed: []byte(source), overlay: replace} {
		if err := os.WriteFile(path, content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	began := time.Now()
	cmd := exec.CommandContext(ctx, "go", "test", "-count=1", "-vet=off", "-ldflags=-s -w", "-timeout", "2m", "-overlay", overlay, "-run", d.test, d.packages)
	cmd.Dir = root
	out, err := cmd.CombinedOutput()
	switch {
	case err == nil:
		t.Errorf("%s passes although %q is switched off in %s", d.test, d.name, d.file)
	case !failure.Match(out):
		t.Errorf("no test failed, but something else:\n%s", out)
	default:
		t.Logf("noticed by %s in %v", strings.Trim(d.test, "^$"), time.Since(began).Round(100*time.Millisecond))
	}
}
