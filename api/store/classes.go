package store

import (
	"context"
	"fmt"
	"strings"

	"inkwitness/evidence"
)

// Column is one column of the schema: what kind of data it holds, and what for.
type Column struct {
	Table, Name string
	Class       evidence.Class // empty: says nothing about anybody
	Personal    bool           // about a person, in clear, by a keyed hash, or sealed
	Purpose     string
}

// columnTable declares every column. A test compares it with the live schema of
// both databases; a column that is missing here fails it, and so does one whose
// personal data has no class. The privacy notice is made from it.
//
//	table.column  class ("-" for none, "!" after it for personal)  purpose
const columnTable = `
keys.id K7 finds the key of what is sealed
keys.purpose - what the key is for
keys.subject K7 whose data the key opens, as a random id
keys.deposit K7 which deposit the key belongs to
keys.wrapped K1! opens what is sealed; its destruction is the erasure
keys.public K4 certificates of keys, as they stand in deposits
keys.created - order and rotation
keys.erased K7 shows when something was erased
keys.authority K7 shows on whose word something was erased

organisations.id K1 joins
organisations.second_factor - the organisation's own rule
organisations.deactivated - stops new submissions
organisations.created - order
organisations.sealed K1! name and contact of the controller, shown to signers

accounts.id K1 joins; random
accounts.email_index K1! finds the account at sign-in
accounts.state K1 whether it may be used
accounts.created K1 order
accounts.provider K1 which provider made the account, as a random id
accounts.sealed K1! address for sign-in and notices; name shown to others; phone and company if given; language

members.organisation K1 who belongs where
members.account K1 who belongs where
members.role K1 what a member may do
members.added K1 order

invitations.id K2 names the invitation in lists
invitations.token_hash K2 finds the invitation of a link
invitations.organisation K2 where it leads
invitations.role K2 what it gives
invitations.invited_by K2 who asked for it
invitations.created K2 order
invitations.expires K2 its end
invitations.used K2 it works once
invitations.revoked K2 it was taken back
invitations.sealed K2! the one address that it works for, and the language of its mail

passwords.account K1 whose
passwords.hash K1! checks a password; argon2id with a key kept elsewhere
passwords.alone K1 whether it may be the only factor
passwords.changed K1 shown to the holder

totp.account K1 whose
totp.sealed K1! checks codes
totp.confirmed K1 it counts only after a first code
totp.last_step K1 a code works once
totp.created K1 shown to the holder

recovery_codes.account K1 whose
recovery_codes.hash K1! checks a code
recovery_codes.used K1 a code works once

passkeys.id K1! finds the key that a browser shows
passkeys.account K1 whose
passkeys.created K1 shown to the holder
passkeys.used K1 shown to the holder
passkeys.sealed K1! checks the key; its name for the holder

sessions.id K3 names the session in the record
sessions.token_hash K3 finds the session of a cookie
sessions.secret_hash K3 notices a copied cookie: the secret that changes with use
sessions.previous_hash K3 notices a copied cookie: the secret before
sessions.renewed K3 when the secret changed
sessions.unused K3 notices a copied cookie: secrets that nobody took up
sessions.account K3 whose
sessions.organisation K3 for which organisation it acts
sessions.second_factor K3 what was proved
sessions.created K3 its beginning
sessions.seen K3 idle sessions end
sessions.expires K3 its end
sessions.proved K3 sensitive acts need a fresh proof
sessions.binding K3! notices a copied cookie; a hash of what the browser sends
sessions.ended K3 its end
sessions.end_reason K3 why it ended
sessions.sealed K3! address and browser, shown to the holder in notices
sessions.notice K3! address and browser of another sign-in, shown to the holder
sessions.provider K3 where the person signed in, as a random id

providers.id K1 names the provider in links
providers.organisation K1 whose
providers.kind - OpenID Connect or SAML
providers.enforced - whether members must sign in there
providers.role K1 what new members may do
providers.created - order
providers.sealed K1! address of the provider, and the secret shared with it
provider_names.provider K1 whose
provider_names.name K1 short name or domain by which members find the provider
provider_names.token - what the domain's DNS has to say; public there
provider_names.added - order
provider_names.verified - whether it is of use, and since when

provider_people.provider K1 which provider
provider_people.subject_index K1! finds the account of who signs in there; a keyed hash
provider_people.account K1 which account

api_keys.id K1 names the key in lists
api_keys.hash K1 finds the key that a program shows
api_keys.organisation K1 whose
api_keys.account K1 who made it
api_keys.scopes - all that it may do
api_keys.created K1 order
api_keys.expires K1 its end
api_keys.used K1 shown to its owner
api_keys.revoked K1 its end
api_keys.sealed K1! the name that its owner gave it

webhooks.id K1 names the webhook in lists
webhooks.organisation K1 whose
webhooks.kinds - of which events it tells
webhooks.active - whether it tells
webhooks.created K1 order
webhooks.sealed K1! its address, and the secret that signs

deliveries.id K2 names the delivery in the log
deliveries.webhook K2 where to
deliveries.event K2 one delivery per event
deliveries.kind K2 what happened
deliveries.body K2 what is sent: kind, time and random ids
deliveries.state K2 where it stands
deliveries.tries K2 how often it was tried
deliveries.created K2 order
deliveries.next K2 when it is tried again
deliveries.ended K2 shown to its owner
deliveries.result K2 what the receiver answered

cases.id K3 names the case in links
cases.organisation K3 whose
cases.owner K3 who investigates, as a random id
cases.version - two people cannot overwrite each other
cases.created K3 order
cases.ends K3 its end
cases.body K3! a dispute: what is asked, the signatures and what was found

openings.id K3 names the opening in the record
openings.organisation K3 whose evidence
openings.dispute K3 for which case
openings.document K3 which document
openings.signer K3 whose signature, as a random id
openings.asked_by K3 who asked, as a random id
openings.decided_by K3 who agreed or refused, as a random id
openings.state K3 where it stands
openings.version - an approval is used once
openings.asked K3 order
openings.decided K3 shown to the parties
openings.opened K3 shown to the parties
openings.ends K3 nothing is read after it
openings.hours K3 how long may be read
openings.sealed K3! why, and the number of the dispute

staff_grants.id K3 names the grant in lists
staff_grants.organisation K3 what may be read
staff_grants.account K3 who of the operator may read it, as a random id
staff_grants.granted_by K3 who of the organisation allowed it, as a random id
staff_grants.created K3 its beginning
staff_grants.expires K3 its end
staff_grants.ended K3 it was taken back
staff_grants.sealed K3! why

staff_terms.account K3 who
staff_terms.hash K3 which words of confidentiality
staff_terms.accepted K3 when they were accepted

challenges.token_hash K1 finds the challenge of a link or code
challenges.kind K1 what it is for
challenges.account K1 whose
challenges.session K1 who alone may answer
challenges.created K1 its beginning
challenges.expires K1 its end
challenges.tries K1 wrong answers end it
challenges.sealed K1! what must be kept until the answer

limits.name - which limit
limits.who K1! counts tries of one address or account; a keyed hash
limits.began K1 the window
limits.count K1 the tries

replies.id K2 finds the answer to a repeated request
replies.request K2 tells another request with the same key apart
replies.done K2 whether there is an answer
replies.begun K2 kept for a day
replies.status K2 the answer
replies.sealed K2! the answer

mails.id K2 names the mail in lists
mails.message_id K2 one mail per event
mails.organisation K2 whose outbox shows it
mails.account K2 whose act caused it
mails.kind K2 its template
mails.state K2 where it stands
mails.tries K2 how often it was tried
mails.created K2 order
mails.next K2 when it is tried again
mails.sent K2 shown to the sender
mails.problem K2 why it was not sent, without addresses
mails.sealed K2! address, language and words

audit.chain K3 what the line belongs to
audit.seq K3 its place
audit.at K3 when
audit.kind K3 what was done
audit.organisation K3 whose owner sees it
audit.account K3 who did it, as a random id
audit.object K3 what it was done to, as a random id
audit.sealed K3! who and from where, in words
audit.previous K7 the line before
audit.hash K7 shows that nothing was changed

audit_heads.chain K7 which record
audit_heads.seq K7 its length
audit_heads.hash K7 shows that nothing was cut off

log_entries.id - order of arrival
log_entries.commitment K7 the salted hash of a deposit, as the log holds it
log_entries.place K7 its place in the log
log_tiles.level - where the tile stands
log_tiles.n - where the tile stands
log_tiles.data K7 hashes of the log's tree, and its entries
log_head.one - there is one row
log_head.size K7 entries in the tree
log_head.note K7 the newest signed checkpoint
log_head.published K7 the newest checkpoint with its witnesses' signatures
log_head.published_size K7 entries in it
serials.name - what is counted
serials.last - the last number given out

documents.id K2 joins; random
documents.organisation K2 whose
documents.owner K2 who sends it, as a random id
documents.state K2 where it stands
documents.busy K2 finds what a restart must go on with
documents.remind_at K2 finds whom to remind
documents.version K2 two changes at once
documents.created K2 order
documents.ends K2 its end
documents.noticed K2 its owner is told once
documents.body K2! title, signers' names and addresses, consents, results

grants.hash K2 finds the document of a link or session
grants.kind K2 a link or a session
grants.document K2 which document
grants.signer K2 which signer, as a random id
grants.expires K2 its end
grants.used_by K2 a link works in one browser only

shares.document K2 what is shared
shares.account K2 with whom, as a random id
shares.organisation K2 whose it is
shares.level K2 how much of it
shares.granted_by K2 who shared it, as a random id
shares.created K2 order

comments.id K2 joins; random
comments.document K2 on what
comments.account K2 who wrote it, as a random id
comments.created K2 order
comments.sealed K2! what was written

subjects.id K5 joins; random
subjects.organisation K5 whose
subjects.address K5! finds a signer's references again; a keyed hash
subjects.version K5 two changes at once
subjects.body K5! which references were enrolled, when and on what device

prints.subject K5 whose; a random id
prints.capture K5 of which recording
prints.made K5 order
prints.body K5! the shape of a signature, by which a recording that is sent again is found

objects.key K7 finds the blob; made of random ids
objects.holder K7 what refers to it, as a random id
objects.class - decides who may read it and how long it is kept
objects.reason - why it is kept, in words
objects.ends K7 its end
objects.subject K7 whose key, as a random id
objects.deposit K7 which deposit, as a random id
objects.region - where the bytes lie
objects.content_type - how it is read
objects.data_key K7 which key opens it
objects.sha256 K7 shows that the right bytes were kept, and deleted
objects.crc32 K4 lets a container be written without reading twice
objects.salt K7 tells the blob from one of an earlier writing; random
objects.size K7 shows that the right bytes were kept, and deleted
objects.stored K7 since when it is kept
objects.state - whether it is there
objects.gone K7 when it was deleted
objects.checked - when every byte was last read
objects.damage - what the last check found wrong
objects.authority K7 on whose word it ended before its time
objects.begun - how often its deletion was tried
objects.locked - until when its store keeps it from everybody
objects.receipt K7 proves the deletion; hashes, dates and the reason
holds.id K3 names the hold in lists
holds.deposit K3 what is held, as a random id
holds.organisation K3 whose
holds.placed_by K3 who placed it, as a random id
holds.placed K3 its beginning
holds.agreed_by K3 the second person, as a random id
holds.agreed K3 when the second person agreed
holds.ended_by K3 who asked to lift it, as a random id
holds.ended K3 when that was asked
holds.lifted_by K3 the second person, as a random id
holds.lifted K3 its end
holds.sealed K3! why
records.deposit K4 whose; a random id
records.record K4 proves that the deposit existed in time; hashes and tokens
records.hash - finds what has to be renewed
records.signature - finds what has to be renewed
records.certificate - finds what has to be renewed
records.made K4 shown to the owner
care.name - what is done to all objects
care.at - when it was last done
leases.name - what one instance at a time does
leases.holder - that instance, random
leases.until - until when
`

