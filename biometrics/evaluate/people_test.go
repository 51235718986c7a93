//go:build !race

package evaluate

// On real people, where they are on the machine. Without the race detector, which
// takes two minutes here: what these run at once, the made-up signatures run too.

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"os"
	"strings"
	"testing"

	"inkwitness/biometrics"
	"inkwitness/biometrics/compare"
	"inkwitness/capture"
)

// TestReferencesOfOneHand shows on real people what CheckReferences refuses:
// nobody's own five signatures, and almost every set of three people's.
func TestReferencesOfOneHand(t *testing.T) {
	c, err := compare.New(compare.Config{})
	if err != nil {
		t.Fatal(err)
	}
	refused := func(refs ...capture.Signature) bool {
		for _, p := range c.CheckReferences(refs) {
			if p.Code == biometrics.CodeInconsistent && p.Severity == biometrics.Refusal {
				return true
			}
		}
		return false
	}
	own, mixed, ownRefused, mixedRefused := 0, 0, 0, 0
	for _, source := range TrainingSources() {
		loaded, err := source.Load(cmp.Or(os.Getenv("CORPORA"), "../../../shared/corpora"))
		if err != nil {
			t.Skipf("the corpora are not on this machine: %v", err)
		}
		users := loaded.Users
		for i, u := range users {
			if len(u.Genuine) < 5 || len(users) < 10 {
				continue
			}
			sign := func(person, n int) capture.Signature { return users[(i+person)%len(users)].Genuine[n].Signature }
			own++
			if refused(sign(0, 0), sign(0, 1), sign(0, 2), sign(0, 3), sign(0, 4)) {
				ownRefused++
			}
			mixed++
			if refused(sign(0, 0), sign(1, 0), sign(2, 0), sign(0, 1), sign(0, 2)) {
				mixedRefused++
			}
		}
	}
	t.Logf("of %d people's own sets %d are refused, of %d sets of three people %d", own, ownRefused, mixed, mixedRefused)
	if own < 80 || ownRefused > 0 || mixedRefused < mixed*98/100 {
		t.Errorf("of %d people's own sets %d are refused, of %d sets of three people %d", own, ownRefused, mixed, mixedRefused)
	}
}

// README.md tells what `inkeval eval` printed. Its figure for one corpus is
// measured again where the corpora are, with the built-in model; that model was
// fitted on these people too, so the figures agree to a percentage point only.
func TestTableInREADME(t *testing.T) {
	source := TrainingSources()[1]
	loaded, err := source.Load(cmp.Or(os.Getenv("CORPORA"), "../../../shared/corpora"))
	if err != nil {
		t.Skipf("the corpora are not on this machine: %v", err)
	}
	readme, err := os.ReadFile("../README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, row, ok := strings.Cut(string(readme), fmt.Sprintf("| %s | first5 | 5 | %d | ", source.Name, len(loaded.Users)))
	if !ok {
		t.Fatalf("README.md has no row for %s by first5", source.Name)
	}
	var common float64
	if _, err := fmt.Sscanf(row, "%f [", &common); err != nil {
		t.Fatal(err)
	}
	m, err := compare.Default()
	if err != nil {
		t.Fatal(err)
	}
	c, err := Collect(context.Background(), m, loaded, []Plan{{Protocol: First5, NoRandom: true}}, Options{})
	if err != nil {
		t.Fatal(err)
	}
	scores := c.Score(&c.Runs[0], func(int) *compare.Model { return m })
	if got := 100 * Measure(c.Runs[0].Trials, scores, Skilled).Common.Value; math.Abs(got-common) > 1 {
		t.Errorf("EER %.2f %%, README.md says %.2f %%", got, common)
	}
}
