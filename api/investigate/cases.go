package investigate

import (
	"context"
	"time"

	"inkwitness/api"
	"inkwitness/api/dispute"
	"inkwitness/biometrics"
)

type listOutput struct {
	Body struct {
		Cases []CaseLine `json:"cases"`
	}
}

// CaseLine is a case in a list.
type CaseLine struct {
	ID         string    `json:"id"`
	Reference  string    `json:"reference"`
	Question   string    `json:"question"`
	CreatedAt  time.Time `json:"createdAt"`
	KeepUntil  time.Time `json:"keepUntil"`
	Questioned int       `json:"questioned" doc:"signatures"`
	References int       `json:"references" doc:"signatures"`
	Compared   bool      `json:"compared"`
}

func (h *Handler) list(ctx context.Context, _ *struct{}) (*listOutput, error) {
	id := api.IdentityOf(ctx)
	if err := api.Allow(id, api.List, api.Object{Kind: api.CaseObject, Organisation: id.Organisation, Owner: id.Account}); err != nil {
		return nil, err
	}
	all, err := h.Disputes.Cases.CasesOf(ctx, id.Organisation, id.Account)
	if err != nil {
		return nil, err
	}
	out := new(listOutput)
	out.Body.Cases = make([]CaseLine, 0, len(all))
	for _, c := range all {
		line := CaseLine{ID: c.ID, Reference: c.Reference, Question: c.Question, CreatedAt: c.Created, KeepUntil: c.KeepUntil, Compared: len(c.Runs) > 0}
		for _, i := range c.Items {
			if i.Part == dispute.Questioned {
				line.Questioned++
			} else {
				line.References++
			}
		}
		out.Body.Cases = append(out.Body.Cases, line)
	}
	return out, nil
}

// CaseWords are what the investigator says of a case.
type CaseWords struct {
	Reference string     `json:"reference" minLength:"1" maxLength:"100" doc:"number of the dispute"`
	Question  string     `json:"question" minLength:"3" maxLength:"2000" doc:"as put to the investigator"`
	Parties   string     `json:"parties" maxLength:"10000" doc:"what the parties say"`
	KeepUntil *time.Time `json:"keepUntil,omitempty" doc:"the case is erased then; a year from now by default, ten at most"`
}

func (w CaseWords) parts() (dispute.Words, time.Time) {
	words := dispute.Words{Reference: w.Reference, Question: w.Question, Parties: w.Parties}
	if w.KeepUntil == nil {
		return words, time.Time{}
	}
	return words, *w.KeepUntil
}

type createInput struct{ Body CaseWords }

type caseOutput struct{ Body CaseView }

func (h *Handler) create(ctx context.Context, in *createInput) (*caseOutput, error) {
	id := api.IdentityOf(ctx)
	if err := api.Allow(id, api.Create, api.Object{Kind: api.CaseObject, Organisation: id.Organisation, Owner: id.Account}); err != nil {
		return nil, err
	}
	words, end := in.Body.parts()
	c, err := h.Disputes.Create(ctx, words, end)
	return h.caseOut(ctx, c, err)
}

func (h *Handler) get(ctx context.Context, in *idInput) (*caseOutput, error) {
	c, err := h.load(ctx, in.ID, api.Read)
	return h.caseOut(ctx, c, err)
}

type describeInput struct {
	ID   string `path:"id" pattern:"^[0-9a-f]{32}$"`
	Body CaseWords
}

func (h *Handler) describe(ctx context.Context, in *describeInput) (*caseOutput, error) {
	if _, err := h.load(ctx, in.ID, api.Update); err != nil {
		return nil, err
	}
	words, end := in.Body.parts()
	c, err := h.Disputes.Describe(ctx, in.ID, words, end)
	return h.caseOut(ctx, c, err)
}

type handOverInput struct {
	ID   string `path:"id" pattern:"^[0-9a-f]{32}$"`
	Body struct {
		Email string `json:"email" minLength:"3" maxLength:"254" doc:"of an investigator or owner of the same organisation"`
	}
}

func (h *Handler) handOver(ctx context.Context, in *handOverInput) (*struct{}, error) {
	if _, err := h.load(ctx, in.ID, api.Update); err != nil {
		return nil, err
	}
	return nil, h.Disputes.HandOver(ctx, in.ID, in.Body.Email)
}

