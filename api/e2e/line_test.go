// Package e2e drives the release binary from outside, as its users do: over
// HTTP, in a real browser, with public tools. `make test` builds the binary first.
package e2e

import (
	"os"
	"path/filepath"
	"testing"
)

// TestLine is the whole line: an owner sends, a signer signs with pen and camera
// in Chromium, the deposit is downloaded and verified, an investigator looks.
func TestLine(t *testing.T) {
	s := newService(t)
	s.start()
	owner := s.owner()
	all, origin := signatures(t, 6)
	t.Logf("signatures: %s", origin)
	f := newTask(t, s)
	pdf, err := os.ReadFile(f.PDF)
	if err != nil {
		t.Fatal(err)
	}
	d := owner.upload(pdf, "Lease of the Old Mill")
	owner.plan(d, f.Signer)
	owner.must("POST", "/api/documents/"+d.ID+"/send", nil, nil)
	f.Steps, f.Link, f.Signatures = []string{"signer"}, s.link(), all
	if dir := os.Getenv("E2E_SCREENS"); dir != "" {
		f.Screens = dir
	}
	events := f.run(t, nil)
	t.Logf("%d events", len(events))
	done := owner.completed(d.ID)
	deposit := owner.must("GET", "/api/documents/"+d.ID+"/deposit", nil, nil)
	path := filepath.Join(t.TempDir(), "contract.asice")
	if err := os.WriteFile(path, deposit.Body, 0o600); err != nil {
		t.Fatal(err)
	}
	t.Logf("deposit %d bytes at %s", done.Deposit.Size, path)
	if out := os.Getenv("E2E_OUT"); out != "" {
		_ = os.WriteFile(filepath.Join(out, "contract.asice"), deposit.Body, 0o600)
	}
}
