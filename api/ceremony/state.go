package ceremony

import (
	"cmp"
	"fmt"
	"net/mail"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"inkwitness/api"
)

// SignerPlan is a signer as the owner names one.
type SignerPlan struct {
	Name     string
	Email    string
	Language string
	Second   bool   // ask for a code beside the link
	Phone    string // that the code can be sent to; optional
}

// Plan sets who signs where. It replaces an earlier plan.
func (d *Document) Plan(signers []SignerPlan, fields []Field, newID func() string) (Effects, error) {
	if d.State != Draft {
		return Effects{}, api.Explain(ErrState, "The document was already sent, so its signers and fields are fixed.")
	}
	if len(signers) == 0 || len(signers) > MaxSigners {
		return Effects{}, api.Explain(ErrInvalid, "Name 1 to %d signers.", MaxSigners)
	}
	if len(fields) > MaxFields {
		return Effects{}, api.Explain(ErrInvalid, "Place at most %d fields.", MaxFields)
	}
	planned := make([]*Signer, len(signers))
	for i, s := range signers {
		signer, err := s.signer(newID())
		if err != nil {
			return Effects{}, err
		}
		planned[i] = signer
	}
	placed := slices.Clone(fields)
	for i := range placed {
		if err := d.checkField(&placed[i], len(signers)); err != nil {
			return Effects{}, err
		}
	}
	if err := apart(placed); err != nil {
		return Effects{}, err
	}
	nameFields(placed)
	d.Signers, d.Fields = planned, placed
	return Effects{Events: []Event{{Kind: "document.planned"}}}, nil
}

func (p SignerPlan) signer(id string) (*Signer, error) {
	name := strings.TrimSpace(p.Name)
	if name == "" || utf8.RuneCountInString(name) > 200 || hasControls(name, "") {
		return nil, api.Explain(ErrInvalid, "Give each signer a name of 1 to 200 characters, none of them invisible.")
	}
	address, err := mail.ParseAddress(p.Email)
	if err != nil || address.Address != strings.TrimSpace(p.Email) {
		return nil, api.Explain(ErrInvalid, "%q is not an e-mail address.", p.Email)
	}
	language := cmp.Or(p.Language, api.Languages()[0])
	if !slices.Contains(api.Languages(), language) {
		return nil, api.Explain(ErrInvalid, "Choose one of the languages %s.", strings.Join(api.Languages(), ", "))
	}
	second, err := p.second()
	if err != nil {
		return nil, err
	}
	return &Signer{ID: id, Name: name, Email: strings.ToLower(address.Address), Language: language, State: Waiting, Second: second}, nil
}

// Send opens the signing and invites the first signer.
func (d *Document) Send(now time.Time, newSecret func() string) (Effects, error) {
	if d.State != Draft {
		return Effects{}, api.Explain(ErrState, "The document was already sent.")
	}
	if len(d.Signers) == 0 {
		return Effects{}, api.Explain(ErrState, "Name a signer first.")
	}
	for i, s := range d.Signers {
		if !slices.ContainsFunc(d.Fields, func(f Field) bool { return f.Signer == i && f.Signature() }) {
			return Effects{}, api.Explain(ErrState, "Place a signature field for %s first.", s.Name)
		}
	}
	d.State, d.SentAt = Sent, now
	effects := Effects{Events: []Event{{Kind: "document.sent"}}}
	d.inviteNext(now, newSecret, &effects)
	return effects, nil
}

// inviteNext invites the first signer who still waits.
func (d *Document) inviteNext(now time.Time, newSecret func() string, effects *Effects) {
	for _, s := range d.Signers {
		if s.State == Waiting {
			d.invite(s, now, newSecret, effects)
			return
		}
	}
}

func (d *Document) invite(s *Signer, now time.Time, newSecret func() string, effects *Effects) {
	s.State, s.InvitedAt, s.Reminders = Invited, now, 0
	if d.InPerson {
		effects.Events = append(effects.Events, Event{Kind: "signer.invited", Signer: s.ID, Detail: inPerson})
		return
	}
	secret := newSecret()
	effects.Revoked = append(effects.Revoked, s.ID)
	effects.Grants = append(effects.Grants, Grant{
		Hash: HashSecret(secret), Kind: LinkGrant, Document: d.ID, Signer: s.ID, Expires: now.Add(LinkLifetime),
	})
	effects.Mails = append(effects.Mails, Mail{
		Kind: MailInvitation, To: s.Email, Language: s.Language, Secret: secret, Document: d.ID,
		Key: fmt.Sprintf("%s/%s/%d", d.ID, s.ID, now.UnixMicro()),
	})
	effects.Events = append(effects.Events, Event{Kind: "signer.invited", Signer: s.ID})
}

