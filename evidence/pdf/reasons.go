package pdf

// The codes of Verify. A code without a sentence of its own does not exist:
// a test goes through all of them.
const (
	NoSignature     Code = "pdf.no-signature"
	ByteRange       Code = "pdf.byte-range"
	Padding         Code = "pdf.contents-padding"
	SubFilter       Code = "pdf.subfilter"
	Shadowed        Code = "pdf.signature-shadowed"
	NotARevision    Code = "pdf.not-a-revision"
	CMSMalformed    Code = "pdf.cms-malformed"
	DigestDiffers   Code = "pdf.digest"
	ValueWrong      Code = "pdf.signature-value"
	SignerMissing   Code = "pdf.signer-missing"
	CertIDWrong     Code = "pdf.cert-id"
	WeakAlgorithm   Code = "pdf.algorithm"
	NotPAdES        Code = "pdf.pades-attributes"
	Untrusted       Code = "pdf.chain-untrusted"
	CertExpired     Code = "pdf.cert-expired"
	CertRevoked     Code = "pdf.cert-revoked"
	KeyUsage        Code = "pdf.key-usage"
	StampMalformed  Code = "pdf.timestamp-malformed"
	StampDiffers    Code = "pdf.timestamp-digest"
	StampWrong      Code = "pdf.timestamp-signature"
	StampUntrusted  Code = "pdf.timestamp-untrusted"
	StampExpired    Code = "pdf.timestamp-expired"
	DocMDP          Code = "pdf.docmdp"
	FieldLocked     Code = "pdf.field-locked"
	UpdateMalformed Code = "pdf.update-malformed"
	Incomplete      Code = "pdf.incomplete"
	History         Code = "pdf.history"
	TrailingBytes   Code = "pdf.trailing-bytes"
	ChangedObject   Code = "pdf.change.object"
	ChangedCatalog  Code = "pdf.change.catalogue"
	ChangedForm     Code = "pdf.change.form"
	ChangedField    Code = "pdf.change.field"
	ChangedPage     Code = "pdf.change.page"
	ChangedTrailer  Code = "pdf.change.trailer"
	FilledIn        Code = "pdf.change.filled-in"
	AddedField      Code = "pdf.change.field-added"
	Removed         Code = "pdf.change.removed"
)

var reasons = map[Code]string{
	NoSignature:     "The document carries nobody's signature.",
	ByteRange:       "The signature does not cover its whole revision: its byte range is not the file without the signature value.",
	Padding:         "Something is hidden behind the signature value.",
	SubFilter:       "The signature is of a kind that this program does not check.",
	Shadowed:        "The signature that is shown is not the one that stood in the document when it was signed.",
	NotARevision:    "The signature does not end where a revision of the document ends.",
	CMSMalformed:    "The signature value is damaged.",
	DigestDiffers:   "The document was changed after signing.",
	ValueWrong:      "The signature value does not match the signer's key.",
	SignerMissing:   "The signer's certificate is missing.",
	CertIDWrong:     "The certificate is not the one that the signer signed with.",
	WeakAlgorithm:   "The signature uses an algorithm that is not supported or too weak.",
	NotPAdES:        "The signature lacks an attribute that PAdES requires, or has one that it forbids.",
	Untrusted:       "The signer's certificate does not lead to a trusted root.",
	CertExpired:     "The signer's certificate was not valid at the time of signing.",
	CertRevoked:     "The signer's certificate was revoked when the document was signed.",
	KeyUsage:        "The signer's certificate is not meant for signing documents.",
	StampMalformed:  "A timestamp is damaged.",
	StampDiffers:    "A timestamp belongs to something else.",
	StampWrong:      "The signature of a timestamp is wrong.",
	StampUntrusted:  "A timestamp does not come from a trusted authority.",
	StampExpired:    "A timestamp's certificate has ended and no later timestamp renewed it in time.",
	DocMDP:          "The document was signed again although its first signature forbids that.",
	FieldLocked:     "A field was signed that an earlier signature had locked.",
	UpdateMalformed: "Bytes were added after signing that are not a proper revision.",
	Incomplete:      "The document was not whole when it was signed: what was added later can show in it.",
	History:         "The revisions of the document do not follow on one another.",
	TrailingBytes:   "Bytes stand behind the end of the last revision.",
	ChangedObject:   "Something in the document was replaced after signing.",
	ChangedCatalog:  "The document's structure was changed after signing.",
	ChangedForm:     "The form was changed after signing.",
	ChangedField:    "A field was changed after signing otherwise than by signing it.",
	ChangedPage:     "A page was changed after signing.",
	ChangedTrailer:  "A later revision names another document.",
	FilledIn:        "Something that the document refers to was missing when it was signed, and was added after signing.",
	AddedField:      "A field was added after signing.",
	Removed:         "Something was removed from the document after signing.",
}

// Explain returns the plain sentence of a code, "" for an unknown one.
func Explain(c Code) string {
	if s, ok := reasons[c]; ok {
		return s
	}
	return refusals[c]
}

// Codes returns all codes of Inspect and Verify, in no order.
func Codes() []Code {
	var out []Code
	for c := range refusals {
		out = append(out, c)
	}
	for c := range reasons {
		out = append(out, c)
	}
	return out
}
