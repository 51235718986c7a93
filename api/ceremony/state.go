package ceremony

import (
	"cmp"
	"fmt"
	"math"
	"net/mail"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"inkwitness/biometrics"
	"inkwitness/capture"
)

// Effects are what must be stored in the same transaction as a transition.
type Effects struct {
	Mails   []Mail
	Events  []Event
	Grants  []Grant  // of links and signing sessions
	Revoked []string // IDs of signers whose earlier grants end
}

// MailKind names a mail; its words live with the mail templates.
type MailKind string

// The mails of a ceremony.
const (
	MailInvitation MailKind = "invitation" // to a signer whose turn it is
	MailCompleted  MailKind = "completed"  // to everybody: the document can be downloaded
	MailDeclined   MailKind = "declined"   // to the owner and those who were invited
	MailCancelled  MailKind = "cancelled"  // to those who were invited
)

// Mail is a mail that is due. It carries a link, never content.
type Mail struct {
	Kind     MailKind
	To       string
	Language string
	Secret   string // of the link, in clear: it exists here and in the mail only
	Document string // ID
	Key      string // the same key gives the same Message-ID, so that doubles can be told
}

// Event is one line of the audit record.
type Event struct {
	Kind     string // such as "document.sent"
	Document string
	Signer   string // ID, empty when nobody in particular
	Detail   string // no personal data
}

// GrantKind tells a link from a signing session.
type GrantKind string

// The kinds of grants.
const (
	LinkGrant    GrantKind = "link"
	SessionGrant GrantKind = "session"
)

// Grant lets whoever holds the secret act as one signer of one document. Only
// the SHA-256 of the secret is kept.
type Grant struct {
	Hash     [32]byte
	Kind     GrantKind
	Document string
	Signer   string
	Expires  time.Time
	Used     bool
}

// SignerPlan is a signer as the owner names one.
type SignerPlan struct {
	Name     string
	Email    string
	Language string
}

// Plan sets who signs where. It replaces an earlier plan.
func (d *Document) Plan(signers []SignerPlan, fields []Field, newID func() string) (Effects, error) {
	if d.State != Draft {
		return Effects{}, fmt.Errorf("%w: the document was already sent, so its signers and fields are fixed", ErrState)
	}
	if len(signers) == 0 || len(signers) > MaxSigners {
		return Effects{}, fmt.Errorf("%w: name 1 to %d signers", ErrInvalid, MaxSigners)
	}
	if len(fields) > MaxFields {
		return Effects{}, fmt.Errorf("%w: place at most %d fields", ErrInvalid, MaxFields)
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
		placed[i].Name = fmt.Sprintf("Signature%d", i+1)
	}
	d.Signers, d.Fields = planned, placed
	return Effects{Events: []Event{{Kind: "document.planned", Document: d.ID}}}, nil
}

func (p SignerPlan) signer(id string) (*Signer, error) {
	name := strings.TrimSpace(p.Name)
	if name == "" || utf8.RuneCountInString(name) > 200 {
		return nil, fmt.Errorf("%w: give each signer a name of 1 to 200 characters", ErrInvalid)
	}
	address, err := mail.ParseAddress(p.Email)
	if err != nil || address.Address != strings.TrimSpace(p.Email) {
		return nil, fmt.Errorf("%w: %q is not an e-mail address", ErrInvalid, p.Email)
	}
	language := cmp.Or(p.Language, Languages[0])
	if !slices.Contains(Languages, language) {
		return nil, fmt.Errorf("%w: choose one of the languages %s", ErrInvalid, strings.Join(Languages, ", "))
	}
	return &Signer{ID: id, Name: name, Email: strings.ToLower(address.Address), Language: language, State: Waiting}, nil
}

func (d *Document) checkField(f *Field, signers int) error {
	if f.Signer < 0 || f.Signer >= signers {
		return fmt.Errorf("%w: a field belongs to signer %d, but there are %d", ErrInvalid, f.Signer+1, signers)
	}
	if f.Page < 1 || f.Page > len(d.Pages) {
		return fmt.Errorf("%w: a field lies on page %d, but the document has %d", ErrInvalid, f.Page, len(d.Pages))
	}
	page := d.Pages[f.Page-1]
	for _, v := range []float64{f.X, f.Y, f.Width, f.Height} {
		if math.IsNaN(v) || math.IsInf(v, 0) || v < 0 {
			return fmt.Errorf("%w: the place of a field on page %d is not a rectangle on the page", ErrInvalid, f.Page)
		}
	}
	const rounding = 0.5 // points: pages are placed on in whole pixels
	if f.X+f.Width > page.Width+rounding || f.Y+f.Height > page.Height+rounding {
		return fmt.Errorf("%w: a field on page %d reaches over the edge of the page", ErrInvalid, f.Page)
	}
	if f.Width < MinFieldPoints || f.Height < MinFieldPoints {
		return fmt.Errorf("%w: a field on page %d is smaller than %.0f points, too small to sign in", ErrInvalid, f.Page, MinFieldPoints)
	}
	return nil
}

