package auth

import (
	"context"
	"errors"
	"regexp"
	"slices"
	"strings"
	"time"

	"golang.org/x/net/idna"
	"golang.org/x/net/publicsuffix"

	"inkwitness/api"
)

// ProviderNames keeps by what people find their organisation's provider. A name
// that another provider has shown is api.ErrConflict, a missing one api.ErrNotFound.
type ProviderNames interface {
	AddProviderName(ctx context.Context, n api.ProviderName) error
	ProviderNames(ctx context.Context, provider string) ([]api.ProviderName, error)
	VerifyProviderName(ctx context.Context, provider, name string, now time.Time) error
	DeleteProviderName(ctx context.Context, provider, name string) error
	ProviderByName(ctx context.Context, name string) (api.Provider, error)
}

func (h *Handler) mountProviderNames(a *api.API) {
	const tag = "provider"
	api.Register(a, api.Route{Method: "GET", Path: "/api/organisation/provider/names", ID: "listProviderNames", Tag: tag,
		Summary: "Short name and domains by which members find their provider"}, h.listNames)
	api.Register(a, api.Route{Method: "POST", Path: "/api/organisation/provider/names", ID: "addProviderName", Tag: tag, Status: 201,
		Summary: "Add a short name, or a domain that is of use once its DNS says so"}, h.addName)
	api.Register(a, api.Route{Method: "POST", Path: "/api/organisation/provider/names/{name}/verify", ID: "verifyProviderName", Tag: tag,
		Summary: "Look for the record in the domain's DNS"}, h.verifyName)
	api.Register(a, api.Route{Method: "DELETE", Path: "/api/organisation/provider/names/{name}", ID: "deleteProviderName", Tag: tag, Status: 204}, h.deleteName)
	api.Register(a, api.Route{Method: "POST", Path: "/api/sso", ID: "findProviderSignIn", Tag: tag, Public: true,
		Summary: "The address of the provider by an organisation's short name, or by the domain of one's e-mail address"}, h.findProvider)
}

const (
	maxNames    = 20                             // of a provider
	recordName  = "_inkwitness."                 // before the domain
	recordValue = "inkwitness-verification="     // before the token
	shortName   = `^[a-z0-9](-?[a-z0-9]){2,39}$` // no dot, so never a domain
)

var shortNames = regexp.MustCompile(shortName)

// IsShortName says whether a name is one, and no domain.
func IsShortName(name string) bool { return shortNames.MatchString(name) }

// errNoProvider is the same for what is unknown, not shown yet, and malformed.
var errNoProvider = api.Explain(api.ErrNotFound, "No organisation signs in under this name. Check it, or sign in with your e-mail address and password.")

// normalName takes a short name, a domain or an e-mail address.
func normalName(entered string) (name string, domain, ok bool) {
	name = strings.ToLower(strings.TrimSpace(entered))
	if at := strings.LastIndexByte(name, '@'); at >= 0 {
		name = name[at+1:]
		if !strings.Contains(name, ".") {
			return "", false, false
		}
	}
	if !strings.Contains(name, ".") {
		return name, false, shortNames.MatchString(name)
	}
	name, err := idna.Lookup.ToASCII(strings.TrimSuffix(name, "."))
	labels := strings.Split(name, ".")
	return name, true, err == nil && len(name) <= 253 && len(labels) > 1 && !slices.Contains(labels, "")
}

type findIn struct {
	Body struct {
		Name     string `json:"name" minLength:"1" maxLength:"320" doc:"short name of the organisation, or one's e-mail address there"`
		TakeOver bool   `json:"takeOver,omitempty" doc:"end the session that is live elsewhere"`
	}
}

