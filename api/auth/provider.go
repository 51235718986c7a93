package auth

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"inkwitness/api"
	"inkwitness/api/auth/oidc"
	"inkwitness/api/auth/saml"
)

// Providers keeps where organisations' members sign in. What is missing is
// api.ErrNotFound; a second link of one person, or of one account, is api.ErrConflict.
// ForgetProviderPeople also ends the sessions that began at the provider.
type Providers interface {
	Provider(ctx context.Context, id string) (api.Provider, error)
	ProviderOf(ctx context.Context, organisation string) (api.Provider, error)
	SaveProvider(ctx context.Context, p api.Provider) error
	DeleteProvider(ctx context.Context, id string) error
	ProviderPerson(ctx context.Context, provider, subject string) (string, error)
	LinkProviderPerson(ctx context.Context, provider, subject, account string) error
	UnlinkProviderPerson(ctx context.Context, organisation, account string) error
	ForgetProviderPeople(ctx context.Context, provider, reason string, now time.Time) error
}

func (h *Handler) mountProviders(a *api.API) {
	const tag = "provider"
	api.Register(a, api.Route{Method: "GET", Path: "/api/organisation/provider", ID: "getProvider", Tag: tag,
		Summary: "Where the organisation's members sign in"}, h.getProvider)
	api.Register(a, api.Route{Method: "PUT", Path: "/api/organisation/provider", ID: "setProvider", Tag: tag,
		Summary: "Let members sign in at an OpenID Connect or SAML provider"}, h.setProvider)
	api.Register(a, api.Route{Method: "DELETE", Path: "/api/organisation/provider", ID: "deleteProvider", Tag: tag, Status: 204}, h.deleteProvider)
	api.Register(a, api.Route{Method: "POST", Path: "/api/sso/{provider}", ID: "beginProviderSignIn", Tag: tag, Public: true,
		Summary: "The address at the provider to which the browser goes"}, h.beginProvider)
	a.Raw(api.Route{Method: "GET", Path: "/api/sso/back", ID: "oidcAnswer", Tag: tag, Status: 303, Public: true,
		Summary: "Where OpenID Connect providers send the browser back"}, h.oidcAnswer)
	a.Raw(api.Route{Method: "POST", Path: "/api/sso/{provider}/saml", ID: "samlAnswer", Tag: tag, Status: 303, Public: true, CrossSite: true,
		Summary: "Where SAML providers post their answer"}, h.samlAnswer)
	a.Raw(api.Route{Method: "GET", Path: "/api/sso/finish", ID: "finishProviderSignIn", Tag: tag, Status: 303, Public: true,
		Summary: "Ends a SAML sign-in in the browser that began it"}, h.samlFinish)
}

// bounceLife is how long somebody may take at the provider.
const bounceLife = 10 * time.Minute

// bounce is a sign-in under way at a provider.
type bounce struct {
	Provider string
	Browser  [32]byte // hash of the secret in the cookie of the browser that began
	TakeOver bool
	Force    bool // the provider was asked for a fresh proof
	Began    time.Time

	OIDC    oidc.Attempt
	Request string // id of the SAML request

	Person *person // once the provider has answered
}

func (h *Handler) entity(provider string) string {
	return strings.TrimSuffix(h.cfg.URL, "/") + "/saml/" + provider
}

func (h *Handler) acs(provider string) string {
	return strings.TrimSuffix(h.cfg.URL, "/") + "/api/sso/" + provider + "/saml"
}

// openOIDC reaches the provider. It is asked anew each time, so that its keys and
// addresses are today's.
func (h *Handler) openOIDC(ctx context.Context, p api.Provider) (*oidc.Provider, error) {
	if h.cfg.Client == nil {
		return nil, api.Explain(api.ErrUnavailable, "Sign-in at other providers is not set up on this service.")
	}
	o, err := oidc.Discover(ctx, oidc.Config{Issuer: p.Settings.Issuer, ClientID: p.Settings.ClientID, ClientSecret: p.Settings.ClientSecret,
		Redirect: strings.TrimSuffix(h.cfg.URL, "/") + "/api/sso/back", Client: h.cfg.Client, Clock: h.cfg.Clock})
	if err != nil {
		h.cfg.Logger.WarnContext(ctx, "provider not reached", "provider", p.ID, "error", err)
		return nil, api.Explain(api.ErrUnavailable, "The provider cannot be reached, or is not an OpenID Connect provider.")
	}
	return o, nil
}

