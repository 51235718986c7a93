package seal

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"inkwitness/evidence"
	"inkwitness/evidence/pdf"
)

// signState is the state of one person's signature.
type signState struct {
	Step        evidence.Step `json:"step"`
	Certificate certificate   `json:"certificate"`
	Time        time.Time     `json:"time"` // of signing, as the document will claim
	Prepared    bool          `json:"prepared"`
	Current     piece         `json:"current"`
	Done        int           `json:"done"` // fields signed
	Next        signature     `json:"next"`
}

// signature is one PDF signature in the making.
type signature struct {
	Draft   *pdf.Draft `json:"draft,omitempty"`
	Value   value      `json:"value"`
	Message []byte     `json:"message,omitempty"` // CMS with its timestamp
}

// Sign adds one person's signature to every field of theirs and returns the
// new revision, stored. evidence.ErrPending means that the person has to
// consent at the provider first; the kept state says where.
func (s *Sealer) Sign(ctx context.Context, in Signing, kept []byte, keep Keep) (evidence.Object, error) {
	st := &signState{Step: evidence.StepIntent}
	if err := restore(kept, st); err != nil {
		return evidence.Object{}, err
	}
	if st.Step == evidence.StepDocument {
		return st.Current.Object, nil
	}
	if len(in.Fields) == 0 || in.Signer.Name == "" {
		return evidence.Object{}, errors.New("seal: a signer needs a name and a field")
	}
	by, err := s.provider(in.Provider)
	if err != nil {
		return evidence.Object{}, err
	}
	save := saver(st, keep)
	if err := save(ctx); err != nil { // intent before effect
		return evidence.Object{}, err
	}
	if err := s.startSigning(ctx, by, in, st, save); err != nil {
		return evidence.Object{}, err
	}
	for st.Done < len(in.Fields) {
		if err := s.signNext(ctx, by, in, st, save); err != nil {
			return evidence.Object{}, fmt.Errorf("sign field %d: %w", st.Done+1, err)
		}
	}
	if err := by.Release(ctx, st.Certificate.ID); err != nil {
		return evidence.Object{}, err
	}
	st.Step = evidence.StepDocument
	return st.Current.Object, save(ctx)
}

// startSigning gets the certificate and prepares the fields. A new certificate
// starts the signature again from the revision that it was asked for.
func (s *Sealer) startSigning(ctx context.Context, by evidence.Provider, in Signing, st *signState, save func(context.Context) error) error {
	c, renewed, err := s.certify(ctx, by, st.Certificate, evidence.CredentialRequest{ID: in.Deposit + "/" + in.Signer.ID,
		Subject: in.Signer.Subject, Deposit: in.Deposit, Name: in.Signer.Name, Email: in.Signer.Email})
	if err != nil {
		return err
	}
	if renewed {
		*st = signState{Step: evidence.StepCertificates, Certificate: c, Time: s.cfg.Clock.Now().UTC().Truncate(time.Second), Current: piece{Object: in.Current}}
		if err := save(ctx); err != nil {
			return err
		}
	}
	if st.Prepared || len(in.Prepare) == 0 {
		return nil
	}
	var p pdf.Preparation
	for _, f := range in.Prepare {
		field := pdf.Field{Name: f.Name, Page: f.Page, Rect: pdf.Rect{X: f.X, Y: f.Y, W: f.Width, H: f.Height}}
		if len(f.Fills) > 0 {
			field.Lock = &pdf.Lock{Action: pdf.LockInclude, Fields: f.Fills}
		}
		p.Fields = append(p.Fields, field)
	}
	for _, f := range in.Forms {
		p.Forms = append(p.Forms, pdf.Form{
			Name: f.Name, Label: f.Label, Page: f.Page, Rect: pdf.Rect{X: f.X, Y: f.Y, W: f.Width, H: f.Height}, Check: f.Check, Value: f.Value,
		})
	}
	r, err := s.openAt(ctx, st.Current)
	if err != nil {
		return fmt.Errorf("prepare document: %w", err)
	}
	defer r.Close()
	tail, err := pdf.PreparedTail(r, r.Size(), p)
	if err != nil {
		return fmt.Errorf("prepare document: %w", err)
	}
	if len(tail) > maxTail {
		o, err := s.cfg.Vault.Write(ctx, s.meta(in.Deposit, "work.prepared.pdf", "application/pdf", s.ends(st.Time)), func(w io.Writer) error {
			_, err := io.Copy(w, io.MultiReader(io.NewSectionReader(r, 0, r.Size()), bytes.NewReader(tail)))
			return err
		})
		if err != nil {
			return fmt.Errorf("prepare document: %w", err)
		}
		st.Current = piece{Object: o}
	} else {
		st.Current.Tail = tail
	}
	st.Prepared = true
	return save(ctx)
}