// Waiting is the signer whose turn it is, nil when it is nobody's.
func (d *Document) Waiting() *Signer {
	if i := slices.IndexFunc(d.Signers, (*Signer).active); i >= 0 && d.State == Sent {
		return d.Signers[i]
	}
	return nil
}

// Remind sends the signer whose turn it is a new link; the old one ends.
func (d *Document) Remind(now time.Time, newSecret func() string) (Effects, error) {
	if d.State != Sent {
		return Effects{}, api.Explain(ErrState, "Nobody is asked to sign now.")
	}
	d.InPerson = false // whoever gets a link signs on a device of their own
	for _, s := range d.Signers {
		if s.active() || s.ProviderConsent != "" {
			state := s.State
			var effects Effects
			d.invite(s, now, newSecret, &effects)
			s.State = state // what the signer already did stays done
			return effects, nil
		}
	}
	return Effects{}, api.Explain(ErrState, "Everybody has signed.")
}

// lapse gives a confirmed signature back to its signer: making it was interrupted
// for so long that what they allowed counts no more. They confirm again, by a new link.
func (d *Document) lapse(signer string, now time.Time, newSecret func() string) (Effects, error) {
	s, err := d.Signer(signer)
	if err != nil || s.State != Signing {
		return Effects{}, err
	}
	s.unconfirm()
	d.Trouble = ""
	effects, err := d.Remind(now, newSecret)
	effects.Events = append(effects.Events, Event{Kind: "signer.lapsed", By: ByService, Signer: s.ID})
	return effects, err
}

// unconfirm takes back a confirmation whose signature was not made.
func (s *Signer) unconfirm() {
	s.State, s.Confirmed = Captured, false
	if s.Typed != "" {
		s.State, s.Typed = Consented, ""
	}
	s.Comparison = nil // they may sign anew before they confirm
}

// active tells whether it is this signer's turn.
func (s *Signer) active() bool {
	return slices.Contains([]SignerState{Invited, Opened, Consented, Captured}, s.State)
}

// Correct replaces a signer who has not begun: the address was wrong, or somebody
// else is to sign. Whoever was asked before can no longer sign.
func (d *Document) Correct(signer string, plan SignerPlan, now time.Time, newSecret func() string) (Effects, error) {
	s, err := d.Signer(signer)
	if err != nil {
		return Effects{}, err
	}
	if d.State != Sent || !slices.Contains([]SignerState{Waiting, Invited, Opened}, s.State) || len(s.Consents) > 0 {
		return Effects{}, api.Explain(ErrState, "This signer has begun to sign and cannot be replaced. Withdraw the document instead.")
	}
	right, err := plan.signer(s.ID)
	if err != nil {
		return Effects{}, err
	}
	s.Name, s.Email, s.Language, s.Second, s.OpenedAt = right.Name, right.Email, right.Language, right.Second, time.Time{}
	for i := range d.Fields {
		if f := &d.Fields[i]; d.Signers[f.Signer] == s && f.Asked() {
			f.Value = "" // of whoever was asked before
		}
	}
	effects := Effects{Events: []Event{{Kind: "signer.corrected", Signer: s.ID}}}
	if s.State != Waiting {
		effects.Revoked = append(effects.Revoked, s.ID)
		d.invite(s, now, newSecret, &effects)
	}
	return effects, nil
}

// Cancel withdraws the document; links end. A signature in the making is not made.
func (d *Document) Cancel() (Effects, error) {
	if d.State != Draft && d.State != Sent {
		return Effects{}, api.Explain(ErrState, "A document that is %s cannot be cancelled.", d.State)
	}
	d.State, d.Trouble = Cancelled, ""
	for _, s := range d.Signers {
		if s.State == Signing {
			s.unconfirm()
			s.SealState, s.ProviderConsent = nil, ""
		}
	}
	effects := Effects{Events: []Event{{Kind: "document.cancelled"}}}
	d.close(MailCancelled, &effects)
	return effects, nil
}

// close ends every grant and tells those who were invited, and the owner where
// somebody else closed it.
func (d *Document) close(kind MailKind, effects *Effects) {
	for _, s := range d.Signers {
		if s.State == Waiting {
			continue
		}
		effects.Revoked = append(effects.Revoked, s.ID)
		effects.Mails = append(effects.Mails, Mail{Kind: kind, To: s.Email, Language: s.Language, Document: d.ID, Key: d.ID + "/" + s.ID + "/" + string(kind)})
	}
	if kind == MailDeclined {
		effects.Mails = append(effects.Mails, Mail{Kind: kind, Document: d.ID, Key: d.ID + "/owner/" + string(kind)})
	}
}