// findProvider begins a sign-in without naming whose it is: of an address only
// the domain counts, so that it tells nothing of accounts.
func (h *Handler) findProvider(ctx context.Context, in *findIn) (*beginOut, error) {
	if err := h.hit(ctx, guessesFrom, api.ClientOf(ctx).Address); err != nil {
		return nil, err
	}
	name, _, ok := normalName(in.Body.Name)
	if !ok {
		return nil, errNoProvider
	}
	p, err := h.cfg.Store.ProviderByName(ctx, name)
	if errors.Is(err, api.ErrNotFound) {
		return nil, errNoProvider
	}
	if err != nil {
		return nil, err
	}
	return h.beginAt(ctx, p, in.Body.TakeOver, false)
}

type nameBody struct {
	Name     string     `json:"name"`
	Domain   bool       `json:"domain" doc:"of e-mail addresses; otherwise a short name"`
	Record   string     `json:"record,omitempty" doc:"name of the TXT record in the domain's DNS"`
	Value    string     `json:"value,omitempty" doc:"what the TXT record has to say"`
	Verified *time.Time `json:"verified,omitempty" doc:"of use since then"`
}

func viewName(n api.ProviderName) nameBody {
	b := nameBody{Name: n.Name, Domain: strings.Contains(n.Name, ".")}
	if b.Domain {
		b.Record, b.Value = recordName+n.Name, recordValue+n.Token
	}
	if !n.Verified.IsZero() {
		b.Verified = &n.Verified
	}
	return b
}

type nameOut struct{ Body nameBody }

type namesOut struct {
	Body struct {
		Names []nameBody `json:"names"`
	}
}

// own returns the provider of who asks, and the names that it has, for a change.
func (h *Handler) own(ctx context.Context) (api.Identity, api.Provider, []api.ProviderName, error) {
	id, err := providerAccess(ctx, api.Update)
	if err != nil {
		return id, api.Provider{}, nil, err
	}
	return h.namesOf(ctx, id)
}

func (h *Handler) namesOf(ctx context.Context, id api.Identity) (api.Identity, api.Provider, []api.ProviderName, error) {
	p, err := h.cfg.Store.ProviderOf(ctx, id.Organisation)
	if err != nil {
		return id, p, nil, err
	}
	names, err := h.cfg.Store.ProviderNames(ctx, p.ID)
	return id, p, names, err
}

func (h *Handler) listNames(ctx context.Context, _ *struct{}) (*namesOut, error) {
	id, err := providerLook(ctx)
	if err != nil {
		return nil, err
	}
	_, _, names, err := h.namesOf(ctx, id)
	if err != nil {
		return nil, err
	}
	out := new(namesOut)
	out.Body.Names = make([]nameBody, 0, len(names))
	for _, n := range names {
		out.Body.Names = append(out.Body.Names, viewName(n))
	}
	return out, nil
}

type addNameIn struct {
	Body struct {
		Name string `json:"name" minLength:"1" maxLength:"253" doc:"3 to 40 letters, digits and hyphens, or a domain"`
	}
}

func (h *Handler) addName(ctx context.Context, in *addNameIn) (*nameOut, error) {
	id, p, names, err := h.own(ctx)
	if err != nil {
		return nil, err
	}
	name, domain, ok := normalName(in.Body.Name)
	if !ok || strings.Contains(in.Body.Name, "@") {
		return nil, api.Explain(api.ErrInvalid, "Enter a short name of 3 to 40 letters, digits and hyphens, such as atelier-durand, or a domain, such as atelier.example.")
	}
	if len(names) >= maxNames {
		return nil, api.Explain(api.ErrInvalid, "There are %d names already. Remove one first.", maxNames)
	}
	now := h.cfg.Clock.Now()
	n := api.ProviderName{Provider: p.ID, Name: name, Token: newSecret(), Added: now}
	if !domain {
		if !slices.ContainsFunc(names, func(n api.ProviderName) bool { return !n.Verified.IsZero() && isNameOf(n.Name, name) }) {
			return nil, api.Explain(api.ErrInvalid, "Show first whose name it is: add a domain that begins with it, such as %s.example, and put the record into its DNS. Whoever runs this service can give you another name.", name)
		}
		n.Verified = now
	}
	return h.nameChanged(ctx, id, n, func(ctx context.Context) error {
		err := h.cfg.Store.AddProviderName(ctx, n)
		if errors.Is(err, api.ErrConflict) {
			err = api.Explain(api.ErrConflict, "The name %s is taken. Choose another one.", name)
		}
		return err
	})
}

