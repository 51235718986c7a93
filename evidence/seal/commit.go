package seal

import (
	"bytes"
	"context"
	"crypto"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"time"

	"inkwitness/evidence"
	"inkwitness/evidence/cms"
	"inkwitness/evidence/deposit"
	"inkwitness/evidence/pdf"
)

// Contents is what goes into a deposit.
type Contents struct {
	Deposit  string
	Title    string
	Document evidence.Object // the newest revision, signed by everybody
	Signers  []Signed
	Audit    []json.RawMessage // events in their order; each a JSON object with what, who and when
}

// Signed is one person with what was recorded of the signing. JSON documents
// are put in as given; an empty one is left out.
type Signed struct {
	Person
	Field       string
	Provider    string // of the certificate, empty for the service's own authority
	Certified   string // the name in that provider's certificate
	SignedAt    time.Time
	Finding     string // the comparison's outcome in words, for the letter
	Recording   []File
	Comparison  json.RawMessage
	Face        json.RawMessage // the finding about the face in the video, apart from the comparison
	FaceFinding string          // the same in words
	Consents    json.RawMessage
	Device      json.RawMessage
}

// File is a stored file of a recording.
type File struct {
	Name   string
	Object evidence.Object
}

// part is a file of the container as kept.
type part struct {
	Path   string `json:"path"`
	Object piece  `json:"object"`
}

// depositState is the state of one deposit.
type depositState struct {
	Step        evidence.Step       `json:"step"`
	Certificate certificate         `json:"certificate"`
	Info        deposit.Info        `json:"info"`
	Document    *evidence.Object    `json:"document,omitempty"`
	Blank       *piece              `json:"blank,omitempty"` // the letter before it is signed
	Next        signature           `json:"next"`            // of the letter
	Parts       []part              `json:"parts"`
	Value       value               `json:"value"` // over the container's list
	Signature   []byte              `json:"signature,omitempty"`
	Outside     []byte              `json:"outside,omitempty"` // token of the outside authority
	Timestamp   []byte              `json:"timestamp,omitempty"`
	Commitment  evidence.Commitment `json:"commitment"`
	Proof       []byte              `json:"proof,omitempty"`
	Container   *evidence.Object    `json:"container,omitempty"`
}

// Commit collects everything, signs and stamps the container's list, and
// returns the commitment. The caller puts it into the log's outbox in the
// transaction in which it notes that the deposit is committed; then it calls
// Deposit.
func (s *Sealer) Commit(ctx context.Context, in Contents, kept []byte, keep Keep) (evidence.Commitment, error) {
	st := &depositState{Step: evidence.StepIntent}
	if err := restore(kept, st); err != nil {
		return evidence.Commitment{}, err
	}
	if st.Timestamp != nil {
		return st.Commitment, nil
	}
	save := saver(st, keep)
	if err := save(ctx); err != nil { // intent before effect
		return evidence.Commitment{}, err
	}
	if err := s.startDeposit(ctx, in, st, save); err != nil {
		return evidence.Commitment{}, err
	}
	if err := s.finishDocument(ctx, in, st, save); err != nil {
		return evidence.Commitment{}, fmt.Errorf("finish document: %w", err)
	}
	if err := s.collect(ctx, in, st, save); err != nil {
		return evidence.Commitment{}, fmt.Errorf("collect: %w", err)
	}
	if err := s.signList(ctx, st, save); err != nil {
		return evidence.Commitment{}, fmt.Errorf("sign container: %w", err)
	}
	return st.Commitment, nil
}

// startDeposit gets the certificate of this one seal and fixes what the
// deposit says of itself.
func (s *Sealer) startDeposit(ctx context.Context, in Contents, st *depositState, save func(context.Context) error) error {
	c, renewed, err := s.certify(ctx, s.cfg.Own, st.Certificate, evidence.CredentialRequest{ID: in.Deposit + "/seal", Subject: in.Deposit,
		Deposit: in.Deposit, Name: s.cfg.Service + " deposit seal"})
	if err != nil || !renewed {
		return err
	}
	sealed := s.cfg.Clock.Now().UTC().Truncate(time.Second)
	info := deposit.Info{ID: in.Deposit, Title: in.Title, Sealed: sealed, Ends: s.ends(sealed), Service: s.cfg.Service,
		Log: deposit.Log{Origin: s.cfg.Log.Origin(), Keys: vkeys(s.cfg.Log.Keys()), Witnesses: vkeys(s.cfg.Witnesses), Need: s.cfg.Need}}
	rand.Read(info.Salt[:]) // never fails, see crypto/rand
	for _, p := range in.Signers {
		signer := deposit.Signer{Folder: p.ID, Name: p.Name, Field: p.Field, Provider: p.Provider}
		if p.Provider != "" && p.Certified != p.Name {
			signer.Certified = p.Certified
		}
		info.Signers = append(info.Signers, signer)
	}
	*st = depositState{Step: evidence.StepCertificates, Certificate: c, Info: info}
	return save(ctx)
}