func (h *Handler) openSAML(p api.Provider) (*saml.Provider, error) {
	s, err := saml.New(saml.Config{EntityID: h.entity(p.ID), ACS: h.acs(p.ID), Metadata: p.Settings.Metadata})
	if err != nil {
		return nil, api.Explain(api.ErrInvalid, "This is not the metadata of one SAML identity provider that takes requests by redirect.")
	}
	return s, nil
}

type beginIn struct {
	Provider string `path:"provider" maxLength:"64"`
	Body     struct {
		TakeOver bool `json:"takeOver,omitempty" doc:"end the session that is live elsewhere"`
		Force    bool `json:"force,omitempty" doc:"have the provider ask for a proof again; opens sensitive acts"`
	}
}

type beginOut struct {
	SetCookie string `header:"Set-Cookie" hidden:"true"`
	Body      struct {
		URL string `json:"url"`
	}
}

func (h *Handler) beginProvider(ctx context.Context, in *beginIn) (*beginOut, error) {
	if err := h.hit(ctx, guessesFrom, api.ClientOf(ctx).Address); err != nil {
		return nil, err
	}
	p, err := h.cfg.Store.Provider(ctx, in.Provider)
	if err != nil {
		return nil, err
	}
	return h.beginAt(ctx, p, in.Body.TakeOver, in.Body.Force)
}

func (h *Handler) beginAt(ctx context.Context, p api.Provider, takeOver, force bool) (*beginOut, error) {
	state, browser := newSecret(), newSecret()
	b := bounce{Provider: p.ID, Browser: hashSecret(browser), TakeOver: takeOver, Force: force, Began: h.cfg.Clock.Now()}
	out := &beginOut{SetCookie: h.setSSOCookie(browser, int(bounceLife.Seconds()))}
	var err error
	if p.Kind == "saml" {
		var s *saml.Provider
		if s, err = h.openSAML(p); err != nil {
			return nil, err
		}
		if out.Body.URL, b.Request, err = s.Begin(state, b.Force); err != nil {
			return nil, err
		}
	} else {
		o, err := h.openOIDC(ctx, p)
		if err != nil {
			return nil, err
		}
		b.OIDC = oidc.Attempt{State: state, Nonce: newSecret(), Verifier: newSecret() + newSecret()}
		out.Body.URL = o.Begin(b.OIDC, b.Force)
	}
	return out, h.keepBounce(ctx, "sso", state, b)
}

// oidcAnswer takes the code that the browser brings back.
func (h *Handler) oidcAnswer(w http.ResponseWriter, r *http.Request) error {
	return h.settle(w, r, func(ctx context.Context) (bounce, error) {
		q := r.URL.Query()
		b, err := h.takeBounce(ctx, "sso", q.Get("state"))
		if err != nil {
			return b, err
		}
		if hashSecret(h.ssoCookie(ctx)) != b.Browser || q.Get("error") != "" {
			return b, errProvider
		}
		p, err := h.cfg.Store.Provider(ctx, b.Provider)
		if err != nil {
			return b, err
		}
		o, err := h.openOIDC(ctx, p)
		if err != nil {
			return b, err
		}
		c, err := o.Finish(ctx, b.OIDC, q.Get("code"), q.Get("iss"))
		if err != nil {
			return b, h.refused(ctx, p, err)
		}
		b.Person = &person{Subject: c.Subject, Name: c.Name, SecondFactor: c.SecondFactor, Authenticated: c.Authenticated}
		if c.EmailVerified {
			b.Person.Email = c.Email
		}
		return b, nil
	})
}

