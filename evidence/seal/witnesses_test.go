package seal_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"testing"

	"inkwitness/evidence"
	"inkwitness/evidence/deposit"
	"inkwitness/evidence/evidencetest"
	"inkwitness/evidence/ledger"
	"inkwitness/evidence/proof"
	"inkwitness/evidence/seal"
	"inkwitness/evidence/seal/sealtest"
)

// While deposits wait for a witness that is away, the service is started again with
// others: without it, with another in its place, or with more that are needed. What
// was sealed for the old ones is sealed again where they do not confirm it any more,
// and then once; and what the deposit does not name is not in its proof.
func TestWitnessesChangeMeanwhile(t *testing.T) {
	for name, c := range map[string]struct {
		named, asked []string // by the deposit, by the service that goes on
		need, again  int
	}{
		"one is taken out":            {[]string{"a", "b"}, []string{"a"}, 1, 1},
		"another comes in its place":  {[]string{"a", "b"}, []string{"a", "c"}, 2, 1},
		"another comes beside them":   {[]string{"a", "b"}, []string{"a", "b", "c"}, 3, 0},
		"as before, after a long way": {[]string{"a", "b"}, []string{"a", "b"}, 2, 0},
	} {
		t.Run(name, func(t *testing.T) {
			ctx, cosigners := t.Context(), &sealtest.Cosigners{Clock: &evidencetest.Clock{}}
			w := sealtest.NewWitnessed(t, func([]proof.Key) ledger.Cosigner { return cosigners })
			serve := func(witnesses []string, need int) {
				cosigners.Signers, w.Config.Witnesses, w.Config.Need = nil, nil, need
				for _, n := range witnesses {
					s, err := proof.NewSigner(n+".example/w", proof.CosignEd, bytes.Repeat([]byte(n), 32))
					w.Check(err)
					cosigners.Signers, w.Config.Witnesses = append(cosigners.Signers, s), append(w.Config.Witnesses, s.Key)
				}
				var err error
				w.Sealer, err = seal.New(w.Config)
				w.Check(err)
			}
			serve(c.named, 2)
			var m sealtest.Memory
			contents := w.Contents(w.Signed(1), 100)
			commit := func() {
				commitment, err := w.Commit(ctx, contents, m.State, m.Keep)
				w.Check(err)
				w.Check(w.LogStore.Add(commitment))
			}
			commit()
			serve(c.asked, c.need)
			_, err := w.Ledger.Sequence(ctx)
			w.Check(err)
			again := 0
			var d evidence.Deposit
			for d, err = w.Deposit(ctx, m.State, m.Keep); errors.Is(err, evidence.ErrVoid); d, err = w.Deposit(ctx, m.State, m.Keep) {
				if _, err := w.Deposit(ctx, m.State, m.Keep); !errors.Is(err, evidence.ErrVoid) {
					t.Errorf("asked again before it is sealed again: %v", err)
				}
				if again++; again > 1 {
					break
				}
				commit()
				_, err := w.Ledger.Sequence(ctx)
				w.Check(err)
			}
			w.Check(err)
			if again != c.again {
				t.Errorf("sealed again %d times, want %d", again, c.again)
			}
			trust := deposit.Options{Roots: w.Roots(), LogKeys: append(w.Ledger.Keys(), w.Config.Witnesses[0])}
			if report := sealtest.Verify(w.Bytes(d.Container), trust); !report.Holds() {
				t.Errorf("the deposit: %+v", report.Failed())
			}
		})
	}
}

// A deposit that has to wait for a witness waits, and is not lost.
func TestDepositWaitsForItsWitnesses(t *testing.T) {
	ctx, cosigners := t.Context(), &sealtest.Cosigners{Clock: &evidencetest.Clock{}}
	w := sealtest.NewWitnessed(t, func([]proof.Key) ledger.Cosigner { return cosigners })
	s, err := proof.NewSigner("a.example/w", proof.CosignEd, bytes.Repeat([]byte("a"), 32))
	w.Check(err)
	w.Config.Witnesses, w.Config.Need = []proof.Key{s.Key}, 1
	w.Sealer, err = seal.New(w.Config)
	w.Check(err)
	var m sealtest.Memory
	c, err := w.Commit(ctx, w.Contents(w.Signed(1), 100), nil, m.Keep)
	w.Check(err)
	w.Check(w.LogStore.Add(c))
	_, err = w.Ledger.Sequence(ctx) // by an instance that still asks nobody
	w.Check(err)
	if _, err := w.Deposit(ctx, m.State, m.Keep); !errors.Is(err, evidence.ErrPending) {
		t.Fatalf("confirmed by nobody: %v", err)
	}
	cosigners.Signers = []*proof.Signer{s}
	w.Check(w.LogStore.Add(evidence.Commitment{1}))
	_, err = w.Ledger.Sequence(ctx)
	w.Check(err)
	if _, err := w.Deposit(ctx, m.State, m.Keep); err != nil {
		t.Error(err)
	}
}

// An earlier release kept the proof as it came, with the line of a witness that the
// deposit does not name, and got no further. What it left goes on.
func TestKeptProofOfAnotherWitness(t *testing.T) {
	ctx, cosigners := t.Context(), &sealtest.Cosigners{Clock: &evidencetest.Clock{}}
	w := sealtest.NewWitnessed(t, func([]proof.Key) ledger.Cosigner { return cosigners })
	s, err := proof.NewSigner("new.example/w", proof.CosignEd, bytes.Repeat([]byte("n"), 32))
	w.Check(err)
	cosigners.Signers = []*proof.Signer{s}
	var m sealtest.Memory
	c, err := w.Commit(ctx, w.Contents(w.Signed(1), 100), nil, m.Keep)
	w.Check(err)
	w.Check(w.LogStore.Add(c))
	_, err = w.Ledger.Sequence(ctx)
	w.Check(err)
	raw, err := w.Ledger.Proof(ctx, c)
	w.Check(err)
	var state map[string]any
	w.Check(json.Unmarshal(m.State, &state))
	state["proof"], state["step"] = raw, evidence.StepSequenced
	kept, err := json.Marshal(state)
	w.Check(err)
	d, err := w.Deposit(ctx, kept, m.Keep)
	w.Check(err)
	if report := sealtest.Verify(w.Bytes(d.Container), deposit.Options{Roots: w.Roots(), LogKeys: w.Ledger.Keys()}); !report.Holds() {
		t.Errorf("the deposit: %+v", report.Failed())
	}
}