// finishDocument adds validation data and an archive timestamp to the document
// (PAdES B-LTA), so that it stands without the container too.
func (s *Sealer) finishDocument(ctx context.Context, in Contents, st *depositState, save func(context.Context) error) error {
	if st.Document != nil {
		return nil
	}
	revocation, err := s.revocation(ctx, st)
	if err != nil {
		return err
	}
	o, err := s.rewrite(ctx, piece{Object: in.Document}, s.meta(in.Deposit, "signed.pdf", "application/pdf", st.Info.Ends), func(w io.Writer, r io.ReaderAt, size int64) error {
		return pdf.Extend(ctx, w, r, size, pdf.Extension{Level: pdf.LevelLTA, Timestamper: s.inDocument,
			Revocation: pdf.Revocation{Certificates: s.allRoots(), CRLs: revocation.CRLs, OCSPs: revocation.OCSPs}})
	})
	if err != nil {
		return err
	}
	st.Document, st.Step = &o, evidence.StepDocument
	return save(ctx)
}

func (s *Sealer) revocation(ctx context.Context, st *depositState) (evidence.Revocation, error) {
	chain, err := st.Certificate.parse()
	if err != nil {
		return evidence.Revocation{}, err
	}
	return s.cfg.Revoker.Revocation(ctx, chain)
}

// collect stores every part that is not stored yet and fixes the list.
func (s *Sealer) collect(ctx context.Context, in Contents, st *depositState, save func(context.Context) error) error {
	if st.Step == evidence.StepCollected {
		return nil
	}
	if st.Parts == nil {
		if err := s.storeSmall(ctx, in, st); err != nil {
			return err
		}
		if err := save(ctx); err != nil { // before something is made of the letter
			return err
		}
	}
	letter, err := s.signLetter(ctx, in, st, save)
	if err != nil {
		return fmt.Errorf("letter of deposit: %w", err)
	}
	st.Parts, st.Step, st.Next = append(st.Parts, part{deposit.LetterName, piece{Object: letter}}), evidence.StepCollected, signature{}
	return save(ctx)
}

// storeSmall stores the small files and the letter that is to be signed, and notes them
// with what is stored already as the parts.
func (s *Sealer) storeSmall(ctx context.Context, in Contents, st *depositState) error {
	own, of, err := s.documents(ctx, in, st)
	if err != nil {
		return err
	}
	letter, err := s.blankLetter(in, st)
	if err != nil {
		return err
	}
	parts := []part{{deposit.DocumentName, piece{Object: *st.Document}}}
	m := s.meta(in.Deposit, "parts.deposit", "", st.Info.Ends)
	stored, err := s.bundle(ctx, m, append(own, document{data: letter}))
	if err != nil {
		return err
	}
	blank := stored[len(own)].Object
	parts = append(parts, stored[:len(own)]...)
	for i, p := range in.Signers {
		if len(of[i]) > 0 {
			m := s.meta(in.Deposit, "parts."+p.ID, "", st.Info.Ends)
			m.Subject = p.Subject
			if stored, err = s.bundle(ctx, m, of[i]); err != nil {
				return err
			}
			parts = append(parts, stored...)
		}
		for _, f := range p.Recording {
			parts = append(parts, part{"data/capture/" + p.ID + "/" + f.Name, piece{Object: f.Object}})
		}
	}
	st.Parts = parts
	if st.Blank == nil { // else a signature may be under way
		st.Blank = &blank
	}
	return nil
}

// document is a small file of the container.
type document struct {
	path string
	data []byte
}

