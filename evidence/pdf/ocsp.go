package pdf

import (
	"crypto/x509"
	"time"

	"golang.org/x/crypto/ocsp"
)

// ocsp looks a certificate up in the stored OCSP answers.
func (s *store) ocsp(cert, issuer *x509.Certificate, at time.Time) (good, revoked bool) {
	for _, b := range s.ocsps {
		r, err := ocsp.ParseResponseForCert(b, cert, issuer) // checks the answer's signature
		if err != nil || !r.NextUpdate.IsZero() && r.NextUpdate.Before(at) {
			continue
		}
		switch r.Status {
		case ocsp.Good:
			good = true
		case ocsp.Revoked:
			if !r.RevokedAt.After(at) {
				return false, true
			}
			good = true
		}
	}
	return good, false
}