func (h *Handler) remove(ctx context.Context, in *idInput) (*struct{}, error) {
	if _, err := h.load(ctx, in.ID, api.Delete); err != nil {
		return nil, err
	}
	return nil, h.Disputes.Delete(ctx, in.ID, "request of the investigator")
}

type itemInput struct {
	ID   string `path:"id" pattern:"^[0-9a-f]{32}$"`
	Item string `path:"item" pattern:"^[0-9a-f]{32}$"`
}

type changeItemInput struct {
	ID   string `path:"id" pattern:"^[0-9a-f]{32}$"`
	Item string `path:"item" pattern:"^[0-9a-f]{32}$"`
	Body struct {
		Part  dispute.Part `json:"part" enum:"questioned,reference"`
		Label string       `json:"label" minLength:"1" maxLength:"40"`
		Note  string       `json:"note" maxLength:"2000" doc:"where the signature comes from"`
	}
}

func (h *Handler) changeItem(ctx context.Context, in *changeItemInput) (*caseOutput, error) {
	if _, err := h.load(ctx, in.ID, api.Update); err != nil {
		return nil, err
	}
	c, err := h.Disputes.Edit(ctx, in.ID, in.Item, in.Body.Part, in.Body.Label, in.Body.Note)
	return h.caseOut(ctx, c, err)
}

func (h *Handler) removeItem(ctx context.Context, in *itemInput) (*caseOutput, error) {
	if _, err := h.load(ctx, in.ID, api.Update); err != nil {
		return nil, err
	}
	c, err := h.Disputes.Remove(ctx, in.ID, in.Item)
	return h.caseOut(ctx, c, err)
}

// NoteBody is a remark at a place of a signature.
type NoteBody struct {
	ID   string    `json:"id,omitempty" doc:"set by the service"`
	Item string    `json:"item" pattern:"^[0-9a-f]{32}$"`
	X    float64   `json:"x" doc:"mm from the left edge of the ink; units of the device where it tells no scale"`
	Y    float64   `json:"y" doc:"mm from the top edge of the ink"`
	Text string    `json:"text" minLength:"1" maxLength:"1000"`
	At   time.Time `json:"at,omitzero" doc:"set by the service"`
}

type addNoteInput struct {
	ID   string `path:"id" pattern:"^[0-9a-f]{32}$"`
	Body NoteBody
}

func (h *Handler) addNote(ctx context.Context, in *addNoteInput) (*caseOutput, error) {
	if _, err := h.load(ctx, in.ID, api.Update); err != nil {
		return nil, err
	}
	c, err := h.Disputes.AddNote(ctx, in.ID, dispute.Note(in.Body))
	return h.caseOut(ctx, c, err)
}

type removeNoteInput struct {
	ID   string `path:"id" pattern:"^[0-9a-f]{32}$"`
	Note string `path:"note" pattern:"^[0-9a-f]{32}$"`
}

func (h *Handler) removeNote(ctx context.Context, in *removeNoteInput) (*caseOutput, error) {
	if _, err := h.load(ctx, in.ID, api.Update); err != nil {
		return nil, err
	}
	c, err := h.Disputes.RemoveNote(ctx, in.ID, in.Note)
	return h.caseOut(ctx, c, err)
}

func (h *Handler) compare(ctx context.Context, in *idInput) (*caseOutput, error) {
	if _, err := h.load(ctx, in.ID, api.Update); err != nil {
		return nil, err
	}
	c, err := h.Disputes.Compare(ctx, in.ID)
	return h.caseOut(ctx, c, err)
}

type alignInput struct {
	ID         string `path:"id" pattern:"^[0-9a-f]{32}$"`
	Questioned string `query:"questioned" required:"true" pattern:"^[0-9a-f]{32}$"`
	Reference  string `query:"reference" required:"true" pattern:"^[0-9a-f]{32}$"`
}

type alignOutput struct{ Body *biometrics.Explanation }

func (h *Handler) align(ctx context.Context, in *alignInput) (*alignOutput, error) {
	c, err := h.load(ctx, in.ID, api.Read)
	if err != nil {
		return nil, err
	}
	e, err := h.Disputes.Align(ctx, c, in.Questioned, in.Reference)
	return &alignOutput{e}, err
}
