package api

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"slices"
	"time"
)

// Role is what somebody is within one organisation, or within one ceremony.
type Role string

// The roles. Nobody is Anonymous in an organisation; it is the column of the
// access table for requests without a session.
const (
	Anonymous    Role = "anonymous"
	Owner        Role = "owner"
	Admin        Role = "admin"
	Manager      Role = "manager"
	Sender       Role = "sender"
	Reviewer     Role = "reviewer"
	Investigator Role = "investigator"
	Auditor      Role = "auditor"
	Signer       Role = "signer" // bound to one ceremony, not to an organisation
	Staff        Role = "staff"  // of the operator; sees an organisation only by its grant
)

// Roles are all roles in the order of the access table.
func Roles() []Role {
	return []Role{Owner, Admin, Manager, Sender, Reviewer, Investigator, Auditor, Signer, Staff, Anonymous}
}

// Member says whether an organisation can give this role to an account.
func (r Role) Member() bool {
	return slices.Contains([]Role{Owner, Admin, Manager, Sender, Reviewer, Investigator, Auditor}, r)
}

// MayGive says whether somebody of this role may make another a member with the
// given one: owners are made by owners alone.
func (r Role) MayGive(role Role) bool {
	id := Identity{Role: r, Account: "giver", Organisation: "its"}
	return Allow(id, Create, Object{Kind: InvitationObject, Organisation: "its"}) == nil && (r == Owner || role != Owner)
}

// Identity is who asks. The zero value is nobody.
type Identity struct {
	Role         Role   // "" is Anonymous
	Account      string // account id; empty for signers and nobody
	Session      string // session id, a hash for a signer's; empty when a key was shown instead of a cookie
	Key          string // id of the API key that was shown, empty for people
	KeyName      string // as who made the key named it
	Organisation string // the organisation that the session acts for
	Ceremony     string // for a signer: the one document whose link was opened
	Signer       string // for a signer: which one of that document
	Provider     string // the session began at this provider of the organisation, and is of no use elsewhere
	Fresh        bool   // a password or second factor was proved within the last minutes
	ReadOnly     bool   // the account or organisation is deactivated: nothing new, what is there can be read
	Scopes       Scopes // for an API key: all that it may do; nil for people

	asked *rights // what is allowed is noted here while an answer is made that may be repeated
}

// Scopes limit an API key to some actions on some objects, as "document:read".
type Scopes []string

// Known says whether somebody is signed in at all.
func (id Identity) Known() bool { return id.Role != "" && id.Role != Anonymous }

// Subject names the identity for idempotency and the count of downloads: stable, and
// different for any two that could act differently, as two sessions of one person and
// a key of theirs.
func (id Identity) Subject() string {
	switch {
	case id.Key != "":
		return "key:" + id.Organisation + ":" + id.Key
	case id.Account != "":
		return "account:" + id.Organisation + ":" + id.Account + ":" + id.Session
	case id.Ceremony != "":
		return "signer:" + id.Ceremony + ":" + id.Signer + ":" + id.Session
	}
	return "anonymous"
}

type identityKey struct{}

// WithIdentity returns a context that carries who asks.
func WithIdentity(ctx context.Context, id Identity) context.Context {
	return context.WithValue(ctx, identityKey{}, id)
}

// IdentityOf returns who asks; nobody when the context carries no identity.
func IdentityOf(ctx context.Context) Identity {
	id, _ := ctx.Value(identityKey{}).(Identity)
	return id
}

// NewID returns a random 128-bit id in lower-case hex.
func NewID() string {
	var b [16]byte
	rand.Read(b[:]) // never fails, see crypto/rand
	return hex.EncodeToString(b[:])
}

// Account is a person's account. Everything but ID, State and Created is
// personal and sealed at rest under the account's own key.
type Account struct {
	ID      string
	State   AccountState
	Created time.Time
	// Provider made the account when its holder first signed in there. Its address
	// is the provider's word: nobody is found by it, nothing can be reset by it.
	Provider string
	External string // the organisation's directory knows the account by it; sealed at rest
	// ByOperator is what the operator set, empty for nothing: the organisation's
	// directory switches the account off, and back on to no more than this.
	ByOperator AccountState
	Profile
}

