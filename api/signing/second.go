package signing

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"

	"inkwitness/api"
	"inkwitness/api/ceremony"
)

// Codes sends and checks codes by telephone message. A nil Codes sends none.
type Codes interface {
	// Send sends a code that only the asking session can use, on the account of the
	// organisation. The message shows the document's name.
	Send(ctx context.Context, organisation, session, number, document, language string) error
	// Check accepts the code once.
	Check(ctx context.Context, session, code string) error
}

// Apps checks the factors that belong to the account of an address: the code of
// its authenticator app, its passkeys. It answers the same where there is no such
// account.
type Apps interface {
	CheckApp(ctx context.Context, email, code string) error
	// BeginSignerPasskey asks for a passkey in the signing session.
	BeginSignerPasskey(ctx context.Context, session string) (ceremony string, options any, err error)
	// CheckSignerPasskey takes what the browser answers, once.
	CheckSignerPasskey(ctx context.Context, email, session, ceremony string, credential map[string]any) error
	// NumberSettled refuses a number that is too new on the account of an address.
	NumberSettled(ctx context.Context, email, number string) error
}

// SecondView is the second layer as the signer sees it.
type SecondView struct {
	Ways   []ceremony.Way `json:"ways" enum:"sms,totp,passkey"`
	Phone  string         `json:"phone,omitempty" doc:"the last digits of the number that messages go to"`
	Proved bool           `json:"proved" doc:"in this session"`
}

func (h *Handler) second(s *ceremony.Signer) *SecondView {
	if s.Second == nil {
		return nil
	}
	v := &SecondView{Phone: s.Second.Hint(), Proved: s.Proved()}
	for _, way := range s.Second.Ways() {
		if way != ceremony.BySMS || h.Codes != nil {
			v.Ways = append(v.Ways, way)
		}
	}
	return v
}

func (h *Handler) mountSecond(a *api.API) {
	api.Register(a, api.Route{Method: "POST", Path: "/api/signing/second/sms", ID: "sendSigningCode", Tag: tag, Status: 204,
		Summary: "Have a code sent to the telephone that the sender named"}, h.sendCode)
	api.Register(a, api.Route{Method: "POST", Path: "/api/signing/second", ID: "proveSecond", Tag: tag,
		Summary: "Prove the second layer with a code"}, h.prove)
	api.Register(a, api.Route{Method: "POST", Path: "/api/signing/second/passkey/begin", ID: "beginSigningPasskey", Tag: tag,
		Summary: "Options for navigator.credentials.get, to prove the second layer with a passkey"}, h.beginPasskey)
	api.Register(a, api.Route{Method: "POST", Path: "/api/signing/second/passkey", ID: "proveSecondPasskey", Tag: tag,
		Summary: "Prove the second layer with a passkey of the account of the signer's address"}, h.provePasskey)
}

// asking is the signer with a second layer who asks, and the session that the code
// is bound to.
func (h *Handler) asking(ctx context.Context) (*ceremony.Document, *ceremony.Signer, string, error) {
	d, s, err := h.me(ctx, api.Read, api.CeremonyObject)
	if err != nil {
		return nil, nil, "", err
	}
	if s.Second == nil {
		return nil, nil, "", api.Explain(api.ErrConflict, "No code is asked for.")
	}
	session := ceremony.HashSecret(h.secret(ctx))
	return d, s, hex.EncodeToString(session[:]), nil
}

func (h *Handler) sendCode(ctx context.Context, _ *struct{}) (*struct{}, error) {
	d, s, session, err := h.asking(ctx)
	if err != nil {
		return nil, err
	}
	if s.Second.Phone == "" || h.Codes == nil {
		return nil, api.Explain(api.ErrConflict, "Messages are not offered here. Use the code of your authenticator app, or your passkey, or ask the sender.")
	}
	if s.Proved() {
		return nil, nil // nothing is left to prove
	}
	if h.Apps != nil {
		if err := h.Apps.NumberSettled(ctx, s.Email, s.Second.Phone); err != nil {
			return nil, err
		}
	}
	if err := h.Codes.Send(ctx, d.Organisation, session, s.Second.Phone, d.Title, s.Language); err != nil {
		return nil, fmt.Errorf("send a code: %w", err)
	}
	return nil, nil
}

