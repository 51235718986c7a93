package document

import (
	"cmp"
	"context"

	"inkwitness/api"
	"inkwitness/api/ceremony"
)

// maxLinks is how many links to a document a person may have sent again in an hour.
const maxLinks = 10

// mails counts what is sent to a signer once more, for the document and for the person
// who has it sent: nobody's mailbox is flooded in the service's name.
func (h *Handler) mails(ctx context.Context, document string) error {
	err := h.hit(ctx, "links of a document", document, maxLinks, "Signers of this document got %d links within the hour. Wait before you send another one.")
	if err != nil {
		return err
	}
	return h.hit(ctx, "links sent again", api.IdentityOf(ctx).Account, maxUploads, "You had %d links sent again within the hour. Wait before you send another one.")
}

type planInput struct {
	ID   string `path:"id" pattern:"^[0-9a-f]{32}$"`
	Body Plan
}

// Plan says who signs where.
type Plan struct {
	Signers []SignerPlan `json:"signers" minItems:"1" maxItems:"20" doc:"in the order in which they sign"`
	Fields  []FieldPlan  `json:"fields" maxItems:"200"`
}

// SignerPlan is one signer to be invited.
type SignerPlan struct {
	Name     string `json:"name" minLength:"1" maxLength:"200"`
	Email    string `json:"email" maxLength:"254"`
	Language string `json:"language,omitempty" enum:"en,fr,zh-Hant,zh-Hans" doc:"of the mails and the signing page; en by default"`
	Second   bool   `json:"second,omitempty" doc:"ask the signer for a code beside the link: of the authenticator app of their own account, or sent to phone"`
	Phone    string `json:"phone,omitempty" maxLength:"32" doc:"with country code; optional where second is set"`
}

// FieldPlan is a place to sign, or a field beside it.
type FieldPlan struct {
	Kind     ceremony.FieldKind `json:"kind,omitempty" enum:"signature,initials,date,text,checkbox" doc:"signature by default; every signer needs one"`
	Signer   int                `json:"signer" minimum:"0" doc:"index in signers"`
	Page     int                `json:"page" minimum:"1"`
	X        float64            `json:"x" doc:"PDF points from the left edge of the page as displayed"`
	Y        float64            `json:"y" doc:"PDF points from the top edge of the page as displayed"`
	Width    float64            `json:"width" doc:"PDF points, at least 18 for a signature, 8 for the others"`
	Height   float64            `json:"height" doc:"PDF points, likewise"`
	Label    string             `json:"label,omitempty" maxLength:"100" doc:"what is asked for"`
	Required bool               `json:"required,omitempty" doc:"the signer cannot sign before it is filled in"`
	Value    string             `json:"value,omitempty" maxLength:"500" doc:"filled in by the sender: the signer cannot change it. A date is 2026-11-29, a ticked box yes"`
}

func (h *Handler) plan(ctx context.Context, in *planInput) (*viewOutput, error) {
	if _, err := h.load(ctx, in.ID, api.Update, api.DocumentObject); err != nil {
		return nil, err
	}
	signers := make([]ceremony.SignerPlan, len(in.Body.Signers))
	for i, s := range in.Body.Signers {
		signers[i] = ceremony.SignerPlan(s)
	}
	fields := make([]ceremony.Field, len(in.Body.Fields))
	for i, f := range in.Body.Fields {
		fields[i] = ceremony.Field{
			Kind: f.Kind, Signer: f.Signer, Page: f.Page, X: f.X, Y: f.Y, Width: f.Width, Height: f.Height,
			Label: f.Label, Required: f.Required, Value: f.Value,
		}
	}
	return answer(h.Ceremony.Plan(ctx, in.ID, signers, fields))
}

type correctInput struct {
	ID     string `path:"id" pattern:"^[0-9a-f]{32}$"`
	Signer string `path:"signer" pattern:"^[0-9a-f]{32}$"`
	Body   Correction
}

// Correction is who signs instead, or the same person rightly named.
type Correction struct {
	Name     string `json:"name" minLength:"1" maxLength:"200"`
	Email    string `json:"email" maxLength:"254"`
	Language string `json:"language,omitempty" enum:"en,fr,zh-Hant,zh-Hans" doc:"of the mails and the signing page; en by default"`
	Second   *bool  `json:"second,omitempty" doc:"ask for a code beside the link; as it was asked of the signer before, and with the same telephone, when not said"`
	Phone    string `json:"phone,omitempty" maxLength:"32" doc:"with country code; optional where second is set"`
}

// plan fills in what a correction leaves as it was.
func (c Correction) plan(before *ceremony.Signer) ceremony.SignerPlan {
	p := ceremony.SignerPlan{Name: c.Name, Email: c.Email, Language: c.Language, Phone: c.Phone}
	if c.Second != nil {
		p.Second = *c.Second
		return p
	}
	p.Second, p.Phone = before.Second != nil, cmp.Or(c.Phone, before.Phone())
	return p
}

func (h *Handler) correct(ctx context.Context, in *correctInput) (*viewOutput, error) {
	d, err := h.load(ctx, in.ID, api.Send, api.DocumentObject)
	if err != nil {
		return nil, err
	}
	before, err := d.Signer(in.Signer)
	if err != nil {
		return nil, err
	}
	if err := h.mails(ctx, d.ID); err != nil {
		return nil, err
	}
	return answer(h.Ceremony.Correct(ctx, d.ID, before.ID, in.Body.plan(before)))
}
