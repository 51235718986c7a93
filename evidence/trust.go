package evidence

import (
	"context"
	"crypto"
	"crypto/x509"
	"time"
)

// A trust provider takes hashes and gives back signatures. It is three small
// interfaces so that each can come from elsewhere: certificates from one
// house, time from another.

// Provider issues certificates and signs digests with them. Implementations
// are safe for concurrent use.
type Provider interface {
	// Info says who this is. It makes no outside call.
	Info() ProviderInfo

	// Credential returns the certificate for the request. Asked twice with the
	// same request ID it returns the same certificate: exactly one is used.
	// ErrErased once it was released.
	Credential(ctx context.Context, req CredentialRequest) (Credential, error)

	// Authorize asks the signer's consent to sign exactly these digests, in
	// this order. When Authorization.Redirect is set the signer must visit it
	// first; until then Sign returns ErrPending.
	Authorize(ctx context.Context, credential string, digests []SignDigest) (Authorization, error)

	// Sign returns one raw signature per authorized digest. Any other digest
	// is ErrNotAllowed.
	Sign(ctx context.Context, auth Authorization, digests []SignDigest) ([][]byte, error)

	// Release destroys the private key. It is idempotent; the certificate
	// stays known.
	Release(ctx context.Context, credential string) error
}

// ProviderInfo describes a provider to the people who choose it.
type ProviderInfo struct {
	Name    string `json:"name"` // "local", "csc", "pkcs11"
	Legal   string `json:"legal"`
	Country string `json:"country"` // ISO 3166-1 alpha-2
	Level   string `json:"level"`   // "simple", "advanced", "qualified"
}

// CredentialRequest names the person that a certificate is for.
type CredentialRequest struct {
	ID       string        `json:"id"`      // idempotency key: deposit and signer
	Subject  string        `json:"subject"` // signer id
	Deposit  string        `json:"deposit"`
	Name     string        `json:"name"` // as it shall read in the certificate
	Email    string        `json:"email,omitempty"`
	Country  string        `json:"country,omitempty"`
	Lifetime time.Duration `json:"lifetime"` // 0 means one hour
}

// Credential is a certificate that can sign.
type Credential struct {
	ID    string
	Chain []*x509.Certificate // leaf first, up to and with the root
}

// SignDigest is one digest to sign.
type SignDigest struct {
	Hash  crypto.Hash
	Value []byte
}

// Authorization allows one signing of the digests it was made for.
type Authorization struct {
	ID         string       `json:"id"`
	Credential string       `json:"credential"`
	Digests    []SignDigest `json:"digests"`
	Redirect   string       `json:"redirect,omitempty"` // where the signer consents, empty when nothing is left to do
}

// Timestamper gives an RFC 3161 token over a digest.
type Timestamper interface {
	// Timestamp returns the DER of a TimeStampToken. ErrClock when the
	// authority does not trust its own clock.
	Timestamp(ctx context.Context, hash crypto.Hash, digest []byte) ([]byte, error)
}

// Revoker gives the material with which a certificate can be checked years
// after its issuer is gone.
type Revoker interface {
	// Revocation returns current CRLs or OCSP answers (DER) for every
	// certificate of the chain but the root.
	Revocation(ctx context.Context, chain []*x509.Certificate) (Revocation, error)
}

// Revocation is validation material to be kept beside a signature.
type Revocation struct {
	CRLs  [][]byte
	OCSPs [][]byte
}

// Keys creates, opens and destroys secrets that are kept wrapped by the root
// key. Implementations are safe for concurrent use and durable on return.
type Keys interface {
	// Create wraps the secret and stores it under k.ID. ErrExists when there
	// is one, destroyed or not.
	Create(ctx context.Context, k Key, secret []byte) error

	// Open returns the key and its secret; ErrNotFound, or *ErasedError, which
	// comes with the Key's public part.
	Open(ctx context.Context, id string) (Key, []byte, error)

	// Destroy makes the secret unreadable for good. It is idempotent: the
	// first erasure stays.
	Destroy(ctx context.Context, id string, e Erasure) error
}
