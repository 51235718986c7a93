package seal

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"time"

	"inkwitness/evidence"
	"inkwitness/evidence/pdf"
	"inkwitness/evidence/pdf/page"
)

// letterField is the invisible signature of the letter.
const letterField = "Seal"

// blankLetter is the letter of deposit before its signature: a page or two.
func (s *Sealer) blankLetter(in Contents, st *depositState) ([]byte, error) {
	var raw, prepared bytes.Buffer
	if err := s.letter(in, st).Write(&raw); err != nil {
		return nil, fmt.Errorf("letter of deposit: %w", err)
	}
	err := pdf.Prepare(&prepared, bytes.NewReader(raw.Bytes()), int64(raw.Len()), pdf.Preparation{Fields: []pdf.Field{{Name: letterField}}})
	if err != nil {
		return nil, fmt.Errorf("letter of deposit: %w", err)
	}
	return prepared.Bytes(), nil
}

// signLetter signs the letter of deposit as the service.
func (s *Sealer) signLetter(ctx context.Context, in Contents, st *depositState, save func(context.Context) error) (evidence.Object, error) {
	chain, err := st.Certificate.parse()
	if err != nil {
		return evidence.Object{}, err
	}
	req := pdf.Request{Field: letterField, Level: pdf.LevelT, Certify: true, Signer: chainOnly(chain), Time: st.Info.Sealed,
		Name: s.cfg.Service, Reason: "Letter of deposit"}
	return s.signPDF(ctx, s.cfg.Own, *st.Blank, req, st.Certificate.ID, &st.Next, s.meta(in.Deposit, "parts.letter-of-deposit.pdf", "application/pdf", st.Info.Ends), save)
}

// letter is the readable report.
func (s *Sealer) letter(in Contents, st *depositState) *page.Document {
	info := st.Info
	d := page.New(page.Config{Title: "Letter of deposit", Author: s.cfg.Service, Language: "en", Created: info.Sealed, Footer: "Deposit " + info.ID})
	d.Heading(1, "Letter of deposit")
	d.Paragraph(fmt.Sprintf("%s certifies that the document described below was signed by the persons named, as recorded, and deposited on %s. It is kept until %s.",
		s.cfg.Service, info.Sealed.Format("2 January 2006, 15:04:05 UTC"), info.Ends.Format("2 January 2006")))
	d.Table(page.Table{Widths: []float64{1, 3}, Rows: [][]string{
		{"Deposit", info.ID}, {"Title", info.Title}, {"Document", fmt.Sprintf("contract-signed.pdf, %d bytes", st.Document.Size)},
		{"SHA-256", st.Document.SHA256.String()}, {"Sealed", info.Sealed.Format(time.RFC3339)}, {"Kept until", info.Ends.Format(time.DateOnly)}, {"Log", info.Log.Origin},
	}})
	d.Heading(2, "Signed by")
	people := page.Table{Widths: []float64{3, 2, 2, 3}, Header: []string{"Name", "Signed", "Certificate by", "Comparison with references"}}
	for _, p := range in.Signers {
		people.Rows = append(people.Rows, []string{p.Name, p.SignedAt.UTC().Format("2006-01-02 15:04:05 UTC"), cmp.Or(p.Provider, s.cfg.Service), orNone(p.Finding)})
	}
	d.Table(people)
	faces := page.Table{Widths: []float64{3, 7}, Header: []string{"Name", "Face in the video"}}
	for _, p := range in.Signers {
		if p.FaceFinding != "" {
			faces.Rows = append(faces.Rows, []string{p.Name, p.FaceFinding})
		}
	}
	if len(faces.Rows) > 0 {
		d.Paragraph("The face in the selfie video is a finding of its own; nothing of it is part of the comparison of the signatures.")
		d.Table(faces)
	}
	d.Heading(2, "What was recorded")
	files := page.Table{Widths: []float64{2, 1, 4}, Header: []string{"File", "Bytes", "SHA-256"}}
	for _, p := range in.Signers {
		if len(p.Recording) == 0 {
			d.Paragraph(fmt.Sprintf("Nothing was recorded of %s, who signed by typing the name.", p.Name))
		}
		for _, f := range p.Recording {
			files.Rows = append(files.Rows, []string{p.ID + "/" + f.Name, fmt.Sprint(f.Object.Size), f.Object.SHA256.String()})
		}
	}
	holds := "the signed document and the chain of custody"
	if len(files.Rows) > 0 {
		d.Table(files)
		holds = "the signed document, the recording of how it was signed, and the chain of custody"
	}
	d.Heading(2, "What this proves")
	d.Paragraph("The container that this letter lies in holds " + holds + ". A signature and a timestamp cover every file; an entry in a public log shows that the seal existed when it says. VERIFY.txt explains how to check all of it without us.")
	return d
}

func orNone(s string) string {
	if s == "" {
		return "none was made"
	}
	return s
}
