package evaluate

import (
	"bytes"
	"crypto/sha256"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"inkwitness/biometrics"
)

var update = flag.Bool("update", false, "write testdata/golden.txt anew")

// The whole report of a fixed score file, to the last digit: figures, intervals,
// page and plots. The scores are made up (normal, five users, two draws; see
// testdata/README.md); what the figures must be is computed by other means in
// cmd/inkeval's TestRun. A change here is a change of published figures.
func TestGoldenReport(t *testing.T) {
	data, err := os.ReadFile(filepath.Join("testdata", "golden.scores.csv"))
	if err != nil {
		t.Fatal(err)
	}
	f, err := ReadScores(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	r := Result{Corpus: "golden", Protocol: Rand, Draws: 2, References: 5, Seed: 1, Pressure: true, Users: len(f.Users), Model: biometrics.Version{Name: "golden", Number: "1", Made: "2026-01-01"}}
	for _, l := range []Label{Skilled, Random} {
		r.Rates = append(r.Rates, Measure(f.Trials, f.Scores, l))
	}
	var got, page bytes.Buffer
	if err := PrintResult(&got, r); err != nil {
		t.Fatal(err)
	}
	plots := Plots(f.Trials, f.Scores)
	if err := Report(&page, r, plots); err != nil {
		t.Fatal(err)
	}
	var names []string
	for name := range plots {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		fmt.Fprintf(&got, "%s %x\n", name, sha256.Sum256([]byte(plots[name])))
	}
	fmt.Fprintf(&got, "report.html %x\n", sha256.Sum256(page.Bytes()))
	golden := filepath.Join("testdata", "golden.txt")
	if *update {
		if err := os.WriteFile(golden, got.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if got.String() != string(want) {
		t.Errorf("got\n%s\nwant\n%s", got.String(), want)
	}
	if strings.Contains(got.String(), "NaN") {
		t.Error("a figure is no number")
	}
}
