package deposit

import (
	"crypto/x509"
	"strings"
	"time"

	"inkwitness/evidence"
	"inkwitness/evidence/cms"
)

// byService checks who signed for the service: its own authority, with a
// certificate that is for this. The authority certifies signers too, and the
// authorities of other providers certify whoever is their customer: a way to a
// root alone would make each of them the service.
func (v *verifier) byService(s *cms.Signed, at time.Time, part string, purpose evidence.Purpose) bool {
	if !v.chain(s, v.service, at, part) {
		return false
	}
	stated := evidence.PurposeOf(s.Signer)
	switch {
	case stated == "" && v.earlier(s.Signer, purpose):
		v.unknown(CodePurpose, part, "The certificate of %q does not say what it is for, as none did that an earlier release made. Its name is the one that was given for this.", s.Signer.Subject.CommonName)
	case stated != purpose:
		v.fails(CodePurpose, part, "The certificate of %q is not for %s.", s.Signer.Subject.CommonName, purposeNames[purpose])
		return false
	case purpose == evidence.ForSeal && v.described && s.Signer.Subject.SerialNumber != shorten(v.info.ID):
		v.fails(CodePurpose, part, "The certificate of %q is for sealing deposit %q, not this one.", s.Signer.Subject.CommonName, s.Signer.Subject.SerialNumber)
		return false
	default:
		v.holds(CodePurpose, part, "The certificate of %q is for %s.", s.Signer.Subject.CommonName, purposeNames[purpose])
	}
	return true
}

var purposeNames = map[evidence.Purpose]string{evidence.ForSeal: "sealing this deposit", evidence.ForErasure: "statements of erasures"}

// earlier reports whether a certificate is named as those were that releases
// before the purposes made for them. No certificate of a person was named so: an
// organisation stands in no person's, and a deposit's number in none. A new one
// cannot pass for an earlier one, as each says what it is for; and a timestamp
// shows that the seal was made while its certificate lived, which was a day.
func (v *verifier) earlier(c *x509.Certificate, purpose evidence.Purpose) bool {
	if len(c.EmailAddresses) > 0 || !c.BasicConstraintsValid || c.IsCA {
		return false
	}
	name := c.Subject
	if purpose == evidence.ForSeal {
		return v.described && len(name.Names) == 2 && name.CommonName == shorten(v.info.Service+" deposit seal") && name.SerialNumber == shorten(v.info.ID)
	}
	return name.SerialNumber == "" && len(name.Organization) == 1 && strings.HasPrefix(name.CommonName, shorten(name.Organization[0]+" receipts "))
}
