// Package signing is the signer's side of a ceremony over HTTP: the link, the
// document, consent, captures with their pen socket and video, confirmation,
// download.
//
// A signer has no account. The link's secret is in the fragment of the link, so
// that it reaches no log; the page posts it and gets a cookie that stands for
// one signer of one document.
package signing

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"time"

	"inkwitness/api"
	"inkwitness/api/ceremony"
	"inkwitness/capture"
	"inkwitness/evidence"
)

// Media takes in video and audio over WebRTC in the manner of WHIP (RFC 9725).
type Media interface {
	// Offer answers an SDP offer.
	Offer(ctx context.Context, id capture.SessionID, sdp string) (MediaAnswer, error)
	// Patch takes trickled candidates or an ICE restart for the ICE session
	// that ifMatch names. The answer's SDP is a fragment, empty where there is
	// nothing to say.
	Patch(ctx context.Context, resource, ifMatch, fragment string) (MediaAnswer, error)
	// Close ends the connection; what was recorded stays.
	Close(ctx context.Context, resource string) error
	// Servers lists STUN and TURN servers for the page of a capture.
	Servers(id capture.SessionID) []ICEServer
}

// MediaAnswer is what the page gets for an offer or a patch.
type MediaAnswer struct {
	Resource string // names the connection
	Tag      string // entity tag of the ICE session, without quotes
	SDP      string
}

// ICEServer is one STUN or TURN server as RTCPeerConnection takes it.
type ICEServer struct {
	URLs       []string `json:"urls"`
	Username   string   `json:"username,omitempty"`
	Credential string   `json:"credential,omitempty"`
}

// Handler serves /api/signing. All fields but Logger and Codes are
// needed. Its Run must be
// running, or streams outlive the session that opened them.
type Handler struct {
	Ceremony   *ceremony.Service
	Vault      api.Vault
	Media      Media
	Pen        http.Handler // the pen socket; it finds its capture by CaptureOf
	Chunks     http.Handler // the media socket; it finds its capture by MediaCaptureOf
	ReceiptKey []byte       // Ed25519 public key that signs receipts
	Names      Names
	Releases   api.Releases
	Streams    Streams
	Logger     *slog.Logger // nil discards

	Owners Owners // nil tells nobody
	Codes  Codes  // nil sends none
	Apps   Apps
	Proofs Proofs // nil asks for none

	watched watched
	secret  func(ctx context.Context) string // of the request's signing session; set by Mount
	cookies func(name, value string, maxAge int) *http.Cookie
	cookie  string
	hand    string // name of the cookie of a device that is handed round
}

// Names tells who sent a document and who is responsible for the signers' data
// (GDPR articles 4(7) and 13), as signers are told.
type Names interface {
	SenderName(ctx context.Context, organisation, account string) (string, error)
	ControllerName(ctx context.Context, organisation string) (string, error)
}

// Owners tells those whose document it is.
type Owners interface {
	// LinkRefused writes down where they see it that a link was opened in a second
	// browser: it may be in wrong hands.
	LinkRefused(ctx context.Context, d *ceremony.Document, signer string) error
	// ProofRefused writes down that a code or passkey was wrong.
	ProofRefused(ctx context.Context, d *ceremony.Document, signer string, way ceremony.Way) error
	// AskController sends what a signer asks about their data to who is responsible
	// for it.
	AskController(ctx context.Context, d *ceremony.Document, signer *ceremony.Signer, text string) error
}

const tag = "Signing"

// Limits of what a signer's page sends.
const (
	maxSDP = 64 << 10
)

