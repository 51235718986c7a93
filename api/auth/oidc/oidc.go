// Package oidc signs people in at an OpenID Connect provider: authorisation code
// flow with PKCE (RFC 7636), state, nonce, and the checks of OpenID Connect Core
// 1.0, section 3.1.3.7. It knows neither accounts nor sessions.
package oidc

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"

	"inkwitness/capture"
)

// Config says at which provider, and as which client.
type Config struct {
	Issuer       string
	ClientID     string
	ClientSecret string
	Redirect     string        // this service's address to which people come back
	Client       *http.Client  // reaches the provider; must not reach inside
	Clock        capture.Clock // required
}

// Claims is what the provider says of a person, checked.
type Claims struct {
	Subject       string // the provider's own, unchanging name of the person
	Email         string
	EmailVerified bool
	Name          string
	SecondFactor  bool      // the provider says that it asked for one (amr or acr)
	Authenticated time.Time // when it asked (auth_time); zero when it does not say
}

// ErrRefused says that what came back is not acceptable. Why is in its text, for
// the log; the person learns only that it did not work.
var ErrRefused = errors.New("oidc: the answer is refused")

// Provider is a provider whose keys and addresses are known.
type Provider struct {
	cfg      Config
	oauth    oauth2.Config
	provider *oidc.Provider
	issuerIn bool // the provider names itself in its answers, RFC 9207
}

// algorithms are the only ones accepted: no "none", and no HMAC, whose key would
// be known to every client of the provider.
var algorithms = []string{oidc.RS256, oidc.RS384, oidc.RS512, oidc.PS256, oidc.PS384, oidc.PS512, oidc.ES256, oidc.ES384, oidc.ES512, oidc.EdDSA}

// freshFor is how old an ID token may be: it was made for this sign-in.
const freshFor = 10 * time.Minute

// leeway is how far the provider's clock may be ahead.
const leeway = time.Minute

// Discover reads the provider's description.
func Discover(ctx context.Context, cfg Config) (*Provider, error) {
	p, err := oidc.NewProvider(oidc.ClientContext(ctx, cfg.Client), cfg.Issuer)
	if err != nil {
		return nil, fmt.Errorf("ask %s: %w", cfg.Issuer, err)
	}
	var more struct {
		Issuer bool     `json:"authorization_response_iss_parameter_supported"`
		PKCE   []string `json:"code_challenge_methods_supported"`
	}
	if err := p.Claims(&more); err != nil {
		return nil, fmt.Errorf("read description of %s: %w", cfg.Issuer, err)
	}
	if len(more.PKCE) > 0 && !slices.Contains(more.PKCE, "S256") {
		return nil, fmt.Errorf("%s does not offer S256: %w", cfg.Issuer, ErrRefused)
	}
	return &Provider{cfg: cfg, provider: p, issuerIn: more.Issuer, oauth: oauth2.Config{ClientID: cfg.ClientID, ClientSecret: cfg.ClientSecret,
		Endpoint: p.Endpoint(), RedirectURL: cfg.Redirect, Scopes: []string{oidc.ScopeOpenID, "email", "profile"}}}, nil
}

// Attempt is one sign-in under way. It is kept by the service, never shown.
type Attempt struct {
	State    string
	Nonce    string
	Verifier string
}

// Begin returns the address to which the person goes. With force the provider
// asks for a proof again, whoever is signed in there.
func (p *Provider) Begin(a Attempt, force bool) string {
	options := []oauth2.AuthCodeOption{oidc.Nonce(a.Nonce), oauth2.S256ChallengeOption(a.Verifier)}
	if force {
		options = append(options, oauth2.SetAuthURLParam("prompt", "login"), oauth2.SetAuthURLParam("max_age", "0"))
	}
	return p.oauth.AuthCodeURL(a.State, options...)
}

