package e2e

import (
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"inkwitness/api/ceremony"
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
	d := drafted(t, owner)
	owner.must("POST", "/api/documents/"+d.ID+"/send", nil, nil)
	return d
}

// drafted is a document that two people are to sign.
func drafted(t *testing.T, owner *client) documentView {
	t.Helper()
	d := owner.upload(mustRead(t, filepath.Join("..", "..", "testdata", "pdf", "own-rotated.pdf")), "Lease")
	owner.must("PUT", "/api/documents/"+d.ID+"/plan", map[string]any{
		"signers": []any{map[string]string{"name": "Ada First", "email": "ada@example.org", "language": "fr"}, map[string]string{"name": "陳大文", "email": "chan@example.org", "language": "zh-Hant"}},
		"fields":  []any{map[string]any{"signer": 0, "page": 1, "x": 60, "y": 60, "width": 160, "height": 60}, map[string]any{"signer": 1, "page": 1, "x": 60, "y": 160, "width": 160, "height": 60}},
	}, nil)
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
		if a := signer.do("GET", "/api/signing", nil, "Accept-Language", "zh-Hans"); !strings.Contains(string(a.Body), `"language":"zh-Hans"`) || !strings.Contains(string(a.Body), "我同意") {
			t.Errorf("the consent texts do not follow the page's language: %s", a)
		}
		for _, language := range []string{"", "xx", "../.."} {
			a := signer.do("POST", "/api/signing/consents", map[string]any{"purpose": "video", "textVersion": ceremony.ConsentVersion, "language": language, "given": true})
			refused(t, "a consent in the language "+language, a, 422, "no consent text")
		}
		signer.consent("handwriting")
		var begun struct{ ID string }
		signer.must("POST", "/api/signing/captures", map[string]any{"kind": "signature"}, &begun)
		signer.refuse() // which takes back what was agreed to: the recording under way ends
		refused(t, "a recording that goes on", signer.do("POST", "/api/signing/captures/"+begun.ID+"/finish", nil), 409, "discarded")
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
	dir := t.TempDir()
	if out, err := exec.Command("unzip", "-o", "-q", got.path, "-d", dir).CombinedOutput(); err != nil {
		t.Fatalf("unzip: %v\n%s", err, out)
	}
	letter := pdfText(t, filepath.Join(dir, "letter-of-deposit.pdf"))
	if !strings.Contains(letter, "Nothing was recorded of Ada First") || strings.Contains(letter, "the recording of how") {
		t.Errorf("the letter does not say that nothing was recorded:\n%s", letter)
	}
	signed := pdfText(t, filepath.Join(dir, "data", "contract-signed.pdf"))
	if !strings.Contains(signed, "Nom saisi au clavier") || !strings.Contains(signed, "以鍵入姓名簽署") {
		t.Errorf("the fields do not say that the names were typed:\n%s", signed)
	}
	s.stolenSaysNothing("Ada First", "ada@example.org", "陳大文", "chan@example.org", "olivia@example.org", ownerPassword, "%PDF-")
}

