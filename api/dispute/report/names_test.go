package report

import (
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"inkwitness/biometrics/feature"
)

// Every feature, unit and problem that the comparator can name has words in
// every language, each its own.
func TestNames(t *testing.T) {
	problems := problemCodes(t)
	for language, n := range namesOf {
		seen := map[string]string{}
		for g := range feature.Global(feature.NumGlobal) {
			word := n.Features[g.String()]
			if word == "" || seen[word] != "" {
				t.Errorf("%s: %s is called %q, as is %s", language, g, word, seen[word])
			}
			seen[word] = g.String()
			if n.Units[g.Unit()] == "" {
				t.Errorf("%s: no word for the unit %q", language, g.Unit())
			}
		}
		if len(n.Features) != feature.NumGlobal {
			t.Errorf("%s: %d names for %d features", language, len(n.Features), feature.NumGlobal)
		}
		clear(seen)
		for l := range feature.Local(feature.NumLocal) {
			word := n.Channels[l.String()]
			if word == "" || seen[word] != "" {
				t.Errorf("%s: the channel %s is called %q, as is %s", language, l, word, seen[word])
			}
			seen[word] = l.String()
		}
		if got := slices.Sorted(maps.Keys(n.Problems)); language != "en" && !slices.Equal(got, problems) {
			t.Errorf("%s: words for the problems\n%q, want\n%q", language, got, problems)
		}
	}
}

// Every event of a case's record has words in every language.
func TestEvents(t *testing.T) {
	var kinds []string
	files, err := filepath.Glob(filepath.Join("..", "*.go"))
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	kind := regexp.MustCompile(`"((?:case|evidence)\.[a-z-]+)"`)
	for _, path := range append(files, filepath.Join("..", "..", "investigate", "report.go")) {
		source, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for _, found := range kind.FindAllSubmatch(source, -1) {
			if k := string(found[1]); k != "evidence.read" && !slices.Contains(kinds, k) { // that one is the document's
				kinds = append(kinds, k)
			}
		}
	}
	if len(kinds) < 14 {
		t.Fatalf("only %q found", kinds)
	}
	for language, n := range namesOf {
		for _, k := range kinds {
			if n.Events[k] == "" {
				t.Errorf("%s: no words for %s", language, k)
			}
		}
	}
}

// Every outcome of a check has its sentence in every language; that no code lacks one is
// a test of the page, which reads the same files (webclient/src/verify/reasons).
func TestReasons(t *testing.T) {
	want := namesOf["en"].reasons
	for language, n := range namesOf {
		for _, pair := range [][2]map[string]string{{want.Holds, n.reasons.Holds}, {want.Open, n.reasons.Open}, {want.Fails, n.reasons.Fails}} {
			if len(pair[0]) < 9 || !slices.Equal(slices.Sorted(maps.Keys(pair[0])), slices.Sorted(maps.Keys(pair[1]))) {
				t.Errorf("%s: sentences for %d codes, in English for %d", language, len(pair[1]), len(pair[0]))
			}
		}
	}
}

// problemCodes reads the codes from the source, so that a new one is missed.
func problemCodes(t *testing.T) (codes []string) {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), filepath.Join("..", "..", "..", "biometrics", "biometrics.go"), nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	ast.Inspect(file, func(n ast.Node) bool {
		if v, ok := n.(*ast.ValueSpec); ok && strings.HasPrefix(v.Names[0].Name, "Code") && len(v.Values) == 1 {
			code, err := strconv.Unquote(v.Values[0].(*ast.BasicLit).Value)
			if err != nil {
				t.Fatal(err)
			}
			codes = append(codes, code)
		}
		return true
	})
	if len(codes) < 15 {
		t.Fatalf("only %d codes found", len(codes))
	}
	slices.Sort(codes)
	return codes
}
