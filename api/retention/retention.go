// Package retention is what people may ask and decide about keeping and
// deleting: what is stored of a document and until when, legal holds by two
// people, and deletion receipts.
//
// The rules are those of evidence/retain; here they meet accounts and HTTP.
package retention

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"mime"
	"net/http"
	"path"
	"time"

	"inkwitness/api"
	"inkwitness/api/ceremony"
	"inkwitness/capture"
	"inkwitness/evidence"
	"inkwitness/evidence/retain"
)

// Holds keeps legal holds.
type Holds interface {
	AddHold(ctx context.Context, organisation string, h retain.Hold) error
	// SaveHold stores h unless it changed since before was read: api.ErrConflict.
	SaveHold(ctx context.Context, before, h retain.Hold) error
	// Holds lists those of a deposit, lifted ones too, the oldest first.
	Holds(ctx context.Context, deposit string) ([]retain.Hold, error)
}

// Objects knows what is stored.
type Objects interface {
	// ObjectsOf lists all that was ever stored for a deposit.
	ObjectsOf(ctx context.Context, deposit string) ([]retain.Kept, error)
}

// Records keeps evidence records.
type Records interface {
	// EvidenceRecord returns that of a deposit, and when it was last renewed;
	// evidence.ErrNotFound before the first.
	EvidenceRecord(ctx context.Context, deposit string) (record []byte, made time.Time, err error)
}

// Handler serves what hangs on a document under /api/documents/{id}. All fields
// are needed.
type Handler struct {
	Ceremony *ceremony.Service
	Holds    Holds
	Objects  Objects
	Records  Records
	Shares   api.Shares
	Purge    func(context.Context) error // deletes what is due
	Logger   *slog.Logger
	Clock    capture.Clock
	Record   func(context.Context, api.Event) error
	Name     func(ctx context.Context, organisation, account string) (string, error)
}

const tag = "Retention"

// Mount implements api.Handler.
func (h *Handler) Mount(a *api.API) {
	api.Register(a, api.Route{Method: "GET", Path: "/api/documents/{id}/objects", ID: "listObjects", Summary: "Everything that is or was stored of a document: class, reason, end", Tag: tag}, h.objects)
	a.Raw(api.Route{Method: "GET", Path: "/api/documents/{id}/receipts/{n}", ID: "downloadReceipt", Summary: "Download the signed receipt of a deletion (CMS)", Tag: tag}, h.receipt)
	api.Register(a, api.Route{Method: "POST", Path: "/api/documents/{id}/signers/{signer}/erase", ID: "eraseSigner", Summary: "Erase what was recorded or enrolled of a signer; the document and its proof stay", Tag: tag}, h.erase)
	api.Register(a, api.Route{Method: "POST", Path: "/api/signing/withdraw", ID: "withdrawConsent", Summary: "Withdraw the consent to comparisons: what was enrolled is destroyed", Tag: "Signing"}, h.withdraw)
	a.Raw(api.Route{Method: "GET", Path: "/api/documents/{id}/record", ID: "downloadRecord", Summary: "Download the evidence record of the deposit (RFC 4998), made within the hour and renewed in time", Tag: tag}, h.evidenceRecord)
	api.Register(a, api.Route{Method: "GET", Path: "/api/documents/{id}/holds", ID: "listHolds", Summary: "Legal holds of a document, lifted ones too", Tag: tag}, h.list)
	api.Register(a, api.Route{Method: "POST", Path: "/api/documents/{id}/holds", ID: "placeHold", Summary: "Place a legal hold; a second person has to agree within seven days", Tag: tag, Status: http.StatusCreated}, h.place)
	api.Register(a, api.Route{Method: "POST", Path: "/api/documents/{id}/holds/{hold}/agree", ID: "agreeToHold", Summary: "Agree to a hold that somebody else placed", Tag: tag}, h.agree)
	api.Register(a, api.Route{Method: "POST", Path: "/api/documents/{id}/holds/{hold}/end", ID: "endHold", Summary: "Ask to lift a hold; a second person has to agree", Tag: tag}, h.end)
	api.Register(a, api.Route{Method: "POST", Path: "/api/documents/{id}/holds/{hold}/lift", ID: "liftHold", Summary: "Agree to lift a hold, as somebody else asked; deletion goes on from there", Tag: tag}, h.lift)
}

// load returns the document if the asker may do this to what kind says.
func (h *Handler) load(ctx context.Context, id string, action api.Action, kind api.ObjectKind) (*ceremony.Document, error) {
	d, err := h.Ceremony.Document(ctx, id)
	if err != nil {
		return nil, err
	}
	who := api.IdentityOf(ctx)
	o, err := api.SharedWith(ctx, h.Shares, who, d.ID, api.Object{Kind: kind, Organisation: d.Organisation, Owner: d.Owner})
	if err != nil {
		return nil, fmt.Errorf("what is shared of a document: %w", err)
	}
	return d, api.Allow(who, action, o)
}

