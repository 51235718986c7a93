package holder

import (
	"bytes"
	"context"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"

	"inkwitness/evidence"
)

// Client is the holder as the service sees it. It implements evidence.Provider
// and evidence.Revoker, and is safe for concurrent use. While the holder is away
// every call is ErrAway and nothing is lost: callers try again.
type Client struct {
	http *http.Client
	info evidence.ProviderInfo
}

// Dial returns a Client of the holder at a socket. It asks nothing yet.
func Dial(socket string, info evidence.ProviderInfo) *Client {
	return &Client{info: info, http: &http.Client{Timeout: 30 * time.Second, Transport: &http.Transport{
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return (&net.Dialer{Timeout: 2 * time.Second}).DialContext(ctx, "unix", socket)
		},
		IdleConnTimeout: 30 * time.Second,
	}}}
}

func (c *Client) call(ctx context.Context, name string, in any) (answer, error) {
	body, err := json.Marshal(in)
	if err != nil {
		return answer{}, err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://holder/"+name, bytes.NewReader(body))
	if err != nil {
		return answer{}, err
	}
	res, err := c.http.Do(req)
	if err != nil {
		return answer{}, fmt.Errorf("%w: %w", ErrAway, err)
	}
	defer res.Body.Close()
	var out answer
	if err := json.NewDecoder(io.LimitReader(res.Body, maxBody)).Decode(&out); err != nil || res.StatusCode != http.StatusOK {
		return answer{}, fmt.Errorf("%w: answer %d cannot be read", ErrAway, res.StatusCode)
	}
	if out.Error == "" {
		return out, nil
	}
	if known := kinds[out.Kind]; known != nil {
		return answer{}, &remoteError{out.Error, known}
	}
	return answer{}, fmt.Errorf("key holder: %s", out.Error)
}

// remoteError has the holder's words and its kind.
type remoteError struct {
	text string
	kind error
}

func (e *remoteError) Error() string { return e.text }
func (e *remoteError) Unwrap() error { return e.kind }

// Root asks for the certificate that the signers' certificates end in.
func (c *Client) Root(ctx context.Context) (*x509.Certificate, error) {
	out, err := c.call(ctx, "root", struct{}{})
	if err != nil {
		return nil, err
	}
	chain, err := parseChain(out.Chain)
	if err != nil || len(chain) != 1 {
		return nil, fmt.Errorf("root of the key holder: %w", evidence.ErrMalformed)
	}
	return chain[0], nil
}

// Enrol registers the key of a signer's browser.
func (c *Client) Enrol(ctx context.Context, ceremony, signer string, public []byte) error {
	_, err := c.call(ctx, "enrol", enrolCall{ceremony, signer, public})
	return err
}

// Challenge asks for the statement that the browser has to sign.
func (c *Client) Challenge(ctx context.Context, ceremony, signer, document string, signatures int, public []byte) (string, error) {
	out, err := c.call(ctx, "challenge", challengeCall{ceremony, signer, document, signatures, public})
	return out.Statement, err
}

// Approve hands over what the browser signed.
func (c *Client) Approve(ctx context.Context, ceremony, signer, document, statement string, signature []byte) error {
	_, err := c.call(ctx, "approve", approveCall{ceremony, signer, document, statement, signature})
	return err
}

// Info implements evidence.Provider.
func (c *Client) Info() evidence.ProviderInfo { return c.info }

// Credential implements evidence.Provider.
func (c *Client) Credential(ctx context.Context, req evidence.CredentialRequest) (evidence.Credential, error) {
	out, err := c.call(ctx, "credential", req)
	if err != nil {
		return evidence.Credential{}, err
	}
	chain, err := parseChain(out.Chain)
	if err == nil && len(chain) == 0 {
		err = fmt.Errorf("key holder: a credential without a certificate: %w", evidence.ErrMalformed)
	}
	if err != nil {
		return evidence.Credential{}, err
	}
	return evidence.Credential{ID: req.ID, Chain: chain}, nil
}

// Authorize implements evidence.Provider.
func (c *Client) Authorize(ctx context.Context, credential string, digests []evidence.SignDigest) (evidence.Authorization, error) {
	out, err := c.call(ctx, "authorize", digestsCall{Credential: credential, Digests: toWire(digests)})
	if err == nil && (out.Auth.ID == "" || out.Auth.Credential != credential || out.Auth.Redirect != "") {
		err = fmt.Errorf("key holder: an authorization of something else: %w", evidence.ErrMalformed)
	}
	if err != nil {
		return evidence.Authorization{}, err
	}
	out.Auth.Digests = digests
	return out.Auth, nil
}

// Sign implements evidence.Provider.
func (c *Client) Sign(ctx context.Context, auth evidence.Authorization, digests []evidence.SignDigest) ([][]byte, error) {
	auth.Digests = nil
	out, err := c.call(ctx, "sign", digestsCall{Auth: auth, Digests: toWire(digests)})
	if err == nil && len(out.Values) != len(digests) {
		err = fmt.Errorf("key holder: %d signatures for %d digests: %w", len(out.Values), len(digests), evidence.ErrMalformed)
	}
	if err != nil {
		return nil, err
	}
	return out.Values, nil
}

// Release implements evidence.Provider.
func (c *Client) Release(ctx context.Context, credential string) error {
	_, err := c.call(ctx, "release", digestsCall{Credential: credential})
	return err
}

// Revocation implements evidence.Revoker.
func (c *Client) Revocation(ctx context.Context, chain []*x509.Certificate) (evidence.Revocation, error) {
	out, err := c.call(ctx, "revocation", answer{Chain: raw(chain)})
	return evidence.Revocation{CRLs: out.Values}, err
}
