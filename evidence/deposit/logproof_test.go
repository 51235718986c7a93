package deposit

import (
	"bytes"
	"testing"

	"inkwitness/evidence"
	"inkwitness/evidence/proof"
)

// A witness that signs with two algorithms is one witness: a deposit that asks for
// two is not confirmed by it.
func TestTwoSignaturesAreOneWitness(t *testing.T) {
	signer := func(name string, a proof.Algorithm) *proof.Signer {
		s, err := proof.NewSigner(name, a, bytes.Repeat([]byte{byte(a), name[0]}, 16))
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	log := signer("example.com/log", proof.Ed25519)
	witnesses := []*proof.Signer{signer("a.example/w", proof.CosignEd), signer("a.example/w", proof.CosignMLDSA), signer("b.example/w", proof.CosignEd)}
	for confirmed, holds := range map[int]bool{1: false, 2: false, 3: true} { // of the three keys
		c := proof.Checkpoint{Origin: log.Key.Name, Size: 1, Root: proof.LeafHash(nil)}
		c.Note.Text = proof.CheckpointText(c.Origin, c.Size, c.Root)
		for _, s := range append([]*proof.Signer{log}, witnesses[:confirmed]...) {
			sig, err := s.Sign(c, sealed)
			if err != nil {
				t.Fatal(err)
			}
			c.Note.Sigs = append(c.Note.Sigs, sig)
		}
		v := &verifier{report: &evidence.Report{}, info: Info{Log: Log{Origin: c.Origin, Keys: []string{log.Key.String()}, Need: 2}}}
		for _, s := range witnesses {
			v.info.Log.Witnesses = append(v.info.Log.Witnesses, s.Key.String())
		}
		v.logSignatures(c)
		if v.report.Holds() != holds {
			t.Errorf("%d signatures by witnesses: %+v", confirmed, v.report.Checks)
		}
	}
}
