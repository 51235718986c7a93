package api

import (
	"errors"
	"slices"
	"strings"
	"testing"
)

// kindsOf lists what the table speaks of; a new object or action needs a line here.
var (
	allObjects = []ObjectKind{OrganisationObject, MemberObject, InvitationObject, ProfileObject, OutboxObject, DocumentObject,
		CeremonyObject, DepositObject, EvidenceObject, CaseObject, HoldObject, ErasureObject, CommentObject, AuditObject, KeyObject, WebhookObject, GrantObject, ProvisioningObject}
	allActions = []Action{Create, List, Read, Update, Delete, Send, Sign, Open, Export, Sharing, Approve}
)

// asker is an identity of the role that lacks nothing the role can have.
func asker(role Role) Identity {
	switch role {
	case Anonymous:
		return Identity{}
	case Signer:
		return Identity{Role: Signer, Ceremony: "doc", Signer: "s1", Fresh: true}
	}
	return Identity{Role: role, Account: "me", Organisation: "org", Session: "session", Fresh: true}
}

func TestAccessTableIsWellFormed(t *testing.T) {
	lines := strings.Split(strings.TrimSpace(accessTable), "\n")
	if got, want := len(strings.Fields(lines[0])), len(Roles()); got != want {
		t.Fatalf("%d columns, want %d", got, want)
	}
	for i, heading := range strings.Fields(lines[0]) {
		if !strings.HasPrefix(string(Roles()[i]), heading) {
			t.Errorf("column %d is %s, want %s", i, heading, Roles()[i])
		}
	}
	seen := map[string]bool{}
	for _, line := range lines[1:] {
		f := strings.Fields(line)
		if len(f) != 2+len(Roles()) {
			t.Fatalf("%q has %d fields", line, len(f))
		}
		if seen[f[0]+f[1]] {
			t.Errorf("%s %s twice", f[0], f[1])
		}
		seen[f[0]+f[1]] = true
		for _, mark := range f[2:] {
			if !strings.Contains("owcgf-", mark) || len(mark) != 1 {
				t.Errorf("%q: mark %q", line, mark)
			}
		}
		if f[len(f)-1] != "-" {
			t.Errorf("%q gives something to nobody", line)
		}
	}
	if len(access) != len(seen)*len(Roles()) {
		t.Errorf("%d cells, want %d", len(access), len(seen)*len(Roles()))
	}
}

// TestAccessCells tries every role on every action on every kind of object, in
// seven situations, against what the mark of the cell promises.
func TestAccessCells(t *testing.T) {
	const (
		yes = iota
		unauthenticated
		stepUp
		forbidden
		notFound
	)
	sentinel := []error{nil, ErrUnauthenticated, ErrStepUp, ErrForbidden, ErrNotFound}
	// The situations, and per mark what must come out.
	situations := []struct {
		name   string
		change func(*Identity, *Object)
		want   map[reach]int
	}{
		{"own", func(_ *Identity, o *Object) { o.Owner = "me" },
			map[reach]int{any_: yes, granted: yes, fresh: yes, own: yes, linked: yes, never: forbidden}},
		{"of a colleague", func(*Identity, *Object) {},
			map[reach]int{any_: yes, granted: yes, fresh: yes, own: notFound, linked: yes, never: forbidden}},
		{"shared by a colleague", func(_ *Identity, o *Object) { o.Shared = allActions },
			map[reach]int{any_: yes, granted: yes, fresh: yes, own: yes, linked: yes, never: forbidden}},
		{"without a fresh factor", func(id *Identity, o *Object) { id.Fresh = false; o.Owner = "me" },
			map[reach]int{any_: yes, granted: yes, fresh: stepUp, own: yes, linked: yes, never: forbidden}},
		{"of another organisation", func(_ *Identity, o *Object) { o.Organisation, o.Owner = "other", "me" },
			map[reach]int{any_: notFound, granted: notFound, fresh: notFound, own: notFound, linked: yes, never: notFound}},
		{"of another document", func(_ *Identity, o *Object) { o.Ceremony, o.Owner = "doc2", "me" },
			map[reach]int{any_: yes, granted: yes, fresh: yes, own: yes, linked: notFound, never: forbidden}},
		{"of another signer", func(_ *Identity, o *Object) { o.Signer, o.Owner = "s2", "me" },
			map[reach]int{any_: yes, granted: yes, fresh: yes, own: yes, linked: notFound, never: forbidden}},
		{"by a key without scopes", func(id *Identity, o *Object) { id.Scopes = Scopes{}; o.Owner = "me" },
			map[reach]int{any_: forbidden, granted: forbidden, fresh: forbidden, own: forbidden, linked: forbidden, never: forbidden}},
	}
	for _, s := range situations {
		for _, kind := range allObjects {
			for _, action := range allActions {
				for _, role := range Roles() {
					mark, listed := access[cell{kind, action, role}]
					if !listed {
						mark = never
					}
					id := asker(role)
					object := Object{Kind: kind, Organisation: "org", Owner: "colleague", Ceremony: "doc", Signer: "s1"}
					s.change(&id, &object)
					want := sentinel[s.want[mark]]
					if kind == ProfileObject && s.name == "of another organisation" { // an account belongs to none
						want = sentinel[map[reach]int{own: yes, never: forbidden}[mark]]
					}
					if role == Anonymous {
						want = ErrUnauthenticated
					}
					// A signer belongs to no organisation: where the cell is empty, nothing is there.
					if role == Signer && mark == never && id.Scopes == nil {
						want = ErrNotFound
					}
					if err := Allow(id, action, object); !errors.Is(err, want) || (want == nil) != (err == nil) {
						t.Errorf("%s: %s %s %s (%c): %v, want %v", s.name, role, action, kind, mark, err, want)
					}
				}
			}
		}
	}
}

