package csc

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"fmt"
	"net/url"
	"strconv"
	"strings"

	"inkwitness/evidence"
)

// The way of a signer's consent (section 8.3 of the specification): the signer
// visits oauth2/authorize, where the provider shows what will be signed, and
// comes back to Config.Redirect with a code, which is exchanged for the SAD.
// State and PKCE verifier (RFC 7636) are derived from the client's secret and
// the request, so that nothing has to be kept between the two.

func (c *Client) consentURL(ctx context.Context, id string, hashes []string, oid string) (string, error) {
	base, err := c.endpoints(ctx)
	if err != nil {
		return "", err
	}
	q := url.Values{"response_type": {"code"}, "client_id": {c.cfg.ID}, "redirect_uri": {c.cfg.Redirect}, "scope": {"credential"},
		"credentialID": {id}, "numSignatures": {strconv.Itoa(len(hashes))}, "hashes": {strings.Join(urlSafe(hashes), ",")}, "hashAlgorithmOID": {oid},
		"state": {c.derive("state", id, hashes)}, "code_challenge": {challenge(c.derive("verifier", id, hashes))}, "code_challenge_method": {"S256"}}
	return base + "/oauth2/authorize?" + q.Encode(), nil
}

// urlSafe turns base64 into base64url, as hashes travel in an address.
func urlSafe(hashes []string) []string {
	out := make([]string, len(hashes))
	for i, h := range hashes {
		out[i] = strings.NewReplacer("+", "-", "/", "_").Replace(strings.TrimRight(h, "="))
	}
	return out
}

func (c *Client) derive(what, id string, hashes []string) string {
	mac := hmac.New(sha256.New, []byte(c.cfg.Secret))
	fmt.Fprintf(mac, "%s\n%s\n%s", what, id, strings.Join(hashes, ","))
	return base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}

func challenge(verifier string) string {
	sum := sha256.Sum256([]byte(verifier))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

// Consented exchanges the code with which the signer came back for the
// authorization to sign. A state that is not that of this authorization is
// evidence.ErrNotAllowed: somebody else's answer.
func (c *Client) Consented(ctx context.Context, auth evidence.Authorization, state, code string) (evidence.Authorization, error) {
	hashes, _, err := encode(auth.Digests)
	if err != nil {
		return auth, err
	}
	if subtle.ConstantTimeCompare([]byte(state), []byte(c.derive("state", auth.Credential, hashes))) != 1 {
		return auth, fmt.Errorf("consent for something else: %w", evidence.ErrNotAllowed)
	}
	base, err := c.endpoints(ctx)
	if err != nil {
		return auth, err
	}
	g, err := c.grant(ctx, base, url.Values{"grant_type": {"authorization_code"}, "code": {code}, "redirect_uri": {c.cfg.Redirect},
		"code_verifier": {c.derive("verifier", auth.Credential, hashes)}})
	if err != nil {
		return auth, fmt.Errorf("take over the signer's consent: %w", err)
	}
	auth.ID, auth.Redirect = g.Token, ""
	return auth, nil
}