// Send opens the signing and invites the first signer.
func (d *Document) Send(now time.Time, newSecret func() string) (Effects, error) {
	if d.State != Draft {
		return Effects{}, fmt.Errorf("%w: the document was already sent", ErrState)
	}
	if len(d.Signers) == 0 {
		return Effects{}, fmt.Errorf("%w: name a signer first", ErrState)
	}
	for i, s := range d.Signers {
		if !slices.ContainsFunc(d.Fields, func(f Field) bool { return f.Signer == i }) {
			return Effects{}, fmt.Errorf("%w: place a signature field for %s first", ErrState, s.Name)
		}
	}
	d.State, d.SentAt = Sent, now
	effects := Effects{Events: []Event{{Kind: "document.sent", Document: d.ID}}}
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
	secret := newSecret()
	s.State, s.InvitedAt = Invited, now
	effects.Revoked = append(effects.Revoked, s.ID)
	effects.Grants = append(effects.Grants, Grant{
		Hash: HashSecret(secret), Kind: LinkGrant, Document: d.ID, Signer: s.ID, Expires: now.Add(LinkLifetime),
	})
	effects.Mails = append(effects.Mails, Mail{
		Kind: MailInvitation, To: s.Email, Language: s.Language, Secret: secret, Document: d.ID,
		Key: fmt.Sprintf("%s/%s/%d", d.ID, s.ID, now.UnixMicro()),
	})
	effects.Events = append(effects.Events, Event{Kind: "signer.invited", Document: d.ID, Signer: s.ID})
}

// Remind sends the signer whose turn it is a new link; the old one ends.
func (d *Document) Remind(now time.Time, newSecret func() string) (Effects, error) {
	if d.State != Sent {
		return Effects{}, fmt.Errorf("%w: nobody is asked to sign now", ErrState)
	}
	for _, s := range d.Signers {
		if s.active() {
			state := s.State
			var effects Effects
			d.invite(s, now, newSecret, &effects)
			s.State = state // what the signer already did stays done
			return effects, nil
		}
	}
	return Effects{}, fmt.Errorf("%w: everybody has signed", ErrState)
}

// active tells whether it is this signer's turn.
func (s *Signer) active() bool {
	return slices.Contains([]SignerState{Invited, Opened, Consented, Captured}, s.State)
}

// Cancel withdraws the document; links end.
func (d *Document) Cancel() (Effects, error) {
	if d.State != Draft && d.State != Sent {
		return Effects{}, fmt.Errorf("%w: a document that is %s cannot be cancelled", ErrState, d.State)
	}
	d.State = Cancelled
	effects := Effects{Events: []Event{{Kind: "document.cancelled", Document: d.ID}}}
	d.close(MailCancelled, &effects)
	return effects, nil
}

// close ends every grant and tells those who were invited.
func (d *Document) close(kind MailKind, effects *Effects) {
	for _, s := range d.Signers {
		if s.State == Waiting {
			continue
		}
		effects.Revoked = append(effects.Revoked, s.ID)
		effects.Mails = append(effects.Mails, Mail{Kind: kind, To: s.Email, Language: s.Language, Document: d.ID, Key: d.ID + "/" + s.ID + "/" + string(kind)})
	}
}

// Signer finds a signer by ID.
func (d *Document) Signer(id string) (*Signer, error) {
	for _, s := range d.Signers {
		if s.ID == id {
			return s, nil
		}
	}
	return nil, fmt.Errorf("%w: no signer %s", ErrNotFound, id)
}

// open checks that the signer may act now.
func (d *Document) open(signer string) (*Signer, error) {
	s, err := d.Signer(signer)
	switch {
	case err != nil:
		return nil, err
	case d.State == Cancelled:
		return nil, fmt.Errorf("%w: the sender withdrew the document", ErrState)
	case d.State == Declined:
		return nil, fmt.Errorf("%w: a signer declined, so the document is closed", ErrState)
	case d.State != Sent:
		return nil, fmt.Errorf("%w: the document is closed", ErrState)
	case s.State == Waiting:
		return nil, ErrNotYourTurn
	case !s.active():
		return nil, fmt.Errorf("%w: this signer is finished", ErrState)
	}
	return s, nil
}

