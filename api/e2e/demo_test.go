package e2e

import (
	"flag"
	"os"
	"path/filepath"
	"testing"
)

// What `make demo` and `make screenshots` ask of TestDemo.
var (
	out      = flag.String("out", "", "folder for the demonstration's deposit, PDF and pictures")
	viewport = flag.Bool("viewport", false, "pictures show what fits on the screen, not the whole page")
)

// TestDemo does the whole flow by itself and leaves the deposit, the signed PDF
// and a picture of each page that the three people see. It always replays
// synthetic signatures: pictures of real people's handwriting are not kept.
func TestDemo(t *testing.T) {
	folder := *out
	if folder == "" {
		folder = t.TempDir()
	}
	screens := filepath.Join(folder, "screens")
	if err := os.MkdirAll(screens, 0o700); err != nil {
		t.Fatal(err)
	}
	s := newService(t)
	s.start()
	f := newTask(t, s)
	f.Steps, f.Signatures, f.Screens, f.Out = []string{"owner", "signer", "follow", "investigator", "verify"}, syntheticSignatures(t, 6), screens, folder
	f.Viewport = *viewport
	verified := false
	for _, e := range f.run(t, nil) {
		verified = verified || e.Event == "verified" && e.Answer == "holds"
	}
	if !verified {
		t.Error("the public page does not say that the deposit holds")
	}
	for _, pattern := range []string{"*.asice", "*.pdf", "screens/*.png"} {
		if found, err := filepath.Glob(filepath.Join(folder, pattern)); err != nil || len(found) == 0 {
			t.Errorf("the demonstration left no %s: %v", pattern, err)
		}
	}
}
