package api_test

import (
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// The layers of the module, as policy. A folder imports only folders to its
// left (capture <- biometrics <- evidence <- api -> webclient); inside a folder
// children import their root, and a sibling only where siblings says so.
//
// The test reads the source instead of asking `go list`, so that a violation in
// a package which api does not import is not hidden by the test cache.

const module = "inkwitness/"

// order holds for every folder what it may import besides itself.
var order = map[string][]string{
	"capture":    nil,
	"biometrics": {"capture"},
	"evidence":   {"capture", "biometrics"},
	"api":        {"capture", "biometrics", "evidence", "webclient"},
	"webclient":  nil,
}

// siblings lists, for a package, the children of its own folder that it may
// import. Every other sibling import fails. A package's own subpackages are
// listed too.
var siblings = map[string][]string{
	"capture/rtc":      {"capture/media"},
	"capture/webm":     {"capture/media"},
	"capture/footage":  {"capture/media"},
	"capture/timeline": {"capture/media", "capture/ink"},
	"capture/ws":       {"capture/ink", "capture/record", "capture/webm"},
	"capture/record":   {"capture/ink"},

	// archive is a finished recording put together: files for the deposit.
	"capture/archive": {"capture/ink", "capture/record", "capture/media", "capture/webm", "capture/timeline", "capture/footage", "capture/interchange", "capture/quality", "capture/stream", "capture/inspect"},

	// inspect holds such files against each other, for who has only them.
	"capture/stream":  {"capture/ink"},
	"capture/inspect": {"capture/ink", "capture/stream", "capture/media", "capture/webm", "capture/timeline"},

	// compare is the comparator put together.
	"biometrics/compare": {"biometrics/feature", "biometrics/dtw", "biometrics/calibrate"},

	"biometrics/face": {"biometrics/face/network"},

	// evaluate measures and trains the comparator on corpora.
	"biometrics/evaluate": {"biometrics/calibrate", "biometrics/compare", "biometrics/corpus", "biometrics/feature"},

	// seal is a deposit put together: the one package of evidence that sees the others.
	"evidence/seal":    {"evidence/pdf", "evidence/deposit", "evidence/trust", "evidence/tsa", "evidence/ledger", "evidence/proof", "evidence/cms", "evidence/vault"},
	"evidence/pdf":     {"evidence/cms"},
	"evidence/deposit": {"evidence/pdf", "evidence/cms", "evidence/proof"},
	"evidence/tsa":     {"evidence/cms"},
	"evidence/renew":   {"evidence/cms", "evidence/deposit", "evidence/retain"},
	"evidence/retain":  {"evidence/cms"},
	"evidence/trust":   {"evidence/cms", "evidence/durable"},
	"evidence/ledger":  {"evidence/proof"},
	"evidence/vault":   {"evidence/durable"},

	"api/store":       {"api/ceremony", "api/dispute"},
	"api/document":    {"api/ceremony"},
	"api/signing":     {"api/ceremony"},
	"api/investigate": {"api/ceremony", "api/dispute"},
	"api/dispute":     {"api/ceremony"},
	"api/retention":   {"api/ceremony"},
	"api/share":       {"api/ceremony"},
}

// everything may import whatever lies in or left of its folder: programs, the
// one place where the service is wired, and test suites.
var everything = []string{
	"biometrics/cmd/", "evidence/cmd/", "api/cmd/", "api/server", "api/e2e",
}

// owners says who may import a technology. Nobody else links it.
var owners = []struct {
	prefix string   // of the import path
	who    []string // prefixes of package folders
	why    string
}{
	{"github.com/pion/", []string{"capture/rtc"}, "WebRTC stays behind one package"},
	{"github.com/gorilla/websocket", []string{"capture/ws"}, "sockets stay behind one package"},
	{"database/sql", []string{"api/store", "api/server"}, "only the store knows SQL"},
	{"modernc.org/sqlite", []string{"api/store"}, "only the store knows its drivers"},
	{"github.com/jackc/pgx", []string{"api/store"}, "only the store knows its drivers"},
	{"gonum.org/", []string{"biometrics/"}, "numerics belong to the comparator"},
	{"github.com/aws/", []string{"evidence/vault"}, "object lock stays behind the vault"},
	{"gocloud.dev/", []string{"evidence/vault", "evidence/retain", "api/server"}, "object stores stay behind the vault"},
	{"github.com/danielgtaylor/huma", []string{"api"}, "HTTP belongs to api"},
	{"net/http", []string{"capture/ws", "capture/rtc", "evidence/seal", "evidence/deposit", "evidence/tsa", "evidence/trust", "evidence/ledger", "evidence/cmd/", "api"}, "the left of the pipeline has no network"},
}

// bans are imports that a folder must never have, children included.
var bans = []struct{ folder, prefix, why string }{
	{"api/ceremony", "net/http", "the state machine knows no transport"},
	{"api/ceremony", "database/sql", "the state machine knows no database"},
	{"evidence/cmd/inkverify", "net/http", "the verifier works without a network"},
	{"biometrics/dtw", "os", "pure functions"},
	{"biometrics/calibrate", "os", "pure functions"},
	{"biometrics/feature", "os", "pure functions"},
}

func TestLayers(t *testing.T) {
	root, err := filepath.Abs("..")
	if err != nil {
		t.Fatal(err)
	}
	checked := 0
	err = filepath.WalkDir(root, func(file string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name := d.Name()
		if d.IsDir() && (name == "node_modules" || name == "testdata" || strings.HasPrefix(name, ".") && file != root) {
			return filepath.SkipDir
		}
		if d.IsDir() || !strings.HasSuffix(name, ".go") {
			return nil
		}
		rel, err := filepath.Rel(root, file)
		if err != nil {
			return err
		}
		rel = filepath.ToSlash(rel)
		source, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		parsed, err := parser.ParseFile(token.NewFileSet(), file, source, parser.ImportsOnly)
		if err != nil {
			return err
		}
		for _, spec := range parsed.Imports {
			imported, err := strconv.Unquote(spec.Path.Value)
			if err != nil {
				return err
			}
			checked++
			for _, complaint := range violations(path.Dir(rel), imported, isTest(rel)) {
				t.Errorf("%s imports %q: %s", rel, imported, complaint)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if checked < 50 {
		t.Fatalf("only %d imports were read: the test looks at the wrong folder", checked)
	}
}

// violations says what is wrong when the package in folder pkg imports path.
// Tests may use any technology and any sibling, but keep to the folder order.
func violations(pkg, imported string, test bool) (out []string) {
	for _, ban := range bans {
		if under(pkg, ban.folder) && under(imported, ban.prefix) && !test {
			out = append(out, ban.why)
		}
	}
	own, ours := strings.CutPrefix(imported, module)
	if !ours {
		for _, o := range owners {
			if strings.HasPrefix(imported, o.prefix) && !test && !anyUnder(pkg, o.who) {
				out = append(out, o.why)
			}
		}
		return out
	}
	from, to := top(pkg), top(own)
	allowed, known := order[from]
	switch {
	case !known:
		out = append(out, "there is no folder "+from+" in the layout")
	case from != to && !slices.Contains(allowed, to):
		out = append(out, from+" lies left of "+to)
	case from == to && pkg == from && !test:
		out = append(out, "a folder's root never imports its children")
	case from == to && own != from && !test && child(own) != child(pkg) && !anyUnder(pkg, everything) && !anyUnder(own, siblings[child(pkg)]):
		out = append(out, "siblings do not know each other unless the table says so")
	}
	return out
}

// isTest tells whether a file is part of a test: by its own name, or as part of
// a package for tests such as storetest.
func isTest(file string) bool {
	return strings.HasSuffix(file, "_test.go") || strings.HasSuffix(path.Dir(file), "test")
}

func top(pkg string) string { return strings.SplitN(pkg, "/", 2)[0] }

// child is the part of a folder that a package belongs to: evidence/pdf for
// evidence/pdf/page. Within it packages may know each other.
func child(pkg string) string {
	return strings.Join(strings.SplitN(pkg, "/", 3)[:min(2, strings.Count(pkg, "/")+1)], "/")
}

func under(pkg, prefix string) bool {
	prefix = strings.TrimSuffix(prefix, "/")
	return pkg == prefix || strings.HasPrefix(pkg, prefix+"/")
}

func anyUnder(pkg string, prefixes []string) bool {
	return slices.ContainsFunc(prefixes, func(prefix string) bool { return under(pkg, prefix) })
}

// TestLayerTableRefuses shows that the table catches what it is there for.
func TestLayerTableRefuses(t *testing.T) {
	tests := []struct{ pkg, imported string }{
		{"capture", "inkwitness/capture/ink"},
		{"capture/ink", "inkwitness/biometrics"},
		{"capture/ws", "github.com/pion/webrtc/v4"},
		{"capture/rtc", "github.com/gorilla/websocket"},
		{"biometrics/dtw", "inkwitness/biometrics/feature"},
		{"biometrics/dtw", "os"},
		{"biometrics/compare", "net/http"},
		{"evidence/ledger", "inkwitness/evidence/pdf"},
		{"evidence/ledger", "database/sql"},
		{"evidence/cmd/inkverify", "inkwitness/api"},
		{"evidence/cmd/inkverify", "net/http"},
		{"api/ceremony", "net/http"},
		{"api/signing", "inkwitness/api/store"},
		{"api/signing", "modernc.org/sqlite"},
		{"webclient", "inkwitness/api"},
		{"cmd/tool", "inkwitness/api"},
	}
	for _, test := range tests {
		if len(violations(test.pkg, test.imported, false)) == 0 {
			t.Errorf("%s may import %s, but must not", test.pkg, test.imported)
		}
	}
}
