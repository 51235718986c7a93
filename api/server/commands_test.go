package server

import (
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestCommandsThatLookMakeNothing(t *testing.T) {
	cfg := Config{Data: filepath.Join(t.TempDir(), "none")}
	if err := Outbox(t.Context(), cfg, 1, io.Discard); err == nil || !strings.Contains(err.Error(), "--data") {
		t.Errorf("outbox: %v", err)
	}
	if _, err := Invite(t.Context(), cfg, "", "owner", "ada@example.org", "en"); err == nil || !strings.Contains(err.Error(), "--data") {
		t.Errorf("invite: %v", err)
	}
	if _, err := os.Stat(cfg.Data); err == nil {
		t.Error("the folder was made")
	}
}

func TestLinksNameTheServiceThatRuns(t *testing.T) {
	cfg := Config{Data: t.TempDir()}
	if got := cfg.reached().PublicURL; got != "" {
		t.Errorf("%q before any service", got)
	}
	if err := os.WriteFile(filepath.Join(cfg.Data, addressName), []byte("http://localhost:4711\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if got := cfg.reached().PublicURL; got != "http://localhost:4711" {
		t.Errorf("%q", got)
	}
	cfg.PublicURL = "https://sign.example"
	if got := cfg.reached().PublicURL; got != cfg.PublicURL {
		t.Errorf("%q instead of what was given", got)
	}
}
