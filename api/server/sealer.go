package server

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"inkwitness/api"
	"inkwitness/api/ceremony"
	"inkwitness/biometrics"
	"inkwitness/capture"
	"inkwitness/evidence"
	"inkwitness/evidence/pdf"
	"inkwitness/evidence/seal"
)

// sealer is ceremony.Sealer on package seal.
type sealer struct {
	*seal.Sealer
	providers map[string]evidence.Provider
	signature func(context.Context, *ceremony.Signer) (handwriting, error)
	history   func(context.Context, *ceremony.Document) ([]json.RawMessage, error)
}

func (s *sealer) Sign(ctx context.Context, d *ceremony.Document, who *ceremony.Signer, keep ceremony.Keep) (evidence.Object, error) {
	in := seal.Signing{
		Deposit: d.ID, Title: d.Title, Current: d.Current,
		Signer: person(who), Provider: d.TrustProvider, Reason: "I sign " + d.Title,
	}
	// The first signature prepares everybody's fields: later none can be added.
	unsigned := d.Current.Key == d.Source.Key
	if unsigned {
		in.Prepare, in.Forms = prepare(d)
	}
	for _, f := range d.Fields {
		switch {
		case d.Signers[f.Signer].ID != who.ID:
		case f.Signature():
			in.Fields = append(in.Fields, f.Name)
		case f.Asked() && f.Value != "":
			in.Fill = append(in.Fill, pdf.Fill{Name: f.Name, Value: f.Shown(who.Language)})
		}
	}
	if who.Typed == "" {
		drawn, err := s.signature(ctx, who)
		if err != nil {
			return evidence.Object{}, fmt.Errorf("read the handwriting: %w", err)
		}
		in.Handwriting = drawn
	} else {
		in.Notes = []string{typedNote(who.Language)}
	}
	return s.Sealer.Sign(ctx, in, who.SealState, seal.Keep(keep))
}

// typedNote stands in the field of a signature that was typed.
func typedNote(language string) string {
	switch language {
	case "fr":
		return "Nom saisi au clavier, sans enregistrement"
	case "zh-Hant":
		return "以鍵入姓名簽署，未作記錄"
	case "zh-Hans":
		return "以键入姓名签署，未作记录"
	}
	return "Name typed, nothing recorded"
}

// Objects implements ceremony.Sealer.
func (s *sealer) Objects(state []byte) ([]evidence.Object, error) { return seal.Objects(state) }

// prepare lists everybody's fields. What a signer fills in goes with the first
// place where they sign.
func prepare(d *ceremony.Document) (signatures []seal.Field, forms []seal.Form) {
	asked := map[int][]string{}
	for _, f := range d.Fields {
		if f.Signature() {
			continue
		}
		form := seal.Form{Name: f.Name, Label: f.Label, Page: f.Page, X: f.X, Y: f.Y, Width: f.Width, Height: f.Height, Check: f.Kind == ceremony.CheckboxField}
		if f.Fixed {
			form.Value = f.Shown(d.Signers[f.Signer].Language)
		} else {
			asked[f.Signer] = append(asked[f.Signer], f.Name)
		}
		forms = append(forms, form)
	}
	for _, f := range d.Fields {
		if f.Signature() {
			signatures = append(signatures, seal.Field{Name: f.Name, Page: f.Page, X: f.X, Y: f.Y, Width: f.Width, Height: f.Height, Fills: asked[f.Signer]})
			delete(asked, f.Signer)
		}
	}
	return signatures, forms
}

func person(s *ceremony.Signer) seal.Person {
	return seal.Person{ID: s.ID, Subject: s.Subject, Name: s.Name, Email: s.Email}
}

func (s *sealer) Commit(ctx context.Context, d *ceremony.Document, keep ceremony.Keep) (evidence.Commitment, error) {
	audit, err := s.history(ctx, d)
	if err != nil {
		return evidence.Commitment{}, fmt.Errorf("read the history: %w", err)
	}
	in := seal.Contents{Deposit: d.ID, Title: d.Title, Document: d.Current, Audit: audit}
	for i, who := range d.Signers {
		signed := seal.Signed{Person: person(who), Provider: d.TrustProvider, Certified: who.Certified, SignedAt: who.SignedAt, Finding: finding(who)}
		for _, f := range d.Fields {
			if f.Signer == i && f.Signature() && signed.Field == "" {
				signed.Field = f.Name
			}
		}
		if c := who.ConfirmedCapture(); c != nil {
			if signed.FaceFinding = faceFinding(c.Face); c.Face != nil {
				if signed.Face, err = json.MarshalIndent(c.Face, "", "  "); err != nil {
					return evidence.Commitment{}, err
				}
			}
			for _, f := range c.Files {
				signed.Recording = append(signed.Recording, seal.File{Name: f.Name, Object: f.Object})
			}
			if signed.Device, err = json.MarshalIndent(facts(c), "", "  "); err != nil {
				return evidence.Commitment{}, err
			}
		}
		if signed.Consents, err = json.MarshalIndent(who.Consents, "", "  "); err != nil {
			return evidence.Commitment{}, err
		}
		if who.Comparison != nil {
			if signed.Comparison, err = json.MarshalIndent(who.Comparison, "", "  "); err != nil {
				return evidence.Commitment{}, err
			}
		}
		in.Signers = append(in.Signers, signed)
	}
	return s.Sealer.Commit(ctx, in, d.SealState, seal.Keep(keep))
}

// Certification implements ceremony.Sealer.
func (s *sealer) Certification(who *ceremony.Signer) (at ceremony.Certification, err error) {
	if at.Name, err = seal.Certified(who.SealState); err != nil {
		return at, err
	}
	auth, err := seal.Waiting(who.SealState)
	if auth != nil {
		at.Consent = auth.Redirect
	}
	return at, err
}

