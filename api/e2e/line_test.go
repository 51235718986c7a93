// Package e2e drives the release binary from outside, as its users do: over
// HTTP, in a real browser, with public tools. `make test` builds the binary first.
package e2e

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"inkwitness/api/store/pgtest"
)

// TestLine is the whole line on SQLite and files, as `make run` starts it.
func TestLine(t *testing.T) {
	line(t, newService(t))
}

// TestLineOnPostgres is the same on PostgreSQL, with the signers' keys in a
// process of their own.
func TestLineOnPostgres(t *testing.T) {
	line(t, newService(t, "DATABASE_URL="+pgtest.URL(t), "KEY_HOLDER="+newHolder(t).socket))
}

// line is what the service exists for: an owner is invited, uploads a PDF, places
// a field and sends; a signer reads, consents, enrols references and signs with
// pen and camera; the owner downloads the deposit, which verifies with our
// program and with public tools; an investigator opens the comparison.
func line(t *testing.T, s *service) {
	s.start()
	all, origin := signatures(t, 6)
	t.Logf("the pen replays %s signatures", origin)
	f := newTask(t, s)
	f.Steps, f.Signatures = []string{"owner", "signer", "follow", "investigator"}, all
	files := map[string]string{}
	var signature event
	for _, e := range f.run(t, nil) {
		switch e.Event {
		case "drawn":
			signature = e // the last one drawn is the signature
		case "downloaded":
			files[e.Kind] = e.File
		case "compared":
			if e.Answer != "" || e.VideoMS <= 0 || !strings.Contains(e.Text, "support") {
				t.Errorf("the investigator's page: verdict %q, video of %.0f ms, error %q", e.Text, e.VideoMS, e.Answer)
			}
		}
	}
	s.checked()
	d := openDeposit(t, files["download-deposit"])
	d.verifies()
	d.samples(signature.Samples)
	d.video(time.Duration(signature.VideoMS) * time.Millisecond)
	d.face()
	d.comparison()
	d.flipped()
	if report, code := inkverify(t, files["download-pdf"]); code != 0 {
		t.Errorf("inkverify of the signed PDF ends with %d:\n%s", code, report)
	}
	if s.log.contains("Sam Signer") || s.log.contains("sam@example.org") {
		t.Error("the signer's name or address stands in the log")
	}
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
