package ceremony

import (
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"inkwitness/api"
	"inkwitness/biometrics"
	"inkwitness/capture"
)

// What a signer does, from the link to the signature. Each act may come twice,
// since an answer can be lost: the second time it changes nothing.

// Signer finds a signer by ID.
func (d *Document) Signer(id string) (*Signer, error) {
	for _, s := range d.Signers {
		if s.ID == id {
			return s, nil
		}
	}
	return nil, api.Explain(ErrNotFound, "No signer %s.", id)
}

// open checks that the signer may act now.
func (d *Document) open(signer string) (*Signer, error) {
	s, err := d.Signer(signer)
	switch {
	case err != nil:
		return nil, err
	case d.State == Cancelled:
		return nil, api.Explain(ErrState, "The sender withdrew the document.")
	case d.State == Declined:
		return nil, api.Explain(ErrState, "A signer declined, so the document is closed.")
	case d.State != Sent:
		return nil, api.Explain(ErrState, "The document is closed.")
	case s.State == Waiting:
		return nil, ErrNotYourTurn
	case !s.active():
		return nil, api.Explain(ErrState, "This signer is finished.")
	}
	return s, nil
}

// enter checks that the signer may come in: to sign, or, having signed, to
// download.
func (d *Document) enter(signer string) (*Signer, error) {
	s, err := d.Signer(signer)
	if err == nil && (s.State == Signed || s.ProviderConsent != "") {
		return s, nil
	}
	return d.open(signer)
}

// Open notes that the signer used the link, and gives a session for it. There is
// one session of a signer at a time.
func (d *Document) Open(signer string, now time.Time, secret string) (Effects, error) {
	s, err := d.enter(signer)
	if err != nil {
		return Effects{}, err
	}
	if s.State == Invited {
		s.State, s.OpenedAt = Opened, now
	}
	if s.Second != nil {
		s.Second.ProvedAt = time.Time{} // each session proves it anew
	}
	return Effects{
		Ended:  []string{s.ID},
		Grants: []Grant{{Hash: HashSecret(secret), Kind: SessionGrant, Document: d.ID, Signer: s.ID, Expires: now.Add(SessionLifetime)}},
		Events: []Event{{Kind: "signer.opened", By: BySigner, Signer: s.ID}},
	}, nil
}

// Consent keeps an answer. It can be changed until the signature is confirmed.
func (d *Document) Consent(signer string, answer Consent) (Effects, error) {
	s, err := d.proved(signer)
	if err != nil {
		return Effects{}, err
	}
	if !slices.Contains(Purposes, answer.Purpose) {
		return Effects{}, api.Explain(ErrInvalid, "No purpose is called %q.", answer.Purpose)
	}
	if answer.TextVersion != ConsentVersion {
		return Effects{}, api.Explain(ErrInvalid, "The consent text has changed; reload the page and read version %s.", ConsentVersion)
	}
	if !slices.Contains(api.Languages(), answer.Language) {
		return Effects{}, api.Explain(ErrInvalid, "There is no consent text in the language %q; name the one that was shown: %s.", answer.Language, strings.Join(api.Languages(), ", "))
	}
	text, language, err := ConsentText(answer.Purpose, answer.Language)
	if err != nil {
		return Effects{}, err
	}
	answer.TextSHA256 = textHash(text)
	if s.said(answer) {
		return Effects{}, nil
	}
	s.Consents = append(s.Consents, answer)
	if s.answered() && s.State == Opened {
		s.State = Consented
	}
	kind := "consent.refused"
	if answer.Given {
		kind = "consent.given"
	}
	events := []Event{{Kind: kind, By: BySigner, Signer: s.ID, Detail: string(answer.Purpose) + " " + answer.TextVersion + " " + language}}
	if !answer.Given {
		events = append(events, s.unrecord(answer.Purpose)...)
	}
	return Effects{Events: events}, nil
}

