package auth

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"inkwitness/api"
)

func (h *Handler) mountSession(a *api.API) {
	const tag = "session"
	api.Register(a, api.Route{Method: "POST", Path: "/api/session", ID: "signIn", Tag: tag, Status: 201, Public: true,
		Summary: "Sign in"}, h.signIn)
	api.Register(a, api.Route{Method: "GET", Path: "/api/session", ID: "getSession", Tag: tag, Public: true,
		Summary: "Who is signed in, and what happened to the session"}, h.getSession)
	api.Register(a, api.Route{Method: "DELETE", Path: "/api/session", ID: "signOut", Tag: tag, Status: 204, Public: true,
		Summary: "Sign out"}, h.signOut)
	api.Register(a, api.Route{Method: "POST", Path: "/api/session/proof", ID: "proveSession", Tag: tag, Status: 204,
		Summary: "Prove a factor again, for sensitive acts"}, h.prove)
	api.Register(a, api.Route{Method: "POST", Path: "/api/session/organisation", ID: "moveSession", Tag: tag, Status: 204,
		Summary: "Act for another organisation of one's own"}, h.move)
}

type signInIn struct {
	Body struct {
		Email    string `json:"email" maxLength:"254"`
		Password string `json:"password" maxLength:"1024"`
		Code     string `json:"code,omitempty" maxLength:"64" doc:"time-based code, recovery code, or the mailed code of a take-over"`
		TakeOver bool   `json:"takeOver,omitempty" doc:"end the session that is live elsewhere; needs a code"`
	}
}

type accountBody struct {
	ID       string   `json:"id"`
	Name     string   `json:"name"`
	Email    string   `json:"email"`
	Role     api.Role `json:"role"`
	Language string   `json:"language"`
}

type sessionBody struct {
	Account      accountBody       `json:"account"`
	Organisation organisationBody  `json:"organisation"`
	SecondFactor bool              `json:"secondFactor" doc:"proved in this session"`
	MustAddOne   bool              `json:"mustAddFactor" doc:"the organisation asks for a second factor; nothing else works before it is added and used"`
	Fresh        bool              `json:"fresh" doc:"sensitive acts are open"`
	Notice       *api.SignInNotice `json:"notice,omitempty" doc:"somebody tried to sign in elsewhere"`
}

type organisationBody struct {
	ID   string `json:"id"`
	Name string `json:"name"`
}

type sessionOut struct {
	SetCookie []string `header:"Set-Cookie" hidden:"true"`
	Body      sessionBody
}

// errWrong is the one answer to an unknown address, a wrong password and a
// blocked account.
var errWrong = api.Explain(api.ErrUnauthenticated, "The address or the password is wrong.")

func (h *Handler) signIn(ctx context.Context, in *signInIn) (*sessionOut, error) {
	email := strings.ToLower(strings.TrimSpace(in.Body.Email))
	if err := h.hit(ctx, guessesFrom, api.ClientOf(ctx).Address); err != nil {
		return nil, err
	}
	who, limits := h.guessing(ctx, email)
	for _, l := range limits {
		if err := h.hit(ctx, l, who); err != nil {
			return nil, err
		}
	}
	acc, err := h.checkPassword(ctx, email, in.Body.Password)
	if err != nil {
		return nil, err
	}
	strong, err := h.checkSecond(ctx, acc, in.Body.Code, in.Body.TakeOver)
	if err != nil {
		return nil, err
	}
	if err := h.forgive(ctx, who, limits...); err != nil {
		return nil, err
	}
	return h.begin(ctx, entry{account: acc, strong: strong.factor,
		takeOver: in.Body.TakeOver && (strong.factor || strong.mailed)})
}