// Mount implements api.Handler.
func (h *Handler) Mount(a *api.API) {
	h.cookies, h.cookie, h.hand = a.Cookie, a.CookieName("signer"), a.CookieName(api.HandCookie)
	h.secret = func(ctx context.Context) string { return a.ReadCookie(ctx, "signer") }
	a.Identify(h.identify)
	open := api.Route{Method: "POST", Path: "/api/signing/open", ID: "openSigning", Summary: "Exchange a link for a signing session", Tag: tag, Public: true}
	api.Register(a, open, h.open)
	h.mountHand(a)
	h.mountSecond(a)
	h.mountProof(a)
	api.Register(a, api.Route{Method: "GET", Path: "/api/signing", ID: "getSigning", Summary: "What is to be signed and what comes next", Tag: tag}, h.get)
	a.Raw(api.Route{Method: "GET", Path: "/api/signing/pdf", ID: "readDocument", Summary: "The PDF to read", Tag: tag}, h.pdf)
	api.Register(a, api.Route{Method: "POST", Path: "/api/signing/consents", ID: "consent", Summary: "Answer one purpose", Tag: tag}, h.consent)
	api.Register(a, api.Route{Method: "POST", Path: "/api/signing/fields", ID: "fillFields", Summary: "Fill in fields beside the signature", Tag: tag}, h.fill)
	api.Register(a, api.Route{Method: "POST", Path: "/api/signing/requests", ID: "askController", Summary: "Ask who is responsible for one's data: to see, correct or erase it, or anything else", Tag: tag, Status: http.StatusNoContent}, h.ask)
	api.Register(a, api.Route{Method: "POST", Path: "/api/signing/decline", ID: "decline", Summary: "Refuse to sign", Tag: tag}, h.decline)
	api.Register(a, api.Route{Method: "POST", Path: "/api/signing/captures", ID: "startCapture", Summary: "Open a capture", Tag: tag, Status: http.StatusCreated}, h.start)
	a.Raw(api.Route{Method: "GET", Path: "/api/signing/captures/{id}/pen", ID: "penSocket", Summary: "WebSocket for pen samples, subprotocol inkwitness.pen.v1", Tag: tag, Status: http.StatusSwitchingProtocols}, h.pen)
	a.Raw(api.Route{Method: "GET", Path: "/api/signing/captures/{id}/media", ID: "mediaSocket", Summary: "WebSocket for video where WebRTC finds no way through, subprotocol inkwitness.media.v1", Tag: tag, Status: http.StatusSwitchingProtocols}, h.chunks)
	a.Raw(api.Route{Method: "POST", Path: "/api/signing/captures/{id}/media", ID: "offerMedia", Summary: "WHIP: offer video and audio (application/sdp)", Tag: tag, Status: http.StatusCreated, MaxBody: maxSDP}, h.offer)
	a.Raw(api.Route{Method: "PATCH", Path: "/api/signing/captures/{id}/media/{resource}", ID: "patchMedia", Summary: "WHIP: trickle candidates or restart ICE", Tag: tag, MaxBody: maxSDP}, h.patch)
	a.Raw(api.Route{Method: "DELETE", Path: "/api/signing/captures/{id}/media/{resource}", ID: "closeMedia", Summary: "WHIP: end the connection", Tag: tag, Status: http.StatusNoContent}, h.closeMedia)
	api.Register(a, api.Route{Method: "POST", Path: "/api/signing/captures/{id}/finish", ID: "finishCapture", Summary: "Store a complete capture", Tag: tag}, h.finish)
	api.Register(a, api.Route{Method: "POST", Path: "/api/signing/captures/{id}/discard", ID: "discardCapture", Summary: "Throw a capture away", Tag: tag}, h.discard)
	api.Register(a, api.Route{Method: "POST", Path: "/api/signing/confirm", ID: "confirm", Summary: "Sign", Tag: tag}, h.confirm)
	api.Register(a, api.Route{Method: "POST", Path: "/api/signing/provider", ID: "providerConsent", Summary: "Bring back what the certificate provider said", Tag: tag}, h.provider)
	a.Raw(api.Route{Method: "GET", Path: "/api/signing/signed.pdf", ID: "signerDownload", Summary: "Download the signed PDF", Tag: tag}, h.signed)
	a.Raw(api.Route{Method: "GET", Path: "/api/signing/deposit", ID: "signerDeposit", Summary: "Download the letter of deposit", Tag: tag}, h.deposit)
}

// identify finds the signer behind the cookie.
func (h *Handler) identify(r *http.Request) (api.Identity, error) {
	cookie, err := r.Cookie(h.cookie)
	if err != nil || !ours(r.URL.Path) {
		return api.Identity{}, nil // no cookie, or a page of somebody with an account
	}
	grant, err := h.Ceremony.Session(r.Context(), cookie.Value)
	switch {
	case errors.Is(err, api.ErrNotFound), errors.Is(err, api.ErrExpired):
		return api.Identity{}, nil // a session that ended is no session
	case err != nil:
		return api.Identity{}, fmt.Errorf("find the signing session: %w", err)
	}
	session := ceremony.HashSecret(cookie.Value)
	return api.Identity{Role: api.Signer, Ceremony: grant.Document, Signer: grant.Signer, Session: hex.EncodeToString(session[:])}, nil
}

