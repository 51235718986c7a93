package signing

import (
	"cmp"
	"context"
	"fmt"
	"time"

	"inkwitness/api"
	"inkwitness/api/ceremony"
)

// View is a ceremony as its signer sees it.
type View struct {
	Document   DocumentView   `json:"document"`
	Sender     PersonView     `json:"sender"`
	Controller string         `json:"controller" doc:"who is responsible for the signer's data: name and contact as the organisation gives them, or else its name"`
	Signer     SignerView     `json:"signer"`
	Fields     []FieldView    `json:"fields" doc:"where this signer signs and what they fill in; and what the sender filled in, until it stands in the PDF"`
	Consents   []ConsentView  `json:"consents" doc:"every purpose, in the order to be asked"`
	References ReferencesView `json:"references"`
	Next       ceremony.Next  `json:"next" enum:"prove,read,fill,enrol,sign,confirm,type,sealing,done,declined,closed"`
	Second     *SecondView    `json:"second,omitempty" doc:"what is asked beside the link"`
	CaptureID  string         `json:"captureId,omitempty" doc:"the finished capture that waits for confirmation"`
	Others     int            `json:"others" doc:"signers who have not signed yet, without this one; the deposit is made when there are none"`
	Deposit    *DepositView   `json:"deposit,omitempty"`
	ConsentAt  string         `json:"consentAt,omitempty" doc:"address of the certificate provider, which the signer has to visit before the signature is made; they come back to /sign with code and state"`
	Proof      bool           `json:"proof,omitempty" doc:"a key of this browser has to sign: registerSigningKey, askSigningProof, confirm"`
	Keep       KeepView       `json:"keep" doc:"how long what is kept, told before signing"`
	ErasedAt   *time.Time     `json:"erasedAt,omitempty" doc:"when the sealed recording of this signer was erased"`
}

// DocumentView is what is to be signed.
type DocumentView struct {
	Title  string          `json:"title"`
	SHA256 string          `json:"sha256" doc:"of the PDF that is shown, lower-case hex"`
	Size   int64           `json:"size"`
	Pages  []ceremony.Page `json:"pages"`
}

// PersonView names somebody.
type PersonView struct {
	Name string `json:"name"`
}

// SignerView is the signer to themselves.
type SignerView struct {
	ID       string               `json:"id"`
	Name     string               `json:"name"`
	Language string               `json:"language"`
	State    ceremony.SignerState `json:"state"`
}

// FieldView is one place to sign or to fill in, in PDF points from the top left
// corner of the page as displayed.
type FieldView struct {
	Name     string             `json:"name"`
	Kind     ceremony.FieldKind `json:"kind" enum:"signature,initials,date,text,checkbox"`
	Page     int                `json:"page"`
	X        float64            `json:"x"`
	Y        float64            `json:"y"`
	Width    float64            `json:"width"`
	Height   float64            `json:"height"`
	Label    string             `json:"label,omitempty"`
	Required bool               `json:"required,omitempty"`
	Fixed    bool               `json:"fixed,omitempty" doc:"filled in by the sender"`
	Value    string             `json:"value,omitempty" doc:"a date is 2026-11-29, a ticked box yes"`
}

// ConsentView is one purpose with the words that ask for it.
type ConsentView struct {
	Purpose     ceremony.Purpose `json:"purpose"`
	TextVersion string           `json:"textVersion"`
	Text        string           `json:"text" doc:"in the language of Accept-Language that the service speaks, else the signer's own"`
	Language    string           `json:"language" doc:"of the text, to be sent back with the answer"`
	Given       *bool            `json:"given,omitempty" doc:"absent until answered"`
	At          *time.Time       `json:"at,omitempty"`
}

// ReferencesView counts reference signatures.
type ReferencesView struct {
	Have int `json:"have"`
	Need int `json:"need" doc:"fewest that a comparison is made with"`
	Want int `json:"want"`
}