// checkPassword returns the account of a right password. Every other case takes
// as long and is errWrong.
func (h *Handler) checkPassword(ctx context.Context, email, password string) (api.Account, error) {
	acc, err := h.cfg.Store.AccountByEmail(ctx, email)
	stored := h.hasher.dummy
	if err == nil {
		var kept api.Password
		switch kept, err = h.cfg.Store.Password(ctx, acc.ID); {
		case err == nil:
			stored = kept.Hash
		case errors.Is(err, api.ErrNotFound):
			err = nil // an account without a password: passkeys only
		}
	}
	unknown := errors.Is(err, api.ErrNotFound)
	if err != nil && !unknown {
		return acc, fmt.Errorf("sign in: %w", err)
	}
	ok, renew, err := h.hasher.check(ctx, stored, password)
	if err != nil {
		return acc, fmt.Errorf("sign in: %w", err)
	}
	if !ok || unknown || stored == h.hasher.dummy || acc.State == api.AccountBlocked {
		return acc, h.wrong(ctx, acc, unknown)
	}
	if renew {
		return acc, h.renew(ctx, acc.ID, password)
	}
	return acc, nil
}

// wrong notes a failed sign-in. The line for an unknown address names nobody.
func (h *Handler) wrong(ctx context.Context, acc api.Account, unknown bool) error {
	if unknown {
		acc = api.Account{}
	}
	if err := h.recordOf(ctx, "session.refused", acc, nil); err != nil {
		return fmt.Errorf("sign in: %w", err)
	}
	return errWrong
}

// recordOf is record where nobody is signed in: the line goes to the organisation
// that the account has belonged to for the longest.
func (h *Handler) recordOf(ctx context.Context, kind string, acc api.Account, detail api.Detail) error {
	organisation := ""
	if acc.ID != "" {
		if m, err := h.cfg.Store.Memberships(ctx, acc.ID); err == nil && len(m) > 0 {
			organisation = m[0].Organisation
		}
	}
	return h.record(ctx, kind, acc.ID, organisation, detail)
}

// renew stores a hash at today's cost, now that the password is at hand.
func (h *Handler) renew(ctx context.Context, account, password string) error {
	kept, err := h.hasher.keep(ctx, password, h.cfg.Clock.Now())
	if err != nil {
		return fmt.Errorf("renew hash: %w", err)
	}
	return h.cfg.Store.SetPassword(ctx, account, kept)
}

// entry is a sign-in whose proofs are checked.
type entry struct {
	account  api.Account
	strong   bool // a second factor or a passkey was proved
	takeOver bool // may end a live session elsewhere
	stale    bool // the proof may be old: sensitive acts stay closed

	provider *api.Provider // that vouches for the person, nil for our own factors
}

// begin makes the session. When one is live elsewhere it is told, and this one
// is refused unless it may take over.
func (h *Handler) begin(ctx context.Context, e entry) (*sessionOut, error) {
	now := h.cfg.Clock.Now()
	members, err := h.cfg.Store.Memberships(ctx, e.account.ID)
	if err != nil {
		return nil, fmt.Errorf("sign in: %w", err)
	}
	if e.provider != nil {
		members = slices.DeleteFunc(members, func(m api.Member) bool { return m.Organisation != e.provider.Organisation })
	}
	if len(members) == 0 {
		return nil, api.Explain(api.ErrForbidden, "This account belongs to no organisation any more.")
	}
	token, secret := newSecret(), newSecret()
	s := api.Session{ID: api.NewID(), Account: e.account.ID, Organisation: members[0].Organisation, Role: members[0].Role,
		Created: now, Seen: now, Proved: now, Expires: now.Add(h.cfg.Life), SecondFactor: e.strong, Client: api.ClientOf(ctx)}
	if e.provider != nil {
		s.Provider = e.provider.ID
	}
	if e.stale {
		s.Proved = now.Add(-freshFor)
	}
	s.Binding = binding(api.ClientOf(ctx).Agent, s.ID)
	hash := hashSecret(secret)
	s.Secret = api.SessionSecret{Present: hash[:], Renewed: now}
	var live *api.Session
	err = h.cfg.Store.Tx(ctx, func(ctx context.Context) error {
		if live, err = h.clear(ctx, e); err != nil || live != nil {
			return err
		}
		if err := h.cfg.Store.BeginSession(ctx, s, hashSecret(token)); err != nil {
			return err
		}
		return h.record(ctx, "session.began", s.Account, s.Organisation, nil)
	})
	switch {
	case errors.Is(err, api.ErrConflict):
		return nil, h.elsewhere(e) // begun by a sign-in at the same moment
	case err != nil:
		return nil, fmt.Errorf("begin session: %w", err)
	case live != nil:
		if err := h.announce(ctx, e.account, *live); err != nil {
			return nil, fmt.Errorf("tell of a second sign-in: %w", err)
		}
		return nil, h.elsewhere(e)
	}
	body, err := h.describe(ctx, s)
	if err != nil {
		return nil, err
	}
	out := &sessionOut{SetCookie: []string{h.setCookie(token+"."+secret, int(h.cfg.Life.Seconds()))}, Body: body}
	if e.provider == nil {
		out.SetCookie = append(out.SetCookie, h.setDeviceCookie(h.deviceFor(e.account.Email), int(deviceLife.Seconds())))
	}
	return out, nil
}

