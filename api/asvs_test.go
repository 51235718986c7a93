package api_test

import (
	"encoding/csv"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// levels is how many lines OWASP ASVS 5.0.0 has up to level 2; asvs.csv has each
// of them, and the lines of level 3 that the requirements name.
const levels = 253

// TestASVS: each line of asvs.csv has tests that are there, or a reason in words.
func TestASVS(t *testing.T) {
	file, err := os.Open("asvs.csv")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	lines, err := csv.NewReader(file).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	tests := allTests(t)
	seen, asked := map[string]bool{}, 0
	number := regexp.MustCompile(`^V([0-9]+)\.([0-9]+)\.([0-9]+)$`)
	for _, line := range lines[1:] {
		id, level, what, shown, reason := line[0], line[1], line[2], strings.Fields(line[3]), line[4]
		if !number.MatchString(id) || seen[id] || what == "" {
			t.Errorf("line %v: its number is no number, or stands twice, or it says nothing", line)
		}
		seen[id] = true
		switch level {
		case "1", "2":
			asked++
		case "3":
		default:
			t.Errorf("%s has level %q", id, level)
		}
		if len(shown) == 0 && len(strings.TrimSpace(reason)) < 12 {
			t.Errorf("%s (%s) has neither a test nor a reason", id, what)
		}
		if strings.Contains(strings.ToLower(reason), "open:") {
			t.Errorf("%s (%s) is open: %s", id, what, reason)
		}
		for _, name := range shown {
			if !tests[name] {
				t.Errorf("%s names %s, which is no test", id, name)
			}
		}
	}
	if asked != levels {
		t.Errorf("%d lines up to level 2, the standard has %d", asked, levels)
	}
}

// allTests are the names of all tests of the module: Go's by their function, the
// pages' by their file.
func allTests(t *testing.T) map[string]bool {
	t.Helper()
	names := map[string]bool{}
	function := regexp.MustCompile(`(?m)^func ((?:Test|Fuzz)\w+)\(`)
	err := filepath.WalkDir("..", func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && (d.Name() == "node_modules" || d.Name() == ".git") {
			return filepath.SkipDir
		}
		switch {
		case strings.HasSuffix(path, ".test.ts"):
			names[filepath.Base(path)] = true
		case strings.HasSuffix(path, "_test.go"):
			source, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			for _, m := range function.FindAllStringSubmatch(string(source), -1) {
				names[m[1]] = true
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return names
}
