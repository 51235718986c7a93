package api

import "time"

// Event is one line of the audit record: who did what to which thing. The record
// is append-only and hash-chained.
type Event struct {
	Seq          int64 // position in its chain, from 1
	At           time.Time
	Kind         string // such as "session.began" or "document.sent"
	Organisation string // whose owner sees it; empty for the service as a whole
	Account      string // who did it; empty when nobody was signed in
	Object       string // what it was done to, as "document:5f0c..."
	Chain        string // "document:..." for what goes into that deposit; empty is the organisation's
	Detail       Detail
	Hash         [32]byte // of this line and all before it
}

// Detail is the part of an event that may name a person: it is sealed at rest.
type Detail map[string]string

// Mail is one message and where it stands.
type Mail struct {
	ID string

	Organisation string // whose outbox shows it
	Account      string // whose act caused it, empty when nobody's
	Kind         string // of its template
	State        MailState
	Tries        int
	Created      time.Time
	Next         time.Time // not tried before
	Sent         time.Time
	Problem      string // of the last try: a class, never an address

	// Sealed at rest.
	MessageID string // one mail per Message-ID, whatever happens
	To        string
	Language  string
	Subject   string
	Text      string
}

// MailState says where a mail stands.
type MailState string

// The states of a mail.
const (
	MailQueued MailState = "queued" // to be sent, or sent again
	MailSent   MailState = "sent"   // the mail server took it
	MailFailed MailState = "failed" // given up
	MailLocal  MailState = "local"  // no mail server is configured; it is read in the outbox
)

// Challenge is a secret handed out for one use: a password reset, a take-over.
type Challenge struct {
	Kind    string
	Account string
	Session string // that alone may answer; empty for any
	Created time.Time
	Expires time.Time
	Tries   int
	Data    []byte // sealed at rest
}

// Password is what is kept of an account's password.
type Password struct {
	Hash    string
	Alone   bool // long enough to be the only factor
	Changed time.Time
}

// TOTP is a time-based second factor (RFC 6238).
type TOTP struct {
	Secret    []byte // sealed at rest
	Confirmed bool   // a first code was shown; until then it does not count
	LastStep  int64  // 30 s steps since 1970; only later ones are accepted
}

// Passkey is a registered WebAuthn credential. Data is what the WebAuthn library
// keeps of it, as JSON, sealed at rest.
type Passkey struct {
	ID      []byte
	Account string
	Name    string
	Created time.Time
	Used    time.Time
	Data    []byte
}

// Notice asks for a mail. Package mail holds the words; a notice carries a link
// and no content.
type Notice struct {
	Kind         NoticeKind
	To           string // address
	Language     string // of Languages; the first when unknown
	Organisation string // whose outbox shows it
	Account      string // whose act caused it, empty when nobody's
	Link         string // path and fragment on this service, empty for none
	Values       map[string]string
	Key          string // the same key makes one mail only, whatever happens
}

// NoticeKind names a mail.
type NoticeKind string

