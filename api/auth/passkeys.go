package auth

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"time"

	"github.com/go-webauthn/webauthn/protocol"
	"github.com/go-webauthn/webauthn/webauthn"

	"inkwitness/api"
)

// passkeyParty is this service as WebAuthn's relying party. Its id is the host
// name, so a passkey works on no other site.
type passkeyParty struct{ *webauthn.WebAuthn }

func newPasskeyParty(base *url.URL) (*passkeyParty, error) {
	w, err := webauthn.New(&webauthn.Config{RPID: base.Hostname(), RPDisplayName: "Inkwitness",
		RPOrigins: []string{base.Scheme + "://" + base.Host},
		AuthenticatorSelection: protocol.AuthenticatorSelection{
			ResidentKey: protocol.ResidentKeyRequirementRequired, UserVerification: protocol.VerificationRequired}})
	if err != nil {
		return nil, fmt.Errorf("passkeys: %w", err)
	}
	return &passkeyParty{w}, nil
}

// passkeyLife is how long a browser has for its part.
const passkeyLife = 5 * time.Minute

func (h *Handler) mountPasskeys(a *api.API) {
	const tag = "passkeys"
	api.Register(a, api.Route{Method: "POST", Path: "/api/factors/passkeys/begin", ID: "beginPasskey", Tag: tag,
		Summary: "Options for navigator.credentials.create"}, h.beginPasskey)
	api.Register(a, api.Route{Method: "POST", Path: "/api/factors/passkeys", ID: "addPasskey", Tag: tag, Status: 201}, h.addPasskey)
	api.Register(a, api.Route{Method: "DELETE", Path: "/api/factors/passkeys/{id}", ID: "deletePasskey", Tag: tag, Status: 204}, h.deletePasskey)
	api.Register(a, api.Route{Method: "POST", Path: "/api/session/passkey/begin", ID: "beginPasskeySignIn", Tag: tag, Public: true,
		Summary: "Options for navigator.credentials.get"}, h.beginPasskeySignIn)
	api.Register(a, api.Route{Method: "POST", Path: "/api/session/passkey", ID: "passkeySignIn", Tag: tag, Status: 201, Public: true,
		Summary: "Sign in with a passkey"}, h.passkeySignIn)
	api.Register(a, api.Route{Method: "POST", Path: "/api/session/proof/passkey/begin", ID: "beginPasskeyProof", Tag: tag,
		Summary: "Options for navigator.credentials.get, of one's own passkeys"}, h.beginPasskeyProof)
	api.Register(a, api.Route{Method: "POST", Path: "/api/session/proof/passkey", ID: "provePasskey", Tag: tag, Status: 204,
		Summary: "Prove anew with a passkey that it is you"}, h.provePasskey)
}

// holder is an account as the WebAuthn library sees it.
type holder struct {
	account     api.Account
	keys        []api.Passkey
	credentials []webauthn.Credential
}

func (u *holder) WebAuthnID() []byte                         { return []byte(u.account.ID) }
func (u *holder) WebAuthnName() string                       { return u.account.Email }
func (u *holder) WebAuthnDisplayName() string                { return u.account.Name }
func (u *holder) WebAuthnCredentials() []webauthn.Credential { return u.credentials }

func (h *Handler) holder(ctx context.Context, account string) (*holder, error) {
	acc, err := h.cfg.Store.Account(ctx, account)
	if err != nil {
		return nil, err
	}
	u := &holder{account: acc}
	if u.keys, err = h.cfg.Store.Passkeys(ctx, account); err != nil {
		return nil, err
	}
	for _, k := range u.keys {
		var c webauthn.Credential
		if err := json.Unmarshal(k.Data, &c); err != nil {
			return nil, fmt.Errorf("stored passkey: %w", err)
		}
		u.credentials = append(u.credentials, c)
	}
	return u, nil
}

type optionsOut struct {
	Body struct {
		Ceremony string `json:"ceremony" doc:"to be sent back with the credential"`
		Options  any    `json:"options"`
	}
}

