// Package csc is a trust provider that somebody else runs, spoken to by the
// API of the Cloud Signature Consortium, version 2: hashes go out, signatures
// come back, the keys stay with the provider.
//
// Where a credential is authorized by OAuth 2.0 (auth/mode oauth2code) the signer
// is sent to the provider and consents there: with SCAL 2 to exactly these hashes,
// with SCAL 1 to so many signatures. Where it is authorized explicitly and asks
// for nothing, the service authorizes by itself. One that asks for a PIN or a
// one-time password is refused, as this service collects neither; so is one of
// SCAL 1 where signatures are called qualified, which needs the signer's sole
// control (EN 419 241-1). An authorization (the SAD) is good once. When
// an answer is lost after the provider signed, the signature is asked for
// again under a new authorization of the same credential: whatever happens,
// one certificate is used.
//
// It keeps no state and no secrets but its own configuration.
package csc

import (
	"bytes"
	"cmp"
	"context"
	"crypto"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"inkwitness/capture"
	"inkwitness/evidence"
)

// Config is what a Client needs. URL, ID, Secret and Clock are required.
type Config struct {
	URL      string // of the API, with its version: https://provider.example/csc/v2
	ID       string // OAuth 2.0 client
	Secret   string
	Info     evidence.ProviderInfo // who the provider is, as its customers are told
	Redirect string                // where the provider sends the signer back to, for SCAL 2
	HTTP     *http.Client          // nil: one with a time limit of 30 s
	Clock    capture.Clock
}

// Client implements evidence.Provider. It is safe for concurrent use.
type Client struct {
	cfg Config

	mu    sync.Mutex
	auth  string // base of the OAuth 2.0 endpoints, empty until the provider was asked
	token string
	until time.Time
}