// DepositView is the deposit to a signer.
type DepositView struct {
	Size        int64     `json:"size"`
	RetainUntil time.Time `json:"retainUntil"`
	Withheld    bool      `json:"withheld,omitempty" doc:"recordings of other signers are in it: this signer takes the signed PDF alone"`
}

// KeepView says how long what is kept.
type KeepView struct {
	DepositYears int `json:"depositYears"`
}

func (h *Handler) view(ctx context.Context, d *ceremony.Document, s *ceremony.Signer) (View, error) {
	sender, err := h.Names.SenderName(ctx, d.Organisation, d.Owner)
	if err != nil {
		return View{}, fmt.Errorf("find the sender's name: %w", err)
	}
	controller, err := h.Names.ControllerName(ctx, d.Organisation)
	if err != nil {
		return View{}, fmt.Errorf("find who is responsible for the data: %w", err)
	}
	if !s.Proved() { // nothing of the document is shown before
		return View{Sender: PersonView{sender}, Controller: controller, Signer: SignerView{ID: s.ID, Name: s.Name, Language: s.Language, State: s.State}, Next: d.Next(s, 0),
			Second: h.second(s), Fields: []FieldView{}, Consents: []ConsentView{}, Keep: KeepView{ceremony.RetentionYears}}, nil
	}
	have, err := h.Ceremony.References(ctx, d.Organisation, s)
	if err != nil {
		return View{}, fmt.Errorf("count the references: %w", err)
	}
	v := View{
		Document:   DocumentView{Title: d.Title, SHA256: d.Current.SHA256.String(), Size: d.Current.Size, Pages: d.Pages},
		Sender:     PersonView{sender},
		Controller: controller,
		Signer:     SignerView{ID: s.ID, Name: s.Name, Language: s.Language, State: s.State},
		References: ReferencesView{Have: have, Need: ceremony.ReferencesNeeded, Want: ceremony.ReferencesWanted},
		Next:       d.Next(s, have),
		Second:     h.second(s),
		CaptureID:  s.Pending(),
		ConsentAt:  s.ProviderConsent,
		Proof:      h.asksProof(d),
		Keep:       KeepView{ceremony.RetentionYears},
	}
	for _, other := range d.Signers {
		if other != s && other.State != ceremony.Signed {
			v.Others++
		}
	}
	v.Fields = fields(d, s)
	if v.Consents, err = consents(s, cmp.Or(api.ClientOf(ctx).Language, s.Language)); err != nil {
		return View{}, err
	}
	if s.Erased != nil {
		v.ErasedAt = &s.Erased.At
	}
	if d.Deposit != nil {
		v.Deposit = &DepositView{Size: d.Deposit.Object.Size, RetainUntil: d.Deposit.RetainUntil, Withheld: d.OthersRecorded(s)}
	}
	return v, nil
}

// fields lists what a signer signs and fills in. What the sender filled in stands
// in the PDF itself from the first signature on.
func fields(d *ceremony.Document, s *ceremony.Signer) []FieldView {
	out := []FieldView{}
	prepared := d.Current.Key != d.Source.Key
	for _, f := range d.Fields {
		if d.Signers[f.Signer] != s && !f.Fixed || f.Fixed && prepared {
			continue
		}
		if f.Signature() {
			f.Kind = ceremony.SignatureField
		}
		out = append(out, FieldView{
			Name: f.Name, Kind: f.Kind, Page: f.Page, X: f.X, Y: f.Y, Width: f.Width, Height: f.Height,
			Label: f.Label, Required: f.Required, Fixed: f.Fixed, Value: f.Value,
		})
	}
	return out
}

func consents(s *ceremony.Signer, wanted string) ([]ConsentView, error) {
	var out []ConsentView
	for _, purpose := range ceremony.Purposes {
		text, language, err := ceremony.ConsentText(purpose, wanted)
		if err != nil {
			return nil, err
		}
		view := ConsentView{Purpose: purpose, TextVersion: ceremony.ConsentVersion, Text: text, Language: language}
		if answer, ok := s.Consent(purpose); ok {
			view.Given, view.At = &answer.Given, &answer.At
		}
		out = append(out, view)
	}
	return out, nil
}