// keep stores what the library must know when the browser answers.
func (h *Handler) keep(ctx context.Context, kind string, id api.Identity, session *webauthn.SessionData, options any) (*optionsOut, error) {
	data, err := json.Marshal(session)
	if err != nil {
		return nil, err
	}
	now, secret := h.cfg.Clock.Now(), newSecret()
	c := api.Challenge{Kind: kind, Account: id.Account, Session: id.Session, Created: now, Expires: now.Add(passkeyLife), Data: data}
	out := &optionsOut{}
	out.Body.Ceremony, out.Body.Options = secret, options
	return out, h.cfg.Store.AddChallenge(ctx, c, hashSecret(secret))
}

// take returns what keep stored, once.
func (h *Handler) take(ctx context.Context, kind, secret string, id api.Identity) (session webauthn.SessionData, err error) {
	c, err := h.cfg.Store.TakeChallenge(ctx, kind, hashSecret(secret), h.cfg.Clock.Now())
	if err != nil {
		return session, err
	}
	if c.Account != id.Account || c.Session != id.Session {
		return session, api.ErrForbidden
	}
	return session, json.Unmarshal(c.Data, &session)
}

func (h *Handler) beginPasskey(ctx context.Context, _ *struct{}) (*optionsOut, error) {
	id, err := changeOwn(ctx)
	if err != nil {
		return nil, err
	}
	u, err := h.holder(ctx, id.Account)
	if err != nil {
		return nil, err
	}
	options, session, err := h.web.BeginRegistration(u, webauthn.WithExclusions(webauthn.Credentials(u.credentials).CredentialDescriptors()))
	if err != nil {
		return nil, fmt.Errorf("begin passkey: %w", err)
	}
	return h.keep(ctx, "passkey-add", id, session, options)
}

type credentialIn struct {
	Body struct {
		Ceremony   string         `json:"ceremony" maxLength:"100"`
		Name       string         `json:"name,omitempty" maxLength:"100" doc:"by which the holder knows the passkey"`
		Credential map[string]any `json:"credential" doc:"PublicKeyCredential.toJSON()"`
	}
}

var errPasskey = api.Explain(api.ErrUnauthenticated, "The passkey could not be checked. Try again.")

func (h *Handler) addPasskey(ctx context.Context, in *credentialIn) (*recoveryOut, error) {
	id, err := changeOwn(ctx)
	if err != nil {
		return nil, err
	}
	session, err := h.take(ctx, "passkey-add", in.Body.Ceremony, id)
	if err != nil {
		return nil, err
	}
	u, err := h.holder(ctx, id.Account)
	if err != nil {
		return nil, err
	}
	raw, err := json.Marshal(in.Body.Credential)
	if err != nil {
		return nil, err
	}
	parsed, err := protocol.ParseCredentialCreationResponseBytes(raw)
	if err != nil {
		return nil, errPasskey
	}
	credential, err := h.web.CreateCredential(u, session, parsed)
	if err != nil {
		return nil, errPasskey
	}
	data, err := json.Marshal(credential)
	if err != nil {
		return nil, err
	}
	key := api.Passkey{ID: credential.ID, Account: id.Account, Name: in.Body.Name, Created: h.cfg.Clock.Now(), Data: data}
	return h.factorChanged(ctx, id, "factor.added", func(ctx context.Context) error {
		if err := h.cfg.Store.AddPasskey(ctx, key); err != nil {
			return err
		}
		return h.cfg.Store.ProveSession(ctx, id.Session, h.cfg.Clock.Now(), true)
	})
}

type passkeyIDIn struct {
	ID string `path:"id" maxLength:"2000"`
}

func (h *Handler) deletePasskey(ctx context.Context, in *passkeyIDIn) (*struct{}, error) {
	id, err := changeOwn(ctx)
	if err != nil {
		return nil, err
	}
	raw, err := base64.RawURLEncoding.DecodeString(in.ID)
	if err != nil {
		return nil, api.ErrNotFound
	}
	return nil, h.factorRemoved(ctx, id, func(ctx context.Context) error { return h.cfg.Store.DeletePasskey(ctx, id.Account, raw) })
}

func (h *Handler) beginPasskeySignIn(ctx context.Context, _ *struct{}) (*optionsOut, error) {
	if err := h.hit(ctx, guessesFrom, api.ClientOf(ctx).Address); err != nil {
		return nil, err
	}
	return h.ask(ctx, "passkey-sign-in", api.Identity{})
}

type passkeySignInIn struct {
	Body struct {
		Ceremony   string         `json:"ceremony" maxLength:"100"`
		TakeOver   bool           `json:"takeOver,omitempty"`
		Credential map[string]any `json:"credential" doc:"PublicKeyCredential.toJSON()"`
	}
}