// documents makes the small files: those under the deposit's own key, and those under
// the key of each signer.
func (s *Sealer) documents(ctx context.Context, in Contents, st *depositState) (own []document, of [][]document, err error) {
	audit, err := deposit.Chain(in.Audit)
	if err != nil {
		return nil, nil, err
	}
	revocation, err := s.revocation(ctx, st)
	if err != nil {
		return nil, nil, err
	}
	own = []document{{deposit.AuditName, audit}, {deposit.RootsName, encodeRoots(s.allRoots())}}
	for i, crl := range revocation.CRLs {
		own = append(own, document{fmt.Sprintf("data/validation/revocation-%d.crl", i+1), crl})
	}
	for i, ocsp := range revocation.OCSPs {
		own = append(own, document{fmt.Sprintf("data/validation/revocation-%d.ors", i+1), ocsp})
	}
	of = make([][]document, len(in.Signers))
	for i, p := range in.Signers {
		for _, d := range []document{
			{"data/comparison/" + p.ID + ".json", p.Comparison},
			{"data/capture/" + p.ID + "/consents.json", p.Consents},
			{"data/capture/" + p.ID + "/device.json", p.Device},
			{"data/capture/" + p.ID + "/face.json", p.Face},
		} {
			if len(d.data) > 0 {
				of[i] = append(of[i], d)
			}
		}
	}
	return own, of, nil
}

func encodeRoots(roots []*x509.Certificate) []byte {
	var b bytes.Buffer
	for _, c := range roots {
		fmt.Fprintf(&b, "# %s\n", c.Subject)
		b.Write(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Raw}))
	}
	return b.Bytes()
}

// plan is the container of the kept list: always the same.
func (s *Sealer) plan(st *depositState) (*deposit.Plan, error) {
	var parts []deposit.Part
	for _, p := range st.Parts {
		parts = append(parts, s.part(p))
	}
	return deposit.NewPlan(st.Info, parts)
}

// signList signs the container's list, stamps the signature, and stamps both.
func (s *Sealer) signList(ctx context.Context, st *depositState, save func(context.Context) error) error {
	plan, err := s.plan(st)
	if err != nil {
		return err
	}
	if st.Signature == nil {
		if st.Signature, err = s.signManifest(ctx, st, plan.Manifest(), save); err != nil {
			return err
		}
		if err := save(ctx); err != nil {
			return err
		}
	}
	if s.cfg.Outside != nil && st.Outside == nil {
		digest := sha256.Sum256(plan.OutsideManifest(st.Signature))
		if st.Outside, err = s.cfg.Outside.Timestamp(ctx, crypto.SHA256, digest[:]); err != nil {
			return fmt.Errorf("outside timestamp: %w", err)
		}
		if err := save(ctx); err != nil {
			return err
		}
	}
	digest := sha256.Sum256(plan.StampManifest(st.Signature))
	if st.Timestamp, err = s.cfg.Timestamper.Timestamp(ctx, crypto.SHA256, digest[:]); err != nil {
		return err
	}
	st.Commitment, st.Step = plan.Commitment(st.Signature, st.Timestamp, st.Outside), evidence.StepSigned
	return save(ctx)
}

// signManifest makes the CAdES signature at level B-T.
func (s *Sealer) signManifest(ctx context.Context, st *depositState, manifest []byte, save func(context.Context) error) ([]byte, error) {
	chain, err := st.Certificate.parse()
	if err != nil {
		return nil, err
	}
	hash := cms.HashFor(chain[0].PublicKey)
	h := hash.New()
	h.Write(manifest)
	draft, err := cms.NewDraft(cms.Params{Chain: chain, Hash: hash, Digest: h.Sum(nil), SigningTime: st.Info.Sealed})
	if err != nil {
		return nil, err
	}
	digest, opts := draft.ToSign()
	if err := sign(ctx, s.cfg.Own, &st.Value, st.Certificate.ID, digest, opts, save); err != nil {
		return nil, err
	}
	der, err := draft.Finish(st.Value.Raw)
	if err != nil {
		return nil, err
	}
	over := sha256.Sum256(st.Value.Raw)
	token, err := s.cfg.Timestamper.Timestamp(ctx, crypto.SHA256, over[:])
	if err != nil {
		return nil, err
	}
	return cms.AddTimestamp(der, token)
}
