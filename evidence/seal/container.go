package seal

import (
	"context"
	"crypto/x509"
	"fmt"
	"io"
	"slices"

	"inkwitness/evidence"
	"inkwitness/evidence/deposit"
	"inkwitness/evidence/proof"
)

// Deposit writes the container of a committed seal and returns it.
// evidence.ErrPending means that the log has not answered yet, or the witnesses
// have not; evidence.ErrVoid that there is nothing to write and Commit has to be
// called again. A container that does not verify is an error: it is never handed out.
func (s *Sealer) Deposit(ctx context.Context, kept []byte, keep Keep) (evidence.Deposit, error) {
	st := &depositState{}
	if err := restore(kept, st); err != nil {
		return evidence.Deposit{}, err
	}
	if st.Timestamp == nil {
		return evidence.Deposit{}, fmt.Errorf("deposit is not committed: %w", evidence.ErrVoid)
	}
	if st.Step == evidence.StepDeposited {
		return result(st)
	}
	save := saver(st, keep)
	if err := s.prove(ctx, st, save); err != nil {
		return evidence.Deposit{}, err
	}
	if err := s.writeContainer(ctx, st); err != nil {
		return evidence.Deposit{}, fmt.Errorf("write container: %w", err)
	}
	if err := s.cfg.Own.Release(ctx, st.Certificate.ID); err != nil {
		return evidence.Deposit{}, err
	}
	st.Step = evidence.StepDeposited
	if err := save(ctx); err != nil {
		return evidence.Deposit{}, err
	}
	return result(st)
}

// prove takes the proof from the log with what the deposit names of it. The witnesses
// may have changed since the deposit was signed: a proof without those that it asks for
// would never hold. Where they are still asked it waits; where they are not, the
// seal is void.
func (s *Sealer) prove(ctx context.Context, st *depositState, save func(context.Context) error) error {
	if st.Proof != nil { // an earlier release kept it as it came
		raw, confirmed, err := named(st.Proof, st.Info.Log)
		if err != nil {
			return err
		}
		if confirmed {
			st.Proof = raw
			return nil
		}
	}
	raw, err := s.cfg.Log.Proof(ctx, st.Commitment)
	if err != nil {
		return err
	}
	raw, confirmed, err := named(raw, st.Info.Log)
	switch {
	case err != nil:
		return err
	case confirmed:
		st.Proof, st.Step = raw, evidence.StepSequenced
		return save(ctx)
	case st.Info.Log.Need == s.cfg.Need && slices.Equal(st.Info.Log.Witnesses, vkeys(s.cfg.Witnesses)):
		return fmt.Errorf("the witnesses have not confirmed the log as the deposit asks: %w", evidence.ErrPending)
	}
	if err := s.cfg.Own.Release(ctx, st.Certificate.ID); err != nil {
		return fmt.Errorf("release a certificate: %w", err)
	}
	*st = depositState{Step: evidence.StepIntent, Certificate: certificate{Try: st.Certificate.Try}}
	if err := save(ctx); err != nil {
		return err
	}
	return fmt.Errorf("the witnesses that the deposit asks for are asked no more: %w", evidence.ErrVoid)
}

// named is a proof with the signature lines of those alone whom the deposit names,
// and whether enough of its witnesses are among them.
func named(raw []byte, log deposit.Log) ([]byte, bool, error) {
	p, err := proof.Parse(raw)
	if err != nil {
		return nil, false, err
	}
	keys := slices.Concat(log.Keys, log.Witnesses)
	var lines []proof.Sig
	for _, sig := range p.Checkpoint.Note.Sigs {
		if slices.ContainsFunc(keys, func(key string) bool {
			k, err := proof.ParseKey(key)
			return err == nil && k.Name == sig.Name && k.ID() == sig.ID
		}) {
			lines = append(lines, sig)
		}
	}
	p.Checkpoint.Note.Sigs = lines
	return p.Marshal(), log.Confirmed(p.Checkpoint) >= log.Need, nil
}

func vkeys(keys []proof.Key) (all []string) {
	for _, k := range keys {
		all = append(all, k.String())
	}
	return all
}

func result(st *depositState) (evidence.Deposit, error) {
	p, err := proof.Parse(st.Proof)
	if err != nil {
		return evidence.Deposit{}, err
	}
	return evidence.Deposit{ID: st.Info.ID, Title: st.Info.Title, Sealed: st.Info.Sealed, Ends: st.Info.Ends,
		Container: *st.Container, Document: *st.Document, Commitment: st.Commitment, Index: p.Index}, nil
}

// writeContainer stores the container and reads it back as a stranger would.
func (s *Sealer) writeContainer(ctx context.Context, st *depositState) error {
	plan, err := s.plan(st)
	if err != nil {
		return err
	}
	m := s.meta(st.Info.ID, "deposit.asice", deposit.MediaType, st.Info.Ends)
	m.Lock = true
	o, err := s.cfg.Vault.Write(ctx, m, func(w io.Writer) error {
		return plan.Write(ctx, w, deposit.Seal{Signature: st.Signature, Timestamp: st.Timestamp, Outside: st.Outside, Proof: st.Proof})
	})
	if err != nil {
		return err
	}
	r, err := s.cfg.Vault.OpenAt(ctx, o)
	if err != nil {
		return err
	}
	defer r.Close()
	roots := x509.NewCertPool()
	for _, c := range s.cfg.Roots {
		roots.AddCert(c)
	}
	report := deposit.Verify(r, r.Size(), deposit.Options{Roots: roots, Others: s.cfg.Others, LogKeys: s.cfg.Log.Keys()})
	if failed := report.Failed(); len(failed) > 0 {
		return fmt.Errorf("the container does not verify, %s: %s: %w", failed[0].Code, failed[0].Text, evidence.ErrCorrupt)
	}
	st.Container = &o
	return nil
}