type secondInput struct {
	Body struct {
		Way  ceremony.Way `json:"way" enum:"sms,totp"`
		Code string       `json:"code" minLength:"1" maxLength:"16"`
	}
}

func (h *Handler) prove(ctx context.Context, in *secondInput) (*viewOutput, error) {
	d, s, session, err := h.asking(ctx)
	if err != nil {
		return nil, err
	}
	switch {
	case in.Body.Way == ceremony.BySMS && s.Second.Phone != "" && h.Codes != nil:
		err = h.Codes.Check(ctx, session, in.Body.Code)
	case in.Body.Way == ceremony.ByTOTP && h.Apps != nil:
		err = h.Apps.CheckApp(ctx, s.Email, in.Body.Code)
	default:
		err = errNotAsked
	}
	if err != nil {
		return nil, h.refused(ctx, d, s, in.Body.Way, err, "The code is wrong, was used, or its time is over.")
	}
	d, err = h.Ceremony.Prove(ctx, d.ID, s.ID, h.secret(ctx), in.Body.Way)
	return h.after(ctx, d, s.ID, err)
}

type passkeyOffer struct {
	Body struct {
		Ceremony string `json:"ceremony" doc:"to be sent back with the credential"`
		Options  any    `json:"options"`
	}
}

func (h *Handler) beginPasskey(ctx context.Context, _ *struct{}) (out *passkeyOffer, err error) {
	_, _, session, err := h.asking(ctx)
	if err != nil {
		return nil, err
	}
	if h.Apps == nil {
		return nil, errNotAsked
	}
	out = &passkeyOffer{}
	out.Body.Ceremony, out.Body.Options, err = h.Apps.BeginSignerPasskey(ctx, session)
	return out, err
}

type passkeyInput struct {
	Body struct {
		Ceremony   string         `json:"ceremony" maxLength:"100"`
		Credential map[string]any `json:"credential" doc:"PublicKeyCredential.toJSON()"`
	}
}

func (h *Handler) provePasskey(ctx context.Context, in *passkeyInput) (*viewOutput, error) {
	d, s, session, err := h.asking(ctx)
	if err != nil {
		return nil, err
	}
	if h.Apps == nil {
		return nil, errNotAsked
	}
	if err := h.Apps.CheckSignerPasskey(ctx, s.Email, session, in.Body.Ceremony, in.Body.Credential); err != nil {
		return nil, h.refused(ctx, d, s, ceremony.ByPasskey, err,
			"This passkey does not belong to the account of the address that the document was sent to, or it could not be checked.")
	}
	d, err = h.Ceremony.Prove(ctx, d.ID, s.ID, h.secret(ctx), ceremony.ByPasskey)
	return h.after(ctx, d, s.ID, err)
}

var errNotAsked = api.Explain(api.ErrInvalid, "This way was not asked for.")

// refused writes a wrong proof down and gives it a status of its own: 401 would end
// the session of the page.
func (h *Handler) refused(ctx context.Context, d *ceremony.Document, s *ceremony.Signer, way ceremony.Way, err error, detail string) error {
	if !errors.Is(err, api.ErrUnauthenticated) {
		return err
	}
	if h.Owners != nil {
		if err := h.Owners.ProofRefused(ctx, d, s.ID, way); err != nil {
			return fmt.Errorf("write down a wrong proof: %w: %w", api.ErrUnavailable, err)
		}
	}
	return &api.Problem{Type: "/problems/wrong-code", Title: "Wrong code", Status: http.StatusUnprocessableEntity, Detail: detail}
}
