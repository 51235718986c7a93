package csc

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"fmt"
	"slices"
	"strings"

	"inkwitness/evidence"
)

// credential is what credentials/info tells (section 11.5 of the specification).
type credential struct {
	Key struct {
		Status string   `json:"status"`
		Algo   []string `json:"algo"`
	} `json:"key"`
	Cert struct {
		Status       string   `json:"status"`
		Certificates []string `json:"certificates"`
	} `json:"cert"`
	Auth struct {
		Mode    string `json:"mode"`
		Objects []struct {
			ID string `json:"id"`
		} `json:"objects"` // what an explicit authorization has to bring
	} `json:"auth"`
	SCAL      string `json:"SCAL"` // "1" where it is not told
	Multisign int    `json:"multisign"`

	PIN, OTP struct {
		Presence string `json:"presence"`
	} // the same as Auth.Objects in version 1 of the API
}

// The ways of authorization that this client knows.
const (
	modeOAuth    = "oauth2code"
	modeExplicit = "explicit"
)

// qualified is the level of signatures under the signer's sole control.
const qualified = "qualified"

// usable says why a credential cannot be used, if it cannot.
func (c *Client) usable(cred credential) error {
	asks := cred.asks()
	switch {
	case cred.SCAL != "" && cred.SCAL != "1" && cred.SCAL != "2":
		return fmt.Errorf("credential with SCAL %.20q: %w", cred.SCAL, evidence.ErrMalformed)
	case cred.Auth.Mode != modeOAuth && cred.Auth.Mode != modeExplicit:
		return fmt.Errorf("credential is authorized by %.40q, which is neither %s nor %s: %w", cred.Auth.Mode, modeOAuth, modeExplicit, evidence.ErrNotAllowed)
	case cred.Auth.Mode == modeOAuth && c.cfg.Redirect == "":
		return fmt.Errorf("credential needs the signer's consent at the provider, and there is no address to come back to: %w", evidence.ErrNotAllowed)
	case cred.Auth.Mode == modeExplicit && len(asks) > 0:
		return fmt.Errorf("credential asks for %.100q, which is not asked of signers here; the provider has to offer %s: %w", strings.Join(asks, ", "), modeOAuth, evidence.ErrNotAllowed)
	case c.cfg.Info.Level == qualified && cred.SCAL != "2":
		return fmt.Errorf("credential has SCAL 1, qualified signatures need SCAL 2: %w", evidence.ErrNotAllowed)
	}
	return nil
}

// asks lists what an explicit authorization has to bring.
func (c credential) asks() (all []string) {
	for _, o := range c.Auth.Objects {
		all = append(all, o.ID)
	}
	if c.PIN.Presence == "true" {
		all = append(all, "PIN")
	}
	if c.OTP.Presence == "true" {
		all = append(all, "OTP")
	}
	return all
}

// oidRSA stands for RSASSA-PKCS1-v1_5 with whatever hash is asked for.
const oidRSA = "1.2.840.113549.1.1.1"

// algorithm is the OID of the signature algorithm, of those that the credential
// offers where it tells.
func (c credential) algorithm(pub crypto.PublicKey, h crypto.Hash) (string, error) {
	oid, err := signAlgorithm(pub, h)
	if err != nil {
		return "", err
	}
	_, isRSA := pub.(*rsa.PublicKey)
	if len(c.Key.Algo) > 0 && !slices.Contains(c.Key.Algo, oid) && !(isRSA && slices.Contains(c.Key.Algo, oidRSA)) {
		return "", fmt.Errorf("credential signs by %.200q, not by %s: %w", c.Key.Algo, oid, evidence.ErrNotAllowed)
	}
	return oid, nil
}

// signAlgorithm is the OID of the signature algorithm.
func signAlgorithm(pub crypto.PublicKey, h crypto.Hash) (string, error) {
	i, ok := map[crypto.Hash]int{crypto.SHA256: 0, crypto.SHA384: 1, crypto.SHA512: 2}[h]
	if !ok {
		return "", fmt.Errorf("hash %v: %w", h, evidence.ErrMalformed)
	}
	switch pub.(type) {
	case *rsa.PublicKey:
		return fmt.Sprintf("1.2.840.113549.1.1.%d", 11+i), nil
	case *ecdsa.PublicKey:
		return fmt.Sprintf("1.2.840.10045.4.3.%d", 2+i), nil
	case ed25519.PublicKey:
		return "1.3.101.112", nil
	}
	return "", fmt.Errorf("key %T: %w", pub, evidence.ErrMalformed)
}
