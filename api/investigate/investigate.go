// Package investigate serves disputes to those who investigate them: cases with
// their signatures, the openings by which two people let recorded evidence be
// looked at, comparisons, exports and the report. The rules are in package
// dispute; here is who may ask, and the form of the answers.
package investigate

import (
	"context"
	"time"

	"inkwitness/api"
	"inkwitness/api/ceremony"
	"inkwitness/api/dispute"
)

// Handler serves /api/cases, /api/openings and /api/evidence. All fields are needed.
type Handler struct {
	Disputes  *dispute.Service
	Documents ceremony.Documents
	Vault     api.Vault
	Reports   Reports
}

const tag = "Investigation"

// Mount implements api.Handler.
func (h *Handler) Mount(a *api.API) {
	api.Register(a, api.Route{Method: "GET", Path: "/api/evidence", ID: "listEvidence", Summary: "Recorded signatures whose evidence can be asked for", Tag: tag}, h.evidence)
	api.Register(a, api.Route{Method: "GET", Path: "/api/openings", ID: "listOpenings", Summary: "Questions to open evidence, and what became of them", Tag: tag}, h.openings)
	api.Register(a, api.Route{Method: "POST", Path: "/api/openings/{id}/approve", ID: "approveOpening", Summary: "Agree, as the second person, that evidence is opened", Tag: tag}, h.approve)
	api.Register(a, api.Route{Method: "POST", Path: "/api/openings/{id}/refuse", ID: "refuseOpening", Summary: "Refuse, as the second person", Tag: tag}, h.refuse)
	api.Register(a, api.Route{Method: "POST", Path: "/api/openings/{id}/withdraw", ID: "withdrawOpening", Summary: "Take a question or an opening back", Tag: tag}, h.withdraw)
	api.Register(a, api.Route{Method: "POST", Path: "/api/openings/{id}/open", ID: "openEvidence", Summary: "Open approved evidence, once; the parties are told", Tag: tag}, h.open)

	api.Register(a, api.Route{Method: "GET", Path: "/api/cases", ID: "listCases", Summary: "One's own cases", Tag: tag}, h.list)
	api.Register(a, api.Route{Method: "POST", Path: "/api/cases", ID: "createCase", Summary: "Begin a case", Tag: tag, Status: 201}, h.create)
	api.Register(a, api.Route{Method: "GET", Path: "/api/cases/{id}", ID: "getCase", Summary: "A case without its sample points", Tag: tag}, h.get)
	api.Register(a, api.Route{Method: "PUT", Path: "/api/cases/{id}", ID: "describeCase", Summary: "Change the words and the end of a case", Tag: tag}, h.describe)
	api.Register(a, api.Route{Method: "POST", Path: "/api/cases/{id}/hand-over", ID: "handCaseOver", Summary: "Give a case to another investigator; evidence that is open for it is closed", Tag: tag, Status: 204}, h.handOver)
	api.Register(a, api.Route{Method: "DELETE", Path: "/api/cases/{id}", ID: "deleteCase", Summary: "End a case: everything in it is erased", Tag: tag, Status: 204}, h.remove)
	api.Register(a, api.Route{Method: "POST", Path: "/api/cases/{id}/openings", ID: "askOpening", Summary: "Ask to open the evidence of a signature for the case", Tag: tag, Status: 201}, h.ask)
	api.Register(a, api.Route{Method: "PUT", Path: "/api/cases/{id}/items/{item}", ID: "changeItem", Summary: "Change what is said of a signature", Tag: tag}, h.changeItem)
	api.Register(a, api.Route{Method: "DELETE", Path: "/api/cases/{id}/items/{item}", ID: "removeItem", Summary: "Take a signature out of the case", Tag: tag}, h.removeItem)
	api.Register(a, api.Route{Method: "POST", Path: "/api/cases/{id}/notes", ID: "addNote", Summary: "Take a note into a case", Tag: tag, Status: 201}, h.addNote)
	api.Register(a, api.Route{Method: "DELETE", Path: "/api/cases/{id}/notes/{note}", ID: "removeNote", Summary: "Take a note out of a case", Tag: tag}, h.removeNote)
	api.Register(a, api.Route{Method: "POST", Path: "/api/cases/{id}/compare", ID: "compareCase", Summary: "Compare every questioned signature with all references", Tag: tag}, h.compare)
	api.Register(a, api.Route{Method: "GET", Path: "/api/cases/{id}/samples", ID: "readSamples", Summary: "The sample points of all signatures that may be read now; it is recorded", Tag: tag}, h.samples)
	api.Register(a, api.Route{Method: "GET", Path: "/api/cases/{id}/alignment", ID: "alignSignatures", Summary: "How a questioned signature lies on one reference, point by point", Tag: tag}, h.align)

	a.Raw(api.Route{Method: "POST", Path: "/api/cases/{id}/items", ID: "importItem", Summary: "Bring a file along: a deposit, ISO/IEC 19794-7, InkML, CSV or SVC2004", Tag: tag, Status: 201, MaxBody: dispute.MaxContainer}, h.importItem)
	a.Raw(api.Route{Method: "GET", Path: "/api/cases/{id}/items/{item}/video", ID: "watchVideo", Summary: "The selfie video of a signature; ranges are served; it is recorded", Tag: tag}, h.video)
	a.Raw(api.Route{Method: "GET", Path: "/api/cases/{id}/report.pdf", ID: "reportCase", Summary: "The report of a case, signed; ?language= is en, fr, zh-Hant or zh-Hans", Tag: tag}, h.report)
	a.Raw(api.Route{Method: "GET", Path: "/api/cases/{id}/items/{item}/samples/{format}", ID: "exportItem", Summary: "One signature as csv, json, inkml or iso-19794-7", Tag: tag}, h.export)
}