// ours keeps the signer's cookie from speaking for a request of an account
// holder who signs in the same browser.
func ours(path string) bool {
	return path == "/api/signing" || len(path) > len("/api/signing/") && path[:len("/api/signing/")] == "/api/signing/"
}

// me loads the signer who asks.
func (h *Handler) me(ctx context.Context, action api.Action, kind api.ObjectKind) (*ceremony.Document, *ceremony.Signer, error) {
	id := api.IdentityOf(ctx)
	if id.Ceremony == "" {
		return nil, nil, api.Explain(api.ErrUnauthenticated, "Open the link from your mail again.")
	}
	d, err := h.Ceremony.Document(ctx, id.Ceremony)
	if err != nil {
		return nil, nil, err
	}
	err = api.Allow(id, action, api.Object{Kind: kind, Organisation: d.Organisation, Owner: d.Owner, Ceremony: d.ID, Signer: id.Signer})
	if err != nil {
		return nil, nil, err
	}
	s, err := d.Signer(id.Signer)
	if err == nil && !s.Proved() && (action != api.Read || kind != api.CeremonyObject) {
		err = ceremony.ErrUnproved
	}
	return d, s, err
}

type openInput struct {
	Body struct {
		Token   string `json:"token" minLength:"20" maxLength:"100" doc:"secret from the fragment of the link"`
		Browser string `json:"browser" minLength:"20" maxLength:"100" doc:"secret that the browser made for this link and keeps: with it the link can be opened again, without it nowhere else"`
	}
}

type openOutput struct {
	SetCookie http.Cookie `header:"Set-Cookie"`
	Body      View
}

func (h *Handler) open(ctx context.Context, in *openInput) (*openOutput, error) {
	session, d, signer, err := h.Ceremony.OpenLink(ctx, in.Body.Token, in.Body.Browser)
	if errors.Is(err, ceremony.ErrLinkUsed) && h.Owners != nil {
		return nil, errors.Join(err, h.linkRefused(ctx, in.Body.Token))
	}
	if err != nil {
		return nil, err
	}
	s, err := d.Signer(signer)
	if err != nil {
		return nil, err
	}
	view, err := h.view(ctx, d, s)
	if err != nil {
		return nil, err
	}
	return &openOutput{SetCookie: *h.cookies("signer", session, int(ceremony.SessionLifetime/time.Second)), Body: view}, nil
}

// linkRefused tells the owner of a link that was opened in a second browser.
func (h *Handler) linkRefused(ctx context.Context, secret string) error {
	d, signer, err := h.Ceremony.LinkOf(ctx, secret)
	if err != nil {
		return err
	}
	return h.Owners.LinkRefused(ctx, d, signer)
}

type viewOutput struct{ Body View }

func (h *Handler) get(ctx context.Context, _ *struct{}) (*viewOutput, error) {
	d, s, err := h.me(ctx, api.Read, api.CeremonyObject)
	if err != nil {
		return nil, err
	}
	return h.answer(ctx, d, s)
}

func (h *Handler) answer(ctx context.Context, d *ceremony.Document, s *ceremony.Signer) (*viewOutput, error) {
	view, err := h.view(ctx, d, s)
	if err != nil {
		return nil, err
	}
	return &viewOutput{view}, nil
}

// after answers with what a change left.
func (h *Handler) after(ctx context.Context, d *ceremony.Document, signer string, err error) (*viewOutput, error) {
	if err != nil {
		return nil, err
	}
	s, err := d.Signer(signer)
	if err != nil {
		return nil, err
	}
	return h.answer(ctx, d, s)
}

func (h *Handler) pdf(w http.ResponseWriter, r *http.Request) error {
	d, _, err := h.me(r.Context(), api.Read, api.DocumentObject)
	if err != nil {
		return err
	}
	return h.release(w, r, d, "document.read", d.Current, d.Filename, api.Inline)
}

type consentInput struct {
	Body struct {
		Purpose     ceremony.Purpose `json:"purpose" enum:"handwriting,video,comparison"`
		TextVersion string           `json:"textVersion" maxLength:"40" doc:"of the text that was read"`
		Language    string           `json:"language" maxLength:"20" doc:"in which the text was shown"`
		Given       bool             `json:"given"`
	}
}

