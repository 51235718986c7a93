//go:build pkcs11

package pkcs11

import (
	"cmp"
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"fmt"
	"sync"

	"github.com/ThalesGroup/crypto11"

	"inkwitness/evidence"
)

// Issuer certifies keys that lie elsewhere; *trust.Local does.
type Issuer interface {
	// Certify returns a new certificate with the issuers behind it.
	Certify(ctx context.Context, req evidence.CredentialRequest, pub crypto.PublicKey) ([]*x509.Certificate, error)

	// Root is the certificate that every chain ends in.
	Root() *x509.Certificate
}

// Config is what a Provider needs. All fields are required.
type Config struct {
	Library string // path of the module's PKCS #11 library
	Token   string // label of the token
	Pin     string
	Issuer  Issuer
	Secret  []byte                // 32 bytes that bind authorizations to their digests
	Info    evidence.ProviderInfo // who runs the module
}

// Provider implements evidence.Provider. It is safe for concurrent use.
type Provider struct {
	cfg Config
	hsm *crypto11.Context
	mu  sync.Mutex // making a credential: the module has no uniqueness of its own
}

// Open signs in at the module.
func Open(cfg Config) (*Provider, error) {
	if cfg.Library == "" || cfg.Token == "" || cfg.Issuer == nil || len(cfg.Secret) != 32 {
		return nil, errors.New("pkcs11: Library, Token, Issuer and a Secret of 32 bytes are required")
	}
	hsm, err := crypto11.Configure(&crypto11.Config{Path: cfg.Library, TokenLabel: cfg.Token, Pin: cfg.Pin})
	if err != nil {
		return nil, fmt.Errorf("open security module: %w", err)
	}
	return &Provider{cfg: cfg, hsm: hsm}, nil
}

// Close signs out.
func (p *Provider) Close() error { return p.hsm.Close() }

// Info implements evidence.Provider.
func (p *Provider) Info() evidence.ProviderInfo {
	info := p.cfg.Info
	info.Name, info.Level = cmp.Or(info.Name, "pkcs11"), cmp.Or(info.Level, "advanced")
	return info
}

// label is the module's id of a credential: attributes have a bounded length.
func label(credential string) []byte {
	sum := sha256.Sum256([]byte(credential))
	return sum[:]
}

// Credential implements evidence.Provider. The certificate is put into the
// module last: a key without one is left over from a crash and made anew.
func (p *Provider) Credential(ctx context.Context, req evidence.CredentialRequest) (evidence.Credential, error) {
	if req.ID == "" || req.Name == "" {
		return evidence.Credential{}, fmt.Errorf("credential request needs ID and name: %w", evidence.ErrNotAllowed)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	id := label(req.ID)
	known, err := p.hsm.FindCertificate(id, nil, nil)
	if err != nil {
		return evidence.Credential{}, fmt.Errorf("find certificate: %w", err)
	}
	if known != nil {
		if _, err := p.key(req.ID); err != nil {
			return evidence.Credential{}, err
		}
		return evidence.Credential{ID: req.ID, Chain: []*x509.Certificate{known, p.cfg.Issuer.Root()}}, nil
	}
	if err := p.deleteKey(req.ID); err != nil {
		return evidence.Credential{}, err
	}
	key, err := p.hsm.GenerateECDSAKeyPair(id, elliptic.P256())
	if err != nil {
		return evidence.Credential{}, fmt.Errorf("make key in the module: %w", err)
	}
	chain, err := p.cfg.Issuer.Certify(ctx, req, key.Public())
	if err != nil {
		return evidence.Credential{}, fmt.Errorf("certify key: %w", err)
	}
	if err := p.hsm.ImportCertificate(id, chain[0]); err != nil {
		return evidence.Credential{}, fmt.Errorf("keep certificate in the module: %w", err)
	}
	return evidence.Credential{ID: req.ID, Chain: chain}, nil
}

// key returns a credential's key, ErrErased when it was deleted. The module's
// own FindKeyPair cannot tell a missing key from a failure.
func (p *Provider) key(credential string) (crypto11.Signer, error) {
	keys, err := p.hsm.FindKeyPairs(label(credential), nil)
	if err != nil {
		return nil, fmt.Errorf("find key: %w", err)
	}
	if len(keys) == 0 {
		return nil, fmt.Errorf("key of credential %s: %w", credential, evidence.ErrErased)
	}
	return keys[0], nil
}

func (p *Provider) deleteKey(credential string) error {
	key, err := p.key(credential)
	if errors.Is(err, evidence.ErrErased) {
		return nil
	}
	if err != nil {
		return err
	}
	if err := key.Delete(); err != nil {
		return fmt.Errorf("delete key in the module: %w", err)
	}
	return nil
}

// Authorize implements evidence.Provider.
func (p *Provider) Authorize(_ context.Context, credential string, digests []evidence.SignDigest) (evidence.Authorization, error) {
	return evidence.Authorization{ID: p.code(credential, digests), Credential: credential, Digests: digests}, nil
}

func (p *Provider) code(credential string, digests []evidence.SignDigest) string {
	mac := hmac.New(sha256.New, p.cfg.Secret)
	fmt.Fprintf(mac, "%s\n", credential)
	for _, d := range digests {
		fmt.Fprintf(mac, "%d %x\n", d.Hash, d.Value)
	}
	return hex.EncodeToString(mac.Sum(nil))
}

// Sign implements evidence.Provider.
func (p *Provider) Sign(_ context.Context, auth evidence.Authorization, digests []evidence.SignDigest) ([][]byte, error) {
	if subtle.ConstantTimeCompare([]byte(auth.ID), []byte(p.code(auth.Credential, digests))) != 1 {
		return nil, fmt.Errorf("sign: the authorization is for other digests: %w", evidence.ErrNotAllowed)
	}
	key, err := p.key(auth.Credential)
	if err != nil {
		return nil, fmt.Errorf("sign: %w", err)
	}
	out := make([][]byte, len(digests))
	for i, d := range digests {
		if out[i], err = key.Sign(rand.Reader, d.Value, d.Hash); err != nil {
			return nil, fmt.Errorf("sign in the module: %w", err)
		}
		if pub, ok := key.Public().(*ecdsa.PublicKey); !ok || !ecdsa.VerifyASN1(pub, d.Value, out[i]) {
			return nil, fmt.Errorf("the module's signature does not verify: %w", evidence.ErrCorrupt)
		}
	}
	return out, nil
}

// Release implements evidence.Provider: the key is deleted, the certificate
// stays and says that there was one.
func (p *Provider) Release(_ context.Context, credential string) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.deleteKey(credential)
}