// ObjectView is one stored object.
type ObjectView struct {
	Name    string     `json:"name" doc:"made of random ids"`
	Class   string     `json:"class" doc:"K1 to K7: what kind of data it is"`
	Reason  string     `json:"reason" doc:"why it is kept"`
	Stored  time.Time  `json:"stored"`
	Ends    *time.Time `json:"ends,omitempty" doc:"first moment at which it must be gone; a legal hold keeps it longer"`
	Region  string     `json:"region"`
	Size    int64      `json:"size" doc:"bytes, decrypted"`
	State   string     `json:"state" enum:"kept,leaving,gone"`
	Gone    *time.Time `json:"gone,omitempty" doc:"when it was deleted"`
	Checked *time.Time `json:"checked,omitempty" doc:"when every byte was last read"`
	Damage  string     `json:"damage,omitempty" doc:"what that found"`
	Receipt string     `json:"receipt,omitempty" doc:"where the signed deletion receipt can be downloaded"`
}

type documentInput struct {
	ID string `path:"id" pattern:"^[0-9a-f]{32}$"`
}

type objectsOutput struct {
	Body struct {
		Objects []ObjectView `json:"objects"`
	}
}

func (h *Handler) objects(ctx context.Context, in *documentInput) (*objectsOutput, error) {
	if _, err := h.load(ctx, in.ID, api.Read, api.DepositObject); err != nil {
		return nil, err
	}
	kept, err := h.Objects.ObjectsOf(ctx, in.ID)
	if err != nil {
		return nil, fmt.Errorf("list stored objects: %w", err)
	}
	out := new(objectsOutput)
	out.Body.Objects = make([]ObjectView, 0, len(kept))
	for i, k := range kept {
		v := ObjectView{Name: k.Key, Class: string(k.Class), Reason: k.Reason, Stored: k.Stored, Ends: maybe(k.DeleteAfter), Region: k.Region, Size: k.Size,
			State: k.State, Gone: maybe(k.Gone), Checked: maybe(k.Checked), Damage: k.Damage}
		if k.Receipt != nil {
			v.Receipt = fmt.Sprintf("/api/documents/%s/receipts/%d", in.ID, i)
		}
		out.Body.Objects = append(out.Body.Objects, v)
	}
	return out, nil
}

// receipt answers the n-th object's receipt.
func (h *Handler) receipt(w http.ResponseWriter, r *http.Request) error {
	id := r.PathValue("id")
	if _, err := h.load(r.Context(), id, api.Read, api.DepositObject); err != nil {
		return err
	}
	kept, err := h.Objects.ObjectsOf(r.Context(), id)
	if err != nil {
		return fmt.Errorf("list stored objects: %w", err)
	}
	for i, k := range kept {
		if r.PathValue("n") != fmt.Sprint(i) || k.Receipt == nil {
			continue
		}
		w.Header().Set("Content-Type", "application/pkcs7-mime")
		w.Header().Set("Content-Disposition", `attachment; filename="receipt-`+path.Base(k.Key)+`.p7m"`)
		_, _ = w.Write(k.Receipt) // the client is gone
		return nil
	}
	return api.Explain(api.ErrNotFound, "There is no such receipt.")
}

// evidenceRecord answers the newest record, to lie beside the deposit.
func (h *Handler) evidenceRecord(w http.ResponseWriter, r *http.Request) error {
	d, err := h.load(r.Context(), r.PathValue("id"), api.Export, api.DepositObject)
	if err != nil {
		return err
	}
	record, made, err := h.Records.EvidenceRecord(r.Context(), d.ID)
	if errors.Is(err, evidence.ErrNotFound) {
		return api.Explain(api.ErrNotFound, "There is no evidence record yet. One is made within an hour after the document is completed.")
	}
	if err != nil {
		return fmt.Errorf("read the evidence record: %w", err)
	}
	w.Header().Set("Content-Type", "application/octet-stream")
	w.Header().Set("Content-Disposition", mime.FormatMediaType("attachment", map[string]string{"filename": d.DepositName() + ".ers"}))
	w.Header().Set("Last-Modified", made.Format(http.TimeFormat))
	_, _ = w.Write(record) // the client is gone
	return nil
}

func maybe(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}

// explain says what is wrong in words for whoever asked.
func explain(err error, words string) error {
	if errors.Is(err, evidence.ErrNotAllowed) {
		return api.Explain(api.ErrConflict, "%s", words)
	}
	return err
}