// maxTail is how much of a document the state of its signature may hold, bytes. Fields are
// a few kB; a text of the sender's in many letters, or a page that says much of itself, is
// stored with the document.
const maxTail = 128 << 10

// signNext signs the next field.
func (s *Sealer) signNext(ctx context.Context, by evidence.Provider, in Signing, st *signState, save func(context.Context) error) error {
	chain, err := st.Certificate.parse()
	if err != nil {
		return err
	}
	req := pdf.Request{Field: in.Fields[st.Done], Level: pdf.LevelT, Certify: len(in.Prepare) > 0 && st.Done == 0, Signer: chainOnly(chain),
		Time: st.Time, Name: in.Signer.Name, Reason: in.Reason,
		Appearance: pdf.Appearance{Strokes: strokes(in.Handwriting), Name: in.Signer.Name, Time: st.Time.Format("2006-01-02 15:04 UTC"), Lines: in.Notes}}
	if st.Done == 0 {
		req.Fill = in.Fill
	}
	name := fmt.Sprintf("work.%s-%d.pdf", in.Signer.ID, st.Done+1)
	o, err := s.signPDF(ctx, by, st.Current, req, st.Certificate.ID, &st.Next, s.meta(in.Deposit, name, "application/pdf", s.ends(st.Time)), save)
	if err != nil {
		return err
	}
	st.Current, st.Next = piece{Object: o}, signature{}
	st.Done++
	return save(ctx)
}

// signPDF makes one signature: draft, value, message and file, each kept
// before the next.
func (s *Sealer) signPDF(ctx context.Context, by evidence.Provider, current piece, req pdf.Request, credential string, sig *signature, m evidence.Meta, save func(context.Context) error) (evidence.Object, error) {
	if sig.Draft == nil {
		draft, err := s.draft(ctx, current, req)
		if err != nil {
			return evidence.Object{}, err
		}
		sig.Draft = draft
		if err := save(ctx); err != nil {
			return evidence.Object{}, err
		}
	}
	digest, opts, err := sig.Draft.ToSign()
	if err != nil {
		return evidence.Object{}, err
	}
	if err := sign(ctx, by, &sig.Value, credential, digest, opts, save); err != nil {
		return evidence.Object{}, err
	}
	if sig.Message == nil {
		if sig.Message, err = sig.Draft.CMS(ctx, sig.Value.Raw, s.inDocument); err != nil {
			return evidence.Object{}, err
		}
		if err := save(ctx); err != nil {
			return evidence.Object{}, err
		}
	}
	return s.rewrite(ctx, current, m, func(w io.Writer, r io.ReaderAt, size int64) error {
		return sig.Draft.Finish(w, r, size, sig.Message)
	})
}

func (s *Sealer) draft(ctx context.Context, current piece, req pdf.Request) (*pdf.Draft, error) {
	r, err := s.openAt(ctx, current)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	return pdf.Start(r, r.Size(), req)
}

// rewrite stores what f makes of a piece.
func (s *Sealer) rewrite(ctx context.Context, from piece, m evidence.Meta, f func(w io.Writer, r io.ReaderAt, size int64) error) (evidence.Object, error) {
	r, err := s.openAt(ctx, from)
	if err != nil {
		return evidence.Object{}, err
	}
	defer r.Close()
	return s.cfg.Vault.Write(ctx, m, func(w io.Writer) error { return f(w, r, r.Size()) })
}