// TestWhatNoRoleMayDo holds the table against what was promised in words, so that
// a cell that is opened by mistake is noticed by somebody who does not read it.
func TestWhatNoRoleMayDo(t *testing.T) {
	changes := func(a Action) bool { return !slices.Contains([]Action{List, Read, Export, Open}, a) }
	promises := []struct {
		words  string
		breaks func(c cell, mark reach) bool
	}{
		{"strokes and video are opened by owners and investigators", func(c cell, _ reach) bool {
			return c.kind == EvidenceObject && c.action == Open && c.role != Owner && c.role != Investigator
		}},
		{"auditors change nothing but their own account", func(c cell, _ reach) bool {
			return c.role == Auditor && c.kind != ProfileObject && changes(c.action)
		}},
		{"the operator's staff read by a grant, change nothing, and take nothing away", func(c cell, mark reach) bool {
			return c.role == Staff && c.kind != ProfileObject && (mark != granted || c.action != Read && c.action != List)
		}},
		{"signers reach what their link leads to", func(c cell, mark reach) bool { return c.role == Signer && mark != linked }},
		{"nobody but signers signs", func(c cell, _ reach) bool { return c.action == Sign && c.role != Signer }},
		{"accounts are changed and taken away by their holders", func(c cell, mark reach) bool { return c.kind == ProfileObject && mark != own }},
		{"members, keys, webhooks and staff access are made by owners and admins with a fresh proof", func(c cell, mark reach) bool {
			return slices.Contains([]ObjectKind{MemberObject, KeyObject, WebhookObject, GrantObject}, c.kind) && changes(c.action) &&
				(c.role != Owner && c.role != Admin || mark != fresh && c.action != Delete)
		}},
		{"senders, managers and reviewers see no evidence and no record", func(c cell, _ reach) bool {
			return slices.Contains([]Role{Sender, Manager, Reviewer}, c.role) && slices.Contains([]ObjectKind{EvidenceObject, CaseObject, HoldObject, AuditObject}, c.kind)
		}},
		{"reviewers send and change no documents", func(c cell, _ reach) bool {
			return c.role == Reviewer && c.kind == DocumentObject && changes(c.action)
		}},
		{"somebody unknown does nothing", func(c cell, _ reach) bool { return c.role == Anonymous }},
	}
	for c, mark := range access {
		for _, p := range promises {
			if mark != never && p.breaks(c, mark) {
				t.Errorf("%s: %s %s %s is %c", p.words, c.role, c.action, c.kind, mark)
			}
		}
	}
}

func TestScopesNarrowAndNeverWiden(t *testing.T) {
	object := Object{Kind: DocumentObject, Organisation: "org", Owner: "colleague"}
	key := asker(Sender)
	key.Scopes = Scopes{"document:read", "member:delete"}
	if err := Allow(key, Read, object); !errors.Is(err, ErrNotFound) {
		t.Errorf("a scope reached a colleague's document: %v", err)
	}
	object.Owner = "me"
	if err := Allow(key, Read, object); err != nil {
		t.Error(err)
	}
	if err := Allow(key, Delete, Object{Kind: MemberObject, Organisation: "org"}); !errors.Is(err, ErrForbidden) {
		t.Errorf("a scope gave what the role has not: %v", err)
	}
}

func TestProvidersDoNotChangeAccounts(t *testing.T) {
	id := asker(Owner)
	id.Provider = "p1"
	object := Object{Kind: ProfileObject, Owner: "me"}
	for action, want := range map[Action]error{Read: nil, Update: ErrForbidden, Delete: ErrForbidden, Export: ErrForbidden} {
		if err := Allow(id, action, object); !errors.Is(err, want) {
			t.Errorf("%s: %v", action, err)
		}
	}
}

// sentinel is what a refusal is at its bottom.
func sentinel(err error) error {
	for next := errors.Unwrap(err); next != nil; next = errors.Unwrap(err) {
		err = next
	}
	return err
}

func TestA20DeactivatedReadsOnly(t *testing.T) {
	id := asker(Owner)
	id.ReadOnly = true
	for _, kind := range allObjects {
		for _, action := range allActions {
			object := Object{Kind: kind, Organisation: "org", Owner: "me"}
			before, err := Allow(asker(Owner), action, object), Allow(id, action, object)
			reads := action == List || action == Read || action == Open || action == Export || kind == ProfileObject
			if reads && !errors.Is(err, sentinel(before)) && before != nil || reads && before == nil && err != nil || !reads && !errors.Is(err, ErrDeactivated) {
				t.Errorf("%s %s: %v", action, kind, err)
			}
		}
	}
}

func TestUnknownThingsAreRefused(t *testing.T) {
	for _, test := range []struct {
		id     Identity
		action Action
		kind   ObjectKind
	}{
		{Identity{Role: "root", Account: "me", Organisation: "org", Fresh: true}, Read, DocumentObject},
		{asker(Owner), "destroy", DocumentObject},
		{asker(Owner), Read, "secrets"},
		{Identity{Role: Owner, Organisation: "org"}, Read, DocumentObject},             // no account
		{Identity{Role: Owner, Account: "me"}, Read, DocumentObject},                   // no organisation
		{Identity{Role: Signer, Ceremony: "doc", Account: "me"}, Sign, CeremonyObject}, // no signer
	} {
		if err := Allow(test.id, test.action, Object{Kind: test.kind, Organisation: test.id.Organisation, Ceremony: "doc"}); err == nil {
			t.Errorf("%+v may %s %s", test.id, test.action, test.kind)
		}
	}
}
