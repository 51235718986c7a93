package server

import (
	"cmp"
	"context"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"inkwitness/api"
	"inkwitness/api/document"
	"inkwitness/capture"
	"inkwitness/evidence"
	"inkwitness/evidence/trust"
	"inkwitness/evidence/trust/csc"
)

// providers are those of certificates that documents may choose, beside the
// service's own authority.
type providers struct {
	byName map[string]evidence.Provider
	views  []document.ProviderView // our own first
	roots  []*x509.Certificate
}

func (p providers) names() []string { return slices.Sorted(maps.Keys(p.byName)) }

// providerConfig is one entry of the providers' file. Secrets lie in files of
// their own, whose names are relative to it.
type providerConfig struct {
	Name    string `json:"name"`
	Kind    string `json:"kind"` // "csc" or "pkcs11"
	Legal   string `json:"legal"`
	Country string `json:"country"`
	Level   string `json:"level"` // "simple", "advanced" or "qualified"; "advanced" when empty

	URL          string `json:"url,omitempty"` // csc: of the API, with its version
	ClientID     string `json:"clientId,omitempty"`
	ClientSecret string `json:"clientSecretFile,omitempty"`
	Roots        string `json:"rootsFile,omitempty"` // csc: PEM

	Library string `json:"library,omitempty"` // pkcs11: of the security module
	Token   string `json:"token,omitempty"`
	Pin     string `json:"pinFile,omitempty"`
}

var providerName = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{0,39}$`)

// openProviders reads the providers' file. None of them is asked anything yet:
// one that is down keeps the service from nothing else.
func openProviders(ctx context.Context, cfg Config, keys evidence.Keys, clock capture.Clock, own *trust.Local) (providers, error) {
	p := providers{byName: map[string]evidence.Provider{}, views: []document.ProviderView{{Legal: "Inkwitness, certificates of this service", Level: own.Info().Level}}}
	if cfg.Providers == "" {
		return p, nil
	}
	raw, err := os.ReadFile(cfg.Providers)
	if err != nil {
		return p, err
	}
	var list []providerConfig
	decoder := json.NewDecoder(strings.NewReader(string(raw)))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&list); err != nil {
		return p, fmt.Errorf("read %s: %w", cfg.Providers, err)
	}
	for _, one := range list {
		one.Level = cmp.Or(one.Level, "advanced")
		if err := one.check(p); err != nil {
			return p, fmt.Errorf("provider %q in %s: %w", one.Name, cfg.Providers, err)
		}
		opened, roots, err := one.open(ctx, cfg, keys, clock, own)
		if err != nil {
			return p, fmt.Errorf("provider %q in %s: %w", one.Name, cfg.Providers, err)
		}
		p.byName[one.Name], p.roots = opened, append(p.roots, roots...)
		p.views = append(p.views, document.ProviderView{Name: one.Name, Legal: one.Legal, Country: one.Country, Level: one.Level})
	}
	return p, nil
}

func (c providerConfig) check(before providers) error {
	switch {
	case !providerName.MatchString(c.Name):
		return errors.New("the name has lower-case letters, digits and hyphens only, at most 40")
	case before.byName[c.Name] != nil:
		return errors.New("the name stands twice")
	case c.Legal == "":
		return errors.New("say in legal who runs it")
	case !slices.Contains([]string{"simple", "advanced", "qualified"}, c.Level):
		return fmt.Errorf("level %q is not simple, advanced or qualified", c.Level)
	}
	return nil
}

func (c providerConfig) info() evidence.ProviderInfo {
	return evidence.ProviderInfo{Name: c.Name, Legal: c.Legal, Country: c.Country, Level: c.Level}
}

func (c providerConfig) open(ctx context.Context, cfg Config, keys evidence.Keys, clock capture.Clock, own *trust.Local) (evidence.Provider, []*x509.Certificate, error) {
	dir := filepath.Dir(cfg.Providers)
	switch c.Kind {
	case "csc":
		secret, err := readSecret(dir, c.ClientSecret)
		if err != nil {
			return nil, nil, fmt.Errorf("read clientSecretFile: %w", err)
		}
		if c.Roots == "" {
			return nil, nil, errors.New("rootsFile is needed: deposits are checked against these certificates")
		}
		roots, err := readCertificates(within(dir, c.Roots))
		if err != nil {
			return nil, nil, fmt.Errorf("read rootsFile: %w", err)
		}
		client, err := csc.New(csc.Config{URL: c.URL, ID: c.ClientID, Secret: secret, Info: c.info(), Redirect: cfg.PublicURL + "/sign", Clock: clock})
		return client, roots, err
	case "pkcs11":
		pin, err := readSecret(dir, c.Pin)
		if err != nil {
			return nil, nil, fmt.Errorf("read pinFile: %w", err)
		}
		secret, err := secretKey(ctx, keys, clock, "service:authorizations", "authorization")
		if err != nil {
			return nil, nil, err
		}
		module, err := openModule(c, pin, secret, own)
		return module, nil, err // certified by our own authority
	}
	return nil, nil, fmt.Errorf("kind %q is neither csc nor pkcs11", c.Kind)
}

func within(dir, name string) string {
	if filepath.IsAbs(name) {
		return name
	}
	return filepath.Join(dir, name)
}

func readSecret(dir, name string) (string, error) {
	if name == "" {
		return "", errors.New("it is not named")
	}
	raw, err := os.ReadFile(within(dir, name))
	return strings.TrimSpace(string(raw)), err
}

// witnessesNeeded is how many witnesses a deposit says must have confirmed.
func witnessesNeeded(cfg Config) int { return cmp.Or(cfg.WitnessesNeed, len(cfg.Witnesses)) }

// defaultProvider is what an organisation chose for its documents.
func (s *Server) defaultProvider(ctx context.Context, organisation string) (string, error) {
	o, err := s.accounts.Organisation(ctx, organisation)
	if errors.Is(err, api.ErrNotFound) {
		return "", nil
	}
	return o.Provider, err
}