// signedBy notes that a signer's revision is stored and hands on to the next.
func (d *Document) signedBy(s *Signer, now time.Time, newSecret func() string) Effects {
	s.State, s.SignedAt, s.SealState = Signed, now, nil
	effects := Effects{Events: []Event{{Kind: "signer.signed", By: ByService, Signer: s.ID}}}
	if slices.ContainsFunc(d.Signers, func(other *Signer) bool { return other.State != Signed }) {
		d.inviteNext(now, newSecret, &effects)
		return effects
	}
	d.State = Sealing
	return effects
}

// completed notes the deposit and sends everybody a link to download it.
func (d *Document) completed(deposit Deposit, now time.Time, newSecret func() string) Effects {
	d.Deposit, d.State, d.Completed, d.Trouble = &deposit, Completed, now, ""
	// The salt of the commitment is in the deposit now, and nowhere else.
	d.SealState = nil
	d.Current = deposit.Document
	for _, s := range d.Signers {
		for _, c := range s.Captures {
			for i := range c.Files {
				if c.Kind == SignatureCapture {
					c.Files[i].Object.DeleteAfter = deposit.RetainUntil // evidence ends with the deposit, not days before it
				}
			}
		}
	}
	effects := Effects{
		Events: []Event{{Kind: "document.completed", By: ByService, Detail: "deposit " + deposit.ID}},
		Mails:  []Mail{{Kind: MailCompleted, Document: d.ID, Key: d.ID + "/owner/completed"}},
	}
	for _, s := range d.Signers {
		secret := newSecret()
		effects.Grants = append(effects.Grants, Grant{Hash: HashSecret(secret), Kind: LinkGrant, Document: d.ID, Signer: s.ID, Expires: now.Add(DownloadLifetime)})
		effects.Mails = append(effects.Mails, Mail{Kind: MailCompleted, To: s.Email, Language: s.Language, Secret: secret, Document: d.ID, Key: d.ID + "/" + s.ID + "/completed"})
	}
	return effects
}

// Busy tells whether a signature or the deposit is in the making.
func (d *Document) Busy() bool {
	return d.State == Sealing || d.State == Sent && slices.ContainsFunc(d.Signers, func(s *Signer) bool { return s.State == Signing })
}

// Next is what a signer has to do.
type Next string

// What comes next for a signer.
const (
	NextProve    Next = "prove" // enter a code that shows who it is
	NextRead     Next = "read"  // read the document and answer the purposes
	NextFill     Next = "fill"  // fill in the required fields
	NextEnrol    Next = "enrol" // sign references
	NextSign     Next = "sign"
	NextConfirm  Next = "confirm" // a finished capture waits
	NextType     Next = "type"    // type the name: recording was refused
	NextSealing  Next = "sealing" // nothing; the signature is being made
	NextDone     Next = "done"
	NextDeclined Next = "declined"
	NextClosed   Next = "closed" // withdrawn, or declined by somebody else
)

// Next tells what a signer with that many references has to do.
func (d *Document) Next(s *Signer, references int) Next {
	switch {
	case s.State == HasRefused:
		return NextDeclined
	case !s.Proved() && d.State != Cancelled && d.State != Declined:
		return NextProve
	case s.State == Signed:
		return NextDone
	case s.State == Signing:
		return NextSealing
	case d.State != Sent:
		return NextClosed
	case !s.answered():
		return NextRead
	case len(d.missing(s)) > 0:
		return NextFill
	case !s.Allows(ForHandwriting):
		return NextType
	case s.State == Captured:
		return NextConfirm
	case s.Allows(ForComparison) && references < ReferencesNeeded:
		return NextEnrol
	case s.Allows(ForComparison) && references < ReferencesWanted && s.enrolling():
		return NextEnrol
	}
	return NextSign
}

// enrolling tells whether references were made in this ceremony, so that the
// set is completed rather than left at the fewest.
func (s *Signer) enrolling() bool {
	return slices.ContainsFunc(s.Captures, func(c *Capture) bool { return c.Kind == ReferenceCapture })
}

// Pending is the ID of the finished signature that waits for confirmation,
// empty when there is none.
func (s *Signer) Pending() string {
	if c := s.signature(); c != nil && s.State == Captured {
		return string(c.ID)
	}
	return ""
}