// said tells whether the signer's last answer for the purpose was this one, so
// that an answer that is sent again, as after a crash, stands once.
func (s *Signer) said(answer Consent) bool {
	for _, c := range slices.Backward(s.Consents) {
		if c.Purpose == answer.Purpose {
			return c.Given == answer.Given && c.TextSHA256 == answer.TextSHA256
		}
	}
	return false
}

// unrecord throws away what was recorded for a purpose that is no longer agreed
// to, so that it cannot be confirmed. References that were enrolled are not of
// this document: WithdrawReferences destroys them.
func (s *Signer) unrecord(purpose Purpose) (events []Event) {
	for _, c := range s.Captures {
		served := map[Purpose]bool{
			ForHandwriting: c.Kind == SignatureCapture || c.State == CaptureOpen,
			ForVideo:       c.WithVideo || c.WithAudio,
			ForComparison:  c.Kind == ReferenceCapture && c.State == CaptureOpen,
		}
		if c.State != CaptureDiscarded && served[purpose] {
			c.State = CaptureDiscarded
			events = append(events, Event{Kind: "capture.discarded", By: BySigner, Signer: s.ID, Detail: string(c.ID)})
		}
	}
	if s.State == Captured && s.signature() == nil {
		s.State = Consented
	}
	return events
}

// StartCapture adds an open capture. There is at most one: an older open one is
// discarded, because its page was left.
func (d *Document) StartCapture(signer string, c *Capture) (Effects, error) {
	s, err := d.proved(signer)
	if err != nil {
		return Effects{}, err
	}
	switch {
	case !s.answered() || !s.Allows(ForHandwriting):
		return Effects{}, api.Explain(ErrNoConsent, "Handwriting is recorded only after the signer agreed to it.")
	case c.Kind == ReferenceCapture && !s.Allows(ForComparison):
		return Effects{}, api.Explain(ErrNoConsent, "References are enrolled only after the signer agreed to the comparison.")
	case (c.WithVideo || c.WithAudio) && !s.Allows(ForVideo):
		return Effects{}, api.Explain(ErrNoConsent, "Video is recorded only after the signer agreed to it.")
	case c.Kind != ReferenceCapture && c.Kind != SignatureCapture:
		return Effects{}, api.Explain(ErrInvalid, "A capture is a reference or a signature.")
	}
	for _, old := range s.Captures {
		if old.State == CaptureOpen {
			old.State = CaptureDiscarded
		}
	}
	c.State = CaptureOpen
	s.Captures = append(s.Captures, c)
	return Effects{Events: []Event{{Kind: "capture.started", By: BySigner, Signer: s.ID, Detail: string(c.Kind) + " " + string(c.ID)}}}, nil
}

// openCaptures lists the captures of a signer that are still being recorded.
func (d *Document) openCaptures(signer string) (open []capture.SessionID) {
	s, err := d.Signer(signer)
	if err != nil {
		return nil
	}
	for _, c := range s.Captures {
		if c.State == CaptureOpen {
			open = append(open, c.ID)
		}
	}
	return open
}

// capture finds a capture of a signer.
func (s *Signer) capture(id capture.SessionID) (*Capture, error) {
	for _, c := range s.Captures {
		if c.ID == id {
			return c, nil
		}
	}
	return nil, api.Explain(ErrNotFound, "No capture %s.", id)
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
	s, err := d.proved(signer)
	if err != nil {
		return Effects{}, err
	}
	c, err := s.capture(finished.ID)
	if err != nil {
		return Effects{}, err
	}
	if c.State != CaptureOpen {
		return Effects{}, api.Explain(ErrState, "The capture is %s.", c.State)
	}
	*c = finished
	c.State = CaptureFinished
	kind := "capture.finished"
	if c.Refused() {
		c.State, kind = CaptureDiscarded, "capture.refused"
	}
	if c.Kind == SignatureCapture && c.State == CaptureFinished {
		s.State = Captured
	}
	return Effects{Events: []Event{{Kind: kind, By: BySigner, Signer: s.ID, Detail: string(c.Kind) + " " + string(c.ID)}}}, nil
}