// Open notes that the signer used the link, and gives a session for it.
func (d *Document) Open(signer string, now time.Time, secret string) (Effects, error) {
	s, err := d.open(signer)
	if err != nil {
		return Effects{}, err
	}
	if s.State == Invited {
		s.State, s.OpenedAt = Opened, now
	}
	return Effects{
		Grants: []Grant{{Hash: HashSecret(secret), Kind: SessionGrant, Document: d.ID, Signer: s.ID, Expires: now.Add(SessionLifetime)}},
		Events: []Event{{Kind: "signer.opened", Document: d.ID, Signer: s.ID}},
	}, nil
}

// Consent keeps an answer. It can be changed until the signature is confirmed.
func (d *Document) Consent(signer string, answer Consent) (Effects, error) {
	s, err := d.open(signer)
	if err != nil {
		return Effects{}, err
	}
	if !slices.Contains(Purposes, answer.Purpose) {
		return Effects{}, fmt.Errorf("%w: no purpose is called %q", ErrInvalid, answer.Purpose)
	}
	if answer.TextVersion != ConsentVersion {
		return Effects{}, fmt.Errorf("%w: the consent text has changed; reload the page and read version %s", ErrInvalid, ConsentVersion)
	}
	text, language, err := ConsentText(answer.Purpose, answer.Language)
	if err != nil {
		return Effects{}, err
	}
	answer.Language, answer.TextSHA256 = language, textHash(text)
	s.Consents = append(s.Consents, answer)
	if s.answered() && s.State == Opened {
		s.State = Consented
	}
	kind := "consent.refused"
	if answer.Given {
		kind = "consent.given"
	}
	return Effects{Events: []Event{{Kind: kind, Document: d.ID, Signer: s.ID, Detail: string(answer.Purpose) + " " + answer.TextVersion + " " + language}}}, nil
}

// StartCapture adds an open capture. There is at most one: an older open one is
// discarded, because its page was left.
func (d *Document) StartCapture(signer string, c *Capture) (Effects, error) {
	s, err := d.open(signer)
	if err != nil {
		return Effects{}, err
	}
	switch {
	case !s.answered() || !s.Allows(ForHandwriting):
		return Effects{}, fmt.Errorf("%w: handwriting is recorded only after the signer agreed to it", ErrNoConsent)
	case c.Kind == ReferenceCapture && !s.Allows(ForComparison):
		return Effects{}, fmt.Errorf("%w: references are enrolled only after the signer agreed to the comparison", ErrNoConsent)
	case (c.WithVideo || c.WithAudio) && !s.Allows(ForVideo):
		return Effects{}, fmt.Errorf("%w: video is recorded only after the signer agreed to it", ErrNoConsent)
	case c.Kind != ReferenceCapture && c.Kind != SignatureCapture:
		return Effects{}, fmt.Errorf("%w: a capture is a reference or a signature", ErrInvalid)
	}
	for _, old := range s.Captures {
		if old.State == CaptureOpen {
			old.State = CaptureDiscarded
		}
	}
	c.State = CaptureOpen
	s.Captures = append(s.Captures, c)
	return Effects{Events: []Event{{Kind: "capture.started", Document: d.ID, Signer: s.ID, Detail: string(c.Kind) + " " + string(c.ID)}}}, nil
}

// capture finds a capture of a signer.
func (s *Signer) capture(id capture.SessionID) (*Capture, error) {
	for _, c := range s.Captures {
		if c.ID == id {
			return c, nil
		}
	}
	return nil, fmt.Errorf("%w: no capture %s", ErrNotFound, id)
}

// signature returns the finished signature capture that would be, or was, confirmed.
func (s *Signer) signature() *Capture {
	for _, c := range slices.Backward(s.Captures) {
		if c.Kind == SignatureCapture && c.State == CaptureFinished {
			return c
		}
	}
	return nil
}

// FinishCapture makes a capture immutable. One with problems is discarded:
// it can be made again, and never becomes a signature or a reference.
func (d *Document) FinishCapture(signer string, finished Capture) (Effects, error) {
	s, err := d.open(signer)
	if err != nil {
		return Effects{}, err
	}
	c, err := s.capture(finished.ID)
	if err != nil {
		return Effects{}, err
	}
	if c.State != CaptureOpen {
		return Effects{}, fmt.Errorf("%w: the capture is %s", ErrState, c.State)
	}
	*c = finished
	c.State = CaptureFinished
	if c.refused() {
		c.State = CaptureDiscarded
	}
	if c.Kind == SignatureCapture && c.State == CaptureFinished {
		s.State = Captured
	}
	return Effects{Events: []Event{{Kind: "capture." + string(c.State), Document: d.ID, Signer: s.ID, Detail: string(c.Kind) + " " + string(c.ID)}}}, nil
}

