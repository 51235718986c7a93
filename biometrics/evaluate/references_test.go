package evaluate

import (
	"cmp"
	"os"
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