// The mails that the service sends, and the values that each needs.
const (
	NoticeInvitation      NoticeKind = "invitation"       // to sign; sender
	NoticeReminder        NoticeKind = "reminder"         // to sign; sender
	NoticeCompleted       NoticeKind = "completed"        // everybody signed
	NoticeDeclined        NoticeKind = "declined"         // a signer declined
	NoticeCancelled       NoticeKind = "cancelled"        // the sender took it back
	NoticeEnding          NoticeKind = "ending"           // a deposit ends; date
	NoticeShared          NoticeKind = "shared"           // a colleague shared a document; sender
	NoticeComment         NoticeKind = "comment"          // somebody commented on a document; sender
	NoticeMember          NoticeKind = "member"           // invited to an organisation; organisation
	NoticeSignIn          NoticeKind = "sign-in"          // somebody signs in while a session is live; time, address, browser
	NoticeTakenOver       NoticeKind = "taken-over"       // a session was taken over; time, address, browser
	NoticeCopied          NoticeKind = "copied"           // a session's cookie came from two browsers; time, address, browser
	NoticeMoved           NoticeKind = "moved"            // a session is used from elsewhere; time, address, browser
	NoticeTakeOverCode    NoticeKind = "take-over-code"   // the code for a take-over; code
	NoticeReset           NoticeKind = "reset"            // link to set a new password
	NoticePasswordChanged NoticeKind = "password-changed" // time, address, browser
	NoticeFactorChanged   NoticeKind = "factor-changed"   // time, address, browser
	NoticeRecoveryUsed    NoticeKind = "recovery-used"    // time, address, browser
	NoticeAddressChanged  NoticeKind = "address-changed"  // to the old and the new one; time, address, browser
	NoticePhoneChanged    NoticeKind = "phone-changed"    // time, address, browser
	NoticeConfirmAddress  NoticeKind = "confirm-address"  // link, to the new one
	NoticeDataRequest     NoticeKind = "data-request"     // to the controller; signer, address, text

	NoticeUndelivered NoticeKind = "undelivered" // to whose act caused a mail that failed for good; subject

	NoticeEvidenceAsked    NoticeKind = "evidence-asked"    // to everybody who could agree; asker
	NoticeEvidenceApproved NoticeKind = "evidence-approved" // to who asked
	NoticeEvidenceRefused  NoticeKind = "evidence-refused"  // to who asked
	NoticeEvidenceOpened   NoticeKind = "evidence-opened"   // to the parties; sender, time
	NoticeCaseHandedOver   NoticeKind = "case-handed-over"  // to who has the case now; from

	NoticeClock NoticeKind = "clock" // to in whose name the time was confirmed; time, account
)

// Duration limits of links and codes that are mailed.
const (
	InvitationLife = 7 * 24 * time.Hour
	ResetLife      = time.Hour
	CodeLife       = 10 * time.Minute
)

// Provider is where the members of an organisation sign in.
type Provider struct {
	ID           string
	Organisation string
	Kind         string // "oidc" or "saml"
	Enforced     bool   // members but owners sign in there and nowhere else
	Role         Role   // of who comes for the first time
	Created      time.Time
	Settings     ProviderSettings
}

// ProviderSettings is how to reach a provider. It is sealed at rest.
type ProviderSettings struct {
	Issuer       string // OpenID Connect
	ClientID     string
	ClientSecret string
	Metadata     []byte // SAML
	SecondFactor bool   // it asks everybody for a second factor, says the organisation's owner
}

// ProviderName is by what people find a provider before they sign in: a short
// name, or the domain of their address.
type ProviderName struct {
	Provider string
	Name     string
	Token    string // what DNS has to say of a domain
	Added    time.Time
	Verified time.Time // zero until shown; a short name needs no showing
}

// Key lets a program act for the account that made it, within its scopes.
type Key struct {
	ID           string
	Organisation string
	Account      string
	Role         Role // of the account now; empty once it has left the organisation
	Scopes       Scopes
	Name         string
	Created      time.Time
	Expires      time.Time
	Used         time.Time
	Revoked      time.Time
}

// StaffGrant lets one person of the operator read what one organisation has.
type StaffGrant struct {
	ID           string
	Organisation string
	Account      string // of the operator's person
	GrantedBy    string // account of the organisation
	Reason       string // sealed at rest
	Created      time.Time
	Expires      time.Time
	Ended        time.Time // taken back
}

// Webhook is an address that is told of events.
type Webhook struct {
	ID           string
	Organisation string
	URL          string
	Secret       []byte   // signs what is sent; sealed at rest
	Kinds        []string // of events; empty is all
	Active       bool
	Created      time.Time
}

// Delivery is one event on its way to one webhook. It holds random ids and no
// personal data.
type Delivery struct {
	ID      string
	Webhook string
	Event   string
	Kind    string
	Body    string
	State   MailState // MailQueued, MailSent or MailFailed
	Tries   int
	Created time.Time
	Next    time.Time
	Ended   time.Time
	Result  string // of the last try
}
