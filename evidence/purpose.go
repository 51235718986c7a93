package evidence

import (
	"crypto/x509"
	"strings"
)

// Purpose is what a certificate of the service's own authority is for: one of its
// certificate policies (RFC 5280, section 4.2.1.4). It is a policy and no extended
// key usage because validators of PDF and CMS signatures disagree on the usages
// that they ask for, and leave policies alone.
type Purpose string

// purposes is the arc of the identifiers: a UUID, which needs no registration
// (ITU-T X.667).
const purposes = "2.25.166206293623285054659722157919725946327."

// The purposes. They never change their meaning.
const (
	ForSigner  Purpose = purposes + "1" // a person's signature of a document, or the service's of a report
	ForSeal    Purpose = purposes + "2" // of one deposit, which the certificate names
	ForReceipt Purpose = purposes + "3" // that objects were deleted
	ForErasure Purpose = purposes + "4" // that files of a deposit were erased by right
)

// OID is the identifier as certificates carry it.
func (p Purpose) OID() x509.OID {
	id, err := x509.ParseOID(string(p))
	if err != nil {
		panic(err) // not one of the above
	}
	return id
}

// PurposeOf returns the purpose that a certificate states, "" where it states
// none. One that states several is for none of them.
func PurposeOf(c *x509.Certificate) Purpose {
	var stated []string
	for _, policy := range c.Policies {
		if id := policy.String(); strings.HasPrefix(id, purposes) {
			stated = append(stated, id)
		}
	}
	return Purpose(strings.Join(stated, " "))
}
