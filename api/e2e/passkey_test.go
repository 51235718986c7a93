package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// passkeySteps are what passkey.mjs reports, in its order: the service's status or
// what the page shows.
var passkeySteps = [][2]string{
	{"told who sees the name", "true"},
	{"made", "201"},
	{"alone", "201"}, // address and password were not asked for
	{"second factor", "true"},
	{"proved anew", "204"},
	{"control", "409"}, // the passkey is right, and its holder is signed in elsewhere
	{"another's document", "422"},
	{"shown before", "true"},
	{"one's own document", "200"},
	{"another origin", "401"},
	{"without finger or PIN", "401"},
	{"a copy with an old counter", "401"},
	{"control again", "409"},
	{"removed", "204"},
	{"after the removal", "401"},
}

// TestA8_PasskeysInTheBrowser: a passkey is made in the settings, is enough to sign
// in, to prove it anew and to open a signing link (A12); other origins, copies and
// removed ones are refused.
func TestA8_PasskeysInTheBrowser(t *testing.T) {
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := free.Addr().String()
	free.Close()
	_, port, _ := net.SplitHostPort(address)
	s := newService(t, "PUBLIC_URL=http://localhost:"+port) // passkeys belong to names
	s.listen = address
	s.start()
	owner := s.owner()
	const zoe = "zoe@example.org"
	owner.must("POST", "/api/members/invitations", map[string]string{"email": zoe, "role": "reviewer", "language": "en"}, nil)
	_, invitation := owner.mailed(zoe, memberLink)
	link := func(to person) string { return s.base + "/sign#t=" + owner.asks("By passkey", to, "") }
	chromium, err := exec.LookPath("chromium")
	if err != nil {
		t.Fatalf("%v: run make deps", err)
	}
	screens := ""
	if *out != "" {
		screens = filepath.Join(*out, "screens")
	}
	input, err := json.Marshal(map[string]string{"base": s.base, "chromium": chromium, "invitation": s.base + "/" + invitation, "password": ownerPassword,
		"own": link(person{"Zoë", zoe}), "foreign": link(person{"Bob", "bob@example.org"}), "screens": screens})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, "node", "passkey.mjs")
	cmd.Stdin, cmd.Stderr = bytes.NewReader(input), os.Stderr
	printed, err := cmd.Output()
	if err != nil {
		t.Errorf("the browser script: %v", err)
	}
	var got []string
	for line := range strings.Lines(string(printed)) {
		var e struct{ Step, Answer string }
		if err := json.Unmarshal([]byte(line), &e); err != nil {
			t.Fatalf("the browser script printed %q", line)
		}
		got = append(got, e.Step+": "+e.Answer)
	}
	for i, want := range passkeySteps {
		if i >= len(got) || got[i] != want[0]+": "+want[1] {
			t.Fatalf("step %d is not %q, all steps:\n%s", i+1, want, strings.Join(got, "\n"))
		}
	}
	if len(got) != len(passkeySteps) {
		t.Errorf("more steps than expected:\n%s", strings.Join(got, "\n"))
	}
}
