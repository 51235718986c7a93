package server

import (
	"errors"
	"strings"
	"testing"

	"inkwitness/api"
	"inkwitness/api/ceremony"
)

// A code that a session showed proves nothing for the session that took its place,
// not even where that happened while the code was being checked.
func TestProofIsOfItsSession(t *testing.T) {
	b := newIdleBench(t, nil)
	ctx := t.Context()
	d := b.sentTo(ceremony.SignerPlan{Name: "Ada First", Email: "ada@example.org", Second: true, Phone: "+33612345678"})
	mails, err := b.accounts.AllMails(ctx, 100)
	b.must(err)
	link := linkSecret.FindStringSubmatch(mails[0].Text)[1]
	browser := strings.Repeat("b", 32)
	first, _, signer, err := b.ceremony.OpenLink(ctx, link, browser)
	b.must(err)
	second, _, _, err := b.ceremony.OpenLink(ctx, link, browser)
	b.must(err)
	if _, err := b.ceremony.Prove(ctx, d.ID, signer, first, ceremony.BySMS); !errors.Is(err, api.ErrUnauthenticated) {
		t.Errorf("the code of the session that ended: %v, want ErrUnauthenticated", err)
	}
	d, err = b.ceremony.Document(ctx, d.ID)
	b.must(err)
	if d.Signers[0].Proved() {
		t.Error("it opened the next session")
	}
	if d, err = b.ceremony.Prove(ctx, d.ID, signer, second, ceremony.BySMS); err != nil || !d.Signers[0].Proved() {
		t.Errorf("the code of the session that lives: %v", err)
	}
}
