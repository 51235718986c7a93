package document

import (
	"context"
	"errors"
	"fmt"
	"time"

	"inkwitness/api"
	"inkwitness/api/ceremony"
	"inkwitness/evidence"
)

// View is a document as its owner sees it.
type View struct {
	ID        string          `json:"id"`
	Title     string          `json:"title"`
	Filename  string          `json:"filename"`
	State     ceremony.State  `json:"state" enum:"draft,sent,sealing,completed,declined,cancelled"`
	Pages     []ceremony.Page `json:"pages" doc:"sizes in PDF points as displayed"`
	SHA256    string          `json:"sha256" doc:"of the uploaded file, lower-case hex"`
	Size      int64           `json:"size" doc:"of the uploaded file, bytes"`
	CreatedAt time.Time       `json:"createdAt"`
	SentAt    *time.Time      `json:"sentAt,omitempty"`
	Completed *time.Time      `json:"completedAt,omitempty"`
	Signers   []SignerView    `json:"signers"`
	Fields    []FieldView     `json:"fields"`
	Deposit   *DepositView    `json:"deposit,omitempty"`
	Provider  string          `json:"provider" doc:"who certifies the signers, a name of /api/providers; empty for the service's own authority"`
	InPerson  bool            `json:"inPerson,omitempty" doc:"the signers sign on a device that is handed round"`
	Reminders int             `json:"remindDays" doc:"a signer who does not sign is reminded after so many days, again and again; 0 is never"`
	RemindAt  *time.Time      `json:"remindAt,omitempty" doc:"when the next reminder goes out"`
	Trouble   string          `json:"trouble,omitempty" doc:"why sealing is delayed, in plain words"`
}

// SignerView is a signer as the owner sees one.
type SignerView struct {
	ID       string               `json:"id"`
	Name     string               `json:"name"`
	Email    string               `json:"email"`
	Language string               `json:"language"`
	State    ceremony.SignerState `json:"state" enum:"waiting,invited,opened,consented,captured,sealing,signed,declined"`
	OpenedAt *time.Time           `json:"openedAt,omitempty"`
	SignedAt *time.Time           `json:"signedAt,omitempty"`
	Reason   string               `json:"reason,omitempty" doc:"why the signer declined"`
	Second   bool                 `json:"second,omitempty" doc:"a code is asked for beside the link"`
	Phone    string               `json:"phone,omitempty" doc:"that the code can be sent to"`
	Typed    bool                 `json:"typed" doc:"signed by typing the name, without a recording"`
	ErasedAt *time.Time           `json:"erasedAt,omitempty" doc:"when the recording was erased"`
}

// FieldView is a place to sign or a field beside it, in PDF points from the top
// left corner of the page as displayed.
type FieldView struct {
	Name     string             `json:"name"`
	Kind     ceremony.FieldKind `json:"kind" enum:"signature,initials,date,text,checkbox"`
	Signer   int                `json:"signer" doc:"index in signers"`
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

// DepositView is a deposit as the owner sees it.
type DepositView struct {
	ID          string    `json:"id"`
	Size        int64     `json:"size"`
	SHA256      string    `json:"sha256"`
	CreatedAt   time.Time `json:"createdAt"`
	RetainUntil time.Time `json:"retainUntil"`
	Hold        bool      `json:"hold" doc:"a legal hold keeps it beyond its end"`
	State       string    `json:"state" enum:"kept,held"`
	MayDownload bool      `json:"mayDownload" doc:"whoever asks may take it away, with the recordings in it"`

	RecordedAt *time.Time `json:"recordedAt,omitempty" doc:"when its evidence record (RFC 4998) was made or last renewed; download it from .../record"`
}

// Care knows what became of deposits since they were made.
type Care interface {
	// Protected reports whether a legal hold forbids deletion now.
	Protected(ctx context.Context, deposit string) (bool, error)
	// EvidenceRecord returns a deposit's record and when it was last renewed;
	// evidence.ErrNotFound before the first.
	EvidenceRecord(ctx context.Context, deposit string) (record []byte, made time.Time, err error)
}

// view is NewView with what became of the deposit.
func (h *Handler) view(ctx context.Context, d *ceremony.Document) (View, error) {
	v := NewView(d)
	if v.Deposit == nil {
		return v, nil
	}
	held, err := h.Care.Protected(ctx, d.ID)
	if err != nil {
		return v, fmt.Errorf("look for legal holds: %w", err)
	}
	if held {
		v.Deposit.Hold, v.Deposit.State = true, "held"
	}
	who := api.IdentityOf(ctx)
	o, err := api.SharedWith(ctx, h.Shares, who, d.ID, object(api.DepositObject, d))
	if err != nil {
		return v, fmt.Errorf("what is shared of a document: %w", err)
	}
	v.Deposit.MayDownload = api.Allow(who, api.Export, o) == nil
	_, made, err := h.Care.EvidenceRecord(ctx, d.ID)
	if err != nil && !errors.Is(err, evidence.ErrNotFound) {
		return v, fmt.Errorf("look for the evidence record: %w", err)
	}
	v.Deposit.RecordedAt = optional(made)
	return v, nil
}

// NewView returns the owner's view of a document.
func NewView(d *ceremony.Document) View {
	v := View{
		ID: d.ID, Title: d.Title, Filename: d.Filename, State: d.State, Pages: d.Pages,
		SHA256: d.Source.SHA256.String(), Size: d.Source.Size, CreatedAt: d.Created,
		SentAt: optional(d.SentAt), Completed: optional(d.Completed),
		Signers: make([]SignerView, 0, len(d.Signers)), Fields: make([]FieldView, 0, len(d.Fields)), Trouble: d.Trouble,
		Provider: d.TrustProvider,
		InPerson: d.InPerson, Reminders: d.RemindDays, RemindAt: optional(d.RemindAt()),
	}
	for _, s := range d.Signers {
		var erased *time.Time
		if s.Erased != nil {
			erased = &s.Erased.At
		}
		v.Signers = append(v.Signers, SignerView{
			ID: s.ID, Name: s.Name, Email: s.Email, Language: s.Language, State: s.State,
			OpenedAt: optional(s.OpenedAt), SignedAt: optional(s.SignedAt), Reason: s.Reason, Typed: s.Typed != "",
			Second: s.Second != nil, Phone: s.Phone(), ErasedAt: erased,
		})
	}
	for _, f := range d.Fields {
		if f.Signature() {
			f.Kind = ceremony.SignatureField
		}
		v.Fields = append(v.Fields, FieldView(f))
	}
	if d.Deposit != nil {
		v.Deposit = &DepositView{
			ID: d.Deposit.ID, Size: d.Deposit.Object.Size, SHA256: d.Deposit.Object.SHA256.String(),
			CreatedAt: d.Deposit.CreatedAt, RetainUntil: d.Deposit.RetainUntil, State: "kept",
		}
	}
	return v
}

func optional(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}
