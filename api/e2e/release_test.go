package e2e

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
)

// released are the lines of a document's activity about files that left, as
// "kind, how, who".
func (c *client) released(id string) (lines []string) {
	c.t.Helper()
	var record struct {
		Activity []struct{ Kind, Who, Signer, Detail string }
	}
	c.must("GET", "/api/documents/"+id+"/activity", nil, &record)
	for _, line := range record.Activity {
		if line.Kind == "document.read" || strings.HasSuffix(line.Kind, ".downloaded") {
			lines = append(lines, strings.Join([]string{line.Kind, line.Detail, line.Who + line.Signer}, ", "))
		}
	}
	return lines
}

// TestReleasesAreRecorded: every download of the PDF, the signed PDF and the deposit
// is one line of the document's chain that says who and how, and a part of one is no
// line of its own. Who may not download a deposit does not, and a signer gets none
// with recordings of others in it.
func TestReleasesAreRecorded(t *testing.T) {
	s := newService(t)
	s.start()
	owner := s.owner()
	admin, investigator, sender := s.member("admin", "adam@example.org"), s.member("investigator", "ines@example.org"), s.member("sender", "sam@example.org")
	d := twoSigners(t, owner)
	path := "/api/documents/" + d.ID
	owner.must("GET", path, nil, &d)
	var want []string
	expect := func(what string, lines ...string) {
		t.Helper()
		want = append(want, lines...)
		if got := owner.released(d.ID); !slices.Equal(got, want) {
			t.Fatalf("after %s the activity tells of\n%s\nwant\n%s", what, strings.Join(got, "\n"), strings.Join(want, "\n"))
		}
	}
	line := func(kind, how, who string) string { return kind + ", " + how + ", " + who }

	recorded := s.enter(0)
	recorded.must("GET", "/api/signing/pdf", nil, nil)
	expect("a signer reads the PDF", line("document.read", "link", d.Signers[0].ID))
	recorded.consent("handwriting")
	r := recorded.capture("signature", toPoints(syntheticSignatures(t, 1)[0]))
	recorded.must("POST", "/api/signing/confirm", map[string]string{"captureId": r.id}, nil)
	owner.waitState(d.ID, 0, "signed")
	typing := s.enter(1)
	typing.refuse()
	typing.must("POST", "/api/signing/confirm", map[string]string{"typed": "陳大文"}, nil)
	d = owner.completed(d.ID)

	owner.must("GET", path+"/pdf", nil, nil)
	owner.must("GET", path+"/signed.pdf", nil, nil)
	size := len(owner.must("GET", path+"/deposit", nil, nil).Body)
	owner.must("GET", path+"/deposit", nil, nil)
	const olivia = "Olivia Owner"
	expect("four downloads in a session", line("document.read", "session", olivia), line("document.downloaded", "session", olivia),
		line("deposit.downloaded", "session", olivia), line("deposit.downloaded", "session", olivia))
	for _, from := range []int{1, 100, size - 10} {
		if a := owner.do("GET", path+"/deposit", nil, "Range", fmt.Sprintf("bytes=%d-", from)); a.Status != http.StatusPartialContent {
			t.Errorf("the rest from %d: %d", from, a.Status)
		}
	}
	if a := owner.do("HEAD", path+"/deposit", nil); a.Status != 200 {
		t.Errorf("HEAD: %s", a)
	}
	expect("parts of one, and HEAD")
	owner.do("GET", path+"/deposit", nil, "Range", "bytes=0-99")
	expect("the first bytes again", line("deposit.downloaded", "session", olivia))

	var key struct{ Secret string }
	owner.must("POST", "/api/keys", map[string]any{"name": "Archive robot", "scopes": []string{"deposit:export"}}, &key)
	program := s.client()
	bearer := []string{"Authorization", "Bearer " + key.Secret}
	for range 2 {
		if a := program.do("GET", path+"/deposit", nil, bearer...); a.Status != 200 {
			t.Fatalf("by an API key: %s", a)
		}
	}
	expect("an API key", line("deposit.downloaded", "key Archive robot", olivia), line("deposit.downloaded", "key Archive robot", olivia))
	// A part alone is told, too, where the same reader began no download.
	var other struct{ Secret string }
	owner.must("POST", "/api/keys", map[string]any{"name": "Thief", "scopes": []string{"deposit:export"}}, &other)
	if a := program.do("GET", path+"/deposit", nil, "Authorization", "Bearer "+other.Secret, "Range", "bytes=1-"); a.Status != http.StatusPartialContent {
		t.Fatalf("all but the first byte: %s", a)
	}
	expect("all but the first byte", line("deposit.downloaded", "key Thief", olivia))

	refused(t, "a deposit by an investigator", investigator.do("GET", path+"/deposit", nil), 403, "role")
	refused(t, "somebody else's deposit by an admin", admin.do("GET", path+"/deposit", nil), 404, "")
	refused(t, "somebody else's deposit by a sender", sender.do("GET", path+"/deposit", nil), 404, "")
	for who, c := range map[string]*client{"owner": owner, "investigator": investigator, "admin": admin} {
		var seen struct{ Deposit struct{ MayDownload bool } }
		if c.must("GET", path, nil, &seen); seen.Deposit.MayDownload != (who == "owner") {
			t.Errorf("the %s is told %+v", who, seen.Deposit)
		}
	}

	// Of two signers one was recorded: that one has the deposit, the other the PDF.
	var view struct{ Deposit struct{ Withheld bool } }
	if recorded.must("GET", "/api/signing", nil, &view); view.Deposit.Withheld {
		t.Error("a deposit with no recording but one's own is withheld")
	}
	recorded.must("GET", "/api/signing/deposit", nil, nil)
	if typing.must("GET", "/api/signing", nil, &view); !view.Deposit.Withheld {
		t.Error("the page is not told that the deposit is withheld")
	}
	a := typing.do("GET", "/api/signing/deposit", nil)
	refused(t, "a deposit with somebody else's recording", a, 403, "recordings of other signers")
	if problemOf(a) != "others-recorded" {
		t.Errorf("its problem is %q", problemOf(a))
	}
	typing.must("GET", "/api/signing/signed.pdf", nil, nil)
	expect("the signers", line("deposit.downloaded", "link", d.Signers[0].ID), line("document.downloaded", "link", d.Signers[1].ID))

	if a := owner.do("POST", path+"/signers/"+d.Signers[0].ID+"/erase", map[string]string{"what": "recording", "reason": "request 17"}); a.Status != 200 {
		t.Fatalf("erase the recording: %s", a)
	}
	typing.must("GET", "/api/signing/deposit", nil, nil)
	expect("the recording is erased", line("deposit.downloaded", "link", d.Signers[1].ID))
	if n := owner.events("deposit.downloaded"); n != 8 {
		t.Errorf("the organisation's record tells of %d deposits, want 8", n)
	}
}