// samlAnswer takes the provider's POST. No cookie comes with it, so what it says
// is kept under a ticket that only the browser that began can use.
func (h *Handler) samlAnswer(w http.ResponseWriter, r *http.Request) error {
	ctx := r.Context()
	if err := r.ParseForm(); err != nil {
		return fmt.Errorf("%w: %w", api.ErrInvalid, err)
	}
	b, err := h.takeBounce(ctx, "sso", r.PostForm.Get("RelayState"))
	if err != nil {
		return err
	}
	if b.Provider != r.PathValue("provider") {
		return errProvider
	}
	p, err := h.cfg.Store.Provider(ctx, b.Provider)
	if err != nil {
		return err
	}
	s, err := h.openSAML(p)
	if err != nil {
		return err
	}
	c, err := s.Finish(r.PostForm.Get("SAMLResponse"), b.Request)
	if err == nil {
		// A request is answered once; this also stops an assertion that was kept
		// from a request of another service with our name.
		var seen int
		if seen, _, err = h.cfg.Store.Hit(ctx, "assertion", p.ID+" "+c.ID, 24*time.Hour, h.cfg.Clock.Now()); err == nil && seen > 1 {
			err = fmt.Errorf("seen before: %w", saml.ErrRefused)
		}
	}
	if err != nil {
		return h.refused(ctx, p, err)
	}
	b.Person = &person{Subject: c.Subject, Email: c.Email, Name: c.Name, SecondFactor: c.SecondFactor, Authenticated: c.Authenticated}
	ticket := newSecret()
	if err := h.keepBounce(ctx, "sso-ticket", ticket, b); err != nil {
		return err
	}
	http.Redirect(w, r, "/api/sso/finish?ticket="+url.QueryEscape(ticket), http.StatusSeeOther)
	return nil
}

func (h *Handler) samlFinish(w http.ResponseWriter, r *http.Request) error {
	return h.settle(w, r, func(ctx context.Context) (bounce, error) {
		b, err := h.takeBounce(ctx, "sso-ticket", r.URL.Query().Get("ticket"))
		if err == nil && hashSecret(h.ssoCookie(ctx)) != b.Browser {
			err = errProvider
		}
		return b, err
	})
}

var errProvider = api.Explain(api.ErrUnauthenticated, "The sign-in at your provider did not work. Try again.")

// refused logs why an answer was not accepted. Of one that is not sound it tells
// nothing more.
func (h *Handler) refused(ctx context.Context, p api.Provider, err error) error {
	problem, told := errors.AsType[*api.Problem](err)
	if !told && !errors.Is(err, oidc.ErrRefused) && !errors.Is(err, saml.ErrRefused) {
		return err
	}
	h.cfg.Logger.WarnContext(ctx, "answer of a provider refused", "provider", p.ID, "request", api.RequestID(ctx), "kind", p.Kind)
	if err := h.record(ctx, "session.refused", "", p.Organisation, api.Detail{"provider": p.Kind, "why": err.Error()}); err != nil {
		return err
	}
	if told {
		return problem
	}
	return errProvider
}

// settle ends a sign-in at a provider: a session and the start page, or the start
// page with the kind of problem.
func (h *Handler) settle(w http.ResponseWriter, r *http.Request, answer func(context.Context) (bounce, error)) error {
	ctx := r.Context()
	b, err := answer(ctx)
	if err == nil {
		var out *sessionOut
		if out, err = h.enter(ctx, b); err == nil {
			for _, line := range out.SetCookie {
				w.Header().Add("Set-Cookie", line)
			}
		}
	}
	w.Header().Add("Set-Cookie", h.setSSOCookie("", -1))
	if err != nil {
		http.Redirect(w, r, "/#sso="+url.QueryEscape(b.Provider)+"&problem="+h.problem(err), http.StatusSeeOther)
		return nil
	}
	http.Redirect(w, r, "/", http.StatusSeeOther)
	return nil
}