// clear ends the live session where that is right, and returns it where not.
func (h *Handler) clear(ctx context.Context, e entry) (*api.Session, error) {
	now := h.cfg.Clock.Now()
	live, err := h.cfg.Store.LiveSession(ctx, e.account.ID)
	if errors.Is(err, api.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	switch {
	case api.IdentityOf(ctx).Session == live.ID: // by the browser that holds it
		return nil, h.cfg.Store.EndSession(ctx, live.ID, endAgain, now)
	case !now.Before(live.Expires):
		return nil, h.end(ctx, live, endExpired)
	case now.Sub(live.Seen) >= h.cfg.Idle:
		return nil, h.end(ctx, live, endIdle)
	case e.takeOver && (e.provider == nil || e.provider.Organisation == live.Organisation):
		return nil, errors.Join(h.cfg.Store.EndSession(ctx, live.ID, endTakenOver, now),
			h.record(ctx, "session.taken-over", live.Account, live.Organisation, nil), h.tell(ctx, api.NoticeTakenOver, e.account, nil))
	}
	return &live, nil
}

func (h *Handler) elsewhere(e entry) error {
	how := "Sign out there, or take over with a code that is mailed to you."
	if e.strong || e.provider != nil {
		how = "Sign out there, or take over."
	}
	return &api.Problem{Type: "/problems/signed-in-elsewhere", Title: "Signed in elsewhere", Status: http.StatusConflict,
		Detail: "This account is in use in another browser. " + how}
}

// announce tells the live session and, by mail, its holder that somebody with
// the right password tried to sign in.
func (h *Handler) announce(ctx context.Context, acc api.Account, live api.Session) error {
	notice := api.SignInNotice{At: h.cfg.Clock.Now().UTC().Truncate(time.Second), Client: api.ClientOf(ctx)}
	return h.cfg.Store.Tx(ctx, func(ctx context.Context) error {
		if err := h.cfg.Store.NoticeSession(ctx, live, notice); err != nil {
			return err
		}
		if err := h.record(ctx, "session.second", live.Account, live.Organisation, nil); err != nil {
			return err
		}
		return h.tell(ctx, api.NoticeSignIn, acc, nil)
	})
}

func (h *Handler) describe(ctx context.Context, s api.Session) (b sessionBody, err error) {
	acc, err := h.cfg.Store.Account(ctx, s.Account)
	if err != nil {
		return b, fmt.Errorf("describe session: %w", err)
	}
	org, err := h.cfg.Store.Organisation(ctx, s.Organisation)
	if err != nil {
		return b, fmt.Errorf("describe session: %w", err)
	}
	return sessionBody{Account: accountBody{acc.ID, acc.Name, acc.Email, s.Role, acc.Language},
		Organisation: organisationBody{org.ID, org.Name}, SecondFactor: s.SecondFactor, MustAddOne: needsSecond(org, s),
		Fresh: h.cfg.Clock.Now().Sub(s.Proved) < freshFor, Notice: s.Notice}, nil
}

func (h *Handler) getSession(ctx context.Context, _ *struct{}) (*sessionOut, error) {
	cookie := h.cookie(ctx)
	if cookie == "" {
		return nil, api.ErrUnauthenticated
	}
	token, secret := splitCookie(cookie)
	s, err := h.session(ctx, token, secret)
	if errors.Is(err, api.ErrUnauthenticated) {
		return nil, h.why(ctx, s.ID)
	}
	if err != nil {
		return nil, err
	}
	body, err := h.describe(ctx, s)
	return &sessionOut{Body: body}, err
}

type signOutOut struct {
	SetCookie []string `header:"Set-Cookie" hidden:"true"`
	ClearData string   `header:"Clear-Site-Data" doc:"nothing is left in the browser but the cookie by which the account knows it, which opens nothing"`
}

func (h *Handler) signOut(ctx context.Context, _ *struct{}) (*signOutOut, error) {
	out := &signOutOut{SetCookie: h.endCookies(), ClearData: `"cache", "storage"`}
	id := api.IdentityOf(ctx)
	if id.Session == "" {
		return out, nil
	}
	err := h.cfg.Store.Tx(ctx, func(ctx context.Context) error {
		if err := h.cfg.Store.EndSession(ctx, id.Session, endSignedOut, h.cfg.Clock.Now()); err != nil {
			return err
		}
		return h.record(ctx, "session.ended", id.Account, id.Organisation, nil)
	})
	return out, err
}

var errAtProvider = api.Explain(api.ErrForbidden, "Prove it at your provider: sign in there again.")

type proveIn struct {
	Body struct {
		Password string `json:"password,omitempty" maxLength:"1024" doc:"where the account has no second factor"`
		Code     string `json:"code,omitempty" maxLength:"64"`
	}
}

// prove makes the session fresh: with a code where the account has a second
// factor, with the password where not.
func (h *Handler) prove(ctx context.Context, in *proveIn) (*struct{}, error) {
	id := api.IdentityOf(ctx)
	if id.Session == "" || id.Provider != "" {
		return nil, errAtProvider
	}
	if err := h.hit(ctx, proofs, id.Account); err != nil {
		return nil, err
	}
	acc, err := h.cfg.Store.Account(ctx, id.Account)
	if err != nil {
		return nil, err
	}
	strong, err := h.checkSecond(ctx, acc, in.Body.Code, false)
	if err != nil {
		return nil, err
	}
	if !strong.factor {
		if _, err := h.checkPassword(ctx, acc.Email, in.Body.Password); err != nil {
			return nil, err
		}
	}
	return nil, h.proveAs(ctx, id, strong.factor)
}

// proveAs makes the session fresh, on the record.
func (h *Handler) proveAs(ctx context.Context, id api.Identity, factor bool) error {
	if err := h.forgive(ctx, id.Account, proofs); err != nil {
		return err
	}
	return h.cfg.Store.Tx(ctx, func(ctx context.Context) error {
		return errors.Join(h.cfg.Store.ProveSession(ctx, id.Session, h.cfg.Clock.Now(), factor),
			h.record(ctx, "session.proved", id.Account, id.Organisation, nil))
	})
}

type moveIn struct {
	Body struct {
		Organisation string `json:"organisation" maxLength:"64"`
	}
}

func (h *Handler) move(ctx context.Context, in *moveIn) (*struct{}, error) {
	id := api.IdentityOf(ctx)
	members, err := h.cfg.Store.Memberships(ctx, id.Account)
	if err != nil {
		return nil, err
	}
	for _, m := range members {
		if m.Organisation == in.Body.Organisation && id.Session != "" && id.Provider == "" {
			return nil, h.cfg.Store.MoveSession(ctx, id.Session, m.Organisation)
		}
	}
	if id.Role == api.Staff && id.Session != "" {
		return nil, h.visit(ctx, id, in.Body.Organisation)
	}
	return nil, api.ErrNotFound
}