// finished returns a capture that was finished or refused, nil when it was not.
func (d *Document) finished(signer string, id capture.SessionID) *Capture {
	s, err := d.Signer(signer)
	if err != nil {
		return nil
	}
	if c, err := s.capture(id); err == nil && (c.State == CaptureFinished || c.Refused()) {
		return c
	}
	return nil
}

// Refused tells whether the capture cannot be used as what it was made for.
func (c *Capture) Refused() bool {
	return slices.ContainsFunc(c.Problems, func(p biometrics.Problem) bool { return p.Severity == biometrics.Refusal })
}

// DiscardCapture throws a capture away so that the signer can sign again.
func (d *Document) DiscardCapture(signer string, id capture.SessionID) (Effects, error) {
	s, err := d.proved(signer)
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
	return Effects{Events: []Event{{Kind: "capture.discarded", By: BySigner, Signer: s.ID, Detail: string(c.ID)}}}, nil
}

// Confirm is the act of signing: the intent that sealing carries out. The same
// confirmation again, as after a crash, changes nothing.
func (d *Document) Confirm(signer string, id capture.SessionID, typed string) (Effects, error) {
	if s, err := d.Signer(signer); err == nil && s.confirmed(id, typed) {
		return Effects{}, nil
	}
	s, err := d.proved(signer)
	if err != nil {
		return Effects{}, err
	}
	switch {
	case !s.answered():
		return Effects{}, api.Explain(ErrNoConsent, "Answer every question of consent first.")
	case len(d.missing(s)) > 0:
		return Effects{}, api.Explain(ErrIncomplete, "Fill in first: %s.", strings.Join(d.missing(s), ", "))
	case typed != "" && s.Allows(ForHandwriting):
		return Effects{}, api.Explain(ErrInvalid, "Typing the name is the way for those who refused to be recorded.")
	case typed != "":
		if !s.named(typed) {
			return Effects{}, api.Explain(ErrInvalid, "Type the name as it stands in the invitation.")
		}
		s.Typed = s.Name
	case s.State != Captured || s.signature() == nil || s.signature().ID != id:
		return Effects{}, api.Explain(ErrIncomplete, "Sign first, then confirm.")
	}
	s.State, s.Confirmed = Signing, true
	return Effects{Events: []Event{{Kind: "signer.confirmed", By: BySigner, Signer: s.ID, Detail: string(id)}}}, nil
}

// confirmed tells whether the signer has confirmed just this.
func (s *Signer) confirmed(id capture.SessionID, typed string) bool {
	switch c := s.ConfirmedCapture(); {
	case !s.Confirmed:
		return false
	case c != nil:
		return typed == "" && c.ID == id
	default:
		return typed != "" && s.named(typed)
	}
}

// named tells whether what was typed is the signer's name.
func (s *Signer) named(typed string) bool {
	return strings.EqualFold(strings.Join(strings.Fields(typed), " "), strings.Join(strings.Fields(s.Name), " "))
}

// Decline closes the document for everybody. Declining again changes nothing.
func (d *Document) Decline(signer, reason string) (Effects, error) {
	s, err := d.Signer(signer)
	if err == nil && s.State == HasRefused {
		return Effects{}, nil
	}
	if err == nil && s.ProviderConsent == "" { // whoever still has to consent may refuse to
		s, err = d.proved(signer)
	}
	if err != nil {
		return Effects{}, err
	}
	if utf8.RuneCountInString(reason) > 1000 {
		return Effects{}, api.Explain(ErrInvalid, "Give the reason in at most 1000 characters.")
	}
	s.State, s.Reason, s.SealState, s.ProviderConsent = HasRefused, reason, nil, ""
	d.State = Declined
	effects := Effects{Events: []Event{{Kind: "signer.declined", By: BySigner, Signer: s.ID}}}
	d.close(MailDeclined, &effects)
	return effects, nil
}
