package api

import (
	"fmt"
	"slices"
	"strings"
)

// Action is what somebody wants to do.
type Action string

// The actions of the access table.
const (
	Create  Action = "create"
	List    Action = "list"
	Read    Action = "read"
	Update  Action = "update"
	Delete  Action = "delete"
	Send    Action = "send"   // a document to its signers: remind, cancel too
	Sign    Action = "sign"   // consent, enrol, capture, decline
	Open    Action = "open"   // evidence of a signing act: strokes, video
	Export  Action = "export" // take a copy away
	Sharing Action = "share"  // let a colleague at a document, and see who is let

	Approve Action = "approve" // as a second person, that evidence is opened
)

// ObjectKind is what is acted on.
type ObjectKind string

// The kinds of objects of the access table.
const (
	OrganisationObject ObjectKind = "organisation"
	MemberObject       ObjectKind = "member"
	InvitationObject   ObjectKind = "invitation"
	ProfileObject      ObjectKind = "profile" // one's own account: profile, password, factors, sessions
	OutboxObject       ObjectKind = "outbox"
	DocumentObject     ObjectKind = "document"
	CeremonyObject     ObjectKind = "ceremony" // the signing of one document by one signer
	DepositObject      ObjectKind = "deposit"
	EvidenceObject     ObjectKind = "evidence" // captures, references, scores
	CaseObject         ObjectKind = "case"     // of a dispute, with what was brought along for it
	HoldObject         ObjectKind = "hold"     // legal holds
	ErasureObject      ObjectKind = "erasure"  // of one person's part
	CommentObject      ObjectKind = "comment"
	AuditObject        ObjectKind = "audit"
	KeyObject          ObjectKind = "key" // API keys
	WebhookObject      ObjectKind = "webhook"
	GrantObject        ObjectKind = "grant"        // staff access
	ProvisioningObject ObjectKind = "provisioning" // members as the organisation's directory has them (SCIM)
)

// Object is the thing acted on, as far as access depends on it.
type Object struct {
	Kind         ObjectKind
	Organisation string
	Owner        string // account whose own it is: the sender of a document, the writer of a comment
	Ceremony     string // document id, for what a signer reaches through a link
	Signer       string
	Shared       []Action // what the owner shared with the asking account
}

// reach is how far a role's right goes.
type reach byte

const (
	never   reach = '-'
	any_    reach = 'o' // every object of the organisation
	own     reach = 'w' // one's own, and what was shared with one
	linked  reach = 'c' // that of the one ceremony whose link was opened
	granted reach = 'g' // of the organisation, by a staff grant in force
	fresh   reach = 'f' // as o, with a fresh proof of a factor
)

// accessTable is the whole policy: what is not in it is refused. Columns are
// Roles() in order. Each line has a request in e2e/access_test.go, where every
// cell is tried.
//
//	o every one of the organisation    w own or shared    c of the opened link
//	f as o with a fresh factor         g by a grant       - never
const accessTable = `
                      own adm man sen rev inv aud sig sta ano
organisation  read     o   o   o   o   o   o   o   -   g   -
organisation  update   f   -   -   -   -   -   -   -   -   -
member        list     o   o   o   -   -   -   o   -   g   -
member        update   f   f   -   -   -   -   -   -   -   -
member        delete   f   f   -   -   -   -   -   -   -   -
invitation    create   o   o   -   -   -   -   -   -   -   -
invitation    list     o   o   -   -   -   -   o   -   -   -
invitation    delete   o   o   -   -   -   -   -   -   -   -
profile       read     w   w   w   w   w   w   w   -   w   -
profile       update   w   w   w   w   w   w   w   -   w   -
profile       delete   w   w   w   w   w   w   w   -   -   -
profile       export   w   w   w   w   w   w   w   -   -   -
outbox        list     o   o   -   w   -   -   -   -   -   -
document      create   o   o   o   o   -   -   -   -   -   -
document      list     o   o   o   w   w   w   o   -   -   -
document      read     o   o   o   w   w   o   o   c   g   -
document      update   o   o   w   w   -   -   -   -   -   -
document      send     o   o   w   w   -   -   -   -   -   -
document      share    o   o   w   w   -   -   -   -   -   -
document      export   o   o   w   w   w   o   -   c   -   -
ceremony      read     o   o   w   w   w   o   o   c   g   -
ceremony      sign     -   -   -   -   -   -   -   c   -   -
deposit       read     o   o   w   w   -   o   o   -   -   -
deposit       export   o   w   w   w   -   -   -   c   -   -
evidence      list     o   o   -   -   -   o   o   -   -   -
evidence      open     o   -   -   -   -   o   -   -   -   -
evidence      approve  o   o   -   -   -   o   -   -   -   -
case          create   o   -   -   -   -   o   -   -   -   -
case          list     w   -   -   -   -   w   -   -   -   -
case          read     w   -   -   -   -   w   -   -   -   -
case          update   w   -   -   -   -   w   -   -   -   -
case          delete   w   -   -   -   -   w   -   -   -   -
case          export   w   -   -   -   -   w   -   -   -   -
hold          create   o   -   -   -   -   o   -   -   -   -
hold          list     o   o   -   -   -   o   o   -   g   -
hold          update   o   -   -   -   -   o   -   -   -   -
erasure       create   f   f   f   -   -   -   -   -   -   -
comment       create   o   o   w   w   w   w   -   -   -   -
comment       list     o   o   w   w   w   w   o   -   -   -
comment       delete   w   w   w   w   w   w   -   -   -   -
audit         list     o   o   -   -   -   -   o   -   -   -
audit         export   o   -   -   -   -   -   o   -   -   -
key           create   f   f   -   -   -   -   -   -   -   -
key           list     o   o   -   -   -   -   o   -   -   -
key           delete   o   o   -   -   -   -   -   -   -   -
webhook       create   f   f   -   -   -   -   -   -   -   -
webhook       list     o   o   -   -   -   -   o   -   -   -
webhook       read     o   o   -   -   -   -   o   -   -   -
webhook       update   f   f   -   -   -   -   -   -   -   -
webhook       delete   o   o   -   -   -   -   -   -   -   -
provisioning  update   o   o   -   -   -   -   -   -   -   -
grant         create   f   -   -   -   -   -   -   -   -   -
grant         list     o   o   -   -   -   -   o   -   -   -
grant         delete   o   o   -   -   -   -   -   -   -   -
`