func pdfText(t *testing.T, path string) string {
	t.Helper()
	out, err := exec.Command("pdftotext", "-layout", path, "-").Output()
	if err != nil {
		t.Fatalf("read %s: %v", path, err)
	}
	return strings.Join(strings.Fields(string(out)), " ")
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

// TestFieldsBesideTheSignature: two signers fill in fields of every kind; what
// they entered stands in the PDF, every signature stays valid, here and for
// poppler, and the deposit's history names the fields.
func TestFieldsBesideTheSignature(t *testing.T) {
	s := newService(t)
	s.start()
	owner := s.owner()
	plan := func(kind string, signer, y int, more map[string]any) map[string]any {
		out := map[string]any{"kind": kind, "signer": signer, "page": 1, "x": 300, "y": y, "width": 150, "height": 20}
		maps.Copy(out, more)
		return out
	}
	d := owner.upload(mustRead(t, filepath.Join("..", "..", "testdata", "pdf", "own-rotated.pdf")), "Lease with fields")
	owner.must("PUT", "/api/documents/"+d.ID+"/plan", map[string]any{
		"signers": []any{map[string]string{"name": "Ada First", "email": "ada@example.org", "language": "fr"}, map[string]string{"name": "陳大文", "email": "chan@example.org", "language": "zh-Hant"}},
		"fields": []any{
			plan("signature", 0, 60, map[string]any{"height": 60}), plan("signature", 1, 160, map[string]any{"height": 60}),
			plan("initials", 0, 240, map[string]any{"required": true}), plan("date", 0, 270, map[string]any{"required": true}),
			plan("text", 1, 300, map[string]any{"label": "Remarks"}), plan("checkbox", 1, 330, map[string]any{"required": true, "label": "Keys"}),
			plan("text", 0, 360, map[string]any{"value": "Contract 2026-17"}),
		},
	}, nil)
	owner.must("POST", "/api/documents/"+d.ID+"/send", nil, nil)
	values := []map[string]string{{"Initials3": "AF", "Date4": "2026-11-29"}, {"Text5": "鑰匙兩把", "Checkbox6": "yes"}}
	for n, name := range []string{"Ada First", "陳大文"} {
		signer := s.enter(n)
		signer.refuse()
		var view struct{ Next string }
		signer.must("GET", "/api/signing", nil, &view)
		if view.Next != "fill" {
			t.Errorf("signer %d is to do %q", n, view.Next)
		}
		refused(t, "signing with fields empty", signer.do("POST", "/api/signing/confirm", map[string]string{"typed": name}), 409, "Fill in first")
		signer.must("POST", "/api/signing/fields", map[string]any{"values": values[n]}, &view)
		signer.must("POST", "/api/signing/confirm", map[string]string{"typed": name}, nil)
		if n == 0 {
			owner.waitState(d.ID, 0, "signed")
		}
	}
	owner.completed(d.ID)
	got := owner.deposit(d.ID)
	if report, code := inkverify(t, got.path); code != 0 {
		t.Errorf("inkverify ends with %d:\n%s", code, report)
	}
	folder := t.TempDir()
	run := func(name string, args ...string) string {
		out, err := exec.Command(name, args...).CombinedOutput()
		if err != nil {
			t.Fatalf("%s: %v\n%s", name, err, out)
		}
		return string(out)
	}
	run("unzip", "-q", got.path, "-d", folder)
	signed, _ := filepath.Glob(filepath.Join(folder, "data", "*.pdf"))
	if len(signed) != 1 {
		t.Fatalf("signed documents: %v", signed)
	}
	if out := run("pdfsig", "-nocert", signed[0]); strings.Count(out, "Signature is Valid") != 2 {
		t.Errorf("pdfsig:\n%s", out)
	}
	text := run("pdftotext", signed[0], "-")
	for _, want := range []string{"AF", "29 novembre 2026", "鑰匙兩把", "Contract 2026-17"} {
		if !strings.Contains(text, want) {
			t.Errorf("the signed PDF does not show %q:\n%s", want, text)
		}
	}
	audit := string(mustRead(t, filepath.Join(folder, "data", "audit", "audit.jsonl")))
	if !strings.Contains(audit, "fields.filled") || !strings.Contains(audit, "Date4 Initials3") || strings.Contains(audit, "鑰匙") {
		t.Errorf("the deposit's history of the fields: %s", audit)
	}
}

func mustRead(t *testing.T, path string) []byte {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// TestOneDeviceForTwo: a device that goes round lets one signer after the other
// sign, with no link by mail, and is no key to anything else.
func TestOneDeviceForTwo(t *testing.T) {
	s := newService(t)
	s.start()
	owner := s.owner()
	d := drafted(t, owner)
	owner.must("PUT", "/api/documents/"+d.ID+"/reminders", map[string]any{"days": 3}, nil)
	owner.must("POST", "/api/documents/"+d.ID+"/in-person", nil, nil)
	owner.must("DELETE", "/api/session", nil, nil)
	device := owner // the same browser, signed out
	refused(t, "the owner's documents on the device", device.do("GET", "/api/documents", nil), 401, "")
	refused(t, "signing before taking the device", device.do("GET", "/api/signing", nil), 401, "")
	for n, name := range []string{"Ada First", "陳大文"} {
		var hand struct {
			Next    string
			Over    bool
			Signers []struct{ ID, State string }
		}
		for range 200 {
			device.must("GET", "/api/signing/hand", nil, &hand)
			if hand.Next != "" {
				break
			}
			time.Sleep(100 * time.Millisecond)
		}
		if hand.Over || len(hand.Signers) != 2 || hand.Next != hand.Signers[n].ID {
			t.Fatalf("turn %d: %+v", n, hand)
		}
		refused(t, "out of turn", device.do("POST", "/api/signing/hand/take", map[string]string{"signer": hand.Signers[1-n].ID}), 409, "")
		device.must("POST", "/api/signing/hand/take", map[string]string{"signer": hand.Next}, nil)
		device.refuse()
		device.must("POST", "/api/signing/confirm", map[string]string{"typed": name}, nil)
		device.must("POST", "/api/signing/leave", nil, nil)
		refused(t, "the session after leaving", device.do("GET", "/api/signing", nil), 401, "")
	}
	device.must("POST", "/api/signing/hand/end", nil, nil)
	refused(t, "the device after its end", device.do("GET", "/api/signing/hand", nil), 401, "")
	again := s.signIn()
	again.completed(d.ID)
	var outbox struct {
		Mails []struct{ To, Subject string }
	}
	again.must("GET", "/api/outbox", nil, &outbox)
	for _, m := range outbox.Mails {
		if !strings.Contains(m.Subject, "Everybody") && !strings.Contains(m.Subject, "monde a signé") && !strings.Contains(m.Subject, "所有人") {
			t.Errorf("a mail to %s: %s", m.To, m.Subject)
		}
	}
}
