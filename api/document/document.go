// Package document is the owner's side of a ceremony over HTTP: upload, place
// fields, send, remind, cancel, follow, download.
package document

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"inkwitness/api"
	"inkwitness/api/ceremony"
	"inkwitness/evidence"
)

// Activities lists what happened to a document.
type Activities interface {
	// Activity returns the audit lines of a document, oldest first.
	Activity(ctx context.Context, organisation, document string) ([]Activity, error)
}

// Activity is one line of a document's history.
type Activity struct {
	At      time.Time `json:"at"`
	Kind    string    `json:"kind" doc:"such as document.sent, signer.opened, evidence.opened"`
	Account string    `json:"account,omitempty" doc:"ID of the account that did it, empty for signers and the service itself"`
	Who     string    `json:"who" doc:"name of the account, empty also where it was erased since"`
	Signer  string    `json:"signer,omitempty" doc:"ID of the signer it is about"`
	Detail  string    `json:"detail,omitempty"`
}

// Limits counts. It is safe for concurrent use.
type Limits interface {
	// Hit counts one act and returns how many there were in the window, and its end.
	Hit(ctx context.Context, name, who string, window time.Duration, now time.Time) (int, time.Time, error)
}

// Handler serves /api/documents and /api/providers. All fields but Providers are needed.
type Handler struct {
	Ceremony   *ceremony.Service
	Vault      api.Vault
	Activities Activities
	Releases   api.Releases
	Providers  []ProviderView // the service's own authority first
	Shares     api.Shares
	Care       Care
	Limits     Limits

	cookies func(name, value string, maxAge int) *http.Cookie
}

const tag = "Documents"

// Mount implements api.Handler.
func (h *Handler) Mount(a *api.API) {
	h.cookies = a.Cookie
	api.Register(a, api.Route{Method: "GET", Path: "/api/documents", ID: "listDocuments", Summary: "List documents, newest first", Tag: tag}, h.list)
	a.Raw(api.Route{Method: "POST", Path: "/api/documents", ID: "uploadDocument", Summary: "Upload a PDF as a new draft", Tag: tag, Status: http.StatusCreated, MaxBody: h.maxUpload() + 1}, h.upload)
	api.Register(a, api.Route{Method: "GET", Path: "/api/documents/{id}", ID: "getDocument", Summary: "Get a document", Tag: tag}, h.get)
	api.Register(a, api.Route{Method: "PUT", Path: "/api/documents/{id}/plan", ID: "planDocument", Summary: "Set signers and signature fields of a draft", Tag: tag}, h.plan)
	api.Register(a, api.Route{Method: "GET", Path: "/api/providers", ID: "listProviders", Summary: "Who can certify signers, the service's own authority first", Tag: tag}, h.providers)
	api.Register(a, api.Route{Method: "PUT", Path: "/api/documents/{id}/provider", ID: "chooseProvider", Summary: "Choose who certifies the signers of a draft", Tag: tag}, h.choose)
	api.Register(a, api.Route{Method: "POST", Path: "/api/documents/{id}/send", ID: "sendDocument", Summary: "Invite the first signer", Tag: tag}, h.send)
	api.Register(a, api.Route{Method: "POST", Path: "/api/documents/{id}/remind", ID: "remindSigner", Summary: "Send a new link to the signer whose turn it is", Tag: tag}, h.remind)
	api.Register(a, api.Route{Method: "PUT", Path: "/api/documents/{id}/reminders", ID: "setReminders", Summary: "Set how often a signer who does not sign is reminded", Tag: tag}, h.reminders)
	api.Register(a, api.Route{Method: "PUT", Path: "/api/documents/{id}/signers/{signer}", ID: "correctSigner", Summary: "Replace a signer who has not begun; the link sent before ends", Tag: tag}, h.correct)
	api.Register(a, api.Route{Method: "POST", Path: "/api/documents/{id}/in-person", ID: "signInPerson", Summary: "Let this device go round the signers, who sign one after the other", Tag: tag}, h.inPerson)
	api.Register(a, api.Route{Method: "POST", Path: "/api/documents/{id}/cancel", ID: "cancelDocument", Summary: "Withdraw a document that is not completed", Tag: tag}, h.cancel)
	api.Register(a, api.Route{Method: "GET", Path: "/api/documents/{id}/activity", ID: "documentActivity", Summary: "Who did what with a document", Tag: tag}, h.activity)
	a.Raw(api.Route{Method: "GET", Path: "/api/documents/{id}/pdf", ID: "downloadDocument", Summary: "Download the newest revision of the PDF", Tag: tag}, h.pdf)
	a.Raw(api.Route{Method: "GET", Path: "/api/documents/{id}/signed.pdf", ID: "downloadSigned", Summary: "Download the PDF with every signature", Tag: tag}, h.signed)
	a.Raw(api.Route{Method: "GET", Path: "/api/documents/{id}/deposit", ID: "downloadDeposit", Summary: "Download the letter of deposit (ASiC-E); ranges are served", Tag: tag}, h.deposit)
}