// consenter is a provider at which signers consent themselves.
type consenter interface {
	Consented(ctx context.Context, auth evidence.Authorization, state, code string) (evidence.Authorization, error)
}

// Consented implements ceremony.Sealer.
func (s *sealer) Consented(ctx context.Context, d *ceremony.Document, who *ceremony.Signer, state, code string) ([]byte, error) {
	provider, ok := s.providers[d.TrustProvider].(consenter)
	if !ok {
		return nil, fmt.Errorf("provider %q takes no consent: %w", d.TrustProvider, evidence.ErrNotAllowed)
	}
	auth, err := seal.Waiting(who.SealState)
	if err != nil {
		return nil, err
	}
	if auth == nil {
		return nil, fmt.Errorf("nothing waits for a consent: %w", evidence.ErrNotAllowed)
	}
	given, err := provider.Consented(ctx, *auth, state, code)
	if err != nil {
		return nil, err
	}
	return seal.Consented(who.SealState, given)
}

// deviceFacts is device.json of a deposit: what is declared, and nothing more.
type deviceFacts struct {
	Browser ceremony.BrowserFacts `json:"browser"`
	Device  any                   `json:"device"`
	Quality biometrics.Quality    `json:"quality"`
	Reasons []capture.Reason      `json:"reasons"` // figures beyond a limit; undecided
	Started time.Time             `json:"started"`
	Ended   time.Time             `json:"ended"`
	Receipt []byte                `json:"receipt,omitempty"`
}

func facts(c *ceremony.Capture) deviceFacts {
	return deviceFacts{c.Browser, c.Device, c.Quality, c.Reasons, c.StartedAt, c.EndedAt, c.Receipt}
}

// finding is one plain sentence on the comparison, for the letter of deposit.
func finding(s *ceremony.Signer) string {
	switch {
	case s.Typed != "":
		return "Signed by typing the name, without a recording, as the signer chose."
	case s.Comparison == nil:
		return "Not compared with references: the signer refused it."
	case s.Comparison.LikelihoodRatio.Verbal.Text == "":
		return "The comparison gave no answer: " + string(s.Comparison.Decision.Outcome) + "."
	}
	return strings.Join(append(biometrics.Refusals(s.Comparison.Problems, refusal), s.Comparison.LikelihoodRatio.Verbal.Text), " ")
}

// refusal is what forbids a decision, for a reader who was not there; Problem.Text
// speaks to the signer.
func refusal(p biometrics.Problem) string {
	switch p.Code {
	case biometrics.CodeReplay:
		return "The signature is a copy of a reference, not signed anew."
	case biometrics.CodeTooSimple:
		return "The signature or a reference is so simple that it is easy to imitate."
	case biometrics.CodeInconsistent:
		return "One of the references is unlike the others."
	}
	return p.Text
}

// faceFinding is the same on the face, a finding of its own.
func faceFinding(f *biometrics.FaceFinding) string {
	switch {
	case f == nil:
		return ""
	case f.Outcome == biometrics.FaceEnrolled:
		return "A still of this video was enrolled for later ones; there was none to compare with."
	case f.Score == nil:
		return "Not compared: " + f.Reason
	}
	text := fmt.Sprintf("Likeness %.2f to the still enrolled before, %.2f at the least, in %d frames", f.Score.Likeness, f.Score.Lowest, f.Score.Frames)
	if f.Score.Threshold != nil {
		text += fmt.Sprintf("; the model's maker speaks of one person from %.2f", *f.Score.Threshold)
	}
	return text + "."
}

func (s *sealer) Deposit(ctx context.Context, d *ceremony.Document, keep ceremony.Keep) (ceremony.Deposit, error) {
	made, err := s.Sealer.Deposit(ctx, d.SealState, seal.Keep(keep))
	if err != nil {
		return ceremony.Deposit{}, err
	}
	return ceremony.Deposit{ID: made.ID, Object: made.Container, Document: made.Document, LeafIndex: made.Index, CreatedAt: made.Sealed, RetainUntil: made.Ends}, nil
}

// notices is ceremony.Notices on the mail and audit tables.
type notices struct {
	mail  func(context.Context, api.Notice) error
	audit func(context.Context, api.Event) error
	owner func(ctx context.Context, account string) (api.Account, error)
}

func (n notices) Mail(ctx context.Context, d *ceremony.Document, m ceremony.Mail) error {
	owner, err := n.owner(ctx, d.Owner)
	if err != nil {
		return fmt.Errorf("find the sender: %w", err)
	}
	notice := api.Notice{
		Kind: api.NoticeKind(m.Kind), To: m.To, Language: m.Language, Organisation: d.Organisation, Account: d.Owner,
		Values: map[string]string{"sender": nameOf(owner)}, Key: m.Key,
	}
	switch {
	case m.Secret != "":
		notice.Link = "/sign#t=" + m.Secret
	case m.To == "":
		notice.To, notice.Language = owner.Email, owner.Language
		if m.Kind == ceremony.MailCompleted {
			notice.Link = "/#/documents/" + d.ID
		}
	}
	return n.mail(ctx, notice)
}

func (n notices) Record(ctx context.Context, d *ceremony.Document, e ceremony.Event) error {
	event := api.Event{Kind: e.Kind, Organisation: d.Organisation, Object: chain(d.ID), Chain: chain(d.ID), Detail: api.Detail{}}
	if e.By == ceremony.ByAccount {
		event.Account = api.IdentityOf(ctx).Account
	}
	if e.Signer != "" {
		event.Detail["signer"] = e.Signer
	}
	if e.Detail != "" {
		event.Detail["detail"] = e.Detail
	}
	return n.audit(ctx, event)
}