// entitled asks the access table about evidence of the asker's organisation. An
// API key is not a person, so it neither asks nor agrees nor opens.
func entitled(ctx context.Context, action api.Action) (api.Identity, error) {
	id := api.IdentityOf(ctx)
	if err := api.Allow(id, action, api.Object{Kind: api.EvidenceObject, Organisation: id.Organisation}); err != nil {
		return id, err
	}
	if id.Session == "" && action != api.List {
		return id, api.Explain(api.ErrForbidden, "Evidence is opened by people, not by programs. Sign in.")
	}
	return id, nil
}

// load returns a case that the asker may act on.
func (h *Handler) load(ctx context.Context, id string, action api.Action) (*dispute.Case, error) {
	c, err := h.Disputes.Cases.Case(ctx, id)
	if err != nil {
		return nil, err
	}
	return c, api.Allow(api.IdentityOf(ctx), action, api.Object{Kind: api.CaseObject, Organisation: c.Organisation, Owner: c.Owner})
}

// opening returns one of the asker's organisation.
func (h *Handler) opening(ctx context.Context, id string, action api.Action) (*dispute.Opening, error) {
	who, err := entitled(ctx, action)
	if err != nil {
		return nil, err
	}
	o, err := h.Disputes.Openings.Opening(ctx, id)
	if err == nil && o.Organisation != who.Organisation {
		return nil, dispute.ErrNoOpening
	}
	return o, err
}

type idInput struct {
	ID string `path:"id" pattern:"^[0-9a-f]{32}$"`
}

type evidenceOutput struct {
	Body struct {
		Signatures []EvidenceView `json:"signatures"`
		Next       *time.Time     `json:"next,omitempty" doc:"ask again with it as before, for those of older documents; absent at the end"`
	}
}

// EvidenceView is one recorded signature, without anything recorded.
type EvidenceView struct {
	Document string    `json:"document"`
	Title    string    `json:"title"`
	Signer   string    `json:"signer"`
	Name     string    `json:"name"`
	SignedAt time.Time `json:"signedAt"`
}

const mostEvidence = 200 // documents looked through at once, the newest first

type evidenceInput struct {
	Before time.Time `query:"before" doc:"only of documents created before this time"`
}

func (h *Handler) evidence(ctx context.Context, in *evidenceInput) (*evidenceOutput, error) {
	id, err := entitled(ctx, api.Open)
	if err != nil {
		return nil, err
	}
	if in.Before.IsZero() {
		in.Before = h.Disputes.Clock.Now().Add(time.Minute)
	}
	documents, err := h.Documents.DocumentsOf(ctx, id.Organisation, "", in.Before, mostEvidence)
	if err != nil {
		return nil, err
	}
	out := new(evidenceOutput)
	out.Body.Signatures = []EvidenceView{}
	if len(documents) == mostEvidence {
		out.Body.Next = &documents[len(documents)-1].Created
	}
	for _, d := range documents {
		for _, s := range d.Signers {
			if s.ConfirmedCapture() != nil {
				out.Body.Signatures = append(out.Body.Signatures, EvidenceView{d.ID, d.Title, s.ID, s.Name, s.SignedAt})
			}
		}
	}
	return out, nil
}
