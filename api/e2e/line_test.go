// Package e2e drives the release binary from outside, as its users do: over
// HTTP, in a real browser, with public tools. `make test` builds the binary first.
package e2e

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"inkwitness/api/store/pgtest"
)

// What `make demo` and `make screenshots` ask of TestLine.
var (
	out      = flag.String("out", "", "folder for the demonstration's deposit, PDF and pictures")
	viewport = flag.Bool("viewport", false, "pictures show what fits on the screen, not the whole page")
)

// TestLine is the whole line on SQLite and files, as `make run` starts it, and
// the demonstration: it leaves the deposit, the signed PDF and a picture of each
// page that the three people see, and ends on the public page.
func TestLine(t *testing.T) {
	folder := *out
	if folder == "" {
		folder = t.TempDir()
	}
	screens := filepath.Join(folder, "screens")
	if err := os.MkdirAll(screens, 0o700); err != nil {
		t.Fatal(err)
	}
	verified := false
	for _, e := range line(t, newService(t), func(f *task) {
		f.Steps, f.Screens, f.Out, f.Viewport = append(f.Steps, "verify"), screens, folder, *viewport
	}) {
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

// TestLineOnPostgres is the same on PostgreSQL, with the signers' keys in a
// process of their own.
func TestLineOnPostgres(t *testing.T) {
	s := newService(t, "DATABASE_URL="+pgtest.URL(t), "KEY_HOLDER="+newHolder(t).socket)
	s.user = another(serviceUser) // whom the holder answers
	s.own()
	line(t, s, func(*task) {})
}

// line is what the service exists for: an owner is invited, uploads a PDF, places
// a field and sends; a signer reads, consents, enrols references and signs with
// pen and camera; the owner downloads the deposit, which verifies with our
// program and with public tools; an investigator opens the comparison.
func line(t *testing.T, s *service, more func(*task)) []event {
	s.start()
	all, origin := signatures(t, 6)
	if *out != "" { // pictures of real people's handwriting are not kept
		all, origin = syntheticSignatures(t, 6), "synthetic"
	}
	t.Logf("the pen replays %s signatures", origin)
	f := newTask(t, s)
	f.Steps, f.Signatures = []string{"owner", "signer", "follow", "investigator"}, all
	more(&f)
	files, brought, copied := map[string]string{}, false, false
	var signature event
	events := f.run(t, nil)
	for _, e := range events {
		switch e.Event {
		case "drawn":
			signature = e // the last one drawn is the signature
		case "downloaded":
			files[e.Kind] = e.File
		case "replayed":
			t.Logf("replayed: pen and video %.0f ms apart (median), at most %.0f ms, %.0f pictures", e.Median, e.Most, e.Shown)
			if e.Shown < 5 || e.Median > 120 {
				t.Errorf("the replay shows %.0f pictures, %.0f ms from the pen", e.Shown, e.Median)
			}
		case "brought":
			brought = true
			if !strings.Contains(e.Text, ".asice") || !strings.Contains(e.Text, "Holds: ") || strings.Contains(e.Text, "Does not hold") {
				t.Errorf("the deposit brought into the case: %s", e.Text)
			}
		case "compared":
			if e.Answer != "" || e.VideoMS <= 0 || !strings.Contains(e.Text, "support") || strings.Contains(e.Text, "copy") {
				t.Errorf("the investigator's page: verdict %q, video of %.0f ms, error %q", e.Text, e.VideoMS, e.Answer)
			}
		case "copied":
			copied = true
			if !strings.Contains(e.Text, "copy of reference 6") {
				t.Errorf("the questioned signature brought as a reference: %s", e.Text)
			}
		}
	}
	if !brought || !copied {
		t.Errorf("a deposit was brought into the case: %v; and found to be of the questioned signature: %v", brought, copied)
	}
	s.checked()
	d := openDeposit(t, files["download-deposit"])
	d.verifies()
	d.samples(signature.Samples)
	d.video(time.Duration(signature.SessionMS) * time.Millisecond)
	d.face()
	d.comparison()
	d.flipped()
	if report, code := inkverify(t, files["download-pdf"]); code != 0 {
		t.Errorf("inkverify of the signed PDF ends with %d:\n%s", code, report)
	}
	if s.log.contains("Sam Signer") || s.log.contains("sam@example.org") {
		t.Error("the signer's name or address stands in the log")
	}
	return events
}

// openDeposit reads a deposit that the browser downloaded.
func openDeposit(t *testing.T, path string) deposit {
	t.Helper()
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatalf("the owner's page downloaded no deposit: %v", err)
	}
	return newDeposit(t, filepath.Clean(path), raw)
}