// Finish exchanges the code that came back for the person's claims. The caller
// has checked the state; iss is the parameter of that name, if any.
func (p *Provider) Finish(ctx context.Context, a Attempt, code, iss string) (Claims, error) {
	if iss != "" && iss != p.cfg.Issuer || iss == "" && p.issuerIn {
		return Claims{}, fmt.Errorf("the answer is from %q: %w", iss, ErrRefused)
	}
	ctx = oidc.ClientContext(ctx, p.cfg.Client)
	token, err := p.oauth.Exchange(ctx, code, oauth2.VerifierOption(a.Verifier))
	if err != nil {
		return Claims{}, fmt.Errorf("exchange code: %w: %w", ErrRefused, err)
	}
	raw, ok := token.Extra("id_token").(string)
	if !ok {
		return Claims{}, fmt.Errorf("no ID token: %w", ErrRefused)
	}
	verifier := p.provider.VerifierContext(ctx, &oidc.Config{ClientID: p.cfg.ClientID, SupportedSigningAlgs: algorithms, Now: p.cfg.Clock.Now})
	id, err := verifier.Verify(ctx, raw)
	if err != nil {
		return Claims{}, fmt.Errorf("%w: %w", ErrRefused, err)
	}
	return p.check(id, a.Nonce)
}

type claims struct {
	Email         string      `json:"email"`
	EmailVerified any         `json:"email_verified"` // some providers send a string
	Name          string      `json:"name"`
	Party         string      `json:"azp"`
	AMR           []string    `json:"amr"`
	ACR           any         `json:"acr"`
	AuthTime      json.Number `json:"auth_time"` // s since 1970
}

// check does what the library leaves to its caller: nonce, age, authorised party.
func (p *Provider) check(id *oidc.IDToken, nonce string) (Claims, error) {
	var c claims
	if err := id.Claims(&c); err != nil {
		return Claims{}, fmt.Errorf("claims: %w: %w", ErrRefused, err)
	}
	now := p.cfg.Clock.Now()
	switch {
	case nonce == "" || id.Nonce != nonce:
		return Claims{}, fmt.Errorf("nonce: %w", ErrRefused)
	case id.Subject == "" || len(id.Subject) > 255:
		return Claims{}, fmt.Errorf("subject: %w", ErrRefused)
	case now.Sub(id.IssuedAt) > freshFor || id.IssuedAt.Sub(now) > leeway:
		return Claims{}, fmt.Errorf("issued at %v: %w", id.IssuedAt, ErrRefused)
	case c.Party != "" && c.Party != p.cfg.ClientID, len(id.Audience) > 1 && c.Party == "":
		return Claims{}, fmt.Errorf("authorised party %q: %w", c.Party, ErrRefused)
	}
	return Claims{Subject: id.Subject, Email: c.Email, EmailVerified: c.EmailVerified == true || c.EmailVerified == "true", Name: c.Name,
		SecondFactor: c.secondFactor(), Authenticated: c.authenticated()}, nil
}

// secondFactor says whether the provider names more than one factor: by the
// methods of RFC 8176, section 2, or by a class of multi-factor authentication.
func (c claims) secondFactor() bool {
	class, _ := c.ACR.(string)
	used := func(any ...string) bool {
		return slices.ContainsFunc(c.AMR, func(m string) bool { return slices.Contains(any, m) })
	}
	return slices.Contains(multiFactor, class) || used("mfa", "hwk", "fido", "sc") ||
		used("otp", "swk", "sms") && used("pwd", "pin", "kba", "face", "fpt", "iris", "retina", "vbm")
}

// multiFactor are the classes (acr) that promise more than one factor: REFEDS,
// PAPE, and the phishing-resistant ones of OpenID Connect EAP ACR Values 1.0.
var multiFactor = []string{"https://refeds.org/profile/mfa", "http://schemas.openid.net/pape/policies/2007/06/multi-factor", "phr", "phrh"}

func (c claims) authenticated() time.Time {
	at, err := c.AuthTime.Float64()
	if err != nil || at <= 0 || at > 1<<40 {
		return time.Time{}
	}
	return time.Unix(int64(at), 0)
}
