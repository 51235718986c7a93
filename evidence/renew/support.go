package renew

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"fmt"

	"inkwitness/evidence"
	"inkwitness/evidence/cms"
)

// restsOn says what the newest token of a record rests on.
func restsOn(r *cms.EvidenceRecord) (Support, error) {
	chain := r.Chains[len(r.Chains)-1]
	token, err := cms.ParseToken(chain[len(chain)-1].Token)
	if err != nil {
		return Support{}, fmt.Errorf("newest timestamp: %w", err)
	}
	if token.Signer == nil {
		return Support{}, fmt.Errorf("newest timestamp without its certificate: %w", evidence.ErrMalformed)
	}
	return Support{Hash: chain[0].Hash, Signature: signatureName(token.Signer.PublicKey), Certificate: token.Signer.NotAfter.UTC()}, nil
}

// signatureName names a key as the table of algorithms does. RSA keys of 3072
// bits and more count as 3072.
func signatureName(key any) string {
	switch k := key.(type) {
	case *ecdsa.PublicKey:
		return "ECDSA " + k.Curve.Params().Name
	case ed25519.PublicKey:
		return "Ed25519"
	case *rsa.PublicKey:
		if k.N.BitLen() >= 3072 {
			return "RSA 3072"
		}
		return fmt.Sprintf("RSA %d", k.N.BitLen())
	}
	return fmt.Sprintf("%T", key)
}
