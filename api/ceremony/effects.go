package ceremony

import "time"

// Effects are what must be stored in the same transaction as a transition.
type Effects struct {
	Because string // on whose word that ends which the document lets go of; empty: it is no longer needed
	Mails   []Mail
	Events  []Event
	Grants  []Grant  // of links and signing sessions
	Revoked []string // IDs of signers whose earlier grants end
	Ended   []string // IDs of signers whose earlier sessions end; their links stay
}

// MailKind names a mail; its words live with the mail templates.
type MailKind string

// The mails of a ceremony.
const (
	MailInvitation MailKind = "invitation" // to a signer whose turn it is
	MailReminder   MailKind = "reminder"   // to a signer who has not signed
	MailCompleted  MailKind = "completed"  // to everybody: the document can be downloaded
	MailDeclined   MailKind = "declined"   // to the owner and those who were invited
	MailCancelled  MailKind = "cancelled"  // to those who were invited
)

// Mail is a mail that is due. It carries a link, never content.
type Mail struct {
	Kind     MailKind
	To       string // empty: the owner, at the address of the account
	Language string
	Secret   string // of the link, in clear: it exists here and in the mail only
	Document string // ID
	Key      string // the same key gives the same Message-ID, so that doubles can be told
}

// Event is one line of the audit record of a document.
type Event struct {
	Kind   string // such as "document.sent"
	By     Actor
	Signer string // ID, empty when nobody in particular
	Detail string // no personal data
}

// Actor says who did what an event tells of. In one browser a signer may sign
// while the owner is signed in, so the request alone does not tell.
type Actor int

// The actors.
const (
	ByAccount Actor = iota // whoever made the request
	BySigner               // the signer that the event names
	ByService              // nobody: it followed by itself
)

// GrantKind tells a link from a signing session.
type GrantKind string

// The kinds of grants.
const (
	LinkGrant    GrantKind = "link"
	SessionGrant GrantKind = "session"
	HandGrant    GrantKind = "hand" // lets a device go round the signers of one document
)

// Grant lets whoever holds the secret act as one signer of one document. Only
// the SHA-256 of the secret is kept.
type Grant struct {
	Hash     [32]byte
	Kind     GrantKind
	Document string
	Signer   string
	Expires  time.Time
	UsedBy   []byte // SHA-256 of what the browser that opened a link keeps; nil until then
}
