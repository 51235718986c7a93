package deposit

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"inkwitness/evidence"
	"inkwitness/evidence/pdf"
)

// readPDF looks at the signatures of a PDF; false where it is missing or unreadable.
func (v *verifier) readPDF(name, what, code string) (pdf.Report, bool) {
	e, ok := v.archive.find(name)
	if !ok {
		v.fails(CodeMissing, name, "The %s is missing.", what)
		return pdf.Report{}, false
	}
	at := v.stamped
	if at.IsZero() {
		at = v.info.Sealed
	}
	report, err := pdf.Verify(v.archive.open(e), e.size, pdf.Options{Roots: v.roots, At: at})
	if err != nil {
		v.fails(code, name, "The %s cannot be read: %v.", what, err)
		return pdf.Report{}, false
	}
	return report, true
}

// letter checks the signature of the letter of deposit, which people read: by the
// certificate of this one seal, over the whole file and with nothing after it. Its
// words stay the service's: a PDF can show other glyphs than its text says, so
// that what to compare is told to the reader instead.
func (v *verifier) letter() {
	report, ok := v.readPDF(LetterName, "letter of deposit", CodeLetter)
	if !ok {
		return
	}
	for _, f := range report.Findings {
		v.fails(CodeLetter, LetterName, "The signature of the letter of deposit does not hold. %s", f.Sentence)
	}
	if !report.OK || v.sealer == nil {
		return
	}
	if s := report.Signatures; len(s) != 1 || s[0].Timestamp || !s[0].WholeFile || !s[0].Certificate.Equal(v.sealer) {
		v.fails(CodeLetter, LetterName, "The letter of deposit is not signed, as a whole and by nobody else, with the certificate of the seal.")
		return
	}
	v.holds(CodeLetter, LetterName, "The letter of deposit is signed as a whole with the certificate of the seal. What it says is not compared with the files: it must name deposit %q and, for the document, the SHA-256 %s.",
		v.info.ID, v.found[DocumentName])
}

// document checks the signed PDF by itself and that all signers signed it.
func (v *verifier) document() {
	report, ok := v.readPDF(DocumentName, "signed document", CodeDocument)
	if !ok {
		return
	}
	for _, f := range report.Findings {
		v.fails(string(f.Code), DocumentName, "%s %s", f.Sentence, f.Where)
	}
	if report.OK {
		v.holds(CodeDocument, DocumentName, "The document carries %d good signatures and nothing that was added otherwise.", len(report.Signatures))
	}
	v.signers(report)
}

func (v *verifier) signers(report pdf.Report) {
	var names []string
	for _, s := range v.info.Signers {
		i := slices.IndexFunc(report.Signatures, func(r pdf.SignatureReport) bool { return r.Field == s.Field })
		if i < 0 || report.Signatures[i].Signer != shorten(cmp.Or(s.Certified, s.Name)) {
			v.fails(CodeSigners, DocumentName, "%q has not signed the document in field %q.", s.Name, s.Field)
			continue
		}
		if p := evidence.PurposeOf(report.Signatures[i].Certificate); p != "" && p != evidence.ForSigner {
			v.fails(CodePurpose, DocumentName, "The certificate of %q is not for signing documents.", s.Name)
			continue
		}
		switch {
		case s.Certified != "":
			names = append(names, fmt.Sprintf("%s (whose certificate by %s is in the name of %q)", s.Name, s.Provider, s.Certified))
		case s.Provider != "":
			names = append(names, fmt.Sprintf("%s (certificate by %s)", s.Name, s.Provider))
		default:
			names = append(names, s.Name)
		}
	}
	if v.described && len(names) == len(v.info.Signers) {
		v.holds(CodeSigners, DocumentName, "Signed by %s.", strings.Join(names, ", "))
	}
}

// shorten cuts a name as a certificate must (X.520, at most 64 characters).
func shorten(name string) string {
	r := []rune(name)
	return string(r[:min(64, len(r))])
}
