package e2e

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// run runs a command of the operator on the service's data.
func (s *service) run(args ...string) (string, error) {
	s.t.Helper()
	cmd := exec.Command(s.binary, append(args[:len(args):len(args)], "--data", s.data)...)
	cmd.Env = append(os.Environ(), s.env...)
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// member makes an account in the first organisation.
func (s *service) member(role, email string) *client {
	s.t.Helper()
	out, err := s.run("invite", "--role", role, email)
	if err != nil {
		s.t.Fatalf("inkwitness invite: %v\n%s", err, out)
	}
	_, token, _ := strings.Cut(strings.TrimSpace(out), "#invitation=")
	c := s.client()
	c.must("POST", "/api/invitations/accept", map[string]string{"token": token, "name": "The " + role, "email": email, "password": ownerPassword}, nil)
	return c
}

// TestHoldsAndChecks: two people hold a document and lift it, every act is on
// the record, the owner sees what is stored and until when, and the operator's
// commands find all well.
func TestHoldsAndChecks(t *testing.T) {
	s := newService(t)
	s.start()
	owner := s.owner()
	investigator, sender := s.member("investigator", "ines@example.org"), s.member("sender", "sam@example.org")
	d := twoSigners(t, owner)
	var signers []*client
	for n, name := range []string{"Ada First", "陳大文"} {
		signer := s.enter(n)
		signers = append(signers, signer)
		signer.refuse()
		signer.must("POST", "/api/signing/confirm", map[string]string{"typed": name}, nil)
		owner.waitState(d.ID, n, "signed")
	}
	owner.completed(d.ID)

	path := "/api/documents/" + d.ID
	type hold struct {
		ID, State, Reason  string
		Protects, MayAgree bool
		Placed             struct{ Name string }
	}
	refused(t, "a hold by a sender", sender.do("POST", path+"/holds", map[string]string{"reason": "a dispute"}), 403, "")
	refused(t, "a hold without a reason", owner.do("POST", path+"/holds", map[string]string{"reason": "   "}), 422, "dispute")
	var h hold
	owner.must("POST", path+"/holds", map[string]string{"reason": "Case 4711"}, &h)
	if h.State != "placed" || !h.Protects || h.MayAgree || h.Placed.Name != "Olivia Owner" {
		t.Errorf("placed: %+v", h)
	}
	act := func(c *client, what string) answer { return c.do("POST", path+"/holds/"+h.ID+"/"+what, nil) }
	refused(t, "another hold by the same person", owner.do("POST", path+"/holds", map[string]string{"reason": "Case 4711"}), 409, "earlier hold")
	refused(t, "the same person agrees", act(owner, "agree"), 409, "Another person")
	refused(t, "lifted before it was asked for", act(investigator, "lift"), 409, "First somebody")
	refused(t, "a hold of nobody", owner.do("POST", path+"/holds/"+strings.Repeat("0", 32)+"/agree", nil), 404, "no such hold")
	var seen struct {
		Holds     []hold
		Protected bool
	}
	investigator.must("GET", path+"/holds", nil, &seen)
	if len(seen.Holds) != 1 || !seen.Holds[0].MayAgree || !seen.Protected {
		t.Errorf("the second person sees %+v", seen)
	}
	for i, step := range []struct {
		who         *client
		what, state string
	}{{investigator, "agree", "inForce"}, {owner, "end", "ending"}, {investigator, "lift", "lifted"}} {
		a := act(step.who, step.what)
		if err := json.Unmarshal(a.Body, &h); a.Status != 200 || err != nil || h.State != step.state || h.Protects != (step.state != "lifted") {
			t.Errorf("step %d, %s: %s, %v", i, step.what, a, err)
		}
		var held struct {
			Deposit struct {
				Hold  bool
				State string
			}
		}
		if owner.must("GET", path, nil, &held); held.Deposit.Hold != h.Protects || (held.Deposit.State == "held") != h.Protects {
			t.Errorf("step %d, %s: the owner sees %+v", i, step.what, held)
		}
	}
	refused(t, "lifted twice", act(investigator, "lift"), 409, "")
	activity := owner.must("GET", path+"/activity", nil, nil)
	for _, kind := range []string{"hold.placed", "hold.agreed", "hold.ended", "hold.lifted"} {
		if !strings.Contains(string(activity.Body), kind) {
			t.Errorf("the record has no %s: %s", kind, activity.Body)
		}
	}

	var stored struct {
		Objects []struct{ Name, Class, Reason, Ends, State string }
	}
	owner.must("GET", path+"/objects", nil, &stored)
	for _, o := range stored.Objects {
		if o.Class == "" || o.Reason == "" || o.Ends == "" || o.State == "" {
			t.Errorf("an object without class, reason or end: %+v", o)
		}
	}
	if len(stored.Objects) < 5 {
		t.Errorf("only %d objects are shown", len(stored.Objects))
	}
	s.recorded(owner, sender, path)
	s.erases(owner, investigator, signers, d)
	s.operates(d.ID)
}

// erases: a signer withdraws, the owner erases one recording and the operator the
// other; the deposit stays good and says so.
func (s *service) erases(owner, investigator *client, signers []*client, d documentView) {
	s.t.Helper()
	path := "/api/documents/" + d.ID
	owner.must("GET", path, nil, &d)
	refused(s.t, "a withdrawal by nobody", s.client().do("POST", "/api/signing/withdraw", map[string]string{}), 401, "Sign in")
	var done struct{ Deleted bool }
	if signers[0].must("POST", "/api/signing/withdraw", map[string]string{}, &done); !done.Deleted {
		s.t.Error("the withdrawn references are not deleted")
	}
	erase := func(c *client, signer, reason string) answer {
		return c.do("POST", path+"/signers/"+signer+"/erase", map[string]string{"what": "recording", "reason": reason})
	}
	refused(s.t, "an erasure by an investigator", erase(investigator, d.Signers[0].ID, "request 17"), 403, "")
	refused(s.t, "an erasure of nobody", erase(owner, strings.Repeat("0", 32), "request 17"), 404, "")
	refused(s.t, "an erasure without a right", erase(owner, d.Signers[0].ID, "     "), 422, "by what right")
	if a := erase(owner, d.Signers[0].ID, "request 17"); a.Status != 200 || !strings.Contains(string(a.Body), `"deleted":true`) {
		s.t.Errorf("the owner erases: %s", a)
	}
	refused(s.t, "erased twice", erase(owner, d.Signers[0].ID, "request 17"), 409, "was erased on")
	if out, err := s.run("erase", "--reason", "request 18", d.ID, "nobody@example.org"); err == nil || !strings.Contains(out, "no signer with this address") {
		s.t.Errorf("inkwitness erase of nobody: %v\n%s", err, out)
	}
	if out, err := s.run("erase", "--reason", "request 18", d.ID, d.Signers[1].Email); err != nil || !strings.Contains(out, "The recording is erased") {
		s.t.Errorf("inkwitness erase: %v\n%s", err, out)
	}
	file := filepath.Join(s.t.TempDir(), "erased.asice")
	if err := os.WriteFile(file, owner.must("GET", path+"/deposit", nil, nil).Body, 0o600); err != nil {
		s.t.Fatal(err)
	}
	if out, code := inkverify(s.t, file); code != 0 || !strings.Contains(out, "deposit.erased") || !strings.Contains(out, "request 18") {
		s.t.Errorf("inkverify of the erased deposit ends with %d\n%s", code, out)
	}
	if activity := string(owner.must("GET", path+"/activity", nil, nil).Body); strings.Count(activity, "signer.erased") != 2 || !strings.Contains(activity, "consent.withdrawn") {
		s.t.Errorf("the record of the erasures: %s", activity)
	}
}

// recorded makes the evidence record, which the owner downloads and checks.
func (s *service) recorded(owner, sender *client, path string) {
	s.t.Helper()
	refused(s.t, "a record before the first run", owner.do("GET", path+"/record", nil), 404, "within an hour")
	if out, err := s.run("renew"); err != nil || !strings.Contains(out, "Done: 1 first records") {
		s.t.Fatalf("inkwitness renew: %v\n%s", err, out)
	}
	refused(s.t, "the record of somebody else", sender.do("GET", path+"/record", nil), 404, "no access")
	folder := s.t.TempDir()
	for name, from := range map[string]string{"d.asice": "/deposit", "d.asice.ers": "/record"} {
		if err := os.WriteFile(filepath.Join(folder, name), owner.must("GET", path+from, nil, nil).Body, 0o600); err != nil {
			s.t.Fatal(err)
		}
	}
	if out, code := inkverify(s.t, filepath.Join(folder, "d.asice")); code != 0 || !strings.Contains(out, "An evidence record covers every file") {
		s.t.Errorf("inkverify ends with %d\n%s", code, out)
	}
	var seen struct{ Deposit struct{ RecordedAt string } }
	if owner.must("GET", path, nil, &seen); seen.Deposit.RecordedAt == "" {
		s.t.Error("the owner does not see the evidence record")
	}
}

// confirmsClock lets two people say what time it is: they have accounts and answer
// for the service, and each hears of it.
func (s *service) confirmsClock() {
	s.t.Helper()
	const ownerAddress, staff = "olivia@example.org", "clock@operator.example"
	s.accept(s.operator("invite", "--role", "staff", staff), staff)
	for _, word := range []struct {
		by, says string
		done     bool
	}{
		{"ada", "no account has the address", false},
		{"ines@example.org", "neither an owner", false},
		{ownerAddress, "Another person", true},
		{strings.ToUpper(ownerAddress), "Another person", true},
		{staff, "confirmed by two people", true},
		{staff, "Another person", true}, // the first word counted once
	} {
		if out, err := s.run("clock", "confirm", "--by", word.by); (err == nil) != word.done || !strings.Contains(out, word.says) {
			s.t.Errorf("inkwitness clock confirm --by %q: %v, want %q\n%s", word.by, err, word.says, out)
		}
	}
	if n := strings.Count(s.operator("outbox", "--limit", "50"), "Somebody said in your name that the service’s clock is right"); n != 4 {
		s.t.Errorf("%d mails, want one for each word to whom it names", n)
	}
}

// operates runs the commands of care.
func (s *service) operates(document string) {
	s.t.Helper()
	if out, err := s.run("check", "--bytes", "all"); err != nil || !strings.Contains(out, "All is well.") {
		s.t.Errorf("inkwitness check: %v\n%s", err, out)
	}
	s.confirmsClock()
	folder := filepath.Join(s.t.TempDir(), "receipts")
	if out, err := s.run("receipts", folder); err != nil || !strings.Contains(out, "receipts are in") {
		s.t.Errorf("inkwitness receipts: %v\n%s", err, out)
	}
	if out, err := s.run("backup", filepath.Join(s.t.TempDir(), "backup")); err != nil || !strings.Contains(out, "The root key is not in it") {
		s.t.Errorf("inkwitness backup: %v\n%s", err, out)
	}
	if out, err := s.run("restore", s.t.TempDir()); err == nil || !strings.Contains(out, "this is no backup") {
		s.t.Errorf("inkwitness restore of nothing: %v\n%s", err, out)
	}
	found, err := filepath.Glob(filepath.Join(s.data, "blobs", "deposits", document, "deposit*.asice"))
	if err != nil || len(found) != 1 {
		s.t.Fatalf("%d containers of the deposit, %v", len(found), err)
	}
	path := found[0]
	raw, err := os.ReadFile(path)
	if err != nil {
		s.t.Fatal(err)
	}
	raw[len(raw)/2] ^= 1
	if err := os.WriteFile(path, raw, 0o600); err != nil {
		s.t.Fatal(err)
	}
	if out, err := s.run("check", "--bytes", "all"); err == nil || !strings.Contains(out, "DAMAGED  deposits/"+document+"/"+filepath.Base(path)) {
		s.t.Errorf("inkwitness check of a damaged deposit: %v\n%s", err, out)
	}
}