// Profile is what a person tells about themselves. Only Email is required.
type Profile struct {
	Email    string `json:"email" format:"email" maxLength:"254"`
	Name     string `json:"name" maxLength:"200" doc:"display name, shown to people one signs with"`
	Phone    string `json:"phone,omitempty" maxLength:"32" doc:"optional"`
	Company  string `json:"company,omitempty" maxLength:"200" doc:"optional"`
	Language string `json:"language" enum:"en,fr,zh-Hant,zh-Hans" doc:"of mails and pages"`

	PhoneSince time.Time `json:"phoneSince,omitzero" doc:"when the number was set; a new one cannot be used for signing at once"`
}

// AccountState says what an account can still do.
type AccountState string

// The states of an account.
const (
	AccountActive      AccountState = "active"
	AccountDeactivated AccountState = "deactivated" // signs in and downloads, submits nothing
	AccountBlocked     AccountState = "blocked"     // cannot sign in
)

// Member is an account's part in an organisation.
type Member struct {
	Account      string
	Organisation string
	Role         Role
	Added        time.Time
	Name, Email  string // of the account
}

// Organisation is a customer: the controller of what its members upload.
type Organisation struct {
	ID           string
	Created      time.Time
	SecondFactor bool // members need a second factor
	Deactivated  bool // nothing new can be submitted; reading goes on
	ProviderOnly bool // members but owners sign in at its provider; set by SaveProvider
	Name         string
	Provider     string // of certificates, unless a document chooses another; empty for our own authority
	Controller   string // name and contact of the data controller, shown to signers
}

// Invitation lets one person make one account, or join with the one they have.
type Invitation struct {
	ID           string
	Organisation string
	Role         Role
	Email        string // the only address that it works for
	Language     string
	InvitedBy    string // account id; empty for the first owner
	Created      time.Time
	Expires      time.Time
	Used         time.Time // zero while live
	Revoked      time.Time
}

// Session is one signed-in browser. At most one of an account is live.
type Session struct {
	ID           string
	Account      string
	Organisation string
	Role         Role         // of the account in the organisation, read at each request
	State        AccountState // of the account, read at each request
	Created      time.Time
	Seen         time.Time // last request, to the minute
	Expires      time.Time // end whatever happens
	Proved       time.Time // last proof of a password or second factor
	SecondFactor bool      // signed in with a second factor or a passkey
	Ended        time.Time
	Client       Client
	Binding      []byte // hash of what the browser keeps the same within a session
	Secret       SessionSecret
	Provider     string // id of the provider where it began, empty for our own factors
	ProviderOf   string // organisation of that provider, read at each request; empty once it is gone
	Notice       *SignInNotice
}

// SessionSecret is the part of a session's cookie that changes while it is used.
type SessionSecret struct {
	Present  []byte // its hash
	Previous []byte // hash of the one that it replaced, nil for the first
	Renewed  time.Time
	Unused   int // secrets before the present one, in a row, that were given out and not used
}

// SignInNotice tells the holder of a live session that somebody signed in, or
// tried to, elsewhere.
type SignInNotice struct {
	At     time.Time `json:"at"`
	Client Client    `json:"client"`
}

// Client is what is known of the browser that asks. It is personal data.
type Client struct {
	Address  string `json:"address"`            // IP address
	Browser  string `json:"browser"`            // "Firefox on Linux": family and system, no version
	Language string `json:"language,omitempty"` // best of Accept-Language that we speak
	Agent    string `json:"-"`                  // User-Agent as sent; never stored
}

type clientKey struct{}

// WithClient returns a context that carries what is known of the browser.
func WithClient(ctx context.Context, c Client) context.Context {
	return context.WithValue(ctx, clientKey{}, c)
}

// ClientOf returns what is known of the browser that asks.
func ClientOf(ctx context.Context) Client {
	c, _ := ctx.Value(clientKey{}).(Client)
	return c
}
