package storetest

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"inkwitness/api"
	"inkwitness/api/ceremony"
	"inkwitness/api/store"
	"inkwitness/capture"
)

func newDocument(organisation, owner string, created time.Time) *ceremony.Document {
	return &ceremony.Document{ID: api.NewID(), Organisation: organisation, Owner: owner, State: ceremony.Draft, Title: "Lease of the Old Mill", Created: created}
}

func documents(t *testing.T, a *store.Accounts, clock *Clock) {
	c := a.Ceremonies()
	ctx := t.Context()
	d := newDocument("org", "ada", clock.Now())
	if err := c.CreateDocument(ctx, d); err != nil {
		t.Fatal(err)
	}
	if err := c.CreateDocument(ctx, d); !errors.Is(err, api.ErrConflict) {
		t.Errorf("created twice: %v, want ErrConflict", err)
	}
	if _, err := c.Document(ctx, api.NewID()); !errors.Is(err, ceremony.ErrNotFound) {
		t.Errorf("unknown document: %v, want ErrNotFound", err)
	}
	got, err := c.Document(ctx, d.ID)
	if err != nil || got.Title != d.Title || got.Version != 1 || !got.Created.Equal(d.Created) {
		t.Fatalf("loaded %+v, %v", got, err)
	}
	stale, err := c.Document(ctx, d.ID)
	if err != nil {
		t.Fatal(err)
	}
	got.State = ceremony.Sealing
	if err := c.SaveDocument(ctx, got); err != nil || got.Version != 2 {
		t.Fatalf("saved as version %d: %v", got.Version, err)
	}
	if err := c.SaveDocument(ctx, stale); !errors.Is(err, ceremony.ErrStale) {
		t.Errorf("saved an old version: %v, want ErrStale", err)
	}
	if ids, err := c.Unfinished(ctx); err != nil || !slices.Equal(ids, []string{d.ID}) {
		t.Errorf("unfinished %v, %v, want the document that is sealed", ids, err)
	}
}

func documentLists(t *testing.T, a *store.Accounts, clock *Clock) {
	c := a.Ceremonies()
	ctx := t.Context()
	var made []*ceremony.Document
	for i, owner := range []string{"ada", "bob", "ada"} {
		clock.Advance(time.Second)
		d := newDocument("org", owner, clock.Now())
		if err := c.CreateDocument(ctx, d); err != nil {
			t.Fatalf("document %d: %v", i, err)
		}
		made = append(made, d)
	}
	other := newDocument("another", "ada", clock.Now())
	if err := c.CreateDocument(ctx, other); err != nil {
		t.Fatal(err)
	}
	end := clock.Now().Add(time.Second)
	for _, test := range []struct {
		name, owner string
		before      time.Time
		limit       int
		want        []*ceremony.Document
	}{
		{"all, newest first", "", end, 10, []*ceremony.Document{made[2], made[1], made[0]}},
		{"one owner's", "ada", end, 10, []*ceremony.Document{made[2], made[0]}},
		{"first page", "", end, 1, made[2:]},
		{"next page", "", made[2].Created, 10, []*ceremony.Document{made[1], made[0]}},
		{"nobody's", "eve", end, 10, nil},
	} {
		got, err := c.DocumentsOf(ctx, "org", test.owner, test.before, test.limit)
		if err != nil {
			t.Fatalf("%s: %v", test.name, err)
		}
		same := func(a, b *ceremony.Document) bool { return a.ID == b.ID }
		if !slices.EqualFunc(got, test.want, same) {
			t.Errorf("%s: %d documents, want %d in order", test.name, len(got), len(test.want))
		}
	}
}

func reminders(t *testing.T, a *store.Accounts, clock *Clock) {
	c := a.Ceremonies()
	ctx := t.Context()
	d := newDocument("org", "ada", clock.Now())
	d.State, d.RemindDays = ceremony.Sent, 3
	d.Signers = []*ceremony.Signer{{ID: "s", State: ceremony.Invited, InvitedAt: clock.Now()}}
	must(t, c.CreateDocument(ctx, d))
	due := func(after time.Duration) []string {
		t.Helper()
		ids, err := c.DueReminders(ctx, clock.Now().Add(after), 10)
		must(t, err)
		return ids
	}
	const day = 24 * time.Hour
	if early, late := due(3*day-time.Minute), due(3*day); len(early) != 0 || !slices.Equal(late, []string{d.ID}) {
		t.Errorf("due %v before and %v after three days", early, late)
	}
	d.Signers[0].State = ceremony.Signed
	must(t, c.SaveDocument(ctx, d))
	if left := due(1000 * day); len(left) != 0 {
		t.Errorf("due for somebody who has signed: %v", left)
	}
}