// object is what access to a document depends on.
func object(kind api.ObjectKind, d *ceremony.Document) api.Object {
	return api.Object{Kind: kind, Organisation: d.Organisation, Owner: d.Owner}
}

// load returns the document if the asker may do this to it.
func (h *Handler) load(ctx context.Context, id string, action api.Action, kind api.ObjectKind) (*ceremony.Document, error) {
	d, err := h.Ceremony.Document(ctx, id)
	if err != nil {
		return nil, err
	}
	who := api.IdentityOf(ctx)
	o, err := api.SharedWith(ctx, h.Shares, who, d.ID, object(kind, d))
	if err != nil {
		return nil, fmt.Errorf("what is shared of a document: %w", err)
	}
	if err := api.Allow(who, action, o); err != nil {
		return nil, err
	}
	return d, nil
}

type listInput struct {
	Before time.Time `query:"before" doc:"only documents created before this time, for the next page"`
	Limit  int       `query:"limit" minimum:"1" maximum:"200" default:"50"`
}

type listOutput struct {
	Body struct {
		Documents []View `json:"documents"`
	}
}

func (h *Handler) list(ctx context.Context, in *listInput) (*listOutput, error) {
	id := api.IdentityOf(ctx)
	owner := ""
	if api.Allow(id, api.List, api.Object{Kind: api.DocumentObject, Organisation: id.Organisation}) != nil {
		owner = id.Account
		if err := api.Allow(id, api.List, api.Object{Kind: api.DocumentObject, Organisation: id.Organisation, Owner: owner}); err != nil {
			return nil, err
		}
	}
	if in.Before.IsZero() {
		in.Before = h.Ceremony.Clock.Now().Add(time.Minute)
	}
	documents, err := h.Ceremony.Documents.DocumentsOf(ctx, id.Organisation, owner, in.Before, in.Limit)
	if err != nil {
		return nil, fmt.Errorf("list documents: %w", err)
	}
	out := new(listOutput)
	out.Body.Documents = make([]View, 0, len(documents))
	for _, d := range documents {
		v, err := h.view(ctx, d)
		if err != nil {
			return nil, err
		}
		out.Body.Documents = append(out.Body.Documents, v)
	}
	return out, nil
}

type idInput struct {
	ID string `path:"id" pattern:"^[0-9a-f]{32}$"`
}

type viewOutput struct{ Body View }

func (h *Handler) get(ctx context.Context, in *idInput) (*viewOutput, error) {
	d, err := h.load(ctx, in.ID, api.Read, api.DocumentObject)
	if err != nil {
		return nil, err
	}
	v, err := h.view(ctx, d)
	if err != nil {
		return nil, err
	}
	return &viewOutput{v}, nil
}

func (h *Handler) send(ctx context.Context, in *idInput) (*viewOutput, error) {
	return h.act(ctx, in.ID, h.Ceremony.Send)
}

func (h *Handler) remind(ctx context.Context, in *idInput) (*viewOutput, error) {
	return h.act(ctx, in.ID, func(ctx context.Context, id string) (*ceremony.Document, error) {
		if err := h.mails(ctx, id); err != nil {
			return nil, err
		}
		return h.Ceremony.Remind(ctx, id)
	})
}