// isNameOf says whether a short name is what a domain was registered as: atelier
// of atelier.example, atelier.co.uk and mail.atelier.example. Otherwise anybody could
// take the name of a bank, and lead its people to a page that asks for their password.
func isNameOf(domain, name string) bool {
	registered, err := publicsuffix.EffectiveTLDPlusOne(domain)
	label, _, _ := strings.Cut(registered, ".")
	return err == nil && label == name
}

type nameIn struct {
	Name string `path:"name" maxLength:"253"`
}

func (h *Handler) verifyName(ctx context.Context, in *nameIn) (*nameOut, error) {
	id, p, names, err := h.own(ctx)
	if err != nil {
		return nil, err
	}
	at := slices.IndexFunc(names, func(n api.ProviderName) bool { return n.Name == in.Name })
	if at < 0 {
		return nil, api.ErrNotFound
	}
	n := names[at]
	if !n.Verified.IsZero() {
		return &nameOut{viewName(n)}, nil
	}
	if err := h.shown(ctx, n); err != nil {
		return nil, err
	}
	n.Verified = h.cfg.Clock.Now()
	return h.nameChanged(ctx, id, n, func(ctx context.Context) error {
		err := h.cfg.Store.VerifyProviderName(ctx, p.ID, n.Name, n.Verified)
		if errors.Is(err, api.ErrConflict) {
			err = api.Explain(api.ErrConflict, "Another organisation of this service has shown that %s is its domain.", n.Name)
		}
		return err
	})
}

// lookupTime is how long the domain's name servers may take.
const lookupTime = 10 * time.Second

// shown looks into the domain's DNS.
func (h *Handler) shown(ctx context.Context, n api.ProviderName) error {
	missing := api.Explain(api.ErrInvalid, "The DNS of %s has no TXT record %s with the value shown. A new record may take an hour to be seen.", n.Name, recordName+n.Name)
	if h.cfg.LookupTXT == nil {
		return api.Explain(api.ErrUnavailable, "This service cannot look into DNS.")
	}
	ctx, cancel := context.WithTimeout(ctx, lookupTime)
	defer cancel()
	records, err := h.cfg.LookupTXT(ctx, recordName+n.Name)
	if err != nil {
		h.cfg.Logger.InfoContext(ctx, "domain of a provider not looked up", "error", err)
		return missing
	}
	if !slices.Contains(records, recordValue+n.Token) {
		return missing
	}
	return nil
}

func (h *Handler) deleteName(ctx context.Context, in *nameIn) (*struct{}, error) {
	id, p, _, err := h.own(ctx)
	if err != nil {
		return nil, err
	}
	n := api.ProviderName{Provider: p.ID, Name: in.Name}
	_, err = h.nameChanged(ctx, id, n, func(ctx context.Context) error { return h.cfg.Store.DeleteProviderName(ctx, p.ID, in.Name) })
	return nil, err
}

// nameChanged does and records a change.
func (h *Handler) nameChanged(ctx context.Context, id api.Identity, n api.ProviderName, change func(context.Context) error) (*nameOut, error) {
	err := h.cfg.Store.Tx(ctx, func(ctx context.Context) error {
		if err := change(ctx); err != nil {
			return err
		}
		return h.record(ctx, "provider.changed", id.Account, id.Organisation, api.Detail{"name": n.Name})
	})
	if err != nil {
		return nil, err
	}
	return &nameOut{viewName(n)}, nil
}
