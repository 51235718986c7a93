package signing

import (
	"context"

	"inkwitness/api"
	"inkwitness/api/ceremony"
)

// Proofs is the key holder, which signs for nobody whose browser has not signed
// first. A nil Proofs asks for none: keys are then in the service itself.
type Proofs interface {
	// Enrol registers the public key that the signer's browser made.
	Enrol(ctx context.Context, document, signer string, public []byte) error
	// Challenge returns the statement that this key has to sign.
	Challenge(ctx context.Context, document, signer, sha256 string, signatures int, public []byte) (string, error)
	// Approve takes the signature over the statement, once.
	Approve(ctx context.Context, document, signer, sha256, statement string, signature []byte) error
}

// ProofInput is what the browser's key signed.
type ProofInput struct {
	Statement string `json:"statement" maxLength:"1000"`
	Signature []byte `json:"signature" maxLength:"200" doc:"ECDSA with P-256 and SHA-256 over the statement: r and s, 32 bytes each"`
}

type proofInput struct {
	Body struct {
		PublicKey []byte `json:"publicKey" maxLength:"400" doc:"SubjectPublicKeyInfo of a P-256 key that was made in this browser and cannot leave it"`
	}
}

type statementOutput struct {
	Body struct {
		Statement string `json:"statement" doc:"names the document by its SHA-256; check that before signing it"`
	}
}

func (h *Handler) mountProof(a *api.API) {
	api.Register(a, api.Route{Method: "POST", Path: "/api/signing/key", ID: "registerSigningKey", Tag: tag, Status: 204,
		Summary: "Register the key of this browser, where proof is asked for"}, h.register)
	api.Register(a, api.Route{Method: "POST", Path: "/api/signing/proof", ID: "askSigningProof", Tag: tag,
		Summary: "Ask for the statement that this browser's key has to sign"}, h.statement)
}

// asksProof tells whether the key holder wants a proof: other providers ask their
// signers themselves.
func (h *Handler) asksProof(d *ceremony.Document) bool {
	return h.Proofs != nil && d.TrustProvider == ""
}

func (h *Handler) proving(ctx context.Context) (*ceremony.Document, *ceremony.Signer, error) {
	d, s, err := h.me(ctx, api.Sign, api.CeremonyObject)
	if err == nil && !h.asksProof(d) {
		err = api.Explain(api.ErrConflict, "No proof is asked for.")
	}
	return d, s, err
}

func (h *Handler) register(ctx context.Context, in *proofInput) (*struct{}, error) {
	d, s, err := h.proving(ctx)
	if err != nil {
		return nil, err
	}
	return nil, h.Proofs.Enrol(ctx, d.ID, s.ID, in.Body.PublicKey)
}

func (h *Handler) statement(ctx context.Context, in *proofInput) (*statementOutput, error) {
	d, s, err := h.proving(ctx)
	if err != nil {
		return nil, err
	}
	out := &statementOutput{}
	out.Body.Statement, err = h.Proofs.Challenge(ctx, d.ID, s.ID, d.Current.SHA256.String(), d.Signatures(s), in.Body.PublicKey)
	return out, err
}

// approve hands the proof on. It comes before the confirmation: without it
// nothing is confirmed, and a signer whose confirmation failed proves anew.
func (h *Handler) approve(ctx context.Context, d *ceremony.Document, s *ceremony.Signer, p *ProofInput) error {
	switch {
	case !h.asksProof(d):
		return nil
	case s.State == ceremony.Signing || s.State == ceremony.Signed:
		return nil // confirmed already, as Confirm will say
	case p == nil:
		return api.Explain(api.ErrForbidden, "The proof of your browser is missing. Load this page again.")
	}
	return h.Proofs.Approve(ctx, d.ID, s.ID, d.Current.SHA256.String(), p.Statement, p.Signature)
}
