package renew

import (
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
	return Support{Hash: chain[0].Hash, Signature: cms.KeyName(token.Signer.PublicKey), Certificate: token.Signer.NotAfter.UTC()}, nil
}
