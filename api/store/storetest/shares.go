package storetest

import (
	"errors"
	"testing"
	"time"

	"inkwitness/api"
	"inkwitness/api/store"
)

func shares(t *testing.T, a *store.Accounts, clock *Clock) {
	ctx := t.Context()
	must(t, a.CreateOrganisation(ctx, api.Organisation{ID: "org", Name: "Org", Created: clock.Now()}))
	for _, id := range []string{"ada", "bob", "eve"} {
		must(t, a.CreateAccount(ctx, api.Account{ID: id, State: api.AccountActive, Created: clock.Now(), Profile: api.Profile{Email: id + "@example.org", Name: id}}))
		must(t, a.AddMember(ctx, api.Member{Account: id, Organisation: "org", Role: api.Sender, Added: clock.Now()}))
	}
	d := newDocument("org", "ada", clock.Now())
	must(t, a.Ceremonies().CreateDocument(ctx, d))
	level := func(account string, want api.Level) {
		t.Helper()
		if got, err := a.ShareLevel(ctx, d.ID, account); err != nil || got != want {
			t.Errorf("%s has %q, %v, want %q", account, got, err, want)
		}
	}
	level("bob", "")
	share := api.Share{Document: d.ID, Organisation: "org", Account: "bob", Level: api.See, By: "ada", Created: clock.Now()}
	must(t, a.SetShare(ctx, share))
	level("bob", api.See)
	share.Level = api.Use
	must(t, a.SetShare(ctx, share))
	level("bob", api.Use)
	level("eve", "")
	if all, err := a.SharesOf(ctx, d.ID); err != nil || len(all) != 1 || all[0].Email != "bob@example.org" || all[0].Level != api.Use || !all[0].Created.Equal(share.Created) {
		t.Errorf("shares %+v, %v", all, err)
	}
	if got, err := a.Ceremonies().DocumentsOf(ctx, "org", "bob", clock.Now().Add(time.Hour), 9); err != nil || len(got) != 1 || got[0].ID != d.ID {
		t.Errorf("bob's documents: %d, %v", len(got), err)
	}
	comment := api.Comment{ID: api.NewID(), Document: d.ID, Account: "bob", Created: clock.Now(), Text: "<b>Zoë</b>"}
	must(t, a.AddComment(ctx, comment))
	if all, err := a.CommentsOf(ctx, d.ID); err != nil || len(all) != 1 || all[0] != comment {
		t.Errorf("comments %+v, %v", all, err)
	}
	if err := a.DeleteComment(ctx, api.NewID(), comment.ID); !errors.Is(err, api.ErrNotFound) {
		t.Errorf("a comment of another document: %v, want ErrNotFound", err)
	}
	must(t, a.RemoveMember(ctx, "org", "bob"))
	level("bob", "")
	if err := a.DeleteShare(ctx, d.ID, "bob"); !errors.Is(err, api.ErrNotFound) {
		t.Errorf("taken back twice: %v, want ErrNotFound", err)
	}
	must(t, a.DeleteAccount(ctx, "bob", "test"))
	if all, err := a.CommentsOf(ctx, d.ID); err != nil || len(all) != 0 {
		t.Errorf("comments of an erased account: %+v, %v", all, err)
	}
}
