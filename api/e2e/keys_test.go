package e2e

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
)

// TestJ11_RootKeyRotatesWhileServing makes a new root key while requests go on:
// none fails; afterwards the new key alone opens everything, and the old one,
// stolen with the database, opens nothing.
func TestJ11_RootKeyRotatesWhileServing(t *testing.T) {
	s := newService(t)
	s.start()
	owner := s.owner()
	d := owner.draft("Kept", person{"Sam", "sam@example.org"})
	stolen, err := os.ReadFile(filepath.Join(s.data, "root.key"))
	if err != nil {
		t.Fatal(err)
	}
	stop, ended := make(chan struct{}), make(chan struct{})
	var failed, served atomic.Int64
	go func() {
		defer close(ended)
		for {
			select {
			case <-stop:
				return
			default:
			}
			for _, path := range []string{"/api/documents/" + d.ID, "/api/documents/" + d.ID + "/pdf", "/api/outbox", "/api/audit"} {
				if a := owner.do("GET", path, nil); a.Status != 200 {
					failed.Add(1)
					t.Errorf("%s during the rotation: %s", path, a)
				}
				served.Add(1)
			}
		}
	}()
	out := s.operator("keys", "rotate", "--retire")
	owner.draft("Made after the rotation", person{"Sam", "sam@example.org"})
	close(stop)
	<-ended
	if served.Load() < 4 || failed.Load() > 0 {
		t.Errorf("%d of %d requests failed", failed.Load(), served.Load())
	}
	if !strings.Contains(out, "open with the new root key alone") {
		t.Errorf("the rotation says %q", out)
	}
	if fresh, err := os.ReadFile(filepath.Join(s.data, "root.key")); err != nil || strings.Contains(string(fresh), strings.TrimSpace(string(stolen))) {
		t.Errorf("the old root key is still in the file, %v", err)
	}
	if out := s.operator("keys", "check"); !strings.Contains(out, "No other is needed") {
		t.Errorf("check says %q", out)
	}
	if out := s.operator("keys", "list"); strings.Contains(out, "no ") || !strings.Contains(out, "data") {
		t.Errorf("list says\n%s", out)
	}
	s.stop(os.Interrupt)
	s.start()
	if a := owner.do("GET", "/api/documents/"+d.ID+"/pdf", nil); a.Status != 200 || string(a.Body) != string(smallPDF()) {
		t.Errorf("the document after a start with the new root key alone: %s", a)
	}
	s.stop(os.Interrupt)
	thief := filepath.Join(t.TempDir(), "stolen.key")
	if err := os.WriteFile(thief, stolen, 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(s.binary, "keys", "check", "--data", s.data, "--root-key", thief)
	if out, err := cmd.CombinedOutput(); err == nil || !strings.Contains(string(out), "needs root key") {
		t.Errorf("the retired root key opens the database: %v, %s", err, out)
	}
}