func (h *Handler) passkeySignIn(ctx context.Context, in *passkeySignInIn) (*sessionOut, error) {
	who, err := h.shownPasskey(ctx, "passkey-sign-in", in.Body.Ceremony, api.Identity{}, in.Body.Credential)
	if err != nil {
		return nil, err
	}
	return h.begin(ctx, entry{account: who, strong: true, takeOver: in.Body.TakeOver})
}

// shownPasskey returns the account whose passkey answered what keep stored for id.
func (h *Handler) shownPasskey(ctx context.Context, kind, ceremony string, id api.Identity, answer map[string]any) (api.Account, error) {
	session, err := h.take(ctx, kind, ceremony, id)
	if err != nil {
		return api.Account{}, err
	}
	raw, err := json.Marshal(answer)
	if err != nil {
		return api.Account{}, err
	}
	parsed, err := protocol.ParseCredentialRequestResponseBytes(raw)
	if err != nil {
		return api.Account{}, h.badPasskey(ctx, "passkey.refused", api.Account{})
	}
	who := &holder{}
	_, credential, err := h.web.ValidatePasskeyLogin(func(_, user []byte) (webauthn.User, error) {
		shown, err := h.holder(ctx, string(user))
		if err == nil {
			who = shown
		}
		return shown, err
	}, session, parsed)
	switch {
	case errors.Is(err, api.ErrUnavailable):
		return api.Account{}, err
	case err != nil || who.account.State == api.AccountBlocked:
		return api.Account{}, h.badPasskey(ctx, "passkey.refused", who.account)
	case credential.Authenticator.CloneWarning: // a counter that steps back
		return api.Account{}, h.badPasskey(ctx, "passkey.copied", who.account)
	}
	return who.account, h.usePasskey(ctx, who, credential)
}

// badPasskey notes a passkey that was not accepted.
func (h *Handler) badPasskey(ctx context.Context, kind string, acc api.Account) error {
	if err := h.recordOf(ctx, kind, acc, nil); err != nil {
		return fmt.Errorf("passkey: %w", err)
	}
	return errPasskey
}

// ask makes the options for a passkey to be shown, whoever it belongs to.
func (h *Handler) ask(ctx context.Context, kind string, id api.Identity) (*optionsOut, error) {
	options, session, err := h.web.BeginDiscoverableLogin(webauthn.WithUserVerification(protocol.VerificationRequired))
	if err != nil {
		return nil, fmt.Errorf("ask for a passkey: %w", err)
	}
	return h.keep(ctx, kind, id, session, options)
}

func (h *Handler) beginPasskeyProof(ctx context.Context, _ *struct{}) (*optionsOut, error) {
	id := api.IdentityOf(ctx)
	if id.Session == "" || id.Provider != "" {
		return nil, errAtProvider
	}
	return h.ask(ctx, "passkey-proof", id)
}

type passkeyProofIn struct {
	Body struct {
		Ceremony   string         `json:"ceremony" maxLength:"100"`
		Credential map[string]any `json:"credential" doc:"PublicKeyCredential.toJSON()"`
	}
}

// provePasskey makes the session fresh, as prove does with a code.
func (h *Handler) provePasskey(ctx context.Context, in *passkeyProofIn) (*struct{}, error) {
	id := api.IdentityOf(ctx)
	if id.Session == "" || id.Provider != "" {
		return nil, errAtProvider
	}
	if err := h.hit(ctx, proofs, id.Account); err != nil {
		return nil, err
	}
	who, err := h.shownPasskey(ctx, "passkey-proof", in.Body.Ceremony, id, in.Body.Credential)
	if err != nil {
		return nil, err
	}
	if who.ID != id.Account {
		return nil, errPasskey
	}
	return nil, h.proveAs(ctx, id, true)
}

// usePasskey stores the counter and flags of the use.
func (h *Handler) usePasskey(ctx context.Context, u *holder, c *webauthn.Credential) error {
	data, err := json.Marshal(c)
	if err != nil {
		return err
	}
	for _, k := range u.keys {
		if string(k.ID) == string(c.ID) {
			k.Used, k.Data = h.cfg.Clock.Now(), data
			return h.cfg.Store.UsePasskey(ctx, k)
		}
	}
	return errPasskey
}