type cell struct {
	kind   ObjectKind
	action Action
	role   Role
}

// access is accessTable, parsed once and never changed.
var access = parseAccess(accessTable)

func parseAccess(table string) map[cell]reach {
	cells := make(map[cell]reach)
	for i, line := range strings.Split(strings.TrimSpace(table), "\n") {
		fields := strings.Fields(line)
		if i == 0 || len(fields) != 2+len(Roles()) {
			continue // a line of another length gives no right; the test finds it
		}
		for j, role := range Roles() {
			cells[cell{ObjectKind(fields[0]), Action(fields[1]), role}] = reach(fields[2+j][0])
		}
	}
	return cells
}

// Allow decides whether the identity may do the action to the object. It is the
// only place where that is decided, and it refuses what the table does not give.
//
// The error is ErrUnauthenticated for nobody, ErrNotFound where even the
// existence of the object is none of the asker's business, ErrStepUp where a
// fresh factor would help, ErrDeactivated
// where nothing new is taken, and ErrForbidden otherwise.
func Allow(id Identity, action Action, object Object) error {
	if !id.Known() {
		return fmt.Errorf("%s %s: %w", action, object.Kind, ErrUnauthenticated)
	}
	if err := allow(id, action, object); err != nil {
		return &Refusal{action, object.Kind, fmt.Errorf("%s may not %s this %s: %w", id.Role, action, object.Kind, err)}
	}
	id.asked.note(Right{action, object})
	return nil
}

// Refusal is what Allow refused to somebody who is known.
type Refusal struct {
	Action Action
	Kind   ObjectKind
	Err    error
}

func (r *Refusal) Error() string { return r.Err.Error() }

// Unwrap keeps the sentinel in reach of errors.Is.
func (r *Refusal) Unwrap() error { return r.Err }

func allow(id Identity, action Action, object Object) error {
	if id.Scopes != nil && !slices.Contains(id.Scopes, string(object.Kind)+":"+string(action)) {
		return ErrForbidden
	}
	if id.ReadOnly && !slices.Contains([]Action{List, Read, Open, Export}, action) && object.Kind != ProfileObject {
		return ErrDeactivated
	}
	right := access[cell{object.Kind, action, id.Role}]
	if right == linked {
		return allowLinked(id, object)
	}
	if id.Account == "" {
		return ErrNotFound
	}
	// An organisation's provider speaks for its members within it; their accounts,
	// which may belong to others too, are not its to change.
	if object.Kind == ProfileObject && action != Read && id.Provider != "" {
		return ErrForbidden
	}
	// One's own account belongs to no organisation: it can be seen to even while
	// the organisation is closed to a session without a second factor.
	if object.Kind != ProfileObject && (id.Organisation == "" || id.Organisation != object.Organisation) {
		return ErrNotFound
	}
	switch right {
	case any_, granted:
		return nil
	case fresh:
		if !id.Fresh {
			return ErrStepUp
		}
		return nil
	case own:
		if id.Account == object.Owner || slices.Contains(object.Shared, action) {
			return nil
		}
		return ErrNotFound
	}
	return ErrForbidden
}

// allowLinked: a signer reaches what belongs to the signer's own link, and
// what belongs to the document as a whole (no signer named).
func allowLinked(id Identity, object Object) error {
	if id.Ceremony == "" || id.Signer == "" || id.Ceremony != object.Ceremony {
		return ErrNotFound
	}
	if object.Signer != "" && object.Signer != id.Signer {
		return ErrNotFound
	}
	return nil
}

// Cell is one line and column of the access table.
type Cell struct {
	Kind   ObjectKind
	Action Action
	Role   Role
	Reach  string // o, w, c, f, g or -, see the table
}

// Cells lists the whole table, for those who try it.
func Cells() []Cell {
	var all []Cell
	for _, line := range strings.Split(strings.TrimSpace(accessTable), "\n")[1:] {
		fields := strings.Fields(line)
		for j, role := range Roles() {
			all = append(all, Cell{ObjectKind(fields[0]), Action(fields[1]), role, fields[2+j]})
		}
	}
	return all
}

// KnownScope says whether a scope of an API key names a line of the table, as
// "document:read".
func KnownScope(scope string) bool {
	kind, action, ok := strings.Cut(scope, ":")
	_, listed := access[cell{ObjectKind(kind), Action(action), Owner}]
	return ok && listed
}