// refused tells whether the capture cannot be used as what it was made for.
func (c *Capture) refused() bool {
	return slices.ContainsFunc(c.Problems, func(p biometrics.Problem) bool { return p.Severity == biometrics.Refusal })
}

// DiscardCapture throws a capture away so that the signer can sign again.
func (d *Document) DiscardCapture(signer string, id capture.SessionID) (Effects, error) {
	s, err := d.open(signer)
	if err != nil {
		return Effects{}, err
	}
	c, err := s.capture(id)
	if err != nil {
		return Effects{}, err
	}
	c.State = CaptureDiscarded
	if s.State == Captured && s.signature() == nil {
		s.State = Consented
	}
	return Effects{Events: []Event{{Kind: "capture.discarded", Document: d.ID, Signer: s.ID, Detail: string(c.ID)}}}, nil
}

// Confirm is the act of signing: the intent that sealing carries out.
func (d *Document) Confirm(signer string, id capture.SessionID, typed string) (Effects, error) {
	s, err := d.open(signer)
	if err != nil {
		return Effects{}, err
	}
	switch {
	case !s.answered():
		return Effects{}, fmt.Errorf("%w: answer every question of consent first", ErrNoConsent)
	case typed != "" && s.Allows(ForHandwriting):
		return Effects{}, fmt.Errorf("%w: typing the name is the way for those who refused to be recorded", ErrInvalid)
	case typed != "":
		if !strings.EqualFold(strings.Join(strings.Fields(typed), " "), strings.Join(strings.Fields(s.Name), " ")) {
			return Effects{}, fmt.Errorf("%w: type the name as it stands in the invitation", ErrInvalid)
		}
		s.Typed = s.Name
	case s.State != Captured || s.signature() == nil || s.signature().ID != id:
		return Effects{}, fmt.Errorf("%w: sign first, then confirm", ErrIncomplete)
	}
	s.State, s.Confirmed = Signing, true
	return Effects{Events: []Event{{Kind: "signer.confirmed", Document: d.ID, Signer: s.ID, Detail: string(id)}}}, nil
}

// Decline closes the document for everybody.
func (d *Document) Decline(signer, reason string) (Effects, error) {
	s, err := d.open(signer)
	if err != nil {
		return Effects{}, err
	}
	if utf8.RuneCountInString(reason) > 1000 {
		return Effects{}, fmt.Errorf("%w: give the reason in at most 1000 characters", ErrInvalid)
	}
	s.State, s.Reason = HasRefused, reason
	d.State = Declined
	effects := Effects{Events: []Event{{Kind: "signer.declined", Document: d.ID, Signer: s.ID}}}
	d.close(MailDeclined, &effects)
	return effects, nil
}

// signedBy notes that a signer's revision is stored and hands on to the next.
func (d *Document) signedBy(s *Signer, now time.Time, newSecret func() string) Effects {
	s.State, s.SignedAt = Signed, now
	effects := Effects{Events: []Event{{Kind: "signer.signed", Document: d.ID, Signer: s.ID}}}
	if slices.ContainsFunc(d.Signers, func(other *Signer) bool { return other.State != Signed }) {
		d.inviteNext(now, newSecret, &effects)
		return effects
	}
	d.State = Sealing
	return effects
}

// completed notes the deposit and tells everybody where to download it.
func (d *Document) completed(deposit Deposit, now time.Time) Effects {
	d.Deposit, d.State, d.Completed, d.Trouble = &deposit, Completed, now, ""
	effects := Effects{Events: []Event{{Kind: "document.completed", Document: d.ID, Detail: "deposit " + deposit.ID}}}
	for _, s := range d.Signers {
		effects.Mails = append(effects.Mails, Mail{Kind: MailCompleted, To: s.Email, Language: s.Language, Document: d.ID, Key: d.ID + "/" + s.ID + "/completed"})
	}
	return effects
}

// Busy tells whether a signature or the deposit is in the making.
func (d *Document) Busy() bool {
	return d.State == Sealing || slices.ContainsFunc(d.Signers, func(s *Signer) bool { return s.State == Signing })
}
