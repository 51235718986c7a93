package e2e

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// enter opens the newest link in the outbox as a new browser does.
func (s *service) enter(n int) *client {
	s.t.Helper()
	c := s.client()
	_, token, _ := strings.Cut(s.link(), "#t=")
	c.must("POST", "/api/signing/open", opening(token, n), nil)
	return c
}

// refuse answers every purpose with no.
func (c *client) refuse() {
	c.t.Helper()
	var view struct {
		Consents []struct{ Purpose, TextVersion string }
	}
	c.must("GET", "/api/signing", nil, &view)
	for _, p := range view.Consents {
		c.must("POST", "/api/signing/consents", map[string]any{"purpose": p.Purpose, "textVersion": p.TextVersion, "language": "fr", "given": false}, nil)
	}
}

// twoSigners sends a document to two people, one after the other.
func twoSigners(t *testing.T, owner *client) documentView {
	t.Helper()
	pdf, err := os.ReadFile(filepath.Join("..", "..", "testdata", "pdf", "own-rotated.pdf"))
	if err != nil {
		t.Fatal(err)
	}
	d := owner.upload(pdf, "Lease")
	owner.must("PUT", "/api/documents/"+d.ID+"/plan", map[string]any{
		"signers": []any{map[string]string{"name": "Ada First", "email": "ada@example.org", "language": "fr"}, map[string]string{"name": "陳大文", "email": "chan@example.org", "language": "zh-Hant"}},
		"fields":  []any{map[string]any{"signer": 0, "page": 1, "x": 60, "y": 60, "width": 160, "height": 60}, map[string]any{"signer": 1, "page": 1, "x": 60, "y": 160, "width": 160, "height": 60}},
	}, nil)
	owner.must("POST", "/api/documents/"+d.ID+"/send", nil, nil)
	return d
}

// TestTwoSignTyping: two people who refuse to be recorded sign one after the
// other by typing their names; the deposit carries both signatures.
func TestTwoSignTyping(t *testing.T) {
	s := newService(t)
	s.start()
	owner := s.owner()
	d := twoSigners(t, owner)
	for n, name := range []string{"Ada First", "陳大文"} {
		signer := s.enter(n)
		signer.refuse()
		refused(t, "a capture after refusing", signer.do("POST", "/api/signing/captures", map[string]any{"kind": "signature"}), 403, "agreed")
		signer.must("POST", "/api/signing/confirm", map[string]string{"typed": name}, nil)
		if n == 0 {
			owner.waitState(d.ID, 0, "signed")
		}
	}
	owner.completed(d.ID)
	s.checked()
	got := owner.deposit(d.ID)
	report, code := inkverify(t, got.path)
	if code != 0 || !strings.Contains(report, "Ada First") || !strings.Contains(report, "陳大文") {
		t.Errorf("inkverify ends with %d:\n%s", code, report)
	}
}

// TestDecliningTellsEverybody: the second signer is never asked, and the owner
// has a mail.
func TestDecliningTellsEverybody(t *testing.T) {
	s := newService(t)
	s.start()
	owner := s.owner()
	d := twoSigners(t, owner)
	signer := s.enter(1)
	signer.must("POST", "/api/signing/decline", map[string]string{"reason": "The rent is wrong."}, nil)
	var after documentView
	owner.must("GET", "/api/documents/"+d.ID, nil, &after)
	if after.State != "declined" || after.Signers[0].State != "declined" || after.Signers[1].State != "waiting" {
		t.Errorf("after declining: %+v", after)
	}
	var outbox struct {
		Mails []struct{ To, Subject string }
	}
	owner.must("GET", "/api/outbox", nil, &outbox)
	told := map[string]bool{}
	for _, m := range outbox.Mails {
		if strings.Contains(m.Subject, "declined") || strings.Contains(m.Subject, "refusée") {
			told[m.To] = true
		}
	}
	if !told["olivia@example.org"] || !told["ada@example.org"] || told["chan@example.org"] {
		t.Errorf("told of the refusal: %v, want the owner and who was invited", told)
	}
}