func (h *Handler) cancel(ctx context.Context, in *idInput) (*viewOutput, error) {
	return h.act(ctx, in.ID, h.Ceremony.Cancel)
}

type remindersInput struct {
	ID   string `path:"id" pattern:"^[0-9a-f]{32}$"`
	Body struct {
		Days int `json:"days" minimum:"0" maximum:"30" doc:"days without a signature after which a mail goes out, again and again, five at most; 0 is never"`
	}
}

func (h *Handler) reminders(ctx context.Context, in *remindersInput) (*viewOutput, error) {
	return h.act(ctx, in.ID, func(ctx context.Context, id string) (*ceremony.Document, error) {
		return h.Ceremony.SetReminders(ctx, id, in.Body.Days)
	})
}

type inPersonOutput struct {
	SetCookie http.Cookie `header:"Set-Cookie"`
	Body      View
}

// inPerson gives the device a cookie that lets signers take it one after the
// other. The page then ends the owner's own session: whoever holds the device
// cannot act as the owner.
func (h *Handler) inPerson(ctx context.Context, in *idInput) (*inPersonOutput, error) {
	if _, err := h.load(ctx, in.ID, api.Send, api.DocumentObject); err != nil {
		return nil, err
	}
	secret, d, err := h.Ceremony.HandRound(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	return &inPersonOutput{SetCookie: *h.cookies(api.HandCookie, secret, int(ceremony.HandLifetime/time.Second)), Body: NewView(d)}, nil
}

// act checks the right to send and does it.
func (h *Handler) act(ctx context.Context, id string, do func(context.Context, string) (*ceremony.Document, error)) (*viewOutput, error) {
	if _, err := h.load(ctx, id, api.Send, api.DocumentObject); err != nil {
		return nil, err
	}
	return answer(do(ctx, id))
}

func answer(d *ceremony.Document, err error) (*viewOutput, error) {
	if err != nil {
		return nil, err
	}
	return &viewOutput{NewView(d)}, nil
}

type activityOutput struct {
	Body struct {
		Activity []Activity `json:"activity"`
	}
}

func (h *Handler) activity(ctx context.Context, in *idInput) (*activityOutput, error) {
	d, err := h.load(ctx, in.ID, api.Read, api.CeremonyObject)
	if err != nil {
		return nil, err
	}
	out := new(activityOutput)
	if out.Body.Activity, err = h.Activities.Activity(ctx, d.Organisation, d.ID); err != nil {
		return nil, fmt.Errorf("read the activity: %w", err)
	}
	return out, nil
}

func (h *Handler) pdf(w http.ResponseWriter, r *http.Request) error {
	d, err := h.load(r.Context(), r.PathValue("id"), api.Read, api.DocumentObject)
	if err != nil {
		return err
	}
	return h.release(w, r, d, "document.read", d.Current, d.Filename, api.Inline)
}

func (h *Handler) signed(w http.ResponseWriter, r *http.Request) error {
	d, err := h.load(r.Context(), r.PathValue("id"), api.Export, api.DocumentObject)
	if err != nil {
		return err
	}
	if d.State != ceremony.Completed {
		return api.Explain(ceremony.ErrState, "The document is %s. The signed PDF can be downloaded once it is completed.", d.State)
	}
	return h.release(w, r, d, "document.downloaded", d.Current, d.SignedName(), api.Attachment)
}

func (h *Handler) deposit(w http.ResponseWriter, r *http.Request) error {
	d, err := h.load(r.Context(), r.PathValue("id"), api.Export, api.DepositObject)
	if err != nil {
		return err
	}
	if d.Deposit == nil {
		return api.Explain(ceremony.ErrState, "The document is %s. The deposit can be downloaded once it is completed.", d.State)
	}
	return h.release(w, r, d, "deposit.downloaded", d.Deposit.Object, d.DepositName(), api.Attachment)
}

// release serves a file of a document and writes down that it leaves.
func (h *Handler) release(w http.ResponseWriter, r *http.Request, d *ceremony.Document, kind string, o evidence.Object, name string, how api.Disposition) error {
	return api.ServeRelease(w, r, h.Vault, h.Releases, api.Release{Kind: kind, Document: d.ID, Organisation: d.Organisation, Object: o}, name, how)
}