// New returns a client. The provider is asked only when something is signed: one
// that is down keeps nothing else from starting.
func New(cfg Config) (*Client, error) {
	if cfg.URL == "" || cfg.ID == "" || cfg.Secret == "" || cfg.Clock == nil {
		return nil, errors.New("csc: URL, ID, Secret and Clock are required")
	}
	if cfg.HTTP == nil {
		cfg.HTTP = &http.Client{Timeout: 30 * time.Second, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	}
	cfg.URL = strings.TrimSuffix(cfg.URL, "/")
	cfg.Info.Name = cmp.Or(cfg.Info.Name, "csc")
	return &Client{cfg: cfg}, nil
}

// endpoints returns the base of the OAuth 2.0 endpoints, which the provider
// names (section 11.1 of the specification).
func (c *Client) endpoints(ctx context.Context) (string, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.auth != "" {
		return c.auth, nil
	}
	var info struct {
		OAuth2 string `json:"oauth2"`
	}
	if err := c.post(ctx, "/info", "", struct{}{}, &info); err != nil {
		return "", fmt.Errorf("ask the provider who it is: %w", err)
	}
	base := cmp.Or(strings.TrimSuffix(info.OAuth2, "/"), c.cfg.URL)
	// Signers are sent there, and the client's secret: it has to be as safe as the API.
	at, err := url.Parse(base)
	if err != nil || at.Host == "" || at.Scheme != "https" && !strings.HasPrefix(c.cfg.URL, at.Scheme+"://") || at.RawQuery != "" || at.Fragment != "" {
		return "", fmt.Errorf("the provider's oauth2 %.100q is no address to send signers to: %w", base, evidence.ErrMalformed)
	}
	c.auth = base
	return c.auth, nil
}

// Info implements evidence.Provider.
func (c *Client) Info() evidence.ProviderInfo { return c.cfg.Info }

// Credential implements evidence.Provider: the first valid credential of the
// signer, whom the provider knows by e-mail address.
// Asked again it is the same one, as the provider keeps their order.
func (c *Client) Credential(ctx context.Context, req evidence.CredentialRequest) (evidence.Credential, error) {
	var list struct {
		IDs []string `json:"credentialIDs"`
	}
	ask := map[string]any{"userID": cmp.Or(req.Email, req.Subject), "onlyValid": true, "maxResults": 1}
	if err := c.call(ctx, "/credentials/list", ask, &list); err != nil {
		return evidence.Credential{}, fmt.Errorf("list credentials: %w", err)
	}
	if len(list.IDs) == 0 {
		return evidence.Credential{}, fmt.Errorf("the provider has no credential for the signer: %w", evidence.ErrNotFound)
	}
	cred, chain, err := c.describe(ctx, list.IDs[0])
	if err != nil {
		return evidence.Credential{}, err
	}
	if err := c.usable(cred); err != nil { // before anything is prepared for it
		return evidence.Credential{}, err
	}
	if now := c.cfg.Clock.Now(); now.After(chain[0].NotAfter) || now.Before(chain[0].NotBefore) {
		return evidence.Credential{}, fmt.Errorf("the signer's certificate is not valid now: %w", evidence.ErrNotAllowed)
	}
	return evidence.Credential{ID: list.IDs[0], Chain: chain}, nil
}

func (c *Client) describe(ctx context.Context, id string) (credential, []*x509.Certificate, error) {
	var cred credential
	ask := map[string]any{"credentialID": id, "certificates": "chain", "certInfo": true, "authInfo": true}
	if err := c.call(ctx, "/credentials/info", ask, &cred); err != nil {
		return cred, nil, fmt.Errorf("credential: %w", err)
	}
	if cred.Key.Status != "enabled" || cred.Cert.Status != "" && cred.Cert.Status != "valid" {
		return cred, nil, fmt.Errorf("credential with key %q, certificate %q: %w", cred.Key.Status, cred.Cert.Status, evidence.ErrNotAllowed)
	}
	var chain []*x509.Certificate
	for _, s := range cred.Cert.Certificates {
		der, err := base64.StdEncoding.DecodeString(s)
		if err != nil {
			return cred, nil, fmt.Errorf("credential's certificate: %w", evidence.ErrMalformed)
		}
		cert, err := x509.ParseCertificate(der)
		if err != nil {
			return cred, nil, fmt.Errorf("credential's certificate: %w", evidence.ErrMalformed)
		}
		chain = append(chain, cert)
	}
	if len(chain) == 0 {
		return cred, nil, fmt.Errorf("credential without a certificate: %w", evidence.ErrMalformed)
	}
	return cred, chain, nil
}

// Authorize implements evidence.Provider. Where the signer's consent is
// needed, Authorization.Redirect says where to; Consented takes what they
// bring back.
func (c *Client) Authorize(ctx context.Context, id string, digests []evidence.SignDigest) (evidence.Authorization, error) {
	cred, _, err := c.describe(ctx, id)
	if err != nil {
		return evidence.Authorization{}, err
	}
	hashes, oid, err := encode(digests)
	if err != nil {
		return evidence.Authorization{}, err
	}
	auth := evidence.Authorization{Credential: id, Digests: digests}
	if err := c.usable(cred); err != nil {
		return auth, err
	}
	if cred.Multisign > 0 && len(digests) > cred.Multisign {
		return auth, fmt.Errorf("credential makes %d signatures at once, %d are asked for: %w", cred.Multisign, len(digests), evidence.ErrNotAllowed)
	}
	if cred.Auth.Mode == modeOAuth {
		auth.Redirect, err = c.consentURL(ctx, id, hashes, oid)
		return auth, err
	}
	var answer struct {
		SAD string `json:"SAD"`
	}
	ask := map[string]any{"credentialID": id, "numSignatures": len(hashes), "hashes": hashes, "hashAlgorithmOID": oid}
	if err := c.call(ctx, "/credentials/authorize", ask, &answer); err != nil {
		return auth, fmt.Errorf("authorize: %w", err)
	}
	if answer.SAD == "" {
		return auth, fmt.Errorf("authorize: an answer without SAD: %w", evidence.ErrMalformed)
	}
	auth.ID = answer.SAD
	return auth, nil
}

// Sign implements evidence.Provider. What comes back is verified by whoever
// puts it into a signature.
func (c *Client) Sign(ctx context.Context, auth evidence.Authorization, digests []evidence.SignDigest) ([][]byte, error) {
	if auth.ID == "" {
		return nil, fmt.Errorf("the signer has not consented at the provider: %w", evidence.ErrPending)
	}
	if !slices.EqualFunc(digests, auth.Digests, func(a, b evidence.SignDigest) bool { return a.Hash == b.Hash && bytes.Equal(a.Value, b.Value) }) {
		return nil, fmt.Errorf("hashes that were not authorized: %w", evidence.ErrNotAllowed) // with SCAL 1 the provider would sign them
	}
	cred, chain, err := c.describe(ctx, auth.Credential)
	if err != nil {
		return nil, err
	}
	hashes, oid, err := encode(digests)
	if err != nil {
		return nil, err
	}
	algorithm, err := cred.algorithm(chain[0].PublicKey, digests[0].Hash)
	if err != nil {
		return nil, err
	}
	var answer struct {
		Signatures []string `json:"signatures"`
	}
	ask := map[string]any{"credentialID": auth.Credential, "SAD": auth.ID, "hashes": hashes, "hashAlgorithmOID": oid, "signAlgo": algorithm, "operationMode": "S"}
	if err := c.call(ctx, "/signatures/signHash", ask, &answer); err != nil {
		return nil, fmt.Errorf("sign: %w", err)
	}
	if len(answer.Signatures) != len(digests) {
		return nil, fmt.Errorf("%d signatures for %d hashes: %w", len(answer.Signatures), len(digests), evidence.ErrMalformed)
	}
	out := make([][]byte, len(digests))
	for i, s := range answer.Signatures {
		if out[i], err = base64.StdEncoding.DecodeString(s); err != nil {
			return nil, fmt.Errorf("signature: %w", evidence.ErrMalformed)
		}
	}
	return out, nil
}

// Release implements evidence.Provider. The provider rules over its keys.
func (c *Client) Release(context.Context, string) error { return nil }

var hashOIDs = map[crypto.Hash]string{
	crypto.SHA256: "2.16.840.1.101.3.4.2.1", crypto.SHA384: "2.16.840.1.101.3.4.2.2", crypto.SHA512: "2.16.840.1.101.3.4.2.3",
}

// encode returns the hashes in base64 and their common algorithm.
func encode(digests []evidence.SignDigest) ([]string, string, error) {
	if len(digests) == 0 {
		return nil, "", fmt.Errorf("no hash to sign: %w", evidence.ErrMalformed)
	}
	var out []string
	for _, d := range digests {
		if d.Hash != digests[0].Hash || len(d.Value) != d.Hash.Size() {
			return nil, "", fmt.Errorf("hashes of different kinds: %w", evidence.ErrMalformed)
		}
		out = append(out, base64.StdEncoding.EncodeToString(d.Value))
	}
	oid, ok := hashOIDs[digests[0].Hash]
	if !ok {
		return nil, "", fmt.Errorf("hash %v: %w", digests[0].Hash, evidence.ErrMalformed)
	}
	return out, oid, nil
}

// call makes an API call with the service's access token.
func (c *Client) call(ctx context.Context, path string, ask, answer any) error {
	token, err := c.access(ctx)
	if err != nil {
		return err
	}
	return c.post(ctx, path, token, ask, answer)
}

// maxAnswer bounds what a provider may send.
const maxAnswer = 4 << 20

func (c *Client) post(ctx context.Context, path, token string, ask, answer any) error {
	body, err := json.Marshal(ask)
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, c.cfg.URL+path, bytes.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json")
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	return c.do(req, answer)
}

// do sends a request and reads its JSON answer, or the error that the
// specification's section 10.1 describes.
func (c *Client) do(req *http.Request, answer any) error {
	resp, err := c.cfg.HTTP.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	raw, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	if err != nil {
		return err
	}
	if resp.StatusCode != http.StatusOK {
		var problem struct {
			Error       string `json:"error"`
			Description string `json:"error_description"`
		}
		_ = json.Unmarshal(raw, &problem) // an answer without one still has its status
		return &ProviderError{Status: resp.StatusCode, Code: problem.Error, Description: problem.Description}
	}
	if err := json.Unmarshal(raw, answer); err != nil {
		return fmt.Errorf("provider's answer: %w", evidence.ErrMalformed)
	}
	return nil
}

// ProviderError is a refusal by the provider. It is evidence.ErrNotAllowed for
// a status of 4xx: asking the same again will not help.
type ProviderError struct {
	Status      int
	Code        string
	Description string
}

func (e *ProviderError) Error() string {
	return fmt.Sprintf("provider answered %d %.64q: %.300q", e.Status, e.Code, e.Description)
}

// Is reports whether the error is of the given kind.
func (e *ProviderError) Is(target error) bool {
	return target == evidence.ErrNotAllowed && e.Status >= 400 && e.Status < 500 //nolint:errorlint // sentinel
}

// access returns the service's access token by the client credentials grant.
func (c *Client) access(ctx context.Context) (string, error) {
	base, err := c.endpoints(ctx)
	if err != nil {
		return "", err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.token != "" && c.cfg.Clock.Now().Before(c.until) {
		return c.token, nil
	}
	t, err := c.grant(ctx, base, url.Values{"grant_type": {"client_credentials"}, "scope": {"service"}})
	if err != nil {
		return "", fmt.Errorf("sign in at the provider: %w", err)
	}
	c.token, c.until = t.Token, c.cfg.Clock.Now().Add(time.Duration(min(t.Expires, maxToken))*time.Second-time.Minute)
	return c.token, nil
}

// maxToken bounds how long an access token is used again, in seconds.
const maxToken = 24 * 60 * 60

type grant struct {
	Token   string `json:"access_token"`
	Type    string `json:"token_type"` // "Bearer" or "SAD"
	Expires int    `json:"expires_in"`
}

func (c *Client) grant(ctx context.Context, base string, form url.Values) (grant, error) {
	var g grant
	form.Set("client_id", c.cfg.ID)
	form.Set("client_secret", c.cfg.Secret)
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, base+"/oauth2/token", strings.NewReader(form.Encode()))
	if err != nil {
		return g, err
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if err := c.do(req, &g); err != nil {
		return g, err
	}
	if g.Token == "" {
		return g, fmt.Errorf("grant without a token: %w", evidence.ErrMalformed)
	}
	return g, nil
}