func (h *Handler) consent(ctx context.Context, in *consentInput) (*viewOutput, error) {
	d, s, err := h.me(ctx, api.Sign, api.CeremonyObject)
	if err != nil {
		return nil, err
	}
	d, err = h.Ceremony.Consent(ctx, d.ID, s.ID, ceremony.Consent{
		Purpose: in.Body.Purpose, TextVersion: in.Body.TextVersion, Language: in.Body.Language, Given: in.Body.Given,
	})
	return h.after(ctx, d, s.ID, err)
}

type fillInput struct {
	Body struct {
		Values map[string]string `json:"values" maxProperties:"200" doc:"by the name of the field; an empty value takes it back"`
	}
}

func (h *Handler) fill(ctx context.Context, in *fillInput) (*viewOutput, error) {
	d, s, err := h.me(ctx, api.Sign, api.CeremonyObject)
	if err != nil {
		return nil, err
	}
	d, err = h.Ceremony.Fill(ctx, d.ID, s.ID, in.Body.Values)
	return h.after(ctx, d, s.ID, err)
}

type declineInput struct {
	Body struct {
		Reason string `json:"reason,omitempty" maxLength:"1000" doc:"told to the sender"`
	}
}

func (h *Handler) decline(ctx context.Context, in *declineInput) (*viewOutput, error) {
	d, s, err := h.me(ctx, api.Sign, api.CeremonyObject)
	if err != nil {
		return nil, err
	}
	d, err = h.Ceremony.Decline(ctx, d.ID, s.ID, in.Body.Reason)
	return h.after(ctx, d, s.ID, err)
}

type confirmInput struct {
	Body struct {
		CaptureID string      `json:"captureId,omitempty" pattern:"^[0-9a-f]{32}$" doc:"the finished signature capture"`
		Typed     string      `json:"typed,omitempty" maxLength:"200" doc:"the signer's name, by those who refused to be recorded"`
		Proof     *ProofInput `json:"proof,omitempty" doc:"where the ceremony asks for it"`
	}
}

func (h *Handler) confirm(ctx context.Context, in *confirmInput) (*viewOutput, error) {
	d, s, err := h.me(ctx, api.Sign, api.CeremonyObject)
	if err != nil {
		return nil, err
	}
	if err := h.approve(ctx, d, s, in.Body.Proof); err != nil {
		return nil, err
	}
	d, err = h.Ceremony.Confirm(ctx, d.ID, s.ID, capture.SessionID(in.Body.CaptureID), in.Body.Typed)
	return h.after(ctx, d, s.ID, err)
}

func (h *Handler) signed(w http.ResponseWriter, r *http.Request) error {
	d, s, err := h.me(r.Context(), api.Export, api.DocumentObject)
	if err != nil {
		return err
	}
	if s.State != ceremony.Signed {
		return api.Explain(ceremony.ErrState, "The signed PDF can be downloaded once you have signed.")
	}
	return h.release(w, r, d, "document.downloaded", d.Current, d.SignedName(), api.Attachment)
}

func (h *Handler) deposit(w http.ResponseWriter, r *http.Request) error {
	d, s, err := h.me(r.Context(), api.Export, api.DepositObject)
	if err != nil {
		return err
	}
	if d.Deposit == nil {
		return api.Explain(ceremony.ErrState, "The deposit is made when everybody has signed.")
	}
	if d.OthersRecorded(s) {
		return ceremony.ErrOthersRecorded
	}
	return h.release(w, r, d, "deposit.downloaded", d.Deposit.Object, d.DepositName(), api.Attachment)
}

// release serves a file of a document and writes down that it leaves.
func (h *Handler) release(w http.ResponseWriter, r *http.Request, d *ceremony.Document, kind string, o evidence.Object, name string, how api.Disposition) error {
	return api.ServeRelease(w, r, h.Vault, h.Releases, api.Release{Kind: kind, Document: d.ID, Organisation: d.Organisation, Object: o}, name, how)
}

// readAll reads a bounded text body.
func readAll(r *http.Request) (string, error) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return "", fmt.Errorf("read the request: %w", err)
	}
	return string(body), nil
}