func grants(t *testing.T, a *store.Accounts, clock *Clock) {
	c := a.Ceremonies()
	ctx := t.Context()
	d := newDocument("org", "ada", clock.Now())
	if err := c.CreateDocument(ctx, d); err != nil {
		t.Fatal(err)
	}
	link := ceremony.Grant{Hash: ceremony.HashSecret("s"), Kind: ceremony.LinkGrant, Document: d.ID, Signer: "signer", Expires: clock.Now().Add(time.Hour)}
	if err := c.AddGrant(ctx, link); err != nil {
		t.Fatal(err)
	}
	if got, err := c.Grant(ctx, link.Hash); err != nil || got.Document != d.ID || got.Signer != "signer" || got.UsedBy != nil || !got.Expires.Equal(link.Expires) {
		t.Errorf("grant %+v, %v", got, err)
	}
	if _, err := c.Grant(ctx, ceremony.HashSecret("other")); !errors.Is(err, ceremony.ErrNotFound) {
		t.Errorf("unknown grant: %v, want ErrNotFound", err)
	}
	equal(t, atOnce(t, 50, ceremony.ErrLinkUsed, func(i int) error { return c.UseGrant(ctx, link.Hash, [32]byte{byte(i)}) }), 1)
	used, err := c.Grant(ctx, link.Hash)
	must(t, err)
	must(t, c.UseGrant(ctx, link.Hash, [32]byte(used.UsedBy))) // the same browser again: its answer was lost
	session := ceremony.Grant{Hash: ceremony.HashSecret("session"), Kind: ceremony.SessionGrant, Document: d.ID, Signer: "signer", Expires: clock.Now().Add(time.Minute)}
	must(t, c.AddGrant(ctx, session))
	asked := [][32]byte{link.Hash, session.Hash, ceremony.HashSecret("other")}
	for len(asked) < 1200 { // more than one query takes
		asked = append(asked, [32]byte{byte(len(asked)), byte(len(asked) >> 8)})
	}
	alive := func(what string, want ...[32]byte) {
		t.Helper()
		live, err := c.LiveGrants(ctx, asked, clock.Now())
		if err != nil || len(live) != len(want) {
			t.Errorf("%s: %d live grants, %v, want %d", what, len(live), err, len(want))
		}
		for _, h := range want {
			if !live[h] {
				t.Errorf("%s: a grant is not live", what)
			}
		}
	}
	alive("both", link.Hash, session.Hash)
	clock.Advance(2 * time.Minute)
	alive("after the session's time", link.Hash)
	must(t, c.RevokeGrants(ctx, "signer", ceremony.SessionGrant))
	if _, err := c.Grant(ctx, session.Hash); !errors.Is(err, ceremony.ErrNotFound) {
		t.Errorf("ended session: %v, want ErrNotFound", err)
	}
	must(t, c.RevokeGrants(ctx, "signer"))
	alive("after everything was revoked")
	if _, err := c.Grant(ctx, link.Hash); !errors.Is(err, ceremony.ErrNotFound) {
		t.Errorf("revoked grant: %v, want ErrNotFound", err)
	}
}

func subjects(t *testing.T, a *store.Accounts, _ *Clock) {
	c := a.Ceremonies()
	ctx := t.Context()
	first, err := c.Subject(ctx, "org", "Ada@Example.org")
	if err != nil {
		t.Fatal(err)
	}
	again, err := c.Subject(ctx, "org", "ada@example.ORG")
	if err != nil || again.ID != first.ID {
		t.Errorf("the same address gave %s and %s, %v", first.ID, again.ID, err)
	}
	elsewhere, err := c.Subject(ctx, "another", "ada@example.org")
	if err != nil || elsewhere.ID == first.ID {
		t.Errorf("the address is the same subject in another organisation: %v", err)
	}
	first.References = append(first.References, ceremony.Reference{Capture: "c"})
	if err := c.SaveSubject(ctx, first); err != nil {
		t.Fatal(err)
	}
	if err := c.SaveSubject(ctx, again); !errors.Is(err, ceremony.ErrStale) {
		t.Errorf("saved an old version: %v, want ErrStale", err)
	}
	if got, err := c.Subject(ctx, "org", "ada@example.org"); err != nil || len(got.References) != 1 {
		t.Errorf("loaded %+v, %v", got, err)
	}
}

func prints(t *testing.T, a *store.Accounts, clock *Clock) {
	c, ctx := a.Ceremonies(), t.Context()
	ada, err := c.Subject(ctx, "org", "ada@example.org")
	must(t, err)
	bea, err := c.Subject(ctx, "org", "bea@example.org")
	must(t, err)
	for n := range 3 {
		p := ceremony.Print{Capture: capture.SessionID(fmt.Sprint("c", n)), Made: clock.Now().Add(time.Duration(n) * time.Second), Data: []byte{byte(n)}}
		must(t, c.AddPrint(ctx, ada.ID, p))
		p.Data = []byte("again")
		must(t, c.AddPrint(ctx, ada.ID, p)) // the first stays
	}
	must(t, c.AddPrint(ctx, bea.ID, ceremony.Print{Capture: "c0", Made: clock.Now(), Data: []byte("bea")}))
	got, err := c.Prints(ctx, ada.ID, 2)
	if err != nil || len(got) != 2 || got[0].Capture != "c2" || got[1].Capture != "c1" || !bytes.Equal(got[0].Data, []byte{2}) || !got[0].Made.Equal(clock.Now().Add(2*time.Second)) {
		t.Errorf("the newest two are %+v, %v", got, err)
	}
	if err := c.AddPrint(ctx, "nobody", ceremony.Print{Capture: "c", Made: clock.Now()}); err == nil {
		t.Error("a print of an unknown subject was stored")
	}
	other := Accounts(t, a.Store).Ceremonies() // the same rows with another root key
	if got, err := other.Prints(ctx, ada.ID, 2); err == nil {
		t.Errorf("opened prints %+v with another root key", got)
	}
}

// documentsSealed shows that the database alone opens no document and no subject.
func documentsSealed(t *testing.T, a *store.Accounts, clock *Clock) {
	d := newDocument("org", "ada", clock.Now())
	must(t, a.Ceremonies().CreateDocument(t.Context(), d))
	_, err := a.Ceremonies().Subject(t.Context(), "org", "ada@example.org")
	must(t, err)
	other := Accounts(t, a.Store).Ceremonies() // the same rows with another root key
	if got, err := other.Document(t.Context(), d.ID); err == nil {
		t.Errorf("opened document %q with another root key", got.Title)
	}
	if got, err := other.Subject(t.Context(), "org", "ada@example.org"); err == nil {
		t.Errorf("found subject %s with another root key", got.ID)
	}
}
