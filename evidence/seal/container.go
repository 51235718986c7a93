package seal

import (
	"context"
	"crypto/x509"
	"fmt"
	"io"

	"inkwitness/evidence"
	"inkwitness/evidence/deposit"
	"inkwitness/evidence/proof"
)

// Deposit writes the container of a committed seal and returns it.
// evidence.ErrPending means that the log has not answered yet. A container
// that does not verify is an error: it is never handed out.
func (s *Sealer) Deposit(ctx context.Context, kept []byte, keep Keep) (evidence.Deposit, error) {
	st := &depositState{}
	if err := restore(kept, st); err != nil {
		return evidence.Deposit{}, err
	}
	if st.Timestamp == nil {
		return evidence.Deposit{}, fmt.Errorf("deposit is not committed: %w", evidence.ErrPending)
	}
	if st.Step == evidence.StepDeposited {
		return result(st)
	}
	save := saver(st, keep)
	if st.Proof == nil {
		var err error
		if st.Proof, err = s.cfg.Log.Proof(ctx, st.Commitment); err != nil {
			return evidence.Deposit{}, err
		}
		st.Step = evidence.StepSequenced
		if err := save(ctx); err != nil {
			return evidence.Deposit{}, err
		}
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