// Columns lists what columnTable declares.
func Columns() ([]Column, error) {
	var all []Column
	for _, line := range strings.Split(columnTable, "\n") {
		if line == "" {
			continue
		}
		fields := strings.SplitN(line, " ", 3)
		table, name, ok := strings.Cut(fields[0], ".")
		if !ok || len(fields) != 3 {
			return nil, fmt.Errorf("columns: cannot read %q", line)
		}
		class, personal := strings.CutSuffix(fields[1], "!")
		c := Column{Table: table, Name: name, Class: evidence.Class(class), Personal: personal, Purpose: fields[2]}
		if class == "-" {
			c.Class = ""
		}
		if c.Class != "" && !c.Class.Known() || c.Class == "" && personal {
			return nil, fmt.Errorf("columns: %q has no class", line)
		}
		all = append(all, c)
	}
	return all, nil
}

// Schema lists the columns of the live database as "table.column".
func (s *Store) Schema(ctx context.Context) ([]string, error) {
	query := `SELECT table_name || '.' || column_name FROM information_schema.columns WHERE table_schema = 'public'`
	if s.dialect.name == "sqlite" {
		query = `SELECT m.name || '.' || c.name FROM sqlite_schema m JOIN pragma_table_info(m.name) c
			WHERE m.type = 'table' AND m.name NOT LIKE 'sqlite!_%' ESCAPE '!'`
	}
	return list(ctx, s, func(r scanner) (name string, err error) { return name, r.Scan(&name) }, query)
}
